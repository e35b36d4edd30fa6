"""`layerctl prune` on AWS: what it sees, what it deletes, when it refuses."""

from __future__ import annotations

import pytest

from layerctl.releases.index.model import LayerIndex
from tests.layerctl.releases.conftest import REGIONS, put_versions, versions
from tests.layerctl.releases.test_usage import OTHER, ROLE, keys_of, layer_arn, make_function
from tests.support.fault_proxy import answer

MANY = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


@pytest.fixture
def published(project):
    """Four versions in three regions."""
    put_versions(project.aws, *MANY)
    return project


def numbers(aws, region="eu-central-1"):
    """The version numbers that a region has."""
    return [one["Version"] for one in versions(aws, region)]


def test_without_apply_nothing_happens(aws, published, layerctl):
    """The plan is printed with reasons, and AWS is as before."""
    ran = layerctl("prune", "--keep", 2)
    assert ran.code == 0
    assert "6 would be deleted; nothing was done: use --apply" in ran.err
    assert ran.out.count("one of the 2 newest") == 3
    assert [numbers(aws, region) for region in REGIONS] == [[1, 2, 3, 4]] * 3


def test_used_versions_stay_and_the_rest_goes(aws, published, layerctl):
    """A published version of a function that nobody looks at any more keeps its layer; the index forgets the rest."""
    client = make_function(aws, "todos", [layer_arn(1)])
    client.publish_version(FunctionName="todos")
    client.update_function_configuration(FunctionName="todos", Layers=[layer_arn(3)])
    layerctl("index", "write")
    ran = layerctl("prune", "--apply", "--index", published.index, "--json")
    assert ran.code == 0, ran.err
    assert numbers(aws) == [1, 3, 4]
    assert numbers(aws, "us-east-1") == [4]
    index = LayerIndex.load(published.index)
    assert {name for name, one in index.releases.items() if one.regions} == {"1.0.0", "1.2.0", "1.3.0"}
    assert len(index.releases["1.1.0"].deleted) == 3
    assert set(index.releases["1.0.0"].regions) == {"eu-central-1"}
    assert ran.data["requests"] == {
        "lambda.ListLayerVersions": 3,
        "lambda.GetLayerVersionPolicy": 12,
        "lambda.ListFunctions": 3,
        "lambda.DeleteLayerVersion": 7,
        "ssm.GetParametersByPath": 3,
        "sts.GetCallerIdentity": 1,
    }
    client.delete_function(FunctionName="todos")
    assert layerctl("prune", "--apply").code == 0
    assert numbers(aws) == [4]


def test_pins_in_templates_count_as_use(aws, published, layerctl):
    """A version that a named template pins is kept, in all regions when the template leaves the region open."""
    pin = "arn:aws:lambda:${AWS::Region}:123456789012:layer:helpers:2"
    (published.root / "template.yaml").write_text(f'Layers: [!Sub "{pin}"]\n')
    assert layerctl("prune", "template.yaml", "--apply").code == 0
    assert [numbers(aws, region) for region in REGIONS] == [[2, 4]] * 3


def test_a_template_that_cannot_be_read_is_a_refusal(aws, published, layerctl):
    """A template that was named and is no text may pin anything."""
    (published.root / "template.yaml").write_bytes(b"\x00\xff\x00")
    refused = layerctl("prune", "template.yaml", "--apply")
    assert refused.code == 2
    assert "not seen: template.yaml" in refused.err
    assert numbers(aws) == [1, 2, 3, 4]


def test_the_version_that_a_stack_calls_latest_is_kept(aws, published, layerctl):
    """A version that /NAME/STAGE/latest names belongs to a stack: deleting it would break the next deployment."""
    aws.client("ssm").put_parameter(Name="/helpers/dev/latest", Value=layer_arn(2), Type="String")
    aws.client("ssm").put_parameter(Name="/helpers/dev/note", Value=layer_arn(1), Type="String")
    ran = layerctl("prune", "--apply")
    assert "used by parameter /helpers/dev/latest" in ran.out
    assert numbers(aws) == [2, 4]


def test_an_account_that_was_not_scanned_is_a_refusal(aws, published, layerctl):
    """A version shared with an account can be pruned only with a look into that account."""
    assert layerctl("share", "--version", 1, "--account", OTHER).code == 0
    refused = layerctl("prune", "--apply")
    assert refused.code == 2
    assert refused.err.count(f"not seen: account {OTHER} was not scanned in") == 3
    assert "nothing is planned" in refused.err
    assert numbers(aws) == [1, 2, 3, 4]
    keys = keys_of(aws, OTHER)
    function = make_function(aws, "users", [layer_arn(1)], **keys)
    assert layerctl("prune", "--role", ROLE, "--apply").code == 0
    assert numbers(aws) == [1, 4]
    function.delete_function(FunctionName="users")
    assert layerctl("prune", "--role", ROLE, "--apply").code == 0
    assert numbers(aws) == [4]


