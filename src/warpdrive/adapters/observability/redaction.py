"""Keeps secrets out of log lines: by the name of a field, by known shapes, and by the values given to us.

The first works on structured fields, the others on the finished line, so that what a library formats itself
(an exception's text, a dumped request) goes through them too.
"""

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from structlog.typing import EventDict, WrappedLogger

HIDDEN: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"secret|passw|token|authorization|account_?key|access_?key(?!_?id)|private_?key(?!_file)|credential"
    r"|signature|cookie|sas$",
    re.IGNORECASE,
)

_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # None of them takes a quote or a backslash, so a line of JSON stays one.
    # Authorization headers in any dump, up to the end of the value.
    (
        re.compile(r"""(?i)((?:proxy-)?authorization\\?["']?\s*[:=]\s*(?:b?\\?["'])?)[^"'\\\r\n}]+"""),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|sharedkey|sharedkeylite)\s+[\w.~+/:=-]{8,}"), rf"\1 {HIDDEN}"),
    # AWS signature version 4, in headers and in presigned URLs; GCS signed URLs look alike.
    (re.compile(r"""AWS4-HMAC-SHA256\s+Credential=[^\r\n"'\\]+"""), f"AWS4-HMAC-SHA256 {HIDDEN}"),
    (
        re.compile(
            r"""(?i)\b(x-(?:amz|goog)-(?:credential|signature|security-token)\\?["']?\s*[=:]\s*\\?["']?)[^&\s"'\\]+"""
        ),
        rf"\1{HIDDEN}",
    ),
    # Azure shared access signatures and connection strings.
    (re.compile(r"""(?i)([?&;"'\s]sig=|^sig=)[^&\s"'\\]+"""), rf"\1{HIDDEN}"),
    (re.compile(r"""(?i)\b(accountkey=|sharedaccesssignature=)[^;\s"'\\]+"""), rf"\1{HIDDEN}"),
    # user:password@ in URLs.
    (re.compile(r"""(?i)(\b[a-z][a-z0-9+.-]*://[^/\s:@"'\\]*:)[^/\s@"'\\]+@"""), rf"\1{HIDDEN}@"),
    (
        re.compile(r"""-----BEGIN [A-Z ]*PRIVATE KEY-----[^"'-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"""),
        HIDDEN,
    ),
)

_SHORTEST: Final = 4
"""Characters. A shorter secret would blot out half of every line; it is no secret either."""


class LineRedactor:
    """Blots secrets out of finished text. `secrets`: the values of the settings' auth, as they are."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in map(str, secrets):  # the settings' own kind of text hides itself in a repr
            if len(secret) >= _SHORTEST:
                # As given, as a URL carries it, as JSON and repr escape it.
                forms |= {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
                forms.add(repr(secret)[1:-1])
        # Longest first, so that a form that contains another is blotted out whole.
        ordered = sorted(forms, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        if self._values is not None:
            text = self._values.sub(HIDDEN, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


def hide_secret_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out fields whose name says that they are secret; a structlog processor."""
    return {name: _hide(name, value) for name, value in event.items()}


def _hide(name: object, value: object) -> object:
    if isinstance(name, str) and value and _SECRET_NAME.search(name) and not isinstance(value, bool | int | float):
        return HIDDEN
    if isinstance(value, dict):
        return {key: _hide(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hide("", inner) for inner in value]
    return value
