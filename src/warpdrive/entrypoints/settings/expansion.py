"""`${VAR}` in any value.

- `${VAR}` is the environment variable; one that is not set is a fault.
- `${VAR:-default}` is the default when the variable is not set or empty.
- `$${` is a literal `${`. Every other `$` stands for itself, so passwords with one need no care.

Expansion happens in values that YAML has already taken apart, once: what a variable holds can neither add keys
nor be expanded again.
"""

import re
from collections.abc import Mapping
from typing import Final

_VARIABLE: Final = re.compile(r"\$\$\{|\$\{(?P<body>[^}]*)(?P<end>\})?")
_BODY: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL | re.ASCII)


def mentions_variable(text: str) -> bool:
    """Tell whether expansion could change the text."""
    return "${" in text


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace the variables of one value.

    Raises ValueError that names every missing variable, or says what is unfinished.
    """
    if "${" not in text:
        return text
    missing: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        body = match["body"]
        if body is None:
            return "${"
        if match["end"] is None:
            raise ValueError('has a "${" without "}"; write "$${" for a literal "${"')
        parts = _BODY.fullmatch(body)
        if parts is None:
            raise ValueError('has a "${...}" that names no variable; write ${NAME} or ${NAME:-default}')
        name, default = parts["name"], parts["default"]
        found = environ.get(name)
        if default is not None:
            return found or default
        if found is None:
            missing.append(name)
            return ""
        return found

    expanded = _VARIABLE.sub(value_of, text)
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        raise ValueError(f"needs the environment variable {names}, which is not set")
    return expanded
