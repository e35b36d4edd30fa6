"""Bytecode that outlives its source: one layer's `.pyc` beside another layer's `.py`.

Python never compares an unchecked-hash .pyc with its source (PEP 552), and such bytecode is what layers ship to start
fast. When a later layer overwrites the source but brings no bytecode of its own, Python goes on running the old code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from layerctl.core.text import some
from layerctl.rules.shared import BYTECODE_STALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.core.diagnostics import Finding

__all__ = ["check_bytecode"]

_UNCHECKED = b"\x01\x00\x00\x00"  # PEP 552: hash-based, check_source not set


def check_bytecode(case: FunctionCase) -> Iterator[Finding]:
    """Find the sources whose bytecode comes from another layer."""
    function, parts = case.function, case.parts
    if function.runtime is None or function.runtime.python is None:
        return
    tag = "cpython-{}{}".format(*function.runtime.python)
    cached = re.compile(rf"(?P<folder>(?:.*/)?)__pycache__/(?P<stem>[^/]+)\.{tag}\.pyc")
    merged = {path: part for part in parts if not part.is_code for path in part.content.entries}
    stale: dict[tuple[int, int], list[str]] = defaultdict(list)
    by_index = {part.index: part for part in parts}
    for path, compiled_by in merged.items():
        match = cached.fullmatch(path)
        if match is None:
            continue
        source = f"{match['folder']}{match['stem']}.py"
        wins = merged.get(source)
        if wins is None or wins is compiled_by or compiled_by.content.same(source, wins.content):
            continue
        if compiled_by.content.read(path)[4:8] == _UNCHECKED:
            stale[wins.index, compiled_by.index].append(source)
    for (winning, older), sources in sorted(stale.items()):
        winner, loser = by_index[winning], by_index[older]
        yield BYTECODE_STALE.at(
            winner.place,
            f"Python runs the bytecode that {loser.label} has of {some([f'/opt/{source}' for source in sources])}, "
            f"though {winner.label} overwrites the source",
            "put the layer with the bytecode last, or ship bytecode in both",
        )
