"""`layerctl invoke`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from layerctl.cli.console import Console
from layerctl.cli.options import json_option
from layerctl.cli.output import print_json, waiting
from layerctl.cli.run_options import logs_option, run_options, with_run_options
from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text
from layerctl.core.json_text import parse_json
from layerctl.local.emulator.check import import_problem
from layerctl.local.runner import import_failure, plan

__all__ = ["command"]


@click.command("invoke")
@click.argument("template", type=click.Path(path_type=Path))
@click.argument("function")
@click.option(
    "--event",
    "event_path",
    default=None,
    metavar="FILE",
    help="The event, in JSON; - reads it from stdin.  [default: {}]",
)
@click.option("--report", is_flag=True, help="Show Lambda's START, END and REPORT lines too.")
@logs_option
@json_option
@with_run_options
def command(
    template: Path, function: str, *, event_path: str | None, report: bool, logs: str, as_json: bool, **shared: Any
) -> int:
    """Run FUNCTION of a SAM TEMPLATE once, in AWS's own runtime emulator, and print its answer.

    FUNCTION is the logical id or the name. The answer goes to standard output, the function's lines to standard error.
    Exit code 1 says that the function failed, 2 that it could not be run.
    """
    event = _event(event_path)
    with waiting("finding interpreter and layers"):
        planned = plan([template], run_options(**shared), only=function)
    runnable = planned.runnables[0]
    console = Console([runnable.label], as_json=False, report=report, logs=logs, all_to_stderr=True)
    for note in planned.notes:
        console.note(note)
    with runnable.emulator(None if as_json else lambda line: console.line(runnable.label, line)) as emulator:
        answer = emulator.invoke(event)
        if answer.status != 200 and (problem := import_problem(emulator)):
            raise import_failure(runnable, problem)
    failure = answer.failure
    value = None if failure and answer.timed_out else _value(answer.payload)
    if as_json:
        facts = {"function": runnable.label, "answer": value, "failure": failure, "lines": list(answer.lines)}
        times = {"init_ms": answer.init_ms, "duration_ms": answer.duration_ms, "request_id": answer.request_id}
        print_json({**facts, **times})
    elif not failure:
        print_json(value)
    if failure:
        console.problem(runnable.label, failure)
    return 1 if failure else 0


def _event(path: str | None) -> Any:
    """Read the event.

    Raises:
        LayerctlError: it is not there, or is not JSON.
    """
    if path is None:
        return {}
    name = f"the event {path}"
    try:
        text = sys.stdin.read() if path == "-" else read_text(Path(path), name=name).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise LayerctlError(f"{name} is not text in UTF-8", hint="pipe UTF-8") from None
    return parse_json(text, name, hint="check the file")


def _value(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")
