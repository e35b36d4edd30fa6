"""The pipelines: what they call exists, in the form in which they call it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.command_lines import parse
from tests.support.workflow_steps import runs

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

WHEELS = ROOT / ".github" / "workflows" / "publish-wheels.yml"


def load(path):
    """A workflow; `on` is YAML 1.1's word for true."""
    workflow = yaml.safe_load(path.read_text("utf-8"))
    workflow["on"] = workflow.pop(True)
    return workflow


def steps(path):
    """All steps of all jobs; a job that calls a workflow has none of its own."""
    return [step for job in load(path)["jobs"].values() for step in job.get("steps", ())]


def commands(path, word):
    """The command lines of all steps that call `word`, without what a pipe or a redirection adds."""
    text = "\n".join(step["run"] for step in steps(path) if "run" in step)
    lines = re.findall(rf"^\s*({re.escape(word)} .*)$", text, re.MULTILINE)
    return [re.split(r"\s(?:[|>#]|\|\|)\s?", line)[0] for line in lines]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_bounded_and_asks_for_little(path):
    """Each job has a time limit, the default token can only read and is not kept, actions are pinned by digest."""
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        if "uses" in job:
            called = load(ROOT / job["uses"].removeprefix("$/"))  # bounded there, and of this very commit
            inputs = called["on"]["workflow_call"]["inputs"]
            required = {name for name, told in inputs.items() if told.get("required")}
            assert required <= job["with"].keys() <= inputs.keys()
            continue
        assert 0 < job["timeout-minutes"] <= 60
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_an_action_has_one_digest_and_its_version_beside():
    """Every use of an action is the same commit, with the release that it is, as Dependabot keeps them."""
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    uses = re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)(.*)", text)
    assert uses
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", version) for _, _, version in uses)
    assert len({name for name, _, _ in uses}) == len(set(uses))
    dependabot = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    assert {one["package-ecosystem"] for one in dependabot["updates"]} == {"github-actions", "pip"}
    assert all(one["cooldown"]["default-days"] >= 7 for one in dependabot["updates"])


ZIZMOR = [Path(sys.executable).with_name("zizmor"), "--quiet", "--offline", "--no-progress", "--persona=pedantic"]


