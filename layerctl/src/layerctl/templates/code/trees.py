"""Syntax trees whose offsets are those of the text, by tree-sitter's grammars.

tree-sitter reads what is broken as well, and gives the exact place of each part. Python's own `ast` does neither: it
refuses what another version of Python wrote, knows no parts of adjacent strings, and places parts of f-strings from
Python 3.12 on only.
"""

from __future__ import annotations

import time
import unicodedata
from bisect import bisect_left
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from layerctl.templates.source import FileFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node, Parser

__all__ = ["GRAMMARS", "PROGRAMS", "parse_tree", "unread"]

# The dialect with JSX reads JavaScript too; it does not know TypeScript's `<T>value`.
_TSX = ("tree_sitter_typescript", "language_tsx")
_TYPESCRIPT = ("tree_sitter_typescript", "language_typescript")
GRAMMARS = {
    ".tf": ("tree_sitter_hcl", "language"),
    ".tfvars": ("tree_sitter_hcl", "language"),
    ".py": ("tree_sitter_python", "language"),
    **dict.fromkeys((".ts", ".mts", ".cts"), _TYPESCRIPT),
    **dict.fromkeys((".tsx", ".js", ".jsx", ".mjs", ".cjs"), _TSX),
}
PROGRAMS = frozenset(GRAMMARS) - {".tf", ".tfvars"}
_CHUNK = 65_536
# Code takes 0.3 microseconds a character, ten times that where most of it is broken. Recovering from some errors takes
# quadratic time, which nobody's pull request shall cost everybody.
_SECONDS, _SECONDS_PER_CHARACTER, _MAX_SECONDS = 0.2, 5e-6, 10.0


def parse_tree(text: str, suffix: str) -> Node | None:
    """Return the top node, or None if it takes too long; its offsets in bytes are offsets into `text`."""
    data = _one_byte_each(text)
    parser = _parser(*GRAMMARS[suffix])
    end = time.thread_time() + min(_SECONDS + len(data) * _SECONDS_PER_CHARACTER, _MAX_SECONDS)
    try:
        return parser.parse(
            lambda at, _: data[at : at + _CHUNK],
            progress_callback=lambda _, __: time.thread_time() > end,
        ).root_node
    except ValueError:
        parser.reset()
        return None


def unread(root: Node | None, marks: Sequence[int]) -> FileFault | None:
    """The first part that is no code in the language, as far as the grammar knows it, and speaks of layers.

    Args:
        root: the file's tree.
        marks: the offsets at which the text speaks of layers, in order.
    """
    if root is None:
        return FileFault("its structure takes too long to read", "leave it out, or mend what is broken in it", 0)
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.has_error or bisect_left(marks, node.start_byte) == bisect_left(marks, node.end_byte):
            continue
        if node.is_error:
            message = "what stands here is not understood: layer versions that it puts together were not read"
            return FileFault(message, "mend the file", node.start_byte)
        stack += reversed(node.children)
    return None


@cache
def _parser(module: str, language: str) -> Parser:
    from tree_sitter import Language, Parser

    return Parser(Language(getattr(import_module(module), language)()))


def _one_byte_each(text: str) -> bytes:
    """The text with something of the same kind and of one byte in place of each character that has more."""
    if not text.isascii():
        text = text.translate(_ASCII)
    if "\r" in text and "\n" not in text:  # a classic Mac's line ends
        text = text.replace("\r", "\n")
    return text.encode("ascii")


class _Ascii(dict[int, int]):
    def __missing__(self, code: int) -> int:
        blank = chr(code).isspace() or unicodedata.category(chr(code)) == "Cf"
        self[code] = code if code < 128 else ord(" " if blank else "_")
        return self[code]


_ASCII = _Ascii()
