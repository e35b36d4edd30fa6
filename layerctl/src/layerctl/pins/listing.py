"""Shows pins: a table for people, JSON for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.pins.resolve.versions import VersionResolver
    from layerctl.scan.model import FileReport, Pin

__all__ = ["write_json", "write_table"]

_MEASURED = 2000  # rows that the columns' widths are taken from
_COLUMNS = ("PLACE", "LAYER", "VERSION", "REGION", "ACCOUNT", "FUNCTION")


def write_table(report: FileReport, resolver: VersionResolver, out: IO[str]) -> None:
    """One line per pin. Not rich's table: that keeps every cell as an object, and a monorepo has 100,000 pins."""
    if not report.pins:
        return
    known = bool(resolver.sources)
    columns = (*_COLUMNS, "RELEASE", "AGE") if known else _COLUMNS
    now = datetime.now(UTC)
    widths = [len(column) for column in columns]
    for pin in report.pins[:_MEASURED]:
        widths = [max(pair) for pair in zip(widths, map(len, _row(pin, resolver, now)), strict=False)]
    for row in chain([columns], (_row(pin, resolver, now) for pin in report.pins)):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        out.write("  ".join(cells).rstrip() + "\n")


def _row(pin: Pin, resolver: VersionResolver, now: datetime) -> tuple[str, ...]:
    functions = ", ".join(function.name for function in pin.functions)
    who = f"{pin.via}: {functions}" if pin.via and functions else functions or pin.via or "-"
    row = (pin.place, pin.name, str(pin.version), pin.region or "-", pin.account or "-", who)
    if not resolver.sources:
        return row
    release, days = _release(pin, resolver, now)
    return (*row, release or "-", "-" if days is None else f"{days} d")


def _release(pin: Pin, resolver: VersionResolver, now: datetime) -> tuple[str | None, int | None]:
    version = resolver.find(pin)
    if version is None:
        return None, None
    days = (now - datetime.fromisoformat(version.date)).days if version.date else None
    return version.release, days


def write_json(report: FileReport, resolver: VersionResolver, out: IO[str]) -> None:
    """Pins, references whose version is decided elsewhere, problems, and what was not searched. Written as it goes."""
    now = datetime.now(UTC)
    out.write("{\n")
    _write_list(out, "pins", (_pin(pin, resolver, now) for pin in report.pins), ",")
    _write_list(out, "unresolved", (reference._asdict() for reference in report.unresolved), ",")
    _write_list(out, "problems", (problem._asdict() for problem in report.problems), ",")
    _write_list(out, "unread", (part._asdict() for part in report.unread), ",")
    _write_list(out, "left_out", (part._asdict() for part in report.left_out), "")
    out.write("}\n")


def _write_list(out: IO[str], key: str, items: Iterator[dict[str, Any]], end: str) -> None:
    out.write(f' "{key}": [')
    separator = "\n"
    for item in items:
        out.write(f"{separator}  {json.dumps(item, ensure_ascii=False)}")
        separator = ",\n"
    out.write(f"]{end}\n" if separator == "\n" else f"\n ]{end}\n")


def _pin(pin: Pin, resolver: VersionResolver, now: datetime) -> dict[str, Any]:
    data = pin._asdict() | {"arn": pin.arn}
    data["functions"] = [function._asdict() for function in pin.functions]
    if resolver.sources:
        data["release"], data["age_days"] = _release(pin, resolver, now)
    return data
