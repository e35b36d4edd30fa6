"""How logging is set up: what `configure` was given, what the environment says, and what follows from both.

One `Settings` serves the process. It is worked out on first use, not at import: an explicit argument beats the
environment, the environment beats the default, and nothing goes below the platform's own level.
"""

from __future__ import annotations

import sys
from json.encoder import encode_basestring

from shared_utils import _env
from shared_utils.logging.fields import (
    CONTROL_KEYS,
    DEBUG,
    INFO,
    NAMES,
    PLATFORM_NAMES,
    RESERVED_KEYS,
    SETTABLE_KEYS,
    name_of,
    parse_level,
)
from shared_utils.redaction import REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["SETTINGS", "Settings", "platform_level"]

# CloudWatch Logs takes events of up to 256 KB; Lambda cuts longer lines into pieces.
DEFAULT_LINE_BYTES = 256 * 1024
DEFAULT_BUFFER_BYTES = 20 * 1024  # as Powertools' Logger


class Settings:
    """The settings in force.

    Attributes:
        configured: they have been worked out.
        threshold: the lowest level at which any line is made now. 0 until `configured`, so that the first call of any
            level gets far enough to work them out.
        general_threshold: the same for loggers that have no level of their own.
        level: the lowest level that is written.
        levels: the same for loggers of a name, and those below it, where it differs.
        safe_chars: a line of so many characters fits whatever they are: UTF-8 takes at most 4 bytes for each.
        fast: a line of plain values needs no look at each: it is JSON, and nothing of the user's makes it.
        frames: a line's processors or its location need the frame that logged it.
        values: the fields that `configure` adds to every line.
        key_names: how standing keys are named in the line instead, or None for not at all.
        reserved_keys: the keys that are the line's own then; a value given under one of them is rendered in full.
        settable_keys: those of them that a caller may set.
        template: how level, location, message, timestamp, base fields and values make a line; None for the usual way.
        warnings: what is wrong with the environment, with details, and is not logged yet; nothing is said twice.
        on_resolved: called, in this order, whenever the settings have been worked out.
        in_use: a logger has been asked for, or has logged.
        takes_over: `configure` or `instrument` has been called: our handler is wanted also beside those of others.
        on_use: called when `in_use` or `takes_over` becomes true, and whenever they are confirmed.
        captured: structlog.testing.capture_logs is at work.
    """

    __slots__ = (
        "_warned",
        "buffer_bytes",
        "captured",
        "configured",
        "console",
        "exception_locals",
        "failed_processors",
        "fast",
        "frames",
        "general_threshold",
        "in_use",
        "key_names",
        "level",
        "levels",
        "location",
        "location_json",
        "logger_json",
        "max_line_bytes",
        "names",
        "on_resolved",
        "on_use",
        "options",
        "processors",
        "reserved_keys",
        "safe_chars",
        "sample_rate",
        "serializer",
        "serializer_failed",
        "service",
        "settable_keys",
        "stdlib",
        "takes_over",
        "template",
        "threshold",
        "values",
        "warnings",
    )

    def __init__(self) -> None:
        self.on_resolved: list[Callable[[], None]] = []
        self.on_use: list[Callable[[], None]] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the settings of a process that has not logged yet. For tests."""
        self.options: dict[str, Any] = {}
        self.configured = self.in_use = self.takes_over = self.captured = False
        self.threshold = self.general_threshold = self.level = 0
        self.levels: dict[str, int] = {}
        self.warnings: list[tuple[str, dict[str, Any]]] = []
        self._warned: set[str] = set()
        self._defaults()
        self._shape({})

    def _defaults(self) -> None:
        self.console = False
        self.location = True
        self.exception_locals = False
        self.names = NAMES
        self.stdlib = True
        self.service = "service_undefined"
        self.sample_rate = 0.0
        self.buffer_bytes = 0
        self.max_line_bytes = DEFAULT_LINE_BYTES
        self.safe_chars = DEFAULT_LINE_BYTES // 4 - 1
        self.processors: tuple[Callable[..., Any], ...] = ()
        self.failed_processors: list[Callable[..., Any]] = []
        self.values: dict[str, Any] = {}
        self.serializer: Callable[[dict[str, Any]], str | bytes] | None = None
        self.serializer_failed = False

    def configure(self, options: dict[str, Any]) -> None:
        """Take `options`, which `shared_utils.logging.options` has checked, in the place of those given before."""
        self.options = options
        self.resolve()
        self.use(take_over=True)

    def use(self, *, take_over: bool = False) -> None:
        """Set up what a logger needs around it; see `takes_over`."""
        self.ensure_configured()
        self.in_use = True
        self.takes_over = self.takes_over or take_over
        for callback in self.on_use:
            callback()

    def ensure_configured(self) -> None:
        """Work out the settings unless that has been done."""
        if not self.configured:
            self.resolve()

    def resolve(self) -> None:
        """Work out the settings from the options and the environment."""
        self._defaults()
        options = self.options
        self.service = str(options.get("service") or _env.service() or "service_undefined")
        self.stdlib = options.get("stdlib", True)
        self.location = options.get("location", True)
        self.exception_locals = options.get("exception_locals", False)
        self.max_line_bytes = options.get("max_line_bytes", DEFAULT_LINE_BYTES)
        self.safe_chars = self.max_line_bytes // 4 - 1
        platform_json = _env.text_of("AWS_LAMBDA_LOG_FORMAT").upper() == "JSON"
        self.names = PLATFORM_NAMES if platform_json else NAMES
        self.console = self._format() == "console"
        self.processors = options.get("processors", ())
        self.values = options.get("values", {})
        self.serializer = None if self.console else options.get("serializer")
        self._shape(options.get("keys", {}))
        buffer = options.get("buffer", False)
        self.buffer_bytes = DEFAULT_BUFFER_BYTES if buffer is True else int(buffer)
        self.sample_rate = self._sample_rate()
        self.level = self._level()
        self.levels = {name: parse_level(level) or 0 for name, level in options.get("levels", {}).items()}
        REDACTION.configure(options.get("redact", ()), options.get("redact_patterns", False))
        self.configured = True
        for callback in self.on_resolved:
            callback()

    def _shape(self, keys: dict[str, str | None]) -> None:
        """Work out what the line looks like, so that nothing of it costs a line."""
        self.key_names = keys = {} if self.console else keys
        self.settable_keys = SETTABLE_KEYS | self.values.keys()
        own = {keys.get(key, key) for key in RESERVED_KEYS} - {None}
        self.reserved_keys = own | CONTROL_KEYS | self.values.keys()
        shown = {key: keys.get(key, key) for key in ("level", "location", "logger", "message", "timestamp")}
        if shown["location"] is None:
            self.location = False
        self.frames = bool(self.location or self.processors)
        self.location_json = f"{encode_basestring(shown['location'] or '')}:"
        self.logger_json = f"{encode_basestring(shown['logger'] or '')}:"
        self.template = None
        usual = all(name == key for key, name in shown.items())
        self.fast = not self.console and self.serializer is None and shown["logger"] is not None
        if not usual and self.fast:
            parts = {key: encode_basestring(name or "").replace("%", "%%") for key, name in shown.items()}
            level = f'{parts["level"]}:"%s",' if shown["level"] else "%.0s"
            tail = [f"{parts['message']}:%s" if shown["message"] else "%.0s"]
            tail.append(f'{parts["timestamp"]}:"%s"' if shown["timestamp"] else "%.0s")
            comma = "," if shown["message"] and shown["timestamp"] else ""
            self.template = "{" + level + "%s" + comma.join(tail) + "%s%s%s%s"
            self.fast = bool(shown["message"] or shown["timestamp"])  # else no part would end the list

    def _format(self) -> str:
        chosen = self.options.get("format") or _env.text_of("SHARED_UTILS_LOG_FORMAT").lower()
        if chosen in ("json", "console"):
            return str(chosen)
        if chosen:
            self._refuse("SHARED_UTILS_LOG_FORMAT", chosen, "json or console")
        if _env.text_of("AWS_LAMBDA_FUNCTION_NAME"):
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
            text = _env.text_of(name)
            if text:
                try:
                    rate = float(text)
                except ValueError:
                    rate = -1.0
                if 0 <= rate <= 1:
                    return rate
                self._refuse(name, text, "a number from 0 to 1")
        return 0.0

    def _level(self) -> int:
        """Return the argument, else the first variable that holds a level, else the platform's own, else INFO.

        Never less than the platform's own.
        """
        level = parse_level(self.options.get("level"))
        for name in ("SHARED_UTILS_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL"):
            text = _env.text_of(name)
            if level is None and text:
                level = parse_level(text)
                if level is None:
                    self._refuse(name, text, "DEBUG, INFO, WARNING, ERROR or CRITICAL")
        chosen = level is not None
        floor = platform_level()
        if level is None:
            level = floor or INFO
        if floor > level:
            if chosen:
                names = {"level": name_of(level), "lambda_level": name_of(floor)}
                self._warn("the log level is below Lambda's own, which holds", **names)
            level = floor
        if floor > DEBUG and (self.sample_rate or self.buffer_bytes):
            what = "sampled" if self.sample_rate else "buffered"
            self._warn(f"{what} debug lines will not show: Lambda's own level is higher", lambda_level=name_of(floor))
        return level

    def level_of(self, name: str | None) -> int | None:
        """Return the level of a logger's name, or of the nearest name above it; None when none is set."""
        while name:
            level = self.levels.get(name)
            if level is not None:
                return max(level, platform_level())
            name = name.rpartition(".")[0]
        return None

    def _refuse(self, name: str, value: str, expected: str) -> None:
        self._warn(f"{name} is not valid and is ignored", value=value, expected=expected)

    def _warn(self, message: str, **values: Any) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self.warnings.append((message, values))


def platform_level() -> int:
    """Return the level under which the platform itself drops lines (0 when it drops none)."""
    return parse_level(_env.text_of("AWS_LAMBDA_LOG_LEVEL")) or 0


def _service_changed() -> None:
    if SETTINGS.configured:
        SETTINGS.resolve()


SETTINGS = Settings()
_env.on_service.append(_service_changed)
