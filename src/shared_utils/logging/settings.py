"""How logging is set up, and what the invocation being served adds to each of its lines.

One `LogState` serves the process. It is settled on first use, not at import: an explicit argument of `configure`
beats the environment, the environment beats the default, and nothing goes below the platform's own level.
"""

from __future__ import annotations

import os
import sys
from json.encoder import encode_basestring

from shared_utils.invocation import lifecycle as _invocation
from shared_utils.logging.levels import NAMES, PLATFORM_NAMES, name_of, parse_level
from shared_utils.redaction.rules import REDACTION

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shared_utils.invocation.lifecycle import Invocation
    from shared_utils.logging.buffer import LineBuffer

__all__ = ["STATE", "LogState"]

DEBUG, INFO, WARNING = 10, 20, 30
# CloudWatch Logs takes events of up to 256 KB; Lambda cuts longer lines into pieces.
DEFAULT_LINE_BYTES = 256 * 1024
DEFAULT_BUFFER_BYTES = 20 * 1024  # as Powertools' Logger
# Every line must have room for it. Ids have 36 characters, trace headers a hundred.
LONGEST_CORRELATION_ID = 256


class LogState:
    """Settings, and the values that every line of the moment carries."""

    __slots__ = (
        "buffer",
        "buffer_bytes",
        "complaints",
        "console",
        "correlation_id",
        "exception_locals",
        "idle",
        "level",
        "location",
        "max_line_bytes",
        "names",
        "on_settled",
        "on_threshold",
        "options",
        "own",
        "safe_chars",
        "sample_rate",
        "sampled",
        "serial",
        "service",
        "settled",
        "tail",
        "threshold",
        "written_from",
    )

    def __init__(self) -> None:
        self.on_settled: list[Callable[[], None]] = []
        self.on_threshold: list[Callable[[], None]] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the state of a process that has not logged yet. For tests."""
        self.options: dict[str, Any] = {}
        self.settled = False
        self.threshold = self.written_from = self.level = (
            0  # let the first line through, whatever its level: it settles the state
        )
        self.serial = 0  # counts invocations; values bound in an earlier one do not count any more
        self.own: dict[str, Any] = {}
        self.tail = ""
        self.idle: tuple[dict[str, Any], str] | None = None  # the two of them outside an invocation
        self.buffer: LineBuffer | None = None
        self.sampled = False
        self.correlation_id: str | None = None
        self.complaints: dict[str, dict[str, Any]] = {}  # what is wrong with the settings -> details; said once
        self._defaults()

    def _defaults(self) -> None:
        self.console = False
        self.location = True
        self.exception_locals = False
        self.names = NAMES
        self.service = "service_undefined"
        self.sample_rate = 0.0
        self.buffer_bytes = 0
        self.max_line_bytes = DEFAULT_LINE_BYTES
        # A line of this many characters fits whatever they are: UTF-8 takes at most 4 bytes for each.
        self.safe_chars = DEFAULT_LINE_BYTES // 4 - 1

    # --- settings ---------------------------------------------------------------------------------------------

    def configure(self, options: dict[str, Any]) -> None:
        """Check `options` and add them to those given before; None takes one back.

        Raises:
            LoggingError: a value that cannot be used; the earlier set-up stays.
        """
        merged = {key: value for key, value in {**self.options, **options}.items() if value is not None}
        from shared_utils.logging.options import check

        check(merged)
        self.options = merged
        self.settle()

    def settle(self) -> None:
        """Work out the settings from the options and the environment."""
        self._defaults()
        options, env = self.options, os.environ
        told = set(self.complaints)
        in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in env
        self.service = str(
            options.get("service")
            or env.get("SHARED_UTILS_SERVICE")
            or env.get("POWERTOOLS_SERVICE_NAME")
            or "service_undefined"
        )
        self.location = options.get("location", True)
        self.exception_locals = options.get("exception_locals", False)
        self.max_line_bytes = options.get("max_line_bytes", DEFAULT_LINE_BYTES)
        self.safe_chars = self.max_line_bytes // 4 - 1
        platform_json = env.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        self.names = PLATFORM_NAMES if platform_json else NAMES
        self.console = self._format(in_lambda) == "console"
        buffer = options.get("buffer", False)
        self.buffer_bytes = DEFAULT_BUFFER_BYTES if buffer is True else int(buffer)
        self.idle = None
        self.sample_rate = self._sample_rate()
        self.level = self._level()
        REDACTION.configure(options.get("redact", ()), options.get("redact_patterns", False))
        first = not self.settled
        self.settled = True
        self.refresh(_invocation.current())
        if first:
            for callback in self.on_settled:
                callback()
        self._say(told)

    def _format(self, in_lambda: bool) -> str:
        chosen = self.options.get("format") or os.environ.get("SHARED_UTILS_LOG_FORMAT", "").strip().lower()
        if chosen in ("json", "console"):
            return str(chosen)
        if chosen:
            self._complain("SHARED_UTILS_LOG_FORMAT", chosen, "json or console")
        if in_lambda:
            return "json"
        try:
            return "console" if sys.stdout.isatty() else "json"
        except (AttributeError, ValueError):  # no stream, or a closed one
            return "json"

    def _sample_rate(self) -> float:
        given = self.options.get("sample_rate")
        if given is not None:
            return float(given)
        for name in ("SHARED_UTILS_LOG_SAMPLE_RATE", "POWERTOOLS_LOGGER_SAMPLE_RATE"):
            text = os.environ.get(name)
            if text:
                try:
                    rate = float(text)
                except ValueError:
                    rate = -1.0
                if 0 <= rate <= 1:
                    return rate
                self._complain(name, text, "a number from 0 to 1")
        return 0.0

    def _level(self) -> int:
        """The argument, else the first variable that is set, else INFO; never below AWS_LAMBDA_LOG_LEVEL."""
        level = parse_level(self.options.get("level"))
        for name in ("SHARED_UTILS_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL"):
            text = os.environ.get(name)
            if level is None and text:
                level = parse_level(text)
                if level is None:
                    self._complain(name, text, "DEBUG, INFO, WARNING, ERROR or CRITICAL")
        chosen = level is not None
        if level is None:
            level = INFO
        floor = _floor()
        if floor > level:
            if chosen:
                names = {"level": name_of(level), "lambda_level": name_of(floor)}
                self._warn("the log level is below Lambda's own, which holds", **names)
            level = floor
        if floor > DEBUG and (self.sample_rate or self.buffer_bytes):
            what = "sampled" if self.sample_rate else "buffered"
            self._warn(f"{what} debug lines will not show: Lambda's own level is higher", lambda_level=name_of(floor))
        return level

    def _complain(self, name: str, value: str, expected: str) -> None:
        self._warn(f"{name} is not valid and is ignored", value=value, expected=expected)

    def _warn(self, message: str, **values: Any) -> None:
        self.complaints[message] = values

    def _say(self, told: set[str]) -> None:
        """Write a line for each complaint that is new."""
        if self.complaints.keys() - told:
            from shared_utils.logging.fast import write_line

            for message, values in self.complaints.items():
                if message not in told:
                    write_line(WARNING, message, values)

    # --- the invocation -----------------------------------------------------------------------------------------

    def begin(self, invocation: Invocation) -> None:
        """Take up an invocation: roll the dice for debug sampling, start its buffer."""
        if not self.settled:
            self.settle()
        self.correlation_id = None
        # Not `random`: its state would be the same in every environment restored from one snapshot.
        self.sampled = self.sample_rate > 0 and int.from_bytes(os.urandom(4), "big") / 2**32 < self.sample_rate
        if self.buffer_bytes:
            from shared_utils.logging.buffer import LineBuffer

            self.buffer = LineBuffer(self.buffer_bytes)
        self.refresh(invocation)

    def end(self, _invocation: Invocation) -> None:
        """Let go of what belonged to the invocation; values bound in it count no more, in whatever task they are."""
        self.buffer = None
        self.sampled = False
        self.correlation_id = None
        self.serial += 1
        self.refresh(None)

    def correlate(self, correlation_id: str) -> None:
        """Set the correlation id of the invocation being served. It comes from outside, and may be anything."""
        self.correlation_id = correlation_id[:4096]
        self.refresh(_invocation.current())

    def scrub_again(self) -> None:
        """A secret has become known: the correlation id may hold it."""
        if self.correlation_id is not None:
            self.refresh(_invocation.current())

    def refresh(self, invocation: Invocation | None) -> None:
        """Work out what the lines of this moment carry, and from which level on they are made and written."""
        if invocation is not None:
            self.own, self.tail = self._carried(
                service=self.service,
                cold_start=invocation.cold_start,
                function_name=invocation.function_name,
                function_memory_size=invocation.memory_mb,
                function_arn=invocation.function_arn,
                function_request_id=invocation.request_id,
                tenant_id=invocation.tenant_id,
                correlation_id=self.correlation_id and REDACTION.scrub(self.correlation_id)[:LONGEST_CORRELATION_ID],
                xray_trace_id=invocation.xray_trace_id,
            )
        else:
            if self.idle is None:
                self.idle = self._carried(service=self.service)
            self.own, self.tail = self.idle
        # With buffering on, low lines outside an invocation are written at once: nothing would ever flush them.
        everything = self.sampled or (self.buffer_bytes > 0 and invocation is None)
        self.written_from = min(self.level, max(DEBUG, _floor())) if everything else self.level
        threshold = min(self.written_from, DEBUG) if self.buffer is not None else self.written_from
        if threshold != self.threshold:
            self.threshold = threshold
            for callback in self.on_threshold:
                callback()

    def _carried(self, **own: Any) -> tuple[dict[str, Any], str]:
        """Return the line's own values, those that are there, and the same as a piece of JSON."""
        if self.sample_rate:
            own["sampling_rate"] = self.sample_rate
        own = {key: _scalar(value) for key, value in own.items() if value is not None}
        return own, "".join([f',"{key}":{encode_scalar(value)}' for key, value in own.items()])


def encode_scalar(value: str | float | bool) -> str:
    """Return the JSON of a string, number or truth value."""
    if isinstance(value, str):
        return encode_basestring(value)
    return repr(value).lower()


def _scalar(value: Any) -> str | float | bool:
    return value if type(value) in (str, int, float, bool) else str(value)


def _floor() -> int:
    """Return the level under which the platform itself drops lines (0 when it drops none)."""
    return parse_level(os.environ.get("AWS_LAMBDA_LOG_LEVEL")) or 0


STATE = LogState()
REDACTION.on_register.append(STATE.scrub_again)
_invocation.at_begin(STATE.begin)
_invocation.at_end(STATE.end, last=True)
