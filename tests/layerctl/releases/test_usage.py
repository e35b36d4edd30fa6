"""`layerctl usage`: who uses which version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from layerctl.core.arn import LayerVersionArn
from layerctl.releases.usage.templates import scan_templates
from tests.layerctl.releases import fleet
from tests.layerctl.releases.conftest import put_versions
from tests.support.fault_proxy import answer
from tests.support.local_aws import start

OTHER = "222222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/reader"


def keys_of(aws, account):
    """Credentials of another account."""
    answered = aws.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/x", RoleSessionName="tests")
    keys = answered["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def layer_arn(number, region="eu-central-1"):
    """A version of the tests' layer."""
    return f"arn:aws:lambda:{region}:123456789012:layer:helpers:{number}"


def make_function(aws, name, layers, region="eu-central-1", **keys):
    """A function with layers, and its client."""
    iam = aws.client("iam", **keys)
    try:
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName="r")["Role"]["Arn"]
    client = aws.client("lambda", region, **keys)
    client.create_function(
        FunctionName=name,
        Role=role,
        Handler="app.handler",
        Runtime="python3.13",
        Code={"ZipFile": b"PK\5\6" + bytes(18)},
        Layers=layers,
    )
    return client


@pytest.fixture
def published(project):
    """Three versions in three regions."""
    put_versions(project.aws, "1.0.0", "1.1.0", "1.2.0")
    return project


def uses(ran):
    """(function, qualifier, layer version number, aliases) of each use."""
    return sorted(
        (one["function"], one["qualifier"], LayerVersionArn.parse(one["layer_version"]).version, tuple(one["aliases"]))
        for one in ran.data["functions"]
    )


