"""The Python of pages runs as it stands there, each page in its own process.

What logging.md, metrics.md and configuration.md have is run in the tests of their rooms (test_docs.py).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from tests.support.walks import file_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks_of(page: Path) -> list[str]:
    """The page's Python blocks."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def python_of(page: Path) -> str:
    """The page's Python blocks, one below the other; those that are files of their own are for test_walks.py."""
    return "\n\n".join(block for block in blocks_of(page) if file_of(block) is None)


PAGES = sorted(
    page
    for page in [
        *DOCS.glob("guides/*.md"),
        *DOCS.glob("integrations/*.md"),
        DOCS / "tutorial.md",
        DOCS / "tasks.md",
        DOCS / "index.md",
        DOCS / "asgi.md",
        DOCS / "invocations.md",
    ]
    if python_of(page)
)
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "POWERTOOLS_METRICS_NAMESPACE": "Docs",
    "POWERTOOLS_SERVICE_NAME": "docs",
    "PATH": os.environ["PATH"],
}
# Code of a page that has no test of its own is run, and its handler, where there is one, serves an invocation.
RUN_IT = """

def test_the_page(config_values, lambda_context):
    config_values({"ssm:///todos/dev/page-size": 20})
    if "handler" in globals() and not any(name.startswith("test_") and name != "test_the_page" for name in globals()):
        handler({}, lambda_context)
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    """A page's code is a test module that passes, warnings being errors."""
    (tmp_path / "test_page.py").write_text(python_of(page) + RUN_IT, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "test_page.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_durable_function_of_the_page_runs(capfd: pytest.CaptureFixture[str]) -> None:
    """docs/durable.md: its function waits in the SDK's local runner, and "order received" is logged once."""
    names: dict[str, Any] = {}
    exec(python_of(DOCS / "durable.md"), names)
    with DurableFunctionTestRunner(handler=names["handler"], poll_interval=0.01) as runner:
        result = runner.run(input="{}", execution_timeout=60)  # it skips the time of waits
    runner._scheduler._loop.close()  # which it leaves open
    assert result.status.value == "SUCCEEDED"
    output = capfd.readouterr().out
    assert output.count("order received") == output.count("a minute has passed") == 1


@pytest.mark.emulator
def test_the_emulator_as_the_page_uses_it(
    built_layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """docs/running-locally.md, "In tests": a function from a folder, on a layer, invoked."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(python_of(DOCS.parent / "README.md"), "utf-8")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "layer").symlink_to(built_layer)
    monkeypatch.chdir(tmp_path)
    (snippet,) = (block for block in blocks_of(DOCS / "running-locally.md") if "Emulator(" in block)
    exec(snippet, {})
    assert "{'statusCode': 200} [{" in capfd.readouterr().out
