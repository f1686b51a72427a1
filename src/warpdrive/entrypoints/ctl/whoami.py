"""`whoami`: as whom the control plane sees us."""

import click

from warpdrive.entrypoints.ctl.output import output_options, show_facts
from warpdrive.entrypoints.ctl.session import Session, pass_session
from warpdrive.entrypoints.ctl.token import role_word, scope_words


@click.command()
@output_options
@pass_session
def whoami(session: Session, *, style: str) -> None:
    """Show who you are to the control plane: name, role and scope of the token that is used."""
    with session.plane() as plane:
        principal = plane.call("ControlService/WhoAmI")
    facts = (
        ("server", session.server.url),
        ("name", principal["name"]),
        ("role", role_word(principal)),
        ("scope", scope_words(principal)),
    )
    show_facts(principal, facts, message="Principal", style=style)
