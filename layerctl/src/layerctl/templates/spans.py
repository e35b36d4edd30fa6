"""Strings that remember where their characters stand in a file.

Templates compose an ARN from parts: `Fn::Sub`, `Fn::Join`, interpolation, variables. Evaluating such an
expression gives a `SpannedString` string: literal parts with their offsets, and holes for what only a deployment knows.
The version found in it can then be changed where it is really written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "ComposedArn",
    "Span",
    "SpannedString",
    "composed_arns",
    "concatenate",
    "filled",
    "is_open",
    "open_reference",
    "part_of",
]

# Stands for a hole in the composed string: a private-use character, so that it cannot collide with text.
_HOLE = "\ue000"

# More ways to compose one value (regions of a mapping times branches) than this are not looked at.
_MAX_ALTERNATIVES = 256
# References to references multiply; an ARN has a dozen parts.
_MAX_SPANS = 2000

_FIELD = rf"[\w.*?{_HOLE}-]+"
_ARN = re.compile(
    rf"arn:(?P<partition>{_FIELD}):lambda:(?P<region>{_FIELD}):(?P<account>{_FIELD})"
    rf":layer:(?P<name>[A-Za-z0-9_{_HOLE}-]+):(?P<version>[0-9{_HOLE}]{{1,4000}})"
)


_WILD = frozenset("*?")


class Span(NamedTuple):
    """A part of a composed string.

    Attributes:
        text: its characters, or the hole's label (``AWS::Region``).
        start: the offset of the first character in the file, or None when the characters do not stand there as such.
        hole: whether only a deployment knows the value.
        origin: the file that `start` is in, where it is not the file at hand.
        via: the parameter, variable or mapping that holds it.
        why: why a hole is one, where its label does not tell.
        guess: whether the text stands in for what only a deployment knows.
    """

    text: str
    start: int | None
    hole: bool = False
    origin: str = ""
    via: str | None = None
    why: str = ""
    guess: bool = False


@dataclass(frozen=True, slots=True)
class SpannedString:
    """One value that an expression can have.

    Attributes:
        spans: the parts in order.
        assumed: what must be true for it, as (name, value): the region (``AWS::Region``) or the parameter that a
            mapping was looked up with.
    """

    spans: tuple[Span, ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()

    @classmethod
    def literal(cls, text: str, start: int | None, origin: str = "") -> SpannedString:
        """A string that stands in a file at `start`."""
        return cls((Span(text, start, origin=origin),))

    @classmethod
    def unknown(cls, label: str, why: str = "") -> SpannedString:
        """A value that the file does not tell."""
        return cls((Span(label, None, hole=True, why=why),))

    @property
    def is_hole(self) -> bool:
        """Whether nothing of it is known."""
        return len(self.spans) == 1 and self.spans[0].hole

    @property
    def shown(self) -> str:
        """The whole text, holes as ``${label}``."""
        return "".join(f"${{{span.text}}}" if span.hole else span.text for span in self.spans)

    @property
    def why(self) -> str:
        """What is open in it, and why."""
        reasons = (span.why or f"only a deployment knows {span.text}" for span in self.spans if span.hole)
        return "; ".join(dict.fromkeys(reasons))

    @property
    def guesses(self) -> tuple[str, ...]:
        """What stands in for what only a deployment knows, by what was asked for (``Table.StreamArn``)."""
        return tuple(dict.fromkeys(span.via or span.text for span in self.spans if span.guess))

    def split(self, separator: str) -> list[SpannedString]:
        """The parts between separators, each where it stands; a hole is taken to hold none."""
        parts: list[list[Span]] = [[]]
        for span in self.spans:
            at = 0
            while not span.hole and separator and (end := span.text.find(separator, at)) >= 0:
                parts[-1] += part_of(span, at, end).spans
                parts.append([])
                at = end + len(separator)
            parts[-1] += part_of(span, at, len(span.text)).spans
        return [replace(self, spans=tuple(spans)) for spans in parts]

    def strip(self) -> SpannedString:
        """The same without blanks around it, where it is one span."""
        if len(self.spans) != 1 or self.spans[0].hole:
            return self
        text = self.spans[0].text
        begin = len(text) - len(text.lstrip())
        return replace(self, spans=part_of(self.spans[0], begin, max(len(text.rstrip()), begin)).spans)

    @property
    def text(self) -> str | None:
        """The whole text, or None if it has a hole."""
        if any(span.hole for span in self.spans):
            return None
        return "".join(span.text for span in self.spans)

    def through(self, name: str) -> SpannedString:
        """The same value, noted to be what `name` holds."""
        return replace(self, spans=tuple(span._replace(via=span.via or name) for span in self.spans))

    def standing_in(self, path: str) -> SpannedString:
        """The same value for another file: its characters stand in `path`, where they do not elsewhere."""
        return replace(self, spans=tuple(span._replace(origin=span.origin or path) for span in self.spans))

    @property
    def region(self) -> str | None:
        """The region that is assumed."""
        return dict(self.assumed).get("AWS::Region")

    def assuming(self, name: str, value: str) -> SpannedString:
        """The same value, noted to hold only when `name` has `value`."""
        return replace(self, assumed=self.assumed + ((name, value),) * ((name, value) not in self.assumed))

    def __add__(self, other: SpannedString) -> SpannedString:
        assumed = self.assumed + tuple(assumption for assumption in other.assumed if assumption not in self.assumed)
        return SpannedString(self.spans + other.spans, assumed)

    def agrees(self, other: SpannedString) -> bool:
        """Whether both can be true at once."""
        mine = dict(self.assumed)
        return all(mine.get(name, value) == value for name, value in other.assumed)


def concatenate(parts: Sequence[list[SpannedString]]) -> list[SpannedString]:
    """Every way to put the parts' values one after another without contradictions, up to a limit."""
    if all(len(values) == 1 and not values[0].assumed for values in parts):  # one way, as mostly
        spans = tuple([span for values in parts for span in values[0].spans])
        return [SpannedString.unknown("...") if len(spans) > _MAX_SPANS else SpannedString(spans)]
    whole = [SpannedString()]
    for values in parts:
        whole = [left + right for left in whole for right in values if left.agrees(right)][:_MAX_ALTERNATIVES]
        if any(len(value.spans) > _MAX_SPANS for value in whole):
            return [SpannedString.unknown("...")]
    return whole


