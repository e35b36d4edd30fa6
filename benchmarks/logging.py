"""Log lines against the peers' in one process: an info line, a filtered one, many bound keys, an invocation, memory.

Run alone: ``python -m benchmarks.logging`` (``--json`` for the harness of ``python -m benchmarks``).
"""

from __future__ import annotations

import io
import json
import logging
import os
import platform
import sys
import time
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks.alone import main
from benchmarks.samples import Comparison, Series
from benchmarks.timing import alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

__all__ = ["measure"]

OURS, POWERTOOLS, STRUCTLOG = "shared_utils", "Powertools Logger", "structlog, JSON"
BOUND = {"user_id": "u-1", "attempt": 2, "ratio": 0.5}
SHORT_ROUNDS = 100
# Limits: ours divided by the peer's.
INFO_LIMITS = {POWERTOOLS: 0.33, STRUCTLOG: 1.1}
DEBUG_LIMITS = {POWERTOOLS: 0.25}
KEYS_LIMITS = {STRUCTLOG: 1.0}
PROCESSORS_LIMITS = {STRUCTLOG: 1.2}
LINES_FOR_MEMORY = 1_000_000
FLAT_KB = 1024

Loggers = dict[str, Any]
CONTEXT = SimpleNamespace(
    aws_request_id="5f0c1c8e-5d5c-4c2c-9a3b-0c8d1c1c1c1c",
    function_name="todos",
    function_version="$LATEST",
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:todos",
    memory_limit_in_mb="128",
)


def _measure(sink: TextIO) -> tuple[list[Comparison], list[Series]]:
    with redirect_stdout(sink):
        loggers = _loggers(sink, BOUND)
        info = _medians({name: _info(log) for name, log in loggers.items()} | _raw(sink), 1000)
        debug = _medians({name: _debug(log) for name, log in loggers.items()}, 10_000)
        keys = _by_bound_keys(sink)
        invocations = _invocations()
        memory = _memory(sink)
        lines = _lines()
        processed = _medians(_through_processors(sink), 1000)
        serialized = _medians(_serialized(sink), 1000)
        lean = _lean_bytes()
    comparisons = [
        *_compare("info line, 3 bound and 3 call values", info, INFO_LIMITS),
        *_compare("filtered debug line", debug, DEBUG_LIMITS),
        *_compare("growth of a line from 1 to 1,000 bound keys", _growth(keys), KEYS_LIMITS, "times"),
        *_compare("info line through three processors, the same keys", processed, PROCESSORS_LIMITS),
        *_compare("info line, serializer=orjson.dumps", serialized, {}),
        *_compare("bytes of a lean line in an invocation", lean, {}, "B"),
        *_compare("an invocation without a line", invocations, {}),
        *_compare(f"memory grown in {LINES_FOR_MEMORY:,} lines", memory, {"limit: 1 MB": 1.0}, "kB"),
    ]
    series = [
        Series("info line", "bound keys", name, "µs", {count: costs[name] for count, costs in keys.items()})
        for name in (OURS, STRUCTLOG, POWERTOOLS)
    ]
    return comparisons, [*series, Series("an invocation", "lines", OURS, "µs", lines)]


def _compare(work: str, costs: Mapping[str, float], limits: Mapping[str, float], unit: str = "µs") -> list[Comparison]:
    where = platform.python_version()
    return [
        Comparison("logging", work, peer, costs[OURS], cost, unit, limits.get(peer), where)
        for peer, cost in costs.items()
        if peer != OURS
    ]


def _medians(cases: Mapping[str, Callable[[], object]], calls: int) -> dict[str, float]:
    return {name: sample.median for name, sample in alternate(cases, calls).items()}


def _loggers(sink: TextIO, bound: dict[str, Any]) -> Loggers:
    """Return each peer's logger with the values bound, its own way, all at level INFO and writing to `sink`."""
    import structlog
    from aws_lambda_powertools import Logger

    from shared_utils import get_logger

    powertools = Logger(service=f"benchmark-{len(bound)}", level="INFO")
    powertools.append_keys(**bound)
    plain = structlog.wrap_logger(
        structlog.PrintLogger(sink),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    )
    return {
        OURS: get_logger().bind(**bound),
        POWERTOOLS: powertools,
        STRUCTLOG: plain.bind(**bound),
        **_with_orjson(structlog, sink, bound),
        **_standard(sink, bound),
    }


