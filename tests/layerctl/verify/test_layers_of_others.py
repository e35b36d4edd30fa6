"""Layers that somebody else built, judged without a layer.toml: what is right for them is no finding."""

from __future__ import annotations

import json
import py_compile
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main
from layerctl.core.diagnostics import Severity, exit_code
from layerctl.verify import Options, verify
from tests.support.elf import tiny_elf
from tests.support.layer_zips import LayerZip, compiled

if TYPE_CHECKING:
    from layerctl.core.diagnostics import Finding

CORE = "python/good/core.py"
KEY = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 3 + b"\n"


@pytest.fixture
def layer() -> LayerZip:
    """A layer with one distribution of pure Python."""
    made = LayerZip()
    for path in list(made.files):
        if path.endswith((".so", ".pyc")):
            del made.files[path]
    return made


def _found(layer: LayerZip, folder: Path, **options: tuple[str, ...]) -> list[Finding]:
    findings = verify(layer.write(folder / "theirs.zip"), None, Options(**options))  # type: ignore[arg-type]
    return [one for one in findings if one.rule != "not-tried"]


@pytest.mark.parametrize(
    "names",
    [
        ["python/fast/_c.cpython-312-x86_64-linux-gnu.so"],
        ["python/lib/python3.12/site-packages/fast/_c.cpython-312-x86_64-linux-gnu.so"],
        ["python/fast/_c.cpython-312-x86_64-linux-gnu.so", "python/fast/_c.cpython-313-x86_64-linux-gnu.so"],
        ["python/fast/_c.abi3.so"],
    ],
    ids=["one runtime", "its own folder", "two runtimes", "the stable ABI"],
)
def test_compiled_for_what_its_names_tell(layer: LayerZip, tmp_path: Path, names: list[str]) -> None:
    """A compiled layer is for the runtimes and the architecture that its files are for, unless more is asked for."""
    layer.files |= dict.fromkeys(names, tiny_elf("x86_64"))
    assert _found(layer, tmp_path) == []
    asked = _found(layer, tmp_path, runtimes=("python3.14",), architectures=("arm64",))
    assert {one.rule for one in asked} >= {"elf-machine"}
    asked = _found(layer, tmp_path, runtimes=("python3.12", "python3.14"), architectures=("x86_64",))
    assert ("elf-coverage" in {one.rule for one in asked}) == ("abi3" not in names[0])