def filled(
    value: SpannedString,
    placeholders: Callable[[str], Iterable[tuple[int, int]]],
    meaning: Callable[[Span, int, int], list[SpannedString]],
) -> list[SpannedString]:
    """Every value with its placeholders filled in; holes have none.

    Args:
        value: the text with the placeholders.
        placeholders: where they stand in a text, from the first to behind the last character, in order.
        meaning: the values of the placeholder between two offsets of a span.
    """
    parts = [[replace(value, spans=())]]
    for span in value.spans:
        at = 0
        for start, end in () if span.hole else placeholders(span.text):
            parts += [[part_of(span, at, start)], meaning(span, start, end)]
            at = end
        parts.append([part_of(span, at, len(span.text))])
    return concatenate(parts)


def part_of(span: Span, start: int, end: int) -> SpannedString:
    """A part of a span, by offsets into its text; a hole has no parts."""
    if span.hole:
        return SpannedString((span,))
    place = None if span.start is None else span.start + start
    return SpannedString((span._replace(text=span.text[start:end], start=place),))


class ComposedArn(NamedTuple):
    """A layer version ARN in a composed string.

    Attributes:
        partition, region, account, version: None where open.
        name: the layer's name, open parts as ``${...}``.
        arn_start, arn_origin: where the ARN begins, if it stands in a file.
        start, end: where the version's digits stand, if they stand in the file in one run.
        origin: the file that `start` and `end` are in, where it is not the file at hand.
        via: the parameter, variable or mapping that holds the version.
        written: the whole ARN, open parts as ``${...}``.
    """

    partition: str | None
    region: str | None
    account: str | None
    name: str
    version: int | None
    arn_start: int | None
    arn_origin: str
    start: int | None
    end: int | None
    origin: str
    via: str | None
    written: str