def test_every_published_version_and_alias_is_seen(aws, published, layerctl):
    """$LATEST and published versions each show the layer version that they have, with their aliases and weights."""
    client = make_function(aws, "todos", [layer_arn(1)])
    client.publish_version(FunctionName="todos")
    client.update_function_configuration(FunctionName="todos", Layers=[layer_arn(2)])
    client.publish_version(FunctionName="todos")
    client.create_alias(
        FunctionName="todos",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    make_function(aws, "other", [])
    make_function(aws, "west", [layer_arn(3, "eu-west-1")], "eu-west-1")
    ran = layerctl("usage", "--json")
    assert ran.code == 0
    assert uses(ran) == [
        ("todos", "$LATEST", 2, ()),
        ("todos", "1", 1, ("live",)),
        ("todos", "2", 2, ("live (10%)",)),
        ("west", "$LATEST", 3, ()),
    ]
    assert ran.data["requests"] == {
        "lambda.ListLayerVersions": 3,
        "lambda.GetLayerVersionPolicy": 9,
        "lambda.ListFunctions": 3,
        "lambda.ListAliases": 2,  # of the two functions that use the layer
        "sts.GetCallerIdentity": 1,
    }
    assert "lambda.ListAliases" not in layerctl("usage", "--json", "--no-aliases").data["requests"]
    table = layerctl("usage").out
    assert "live (10%)" in table
    assert table.count("   -\n") == 6, "versions that nobody uses are shown too"


def test_other_accounts_are_seen_by_their_roles(aws, published, layerctl):
    """A function of another account that the version is shared with is found through the role's account."""
    layerctl("share", "--version", 2, "--account", OTHER)
    make_function(aws, "users", [layer_arn(2)], **keys_of(aws, OTHER))
    assert uses(layerctl("usage", "--json")) == []
    ran = layerctl("usage", "--role", ROLE, "--json")
    assert ran.code == 0
    assert uses(ran) == [("users", "$LATEST", 2, ())]
    assert {one["account"] for one in ran.data["scanned"]} == {"123456789012", OTHER}


def test_a_layer_of_the_same_name_elsewhere_is_not_ours(aws, published, layerctl):
    """Another account's layer of the same name, and a longer name, are no use of this layer."""
    keys = keys_of(aws, OTHER)
    theirs = aws.client("lambda", **keys).publish_layer_version(LayerName="helpers", Content={"ZipFile": b"x"})
    longer = aws.client("lambda").publish_layer_version(LayerName="helpers-more", Content={"ZipFile": b"x"})
    make_function(aws, "a", [theirs["LayerVersionArn"]], **keys)
    make_function(aws, "b", [longer["LayerVersionArn"]])
    assert uses(layerctl("usage", "--role", ROLE, "--json")) == []


def test_a_consumer_can_ask_about_another_accounts_layer(aws, published, layerctl, monkeypatch):
    """With --owner, an account sees its own use of a layer that is shared with it."""
    layerctl("share", "--version", 2, "--account", OTHER)
    keys = keys_of(aws, OTHER)
    make_function(aws, "users", [layer_arn(2)], **keys)
    for name, value in keys.items():
        monkeypatch.setenv(name.upper(), value)
    assert uses(layerctl("usage", "--json")) == []
    ran = layerctl("usage", "--owner", "123456789012", "--scanned-only", "--json")
    assert ran.code == 0, ran.err
    unsure = layerctl("usage", "--owner", "123456789012")
    assert unsure.code == 2
    assert "who may use a layer of account 123456789012 is known there only" in unsure.err
    assert uses(ran) == [("users", "$LATEST", 2, ())]
    assert layerctl("usage", "--owner", "me").code == 2


def test_a_use_of_a_deleted_version_is_shown(aws, published, layerctl):
    """A function goes on using a version that was deleted, and the table says that it is."""
    make_function(aws, "todos", [layer_arn(1)])
    aws.client("lambda").delete_layer_version(LayerName="helpers", VersionNumber=1)
    assert "(deleted)" in layerctl("usage").out


def test_what_was_not_seen_is_said(proxy, published, layerctl):
    """A role that may not be assumed and a region that fails make exit 2; the rest is shown."""
    proxy.add("ListFunctions", answer(403, "AccessDeniedException", "no"), region="us-east-1")
    ran = layerctl("usage")
    assert ran.code == 2
    assert "not seen: account 123456789012: not allowed to lambda:ListFunctions in us-east-1" in ran.err
    wrong = layerctl("usage", "--role", "reader")
    assert wrong.code == 2
    assert "'reader' is not a role ARN" in wrong.err


@pytest.mark.parametrize(
    ("whom", "said"),
    [
        (("--account", OTHER), f"account {OTHER} was not scanned in us-east-1 (it may use helpers)"),
        (("--organization", "o-abcdefghij"), "organization o-abcdefghij may use arn:aws:lambda:"),
        (("--public", "--yes-public"), "public may use arn:aws:lambda:"),
    ],
)
def test_usage_is_complete_only_when_everyone_who_may_use_a_version_was_seen(aws, published, layerctl, whom, said):
    """A version that is shared with somebody who was not scanned makes exit 2, which names who it is."""
    assert layerctl("usage").code == 0
    assert layerctl("share", "--version", 1, *whom).code == 0
    ran = layerctl("usage")
    assert ran.code == 2
    assert f"not seen: {said}" in ran.err
    assert layerctl("usage", "--json").data["not_seen"]
    assert layerctl("usage", "--scanned-only").code == 0
    if OTHER in whom:
        assert layerctl("usage", "--role", ROLE).code == 0


PINS = """\
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Layers:
        - arn:aws:lambda:eu-central-1:123456789012:layer:helpers:7
        - !Sub "arn:${AWS::Partition}:lambda:${AWS::Region}:123456789012:layer:helpers:8"
        - !Sub "arn:aws:lambda:eu-west-1:123456789012:layer:helpers:${Version}"
        - !Sub "arn:aws:lambda:eu-west-1:${AWS::AccountId}:layer:${Name}:3"
        - arn:aws:lambda:eu-central-1:123456789012:layer:my-helpers:1
        - arn:aws:lambda:eu-central-1:123456789012:layer:helpers-more:2
"""


def test_pins_in_templates_are_found_in_any_language(tmp_path):
    """A literal pin names its region; what is left open may mean any; other layers' names are no pins of this one."""
    (tmp_path / "template.yaml").write_text(PINS)
    (tmp_path / "main.tf").write_text('layers = ["arn:aws:lambda:us-east-1:123456789012:layer:helpers:9"]\n')
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.tf").write_text('x = "arn:aws:lambda:us-east-1:123456789012:layer:helpers:98"\n')
    found = scan_templates([tmp_path], "helpers")
    assert found.problems == []
    assert sorted((one.version or 0, one.region, one.account) for one in found.uses) == [
        (0, None, None),
        (3, "eu-west-1", None),
        (7, "eu-central-1", "123456789012"),
        (8, None, "123456789012"),
        (9, "us-east-1", "123456789012"),
    ]


@pytest.mark.parametrize("named", [".", "kept"])
def test_what_is_left_out_may_be_unreadable_but_not_in_use(published, layerctl, named):
    """--exclude forgives what cannot be read or known; a version that is named there is in use, as in ignored files.

    What [tool.layerctl] excludes for pins and check counts in full: usage and prune look there.
    """
    folder = published.root / "kept"
    folder.mkdir()
    (folder / "template.yaml").write_text(PINS)
    (folder / "broken.yaml").write_text("Layers: [arn:aws:lambda:eu-central-1:123456789012:layer:helpers:5\n")
    (published.root / "pyproject.toml").write_text('[tool.layerctl]\nexclude = ["kept/"]\n')
    told = layerctl("usage", named, "--json", "--exclude", "kept/")
    assert {one["version"] for one in told.data["templates"]} >= {3, 7, 8}
    assert None not in {one["version"] for one in told.data["templates"]}
    assert None in {one["version"] for one in layerctl("usage", named, "--json").data["templates"]}


def test_templates_on_the_command_line_are_shown(published, layerctl):
    """Pins of the files that are named stand beside the functions."""
    (published.root / "template.yaml").write_text(PINS)
    ran = layerctl("usage", "template.yaml", "--json")
    assert {one["version"] for one in ran.data["templates"]} == {3, 7, 8, None}
    assert "template.yaml:6:" in layerctl("usage", "template.yaml").out
    assert layerctl("usage", "none.yaml").code == 2


MEASURED = """
import pathlib, re, sys
from layerctl.__main__ import main
code = main(sys.argv[1:])
status = pathlib.Path("/proc/self/status").read_text()  # getrusage would count what forked us
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_thousand_functions_with_five_versions_each(project):
    """All are seen within 90 s and 200 MB: 240 pages of 50, and one alias list per function that uses the layer."""
    project.configure(regions=(fleet.REGION,))
    with start(["tests.layerctl.releases.fleet"]) as aws:
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED, "usage", "--json"],
            env=os.environ | aws.environ,
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert time.monotonic() - began < 90
    assert int(ran.stderr.split()[-1]) < 200 * 1024, "kilobytes of memory"
    data = json.loads(ran.stdout)
    assert data["function_versions_seen"] == 12_000
    assert len(data["functions"]) == 2_400
    assert sum(bool(one["aliases"]) for one in data["functions"]) == 200
    assert data["requests"] == {
        "lambda.ListFunctions": 240,
        "lambda.ListAliases": 400,
        "lambda.ListLayerVersions": 1,
        "lambda.GetLayerVersionPolicy": fleet.LAYERS,
        "sts.GetCallerIdentity": 1,
    }
