"""Google's `fields` parameter: what of an answer is sent, e.g. "items(name,size),nextPageToken"."""

import re

_TOKENS = re.compile(r"[\w*]+|[(),/]")


def select(answer: object, fields: str) -> object:
    """Keep the named fields of an object, or of each object of a list."""
    tree, rest = _parse(_TOKENS.findall(fields))
    if rest:
        msg = f"fields {fields!r} cannot be read"
        raise ValueError(msg)
    return _keep(answer, tree)


Tree = dict[str, "Tree"]


def _parse(tokens: list[str]) -> tuple[Tree, list[str]]:
    tree: Tree = {}
    while tokens and tokens[0] != ")":
        name, tokens = tokens[0], tokens[1:]
        if name == ",":
            continue
        tree[name] = {}
        if tokens and tokens[0] == "(":
            tree[name], tokens = _parse(tokens[1:])
            tokens = tokens[1:]
    return tree, tokens


def _keep(value: object, tree: Tree) -> object:
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [_keep(item, tree) for item in value]
    if isinstance(value, dict):
        return {name: _keep(value[name], below) for name, below in tree.items() if name in value}
    return value
