"""Lambda's limits to the byte and to the layer, and what is said of what is over them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from layerctl.artifact import open_artifact
from layerctl.check.case import FunctionCase
from layerctl.check.model import CheckedFunction, Content, Layer
from layerctl.check.rules.limits import check_limits
from layerctl.core.arn import LayerVersionArn
from layerctl.core.diagnostics import Severity
from layerctl.templates import model as declarations
from layerctl.templates.model import LayerReference, Place

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.core.diagnostics import Finding

LIMIT = 262_144_000


def place(line: int) -> Place:
    """Return a place in a template."""
    return Place("template.yaml", line, 1)


def sized(tmp_path: Path, name: str, size: int) -> Content:
    """Return a content of one sparse file of that size; of no size: without files."""
    folder = tmp_path / name
    folder.mkdir()
    if size:
        with (folder / "data").open("wb") as file:
            file.truncate(size)
    with open_artifact(folder) as artifact:
        return Content(artifact, name)


def findings(
    layers: list[Layer], code: Content | None = None, *, is_image: bool = False, deployed: Content | None = None
) -> list[Finding]:
    """Return what the rules find in a function."""
    declared = declarations.Function(
        "F", place(1), "AWS::Serverless::Function", "F", declarations.Code(place(2)), is_image=is_image
    )
    function = CheckedFunction(declared, layers=layers, code=code, deployed=deployed)
    return list(check_limits(FunctionCase(function, dt.date(2026, 11, 26))))


def arn(name: str, version: int, line: int = 10) -> LayerReference:
    """Return a literal entry of a list of layers."""
    text = f"arn:aws:lambda:eu-west-1:123456789012:layer:{name}:{version}"
    return LayerReference(
        text, f"{name}:{version}", place(line), LayerVersionArn.parse(text), f"123456789012:{name}", version, name
    )


def told(found: list[Finding]) -> list[tuple[str, int | None, str, str]]:
    """Return what findings say, and of which line; all of them are errors."""
    assert {one.severity for one in found} <= {Severity.ERROR}
    return [(one.rule, one.line, one.message, one.hint) for one in found]


@pytest.mark.parametrize(
    ("layers", "code", "fits"),
    [
        *(([LIMIT], 0, True), ([LIMIT + 1], 0, False), ([], LIMIT, True), ([], LIMIT + 1, False)),
        *(([1000, 0], LIMIT - 1000, True), ([1000, 0], LIMIT, False)),
    ],
)
def test_code_and_layers_together(tmp_path: Path, layers: list[int], code: int, *, fits: bool) -> None:
    """Exactly the limit fits; what is over it is added up, with how much smaller it must be."""
    given = [Layer(arn(f"n{n}", 1), sized(tmp_path, f"l{n}", size)) for n, size in enumerate(layers)]
    found = findings(given, sized(tmp_path, "code", code) if code else None)
    total = sum(layers) + code
    parts = [*([f"code {code:,}"] if code else []), *(f"n{n}:1 {size:,}" for n, size in enumerate(layers))]
    expected = (
        "size-limit",
        2,
        f"{' + '.join(parts)} = {total:,} bytes unzipped, and Lambda allows 262,144,000",
        f"make it {total - LIMIT:,} bytes smaller; `layerctl inspect --html` shows what is large",
    )
    assert told(found) == ([] if fits else [expected])


def test_what_is_not_known_counts_for_nothing(tmp_path: Path) -> None:
    """A layer without content can only add to the rest; where the rest is over the limit already, that is told."""
    unknown = Layer(arn("unknown", 1))
    assert findings([unknown], sized(tmp_path, "a", LIMIT)) == []
    (found,) = findings([unknown], sized(tmp_path, "b", LIMIT + 5))
    assert found.message.startswith("code 262,144,005 = 262,144,005 bytes unzipped")
    assert found.hint.startswith("make it 5 bytes smaller")


@pytest.mark.parametrize(("deployed", "fits"), [(LIMIT - 1000, True), (LIMIT - 999, False)])
@pytest.mark.parametrize("with_layers", [True, False])
def test_an_update_has_the_old_code_beside_the_new_layers(
    tmp_path: Path, deployed: int, *, fits: bool, with_layers: bool
) -> None:
    """Told at the last layer, else at the function; not when the new state does not fit anyway."""
    if with_layers:
        layers = [Layer(arn("a", 1, 11), sized(tmp_path, "a", 400)), Layer(arn("b", 1, 12), sized(tmp_path, "b", 600))]
        size = 1000
    else:
        layers, size, deployed = [], 0, deployed + 1000
    now = sized(tmp_path, "now", deployed)
    expected = (
        "size-limit-update",
        12 if with_layers else 1,
        (
            f"during the update the deployed code ({deployed:,} bytes) meets the new layers ({size:,} bytes): "
            f"{deployed + size:,} bytes unzipped, and Lambda allows 262,144,000, though both ends fit"
        ),
        "deploy twice: first the smaller code, then the layers",
    )
    assert told(findings(layers, sized(tmp_path, "code", 1), deployed=now)) == ([] if fits else [expected])
    assert {one.rule for one in findings(layers, sized(tmp_path, "large", LIMIT + 1), deployed=now)} == {"size-limit"}


@pytest.mark.parametrize("count", [5, 6, 7])
def test_five_layers_are_allowed(count: int) -> None:
    """The first one too many is pointed at."""
    found = findings([Layer(arn(f"n{n}", 1, 10 + n)) for n in range(count)])
    expected = (
        *("layers-too-many", 15, f"{count} layers, and Lambda allows 5"),
        "merge layers, or move one into the function's code",
    )
    assert told(found) == ([] if count == 5 else [expected])


def test_a_layer_that_is_there_twice() -> None:
    """In one version or in two; each is compared with the first, whatever stands between, and told where it stands."""
    layers = [Layer(arn("a", 1, 11)), Layer(arn("b", 1, 12)), Layer(arn("a", 1, 13)), Layer(arn("a", 2, 14))]
    assert told(findings(layers)) == [
        ("layer-duplicate", 13, "layer a:1 is there twice", "keep one of the two"),
        ("layer-duplicate", 14, "layer a:2 is there as a:1 already", "keep one of the two"),
    ]


def test_two_names_of_one_content_are_a_warning(tmp_path: Path) -> None:
    """Contents without files are no content, and one layer alone is no two."""

    def layer(name: str, line: int, size: int, version: int = 1) -> Layer:
        return Layer(arn(name, version, line), sized(tmp_path, f"{name}-{line}", size))

    found = findings([layer("a", 11, 10), layer("b", 12, 20), layer("c", 13, 10), layer("d", 14, 0), layer("e", 15, 0)])
    assert [(one.rule, one.line, one.message, one.hint, one.severity) for one in found] == [
        (
            *("layer-duplicate", 13, "layer c:1 has the same content as layer a:1"),
            *("keep one of the two", Severity.WARNING),
        )
    ]
    twice = findings([layer("f", 11, 10), layer("f", 12, 10, version=2), layer("g", 13, 10)])
    assert [(one.line, one.severity) for one in twice] == [(12, Severity.ERROR), (13, Severity.WARNING)]
    assert findings([layer("h", 11, 10)]) == []


def test_an_entry_that_is_no_layer_version() -> None:
    """Each is told with what is wrong with it, and the rest is looked at all the same."""
    wrong = LayerReference("x", "x", place(11), invalid="'x' is not the ARN of a layer version")
    assert told(findings([Layer(wrong), Layer(arn("a", 1, 12)), Layer(arn("a", 1, 13))])) == [
        (
            *("layer-arn-invalid", 11, "'x' is not the ARN of a layer version"),
            "name a version, as in ...:layer:NAME:VERSION",
        ),
        ("layer-duplicate", 13, "layer a:1 is there twice", "keep one of the two"),
    ]


def test_an_image_has_no_layers(tmp_path: Path) -> None:
    """One finding at the first layer, and nothing else of what would be wrong with them; without layers none."""
    large = sized(tmp_path, "large", LIMIT + 1)
    layers = [Layer(arn("a", 1, 11), large), Layer(arn("a", 1, 12), large)]
    assert told(findings(layers, is_image=True)) == [
        (
            *("layers-on-image", 11, "the function is a container image, and Lambda attaches no layers to images"),
            "copy the layer's content into the image, or package the function as a zip",
        )
    ]
    assert findings([], large, is_image=True) == []
