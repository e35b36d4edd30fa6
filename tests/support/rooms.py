"""The rooms of shared_utils as a picture: `make picture` draws it into docs/architecture.md.

Rooms and their order are those of the layers contract in pyproject.toml, the lines are the imports of the code.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import grimp

__all__ = ["draw", "imports", "layers", "room_of"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/architecture.md"
PICTURE = re.compile(r"(?<=<!-- drawn by `make picture` -->\n)```mermaid\n.*?```\n", re.DOTALL)
CONTRACT = "The rooms of shared_utils, each above those that it uses"


@cache
def layers() -> list[list[str]]:
    """Return the rooms of each layer, from the top, as modules' names without the package's."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one["name"] == CONTRACT]
    return [
        [room.strip(" ()").removeprefix("shared_utils.") for room in layer.split("|")] for layer in contract["layers"]
    ]


def room_of(module: str) -> str | None:
    """Return the room that a module is in, None for one that is in none."""
    name = module.removeprefix("shared_utils.")
    return next((room for layer in layers() for room in layer if name == room or name.startswith(f"{room}.")), None)


@cache
def imports() -> dict[str, set[str]]:
    """Return the rooms that each room imports, within functions too."""
    graph = grimp.build_graph("shared_utils", exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {room: set() for layer in layers() for room in layer}
    for module in graph.modules:
        room = room_of(module)
        for imported in graph.find_modules_directly_imported_by(module):
            other = room_of(imported)
            if room and other and other != room:
                found[room].add(other)
    return found


def _reach(room: str) -> set[str]:
    """Return every room that a room imports, directly or by others."""
    return {other for direct in imports()[room] for other in (direct, *_reach(direct))}


def draw() -> str:
    """Return the picture as mermaid. A line that a longer way makes plain is left out."""
    there = {
        room for layer in layers() for room in layer if imports()[room] or any(map({room}.issubset, imports().values()))
    }
    lines = ["flowchart TD"]
    for number, layer in enumerate(layers()):
        rooms = [room for room in layer if room in there]
        if rooms:
            lines.append(f'    subgraph layer{number}[" "]')
            lines += [f'        {room.replace(".", "_")}["{room}"]' for room in rooms]
            lines.append("    end")
    for room, others in imports().items():
        by_others = {far for other in others for far in _reach(other)}
        lines += [f"    {room} --> {other}".replace(".", "_") for other in sorted(others - by_others)]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(PICTURE.sub(lambda _: draw(), text), "utf-8")
