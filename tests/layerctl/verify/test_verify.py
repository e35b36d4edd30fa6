"""`layerctl verify`: each rule finds what it is about, and nothing else."""

from __future__ import annotations

import json
import py_compile
import stat
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.__main__ import main
from layerctl.config import LayerConfig
from layerctl.core.errors import LayerctlError
from layerctl.verify import RULES, Options
from layerctl.verify import verify as verify_all
from tests.support.elf import tiny_elf
from tests.support.layer_zips import INFO, PYC, LayerZip, compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.core.diagnostics import Finding

CONFIG = Path(__file__).parents[1] / "fixtures" / "verify.toml"
CORE = "python/good/core.py"
Spoil = "Callable[[LayerZip], None]"


def _key(kind: str) -> bytes:
    """A thing that looks like a private key, put together here so that no scanner takes this file for one."""
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC' * 3}\n".encode()


def _pyc(good: LayerZip, data: bytes) -> None:
    good.files[PYC] = data


def _distribution(
    good: LayerZip, *names: str, version: str = "1.0", metadata: str = "License-Expression: MIT\n"
) -> None:
    for name in names:
        good.add_distribution(name, version, metadata=metadata)


def _without_arm(good: LayerZip) -> None:
    del good.files["python/good/_fast.cpython-311-aarch64-linux-gnu.so"]


def _source(good: LayerZip, text: bytes) -> None:
    """Change the source, with bytecode that fits it."""
    good.files[CORE] = text
    good.files[PYC] = compiled(text, py_compile.PycInvalidationMode.UNCHECKED_HASH)


