"""A release whose origin, content and changes are proved, and its recall; part of `make pipeline`.

A small layer is built from a commit and signed, by a key of one's own and by one in KMS; it is published in three
regions, its next release found bad, rolled back by pin and recalled. Each step runs `layerctl` itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from tests.e2e.evidence import PipelineError, check, say
from tests.support.mini_repository import mini_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.local_aws import LocalAws

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
REGION = REGIONS[0]
LAYER = "mini"
STAGE = ["--stage", "prod"]


class Provenance:
    """A repository with a small layer of its own, and the local AWS that its releases go to."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.repository = mini_repository(folder / "mini", folder / "wheels")
        self.folder = self.repository.root
        self.repository.edit(
            "layer/layer.toml", "[provided]", f"[publish]\nregions = {json.dumps(REGIONS)}\n[provided]"
        )
        self.repository.edit("pyproject.toml", '"0.3.0"', '"1.0.0"')
        self.repository.commit()
        self.aws = aws
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | aws.environ
        self.environment |= {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder / "wheels")}

    def run(self, *command: str | Path, expect: int = 0, notes: bool = True) -> str:
        """Run layerctl and return what it said; any exit code but the expected one ends the play."""
        words = [str(one) for one in command]
        result = subprocess.run(
            [sys.executable, "-m", "layerctl", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if notes else None,
            text=True,
            check=False,
            timeout=300,
        )
        if result.returncode != expect:
            raise PipelineError(f"layerctl {' '.join(words)} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def build(self) -> Path:
        """Build the layer; returns its zip."""
        return self.folder / json.loads(self.run("build", "--json", notes=False))["zip"]

    def latest(self) -> list[str]:
        """What /mini/prod/latest names in each region."""
        return [
            str(self.aws.client("ssm", region).get_parameter(Name=f"/{LAYER}/prod/latest")["Parameter"]["Value"])
            for region in REGIONS
        ]

    def function(self, name: str, number: int) -> None:
        """A function in the first region that uses a version."""
        client = self.aws.client("lambda", REGION)
        role = _role(self.aws)
        code = self.folder / "code.zip"
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "def handler(event, context):\n    return 1\n")
        function = {"FunctionName": name, "Role": role, "Runtime": "python3.13", "Handler": "app.handler"}
        client.create_function(**function, Code={"ZipFile": code.read_bytes()}, Layers=[arn(number)])


def arn(number: int, region: str = REGION) -> str:
    """A version of the layer."""
    return f"arn:aws:lambda:{region}:123456789012:layer:{LAYER}:{number}"


def _role(aws: LocalAws) -> str:
    """The ARN of a role that Lambda may take."""
    allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    return str(aws.client("iam", REGION).create_role(RoleName="shop", AssumeRolePolicyDocument=policy)["Role"]["Arn"])


def _tamper(good: Path, bad: Path) -> Path:
    """Change one file of a zip."""
    with zipfile.ZipFile(shutil.copy(good, bad), "a") as archive:
        archive.writestr("python/mini_layer/late.py", "EVIL = True\n")
    return bad


def play(play: Provenance, first: int) -> None:
    """Play the story; its steps are numbered from `first`."""
    run = play.run
    artifact = play.build()
    attestation = artifact.with_name(f"{artifact.stem}.intoto.json")
    run("attest", "new-key", "release.key")
    run("attest", "sign", artifact, "--key", "release.key", "--valid-for", "365d")
    proof = ["--attestation", attestation, "--trusted-key", "release.key.pub", "--select", "attestation-*"]
    said = run("verify", artifact, *proof)
    say(first, f"{artifact.name} built, signed by a key of one's own, and checked", said.strip().splitlines()[-1])
    key = play.aws.client("kms", REGION).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms = ["--kms-key", key["KeyId"], "--region", REGION]
    run("attest", "sign", artifact, *kms, "--out", "kms.intoto.json")
    (play.folder / "kms.pem").write_text(run("attest", "public-key", *kms))
    by_kms = ["--attestation", "kms.intoto.json", "--select", "attestation-*", "--trusted-key"]
    run("verify", artifact, *by_kms, "kms.pem")
    check(True, "a key in KMS signs too, and its public half checks")
    check("not trusted" in run("verify", artifact, *by_kms, "release.key.pub", expect=1), "another key is refused")
    bad = _tamper(artifact, artifact.with_name("mini-1.0.0-changed.zip"))
    run("verify", bad, *proof, expect=1)
    check(True, "a changed zip is refused")

    records = play.folder / "osv.json"
    affected = {"package": {"ecosystem": "PyPI", "name": "pure-dep"}, "ranges": [
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}]}  # fmt: skip
    record = {"id": "GHSA-play-play-play", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}
    records.write_text(json.dumps(record))
    audited = run("audit", artifact, "--records", records, expect=1)
    say(first + 1, "audited against OSV records", next(line for line in audited.splitlines() if "GHSA" in line))
    (play.folder / "layer" / "audit.toml").write_text(
        '[[exception]]\nid = "GHSA-play-play-play"\nreason = "made up for this play"\nexpires = 2999-01-01\n'
    )
    check("accepted: pure-dep" in run("audit", artifact, "--records", records), "with an exception it is accepted")

    play.repository.edit("src/mini_layer/clock.py", "def tick()", "def _tick()")
    play.repository.edit("pyproject.toml", '"1.0.0"', '"1.0.1"')
    play.repository.git("commit", "-qam", "Take tick away")
    worse = play.build()
    refused = run("diff", artifact, worse, expect=1)
    told = next(one for one in refused.splitlines() if "mini_layer.clock.tick" in one)
    say(first + 2, "the next release takes a public function away", told)
    check("need a major one" in refused, "as a patch release it is refused")

    good, newer = "1.0.0", "1.0.1"
    index = ["--index", "proved.json"]
    run("publish", artifact, *index, *STAGE)
    run("publish", worse, *index, *STAGE)
    check(play.latest() == [arn(2, region) for region in REGIONS], f"both published; latest is {newer} in every region")
    (play.folder / "CHANGES.md").write_text(f"## {newer}\n\n- `clock.tick` is gone\n")
    run("index", "notes", newer, *index, "--changelog", "CHANGES.md", "--save")
    play.function("shop", 2)
    template = play.folder / "shop.yaml"
    template.write_text(f"Layers:\n  - {arn(2)}\n")

    run("index", "yank", newer, "--reason", "clock.tick is gone", "--severity", "high", *index)
    run("index", "mirror", *index, *STAGE)
    say(first + 3, f"{newer} found bad and yanked")
    check(play.latest() == [arn(1, region) for region in REGIONS], f"latest is {good} again in every region")
    listed = json.loads(run("releases", *index, *STAGE, "--format", "json", notes=False))
    states = {(one["release"], one["state"]) for one in listed["releases"]}
    check(states == {(newer, "yanked"), (good, "there")} and not listed["missing"], "releases tells which is where")
    checked = run("pins", "check", template, *index, expect=1)
    check("was yanked (high): clock.tick is gone" in checked, "pins check fails on it, and says why")
    usage = ["usage", "--yanked", *index]
    check("shop" in run(*usage, expect=1), "usage --yanked names the function on it")
    back = run("pins", "bump", template, "--to", good, "--layer", LAYER, *index)
    check(arn(1) in template.read_text() and f"taken back: {LAYER} {newer}" in back, f"the pin rolled back to {good}")
    play.aws.client("lambda", REGION).update_function_configuration(FunctionName="shop", Layers=[arn(1)])
    run(*usage)
    check(True, "and deployed: nobody is on it any more")
    run("index", "unyank", newer, *index)
    run("publish", worse, *index, *STAGE)
    check(play.latest() == [arn(2, region) for region in REGIONS], "the recall taken back, latest goes forward again")
    run("pins", "bump", template, "--to", newer, "--layer", LAYER, *index)
    check(arn(2) in template.read_text(), f"and so does the pin, to {newer}")
