"""A function's lines as a person reads them: level, message and values of a log record, name and value of a metric.

What is no record stays as it is. The keys are those of Lambda's own JSON format (Lambda developer guide, "Lambda
advanced logging controls") and of Powertools; metrics are CloudWatch's embedded metric format.
"""

from __future__ import annotations

import json
import re
from typing import Any

import click

__all__ = ["readable"]

_COLOURS = {
    "TRACE": "bright_black",
    "DEBUG": "bright_black",
    "INFO": "green",
    "WARN": "yellow",
    "WARNING": "yellow",
    "ERROR": "red",
    "CRITICAL": "bright_red",
    "FATAL": "bright_red",
}
# What each line of an invocation repeats; `--logs raw` shows it.
_REPEATED = re.compile(r"function_.+|xray_trace_id|requestId|cold_start|location|logger|service")
# Text of several lines, which goes below the message.
_BELOW = ("exception", "stack_trace", "stackTrace", "traceback", "stack")
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[T ](\d\d:\d\d:\d\d(?:[.,]\d{3})?)")
# The runtime client's own text format: [LEVEL]⇥time⇥request id⇥message.
_TEXT = re.compile(r"\[(?P<level>[A-Z]+)\]\t(?P<time>\S+Z)\t[0-9a-f-]{36}\t(?P<message>.*)", re.DOTALL)


def readable(line: str) -> str:
    """A line as a person reads it; may hold line breaks, and styles for a terminal."""
    if line.startswith("{"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return line
        if not isinstance(record, dict):
            return line
        if (metrics := _metrics(record)) is not None:
            return metrics
        if "message" in record and "level" in record:
            return _record(record)
    elif found := _TEXT.fullmatch(line):
        return _head(found["level"], found["time"], found["message"].rstrip("\n"))
    return line


def _record(record: dict[str, Any]) -> str:
    message = record["message"] if isinstance(record["message"], str) else _value(record["message"])
    rest = {key: value for key, value in record.items() if key not in ("level", "message", "timestamp")}
    below = [rest.pop(key) for key in _BELOW if isinstance(rest.get(key), (str, list))]
    values = [_pair(key, value) for key, value in rest.items() if not _REPEATED.fullmatch(key)]
    head = _head(str(record["level"]), str(record.get("timestamp", "")), _clean(message))
    text = [line for part in below for line in (part if isinstance(part, list) else [part])]
    return "\n".join(["  ".join([head, *values]), *(_clean(str(line).rstrip("\n")) for line in text)])


def _head(level: str, time: str, message: str) -> str:
    clock = _CLOCK.search(time)
    shown = [click.style(clock[1], fg="bright_black")] if clock else []
    colour = _COLOURS.get(level.upper())
    return " ".join(
        [*shown, click.style(f"{_clean(level):<8}", fg=colour, bold=colour == "bright_red" or None), message]
    )


def _metrics(record: dict[str, Any]) -> str | None:
    """The lines of an EMF document, one for each metric; None for anything else."""
    match record.get("_aws"):
        case {"CloudWatchMetrics": [*directives]}:
            return "\n".join(line for directive in directives for line in _directive(directive, record)) or None
    return None


def _directive(directive: Any, record: dict[str, Any]) -> list[str]:
    match directive:
        case {"Metrics": [*metrics], **rest}:
            given = rest.get("Dimensions")
            sets = [each for each in given if isinstance(each, list)] if isinstance(given, list) else []
            names = [name for each in sets for name in each]
            dimensions = [_pair(name, record[name]) for name in dict.fromkeys(map(str, names)) if name in record]
            label = click.style(f"{'METRIC':<8}", fg="magenta")
            lines = []
            for metric in metrics:
                match metric:
                    case {"Name": str(name), **more} if name in record:
                        unit = str(more.get("Unit", "None"))
                        values = record[name]
                        value = _value(values[0] if isinstance(values, list) and len(values) == 1 else values)
                        shown = f"{_clean(name)} = {value}{'' if unit == 'None' else f' {_clean(unit)}'}"
                        lines.append("  ".join([f"{label} {click.style(shown, bold=True)}", *dimensions]))
            return lines
    return []


def _pair(key: str, value: Any) -> str:
    return click.style(f"{_clean(key)}=", fg="cyan") + _value(value)


def _value(value: Any) -> str:
    return _clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), breaks=False)


def _clean(text: str, *, breaks: bool = True) -> str:
    """Text that cannot steer the terminal."""
    return "".join(
        character if character.isprintable() or character == "\t" or (breaks and character == "\n")
        else character.encode("unicode_escape").decode()
        for character in text
    )  # fmt: skip
