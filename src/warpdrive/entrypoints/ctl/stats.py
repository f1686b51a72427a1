"""`stats`: the agent's counters."""

from collections.abc import Mapping

import click
from rich.table import Table

from warpdrive.entrypoints.ctl.session import Session, console, json_option, pass_session, print_json
from warpdrive.entrypoints.settings.units import format_size


@click.command()
@json_option
@pass_session
def stats(session: Session, *, as_json: bool) -> None:
    """Show the agent's counters since its start."""
    with session.agent() as agent:
        counters = agent.stats()
    if as_json:
        print_json(counters)
        return
    table = Table(box=None, show_header=False)
    for name, value in counters.items():
        table.add_row(name, _shown(name, value))
    ratio = hit_ratio(counters)
    if ratio is not None:
        table.add_row("hit ratio", f"{ratio:.1%}")
    console().print(table)


def hit_ratio(counters: Mapping[str, float]) -> float | None:
    """Return the part of reads that were hits; None before the first."""
    reads = counters.get("reads_hit", 0) + counters.get("reads_missed", 0)
    return counters.get("reads_hit", 0) / reads if reads else None


def _shown(name: str, value: float) -> str:
    if "bytes" in name:
        return format_size(int(value))
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3f}"
