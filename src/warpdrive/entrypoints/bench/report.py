"""The figures as people and programs read them."""

import os
from collections.abc import Mapping
from typing import Any, Final

import xxhash

from warpdrive.entrypoints.bench.crew import Outcome
from warpdrive.entrypoints.bench.figures import Figures
from warpdrive.entrypoints.bench.plan import File
from warpdrive.entrypoints.settings.units import format_duration, format_size

NAMED: Final = 20
"""Errors and mismatches printed; JSON has all."""


def summary(outcome: Outcome, files: Mapping[str, File], options: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON form. `gb_per_second` counts 10^9 bytes; latencies in seconds, of single reads."""
    figures = outcome.figures
    seconds = figures.seconds or 1e-9
    return {
        "options": options,
        "files": len(files),
        "files_bytes": sum(file.size for file in files.values()),
        "seconds": figures.seconds,
        "bytes": figures.bytes,
        "reads": figures.reads,
        "opens": figures.opens,
        "passes": figures.passes,
        "gb_per_second": figures.bytes / seconds / 1e9,
        "ops_per_second": figures.reads / seconds,
        "latency_seconds": {
            "p50": figures.latencies.percentile(50),
            "p95": figures.latencies.percentile(95),
            "p99": figures.latencies.percentile(99),
            "max": figures.latencies.longest / 1e9,
        },
        "checksum": _checksum(figures, files) if options["checksum"] else None,
        "mismatches": figures.mismatches,
        "errors": figures.errors,
        "interrupted": outcome.interrupted,
    }


def _checksum(figures: Figures, files: Mapping[str, File]) -> dict[str, Any]:
    """Return one digest over all pieces, in order of name and offset, when every byte was read.

    Equal for equal trees, wherever they are, if read with the same chunk: a mount compares with its original.
    """
    whole = xxhash.xxh3_64()
    covered = 0
    named = [(files[path].name, offset, length, value) for (path, offset, length), value in figures.digests.items()]
    for name, offset, length, value in sorted(named):
        whole.update(f"{name}\0{offset}\0{length}\0{value:016x}\n".encode("utf-8", "surrogateescape"))
        covered += length
    complete = covered == sum(file.size for file in files.values())
    return {"algorithm": "xxh3_64 of pieces", "digest": whole.hexdigest() if complete else None, "bytes": covered}


def lines(result: dict[str, Any]) -> list[str]:
    """Return the text form."""
    latency = {name: format_latency(value) for name, value in result["latency_seconds"].items()}
    text = [
        f"files      {result['files']} ({format_size(result['files_bytes'])}), {result['opens']} opens",
        f"read       {format_size(result['bytes'])} in {format_duration(result['seconds'])}"
        + (" (interrupted)" if result["interrupted"] else ""),
        f"throughput {result['gb_per_second']:.3f} GB/s, {result['ops_per_second']:.0f} ops/s",
        f"latency    p50 {latency['p50']}, p95 {latency['p95']}, p99 {latency['p99']}, max {latency['max']}",
    ]
    if result["checksum"]:
        digest = result["checksum"]["digest"] or "incomplete: not every byte was read"
        text.append(f"checksum   {digest}, {len(result['mismatches'])} mismatches")
    for what, found in (("mismatch", result["mismatches"]), ("error", result["errors"])):
        text += [f"{what}: {_printable(each)}" for each in found[:NAMED]]
        if len(found) > NAMED:
            text.append(f"... and {len(found) - NAMED} more of the kind")
    return text


def _printable(text: str) -> str:
    """Return text that any stream takes: bytes of names that are no UTF-8 are escaped."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def format_latency(seconds: float) -> str:
    """Write a latency with three digits: 87.3 µs, 1.24 ms, 2.05 s."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
