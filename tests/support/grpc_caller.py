"""Calls to a control plane by grpc's own client (C core), with requests as bytes that may be anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from warpdrive.adapters.wire.contract import contract, message_class

_CALL_S = 20.0


class GrpcCaller:
    """One connection. A call's outcome is a code's name: "OK", "INVALID_ARGUMENT"."""

    def __init__(self, channel: grpc.Channel, secret: str) -> None:
        self._channel = channel
        self._secret = secret

    def outcome(self, name: str, request: bytes, *, metadata: tuple[tuple[str, str], ...] = ()) -> str:
        """Send a request's bytes to a method; of a stream, the first message counts."""
        method = contract().methods[name]
        said = (("authorization", f"Bearer {self._secret}"), *metadata)
        try:
            if method.streams:
                stream = self._channel.unary_stream(method.path)(request, metadata=said, timeout=_CALL_S)
                next(stream)
                stream.cancel()
            else:
                self._channel.unary_unary(method.path)(request, metadata=said, timeout=_CALL_S)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    def ask(self, name: str, /, **fields: Any) -> str:
        """Send a well-formed request."""
        return self.outcome(name, message_class(contract().methods[name].request)(**fields).SerializeToString())


@contextmanager
def grpc_caller(target: str, secret: str) -> Iterator[GrpcCaller]:
    """Connect for the block, with no bound on what may be sent."""
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(target, options) as channel:
        yield GrpcCaller(channel, secret)
