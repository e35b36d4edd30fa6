"""The comment at a pin that says for people which release it is: ``# shared-utils 1.4.0``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Mention", "appended_comment", "commentable", "mention_of"]

_SUFFIX = r"(?:(?:-|\+|a|b|rc|\.dev|\.post)[0-9A-Za-z.+-]*[0-9A-Za-z]|[a-z]+\d+)?(?![\w.]*\w)"
_RELEASE = rf"\d+(?:\.\d+)+{_SUFFIX}"
_FULL_RELEASE = rf"\d+(?:\.\d+){{2,}}{_SUFFIX}"
# What makes a release a bound and not the one that is pinned.
_BOUND = r"(?!\s*(?:\+|(?:or|and)\s+(?:newer|later|above|higher|up|older|below)\b))"
_NO_BOUND = r"(?<!since )(?<!until )(?<!before )(?<!after )(?<!than )(?<!needs )(?<!requires )"
_WORDS = r"(?:(?:layer|release|version|is|at)\b[\s:=@(,-]*)*"
# A comment that begins with a release, and says nothing else of it ("1.4.0 of boto3").
_BARE = re.compile(
    rf"[\s(]*(?P<gone>{_WORDS}v?(?P<release>{_FULL_RELEASE})\)?){_BOUND}(?P<gap>\s*(?:$|[-,;:.()\u2013\u2014]+\s*))"
)

# How each kind of file begins a comment. Any other kind, as Markdown, may hold pieces of all of them.
_HASH = (".yaml", ".yml", ".template", ".cfn", ".toml", ".py", ".sh", ".rb")
_HASH_OR_SLASHES = (".tf", ".tfvars", ".hcl")
_SLASHES = (".ts", ".tsx", ".js", ".mjs", ".cjs", ".java", ".kt", ".go", ".cs", ".json", ".jsonc", ".groovy")
_STYLES = {
    **dict.fromkeys(_HASH, "#"),
    **dict.fromkeys(_HASH_OR_SLASHES, r"#|//|/\*"),
    **dict.fromkeys(_SLASHES, r"//|/\*"),
}
_ANY_STYLE = r"#|//|/\*|--|<!--|;"
_ENDS = {"/*": "*/", "<!--": "-->"}
# What begins a comment that is added.
_MARKERS = {**dict.fromkeys(_HASH + _HASH_OR_SLASHES, "#"), **dict.fromkeys(_SLASHES, "//"), ".json": None}
# What may stand between a pin and a comment that is appended: the end of a string, brackets, separators.
_CLOSING = re.compile(r"[\"'`]?[\])},;\s]*")
_YAML = frozenset({".yaml", ".yml", ".template", ".cfn"})
_LINES_ABOVE = 6


class Mention(NamedTuple):
    """Where a comment names the release of a pin.

    Attributes:
        release: what it says.
        start, end: the release's characters.
        gone: the characters that go with it where the new release is not known: the whole comment if it says no more.
    """

    release: str
    start: int
    end: int
    gone: tuple[int, int]


class _Comment(NamedTuple):
    """A comment within one line: where it begins, where its words are, where it ends."""

    start: int
    words: int
    words_end: int
    end: int


def mention_of(
    text: str, at: tuple[int, int, int], layer: str, suffix: str, *, pinned: frozenset[int]
) -> Mention | None:
    """Find the release that a comment names for a pin: behind it, before it on its line, or above it.

    Args:
        text: the file's text.
        at: where the pin begins (its ARN, or its version where that stands apart), and where the version's digits
            begin and end.
        layer: the layer's name. A comment says it beside the release; one that stands with a single pin may be
            nothing but a release.
        suffix: the file's, in lower case, which tells what begins a comment.
        pinned: where the versions of the file's other pins begin.
    """
    top, start, end = at
    style = _STYLES.get(suffix, _ANY_STYLE)
    line, stop = _line(text, start)
    alone = not any(line <= other < stop for other in pinned)
    here = list(_comments(text, line, stop, style, slashes="/" in style))
    behind = [comment for comment in here if comment.start >= end]
    before = [comment for comment in here if comment.end <= start]
    for comment in [*behind, *reversed(before)]:
        if found := _mention(text, comment, layer, bare=alone):
            return found
    adjacent = True
    first, _ = _line(text, min(top, start))
    for _ in range(_LINES_ABOVE):
        if line == 0:
            return None
        within = line > first  # the expression began above the version
        line, stop = _line(text, line - 1)
        if not text[line:stop].strip() or any(line <= other < stop for other in pinned):
            return None
        comments = list(_comments(text, line, stop, style, slashes="/" in style))
        whole = any(not text[line : comment.start].strip() for comment in comments)
        for comment in comments:
            if found := _mention(text, comment, layer, bare=alone and adjacent and (whole or within)):
                return found
        adjacent &= whole or within
    return None


def _line(text: str, at: int) -> tuple[int, int]:
    """The line that holds an offset (its end included): where it begins, and where it ends before its line end."""
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    if at and text[at - 1 : at + 1] == "\r\n":
        begin = max(text.rfind("\n", 0, at - 1), text.rfind("\r", 0, at - 1)) + 1
    stops = [stop for stop in (text.find("\n", begin), text.find("\r", begin, begin + 10_000)) if stop >= 0]
    return begin, min(stops, default=len(text))


def _comments(text: str, line: int, stop: int, style: str, *, slashes: bool) -> Iterator[_Comment]:
    """The comments of one line. A line of a block comment in the way of JSDoc is one, too."""
    inner = re.compile(r"\s*\*(?!/)").match(text, line, stop) if slashes else None
    if inner is not None:
        close = text.find("*/", inner.end(), stop)
        yield _Comment(inner.end() - 1, inner.end(), stop if close < 0 else close, stop if close < 0 else close)
        return
    begin = re.compile(rf"(?<![^\s\"'`,;()\[\]{{}}])(?:{style})")
    at = line
    while (match := begin.search(text, at, stop)) is not None:
        ending = _ENDS.get(match[0])
        close = text.find(ending, match.end(), stop) if ending else -1
        at = close + len(ending) if ending and close >= 0 else stop
        yield _Comment(match.start(), match.end(), close if close >= 0 else stop, at)


def _mention(text: str, comment: _Comment, layer: str, *, bare: bool) -> Mention | None:
    name = re.sub(r"(?:\\-|_)", "[-_ ]", re.escape(layer))
    named = re.compile(
        rf"{_NO_BOUND}(?<![\w-]){name}(?P<gone>[\s:=@(,-]+{_WORDS}v?(?P<release>{_RELEASE})\)?){_BOUND}", re.IGNORECASE
    )
    reverse = re.compile(
        rf"{_NO_BOUND}(?<![\w.])(?P<gone>v?(?P<release>{_RELEASE}) (?:of|from) (?:the )?){name}(?![\w-])", re.IGNORECASE
    )
    span = comment.words, comment.words_end
    match = named.search(text, *span) or reverse.search(text, *span)
    start, end = match.span() if match else (0, 0)
    if match is None and bare:
        match = _BARE.match(text, *span)
        start, end = (match.start("gone"), match.end()) if match else (0, 0)
    if match is None:
        return None
    rest = text[comment.words : start] + text[end : comment.words_end]
    if re.search(r"\w", rest):  # it says more
        gone = (start, end) if "gap" in match.groupdict() else match.span("gone")
    else:
        gone = _whole(text, comment)
    return Mention(match["release"], *match.span("release"), gone)


def _whole(text: str, comment: _Comment) -> tuple[int, int]:
    """What goes with a comment: its line if nothing else stands there, else the blanks before it."""
    line, stop = _line(text, comment.start)
    before, behind = text[line : comment.start], text[comment.end : stop]
    if before.strip() or behind.strip():
        return comment.start - (len(before) - len(before.rstrip(" \t"))), comment.end
    end = stop + (2 if text[stop : stop + 2] == "\r\n" else 1)
    return line, min(end, len(text))


def appended_comment(
    text: str, start: int, end: int, *, line_end: int, suffix: str, words: str
) -> tuple[int, str] | None:
    """Where and what to write to add a comment, or None where none can stand.

    None for kinds of files without comments, where a comment or something else follows already, and inside of
    strings that go on in the next line.
    """
    marker = _MARKERS.get(suffix)
    if marker is None or _CLOSING.fullmatch(text, end, line_end) is None:
        return None
    before = text[_line(text, start)[0] : start]
    follows = text[end:line_end].lstrip()[:1]
    opened = next((quote for quote in reversed(before) if quote in "\"'`"), None)
    if opened is not None and before.count(opened) % 2 and follows != opened:
        return None  # the string goes on in the next line
    if opened is None and suffix not in _YAML and not before.strip().endswith("="):
        return None  # in a string that began in a line above (a heredoc, a docstring)
    stop = len(text[:line_end].rstrip(" \t"))
    return stop, f"  {marker} {words}"


def commentable(text: str, path: Path, at: int) -> bool:
    """Whether a comment behind this place would be one: in YAML, not in a block or a text over several lines."""
    if path.suffix.lower() not in _YAML:
        return True
    from yaml import ScalarNode

    from layerctl.templates.yaml import NodeError, Tree, children

    try:
        stack = list(Tree.parse(text).documents)
    except NodeError:
        return False
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            if node.start_mark.index <= at < node.end_mark.index:
                return node.style not in {"|", ">"} and node.start_mark.line == node.end_mark.line
        else:
            stack += children(node)
    return False
