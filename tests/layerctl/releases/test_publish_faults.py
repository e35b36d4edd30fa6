"""Publishing when AWS or the publisher fails: run again, and everything is there, once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from botocore.exceptions import ClientError

from layerctl.releases.index.model import LayerIndex
from layerctl.releases.index.record import RegionalRelease, merge
from layerctl.releases.publish import region as region_module
from layerctl.releases.publish.payload import Payload
from layerctl.releases.publish.s3 import put_zip
from layerctl.releases.versions import list_versions
from tests.layerctl.releases.conftest import REGIONS, policy, versions
from tests.support.fault_proxy import answer, barrier, cut_after, cut_before, hang, kill_client
from tests.support.idle import wait_until_idle

THROTTLED = answer(429, "TooManyRequestsException", "Rate exceeded")
BROKEN = answer(500, "ServiceException", "An error occurred and the request cannot be processed.")


def assert_complete(project, layerctl, duplicates=0):
    """Run once more: nothing is left to do, and every region has one version (and duplicates), shared and indexed."""
    again = layerctl("publish", project.root / "helpers-1.0.0.zip", "--index", project.index, "--json")
    assert again.code == 0, again.out
    assert {one["status"] for one in again.data["regions"].values()} == {"present"}
    assert "lambda.AddLayerVersionPermission" not in again.data["requests"]
    for region in REGIONS:
        assert len(versions(project.aws, region)) <= duplicates + 1
        assert {one["Sid"] for one in policy(project.aws, 1, region)} == {"layerctl-account-222222222222"}
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
    """Publishers that both found nothing and both published agree on the lowest version; the index is whole."""
    for region in REGIONS:
        proxy.add("PublishLayerVersion", barrier(2), times=2, region=region)
    both = [start_publish(project, proxy.endpoint) for _ in range(2)]
    outputs = [one.communicate(timeout=180)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert proxy.count("PublishLayerVersion") == 6, "they did not race"
    assert "another publisher was faster" in "".join(outputs)
    assert_complete(project, layerctl, duplicates=1)
    assert not list(project.root.glob(".layers.json*")), "a temporary file was left"


@pytest.mark.parametrize("seen", [{1, 2}, {1}, {2}, set()], ids=["both", "mine", "theirs", "neither"])
def test_a_late_list_makes_no_publisher_delete_what_another_reported(proxy, project, layerctl, seen):
    """Whatever a list shows right after a race, nothing is deleted; the lowest number wins, and the rest is named."""
    project.configure(regions=("us-east-1",))
    client = project.aws.client("lambda", "us-east-1")

    def raced(call):
        mine = call.forward()
        (version,) = client.list_layer_versions(LayerName="helpers")["LayerVersions"]
        other = {key: version[key] for key in ("Description", "CompatibleRuntimes", "CompatibleArchitectures")}
        content = {"ZipFile": (project.root / "helpers-1.0.0.zip").read_bytes()}
        client.publish_layer_version(LayerName="helpers", Content=content, **other)
        proxy.add("ListLayerVersions", late)
        return mine

    def late(call):
        status, headers, body = call.forward()
        shown = [one for one in json.loads(body)["LayerVersions"] if one["Version"] in seen]
        return status, headers, json.dumps({"LayerVersions": shown}).encode()

    proxy.add("PublishLayerVersion", raced)
    first = layerctl("publish", project.artifact(), "--index", project.index, "--json")
    assert first.code == 0, first.err
    assert first.data["regions"]["us-east-1"]["version"] == 1
    again = layerctl("publish", project.artifact(), "--index", project.index, "--json").data["regions"]["us-east-1"]
    assert (again["version"], again["notes"]) == (1, ["version 2 has the same content"])
    assert [one["Version"] for one in versions(project.aws, "us-east-1")] == [1, 2]
    assert proxy.count("DeleteLayerVersion") == 0
    assert LayerIndex.load(project.index).releases["1.0.0"].regions["us-east-1"].arn.version == 1


def test_the_loser_takes_the_other_publishers_version(proxy, project, layerctl):
    """Who made the higher number reports the lower one, says so, and names its own as a duplicate."""
    project.configure(regions=("us-east-1",), accounts=("222222222222",))

    def beaten(call):
        call.forward()  # the same request by somebody else, just before
        return call.forward()

    proxy.add("PublishLayerVersion", beaten)
    ran = layerctl("publish", project.artifact(), "--json").data["regions"]["us-east-1"]
    assert (ran["status"], ran["version"]) == ("present", 1)
    assert ran["notes"][:2] == ["another publisher was faster", "version 2 is a duplicate, which nobody needs"]
    assert {one["Sid"] for one in policy(project.aws, 1, "us-east-1")} == {"layerctl-account-222222222222"}


def test_an_index_that_two_publishers_wrote_has_the_lowest_number(project, layerctl):
    """In whatever order two publishers of one content write the index, it names the lower version, if that exists."""
    project.configure(regions=("us-east-1",))
    layerctl("publish", project.artifact())
    (version,) = versions(project.aws, "us-east-1")
    client = project.aws.client("lambda", "us-east-1")
    other = {key: version[key] for key in ("Description", "CompatibleRuntimes", "CompatibleArchitectures")}
    client.publish_layer_version(
        LayerName="helpers", Content={"ZipFile": (project.root / "helpers-1.0.0.zip").read_bytes()}, **other
    )
    lower, higher = (
        RegionalRelease("1.0.0", one.content_digest, one, "x", 1)
        for one in sorted(list_versions(client, "helpers"), key=lambda one: one.number)
    )
    for entries in ([lower, higher], [higher, lower]):
        index = LayerIndex("helpers")
        for entry in entries:
            index = merge(index, [entry])
        assert index.releases["1.0.0"].regions["us-east-1"].arn.version == 1
    client.delete_layer_version(LayerName="helpers", VersionNumber=1)
    project.index.write_text(merge(LayerIndex("helpers"), [lower]).dumps())
    assert layerctl("publish", project.artifact(), "--index", project.index).code == 0
    assert LayerIndex.load(project.index).releases["1.0.0"].regions["us-east-1"].arn.version == 2


@pytest.mark.parametrize("error", [KeyError("x"), OSError(28, "No space left"), SystemExit(3), RecursionError()])
def test_an_exception_of_any_kind_is_its_regions_failure(project, layerctl, monkeypatch, error):
    """What nobody foresaw ends one region with its name; the others' results are shown and indexed."""
    real = region_module.get_version

    def broken(client, arn):
        if arn.region == "eu-west-1":
            raise error
        return real(client, arn)

    monkeypatch.setattr(region_module, "get_version", broken)
    ran = layerctl("publish", project.artifact(), "--index", project.index)
    assert ran.code == 2
    assert f"error: eu-west-1: {type(error).__name__}" in ran.err
    assert "Traceback" not in ran.err
    assert set(LayerIndex.load(project.index).releases["1.0.0"].regions) == {"eu-central-1", "us-east-1"}


