"""What is published, and under which name: read from the zip, its manifest and layer.toml, or refused to the word."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json

import pytest

from layerctl.artifact import open_artifact
from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.releases.publish.payload import Payload
from tests.layerctl.releases.conftest import write_zip

AGAIN = "build again with `layerctl build`"
MANIFEST = {
    "name": "manifested",
    "version": "3.0.0",
    "runtimes": [{"runtime": "python3.13"}, {"runtime": "python3.12"}],
    "architectures": ["arm64"],
    "licence": "BSD-3-Clause",
}


def a_zip(folder, name="helpers-1.0.0.zip", manifest=None):
    """A layer's zip, with a manifest where one is given: as text or as data."""
    path = folder / name
    write_zip(path, {"python/helpers.py": "x = 1\n"})
    if manifest is not None:
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        path.with_name(f"{name.removesuffix('.zip')}.manifest.json").write_text(text)
    return path


def layer_toml(folder):
    """What the layer is."""
    (folder / "layer.toml").write_text(
        '[layer]\nname = "helpers"\narchitectures = ["x86_64"]\nlicence = "MIT"\n[runtimes]\n"python3.12" = "3.12.1"\n'
        '[publish]\nregions = ["eu-central-1"]\n'
    )
    return LayerConfig.load(folder / "layer.toml")


def digest_of(path):
    """The content's digest."""
    with open_artifact(path) as artifact:
        return artifact.content_digest()


def test_layer_toml_says_what_a_zip_is(tmp_path):
    """Its manifest says the version only; the digests and the size are those of the file."""
    path = a_zip(tmp_path, manifest=MANIFEST)
    path_digest = digest_of(path)
    read = Payload.read(path, layer_toml(tmp_path))
    assert read == Payload(
        path=path,
        layer="helpers",
        release="3.0.0",
        content_digest=path_digest,
        code_sha256=base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode(),
        size=path.stat().st_size,
        runtimes=("python3.12",),
        architectures=("x86_64",),
        licence="MIT",
    )
    assert read.description == f"3.0.0 {path_digest}"
    given = Payload.read(path, layer_toml(tmp_path), layer="other", release="4.0.0")
    assert given == dataclasses.replace(read, layer="other", release="4.0.0")


def test_without_layer_toml_the_manifest_says_it(tmp_path):
    """And where there is none, or it says nothing, nothing is claimed."""
    read = Payload.read(a_zip(tmp_path, manifest=MANIFEST), None)
    assert (read.layer, read.release, read.runtimes, read.architectures, read.licence) == (
        *("manifested", "3.0.0"),
        ("python3.13", "python3.12"),
        ("arm64",),
        "BSD-3-Clause",
    )
    for manifest in (None, {}):
        (tmp_path / "bare").mkdir(exist_ok=True)
        read = Payload.read(a_zip(tmp_path / "bare", manifest=manifest), None)
        assert (read.layer, read.runtimes, read.architectures, read.licence) == ("", (), (), "")
    odd = {"runtimes": [{"runtime": 1}], "architectures": [2], "name": 3, "licence": 4}
    read = Payload.read(a_zip(tmp_path, manifest=odd), None)
    assert (read.layer, read.runtimes, read.architectures, read.licence) == ("3", ("1",), ("2",), "4")


def test_of_which_part_a_zip_is(tmp_path):
    """Where a layer is one of several parts, the zip's name says which: that part's name is published."""
    config = layer_toml(tmp_path)
    parts = [dataclasses.replace(config, name="helpers-x86_64"), dataclasses.replace(config, name="helpers-arm64")]

    class Parted:
        """A layer of two parts."""

        def for_artifact(self, path):
            """Return the part."""
            return next(part for part in parts if path.name.startswith(part.name))

    assert Payload.read(a_zip(tmp_path, "helpers-arm64-1.0.0.zip"), Parted()).layer == "helpers-arm64"


@pytest.mark.parametrize(
    "manifest",
    ["[]", '"x"', {"runtimes": [{}]}, {"runtimes": 5}, {"runtimes": ["python3.13"]}, {"architectures": 5}],
)
def test_what_is_no_manifest(tmp_path, manifest):
    """Of another kind, or with other things in it: told as the manifest's mistake."""
    path = a_zip(tmp_path, manifest=manifest)
    with pytest.raises(LayerctlError) as caught:
        Payload.read(path, None)
    assert (caught.value.what, caught.value.hint) == (f"{tmp_path}/helpers-1.0.0.manifest.json is no manifest", AGAIN)


