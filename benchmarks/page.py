"""The tables of docs/performance.md, from the results of the last run: ``python -m benchmarks.page``.

`make bench` calls it. In the page, a table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; no other place
of the page has figures.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "PREFERRED", "RESULTS", "filled", "tables"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results" / "results.json"
_TABLE = re.compile(r"(<!-- table: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PREFERRED = "3.13."  # the page shows one Python; the results have them all


def filled(page: str, results: dict[str, Any]) -> str:
    """Return the page with its tables as the results have them."""
    made = tables(results)

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}\n{made[match[2]]}\n\n{match[3]}"

    return _TABLE.sub(table, page)


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Return each table of the page by its name."""
    rows = results["comparisons"]
    return {
        "cold starts": _cold_starts(rows),
        "hot paths": _hot_paths(rows),
        "not faster": _not_faster(rows),
        "memory": _memory(rows),
        "bytes": _bytes(rows),
        "bursts": _bursts(rows),
    }


def _of_one_python(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of Python 3.13, or of the newest one that was measured."""
    versions = sorted({row["where"] for row in rows}, key=lambda text: [int(part) for part in text.split(".")])
    chosen = next((version for version in versions if version.startswith(PREFERRED)), versions[-1])
    return [row for row in rows if row["where"] == chosen]


def _three(figure: float) -> str:
    """Three digits that count, and no exponent."""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.3g}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown, its first column text and the others figures."""
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _cold_starts(rows: list[dict[str, Any]]) -> str:
    of_one = _of_one_python([row for row in rows if row["topic"] == "cold start"])
    made: list[list[str]] = []
    for work, name in {
        "logging + metrics": "shared_utils: logging, metrics, decorator, first line and document",
        "one parameter": "shared_utils: one SSM parameter read at init",
    }.items():
        against = [row for row in of_one if row["work"] == work]
        made.append([name, _three(against[0]["ours"]), ""])
        made += [[row["peer_name"], _three(row["peer"]), f"{row['ratio']:.2f}"] for row in against]
    version = ".".join(of_one[0]["where"].split(".")[:2])
    return _table([f"Python {version}, over a bare handler", "ms", "ours, of it"], made)


def _hot_paths(rows: list[dict[str, Any]]) -> str:
    chosen = [
        row
        for row in rows
        if row["limit"] is not None and row["unit"] == "µs" and row["topic"] in ("logging", "metrics", "configuration")
    ]
    made = [[row["work"], row["peer_name"], f"{row['ratio']:.2f}", f"{row['limit']:g}"] for row in chosen]
    return _table(["work", "against", "ratio", "limit"], made).replace("|---|---:|", "|---|---|", 1)


def _not_faster(rows: list[dict[str, Any]]) -> str:
    names = ("structlog, orjson", "raw limit: json.dumps and a write")
    chosen = [
        row
        for row in rows
        if (row["work"].startswith("info line, 3 bound") and row["peer_name"] in names)
        or row["work"] == "an invocation without a line"
    ]
    made = [[row["work"], row["peer_name"], f"{row['ratio']:.2f}"] for row in chosen]
    return _table(["work", "against", "ratio"], made).replace("|---|---:|", "|---|---|", 1)


def _memory(rows: list[dict[str, Any]]) -> str:
    of_one = [row for row in rows if row["topic"] == "footprint" and row["unit"] == "MiB"]
    made: list[list[str]] = []
    for work in dict.fromkeys(row["work"] for row in of_one):
        against = [row for row in of_one if row["work"] == work]
        made.append([f"shared_utils: {work.removeprefix('memory: ')}", _three(against[0]["ours"]), ""])
        made += [[row["peer_name"], _three(row["peer"]), f"{row['ratio']:.2f}"] for row in against]
    return _table(["resident, over a bare handler", "MiB", "ours, of it"], made)


def _bytes(rows: list[dict[str, Any]]) -> str:
    sizes: dict[str, str] = {}
    costs: dict[str, str] = {}
    for row in rows:
        if row["topic"] == "footprint" and row["unit"] in ("B", "$") and "document" not in row["work"]:
            kept, figure = (sizes, "{:.0f}") if row["unit"] == "B" else (costs, "${:.1f}")
            lean = row["peer_name"] == "shared_utils: logging + metrics"
            kept["shared_utils, lean" if lean else "shared_utils"] = figure.format(row["ours"])
            if not lean:
                kept[row["peer_name"]] = figure.format(row["peer"])
    made = [[name, size, costs[name]] for name, size in sizes.items()]
    document = next((row for row in rows if row["work"] == "bytes of a document of one metric"), None)
    if document:
        made.append(["a document of one metric: shared_utils", f"{document['ours']:.0f}", ""])
        made.append(["a document of one metric: Powertools", f"{document['peer']:.0f}", ""])
    return _table(["a line", "bytes", "100 million lines a month"], made)


def _bursts(rows: list[dict[str, Any]]) -> str:
    burst = [row for row in rows if " readers at once" in row["work"]]
    readers = re.match(r"(\d+)", burst[0]["work"])[1] if burst else "160"  # type: ignore[index]
    made: dict[str, list[str]] = {}
    for row in burst:
        what = row["work"].rpartition(": ")[2]
        if what == "answered":
            made["shared_utils"] = ["shared_utils", f"{int(readers) / row['ours']:.0f}", "", ""]
            continue
        name, _, answered = row["peer_name"].partition(" (")
        peer = made.setdefault(name, [name, answered.split()[0], "", ""])
        place, digits = (2, ".0f") if what == "requests" else (3, ".1f")
        made["shared_utils"][place] = f"{row['ours']:{digits}}"
        peer[place] = f"{row['peer']:{digits}}"
    return _table(
        [f"{readers} readers at once", "answered", "requests", "seconds to the last answer"], list(made.values())
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8"), json.loads(RESULTS.read_text("utf-8"))), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} has the figures of {RESULTS.relative_to(ROOT)}\n")
