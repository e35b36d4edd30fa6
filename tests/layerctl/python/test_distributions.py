"""Which distributions lie in a tree, and whether what they ask for is there."""

import importlib.metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.core.runtimes import RUNTIMES
from layerctl.python.distributions import read_distributions
from layerctl.python.requirements import unmet_requirements


def _tree(*metadata, record=None):
    files = {}
    for text in metadata:
        fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        folder = f"python/{fields.get('Name', 'odd')}-{fields.get('Version', '0')}.dist-info"
        files[f"{folder}/METADATA"] = text.encode()
        if record:
            files[f"{folder}/RECORD"] = record.encode()
    return files


def _read(files):
    return read_distributions(files, files.__getitem__)


def _unmet(files, runtime="python3.13", architecture="x86_64", provided=()):
    installed = {distribution.name: distribution for distribution in _read(files)}
    found = unmet_requirements(installed, RUNTIMES[runtime], architecture, provided=provided)
    return [f"{unmet.by.name}: {unmet.requirement} [{unmet.found and unmet.found.version}]" for unmet in found]


def test_a_real_environment():
    """Over the packages of this test's own environment the result equals importlib.metadata's."""
    root = Path(importlib.metadata.distribution("packaging").locate_file(""))
    paths = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    ours = read_distributions(paths, lambda path: (root / path).read_bytes())
    theirs = {
        (distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-"), distribution.version)
        for distribution in importlib.metadata.distributions(path=[str(root)])
    }
    assert {(distribution.name, distribution.version) for distribution in ours} == theirs
    click = next(distribution for distribution in ours if distribution.name == "click")
    assert "click/core.py" in click.files
    assert click.licence.startswith("BSD")


def test_record_names_the_files():
    """A distribution owns what RECORD lists and the tree holds, and its own folder."""
    files = _tree("Name: A.b\nVersion: 1", record="a/__init__.py,,\n../../outside,,\nmissing.py,,\n")
    files["python/a/__init__.py"] = files["python/other.py"] = b""
    (found,) = _read(files)
    assert found.name == "a-b"
    assert found.files == {
        "python/a/__init__.py",
        "python/A.b-1.dist-info/METADATA",
        "python/A.b-1.dist-info/RECORD",
    }


def test_damaged_metadata_falls_back_to_the_folder():
    """Without Name and Version the folder's name is believed, and odd requirements are left out."""
    found = _read({"python/foo-2.0.dist-info/METADATA": b"Requires-Dist: ]]\nRequires-Python: what\n\xff"})
    assert [(one.name, one.version, one.requires, one.requires_python) for one in found] == [("foo", "2.0", (), None)]


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes(metadata, record):
    """Arbitrary bytes in METADATA and RECORD never raise."""
    _read({"x-1.dist-info/METADATA": metadata, "x-1.dist-info/RECORD": record})


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("License: BSD", "BSD"),
        ("Summary: none", ""),
    ],
)
def test_licence(lines, licence):
    """The expression wins over classifiers, those over free text."""
    assert _read(_tree(f"Name: a\nVersion: 1\n{lines}"))[0].licence == licence


def test_requirements_follow_runtime_and_architecture():
    """A marker is judged for the function's runtime and architecture, not for the machine that checks."""
    files = _tree(
        "Name: a\nVersion: 1\nRequires-Dist: tomli; python_version < '3.11'\n"
        "Requires-Dist: armlib; platform_machine == 'aarch64'\nRequires-Dist: winlib; sys_platform == 'win32'"
    )
    assert _unmet(files) == []
    assert _unmet(files, "python3.10", "arm64") == [
        'a: armlib; platform_machine == "aarch64" [None]',
        'a: tomli; python_version < "3.11" [None]',
    ]


def test_versions_extras_and_the_provided():
    """A version that does not fit is found, extras are followed, and what the runtime provides counts."""
    files = _tree(
        "Name: a\nVersion: 1\nRequires-Dist: b[fast]>=2\nRequires-Dist: boto3>=99",
        "Name: b\nVersion: 1.5\nRequires-Dist: c; extra == 'fast'\nRequires-Dist: d; extra == 'slow'",
    )
    assert _unmet(files, provided={"boto3"}) == ["a: b[fast]>=2 [1.5]", 'b: c; extra == "fast" [None]']


def test_a_circle_ends():
    """Distributions that need each other, extras included, are judged once."""
    files = _tree("Name: a\nVersion: 1\nRequires-Dist: b[x]", "Name: b\nVersion: 1\nRequires-Dist: a[y]; extra == 'x'")
    assert _unmet(files) == []
