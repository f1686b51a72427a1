"""Whether two objects hold the same bytes, by what the backends say of them, or by reading.

MD5, not CRC32C: hashlib has it in C, nearly every backend tells it, and it is here against accidents. Where a backend
tells none (a directory, SFTP, an upload in parts), the bytes are read back.
"""

from enum import Enum

from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo
from warpdrive.application.transfer.body import PIECE, md5_of
from warpdrive.application.transfer.faults import CopyDiffers


class Verify(Enum):
    """How a copy is looked at: by the destination's own checksum where it tells one, or always by reading it back."""

    CHECKSUM = "checksum"
    FULL = "full"


class Checker:
    """Compares. Every verb may raise any `BackendError` of either side. `piece`: bytes read at once."""

    def __init__(self, source: ObjectReader, target: ObjectReader, verify: Verify, *, piece: int = PIECE) -> None:
        self._source = source
        self._target = target
        self._verify = verify
        self._piece = piece

    async def check(self, info: ObjectInfo, copy: ObjectInfo, md5: bytes | None) -> None:
        """Compare a source with its copy as it stands now. Raises CopyDiffers.

        `md5`: of the bytes that went over; None when they did not pass here.
        """
        found = await self._target.stat(copy.key)
        if found.version != copy.version:
            raise CopyDiffers(copy.key, "somebody replaced it meanwhile")
        if found.size != info.size:
            raise CopyDiffers(copy.key, f"it has {found.size} bytes instead of {info.size}")
        ours = md5 if md5 is not None else await self._of_source(info)
        if ours != await self._of_target(found):
            raise CopyDiffers(copy.key, "its checksum is another")

    async def same(self, info: ObjectInfo, found: ObjectInfo) -> bool:
        """Say whether an object at the destination holds the source's bytes."""
        return found.size == info.size and await self._of_source(info) == await self._of_target(found)

    async def _of_source(self, info: ObjectInfo) -> bytes:
        known = _told(info) if self._verify is Verify.CHECKSUM else None
        return known if known is not None else await md5_of(self._source, info, piece=self._piece)

    async def _of_target(self, found: ObjectInfo) -> bytes:
        known = _told(found) if self._verify is Verify.CHECKSUM else None
        return known if known is not None else await md5_of(self._target, found, piece=self._piece)


def _told(info: ObjectInfo) -> bytes | None:
    return info.digest.value if info.digest is not None and info.digest.algorithm == "md5" else None
