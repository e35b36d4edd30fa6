"""Web applications: an invocation for each request.

::

    from shared_utils.asgi import Instrument

    app = Instrument(Starlette(routes=[...]))

For any ASGI application (https://asgi.readthedocs.io): behind the Lambda Web Adapter, as a Web Function, in containers.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time

from shared_utils.errors import LoggingError
from shared_utils.invocation import lifecycle
from shared_utils.invocation.serving import Options, Serving
from shared_utils.logging.context import bound_values
from shared_utils.logging.output import write_line
from shared_utils.logging.settings import SETTINGS
from shared_utils.logging.state import current as log_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["Instrument"]

# W3C Trace Context, "traceparent Header Field Values"; ids of zeros and version ff are invalid.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


class Instrument:
    """An ASGI application around another one: each request and each WebSocket is an invocation of its own.

    Its lines have ``http_method``, ``http_path``, the correlation id, ``trace_id`` and ``parent_span_id`` of a W3C
    ``traceparent`` header, and behind the Lambda Web Adapter the fields of the Lambda invocation. When a request has
    been answered one line says so, with ``http_status``, ``http_route`` and ``duration_ms``. Metrics are written before
    the last part of the response leaves, because Lambda may freeze the process right after it.

    Args:
        app: the application.
        correlation_id: the header that holds it, in any case, or a function of the ASGI scope; without one, outside of
            Lambda, each request gets one at random.
        log_requests: whether a line is written for each request.
        timeout_warning: as for `instrument`, where the Lambda Web Adapter tells the deadline.

    Raises:
        LoggingError: an argument that cannot be used.
    """

    def __init__(
        self,
        app: Application,
        *,
        correlation_id: str | Callable[[Scope], object] = "x-request-id",
        log_requests: bool = True,
        timeout_warning: bool = True,
    ) -> None:
        if not callable(app):
            raise LoggingError(f"Instrument({app!r}): expected an ASGI application")
        for name, value in (("log_requests", log_requests), ("timeout_warning", timeout_warning)):
            if type(value) is not bool:
                raise LoggingError(f"Instrument({name}={value!r}): expected True or False")
        self._app = app
        self._log_requests = log_requests
        self._options = Options(
            find_id=_finder(correlation_id),
            log_event=0,
            log_response=0,
            timeout_warning=timeout_warning,
            redact_uncaught="auto",
        )
        SETTINGS.use(take_over=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; the life of the application passes through."""
        outer = lifecycle.here()
        if scope["type"] not in ("http", "websocket") or (outer is not None and outer.is_open):
            await self._app(scope, receive, send)
            return
        serving = Serving(self._options, scope, _lambda_context(scope))
        _describe(serving.invocation, scope)
        task = asyncio.current_task()
        if task is not None:  # from Python 3.12 on the task tells the context in which the application binds values
            get_context = getattr(task, "get_context", None)
            serving.runs_as(task.get_coro(), serving.context if get_context is None else get_context())  # type: ignore[arg-type]
        request = _Request(scope, send, self._log_requests and scope["type"] == "http")
        try:
            try:
                serving.begin()
                await self._app(scope, receive, request.send)
            except asyncio.CancelledError:  # the server stops, or the client has gone: no failure of the application
                raise
            except BaseException as error:
                instead = serving.fail(error)
                request.answered(500)
                if instead is not error:
                    raise instead  # noqa: B904 - as in Serving.call
                raise
            finally:
                serving.end()
        finally:
            lifecycle.drop(serving.invocation, None)
            serving.mend()
            lifecycle.enter(outer)


class _Request:
    """What is known of a request by and by; `send` is what the application gets to answer with."""

    __slots__ = ("_answered", "_began", "_log", "_root", "_scope", "_send", "_status")

    def __init__(self, scope: Scope, send: Send, log: bool) -> None:
        self._scope = scope
        self._send = send
        self._log = log
        self._root = scope.get("root_path", "")
        self._began = time.perf_counter()
        self._status = 0
        self._answered = False

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._status = message["status"]
        elif kind == "http.response.body" and not message.get("more_body", False):
            self.answered(self._status)
        await self._send(message)

    def answered(self, status: int) -> None:
        """Write the request's line, and what is recorded so far: a background task may go on after the response."""
        if self._answered:
            return
        self._answered = True
        if self._log and log_state().threshold <= 20:
            values = {
                **bound_values(),
                "http_status": status,
                "http_route": self._route(),
                "duration_ms": round((time.perf_counter() - self._began) * 1000, 3),
            }
            write_line(20, "request", {key: value for key, value in values.items() if value is not None})
        invocation = lifecycle.here()
        if invocation is not None:
            lifecycle.timing_out(invocation)  # whatever keeps something for it writes that now

    def _route(self) -> str | None:
        """Return the route's template, ``/todos/{id}``, where the framework tells it (Starlette, FastAPI)."""
        path = getattr(self._scope.get("route"), "path", None)
        return None if path is None else self._scope.get("root_path", "").removeprefix(self._root) + path


def _describe(invocation: lifecycle.Invocation, scope: Scope) -> None:
    """Set the fields that each line of a request has."""
    fields = {"http_method": scope.get("method", "WEBSOCKET"), "http_path": scope["path"]}
    parent = _TRACEPARENT.fullmatch(_header(scope, b"traceparent") or b"")
    if parent is not None:
        fields["trace_id"], fields["parent_span_id"] = parent[1].decode(), parent[2].decode()
    invocation.fields = fields
    invocation.trace_header = _header(scope, b"x-amzn-trace-id")
    if not _in_lambda():
        invocation.cold_start = None


def _header(scope: Scope, name: bytes) -> bytes | None:
    """Return a header's value; the ASGI specification gives names in lower case."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    return next((value for key, value in headers if key == name), None)


def _finder(correlation_id: Any) -> Callable[[Scope], object]:
    if callable(correlation_id):
        find: Callable[[Scope], object] = correlation_id
    elif isinstance(correlation_id, str) and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", correlation_id):
        name = correlation_id.lower().encode()

        def find(scope: Scope) -> object:
            value = _header(scope, name)
            return None if value is None else value.decode("latin-1")
    else:
        raise LoggingError(f"Instrument(correlation_id={correlation_id!r}): expected a header's name or a function")

    def find_or_make(scope: Scope) -> object:
        found = find(scope)
        return os.urandom(16).hex() if found in (None, "") and not _in_lambda() else found

    return find_or_make


def _in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


class _LambdaContext:
    """The Lambda invocation behind a request, as the Lambda Web Adapter tells it ("Request & Lambda Context")."""

    def __init__(self, told: dict[str, Any]) -> None:
        environment = os.environ
        self.aws_request_id = told.get("request_id")
        self.invoked_function_arn = told.get("invoked_function_arn")
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.tenant_id = told.get("tenant_id")
        deadline = told.get("deadline", told.get("deadline_ms"))
        if isinstance(deadline, (int, float)):
            self.get_remaining_time_in_millis = lambda: max(0, int(deadline - time.time() * 1000))


def _lambda_context(scope: Scope) -> _LambdaContext | None:
    """Return the Lambda context in the adapter's header; outside of Lambda anybody could have sent one."""
    header = _header(scope, b"x-amzn-lambda-context") if _in_lambda() else None
    if header is None:
        return None
    try:
        told = json.loads(header)
    except ValueError:
        return None
    return _LambdaContext(told) if isinstance(told, dict) else None