_FAST = "python/good/_fast.cpython-311-x86_64-linux-gnu.so"
_SPOILT: dict[str, list[Callable[[LayerZip], None]]] = {
    "archive-path": [lambda good: good.files.update({"python/../../x.py": b""})],
    "archive-link": [
        lambda good: good.files.update({"python/l": b"/etc"}) or good.modes.update({"python/l": stat.S_IFLNK | 0o777})
    ],
    "layout-root": [
        lambda good: good.files.update({"README.md": b""}),
        lambda good: good.files.update({"docs/index.html": b""}),
    ],
    "layout-nested": [lambda good: good.files.update({"python/python/x.py": b""})],
    "layout-name": [
        lambda good: good.files.update({"python/my-module.py": b""}),
        lambda good: good.files.update({"python/a b/__init__.py": b""}),
    ],
    "mode-unreadable": [lambda good: good.modes.update({CORE: stat.S_IFREG | 0o600})],
    "mode-setuid": [
        lambda good: good.modes.update({CORE: stat.S_IFREG | 0o4755}),
        lambda good: good.modes.update({CORE: stat.S_IFREG | 0o666}),
    ],
    "builder-path": [
        lambda good: _source(good, b"ROOT = '/home/jane/projects/layer'\n"),
        lambda good: _source(good, b"ROOT = '/Users/jane/projects/layer'\n"),
        lambda good: _source(good, b"#!/opt2/venv/bin/python\n"),
        lambda good: (
            good.files.update({"python/x.pth": b"/srv/checkout/src\n"}) or good.files.update({"python/x.py": b""})
        ),
        lambda good: good.files.update({f"{INFO}/direct_url.json": b'{"url": "file:///srv/good"}'}),
        lambda good: _pyc(
            good, compiled(good.files[CORE], py_compile.PycInvalidationMode.UNCHECKED_HASH, "/srv/build/good/core.py")
        ),
        lambda good: _source(good, f"ROOT = {sys.prefix + '/lib'!r}\n".encode()),
    ],
    "size-budget": [lambda good: good.files.update({"python/data.bin": bytes(40_001)})],
    "record-mismatch": [
        lambda good: good.files.update({f"{INFO}/RECORD": b"good/core.py,sha256=AAAA,12\n"}),
        lambda good: good.files.update({f"{INFO}/RECORD": b"good/gone.py,sha256=AAAA,12\n"}),
    ],
    "dependency-missing": [lambda good: good.needs.append("other>=1")],
    "dependency-version": [lambda good: good.needs.append("other>=2") or _distribution(good, "other")],
    "sdk-partial": [lambda good: _distribution(good, "botocore")],
    "distribution-twice": [lambda good: _distribution(good, "other") or _distribution(good, "other", version="2.0")],
    "licence": [
        lambda good: setattr(good, "licence", "GPL-3.0-only"),
        lambda good: setattr(good, "licence", "MIT AND GPL-3.0-only"),
        lambda good: setattr(good, "licence", ""),
        lambda good: _distribution(good, "other", metadata="License: see the file\n"),
    ],
    "bytecode-invalid": [
        lambda good: _pyc(good, b""),
        lambda good: _pyc(good, struct.pack("<H", 1234) + good.files[PYC][2:]),
        lambda good: _pyc(good, good.files[PYC][:16] + b"xxxxxxxx"),
        lambda good: _pyc(good, good.files[PYC][:-3]),
    ],
    "bytecode-kind": [
        lambda good: _pyc(good, compiled(good.files[CORE], py_compile.PycInvalidationMode.TIMESTAMP)),
        lambda good: _pyc(good, compiled(good.files[CORE], py_compile.PycInvalidationMode.CHECKED_HASH)),
    ],
    "bytecode-stale": [lambda good: good.files.update({CORE: b"ANSWER = 43\n"})],
    "bytecode-orphan": [lambda good: good.files.pop(CORE) and None],
    "elf-invalid": [lambda good: good.files.update({_FAST: b"not an ELF file"})],
    "elf-machine": [lambda good: good.files.update({_FAST: tiny_elf("arm64")})],
    "elf-glibc": [
        lambda good: good.files.update({_FAST: tiny_elf("x86_64", glibc=(2, 27))}),
        lambda good: good.files.update({_FAST: tiny_elf("x86_64", glibc=None, needed=("libc.musl-x86_64.so.1",))}),
    ],
    "elf-coverage": [_without_arm],
    "secret": [
        lambda good: _source(good, b"KEY = '''" + _key("RSA ") + b"'''\n"),
        lambda good: good.files.update({"python/key.py": _key("")}),
        lambda good: _source(good, b"KEY = 'AKIA" + b"QWERTZUIOPASDFGH" + b"'\n"),
        lambda good: _source(good, b"aws_secret_access_key = '" + b"abcd/EFGH+" * 4 + b"'\n"),
        lambda good: _source(good, b"TOKEN = 'gh" + b"p_" + b"a1" * 18 + b"'\n"),
        lambda good: good.files.update({"python/good/.env": b"A=1"}),
    ],
}
_CASES = [(rule, number) for rule, several in _SPOILT.items() for number in range(len(several))]
# Rules whose broken layer is made by hand in a test of its own below.
_ELSEWHERE = {
    "archive-damaged",
    "archive-duplicate",
    "archive-encrypted",
    "archive-compression",
    "archive-limits",
    "layout-empty",
    "size-lambda",
    "manifest-mismatch",
    "import-failed",
    "rebuild-differs",
    # in test_layers_of_others.py and test_comments.py
    "not-tried",
    "metadata-missing",
    "suppression-invalid",
    "suppression-unused",
}


def verify(path: Path, *arguments: Any, **options: Any) -> list[Finding]:
    """What is wrong, apart from interpreters that this machine lacks."""
    return [one for one in verify_all(path, *arguments, **options) if one.rule != "not-tried"]


@pytest.fixture
def good() -> LayerZip:
    """A layer in which nothing is wrong."""
    return LayerZip()


@pytest.fixture
def config() -> LayerConfig:
    """What it is judged by."""
    return LayerConfig.load(CONFIG)


def _rules(path: Path, config: LayerConfig | None, **options: bool) -> set[str]:
    return {finding.rule for finding in verify(path, config, Options(**options))}


def test_every_rule_has_a_broken_layer() -> None:
    """A new rule without a test of what it finds makes this fail."""
    assert set(_SPOILT) | _ELSEWHERE == set(RULES)


def test_the_good_layer_is_clean(good: LayerZip, config: LayerConfig, tmp_path: Path) -> None:
    """No rule finds anything in it, with a layer.toml or without, packed or not."""
    path = good.write(tmp_path / "good.zip")
    assert verify(path, config) == []
    folder = tmp_path / "folder"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    assert verify(folder, config) == []
    del good.files["python/good/_fast.cpython-311-aarch64-linux-gnu.so"]


