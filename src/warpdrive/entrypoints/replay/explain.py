"""`explain`: which events led to a state, a fact or a decision."""

import click

from warpdrive.application.audit.decisions import ExplainedDecision, explain_decision
from warpdrive.application.audit.explanation import Explanation
from warpdrive.application.audit.explanation import explain as explained
from warpdrive.application.audit.facts import path_words, value_words
from warpdrive.application.audit.finding import Finder
from warpdrive.application.audit.points import Place, Point, place_of
from warpdrive.application.audit.wording import moment_words
from warpdrive.domain.tenant_access.values import AccessRequest, Allowed
from warpdrive.entrypoints.replay import places
from warpdrive.entrypoints.replay.record import Audit, Session, pass_session
from warpdrive.entrypoints.replay.words import entry_json, json_option, moment_json, print_json

_TENANT = "tenant/"


@click.command()
@click.argument("stream")
@click.argument("fact", required=False)
@click.option("--as-of", metavar="PLACE", callback=places.until, help="Explain what was so then; a position or a time.")
@click.option("--subject", help="Decide an access of this one (tenant/ID only).")
@click.option("--backend", help="The backend that is wanted; goes with --subject.")
@click.option("--resource", default="", help="What is wanted of it, such as a path.")
@click.option("--node", default="", help="On which node.")
@json_option
@pass_session
def explain(
    session: Session,
    *,
    stream: str,
    fact: str | None,
    as_of: Point | None,
    subject: str | None,
    backend: str | None,
    resource: str,
    node: str,
    as_json: bool,
) -> None:
    """Say which events made a state, one FACT of it, or a decision about access to a tenant.

    FACT is any name that show prints: a mount path, a field, a member. Without it, every present fact is named with
    the event that last changed it. STREAM is as for show.

    \b
    Examples:
      warpdrive-replay explain namespace/training /train
      warpdrive-replay explain quota/vision/s3
      warpdrive-replay explain team/vision alice@example.com --as-of 2026-11-01
      warpdrive-replay explain tenant/72f9... --subject alice --backend partner-data --as-of "2h ago"
    """  # noqa: D301 - \b is click's mark for lines that it must not fill
    if (subject is None) != (backend is None):
        raise click.UsageError("--subject and --backend go together")
    if subject is not None and (fact is not None or not stream.startswith(_TENANT)):
        raise click.UsageError("a decision is explained for tenant/ID, without a FACT")

    async def work(audit: Audit) -> None:
        events = audit.record.events
        place = await place_of(events, as_of, now=audit.now)
        if subject is not None and backend is not None:
            request = AccessRequest(subject, backend, resource, node)
            tenant = stream.removeprefix(_TENANT).lower()
            decided = await explain_decision(events, audit.codec, tenant, request, place)
            _print_decision(decided, as_json=as_json)
            return
        found = await Finder(events, audit.codec, place.position).find(stream)
        answer = await explained(events, audit.codec, found.stream, fact=fact, position=place.position)
        for note in found.notes:
            click.echo(f"note: {note}", err=True)
        _print_explanation(answer, place, as_json=as_json)

    session.run(work)


def _print_explanation(answer: Explanation, place: Place, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "as_of": {"position": place.position, "moment": moment_json(place.moment)},
                "facts": [
                    {"path": list(each.path), "value": each.value, "position": each.entry.position}
                    for each in answer.facts
                ],
                "causes": [
                    {**entry_json(cause.entry), "changes": [change.words for change in cause.changes]}
                    for cause in answer.causes
                ],
            }
        )
        return
    print(f"So at position {place.position} ({moment_words(place.moment)}):")
    for fact in answer.facts:
        print(f"  {path_words(fact.path)}: {value_words(fact.value)}  [position {fact.entry.position}]")
    if not answer.facts:
        print("  nothing of that any more")
    print("Because:")
    for cause in answer.causes:
        print(f"  {cause.entry.line}")
        for change in cause.changes:
            print(f"      {change.words}")


def _print_decision(decided: ExplainedDecision, *, as_json: bool) -> None:
    decision, request = decided.decision, decided.request
    allowed = isinstance(decision, Allowed)
    if as_json:
        print_json(
            {
                "as_of": {"position": decided.position, "moment": moment_json(decided.moment)},
                "subject": request.subject,
                "backend": request.backend,
                "resource": request.resource,
                "node": request.node,
                "allowed": allowed,
                "allowed_by": list(decision.by) if isinstance(decision, Allowed) else [],
                "reasons": []
                if isinstance(decision, Allowed)
                else [{"code": reason.code, "detail": reason.words} for reason in decision.reasons],
                "policy_version": decision.policy_version,
                "made_by": [entry_json(entry) for entry in decided.made_by],
            }
        )
        return
    print(
        f"{request.subject!r} is {'ALLOWED' if allowed else 'DENIED'} backend {request.backend!r} "
        f"at position {decided.position} ({moment_words(decided.moment)}), policy version {decision.policy_version}"
    )
    if isinstance(decision, Allowed):
        print(f"  by {', '.join(decision.by)}")
    else:
        for reason in decision.reasons:
            print(f"  {reason.code}: {reason.words}")
    print("Because:")
    for entry in decided.made_by:
        print(f"  {entry.line}")
    if not decided.made_by:
        print("  no event is about this tenant")
