"""Draws the results: ``python -m benchmarks.pictures RESULTS.json FOLDER``, in the peers' environment (matplotlib)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams |= {
    "svg.hashsalt": "shared-utils",  # the same figures give the same bytes
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
}
import matplotlib.pyplot as plt  # noqa: E402 - after the back end is chosen

OURS, PEER, PALE = "#0f766e", "#64748b", "#cbd5e1"


def main() -> None:
    """Read the results and write every picture."""
    results = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[2])
    _cold_starts(results["cold_starts"], folder / "cold-start.svg")
    _waterfall(results["imports"], folder / "imports.svg")
    _growth(results["growth"], folder / "growth.svg")


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def _cold_starts(runs: list[dict[str, Any]], path: Path) -> None:
    """One panel per interpreter: milliseconds over a bare handler, the quartiles as whiskers."""
    figure, axes = plt.subplots(len(runs), 1, figsize=(9, 3.4 * len(runs)), squeeze=False)
    for axis, run in zip(axes[:, 0], runs, strict=True):
        bare = next(case["median"] for case in run["cases"] if case["name"] == "bare handler")
        cases = sorted((c for c in run["cases"] if c["name"] != "bare handler"), key=lambda case: -case["median"])
        names = [case["name"] for case in cases]
        medians = [case["median"] for case in cases]
        low = [max(case["median"] - case["quartiles"][0], 0) for case in cases]
        high = [max(case["quartiles"][1] - case["median"], 0) for case in cases]
        colours = [OURS if name.startswith("shared_utils") else PEER for name in names]
        bars = axis.barh(names, medians, xerr=[low, high], color=colours, error_kw={"ecolor": "#1e293b", "lw": 0.8})
        axis.bar_label(bars, labels=[f"{value:.0f}" for value in medians], padding=4, fontsize=8)
        title = f"Python {run['interpreter']}: milliseconds over a bare handler, which takes {bare:.0f}"
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlim(left=0)
        axis.tick_params(axis="y", labelsize=8)
    figure.tight_layout()
    _save(figure, path)


def _waterfall(imports: list[dict[str, Any]], path: Path) -> None:
    """What each import of a first line and document adds, in the order in which it happens."""
    shown = [entry for entry in imports if entry["self_us"] >= 150]
    figure, axis = plt.subplots(figsize=(9, 0.24 * len(shown) + 1.2))
    start = 0.0
    for row, entry in enumerate(shown):
        width = entry["self_us"] / 1000
        colour = OURS if entry["module"].startswith("shared_utils") else PEER
        axis.barh(row, width, left=start, color=colour)
        axis.text(start + width, row, f"  {entry['module']} {width:.1f}", va="center", fontsize=7)
        start += width
    axis.set_yticks([])
    axis.invert_yaxis()
    axis.set_xlabel("milliseconds under -X importtime, which itself costs; modules of 0.15 ms and more")
    axis.set_title("What the first line and document import", loc="left", fontsize=10)
    _save(figure, path)


def _growth(series: list[dict[str, Any]], path: Path) -> None:
    """One panel per kind of work, both axes logarithmic: a straight diagonal is linear growth."""
    works = list(dict.fromkeys((entry["work"], entry["of"]) for entry in series))
    columns = 2
    rows = -(-len(works) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 3.2 * rows), squeeze=False)
    for axis in axes.flat[len(works) :]:
        axis.set_visible(False)
    for axis, (work, of) in zip(axes.flat, works, strict=False):
        shades = iter([PEER, "#94a3b8", "#b45309"])
        for entry in series:
            if (entry["work"], entry["of"]) != (work, of):
                continue
            numbers = sorted(int(number) for number in entry["points"])
            costs = [entry["points"][str(number)] for number in numbers]
            colour = OURS if entry["name"] == "shared_utils" else next(shades)
            axis.loglog(numbers, costs, marker="o", ms=3, lw=1.4, color=colour, label=entry["name"])
            axis.set_ylabel(entry["unit"], fontsize=8)
        axis.set_xlabel(of, fontsize=8)
        axis.set_title(work, loc="left", fontsize=9)
        axis.tick_params(labelsize=7, which="both")
        axis.grid(which="major", color=PALE, lw=0.5)
        axis.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    _save(figure, path)


if __name__ == "__main__":
    main()
