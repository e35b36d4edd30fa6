"""Draws one self-contained HTML page: no network, no time stamp, the same bytes for the same artifact.

Everything from the artifact is foreign text: Jinja escapes it in the markup, JSON carries it to the script, and a
Content-Security-Policy that allows this one script by its hash keeps anything else from running.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from layerctl import __version__
from layerctl.core.text import size_text
from layerctl.inspection.survey import KINDS, kind_of

if TYPE_CHECKING:
    import jinja2

    from layerctl.inspection.difference import Difference
    from layerctl.inspection.imports import Waterfall
    from layerctl.inspection.survey import Survey

__all__ = ["page", "percent_text", "signed_text", "treemap"]

_MAX_CHILDREN = 400  # tiles of one folder; smaller files than these would be below a pixel anyway
_MAX_ROWS = 60
_MAX_FILES = 300


def page(survey: Survey, difference: Difference | None = None, waterfall: Waterfall | None = None) -> str:
    """The whole page.

    Args:
        survey: of the artifact.
        difference: to an earlier one.
        waterfall: what its imports cost.
    """
    from markupsafe import Markup

    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rows, rest, floor = _rows(waterfall)
    return _template().render(
        s=survey,
        d=difference,
        kinds=KINDS,
        waterfall=waterfall,
        rows=rows,
        rest=rest,
        floor=floor,
        licences=_licences(survey),
        changes=_changes(difference),
        tool_version=__version__,
        style=Markup(_asset("page.css")),  # noqa: S704 (ours, from the package)
        script=Markup(script),  # noqa: S704 (ours, from the package)
        script_hash=Markup(f"sha256-{digest}"),  # noqa: S704 (base64)
        tree=Markup(_json(treemap(survey))),  # noqa: S704 (escaped for a script element by _json)
    )


def treemap(survey: Survey) -> dict[str, Any]:
    """The layer as nested nodes: ``n`` name, ``s`` bytes, ``k`` kind of a file, ``c`` children, ``i`` colour."""
    root: dict[str, Any] = {"n": f"{survey.name} {survey.version}".strip(), "s": survey.unzipped, "c": []}
    by_owner: dict[str, list[str]] = defaultdict(list)
    for path, owner in survey.owners.items():
        by_owner[owner].append(path)
    for index, part in enumerate(survey.parts):
        node = _folder(f"{part.name} {part.version}".strip(), by_owner[part.name], survey.sizes)
        root["c"].append({"n": node["n"], "s": node["s"], "c": _hoisted(node["c"]), "i": index})
    return root


def _folder(name: str, paths: list[str], sizes: dict[str, int], depth: int = 0) -> dict[str, Any]:
    leaves = []
    below: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        parts = path.split("/")
        if depth == len(parts) - 1:
            leaves.append({"n": parts[-1], "s": sizes[path], "k": kind_of(path)})
        else:
            below[parts[depth]].append(path)
    folders = [_folder(folder, inside, sizes, depth + 1) for folder, inside in below.items()]
    if len(folders) == 1 and not leaves and (depth == 0 or folders[0]["n"] != "__pycache__"):
        # a folder that holds nothing but one folder is no step of its own
        only = folders[0]
        return {"n": name if depth == 0 else f"{name}/{only['n']}", "s": only["s"], "c": only["c"]}
    children = sorted(folders + leaves, key=lambda node: (-node["s"], node["n"]))
    if len(children) > _MAX_CHILDREN:
        small = children[_MAX_CHILDREN:]
        rest = {"n": f"{len(small)} smaller", "s": sum(node["s"] for node in small), "k": "other"}
        children = [*children[:_MAX_CHILDREN], rest]
    return {"n": name, "s": sum(node["s"] for node in children), "c": children}


def _hoisted(children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A distribution's only package is no step of its own either: its content stands beside the metadata."""
    folders = [node for node in children if "c" in node and not node["n"].endswith((".dist-info", ".egg-info"))]
    if len(folders) != 1:
        return children
    rest = [node for node in children if node is not folders[0]]
    return sorted(folders[0]["c"] + rest, key=lambda node: (-node["s"], node["n"]))


def signed_text(size: int) -> str:
    """A difference in bytes, with its sign."""
    return f"{'+' if size > 0 else '-' if size < 0 else '±'}{size_text(abs(size))}"


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms"


def percent_text(share: float) -> str:
    """Rounded, but neither to nothing nor to a whole that it is not."""
    if 0.0 < share < 1.0:
        return f"{min(max(share * 100, 0.1), 99.9):.1f}%"
    return f"{share:.0%}" if share <= 1.0 else f"{share:.1%}"


def _rows(waterfall: Waterfall | None) -> tuple[list[dict[str, Any]], int, int]:
    """The imports that are worth a line: what fits, from the most expensive down, in the order in which they start."""
    if waterfall is None or not waterfall.total:
        return [], 0, 0
    ranked = sorted(waterfall.imports, key=lambda module: -module.total)
    floor = ranked[_MAX_ROWS - 1].total if len(ranked) > _MAX_ROWS else 0
    shown = [module for module in waterfall.imports if module.total >= floor][: 2 * _MAX_ROWS]
    rows = [
        {
            "name": module.name,
            "origin": module.origin,
            "depth": module.depth,
            "total": module.total,
            "x": f"{module.start / waterfall.total * 100:.3f}",
            "w": f"{module.total / waterfall.total * 100:.3f}",
            "s": f"{module.own / module.total * 100 if module.total else 100:.1f}",
        }
        for module in shown
    ]
    return rows, len(waterfall.imports) - len(shown), floor


def _licences(survey: Survey) -> list[tuple[str, list[str]]]:
    """Licence -> distributions; those that state none come first."""
    found: dict[str, list[str]] = defaultdict(list)
    for part in survey.parts:
        if part.version:
            found[part.licence].append(part.name)
    return [(licence, sorted(names)) for licence, names in sorted(found.items())]


def _changes(difference: Difference | None) -> list[tuple[str, list[Any], int]]:
    """Added, removed and changed files, as many as people will read, and how many more there are."""
    groups = []
    for how in ("added", "removed", "changed"):
        found = [change for change in (difference.files if difference is not None else ()) if change.how == how]
        found.sort(key=lambda change: (-abs(change.bytes), change.path))
        if found:
            groups.append((how, found[:_MAX_FILES], max(0, len(found) - _MAX_FILES)))
    return groups


def _json(data: Any) -> str:
    """JSON that may stand in a script element: no character that HTML would read there (HTML standard, 4.12.1.3)."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@cache
def _asset(name: str) -> str:
    return (files("layerctl.inspection") / name).read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters.update(size=size_text, signed=signed_text, ms=_milliseconds, percent=percent_text)
    return environment.from_string(_asset("page.html.jinja"))
