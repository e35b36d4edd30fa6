"""Functions behind a local gateway, from start to end."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator import Pool
from layerctl.local.emulator.check import import_problem
from layerctl.local.emulator.process import MAX_PAYLOAD
from layerctl.local.gateway import (
    Gateway,
    MalformedAnswerError,
    Router,
    by_port,
    refusal,
    response_from,
    stays_encoded,
)
from layerctl.local.runner.lambda_api import LambdaApi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from layerctl.local.emulator import Answer, Emulator, LogLine
    from layerctl.local.gateway import Invoke
    from layerctl.local.http import HttpServer, Request, Response
    from layerctl.local.runner.planning import Runnable
    from layerctl.templates.sam import Api, Route

__all__ = ["Service", "check_imports", "import_failure"]


class Service:
    """Serves functions over HTTP: by their routes, and, where that is asked for, by the Lambda API.

    Args:
        runnables: the functions.
        port: of the APIs; 0 takes any free one. An API that cannot share it with the others gets the next ones.
        lambda_port: of the Lambda API, or None for none; 0 takes any free one. Functions find it by boto3.
        concurrency: how many environments each function may have at once.
        on_line: told of each line: the function's label, the line.
        on_request: told of each request when it is answered: request, route key or None, status, seconds.
        on_problem: told of what a function did wrong: its label, one line.

    Attributes:
        urls: where each API is served.
        lambda_url: where the Lambda API is, or None.

    Raises:
        LayerctlError: nothing leads to a function, two have the same route, or a port is taken.
    """

    def __init__(
        self,
        runnables: Sequence[Runnable],
        *,
        port: int,
        lambda_port: int | None = None,
        concurrency: int = 4,
        on_line: Callable[[str, LogLine], None],
        on_request: Callable[[Request, str | None, int, float], None],
        on_problem: Callable[[str, str], None],
    ) -> None:
        self.urls: dict[Api, str] = {}
        self.lambda_url: str | None = None
        self._servers: list[HttpServer] = []
        self._pools: list[Pool] = []
        pools: dict[str, tuple[Runnable, Pool]] = {}
        try:
            if lambda_port is not None:
                api = LambdaApi(pools, lambda_port, on_request=on_request, on_problem=on_problem)
                self._servers.append(api)
                self.lambda_url = api.url
            routes: list[tuple[Route, Invoke, str]] = []
            for given in runnables:
                runnable = given.with_variables({"AWS_ENDPOINT_URL_LAMBDA": self.lambda_url} if self.lambda_url else {})
                pool = Pool(_starter(runnable, on_line), size=concurrency, fingerprint=runnable.fingerprint)
                self._pools.append(pool)
                pools[runnable.label] = (runnable, pool)
                invoke = _Invoker(runnable, pool, on_problem)
                routes += [(route, invoke, runnable.label) for route in runnable.function.routes]
            if not routes and self.lambda_url is None:
                names = ", ".join(runnable.label for runnable in runnables)
                raise LayerctlError(
                    f"no HTTP route leads to {names}",
                    hint="run one event with `layerctl invoke`, or use --start-lambda",
                )
            taken = {self.lambda_url.rpartition(":")[2]} if self.lambda_url else set()
            free = (number for number in count(port) if str(number) not in taken) if port else repeat(0)
            for entries, number in zip(by_port(routes), free, strict=False):
                gateway = Gateway(Router(entries), number, on_request=on_request)
                self._servers.append(gateway)
                self.urls.update((api, gateway.url) for api in gateway.router.apis)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Serve, in threads; environments are started as requests come."""
        for server in self._servers:
            server.start()

    def close(self) -> None:
        """Stop serving and end every function."""
        for server in self._servers:
            server.close()
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


def _starter(runnable: Runnable, on_line: Callable[[str, LogLine], None]) -> Callable[[], Emulator]:
    def start() -> Emulator:
        emulator = runnable.emulator(lambda line: on_line(runnable.label, line))
        emulator.start()
        return emulator

    return start


class _Invoker:
    """Answers a route with a function: event in, response out."""

    def __init__(self, runnable: Runnable, pool: Pool, on_problem: Callable[[str, str], None]) -> None:
        self._label = runnable.label
        self._timeout = runnable.function.timeout
        self._pool = pool
        self._on_problem = on_problem

    def __call__(self, route: Route, event: dict[str, Any], request: Request, /) -> Response:
        kind = route.api.kind
        failed = 500 if kind == "http" else 502
        payload = json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD:
            return refusal(413, kind)
        try:
            answer = self._invoke(payload, route.timeout)
        except LayerctlError as error:
            self._on_problem(self._label, str(error))
            return refusal(failed, kind)
        if answer is None:
            self._on_problem(self._label, f"{route.key} took more than {route.timeout:g} s; API Gateway stops waiting")
            return refusal(503 if kind == "http" else 504, kind)
        if answer.failure:
            self._on_problem(self._label, answer.failure)
            return refusal(failed, kind)
        try:
            value = answer.json()
            response = response_from(value, route, request)
        except MalformedAnswerError as error:
            self._on_problem(self._label, f"its answer to {route.key} is no HTTP response: {error}")
            return refusal(failed, kind)
        if stays_encoded(value, route, request):
            accepted = request.header("accept") or "nothing"
            what = f"its answer to {route.key} goes out in base64, as text"
            self._on_problem(
                self._label, f"{what}: the client accepts {accepted}, which BinaryMediaTypes does not have"
            )
        return response

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
