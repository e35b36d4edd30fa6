"""The distributions in a tree of files: name, version, requirements, licence and the files that belong to each.

Source: PyPA specifications "Recording installed projects" and "Core metadata". The tree may be a folder or a zip:
all that is asked of it are its paths and a way to read one. Nothing is imported.
"""

from __future__ import annotations

import csv
import email.parser
import io
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from layerctl.python.licenses import licence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from email.message import Message

__all__ = ["Distribution", "read_distributions", "record_rows"]

_METADATA = re.compile(r"(?P<folder>(?P<root>(?:.*/)?)(?P<stem>[^/]+)\.(?:dist-info/METADATA|egg-info/PKG-INFO))")
_MAX_METADATA = 4_000_000  # bytes; the largest of the 5,000 most used projects is below 400 kB


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution.

    Attributes:
        name: canonical (PEP 503: lower case, dashes).
        version: as METADATA has it; `parsed_version` is what can be compared.
        root: the folder it is installed in, with a slash at the end, or empty.
        folder: its `.dist-info` or `.egg-info` folder.
        requires: its Requires-Dist lines that could be parsed.
        requires_python: its Requires-Python, if that could be parsed.
        licence: an SPDX expression, else what it declares (see `layerctl.python.licenses`); empty when it says nothing.
        files: what RECORD lists and lies in the tree; without a RECORD what is in `folder`.
    """

    name: str
    version: str
    root: str
    folder: str
    requires: tuple[Requirement, ...]
    requires_python: SpecifierSet | None
    licence: str
    files: frozenset[str]

    @property
    def parsed_version(self) -> Version | None:
        """The version, if it is one that can be compared (PEP 440)."""
        try:
            return Version(self.version)
        except ValueError:  # InvalidVersion, or a number of thousands of digits
            return None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def read_distributions(paths: Iterable[str], read: Callable[[str], bytes]) -> list[Distribution]:
    """Find every distribution, sorted by name, version and folder; what one of them vendors is a part of it.

    Args:
        paths: every file of the tree, with forward slashes, relative to its root.
        read: gives a file's content.
    """
    known = frozenset(paths)
    found = []
    folders = _metadata_folders(known)
    for path in known:
        match = _METADATA.fullmatch(path)
        if match is None:
            continue
        data = read(path)[:_MAX_METADATA]
        metadata = email.parser.HeaderParser().parsestr(data.decode("utf-8", "replace"))
        folder = posixpath.dirname(path)
        name, version = metadata.get("Name"), metadata.get("Version")
        if not name or not version:  # damaged: the folder's name says it too
            name, _, version = match["stem"].partition("-")
        found.append(
            Distribution(
                name=canonicalize_name(name.strip()),
                version=version.strip(),
                root=match["root"],
                folder=folder,
                requires=_requirements(metadata),
                requires_python=_specifiers(metadata.get("Requires-Python")),
                licence=licence_of(metadata),
                files=_recorded(folder, match["root"], known, read) | frozenset(folders[folder]),
            )
        )
    found = [distribution for distribution in found if not _is_vendored(distribution, found, known)]
    return sorted(found, key=lambda distribution: (distribution.name, distribution.version, distribution.folder))


def _is_vendored(distribution: Distribution, found: Iterable[Distribution], known: frozenset[str]) -> bool:
    """Whether metadata lie within another distribution: a copy that it vendors, which no importer finds by name."""
    parts = distribution.root.split("/")[:-1]
    if any(f"{'/'.join(parts[:length])}/__init__.py" in known for length in range(1, len(parts) + 1)):
        return True
    place = next(
        path for path in (f"{distribution.folder}/METADATA", f"{distribution.folder}/PKG-INFO") if path in known
    )
    return any(
        place in other.files
        for other in found
        if other.folder != distribution.folder and other.root != distribution.root
    )


def _requirements(metadata: Message) -> tuple[Requirement, ...]:
    requirements = []
    for line in metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(str(line))
            requirement.specifier.contains("0")  # its versions are read no earlier
        except ValueError:  # InvalidRequirement, or a number of thousands of digits
            continue  # old tools wrote forms that no installer reads either
        requirements.append(requirement)
    return tuple(requirements)


def _specifiers(text: object) -> SpecifierSet | None:
    try:
        specifiers = SpecifierSet(str(text)) if text else None
        if specifiers is not None:
            specifiers.contains("0")  # its versions are read no earlier
    except ValueError:  # InvalidSpecifier, or a number of thousands of digits
        return None
    return specifiers


def record_rows(data: bytes) -> Iterator[list[str]]:
    """The rows of a RECORD: path, digest, size; a row that no CSV reader takes is passed over."""
    rows = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""))
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue
        if row:
            yield row


def _metadata_folders(paths: Iterable[str]) -> dict[str, list[str]]:
    """Every `.dist-info` and `.egg-info` folder, with all files below it."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        if match := re.match(r"(.*?\.(?:dist|egg)-info)/", path):
            folders.setdefault(match[1], []).append(path)
    return folders


def _recorded(folder: str, root: str, known: frozenset[str], read: Callable[[str], bytes]) -> frozenset[str]:
    """The files that RECORD lists and that are there."""
    if f"{folder}/RECORD" not in known:
        return frozenset()
    listed = (posixpath.normpath(root + row[0]) for row in record_rows(read(f"{folder}/RECORD")))
    return frozenset(path for path in listed if path in known)
