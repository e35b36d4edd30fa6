"""Deploys the layer's stack, and leaves behind what a publisher leaves behind: ``python layer/deploy.py dev [ZIP]``.

`make deploy` calls it after `sam build`; without a zip it builds one. What is there already is not published again.
What the stack cannot say (permissions of layer.toml, the index) `layerctl publish` completes: it finds the version, and
publishes nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "build" / "SharedUtilsLayer"
LAYERCTL = [sys.executable, "-m", "layerctl"]
RELEASING = "prod"  # the stage whose versions are releases; what others deploy is work in progress


def run(*command: str | Path, output: bool = False) -> str:
    """Run a command in the repository; its failure is this script's."""
    done = subprocess.run(
        [str(part) for part in command], check=False, cwd=ROOT, stdout=subprocess.PIPE if output else None, text=True
    )
    if done.returncode:
        sys.stderr.write(done.stdout or "")
        sys.exit(done.returncode)
    return done.stdout or ""


def deploy(stage: str, environment: str, settings: dict[str, Any], artifact: str) -> None:
    """Deploy one environment of samconfig.toml: what `sam build` made, if it is the artifact's content."""
    where = ["--region", settings["global"]["parameters"]["region"], "--stage", stage]
    index = ["--index", "layers.json"] if stage == RELEASING else []
    ask = [*LAYERCTL, "deploy-parameters", artifact, *where, "--built", BUILT, "--json"]
    ask += ["--stack", settings["global"]["parameters"]["stack_name"]]
    ask += ["--unreleased"] if stage != RELEASING else index if (ROOT / "layers.json").exists() else []
    found = json.loads(run(*ask, output=True))["parameters"]
    if existing := found["ExistingVersionArn"]:
        print(f"{existing} has this content already: none will be published", flush=True)  # noqa: T201 - a script
    given = [f'{name}="{value}"' for name, value in found.items()]
    overrides = settings["deploy"]["parameters"]["parameter_overrides"]
    run(SAM, "deploy", "--config-env", environment, "--parameter-overrides", *overrides, *given)
    run(*LAYERCTL, "publish", artifact, *where, *index)


if __name__ == "__main__":
    stage = sys.argv[1] if len(sys.argv) > 1 else "dev"
    environment = "default" if stage == "dev" else stage
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    if environment not in config:
        sys.exit(f"error: samconfig.toml has no environment {environment!r}")
    zips = sys.argv[2:3] or [json.loads(run(*LAYERCTL, "build", "--json", output=True))["zip"]]
    deploy(stage, environment, config[environment], zips[0])