def test_zizmor_finds_nothing():
    """Zizmor is content with the workflows and Dependabot's file; with a workflow that is not safe it is not."""
    done = subprocess.run([*ZIZMOR, ROOT / ".github"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_something(tmp_path):
    """An action by its tag, with a title in a command, is refused: the test above can fail."""
    step = {"run": "echo ${{ github.event.issue.title }}"}
    job = {"runs-on": "ubuntu-24.04", "steps": [{"uses": "actions/checkout@v4"}, step]}
    workflow = tmp_path / ".github" / "workflows" / "bad.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(yaml.safe_dump({"name": "bad", "on": "issues", "jobs": {"bad": job}}))
    assert subprocess.run([*ZIZMOR, tmp_path], capture_output=True, check=False, timeout=120).returncode != 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_exists(path):
    """What a workflow makes, the Makefile has."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in commands(path, "make"):
        assert {word for word in shlex.split(line)[1:] if "=" not in word} <= targets


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if path != WHEELS], ids=lambda path: path.name)
def test_every_layerctl_command_line_is_understood(path, tmp_path, monkeypatch):
    """Each command line is parsed by layerctl's own parser: command, options and arguments exist."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "$SERVICE/template.yaml",
        "$SERVICE/app.py",
        "$PATHS",
        "dist/layer.zip",
        "dist/shared-utils-layer.zip",
        "dist/shared-utils-layer.intoto.json",
        "examples/orders/template.yaml",
        "examples/todos/template.yaml",
        "examples/users/template.yaml",
        "layers.json",
        "main/layers.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    lines = [
        line for tool in (".venv/bin", ".tools/bin", "../tools/bin") for line in commands(path, f"{tool}/layerctl")
    ]
    assert lines or not steps(path)
    for line in lines:
        parse(line)


def test_a_release_takes_a_role_and_no_key():
    """Credentials come by OpenID Connect, no secret is named, no job that may write runs the repository's code."""
    path = ROOT / ".github" / "workflows" / "release.yml"
    jobs = load(path)["jobs"]
    rights = {
        name: {key for key, value in job.get("permissions", {}).items() if value == "write"}
        for name, job in jobs.items()
    }
    assert rights == {
        "build": set(),
        "rebuild": set(),
        "attest": {"id-token", "attestations"},
        "dev": {"id-token"},
        "publish": {"id-token"},
        "announce": {"contents", "pull-requests"},
    }
    assert [name for name, job in jobs.items() if "environment" in job] == ["dev", "publish"]
    assert [job.get("needs") for job in jobs.values()] == [None, "build", "rebuild", "attest", "dev", "publish"]
    for name in ("attest", "announce"):
        assert not any(re.search(r"\bmake\b|layerctl|\.venv", step.get("run", "")) for step in jobs[name]["steps"])
    text = path.read_text("utf-8")
    assert "secrets." not in text
    assert text.count("ref: main") == 2  # for layers.json, and for the branch that it goes to


def test_a_release_is_proved_before_it_is_published_and_indexed_before_it_is_shared():
    """Verified, audited, compared with the last one, signed; then published, indexed, mirrored, its grants audited."""
    path = ROOT / ".github" / "workflows" / "release.yml"
    done = [shlex.split(line)[1:3] for line in commands(path, ".venv/bin/layerctl")]
    words = [" ".join(one) if one[0] in ("index", "attest") else one[0] for one in done]
    assert words == [
        "build", "verify", "audit", "diff", "build", "diff", "attest sign", "attest public-key", "verify", "publish",
        "publish", "index write", "index notes", "index mirror", "index check", "permissions", "releases",
    ]  # fmt: skip


def test_a_release_builds_with_the_interpreters_of_the_layer():
    """The bytes depend on the interpreters' patch level, so the workflow names those of layer.toml."""
    layer = tomllib.loads((ROOT / "layer" / "layer.toml").read_text("utf-8"))
    setup = [step for step in steps(ROOT / ".github" / "workflows" / "release.yml") if "setup-python" in str(step)]
    for build in setup[:3]:  # the build, the one that it is compared with, and what `sam build` makes of it
        assert set(build["with"]["python-version"].split()) == set(layer["runtimes"].values())


def test_what_a_tag_will_run_can_be_run_before():
    """`make release-check` has what the release's first job has, and the play of the jobs that follow."""
    job = load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["build"]
    run = "\n".join(step.get("run", "") for step in job["steps"])
    command = ["make", "-n", "release-check", "BEFORE=before.zip"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    wanted = set(re.findall(r"layerctl (\w+)", run))
    assert wanted == {"build", "verify", "audit", "diff"}
    assert wanted <= set(re.findall(r"layerctl (\w+)", shown))
    assert "--strict" in shown
    assert "--rebuild" in shown
    assert "pytest -n" in shown
    assert "-m build -q --wheel" in shown
    assert "-m tests.e2e.pipeline" in shown


def test_each_distribution_is_published_by_a_tag_and_an_environment_of_its_own():
    """Trusted publishing: no token; the job that uploads has an identity, and runs no code of the repository."""
    workflow = load(WHEELS)
    jobs = workflow["jobs"]
    names = ("layerctl", "shared-utils")
    assert workflow["on"] == {"push": {"tags": [f"{name}-v[0-9]+.[0-9]+.[0-9]+*" for name in names]}}
    uploads = {name: job for name, job in jobs.items() if "gh-action-pypi-publish" in str(job)}
    assert uploads.keys() == {f"publish-{name}" for name in names}
    for name in names:
        job = uploads[f"publish-{name}"]
        assert job["if"] == f"startsWith(github.ref_name, '{name}-v') && vars.PACKAGE_INDEX_URL != ''"
        assert (job["environment"], job["permissions"]) == (f"index-{name}", {"id-token": "write"})
        assert not any("run" in step for step in job["steps"])
        assert "password" not in str(job)
    assert "secrets." not in WHEELS.read_text("utf-8")
    writing = {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()}
    assert writing == {*uploads, "attest", "release"}
    for name in writing:
        assert not any(re.search(r"\bmake\b|\.venv|pytest", step.get("run", "")) for step in jobs[name]["steps"])


@pytest.mark.parametrize(
    ("tag", "made", "taken"),
    [
        ("layerctl-v1.2.0", ["layerctl-1.2.0", "shared_utils-1.1.0"], "layerctl-1.2.0"),
        ("shared-utils-v1.1.0", ["layerctl-1.2.0", "shared_utils-1.1.0"], "shared_utils-1.1.0"),
        ("shared-utils-v1.1.0rc1", ["layerctl-1.2.0", "shared_utils-1.1.0rc1"], "shared_utils-1.1.0rc1"),
        ("shared-utils-v1.2.0", ["layerctl-1.2.0", "shared_utils-1.1.0"], None),
    ],
)
@runs("publish-wheels", "build", "The tag names")
def test_a_tag_takes_the_wheel_of_its_name_and_version(tmp_path, tag, made, taken, script):
    """The step itself is run: one wheel is taken; a tag of another version fails, and says what there is."""
    (tmp_path / "dist").mkdir()
    for name in made:
        (tmp_path / f"dist/{name}-py3-none-any.whl").touch()
    environment = {"PATH": os.environ["PATH"], "GITHUB_REF_NAME": tag}
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (taken is not None)
    if taken is None:
        assert "::error::" in done.stdout
    else:
        assert [path.name for path in (tmp_path / "wheel").iterdir()] == [f"{taken}-py3-none-any.whl"]


@runs("publish-wheels", "release", "Release")
def test_a_release_of_a_wheel_names_the_line_that_installs_it(tmp_path, script):
    """The step itself is run, with a `gh` that notes its calls: URL and hash; it is not the latest release."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/layerctl-1.2.0-py3-none-any.whl").write_bytes(b"")
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\necho "$@" >> calls\ntest "$2" != view\n')
    gh.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GITHUB_REF_NAME": "layerctl-v1.2.0",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shared-utils",
    }
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True)
    url = "https://github.com/acme/shared-utils/releases/download/layerctl-v1.2.0/layerctl-1.2.0-py3-none-any.whl"
    empty = hashlib.sha256(b"").hexdigest()
    assert f"pip install 'layerctl @ {url}#sha256={empty}'" in (tmp_path / "notes.md").read_text()
    calls = (tmp_path / "calls").read_text()
    assert "--latest=false" in calls
    assert "release upload layerctl-v1.2.0 dist/layerctl-1.2.0-py3-none-any.whl" in calls


def test_the_layers_release_has_both_wheels_and_is_compared_with_a_layer():
    """The release of a layer takes the wheels along; what it is compared with is none of a wheel."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert re.search(r"gh release upload .* release/\*\.whl", text)
    (listed,) = re.findall(r"gh release list .*", text)
    assert 'startswith("v")' in listed
