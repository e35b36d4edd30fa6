"""The pages about logging say what is true: each snippet runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs/logging.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_runs(number, tmp_path):
    """Each snippet runs by itself; one that has tests is run by pytest."""
    snippet = SNIPPETS[number]
    file = tmp_path / "test_snippet.py"
    file.write_text(
        snippet + ("\nhandler({'headers': {}}, None)\n" if "instrument(correlation_id" in snippet else ""), "utf-8"
    )
    runner = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if "def test_" in snippet else []
    done = subprocess.run(
        [sys.executable, *runner, str(file)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_the_options_in_the_page_exist():
    """Every option of configure and instrument that the page names is one."""
    import inspect

    from shared_utils import instrument, logging

    options = inspect.signature(logging.configure).parameters.keys() | inspect.signature(instrument).parameters.keys()
    named = set(re.findall(r"configure\((\w+)=", PAGE)) | set(re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE))
    assert named <= options
    assert len(named) >= 8
