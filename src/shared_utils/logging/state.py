"""What logging keeps for one invocation, and for the time outside of one."""

from __future__ import annotations

from types import SimpleNamespace

from shared_utils import _env
from shared_utils.invocation import lifecycle
from shared_utils.invocation.lifecycle import root_of
from shared_utils.logging.fields import DEBUG, encode_fields
from shared_utils.logging.settings import SETTINGS, platform_level
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.logging.buffer import LineBuffer
    from shared_utils.logging.render import Context

__all__ = ["OUTSIDE", "LogState", "bound_context", "current", "follow_levels", "on_threshold", "reset", "state_of"]

# Every line must have room for it. Ids have 36 characters, trace headers a hundred.
LONGEST_CORRELATION_ID = 256


class LogState:
    """The lines of one invocation: what they carry, where they go.

    Attributes:
        base_fields: the fields that each of its lines has, worked out for the first one.
        base_fields_json: the same as a piece of JSON; None until then.
        buffer: where lines below `written_from` are kept; None when they are not.
        written_from: the lowest level that is written.
        threshold: the lowest level at which a line is made.
    """

    __slots__ = (
        "base_fields",
        "base_fields_json",
        "buffer",
        "correlation_id",
        "invocation",
        "sampled",
        "threshold",
        "trace_header",
        "written_from",
    )

    def __init__(self, invocation: Invocation | None) -> None:
        self.invocation = invocation
        self.base_fields: dict[str, Any] = {}
        self.base_fields_json: str | None = None
        self.buffer: LineBuffer | None = None
        self.correlation_id: str | None = None
        self.sampled = False
        self.trace_header: Any = None  # the X-Ray header of the environment; outside of an invocation only
        self.threshold = self.written_from = 0
        if invocation is not None:
            SETTINGS.ensure_configured()
            if SETTINGS.sample_rate > 0:
                from shared_utils._random import fraction

                self.sampled = fraction() < SETTINGS.sample_rate
            if SETTINGS.buffer_bytes:
                from shared_utils.logging.buffer import LineBuffer

                self.buffer = LineBuffer(SETTINGS.buffer_bytes)
            self.set_levels()

    def correlate(self, correlation_id: str | None) -> None:
        """Set the correlation id, or take it out. It comes from outside, and may be anything."""
        self.correlation_id = correlation_id and correlation_id[:4096]
        self.base_fields_json = None

    def unbuffered(self) -> LogState:
        """Return the same for a line that is written at once."""
        state = LogState(None)
        state.invocation, state.correlation_id = self.invocation, self.correlation_id
        state.threshold, state.written_from = self.threshold, self.written_from
        return state

    def fields(self) -> dict[str, Any]:
        """Return `base_fields`."""
        if self.base_fields_json is None:
            self.work_out_fields()
        return self.base_fields

    def work_out_fields(self) -> str:
        """Set `base_fields` and `base_fields_json`, and return the latter."""
        fields: dict[str, Any] = {"service": SETTINGS.service}
        invocation = self.invocation
        if invocation is not None:
            fields |= {
                "cold_start": invocation.cold_start,
                "function_name": invocation.function_name,
                "function_memory_size": invocation.memory_mb,
                "function_arn": invocation.function_arn,
                "function_request_id": invocation.request_id,
                "tenant_id": invocation.tenant_id,
                "xray_trace_id": invocation.xray_trace_id,
                **(invocation.fields or {}),
            }
        if self.correlation_id:
            fields["correlation_id"] = REDACTION.scrub(self.correlation_id)[:LONGEST_CORRELATION_ID]
        if invocation is None and self.trace_header is not None:
            fields["xray_trace_id"] = root_of(self.trace_header)
        if SETTINGS.sample_rate:
            fields["sampling_rate"] = SETTINGS.sample_rate
        base: dict[str, Any] = {key: _scalar(value) for key, value in fields.items() if value is not None}
        if SETTINGS.values:
            from shared_utils._json import JSONConverter

            base = JSONConverter(SETTINGS.max_line_bytes // 4).items(SETTINGS.values.items(), base)
        self.base_fields = base
        text = encode_fields(base, SETTINGS.key_names)
        if invocation is None or invocation.is_open:  # else nothing tells of secrets that become known
            self.base_fields_json = text
        return text

    def set_levels(self) -> None:
        """Work out from which level on lines are made and written."""
        # With buffering on, low lines outside an invocation are written at once: nothing would ever flush them.
        everything = self.sampled or (SETTINGS.buffer_bytes > 0 and self.invocation is None)
        self.written_from = min(SETTINGS.level, max(DEBUG, platform_level())) if everything else SETTINGS.level
        self.threshold = min(self.written_from, DEBUG) if self.buffer is not None else self.written_from


OUTSIDE = LogState(None)
_environment, (_TRACE_VARIABLE,) = _env.stored(("_X_AMZN_TRACE_ID",))
on_threshold: list[Callable[[], None]] = []  # called when SETTINGS.general_threshold has changed


def _nothing_bound(_state: LogState) -> Any:
    return _NOTHING


_NOTHING: Any = SimpleNamespace(_context={}, _encoded=None)
# Returns what is bound in this context. `shared_utils.logging.context`, which few first lines need, puts its own here.
bound_context: Callable[[LogState], Context] = _nothing_bound


def current() -> LogState:
    """Return the state of the invocation of the running code, or `OUTSIDE`."""
    return state_of(lifecycle.current())


def state_of(invocation: Invocation | None) -> LogState:
    """Return the state of an invocation, or `OUTSIDE`."""
    if invocation is None:
        header = _environment(_TRACE_VARIABLE)  # without `instrument` it changes with each invocation
        if header is not OUTSIDE.trace_header:
            OUTSIDE.trace_header = header
            OUTSIDE.base_fields_json = None
        return OUTSIDE
    state: LogState = invocation.logging or _begin(invocation)
    return state


def _begin(invocation: Invocation) -> LogState:
    """Start an invocation's state: for its first line, unless its lines differ from those of others."""
    state: LogState = invocation.keep("logging", LogState(invocation))
    if state.threshold != SETTINGS.threshold:
        follow_levels()
    return state


def _begin_early(invocation: Invocation) -> None:
    if SETTINGS.sample_rate > 0 or SETTINGS.buffer_bytes:
        _begin(invocation)


def _end(invocation: Invocation) -> None:
    state = invocation.logging
    if state is None:
        return
    state.base_fields_json = None
    if state.buffer is not None:
        state.buffer.take()  # what goes on in the invocation's name may still fail, and has details of its own
    if state.threshold != OUTSIDE.threshold:
        follow_levels(ended=state)


def _open_states() -> list[LogState]:
    return [invocation.logging for invocation in lifecycle.open_invocations() if invocation.logging is not None]


def _refresh_all() -> None:
    for state in (OUTSIDE, *_open_states()):
        state.base_fields_json = None
        state.set_levels()
    follow_levels()


def follow_levels(ended: LogState | None = None) -> None:
    """Let lines be made from the lowest level on that any of the present states, or any logger, asks for."""
    states = (state.threshold for state in _open_states() if state is not ended)
    threshold = min([OUTSIDE.threshold, *states])
    SETTINGS.threshold = 0 if SETTINGS.captured else min([threshold, *SETTINGS.levels.values()])
    if threshold != SETTINGS.general_threshold:
        SETTINGS.general_threshold = threshold
        for callback in on_threshold:
            callback()


def _new_values() -> None:
    """Scrub what the lines carry again: it may hold a secret that has become known."""
    for state in (OUTSIDE, *_open_states()):
        if state.correlation_id is not None or SETTINGS.values:
            state.base_fields_json = None


def reset() -> None:
    """Forget everything, the settings included. For tests."""
    SETTINGS.reset()
    _env.set_service(None)
    OUTSIDE.__init__(None)  # type: ignore[misc]


def _scalar(value: Any) -> str | float | bool:
    return value if type(value) in (str, int, float, bool) else str(value)


SETTINGS.on_resolved.append(_refresh_all)
REDACTION.on_new_values.append(_new_values)
lifecycle.at_begin(_begin_early)
lifecycle.at_end(_end, last=True)
