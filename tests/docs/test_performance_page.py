"""docs/performance.md quotes only figures that the benchmarks printed."""

from __future__ import annotations

import json
import re

from benchmarks.page import PAGE, RESULTS, filled, tables


def text() -> str:
    """The page as it is."""
    return PAGE.read_text("utf-8")


def test_every_table_is_that_of_the_last_run() -> None:
    """`make bench` writes the page's tables beside its results; nobody has edited either since."""
    assert text() == filled(text(), json.loads(RESULTS.read_text("utf-8")))


def test_every_table_of_the_benchmarks_is_on_the_page() -> None:
    """Cold starts, hot paths, what is not faster, memory, bytes and price, bursts: each once, each with figures."""
    made = tables(json.loads(RESULTS.read_text("utf-8")))
    assert re.findall(r"<!-- table: ([\w ]+) -->", text()) == list(made)
    assert {name for name, table in made.items() if not re.search(r"\| \$?\d", table)} == set()


def test_no_figure_stands_outside_the_tables() -> None:
    """Prose has no ratio or time that the next run would make wrong."""
    prose = re.sub(r"^\|.*$", "", text(), flags=re.MULTILINE)
    assert re.findall(r"\d\.\d\d|\d+(?:\.\d+)? (?:ms|µs|times|MiB)\b", prose.replace("$0.50", "")) == []


def test_another_run_changes_the_tables_and_nothing_else() -> None:
    """A figure that the next run prints is the figure that the page gets."""
    results = json.loads(RESULTS.read_text("utf-8"))
    for row in results["comparisons"]:
        row["ours"] *= 2
        row["ratio"] *= 2
    other = filled(text(), results)
    assert other != text()
    strip = re.compile(r"^\|.*$", re.MULTILINE)
    assert strip.sub("", other) == strip.sub("", text())
