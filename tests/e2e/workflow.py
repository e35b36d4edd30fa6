"""Workflows, step by step: their own `run` lines, on the local AWS; part of `make pipeline`.

What needs GitHub, or what continuous integration runs beside this play anyway, is named with the reason. What a job
sends to AWS goes through a proxy that keeps it, and is held against the policy of the role that the job takes.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from layerctl.aws.failures import action_of
from tests.e2e.evidence import PipelineError, check, console
from tests.support.fault_proxy import fault_proxy
from tests.support.roles import allowed
from tests.support.workflow_steps import PLAYED, why_not

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
BOOTSTRAP = ROOT / "pipelines" / "bootstrap.yaml"

# Steps that a test runs instead, with a `gh` that notes its calls; by how they begin.
NOT_PLAYED = {"before=$(gh release list": "it asks GitHub; tests/test_workflow_steps.py runs it"}
# What is changed in a line, and why: {old: (new, why)}.
CHANGED = {
    " --strict --install-pythons": ("", "with the interpreters that are here instead of those of layer.toml"),
    " --rebuild": ("", "`make verify` builds a second time"),
}
# What CloudFormation does for a role, by the handlers of its resource types, and SAM asks of a stack that is there.
BY_CLOUDFORMATION = {
    "cloudformation:GetTemplateSummary", "iam:PassRole", "lambda:AddLayerVersionPermission",
    "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:GetFunction", "lambda:PublishLayerVersion",
    "lambda:TagResource", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "s3:GetObject",
    "ssm:AddTagsToResource", "ssm:GetParameters", "ssm:PutParameter",
}  # fmt: skip
NOT_PROVOKED = {"lambda:AddLayerVersionPermission", "ssm:DeleteParameters"}  # sharing; a deletion or a yank taken back

_played: set[tuple[str, str]] = set()


def job(workflow: str, name: str) -> dict[str, Any]:
    """One job of a workflow."""
    found: dict[str, Any] = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text("utf-8"))["jobs"][name]
    return found


def why_not_played(step: Mapping[str, Any]) -> str:
    """Why a step is not run here; empty for one that is."""
    if "uses" in step:
        return "it is GitHub's"
    by_a_test = next((why for start, why in NOT_PLAYED.items() if step["run"].startswith(start)), "")
    return by_a_test or why_not(step["run"])


def changed(line: str) -> str:
    """A step's line as it is run here."""
    for old, (new, _) in CHANGED.items():
        line = line.replace(old, new)
    return line


def play_job(
    workflow: str, name: str, folder: Path, environment: Mapping[str, str], *, shows: tuple[str, ...] = ()
) -> set[str]:
    """Run the lines of a job, one shell for each step as GitHub does it; returns the actions that were sent.

    Args:
        workflow: whose.
        name: the job's.
        folder: the checkout.
        environment: with the local AWS's address.
        shows: what is printed of a step's output: lines that hold one of these.
    """
    skipped: dict[str, list[str]] = {}
    with fault_proxy(environment["AWS_ENDPOINT_URL"]) as proxy:
        for step in job(workflow, name)["steps"]:
            title = step.get("name") or (step["run"] if "run" in step else step["uses"].split("@")[0])
            if why := why_not_played(step):
                skipped.setdefault(why, []).append(title)
                continue
            said = _step(changed(step["run"]), folder, {**environment, "AWS_ENDPOINT_URL": proxy.endpoint}, title)
            console.print(f"   [green]✓[/] {title}", markup=True)
            for line in said.splitlines():
                if any(text in line for text in shows):
                    console.print(f"     [dim]{line.strip()}[/]")
        for why, titles in skipped.items():
            console.print(f"   [dim]not run, {why}: {'; '.join(titles)}[/]")
        _played.add((workflow, name))
        return {action_of(*request) for request in proxy.sent}


def check_all_played() -> None:
    """Hold that the jobs were played that count as played for the suite."""
    wanted = {(workflow, name) for workflow, names in PLAYED.items() for name in names}
    check(_played == wanted, f"played: {', '.join(f'{workflow} {name}' for workflow, name in sorted(_played))}")


def _step(run: str, folder: Path, environment: Mapping[str, str], title: str) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", run],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise PipelineError(f"{title} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def check_role(role: str, sent: set[str], *, beside: set[str]) -> None:
    """Hold what a job sent against its role's policy: nothing is refused, and nothing is allowed that nobody needs."""
    may = allowed(BOOTSTRAP, role)
    check(sent <= may, f"{role} allows each of the {len(sent)} actions that were sent{_named(sent - may)}")
    idle = may - sent - beside
    check(not idle, f"and nothing else but what CloudFormation or a rarer case needs{_named(idle)}")


def _named(actions: set[str]) -> str:
    return f": {', '.join(sorted(actions))}" if actions else ""
