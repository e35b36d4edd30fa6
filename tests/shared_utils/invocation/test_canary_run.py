"""A canary run: events, responses, exceptions and lines of any shape leave no secret in what is written or raised.

A hundred examples in the suite; ``CANARY_EXAMPLES=10000`` makes it as many.
"""

from __future__ import annotations

import base64
import json
import os
import traceback
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import get_logger, instrument, logging
from shared_utils.redaction.values import forget, register_secret
from tests.support.payloads import CARRIERS, PLACES

if TYPE_CHECKING:
    from shared_utils.testing import CapturedLogs

EXAMPLES = int(os.environ.get("CANARY_EXAMPLES", "100"))
CANARY = "c4n4rySq7xZ"
# What may stand around it; not what ends a value in the form that carries it.
_AROUND = st.text(st.sampled_from("aZ09 ,;:!?é€\u2028%+/.-_*"), max_size=8)
SECRETS = st.builds(lambda before, after: f"{before}{CANARY}{after}", _AROUND, _AROUND)
CASES = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def leaked(captured_logs: CapturedLogs, *more: str) -> bool:
    """Whether the canary is in the lines, or in `more`, as text or in base64 at any place."""
    assert captured_logs  # nothing leaks where nothing is said
    said = "\n".join([json.dumps(list(captured_logs), ensure_ascii=False), *more])
    captured_logs.clear()
    encoded = [base64.b64encode(b"x" * start + CANARY.encode()).decode()[4 if start else 0 : -4] for start in range(3)]
    return any(form in said for form in (CANARY, *encoded))


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Draw an event that carries a secret by its key, in up to three layers."""
    secret = draw(SECRETS)
    content: Any = CARRIERS[draw(st.sampled_from(sorted(CARRIERS)))](secret)
    for _ in range(draw(st.integers(0, 2))):
        content = json.dumps(
            PLACES[draw(st.sampled_from(sorted(set(PLACES) - {"bytes", "CloudFront's response"})))](content)
        )
    event = PLACES[draw(st.sampled_from(sorted(PLACES)))](content)
    return draw(st.sampled_from([event, {"before": "x" * draw(st.integers(0, 3000)), "event": event}, [event, event]]))


@CASES
@given(event=events(), limit=st.sampled_from([60, 500, 2000, 40_000]))
def test_no_secret_comes_out_of_events(captured_logs: CapturedLogs, event: Any, limit: int) -> None:
    """By key, whatever carries it and wherever the cut is."""
    forget()
    instrument(log_event=limit, log_response=limit)(lambda event, context: event)(event, None)
    assert not leaked(captured_logs)


class Told(Exception):
    """Tells of attributes."""

    def __init__(self, told: object, *, more: object = None) -> None:
        super().__init__(told)
        self.more = more

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.more})"


@st.composite
def exceptions(draw: st.DrawFn, depth: int = 0) -> Exception:
    """Draw an exception with arguments, notes, causes and members, some of which say the secret."""
    secret = draw(SECRETS)
    said = st.sampled_from(
        [
            "harmless",
            secret,
            f"password={CANARY}",
            f"at https://ann:{CANARY}@host/",
            {"token": secret},
            [secret],
            secret.encode(),
            5,
        ]
    )
    make = draw(
        st.sampled_from(
            [
                lambda one, two: ValueError(one, two),
                lambda one, two: KeyError(one),
                lambda one, two: OSError(2, str(one), str(two)),
                lambda one, two: Told(one, more=two),
                lambda one, two: UnicodeDecodeError("utf-8", str(one).encode() + b"\xff", 0, 1, str(two)),
                lambda one, two: RuntimeError(ValueError(one)),
            ]
        )
    )
    error: Exception = make(draw(said), draw(said))
    if draw(st.booleans()):
        error.add_note(str(draw(said)))
    if depth < 2:
        for name in ("__cause__", "__context__"):
            if draw(st.booleans()):
                setattr(error, name, draw(exceptions(depth + 1)))
        if draw(st.booleans()):
            error = ExceptionGroup(str(draw(said)), [error, draw(exceptions(depth + 1))])
    return error


@CASES
@given(error=exceptions(), bound=st.booleans())
def test_no_secret_comes_out_of_exceptions(captured_logs: CapturedLogs, error: Exception, bound: bool) -> None:
    """Registered, or by key: the line, and what Lambda prints of what is raised, which is of its class."""
    forget()
    register_secret(CANARY)

    @instrument
    def handler(event: object, context: object) -> None:
        with logging.bound(**({"value": CANARY} if bound else {})):
            raise error

    try:
        handler({}, None)
    except Exception as found:
        raised = found
    assert isinstance(raised, type(error))
    assert type(raised).__name__ == type(error).__name__
    assert not leaked(captured_logs, *traceback.format_exception(raised), str(raised), repr(raised), repr(raised.args))


VALUES = st.recursive(
    st.sampled_from([CANARY, f"<{CANARY}>", CANARY.encode(), f"password={CANARY}", ValueError(CANARY), 1, None, "x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "token", CANARY, "b c"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@CASES
@given(
    value=VALUES,
    message=st.sampled_from(["said", f"said {CANARY}", "%s", f"password={CANARY}"]),
    limit=st.sampled_from([2000, 9000]),
)
def test_no_secret_comes_out_of_lines(captured_logs: CapturedLogs, value: Any, message: str, limit: int) -> None:
    """Registered: as message, argument, value, key, bound value, exception, at any place around the cut."""
    forget()
    register_secret(CANARY)
    logging.configure(max_line_bytes=limit)
    log = get_logger()
    with logging.bound(bound=value):
        log.info(message, value=value)
        log.info("%s %s", message, value)
        log.bind(context=value).error("said", long="x" * (limit // 4) + str(value) * 40)
        try:
            raise ValueError(value)
        except ValueError:
            log.exception(message)
    assert not leaked(captured_logs)
