"""What stands after -o."""

import pytest

from warpdrive.entrypoints.mount.options import CommandOptions, OptionFault, parse


def test_nothing() -> None:
    """No option leaves everything to the configuration file."""
    assert parse([]) == CommandOptions()
    assert parse([]).overrides() == {}


def test_decodes() -> None:
    """Lists may be repeated; ids by number or name, masks in octal."""
    options = parse(["ro,allow_other,uid=root", "gid=12,umask=027,cache=/c,config=/f,debug,nonempty"])
    assert options == CommandOptions(
        read_only=True,
        allow_other=True,
        uid=0,
        gid=12,
        umask=0o027,
        cache="/c",
        config="/f",
        debug=True,
        non_empty=True,
    )
    assert options.overrides() == {
        "read_only": "true",
        "allow_other": "true",
        "fuse_debug": "true",
        "uid": "0",
        "gid": "12",
        "umask": "027",
        "cache.path": "/c",
    }


def test_kernel_options() -> None:
    """Flags of mount(2) are passed on."""
    assert parse(["noexec,nosuid", "noatime"]).kernel == {"noexec", "nosuid", "noatime"}


@pytest.mark.parametrize(
    "word",
    ["defaults", "nofail", "_netdev", "noauto", "user", "user=joe", "x-systemd.automount", "relatime", "comment=hi",
     "default_permissions"],
)  # fmt: skip
def test_meant_for_others(word: str) -> None:
    """Options for mount(8), systemd or nobody change nothing."""
    assert parse([word]) == CommandOptions()


def test_all_faults_at_once() -> None:
    """Every bad option is named in one message."""
    with pytest.raises(OptionFault) as caught:
        parse(["frobnicate,uid,umask=9,uid=nobody-has-this-name,rw"])
    message = str(caught.value)
    for part in ("unknown option frobnicate", "uid needs a value", "umask=9", "no such user", "rw is not available"):
        assert part in message


@pytest.mark.parametrize("mask", ["1000", "-1", "", "0o9", "abc"])
def test_bad_masks(mask: str) -> None:
    """A mask is octal, between 000 and 777."""
    with pytest.raises(OptionFault, match="octal"):
        parse([f"umask={mask}"])


def test_from_mount() -> None:
    """The system's mount program adds rw by itself: there it is no wish, and the tree stays read-only."""
    assert parse(["rw,noexec"], from_mount=True) == CommandOptions(kernel=frozenset({"noexec"}))


def test_sloppy() -> None:
    """With -s, mount tolerates unknown options, not malformed ones."""
    assert parse(["frobnicate"], sloppy=True) == CommandOptions()
    with pytest.raises(OptionFault):
        parse(["umask=9"], sloppy=True)
