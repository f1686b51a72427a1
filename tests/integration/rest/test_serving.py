"""The HTTP door on a real socket: what only a server and a client show."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tests.support.authority import Authority
from tests.support.ports import LOOPBACK
from tests.support.rest_server import RestServer, rest_server
from warpdrive.adapters.observability.serving import ServingTlsError
from warpdrive.adapters.rpc.tls import ServerTls
from warpdrive.entrypoints.ctl.main import main


def said(server: RestServer, request: bytes) -> bytes:
    """Send bytes as they are, and return everything that comes back until the server closes."""
    with socket.create_connection((LOOPBACK, server.port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_a_write_is_read_back_over_a_socket() -> None:
    """A namespace with a slash's worth of trouble in its path, by name, with its position."""
    with rest_server() as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        made = client.post("/api/v1/namespaces", json={"name": "caf\u00e9 50%"})
        assert made.status_code == 200, made.text
        position = {"x-warpdrive-min-position": made.headers["x-warpdrive-position"]}
        shown = client.get("/api/v1/namespaces/caf%C3%A9%2050%25", headers=position)
        assert (shown.status_code, shown.json()["name"]) == (200, "caf\u00e9 50%")


def test_a_repeated_command_has_its_first_answer() -> None:
    """The same key and request change nothing; the same key with another request is a conflict."""
    key = {"idempotency-key": "0191c7a0-0000-7000-8000-000000000001"}
    with rest_server() as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        first = client.post("/api/v1/namespaces", json={"name": "train"}, headers=key)
        again = client.post("/api/v1/namespaces", json={"name": "train", "entries": []}, headers=key)
        other = client.post("/api/v1/namespaces", json={"name": "eval"}, headers=key)
        listed = client.get("/api/v1/namespaces").json()["namespaces"]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.headers["x-warpdrive-position"] == again.headers["x-warpdrive-position"]
    assert (other.status_code, other.json()["code"]) == (409, 6)
    assert [each["name"] for each in listed] == ["train"]


def test_a_new_token_opens_only_its_scope() -> None:
    """The secret is in the one answer; the token it belongs to is held to its namespaces."""
    with rest_server() as server, httpx.Client(base_url=server.url) as client:
        for name in ("train", "eval"):
            client.post("/api/v1/namespaces", json={"name": name}, headers=server.headers)
        body = {"role": "ROLE_VIEWER", "namespaces": ["train"], "expiresIn": "1h"}
        made = client.post("/api/v1/tokens", json=body, headers=server.headers).json()
        scoped = {"authorization": f"Bearer {made['secret']}"}
        statuses = [client.get(f"/api/v1/namespaces/{name}", headers=scoped).status_code for name in ("train", "eval")]
        listed = client.get("/api/v1/namespaces", headers=scoped).json()["namespaces"]
        tokens = client.get("/api/v1/tokens", headers=server.headers).text
    assert statuses == [200, 403]
    assert [each["name"] for each in listed] == ["train"]
    assert made["secret"] not in tokens


def test_head_sends_no_body_on_a_real_connection() -> None:
    """The next request on the same connection is understood."""
    with rest_server() as server:
        head = b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
        answer = said(server, head + b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.count(b'{"status":"ok"}') == 1


def test_a_body_that_never_ends_is_cut_off() -> None:
    """Chunks beyond the limit are answered with 413, not collected."""

    def endless() -> Iterator[bytes]:
        for _ in range(4096):  # a quarter of a gigabyte, so that a server that collects them is found out
            yield b"x" * 65536
        pytest.fail("the server took it all")

    with rest_server() as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        headers = {"content-type": "application/json"}
        try:
            answer = client.post("/api/v1/namespaces", content=endless(), headers=headers)
        except httpx.TransportError:
            return  # the server closed while we were still sending, which ends it as well
        assert answer.status_code == 413


def test_tls_is_served_to_those_who_trust_it(tmp_path: Path) -> None:
    """With a certificate the door speaks TLS 1.2 or later, and plain HTTP is not understood."""
    authority = Authority(tmp_path)
    identity = authority.issue()
    with rest_server(ServerTls(identity.cert, identity.key)) as server:
        trust = ssl.create_default_context(cafile=authority.cert)
        with httpx.Client(base_url=f"https://{LOOPBACK}:{server.port}", verify=trust) as client:
            assert client.get("/healthz").status_code == 200
        with httpx.Client(base_url=server.url) as plain, pytest.raises(httpx.TransportError):
            plain.get("/healthz")


def test_clients_show_certificates_when_asked(tmp_path: Path) -> None:
    """Mutual TLS: without one of the authority's certificates nobody gets to the door."""
    authority = Authority(tmp_path)
    identity, guest = authority.issue(), authority.issue("guest")
    stranger = Authority(tmp_path, "stranger").issue("guest")
    with rest_server(ServerTls(identity.cert, identity.key, authority.cert)) as server:
        url = f"https://{LOOPBACK}:{server.port}/healthz"
        outcomes = []
        for shown in (None, stranger, guest):
            trust = ssl.create_default_context(cafile=authority.cert)
            if shown is not None:
                trust.load_cert_chain(shown.cert, shown.key)
            try:
                outcomes.append(str(httpx.get(url, verify=trust).status_code))
            except httpx.TransportError:
                outcomes.append("refused")
    assert outcomes == ["refused", "refused", "200"]


def test_the_command_line_shows_its_certificate(tmp_path: Path) -> None:
    """With one it is let in, the completion too; without one it says which option is missing."""
    authority = Authority(tmp_path)
    identity, guest = authority.issue(), authority.issue("guest")
    both = tmp_path / "both.pem"
    both.write_bytes(guest.cert.read_bytes() + guest.key.read_bytes())
    with rest_server(ServerTls(identity.cert, identity.key, authority.cert)) as server:
        token = tmp_path / "token"
        token.write_text(server.headers["authorization"].removeprefix("Bearer "))
        url = f"https://{LOOPBACK}:{server.port}"
        words = ["--server", url, "--token-file", str(token), "--ca-file", str(authority.cert)]
        for shown in (["--cert-file", str(guest.cert), "--key-file", str(guest.key)], ["--cert-file", str(both)]):
            for command in ("whoami", "status"):
                done = CliRunner().invoke(main, [*words, *shown, command])
                assert (done.exit_code, url in done.stdout) == (0, True), done.output
        done = CliRunner().invoke(main, [*words, "whoami"])
        assert (done.exit_code, "(--cert-file)" in done.stderr) == (1, True), done.output
        done = CliRunner().invoke(main, [*words, "--cert-file", str(guest.cert), "whoami"])
        assert (done.exit_code, "cannot be used with its key" in done.stderr) == (1, True), done.output
        assert CliRunner().invoke(main, [*words, "--key-file", str(guest.key), "whoami"]).exit_code == 2
        assert "(--cert-file)" in CliRunner().invoke(main, ["--server", server.url, *words[2:], "whoami"]).stderr


def test_a_certificate_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Before anything starts, with the files' names."""
    with (
        pytest.raises(ServingTlsError, match=r"nothing\.pem"),
        rest_server(ServerTls(tmp_path / "nothing.pem", tmp_path / "nothing.key")),
    ):
        raise AssertionError("it started")
