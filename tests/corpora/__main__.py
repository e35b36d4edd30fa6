"""Real templates, tried one by one: ``python -m tests.corpora FOLDER...``, or ``make corpora FOLDERS="..."``.

Each file of the folders is searched for pins; each template is checked, and planned as `run` plans it before it serves.
The tables say how many there were, what came of them, and which file took longest. A crash is named with its
traceback, and the exit code is 1. Nothing is executed, fetched or written. Without folders: the templates that the
installed packages ship, those of the SAM CLI and its translator among them.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from layerctl.check.given import GivenTemplates, find_templates
from layerctl.check.report import check_templates
from layerctl.core.errors import LayerctlError
from layerctl.local.runner.planning import RunOptions, plan
from layerctl.scan.finder import find_pins
from layerctl.scan.walk import find_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Outcome", "try_folder"]

_REPOSITORY = Path(__file__).parents[2]
_PACKAGES = ("samcli", "samtranslator", "cfnlint", "moto", "botocore")
_REPORT = "please report this file"  # the hint of what is wrong with the tool, not with the file
_SHOWN = 12


@dataclass
class Outcome:
    """What came of one command over many files.

    Attributes:
        counts: what it found, by kind.
        crashes: each with its file.
        slowest: seconds, and the file.
    """

    command: str
    files: int = 0
    seconds: float = 0
    counts: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[Path, str]] = field(default_factory=list)
    slowest: tuple[float, Path] = (0.0, Path("-"))

    def over(self, files: Iterable[Path], work: Callable[[Path], Iterable[str]]) -> Outcome:
        """Do `work` to each file, which tells what it found."""
        for path in files:
            begun = time.perf_counter()
            try:
                self.counts.update(work(path))
            except LayerctlError as error:
                self.counts[f"refused: {_without_names(error.what, path)}"] += 1
            except Exception:
                self.crashes.append((path, traceback.format_exc()))
            took = time.perf_counter() - begun
            self.files += 1
            self.seconds += took
            self.slowest = max(self.slowest, (took, path))
        return self


def try_folder(folder: Path) -> list[Outcome]:
    """Run the commands over what lies in a folder."""
    files = [path for path, _ in find_files([folder]).files]
    templates = [path for path, _ in find_templates([folder]).files]
    done = [Outcome("pins list").over(files, _pins), Outcome("check").over(templates, _check)]
    # `run` reads SAM and CloudFormation templates; of a service it says so
    return [*done, Outcome("run").over((path for path in templates if "serverless" not in path.name), _run)]


def _pins(path: Path) -> Iterable[str]:
    report = find_pins(path, named=False)
    for problem in report.problems:
        if _REPORT in problem.hint:
            raise RuntimeError(problem.message)
        yield f"broken: {problem.message.partition(chr(39))[0].strip()}"
    yield from ["pins"] * len(report.pins)
    yield from ["unresolved"] * len(report.unresolved)
    yield from ["unread"] * len(report.unread)


def _check(path: Path) -> Iterable[str]:
    report = check_templates(GivenTemplates([(path, False)]))
    for finding in report.findings:
        if _REPORT in finding.hint:
            raise RuntimeError(finding.message)
        yield f"{finding.severity}: {finding.rule}"
    yield from ["functions"] * len(report.functions)
    yield from (one.why for one in report.left_out)


def _run(path: Path) -> Iterable[str]:
    planned = plan([path], RunOptions())
    yield from ["functions"] * len(planned.runnables)
    yield from ["notes"] * len(planned.notes)


def _without_names(text: str, path: Path) -> str:
    """A message without what is of one file only, so that those of a kind are counted together."""
    words = [word for word in text.split() if "/" not in word and path.name not in word and "'" not in word]
    return " ".join(words[:8])


def installed() -> list[Path]:
    """The packages with templates in them that this checkout's environments have."""
    found = [_REPOSITORY.glob(f".venv*/lib/python3*/site-packages/{name}") for name in _PACKAGES]
    return sorted(path for paths in found for path in paths)


def main(folders: list[Path]) -> int:
    """Try the folders, and show what came of them."""
    console = Console(width=140, soft_wrap=True)
    crashed = False
    for folder in folders or installed():
        table = Table("command", "files", "seconds", "crashes", "slowest", "found", title=str(folder))
        for outcome in try_folder(folder):
            found = [f"{count:,} {what}" for what, count in outcome.counts.most_common(_SHOWN)]
            took, path = outcome.slowest
            slowest = f"{took:.2f} s {path.relative_to(folder) if path.is_relative_to(folder) else path}"
            numbers = f"{outcome.files:,}", f"{outcome.seconds:.1f}", str(len(outcome.crashes))
            table.add_row(outcome.command, *numbers, slowest, "\n".join(found))
            for path, text in outcome.crashes:
                crashed = True
                console.print(f"CRASH of {outcome.command}: {path}\n{text}", markup=False)
        console.print(table)
    return int(crashed)


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
