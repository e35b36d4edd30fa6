"""Compiled files that a function could not load: named for another Python, built for another processor or C library."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from layerctl.check.overlay import roots_of
from layerctl.core.runtimes import ARCHITECTURES, extension_suffixes
from layerctl.core.text import some
from layerctl.python.elf import MAGIC, is_shared_object, read_elf
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from layerctl.check.model import CheckedFunction
    from layerctl.check.overlay import CodePart
    from layerctl.core.diagnostics import Finding
    from layerctl.core.runtimes import Runtime
    from layerctl.python.elf import ElfFacts

__all__ = ["ARCHITECTURE_MISMATCH", "RUNTIME_MISMATCH", "compiled_mismatches"]

RUNTIME_MISMATCH = Rule(
    id="runtime-mismatch",
    commands=("check",),
    summary="What a layer or the code declares and contains is made for the function's runtime.",
    looks_at="Declared runtimes, `Requires-Python`, `lib/pythonX.Y/site-packages`, and the file names of extension "
    "modules.",
    example="A layer of `cpython-312` extension modules on a function of python3.13.",
    fix="Use a version of the layer that is made for the runtime, or install wheels for it.",
)
ARCHITECTURE_MISMATCH = Rule(
    id="architecture-mismatch",
    commands=("check",),
    summary="What a layer or the code declares and contains is built for the function's processor.",
    looks_at="Declared architectures, the file names of extension modules, and the headers of ELF and Mach-O files.",
    example="An x86_64 wheel in a layer of a function on arm64.",
    fix="Install wheels for the architecture, or change Architectures.",
)
GLIBC_MISMATCH = Rule(
    id="glibc-mismatch",
    commands=("check",),
    summary="No binary needs a newer C library than the runtime has, or musl.",
    looks_at="The symbol versions that ELF files need: glibc 2.26 below python3.12, 2.34 from there on.",
    example="A manylinux_2_28 wheel on python3.11, or a musllinux wheel.",
    fix="Install a wheel for an older manylinux, or move to a newer runtime.",
)

# x.cpython-313-x86_64-linux-gnu.so, x.cpython-313t-darwin.so, x.cp313-win_amd64.pyd: PEP 3149 and distutils' EXT_SUFFIX
_TAGGED = re.compile(
    r"(?P<module>[^./]+)\.(?:cpython-|cp)(?P<major>\d)(?P<minor>\d+)(?P<flags>[a-z]*)-(?P<platform>[^/]+)\.(?:so|pyd)"
)
# Mach-O, 64 bit and universal: wheels of macOS have the same ending .so.
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class _Mismatch(NamedTuple):
    """Why a file of a part does not fit; equal ones become one finding."""

    rule: Rule
    part: CodePart
    why: str
    hint: str


def compiled_mismatches(function: CheckedFunction, parts: Sequence[CodePart]) -> Iterator[tuple[CodePart, Finding]]:
    """Find what the function's interpreter cannot load, one finding per cause and part."""
    runtime, architecture = function.runtime, function.architecture
    if runtime is None or architecture not in ARCHITECTURES:
        return
    found: dict[_Mismatch, list[str]] = defaultdict(list)
    if runtime.python is not None:
        for path, mismatch in _unloadable_names(function, parts, runtime, architecture):
            found[mismatch].append(path)
    for path, mismatch in _unfit_binaries(parts, runtime, architecture):
        found[mismatch].append(path)
    for mismatch, paths in found.items():
        which = f"{some((mismatch.part.path(path) for path in paths), limit=1)} of {mismatch.part.label}"
        yield mismatch.part, mismatch.rule.at(mismatch.part.place, f"{which} {mismatch.why}", mismatch.hint)


