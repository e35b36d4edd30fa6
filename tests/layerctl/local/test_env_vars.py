"""`--env-vars FILE`, in the format of the SAM CLI."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from layerctl.__main__ import main
from layerctl.local.runner import RunOptions, plan
from layerctl.local.runner.env_vars import EnvVars
from tests.support.running import write_app

pytestmark = pytest.mark.emulator

TEMPLATE = f"""
Globals:
  Function:
    Runtime: python{sys.version_info.major}.{sys.version_info.minor}
    Handler: app.handler
    CodeUri: .
    Environment: {{Variables: {{A: template, B: template, C: template, D: template}}}}
Resources:
  One: {{Type: AWS::Serverless::Function, Properties: {{FunctionName: first}}}}
  Two: {{Type: AWS::Serverless::Function, Properties: {{}}}}
"""
SOURCE = "import os\ndef handler(event, context): return [os.environ.get(name) for name in 'ABCDE']"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the template; the current folder."""
    monkeypatch.chdir(write_app(tmp_path / "app", SOURCE, template=TEMPLATE))
    return tmp_path / "app"


@pytest.mark.parametrize(
    ("values", "function", "expected"),
    [
        ({"One": {"A": "own"}}, "One", ["own", "template", "template", "template", None]),
        ({"first": {"A": "by name"}}, "One", ["by name", "template", "template", "template", None]),
        ({"Two": {"A": "other"}}, "One", ["template", "template", "template", "template", None]),
        ({"Parameters": {"A": "all"}, "One": {"B": "own"}}, "One", ["all", "own", "template", "template", None]),
        ({"Parameters": {"A": "all"}, "One": {"A": "own"}}, "One", ["own", "template", "template", "template", None]),
        ({"Parameters": {"A": "all"}, "One": {"A": "own"}}, "Two", ["all", "template", "template", "template", None]),
        ({"One": {"A": 1, "B": True, "C": None, "D": 1.5}}, "One", ["1", "true", "", "1.5", None]),
        ({"One": {"E": "not in the template"}}, "One", ["template", "template", "template", "template", None]),
        ({}, "One", ["template", "template", "template", "template", None]),
    ],
)
def test_values_in_place_of_the_templates(
    app: Path, values: object, function: str, expected: list[str | None], capfd: pytest.CaptureFixture[str]
) -> None:
    """The function's own values go before those for all, and only the template's variables are replaced."""
    Path("env.json").write_text(json.dumps(values))
    assert main(["invoke", ".", function, "--env-vars", "env.json"]) == 0
    assert json.loads(capfd.readouterr().out) == expected


def test_the_command_line_goes_before_the_file(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`--env` sets a variable whatever the file says, and whether or not the template has it."""
    Path("env.json").write_text('{"One": {"A": "file", "B": "file"}}')
    assert main(["invoke", ".", "One", "--env-vars", "env.json", "--env", "A=line", "--env", "E=line"]) == 0
    assert json.loads(capfd.readouterr().out) == ["line", "file", "template", "template", "line"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "env.json:1:2 is not JSON"),
        ("[]", "is no JSON object"),
        ('{"A": "secret-value"}', "the value of A is no object"),
        ('{"One": {"A": ["secret-value"]}}', "One.A is no text"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_file_of_another_form(app: Path, text: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line that says what is wrong, without any value."""
    Path("env.json").write_text(text)
    assert main(["invoke", ".", "One", "--env-vars", "env.json"]) == 2
    errors = capfd.readouterr().err
    assert message in errors.splitlines()[-1]
    assert "secret-value" not in errors


def test_what_has_no_effect_is_told(app: Path) -> None:
    """Functions that are not there and variables that the template does not have are named."""
    Path("env.json").write_text('{"Three": {"A": ""}, "Two": {"A": "", "E": ""}, "Parameters": {"B": "", "F": ""}}')
    planned = plan([Path()], RunOptions(env_vars=EnvVars(Path("env.json"))))
    assert planned.notes == (
        "env.json: there is no function Three here",
        "env.json: E not set: the template gives Two no such variable to replace (--env sets any)",
        "env.json: F not set: the template gives no function such a variable to replace (--env sets any)",
    )
