"""Batches of access records as agents send them, recorded before the clock starts, and those who send them.

1,000 users, each as likely as the other, and 1,000,000 keys by Zipf's law (the key of rank r comes with weight 1/r):
about three of four (user, key) pairs are new, which is the hard case. Each batch is one node's.
"""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import accumulate
from threading import Semaphore
from typing import Any, Final
from uuid import UUID

import grpc

from benchmarks.control.process import Served
from warpdrive.adapters.wire.access_columns import encode
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.application.ports.access_log import AccessRecord

KEYS: Final = 1_000_000
USERS: Final = 1_000
NODES: Final = 16
BATCH: Final = 5_000
BACKEND: Final = "corpus"
IN_FLIGHT: Final = 48
"""Batches that senders have under way together: as many nodes that wait for their answers."""

_METHOD: Final = "/warpdrive.v1.TelemetryService/IngestEvents"
_CHANNELS: Final = 4


def key_of(number: int) -> str:
    """Name one of the keys."""
    return f"train/shard-{number // 1000:04d}/sample-{number:07d}.tar"


def batches(count: int, seed: int) -> Iterator[bytes]:
    """Yield so many batches, as bytes to send."""
    dice = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, KEYS + 1)))
    order = list(range(KEYS))
    dice.shuffle(order)  # what is popular is not what was numbered first
    request: Any = message_class(contract().methods["TelemetryService/IngestEvents"].request)
    now = time.time()
    for number in range(count):
        node = f"node-{number % NODES:02d}"
        keys = dice.choices(order, cum_weights=weights, k=BATCH)
        records = [_record(dice, now, node, key) for key in keys]
        message = request(
            batch_id=str(UUID(int=dice.getrandbits(128))), node=node, columns=encode(records), metadata_sample_rate=1.0
        )
        yield message.SerializeToString()


def _record(dice: random.Random, now: float, node: str, number: int) -> AccessRecord:
    key = key_of(number)
    user = dice.randrange(USERS)
    return AccessRecord(
        ts=now - 600 * dice.random(),
        window_ms=10_000,
        node=node,
        user=f"user{user:03d}",
        uid=10_000 + user,
        job=str(4_000_000 + user % 50),
        backend=BACKEND,
        key=key,
        path=f"/mnt/data/{key}",
        version=f"etag-{number:032x}",
        op="read",
        opens=1,
        bytes_read=dice.randrange(1 << 24),
        hits=dice.randrange(64),
        misses=dice.randrange(4),
        latency_ms=dice.random() * 50,
        latency_max_ms=dice.random() * 5,
        error="",
    )


def send_all(served: Served, messages: Sequence[bytes]) -> float:
    """Send everything, so many at once; return the seconds until the last answer. Raises what a call raises."""
    token = (("authorization", f"Bearer {served.token}"),)
    room = Semaphore(IN_FLIGHT)
    with ExitStack() as stack:
        channels = [
            # Connections of their own: channels with one set of options would share one.
            stack.enter_context(grpc.insecure_channel(f"{served.host}:{served.grpc}", options=[("wd.channel", number)]))
            for number in range(_CHANNELS)
        ]
        calls = [channel.unary_unary(_METHOD) for channel in channels]
        futures: list[Future[bytes]] = []
        began = time.perf_counter()
        for number, message in enumerate(messages):
            room.acquire()
            future = calls[number % _CHANNELS].future(message, metadata=token, timeout=120)
            future.add_done_callback(lambda _: room.release())
            futures.append(future)
        for future in futures:
            future.result()
        return time.perf_counter() - began