def test_a_manifest_that_is_no_json(tmp_path):
    """Is to be built again."""
    with pytest.raises(LayerctlError, match="is not JSON") as caught:
        Payload.read(a_zip(tmp_path, manifest="{"), None)
    assert caught.value.hint == AGAIN


def test_a_zip_that_is_not_what_its_manifest_says(tmp_path):
    """Is refused, with both digests; one that is what it says is taken."""
    path = a_zip(tmp_path)
    ours, theirs = digest_of(path), f"sha256:{'0' * 64}"
    a_zip(tmp_path, manifest={"content_digest": theirs})
    with pytest.raises(LayerctlError) as caught:
        Payload.read(path, None)
    assert (caught.value.what, caught.value.hint) == (
        f"{path} is not what its manifest says: its content is {ours}, the manifest has {theirs}",
        AGAIN,
    )
    assert Payload.read(a_zip(tmp_path, manifest={"content_digest": ours}), None).content_digest == ours


def test_a_folder_is_no_zip(tmp_path):
    """It may be what `sam build` made."""
    with pytest.raises(LayerctlError) as caught:
        Payload.read(tmp_path, None)
    assert (caught.value.what, caught.value.hint) == (
        f"{tmp_path} is a folder",
        "publish the zip that `layerctl build` writes",
    )


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("helpers-1.0.0.zip", "1.0.0"),
        ("my-layer-2-1.4.zip", "1.4"),
        ("helpers-1.0.0rc1.zip", "1.0.0rc1"),
        ("helpers-10.20.30.zip", "10.20.30"),
        ("a-1.0-2.0.zip", "1.0-2.0"),
        ("helpers.zip", None),
        ("1.0.0.zip", None),
        ("-1.0.0.zip", None),
        ("helpers-1.zip", None),
        ("helpers-1.0.0.zip.zip2", None),
        ("helpers-1.0.0.ZIP", None),
    ],
)
def test_which_version_a_name_tells(tmp_path, name, release):
    """Behind the last part of the layer's name; where there is none it is asked for."""
    path = a_zip(tmp_path, name)
    if release is None or release == "1.0-2.0":  # what is found may be no version
        with pytest.raises(LayerctlError) as caught:
            Payload.read(path, None)
        odd = f"{path}: {release!r} is no version as PEP 440 knows them"
        assert caught.value.what == (odd if release else f"{path} has no manifest, and its name tells no version")
        assert caught.value.hint == (
            "name one with --release, e.g. 1.4.0 or 1.4.0rc1" if release else "name the version with --release"
        )
        return
    assert Payload.read(path, None).release == release


@pytest.mark.parametrize("release", [" 1.0", "1.0\n", "latest", "v", "x" * 70, "9" * 5000])
def test_a_release_that_has_no_order(tmp_path, release):
    """Is refused by its first 60 characters, before anything else of it is used."""
    path = a_zip(tmp_path)
    for options in ({"release": release}, {}):
        a_zip(tmp_path, manifest={"version": release})
        with pytest.raises(LayerctlError) as caught:
            Payload.read(path, None, **options)
        assert caught.value.what == f"{path}: {release[:60]!r} is no version as PEP 440 knows them"
        assert caught.value.hint == "name one with --release, e.g. 1.4.0 or 1.4.0rc1"


def test_a_release_too_long_for_a_description(tmp_path):
    """Is refused before anything is sent."""
    with pytest.raises(LayerctlError, match="is too long for a layer's description"):
        Payload.read(a_zip(tmp_path), None, release=f"1.0+{'a' * 200}")


def test_how_large_a_zip_may_be_to_be_sent_directly(tmp_path):
    """In base64, four bytes for each three that are begun, with 4,096 for the rest: below 69,905,067."""
    read = Payload.read(a_zip(tmp_path), None)
    for size, fits in ((0, True), (52_425_726, True), (52_425_727, False), (52_425_728, False), (60_000_000, False)):
        assert dataclasses.replace(read, size=size).fits_request is fits
