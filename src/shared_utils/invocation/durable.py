"""Durable executions: which invocation of one this is, and what of it has run before.

A durable function is invoked anew after each wait, retry and callback, and its code runs again up to where it had got;
the results of its operations come from checkpoints (Lambda developer guide, "Lambda durable functions"). What it logs
and counts on the way there was logged and counted before. The SDK knows for each of its contexts whether it is
replaying; which context the running code belongs to is read off the call stack, where the SDK put it.

Loaded when the function has imported aws-durable-execution-sdk-python.
"""

from __future__ import annotations

import os
import sys

from aws_durable_execution_sdk_python.context import DurableContext
from aws_durable_execution_sdk_python.exceptions import SuspendExecution
from aws_durable_execution_sdk_python.types import OperationContext

from shared_utils.invocation import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from shared_utils.invocation.lifecycle import Invocation

__all__ = ["is_served_already", "is_suspension", "observe", "plugin_is_missing"]

PLUGIN = "shared_utils"
_SDK = "aws_durable_execution_sdk_python.execution"
_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120


def observe(invocation: Invocation, event: Any, context: Any) -> None:
    """Take note that `invocation` is one of a durable execution, if its event or context says so.

    Below ``@durable_execution`` the context is the SDK's, around Lambda's own. Above it the event is what Lambda sends:
    an ARN, a checkpoint token and the operations so far.
    """
    if isinstance(context, DurableContext):
        invocation.context = context.lambda_context
        arn: str | None = context.state.durable_execution_arn
        is_first = not context.is_replaying()
    else:
        arn, is_first = _of_event(event)
    if arn is not None:
        invocation.fields = {"durable_execution_arn": arn}
        invocation.is_repeated = not is_first
        invocation.is_replaying = _is_replaying
        if not lifecycle.replays:
            lifecycle.replays.append(PLUGIN)


def is_served_already(context: Any) -> Invocation | None:
    """Return the open invocation that `context` belongs to, when `instrument` stands above and below the SDK's."""
    if isinstance(context, DurableContext):
        for invocation in lifecycle.open_invocations():
            if invocation.context is context.lambda_context:
                return invocation
    return None


def is_suspension(error: BaseException) -> bool:
    """Whether the SDK ends the invocation by `error` until there is something to do again."""
    return isinstance(error, SuspendExecution)


def plugin_is_missing(handler: Callable[..., Any]) -> bool:
    """Whether `handler` is what ``@durable_execution`` returns, without our plugin."""
    code = getattr(handler, "__code__", None)
    if code is None or getattr(handler, "__globals__", {}).get("__name__") != _SDK:
        return False
    closure = dict(zip(code.co_freevars, getattr(handler, "__closure__", None) or (), strict=False))
    try:
        factories = closure["configured_plugins"].cell_contents
    except (KeyError, ValueError):  # another version of the SDK
        return PLUGIN not in os.environ.get("DURABLE_EXECUTION_PLUGINS", "")
    return not any(type(factory).__module__ == f"{__name__}_plugin" for factory in factories)


def _of_event(event: Any) -> tuple[str | None, bool]:
    if isinstance(event, dict):
        arn = event.get("DurableExecutionArn") if "CheckpointToken" in event else None
        operations = (event.get("InitialExecutionState") or {}).get("Operations") or ()
    else:  # the testing SDK's runner passes an object
        arn = getattr(event, "durable_execution_arn", None)
        operations = getattr(getattr(event, "initial_execution_state", None), "operations", ())
    return (arn if isinstance(arn, str) else None), len(operations) <= 1  # the first is the execution itself


def _is_replaying() -> bool:
    """Whether the running code has run before, or is on its way out to a suspension.

    A step, a condition's check and a callback's submitter run once for each attempt. Code that no context of the SDK is
    found for (a thread that the function has started) counts as new: a line that comes twice is better than none.
    """
    error = sys.exc_info()[1]
    while error is not None:  # a `finally` block, or the end of a `with`: it will be passed again
        if isinstance(error, SuspendExecution):
            return True
        error = error.__context__
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        found = None if frame.f_code.co_filename.startswith(_OURS) else _context_in(frame)
        if found is not None:
            return isinstance(found, DurableContext) and found.is_replaying()
        frame = frame.f_back
    return False


def _context_in(frame: FrameType) -> DurableContext | OperationContext | None:
    """Return the SDK's context among a function's arguments and variables, its own before those around it."""
    code, values = frame.f_code, frame.f_locals
    for name in code.co_varnames:  # arguments first; not the variables of enclosing functions
        value = values.get(name)
        if isinstance(value, (DurableContext, OperationContext)):
            return value
    return None
