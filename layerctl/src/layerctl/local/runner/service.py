"""Functions behind a local gateway, from start to end."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator import Pool
from layerctl.local.emulator.check import import_problem
from layerctl.local.emulator.process import MAX_PAYLOAD
from layerctl.local.gateway import Gateway, MalformedAnswerError, Response, Router, refusal, response_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from layerctl.local.emulator import Answer, Emulator, LogLine
    from layerctl.local.gateway import Invoke, Request
    from layerctl.local.runner.planning import Runnable
    from layerctl.templates.sam import Route

__all__ = ["Service", "check_imports", "failure_of", "import_failure"]


class Service:
    """Serves functions over HTTP.

    Args:
        runnables: the functions.
        port: 0 takes any free one.
        concurrency: how many environments each function may have at once.
        on_line: told of each line: the function's label, the line.
        on_request: told of each request when it is answered: request, route key or None, status, seconds.
        on_problem: told of what a function did wrong: its label, one line.

    Raises:
        LayerctlError: no function has a route, two have the same one, or the port is taken.
    """

    def __init__(
        self,
        runnables: Sequence[Runnable],
        *,
        port: int,
        concurrency: int = 4,
        on_line: Callable[[str, LogLine], None],
        on_request: Callable[[Request, str | None, int, float], None],
        on_problem: Callable[[str, str], None],
    ) -> None:
        self._pools: list[Pool] = []
        routes: list[tuple[Route, Invoke, str]] = []
        for runnable in runnables:
            pool = Pool(_starter(runnable, on_line), size=concurrency, fingerprint=runnable.fingerprint)
            self._pools.append(pool)
            invoke = _Function(runnable, pool, on_problem)
            routes += [(route, invoke, runnable.label) for route in runnable.function.routes]
        if not routes:
            names = ", ".join(runnable.label for runnable in runnables)
            raise LayerctlError(f"no HTTP route leads to {names}", hint="run one event with `layerctl invoke`")
        self._gateway = Gateway(Router(routes), port, on_request=on_request)
        self.url = self._gateway.url

    def start(self) -> None:
        """Serve, in threads; environments are started as requests come."""
        self._gateway.start()

    def close(self) -> None:
        """Stop serving and end every function."""
        self._gateway.close()
        for pool in self._pools:
            pool.close()


def check_imports(runnables: Sequence[Runnable]) -> None:
    """Import every handler once, two at a time, so that a function that cannot start is known before it is served.

    Raises:
        LayerctlError: one cannot be imported.
    """
    with ThreadPoolExecutor(2) as workers:
        problems = list(workers.map(lambda runnable: import_problem(runnable.emulator()), runnables))
    for runnable, problem in zip(runnables, problems, strict=True):
        if problem:
            raise import_failure(runnable, problem)


def import_failure(runnable: Runnable, problem: str) -> LayerctlError:
    """The error for a function whose handler cannot be imported."""
    hint = None
    if "No module named" in problem and (runnable.code / "requirements.txt").is_file():
        hint = "its requirements.txt is not built in: run `sam build` and name .aws-sam/build/template.yaml"
    function = runnable.function
    return LayerctlError(f"{function.where}: {runnable.label} cannot start: {problem}", hint=hint)


def failure_of(answer: Answer) -> str | None:
    """What went wrong in a function, in one line, or None."""
    if answer.error is None:
        return None
    kind, message = answer.error.get("errorType"), answer.error.get("errorMessage")
    return message if answer.timed_out else " ".join(f"{kind}: {message}".split())


def _starter(runnable: Runnable, on_line: Callable[[str, LogLine], None]) -> Callable[[], Emulator]:
    def start() -> Emulator:
        emulator = runnable.emulator(lambda line: on_line(runnable.label, line))
        emulator.start()
        return emulator

    return start


class _Function:
    """Answers a route with a function: event in, response out."""

    def __init__(self, runnable: Runnable, pool: Pool, on_problem: Callable[[str, str], None]) -> None:
        self._label = runnable.label
        self._timeout = runnable.function.timeout
        self._pool = pool
        self._on_problem = on_problem

    def __call__(self, route: Route, event: dict[str, Any], /) -> Response:
        failed = 500 if route.api == "http" else 502
        payload = json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD:
            return refusal(413, api=route.api)
        try:
            answer = self._invoke(payload, route.timeout)
        except LayerctlError as error:
            self._on_problem(self._label, str(error))
            return refusal(failed, api=route.api)
        if answer is None:
            self._on_problem(self._label, f"{route.key} took more than {route.timeout:g} s; API Gateway stops waiting")
            return refusal(503 if route.api == "http" else 504, api=route.api)
        if problem := failure_of(answer):
            self._on_problem(self._label, problem)
            return refusal(failed, api=route.api)
        try:
            return response_from(answer.json(), route)
        except MalformedAnswerError as error:
            self._on_problem(self._label, f"its answer to {route.key} is no HTTP response: {error}")
        return refusal(failed, api=route.api)

    def _invoke(self, event: bytes, seconds: float) -> Answer | None:
        """The answer, or None when it did not come within the integration's time; the function goes on, as in AWS."""
        if self._timeout < seconds:  # the function's own time-out comes first
            return self._pool.invoke(event)
        future: Future[Answer] = Future()

        def work() -> None:
            try:
                future.set_result(self._pool.invoke(event))
            except LayerctlError as error:
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            return future.result(seconds)
        except TimeoutError:
            return None
