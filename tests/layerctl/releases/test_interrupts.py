"""Ctrl-C while AWS does not answer: every command ends at once, and says what is done and what is not."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from layerctl.releases.index.model import LayerIndex
from tests.layerctl.releases.conftest import put_versions, versions
from tests.support.idle import wait_until_idle

PROMPT = 5  # seconds, on a busy machine; a request is waited for a minute


@pytest.fixture
def interrupted(proxy, layerctl, monkeypatch):
    """Run a command, and press Ctrl-C when it sends an operation in a region, which then hangs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    released = threading.Event()
    pressed: list[float] = []

    def press(call):
        wait_until_idle(os.getpid(), but=threading.get_native_id())  # the other regions are done by then
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
        released.wait(60)

    def run(operation, region, *argv):
        proxy.add(operation, press, region=region)
        ran = layerctl(*argv)
        assert pressed, ran.err
        assert time.monotonic() - pressed[0] < PROMPT
        assert ran.code == 130
        assert "Traceback" not in ran.err
        return ran.err

    yield run
    released.set()
    signal.signal(signal.SIGINT, before)


SHARE = ("share", "--all-versions", "--account", "222222222222")


@pytest.mark.parametrize(
    "case",
    [
        ("ListLayerVersions", ("permissions",), "auditing"),
        ("AddLayerVersionPermission", SHARE, "sharing"),
        ("ListFunctions", ("usage", "--scanned-only"), "scanning"),
        ("ListFunctions", ("prune",), "scanning"),
        ("ListLayerVersions", ("index", "write"), "reading"),
        ("GetParametersByPath", ("index", "check"), "checking"),
        ("PutParameter", ("index", "mirror"), "mirroring"),
    ],
    ids=lambda case: " ".join(case[1][:2]),
)
def test_ctrl_c_names_the_regions_that_are_done(interrupted, project, layerctl, case):
    """Whatever a command does in its regions, those that have answered are done, and the one that hangs is not."""
    operation, argv, doing = case
    put_versions(project.aws, "1.0.0")
    layerctl("index", "write")
    said = interrupted(operation, "us-east-1", *argv)
    done, _, left = said.partition("; not done: ")
    assert f"interrupted while {doing}; done: " in done
    assert ("eu-central-1" in done, "eu-west-1" in done, "us-east-1" in done) == (True, True, False)
    assert "us-east-1" in left


@pytest.mark.parametrize("argv", [("usage",), ("prune",)], ids=lambda argv: argv[0])
def test_ctrl_c_between_two_steps_says_which_step(interrupted, project, argv):
    """Before any region is looked at, the step that hangs is named."""
    put_versions(project.aws, "1.0.0")
    assert "interrupted while opening accounts" in interrupted("GetCallerIdentity", None, *argv)


def test_an_interrupted_prune_notes_in_the_index_what_is_deleted(interrupted, proxy, project, layerctl):
    """Versions are named one by one; what is deleted is out of the index, and the rest goes with the next run."""
    project.configure(regions=("us-east-1",))
    put_versions(project.aws, "1.0.0", "1.1.0", "1.2.0", regions=("us-east-1",))
    layerctl("index", "write")
    proxy.add("DeleteLayerVersion", lambda call: call.forward())
    said = interrupted("DeleteLayerVersion", None, "prune", "--apply")
    assert "interrupted while deleting; done: us-east-1 version 1; not done: us-east-1 version 2" in said
    index = LayerIndex.load(project.index)
    assert [name for name, one in index.releases.items() if one.regions] == ["1.1.0", "1.2.0"]
    assert layerctl("prune", "--apply").code == 0
    assert [one["Version"] for one in versions(project.aws, "us-east-1")] == [3]
    assert layerctl("index", "check", "--no-mirror").code == 0
