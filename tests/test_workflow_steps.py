"""Every `run` step of the pipelines is run here or by `make pipeline`, or stands with its reason in one table.

A step is run as it stands, with real git and layerctl; `gh`, `make` and GitLab's API are stand-ins.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests import test_workflows
from tests.e2e.workflow import NOT_PLAYED
from tests.layerctl.pins.made import index_data
from tests.support.layer_zips import LayerZip
from tests.support.loopback import QuietHandler, serving
from tests.support.workflow_steps import NOT_RUN, PLAYED, all_steps, run_by_tests, runs, why_not

assert test_workflows  # its tests run steps, too

ROOT = Path(__file__).parents[1]


def test_every_step_is_run_or_named():
    """A new step is played by `make pipeline`, run by a test, or has a reason; no reason and no play is idle."""
    steps = all_steps()
    jobs = {(workflow, job) for workflow, jobs in PLAYED.items() for job in jobs}
    played = {
        step for step in steps if (step.workflow, step.job) in jobs and not step.run.startswith(tuple(NOT_PLAYED))
    }
    left = [step for step in steps if step not in played | run_by_tests]
    assert [f"{step.workflow}, {step.job}: {step.title}" for step in left if not why_not(step.run)] == []
    assert jobs <= {(step.workflow, step.job) for step in steps}
    assert [start for start in NOT_RUN if not any(step.run.startswith(start) for step in steps)] == []
    assert not [step.title for step in run_by_tests if why_not(step.run)]
    assert len(run_by_tests) >= 14


def executable(path, text):
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def git(folder, *words):
    """Run git, and return what it said."""
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Job:
    """A machine of a job: a checkout with an origin, and programs that stand in."""

    def __init__(self, tmp_path):
        self.folder = tmp_path / "checkout"
        self.origin = tmp_path / "origin.git"
        self.calls = tmp_path / "calls"
        self.programs = tmp_path / "programs"
        (self.folder / ".venv").mkdir(parents=True)
        (self.folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        (tmp_path / "tools").symlink_to(self.folder / ".venv")
        self.environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(tmp_path)}
        self.stands_in("gh", 'echo "$@" >> "$CALLS"; test "$2" != view')

    def stands_in(self, name, script):
        """A program that does only what is said here."""
        executable(self.programs / name, f"#!/bin/sh\nCALLS={self.calls}\n{script}\n")

    def check_out(self, **files):
        """Make it a checkout of `main`, with these files, pushed to a bare origin."""
        (self.folder / ".gitignore").write_text(".venv\n/release\n/main\n")
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        git(self.folder, "init", "-q", "-b", "main")
        git(self.folder, "add", ".")
        git(self.folder, "commit", "-qm", "first")
        git(self.folder.parent, "init", "-q", "--bare", str(self.origin))
        git(self.origin, "config", "receive.advertisePushOptions", "true")
        git(self.folder, "remote", "add", "origin", str(self.origin))
        git(self.folder, "push", "-q", "origin", "main")

    def run(self, script, expect=0, **environment):
        """Run a step's lines as the systems do; returns what they said."""
        command = ["bash", "-e", "-c", script]
        given = self.environment | environment
        done = subprocess.run(command, cwd=self.folder, env=given, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def job(tmp_path):
    """The machine that runs a step."""
    return Job(tmp_path)


@runs("release", "rebuild", "The same bytes")
def test_another_machines_layer_is_compared_file_by_file(job, script):
    """Equal files pass; the one that differs is named."""
    for place in ("rebuilt", "dist"):
        (job.folder / place).mkdir()
        for name in ("layer.zip", "layer.manifest.json"):
            (job.folder / place / name).write_text(name)
    job.run(script)
    (job.folder / "rebuilt" / "layer.zip").write_text("other")
    assert "error: rebuilt/layer.zip is not what the first machine built" in job.run(script, expect=1)


@runs("publish-wheels", "build", "The same bytes a second time")
@pytest.mark.parametrize(("second", "code"), [("x", 0), ("y", 1)])
def test_a_wheel_is_built_twice(job, script, second, code):
    """A second build of other bytes ends the job."""
    job.stands_in("make", f'test "$1" = wheels && printf {second} > dist/x.whl')
    (job.folder / "dist").mkdir()
    (job.folder / "dist" / "x.whl").write_text("x")
    job.run(script, expect=code)


@runs("release", "attest", "mkdir keyless")
def test_the_keyless_bundle_is_kept(job, script):
    """It has the name under which the release carries it."""
    (job.folder / "bundle").write_text("{}")
    job.run(script, BUNDLE="bundle")
    assert (job.folder / "keyless" / "provenance.sigstore.json").read_text() == "{}"


@runs("release", "build", "The version moves")
@pytest.mark.parametrize(
    ("before", "gone", "says"),
    [
        ("", False, "the first release"),
        ("v1.0.1", False, "v1.0.1 is out already, and is completed"),
        ("v1.0", False, "same content as shared-utils 1.0"),
        ("v1.0", True, "good.more"),
    ],
)
def test_the_release_before_is_compared(job, script, before, gone, says):
    """With the newest release that GitHub has: an API that lost a name without a major step ends the job."""
    new = LayerZip()
    old = LayerZip()
    if gone:
        old.files["python/good/more.py"] = b"def more():\n    return 1\n"
    (job.folder / "dist").mkdir()
    new.write(job.folder / "dist" / "shared-utils-1.0.1.zip")
    old.write(job.folder.parent / "before.zip")
    job.stands_in(
        "gh", f'case "$2" in list) echo {before} ;; download) cp ../before.zip before/shared-utils-1.0.zip ;; esac'
    )
    assert says in job.run(script, expect=int(gone), GITHUB_REF_NAME="v1.0.1")


@runs("release", "announce", "Release")
@pytest.mark.parametrize("key", [False, True])
def test_a_release_has_its_files(job, script, key):
    """Notes, zip, wheels, statements, and the key where something was signed with it."""
    (job.folder / "release").mkdir()
    for name in ("a.zip", "a.whl", "layers.json", "a.intoto.json", *(["release-key.pem"] if key else [])):
        (job.folder / "release" / name).touch()
    job.run(script, GITHUB_REF_NAME="v1.0.0")
    calls = job.calls.read_text()
    assert "release create v1.0.0 --verify-tag --notes-file release/notes.md" in calls
    assert "upload v1.0.0 release/a.zip release/a.whl release/a.intoto.json release/layers.json --clobber" in calls
    assert ("release/release-key.pem" in calls) is key


def released(job):
    """A checkout of main, and the index of a release, as the job before has left it."""
    job.check_out(layers_json="{}\n")
    (job.folder / "release").mkdir()
    (job.folder / "release" / "layers.json").write_text('{"new": 1}\n')


@runs("release", "announce", "The index, as a pull request")
def test_the_index_comes_as_a_pull_request(job, script):
    """A branch of its own with the index alone, made anew each time; without a change there is none."""
    released(job)
    for _ in range(2):
        job.run(script, GITHUB_REF_NAME="v1.0.0")
        git(job.folder, "switch", "-q", "main")
    assert git(job.origin, "show", "--stat", "--format=%s", "index/v1.0.0").startswith("Index v1.0.0\n\n layers.json")
    assert "pr create --fill --base main --head index/v1.0.0" in job.calls.read_text()
    (job.folder / "release" / "layers.json").write_text("{}\n")
    job.calls.unlink()
    job.run(script, GITHUB_REF_NAME="v1.0.1")
    assert not job.calls.exists()


@runs("pipelines/layer.yaml", "announce", "The index, on a branch of its own")
@pytest.mark.parametrize("options", ["", "-o merge_request.create -o merge_request.target=main"])
def test_the_index_comes_on_a_branch(job, script, options):
    """As above, from a checkout of the tag, to origin or to the address with a token, with GitLab's push options."""
    released(job)
    git(job.folder, "switch", "-q", "--detach")
    to = {"PUSH_TO": str(job.origin), "PUSH_OPTIONS": options} if options else {}
    hook = job.origin / "hooks" / "pre-receive"
    executable(hook, f'#!/bin/sh\necho "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >> {job.calls}\n')
    for _ in range(2):
        job.run(script, TAG="v1.0.0", **to)
    assert git(job.origin, "show", "--stat", "--format=%s", "index/v1.0.0").startswith("Index v1.0.0\n\n layers.json")
    assert job.calls.read_text().splitlines()[0].strip() == ("2 merge_request.create" if options else "0")
    (job.folder / "release" / "layers.json").write_text("{}\n")
    assert "main has this index already" in job.run(script, TAG="v1.0.1", **to)
    assert "index/v1.0.1" not in git(job.origin, "branch")


@runs("pipelines/layer.yaml", "publish", "The index, as main has it")
def test_the_index_is_mains(job, script):
    """Not the tag's; before the first release there is none."""
    job.check_out(layers_json='{"mains": 1}\n')
    (job.folder / "layers.json").write_text("the tag's")
    job.run(script)
    assert json.loads((job.folder / "main" / "layers.json").read_text()) == {"mains": 1}
    git(job.folder, "rm", "-qf", "layers.json")
    git(job.folder, "commit", "-qm", "none")
    git(job.folder, "push", "-q", "origin", "main")
    job.run(script)
    assert not (job.folder / "main" / "layers.json").exists()


class _GitLab(QuietHandler):
    """Takes packages and a release as GitLab's API does, and keeps them."""

    def __init__(self, kept, status, *rest):
        self.kept, self.status = kept, status
        super().__init__(*rest)

    def _take(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept[f"{self.command} {self.path}"] = (self.headers["JOB-TOKEN"], body)
        self.send_response(self.status[self.command])
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"refused" if self.status[self.command] >= 400 else b"created")

    do_PUT = do_POST = _take


@runs("pipelines/layer.yaml", "announce", "The release's files")
@pytest.mark.parametrize(("put", "post", "code"), [(201, 201, 0), (201, 409, 0), (201, 403, 1), (403, 201, 1)], ids=str)
def test_gitlab_gets_packages_and_a_release(job, script, put, post, code):
    """Each file, then the release with links and notes; one that is there is completed, a refusal ends the job."""
    (job.folder / "layer").symlink_to(ROOT / "layer")
    (job.folder / "release").mkdir()
    for name in ("a.zip", "a.whl", "layers.json", "notes.md"):
        (job.folder / "release" / name).write_text(f"of {name}: 'quoted' \"twice\"\n")
    kept = {}
    with serving(partial(_GitLab, kept, {"PUT": put, "POST": post})) as address:
        environment = {"CI_API_V4_URL": address, "CI_PROJECT_ID": "7", "CI_JOB_TOKEN": "t", "TAG": "v1.0.0"}
        said = job.run(script, expect=code, NO_PROXY="127.0.0.1", **environment)
    assert ("v1.0.0 is out already" in said) is (post == 409)
    assert (": 403 refused" in said) is (403 in (put, post))
    if put == 403:
        assert "POST /projects/7/releases" not in kept
        return
    assert {token for token, _ in kept.values()} == {"t"}
    place = "/projects/7/packages/generic/layer/1.0.0"
    assert kept.keys() == {
        *(f"PUT {place}/{name}" for name in ("a.zip", "a.whl", "layers.json")),
        "POST /projects/7/releases",
    }
    release = json.loads(kept["POST /projects/7/releases"][1])
    assert (release["tag_name"], release["description"]) == ("v1.0.0", "of notes.md: 'quoted' \"twice\"\n")
    links = [(link["name"], link["url"]) for link in release["assets"]["links"]]
    assert links == [(name, f"{address}{place}/{name}") for name in ("a.whl", "a.zip", "layers.json")]


PIN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:{}"
STACK = f"Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {{Layers: ['{PIN.format(1)}']}}}}}}\n"


@runs("bump-pins", "bump", "Move the pins", "move")
@runs("bump-pins", "bump", "Open the pull request", "open_")
@runs("pipelines/bump.yaml", "bump", "Open the merge request", "merge")
def test_pins_move_by_a_pull_request_with_the_notes(job, move, open_, merge):
    """The pin is moved on a branch, with the release's notes; on GitLab by push options; without a change: nothing."""
    index = index_data()
    index["releases"]["1.4.0"]["notes"] = "- it is twice as fast"
    job.check_out(template_yaml=STACK, layers_json=json.dumps(index))
    given = {"PATHS": ".", "LAYER_INDEX": "layers.json", "BRANCH": "pins"}
    job.run(move, **given)
    pushed = {
        "CI_SERVER_HOST": "gitlab.example",
        "PUSH_TOKEN": "t",
        "CI_PROJECT_PATH": "acme/x",
        "CI_DEFAULT_BRANCH": "main",
    }
    instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{job.origin}.insteadOf"}
    instead["GIT_CONFIG_VALUE_0"] = "https://bump:t@gitlab.example/acme/x.git"
    job.run(merge, **given | {"BRANCH": "merge"}, **pushed, **instead)
    git(job.folder, "reset", "-q", "main")
    git(job.folder, "switch", "-q", "main")
    job.run(open_, **given)
    for branch in ("pins", "merge"):
        assert PIN.format(12) in git(job.origin, "show", f"{branch}:template.yaml")
    assert "- it is twice as fast" in (job.folder.parent / "notes.md").read_text()
    assert "pr create --title Bump layer pins --body-file ../notes.md --base main --head pins" in job.calls.read_text()
    job.calls.unlink()
    assert "every pin names the newest release" in job.run(open_, **given)
    assert not job.calls.exists()
