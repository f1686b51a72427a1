"""The fake's uploads: media, multipart/related and resumable sessions, as "Uploads and downloads" describes them."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.fake_gcs_objects import Preconditions, Refusal, Shelves, StoredObject

GRAIN = 256 * 1024
"""Every part of a resumable upload but the last is a multiple of this."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(slots=True)
class Session:
    """One resumable upload under way."""

    bucket: str
    name: str
    resource: Mapping[str, object]
    wanted: Preconditions
    data: bytearray = field(default_factory=bytearray)

    @property
    def range_header(self) -> dict[str, str]:
        """What is stored so far; no header when nothing is."""
        return {"Range": f"bytes=0-{len(self.data) - 1}"} if self.data else {}


class Uploads:
    """The three kinds of objects.insert."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self.sessions: dict[str, Session] = {}
        self.keep_at_most: int | None = None
        """Store only this much of each part (a multiple of GRAIN), as the real service may."""

    def media(self, bucket: str, query: Mapping[str, str], content_type: str, body: bytes) -> StoredObject:
        """uploadType=media: the body is the object, its name is in the query."""
        resource = {"contentType": content_type}
        return self._shelves.insert(bucket, _name(query, {}), body, resource, Preconditions.of(query))

    def multipart(self, bucket: str, query: Mapping[str, str], content_type: str, body: bytes) -> StoredObject:
        """uploadType=multipart: first part the resource, second part the media."""
        match = re.search(r'multipart/related;.*boundary="?([^";]+)"?', content_type)
        if match is None:
            raise Refusal(400, "badContent", f"Not a multipart upload: {content_type}")
        marker = b"--" + match.group(1).encode()
        pieces = body.split(marker)
        if len(pieces) != 4 or pieces[0].strip() or pieces[3].strip() != b"--":
            raise Refusal(400, "badContent", "Multipart must have two parts.")
        _, resource_text = _part(pieces[1])
        media_type, media = _part(pieces[2])
        resource: dict[str, object] = {"contentType": media_type, **_json(resource_text)}
        return self._shelves.insert(bucket, _name(query, resource), media, resource, Preconditions.of(query))

    def begin(self, bucket: str, query: Mapping[str, str], content_type: str, body: bytes) -> str:
        """uploadType=resumable: check what can be checked, give the session's id."""
        resource: dict[str, object] = {"contentType": content_type, **(_json(body) if body else {})}
        wanted = Preconditions.of(query)
        name = _name(query, resource)
        wanted.check(self._shelves.bucket(bucket).objects.get(name))
        upload_id = secrets.token_urlsafe(24)
        self.sessions[upload_id] = Session(bucket, name, resource, wanted)
        return upload_id

    def put(self, upload_id: str, content_range: str, body: bytes) -> StoredObject | Session:
        """Take a part: the session when more is to come (308), the object at the end."""
        session = self.session(upload_id)
        match = _CONTENT_RANGE.fullmatch(content_range or f"bytes 0-{len(body) - 1}/{len(body)}")
        if match is None:
            raise Refusal(400, "invalid", f"Failed to parse Content-Range header: {content_range}")
        first, last, total = match.groups()
        whole = None if total == "*" else int(total)
        if first is not None:
            if int(last) - int(first) + 1 != len(body) or int(first) > len(session.data):
                raise Refusal(400, "invalid", f"Invalid request. Content-Range {content_range} does not fit.")
            if whole is None and len(body) % GRAIN:
                raise Refusal(400, "invalid", f"Parts but the last must be multiples of {GRAIN} bytes.")
            if whole is None and self.keep_at_most is not None:
                body = body[: self.keep_at_most]
            session.data[int(first) :] = body
        if whole is None or len(session.data) < whole:
            return session
        # Checked again: the object may have changed since the session began.
        stored = self._shelves.insert(
            session.bucket, session.name, bytes(session.data), session.resource, session.wanted
        )
        del self.sessions[upload_id]
        return stored

    def session(self, upload_id: str) -> Session:
        """Find a session, or 404: it ended, was cancelled, or never was."""
        try:
            return self.sessions[upload_id]
        except KeyError:
            raise Refusal(404, "notFound", "No such upload session.") from None


def _name(query: Mapping[str, str], resource: Mapping[str, object]) -> str:
    name = query.get("name") or resource.get("name")
    if not name:
        raise Refusal(400, "required", "Required object name.", "name")
    return str(name)


def _part(piece: bytes) -> tuple[str, bytes]:
    head, separator, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not separator or not content.endswith(b"\r\n"):
        raise Refusal(400, "badContent", "A part is malformed.")
    content_type = "application/octet-stream"
    for line in head.decode("ascii").split("\r\n"):
        field_name, _, value = line.partition(":")
        if field_name.strip().lower() == "content-type":
            content_type = value.strip()
    return content_type, content[:-2]


def _json(text: bytes) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        raise Refusal(400, "parseError", "Parse Error") from None
    if not isinstance(value, dict):
        raise Refusal(400, "parseError", "Parse Error")
    return value
