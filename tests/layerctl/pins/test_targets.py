"""Which version a pin goes to, and what is said where there is none."""

from __future__ import annotations

import pytest

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.aws_sources import LambdaSource
from layerctl.pins.resolve.index_source import IndexSource
from layerctl.pins.resolve.resolver import resolver_of
from layerctl.pins.resolve.targets import BumpRequest, NoTargetError, Target, choose, newest
from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
from layerctl.releases.index.model import LayerIndex
from layerctl.scan.model import Pin
from tests.layerctl.pins.made import index_data, write_index

ACCOUNT = "123456789012"


def pin(version: int, region: str | None = "eu-west-1", name: str = "shared", account: str | None = ACCOUNT) -> Pin:
    """Return a pin of a layer version."""
    return Pin("template.yaml", 1, 1, "aws", region, account, name, version, 0, 1)


def one(
    version: int, release: str | None = None, region: str = "eu-west-1", yanked: str | None = None
) -> PublishedVersion:
    """Return a published version."""
    arn = LayerVersionArn.parse(f"arn:aws:lambda:{region}:{ACCOUNT}:layer:shared:{version}")
    return PublishedVersion(arn, release, yanked=yanked)


class Known:
    """A source that knows some versions of some layers."""

    def __init__(
        self, *versions: PublishedVersion, name: str = "the list", layers: tuple[str, ...] = ("shared",)
    ) -> None:
        self.name = name
        self.layers = frozenset(layers)
        self.failures: dict[str, str] = {}
        self.versions = list(versions)
        self.asked = 0

    def published(self, asked: Pin) -> list[PublishedVersion] | None:
        """Return them all."""
        self.asked += 1
        return self.versions if asked.name in self.layers else None


def go(asked: Pin, *versions: PublishedVersion, to: str = "latest", **options: object) -> Target | tuple[str, str]:
    """Return where a pin goes, or what is said."""
    try:
        return choose(asked, BumpRequest(to, **options), VersionResolver([Known(*versions)]))  # type: ignore[arg-type]
    except NoTargetError as error:
        return str(error), error.hint


USUAL = [one(1, "1.0.0"), one(2, "1.1.0"), one(3, "1.10.0"), one(4, "2.0.0"), one(5, "2.1.0rc1")]
MAJOR = "say --major if it is meant"


@pytest.mark.parametrize(
    ("now", "to", "options", "target"),
    [
        (1, "latest", {}, Target(3, "1.10.0", "1.0.0", ("2.0.0 exists; --major goes there",))),
        (3, "latest", {}, Target(3, "1.10.0", "1.10.0", ("2.0.0 exists; --major goes there",))),
        (1, "latest", {"major": True}, Target(4, "2.0.0", "1.0.0")),
        (4, "latest", {}, Target(4, "2.0.0", "2.0.0")),
        (5, "latest", {}, Target(5, "2.1.0rc1", "2.1.0rc1")),
        (4, "1.1", {"major": True}, Target(2, "1.1.0", "2.0.0")),
        (4, "2.1.0rc1", {}, Target(5, "2.1.0rc1", "2.0.0")),
        (1, "2", {}, Target(2, "1.1.0", "1.0.0")),
        (4, "4", {}, Target(4, "2.0.0", "2.0.0")),
        (1, "1.1.0", {}, Target(2, "1.1.0", "1.0.0")),
        (1, "4", {}, ("1.0.0 to 2.0.0 is a jump over a major version", MAJOR)),
        (4, "1.0.0", {}, ("2.0.0 to 1.0.0 is a jump over a major version", MAJOR)),
        (6, "latest", {}, ("shared:6 is newer than what the list knows (5)", "refresh the index")),
        (6, "1.0.0", {}, ("shared:6 is in no source, so 1.0.0 may be a jump over a major version", MAJOR)),
        (6, "1.0.0", {"major": True}, Target(1, "1.0.0", None)),
        (
            *(1, "3.0.0", {}),
            (
                "shared has no 3.0.0 in eu-west-1",
                "there are 1.0.0 (1), 1.1.0 (2), 1.10.0 (3), 2.0.0 (4), 2.1.0rc1 (5)",
            ),
        ),
        (
            *(1, "nonsense", {}),
            (
                "shared has no nonsense in eu-west-1",
                "there are 1.0.0 (1), 1.1.0 (2), 1.10.0 (3), 2.0.0 (4), 2.1.0rc1 (5)",
            ),
        ),
    ],
)
def test_where_a_pin_goes(now: int, to: str, options: dict[str, bool], target: object) -> None:
    """The newest final release of its major version, a release, or a number; a jump over a major one must be meant."""
    assert go(pin(now), *USUAL, to=to, **options) == target


