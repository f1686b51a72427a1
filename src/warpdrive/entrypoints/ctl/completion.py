"""Names from the control plane as a shell completes them: at once or not at all, and never with a word of its own."""

from collections.abc import Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.entrypoints.ctl.promptly import ask_promptly
from warpdrive.entrypoints.ctl.server import DEFAULT_SERVER, Server

PATIENCE: Final = 1.0
"""Seconds: who presses the tab key waits for the prompt."""

_MOST: Final = 1000


class KnownName(click.ParamType[str]):
    """A name that the control plane may know; any text is one.

    `method` lists them, `items` is the answer's list and `field` the name in it. `paged`: it lists page by page.
    """

    def __init__(self, name: str, method: str, items: str, field: str = "name", *, paged: bool = True) -> None:
        self.name = name
        self._method = method
        self._items = items
        self._field = field
        self._fields = {"page_size": _MOST} if paged else {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse only what no name can be."""
        text = str(value)
        if not text:
            self.fail("is empty", param, ctx)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the names that begin like it."""
        del param
        try:
            names = self._names(server_of(ctx.find_root().params))
        except (ControlPlaneRefusal, ControlPlaneUnreachable, click.ClickException):
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    def _names(self, server: Server) -> list[str]:
        answer = ask_promptly(server, lambda client: client.call(self._method, self._fields), within=PATIENCE)
        return sorted({str(item[self._field]) for item in answer.get(self._items, ())})


def server_of(options: Mapping[str, Any]) -> Server:
    """Return the control plane that the tool's own options name."""
    url = options.get("server")
    return Server(
        url or DEFAULT_SERVER,
        named=url is not None,
        token_file=options.get("token_file"),
        ca_file=options.get("ca_file"),
        cert_file=options.get("cert_file"),
        key_file=options.get("key_file"),
    )


NAMESPACE: Final = KnownName("namespace", "ControlService/ListNamespaces", "namespaces")
TEAM: Final = KnownName("team", "GovernanceService/ListTeams", "teams")
BOOK: Final = KnownName("book", "GovernanceService/ListPriceBooks", "books")
TENANT: Final = KnownName("tenant", "ControlService/ListTenantAccess", "tenants", "tenantId")
BACKEND: Final = KnownName("backend", "GovernanceService/ListBackends", "backends", paged=False)
TOKEN: Final = KnownName("token", "ControlService/ListTokens", "tokens", "tokenId")