@pytest.mark.parametrize(("rule", "number"), _CASES)
def test_each_rule_finds_what_it_is_about(
    good: LayerZip, config: LayerConfig, tmp_path: Path, rule: str, number: int
) -> None:
    """The layer that breaks one rule is caught by exactly that rule, which names a file and a hint."""
    _SPOILT[rule][number](good)
    findings = verify(good.write(tmp_path / "broken.zip"), config)
    assert {finding.rule for finding in findings} == {rule}
    assert all(finding.path and finding.message and finding.hint for finding in findings)
    assert len(findings) == 1


def test_what_installers_and_vendors_do_is_no_finding(good: LayerZip, config: LayerConfig, tmp_path: Path) -> None:
    """Scripts that were left out, stubs-only packages, and a vendored second version of a distribution are fine."""
    _distribution(good, "other")
    good.files["python/good/_vendor/other-2.0.dist-info/METADATA"] = b"Name: other\nVersion: 2.0\n"
    good.files["python/good-stubs/__init__.pyi"] = b""
    good.files["python/other-1.0.dist-info/RECORD"] += b"bin/other,sha256=AAAA,1\n../../../bin/other,sha256=AAAA,1\n"
    assert verify(good.write(tmp_path / "good.zip"), config) == []


@pytest.mark.parametrize(("minor", "glibc"), [(11, (2, 26)), (13, (2, 34))])
def test_the_runtimes_own_glibc_is_enough(
    good: LayerZip, config: LayerConfig, tmp_path: Path, minor: int, glibc: tuple[int, int]
) -> None:
    """A library that needs exactly the C library that the runtime has is fine; one version more is not."""
    path = f"python/good/_fast.cpython-3{minor}-x86_64-linux-gnu.so"
    good.files[path] = tiny_elf("x86_64", glibc=glibc)
    assert verify(good.write(tmp_path / "good.zip"), config) == []
    del good.files[f"{INFO}/RECORD"]  # to be written anew
    good.files[path] = tiny_elf("x86_64", glibc=(glibc[0], glibc[1] + 1))
    assert _rules(good.write(tmp_path / "bad.zip"), config) == {"elf-glibc"}