def open_reference(shown: str) -> ComposedArn:
    """A layer version that something else decides altogether: a parameter without a default, an import, a lookup."""
    return ComposedArn(None, None, None, shown, None, None, "", None, None, "", None, shown)


def is_open(value: SpannedString) -> bool:
    """Whether a value may be anything: only a deployment knows it, or a part of it."""
    return value.text is None or "{{resolve:" in value.text or "${" in value.text


def composed_arns(value: SpannedString) -> list[ComposedArn]:
    """The layer version ARNs in a composed string, those with an open version included."""
    if len(value.spans) == 1 and not value.spans[0].hole:
        return _plain(value.spans[0])
    whole = "".join([_HOLE if span.hole else span.text for span in value.spans])
    if ":layer:" not in whole:
        return []
    labels = [span.text for span in value.spans if span.hole]
    return [_read(match, whole, labels, value) for match in _ARN.finditer(whole)]


def _plain(span: Span) -> list[ComposedArn]:
    """The same for a string in one span, as most are."""
    if ":layer:" not in span.text:
        return []
    found = []
    for match in _ARN.finditer(span.text):
        partition, region, account, name, version = match.groups()
        start = None if span.start is None else span.start + match.start()
        arn = match[0]
        open_parts = "*" in arn or "?" in arn
        found.append(
            ComposedArn(
                None if open_parts and set(partition) & _WILD else partition,
                None if open_parts and set(region) & _WILD else region,
                None if open_parts and set(account) & _WILD else account,
                name, int(version), start, span.origin,
                None if start is None else start + len(arn) - len(version),
                None if start is None else start + len(arn),
                span.origin, span.via, arn,
            )
        )  # fmt: skip
    return found


def _read(match: re.Match[str], whole: str, labels: list[str], value: SpannedString) -> ComposedArn:
    def show(group: int | str) -> str:
        index = whole.count(_HOLE, 0, match.start(group))
        shown = match[group]
        for label in labels[index : index + shown.count(_HOLE)]:
            shown = shown.replace(_HOLE, f"${{{label}}}", 1)
        return shown

    def known(group: str) -> str | None:
        return None if set(match[group]) & {_HOLE, *_WILD} else match[group]

    region = known("region")
    if region is None and show("region") == "${AWS::Region}":
        region = value.region
    arn_start, head = _offset(value, match.start(), len("arn:"))
    version = match["version"]
    start, first = None, None
    if _HOLE not in version:
        start, first = _offset(value, match.start("version"), len(version))
    return ComposedArn(
        known("partition"),
        region,
        known("account"),
        show("name"),
        None if _HOLE in version else int(version),
        arn_start,
        head.origin if head else "",
        start,
        None if start is None else start + len(version),
        first.origin if first else "",
        first.via if first else None,
        show(0),
    )


def _offset(value: SpannedString, at: int, length: int) -> tuple[int | None, Span | None]:
    """Where `length` characters of the composed string stand, if in one run, and the span that they begin in."""
    position = 0
    first: Span | None = None
    begin = covered = 0
    for span in value.spans:
        size = 1 if span.hole else len(span.text)
        inside = max(at - position, 0)
        if inside < size and position < at + length:
            if span.start is None:
                return None, None
            here = span.start + inside
            if first is None:
                first, begin = span, here
            elif (here, span.origin) != (begin + covered, first.origin):
                return None, None
            covered += min(position + size, at + length) - (position + inside)
        position += size
    return (begin, first) if covered == length else (None, None)
