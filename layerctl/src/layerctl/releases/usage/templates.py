"""Templates that pin a version of a layer, as `layerctl pins` finds them; what they leave open may be it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.scan.exclusion import Exclusion
from layerctl.scan.files import search
from layerctl.scan.walk import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layerctl.scan.model import FileProblem, LeftOut

__all__ = ["TemplateScan", "TemplateUse", "scan_templates"]

_OPEN = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """A pin in a file.

    Attributes:
        place: ``path:line:column``.
        version: the version number; None where it is decided outside of the file.
        region, account: as the pin says; None where the file leaves them open, and so may mean any.
    """

    place: str
    version: int | None
    region: str | None = None
    account: str | None = None

    def may_be(self, account: str, region: str, version: int) -> bool:
        """Whether the pin can mean this version of the layer."""
        return self.version in (None, version) and self.region in (None, region) and self.account in (None, account)


@dataclass
class TemplateScan:
    """The pins of a layer, what could not be read, and what was not looked at."""

    uses: list[TemplateUse] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def scan_templates(paths: Iterable[Path], layer: str, exclusion: Exclusion | None = None) -> TemplateScan:
    """Find the pins of a layer in files, and in all templates below folders.

    Args:
        paths: files and folders.
        layer: the layer's name.
        exclusion: where nothing has to be readable; default: nowhere but what `pins` leaves out by its name. A version
            that is named there counts all the same, as in what git ignores: it may be deployed.
    """
    paths = list(paths)
    everything = Exclusion(ignored=False)
    listed = find_files(paths, exclusion or everything)
    report = search(listed)
    pins = report.pins
    if exclusion is not None and exclusion.patterns:
        pins = pins + search(find_files(paths, everything).beyond(listed)).pins
    found = TemplateScan(problems=[_problem(problem) for problem in report.problems], left_out=report.left_out)
    for pin in pins:
        if _may_name(pin.name, layer):
            found.uses.append(TemplateUse(pin.place, pin.version, pin.region, pin.account))
    for reference in report.unresolved:
        named = re.search(r":layer:((?:\$\{[^}]*\}|[^:$])+):", reference.written)
        if named is None or _may_name(named[1], layer):
            found.uses.append(TemplateUse(f"{reference.path}:{reference.line}:{reference.column}", None))
    for part in report.unread:
        if not part.shared:  # an application of others pins what it likes, and is no reason to keep ours
            found.uses.append(TemplateUse(f"{part.path}:{part.line}:{part.column}", None))
    return found


def _problem(problem: FileProblem) -> str:
    return str(problem) if problem.named else f"{problem}, or leave it out with --exclude"


def _may_name(written: str, layer: str) -> bool:
    """Whether a layer's name, with ``${...}`` for what is open, can be this one."""
    pattern = ".*".join(re.escape(part) for part in _OPEN.split(written))
    return re.fullmatch(pattern, layer) is not None
