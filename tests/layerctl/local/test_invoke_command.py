"""`layerctl invoke`: one event, one answer."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from layerctl.__main__ import main

pytestmark = pytest.mark.emulator

SOURCE = """
import sys, time
print("at init")
def handler(event, context):
    print("got", event)
    if event == "raise": raise ValueError("on purpose")
    if event == "sleep": time.sleep(30)
    if event == "exit": sys.exit(4)
    return {"event": event, "grün": True}
"""
TEMPLATE = f"""
Globals: {{Function: {{Runtime: python{sys.version_info.major}.{sys.version_info.minor}, CodeUri: ., Timeout: 5}}}}
Resources:
  One: {{Type: AWS::Serverless::Function, Properties: {{Handler: app.handler, FunctionName: first}}}}
  Dies: {{Type: AWS::Serverless::Function, Properties: {{Handler: dies.handler}}}}
  Inline:
    Type: AWS::Serverless::Function
    Properties: {{Handler: index.handler, InlineCode: "def handler(e, c): return 7"}}
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a template and its functions; the current folder."""
    (tmp_path / "app.py").write_text(SOURCE, "utf-8")
    (tmp_path / "dies.py").write_text("raise RuntimeError('no table')\n")
    (tmp_path / "template.yaml").write_text(TEMPLATE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_answer_is_printed(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The answer goes to standard output as JSON, the function's lines to standard error; names work as ids do."""
    Path("event.json").write_text('\ufeff{"a": "ü"}', "utf-8")
    for name in ("One", "first"):
        assert main(["invoke", "template.yaml", name, "--event", "event.json"]) == 0
        output = capfd.readouterr()
        assert json.loads(output.out) == {"event": {"a": "ü"}, "grün": True}
        assert "One | at init" in output.err
        assert "One | got {'a': 'ü'}" in output.err


def test_the_event_may_come_from_standard_input(
    app: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--event -` reads standard input, no --event is an empty event."""
    monkeypatch.setattr("sys.stdin", io.StringIO("[1]"))
    assert main(["invoke", ".", "One", "--event", "-"]) == 0
    assert json.loads(capfd.readouterr().out)["event"] == [1]
    assert main(["invoke", ".", "One"]) == 0
    assert json.loads(capfd.readouterr().out)["event"] == {}


@pytest.mark.parametrize(
    ("event", "failure"),
    [
        ("raise", "ValueError: on purpose"),
        ("sleep", "Task timed out after 5.00 seconds"),
        ("exit", "Runtime.ExitError"),
    ],
)
def test_a_function_that_fails_is_exit_code_1(
    app: Path, event: str, failure: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What went wrong is one line on standard error, standard output stays empty; --json has it all."""
    Path("event.json").write_text(json.dumps(event))
    if event != "sleep":  # once is long enough
        assert main(["invoke", ".", "One", "--event", "event.json"]) == 1
        output = capfd.readouterr()
        assert failure in output.err
        assert output.out == ""
    assert main(["invoke", ".", "One", "--event", "event.json", "--json"]) == 1
    document = json.loads(capfd.readouterr().out)
    assert failure in document["failure"]
    assert document["lines"][:2] == ["at init", f"got {event}"]
    assert document["init_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["template.yaml", "Nothing"], "has no function 'Nothing'; it has One, Dies, Inline"),
        (["template.yaml", "One", "--event", "nowhere.json"], "nowhere.json does not exist"),
        (["template.yaml", "One", "--event", "broken.json"], "broken.json:2:3 is not JSON"),
        (["template.yaml", "One", "--event", "bytes.json"], "bytes.json is not text in UTF-8"),
        (["template.yaml", "One", "--event", "deep.json"], "deep.json is nested too deep"),
        (["template.yaml", "One", "--event", "nan.json"], "nan.json is not JSON: NaN is no JSON value"),
        (["template.yaml", "Dies"], "template.yaml:5: Dies cannot start: RuntimeError: no table (dies.py:1)"),
        (["nowhere.yaml", "One"], "nowhere.yaml does not exist"),
    ],
)
def test_mistakes_are_one_line_errors(
    app: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line, no traceback."""
    Path("broken.json").write_text("{\n  nonsense\n}")
    Path("bytes.json").write_bytes(b"\xff")
    Path("deep.json").write_text("[" * 100_000)
    Path("nan.json").write_text('{"price": NaN}')
    assert main(["invoke", *arguments]) == 2
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]


def test_inline_code(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Code that stands in the template is run as the module index."""
    assert main(["invoke", ".", "Inline"]) == 0
    assert capfd.readouterr().out == "7\n"