def _with_orjson(structlog: Any, sink: TextIO, bound: dict[str, Any]) -> Loggers:
    try:
        import orjson
    except ImportError:  # a peer of `make bench` only
        return {}
    logger = structlog.wrap_logger(
        structlog.BytesLogger(sink.buffer),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    )
    return {"structlog, orjson": logger.bind(**bound)}


class _Extra(logging.LoggerAdapter):  # type: ignore[type-arg]  # not subscriptable before Python 3.11 stubs
    """Keywords as extra values, on top of bound ones."""

    def log_with(self, level: int, message: str, **values: Any) -> None:
        """Log with the bound values and these."""
        self.logger.log(level, message, extra={**(self.extra or {}), **values})

    def info(self, message: str, **values: Any) -> None:  # type: ignore[override]
        """Log at INFO."""
        self.log_with(logging.INFO, message, **values)

    def debug(self, message: str, **values: Any) -> None:  # type: ignore[override]
        """Log at DEBUG."""
        self.log_with(logging.DEBUG, message, **values)


def _standard(sink: TextIO, bound: dict[str, Any]) -> Loggers:
    """Return the standard library's logger with the runtime client's JSON formatter, and with python-json-logger's."""
    formatters: dict[str, logging.Formatter] = {}
    try:
        from awslambdaric.lambda_runtime_log_utils import JsonFormatter

        formatters["runtime client, JSON"] = JsonFormatter()
    except ImportError:
        pass
    try:
        from pythonjsonlogger.json import JsonFormatter as Theirs

        formatters["python-json-logger"] = Theirs("%(levelname)s %(message)s %(asctime)s")
    except ImportError:
        pass
    loggers: Loggers = {}
    for name, formatter in formatters.items():
        logger = logging.getLogger(f"benchmark.{name}.{len(bound)}")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        handler = logging.StreamHandler(sink)
        handler.setFormatter(formatter)
        logger.handlers = [handler]
        loggers[name] = _Extra(logger, bound)
    return loggers


def _info(log: Any) -> Callable[[], None]:
    def call() -> None:
        log.info("todos listed", count=3, page="first", cached=True)

    return call


def _debug(log: Any) -> Callable[[], None]:
    def call() -> None:
        log.debug("todos listed", count=3, page="first", cached=True)

    return call


def _raw(sink: TextIO) -> dict[str, Callable[[], None]]:
    values = {"level": "INFO", "message": "todos listed", **BOUND, "count": 3, "page": "first", "cached": True}

    def write() -> None:
        sink.write(json.dumps(values) + "\n")
        sink.flush()

    return {"raw limit: json.dumps and a write": write}


