"""Mistakes that both type checkers find: ``# finds: mypy's codes | pyright's rules`` stands where they must."""

# ruff: noqa: F401, B018, D103, PLR2004
from __future__ import annotations

import shared_utils
from shared_utils import config, get_logger, instrument, logging, metrics
from shared_utils import instrumnet  # finds: attr-defined | reportAttributeAccessIssue, reportUnknownVariableType
from shared_utils.config import Setings  # finds: attr-defined | reportAttributeAccessIssue
from shared_utils.testing import LambdaContext

shared_utils.get_loger  # finds:
logging.inof("x")  # finds:
metrics.cuont("x")  # finds:
metrics.Units  # finds:
config.gte("ssm:///a")  # finds:
shared_utils.testing.lambda_contxt  # finds:
shared_utils.errors.ConfigErorr  # finds:


# --- invocations ---


@instrument
def bare(event: dict[str, str], context: LambdaContext) -> int:
    return 1


@instrument(log_event=True)
async def awaited(event: dict[str, str], context: LambdaContext) -> float:
    return 1.0


@instrument(log_event="true")  # finds:
def wrong_option(event: dict[str, str], context: LambdaContext) -> int:
    return 1


@instrument(log_evnet=True)  # finds:
def misspelt_option(event: dict[str, str], context: LambdaContext) -> int:
    return 1


async def call_handlers(context: LambdaContext) -> None:
    bare({})  # finds:
    bare({"a": 1}, context)  # finds:
    awaited(1, context)  # finds:
    await awaited({}, context)  # finds:
    text: str = bare({}, context)  # finds:


# --- logging ---


def use_logging() -> None:
    get_logger(5)  # finds:
    get_logger().inof("x")  # finds:
    get_logger().bind(1)  # finds:
    logging.configure(levle="DEBUG")  # finds:
    logging.configure(format="xml")  # finds:
    logging.configure(level=1.5)  # finds:


# --- metrics ---


@metrics.timer  # finds:
def timed_without_a_name() -> None: ...


@metrics.timer("Took")
async def timed(number: int) -> str:
    return str(number)


async def use_metrics() -> None:
    metrics.count(5)  # finds:
    metrics.count("A", "5")  # finds:
    metrics.add("A", 1)  # finds:
    metrics.add("A", 1, 5)  # finds:
    metrics.dimensions("kind")  # finds:
    metrics.timestamp("today")  # finds:
    metrics.configure(namespase="N")  # finds:
    metrics.configure(namespace=5)  # finds:
    metrics.configure(strict="yes")  # finds:
    metrics.scope(namespace=5)  # finds:
    metrics.scope(kind="x").cuont("A")  # finds:
    number: int = await timed(1)  # finds:
    await timed("1")  # finds:


# --- configuration ---


class Settings(config.Settings):
    """Typed settings."""

    table: str = config.env("TABLE_NAME")
    size: int = config.ssm("/size", default=20)


def use_configuration() -> None:
    Settings(tabel="t", size=1)  # finds:
    Settings.load().size = 5  # finds:
    Settings.load().sise  # finds:
    text: str = config.get("ssm:///a", type=int)  # finds:
    number: int = config.get("ssm:///a", type=int, default=None)  # finds:
    revealed: str = config.get("secret://a", type=config.Secret[bytes]).reveal()  # finds:
    config.get("ssm:///a", typ=int)  # finds:
    config.configure(max_age="1")  # finds:
    config.Secret(5)  # finds:
