"""A machine that has nothing of this checkout: layerctl comes from the wheels of a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["BIN", "ROOT", "Machine"]

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Machine:
    """A developer's machine: nothing of this checkout, an empty HOME, a package cache."""

    def __init__(self, root: Path) -> None:
        self.root = root
        cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        kept = {key: value for key, value in os.environ.items() if key.startswith(("UV_", "PIP_", "SSL_", "NIX_"))}
        (root / "home").mkdir()
        self.environment = {
            **kept,
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "UV_CACHE_DIR": cache,
            "LAYERCTL_CACHE_DIR": str(root / "cache"),
            "PYTHON": sys.executable,
            "SAM_CLI_TELEMETRY": "0",
        }

    def run(self, folder: Path, *command: object, code: int = 0, **environment: str) -> str:
        """Run a program; what it says."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def install(self) -> Path:
        """Build the wheels of both distributions into `release`, install layerctl from there; its program."""
        for project in (ROOT, ROOT / "layerctl"):
            build = [
                sys.executable,
                "-m",
                "build",
                "-q",
                "--wheel",
                "--no-isolation",
                "--outdir",
                self.root / "release",
            ]
            self.run(ROOT, *build, project, SOURCE_DATE_EPOCH="315532800")
        self.run(self.root, sys.executable, "-m", "venv", "--without-pip", "tool")
        (wheel,) = (self.root / "release").glob("layerctl-*.whl")
        self.run(self.root, BIN / "uv", "pip", "install", "-q", "-p", self.root / "tool/bin/python", wheel)
        return self.root / "tool/bin/layerctl"
