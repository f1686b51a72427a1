"""Which control plane, and as whom."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from warpdrive.entrypoints.ctl.main import main
from warpdrive.entrypoints.ctl.server import Server, ServerAddress


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with a token."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".config" / "warpdrive"
    folder.mkdir(parents=True)
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text("wd_mine\n")
    return tmp_path


def test_the_token_of_ones_own_home_is_used(home: Path) -> None:
    """Where none is named; its secret shows in no repr."""
    credential = Server().credential()
    assert credential.secret == "wd_mine"
    assert str(home / ".config/warpdrive/token") in credential.words
    assert not credential.warnings
    assert "wd_mine" not in repr(credential)


def test_a_named_file_wins(home: Path) -> None:
    """And its home may be written as ~."""
    (home / "other").touch(mode=0o600)
    (home / "other").write_text("wd_other")
    assert Server(token_file=Path("~/other")).credential().secret == "wd_other"


def test_a_file_that_others_can_read_is_warned_of(home: Path) -> None:
    """With the command that mends it."""
    file = home / ".config" / "warpdrive" / "token"
    file.chmod(0o640)
    assert Server().credential().warnings == (f"{file} can be read by others (mode 0640); chmod 600 {file}",)


def test_the_warning_goes_to_standard_error(home: Path) -> None:
    """Beside whatever else is said."""
    (home / ".config" / "warpdrive" / "token").chmod(0o644)
    result = CliRunner().invoke(main, ["--server", "http://127.0.0.1:1", "whoami"])
    assert result.exit_code == 1
    assert result.stderr.startswith("warning: ")


@pytest.mark.parametrize("content", ["", "\n", "two words", "wd_\x00", "wd_é", "a\nb"])
def test_a_file_that_holds_no_token(home: Path, content: str) -> None:
    """Named: a fault that does not quote it. Found: as if it were not there, but said."""
    file = home / "other"
    file.write_text(content)
    with pytest.raises(click.ClickException, match="it holds no token"):
        Server(token_file=file).credential()
    credential = Server(token_files=("~/other", "~/gone")).credential()
    assert credential.secret is None
    assert "not readable: " in credential.words


def test_a_named_file_that_is_not_there(home: Path) -> None:
    """Names it, and what to do."""
    with pytest.raises(click.ClickException, match=r"gone: No such file .* --token-file or WARPDRIVE_TOKEN_FILE"):
        Server(token_file=home / "gone").credential()


def test_a_token_in_the_clear_is_warned_of(home: Path) -> None:
    """On its way to another machine; not to this one, not inside TLS."""
    del home
    for url in ("http://127.0.0.1:8090", "http://localhost", "http://[::1]:1", "https://plane.example"):
        assert not Server(url).credential().warnings
    assert "unencrypted" in Server("http://plane.example:8090").credential().warnings[0]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8090/", "http://127.0.0.1:8090"),
        ("plane.example:8090", "http://plane.example:8090"),
        ("https://plane.example", "https://plane.example"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    """A scheme may be left out, a last slash does no harm."""
    assert ServerAddress().convert(text, None, None) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://x",
        "http://user:pw@x",
        "http://x:99999",
        "http://x/?q",
        "http://a b",
        "http://a..b",
        "http://xn--",
        "http://256.1.1.1",
    ],
)
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    """Exit status 2."""
    result = CliRunner().invoke(main, ["--server", text, "whoami"])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output


def test_an_unreadable_default_is_passed_over(home: Path) -> None:
    """A control plane's own token is not for everybody: that is said when none was sent."""
    (home / "folder").mkdir()
    first = Server(token_files=("~/folder", "~/.config/warpdrive/token")).credential()
    assert first.secret == "wd_mine"
    credential = Server(token_files=("~/folder", "~/gone")).credential()
    assert credential.secret is None
    assert f"not readable: {home}/folder ({os.strerror(21)})" in credential.words
