"""Which templates are checked: those that are named, and those that lie in the folders that are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.scan.exclusion import Exclusion
from layerctl.scan.model import FileProblem, LeftOut
from layerctl.scan.walk import find_files
from layerctl.templates.load import synthesised
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.structure import looks_like_template, needs_engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["GivenTemplates", "find_templates", "waits_for_engine"]

_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".template", ".cfn"})
_MAX_BYTES = 8_000_000


@dataclass(slots=True)
class GivenTemplates:
    """The files to check.

    Attributes:
        files: each with whether it was named, or found in a folder and looks like a template.
        problems: folders in which there is none, and what could not be listed.
        left_out: what was not looked at in folders.
        notes: what else somebody should know.
    """

    files: list[tuple[Path, bool]] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_templates(paths: Iterable[Path], exclusion: Exclusion | None = None) -> GivenTemplates:
    """Find what to check.

    Args:
        paths: templates, folders of them, and folders that the CDK synthesised, whose manifests name their stacks.
        exclusion: what is left out; default: what git ignores.
    """
    given = GivenTemplates()
    for path in paths:
        stacks = synthesised(path) if path.is_dir() else []
        found = find_files(stacks or [path], exclusion)
        given.left_out += found.left_out
        given.notes += found.notes
        if path.is_dir() and not stacks:
            files = [(file, False) for file in _likely(file for file, _ in found.files)]
            if not files and not found.problems:
                what = "holds no template of SAM, CloudFormation or the Serverless Framework"
                given.problems.append(FileProblem(path.as_posix(), what, "name a template, or the folder of one"))
            given.files += files
            given.problems += found.problems
        else:  # what cannot be read is told where it is read
            given.files += [(stack, True) for stack in stacks or [path] if _wanted(stack, found.left_out)]
    once: dict[str, tuple[Path, bool]] = {}
    for path, named in given.files:
        first, before = once.setdefault(os.path.realpath(path), (path, named))
        once[os.path.realpath(path)] = first, before or named
    given.files = list(once.values())
    return given


def _wanted(path: Path, left_out: Iterable[LeftOut]) -> bool:
    return all(part.path != path.as_posix() for part in left_out)


def waits_for_engine(path: Path) -> bool:
    """Whether a file becomes a template only once Jinja, cookiecutter or the like has filled it in."""
    return needs_engine(_text(path))


def _likely(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if path.suffix.lower() in _SUFFIXES and looks_like_template(_text(path)):
            yield path


def _text(path: Path) -> str:
    """A file's text; empty where it is none, or too large for a template."""
    try:
        return Source.read(path).text if path.stat().st_size <= _MAX_BYTES else ""
    except (OSError, BinaryFileError):
        return ""
