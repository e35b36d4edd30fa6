"""What `pins check` finds, rule by rule."""

from datetime import UTC, datetime, timedelta

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.core.text import parse_age
from layerctl.pins.check import StalenessLimits, check_pins
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.pins.rules import RULES
from layerctl.scan.files import scan
from tests.layerctl.pins.made import index_data, resolver
from tests.layerctl.pins.test_bump import arn, template

NOW = datetime(2026, 6, 2, tzinfo=UTC)  # a day after 2.0.0, 62 after 1.3.0


def findings(tmp_path, text, *indexes, name="template.yaml", beside=None, regions=(), **limits):
    """The findings about one file, notes apart, as (rule, message)."""
    for other, content in (beside or {}).items():
        (tmp_path / other).write_text(content)
    path = tmp_path / name
    path.write_text(text)
    found = check_pins(
        scan([path]).pins, resolver(*indexes), StalenessLimits(**limits), regions=frozenset(regions), now=NOW
    )
    assert {one.rule for one in found} <= set(RULES)
    return [(one.rule, one.message) for one in found if one.severity != "note"]


def test_all_is_well(tmp_path):
    """A known, recent pin of the right region gives nothing."""
    assert findings(tmp_path, template(arn(13)), behind=0, age=timedelta(days=1)) == []


def test_unknown_version(tmp_path):
    """A version that its region does not have."""
    ((rule, message),) = findings(tmp_path, template(arn(99)))
    assert rule == "pin-unknown"
    assert "shared-utils:99 is not published in eu-central-1, says layers.json" in message


def test_unknown_in_one_of_the_regions(tmp_path):
    """A pin without a region must be known in each region that the template is deployed to."""
    index = index_data()
    del index["releases"]["1.4.0"]["regions"]["us-east-1"]
    text = template("!Sub " + arn(12, region="${AWS::Region}"))
    assert findings(tmp_path, text, index) == []
    ((rule, message),) = findings(tmp_path, text, index, regions=["us-east-1", "eu-west-1"])
    assert rule == "pin-unknown"
    assert "not published in us-east-1" in message


def test_environments_in_several_regions(tmp_path):
    """A samconfig's environments have a region each: a version that it sets must be known in one of them."""
    index = index_data()
    del index["releases"]["1.4.0"]["regions"]["us-east-1"]
    text = "\n".join(
        f'[{name}.deploy.parameters]\nregion = "{region}"\nparameter_overrides = "V={version}"'
        for name, region, version in (("dev", "eu-west-1", 12), ("prod", "us-east-1", 11))
    )
    sub = "!Sub arn:aws:lambda:${AWS::Region}:123456789012:layer:shared-utils:${V}"
    stack = "Parameters: {V: {Type: Number}}\n" + template(sub)
    assert findings(tmp_path, text, index, name="samconfig.toml", beside={"template.yaml": stack}) == []
    text = text.replace("V=11", "V=77")
    ((rule, _),) = findings(tmp_path, text, index, name="samconfig.toml", beside={"template.yaml": stack})
    assert rule == "pin-unknown"


def test_yanked(tmp_path):
    """A version that was withdrawn, with the reason."""
    ((rule, message),) = findings(tmp_path, template(arn(12)), index_data(yanked=("1.4.0",)))
    assert (rule, message) == ("pin-yanked", "shared-utils 1.4.0 (version 12) was yanked: it leaks")


@pytest.mark.parametrize(
    ("beside", "said_by"),
    [
        ({"samconfig.toml": '[default.deploy.parameters]\nregion = "eu-west-1"\n'}, "samconfig.toml"),
        ({"samconfig.yaml": "default: {deploy: {parameters: {region: eu-west-1}}}\n"}, "samconfig.yaml"),
    ],
)
def test_another_region_than_samconfig(tmp_path, beside, said_by):
    """The region of a samconfig beside the template is where its layers must be."""
    ((rule, message),) = findings(tmp_path, template(arn(12)), beside=beside)
    assert rule == "pin-region"
    assert f"in eu-central-1, but {said_by} says eu-west-1" in message
    assert findings(tmp_path, template(arn(12, region="eu-west-1")), beside=beside) == []


