"""`layerctl run`: mistakes are told in one line, before anything is served, and leave nothing behind."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from layerctl.__main__ import main
from tests.support.running import ARN, write_app

pytestmark = pytest.mark.emulator

CASES: dict[str, tuple[str, str]] = {
    "no function": ("Resources: {T: {Type: AWS::DynamoDB::Table}}", "has no function"),
    "no route": ("{Schedule: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}", "no HTTP route leads to Echo"),
    "unknown pin": (f"Layers: ['{ARN.format('nowhere')}']", "--layer nowhere="),
    "unbuilt layer": ("Layers: [!Ref L]", "not built"),
    "missing handler": ("Handler: app.nothing", "Handler 'nothing' missing on module 'app'"),
    "missing module": ("Handler: nothing.handler", "No module named 'nothing'"),
    "no handler": ("Handler: app", "is not module.function"),
    "missing code": ("CodeUri: nowhere/", "is not a folder"),
    "dies at import": ("Handler: dies.handler", "KeyError: 'TABLE_NAME' (dies.py:2)"),
    "exits at import": ("Handler: exits.handler", "exit code 3"),
    "syntax error": ("Handler: broken.handler", "(broken.py:1)"),
    "another language": ("Runtime: nodejs22.x", "only Python runs here"),
    "no interpreter": ("Runtime: python3.99", "no interpreter for python3.99"),
}


@pytest.mark.parametrize("case", CASES)
def test_mistakes_are_one_line_errors(case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each says what is wrong and where, with exit code 2, no traceback, and no child process."""
    change, message = CASES[case]
    app = write_app(tmp_path / "app")
    (app / "dies.py").write_text("import os\nTABLE = os.environ['TABLE_NAME']\n")
    (app / "exits.py").write_text("import os\nos._exit(3)\n")
    (app / "broken.py").write_text("def (\n")
    template = app / "template.yaml"
    text = template.read_text()
    key = change.partition(":")[0]
    if change.startswith("Resources"):
        text = change
    elif change.startswith("{"):
        text = re.sub(r"Events: .*", f"Events: {change}", text)
    else:
        lines = [line for line in text.splitlines() if not line.strip().startswith(f"{key}:")]
        text = "\n".join([*(line for line in lines if line.strip()), f"      {change}\n"])
        text += "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: l/}}\n"
    template.write_text(text)
    options = ["--exact-runtime"] if case == "no interpreter" else []
    assert main(["run", str(app), "--port", "0", *options]) == 2
    errors = capfd.readouterr().err
    assert message in errors.splitlines()[-1]
    assert len(errors.splitlines()) == (4 if errors.startswith("Usage:") else 1)
    assert errors.startswith("error: ")
    assert "Traceback" not in errors
    assert not [process for process in Path("/proc").glob("[0-9]*/cmdline") if names(process, str(app))]


def names(process: Path, text: str) -> bool:
    """Whether a process has a text in its command line."""
    try:
        return text.encode() in process.read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml does not exist"),
        (["."], "has no template.yaml"),
        (["app", "--layer", "x"], "is not NAME=PATH"),
        (["app", "--layer", "x=nowhere.zip"], "nowhere.zip does not exist"),
        (["app", "--layer", "x=app"], "no function of app/template.yaml has that layer"),
        (["app", "--env", "X"], "is not NAME=VALUE"),
        (["app", "--parameter", "X=1"], "no template has it"),
        (["app", "app"], "leads to app/Echo and to app/Echo"),
        (["app", "--profile", "no-such-profile"], "no-such-profile"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Wrong options are errors of one line, below the usage at most, with exit code 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    write_app(tmp_path / "app")
    assert main(["run", *arguments, "--port", "0"]) == 2
    errors = capfd.readouterr().err
    assert message in errors.splitlines()[-1]
    assert len(errors.splitlines()) == (4 if errors.startswith("Usage:") else 1)


def test_a_busy_port_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The port is named, and what to do."""
    app = write_app(tmp_path / "app")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["run", str(app), "--port", str(taken.getsockname()[1])]) == 2
    assert "--port" in capfd.readouterr().err
