"""Damaged files of every kind that a command reads: an error of the file, never a traceback of ours."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerctl.__main__ import main
from layerctl.attest import PublicKey, Trust, check_attestation
from layerctl.attest.statement import BUILD_TYPE, CONTENT_DIGEST, PREDICATE_TYPE, STATEMENT_TYPE
from layerctl.audit import components_of, load_policy, load_records
from layerctl.core.errors import LayerctlError
from layerctl.local.runner.env_vars import EnvVars
from layerctl.releases.changelog import read_section
from layerctl.releases.publish.payload import Payload
from layerctl.rules.selection import Selection
from layerctl.rules.suppressions import find_suppressions
from layerctl.sync.install import installed
from layerctl.verify import Options, verify
from tests.layerctl.releases.conftest import write_zip
from tests.layerctl.releases.test_readers import LONG, damaged

METADATA = (
    "Metadata-Version: 2.1\nName: one\nVersion: 1.0\nRequires-Python: >=3.9,<4\nLicense: MIT\n"
    'Requires-Dist: two (>=1.0,<2.0) ; python_version < "3.14" and extra == "x"\nRequires-Dist: three==1.5\n'
)
FILES = {
    "python/one/__init__.py": "from importlib.metadata import version\nx = version('one')  # layerctl: ignore\n",
    "python/one-1.0.dist-info/METADATA": METADATA,
    "python/one-1.0.dist-info/RECORD": "one/__init__.py,sha256=abc,20\none-1.0.dist-info/RECORD,,\n",
    "python/one-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp313-cp313-manylinux_2_17_x86_64\n",
    "python/one-1.0.dist-info/entry_points.txt": "[console_scripts]\none = one:main\n",
    "python/three-1.5.dist-info/METADATA": "Name: three\nVersion: 1.5\nRequires-Dist: one>=1.0\n",
    "python/three-1.5.dist-info/RECORD": "three.py,,\n",
}
OSV = {
    "id": "X-1",
    "modified": "2026-01-01T00:00:00Z",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "one"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
            "versions": ["1.0"],
        }
    ],
}
STATEMENT = {
    "_type": STATEMENT_TYPE,
    "predicateType": PREDICATE_TYPE,
    "subject": [{"name": "x.zip", "digest": {"sha256": "0"}, "annotations": {CONTENT_DIGEST: "sha256:0"}}],
    "predicate": {
        "buildDefinition": {"buildType": BUILD_TYPE, "resolvedDependencies": []},
        "runDetails": {"builder": {"id": "x"}, "metadata": {}},
    },
}
ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": base64.b64encode(json.dumps(STATEMENT).encode()).decode(),
    "signatures": [{"keyid": "x", "sig": "eA=="}],
}
KEY = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
PEM = f"-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----\n"


def _layer(folder: Path, text: str, name: str) -> object:
    files = FILES | {name: text}
    write_zip(folder / "layer.zip", {path: text.encode(errors="replace").decode() for path, text in files.items()})
    return [verify(folder / "layer.zip", options=Options()), components_of(folder / "layer.zip")]


def _attested(folder: Path, path: Path) -> object:
    write_zip(folder / "layer.zip", FILES)
    return check_attestation(folder / "layer.zip", path, Trust([PublicKey.parse(PEM.encode(), "x")]))


def _published(folder: Path) -> Payload:
    write_zip(folder / "layer-1.0.zip", FILES)
    return Payload.read(folder / "layer-1.0.zip", None, layer="x")


# What is read: how, by what name it lies in the folder, and a good one.
READERS = {
    "[tool.layerctl]": (
        lambda folder, path: Selection.load(folder),
        "pyproject.toml",
        '[tool.layerctl]\nselect = ["a"]\nignore = ["b"]\nstrict = true\nper-path-ignores = {"x/*" = ["c"]}\n',
    ),
    "audit.toml": (
        lambda folder, path: load_policy(path),
        "audit.toml",
        'fail-on = "high"\n[[exception]]\nid = "X"\nreason = "r"\nexpires = 2027-01-01\n',
    ),
    "records": (lambda folder, path: load_records([path]), "records.json", json.dumps(OSV)),
    "sbom": (
        lambda folder, path: components_of(path),
        "layer.cdx.json",
        json.dumps({"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/one@1.0", "components": []}]}),
    ),
    "attestation": (_attested, "layer.intoto.json", json.dumps(ENVELOPE)),
    "public key": (lambda folder, path: PublicKey.load(path), "key.pub", PEM),
    "sync": (
        lambda folder, path: installed(folder) or True,
        "layers.json",
        json.dumps({"layers": []}),
    ),
    "manifest of a publish": (
        lambda folder, path: _published(folder),
        "layer-1.0.manifest.json",
        json.dumps({"name": "x", "version": "1.0", "runtimes": [{"runtime": "python3.13"}], "architectures": []}),
    ),
    "changelog": (
        lambda folder, path: read_section(path, "1.0"),
        "CHANGELOG.md",
        "# Changes\n\n## [1.0] - 2026-01-01\n\n- one\n\n```\n## 0.9\n```\n\n## v0.8 (x)\n\n- two\n",
    ),
    "--env-vars": (lambda folder, path: EnvVars(path), "env.json", json.dumps({"Function": {"A": "1", "B": 2}})),
    "comments": (
        lambda folder, path: list(find_suppressions("x.py", path.read_text("utf-8", "replace"))),
        "x.py",
        "x = 1  # layerctl: ignore[secret-token] -- a test key\n",
    ),
} | {
    name.removeprefix("python/"): (
        lambda folder, path, name=name: _layer(folder, path.read_text("utf-8", "replace"), name),
        "content",
        text,
    )
    for name, text in FILES.items()
}  # fmt: skip


def _read(folder: Path, name: str, text: str) -> object:
    read, file, _ = READERS[name]
    path = folder / file
    path.write_text(text, "utf-8", errors="surrogatepass", newline="")
    return read(folder, path)


@pytest.mark.parametrize("name", READERS)
def test_the_undamaged_file_is_read(tmp_path, name):
    """What the tests damage is right as it is."""
    assert _read(tmp_path, name, READERS[name][2])


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_the_file(tmp_path, name, data):
    """Damaged anywhere, a file is read or refused in words."""
    text = data.draw(damaged(READERS[name][2]))
    with contextlib.suppress(LayerctlError):
        _read(tmp_path, name, text)


@pytest.mark.parametrize("name", READERS)
def test_numbers_nesting_and_long_fields_are_errors_of_the_file(tmp_path, name):
    """Thousands of digits in place of each number, nesting that no reader follows, a field that no reader takes."""
    good = READERS[name][2]
    digits = [at for at, one in enumerate(good) if one.isdigit() and not good[at - 1 : at].isdigit()]
    hostile = [good[:at] + LONG + good[at + 1 :] for at in digits]
    deep = "[" * 100_000
    hostile += [deep, good + deep, good.replace('"', f'"{"x" * 200_000}', 1), f"{good}x = {deep}\n", "", "\0", "\ufeff"]
    hostile += [good.replace(",", "," + "y" * 200_000, 1), good.replace("\n", "\r"), "null", "[]", '"x"', "1"]
    for text in hostile:
        with contextlib.suppress(LayerctlError):
            _read(tmp_path, name, text)


# What has an own way to say that bytes are no text: a finding, or an error of the format.
NO_TEXT = {
    "records": "no record of a PyPI package",
    "public key": "is no public key in PEM",
    "attestation": "it is no DSSE envelope",
}
FOLDERS = {"records": "no record of a PyPI package"}  # of which it reads every file
FILES_OF_THEIR_OWN = [name for name, reader in READERS.items() if reader[1] != "content" and name != "comments"]


def _said(tmp_path: Path, name: str) -> str:
    """What is said of a file that cannot be read: which file, what is wrong, what to do; and that it is exit code 2."""
    read, file, _ = READERS[name]
    if name == "attestation" and (tmp_path / file).is_file():  # what is no envelope is a finding
        (finding,) = read(tmp_path, tmp_path / file)
        assert (finding.severity, finding.path) == ("error", file)
        assert finding.hint
        return finding.message
    with pytest.raises(LayerctlError) as caught:
        read(tmp_path, tmp_path / file)
    error = caught.value
    assert error.exit_code == 2
    assert error.hint
    assert str(tmp_path / file) in error.what
    assert "\n" not in error.what
    return error.what


@pytest.mark.parametrize("name", FILES_OF_THEIR_OWN)
def test_what_is_no_text_is_said(tmp_path, name):
    """Bytes that are no UTF-8: the error names the file, says where they are no text, and what to do."""
    (tmp_path / READERS[name][1]).write_bytes(b"\xff\xfe\x00")
    assert NO_TEXT.get(name, "is not text in UTF-8: invalid start byte (byte 1)") in _said(tmp_path, name)


@pytest.mark.parametrize("name", FILES_OF_THEIR_OWN)
def test_a_folder_in_place_of_a_file_is_said(tmp_path, name):
    """A folder by the name of the file: the error names it, and says that it is one."""
    (tmp_path / READERS[name][1]).mkdir()
    assert FOLDERS.get(name, "cannot be read: Is a directory") in _said(tmp_path, name)


@pytest.mark.parametrize("content", [b"\xff", b"{"])
def test_the_command_ends_with_2(tmp_path, capsys, content):
    """Whatever keeps a file from being read, the command says it in one line, and ends with 2."""
    path = tmp_path / "layer.toml"
    path.write_bytes(content)
    assert main(["build", "--layer-config", str(path), "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path} ")
    assert said.count("\n") == 1
    assert "; " in said