def _by_bound_keys(sink: TextIO) -> dict[int, dict[str, float]]:
    """Return the cost of a line by number of bound keys and peer: the least of many short rounds, taken in turns."""
    costs: dict[int, dict[str, float]] = {count: {} for count in (1, 10, 100, 1000)}
    cases = {
        (count, name): _info(logger)
        for count in costs
        for name, logger in _loggers(sink, {f"key{number}": number for number in range(count)}).items()
        if name in (OURS, STRUCTLOG, POWERTOOLS)
    }
    for _ in range(SHORT_ROUNDS):
        for (count, name), call in cases.items():
            calls = max(3, 30 // count)
            began = time.perf_counter()
            for _ in range(calls):
                call()
            cost = (time.perf_counter() - began) / calls * 1e6
            costs[count][name] = min(cost, costs[count].get(name, cost))
    return costs


def _growth(keys: Mapping[int, dict[str, float]]) -> dict[str, float]:
    """Return how many times dearer a line gets from 1 to 1,000 bound keys."""
    return {name: keys[1000][name] / keys[1][name] for name in keys[1]}


def _invocations() -> dict[str, float]:
    from aws_lambda_powertools import Logger

    from shared_utils import instrument

    powertools = Logger(service="benchmark-invocations")

    @instrument
    def ours(event: object, context: object) -> None:
        """Do nothing."""

    @powertools.inject_lambda_context(clear_state=True)
    def theirs(event: object, context: object) -> None:
        """Do nothing."""

    return _medians({OURS: lambda: ours({}, CONTEXT), POWERTOOLS: lambda: theirs({}, CONTEXT)}, 500)


def _lines() -> dict[int, float]:
    """Return what an invocation costs by its number of lines, in microseconds."""
    from shared_utils import get_logger, instrument

    call = _info(get_logger().bind(**BOUND))

    @instrument
    def handler(event: int, context: object) -> None:  # noqa: ARG001 - Lambda passes it
        for _ in range(event):
            call()

    costs = {}
    for count in (1, 10, 100, 1000, 10_000):
        rounds = max(3, 2000 // count)
        began = time.perf_counter()
        for _ in range(rounds):
            handler(count, CONTEXT)
        costs[count] = (time.perf_counter() - began) / rounds * 1e6
    return costs


def _through_processors(sink: TextIO) -> dict[str, Callable[[], None]]:
    """Return a line through add_log_level, TimeStamper and a function, in ours and in structlog's own pipeline."""
    import structlog

    from shared_utils import get_logger, logging

    def add_build(logger: Any, method_name: str, event_dict: Any) -> Any:  # noqa: ARG001 - structlog's protocol
        event_dict["build"] = 17
        return event_dict

    three = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), add_build]
    theirs = structlog.wrap_logger(
        structlog.PrintLogger(sink),
        processors=[*three, structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    ).bind(**BOUND, service="service_undefined", location="call:1")
    logging.configure(processors=three)
    return {OURS: _info(get_logger().bind(**BOUND)), STRUCTLOG: _info(theirs)}


def _serialized(sink: TextIO) -> dict[str, Callable[[], None]]:
    """Return a line that orjson writes, in ours and in structlog's pipeline."""
    import structlog

    from shared_utils import get_logger, logging

    theirs = _with_orjson(structlog, sink, BOUND)
    if not theirs:
        return {}
    import orjson

    logging.configure(processors=None, serializer=orjson.dumps)
    return {OURS: _info(get_logger().bind(**BOUND)), **{name: _info(log) for name, log in theirs.items()}}


def _lean_bytes() -> dict[str, float]:
    """Return the bytes of a line in an invocation, with all keys and with those that its readers cannot join."""
    from shared_utils import instrument, logging

    left_out = "location service function_name function_memory_size function_arn cold_start xray_trace_id"
    sizes: list[float] = []

    @instrument
    def handler(event: object, context: object) -> None:  # noqa: ARG001 - Lambda passes them
        logging.info("todos listed", **BOUND)

    for keys in (None, dict.fromkeys(left_out.split())):
        logging.configure(serializer=None, keys=keys)
        text = io.StringIO()
        with redirect_stdout(text):
            handler({}, CONTEXT)
        sizes.append(len(text.getvalue().encode()))
    logging.configure(keys=None)
    return {OURS: sizes[1], "shared_utils, all keys": sizes[0]}


def _memory(sink: TextIO) -> dict[str, float]:
    """Return how many kB the process grows while it writes a million lines, after a start of ten thousand."""
    log = _loggers(sink, BOUND)[OURS]
    for number in range(10_000):
        log.info("todos listed", count=number)
    before = _resident_kb()
    for number in range(LINES_FOR_MEMORY):
        log.info("todos listed", count=number, **{f"key{number % 5000}": number})
    return {OURS: _resident_kb() - before, "limit: 1 MB": FLAT_KB}


def _resident_kb() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - not a file with a life of its own
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def measure() -> tuple[list[Comparison], list[Series]]:
    """Run everything with standard output at a sink; return ours beside each peer, and how costs grow."""
    with open(os.devnull, "w", encoding="utf-8") as sink:  # noqa: PTH123 - a device
        return _measure(sink)


if __name__ == "__main__":
    sys.exit(main("logging", __doc__, measure))
