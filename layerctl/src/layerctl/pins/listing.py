"""Shows pins: a table for people, JSON for machines. Written as it goes, since a monorepo has many."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layerctl.pins.model import FileReport, Pin

__all__ = ["write_json", "write_table"]


def write_table(report: FileReport, out: IO[str]) -> None:
    """One line per pin: place, layer and version, region, account, functions."""
    rows = [_row(pin) for pin in report.pins]
    rows.insert(0, ("PLACE", "LAYER", "REGION", "ACCOUNT", "FUNCTION"))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        out.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _row(pin: Pin) -> tuple[str, ...]:
    functions = ", ".join(function.name for function in pin.functions)
    who = f"{pin.via}: {functions}" if pin.via and functions else functions or pin.via or "-"
    return (pin.place, f"{pin.name}:{pin.version}", pin.region or "-", pin.account or "-", who)


def write_json(report: FileReport, out: IO[str]) -> None:
    """Pins, references without a version, and problems."""
    data: dict[str, list[dict[str, Any]]] = {
        "pins": [_pin(pin) for pin in report.pins],
        "unresolved": [reference._asdict() for reference in report.unresolved],
        "problems": [problem._asdict() for problem in report.problems],
    }
    json.dump(data, out, indent=2, ensure_ascii=False)
    out.write("\n")


def _pin(pin: Pin) -> dict[str, Any]:
    data = pin._asdict()
    data["functions"] = [function._asdict() for function in pin.functions]
    return data
