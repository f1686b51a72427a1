"""Crawls by real control planes: over a distant store, killed in the middle, refused, cancelled."""

import os
import signal
from typing import Any

from tests.support.control_planes import ControlPlaneProcess, children, control_plane, reachable_dir
from tests.support.listing_server import BUCKET, ListingServer
from tests.support.ports import wait_until_async
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace

OBJECTS = 25_000
PAGES = OBJECTS // 1000
KEYS = """
  storage_crawl_interval: 0s
  credentials:
    listing: {method: static, access_key_id: someone, secret_access_key: something}
"""
_CRAWLERS = """
    SELECT count(*) FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND activity.datname = $1
        AND activity.application_name = 'warpdrive crawler'
"""


async def test_a_crawl_survives_the_death_of_its_workers(migrated_database: FreshDatabase) -> None:
    """Of two control planes one crawls; when both workers are killed it goes on where it was, and counts all once."""
    place = await migrated_database()
    async with ListingServer(OBJECTS, delay=0.05) as store:
        with (
            reachable_dir() as scratch,
            control_plane(scratch / "one", place=place, keys=KEYS) as plane,
            control_plane(scratch / "two", place=place, keys=KEYS) as other,
        ):
            token = next(each.token for each in (plane, other) if each.token_file.exists())
            _mount(plane, token, store.endpoint)
            asked = plane.must("POST", "/api/v1/crawl", {"backend": "lake"}, token=token)["crawls"]
            crawl = asked[0]["id"]
            assert other.must("POST", "/api/v1/crawl", {"backend": "lake"}, token=token)["crawls"][0]["id"] == crawl
            await _until(plane, token, crawl, lambda told: int(told["objects"]) > 0)
            assert await _crawlers(place) == 1
            killed = children(plane.process.pid) | children(other.process.pid)
            for worker in killed:
                os.kill(worker, signal.SIGKILL)
            told = await _until(plane, token, crawl, lambda told: told["state"] != "running")
            assert (told["state"], told["generation"], told["backends"]) == ("completed", "1", ["lake"])
            assert (told["objects"], told["added"], told["deleted"]) == (str(OBJECTS), str(OBJECTS), "0")
            assert told["requestedBy"].startswith("token:")
            assert store.lists < 2 * PAGES, "it did not begin anew"
            assert await _crawlers(place) == 1

            begun = store.lists
            crawl = plane.must("POST", "/api/v1/crawl", {"backend": "lake"}, token=token)["crawls"][0]["id"]
            await _until(plane, token, crawl, lambda told: int(told["objects"]) > 0)
            told = other.must("POST", f"/api/v1/crawls/{crawl}/cancel", {}, token=token)
            assert told["state"] == "cancelled"
            assert told["detail"].startswith("cancelled by token:")

            # Its runner is free for the next one, which it cannot open.
            dark = plane.must("POST", "/api/v1/crawl", {"backend": "dark"}, token=token)["crawls"][0]["id"]
            told = await _until(plane, token, dark, lambda told: told["state"] not in ("queued", "running"))
            assert told["state"] == "failed"
            assert "backend 'dark'" in told["detail"]
            assert "add control_plane.credentials.nowhere" in told["detail"]
            assert store.lists - begun < PAGES, "it was not listed to its end"
            shown = plane.must("GET", "/api/v1/crawls?backend=lake", token=token)["crawls"]
            assert [each["state"] for each in shown] == ["cancelled", "completed"]
            assert plane.ask("GET", "/api/v1/crawls/999", token=token).status_code == 404


def _mount(plane: ControlPlaneProcess, token: str, endpoint: str) -> None:
    def entry(path: str, name: str, bucket: str, auth: str) -> dict[str, Any]:
        options = {"endpoint": endpoint, "bucket": bucket, "region": "us-east-1", "force_path_style": "true"}
        return {"path": path, "backend": {"name": name, "type": "s3", "options": options, "auth": auth}}

    entries = [entry("/lake", "lake", BUCKET, "listing"), entry("/dark", "dark", "other", "nowhere")]
    plane.must("POST", "/api/v1/namespaces", {"name": "main", "entries": entries}, token=token)


async def _until(plane: ControlPlaneProcess, token: str, crawl: str, wanted: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}

    def asked() -> bool:
        told.update(plane.must("GET", f"/api/v1/crawls/{crawl}", token=token))
        return bool(wanted(told))

    await wait_until_async(asked, within=30)
    return told


async def _crawlers(place: DatabasePlace) -> int:
    async with superuser(place) as connection:
        return int(await connection.fetchval(_CRAWLERS, place.name))
