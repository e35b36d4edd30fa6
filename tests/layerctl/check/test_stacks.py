"""One small stack for each finding, caught by exactly that finding at exactly the marked line.

The stacks lie in `stacks/RULE[--CASE]`; the line that the finding must name has the comment ``# here``. What git should
not hold (binaries, bytecode, hundreds of megabytes) is made when the test runs.
"""

import datetime as dt
import py_compile
import shutil
from pathlib import Path

import pytest

from layerctl.check.contents import Sources
from layerctl.check.deployed import deployed_contents
from layerctl.check.given import find_templates
from layerctl.check.report import RULES, check_templates
from layerctl.core.diagnostics import Severity, exit_code
from tests.support.elf import tiny_elf

STACKS = Path(__file__).parent / "stacks"
CASES = sorted(path.name for path in STACKS.iterdir())
TODAY = dt.date(2026, 11, 23)
MB = 1_000_000

# Files to add to a stack: sparse ones of a size, ELF files, or other bytes.
BINARIES = {
    "architecture-mismatch": {"first/python/fast/core.so": tiny_elf("x86_64")},
    "architecture-mismatch--extension": {"first/extensions/agent": tiny_elf("arm64")},
    "architecture-mismatch--macos": {"code/fast.abi3.so": b"\xcf\xfa\xed\xfe" + bytes(60)},
    "glibc-mismatch": {
        "first/python/fast/core.cpython-311-x86_64-linux-gnu.so": tiny_elf("x86_64", glibc=(2, 28)),
        # side by side, for other functions: none of these is loaded here
        "first/python/fast/core.cpython-312-x86_64-linux-gnu.so": tiny_elf("x86_64", glibc=(2, 34)),
        "first/python/fast/core.cpython-311-aarch64-linux-gnu.so": tiny_elf("arm64", glibc=(2, 34)),
    },
    "glibc-mismatch--musl": {"first/python/fast/core.abi3.so": tiny_elf(needed=("libc.musl-x86_64.so.1",), glibc=None)},
    "runtime-mismatch--extension": {
        "first/python/fast/core.cpython-312-x86_64-linux-gnu.so": tiny_elf("x86_64"),
        "first/python/fast/other.cpython-312-x86_64-linux-gnu.so": tiny_elf("x86_64"),
    },
}
SPARSE = {
    "size-limit": {"code/model.bin": 200 * MB, "first/python/data.bin": 63 * MB},
    "size-limit-update": {"code/model.bin": 50 * MB, "deployed/model.bin": 220 * MB, "first/python/data.bin": 60 * MB},
    "size-limit-update--template": {"old/code/model.bin": 220 * MB, "first/python/data.bin": 60 * MB},
}
MODES = {
    "mode-unreadable": {"first/python/one.py": 0o600},
    "mode-unreadable--code": {"code/app.py": 0o640},
    "mode-unreadable--folder": {"first/python": 0o700},
}
DEPLOYED = {
    "size-limit-update": "deployed",
    "size-limit-update--template": "old/template.yaml",
}


def _prepare(case, folder):
    shutil.copytree(STACKS / case, folder, dirs_exist_ok=True)
    for name, data in BINARIES.get(case, {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for name, size in SPARSE.get(case, {}).items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    for name, mode in MODES.get(case, {}).items():
        (folder / name).chmod(mode)
    if case == "bytecode-stale":
        # Both sources are of equal bytes in git; the later one changes, and the bytecode of the first stays.
        cached = folder / "first/python/config/__pycache__/values.cpython-313.pyc"
        cached.parent.mkdir()
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(folder / "first/python/config/values.py"), str(cached), invalidation_mode=mode)
    return folder / "template.yaml"


def _sources(case, folder):
    layers = {"first": folder / "first"} if (folder / "first").is_dir() else {}
    deployed = deployed_contents([str(folder / DEPLOYED[case])]) if case in DEPLOYED else {}
    return Sources(layers=layers, deployed=deployed)


def _marked(template):
    lines = template.read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.endswith("# here")]


@pytest.mark.parametrize("case", [case for case in CASES if case not in {"clean", "bytecode-stale"}])
def test_caught_by_exactly_its_finding(case, tmp_path):
    """The stack gives one finding: its rule, at the marked line, with a column and a hint."""
    template = _prepare(case, tmp_path)
    report = check_templates(find_templates([template]), _sources(case, tmp_path), region="eu-central-1", today=TODAY)
    assert [(finding.rule, finding.line) for finding in report.findings] == [
        (case.partition("--")[0], line) for line in _marked(template)
    ], report.findings
    (finding,) = report.findings
    assert finding.path == template.as_posix()
    assert finding.column
    assert finding.message.startswith("Function: ")
    assert finding.hint
    assert exit_code(report.findings) == (finding.severity is Severity.ERROR)


def test_stale_bytecode(tmp_path):
    """A later layer changes a source whose unchecked bytecode is an earlier layer's: overwritten, and not run."""
    template = _prepare("bytecode-stale", tmp_path)
    assert check_templates(find_templates([template]), today=TODAY).findings == []
    (tmp_path / "second/python/config/values.py").write_text("A = 2\n", "utf-8")
    findings = check_templates(find_templates([template]), today=TODAY).findings
    assert {(finding.rule, finding.line) for finding in findings} == {
        (rule, line) for rule in ("bytecode-stale", "file-shadowed") for line in _marked(template)
    }


@pytest.mark.parametrize(("glibc", "found"), [((2, 26), []), ((2, 27), ["glibc-mismatch"])])
def test_the_runtimes_own_glibc_is_enough(tmp_path, glibc, found):
    """A library that needs exactly the C library that the runtime has is fine; one version more is not."""
    template = _prepare("glibc-mismatch", tmp_path)
    binary = tmp_path / "first/python/fast/core.cpython-311-x86_64-linux-gnu.so"
    binary.write_bytes(tiny_elf("x86_64", glibc=glibc))
    findings = check_templates(find_templates([template]), _sources("glibc-mismatch", tmp_path), today=TODAY).findings
    assert [finding.rule for finding in findings] == found


@pytest.mark.parametrize("pruned", [True, False], ids=["pruned", "kept"])
def test_metadata_that_was_pruned_away(tmp_path, pruned):
    """A module that asks for an entry point when it is imported, and no part of the function has it."""
    template = _prepare("clean", tmp_path)
    asks = b"from importlib.metadata import entry_points\nX = next(iter(entry_points(group='acme_context')))\n"
    (tmp_path / "first/python/acme.py").write_bytes(asks)
    if not pruned:
        info = tmp_path / "second/python/acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[acme_context]\nx = acme:X\n")
    findings = check_templates(find_templates([template]), today=TODAY).findings
    assert [finding.rule for finding in findings] == ["metadata-missing"] * pruned
    assert all("an entry point of acme_context" in finding.message for finding in findings)


def test_clean(tmp_path):
    """Layers that belong together give no finding at all."""
    report = check_templates(find_templates([_prepare("clean", tmp_path)]), today=TODAY)
    assert report.findings == []
    assert not report.unreadable
    (summary,) = report.functions
    assert summary.total == sum(
        path.stat().st_size for path in tmp_path.rglob("*") if path.name != "template.yaml" and path.is_file()
    )


def test_every_rule_has_a_stack():
    """No rule is without its stack, but for those about templates and comments, which have tests of their own."""
    elsewhere = {"template-invalid", "template-unread", "suppression-invalid", "suppression-unused", "metadata-missing"}
    assert {case.partition("--")[0] for case in CASES} == set(RULES) - elsewhere | {"clean"}
