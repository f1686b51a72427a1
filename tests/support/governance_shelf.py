"""What lies where in stories, and the listing of it: buckets in a dictionary."""

from tests.support.governance_questions import digest_of
from tests.support.governance_steps import Put
from tests.support.governance_story import PREFIXES, TYPES
from warpdrive.application.ports.objects import Capabilities, Digest, ListPage, ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition

Shelf = dict[tuple[str, str], ObjectInfo]
"""By place's short name and whole key."""


def definition(name: str) -> BackendDefinition:
    """Define a backend of the stories."""
    place, prefix = PREFIXES[name]
    option = {"memory": "name", "s3": "bucket"}[TYPES[place]]
    return BackendDefinition(name=name, type=TYPES[place], options={option: place}, prefix=prefix)


def listed(put: Put, at: float) -> ObjectInfo:
    """Describe an object as its backend would: S3 tells an ETag and no checksum, for "-" one of several parts."""
    digest = digest_of(put.content, put.size)
    plain = put.content != "-"
    version = digest.hex() + ("" if plain else "-2")
    told = Digest("md5", digest) if plain and TYPES[put.place] == "memory" else None
    mtime_ns = int(at - put.age_s) * 10**9
    return ObjectInfo(
        ObjectKey(put.key), put.size, ObjectVersion(version), mtime_ns, told, storage_class=put.storage_class
    )


class ShelfReader:
    """Lists what lies in a place below a backend's prefix."""

    capabilities = Capabilities(list_limit=3)

    def __init__(self, shelf: Shelf, place: str, prefix: str) -> None:
        self._objects = {
            key[len(prefix) :]: info
            for (where, key), info in shelf.items()
            if where == place and key.startswith(prefix)
        }

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """See ObjectReader."""
        names: dict[str, ObjectInfo | None] = {}
        for key, info in sorted(self._objects.items()):
            if key.startswith(prefix):
                head, slash, _ = key[len(prefix) :].partition("/")
                deeper = bool(slash) and not recursive
                names[prefix + head + "/" if deeper else key] = None if deeper else info._replace(key=ObjectKey(key))
        left = [name for name in names if cursor is None or name > cursor]
        shown = left[:limit]
        objects = [found for name in shown if (found := names[name]) is not None]
        prefixes = [ObjectKey(name) for name in shown if names[name] is None]
        return ListPage(objects, prefixes, shown[-1] if len(left) > limit else None)