@pytest.mark.parametrize("name", ["3.12", "python312", "nodejs22.x", "python3.x"])
def test_a_runtime_that_is_none(layer: LayerZip, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped runtime is refused, not left out of what is judged."""
    assert main(["verify", str(layer.write(tmp_path / "x.zip")), "--runtime", name]) == 2
    assert f"{name!r} is no Python runtime" in capsys.readouterr().err


def test_a_module_that_one_of_its_runtimes_lacks(layer: LayerZip, tmp_path: Path) -> None:
    """Where names tell of two runtimes, a module for one of them only is told."""
    layer.files["python/a/_c.cpython-312-x86_64-linux-gnu.so"] = tiny_elf("x86_64")
    layer.files["python/a/_c.cpython-313-x86_64-linux-gnu.so"] = tiny_elf("x86_64")
    layer.files["python/b/_c.cpython-312-x86_64-linux-gnu.so"] = tiny_elf("x86_64")
    (finding,) = _found(layer, tmp_path)
    assert (finding.rule, "python3.13/x86_64" in finding.message) == ("elf-coverage", True)


@pytest.mark.parametrize("name", ["lib/libffi.so.8", "bin/run", "extensions/agent", "META-INF/MANIFEST.MF", "nodejs/x"])
def test_folders_of_opt(layer: LayerZip, tmp_path: Path, name: str) -> None:
    """Folders that Lambda or AWS Signer know may lie beside python/, or without one."""
    layer.files[name] = tiny_elf("x86_64")
    assert _found(layer, tmp_path) == []
    alone = LayerZip()
    alone.files = {name: tiny_elf("x86_64")}
    alone.write(tmp_path / "alone.zip")
    rules = {one.rule for one in verify(tmp_path / "alone.zip")}
    assert "layout-root" not in rules
    assert "layout-empty" not in rules or name.startswith("META-INF")


def test_what_lambda_does_not_mind_is_a_warning(layer: LayerZip, tmp_path: Path) -> None:
    """A stray file and a name that can't be imported do no harm to anybody: exit code 0, with --strict 1."""
    layer.modes["python/my-module.py"] = stat.S_IFREG | 0o666
    layer.files |= {"README.md": b"", "python/my-module.py": b"", "python/x.sh": b"#!/home/jane/venv/bin/python\n"}
    findings = _found(layer, tmp_path)
    assert {one.rule for one in findings} == {"layout-root", "layout-name", "builder-path", "mode-setuid"}
    assert {one.severity for one in findings} == {Severity.WARNING}
    assert (exit_code(findings), exit_code(findings, strict=True)) == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"URL = f'https://{HOST}/home/jane/page'\n",
        b"URL = 'https://example.com:8080/home/jane/page'\n",
        b"URL = 'https://%s/builds/a/b/c' % host\n",
        b"ROUTES = ['/builds/list', '/workspace/members']\n",
        b"URL = '{}/Users/jane/profile'.format(base)\n",
        b"LINK = '<a href=\"https://example.com/~x/home/jane/page\">'\n",
    ],
)
def test_addresses_are_no_paths(layer: LayerZip, tmp_path: Path, text: bytes) -> None:
    """A part of an address, or of a template of one, is no path of a builder."""
    layer.files["python/mod.py"] = text
    assert _found(layer, tmp_path) == []


