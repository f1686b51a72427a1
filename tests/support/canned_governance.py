"""Answers about storage and its use in the contract's shape, for whoever shows them: a small firm in November 2026."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

Answer = Mapping[str, Any]

GIB: Final = 1024**3

COVERED: Final[Answer] = {
    "fromDay": "2026-08-26",
    "toDay": "2026-11-23",
    "complete": True,
    "share": 1.0,
    "gaps": [],
    "gapsInAll": 0,
}
GAPS: Final[Answer] = {
    **COVERED,
    "complete": False,
    "share": 0.986,
    "gaps": [{"node": "n1", "day": "2026-11-20", "missingSeconds": 5400, "lostRecords": 12}, {"day": "2026-11-21"}],
    "gapsInAll": 3,
}


def as_of(**more: Any) -> Answer:
    """Say as of when: position 40, photos crawled, scratch never."""
    return {
        "computedAt": "2026-11-23T18:00:00Z",
        "position": 40,
        "attributedPosition": 40,
        "crawls": [
            {"backend": "photos", "generation": 3, "completedAt": "2026-11-23T16:00:00Z"},
            {"backend": "scratch", "generation": 0},
        ],
        **more,
    }


USAGE: Final[Answer] = {
    "rows": [
        {"kind": "unattributed", "objects": 2, "bytes": GIB, "share": 0.125},
        {"name": "audio", "id": "a", "kind": "team", "objects": 10, "bytes": 2 * GIB, "share": 0.25},
        {"name": "vision", "id": "v", "kind": "team", "objects": 1200, "bytes": 5 * GIB, "share": 0.625},
    ],
    "totalObjects": 1212,
    "totalBytes": 8 * GIB,
    "basis": "owner",
    "rule": "owner: an object belongs to the longest prefix that fits; several owners share it evenly",
    "asOf": as_of(),
}

STALE: Final[Answer] = {
    "objects": [
        {
            "backend": "photos",
            "key": "vision/old.tar",
            "bytes": 3 * GIB,
            "teams": ["vision"],
            "lastUsedDay": "2026-05-01",
            "lastUsedBy": "first_seen",
            "idleDays": 206,
            "standing": "unknown",
            "storageClass": "STANDARD",
        }
    ],
    "nextPageToken": "",
    "staleObjects": 0,
    "staleBytes": 0,
    "unknownObjects": 1,
    "unknownBytes": 3 * GIB,
    "totalObjects": 1212,
    "totalBytes": 8 * GIB,
    "asOf": as_of(coverage=GAPS),
}

GROWTH: Final[Answer] = {
    "days": [
        {"day": "2026-11-20"},
        {"day": "2026-11-21", "bytes": 6 * GIB, "objects": 1100, "addedBytes": GIB, "addedObjects": 50},
        {"day": "2026-11-22", "bytes": 7 * GIB, "objects": 1150, "addedBytes": GIB, "addedObjects": 50},
        {
            "day": "2026-11-23",
            "bytes": 8 * GIB,
            "objects": 1212,
            "addedBytes": 2 * GIB,
            "addedObjects": 63,
            "removedBytes": GIB,
            "removedObjects": 1,
        },
    ],
    "forecast": [
        {"day": f"2026-11-{24 + i}", "lowBytes": (8 + i) * GIB, "expectedBytes": (9 + i) * GIB, "highBytes": 30 * GIB}
        for i in range(6)
    ],
    "method": "days as they came, drawn again; nine of ten futures lie in the band",
    "asOf": as_of(attributedPosition=38),
}

COST: Final[Answer] = {
    "book": "aws",
    "currency": "USD",
    "rows": [
        {
            "name": "vision",
            "kind": "team",
            "bytes": 5 * GIB,
            "capacity": "0.12",
            "requestsLow": "0.01",
            "requestsHigh": "0.03",
            "egressLow": "0.00",
            "egressHigh": "0.00",
            "totalLow": "0.13",
            "totalHigh": "0.15",
        },
        {"kind": "unattributed", "bytes": GIB, "unpricedBytes": GIB},
    ],
    "totalLow": "0.13",
    "totalHigh": "0.15",
    "projection": [{"month": "2026-12", "low": "0.15", "expected": "0.20", "high": "0.40"}],
    "assumptions": ["every miss is one request"],
    "asOf": as_of(),
}

RECOMMENDATIONS: Final[Answer] = {
    "recommendations": [
        {
            "id": "archive-1",
            "kind": "archive_stale",
            "team": "vision",
            "backend": "photos",
            "summary": "archive what is stale",
            "evidence": ["40 objects idle for more than 90 days"],
            "assumptions": ["nobody reads them"],
            "objects": 40,
            "bytes": 3 * GIB,
            "savingLow": "0.05",
            "savingHigh": "0.07",
            "currency": "USD",
        }
    ],
    "asOf": as_of(),
}

SIMULATION: Final[Answer] = {
    "crossings": [
        {"day": "2026-11-01", "what": "soft_crossed", "usageBytes": 6 * GIB},
        {"day": "2026-11-08", "what": "grace_ended", "usageBytes": 6 * GIB},
        {"day": "2026-11-20", "what": "hard_crossed", "usageBytes": 9 * GIB},
    ],
    "daysWarned": 20,
    "daysRefused": 4,
    "highestBytes": 9 * GIB,
    "nowBytes": 8 * GIB,
    "standingNow": "grace_ended",
    "refusedBytes": GIB,
    "asOf": as_of(),
}

USER: Final[Answer] = {
    "user": "ada",
    "teams": ["vision"],
    "backends": [
        {"backend": "photos", "opens": 30, "bytesRead": 4 * GIB, "hits": 75, "misses": 25, "lastDay": "2026-11-23"}
    ],
    "objects": [
        {
            "backend": "photos",
            "key": "vision/a",
            "bytes": GIB,
            "opens": 20,
            "bytesRead": 3 * GIB,
            "lastDay": "2026-11-23",
        },
        {"backend": "photos", "key": "gone", "opens": 10, "bytesRead": GIB, "lastDay": "2026-11-02"},
    ],
    "jobs": [{"job": "4711", "opens": 30, "bytesRead": 4 * GIB, "lastDay": "2026-11-23"}],
    "readerBytes": GIB,
    "asOf": as_of(coverage=COVERED, readersCountedAt="2026-11-23T17:00:00Z"),
}

CRAWL: Final[Answer] = {
    "id": 7,
    "backends": ["photos"],
    "place": "s3|endpoint=|bucket=photos",
    "generation": 4,
    "state": "completed",
    "source": "list",
    "requestedBy": "token:admin",
    "requestedAt": "2026-11-23T17:00:00Z",
    "startedAt": "2026-11-23T17:00:01Z",
    "endedAt": "2026-11-23T17:01:00Z",
    "objects": 1212,
    "bytes": 8 * GIB,
    "added": 62,
    "changed": 1,
    "deleted": 1,
    "partsDone": 3,
    "partsKnown": 3,
}

BACKENDS: Final[Answer] = {
    "backends": [
        {
            "name": "photos",
            "type": "s3",
            "place": "s3|endpoint=|bucket=photos",
            "prefix": "raw/",
            "namespaces": ["training"],
            "objects": 1212,
            "bytes": 8 * GIB,
            "generation": 4,
            "crawledAt": "2026-11-23T17:01:00Z",
            "lastCrawl": CRAWL,
        },
        {"name": "scratch", "type": "local", "place": "local|root=/srv/scratch", "namespaces": ["training"]},
    ],
    "asOf": as_of(),
}

DUPLICATES: Final[Answer] = {
    "groups": [
        {
            "bytes": GIB,
            "checksum": "md5:00",
            "confidence": "high",
            "copies": [{"backend": "photos", "key": f"copy-{i}"} for i in range(4)],
            "copiesInAll": 5,
            "wastedBytes": 4 * GIB,
        }
    ],
    "groupsInAll": 1,
    "wastedBytes": 4 * GIB,
    "uncheckedObjects": 12,
    "asOf": as_of(),
}

LEASES: Final[Answer] = {
    "leases": [
        {"id": "l1", "node": "n1", "backend": "photos", "teams": ["vision"], "bytes": GIB, "state": "open"},
    ],
    "openBytes": GIB,
}

JOB: Final[Answer] = {
    "job": "4711",
    "user": "ada",
    "status": "completed",
    "startedAt": "2026-11-23T16:00:00Z",
    "endedAt": "2026-11-23T17:30:00Z",
    "reportedAt": "2026-11-23T17:30:01Z",
    "backends": [{"backend": "photos", "opens": 30, "bytesRead": 4 * GIB, "hits": 75, "misses": 25}],
    "opens": 30,
    "bytesRead": 4 * GIB,
    "claimedBytes": GIB,
    "asOf": as_of(coverage=COVERED),
}

DISMISSED: Final[Answer] = {
    "recommendation": "archive-1",
    "dismissed": True,
    "reason": "an audit needs it",
    "by": "token:admin",
    "at": "2026-11-23T18:00:00Z",
    "version": 1,
}

CANNED: Final[Mapping[str, Sequence[Answer]]] = MappingProxyType(
    {
        "GovernanceService/GetUsage": [USAGE],
        "GovernanceService/ListStale": [STALE],
        "GovernanceService/GetGrowth": [GROWTH],
        "GovernanceService/GetCost": [COST],
        "GovernanceService/ListRecommendations": [RECOMMENDATIONS],
        "GovernanceService/DismissRecommendation": [DISMISSED],
        "GovernanceService/RestoreRecommendation": [{**DISMISSED, "dismissed": False, "reason": ""}],
        "GovernanceService/SimulateQuota": [SIMULATION],
        "GovernanceService/GetUser": [USER],
        "GovernanceService/ListBackends": [BACKENDS],
        "GovernanceService/ListDuplicates": [DUPLICATES],
        "GovernanceService/ListQuotaLeases": [LEASES],
        "GovernanceService/SetQuotaLeasePolicy": [{"team": "vision", "backend": "*"}],
        "GovernanceService/ReportJob": [JOB],
        "GovernanceService/GetJob": [JOB],
        "ControlService/StartCrawl": [{"crawls": [{**CRAWL, "state": "queued"}]}],
        "ControlService/GetCrawl": [{**CRAWL, "state": "running"}, CRAWL],
        "ControlService/ListCrawls": [{"crawls": [CRAWL]}],
        "ControlService/CancelCrawl": [{**CRAWL, "state": "cancelled"}],
    }
)
