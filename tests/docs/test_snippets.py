"""The Python of guides, integrations, tutorial and tasks runs as it stands there, each page in its own process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.walks import file_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


def python_of(page: Path) -> str:
    """The page's Python blocks, one below the other; those that are files of their own are for test_walks.py."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return "\n\n".join(block for block in blocks if file_of(block) is None)


PAGES = sorted(
    page
    for page in [
        *DOCS.glob("guides/*.md"),
        *DOCS.glob("integrations/*.md"),
        DOCS / "tutorial.md",
        DOCS / "tasks.md",
        DOCS / "index.md",
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