def test_an_address_in_bytecode(layer: LayerZip, tmp_path: Path) -> None:
    """A constant that ends like the module's own file is its address at a forge, not where it was compiled."""
    source = b"URL = 'https://github.com/them/repo/blob/main/good/core.py'\n"
    layer.files[CORE] = source
    name = "python/good/__pycache__/core.cpython-{}{}.pyc".format(*sys.version_info)
    layer.files[name] = compiled(source, py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert not [finding for finding in _found(layer, tmp_path) if finding.rule == "builder-path"]
    layer.files[name] = compiled(source, py_compile.PycInvalidationMode.UNCHECKED_HASH, "/src/good/core.py")
    assert [finding.rule for finding in _found(layer, tmp_path)].count("builder-path") == 1


def test_what_a_wheel_puts_beside_its_modules(layer: LayerZip, tmp_path: Path) -> None:
    """A file that a wheel of others installs (setuptools' distutils-precedence.pth) is right where pip puts it."""
    layer.add_distribution("slim", "1.0")
    layer.files["python/slim-precedence.pth"] = b"import os\n"
    names = [finding.path for finding in _found(layer, tmp_path) if finding.rule == "layout-name"]
    assert names == ["python/slim-precedence.pth"]
    layer.files["python/slim-1.0.dist-info/RECORD"] = b"slim-precedence.pth,,\nslim-1.0.dist-info/RECORD,,\n"
    assert not [finding for finding in _found(layer, tmp_path) if finding.rule == "layout-name"]


@pytest.mark.parametrize(("version", "wrong"), [("2.2.3", False), ("1.26.20", False), ("2.2.0", True), ("3.0", True)])
def test_urllib3_beside_requests(layer: LayerZip, tmp_path: Path, version: str, wrong: bool) -> None:
    """A layer with requests brings urllib3: fine in a version that the runtime's botocore takes."""
    layer.add_distribution("requests", "2.32.0", metadata="License-Expression: MIT\nRequires-Dist: urllib3\n")
    layer.add_distribution("urllib3", version, metadata="License-Expression: MIT\n")
    layer.add_distribution("six", "1.16", metadata="License-Expression: MIT\n")
    assert [one.rule for one in _found(layer, tmp_path)] == ["sdk-partial"] * wrong


def test_botocore_alone(layer: LayerZip, tmp_path: Path) -> None:
    """Half of the SDK's own three is an error in anybody's layer."""
    layer.add_distribution("botocore", "1.40", metadata="License-Expression: MIT\n")
    (finding,) = _found(layer, tmp_path)
    assert (finding.rule, finding.severity) == ("sdk-partial", Severity.ERROR)


def test_bytecode_by_time_is_slow_not_wrong(tmp_path: Path) -> None:
    """What `python -m compileall` leaves is stale in a layer: a warning, and one line for people however many files."""
    import py_compile

    layer = LayerZip()
    for path in [path for path in layer.files if path.endswith((".so", ".pyc"))]:
        del layer.files[path]
    for number in range(40):
        source = tmp_path / f"m{number}.py"
        source.write_text(f"A = {number}\n")
        compiled = py_compile.compile(str(source), dfile=f"m{number}.py")
        assert compiled is not None
        layer.files[f"python/m{number}.py"] = source.read_bytes()
        layer.files[f"python/__pycache__/{Path(compiled).name}"] = Path(compiled).read_bytes()
    findings = _found(layer, tmp_path)
    assert {(one.rule, one.severity) for one in findings} == {("bytecode-kind", Severity.WARNING)}
    assert len(findings) == 40


def test_a_layer_that_was_slimmed(layer: LayerZip, tmp_path: Path) -> None:
    """Tests and sources that were taken out, stripped libraries, what another layer has: warnings, and not many."""
    layer.add_distribution("slim", "1.0", metadata="License-Expression: MIT\nRequires-Dist: numpy\n")
    gone = [f"slim/tests/test_{number}.py,sha256=AAAA,1" for number in range(572)]
    record = "\n".join([*gone, "slim/_c.abi3.so,sha256=AAAA,1", "slim-1.0.dist-info/RECORD,,"])
    layer.files["python/slim-1.0.dist-info/RECORD"] = record.encode()
    layer.files["python/slim/_c.abi3.so"] = tiny_elf("x86_64")
    layer.files["python/old.pyc"] = b"compiled without its source"
    layer.add_distribution("other", "1.0", metadata="License-Expression: MIT\n")
    layer.add_distribution("other", "2.0", metadata="License-Expression: MIT\n")
    findings = _found(layer, tmp_path)
    rules = {"record-mismatch", "bytecode-orphan", "dependency-missing", "distribution-twice"}
    assert {one.rule for one in findings} == rules
    assert {one.severity for one in findings} == {Severity.WARNING}
    assert len([one for one in findings if one.rule == "record-mismatch"]) == 2
    assert any("and 569 more, which are not there" in one.message for one in findings)


def test_keys_for_tests(layer: LayerZip, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key out of a published wheel is a warning with its lines; what no distribution brought is an error."""
    layer.files[CORE] = b"A = 1\n" + KEY + b"B = 2\n" * 3 + KEY
    findings = [one for one in _found(layer, tmp_path) if one.rule == "secret"]
    assert [(one.line, one.severity) for one in findings] == [(2, Severity.WARNING), (7, Severity.WARNING)]
    assert all("good 1.0" in one.hint and "revoke" not in one.hint for one in findings)
    layer.files["python/mine.py"] = b"\n\n" + KEY
    (error,) = [one for one in _found(layer, tmp_path) if one.severity is Severity.ERROR and one.rule == "secret"]
    assert (error.path, error.line) == ("python/mine.py", 3)
    assert main(["verify", str(tmp_path / "theirs.zip"), "--select", "secret", "--ignore", "sec*"]) == 0
    assert capsys.readouterr().out == ""


def test_each_artifact_is_named(layer: LayerZip, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With several artifacts each finding says which one it is about."""
    layer.files["README.md"] = b""
    paths = [str(layer.write(tmp_path / name)) for name in ("a.zip", "b.zip")]
    main(["verify", *paths, "--json"])
    findings = [one for one in json.loads(capsys.readouterr().out) if one["rule"] == "layout-root"]
    assert [one["artifact"] for one in findings] == paths
    main(["verify", *paths])
    assert f"{paths[1]}: README.md: " in capsys.readouterr().out


OPENTELEMETRY = b"""\
from importlib.metadata import entry_points
def _load():
    name = "contextvars_context"
    try:
        return next(iter(entry_points(group="opentelemetry_context", name=name))).load()()
    except Exception:
        return next(iter(entry_points(group="opentelemetry_context", name="contextvars_context"))).load()()
_CONTEXT = _load()
"""


@pytest.mark.parametrize(
    ("text", "asks", "certain"),
    [
        (OPENTELEMETRY, "an entry point of opentelemetry_context", 1),
        (b"from importlib.metadata import version\nV = version('other-thing')\n", "other-thing", 1),
        (b"import importlib.metadata as m\nV = m.distribution('other').version\n", "other", 1),
        (b"import pkg_resources\nV = pkg_resources.get_distribution('other').version\n", "other", 1),
        (b"from importlib_metadata import version\n__version__ = version(__package__)\n", "pruned", 1),
        (
            b"import importlib.metadata as m\ntry:\n    V = m.version('other')\nexcept Exception:\n    raise\n",
            "other",
            1,
        ),
        (b"from importlib import metadata\ndef f():\n    return metadata.version('other')\n", "other", 0),
        (b"import importlib.metadata as m, os\nif os.environ.get('V'):\n    V = m.version('other')\n", "other", 0),
        (
            b"from importlib.metadata import version\ndef f():\n    if X: return\n    version('other')\nf()\n",
            "other",
            0,
        ),
    ],
    ids=["entry point", "version", "distribution", "pkg", "its own", "raised", "called", "asked for", "early return"],
)
def test_metadata_that_was_pruned_away(layer: LayerZip, tmp_path: Path, text: bytes, asks: str, certain: bool) -> None:
    """A module that asks for metadata which is not there is found without being run, with the line."""
    layer.files |= {"python/pruned/__init__.py": text, "python/other/__init__.py": b""}
    (finding,) = _found(layer, tmp_path)
    severity = Severity.ERROR if certain else Severity.WARNING
    assert (finding.rule, finding.severity) == ("metadata-missing", severity)
    assert asks in finding.message
    assert finding.line in {2, 3, 4, 7}


@pytest.mark.parametrize(
    "text",
    [
        b"from importlib.metadata import version\ntry:\n    V = version('gone')\nexcept Exception:\n    V = '0'\n",
        b"from importlib.metadata import version\nV = version('good')\n",
        b"from importlib.metadata import version\nV = version('boto3')\n",
        b"from importlib.metadata import entry_points\nPLUGINS = [one.load() for one in entry_points(group='none')]\n",
        b"import importlib.metadata\ndef version(a):\n    return a\nV = version(3)\n",
        b"import importlib.metadata\nthis is no Python\n",
        b"from importlib import metadata\ndef f():\n    return metadata.version('optional')\n",
    ],
    ids=["guarded", "there", "the runtime's", "a loop", "another function", "no Python", "an extra"],
)
def test_metadata_that_is_not_needed(layer: LayerZip, tmp_path: Path, text: bytes) -> None:
    """Guarded, present or optional metadata is no finding."""
    layer.files["python/fine/__init__.py"] = text
    assert _found(layer, tmp_path) == []


def test_entry_points_that_are_there(layer: LayerZip, tmp_path: Path) -> None:
    """With its metadata the same module is fine."""
    layer.files["python/pruned/__init__.py"] = OPENTELEMETRY
    layer.add_distribution("api", "1.0", metadata="License-Expression: MIT\n")
    layer.files["python/api-1.0.dist-info/entry_points.txt"] = b"[opentelemetry_context]\ncontextvars_context = x:y\n"
    assert _found(layer, tmp_path) == []
