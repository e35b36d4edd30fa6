"""Where an event holds the id that ties the log lines of several functions together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["correlation_paths", "finder"]


class correlation_paths:  # noqa: N801 - reads as the module of this name in Powertools
    """Ready-made paths to the id in the events of AWS services (Lambda developer guide, one page for each service)."""

    ALB = 'headers."x-amzn-trace-id"'
    API_GATEWAY_HTTP = "requestContext.requestId"
    API_GATEWAY_REST = "requestContext.requestId"
    API_GATEWAY_WEBSOCKET = "requestContext.requestId"
    APPLICATION_LOAD_BALANCER = 'headers."x-amzn-trace-id"'
    APPSYNC_AUTHORIZER = "requestContext.requestId"
    APPSYNC_RESOLVER = 'request.headers."x-amzn-trace-id"'
    EVENT_BRIDGE = "id"
    LAMBDA_FUNCTION_URL = "requestContext.requestId"
    SNS = "Records[0].Sns.MessageId"
    SQS = "Records[0].messageId"
    XRAY_HEADER = 'headers."x-amzn-trace-id"'


# One step: a name, a quoted name (a JSON string, as in JMESPath), or an index, with the dot before it. A name that is a
# number is an index without its brackets.
_STEP = re.compile(r'(?:^|\.)(?:("(?:[^"\\\x00-\x1f]|\\.)+")|(?![0-9]+(?![\w-]))([\w-]+))|\[([0-9]+)\]')


def finder(path: str | Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a function that takes the id out of an event, None when it is not there.

    A path is what JMESPath calls an identifier with indexes: ``a.b``, ``a."x-y".c``, ``a[0].b``. A name with hyphens
    needs no quotes, and names match in any case when none matches exactly, as HTTP headers do. What else JMESPath
    knows (functions, wildcards, negative indexes, ``|``) is refused, and so is what it does not know (``$.a``).

    Raises:
        LoggingError: `path` is neither a path nor callable; the message names the form that it should have.
    """
    if callable(path):
        return path
    steps = _steps(path)

    def find(event: Any) -> object:
        for step in steps:
            event = _child(event, step)
            if event is None:
                return None
        return None if isinstance(event, (Mapping, list)) else event

    return find


def _steps(path: object) -> list[str | int]:
    """Return the names and indexes of a path."""
    steps: list[str | int] = []
    position = 0
    while isinstance(path, str) and position < len(path):
        match = _STEP.match(path, position)
        if match is None or path[0] == ".":
            break
        quoted, name, index = match.groups()
        try:
            steps.append(int(index) if index else name or _unquoted(quoted))
        except ValueError:  # no JSON string
            break
        position = match.end()
    if not isinstance(path, str) or not steps or position < len(path):
        from shared_utils.errors import LoggingError  # loaded when there is one
        from shared_utils.invocation.mistaken_paths import right_form

        raise LoggingError(f"instrument(correlation_id={path!r}): {right_form(path, _STEP)}")
    return steps


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    import json

    return str(json.loads(text))


def _child(node: Any, step: str | int) -> Any:
    if isinstance(step, int):
        if isinstance(node, Sequence) and not isinstance(node, str) and step < len(node):
            return node[step]
        return None
    if not isinstance(node, Mapping):
        return None
    if step in node:
        return node[step]
    folded = step.lower()
    found = next((node[key] for key in node if isinstance(key, str) and key.lower() == folded), None)
    return _of_many(node.get("multiValueHeaders")) if found is None and folded == "headers" else found


def _of_many(headers: Any) -> dict[str, Any] | None:
    """Return the last value of each header; a load balancer may send lists (``lambda.multi_value_headers.enabled``)."""
    if not isinstance(headers, Mapping):
        return None
    return {name: values[-1] for name, values in headers.items() if isinstance(values, list) and values}