def test_another_region_than_the_provider(tmp_path):
    """So is provider.region of a serverless.yml, and the provider's region in Terraform."""
    service = "service: s\nprovider: {name: aws, region: eu-west-1}\nfunctions: {f: {handler: a.b, layers: [%s]}}\n"
    ((rule, message),) = findings(tmp_path, service % arn(12), name="serverless.yml")
    assert rule == "pin-region"
    assert "provider.region in serverless.yml says eu-west-1" in message
    module = 'provider "aws" {\n  region = "eu-west-1"\n}\nlocals {\n  layer = "%s"\n}\n'
    ((rule, message),) = findings(tmp_path, module % arn(12), name="main.tf")
    assert rule == "pin-region"
    assert findings(tmp_path, module.replace('"eu-west-1"', "var.region") % arn(12), name="main.tf") == []


def test_another_region_than_its_key(tmp_path):
    """In a mapping by region an ARN must be of the region that it stands under."""
    text = (
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Layers: [!FindInMap [M, !Ref AWS::Region, A]]}}}\n"
        f"Mappings:\n  M:\n    eu-west-1: {{A: '{arn(12, region='eu-west-1')}'}}\n"
        f"    us-east-1: {{A: '{arn(12, region='eu-west-1')}'}}\n"
    )
    ((rule, message),) = findings(tmp_path, text)
    assert rule == "pin-region"
    assert "the key that it stands under says us-east-1" in message


def test_another_region_than_the_function_s_other_layers(tmp_path):
    """A function's layers must be in one region; a layer that it has in several is a choice."""
    others = (arn(1, name="a"), arn(1, name="b"))
    ((rule, message),) = findings(tmp_path, template(*others, arn(12, region="us-east-1")))
    assert rule == "pin-region"
    assert "F's other layers are in eu-central-1" in message
    choice = f"!If [Eu, {arn(12)}, {arn(12, region='us-east-1')}]"
    assert findings(tmp_path, template(*others, choice)) == []


@pytest.mark.parametrize(
    ("partition", "region", "right"),
    [("aws", "cn-north-1", "aws-cn"), ("aws", "us-gov-west-1", "aws-us-gov"), ("aws-cn", "eu-central-1", "aws")],
)
def test_partition(tmp_path, partition, region, right):
    """The partition must be that of the region."""
    text = template(arn(12, region=region).replace("arn:aws:", f"arn:{partition}:"))
    found = [message for rule, message in findings(tmp_path, text, index_data("x")) if rule == "pin-partition"]
    assert found == [f"shared-utils:12 has partition {partition}, but {region} is in {right}"]


def test_runtime_and_architecture(tmp_path):
    """The layer must be made for the function's runtime and architecture; both are reported."""
    index = index_data(runtimes=("python3.11",), architectures=("x86_64",))
    text = template(arn(13)).replace("      Layers", "      Architectures: [arm64]\n      Layers")
    assert findings(tmp_path, text, index) == [
        ("pin-architecture", "shared-utils:13 is not made for arm64, which F uses"),
        ("pin-runtime", "shared-utils:13 is not made for python3.13, which F uses"),
    ]


def test_behind(tmp_path):
    """Newer releases are counted, without the yanked ones and the pre-releases."""
    assert findings(tmp_path, template(arn(11)), behind=2) == []
    ((rule, message),) = findings(tmp_path, template(arn(11)), behind=1)
    assert (rule, message) == (
        "pin-behind",
        "shared-utils 1.3.0 (version 11) is 2 releases behind; at most 1 are allowed",
    )
    assert findings(tmp_path, template(arn(11)), index_data(yanked=("1.4.0",)), behind=1) == []


def test_age(tmp_path):
    """A version may be old as long as there is none newer."""
    assert findings(tmp_path, template(arn(11)), age=timedelta(days=90)) == []
    ((rule, message),) = findings(tmp_path, template(arn(11)), age=timedelta(days=30))
    assert (rule, message) == ("pin-old", "shared-utils 1.3.0 (version 11) is 62 days old; at most 30 days are allowed")
    assert findings(tmp_path, template(arn(13)), age=timedelta(hours=1)) == []


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("48h", 2)])
def test_ages(text, days):
    """Ages are hours, days or weeks."""
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "90 days", "9" * 20 + "d"])
def test_wrong_ages(text):
    """Anything else is an error that shows the right form."""
    with pytest.raises(LayerctlError, match="90d, 12w or 36h"):
        parse_age(text)


def test_an_empty_catalogue_finds_regions_only(tmp_path):
    """Without sources, regions and partitions are still checked."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(12).replace("arn:aws:", "arn:aws-cn:")))
    found = check_pins(scan([path]).pins, VersionResolver([]), StalenessLimits())
    assert [one.rule for one in found] == ["pin-partition"]