@pytest.mark.parametrize(
    ("now", "versions", "refused"),
    [
        (2, [one(1, "1.0.0"), one(3, "1.1.0")], ""),
        (2, [one(1, "1.0.0"), one(3, "2.0.0")], "2.0.0"),
        (2, [one(3, "1.0.0")], "1.0.0"),
        (4, [one(1, "2.0.0"), one(3, "1.0.0"), one(5, "1.1.0")], "2.0.0"),
        (2, [one(1, "1.0.0"), one(3), one(5, "1.1.0")], "1.1.0"),
        (6, [one(5, "1.0.0"), one(7, "1.1.0"), one(9, "2.0.0")], "2.0.0"),
    ],
)
def test_a_version_that_no_source_knows_is_judged_by_its_neighbours(
    now: int, versions: list[PublishedVersion], refused: str
) -> None:
    """Of the numbers right below and above; without both, or with other major versions, the jump must be meant."""
    what = f"shared:{now} is in no source, so {refused} may be a jump over a major version"
    top = versions[-1]
    assert go(pin(now), *versions) == ((what, MAJOR) if refused else Target(top.arn.version, top.release, None))


YANKED = [one(1, "1.0.0"), one(2, "1.1.0"), one(3, "1.2.0", yanked="it leaks")]


def test_a_yanked_release_is_not_taken_unless_it_is_meant() -> None:
    """By name it must be forced, and the note says why; a pin that is there already stays, with the note."""
    refused = ("1.2.0 (3) of shared was yanked: it leaks", "say --force if it is meant")
    note = ("1.2.0 (3) was yanked: it leaks",)
    assert go(pin(1), *YANKED) == Target(2, "1.1.0", "1.0.0")
    assert go(pin(1), *YANKED, to="1.2.0") == refused
    assert go(pin(1), *YANKED, to="3") == refused
    assert go(pin(1), *YANKED, to="3", force=True) == Target(3, "1.2.0", "1.0.0", note)
    assert go(pin(3), *YANKED, to="1.2.0") == Target(3, "1.2.0", "1.2.0", note)
    assert go(pin(3), *YANKED) == Target(2, "1.1.0", "1.2.0")
    assert go(pin(1), one(1, yanked=""), to="1") == Target(1, None, None, ("1 was yanked: ",))
    assert go(pin(1), *(one(n, f"1.{n}.0", yanked="all") for n in (1, 2)))[0] == "shared has no latest in eu-west-1"


def test_the_newest_where_releases_are_not_known() -> None:
    """The highest number that was not yanked; where some are known, one of those."""
    assert go(pin(1), one(1), one(3), one(2)) == Target(3, None, None)
    assert go(pin(1), one(1), one(3, yanked="bad"), one(2)) == Target(2, None, None)
    assert go(pin(1), one(1, "1.0.0"), one(2), one(3, "1.0.1"), one(4, "no version")) == Target(3, "1.0.1", "1.0.0")
    assert newest([], None, major=False, notes=[]) == []
    assert newest([one(1, "1.0a1"), one(2, "1.0a2")], None, major=False, notes=[]) == [one(2, "1.0a2")]


def test_nothing_within_the_major_version_stays() -> None:
    """Where all that is left is of a higher one, the pin stays, with a note."""
    notes: list[str] = []
    old = one(1, "1.0.0", yanked="bad")
    assert newest([old, one(2, "2.0.0")], old, major=False, notes=notes) == [old]
    assert notes == ["2.0.0 exists; --major goes there"]
    assert newest([old, one(2, "2.0.0")], old, major=True, notes=notes) == [one(2, "2.0.0")]
    newer = one(9, "2.5.0")
    assert newest([one(2, "2.0.0")], newer, major=False, notes=[]) == [newer]
    assert newest([one(2, "2.0.0")], one(9, "2.5.0", yanked="bad"), major=False, notes=[]) == [one(2, "2.0.0")]


EVERYWHERE = [
    *(one(1, "1.0.0", "eu-west-1"), one(1, "1.0.0", "us-east-1"), one(2, "1.1.0", "eu-west-1")),
    *(one(3, "1.1.0", "us-east-1"), one(4, "1.2.0", "us-east-1"), one(3, "1.0.5", "eu-west-1")),
]


