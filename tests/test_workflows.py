"""The pipelines: what they call exists, in the form in which they call it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.command_lines import parse

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path):
    """A workflow; `on` is YAML 1.1's word for true."""
    workflow = yaml.safe_load(path.read_text("utf-8"))
    workflow["on"] = workflow.pop(True)
    return workflow


def steps(path):
    """All steps of all jobs."""
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def commands(path, word):
    """The command lines of all steps that call `word`, without what a pipe or a redirection adds."""
    text = "\n".join(step["run"] for step in steps(path) if "run" in step)
    lines = re.findall(rf"^\s*({re.escape(word)} .*)$", text, re.MULTILINE)
    return [re.split(r"\s(?:[|>#]|\|\|)\s?", line)[0] for line in lines]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_bounded_and_asks_for_little(path):
    """Each job has a time limit, the default token can only read, actions are named with their major version."""
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert 0 < job["timeout-minutes"] <= 60
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_exists(path):
    """What a workflow makes, the Makefile has."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in commands(path, "make"):
        assert set(shlex.split(line)[1:]) <= targets


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_layerctl_command_line_is_understood(path, tmp_path, monkeypatch):
    """Each command line is parsed by layerctl's own parser: command, options and arguments exist."""
    monkeypatch.chdir(tmp_path)
    for name in ("dist/layer.zip", "examples/todos/template.yaml", "examples/users/template.yaml", "layers.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    lines = commands(path, ".venv/bin/layerctl")
    assert lines
    for line in lines:
        parse(line)


def test_a_release_takes_a_role_and_no_key():
    """Credentials come by OpenID Connect for the publishing job alone; no secret of AWS is named."""
    path = ROOT / ".github" / "workflows" / "release.yml"
    workflow = load(path)
    writers = {name for name, job in workflow["jobs"].items() if "id-token" in job.get("permissions", {})}
    assert writers == {"publish"}
    assert workflow["jobs"]["publish"]["environment"] == "release"
    assert "secrets." not in path.read_text("utf-8")
    order = [word for line in commands(path, ".venv/bin/layerctl") for word in [shlex.split(line)[1]]]
    assert order[:4] == ["build", "verify", "publish", "publish"]
    assert {"index", "permissions"} <= set(order[4:])


def test_a_release_builds_with_the_interpreters_of_the_layer():
    """The bytes depend on the interpreters' patch level, so the workflow names those of layer.toml."""
    layer = tomllib.loads((ROOT / "layer" / "layer.toml").read_text("utf-8"))
    setup = [step for step in steps(ROOT / ".github" / "workflows" / "release.yml") if "setup-python" in str(step)]
    assert set(setup[0]["with"]["python-version"].split()) == set(layer["runtimes"].values())
