"""What leaves an instrumented handler: the exception itself, or one of its class without the secret that it says."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from shared_utils import instrument
from shared_utils.asgi import Instrument
from shared_utils.redaction.values import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator import Emulator
    from shared_utils.testing import CapturedLogs

SECRET = "hunter2-Sq7xZ"


class TodoError(Exception):
    """An exception of the function's own."""

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


def fail(event: str) -> None:
    """Raise what the event says."""
    raise TodoError(404, detail=event)


def plain(event: str, context: object) -> None:
    """Fail as a function."""
    fail(event)


async def coroutine(event: str, context: object) -> None:
    """Fail as a coroutine, below another one."""
    await asyncio.gather(asyncio.sleep(0), asyncio.to_thread(int))
    await inner(event)


async def inner(event: str) -> None:
    """Fail within."""
    await asyncio.sleep(0)
    fail(event)


def awaited(event: str, context: object) -> Any:
    """Return a coroutine."""
    return coroutine(event, context)


def run_awaited(handler: Callable[..., Any], event: str) -> None:
    """Await a handler, as a test does."""

    async def main() -> None:
        await handler(event, None)

    asyncio.run(main())


def run_web(handler: Callable[..., Any], event: str) -> None:
    """Call it for a request."""

    async def endpoint(request: object) -> None:
        fail(event)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    app = Instrument(Starlette(routes=[Route("/", endpoint)]))
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]


WAYS: dict[str, tuple[Callable[..., Any], Callable[[Any, str], Any]]] = {
    "def": (plain, lambda handler, event: handler(event, None)),
    "async def": (coroutine, lambda handler, event: handler(event, None)),
    "a coroutine returned": (awaited, lambda handler, event: handler(event, None)),
    "async def awaited": (coroutine, run_awaited),
    "a web request": (plain, run_web),
}


def raised(handler: Callable[..., Any], call: Callable[[Any, str], Any], event: str) -> TodoError:
    """Return what a call raises; it is a TodoError for ``except``."""
    try:
        call(handler, event)
    except TodoError as error:
        return error
    pytest.fail("nothing was raised")


def frames(error: BaseException) -> list[tuple[str, int | None, str]]:
    """Return the frames of an exception as Lambda prints them."""
    return [(frame.filename, frame.lineno, frame.name) for frame in traceback.extract_tb(error.__traceback__)]


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_does_not_leave(captured_logs: CapturedLogs, way: str) -> None:
    """The substitute is caught as the original is, with its attributes, its frames and no way back to it."""
    function, call = WAYS[way]
    original = raised(instrument(redact_uncaught=False)(function), call, f"password={SECRET}")
    found = raised(instrument(function), call, f"password={SECRET}")
    if way != "a web request":
        assert SECRET in str(original)
        assert [frame for frame in frames(found) if "test_uncaught" in frame[0]] == [
            frame for frame in frames(original) if "test_uncaught" in frame[0]
        ]
        assert frames(found)[-3:] == frames(original)[-3:]
        assert len(frames(found)) == len(frames(original))
    assert (str(found), found.code, type(found).__name__) == ("404: password=[REDACTED]", 404, "TodoError")
    assert SECRET not in "".join(traceback.format_exception(found))
    assert found.__context__ is None
    assert found.__cause__ is None
    assert SECRET not in json.dumps(captured_logs)
    assert len(captured_logs.find(message="uncaught exception")) == 2


@pytest.mark.parametrize("way", [way for way in WAYS if way != "a web request"])
def test_what_says_no_secret_leaves_as_it_is(captured_logs: CapturedLogs, way: str) -> None:
    """The very same exception; True is for those who want a substitute in any case."""
    function, call = WAYS[way]
    assert type(raised(instrument(function), call, "harmless")) is TodoError
    assert type(raised(instrument(redact_uncaught=False)(function), call, "harmless")) is TodoError
    assert type(raised(instrument(redact_uncaught=True)(function), call, "harmless")) is not TodoError


@pytest.mark.parametrize("wanted", [True, "auto"])
@pytest.mark.parametrize(
    "kind", [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, type("Stop", (SystemExit,), {})]
)
def test_what_ends_the_process_or_a_task_is_never_replaced(
    captured_logs: CapturedLogs, kind: type[BaseException], wanted: Any
) -> None:
    """Whatever it says, and whatever led to it."""
    error = kind(f"password={SECRET}")
    error.__cause__ = ValueError(f"password={SECRET}")

    @instrument(redact_uncaught=wanted)
    def handler(event: object, context: object) -> None:
        raise error

    with pytest.raises(kind) as caught:
        handler({}, None)
    assert caught.value is error


def test_a_registered_value_does_not_leave_either(captured_logs: CapturedLogs) -> None:
    """What `config` has loaded as a secret is known, whatever stands before it."""
    register_secret(SECRET)
    assert (
        str(raised(instrument(plain), WAYS["def"][1], f"no access with {SECRET}")) == "404: no access with [REDACTED]"
    )


@pytest.mark.emulator
@pytest.mark.xdist_group("built-layer")
@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_what_lambda_prints_holds_no_secret(emulated: Callable[..., Emulator], log_format: str) -> None:
    """On the built layer, in AWS's emulator: text, class and stack of what the runtime itself prints and answers."""
    source = """
from shared_utils import instrument

class TodoError(Exception):
    def __init__(self, code, *, detail):
        super().__init__(code)
        self.detail = detail
    def __str__(self):
        return f"{self.args[0]}: {self.detail}"

def find(event):
    if event["kind"] == "cause":
        try:
            find({**event, "kind": "own"})
        except TodoError as error:
            raise KeyError("not found") from error
    if event["kind"] == "os":
        raise FileNotFoundError(2, "No such file", "/a?" + event["said"])
    if event["kind"] == "literal":
        raise ValueError("password=c4n4ry-literal")
    raise TodoError(404, detail=event["said"])

@instrument
def handler(event, context):
    find(event)
"""
    function = emulated(source, log_format=log_format)
    kinds = {"own": "TodoError", "cause": "KeyError", "os": "FileNotFoundError", "literal": "ValueError"}
    for kind, name in kinds.items():
        answer = function.invoke({"kind": kind, "said": f"password={SECRET}"})
        printed = "\n".join(answer.lines) + json.dumps(answer.error)
        assert answer.error["errorType"] == name
        assert "c4n4ry" not in printed
        assert SECRET not in printed
        assert kind == "cause" or "password=[REDACTED]" in answer.error["errorMessage"]
        assert any("in find" in frame for frame in answer.error["stackTrace"])
    harmless = function.invoke({"kind": "own", "said": "harmless"})
    assert harmless.error["errorMessage"] == "404: harmless"
