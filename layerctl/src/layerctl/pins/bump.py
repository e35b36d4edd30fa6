"""Bumps many files: plans them all, shows the diff, writes each."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.pins.edit import FileBump, bump_file, write
from layerctl.pins.notes import notes_of
from layerctl.scan.model import INDEX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from layerctl.pins.notes import ReleaseNotes
    from layerctl.pins.resolve.targets import BumpRequest
    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import FileProblem, FileReport, LeftOut

__all__ = ["BumpOutcome", "bump_all"]

_NAMED = 4  # how many layers an error names


@contextmanager
def _unwatched(names: Sequence[str]) -> Iterator[Callable[[str], None]]:  # noqa: ARG001 - see `bump_all`
    yield lambda name: None


@dataclass(slots=True)
class BumpOutcome:
    """What a bump did, or with `dry_run` would do."""

    bumps: list[FileBump] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    releases: list[ReleaseNotes] = field(default_factory=list)
    dry_run: bool = False
    left_out: list[LeftOut] = field(default_factory=list)

    def show(self, out: IO[str], *, as_json: bool) -> None:
        """Write the diff, or the changes as JSON."""
        if as_json:
            json.dump(self._data(), out, indent=2, ensure_ascii=False)
            out.write("\n")
            return
        for bump in self.bumps:
            if bump.edits:
                _write_bytes(out, bump.diff())

    def summary(self) -> str:
        """How many pins moved in how many files."""
        pins = sum(len({change.pin.start for change in bump.changes}) for bump in self.bumps)
        files = sum(bool(bump.edits) for bump in self.bumps)
        verb = "would change" if self.dry_run else "changed"
        return f"{pins} pin{'s' * (pins != 1)} {verb} in {files} file{'s' * (files != 1)}"

    def _data(self) -> dict[str, object]:
        return {
            "dry_run": self.dry_run,
            "changes": [
                {
                    "path": change.pin.path, "line": change.pin.line, "column": change.pin.column,
                    "layer": change.pin.name, "account": change.pin.account, "region": change.pin.region,
                    "from": change.pin.version, "to": change.version,
                    "from_release": change.old_release, "to_release": change.release,
                }
                for bump in self.bumps
                for change in bump.changes
            ],
            "notes": self.notes,
            "releases": [release._asdict() for release in self.releases],
            "problems": [problem._asdict() for problem in self.problems],
        }  # fmt: skip


def bump_all(
    report: FileReport,
    request: BumpRequest,
    resolver: VersionResolver,
    *,
    comment: bool = False,
    dry_run: bool = False,
    moving: Callable[[Sequence[str]], AbstractContextManager[Callable[[str], None]]] = _unwatched,
) -> BumpOutcome:
    """Move the pins that were found in files and folders.

    A file with a problem is left alone; the others are done.

    Args:
        report: the pins, and what could not be read.
        request: which layers shall move, and to what.
        resolver: what is published.
        comment: add a comment with the release where there is none.
        dry_run: work it all out, and write nothing.
        moving: given the files with pins, a context whose value is called with each that is done.

    Raises:
        LayerctlError: the request cannot be told apart or looked up at all.
    """
    report.pins = [pin for pin in report.pins if pin.via != INDEX]
    outcome = BumpOutcome(
        problems=list(report.problems), notes=_notes(report), dry_run=dry_run, left_out=list(report.left_out)
    )
    broken = {problem.path for problem in report.problems}
    paths = list(dict.fromkeys(pin.path for pin in report.pins))
    outcome.notes += [f"{path} was left alone: it has an error" for path in paths if path in broken]
    sound = [path for path in paths if path not in broken]
    with moving(sound) as done:
        _refuse_guessing(report, request, resolver)
        for path in sound:
            bump = bump_file(Path(path), request, resolver, comment=comment)
            outcome.problems += bump.problems
            outcome.notes += bump.notes
            failed = write(bump) if bump.edits and not dry_run else None
            if failed is not None:
                outcome.problems.append(failed)
            else:
                outcome.bumps.append(bump)
                done(path)
    outcome.releases = notes_of([change for bump in outcome.bumps for change in bump.changes], resolver)
    return outcome


def _notes(report: FileReport) -> list[str]:
    """What may hold pins and was not moved."""
    unread = [f"{part.path}:{part.line}:{part.column}: {part.message}; {part.hint}" for part in report.unread]
    count = len(report.unresolved)
    more = f"the version of {count} more is decided elsewhere (`layerctl pins list --json` shows them)"
    return [*report.notes, *unread, *([more] if count else [])]


def _write_bytes(out: IO[str], data: bytes) -> None:
    """Write a patch of files in any encoding, as it is."""
    binary = getattr(out, "buffer", None)
    if binary is None:
        out.write(data.decode("utf-8", "replace"))
        return
    out.flush()
    binary.write(data)
    binary.flush()


def _refuse_guessing(report: FileReport, request: BumpRequest, resolver: VersionResolver) -> None:
    if not report.pins:
        return
    if request.number is None and not resolver.sources:
        raise LayerctlError(
            f"no source of versions: nobody can say what {request.to} is",
            hint="name a layers.json with --index, or give a version number with --to N",
        )
    if request.number is not None and request.layer is None and not resolver.sources:
        layers = sorted({pin.layer for pin in report.pins})
        if len(layers) > 1:
            shown = [*layers[:_NAMED], "..."] if len(layers) > _NAMED else layers
            raise LayerctlError(
                f"--to {request.to} would set {len(layers)} layers to one number: {', '.join(shown)}",
                hint="name one with --layer",
            )
    if request.layer is not None and not any(request.covers(pin, resolver) for pin in report.pins):
        raise LayerctlError(f"no pin of {request.layer} was found", hint="see `layerctl pins list`")
