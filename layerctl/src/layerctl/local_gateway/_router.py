"""Which route a request takes.

API Gateway developer guide, "Routes for HTTP APIs": a full match first, then a greedy path variable, then
``$default``; the most specific one wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from layerctl.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.sam_template import Route

__all__ = ["Match", "Router"]

Target = TypeVar("Target")
_VARIABLE = re.compile(r"\{([^{}/+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Match(Generic[Target]):
    """A route that fits, whom it leads to, and what its path variables are, decoded."""

    route: Route
    target: Target
    parameters: dict[str, str]


class Router(Generic[Target]):
    """The routes of all functions that are served on one port.

    Args:
        routes: each with whom it leads to, and a description of that for messages.

    Raises:
        LayerctlError: two routes are the same, or a path is malformed.
    """

    def __init__(self, routes: Iterable[tuple[Route, Target, str]]) -> None:
        taken: dict[tuple[str, str], str] = {}
        self._entries: list[tuple[tuple[tuple[int, ...], bool], re.Pattern[str], Route, Target]] = []
        for route, target, whose in routes:
            key = (route.method, _VARIABLE.sub(r"{\2}", route.path))
            if key in taken:
                raise LayerctlError(
                    f"{route.key} leads to {taken[key]} and to {whose}",
                    remedy="serve their templates on ports of their own",
                )
            taken[key] = whose
            self._entries.append((_rank(route), _pattern(route, whose), route, target))
        self._entries.sort(key=lambda entry: entry[0])
        self.routes = [entry[2] for entry in self._entries]

    def match(self, method: str, raw_path: str) -> Match[Target] | None:
        """Find the most specific route for a request, or None.

        Args:
            method: in capitals.
            raw_path: as it came, percent-encoded, without the query.
        """
        for _, pattern, route, target in self._entries:
            if route.method not in (method, "ANY"):
                continue
            # A REST API takes a slash at the end for nothing; an HTTP API does not.
            path = raw_path.rstrip("/") or "/" if route.api == "rest" else raw_path
            if found := pattern.fullmatch(path):
                return Match(route, target, dict(zip(_names(route), map(unquote, found.groups()), strict=True)))
        return None


def _names(route: Route) -> list[str]:
    return [found[1] for found in _VARIABLE.finditer(route.path)]


def _rank(route: Route) -> tuple[tuple[int, ...], bool]:
    """Sorts the most specific first: segment by segment, text before variable before greedy; a method before ANY."""
    if route.path == "$default":
        return (3,), True
    kinds = []
    for segment in route.path.split("/")[1:]:
        found = _VARIABLE.fullmatch(segment)
        kinds.append(0 if found is None else 2 if found[2] else 1)
    return tuple(kinds), route.method == "ANY"


def _pattern(route: Route, whose: str) -> re.Pattern[str]:
    if route.path == "$default":
        return re.compile(r".*", re.DOTALL)
    parts = []
    for segment in route.path.split("/")[1:]:
        found = _VARIABLE.fullmatch(segment)
        if found is None and ("{" in segment or "}" in segment):
            raise LayerctlError(f"{whose}: the path {route.path} has a malformed variable", remedy="expected {name}")
        parts.append(re.escape(segment) if found is None else "(.+)" if found[2] else "([^/]+)")
    return re.compile("/" + "/".join(parts), re.DOTALL)