def _unloadable_names(
    function: CheckedFunction, parts: Sequence[CodePart], runtime: Runtime, architecture: str
) -> Iterator[tuple[str, _Mismatch]]:
    """Find the extension modules of which no file is named so that this interpreter would load it."""
    suffixes = extension_suffixes(runtime, architecture)
    for root in roots_of(function, parts):
        modules: dict[str, list[re.Match[str]]] = defaultdict(list)
        for path in root.files:
            folder, slash, name = path.rpartition("/")
            if match := _TAGGED.fullmatch(name):
                modules[f"{folder}{slash}{match['module']}"].append(match)
        for module, files in modules.items():
            if any(module + suffix in root.files for suffix in (*suffixes, ".py")):
                continue  # found, or replaced by Python; whether its binary fits is judged apart
            version_fits = [match for match in files if _version(match) == runtime.python and not match["flags"]]
            first = max(version_fits or files, key=lambda match: match[0])
            path = module.rpartition("/")[0] + "/" + first[0] if "/" in module else first[0]
            part = root.files[path]
            made_for = sorted({f"Python {_dotted(match)} on {match['platform']}" for match in files})
            yield (
                root.prefix + path,
                _Mismatch(
                    ARCHITECTURE_MISMATCH if version_fits else RUNTIME_MISMATCH,
                    part,
                    f"can't be imported: made for {', '.join(made_for)}, and the function runs {runtime.name} on "
                    f"{architecture}",
                    f"install the wheels for it: pip install --only-binary :all: --platform manylinux2014_"
                    f"{ARCHITECTURES[architecture]} --python-version {runtime.name.removeprefix('python')}",
                ),
            )


def _unfit_binaries(parts: Sequence[CodePart], runtime: Runtime, architecture: str) -> Iterator[tuple[str, _Mismatch]]:
    """Read every binary that could be loaded: its format, its processor and the C library that it needs."""
    merged = {path: part for part in parts if not part.is_code for path in part.content.entries}
    facts: dict[tuple[str, CodePart], ElfFacts] = {}
    for part in parts:
        for path in part.content.entries:
            hidden = not part.is_code and merged[path] is not part
            if hidden or not _may_be_binary(path, part) or not _would_load(path, runtime, architecture):
                continue
            data = part.content.read(path)
            if data.startswith(_MACH_O) and is_shared_object(path):
                yield path, _other_machine(part, "macOS", architecture)
            elif data.startswith(MAGIC) and (read := read_elf(data)) is not None:
                facts[path, part] = read
    # Wheels of several architectures lie side by side: auditwheel's libraries have a hash in their names for it.
    shared = {path.rpartition("/")[0] for (path, _), read in facts.items() if read.architecture == architecture}
    for (path, part), read in facts.items():
        folder = path.rpartition("/")[0]
        if read.architecture != architecture:
            if not (folder.endswith(".libs") and folder in shared):
                yield path, _other_machine(part, read.architecture, architecture)
        elif (mismatch := _other_library(part, read, runtime, architecture)) is not None:
            yield path, mismatch


def _other_machine(part: CodePart, machine: str, architecture: str) -> _Mismatch:
    return _Mismatch(
        ARCHITECTURE_MISMATCH,
        part,
        f"is built for {machine}, and the function runs on {architecture}",
        f"build it for {architecture}" + (", or change Architectures" if machine in ARCHITECTURES else ""),
    )


def _other_library(part: CodePart, read: ElfFacts, runtime: Runtime, architecture: str) -> _Mismatch | None:
    has = ".".join(str(number) for number in runtime.glibc)
    wheel = f"manylinux_{has.replace('.', '_')}_{ARCHITECTURES[architecture]}"
    if read.musl:
        why = f"is linked with musl, and {runtime.name} has glibc {has}"
        return _Mismatch(GLIBC_MISMATCH, part, why, f"install the {wheel} wheel, not the musllinux one")
    if read.glibc is not None and read.glibc > runtime.glibc:
        needs = ".".join(str(number) for number in read.glibc)
        why = f"needs glibc {needs}, and {runtime.name} has {has}"
        return _Mismatch(GLIBC_MISMATCH, part, why, f"install a {wheel} wheel or older, or move to a newer runtime")
    return None


def _may_be_binary(path: str, part: CodePart) -> bool:
    if is_shared_object(path) or path.startswith(("bin/", "extensions/")):
        return True
    return bool(part.content.entries[path].mode & 0o111) and "." not in path.rpartition("/")[2]


def _would_load(path: str, runtime: Runtime, architecture: str) -> bool:
    """Whether a Python of that version would pick an extension module of that name; other libraries it might."""
    name = path.rpartition("/")[2]
    return (
        runtime.python is None
        or not _TAGGED.fullmatch(name)
        or name.endswith(extension_suffixes(runtime, architecture)[0])
    )


def _version(match: re.Match[str]) -> tuple[int, int]:
    return int(match["major"]), int(match["minor"])


def _dotted(match: re.Match[str]) -> str:
    threads = " (free-threaded)" if "t" in match["flags"] else ""
    return f"{match['major']}.{match['minor']}{threads}"
