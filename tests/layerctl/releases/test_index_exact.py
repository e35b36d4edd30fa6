"""What the index says, is asked for and refuses: each to the word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from layerctl.core.diagnostics import Severity
from layerctl.core.errors import LayerctlError
from layerctl.releases.index.drift import check_coverage
from layerctl.releases.index.model import LayerIndex, Published, Release, Yank, is_release, version_key
from tests.layerctl.releases.conftest import DATE, OURS, arn, index_of

if TYPE_CHECKING:
    from pathlib import Path


def release(version: str, *regions: str, yanked: str = "", deleted: tuple[str, ...] = (), notes: str = "") -> Release:
    """Return a release."""
    arns = {region: arn(1, region) for region in (*regions, *deleted)}
    return Release(
        *(
            version,
            OURS,
            DATE,
            ("python3.13",),
            ("arm64",),
            Yank(yanked, DATE, "high") if yanked else None,
        ),
        {region: Published(arns[region], "x=", 3, DATE) for region in regions},
        {arns[region]: DATE for region in deleted},
        notes,
    )


def test_an_index_is_written_to_the_letter() -> None:
    """Sorted by version and region; what nobody said is left out; what was said is read back."""
    index = index_of(
        release("1.10.0", "us-east-1", "eu-west-1", notes="Ä."), release("1.9.0", deleted=("eu-west-1",), yanked="bad")
    )
    data = json.loads(index.dumps())
    assert (data["schema"], data["layer"], list(data["releases"])) == (1, "helpers", ["1.9.0", "1.10.0"])
    old, new = data["releases"].values()
    written = "arn:aws:lambda:eu-west-1:123456789012:layer:helpers:1"
    assert old == {
        "content_digest": OURS,
        "date": DATE,
        "runtimes": ["python3.13"],
        "architectures": ["arm64"],
        "yanked": {"reason": "bad", "date": DATE, "severity": "high"},
        "regions": {},
        "deleted": {written: DATE},
    }
    assert list(new["regions"]) == ["eu-west-1", "us-east-1"]
    assert new["regions"]["eu-west-1"] == {"arn": written, "code_sha256": "x=", "size": 3, "date": DATE}
    assert (new["yanked"], new["notes"], "deleted" in new) == (None, "Ä.", False)
    assert index.dumps().startswith('{\n  "schema": 1,\n')
    assert index.dumps().endswith("}\n")
    assert "Ä" in index.dumps()
    assert LayerIndex.parse(index.dumps()) == index


def test_what_an_index_is_asked_for() -> None:
    """The release of an ARN, and the newest in a region: neither yanked nor, beside a final one, a pre-release."""
    both = index_of(
        *(release("1.0.0", "eu-west-1", "us-east-1"), release("1.1.0", "eu-west-1", yanked="bad")),
        *(release("1.2.0rc1", "eu-west-1"), release("2.0.0rc1", "eu-north-1"), release("2.0.0rc2", "eu-north-1")),
    )
    found = both.find(arn(1, "us-east-1"))
    assert found is not None
    assert found.version == "1.0.0"
    assert both.find(arn(2, "us-east-1")) is None
    newest = {region: both.newest(region) for region in ("eu-west-1", "us-east-1", "eu-north-1", "eu-south-1")}
    assert {region: one.version if one else None for region, one in newest.items()} == {
        "eu-west-1": "1.0.0",
        "us-east-1": "1.0.0",
        "eu-north-1": "2.0.0rc2",
        "eu-south-1": None,
    }


@pytest.mark.parametrize(
    ("text", "known"),
    [
        *(("1.4.0", True), ("1.4.0rc1", True), ("1.4.0+x", False), ("one", False), ("", False), ("1.4.0-no", False)),
        *(("1" * 5000, False), ("1.4.0\n", False)),
    ],
)
def test_what_is_a_release(text: str, *, known: bool) -> None:
    """A version of PEP 440 that Parameter Store takes as a name."""
    assert is_release(text) is known
    if known:
        assert version_key(text)[1] == text
    if text == "one":
        with pytest.raises(LayerctlError, match=r"^'one' is no release version") as caught:
            version_key(text)
        assert caught.value.hint == "expected e.g. 1.4.0 or 1.4.0rc1 (PEP 440)"


def test_a_broken_index_says_where_and_what_to_do() -> None:
    """In one line, with the name of the file."""
    good = json.loads(index_of(release("1.0.0", "eu-west-1")).dumps())
    with pytest.raises(LayerctlError, match=r"^x\.json is not JSON: "):
        LayerIndex.parse("{", "x.json")
    with pytest.raises(LayerctlError, match=r"^layers\.json: at the top: ") as top:
        LayerIndex.parse("[]")
    assert top.value.hint == "see `layerctl index schema`"
    good["releases"]["1.0.0"]["regions"]["eu-west-1"]["size"] = "3"
    with pytest.raises(LayerctlError, match=r"^x\.json: at releases/1\.0\.0/regions/eu-west-1/size: "):
        LayerIndex.parse(json.dumps(good), "x.json")
    good["releases"]["1.0.0"]["regions"]["eu-west-1"]["size"] = 3
    for region, layer in (("eu-west-2", "helpers"), ("eu-west-1", "other")):
        moved = {**good, "layer": layer}
        entry = {**good["releases"]["1.0.0"], "regions": {region: good["releases"]["1.0.0"]["regions"]["eu-west-1"]}}
        moved["releases"] = {"1.0.0": entry}
        with pytest.raises(
            LayerctlError, match=rf"^x\.json: 1\.0\.0 in {region} names arn:.*, another region or layer"
        ):
            LayerIndex.parse(json.dumps(moved), "x.json")


def test_a_file_that_is_no_index_is_named(tmp_path: Path) -> None:
    """By its path; where there is none, with the command that makes one."""
    path = tmp_path / "layers.json"
    with pytest.raises(LayerctlError, match=f"^{path} does not exist") as missing:
        LayerIndex.load(path)
    assert missing.value.hint == "make it with `layerctl index write`"
    for text, said in (("{", "is not JSON: "), ("[]", "at the top: ")):
        path.write_text(text)
        with pytest.raises(LayerctlError, match=f"^{path}:? {said}"):
            LayerIndex.load(path)


def test_regions_that_a_release_misses() -> None:
    """Of the newest an error, of older ones a warning; a deleted version is not missed, a yanked release not wanted."""
    index = index_of(
        *(release("1.0.0", "eu-west-1"), release("1.1.0", "eu-west-1", yanked="bad"), release("1.3.0", deleted=("x",))),
        *(release("1.10.0", "eu-west-1", deleted=("us-east-1",)), release("1.2.0", "eu-west-1", "us-east-1")),
    )
    found = check_coverage(index, ["eu-west-1", "us-east-1", "eu-north-1"], "layers.json")
    assert [(one.message, one.severity) for one in found] == [
        ("1.0.0 is not in us-east-1, eu-north-1, where layer.toml publishes", Severity.WARNING),
        ("1.10.0 is not in eu-north-1, where layer.toml publishes", Severity.ERROR),
        ("1.2.0 is not in eu-north-1, where layer.toml publishes", Severity.WARNING),
    ]
    assert {(one.rule, one.path, one.hint) for one in found} == {
        (
            *("index-region", "layers.json"),
            "publish it there with `layerctl publish`; then `layerctl index write`",
        )
    }
    assert check_coverage(index, ["eu-west-1"], "layers.json") == []
