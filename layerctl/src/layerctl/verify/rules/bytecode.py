"""Rules about bytecode (PEP 3147: where it lies; PEP 552: its header)."""

from __future__ import annotations

import _imp
import re
import subprocess
from itertools import zip_longest
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from layerctl.core.runtimes import runtime_of
from layerctl.python.interpreters import choose, clean_environment, find_interpreters
from layerctl.rules import Rule
from layerctl.rules.shared import BYTECODE_STALE
from layerctl.verify.rules.untried import NOT_TRIED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import ArtifactEntry
    from layerctl.core.diagnostics import Finding
    from layerctl.python.interpreters import Interpreter
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_bytecode"]

BYTECODE_INVALID = Rule(
    id="bytecode-invalid",
    commands=("verify",),
    summary="Each .pyc can be loaded by the runtime that its name tells.",
    looks_at="The magic number and length of each .pyc; where that interpreter is found, it reads the whole file.",
    example="A `core.cpython-312.pyc` that was compiled by Python 3.13 and renamed.",
    fix="Compile it with the runtime's own Python: `layerctl build`.",
)
BYTECODE_KIND = Rule(
    id="bytecode-kind",
    commands=("verify",),
    summary="Each .pyc is of the unchecked-hash kind; others are stale in a layer, or cost a check.",
    looks_at="The flags in the header of each .pyc (PEP 552). In a layer of others a warning: it is slower, not wrong.",
    example="What `python -m compileall` writes: checked by the source's time, which a zip does not keep.",
    fix="Compile with `--invalidation-mode unchecked-hash`, or leave bytecode out.",
)
BYTECODE_ORPHAN = Rule(
    id="bytecode-orphan",
    commands=("verify",),
    summary="Each .pyc has its source.",
    looks_at="The path of each .pyc and of the source that belongs to it (PEP 3147).",
    example="`__pycache__/old.cpython-313.pyc` without `old.py`.",
    fix="Ship the source, or leave the .pyc out.",
)

_PYC = re.compile(r"(?P<folder>.*/)__pycache__/(?P<name>[^/]+)\.(?P<tag>cpython-3(?P<minor>\d+))(?:\.opt-\d)?\.pyc")
_PATIENCE = 120  # seconds to load all files of one runtime
_HASH_BASED, _CHECK_SOURCE = 0b01, 0b10
_CODE = 0x63  # marshal's TYPE_CODE; the topmost bit marks that it may be referred to


# Run by each interpreter, on its own files: marshal's format is nobody else's business. Nothing of it is executed.
_LOADER = """\
import marshal, sys
stream, answer = sys.stdin.buffer, sys.stdout
for number in range(int(sys.argv[1])):
    data = stream.read(int.from_bytes(stream.read(8), "little"))
    print(number, end=" ", file=answer, flush=True)
    try:
        ok = type(marshal.loads(data[16:])).__name__ == "code"
    except Exception:
        ok = False
    print(int(ok), file=answer, flush=True)
"""


def check_bytecode(case: ArtifactCase) -> Iterator[Finding]:
    """Each .pyc: its name, header and source; where its interpreter is found, its body too."""
    by_runtime: dict[str, list[ArtifactEntry]] = {}
    for entry in case.readable:
        if entry.path.endswith(".pyc"):
            findings = list(_check(case, entry))
            yield from findings
            match = _PYC.fullmatch(entry.path)
            if match and not findings:
                by_runtime.setdefault(f"python3.{match['minor']}", []).append(entry)
    if not by_runtime:
        return
    found = find_interpreters(by_runtime)
    for runtime, entries in by_runtime.items():
        interpreter = choose(runtime, "", found)
        if interpreter is None:
            message = f"the bytecode of {runtime} was not loaded: no interpreter of {runtime} is here"
            yield NOT_TRIED.finding(case.artifact.path.name, message, f"install {runtime}")
        else:
            yield from _load(case, interpreter, entries)


def _load(case: ArtifactCase, interpreter: Interpreter, entries: list[ArtifactEntry]) -> Iterator[Finding]:
    """Let the interpreter read the bodies. A crash ends the reading at the file that caused it."""
    why = f"CPython {interpreter.version} can't load it"
    with TemporaryFile() as bodies, TemporaryFile() as answers:
        for entry in entries:
            bodies.write(entry.size.to_bytes(8, "little"))
            bodies.writelines(case.artifact.chunks(entry))
        bodies.seek(0)
        try:
            subprocess.run(
                [interpreter.path, "-I", "-S", "-c", _LOADER, str(len(entries))],
                stdin=bodies,
                stdout=answers,
                stderr=subprocess.DEVNULL,
                env=clean_environment(),
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:  # the file that it was at is to blame
            why = f"CPython {interpreter.version} did not load it within {_PATIENCE:g} seconds"
        answers.seek(0)
        lines = answers.read().decode("ascii", "replace").splitlines()[: len(entries)]
    hint = f"compile it with {interpreter.runtime}: layerctl build"
    for entry, line in zip_longest(entries, lines):
        if line is not None and line.endswith(" 1"):
            continue
        yield BYTECODE_INVALID.finding(entry.path, why, hint)
        if line is None or line.endswith(" "):
            return


def _check(case: ArtifactCase, entry: ArtifactEntry) -> Iterator[Finding]:
    match = _PYC.fullmatch(entry.path)
    source = case.artifact.get(f"{match['folder']}{match['name']}.py") if match else None
    if match is None or source is None:
        hint = "ship the source, or leave it out"
        yield BYTECODE_ORPHAN.finding(entry.path, "there is no source that it belongs to", hint, case.doubtful)
        return
    data = case.artifact.read(entry)
    minor = int(match["minor"])
    hint = f"compile it with CPython 3.{minor}: layerctl build"
    runtime = runtime_of(f"python3.{minor}")
    magic = runtime.magic if runtime else None
    expected = magic.to_bytes(2, "little") + b"\r\n" if magic else data[:4]
    if len(data) < 20 or data[2:4] != b"\r\n" or data[16] & 0x7F != _CODE:
        yield BYTECODE_INVALID.finding(entry.path, "it is cut off, or no bytecode", hint)
        return
    if data[:4] != expected:
        number = int.from_bytes(data[:2], "little")
        message = f"its magic number is {number}; CPython 3.{minor} has {magic}"
        yield BYTECODE_INVALID.finding(entry.path, message, hint, case.doubtful)  # Python takes the source then
        return
    flags = int.from_bytes(data[4:8], "little")
    if flags != _HASH_BASED:
        kind = "checked against its source at each import" if flags & _CHECK_SOURCE else "checked by time"
        hint = "compile with --invalidation-mode unchecked-hash"
        yield BYTECODE_KIND.finding(entry.path, f"it is {kind}", hint, case.doubtful)
        return
    if source.path in case.damaged:
        return
    # the source's hash is keyed by the magic number, so any CPython can work out another one's
    if _imp.source_hash(int.from_bytes(data[:4], "little"), case.artifact.read(source)) != data[8:16]:
        yield BYTECODE_STALE.finding(entry.path, f"it was not compiled from {source.path} as it is", hint)
