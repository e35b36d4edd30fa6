"""docs/performance.md quotes only figures that the benchmarks printed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def committed_results() -> str:
    """The results that belong to the page: the committed ones, not those of a run that somebody just made."""
    name = "benchmarks/results/results.json"
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout if shown.returncode == 0 else (ROOT / name).read_text("utf-8")


def test_every_figure_is_one_of_the_last_run() -> None:
    """Each figure of the page's tables and prose stands in the results that are kept beside it."""
    results = json.loads(committed_results())
    printed = {f"{entry['ratio']:.2f}" for entry in results["comparisons"]}
    printed |= {f"{entry[side]:.3g}" for entry in results["comparisons"] for side in ("ours", "peer")}
    printed |= {f"{entry['limit']:g}" for entry in results["comparisons"] if entry["limit"] is not None}
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    tables = re.findall(r"(?<=\| )\d+(?:\.\d+)?(?= \|)", page)
    prose = re.findall(r"\d\.\d\d", re.sub(r"^\|.*$", "", page, flags=re.MULTILINE))
    assert len(tables) > 15
    assert {figure for figure in [*tables, *prose] if figure not in printed} == set()
