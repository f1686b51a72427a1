"""Our messages cross grpclib as bytes: whoever takes them apart (the dispatcher) checks them first."""

from typing import Any

from google.protobuf.message import DecodeError, Message
from grpclib.const import Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError


class BytesCodec(CodecBase):
    """Bytes stay bytes for methods whose type is `bytes`; health and reflection keep their generated messages."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        """Return a reply's bytes."""
        if message_type is bytes:
            assert isinstance(message, bytes)
            return message
        assert isinstance(message, Message)
        return message.SerializeToString()

    def decode(self, data: bytes, message_type: Any) -> Any:
        """Return a request. Raises GRPCError (INVALID_ARGUMENT) when it is no such message."""
        if message_type is bytes:
            return data
        try:
            return message_type.FromString(data)
        except DecodeError:
            raise GRPCError(Status.INVALID_ARGUMENT, f"this is no {message_type.DESCRIPTOR.full_name}") from None
