"""Records from this machine: a folder, a zip such as OSV's ``all.zip`` of PyPI, or a file (JSON, JSON lines)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.audit.osv import Record, parse_record
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Records", "load_records"]

_MAX = 64 << 20  # bytes of one record; the largest have a few


@dataclass
class Records:
    """Records by the package that they affect.

    Attributes:
        by_name: canonical name -> records.
        seen: how many records there are, of any package of PyPI.
        newest: when the newest of them was changed; empty where there is none.
        problems: what could not be read.
        origin: where they come from, for people.
    """

    by_name: dict[str, list[Record]] = field(default_factory=dict)
    seen: int = 0
    newest: str = ""
    problems: list[str] = field(default_factory=list)
    origin: str = ""

    def add(self, record: Record) -> None:
        """Take a record in."""
        self.seen += bool(record.affected)
        self.newest = max(self.newest, record.modified if record.affected else "")
        for name in {affected.name for affected in record.affected}:
            self.by_name.setdefault(name, []).append(record)


def load_records(paths: Iterable[Path]) -> Records:
    """Read every record of some places. What cannot be read is in `problems`.

    Raises:
        LayerctlError: a place does not exist, or none of them holds a record of PyPI.
    """
    paths = list(paths)
    records = Records(origin=", ".join(map(str, paths)))
    for path in paths:
        for name, data in _files(path, records.problems):
            for where, text in _texts(name, data):
                try:
                    records.add(parse_record(json.loads(text)))
                except (ValueError, RecursionError) as error:
                    records.problems.append(f"{where}: {error}")
    if not records.seen:
        first = f" ({records.problems[0]})" if records.problems else ""
        raise LayerctlError(
            f"{records.origin}: no record of a PyPI package{first}",
            hint="get OSV's records, e.g. https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip",
        )
    return records


def _files(path: Path, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in (".json", ".jsonl") and file.is_file():
                yield from _file(file, problems)
            elif file.suffix == ".zip":
                yield from _zip(file)
    elif path.suffix == ".zip":
        yield from _zip(path)
    elif path.exists():
        yield from _file(path, problems)
    else:
        raise LayerctlError(f"{path} does not exist", hint="name a folder, a zip or a file of OSV records")


def _file(path: Path, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    try:
        yield str(path), path.read_bytes()
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")


def _zip(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith((".json", ".jsonl")):
                    if info.file_size > _MAX:
                        raise LayerctlError(
                            f"{path}: {info.filename} has {info.file_size:,} bytes", hint="no OSV record has"
                        )
                    yield f"{path}: {info.filename}", archive.read(info)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise LayerctlError(f"{path} cannot be read: {error}", hint="download it anew") from None


def _texts(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    if not name.endswith(".jsonl"):
        yield name, data
        return
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            yield f"{name}:{number}", line
