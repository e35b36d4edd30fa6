"""Which route a request takes."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.core.errors import LayerctlError
from layerctl.local.gateway import Router
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
