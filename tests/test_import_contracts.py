"""`make lint` notices an import that the contracts in pyproject.toml forbid."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the sources below `root`, which hide the installed ones."""
    program = f"import sys; sys.path[:0] = {[str(root / 'src'), str(root / 'layerctl/src'), str(root)]!r}\n"
    program += "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache', '--no-logo'])"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of everything that the contracts look at."""
    for part in ("src", "layerctl/src", "examples", "tests/support"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        (
            "src/shared_utils/metrics/emf.py",
            "def late():\n    from shared_utils.metrics import registry\n",
            "shared_utils.metrics.emf imports shared_utils.metrics.registry",
        ),
        (
            "src/shared_utils/errors.py",
            "def late():\n    from shared_utils import logging\n",
            "shared_utils.errors is not allowed to import shared_utils.logging",
        ),
        (
            "src/shared_utils/metrics/emf.py",
            "import shared_utils.config\n",
            "shared_utils.metrics is not allowed to import shared_utils.config",
        ),
        ("src/shared_utils/errors.py", "import layerctl\n", "shared_utils is not allowed to import layerctl"),
        ("layerctl/src/layerctl/cli.py", "import shared_utils\n", "layerctl is not allowed to import shared_utils"),
        (
            "examples/todos/src/app.py",
            "from shared_utils.metrics import registry\n",
            "examples.todos.src.app is not allowed to import shared_utils.metrics.registry",
        ),
        (
            "examples/todos/src/app.py",
            "from shared_utils import redaction\n",
            "examples.todos.src.app is not allowed to import shared_utils.redaction",
        ),
        ("examples/todos/src/app.py", "from shared_utils import _json\n", "shared_utils._json"),
    ],
    ids=["lazy circle", "way up", "across", "layerctl", "shared_utils", "module of a room", "room", "underscore"],
)
def test_a_forbidden_import_is_named(sources: Path, module: str, line: str, said: str) -> None:
    """An import put in by hand, also one within a function, breaks a contract and is named."""
    with (sources / module).open("a") as file:
        file.write(f"\n{line}")
    result = lint(sources)
    assert result.returncode == 1, result.stdout + result.stderr
    assert said in " ".join(result.stdout.split())


def test_the_contracts_hold(sources: Path) -> None:
    """Without such an import all contracts are kept, by the same sources."""
    result = lint(sources)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout
