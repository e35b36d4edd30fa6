"""``make bench``: every peer in the same run, alternating; ratios first.

Cold starts run here, in AWS's emulator on the layer as `sam build` produced it. Hot paths run in the peers'
environment, one process per topic, with the same layer in front of its path; each prints its figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks import cold_start, footprint, page
from benchmarks.imports import waterfall
from benchmarks.report import as_json, comparison_table, growth_table, terminal_table, verdict
from benchmarks.samples import Comparison, Series
from layerctl.local.emulator import Interpreter, find_interpreter
from layerctl.local.emulator.runtime import runtime_packages

ROOT = Path(__file__).resolve().parents[1]
HOT_PATHS = ("logging", "metrics", "config", "asgi")
TOPICS = ("cold start", "footprint", *HOT_PATHS)
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")


def main() -> int:
    """Measure, write the results, print the table. Exit code 0 also when a limit is missed: it is said, not hidden."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--layer", type=Path, default=ROOT / ".aws-sam/build/SharedUtilsLayer", help="holds python/")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-bench", help="the peers' environment")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    parser.add_argument("--rounds", type=int, default=15, help="cold starts of each case (default: 15)")
    parser.add_argument("--only", action="append", choices=TOPICS, help="measure this topic anew; repeatable")
    options = parser.parse_args()
    # Tables keep their columns when the output is a file.
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    if not (options.layer / "python" / "shared_utils").is_dir():
        console.print(f"error: {options.layer} is no built layer; run `make bench`, which builds it", style="red")
        return 2
    began = time.monotonic()
    interpreters = [found for name in RUNTIMES if (found := find_interpreter(name)) is not None]
    topics = options.only or TOPICS
    results: dict[str, Any] = {
        "machine": {"processors": os.cpu_count(), "system": platform.platform(terse=True)},
    }
    comparisons: list[Comparison] = []
    series: list[Series] = []
    if "cold start" in topics:
        found, results["cold_starts"] = _cold_starts(options, interpreters, console)
        results["imports"] = waterfall(interpreters[-1].path, options.layer, runtime_packages(interpreters[-1]))
        comparisons += found
    if "footprint" in topics:
        comparisons += _footprint(options, interpreters, console)
    for topic in HOT_PATHS:
        if topic in topics:
            console.print(f"hot paths: {topic}")
            found, grown = _hot_path(topic, options.layer, options.peers)
            comparisons += found
            series += grown
    results["seconds"] = round(time.monotonic() - began)
    if options.only:
        results, comparisons, series = _beside_the_last_run(results, comparisons, series, options.out / "results.json")
    results["comparisons"] = [as_json(entry) | {"ratio": entry.ratio, "holds": entry.holds} for entry in comparisons]
    results["growth"] = [as_json(entry) | {"exponent": entry.slope} for entry in series]
    _write(results, comparisons, series, options)
    console.print(terminal_table(_ordered(comparisons)))
    console.print(growth_table(series), markup=False)
    summary, missed = verdict(comparisons)
    for entry in missed:
        console.print(f"[bold red]missed[/]: {entry.work}, against {entry.peer_name}, {entry.where}. {entry.note}")
    console.print(f"\n[bold]{summary}[/]; everything is in {options.out}")
    return 0


def _beside_the_last_run(
    results: dict[str, Any], comparisons: list[Comparison], series: list[Series], last: Path
) -> tuple[dict[str, Any], list[Comparison], list[Series]]:
    """Put what was measured in place of the same topics of the last run; each topic is of one run still."""
    before = json.loads(last.read_text("utf-8"))
    measured = {entry.topic for entry in comparisons}
    kept = [Comparison(**_without(row, "ratio", "holds")) for row in before["comparisons"]]
    grown = [
        Series(**{**_without(row, "exponent"), "points": {int(at): cost for at, cost in row["points"].items()}})
        for row in before["growth"]
    ]
    works = {entry.work for entry in series}
    return (
        before | results | {"seconds": before["seconds"]},
        [entry for entry in kept if entry.topic not in measured] + comparisons,
        [entry for entry in grown if entry.work not in works] + series,
    )


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _cold_starts(
    options: argparse.Namespace, interpreters: list[Interpreter], console: Console
) -> tuple[list[Comparison], list[dict[str, Any]]]:
    comparisons: list[Comparison] = []
    runs = []
    starts = len(interpreters) * (options.rounds + 1) * len(cold_start.CASES)
    with tempfile.TemporaryDirectory() as scratch, Progress(console=console, transient=True) as bar:
        task = bar.add_task("cold starts in AWS's emulator", total=starts)
        for interpreter in interpreters:
            samples = cold_start.measure(
                options.layer,
                interpreter,
                rounds=options.rounds,
                scratch=Path(scratch),
                progress=lambda: bar.advance(task),
            )
            comparisons += cold_start.compare(samples, interpreter)
            cases = [
                {"name": case.name, "median": sample.median, "quartiles": sample.spread}
                for case, sample in samples.items()
            ]
            runs.append({"interpreter": interpreter.version, "cases": cases})
    return comparisons, runs


def _footprint(options: argparse.Namespace, interpreters: list[Interpreter], console: Console) -> list[Comparison]:
    """Measure memory and bytes on the Python that the page shows."""
    chosen = next((found for found in interpreters if found.version.startswith(page.PREFERRED)), interpreters[-1])
    rounds = min(5, options.rounds)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("memory and bytes in AWS's emulator", total=rounds * len(footprint.CASES))
        return footprint.compare(options.layer, chosen, rounds, lambda: bar.advance(task))


def _hot_path(topic: str, layer: Path, peers: Path) -> tuple[list[Comparison], list[Series]]:
    """Run one topic in the peers' environment; the layer's packages come before that environment's own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(layer / "python"), str(ROOT)])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    result = subprocess.run(
        [str(peers / "bin" / "python"), "-m", f"benchmarks.{topic}", "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=600,
    )
    if result.returncode != 0:
        raise SystemExit(f"error: benchmarks.{topic} ended with {result.returncode}; its message is above")
    answer = json.loads(result.stdout)
    series = [
        Series(**{**entry, "points": {int(number): cost for number, cost in entry["points"].items()}})
        for entry in answer["series"]
    ]
    return [Comparison(**entry) for entry in answer["comparisons"]], series


def _ordered(comparisons: list[Comparison]) -> list[Comparison]:
    """By topic, what has a limit first."""
    return sorted(comparisons, key=lambda entry: (entry.topic, entry.limit is None))


def _write(
    results: dict[str, Any], comparisons: list[Comparison], series: list[Series], options: argparse.Namespace
) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    summary, missed = verdict(comparisons)
    lines = ["# Benchmarks", "", f"{summary}. ✓ within its limit, ✗ missed, · no limit set.", ""]
    lines += [comparison_table(_ordered(comparisons)), ""]
    lines += [f"- missed: {entry.work} against {entry.peer_name}, {entry.where}. {entry.note}" for entry in missed]
    lines += ["", "## How cost grows", growth_table(series), ""]
    (options.out / "results.md").write_text("\n".join(lines))
    draw = [str(options.peers / "bin" / "python"), "-m", "benchmarks.pictures"]
    subprocess.run([*draw, str(options.out / "results.json"), str(options.out)], cwd=ROOT, check=True)
    if options.out / "results.json" == page.RESULTS:
        page.PAGE.write_text(page.filled(page.PAGE.read_text("utf-8"), results), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
