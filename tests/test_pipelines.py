"""The pipelines come from one source, are what their systems take, and are run step by step by `make pipeline`."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pipelines.generate import files
from samtranslator.yaml_helper import yaml_parse

from layerctl.config import LayerConfig
from tests.e2e import workflow
from tests.support.roles import allowed, statements
from tests.support.sam import SAM, sam_environment
from tests.support.workflow_steps import PLAYED

ROOT = Path(__file__).parents[1]
GITLAB = sorted((ROOT / "pipelines" / "gitlab").glob("*.yml"))
CODEBUILD = sorted((ROOT / "pipelines" / "codebuild").glob("*.yml"))
SCHEMA = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema"]


def run_lines(path, jobs=None):
    """The lines that a file of any system runs, of all jobs or some, without what a system puts around."""
    data = yaml.safe_load(path.read_text("utf-8"))
    if "phases" in data:
        blocks = data["phases"]["build"]["commands"]
    elif "jobs" in data:
        blocks = [step["run"] for job in jobs for step in data["jobs"][job]["steps"] if "run" in step]
    else:
        blocks = list(_scripts(data, jobs))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    shown = [re.sub(r" --format (github|text)", "", line.split(" # ")[0]) for line in lines]
    return [line for line in shown if line not in ("(", ")", "set -e")]


def _scripts(data, jobs):
    """GitLab's commands."""
    for name, job in data.items():
        if isinstance(job, dict) and (jobs is None or name in jobs):
            yield from job.get("script", ())


def test_the_files_are_what_the_source_says():
    """Nobody edits a generated file: `make pipelines` writes it, and what is there is what it writes."""
    written = dict(files())
    assert len(written) == 3 + len(GITLAB) + len(CODEBUILD)
    for path, text in written.items():
        assert path.read_text("utf-8") == text, f"{path}: run `make pipelines`"


@pytest.mark.parametrize(
    ("name", "workflow_name", "jobs"),
    [("layer", "release", ("build", "rebuild", "dev", "publish")), ("service", "service", ("check", "dev", "prod"))],
)
def test_every_system_runs_the_same_lines(name, workflow_name, jobs):
    """What all three systems run is the same, in the same order; the rest is a system's own, and named here."""
    github = run_lines(ROOT / ".github" / "workflows" / f"{workflow_name}.yml", jobs)
    gitlab = run_lines(ROOT / "pipelines" / "gitlab" / f"{name}.gitlab-ci.yml", jobs)
    codebuild = [line for job in jobs for line in run_lines(ROOT / f"pipelines/codebuild/{name}-{job}.buildspec.yml")]
    assert len(gitlab) >= 14
    assert [line for line in codebuild if not line.startswith("cp -r")] == gitlab  # GitLab has artifacts in their place
    # The release before is GitHub's to tell; its checkout has main's index.
    of_github = re.compile(r"\$\{?before\b|^before=|^mkdir before$")
    of_the_others = re.compile(r"^mkdir -p main$|^git fetch |^git show FETCH_HEAD:")
    shared = [line for line in gitlab if not of_the_others.search(line)]
    assert [line for line in github if not of_github.search(line)] == shared


@pytest.mark.parametrize("path", GITLAB, ids=lambda path: path.name)
def test_gitlab_takes_its_file(path, tmp_path):
    """GitLab's own schema is content; with a key that it does not know it is not. The file says when it runs."""
    assert yaml.safe_load(path.read_text("utf-8"))["workflow"]["rules"]
    check = [*SCHEMA, "vendor.gitlab-ci"]
    done = subprocess.run([*check, path], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    (tmp_path / "bad.yml").write_text(path.read_text("utf-8").replace("  script:", "  scripts:"))
    assert subprocess.run([*check, tmp_path / "bad.yml"], capture_output=True, check=False).returncode == 1


def test_github_takes_its_files():
    """GitHub's schema is content with every workflow."""
    paths = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    done = subprocess.run([*SCHEMA, "vendor.github-workflows", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["service", "bump-pins"])
def test_layerctl_comes_from_where_its_user_says(name, tmp_path):
    """The name on the public index is somebody else's: no default installs it, and without a wheel nothing is run."""
    github = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))
    tool = github[True]["workflow_call"]["inputs"]["tool"]  # `on` is YAML 1.1's word for true
    assert (tool["required"], tool.get("default")) == (True, None)
    gitlab = ROOT / "pipelines" / "gitlab" / f"{name}.gitlab-ci.yml"
    assert "TOOL" not in yaml.safe_load(gitlab.read_text("utf-8"))["variables"]
    (line,) = [line for line in run_lines(gitlab) if "TOOL" in line]
    (tmp_path / "python").symlink_to("/bin/true")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TOOL": ""}
    command = ["bash", "-e", "-c", line]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "TOOL: names no wheel of layerctl" in done.stderr


