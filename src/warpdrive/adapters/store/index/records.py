"""Crawls as rows."""

from collections.abc import Mapping
from typing import Any, Final

from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState

CRAWLS: Final = """
    SELECT c.id, p.place, c.generation, c.state, c.detail, c.source, c.confirmed, c.requested_by, c.requested_at,
        c.started_at, c.ended_at, c.objects, c.bytes, c.added, c.changed, c.deleted, c.parts_done, c.parts_known,
        c.roots, array(
            SELECT name FROM storage.backends AS b WHERE b.place_id = c.place_id AND b.present ORDER BY name
        ) AS backends
    FROM storage.crawls AS c JOIN storage.places AS p ON p.id = c.place_id
"""


def crawl_record(row: Mapping[str, Any]) -> CrawlRecord:
    """Read one of CRAWLS."""
    values = dict(row)
    return CrawlRecord(
        **{
            **values,
            "state": CrawlState(values["state"]),
            "roots": tuple(values["roots"]),
            "backends": tuple(values["backends"]),
        }
    )
