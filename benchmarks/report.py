"""The results for people: a Markdown table, ratios first, and what was missed said plainly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from rich.box import SIMPLE
    from rich.table import Table
except ImportError:  # in the peers' environment, which prints JSON only
    pass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.samples import Comparison, Series

__all__ = ["as_json", "comparison_table", "growth_table", "terminal_table", "verdict"]


def comparison_table(comparisons: Iterable[Comparison]) -> str:
    """One row per comparison: the ratio and its limit, then the figures behind it."""
    rows = [
        "| | topic | work | ratio | limit | ours | peer | against | Python |",
        "|---|---|---|---:|---:|---:|---:|---|---|",
    ]
    for entry in comparisons:
        mark = "·" if entry.limit is None else ("✓" if entry.holds else "✗")
        limit = "" if entry.limit is None else f"≤ {entry.limit:g}"
        ours, peer = (f"{value:.3g} {entry.unit}" for value in (entry.ours, entry.peer))
        rows.append(
            f"| {mark} | {entry.topic} | {entry.work} | **{entry.ratio:.2f}** | {limit} | {ours} | {peer} "
            f"| {entry.peer_name} | {entry.where} |"
        )
    return "\n".join(rows)


def terminal_table(comparisons: Iterable[Comparison]) -> Table:
    """The same for a terminal: what is limited first, missed limits in red."""
    table = Table(box=SIMPLE, pad_edge=False)
    for name in ("", "topic", "work"):
        table.add_column(name, overflow="fold")
    for name in ("ratio", "limit", "ours", "peer"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("against", overflow="fold")
    table.add_column("Python", no_wrap=True)
    for entry in comparisons:
        style = "dim" if entry.limit is None else ("green" if entry.holds else "bold red")
        table.add_row(
            "·" if entry.limit is None else ("✓" if entry.holds else "✗"),
            entry.topic,
            entry.work,
            f"{entry.ratio:.2f}",
            "" if entry.limit is None else f"≤ {entry.limit:g}",
            f"{entry.ours:.3g} {entry.unit}",
            f"{entry.peer:.3g} {entry.unit}",
            entry.peer_name,
            entry.where,
            style=style,
        )
    return table


def growth_table(series: Sequence[Series]) -> str:
    """One row per kind of work and library: the cost at each number, and the exponent of its growth."""
    rows = []
    for work, of in dict.fromkeys((entry.work, entry.of) for entry in series):
        chosen = [entry for entry in series if (entry.work, entry.of) == (work, of)]
        numbers = sorted({number for entry in chosen for number in entry.points})
        rows += [f"\n**{work}, by {of}** ({chosen[0].unit})\n"]
        rows += ["| | " + " | ".join(f"{number:,}" for number in numbers) + " | exponent |"]
        rows += ["|---|" + "---:|" * (len(numbers) + 1)]
        for entry in chosen:
            cells = [f"{entry.points[number]:.3g}" if number in entry.points else "" for number in numbers]
            rows += [f"| {entry.name} | " + " | ".join(cells) + f" | {entry.slope:.2f} |"]
    return "\n".join(rows)


def verdict(comparisons: Sequence[Comparison]) -> tuple[str, list[Comparison]]:
    """Say in one line how many limits hold, and return those that are missed."""
    limited = [entry for entry in comparisons if entry.limit is not None]
    missed = [entry for entry in limited if not entry.holds]
    return f"{len(limited) - len(missed)} of {len(limited)} limits hold", missed


def as_json(value: Any) -> Any:
    """Turn the dataclasses with slots into what `json` writes."""
    names = getattr(value, "__slots__", None)
    if names is None:
        return value
    return {name: getattr(value, name) for name in names}
