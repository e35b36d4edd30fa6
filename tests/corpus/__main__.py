"""Real wheels, built into layers and verified: ``make corpus``. It needs a package index, and is no part of CI.

For each project its newest release with all dependencies is locked, built for every runtime and architecture, split
where the wheels do not fit side by side, and verified. The table says what came of it; exit code 1 where something is
wrong.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from layerctl.artifact import open_artifact
from layerctl.build import BuildOptions, build_layer
from layerctl.config import LayerConfig
from layerctl.core.diagnostics import Severity
from layerctl.core.errors import LayerctlError
from layerctl.python.uv import find_uv, uv_environment
from layerctl.verify import verify

PROJECTS = (
    "setuptools",
    "importlib-metadata",
    "pycryptodome",
    "cryptography",
    "numpy",
    "pandas",
    "opentelemetry-sdk",
    "google-cloud-storage",
)
LAYER = """\
[layer]
name = "corpus"
version = "1.0"
architectures = ["x86_64", "arm64"]
{split}
[runtimes]
"python3.12" = "3.12.1"
"python3.13" = "3.13.0"
[provided]
sdk = ["boto3", "botocore", "s3transfer", "urllib3", "python-dateutil", "six"]
"""


@dataclass
class Outcome:
    """What came of one project: its artifacts, how they are split, and what verify says of them."""

    project: str
    artifacts: int = 0
    split: str = ""
    zipped: int = 0
    files: int = 0
    executables: int = 0
    errors: Counter[str] | None = None
    warnings: int = 0
    failure: str = ""


def lock(project: str, folder: Path) -> None:
    """Lock the newest release of a project, with hashes."""
    (folder / "requirements.in").write_text(f"{project}\n")
    command = [find_uv(), "pip", "compile", "-q", "--universal", "--python-version", "3.12", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-header", "requirements.in", "-o", "requirements.txt"]
    subprocess.run(command, cwd=folder, env=uv_environment(), check=True, stdin=subprocess.DEVNULL)


def build(folder: Path, split: str) -> list[tuple[Path, LayerConfig]]:
    """Build the layer, and return its artifacts with the part that each is of."""
    (folder / "layer.toml").write_text(LAYER.format(split=f"split-by = [{split}]" if split else ""))
    built = []
    for part in LayerConfig.load(folder / "layer.toml").parts:
        path = build_layer(part, BuildOptions(out=folder.parent / "dist")).zip
        assert path is not None
        built.append((path, part))
    return built


def play(project: str) -> Outcome:
    """Lock, build and verify one project."""
    outcome = Outcome(project, errors=Counter())
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        folder = Path(scratch) / "layer"
        folder.mkdir()
        try:
            lock(project, folder)
            for outcome.split in ("", '"architecture"', '"runtime"', '"runtime", "architecture"'):
                try:
                    built = build(folder, outcome.split)
                    break
                except LayerctlError as error:
                    if "split-by" not in str(error) or outcome.split.count('"') == 4:
                        raise
        except (LayerctlError, subprocess.CalledProcessError) as error:
            outcome.failure = str(error)
            return outcome
        assert outcome.errors is not None
        for path, part in built:
            outcome.artifacts += 1
            outcome.zipped += path.stat().st_size
            with open_artifact(path) as artifact:
                outcome.files += len(artifact.entries)
                outcome.executables += sum(entry.mode == 0o755 for entry in artifact.entries)
            for finding in verify(path, part):
                if finding.severity is Severity.ERROR:
                    outcome.errors[finding.rule] += 1
                    print(f"{project}: {finding.path}: {finding.rule}: {finding.message}", flush=True)
                else:
                    outcome.warnings += 1
    return outcome


def main() -> int:
    """Play every project, or those that are named."""
    table = Table("project", "artifacts", "split by", "zipped", "files", "executable", "errors", "warnings")
    outcomes = [play(project) for project in sys.argv[1:] or PROJECTS]
    for outcome in outcomes:
        found = ", ".join(f"{rule} {count}" for rule, count in (outcome.errors or {}).items()) or "none"
        numbers = outcome.artifacts, outcome.split or "-", f"{outcome.zipped:,}", outcome.files, outcome.executables
        table.add_row(outcome.project, *map(str, numbers), outcome.failure or found, str(outcome.warnings))
    Console(width=160).print(table)
    return int(any(outcome.failure or outcome.errors for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
