"""Everything observed and counted that no event says, as one bundle of ports for the composition root."""

from dataclasses import dataclass

from warpdrive.application.ports.crawl_register import CrawlRegister
from warpdrive.application.ports.duplicate_facts import DuplicateFacts
from warpdrive.application.ports.job_register import JobRegister
from warpdrive.application.ports.lease_books import LeaseBooks
from warpdrive.application.ports.object_facts import ObjectFacts
from warpdrive.application.ports.reader_shares import ReaderShares
from warpdrive.application.ports.usage_facts import UsageFacts
from warpdrive.application.ports.user_facts import UserFacts


@dataclass(frozen=True, slots=True)
class Facts:
    """The ports, by subject."""

    usage: UsageFacts
    objects: ObjectFacts
    readers: ReaderShares
    users: UserFacts
    duplicates: DuplicateFacts
    leases: LeaseBooks
    jobs: JobRegister
    crawls: CrawlRegister