# Build specification reference for CodeBuild: the keys of version 0.2 that these files may use.
BUILDSPEC = {
    "": {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"},
    "phases": {"install", "pre_build", "build", "post_build"},
    "phases/install": {"run-as", "on-failure", "runtime-versions", "commands", "finally"},
    "phases/build": {"run-as", "on-failure", "commands", "finally"},
    "phases/install/runtime-versions": {"python", "nodejs", "java", "golang", "ruby", "php", "dotnet"},
    "artifacts": {"files", "name", "discard-paths", "base-directory", "exclude-paths", "secondary-artifacts"},
}


@pytest.mark.parametrize("path", CODEBUILD, ids=lambda path: path.name)
def test_codebuild_takes_its_file(path):
    """A buildspec has the keys that AWS documents, with values of their types."""
    data = yaml.safe_load(path.read_text("utf-8"))

    def walk(node, place):
        if place in BUILDSPEC:
            assert set(node) <= BUILDSPEC[place], place
            for key, value in node.items():
                walk(value, f"{place}/{key}".strip("/"))

    walk(data, "")
    assert data["version"] == 0.2
    assert data["phases"]["build"]["on-failure"] in ("ABORT", "CONTINUE")
    commands = data["phases"]["build"]["commands"]
    assert commands
    assert all(isinstance(command, str) for command in commands)
    assert "files" in data.get("artifacts", {"files": ()})


def test_gitlab_and_codebuild_announce_by_the_same_lines():
    """The index goes to a branch in both; the release with its files is GitLab's alone. What each lacks has a page."""
    gitlab = run_lines(ROOT / "pipelines" / "gitlab" / "layer.gitlab-ci.yml", ["announce"])
    path = ROOT / "pipelines" / "codebuild" / "layer-announce.buildspec.yml"
    codebuild = run_lines(path)[1:]
    assert gitlab[-len(codebuild) :] == codebuild
    assert yaml.safe_load(path.read_text("utf-8"))["env"]["git-credential-helper"]


@pytest.mark.parametrize("name", PLAYED)
def test_a_play_changes_and_leaves_out_no_more_than_it_says(name):
    """`make pipeline` runs each line of the jobs that it plays, or says why not; no reason and no change is idle."""
    steps = [step for job in PLAYED[name] for step in workflow.job(name, job)["steps"]]
    played = [step["run"] for step in steps if not workflow.why_not_played(step)]
    assert len(played) >= {"release": 15, "service": 6, "ci": 1}[name]
    if name == "release":
        assert all(any(step.get("run", "").startswith(start) for step in steps) for start in workflow.NOT_PLAYED)
        for old in workflow.CHANGED:
            assert any(old in line for line in played), old


def test_the_layer_has_one_name():
    """layer.toml says it; bootstrap, stacks and roles, which cannot read that, say the same, and no script says any."""
    name = LayerConfig.load(ROOT / "layer" / "layer.toml").name
    bootstrap = yaml_parse(workflow.BOOTSTRAP.read_text("utf-8"))
    assert bootstrap["Parameters"]["LayerName"]["Default"] == name
    roles = [made["Properties"]["RoleName"] for made in bootstrap["Resources"].values() if "Role" in made["Type"]]
    assert roles == [{"Fn::Sub": f"${{LayerName}}-{role}"} for role in ("canary", "pipeline-dev", "pipeline-release")]
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for stage, environment in (("dev", "default"), ("prod", "prod")):
        assert config[environment]["global"]["parameters"]["stack_name"] == f"{name}-{stage}"
        assert f"LayerName={name}" in config[environment]["deploy"]["parameters"]["parameter_overrides"]
    for script in (ROOT / "layer").glob("*.py"):
        assert name not in script.read_text("utf-8"), script


TEMPLATES = ["pipelines/bootstrap.yaml", "layer/canary/template.yaml"]


@pytest.mark.parametrize("path", TEMPLATES)
def test_templates_are_linted(path):
    """cfn-lint finds nothing, and `sam validate --lint` is content."""
    done = subprocess.run([Path(sys.executable).with_name("cfn-lint"), ROOT / path], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    command = [SAM, "validate", "--lint", "--template-file", ROOT / path]
    validated = subprocess.run(command, capture_output=True, text=True, check=False, env=sam_environment(), cwd="/")
    assert validated.returncode == 0, validated.stdout + validated.stderr


@pytest.mark.parametrize(
    ("role", "not_sent"), [("DevRole", workflow.BY_CLOUDFORMATION), ("ReleaseRole", workflow.NOT_PROVOKED)]
)
def test_a_role_has_no_right_without_bounds(role, not_sent):
    """Each action is named, on resources that are named; what the play excuses from being sent is among them."""
    assert not_sent <= allowed(workflow.BOOTSTRAP, role)
    for statement in statements(workflow.BOOTSTRAP, role):
        assert "*" not in str(statement["Action"])
        assert statement["Resource"] != "*"
    assert "lambda:DeleteLayerVersion" not in allowed(workflow.BOOTSTRAP, role)
    assert "lambda:RemoveLayerVersionPermission" not in allowed(workflow.BOOTSTRAP, role)
