"""Which version a pin goes to, and what is said where there is none."""

from __future__ import annotations

import pytest

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.targets import BumpRequest, BumpTarget, NoTargetError, choose, newest
from layerctl.pins.resolve.versions import PublishedVersion, VersionResolver
from layerctl.scan.model import Pin

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


def go(asked: Pin, *versions: PublishedVersion, to: str = "latest", **options: object) -> BumpTarget | tuple[str, str]:
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
        (1, "latest", {}, BumpTarget(3, "1.10.0", "1.0.0", ("2.0.0 exists; --major goes there",))),
        (3, "latest", {}, BumpTarget(3, "1.10.0", "1.10.0", ("2.0.0 exists; --major goes there",))),
        (1, "latest", {"major": True}, BumpTarget(4, "2.0.0", "1.0.0")),
        (4, "latest", {}, BumpTarget(4, "2.0.0", "2.0.0")),
        (5, "latest", {}, BumpTarget(5, "2.1.0rc1", "2.1.0rc1")),
        (4, "1.1", {"major": True}, BumpTarget(2, "1.1.0", "2.0.0")),
        (4, "2.1.0rc1", {}, BumpTarget(5, "2.1.0rc1", "2.0.0")),
        (1, "2", {}, BumpTarget(2, "1.1.0", "1.0.0")),
        (4, "4", {}, BumpTarget(4, "2.0.0", "2.0.0")),
        (1, "1.1.0", {}, BumpTarget(2, "1.1.0", "1.0.0")),
        (1, "4", {}, ("1.0.0 to 2.0.0 is a jump over a major version", MAJOR)),
        (4, "1.0.0", {}, ("2.0.0 to 1.0.0 is a jump over a major version", MAJOR)),
        (6, "latest", {}, ("shared:6 is newer than what the list knows (5)", "refresh the index")),
        (6, "1.0.0", {}, ("shared:6 is in no source, so 1.0.0 may be a jump over a major version", MAJOR)),
        (6, "1.0.0", {"major": True}, BumpTarget(1, "1.0.0", None)),
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
    assert go(pin(now), *versions) == ((what, MAJOR) if refused else BumpTarget(top.arn.version, top.release, None))


YANKED = [one(1, "1.0.0"), one(2, "1.1.0"), one(3, "1.2.0", yanked="it leaks")]


def test_a_yanked_release_is_not_taken_unless_it_is_meant() -> None:
    """By name it must be forced, and the note says why; a pin that is there already stays, with the note."""
    refused = ("1.2.0 (3) of shared was yanked: it leaks", "say --force if it is meant")
    note = ("1.2.0 (3) was yanked: it leaks",)
    assert go(pin(1), *YANKED) == BumpTarget(2, "1.1.0", "1.0.0")
    assert go(pin(1), *YANKED, to="1.2.0") == refused
    assert go(pin(1), *YANKED, to="3") == refused
    assert go(pin(1), *YANKED, to="3", force=True) == BumpTarget(3, "1.2.0", "1.0.0", note)
    assert go(pin(3), *YANKED, to="1.2.0") == BumpTarget(3, "1.2.0", "1.2.0", note)
    assert go(pin(3), *YANKED) == BumpTarget(2, "1.1.0", "1.2.0")
    assert go(pin(1), one(1, yanked=""), to="1") == BumpTarget(1, None, None, ("1 was yanked: ",))
    assert go(pin(1), *(one(n, f"1.{n}.0", yanked="all") for n in (1, 2)))[0] == "shared has no latest in eu-west-1"


def test_the_newest_where_releases_are_not_known() -> None:
    """The highest number that was not yanked; where some are known, one of those."""
    assert go(pin(1), one(1), one(3), one(2)) == BumpTarget(3, None, None)
    assert go(pin(1), one(1), one(3, yanked="bad"), one(2)) == BumpTarget(2, None, None)
    assert go(pin(1), one(1, "1.0.0"), one(2), one(3, "1.0.1"), one(4, "no version")) == BumpTarget(3, "1.0.1", "1.0.0")
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


def test_who_is_at_the_newest_is_told_it_of_every_region() -> None:
    """Its numbers may differ: a pin without a region needs all of them."""
    here, there = one(2, "2.0.0"), one(3, "2.0.0", "us-east-1")
    for major in (False, True):
        assert newest([here, there, one(1, "1.0.0")], here, major=major, notes=[]) == [here, there]
        assert newest([there, here], None, major=major, notes=[]) == [there, here]
    assert newest([here, one(3, "2.0.0", "us-east-1", yanked="bad")], here, major=False, notes=[]) == [here]


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
    assert go(anywhere, *EVERYWHERE, to="1.1.0", regions=frozenset({"us-east-1"})) == BumpTarget(3, "1.1.0", "1.0.0")
    assert go(anywhere, *EVERYWHERE) == BumpTarget(4, "1.2.0", "1.0.0", ("1.2.0 is not in eu-west-1",))
    note = "1.2.0 is not in eu-west-1"
    assert go(pin(3, region=None), *EVERYWHERE) == BumpTarget(
        4, "1.2.0", None, (note,)
    )  # regions disagree on the old one
    assert go(anywhere, *EVERYWHERE, to="9.0.0")[0] == "shared has no 9.0.0 in any region"
    assert go(pin(1), *EVERYWHERE, to="1.1.0", regions=frozenset({"us-east-1"})) == BumpTarget(2, "1.1.0", "1.0.0")


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
    assert go(other, *USUAL, to="7") == BumpTarget(
        7, None, None, (f"no source knows {other.layer}: whether version 7 exists was not checked",)
    )
    assert go(other, *USUAL) == (
        f"no source of versions knows {other.layer}",
        "name its index with --index, or a number with --to N",
    )
    assert choose(other, BumpRequest("7"), VersionResolver([])) == BumpTarget(7, None, None)


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
