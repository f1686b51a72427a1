"""Log lines as an operator gets them, and secrets, which nobody gets."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from warpdrive.adapters.observability.logging import LogFormat, configure_logging
from warpdrive.application.ports.credentials import AccessKey, AccountKey, Login, SasToken

SECRETS = (
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "FwoGZXIvYXdzEJr//session+token==",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==",
    "sv=2022-11-02&ss=b&sig=Zm9vYmFyYmF6cXV1eA%3D%3D",
    "p\"ä\\ss wörd's",
)
"""One of each kind that `auth: {method: static}` can hold."""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Give the process back its logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)  # noqa: FBT003 - the standard library's signature
    structlog.reset_defaults()


def configured(log_format: LogFormat, level: str = "info", secrets: tuple[str, ...] = ()) -> io.StringIO:
    """Return the stream that lines now go to."""
    stream = io.StringIO()
    configure_logging(level, log_format, secrets=secrets, stream=stream)
    return stream


def only(stream: io.StringIO) -> dict[str, object]:
    """Return the one JSON line that was written."""
    (line,) = stream.getvalue().splitlines()
    fields: dict[str, object] = json.loads(line)
    return fields


def test_a_line_of_ours_is_one_json_object_with_its_fields() -> None:
    """Event, level, logger, a UTC time and the fields given, each a key."""
    stream = configured("json")
    structlog.stdlib.get_logger("warpdrive.mount").info("mounted", mount_point="/data", entries=3)
    fields = only(stream)
    assert str(fields.pop("timestamp")).endswith("Z")
    assert fields == {
        "event": "mounted",
        "level": "info",
        "logger": "warpdrive.mount",
        "mount_point": "/data",
        "entries": 3,
    }


def test_a_library_line_takes_the_same_way_and_extra_becomes_fields() -> None:
    """What logs with the standard library looks no different."""
    stream = configured("json")
    logging.getLogger("some.library").warning("slow %s", "answer", extra={"seconds": 2.5})
    fields = only(stream)
    assert (fields["event"], fields["level"], fields["seconds"]) == ("slow answer", "warning", 2.5)


def test_the_console_form_is_one_plain_line_without_colours_on_a_pipe() -> None:
    """People read `event key=value`; escape codes only on a terminal."""
    stream = configured("console")
    logging.getLogger("warpdrive").info("warm finished", extra={"files": 7})
    line = stream.getvalue()
    assert "warm finished" in line
    assert "files=7" in line
    assert "\x1b" not in line


def test_nobodys_words_steer_a_terminal_or_look_like_another_line() -> None:
    """Libraries put what strangers sent into their messages and errors."""
    stream = configured("console")
    words = "\x1b[2J\x9bH\nforged\u202e"
    logging.getLogger("h2").info("cutting off: %s", words)
    structlog.stdlib.get_logger("warpdrive").info("call", why=words)
    (first, second) = stream.getvalue().splitlines()
    assert first.isprintable()
    assert second.isprintable()
    logging.getLogger("h2").error("failed", exc_info=ValueError(words))
    shown = stream.getvalue().split("\n")
    assert all(line.isprintable() for line in shown)
    assert any(line.startswith("ValueError") for line in shown)


def test_levels_hold_and_loud_libraries_stay_quiet_at_debug() -> None:
    """At debug ours is told, a vendor's request dump is not."""
    stream = configured("json", level="debug")
    logging.getLogger("botocore.auth").debug("Signature: abcdef")
    logging.getLogger("warpdrive.cache").debug("page kept")
    assert only(stream)["event"] == "page kept"


def test_an_unknown_level_is_refused() -> None:
    """A slip in `log.level` does not silence the agent."""
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        configure_logging("loud", "json")


