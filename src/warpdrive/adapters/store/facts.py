"""Everything in `Facts` on PostgreSQL, on a pool that others may share."""

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.usage_facts import PostgresUsageFacts
from warpdrive.application.ports.facts import Facts


def postgres_facts(questions: Questions) -> Facts:
    """Put them together."""
    return Facts(usage=PostgresUsageFacts(questions))
