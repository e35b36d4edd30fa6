"""Whatever a file or an answer holds: an error of the file, never a traceback of ours."""

from __future__ import annotations

import contextlib
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerctl.artifact import open_artifact
from layerctl.aws.regions import read_regions
from layerctl.build.lock import read_lock
from layerctl.build.manifest import Manifest
from layerctl.config import LayerConfig
from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.index.model import LayerIndex, is_release
from layerctl.releases.policies.audience import audiences_of

LONG = "9" * 5_000
ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:helpers:1"
INDEX = {
    "schema": 1,
    "layer": "helpers",
    "releases": {
        "1.0.0": {
            "content_digest": "sha256:" + "0" * 64,
            "date": "2026-01-31T12:00:00Z",
            "runtimes": [],
            "architectures": [],
            "yanked": None,
            "regions": {"eu-central-1": {"arn": ARN, "code_sha256": "x", "size": 1, "date": "2026-01-31T12:00:00Z"}},
            "deleted": {ARN: "2026-01-31T12:00:00Z"},
        }
    },
}
TOML = Path(__file__).parents[1] / "fixtures" / "mini" / "layer" / "layer.toml"
LOCK = "six==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via x\n"


def manifest() -> str:
    """A small manifest."""
    data = {
        "schema": 1, "name": "m", "version": "1", "description": "", "licence": "MIT", "architectures": [], "files": [],
        "content_digest": "x", "unzipped_size": 1, "runtimes": [], "distributions": [], "left_out": [],
        "zip": {"file": "m.zip", "size": 1, "sha256": "x", "code_sha256": "x"},
        "source": {"commit": None, "dirty": False, "locks": {}},
    }  # fmt: skip
    return json.dumps(data)


def lock_of(text: str, folder: Path):
    """Read a lock with that text."""
    config = LayerConfig.load(TOML)
    path = folder / "requirements.txt"
    path.write_text(text, "utf-8", errors="surrogateescape")
    return read_lock(
        type(config)(**{name: getattr(config, name) for name in config.__slots__} | {"requirements": path})
    )


def config_of(text: str, folder: Path):
    """Read a layer.toml with that text."""
    (folder / "layer.toml").write_text(text, "utf-8", errors="surrogateescape")
    return LayerConfig.load(folder / "layer.toml")


def regions_of(text: str, folder: Path):
    """Read a file of regions with that text."""
    (folder / "regions").write_text(text, "utf-8", errors="surrogateescape")
    return read_regions(folder / "regions")


READERS = {
    "index": (lambda text, folder: LayerIndex.parse(text), json.dumps(INDEX)),
    "manifest": (lambda text, folder: Manifest.from_json(text, "m"), manifest()),
    "layer.toml": (config_of, TOML.read_text("utf-8")),
    "lock": (lock_of, LOCK),
    "regions": (regions_of, '["eu-central-1", "us-east-1"]'),
    "arn": (lambda text, folder: LayerVersionArn.parse(text), ARN),
}


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """A text with pieces cut out, doubled, or replaced by what readers stumble over."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 40)))
        new = draw(
            st.sampled_from(["", text[start:stop] * 2, LONG, "[" * 3000, "{" * 50, "null", "-1", "1e999", "é\0"])
            | st.text(max_size=4)
        )
        text = text[:start] + new + text[stop:]
    return text


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_the_file(tmp_path, name, data):
    """Damaged anywhere, a file is read or refused in words."""
    read, good = READERS[name]
    text = data.draw(damaged(good))
    with contextlib.suppress(LayerctlError):
        read(text, tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_the_undamaged_file_is_read(tmp_path, name):
    """What the tests damage is right as it is."""
    read, good = READERS[name]
    assert read(good, tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("arn", ":1", f":{LONG}"),
        ("index", f'{ARN}"', f'{ARN[:-1]}{LONG}"'),
        ("index", '"1.0.0"', f'"1.0.{LONG}"'),
        ("index", '"size": 1', f'"size": {LONG}'),
        ("manifest", '"size": 1', f'"size": {LONG}'),
        ("layer.toml", "100_000", LONG),
        ("layer.toml", 'licence = "MIT"', f'version = "1.{LONG}"'),
        ("lock", "1.0", LONG),
        ("regions", "eu-central-1", f"eu-central-{LONG}"),
    ],
)  # fmt: skip
def test_a_number_of_thousands_of_digits_is_an_error_of_the_file(tmp_path, name, old, new):
    """Python reads no such numbers; who wrote one is told, in a message that is no longer than a screen."""
    read, good = READERS[name]
    assert old in good
    with contextlib.suppress(LayerctlError):
        read(good.replace(old, new, 1), tmp_path)
    assert not is_release(f"1.0.{LONG}")


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["Allow", "*", "AWS", "arn:aws:iam::123456789012:root", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Effect", "Principal", "AWS", "Condition", "StringEquals", "aws:PrincipalOrgID"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["Effect", "Principal", "Condition", "Sid"]), _json))
def test_any_statement_of_a_policy_lets_in_whom_it_names_or_somebody_unknown(statement):
    """A policy that somebody else wrote is read, whatever its form; a condition never counts as narrower than it is."""
    for audience in audiences_of(statement | {"Effect": "Allow"}):
        assert str(audience)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_zip_is_an_error_of_the_zip(tmp_path, data):
    """Bytes changed, cut or doubled anywhere: a zip is read or refused in words."""
    path = tmp_path / "layer.zip"
    if not path.exists():
        with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
            archive.writestr("python/helpers.py", "x = 1\n")
            archive.writestr("python/more/__init__.py", "")
    good = (tmp_path / "good.zip").read_bytes() if (tmp_path / "good.zip").exists() else b""
    start = data.draw(st.integers(0, len(good)))
    new = data.draw(st.binary(max_size=8))
    path.write_bytes(good[:start] + new + good[start + data.draw(st.integers(0, 30)) :])
    with contextlib.suppress(LayerctlError), open_artifact(path, strict=False) as artifact:
        artifact.content_digest()
