"""Everything in `Facts` on PostgreSQL, on a pool that others may share."""

from warpdrive.adapters.store.duplicate_facts import PostgresDuplicateFacts
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.job_register import PostgresJobRegister
from warpdrive.adapters.store.lease_books import PostgresLeaseBooks
from warpdrive.adapters.store.object_facts import PostgresObjectFacts
from warpdrive.adapters.store.reader_shares import PostgresReaderShares
from warpdrive.adapters.store.usage_facts import PostgresUsageFacts
from warpdrive.adapters.store.user_facts import PostgresUserFacts
from warpdrive.application.ports.facts import Facts


def postgres_facts(questions: Questions) -> Facts:
    """Put them together."""
    return Facts(
        usage=PostgresUsageFacts(questions),
        objects=PostgresObjectFacts(questions),
        readers=PostgresReaderShares(questions),
        users=PostgresUserFacts(questions),
        duplicates=PostgresDuplicateFacts(questions),
        leases=PostgresLeaseBooks(questions),
        jobs=PostgresJobRegister(questions),
        crawls=PostgresCrawlRegister(questions),
    )