def test_bytecode_that_takes_too_long_is_the_files_error(
    good: LayerZip, config: LayerConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that does not come to an end is stopped, and the file that it was at is named."""
    monkeypatch.setattr("layerctl.verify.rules.bytecode._PATIENCE", 0)
    (finding,) = verify(good.write(tmp_path / "x.zip"), config)
    assert (finding.rule, finding.path) == ("bytecode-invalid", PYC)
    assert "did not load it within 0 seconds" in finding.message


def test_no_secret_is_printed(
    good: LayerZip, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: LayerConfig
) -> None:
    """A finding about a credential names the file and the kind, never the value."""
    value = "gh" + "p_" + "b2" * 18
    _source(good, f"TOKEN = '{value}'\n".encode())
    path = good.write(tmp_path / "broken.zip")
    for form in ("text", "json", "sarif", "github"):
        assert main(["verify", str(path), "--layer-config", str(config.path), "--format", form]) == 1
        out = capsys.readouterr().out
        assert value not in out
        assert CORE in out


@pytest.mark.parametrize(
    "text",
    [
        b"URL = 'https://example.com/home/jane/page'\n",
        b"# e.g. /home/user/project, or /Users/you/project\n",
        b"XPATH = '%s/child'\n" % b"/root",
        b"TMP = '/tmp/cache'\n",
        b"HEADER = b'-----BEGIN PRIVATE KEY-----'\n",
        b"EXAMPLE = 'AKIAIOSFODNN7EXAMPLE'\n",
        b"aws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'\n",
        b"#!/usr/bin/env python3\n",
        b"HASH = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'\n",
    ],
)
def test_what_is_no_secret_and_no_path(good: LayerZip, config: LayerConfig, tmp_path: Path, text: bytes) -> None:
    """Placeholders, AWS's documented examples and the like are no findings."""
    _source(good, text)
    assert verify(good.write(tmp_path / "good.zip"), config) == []


def test_a_secret_on_the_seam_of_two_pieces(good: LayerZip, config: LayerConfig, tmp_path: Path) -> None:
    """A large file is read in pieces, and what lies across their border is found."""
    for start in (2**18 - 20, 2**18 - 1, 2**18):
        good.files["python/data.bin"] = b"\n" * start + b"gh" + b"p_" + b"a1" * 18 + b"\n" * 1000
        findings = verify(good.write(tmp_path / "x.zip"), config)
        assert [finding.rule for finding in findings if finding.path == "python/data.bin"] == ["secret"]


def test_containers_that_do_harm(config: LayerConfig, tmp_path: Path) -> None:
    """Damage, duplicates, encryption, odd compression, bombs and emptiness are findings, not exceptions."""
    path = tmp_path / "x.zip"

    def found(data: bytes) -> set[str]:
        path.write_bytes(data)
        return _rules(path, config)

    def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytearray:
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w", method) as archive:
            for name, data in files:
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
                archive.writestr(info, data, method)
        return bytearray(path.read_bytes())

    assert found(b"no zip") == {"archive-damaged"}
    assert found(packed()) == {"layout-empty"}
    assert found(packed(("python/a.py", b"1"), ("python/b.py", b""), ("python/a.py", b"2"))) == {"archive-duplicate"}
    assert found(packed(("python/a.py", b"1"), ("python/b.py", b""), method=zipfile.ZIP_LZMA)) >= {
        "archive-compression"
    }
    data = packed(("python/a.py", b"text"), ("python/b.py", b""))
    data[data.index(b"text" if b"text" in data else b"PK") + 40] ^= 0xFF
    assert found(data) == {"archive-damaged"}
    data = packed(("python/b.py", b""), ("python/a.py", b"text"))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert found(data) == {"archive-encrypted"}
    data = packed(("python/b.py", b""), ("python/a.py", b"text"))
    struct.pack_into("<L", data, data.rindex(b"PK\x01\x02") + 24, 300_000_000)
    assert found(data) == {"archive-limits"}


def test_lambdas_own_limits(tmp_path: Path) -> None:
    """A layer that no function could use is told, also without a layer.toml."""
    (tmp_path / "layer/python").mkdir(parents=True)
    with (tmp_path / "layer/python/data.bin").open("wb") as stream:
        stream.truncate(262_144_001)
    assert _rules(tmp_path / "layer", None) == {"size-lambda"}


def test_rebuild_without_a_checkout(good: LayerZip, tmp_path: Path) -> None:
    """Where there is nothing to build from, that is said."""
    with pytest.raises(LayerctlError, match="needs the layer's checkout"):
        verify(good.write(tmp_path / "x.zip"), None, Options(rebuild=True))


def test_the_command(good: LayerZip, config: LayerConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and one line for a good layer, 1 for a bad one, 2 for none; JSON and SARIF for machines."""
    path = str(good.write(tmp_path / "good.zip"))
    options = ["--layer-config", str(config.path)]
    assert main(["verify", path, *options]) == 0
    assert f"{len(RULES)} rules: nothing found" in capsys.readouterr().err
    assert main(["verify", path, *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    good.files["README.md"] = b""
    path = str(good.write(tmp_path / "bad.zip"))
    assert main(["verify", path, *options, "--format", "sarif"]) == 1
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    assert [result["ruleId"] for result in run["results"]] == ["layout-root"]
    assert main(["verify", str(tmp_path / "none.zip"), *options]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A layer of 250 MB, half of it one shared library, is checked within 300 MB: files are read in pieces."""
    path = tmp_path / "large.zip"
    chunk = bytes(range(256)) * 4096
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, start, pieces in (("data.bin", b"", 122), ("libbig.so", tiny_elf(), 122), ("big.py", b"", 33)):
            info = zipfile.ZipInfo(f"python/{name}")
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as out:
                out.write(start)
                for _ in range(pieces):
                    out.write(chunk)
    program = (
        "import re, sys; from layerctl.__main__ import main; main(sys.argv[1:]);"
        # not getrusage: its peak includes that of the process which this one was forked from
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])"
    )
    command = [sys.executable, "-c", program, "verify", str(path), "--json"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    findings, _, kilobytes = result.stdout.rstrip().rpartition("\n")
    told = {(finding["rule"], finding["path"]) for finding in json.loads(findings)}
    assert told == {("archive-limits", "python/big.py"), ("size-lambda", "large.zip")}
    assert int(kilobytes) < 300_000
