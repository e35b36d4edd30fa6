"""A small repository with a layer of its own, whose dependencies come from a folder of wheels instead of an index."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from layerctl.config import LayerConfig
from tests.support.wheels import Wheel, lock, make_wheel

__all__ = ["MiniRepository", "mini_repository"]

FIXTURE = Path(__file__).resolve().parents[1] / "layerctl" / "fixtures" / "mini"


@dataclass
class MiniRepository:
    """A repository in a scratch folder.

    Attributes:
        root: its top.
        wheels: the folder that stands in for an index.
        locked: what its lock pins.
    """

    root: Path
    wheels: Path
    locked: list[Wheel] = field(default_factory=list)

    @property
    def config(self) -> LayerConfig:
        """Its layer.toml as it is now."""
        return LayerConfig.load(self.root / "layer" / "layer.toml")

    def add(self, name: str, files: dict[str, bytes | str], **how: object) -> Wheel:
        """Put a wheel into the index and pin it."""
        wheel = make_wheel(self.wheels, name, files, **how)  # type: ignore[arg-type]
        self.locked.append(wheel)
        (self.root / "layer" / "requirements.txt").write_text(lock(self.locked), "utf-8")
        return wheel

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} holds no {old!r}"
        path.write_text(text.replace(old, new), "utf-8")

    def git(self, *arguments: str) -> None:
        """Run git in it, as somebody."""
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        """Make it a git checkout with everything committed."""
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "start")


def mini_repository(root: Path, wheels: Path) -> MiniRepository:
    """Copy the fixture, with one pure dependency that has tests, a stub and a script."""
    shutil.copytree(FIXTURE, root, ignore=shutil.ignore_patterns("__pycache__"))
    repository = MiniRepository(root, wheels)
    repository.add(
        "pure-dep",
        {
            "pure_dep/__init__.py": "ONE = 1\n",
            "pure_dep/__init__.pyi": "ONE: int\n",
            "pure_dep/py.typed": "",
            "pure_dep/tests/__init__.py": "",
            "pure_dep/tests/test_one.py": "import pure_dep\n",
            "pure_dep-1.0.data/scripts/one": "#!python\nprint(1)\n",
        },
    )
    return repository
