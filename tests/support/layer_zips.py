"""A small good layer, and a way to spoil it in one respect only."""

from __future__ import annotations

import base64
import hashlib
import py_compile
import stat
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.elf import tiny_elf

__all__ = ["INFO", "LayerZip", "compiled"]

INFO = "python/good-1.0.dist-info"
TAG = f"cpython-3{sys.version_info.minor}"
PYC = f"python/good/__pycache__/core.{TAG}.pyc"


def compiled(source: bytes, mode: py_compile.PycInvalidationMode, name: str = "/opt/python/good/core.py") -> bytes:
    """This interpreter's bytecode of a source."""
    with TemporaryDirectory() as folder:
        place = Path(folder, "source.py")
        place.write_bytes(source)
        out = py_compile.compile(str(place), str(place) + "c", name, doraise=True, invalidation_mode=mode)
        assert out is not None
        return Path(out).read_bytes()


@dataclass
class LayerZip:
    """Files by path, and how they are packed. As it is made, nothing is wrong with it.

    Attributes:
        files: path as in the zip -> content.
        modes: full Unix mode, where it is not 0644 of a regular file.
        needs: Requires-Dist lines of the only distribution.
        licence: its License-Expression; empty for none.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    licence: str = "MIT"

    def __post_init__(self) -> None:
        source = b"ANSWER = 42\n"
        self.files = {
            "python/good/__init__.py": b'"""A good package."""\n',
            "python/good/core.py": source,
            PYC: compiled(source, py_compile.PycInvalidationMode.UNCHECKED_HASH),
        }
        for architecture, machine in (("x86_64", "x86_64"), ("arm64", "aarch64")):
            for minor in (11, 13):
                path = f"python/good/_fast.cpython-3{minor}-{machine}-linux-gnu.so"
                self.files[path] = tiny_elf(architecture, glibc=(2, 17))

    def add_distribution(self, name: str, version: str, *, metadata: str = "License-Expression: MIT\n") -> None:
        """Add another distribution: metadata and a RECORD of them, no modules."""
        folder = f"python/{name}-{version}.dist-info"
        self.files[f"{folder}/METADATA"] = (
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}".encode()
        )
        self.files[f"{folder}/RECORD"] = self._record(folder, [f"{folder}/METADATA"])

    def finish(self) -> dict[str, bytes]:
        """All files, with the good distribution's metadata written for what is there now."""
        files = dict(self.files)
        if f"{INFO}/METADATA" not in files:
            needs = "".join(f"Requires-Dist: {line}\n" for line in self.needs)
            licence = f"License-Expression: {self.licence}\n" if self.licence else ""
            text = f"Metadata-Version: 2.4\nName: good\nVersion: 1.0\n{licence}{needs}"
            files[f"{INFO}/METADATA"] = text.encode()
        if f"{INFO}/RECORD" not in files:
            self.files = files
            own = [path for path in files if path.startswith(("python/good/", INFO)) and not path.endswith(".pyc")]
            files[f"{INFO}/RECORD"] = self._record(INFO, own)
        return files

    def write(self, path: Path) -> Path:
        """Pack it."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.finish().items():
                info = zipfile.ZipInfo(name)
                info.create_system = 3
                info.external_attr = self.modes.get(name, stat.S_IFREG | 0o644) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
        return path

    def _record(self, folder: str, paths: list[str]) -> bytes:
        rows = []
        for path in paths:
            data = self.files[path]
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{path.removeprefix('python/')},sha256={digest},{len(data)}\n")
        return ("".join(rows) + f"{folder.removeprefix('python/')}/RECORD,,\n").encode()
