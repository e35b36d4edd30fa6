"""Which route a request takes, in which API.

API Gateway developer guide, "Routes for HTTP APIs": a full match first, then a greedy path variable, then ``$default``;
the most specific one wins. A path may begin with the stage's name, as in the URL that AWS gives an API
(``https://ID.execute-api.REGION.amazonaws.com/STAGE/…``), or not, as behind a domain of one's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from layerctl.templates.sam import Api, Route

__all__ = ["Match", "Router", "by_port"]

Target = TypeVar("Target")
_VARIABLE = re.compile(r"\{([^{}/+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Match(Generic[Target]):
    """A route that fits.

    Attributes:
        target: whom it leads to.
        path: the request's path within the stage, percent-encoded.
        parameters: the path variables, decoded, except in REST APIs.
    """

    route: Route
    target: Target
    path: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One part of a route's path: text, a variable, or a greedy variable that takes all that is left."""

    text: str
    variable: bool = False
    greedy: bool = False


class Router(Generic[Target]):
    """The routes that are served on one port.

    Args:
        routes: each with whom it leads to, and a description of that for messages.

    Raises:
        LayerctlError: two routes are the same, or a path is malformed.
    """

    def __init__(self, routes: Iterable[tuple[Route, Target, str]]) -> None:
        taken: dict[tuple[str, str], str] = {}
        self._entries: list[tuple[list[_Segment], Route, Target]] = []
        for route, target, whose in routes:
            segments = _segments(route, whose)
            key = (route.method, _VARIABLE.sub(r"{\2}", _path(route)))
            if key in taken:
                raise LayerctlError(
                    f"{route.key} leads to {taken[key]} and to {whose}",
                    hint="change one path, or serve each from a template and port of its own",
                )
            taken[key] = whose
            self._entries.append((segments, route, target))
        self._entries.sort(key=lambda entry: _rank(entry[0], entry[1]))
        self.routes = [route for _, route, _ in self._entries]
        self.apis = list(dict.fromkeys(route.api for route in self.routes))
        # What the first part of a path may be, per API, beside the stage's name.
        self._first: dict[Api, set[str]] = {api: set() for api in self.apis}
        for segments, route, _ in self._entries:
            if segments and not segments[0].variable:
                self._first[route.api].add(segments[0].text)

    def match(self, method: str, raw_path: str) -> Match[Target] | None:
        """Find the most specific route for a request, or None.

        Args:
            method: in capitals.
            raw_path: as it came, percent-encoded, without the query.
        """
        for match in self._fitting(raw_path):
            if match.route.method in (method, "ANY"):
                return match
        return None

    def owner(self, raw_path: str) -> Api | None:
        """The API that a path belongs to, whatever the method; None where several might be meant, or there is none."""
        for match in self._fitting(raw_path):
            return match.route.api
        return self.apis[0] if len(self.apis) == 1 else None

    def methods(self, api: Api, raw_path: str) -> list[str]:
        """The methods for which an API has the path."""
        fitting = [match.route for match in self._fitting(raw_path) if match.route.api == api]
        return [route.method for route in fitting if _path(route) == _path(fitting[0])]

    def _fitting(self, raw_path: str) -> Iterable[Match[Target]]:
        """Every route that has the path, the most specific first."""
        within = {api: self._within_stage(api, raw_path) for api in self.apis}
        for segments, route, target in self._entries:
            path = within[route.api]
            parameters = {} if route.path == "$default" else _fit(segments, path, route.api)
            if parameters is not None:
                yield Match(route, target, path, parameters)

    def _within_stage(self, api: Api, raw_path: str) -> str:
        first, slash, rest = raw_path.removeprefix("/").partition("/")
        if api.stage == "$default" or first != api.stage or first in self._first[api]:
            return raw_path
        return f"/{rest}" if slash else "/"


def by_port(routes: Sequence[tuple[Route, Target, str]]) -> list[list[tuple[Route, Target, str]]]:
    """Share routes out among ports: an API whose paths another one has too gets a port of its own.

    A function URL takes every path, so it has a port of its own as well, unless it is alone.

    Raises:
        LayerctlError: a path is malformed.
    """
    ports: list[list[tuple[Route, Target, str]]] = []
    apis = dict.fromkeys(route.api for route, _, _ in routes)
    for api in sorted(apis, key=lambda api: api.kind == "url"):
        own = [entry for entry in routes if entry[0].api == api]
        if api.kind != "url" and (port := next((port for port in ports if _goes_with(own, port)), None)):
            port += own
        else:
            ports.append(list(own))
    return ports


def _goes_with(own: list[tuple[Route, Target, str]], port: list[tuple[Route, Target, str]]) -> bool:
    if port[0][0].api.kind == "url":
        return False
    return not any(
        _overlap(_segments(route, whose), _segments(other, another)) or "$default" in (route.path, other.path)
        for route, _, whose in own
        for other, _, another in port
    )


def _overlap(path: list[_Segment], other: list[_Segment]) -> bool:
    """Whether a path fits both."""
    for left, right in zip(path, other, strict=False):
        if left.greedy or right.greedy:
            return True
        if left.text != right.text and not left.variable and not right.variable:
            return False
    return len(path) == len(other)


def _path(route: Route) -> str:
    """The path of a route. REST APIs take a slash at the end for nothing, in the template too."""
    path = route.path
    return path.rstrip("/") or "/" if route.api.kind == "rest" else path


def _segments(route: Route, whose: str) -> list[_Segment]:
    segments = []
    for part in _path(route).split("/")[1:]:
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


def _fit(segments: list[_Segment], path: str, api: Api) -> dict[str, str] | None:
    """The values of the path variables when a path fits, else None.

    An HTTP API decodes the path before it looks for a route, so that an encoded slash divides; a REST API compares part
    by part, and hands on what the client sent. It takes a slash at the end for nothing, an HTTP API does not.
    """
    rest = api.kind == "rest"
    parts = (path if rest else unquote(path)).split("/")[1:]
    if rest and len(parts) > 1 and not parts[-1]:
        parts = parts[:-1]
    parameters: dict[str, str] = {}
    for number, segment in enumerate(segments):
        if number >= len(parts):
            return None
        if segment.greedy:
            value = "/".join(parts[number:])
            return {**parameters, segment.text: value} if value else None
        value = parts[number]
        if segment.variable and value:
            parameters[segment.text] = value
        elif segment.variable or segment.text != (unquote(value) if rest else value):
            return None
    return parameters if len(parts) == len(segments) else None
