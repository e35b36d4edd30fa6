"""Who is asked for versions, in which order and where, and what each of them tells."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.aws_sources import LambdaSource, ParameterSource
from layerctl.pins.resolve.index_source import IndexSource
from layerctl.pins.resolve.resolver import resolver_of
from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
from layerctl.releases.index.model import LayerIndex
from layerctl.scan.model import Pin
from tests.layerctl.pins.made import index_data, write_index
from tests.layerctl.pins.test_targets import ACCOUNT, USUAL, Known, one, pin


def test_the_first_source_that_knows_a_layer_is_believed() -> None:
    """Each is asked once for a layer, account and region; what kept others from telling is passed on."""
    first, second = Known(layers=("a",), name="first"), Known(*USUAL, name="second")
    third = Known(one(9), name="third")
    first.failures["first in eu-west-1"] = "why"
    resolver = VersionResolver([first, second, third])
    assert resolver.source(pin(1)) == "second"
    assert resolver.published(pin(1)) == USUAL
    assert resolver.published(pin(1, region="us-east-1")) == []
    assert resolver.everywhere(pin(1, region="us-east-1")) == USUAL
    assert resolver.source(pin(1, name="none")) is None
    assert resolver.published(pin(1, name="none")) is None
    assert resolver.everywhere(pin(1, name="none")) == []
    assert resolver.source(pin(1, name="none")) is None
    assert (second.asked, third.asked) == (3, 1)
    assert resolver.find(pin(2)) == USUAL[1]
    assert resolver.find(pin(9)) is None
    assert resolver.knows_name("a")
    assert not resolver.knows_name("b")
    assert list(resolver.failures()) == [("first in eu-west-1", "why")]


def test_a_release_that_is_no_version_has_no_order() -> None:
    """Nor has none."""
    assert one(1).order is None
    assert one(1, "").order is None
    assert one(1, "build-5").order is None
    assert str(one(1, "1.0").order) == "1.0"


def test_what_an_index_tells() -> None:
    """Everything that it says of a version, for pins of its layer and account, or of any account."""
    data = index_data(yanked=("1.1.0",), releases=(("1.0.0", 1), ("1.1.0", 2)), regions=("eu-west-1",))
    data["releases"]["1.1.0"]["yanked"]["severity"] = "high"
    data["releases"]["1.0.0"]["notes"] = "It is new."
    source = IndexSource(LayerIndex.parse(json.dumps(data).encode(), "layers.json"), "layers.json")
    good, bad = source.published(pin(1, name="shared-utils")) or []
    assert source.published(pin(1, name="shared-utils", account=None)) == [good, bad]
    assert source.published(pin(1, name="shared-utils", account="999999999999")) is None
    assert source.published(pin(1)) is None
    assert (good.release, good.date, good.runtimes) == ("1.0.0", "2026-01-01T00:00:00Z", ("python3.12", "python3.13"))
    assert (good.architectures, good.yanked, good.severity, good.notes) == (("x86_64", "arm64"), None, "", "It is new.")
    assert (bad.yanked, bad.severity, bad.notes) == ("it leaks", "high", "")
    assert (source.name, source.layers, source.failures) == ("layers.json", {"shared-utils"}, {})
    empty = IndexSource(LayerIndex.parse(json.dumps({**data, "releases": {}}).encode(), "x"), "x")
    assert empty.published(pin(1, name="shared-utils", account="999999999999")) == []


VARIABLES = [
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
]


@pytest.mark.parametrize("variable", [None, *VARIABLES])
def test_who_is_asked(tmp_path, monkeypatch, variable: str | None) -> None:
    """AWS where it is asked for; unasked only without an index, and where the environment names credentials."""
    monkeypatch.chdir(tmp_path)
    for name in (*VARIABLES, "LAYERCTL_INDEX"):
        monkeypatch.delenv(name, raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, "x")
    aws = ["Parameter Store", "Lambda"]

    def names(*indexes: str, **options: object) -> list[str]:
        return [source.name for source in resolver_of(indexes, **options).sources]  # type: ignore[arg-type]

    assert names() == []
    assert names(aws=True) == aws
    assert names(aws=None) == (aws if variable else [])
    assert names(aws=None, profile="mine") == aws
    written = write_index(tmp_path)
    other = str(written.rename(tmp_path / "other.json"))
    assert names(other) == [other]
    assert names(other, aws=None) == [other]
    assert names(other, aws=True) == [other, *aws]
    monkeypatch.setenv("LAYERCTL_INDEX", f"{other} {other}")
    assert names() == [other, other]
    monkeypatch.delenv("LAYERCTL_INDEX")
    write_index(tmp_path).rename(tmp_path / "layers.json")
    assert names(aws=None) == ["layers.json"]


def test_where_aws_is_asked() -> None:
    """In the pin's region, else in those that were named, else in the environment's; a failure names where and why."""

    class Asked(LambdaSource):
        def __init__(self, *regions: str) -> None:
            super().__init__(None, regions)  # type: ignore[arg-type]
            self.asked: list[str | None] = []

        def _ask(self, asked: Pin, region: str | None) -> list[PublishedVersion] | None:
            self.asked.append(region)
            if region == "us-east-1":
                raise LayerctlError("it is down")
            return None if region == "eu-north-1" else [one(1)]

    source = Asked("eu-north-1", "us-east-1", "eu-west-1", "eu-west-2")
    assert source.published(pin(1, region="eu-west-3")) == [one(1)]
    assert source.published(pin(1, region=None)) == [one(1), one(1)]
    assert source.asked == ["eu-west-3", "eu-north-1", "us-east-1", "eu-west-1", "eu-west-2"]
    assert source.failures == {"Lambda in us-east-1": "it is down"}
    assert source.layers == {"shared"}
    for name in ("a${x}", "{a}", "$a"):
        assert source.published(pin(1, name=name)) is None
    assert len(source.asked) == 5
    nobody = Asked("eu-north-1")
    assert nobody.published(pin(1, region=None)) is None
    assert nobody.layers == frozenset()
    default = Asked()
    assert default.published(pin(1, region=None)) == [one(1)]
    assert default.asked == [None]


def test_what_the_mirror_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of versions that exist: release, yank, and what Lambda says of date and fit; of other layers nothing."""
    here, gone = one(1, "1.0.0").arn, one(2, "1.1.0").arn
    other = LayerVersionArn.parse(f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:other:1")
    versions = {"1.0.0": str(here), "1.1.0": str(gone), "9.0.0": str(other)}
    mirror = SimpleNamespace(versions=versions, yanked={"1.0.0": "it leaks"})
    exists = SimpleNamespace(date="2026-01-01", runtimes=("python3.13",), architectures=("arm64",))
    asked: list[object] = []

    def existing(client: object, arns: list[LayerVersionArn]) -> dict[LayerVersionArn, object]:
        asked.append((client, arns))
        return {here: exists}

    monkeypatch.setattr("layerctl.releases.index.mirror.read_mirror", lambda *given: asked.append(given) or mirror)
    monkeypatch.setattr("layerctl.releases.versions.existing_versions", existing)
    aws = SimpleNamespace(client=lambda service, region: (service, region))
    source = ParameterSource(aws, ("us-east-1",), "prod")  # type: ignore[arg-type]
    assert source.published(pin(1)) == [
        PublishedVersion(here, "1.0.0", "2026-01-01", ("python3.13",), ("arm64",), "it leaks")
    ]
    assert asked == [(("ssm", "eu-west-1"), "shared", "prod"), (("lambda", "eu-west-1"), [here, gone])]
    assert source.published(pin(1, account="999999999999")) is None
    assert source.published(pin(1, account=None)) is not None
