"""Which interpreter runs a function, and what is said where it is another one than the template's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerctl.__main__ import main
from layerctl.local.emulator import find_interpreter
from layerctl.local.emulator.runtime import nearest_interpreter
from layerctl.local.runner import RunOptions, plan
from layerctl.python.interpreters import find_interpreters
from tests.support.loopback import QuietHandler, serving
from tests.support.running import write_app

pytestmark = pytest.mark.emulator

SOURCE = "import sys\ndef handler(event, context): return list(sys.version_info[:2])"
ALL = [f"python3.{minor}" for minor in range(6, 15)]


def app(folder: Path, runtime: str) -> Path:
    """A function of a runtime, which returns the version that it runs on."""
    properties = f"{{Runtime: {runtime}, Handler: app.handler}}"
    text = f"Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {properties}}}}}"
    return write_app(folder / "app", SOURCE, template=text)


@pytest.mark.parametrize("runtime", ["python3.6", "python3.8", "python3.9"])
def test_a_version_without_a_runtime_client_takes_the_nearest(
    runtime: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whether or not the old interpreter is here, its functions run on the next newer one, and that is said."""
    folder = app(tmp_path, runtime)
    nearest = nearest_interpreter(runtime)
    assert main(["invoke", str(folder), "F"]) == 0
    output = capfd.readouterr()
    assert json.loads(output.out) == [int(part) for part in nearest.version.split(".")[:2]]
    assert f"Lambda's runtime client is no longer made for {runtime}; {runtime} functions run on Python" in output.err
    assert main(["invoke", str(folder), "F", "--exact-runtime"]) == 2
    assert f"no longer made for {runtime}" in capfd.readouterr().err


@pytest.mark.parametrize("runtime", ["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"])
def test_a_version_that_is_here_is_taken(runtime: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every version with a runtime client runs its functions itself, without a note."""
    if find_interpreter(runtime) is None:
        pytest.skip(f"no interpreter for {runtime}")
    assert main(["invoke", str(app(tmp_path, runtime)), "F"]) == 0
    output = capfd.readouterr()
    assert json.loads(output.out) == [3, int(runtime.partition(".")[2])]
    assert "functions run on" not in output.err


@pytest.mark.parametrize(
    ("runtime", "here", "expected"),
    [
        ("python3.14", ["3.11", "3.13"], "3.13"),
        ("python3.12", ["3.10", "3.11", "3.13", "3.14"], "3.13"),
        ("python3.8", ["3.8", "3.11", "3.13"], "3.11"),
        ("python3.99", ["3.11", "3.13", "3.12"], "3.13"),
        ("python3.10", ["3.9", "3.12", "3.11"], "3.11"),
    ],
)
def test_the_nearest_is_newer_first(
    runtime: str, here: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the interpreters on a machine the next newer one is taken, else the next older one."""
    found = {interpreter.runtime.removeprefix("python"): interpreter for interpreter in find_interpreters(ALL)}
    if missing := [version for version in here if version not in found]:
        pytest.skip(f"no interpreter for {', '.join(missing)}")
    only = [found[version] for version in here]
    monkeypatch.setattr(
        "layerctl.local.emulator.runtime.find_interpreters",
        lambda runtimes: [interpreter for interpreter in only if interpreter.runtime in runtimes],
    )
    planned = plan([app(tmp_path, runtime)], RunOptions())
    assert planned.runnables[0].interpreter.version.startswith(f"{expected}.")
    assert any(note.endswith(f"{runtime} functions run on Python {found[expected].version}") for note in planned.notes)


INLINE = """
Resources:
  Custom:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Code:
        ZipFile: |
          import cfnresponse
          def handler(event, context):
              data = {"Arn": "x", "grün": True}
              cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "id-1", noEcho=True)
              cfnresponse.send(event, context, cfnresponse.FAILED, {}, reason="broken")
"""


def test_inline_code_finds_cfnresponse(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Code in a template answers CloudFormation as documented: a PUT of JSON to the address that the event has."""
    received: list[dict[str, object]] = []

    class Collector(QuietHandler):
        def do_PUT(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    with serving(Collector) as address:
        event = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l", "ResponseURL": ""}
        event["ResponseURL"] = f"{address}/answer"
        (tmp_path / "template.yaml").write_text(INLINE)
        (tmp_path / "event.json").write_text(json.dumps(event))
        assert main(["invoke", str(tmp_path), "Custom", "--event", str(tmp_path / "event.json")]) == 0
    first, second = received
    assert first == {
        "Status": "SUCCESS",
        "Reason": first["Reason"],
        "PhysicalResourceId": "id-1",
        "StackId": "s",
        "RequestId": "r",
        "LogicalResourceId": "l",
        "NoEcho": True,
        "Data": {"Arn": "x", "grün": True},
    }
    assert (second["Status"], second["Reason"], second["NoEcho"]) == ("FAILED", "broken", False)
    assert second["PhysicalResourceId"]
    assert "CloudFormation said 200" in capfd.readouterr().err