def test_ctrl_c_is_prompt_and_says_which_regions_are_done(proxy, project):
    """While a region hangs, Ctrl-C ends the run at once, exit code 130, and names what is done and what is not."""
    release = threading.Event()
    proxy.add("PublishLayerVersion", hang(release, do=False), region="us-east-1")
    process = start_publish(project, proxy.endpoint)
    while proxy.count("GetLayerVersion") < 2 or proxy.count("PublishLayerVersion") < 3:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    wait_until_idle(process.pid)  # the answers of the two regions are read
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    took = time.monotonic() - began
    release.set()
    assert process.returncode == 130, output
    assert re.search(
        r"interrupted while publishing; done: (eu-central-1, eu-west-1|eu-west-1, eu-central-1); not done: us-east-1",
        output,
    )
    assert "Traceback" not in output
    assert took < 10, "it waited for the region that hangs, a minute long"


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


def test_nothing_is_put_into_a_bucket_of_another_account(aws, project):
    """S3 is told whose the bucket must be, and refuses one whose name somebody else has taken."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    payload = Payload.read(project.artifact(), None, layer="helpers")
    with pytest.raises(ClientError, match="Access"):
        put_zip(s3, payload, "artifacts", "layers", owner="999999999999")
    assert s3.list_objects_v2(Bucket="artifacts")["KeyCount"] == 0
    assert put_zip(s3, payload, "artifacts", "layers", owner="123456789012").endswith(".zip")
