"""Tries what was deployed: ``python layer/smoke.py dev ZIP``.

The version that has the zip's content is fetched back, must hold those very bytes, and serves a canary function in
AWS's runtime emulator. Then the canary is deployed on it and invoked. A canary that answers with another version, or
not at all, is exit code 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from layerctl.artifact import open_artifact
from layerctl.aws.failures import describe
from layerctl.config import LayerConfig
from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.publish.present import present_version
from layerctl.releases.versions import DigestCache, fetch_content, list_versions

ROOT = Path(__file__).parents[1]
CANARY = ROOT / "layer" / "canary"
SAM = ROOT / ".venv-sam" / "bin" / "sam"


def fetched(client: Any, name: str, artifact: Path, target: Path) -> LayerVersionArn:
    """Fetch the version that has the artifact's content.

    Raises:
        LayerctlError: there is none, or AWS does not hand it out.
    """
    with open_artifact(artifact) as opened:
        digest = opened.content_digest()
    region = client.meta.region_name
    try:
        version = present_version(client, list_versions(client, name), digest, DigestCache())
        if version is None:
            raise LayerctlError(f"no version in {region} has the content of {artifact}")
        fetch_content(client, version.arn, digest, target)
    except (ClientError, BotoCoreError) as error:
        raise LayerctlError(f"what was deployed cannot be fetched: {describe(error, region)}") from None
    print(f"{version.arn} holds the content of {artifact}, {digest}")  # noqa: T201 - a script
    return version.arn


def emulated(arn: LayerVersionArn, layer: Path) -> Any:
    """The canary's answer in AWS's runtime emulator, on the bytes that were fetched."""
    command = [sys.executable, "-m", "layerctl", "invoke", str(CANARY / "template.yaml"), "CanaryFunction"]
    command += ["--layer", f"{arn.name}={layer}", "--parameter", f"LayerVersionArn={arn}", "--parameter", "Role=none"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit("error: the canary does not run in the emulator")
    return json.loads(done.stdout)


def invoked(stage: str, settings: dict[str, Any], arn: LayerVersionArn) -> Any:
    """The canary's answer where it is deployed."""
    region = settings["global"]["parameters"]["region"]
    stack = f"{arn.name}-canary-{stage}"
    where = ["--stack-name", stack, "--region", region, "--s3-bucket", settings["deploy"]["parameters"]["s3_bucket"]]
    role = f"arn:{arn.partition}:iam::{arn.account}:role/{arn.name}-canary"  # as pipelines/bootstrap.yaml names it
    given = ["--parameter-overrides", f"LayerVersionArn={arn}", f"Role={role}", "--no-fail-on-empty-changeset"]
    # From a folder without samconfig.toml: the repository's is the layer's.
    command = [str(SAM), "deploy", "--template-file", "template.yaml", "--s3-prefix", "canary", *where, *given]
    if subprocess.run(command, check=False, cwd=CANARY).returncode:
        sys.exit(f"error: the canary could not be deployed to {stack}")
    outputs = boto3.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    name = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "FunctionName")
    answer = boto3.client("lambda", region).invoke(FunctionName=name, Payload=b"{}")
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        sys.exit(f"error: the canary failed: {payload.decode('utf-8', 'replace')[:2000]}")
    return json.loads(payload)


def main(stage: str, artifact: Path) -> None:
    """Try it."""
    name = LayerConfig.load(ROOT / "layer" / "layer.toml").name
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))["default" if stage == "dev" else stage]
    client = boto3.client("lambda", settings["global"]["parameters"]["region"])
    with tempfile.TemporaryDirectory(prefix="smoke-") as scratch:
        layer = Path(scratch) / "layer.zip"
        arn = fetched(client, name, artifact, layer)
        expected = emulated(arn, layer)
    print(f"in the emulator the canary answers {expected}")  # noqa: T201
    answer = invoked(stage, settings, arn)
    print(f"deployed, it answers {answer}")  # noqa: T201
    if answer != expected:
        sys.exit("error: the deployed canary answers otherwise")


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except LayerctlError as failure:
        sys.exit(f"error: {failure}")
