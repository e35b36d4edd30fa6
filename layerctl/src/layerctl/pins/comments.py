"""The comment behind a pin that says for people which release it is: ``# shared-utils 1.4.0``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Comment", "appended_comment", "commentable", "trailing_comment"]

_RELEASE = r"\d+\.\d+\.\d+(?:(?:-|\+|a|b|rc|\.dev|\.post)[0-9A-Za-z.+-]*[0-9A-Za-z]|[a-z]+\d+)?"
# A comment's beginning in YAML, TOML, HCL, Python, shell (#), in JavaScript, Java, Go (//, /*), in SQL and Lua (--), in
# HTML and Markdown (<!--).
_BEGIN = re.compile(r"(?<=[\s\"'`,;)\]}])(?:#|//|/\*|--|<!--)")
_BARE = re.compile(rf"\s*v?(?P<release>{_RELEASE})\s*(?:\*/|-->)?\s*")

# How each kind of file begins a comment; JSON and Markdown have none.
_MARKERS = {
    **dict.fromkeys(
        (".yaml", ".yml", ".template", ".cfn", ".toml", ".tf", ".tfvars", ".hcl", ".py", ".sh", ".rb"), "#"
    ),
    **dict.fromkeys((".ts", ".tsx", ".js", ".mjs", ".cjs", ".java", ".kt", ".go", ".cs", ".jsonc", ".groovy"), "//"),
}
# What may stand between a pin and a comment that is appended: the end of a string, brackets, separators.
_CLOSING = re.compile(r"[\"'`]?[\])},;\s]*")


class Comment(NamedTuple):
    """Where a comment names a release: the release's characters."""

    release: str
    start: int
    end: int


def trailing_comment(text: str, end: int, line_end: int, layer: str, *, alone: bool) -> Comment | None:
    """Find the release that a comment behind a pin names.

    Args:
        text: the file's text.
        end: where the version's digits end.
        line_end: where the line ends.
        layer: the layer's name; the comment says it before the release.
        alone: whether no other pin stands on the line; then a comment that is nothing but a release counts too.
    """
    begin = _BEGIN.search(text, end, line_end)
    if begin is None:
        return None
    named = re.compile(rf"(?<![\w-]){re.escape(layer)}[\s:=@]+v?(?P<release>{_RELEASE})(?![\w.]*\w)", re.IGNORECASE)
    match = named.search(text, begin.end(), line_end)
    if match is None and alone:
        match = _BARE.fullmatch(text, begin.end(), line_end)
    return Comment(match["release"], *match.span("release")) if match else None


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
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = text[line_start:start]
    follows = text[end:line_end].lstrip()[:1]
    opened = next((quote for quote in reversed(before) if quote in "\"'`"), None)
    if opened is not None and before.count(opened) % 2 and follows != opened:
        return None  # the string goes on in the next line
    if opened is None and suffix not in {".yaml", ".yml", ".template", ".cfn"} and not before.strip().endswith("="):
        return None  # in a string that began in a line above (a heredoc, a docstring)
    stop = len(text[:line_end].rstrip(" \t"))
    return stop, f"  {marker} {words}"


def commentable(text: str, path: Path, at: int) -> bool:
    """Whether a comment behind this place would be one: in YAML, not in a block or a text over several lines."""
    if path.suffix.lower() not in {".yaml", ".yml", ".template", ".cfn"}:
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
