"""``make bench BASE=v1.2.0``: what this checkout costs beside an earlier commit, both built as layers, in one run.

Both layers are made by this checkout's layerctl, with bytecode. Every cold start is a fresh process of one interpreter,
in turns with its counterpart: processor time from when Lambda's runtime client is loaded, which a busy machine disturbs
least. A function is invoked as Lambda does it, with a context that knows its remaining time.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.cold_start import FUNCTIONS
from benchmarks.parameter_endpoint import serve_parameter
from benchmarks.report import terminal_table
from benchmarks.samples import Comparison, Sample
from layerctl.local.emulator import find_interpreter
from layerctl.local.emulator.runtime import runtime_packages

ROOT = Path(__file__).resolve().parents[1]
_START = """
import sys
sys.path[:0] = [{layer!r}, {functions!r}]
sys.path.append({runtime!r})
import awslambdaric.bootstrap
import io, json, time
real, sys.stdout = sys.stdout, io.StringIO()
{context}before, began = len(sys.modules), time.process_time_ns()
"""
_END = """
took, sys.stdout = time.process_time_ns() - began, real
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"ms": took / 1e6, "modules": len(sys.modules) - before, "kB": peak}))
"""
_CONTEXT = """
class Context:
    aws_request_id, function_name, function_version = "5f0c1c8e-5d5c-4c2c-9a3b-0c8d1c1c1c1c", "todos", "$LATEST"
    invoked_function_arn, memory_limit_in_mb = "arn:aws:lambda:eu-west-1:123456789012:function:todos", "128"
    get_remaining_time_in_millis = lambda self: 30_000
"""
_INVOKE = "\nimport {name}\n{name}.handler({{}}, Context())\n"
_HOT = """
from shared_utils import get_logger, instrument, metrics
log = get_logger().bind(user_id="u-1", attempt=2, ratio=0.5)
context = Context()

@instrument
def handler(event, context):
    pass

def line():
    log.info("todos listed", count=3, page="first", cached=True)

def filtered():
    log.debug("todos listed", count=3, page="first", cached=True)

def document():
    metrics.count("TodosListed")
    metrics.add("Latency", 12.5, "Milliseconds")
    metrics.dimensions(Route="/todos")
    metrics.flush()

cases = {"line": line, "filtered": filtered, "invocation": lambda: handler({}, context), "document": document}
costs = {}
for name, work in cases.items():
    for _ in range(200):
        work()
    began = time.thread_time_ns()
    for _ in range(2000):
        work()
    costs[name] = (time.thread_time_ns() - began) / 2e6
    sys.stdout.seek(0)
    sys.stdout.truncate()
sys.stdout = real
print(json.dumps(costs))
"""
_COLD = {
    "ours_logging": "decorator and first line",
    "ours": "decorator, first line and first document",
    "ours_parameter": "first parameter",
}
_UNITS = {"ms": "processor time", "modules": "modules loaded", "kB": "peak memory"}
_WARM = {
    "line": "an info line, 3 bound and 3 call values",
    "filtered": "a filtered debug line",
    "invocation": "an invocation without a line",
    "document": "2 metrics, 1 dimension and flush",
}


def main() -> int:
    """Build both, measure them in turns, print a row for each figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkouts", description=__doc__)
    parser.add_argument("base", help="a commit, branch or tag; or a folder that holds python/ of a built layer")
    parser.add_argument("--rounds", type=int, default=40, help="processes of each case (default: 40)")
    parser.add_argument("--runtime", default="python3.13", help="the interpreter (default: python3.13)")
    parser.add_argument("--layer", type=Path, help="this checkout's layer, if it is built already: holds python/")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    interpreter = find_interpreter(options.runtime)
    if interpreter is None:
        console.print(f"error: no interpreter for {options.runtime} was found; name another one with --runtime")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        try:
            base = Path(options.base) if Path(options.base, "python").is_dir() else _build_base(options.base, scratch)
        except subprocess.CalledProcessError as error:
            console.print(
                f"error: {options.base} was not built: {' '.join(error.stderr.decode().split())}", style="red"
            )
            return 2
        layers = {"base": base, "ours": options.layer or _build(ROOT / "layer/layer.toml", scratch / "ours")}
        runtime = runtime_packages(interpreter)
        samples = _measure(interpreter.path, layers, runtime, options.rounds)
    console.print(terminal_table(list(_compare(samples, options.base, interpreter.version))))
    return 0


def _build_base(commit: str, scratch: Path) -> Path:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(scratch / "checkout", filter="data")
    return _build(scratch / "checkout/layer/layer.toml", scratch / "base")


def _build(config: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "layerctl", "build", "-q", "--layer-config", str(config), "--into", str(into)]
    subprocess.run(command, check=True, capture_output=True)
    return into


def _measure(python: Path, layers: dict[str, Path], runtime: Path, rounds: int) -> dict[tuple[str, str, str], Sample]:
    """Return a sample for each layer, case and unit. One round more is run, and warms the page cache."""
    figures: dict[tuple[str, str, str], list[float]] = {}
    cases = {name: _INVOKE.format(name=name) + _END for name in _COLD} | {"warm": _HOT}
    with ExitStack() as stack:
        endpoint = stack.enter_context(serve_parameter("/benchmark/page-size", "20"))
        environment = {
            "POWERTOOLS_SERVICE_NAME": "todos",
            "POWERTOOLS_METRICS_NAMESPACE": "Benchmark",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_LAMBDA_FUNCTION_NAME": "todos",
        }
        for number in track(range(rounds + 1), description="rounds", transient=True):
            for case, program in cases.items():
                if case == "warm" and number % 4 != 1:
                    continue
                # The one that comes first may find a colder cache: they change places.
                for which in sorted(layers, reverse=bool(number % 2)):
                    start = _START.format(
                        context=_CONTEXT,
                        layer=f"{layers[which]}/python",
                        functions=str(FUNCTIONS),
                        runtime=str(runtime),
                    )
                    command = [str(python), "-I", "-S", "-B", "-c", start + program]
                    output = subprocess.run(
                        command, env=environment, capture_output=True, check=True, timeout=60
                    ).stdout
                    for unit, figure in json.loads(output).items() if number else ():
                        figures.setdefault((which, case, unit), []).append(figure)
    return {key: Sample(key[1], key[2], tuple(values)) for key, values in figures.items()}


def _compare(samples: dict[tuple[str, str, str], Sample], base: str, where: str) -> list[Comparison]:
    rows = [
        ("cold start", case, unit, f"{work}: {what}", unit)
        for case, work in _COLD.items()
        for unit, what in _UNITS.items()
    ]
    rows += [("warm", "warm", key, work, "µs") for key, work in _WARM.items()]
    return [
        Comparison(
            topic, work, base, samples["ours", case, key].median, samples["base", case, key].median, unit, 1.0, where
        )
        for topic, case, key, work, unit in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