@pytest.mark.parametrize("whom", [("--organization", "o-abcdefghij"), ("--public", "--yes-public")])
def test_what_the_world_may_use_goes_only_when_assumed_unused(aws, published, layerctl, whom):
    """Versions shared with an organisation or everyone stay, unless --assume-unused takes the risk."""
    assert layerctl("share", "--version", 1, *whom).code == 0
    kept = layerctl("prune", "--apply")
    assert kept.code == 0
    assert "--assume-unused" in kept.out
    assert numbers(aws) == [1, 4]
    assert layerctl("prune", "--apply", "--assume-unused").code == 0
    assert numbers(aws) == [4]


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("ListFunctions", "lambda:ListFunctions"),
        ("ListLayerVersions", "lambda:ListLayerVersions"),
        ("GetLayerVersionPolicy", "lambda:GetLayerVersionPolicy"),
        ("GetParametersByPath", "ssm:GetParametersByPath"),
    ],
)
def test_a_blind_spot_is_a_refusal(proxy, published, layerctl, operation, said):
    """Any region in which something could not be read stops the plan for all, and names the right that is missing."""
    proxy.add(operation, answer(400, "AccessDeniedException", "no"), region="us-east-1")
    refused = layerctl("prune", "--apply")
    assert refused.code == 2
    assert f"not allowed to {said} in us-east-1" in refused.err
    assert numbers(published.aws) == [1, 2, 3, 4]


DENIED_BY_STS = b"""<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>
User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole on resource:
arn:aws:iam::222222222222:role/reader</Message></Error></ErrorResponse>"""


def test_a_role_that_may_not_be_assumed_is_a_refusal(proxy, published, layerctl):
    """Who is named on the command line and can't be seen is a gap, shared with or not."""
    proxy.add("AssumeRole", lambda call: (403, {"Content-Type": "text/xml"}, DENIED_BY_STS))
    refused = layerctl("prune", "--role", ROLE)
    assert refused.code == 2
    assert f"not allowed to sts:AssumeRole on {ROLE}" in refused.err


@pytest.mark.parametrize("operation", ["ListFunctions", "ListLayerVersions", "GetParametersByPath"])
@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"{}"])
def test_an_answer_that_is_not_awss_is_a_refusal(proxy, published, layerctl, operation, body):
    """A proxy's log-in page with status 200 is no empty list: nothing is planned, and there is no traceback."""
    proxy.add(operation, lambda call: (200, {"Content-Type": "text/html"}, body), times=9, region="us-east-1")
    refused = layerctl("prune", "--apply")
    assert refused.code == 2, refused.out
    assert "in us-east-1" in refused.err
    assert numbers(published.aws, "us-east-1") == [1, 2, 3, 4]


def test_a_deletion_that_fails_is_said_and_may_be_repeated(proxy, published, layerctl):
    """What could be deleted is, and is forgotten by the index; the rest goes with the next run."""
    layerctl("index", "write")
    proxy.add("DeleteLayerVersion", answer(403, "AccessDeniedException", "no"), region="us-east-1")
    ran = layerctl("prune", "--apply", "--index", published.index)
    assert ran.code == 2
    assert "not allowed to lambda:DeleteLayerVersion in us-east-1" in ran.err
    assert [numbers(published.aws, region) for region in REGIONS] == [[4], [4], [1, 2, 3, 4]]
    assert set(LayerIndex.load(published.index).releases["1.0.0"].regions) == {"us-east-1"}
    assert layerctl("prune", "--apply", "--index", published.index).code == 0
    assert numbers(published.aws, "us-east-1") == [4]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep", "0"], "--keep"),
        (["--older-than", "90"], "write e.g. 90d"),
        (["--older-than", "-1d"], "write e.g. 90d"),
        (["--role", "arn:aws:iam::1:role/x"], "is not a role ARN"),
        (["none.yaml"], "does not exist"),
    ],
)
def test_wrong_usage_is_one_line(aws, published, layerctl, options, said):
    """What is wrong is said, and nothing is deleted."""
    ran = layerctl("prune", "--apply", *options)
    assert ran.code == 2
    assert said in ran.err
    assert numbers(aws) == [1, 2, 3, 4]


def test_young_versions_stay(aws, published, layerctl):
    """--older-than counts from when a version was published."""
    ran = layerctl("prune", "--older-than", "1h", "--apply")
    assert ran.code == 0
    assert "younger than" in ran.out
    assert numbers(aws) == [1, 2, 3, 4]
    assert layerctl("prune", "--older-than", "0d", "--apply").code == 0
    assert numbers(aws) == [4]
