"""`make coverage`: which part of the branches of each room the tests take, in one table."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

__all__ = ["coverage_table"]


def coverage_table(report: dict) -> str:  # type: ignore[type-arg]
    """Return the table of a report that `coverage json` wrote, in Markdown: rooms, with branches taken of all."""
    rooms: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, file in report["files"].items():
        path = Path(name)
        package = path.parts.index("shared_utils" if "shared_utils" in path.parts else "layerctl", 1)
        inner = path.parts[package:]
        summary = file["summary"]
        counts = ("covered_branches", "num_branches", "covered_lines", "num_statements")
        for room in (".".join(inner[:2]) if len(inner) > 2 else inner[0], "together"):
            rooms[room] = [known + summary[count] for known, count in zip(rooms[room], counts, strict=True)]
    lines = ["| room | branches taken | of | share | lines run | of |", "|---|---|---|---|---|---|"]
    for room, (taken, branches, run, statements) in sorted(rooms.items(), key=lambda one: (one[0] == "together", one)):
        share = f"{100 * taken / branches:.0f} %" if branches else "-"
        lines.append(f"| {room} | {taken} | {branches} | {share} | {run} | {statements} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(coverage_table(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
