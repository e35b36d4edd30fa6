"""Lines of functions as `layerctl run` shows them to a person, and as it hands them on."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.cli.log_lines import readable
from tests.support.running import write_app

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-11-26T12:00:01.123Z"


def plain(record: Any) -> list[str]:
    """The lines of a record, without colours."""
    return click.unstyle(readable(record if isinstance(record, str) else json.dumps(record))).splitlines()


CASES: dict[str, tuple[Any, list[str]]] = {
    "level, message, values": (
        {"level": "INFO", "message": "order placed", "timestamp": TIME, "order": "o-1", "price": 9.5, "new": True},
        ["12:00:01.123 INFO     order placed  order=o-1  price=9.5  new=true"],
    ),
    "what each line repeats is left out": (
        {
            "level": "INFO",
            "message": "m",
            "timestamp": TIME,
            "function_name": "F",
            "requestId": "r",
            "cold_start": True,
        },
        ["12:00:01.123 INFO     m"],
    ),
    "nested values are JSON": (
        {"level": "ERROR", "message": {"a": 1}, "items": [1, {"b": "ü"}]},
        ['ERROR    {"a": 1}  items=[1, {"b": "ü"}]'],
    ),
    "a traceback goes below": (
        {"level": "ERROR", "message": "m", "exception": "Traceback:\n  File x\nValueError: v"},
        ["ERROR    m", "Traceback:", "  File x", "ValueError: v"],
    ),
    "a stack trace of Lambda's own": (
        {"level": "ERROR", "message": "m", "stackTrace": ["  File x\n", "    line\n"]},
        ["ERROR    m", "  File x", "    line"],
    ),
    "Lambda's text format": (
        f"[WARNING]\t{TIME}\t00000000-0000-0000-0000-000000000000\tbeware",
        ["12:00:01.123 WARNING  beware"],
    ),
    "a metric is its name and value": (
        {
            "_aws": {
                "Timestamp": 1,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Shop",
                        "Dimensions": [["service"]],
                        "Metrics": [{"Name": "Orders", "Unit": "Count"}, {"Name": "Took", "Unit": "Milliseconds"}],
                    }
                ],
            },
            "service": "shop",
            "Orders": [1],
            "Took": [1.5, 2],
        },
        ["METRIC   Orders = 1 Count  service=shop", "METRIC   Took = [1.5, 2] Milliseconds  service=shop"],
    ),
    "any other JSON stays": ({"a": 1}, ['{"a": 1}']),
    "text stays": ("hello world", ["hello world"]),
    "half a record stays": ('{"level": "INFO", "mess', ['{"level": "INFO", "mess']),
    "deep nesting stays": ("{" * 5000, ["{" * 5000]),
    "what would steer the terminal is shown": (
        {"level": "INFO", "message": "a\u001b[2Jb\u0007", "x": "1\n2"},
        ["INFO     a\\x1b[2Jb\\x07  x=1\\n2"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_line(case: str) -> None:
    """Records and metrics become what a person reads; everything else is left alone."""
    record, expected = CASES[case]
    assert plain(record) == expected


@given(st.dictionaries(
    st.sampled_from(["level", "message", "timestamp", "_aws", "CloudWatchMetrics", "Metrics", "exception", "x"]),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["CloudWatchMetrics", "Metrics", "Dimensions", "Name", "Unit"]), inner)),
))  # fmt: skip
def test_any_record_is_a_line(record: dict[str, Any]) -> None:
    """No record, however odd, is an error or an empty text, and none has a control character of its own."""
    text = click.unstyle(readable(json.dumps(record)))
    assert text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


SOURCE = """
import json
def handler(event, context):
    print(json.dumps({"level": "WARNING", "message": "low stock", "sku": "s-1"}))
    metrics = {"CloudWatchMetrics": [{"Metrics": [{"Name": "Orders", "Unit": "Count"}]}]}
    print(json.dumps({"_aws": metrics, "Orders": 2}))
    return 1
"""


def shown(app: Path, *options: str, environment: dict[str, str] | None = None) -> str:
    """What a terminal gets from `layerctl invoke`, whose lines go to standard error."""
    owner, terminal = pty.openpty()
    command = [sys.executable, "-m", "layerctl", "invoke", str(app), "Echo", *options]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=terminal, env={**os.environ, **(environment or {})}
    ) as process:
        os.close(terminal)
        output = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([owner], [], [], 1)[0]:
                continue
            try:
                output += os.read(owner, 65536)
            except OSError:  # the other end is closed
                break
        process.wait(30)
    os.close(owner)
    return output.decode()


@pytest.mark.emulator
def test_a_terminal_and_a_pipe(tmp_path: Path) -> None:
    """A terminal gets readable lines in colour; none where NO_COLOR says so; raw ones on request, as a pipe."""
    app = write_app(tmp_path / "app", SOURCE)
    coloured = shown(app)
    assert "\x1b[33mWARNING" in coloured
    assert "METRIC   Orders = 2 Count" in click.unstyle(coloured)
    bare = shown(app, environment={"NO_COLOR": "1"})
    assert "WARNING  low stock  sku=s-1" in bare
    assert "\x1b[3" not in bare
    assert '{"level": "WARNING"' in shown(app, "--logs", "raw")
    command = [sys.executable, "-m", "layerctl", "invoke", str(app), "Echo"]
    assert '{"level": "WARNING"' in subprocess.run(command, capture_output=True, text=True, check=True).stderr
    pretty = subprocess.run([*command, "--logs", "pretty"], capture_output=True, text=True, check=True).stderr
    assert "Echo | WARNING  low stock  sku=s-1" in pretty