def test_warnings_become_lines() -> None:
    """A Python warning is logged, not printed past the stream."""
    stream = configured("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)  # noqa: FBT003 - catch_warnings undid the redirection for its block
        warnings.warn("old option", UserWarning, stacklevel=1)
    assert "old option" in str(only(stream)["event"])


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_of_the_settings_appears_whatever_the_way(log_format: LogFormat, secret: str) -> None:
    """In the event, a field, a nested value, an argument, an exception, a repr, and as a URL carries it."""
    stream = configured(log_format, secrets=SECRETS)
    ours = structlog.stdlib.get_logger("warpdrive")
    ours.info(f"trying {secret} now", note=secret, nested={"deep": [secret, {"er": secret}]})
    ours.warning("refused", url=f"https://host/path?x={quote(secret, safe='')}&y={quote(secret)}")
    library = logging.getLogger("library")
    library.error("sent %r", {"value": secret})
    library.error("sent %s", secret, extra={"request": repr([secret])})
    try:
        raise RuntimeError(f"cannot use {secret}")  # noqa: TRY301 - the exception is the example
    except RuntimeError:
        library.exception("failed")
        ours.exception("failed too")
    text = stream.getvalue()
    assert "failed too" in text
    forms = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    assert [form for form in forms if form in text] == []


def test_credentials_do_not_show_what_they_hold() -> None:
    """The values that carry secrets say nothing of them even when logged whole, by their repr alone."""
    stream = configured("json")
    logging.getLogger("x").info(
        "resolved %s %s %s %s",
        AccessKey("AKIAEXAMPLE", SECRETS[0], SECRETS[1]),
        AccountKey(SECRETS[2]),
        SasToken(SECRETS[3]),
        Login("ada", SECRETS[4]),
    )
    text = stream.getvalue()
    assert "AKIAEXAMPLE" in text
    assert not any(json.dumps(secret)[1:-1] in text for secret in SECRETS)


@pytest.mark.parametrize(
    ("line", "hidden", "kept"),
    [
        ("GET https://a.blob.core.windows.net/c/b?sv=1&sig=Zm9v%2Bxyz%3D&se=2", "Zm9v", "se=2"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIA123/2026/us/s3/aws4_request, Signature=deadbeef",
            "AKIA123",
            "Authorization",
        ),
        ("header {'Authorization': 'Bearer eyJhbGciOi.J9'}, 200 OK", "eyJhbGciOi", "200 OK"),
        (
            "https://b.s3/x?X-Amz-Credential=AKIA123%2F2026&X-Amz-Signature=beef01&X-Amz-Expires=60",
            "beef01",
            "Expires=60",
        ),
        ("https://storage/x?X-Goog-Signature=cafe02&alt=media", "cafe02", "alt=media"),
        ("DefaultEndpointsProtocol=https;AccountKey=c2VjcmV0;EndpointSuffix=x", "c2VjcmV0", "EndpointSuffix=x"),
        ("sftp://ada:hunter22@host:22/root", "hunter22", "@host:22"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY----- after", "b3BlbnNz", "after"),
    ],
)
def test_secrets_of_known_shape_are_blotted_out_unasked(line: str, hidden: str, kept: str) -> None:
    """Tokens that nobody told us about, in the forms that SDKs print; the rest of the line stays."""
    stream = configured("json")
    logging.getLogger("sdk").error(line)
    logging.getLogger("sdk").error("dump %r", json.dumps([{"x": line}]))
    for written in stream.getvalue().splitlines():
        assert hidden not in written
        assert kept in json.loads(written)["event"]


@pytest.mark.parametrize("name", ["secret_access_key", "password", "sas_token", "account_key", "Authorization"])
def test_a_field_with_a_secret_name_is_blotted_out(name: str) -> None:
    """Whatever the value, also inside a structure; harmless neighbours stay."""
    stream = configured("json")
    structlog.stdlib.get_logger().info("auth", **{name: "tr0ub4dor", "inner": {name: "tr0ub4dor"}, "user": "ada"})
    fields = only(stream)
    assert "tr0ub4dor" not in stream.getvalue()
    assert fields["user"] == "ada"


def test_ordinary_fields_are_left_alone() -> None:
    """Names that only sound alike are not hidden: an access key's id, a key of an object, a count of tokens."""
    stream = configured("json")
    structlog.stdlib.get_logger().info("x", access_key_id="AKIA", key="train/a.tar", tokens=3, private_key_file="/k")
    fields = only(stream)
    assert (fields["access_key_id"], fields["key"], fields["tokens"], fields["private_key_file"]) == (
        "AKIA",
        "train/a.tar",
        3,
        "/k",
    )
