"""`layerctl run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from layerctl.cli.console import Console
from layerctl.cli.options import json_option
from layerctl.cli.output import waiting
from layerctl.cli.run_options import logs_option, run_options, with_run_options
from layerctl.local.runner import Service, ShutdownSignal, check_imports, plan

__all__ = ["command"]


@click.command("run")
@click.argument("templates", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TEMPLATE...")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option("--start-lambda", is_flag=True, help="Serve the Lambda API's Invoke too; the functions' SDKs find it.")
@click.option(
    "--lambda-port",
    default=3001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where --start-lambda serves; 0 takes any free one.",
)
@click.option(
    "--concurrency",
    default=4,
    show_default=True,
    type=click.IntRange(1, 100),
    help="How many requests a function serves at once, each in an environment of its own.",
)
@click.option("--check/--no-check", default=True, show_default=True, help="Import every handler before serving.")
@click.option("--report", is_flag=True, help="Show Lambda's START, END and REPORT lines too.")
@logs_option
@json_option
@with_run_options
def command(
    templates: tuple[Path, ...],
    *,
    port: int,
    start_lambda: bool,
    lambda_port: int,
    concurrency: int,
    check: bool,
    report: bool,
    logs: str,
    as_json: bool,
    **shared: Any,
) -> None:
    """Serve the functions of SAM templates over HTTP, in AWS's own runtime emulator.

    No Docker, no account. TEMPLATE is a SAM or CloudFormation template, or a folder with a template.yaml. Each function
    finds the content of the layers that it pins, as Lambda would lay it under /opt, and nothing of this checkout.
    With --json each event is one object on a line of its own.
    """
    with waiting("finding interpreters and layers"):
        planned = plan(templates, run_options(**shared))
    runnables = planned.runnables
    labels = [runnable.label for runnable in runnables]
    with ShutdownSignal() as end:
        console = Console(labels, as_json=as_json, report=report, logs=logs, on_closed=end.now)
        service = Service(
            runnables,
            port=port,
            lambda_port=lambda_port if start_lambda else None,
            concurrency=concurrency,
            on_line=console.line,
            on_request=console.request,
            on_problem=console.problem,
        )
        try:
            for note in planned.notes:
                console.note(note)
            if check:
                with waiting("importing handlers"):
                    check_imports(runnables)
            service.start()
            console.ready(service.urls, service.lambda_url, runnables)
            end.wait()
        finally:
            service.close()
