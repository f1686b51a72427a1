"""How the control plane is reached."""

from pathlib import Path

import pytest

from warpdrive.adapters.control_client.dialling import DialFault, Dialling, is_loopback, token_in


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("127.0.0.1:50051", "127.0.0.1", 50051), ("plane.example:1", "plane.example", 1), ("[::1]:9", "::1", 9)],
)
def test_an_address_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    """IPv6 hosts stand in brackets."""
    assert (Dialling(address).host, Dialling(address).port) == (host, port)


@pytest.mark.parametrize(
    ("host", "same"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("plane", False),
    ],
)
def test_only_names_and_addresses_of_this_host_are_loopback(host: str, *, same: bool) -> None:
    """A name that merely resolves to it is not: that can change."""
    assert is_loopback(host) is same


def test_a_token_never_leaves_this_host_in_the_clear() -> None:
    """Another host is always spoken to over TLS; this one when an authority is named."""
    assert Dialling("plane.example:50051").encrypted
    assert Dialling("10.1.2.3:50051").encrypted
    assert not Dialling("127.0.0.1:50051").encrypted
    assert Dialling("127.0.0.1:50051", ca_file=Path("/ca.pem")).encrypted


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """By the key of the settings and the path."""
    missing = tmp_path / "missing.pem"
    with pytest.raises(DialFault, match=r"ca_file .*missing\.pem"):
        Dialling("plane:1", ca_file=missing).tls()
    with pytest.raises(DialFault, match=r"cert_file .*missing\.pem"):
        Dialling("plane:1", cert_file=missing, key_file=missing).tls()


@pytest.mark.parametrize("raw", [b"", b"  \n", b"two words", b"a\nb", b"\x00", "ü".encode()])
def test_what_is_no_token_is_refused_without_being_shown(raw: bytes) -> None:
    """A library that refuses to send it would quote it."""
    with pytest.raises(DialFault) as caught:
        token_in(raw, Path("token"))
    assert str(caught.value) == "token_file token does not hold one token on one line"
