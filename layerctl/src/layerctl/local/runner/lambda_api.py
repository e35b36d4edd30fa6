"""The part of the Lambda API that runs functions, so that functions and tests call functions by any SDK.

Lambda API reference, "Invoke": names, qualifiers, invocation types, headers and errors. Versions are not made here:
``$LATEST`` and the template's aliases lead to the code as it is. Signatures are not looked at.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator.process import MAX_PAYLOAD
from layerctl.local.http import HttpServer, Response
from layerctl.templates.sam import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from layerctl.local.emulator import Answer, Pool
    from layerctl.local.http import Request
    from layerctl.local.runner.planning import Runnable

__all__ = ["LambdaApi"]

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
# Lambda API reference, "Invoke", FunctionName: a name, a partial ARN or an ARN, each with or without a qualifier.
_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9-_]{1,140})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)
_MAX_EVENT = 1024 * 1024  # Lambda quotas: an asynchronous request
_LOG_BYTES = 4096  # Invoke, X-Amz-Log-Result: the last 4 KB


class _ApiError(Exception):
    """What the Lambda API says no with: a status, the exception's name, a message."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status, self.kind = status, kind


class LambdaApi(HttpServer):
    """Serves ``POST /2015-03-31/functions/NAME/invocations``.

    Args:
        functions: label -> what it is and where it runs; may be filled later.
        port: 0 takes any free one.
        on_request: told of each request when it is answered: request, function's label or None, status, seconds.
        on_problem: told of what a function did wrong: its label, one line.

    Raises:
        LayerctlError: the port is taken, or not ours to take.
    """

    def __init__(
        self,
        functions: Mapping[str, tuple[Runnable, Pool]],
        port: int,
        *,
        on_request: Callable[[Request, str | None, int, float], None],
        on_problem: Callable[[str, str], None],
    ) -> None:
        super().__init__(port, self._answer, option="--lambda-port")
        self._functions = functions
        self._on_request = on_request
        self._on_problem = on_problem

    def _answer(self, request: Request) -> Response:
        started = time.monotonic()
        label = None
        try:
            runnable, pool = self._find(request)
            label = runnable.label
            response = self._run(request, runnable, pool)
        except _ApiError as error:
            headers = [("content-type", "application/json"), ("x-amzn-errortype", error.kind)]
            who = "User" if error.status < 500 else "Service"
            response = Response(error.status, headers, json.dumps({"Type": who, "Message": str(error)}).encode())
        response.headers.append(("x-amzn-requestid", request.request_id))
        self._on_request(request, label and f"Invoke {label}", response.status, time.monotonic() - started)
        return response

    def _find(self, request: Request) -> tuple[Runnable, Pool]:
        """The function that a request names.

        Raises:
            _ApiError: there is none, or the name is no name.
        """
        path = _PATH.fullmatch(request.raw_path)
        if path is None or request.method != "POST":
            raise _ApiError(404, "UnknownOperationException", "only Invoke (POST …/functions/NAME/invocations) is here")
        given = unquote(path[1])
        match = _NAME.fullmatch(given)
        if match is None:
            raise _ApiError(400, "ValidationException", f"{given!r} is no function's name, partial ARN or ARN")
        name, own = match["name"], match["qualifier"]
        qualifier = parse_qs(request.query).get("Qualifier", [own])[0]
        if own and qualifier != own:
            text = "The derived qualifier from the function name does not match the specified qualifier."
            raise _ApiError(400, "InvalidParameterValueException", text)
        for runnable, pool in self._functions.values():
            function = runnable.function
            if name in (function.name, function.logical_id) and qualifier in (None, "$LATEST", *function.aliases):
                return runnable, pool
        arn = f"arn:aws:lambda:{self._region()}:{match['account'] or ACCOUNT}:function:{name}"
        text = f"Function not found: {arn}{':' * bool(qualifier)}{qualifier or ''}"
        raise _ApiError(404, "ResourceNotFoundException", text)

    def _region(self) -> str:
        return next((runnable.region for runnable, _ in self._functions.values()), "eu-central-1")

    def _run(self, request: Request, runnable: Runnable, pool: Pool) -> Response:
        kind = request.header("x-amz-invocation-type") or "RequestResponse"
        if kind == "DryRun":
            return Response(204)
        if kind not in ("RequestResponse", "Event"):
            raise _ApiError(400, "InvalidParameterValueException", f"{kind!r} is no InvocationType")
        limit = MAX_PAYLOAD if kind == "RequestResponse" else _MAX_EVENT
        if len(request.body) > limit:
            text = f"Request must be smaller than {limit} bytes for the {kind} operation"
            raise _ApiError(413, "RequestTooLargeException", text)
        event = request.body or b"{}"
        try:
            json.loads(event)
        except (ValueError, RecursionError) as error:
            text = f"Could not parse request body into json: {' '.join(str(error).split())}"
            raise _ApiError(400, "InvalidRequestContentException", text) from None
        headers = {"x_amz_client_context": context} if (context := request.header("x-amz-client-context")) else {}
        if kind == "Event":
            threading.Thread(target=self._invoke, args=(runnable, pool, event, headers), daemon=True).start()
            return Response(202)
        answer = self._invoke(runnable, pool, event, headers)
        if answer is None:
            raise _ApiError(500, "ServiceException", "the function's environment ended; `layerctl run` says more")
        return _response(answer, tail=request.header("x-amz-log-type") == "Tail")

    def _invoke(self, runnable: Runnable, pool: Pool, event: bytes, headers: dict[str, str]) -> Answer | None:
        """The function's answer, or None when its environment could not be had; what goes wrong is told."""
        try:
            answer = pool.invoke(event, **headers)
        except LayerctlError as error:
            self._on_problem(runnable.label, str(error))
            return None
        if answer.failure:
            self._on_problem(runnable.label, answer.failure)
        return answer


def _response(answer: Answer, *, tail: bool) -> Response:
    headers = [("content-type", "application/json"), ("x-amz-executed-version", "$LATEST")]
    payload = answer.payload
    if answer.error is not None:
        headers.append(("x-amz-function-error", "Unhandled"))
        if answer.timed_out:  # the emulator says it in plain text
            payload = json.dumps(answer.error).encode()
    if tail:
        log = "".join(f"{line}\n" for line in answer.log).encode("utf-8", "replace")[-_LOG_BYTES:]
        headers.append(("x-amz-log-result", base64.b64encode(log).decode()))
    return Response(200, headers, payload)
