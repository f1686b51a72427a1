"""What several commands take to say a quota's limits."""

from typing import Any

import click

from warpdrive.entrypoints.settings.units import parse_size


class SizeWordType(click.ParamType[str]):
    """A size such as "500TB", checked here and sent as it was typed."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it; a usage error otherwise."""
        try:
            parse_size(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return str(value).strip()


def check_limits(soft: str | None, hard: str) -> None:
    """Refuse a soft limit above the hard one. Raises click.BadParameter."""
    if soft is not None and parse_size(soft) > parse_size(hard):
        raise click.BadParameter(f"{soft} is more than --hard {hard}", param_hint="--soft")
