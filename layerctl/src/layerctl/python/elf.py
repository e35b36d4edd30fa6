"""What an ELF file needs of the machine it is loaded on: the processor, and the C library's version."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

__all__ = ["MAGIC", "ElfFacts", "is_shared_object", "read_elf"]

MAGIC = b"\x7fELF"

# e_machine (System V ABI) -> Lambda's name of the architecture.
_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64"}

_SHARED_OBJECT = re.compile(r"\.so(?:\.[\w.-]+)?$")


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What was read of one ELF file.

    Attributes:
        architecture: ``x86_64`` or ``arm64``; otherwise the ELF constant (``EM_386``).
        glibc: the newest version of glibc whose symbols it needs; None when it needs none by version.
        needed: the shared libraries it names (DT_NEEDED).
    """

    architecture: str
    glibc: tuple[int, ...] | None
    needed: tuple[str, ...]

    @property
    def musl(self) -> bool:
        """Whether it is linked with musl instead of glibc; Lambda's runtimes have glibc."""
        return any(name.startswith(("libc.musl", "ld-musl")) for name in self.needed)


def is_shared_object(path: str) -> bool:
    """Whether a path is named like a shared library or an extension module (``x.so``, ``libx.so.1.2``)."""
    return _SHARED_OBJECT.search(path.rsplit("/", 1)[-1]) is not None


def read_elf(data: bytes | IO[bytes]) -> ElfFacts | None:
    """Read a file's ELF headers.

    Args:
        data: the content, or a seekable stream of it, for files that are better not held in memory.

    Returns:
        None when `data` is no ELF file, or one that is cut off or malformed.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    if stream.read(len(MAGIC)) != MAGIC:
        return None
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(stream)
        machine = str(elf["e_machine"])
        glibc, needed = _dynamic_needs(elf)
    except (
        ELFError,
        ConstructError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        UnicodeError,
        OSError,
        TypeError,
    ):
        # pyelftools reads lazily and answers malformed files with whatever its readers raise
        return None
    return ElfFacts(_MACHINES.get(machine, machine), glibc, needed)


def _dynamic_needs(elf: ELFFile) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.gnuversions import GNUVerNeedSection

    versions: set[tuple[int, ...]] = set()
    needed: list[str] = []
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, auxiliaries in section.iter_versions():
                for auxiliary in auxiliaries:
                    if match := re.fullmatch(r"GLIBC_(\d+(?:\.\d+)*)", auxiliary.name):
                        versions.add(tuple(int(part) for part in match[1].split(".")))
        elif isinstance(section, DynamicSection):
            needed += [str(getattr(tag, "needed", "")) for tag in section.iter_tags("DT_NEEDED")]
    return max(versions, default=None), tuple(needed)
