"""Moves pins to another version by changing exactly the version's characters in the file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from layerctl.core.files.atomic import ChangedMeanwhileError, replace_bytes
from layerctl.pins.comments import appended_comment, commentable, trailing_comment
from layerctl.pins.resolve.targets import NoTargetError, Target, choose
from layerctl.scan.finder import pins_of
from layerctl.scan.model import Problem
from layerctl.templates.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from layerctl.pins.resolve.targets import BumpRequest
    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import Pin

__all__ = ["Change", "FileBump", "bump_file", "plan", "write"]


_CONTEXT = 3
# What makes the digits part of something else: a release (1.4.0), a word.
_GOES_ON = re.compile(r"\w+|\.\d+")


class Change(NamedTuple):
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


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


@dataclass(slots=True)
class FileBump:
    """What a bump does to one file.

    Attributes:
        path: the file.
        source: its text before.
        edits: the characters that change; none overlap.
        changes: the pins that move.
        problems: pins that cannot be moved, and why.
        notes: what is worth knowing beside.
    """

    path: Path
    source: Source
    edits: list[_Edit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The file's text afterwards."""
        parts = []
        at = 0
        for edit in sorted(self.edits):
            parts += [self.source.text[at : edit.start], edit.text]
            at = edit.end
        parts.append(self.source.text[at:])
        return "".join(parts)

    def diff(self) -> str:
        """The change as a unified diff. A bump changes lines and never adds or removes one: nothing is searched for."""
        before, after = self.source.text.splitlines(), self.text.splitlines()
        changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        name = self.path.as_posix().lstrip("/")
        lines = [f"--- a/{name}", f"+++ b/{name}"]
        for hunk in _hunks(changed):
            first, stop = max(hunk[0] - _CONTEXT, 0), min(hunk[-1] + 1 + _CONTEXT, len(before))
            lines.append(f"@@ -{first + 1},{stop - first} +{first + 1},{stop - first} @@")
            inside = set(hunk)
            for is_changed, run in groupby(range(first, stop), inside.__contains__):
                indices = list(run)
                lines += [f"{'-' if is_changed else ' '}{before[index]}" for index in indices]
                lines += [f"+{after[index]}" for index in indices if is_changed]
        return "\n".join(lines)


def _hunks(changed: list[int]) -> Iterator[list[int]]:
    """Changed lines, those together whose context would overlap."""
    hunk: list[int] = []
    for index in changed:
        if hunk and index - hunk[-1] > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(index)
    if hunk:
        yield hunk


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
    lines = Counter(source.place(start)[0] for start, _ in places)
    for (start, end), here in places.items():
        target = _target(here, request, resolver, bump)
        if target is None:
            continue
        old = source.text[start:end]
        new = str(target.version)
        if int(old) != target.version:
            bump.edits.append(_Edit(start, end, new))
            bump.changes += [Change(pin, target.version, target.old_release, target.release) for pin in here]
        _comment(bump, here[0], target, alone=lines[source.place(start)[0]] == 1, add=comment)
    return bump


def _target(here: list[Pin], request: BumpRequest, resolver: VersionResolver, bump: FileBump) -> Target | None:
    """Where the version at one place shall go, if all the pins that live on it agree."""
    targets: list[Target] = []
    staying: list[Pin] = []
    for pin in here:
        if not request.covers(pin, resolver):
            staying.append(pin)
            continue
        try:
            targets.append(choose(pin, request, resolver))
        except NoTargetError as error:
            bump.problems.append(Problem(pin.path, str(error), error.hint, pin.line, pin.column))
            return None
    if not targets:
        return None
    first = here[0]
    versions = {target.version for target in targets}
    tail = _GOES_ON.match(bump.source.text, first.end)
    if tail is not None:
        message = f"what follows {first.name}:{first.version} ({tail[0]!r}) makes it no version"
        bump.problems.append(Problem(first.path, message, "correct the ARN", first.line, first.column))
        return None
    if len(versions) > 1 or (staying and versions != {first.version}):
        layers = ", ".join(sorted({f"{pin.name} in {pin.region or 'every region'}" for pin in here}))
        message = f"this version is used for {layers}, which do not go to one number"
        bump.problems.append(Problem(first.path, message, "give each its own version", first.line, first.column))
        return None
    bump.notes += [f"{first.place}: {note}" for note in dict.fromkeys(note for one in targets for note in one.notes)]
    return targets[0]


def _comment(bump: FileBump, pin: Pin, target: Target, *, alone: bool, add: bool) -> None:
    text = bump.source.text
    line_end = bump.source.line_end(pin.end)
    found = trailing_comment(text, pin.end, line_end, pin.name, alone=alone)
    if found is not None:
        if target.release is None:
            if pin.version != target.version:
                bump.notes.append(f"{pin.place}: the comment still says {found.release}: no index tells the release")
        elif found.release != target.release:
            bump.edits.append(_Edit(found.start, found.end, target.release))
    elif add and target.release is not None and commentable(text, bump.path, pin.start):
        words = f"{pin.name} {target.release}"
        suffix = bump.path.suffix.lower()
        place = appended_comment(text, pin.start, pin.end, line_end=line_end, suffix=suffix, words=words)
        if place is not None:
            bump.edits.append(_Edit(place[0], place[0], place[1]))


def write(bump: FileBump) -> Problem | None:
    """Write a planned change, unless the file is no longer what it was when it was read."""
    before = bump.source.encode()
    try:
        replace_bytes(bump.path, bump.source.encode(bump.text), expected=before)
    except ChangedMeanwhileError:
        message = "the file was changed by someone else meanwhile, and was left alone"
        return Problem(bump.path.as_posix(), message, "run again")
    except OSError as error:
        reason = error.strerror or str(error)
        return Problem(bump.path.as_posix(), f"cannot be written: {reason}", "check its permissions; it is unchanged")
    return None
