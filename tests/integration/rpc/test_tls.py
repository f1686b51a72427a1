"""TLS and mutual TLS, by grpc's own client and by Python's ssl."""

import socket
import ssl
from pathlib import Path

import anyio.to_thread
import grpc
import grpc.aio
import pytest

from tests.support.authority import Authority, Identity
from tests.support.ports import LOOPBACK, wait_until_async
from tests.support.rpc_door import ScriptedDispatcher, open_door
from warpdrive.adapters.rpc.tls import ServerTls, TlsUnusable, server_context

GET = "/warpdrive.v1.ControlService/GetNamespace"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one that both sides trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Identity:
    """The server's certificate."""
    return authority.issue("localhost")


def credentials(authority: Authority, client: Identity | None = None) -> grpc.ChannelCredentials:
    """Return what grpc's client needs."""
    if client is None:
        return grpc.ssl_channel_credentials(authority.cert.read_bytes())
    return grpc.ssl_channel_credentials(authority.cert.read_bytes(), client.key.read_bytes(), client.cert.read_bytes())


async def test_a_call_over_tls(authority: Authority, server: Identity) -> None:
    """The server shows its certificate; the client needs none."""
    context = server_context(ServerTls(server.cert, server.key))
    async with (
        open_door(ScriptedDispatcher(), tls=context) as door,
        grpc.aio.secure_channel(door.target, credentials(authority)) as channel,
    ):
        assert await channel.unary_unary(GET)(b"x", timeout=5) == b"x"


async def test_with_an_authority_for_clients_only_its_clients_are_heard(
    authority: Authority, server: Identity, tmp_path: Path
) -> None:
    """No certificate, and one that a stranger signed, get no connection."""
    context = server_context(ServerTls(server.cert, server.key, authority.cert))
    known, stranger = authority.issue("agent"), Authority(tmp_path, "stranger").issue("agent")
    dispatcher = ScriptedDispatcher()
    async with open_door(dispatcher, tls=context) as door:
        async with grpc.aio.secure_channel(door.target, credentials(authority, known)) as channel:
            assert await channel.unary_unary(GET)(b"x", timeout=5) == b"x"
        for refused in (credentials(authority), credentials(authority, stranger)):
            async with grpc.aio.secure_channel(door.target, refused) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await channel.unary_unary(GET)(b"x", timeout=5)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(dispatcher.asked) == 1


async def test_plaintext_and_other_protocols_get_nothing(authority: Authority, server: Identity) -> None:
    """A client that does not choose h2 is hung up on before a word; so is one that speaks no TLS."""

    def knock(*, alpn: list[str], newest: ssl.TLSVersion) -> bytes:
        context = ssl.create_default_context(cafile=str(authority.cert))
        context.maximum_version = newest
        context.set_alpn_protocols(alpn)
        with (
            socket.create_connection((LOOPBACK, door.port), timeout=5) as link,
            context.wrap_socket(link, server_hostname="localhost") as secured,
        ):
            try:
                secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                return secured.recv(100)
            except ConnectionResetError:
                return b""

    context = server_context(ServerTls(server.cert, server.key))
    async with open_door(ScriptedDispatcher(), tls=context) as door:
        assert await anyio.to_thread.run_sync(lambda: knock(alpn=["h2"], newest=ssl.TLSVersion.TLSv1_2))
        assert not await anyio.to_thread.run_sync(lambda: knock(alpn=[], newest=ssl.TLSVersion.TLSv1_3))
        async with grpc.aio.insecure_channel(door.target, [("grpc.enable_retries", 0)]) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(GET)(b"x", timeout=2)
            assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
        await wait_until_async(lambda: door.server.connections == 0, what="the peers' end")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_cannot_be_used_are_named(server: Identity, tmp_path: Path) -> None:
    """The message says which file and why, before anything listens."""
    with pytest.raises(TlsUnusable, match=r"missing\.pem"):
        server_context(ServerTls(tmp_path / "missing.pem", server.key))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("this is no certificate")
    with pytest.raises(TlsUnusable, match=r"nonsense\.pem"):
        server_context(ServerTls(nonsense, server.key))
    with pytest.raises(TlsUnusable, match=r"client authority .*nonsense\.pem"):
        server_context(ServerTls(server.cert, server.key, nonsense))
