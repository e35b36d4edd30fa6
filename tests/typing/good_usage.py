"""What a function's author writes; both type checkers accept every line of it and see the types asserted here."""

# pyright: strict

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_type

from structlog.typing import BindableLogger

from shared_utils import config, get_logger, instrument, logging, metrics
from shared_utils.errors import ConfigError, LoggingError, MetricsError, SharedUtilsError
from shared_utils.logging import BoundLogger, correlation_paths
from shared_utils.testing import CapturedLogs, CapturedMetrics, ConfigValues, LambdaContext

# --- invocations ---


@instrument
def bare(event: dict[str, str], context: LambdaContext) -> int:
    """Keep parameters and result."""
    return 1


@instrument()
def called(event: dict[str, str], context: LambdaContext) -> int:
    """Likewise with parentheses."""
    return 1


@instrument(correlation_id=correlation_paths.SQS, log_event=500, log_response=True, timeout_warning=False)
def with_arguments(event: dict[str, str], context: LambdaContext) -> str:
    """Likewise with arguments."""
    return ""


@instrument
async def awaited_bare(event: dict[str, str], context: LambdaContext) -> float:
    """Return what the coroutine returns: instrument runs it."""
    return 1.0


@instrument(correlation_id=lambda event: event["id"])
async def awaited_with_arguments(event: dict[str, str], context: LambdaContext) -> float:
    """Likewise with arguments."""
    return 1.0


class Functions:
    """Handlers that are methods."""

    @instrument
    def handle(self, event: dict[str, str], context: LambdaContext) -> bytes:
        """Keep parameters and result of a method."""
        return b""


def use_handlers(context: LambdaContext) -> None:
    """Call all of them."""
    assert_type(bare({}, context), int)
    assert_type(called(event={}, context=context), int)
    assert_type(with_arguments(event={}, context=context), str)
    assert_type(awaited_bare({}, context), float)
    assert_type(awaited_with_arguments({}, context), float)
    assert_type(Functions().handle({}, context), bytes)


# --- logging ---


def use_logging() -> None:
    """Every way to log."""
    log = get_logger("name", user="ann")
    assert_type(log, BoundLogger)
    assert_type(get_logger(), BoundLogger)
    assert_type(log.bind(a=1), BoundLogger)
    assert_type(log.unbind("a"), BoundLogger)
    assert_type(log.new(b=2), BoundLogger)
    assert_type(log.try_unbind("b"), BoundLogger)
    bindable: BindableLogger = log
    bindable.bind(a=1)
    log.info("x", event={}, level=1, name="n", message="m")
    log.warning("%d of %s", 1, "many", key=object())
    logging.exception("x %s", 1, key=2)
    logging.log(20, "x")
    logging.configure(level="DEBUG", buffer=True, redact=["a"], format="json", service=None)
    with logging.bound(a=1):
        logging.bind(b=2)
        logging.unbind("b")
    logging.clear()


# --- metrics ---


@metrics.timer("Took")
def timed(number: int) -> str:
    """Keep parameters and result under a timer."""
    return str(number)


@metrics.timer("Took", resolution=1)
async def timed_coroutine(number: int) -> str:
    """Likewise a coroutine function's."""
    return str(number)


@metrics.timer("Took")
def timed_generator() -> Iterator[int]:
    """Likewise a generator function's."""
    yield 1


@metrics.timer("Took")
async def timed_async_generator() -> AsyncIterator[int]:
    """Likewise an asynchronous generator function's."""
    yield 1


async def use_metrics() -> None:
    """Every way to record."""
    metrics.count("A")
    metrics.count("A", Decimal("1.5"))
    metrics.add("A", 1.5, "Milliseconds")
    metrics.add("A", True, metrics.Unit.Bytes, resolution=1)
    metrics.dimensions(kind="x", number=1)
    metrics.dimensions({"http.method": "GET"}, kind="x")
    metrics.dimension_set(region="eu")
    metrics.default_dimensions(stage="dev")
    metrics.properties({"any": object()}, more=[1])
    metrics.timestamp(datetime.now(UTC))
    metrics.timestamp(1_700_000_000_000)
    metrics.configure(namespace="N", service=None, strict=True)
    metrics.configure(cold_start=False)
    assert_type(timed(1), str)
    assert_type(await timed_coroutine(1), str)
    assert_type(next(timed_generator()), int)
    assert_type([number async for number in timed_async_generator()], list[int])
    with metrics.scope({"a": 1}, namespace="N", kind="x") as scope:
        scope.count("A")
        scope.add("A", 1, "Count")
        with scope.timer("T"):
            metrics.flush()
    with metrics.timer("T"):
        pass
    async with metrics.timer("T"):
        pass


# --- configuration ---


class Settings(config.Settings):
    """Typed settings."""

    table: str = config.env("TABLE_NAME")
    size: int = config.ssm("/size", default=20)
    key: config.Secret = config.secret("api", key="key")
    flags: dict[str, Any] = config.appconfig("todos", "dev", "flags", default={})


async def use_configuration() -> None:
    """Every way to read."""
    settings = await Settings.aload(max_age=5)
    assert_type(settings, Settings)
    assert_type(Settings.load(), Settings)
    assert_type(settings.table, str)
    assert_type(settings.size, int)
    assert_type(settings.key.reveal(), str)
    assert_type(settings.flags, dict[str, Any])
    Settings(table="t", key=config.Secret("k"), size=1, flags={})
    assert_type(config.get("ssm:///a"), Any)
    assert_type(config.get("ssm:///a", type=int), int)
    assert_type(config.get("ssm:///a", type=int, default=None, max_age=5), int | None)
    assert_type(config.get("ssm:///a", type=int, default=5), int)
    assert_type(config.get("ssm:///a", type=list[str]), list[str])
    none: dict[str, int] = {}
    assert_type(config.get("ssm:///a", type=dict[str, int], default=none, max_stale=1), dict[str, int])
    assert_type(config.get("secret://a", type=config.Secret[str]).reveal(), str)
    assert_type(config.get("secret://a", type=config.Secret[bytes]).reveal(), bytes)
    assert_type(config.Secret(b"b").reveal(), bytes)
    assert_type(config.Secret("s"), config.Secret[str])
    config.configure(max_age=None)
    config.refresh()


# --- tests ---


def test_with_fixtures(
    captured_logs: CapturedLogs,
    captured_metrics: CapturedMetrics,
    config_values: ConfigValues,
    lambda_context: LambdaContext,
) -> None:
    """What the pytest plugin's fixtures offer."""
    assert_type(captured_logs.one(level="INFO"), dict[str, Any])
    assert_type(captured_metrics.values("A", kind="x"), list[float])
    assert_type(captured_metrics.total("A"), float)
    assert_type(captured_metrics.documents, list[dict[str, Any]])
    assert_type(lambda_context.get_remaining_time_in_millis(), int)
    config_values({"ssm:///a": "1"})


# --- errors ---


def handle(error: SharedUtilsError) -> Callable[[], Awaitable[None]] | None:
    """Tell the errors apart."""
    if isinstance(error, ConfigError):
        assert_type([problem.field for problem in error.problems], list[str])
    if isinstance(error, MetricsError | LoggingError):
        return None
    return use_metrics
