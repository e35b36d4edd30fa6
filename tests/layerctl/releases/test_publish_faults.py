"""Publishing when AWS or the publisher fails: run again, and everything is there, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from layerctl.releases.index.model import LayerIndex
from tests.layerctl.releases.conftest import REGIONS, policy, versions
from tests.support.fault_proxy import answer, barrier, cut_after, cut_before, hang, kill_client

THROTTLED = answer(429, "TooManyRequestsException", "Rate exceeded")
BROKEN = answer(500, "ServiceException", "An error occurred and the request cannot be processed.")


def assert_complete(project, layerctl):
    """Run once more: nothing is left to do, and every region has one version, shared and indexed."""
    again = layerctl("publish", project.root / "helpers-1.0.0.zip", "--index", project.index, "--json")
    assert again.code == 0, again.out
    assert {one["status"] for one in again.data["regions"].values()} == {"present"}
    assert "lambda.AddLayerVersionPermission" not in again.data["requests"]
    for region in REGIONS:
        (version,) = versions(project.aws, region)
        assert {one["Sid"] for one in policy(project.aws, version["Version"], region)} == {
            "layerctl-account-222222222222"
        }
    assert set(LayerIndex.load(project.index).releases["1.0.0"].regions) == set(REGIONS)


def publish(project, layerctl, *options):
    """Publish to three regions, shared with one account, with an index."""
    project.configure(accounts=("222222222222",))
    return layerctl("publish", project.artifact(), "--index", project.index, *options)


@pytest.mark.parametrize("operation", ["ListLayerVersions", "PublishLayerVersion", "AddLayerVersionPermission"])
@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, cut_before(), cut_after()], ids=["429", "500", "cut", "lost"])
def test_one_fault_is_survived(proxy, project, layerctl, operation, fault):
    """A throttled, failed, cut or unanswered request is made good within the run, without a duplicate."""
    proxy.add(operation, fault)
    ran = publish(project, layerctl)
    assert ran.code == 0, ran.err
    assert_complete(project, layerctl)


@pytest.mark.parametrize("do", [False, True], ids=["not done", "done"])
def test_a_publication_that_times_out_is_looked_up_before_it_is_repeated(proxy, project, layerctl, do):
    """A publication without an answer is not sent again blindly, for AWS may have carried it out."""
    release = threading.Event()
    proxy.add("PublishLayerVersion", hang(release, do=do), region="eu-west-1")
    ran = publish(project, layerctl, "--timeout", "1", "--json")
    release.set()
    assert ran.code == 0, ran.out
    assert ran.data["requests"]["lambda.PublishLayerVersion"] == (3 if do else 4)
    assert_complete(project, layerctl)


def test_throttling_that_does_not_end_is_that_regions_failure(proxy, project, layerctl, monkeypatch):
    """A region that keeps throttling is given up with a clear line, after as many attempts as the user's setting."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    proxy.add("AddLayerVersionPermission", THROTTLED, times=2, region="us-east-1")
    ran = publish(project, layerctl)
    assert ran.code == 2
    assert "error: us-east-1: us-east-1 still throttles AddLayerVersionPermission" in ran.err
    assert len(versions(project.aws, "us-east-1")) == 1
    assert publish(project, layerctl).code == 0
    assert_complete(project, layerctl)


def start_publish(project, endpoint):
    """Start `layerctl publish` as a process of its own."""
    project.configure(accounts=("222222222222",))
    return subprocess.Popen(
        [sys.executable, "-m", "layerctl", "publish", project.artifact(), "--index", project.index],
        cwd=project.root,
        env=os.environ | {"AWS_ENDPOINT_URL": endpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell that runs the tests in the background has them, and their children, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize(
    ("at", "do"),
    [
        (("AddLayerVersionPermission", "eu-central-1"), False),  # between publish and permission
        (("PublishLayerVersion", "us-east-1"), True),  # published, and dead before it knew
        (("PublishLayerVersion", "eu-west-1"), False),  # between two regions
        (("GetLayerVersion", "us-east-1"), True),  # verified, before the index is written
    ],
)
def test_a_crash_is_completed_by_the_next_run(proxy, project, layerctl, at, do):
    """A publisher that is killed in the middle leaves nothing that the next run does not complete."""
    started: list[subprocess.Popen[str]] = []
    operation, region = at
    proxy.add(operation, kill_client(lambda: started[0].kill(), do=do), region=region)
    started.append(start_publish(project, proxy.endpoint))
    started[0].communicate(timeout=180)
    assert started[0].returncode == -9
    assert not project.index.exists()
    assert publish(project, layerctl).code == 0
    assert_complete(project, layerctl)


def test_two_publishers_at_once_leave_one_version_and_one_index(proxy, project, layerctl):
    """Publishers that both found nothing and both published settle on one version; the index is whole."""
    for region in REGIONS:
        proxy.add("PublishLayerVersion", barrier(2), times=2, region=region)
    both = [start_publish(project, proxy.endpoint) for _ in range(2)]
    outputs = [one.communicate(timeout=180)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert proxy.count("PublishLayerVersion") == 6, "they did not race"
    assert "another publisher was faster" in "".join(outputs)
    assert_complete(project, layerctl)
    assert not list(project.root.glob(".layers.json*")), "a temporary file was left"


def test_the_loser_that_may_not_delete_says_which_duplicate_stays(proxy, project, layerctl):
    """Without the right to delete, a duplicate is named, and the other publisher's version is used all the same."""
    proxy.add("PublishLayerVersion", barrier(2), times=2, region="us-east-1")
    proxy.add("DeleteLayerVersion", answer(403, "AccessDeniedException", "no"), times=2)
    both = [start_publish(project, proxy.endpoint) for _ in range(2)]
    outputs = [one.communicate(timeout=180)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert "version 2 is a duplicate that stays: not allowed to lambda:DeleteLayerVersion" in "".join(outputs)
    arn = json.loads(project.index.read_text())["releases"]["1.0.0"]["regions"]["us-east-1"]["arn"]
    assert arn.endswith(":1")


def test_an_interrupted_run_starts_nothing_more(proxy, project):
    """Ctrl-C ends the run soon, with exit code 130 and no traceback."""
    release = threading.Event()
    proxy.add("PublishLayerVersion", hang(release, do=False), times=3)
    process = start_publish(project, proxy.endpoint)
    while proxy.count("PublishLayerVersion") < 3:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    process.send_signal(2)
    release.set()
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not project.index.exists()
