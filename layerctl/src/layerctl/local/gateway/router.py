"""Which route a request takes.

API Gateway developer guide, "Routes for HTTP APIs": a full match first, then a greedy path variable, then
``$default``; the most specific one wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.templates.sam import Route

__all__ = ["Match", "Router"]

Target = TypeVar("Target")
_VARIABLE = re.compile(r"\{([^{}/+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Match(Generic[Target]):
    """A route that fits, whom it leads to, and what its path variables are, decoded."""

    route: Route
    target: Target
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One part of a route's path: text, a variable, or a greedy variable that takes all that is left."""

    text: str
    variable: bool = False
    greedy: bool = False


class Router(Generic[Target]):
    """The routes of all functions that are served on one port.

    Args:
        routes: each with whom it leads to, and a description of that for messages.

    Raises:
        LayerctlError: two routes are the same, or a path is malformed.
    """

    def __init__(self, routes: Iterable[tuple[Route, Target, str]]) -> None:
        taken: dict[tuple[str, str], str] = {}
        self._entries: list[tuple[list[_Segment], Route, Target]] = []
        for route, target, whose in routes:
            key = (route.method, _VARIABLE.sub(r"{\2}", route.path))
            if key in taken:
                raise LayerctlError(
                    f"{route.key} leads to {taken[key]} and to {whose}",
                    hint="change one path, or serve each from a template and port of its own",
                )
            taken[key] = whose
            self._entries.append((_segments(route, whose), route, target))
        self._entries.sort(key=lambda entry: _rank(entry[0], entry[1]))
        self.routes = [route for _, route, _ in self._entries]

    def match(self, method: str, raw_path: str) -> Match[Target] | None:
        """Find the most specific route for a request, or None.

        Args:
            method: in capitals.
            raw_path: as it came, percent-encoded, without the query.
        """
        parts = raw_path.split("/")[1:]
        for segments, route, target in self._entries:
            if route.method not in (method, "ANY"):
                continue
            # A REST API takes a slash at the end for nothing; an HTTP API does not.
            given = parts[:-1] if route.api == "rest" and len(parts) > 1 and not parts[-1] else parts
            parameters = {} if route.path == "$default" else _fit(segments, given)
            if parameters is not None:
                return Match(route, target, parameters)
        return None


def _segments(route: Route, whose: str) -> list[_Segment]:
    segments = []
    for part in route.path.split("/")[1:]:
        found = _VARIABLE.fullmatch(part)
        if found is None and ("{" in part or "}" in part):
            raise LayerctlError(f"{whose}: the path {route.path} has a malformed variable", hint="expected {name}")
        segments.append(_Segment(part) if found is None else _Segment(found[1], variable=True, greedy=bool(found[2])))
    if any(segment.greedy for segment in segments[:-1]):
        raise LayerctlError(f"{whose}: the path {route.path} goes on after a greedy variable")
    return segments


def _rank(segments: list[_Segment], route: Route) -> tuple[list[int], bool]:
    """Sorts the most specific first: segment by segment, text before variable before greedy; a method before ANY."""
    if route.path == "$default":
        return [3], True
    return [segment.variable + segment.greedy for segment in segments], route.method == "ANY"


def _fit(segments: list[_Segment], parts: list[str]) -> dict[str, str] | None:
    """The values of the path variables when the parts of a path fit, else None."""
    parameters: dict[str, str] = {}
    for number, segment in enumerate(segments):
        if number >= len(parts):
            return None
        if segment.greedy:
            rest = unquote("/".join(parts[number:]))
            return {**parameters, segment.text: rest} if rest else None
        value = unquote(parts[number])
        if segment.variable and value:
            parameters[segment.text] = value
        elif segment.variable or segment.text != value:
            return None
    return parameters if len(parts) == len(segments) else None
