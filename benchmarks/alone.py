"""The command line of a topic that can be measured by itself."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from benchmarks.report import as_json, comparison_table, growth_table, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.samples import Comparison, Series

__all__ = ["main"]


def main(topic: str, description: str | None, measure: Callable[[], tuple[list[Comparison], list[Series]]]) -> int:
    """Measure, and print the tables, or JSON for the harness."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{topic}", description=description)
    parser.add_argument("--json", action="store_true", help="figures as JSON on standard output")
    options = parser.parse_args()
    comparisons, series = measure()
    if options.json:
        print(json.dumps({"comparisons": list(map(as_json, comparisons)), "series": list(map(as_json, series))}))
    else:
        line, _ = verdict(comparisons)
        print(comparison_table(comparisons), growth_table(series), f"\n{line}", sep="\n")
    return 0
