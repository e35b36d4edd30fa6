"""The SAM CLI's own Python template, as `sam init` makes it, starts and answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.running import Running

pytestmark = pytest.mark.emulator

SAM = Path(__file__).parents[3] / ".venv-sam"
TEMPLATE = "lib/python3*/site-packages/samcli/lib/init/templates/cookiecutter-aws-sam-hello-python"


@pytest.fixture(params=["python3.8", "python3.9", "python3.11", "python3.13"])
def initialised(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A new application in a runtime, made by the SAM CLI from the template that it ships."""
    (template,) = SAM.glob(TEMPLATE)
    command = [SAM / "bin/sam", "init", "--location", template, "--name", "hello", "--output-dir", tmp_path]
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "HOME": str(tmp_path)}
    # It asks for the values of the template, whatever options say: name, runtime, and what else there is.
    answers = f"hello\n{request.param}\n\n\n"
    subprocess.run(command, input=answers, env=environment, text=True, check=True, capture_output=True, timeout=60)
    file = tmp_path / "hello/template.yaml"
    file.write_text(re.sub(r"Runtime: \S+", f"Runtime: {request.param}", file.read_text()))
    return tmp_path / "hello", request.param


def test_it_starts_and_answers(
    initialised: tuple[Path, str], serve: Callable[..., Running], capfd: pytest.CaptureFixture[str]
) -> None:
    """Served over HTTP, and invoked on its own sample event; where the runtime is too old, that is said."""
    folder, runtime = initialised
    running = serve(folder)
    status, body = running.ask("/hello")
    assert (status, body["message"]) == (200, "hello world")
    notes = [event["text"] for event in running.events if event["event"] == "note"]
    assert any(runtime in note for note in notes) == (runtime in ("python3.8", "python3.9"))
    assert running.end() == 0
    assert main(["invoke", str(folder), "HelloWorldFunction", "--event", str(folder / "events/event.json")]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert (answer["statusCode"], json.loads(answer["body"])["message"]) == (200, "hello world")
