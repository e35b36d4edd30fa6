"""The parts of a template that are files of their own: nested stacks and applications, and a service's functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.templates.yaml import children, get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Part", "included_functions"]

_FILE = re.compile(r"\$\{file\(([^()]*)\)")


class Part(NamedTuple):
    """A part of a template that is another file.

    Attributes:
        what: what it is, for people.
        offset: where its location stands.
        path: the file, where it is on this machine; None: it is elsewhere, or not there.
        shared: whether it is an application of the Serverless Application Repository.
    """

    what: str
    offset: int
    path: Path | None
    shared: bool


def included_functions(root: yaml.Node, path: Path) -> Iterator[Part]:
    """Find the files of functions that a serverless.yml includes, those that are here; `path` is its file."""
    pending = [node for node in (get(root, "functions"), get(root, "provider", "layers")) if node is not None]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        pending += children(node)
        for match in _FILE.finditer(str(node.value) if isinstance(node, yaml.ScalarNode) else ""):
            found = path.parent / match[1].strip()
            if found.suffix in {".yml", ".yaml", ".json"} and found.is_file():
                yield Part("what is included here", node.start_mark.index, found, False)
