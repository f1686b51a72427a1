"""What stays of a run: a JSON file, a Markdown table, a plot (SVG written by hand: no library needed)."""

import json
import statistics
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.results import OURS, Result

RESULTS = Path(__file__).parent / "results"
VERDICTS = {True: "reached", False: "MISSED", None: "-"}
COLOURS = {OURS: "#2a6fdb", "rclone": "#8a8f98", "s3fs": "#b9bdc4"}
CONTROL = "#d9a441"
WIDTH, LABEL, BAR, GAP = 760, 190, 16, 6


def write(name: str, facts: dict[str, Any], results: list[Result]) -> list[Path]:
    """Write `<name>.json`, `.md` and `.svg` into benchmarks/results; returns their paths."""
    RESULTS.mkdir(exist_ok=True)
    contents = {
        "json": json.dumps({"facts": facts, "results": [result.as_json() for result in results]}, indent=2) + "\n",
        "md": f"# Measured {facts['time']}\n\n{_facts(facts)}\n\n{table(results)}\n",
        "svg": plot(results),
    }
    paths = []
    for suffix, content in contents.items():
        path = RESULTS / f"{name}.{suffix}"
        path.write_text(content)
        paths.append(path)
    return paths


def _facts(facts: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items() if key != "time")


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"  # three digits say enough


def table(results: list[Result]) -> str:
    """Render the Markdown table: medians, with the range of our own rounds."""
    lines = [
        "| case | goal | WarpDrive (min-max) | beside | ratio | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        ours = "not measured"
        if figures := result.series.get(OURS):
            spread = f"{_figure(min(figures))}-{_figure(max(figures))}"
            ours = f"{_figure(statistics.median(figures))} {result.unit} ({spread})"
        beside = [
            f"{name} {_figure(statistics.median(figures))}" for name, figures in result.series.items() if name != OURS
        ]
        beside += [f"{name} failed ({why})" for name, why in result.failures.items()]
        beside += [result.note] if result.note else []
        ratio = "-" if result.ratio is None else f"{result.ratio:.2f}"
        verdict = "MISSED" if OURS in result.failures else VERDICTS[result.passed]
        cells = [result.title, result.goal, ours, "; ".join(beside), ratio, verdict]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


def plot(results: list[Result]) -> str:
    """Render medians as horizontal bars, one group per result, each group on its own scale; whiskers: min and max."""
    parts: list[str] = []
    y = 10
    for result in results:
        if not result.series:
            continue
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(f"{result.title} [{result.unit}]")}</text>')
        y += 20
        scale = (WIDTH - LABEL - 90) / (max(max(figures) for figures in result.series.values()) or 1)
        for name, figures in result.series.items():
            median = statistics.median(figures)
            colour = COLOURS.get(name, CONTROL)
            low, high = LABEL + min(figures) * scale, LABEL + max(figures) * scale
            middle = y + BAR / 2
            parts += [
                f'<text x="{LABEL - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{LABEL}" y="{y}" width="{max(median * scale, 1):.1f}" height="{BAR}" fill="{colour}"/>',
                f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#222" stroke-width="1.5"/>',
                f'<text x="{high + 6:.1f}" y="{y + 12}">{_figure(median)}</text>',
            ]
            y += BAR + GAP
        y += 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
