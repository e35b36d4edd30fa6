"""Rules about bytecode (PEP 3147: where it lies; PEP 552: its header)."""

from __future__ import annotations

import _imp
import re
import subprocess
from itertools import zip_longest
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Finding
from layerctl.core.runtimes import runtime_of
from layerctl.python.interpreters import choose, clean_environment, find_interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import Entry
    from layerctl.python.interpreters import Interpreter
    from layerctl.verify.context import Context

__all__ = ["check_bytecode"]

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


def check_bytecode(context: Context) -> Iterator[Finding]:
    """Each .pyc: its name, header and source; where its interpreter is found, its body too."""
    by_runtime: dict[str, list[Entry]] = {}
    for entry in context.readable:
        if entry.path.endswith(".pyc"):
            findings = list(_check(context, entry))
            yield from findings
            match = _PYC.fullmatch(entry.path)
            if match and not findings:
                by_runtime.setdefault(f"python3.{match['minor']}", []).append(entry)
    if not by_runtime:
        return
    found = find_interpreters(by_runtime)
    for runtime, entries in by_runtime.items():
        interpreter = choose(runtime, "", found)
        if interpreter is not None:
            yield from _load(context, interpreter, entries)


def _load(context: Context, interpreter: Interpreter, entries: list[Entry]) -> Iterator[Finding]:
    """Let the interpreter read the bodies. A crash ends the reading at the file that caused it."""
    with TemporaryFile() as bodies:
        for entry in entries:
            bodies.write(entry.size.to_bytes(8, "little"))
            bodies.writelines(context.artifact.chunks(entry))
        bodies.seek(0)
        answers = subprocess.run(
            [interpreter.path, "-I", "-S", "-c", _LOADER, str(len(entries))],
            stdin=bodies,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            timeout=_PATIENCE,
            check=False,
        ).stdout
    for entry, line in zip_longest(entries, answers.decode().splitlines()[: len(entries)]):
        if line is not None and line.endswith(" 1"):
            continue
        yield Finding(
            "bytecode-invalid",
            entry.path,
            f"CPython {interpreter.version} can't load it",
            f"compile it with {interpreter.runtime}: layerctl build",
        )
        if line is None or line.endswith(" "):
            return


def _check(context: Context, entry: Entry) -> Iterator[Finding]:
    match = _PYC.fullmatch(entry.path)
    source = context.artifact.get(f"{match['folder']}{match['name']}.py") if match else None
    if match is None or source is None:
        yield Finding(
            "bytecode-orphan", entry.path, "there is no source that it belongs to", "ship the source, or leave it out"
        )
        return
    data = context.artifact.read(entry)
    minor = int(match["minor"])
    remedy = f"compile it with CPython 3.{minor}: layerctl build"
    runtime = runtime_of(f"python3.{minor}")
    magic = runtime.magic if runtime else None
    expected = magic.to_bytes(2, "little") + b"\r\n" if magic else data[:4]
    if len(data) < 20 or data[2:4] != b"\r\n" or data[16] & 0x7F != _CODE:
        yield Finding("bytecode-invalid", entry.path, "it is cut off, or no bytecode", remedy)
        return
    if data[:4] != expected:
        number = int.from_bytes(data[:2], "little")
        yield Finding(
            "bytecode-invalid", entry.path, f"its magic number is {number}; CPython 3.{minor} has {magic}", remedy
        )
        return
    flags = int.from_bytes(data[4:8], "little")
    if flags != _HASH_BASED:
        kind = "checked against its source at each import" if flags & _CHECK_SOURCE else "checked by time"
        yield Finding("bytecode-kind", entry.path, f"it is {kind}", "compile with --invalidation-mode unchecked-hash")
        return
    if source.path in context.damaged:
        return
    # the source's hash is keyed by the magic number, so any CPython can work out another one's
    if _imp.source_hash(int.from_bytes(data[:4], "little"), context.artifact.read(source)) != data[8:16]:
        yield Finding("bytecode-stale", entry.path, f"it was not compiled from {source.path} as it is", remedy)
