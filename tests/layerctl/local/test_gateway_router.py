"""Which route a request takes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.core.errors import LayerctlError
from layerctl.local.gateway import Router, by_port
from layerctl.templates.sam import Api, Route


def route(key: str, api: str = "http") -> Route:
    """A route from its key, ``GET /todos``."""
    method, _, path = key.partition(" ")
    if key == "$default":
        method, path = "ANY", key
    return Route(Api(api, api), method, path, "2.0" if api == "http" else "1.0", 30.0)  # type: ignore[arg-type]


def router(*keys: str, api: str = "http") -> Router[str]:
    """A router whose routes lead to their own keys."""
    return Router([(route(key, api), key, key) for key in keys])


def taken(routes: Router[str], method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The key of the route that a request takes, and its path variables."""
    match = routes.match(method, path)
    return match and (match.target, match.parameters)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/pets/dog/1", ("GET /pets/dog/1", {})),
        ("GET", "/pets/dog/2", ("GET /pets/dog/{id}", {"id": "2"})),
        ("GET", "/pets/cat/1", ("GET /pets/{proxy+}", {"proxy": "cat/1"})),
        ("GET", "/pets/dog/1/2", ("GET /pets/{proxy+}", {"proxy": "dog/1/2"})),
        ("POST", "/test/5", ("ANY /{proxy+}", {"proxy": "test/5"})),
        ("POST", "/pets/dog/1", ("ANY /{proxy+}", {"proxy": "pets/dog/1"})),
        ("GET", "/", ("$default", {})),
    ],
)
def test_the_most_specific_route_wins(method: str, path: str, expected: tuple[str, dict[str, str]]) -> None:
    """Text beats a variable, a variable a greedy one, and $default comes last, in whatever order they are declared."""
    keys = ["$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "GET /pets/dog/1"]
    assert taken(router(*keys), method, path) == expected
    assert taken(router(*reversed(keys)), method, path) == expected


def test_a_method_beats_any() -> None:
    """Of two routes with one path, that with the request's method is taken."""
    routes = router("ANY /todos", "GET /todos")
    assert taken(routes, "GET", "/todos") == ("GET /todos", {})
    assert taken(routes, "DELETE", "/todos") == ("ANY /todos", {})


@pytest.mark.parametrize("path", ["/todos/", "/todo", "/todos/1/2", "/", "//todos", "/todos//"])
def test_what_fits_no_route_takes_none(path: str) -> None:
    """A slash more, a part more or less: no route of an HTTP API."""
    assert taken(router("GET /todos", "GET /todos/{id}"), "GET", path) is None


def test_another_method_takes_no_route() -> None:
    """HEAD and OPTIONS are methods like any other, and names of methods are case-sensitive."""
    for method in ("POST", "HEAD", "OPTIONS", "get"):
        assert taken(router("GET /todos"), method, "/todos") is None


def test_a_rest_api_ignores_a_slash_at_the_end() -> None:
    """REST APIs answer /todos/ as /todos."""
    assert taken(router("GET /todos", api="rest"), "GET", "/todos/") == ("GET /todos", {})
    assert taken(router("GET /", api="rest"), "GET", "/") == ("GET /", {})


@given(st.text(min_size=1).filter(lambda text: "/" not in text and not any("\ud800" <= c <= "\udfff" for c in text)))
def test_path_variables_are_decoded(value: str) -> None:
    """Any text comes through a path variable as it was."""
    assert taken(router("GET /todos/{id}"), "GET", f"/todos/{quote(value, safe='')}") == (
        "GET /todos/{id}",
        {"id": value},
    )


def test_text_is_compared_decoded() -> None:
    """A route with letters beyond ASCII is found by its encoded path."""
    assert taken(router("GET /über"), "GET", "/%C3%BCber") == ("GET /über", {})


@pytest.mark.parametrize(
    ("stage", "keys", "path", "expected"),
    [
        ("dev", ["GET /a"], "/a", "/a"),
        ("dev", ["GET /a"], "/dev/a", "/a"),
        ("dev", ["GET /"], "/dev", "/"),
        ("dev", ["GET /{proxy+}"], "/dev/a", "/a"),
        ("dev", ["GET /{dev}/a"], "/dev/x/a", "/x/a"),
        ("dev", ["GET /dev/a"], "/dev/a", "/dev/a"),  # a route's own
        ("dev", ["GET /a"], "/development/a", None),
        ("$default", ["GET /{proxy+}"], "/$default/a", "/$default/a"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "rest"])
def test_the_stage_may_be_in_the_path(kind: str, stage: str, keys: list[str], path: str, expected: str | None) -> None:
    """A path that begins with the stage's name is one within the stage, unless a route of the API begins so itself."""
    api = Api(kind, kind, stage=stage)  # type: ignore[arg-type]
    routes = Router([(Route(api, "GET", key.removeprefix("GET "), "1.0", 30.0), key, key) for key in keys])
    match = routes.match("GET", path)
    assert (match.path if match else None) == expected


def ports(*apis: tuple[str, str, list[str]]) -> list[list[str]]:
    """The names of the APIs on each port."""
    entries = [(route(key, kind), key, key) for kind, name, keys in apis for key in keys]
    names = iter(name for _, name, keys in apis for _ in keys)
    named = [(replace(one, api=replace(one.api, name=next(names))), target, whose) for one, target, whose in entries]
    return [list(dict.fromkeys(one.api.name for one, _, _ in port)) for port in by_port(named)]


@pytest.mark.parametrize(
    ("apis", "expected"),
    [
        ([("http", "A", ["GET /a"]), ("rest", "B", ["GET /b"])], [["A", "B"]]),
        ([("http", "A", ["GET /a"]), ("http", "B", ["GET /a"])], [["A"], ["B"]]),
        ([("http", "A", ["GET /a"]), ("http", "B", ["POST /a"])], [["A"], ["B"]]),
        ([("http", "A", ["GET /{x}"]), ("rest", "B", ["GET /b"])], [["A"], ["B"]]),
        ([("http", "A", ["GET /{x}"]), ("rest", "B", ["GET /b/c"])], [["A", "B"]]),
        (
            [("http", "A", ["ANY /{proxy+}"]), ("rest", "B", ["GET /b/c"]), ("rest", "C", ["GET /c"])],
            [["A"], ["B", "C"]],
        ),
        ([("http", "A", ["$default"]), ("http", "B", ["GET /b"])], [["A"], ["B"]]),
        ([("url", "U", ["$default"])], [["U"]]),
        ([("url", "U", ["$default"]), ("http", "A", ["GET /a"]), ("url", "V", ["$default"])], [["A"], ["U"], ["V"]]),
    ],
)
def test_apis_whose_paths_meet_are_apart(apis: list[tuple[str, str, list[str]]], expected: list[list[str]]) -> None:
    """APIs share a port while no path fits two of them; function URLs are alone, after the others."""
    assert ports(*apis) == expected


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["GET /todos", "GET /todos"], "leads to GET /todos and to GET /todos"),
        (["GET /todos/{id}", "GET /todos/{key}"], "leads to"),
        (["$default", "$default"], "leads to"),
        (["GET /todos/{id"], "malformed variable"),
        (["GET /{proxy+}/x"], "goes on after a greedy variable"),
    ],
)
def test_routes_that_contradict_are_refused(keys: list[str], message: str) -> None:
    """Two functions on one route, and paths that API Gateway would not take, are errors before anything is served."""
    with pytest.raises(LayerctlError, match=message):
        router(*keys)