def test_a_pin_without_a_region() -> None:
    """One number must do for all regions that it is deployed to; where a release is not in all of them, it is noted."""
    anywhere = pin(1, region=None)
    assert go(anywhere, *EVERYWHERE, to="1.1.0") == (
        "1.1.0 of shared has different numbers: 2 in eu-west-1, 3 in us-east-1",
        "say with --region where the template is deployed",
    )
    assert go(anywhere, *EVERYWHERE, to="1.1.0", regions=frozenset({"us-east-1"})) == Target(3, "1.1.0", "1.0.0")
    assert go(anywhere, *EVERYWHERE) == Target(4, "1.2.0", "1.0.0", ("1.2.0 is not in eu-west-1",))
    note = "1.2.0 is not in eu-west-1"
    assert go(pin(3, region=None), *EVERYWHERE) == Target(4, "1.2.0", None, (note,))  # regions disagree on the old one
    assert go(anywhere, *EVERYWHERE, to="9.0.0")[0] == "shared has no 9.0.0 in any region"
    assert go(pin(1), *EVERYWHERE, to="1.1.0", regions=frozenset({"us-east-1"})) == Target(2, "1.1.0", "1.0.0")


def test_a_region_without_the_layer_names_those_with_it() -> None:
    """In order, each once; or says that there is none."""
    assert go(pin(1, region="eu-north-1"), *EVERYWHERE) == (
        "shared is not published in eu-north-1",
        "it is in eu-west-1, us-east-1",
    )
    assert go(pin(1)) == ("shared is not published in eu-west-1", "it is in no region")
    assert go(pin(1, region=None), *EVERYWHERE, regions=frozenset({"eu-north-1"}))[0] == (
        "shared is not published in any region"
    )


def test_a_layer_that_no_source_knows() -> None:
    """A number is taken, with a note where there are sources; anything else is refused with what helps."""
    other = pin(1, name="other")
    assert go(other, *USUAL, to="7") == Target(
        7, None, None, (f"no source knows {other.layer}: whether version 7 exists was not checked",)
    )
    assert go(other, *USUAL) == (
        f"no source of versions knows {other.layer}",
        "name its index with --index, or a number with --to N",
    )
    assert choose(other, BumpRequest("7"), VersionResolver([])) == Target(7, None, None)


def test_only_the_last_eight_are_shown() -> None:
    """Each once, so that a long list stays readable."""
    many = [one(n, f"1.{n}.0") for n in range(1, 12)] + [one(11, "1.11.0")]
    assert go(pin(1), *many, to="5.0")[1] == "there are " + ", ".join(f"1.{n}.0 ({n})" for n in range(5, 12))


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("1", 1),
        ("9223372036854775807", 2**63 - 1),
        ("1.0", None),
        ("latest", None),
        ("٣", None),
        ("", None),
        ("-1", None),
    ],
)
def test_what_is_a_number(to: str, number: int | None) -> None:
    """Decimal digits of ASCII."""
    assert BumpRequest(to).number == number


@pytest.mark.parametrize("to", ["0", "9223372036854775808", "9" * 20, "9" * 10_000, "00000000000000000001"])
def test_what_no_version_can_be(to: str) -> None:
    """It is refused with its beginning."""
    with pytest.raises(LayerctlError) as caught:
        BumpRequest(to)
    assert str(caught.value).startswith(f"--to {to[:24]}: no layer version has that number")
    assert caught.value.hint == "they count from 1"


def test_which_pins_are_meant() -> None:
    """Those of known layers; of the one that was named; by a number without any source all."""
    known, nobody = VersionResolver([Known(*USUAL)]), VersionResolver([])
    theirs, others = pin(1, name="other"), pin(1, account="999999999999")

    def covers(asked: Pin, resolver: VersionResolver, **options: str) -> bool:
        return BumpRequest(**options).covers(asked, resolver)

    assert covers(pin(1), known)
    assert not covers(theirs, known)
    assert not covers(theirs, known, to="5")
    assert not covers(pin(1), nobody)
    assert covers(pin(1), nobody, to="5")
    assert covers(pin(1), known, layer="shared")
    assert not covers(pin(1), known, layer="other")
    assert covers(theirs, known, layer="other")
    assert covers(pin(1), nobody, layer="shared")
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:shared"
    for layer in (arn, arn + ":7"):
        assert covers(pin(1), nobody, layer=layer)
        assert covers(pin(1, account=None), nobody, layer=layer)
        assert not covers(others, nobody, layer=layer)
        assert not covers(theirs, nobody, layer=layer)

    class OneAccount(Known):
        def published(self, asked: Pin) -> list[PublishedVersion] | None:
            return super().published(asked) if asked.account == ACCOUNT else None

    assert not covers(others, VersionResolver([OneAccount(*USUAL)]), layer="shared")


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
    import json

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
