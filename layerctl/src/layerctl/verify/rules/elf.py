"""Rules about shared libraries: the machine, the C library, and whether every runtime finds one."""

from __future__ import annotations

import re
from collections import defaultdict
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from layerctl.core.runtimes import ARCHITECTURES, extension_suffixes
from layerctl.python.elf import ElfFacts, is_shared_object, read_elf
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.core.runtimes import Runtime
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_elf"]

ELF_INVALID = Rule(
    id="elf-invalid",
    commands=("verify",),
    summary="Each shared library is an ELF file that can be read.",
    looks_at="Each `.so`, by pyelftools.",
    example="A Mach-O file out of a macOS wheel, which has the same ending.",
    fix="Install a wheel for Lambda's platform (manylinux).",
)
ELF_MACHINE = Rule(
    id="elf-machine",
    commands=("verify",),
    summary="Each shared library is for an architecture of the layer, and the one that its name tells.",
    looks_at="The machine in the ELF header, against layer.toml or --architecture, and the tag in the file's name.",
    example="An aarch64 build of `orjson` in a layer for x86_64.",
    fix="Install the wheel of the right platform, or change the layer's architectures.",
)
ELF_GLIBC = Rule(
    id="elf-glibc",
    commands=("verify",),
    summary="No shared library needs a newer C library than its runtimes have.",
    looks_at="The symbol versions that each `.so` needs, and whether it is linked with musl. python3.11 has glibc "
    "2.26, python3.12 and newer have 2.34.",
    example="A manylinux_2_28 wheel in a layer for python3.11.",
    fix="Take a wheel for an older manylinux, or take the runtime out of the layer's.",
)
ELF_COVERAGE = Rule(
    id="elf-coverage",
    commands=("verify",),
    summary="Each extension module is there for every runtime and architecture of the layer.",
    looks_at="The file names by which each runtime finds extension modules. The layer's runtimes are those of "
    "layer.toml or --runtime; without either, those that the file names tell.",
    example="`_fast.cpython-312-x86_64-linux-gnu.so` alone in a layer for python3.12 and python3.13.",
    fix="Build with `layerctl build`, which fetches the wheel of each runtime and architecture.",
)

_TAG = re.compile(r"\.cpython-3(?P<minor>\d+)-(?P<machine>[a-z0-9_]+)-linux-gnu\.so$")
_EXTENSION = re.compile(r"(?P<module>.*?)(?P<suffix>\.(?:cpython-|abi3)[\w-]*\.so|\.so)$")


def check_elf(case: ArtifactCase) -> Iterator[Finding]:
    """Each shared library by itself, then the extension modules over all runtimes."""
    found: dict[str, ElfFacts] = {}
    wrong: set[str] = set()
    for entry in case.readable:
        if not is_shared_object(entry.path):
            continue
        with TemporaryFile() as stream:  # some are larger than what may be held in memory
            for chunk in case.artifact.chunks(entry):
                stream.write(chunk)
            stream.seek(0)
            facts = read_elf(stream)
        if facts is None:
            hint = "install a wheel for Lambda's platform (manylinux)"
            yield ELF_INVALID.finding(entry.path, "it is no ELF file that can be read", hint)
            wrong.add(entry.path)
            continue
        found[entry.path] = facts
        for finding in _check_one(case, entry.path, facts):
            wrong.add(entry.path)
            yield finding
    yield from _check_coverage(case, found, wrong)


def _check_one(case: ArtifactCase, path: str, facts: ElfFacts) -> Iterator[Finding]:
    tag = _TAG.search(path)
    machines = {ARCHITECTURES[name]: name for name in case.architectures}
    named = machines.get(tag["machine"], tag["machine"]) if tag else None
    if facts.architecture not in case.architectures or (named and named != facts.architecture):
        wanted = named or " and ".join(case.architectures)
        hint = "install the wheel of the right platform, or change architectures in layer.toml"
        yield ELF_MACHINE.finding(path, f"it is for {facts.architecture}, not for {wanted}", hint)
        return
    users = [runtime for runtime in case.runtimes if tag is None or runtime.python == (3, int(tag["minor"]))]
    if facts.musl:
        hint = "install the manylinux wheel, not the musllinux one"
        yield ELF_GLIBC.finding(path, "it needs musl; Lambda has glibc", hint)
    short = [runtime for runtime in users if facts.glibc and facts.glibc > runtime.glibc]
    if short:
        needs = ".".join(str(part) for part in facts.glibc or ())
        have = ", ".join(f"{runtime.name} has {runtime.glibc[0]}.{runtime.glibc[1]}" for runtime in short)
        hint = "take a wheel for an older manylinux, or take the runtime out of layer.toml"
        yield ELF_GLIBC.finding(path, f"it needs glibc {needs}; {have}", hint)


def _check_coverage(case: ArtifactCase, found: dict[str, ElfFacts], wrong: set[str]) -> Iterator[Finding]:
    """Find runtimes that have no file of a module at all; one that is wrong has been told already."""
    modules: dict[str, list[str]] = defaultdict(list)
    for path in found:
        match = _EXTENSION.fullmatch(path)
        name = path.rsplit("/", 1)[-1]
        # libraries that extension modules load are no modules: lib*.so, and all that auditwheel puts into *.libs
        if match and not name.startswith("lib") and ".libs/" not in path:
            modules[match["module"]].append(path)
    for module, paths in sorted(modules.items()):
        missing = [
            f"{runtime.name}/{architecture}"
            for runtime in case.runtimes
            for architecture in case.architectures
            if not _has(module, runtime, architecture, found, wrong) and case.artifact.get(f"{module}.py") is None
        ]
        if missing:
            yield ELF_COVERAGE.finding(
                paths[0],
                f"{module.removeprefix('python/')} can't be imported on {', '.join(missing)}",
                "build with `layerctl build`, which fetches the wheel of each runtime and architecture",
            )


def _has(module: str, runtime: Runtime, architecture: str, found: dict[str, ElfFacts], wrong: set[str]) -> bool:
    """Whether the file that the import system takes first is for that architecture."""
    for suffix in extension_suffixes(runtime, architecture):
        if module + suffix in wrong:
            return True
        facts = found.get(module + suffix)
        if facts is not None:
            return facts.architecture == architecture
    return False
