"""The `eventsourcing` library's own recorder on its own plain tables: what we are measured against."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from warpdrive.adapters.store.connecting import DatabasePlace, Role

MOST_THREADS = 64


@contextmanager
def official_recorder(place: DatabasePlace) -> Iterator[PostgresApplicationRecorder]:
    """Make its tables in an empty database; a pool of a connection for every thread."""
    datastore = PostgresDatastore(
        dbname=place.name,
        host=place.host,
        port=place.port,
        user=place.users[Role.OWNER],
        password=place.passwords.get(Role.OWNER) or "",
        pool_size=MOST_THREADS,
    )
    with datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        yield recorder


def official_rate(recorder: PostgresApplicationRecorder, threads: int, seconds: float, states: list[bytes]) -> float:
    """Return transactions a second of so many threads, each inserting one stream's events after another."""
    counts = [0] * threads
    start = threading.Barrier(threads + 1)
    stop = threading.Event()

    def write(number: int) -> None:
        start.wait()
        while not stop.is_set():
            stream = uuid4()
            recorder.insert_events(
                [StoredEvent(stream, version, "topic", state) for version, state in enumerate(states, 1)]
            )
            counts[number] += 1

    workers = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    # Counted until the stop: what is under way then belongs to nobody's figure.
    figure = sum(counts) / (time.perf_counter() - began)
    for worker in workers:
        worker.join()
    return figure
