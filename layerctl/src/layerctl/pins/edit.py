"""Moves pins to another version by changing exactly the version's characters in the file."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from layerctl.core.files.atomic import ChangedMeanwhileError, replace_bytes
from layerctl.pins.comments import appended_comment, commentable, mention_of
from layerctl.pins.patch import Edit, patch
from layerctl.pins.resolve.targets import BumpTarget, NoTargetError, choose
from layerctl.scan.finder import pins_of
from layerctl.scan.model import FileProblem
from layerctl.templates.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layerctl.pins.resolve.targets import BumpRequest
    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import Pin

__all__ = ["FileBump", "PinMove", "bump_file", "plan", "write"]


# What makes the digits part of something else: a release (1.4.0), a word.
_GOES_ON = re.compile(r"\w+|\.\d+")


class PinMove(NamedTuple):
    """One pin that moves.

    Attributes:
        pin: as it is.
        version: as it shall be.
        old_release, release: the releases that these are, where known.
    """

    pin: Pin
    version: int
    old_release: str | None
    release: str | None


@dataclass(slots=True)
class FileBump:
    """What a bump does to one file.

    Attributes:
        path: the file.
        source: its text before.
        edits: the characters that change, in order; none overlap.
        changes: the pins that move.
        problems: pins that cannot be moved, and why.
        notes: what is worth knowing beside.
    """

    path: Path
    source: Source
    edits: list[Edit] = field(default_factory=list)
    changes: list[PinMove] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The file's text afterwards."""
        parts = []
        at = 0
        for edit in self.edits:
            parts += [self.source.text[at : edit.start], edit.text]
            at = edit.end
        parts.append(self.source.text[at:])
        return "".join(parts)

    def diff(self) -> bytes:
        """The change as a unified diff; see `patch`."""
        return patch(self.path, self.source, self.edits)


def bump_file(path: Path, request: BumpRequest, resolver: VersionResolver, *, comment: bool = False) -> FileBump:
    """Read one file and work out its change; see `plan`."""
    source = Source.read(path)
    return plan(path, source, pins_of(source, path).pins, request, resolver, comment=comment)


def plan(
    path: Path,
    source: Source,
    pins: Iterable[Pin],
    request: BumpRequest,
    resolver: VersionResolver,
    *,
    comment: bool = False,
) -> FileBump:
    """Work out what changes in a file. Nothing is written.

    Args:
        path: the file.
        source: its text.
        pins: what `finder` found in it.
        request: which layers shall move, and to what.
        resolver: what is published.
        comment: add a comment with the release where there is none and one can stand.
    """
    bump = FileBump(path, source)
    places: defaultdict[tuple[int, int], list[Pin]] = defaultdict(list)
    for pin in pins:
        places[pin.start, pin.end].append(pin)
    starts = frozenset(start for start, _ in places)
    for (start, end), here in places.items():
        target = _target(here, request, resolver, bump)
        if target is None:
            continue
        old = source.text[start:end]
        new = str(target.version)
        if int(old) != target.version:
            bump.edits.append(Edit(start, end, new))
            bump.changes += [PinMove(pin, target.version, target.old_release, target.release) for pin in here]
        _comment(bump, here[0], target, starts - {start}, add=comment)
    bump.edits = _agreed(bump.edits)
    return bump


def _agreed(edits: list[Edit]) -> list[Edit]:
    """The edits in order, one of those that several pins of a line ask for: their comment names one release."""
    agreed: list[Edit] = []
    for edit in sorted(set(edits)):
        if not agreed or edit.start >= agreed[-1].end:
            agreed.append(edit)
    return agreed


def _target(here: list[Pin], request: BumpRequest, resolver: VersionResolver, bump: FileBump) -> BumpTarget | None:
    """Where the version at one place shall go, if all the pins that live on it agree."""
    targets: list[BumpTarget] = []
    staying: list[Pin] = []
    for pin in here:
        if not request.covers(pin, resolver):
            staying.append(pin)
            continue
        try:
            targets.append(choose(pin, request, resolver))
        except NoTargetError as error:
            bump.problems.append(FileProblem(pin.path, str(error), error.hint, pin.line, pin.column))
            return None
    if not targets:
        return None
    first = here[0]
    versions = {target.version for target in targets}
    tail = _GOES_ON.match(bump.source.text, first.end)
    if tail is not None:
        message = f"what follows {first.name}:{first.version} ({tail[0]!r}) makes it no version"
        bump.problems.append(FileProblem(first.path, message, "correct the ARN", first.line, first.column))
        return None
    if len(versions) > 1 or (staying and versions != {first.version}):
        layers = ", ".join(sorted({f"{pin.name} in {pin.region or 'every region'}" for pin in here}))
        message = f"this version is used for {layers}, which do not go to one number"
        bump.problems.append(FileProblem(first.path, message, "give each its own version", first.line, first.column))
        return None
    bump.notes += [
        f"{first.place}: {note}" for note in dict.fromkeys(note for target in targets for note in target.notes)
    ]
    return targets[0]


def _comment(bump: FileBump, pin: Pin, target: BumpTarget, others: frozenset[int], *, add: bool) -> None:
    text, suffix = bump.source.text, bump.path.suffix.lower()
    at = bump.source.offset(pin.line, pin.column), pin.start, pin.end
    found = mention_of(text, at, pin.name, suffix, pinned=others)
    if found is None:
        if add and target.release is not None and commentable(text, bump.path, pin.start):
            words = f"{pin.name} {target.release}"
            line_end = bump.source.line_end(pin.end)
            place = appended_comment(text, pin.start, pin.end, line_end=line_end, suffix=suffix, words=words)
            if place is not None:
                bump.edits.append(Edit(place[0], place[0], place[1]))
        return
    moves = pin.version != target.version
    if target.release is not None and found.release != target.release:
        edit = Edit(found.start, found.end, target.release)
    elif target.release is None and moves:
        edit = Edit(*found.gone, "")
        unknown = f"no index tells the release of version {target.version}"
        bump.notes.append(f"{pin.place}: its comment said {found.release}; {unknown}, so that was taken out")
    else:
        return
    bump.edits.append(edit)


def write(bump: FileBump) -> FileProblem | None:
    """Write a planned change, unless the file is no longer what it was when it was read."""
    before = bump.source.encode()
    try:
        replace_bytes(bump.path, bump.source.encode(bump.text), expected=before)
    except ChangedMeanwhileError:
        message = "the file was changed by someone else meanwhile, and was left alone"
        return FileProblem(bump.path.as_posix(), message, "run again")
    except OSError as error:
        reason = error.strerror or str(error)
        return FileProblem(
            bump.path.as_posix(), f"cannot be written: {reason}", "check its permissions; it is unchanged"
        )
    return None
