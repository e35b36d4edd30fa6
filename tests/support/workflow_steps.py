"""Every `run` step of the workflows, and of the pipelines that are GitLab's or CodeBuild's own: what runs it here.

`make pipeline` plays the jobs in `PLAYED`; a test that runs a step's own lines says so by `runs`; what neither does
stands in `NOT_RUN` with the reason. tests/test_workflow_steps.py holds that there is nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pipelines.generate import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["NOT_RUN", "PLAYED", "Step", "all_steps", "called_with", "find_step", "run_by_tests", "runs", "why_not"]

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"

# The jobs whose lines `make pipeline` runs, one shell for each step.
PLAYED = {"release": ("build", "dev", "publish"), "service": ("check", "dev", "prod"), "ci": ("artifact",)}

# Steps that are not run, by how they begin, and why.
NOT_RUN = {
    "make setup": "the environments are there",
    "make test": "continuous integration runs the suite beside this",
    "make verify": "continuous integration runs it beside this",
    "make wheels": "a test of the suite makes the wheels",
    "bash .ci/run": "it is what runs all of this",
    "python -m venv": "the environments are there; tests/e2e/test_installed.py installs the wheel",
    ".venv/bin/layerctl audit": "it asks OSV; a later step of `make pipeline` audits against records",
    ".venv/bin/layerctl build --strict --install-pythons --out rebuilt": "`make verify` builds a second time",
    ".venv/bin/python -m pytest": "it is a test of the suite",
    ".venv-3.14/bin/python -m pytest": "it is a test of the suite",
}


@dataclass(frozen=True)
class Step:
    """A step with lines to run, of a job of a workflow (`release`) or of a source (`pipelines/layer.yaml`)."""

    workflow: str
    job: str
    title: str
    run: str


def _of(workflow: str, jobs: Mapping[str, Any]) -> Iterator[Step]:
    for name, job in jobs.items():
        for step in job.get("steps", ()):
            if "run" in step:
                yield Step(workflow, name, step.get("name") or step["run"].strip(), step["run"])


@cache
def all_steps() -> list[Step]:
    """The steps of all workflows; of the pipelines' sources those that GitHub does not have."""
    found: list[Step] = []
    for path in sorted(WORKFLOWS.glob("*.yml")):
        found += _of(path.stem, yaml.safe_load(path.read_text("utf-8"))["jobs"])
    for name in SOURCES:
        for job in yaml.safe_load((ROOT / "pipelines" / name).read_text("utf-8"))["jobs"]:
            others = [step for step in job["steps"] if "github" not in step.get("only", job.get("only", "github"))]
            found += _of(f"pipelines/{name}", {job["id"]: {"steps": others}})
    return found


def find_step(workflow: str, job: str, title: str) -> Step:
    """The step whose title begins so."""
    (found,) = [
        step for step in all_steps() if (step.workflow, step.job) == (workflow, job) and step.title.startswith(title)
    ]
    return found


def why_not(run: str) -> str:
    """Why a step's lines are run nowhere; empty for those that are."""
    return next((why for start, why in NOT_RUN.items() if run.startswith(start)), "")


run_by_tests: set[Step] = set()


def runs(
    workflow: str, job: str, title: str, name: str = "script"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hand a test the lines of a step, as its parameter `name`, and count the step as run."""
    step = find_step(workflow, job, title)

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        run_by_tests.add(step)
        return pytest.mark.parametrize(name, [pytest.param(step.run, id=job)])(test)

    return mark


def called_with(caller: str, job: str, **matrix: str) -> dict[str, str]:
    """The environment that a called workflow has by its caller's inputs.

    Args:
        caller: the workflow that calls.
        job: its job.
        matrix: what the job's matrix says of this one.
    """
    calling = yaml.safe_load((WORKFLOWS / f"{caller}.yml").read_text("utf-8"))["jobs"][job]
    called = yaml.safe_load((ROOT / calling["uses"].removeprefix("$/")).read_text("utf-8"))
    inputs = {name: str(told.get("default", "")) for name, told in called[True]["workflow_call"]["inputs"].items()}
    for name, value in calling["with"].items():
        inputs[name] = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: matrix[match[1]], str(value))
    return {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: inputs[match[1]], value)
        for name, value in called["env"].items()
    }
