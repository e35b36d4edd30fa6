"""Mistakes that both type checkers find; the comment says by which code of mypy and which rule of pyright."""

# ruff: noqa: B018, D103, E501, F401, F841, I001
# fmt: off
from __future__ import annotations

import shared_utils
from shared_utils import config, get_logger, instrument, logging, metrics
from shared_utils import instrumnet  # finds: attr-defined | reportAttributeAccessIssue
from shared_utils.config import Setings  # finds: attr-defined | reportAttributeAccessIssue
from shared_utils.testing import LambdaContext

shared_utils.get_loger  # finds: attr-defined | reportAttributeAccessIssue
logging.inof("x")  # finds: attr-defined | reportAttributeAccessIssue
metrics.cuont("x")  # finds: attr-defined | reportAttributeAccessIssue
metrics.Units  # finds: attr-defined | reportAttributeAccessIssue
config.gte("ssm:///a")  # finds: attr-defined | reportAttributeAccessIssue
shared_utils.testing.lambda_contxt  # finds: attr-defined | reportAttributeAccessIssue
shared_utils.errors.ConfigErorr  # finds: attr-defined | reportAttributeAccessIssue


# --- invocations ---


@instrument
def bare(event: dict[str, str], context: LambdaContext) -> int:
    return 1


@instrument(log_event=True)
async def awaited(event: dict[str, str], context: LambdaContext) -> float:
    return 1.0


@instrument(log_event="true")  # finds: call-overload | reportArgumentType
def wrong_option(event: dict[str, str], context: LambdaContext) -> int:
    return 1


@instrument(log_evnet=True)  # finds: call-overload | reportCallIssue
def misspelt_option(event: dict[str, str], context: LambdaContext) -> int:
    return 1


async def call_handlers(context: LambdaContext) -> None:
    bare({})  # finds: call-arg | reportCallIssue
    bare({"a": 1}, context)  # finds: dict-item | reportArgumentType
    awaited(1, context)  # finds: arg-type | reportArgumentType
    await awaited({}, context)  # finds: misc | reportGeneralTypeIssues
    text: str = bare({}, context)  # finds: assignment | reportAssignmentType


# --- logging ---


def use_logging() -> None:
    get_logger(5)  # finds: arg-type | reportArgumentType
    get_logger().inof("x")  # finds: attr-defined | reportAttributeAccessIssue
    get_logger().bind(1)  # finds: call-arg | reportCallIssue
    logging.configure(levle="DEBUG")  # finds: call-arg | reportCallIssue
    logging.configure(format="xml")  # finds: arg-type | reportArgumentType
    logging.configure(level=1.5)  # finds: arg-type | reportArgumentType


# --- metrics ---


@metrics.timer  # finds: arg-type | reportArgumentType
def timed_without_a_name() -> None: ...


@metrics.timer("Took")
async def timed(number: int) -> str:
    return str(number)


async def use_metrics() -> None:
    metrics.count(5)  # finds: arg-type | reportArgumentType
    metrics.count("A", "5")  # finds: arg-type | reportArgumentType
    metrics.add("A", 1)  # finds: call-arg | reportCallIssue
    metrics.add("A", 1, 5)  # finds: arg-type | reportArgumentType
    metrics.dimensions("kind")  # finds: arg-type | reportArgumentType
    metrics.timestamp("today")  # finds: arg-type | reportArgumentType
    metrics.configure(namespase="N")  # finds: call-arg | reportCallIssue
    metrics.configure(namespace=5)  # finds: arg-type | reportArgumentType
    metrics.configure(strict="yes")  # finds: arg-type | reportArgumentType
    metrics.scope(namespace=5)  # finds: arg-type | reportArgumentType
    metrics.scope(kind="x").cuont("A")  # finds: attr-defined | reportAttributeAccessIssue
    number: int = await timed(1)  # finds: assignment | reportAssignmentType
    await timed("1")  # finds: arg-type | reportArgumentType


# --- configuration ---


class Settings(config.Settings):
    """Typed settings."""

    table: str = config.env("TABLE_NAME")
    size: int = config.ssm("/size", default=20)


def use_configuration() -> None:
    Settings(tabel="t", size=1)  # finds: call-arg | reportCallIssue
    Settings.load().size = 5  # finds: misc | reportAttributeAccessIssue
    Settings.load().sise  # finds: attr-defined | reportAttributeAccessIssue
    text: str = config.get("ssm:///a", type=int)  # finds: assignment | reportAssignmentType
    number: int = config.get("ssm:///a", type=int, default=None)  # finds: assignment | reportAssignmentType
    revealed: str = config.get("secret://a", type=config.Secret[bytes]).reveal()  # finds: assignment | reportAssignmentType
    config.get("ssm:///a", typ=int)  # finds: call-overload | reportCallIssue
    config.configure(max_age="1")  # finds: arg-type | reportArgumentType
    config.Secret(5)  # finds: type-var | reportArgumentType
