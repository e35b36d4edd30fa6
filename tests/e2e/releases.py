"""A layer's releases in three regions, on a local AWS: ``python -m tests.e2e.releases``, or `make pipeline`.

Shared with accounts, with an organisation, with everybody; yanked, pinned, pruned, mirrored again. Each step runs
`layerctl` itself, prints its evidence, and stops the run when something is not as it should be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.evidence import PipelineError, check, console, say
from tests.support import local_aws

if TYPE_CHECKING:
    from tests.support.local_aws import LocalAws

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
REGION = REGIONS[0]
ACCOUNTS = ("222222222222", "333333333333")
ROLES = [part for account in ACCOUNTS for part in ("--role", f"arn:aws:iam::{account}:role/layer-usage")]
ORGANIZATION = "o-abcdefghij"


class Releases:
    """A folder with a layer.toml, and the local AWS that its releases go to."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.folder = folder
        self.aws = aws
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | aws.environ

    def configure(self, **sharing: object) -> None:
        """Write layer.toml with this [sharing]."""
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in sharing.items())
        (self.folder / "layer.toml").write_text(
            f'[layer]\nname = "helpers"\narchitectures = ["x86_64", "arm64"]\n[runtimes]\n"python3.13" = "3.13.0"\n'
            f"[publish]\nregions = {json.dumps(REGIONS)}\n[sharing]\n{lines}\n"
        )

    def artifact(self, release: str, content: str) -> str:
        """Write a layer's zip; returns its name."""
        with zipfile.ZipFile(self.folder / f"helpers-{release}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("python/helpers.py"), content)
        return f"helpers-{release}.zip"

    def run(self, *command: str, expect: int = 0) -> str:
        """Run layerctl; any exit code but the expected one ends the play."""
        result = subprocess.run(
            [sys.executable, "-m", "layerctl", *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        if result.returncode != expect:
            raise PipelineError(f"layerctl {' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def publish(self, release: str, *options: str, content: str = "", expect: int = 0) -> str:
        """`layerctl publish` with the index."""
        artifact = self.artifact(release, content or f"VERSION = {release!r}\n")
        return self.run("publish", artifact, "--index", "layers.json", *options, expect=expect)

    def versions(self, region: str = REGION) -> list[int]:
        """The version numbers of a region."""
        listed = self.aws.client("lambda", region).list_layer_versions(LayerName="helpers")["LayerVersions"]
        return sorted(one["Version"] for one in listed)

    def principals(self, number: int) -> list[str]:
        """Who may use a version."""
        text = self.aws.client("lambda", REGION).get_layer_version_policy(LayerName="helpers", VersionNumber=number)
        statements: list[dict[str, Any]] = json.loads(text["Policy"])["Statement"]
        return sorted(statement["Sid"].removeprefix("layerctl-") for statement in statements)

    def parameter(self, name: str) -> str:
        """A parameter's value in the first region; empty where there is none."""
        client = self.aws.client("ssm", REGION)
        try:
            return str(client.get_parameter(Name=f"/helpers/dev/{name}")["Parameter"]["Value"])
        except client.exceptions.ParameterNotFound:
            return ""


def arn(number: int) -> str:
    """A version in the first region."""
    return f"arn:aws:lambda:{REGION}:123456789012:layer:helpers:{number}"


def play(releases: Releases, first: int = 1) -> None:
    """Play the story; its steps are numbered from `first`."""
    releases.configure(accounts=ACCOUNTS)
    releases.publish("1.0.0")
    say(first, "1.0.0 published in three regions, shared with two accounts")
    check([releases.versions(region) for region in REGIONS] == [[1]] * 3, "version 1 in each")
    check(releases.principals(1) == [f"account-{one}" for one in ACCOUNTS], "both accounts may use it, nobody else")
    check(releases.parameter("latest") == arn(1), "/helpers/dev/latest names it")
    missing = releases.run("usage", expect=2)
    check(all(f"account {one} was not scanned" in missing for one in ACCOUNTS), "usage without their roles: exit 2")
    releases.run("usage", *ROLES)
    check(True, "usage with both roles: everything was seen")

    releases.configure(accounts=ACCOUNTS, organizations=[ORGANIZATION])
    releases.publish("1.1.0")
    releases.run("share", "--release", "1.0.0", "--organization", ORGANIZATION)
    say(first + 1, "1.1.0 shared with an organisation too, and 1.0.0 after it")
    check(f"organization-{ORGANIZATION}" in releases.principals(1), "1.0.0 is shared by its release")
    check("nothing found" in releases.run("permissions", "--index", "layers.json"), "permissions: as layer.toml says")

    releases.configure(public=True, accounts=ACCOUNTS, organizations=[ORGANIZATION])
    releases.publish("1.2.0")
    releases.publish("1.2.0")
    say(first + 2, "1.2.0 published to everybody, twice")
    check(releases.versions() == [1, 2, 3], "one version of it")
    check("public" in releases.principals(3), "everybody may use it")
    releases.run("index", "mirror")
    check("nothing found" in releases.run("index", "check"), "index, mirror and regions agree")

    template = releases.folder / "template.yaml"
    template.write_text(f"Layers:\n  - {arn(3)}\n")
    releases.run("index", "yank", "1.2.0", "--reason", "leaks memory")
    releases.run("index", "mirror")
    say(first + 3, "1.2.0 yanked: it leaks memory")
    check(releases.parameter("yanked/1.2.0") == "leaks memory", "Parameter Store says why")
    check(releases.parameter("latest") == arn(2), "/helpers/dev/latest went back to 1.1.0")
    check("was yanked" in releases.run("pins", "check", "template.yaml", expect=1), "pins check fails on its pin")
    releases.run("pins", "bump", "template.yaml")
    check(arn(2) in template.read_text(), "pins bump goes back to 1.1.0")
    refused = releases.run("pins", "bump", "template.yaml", "--to", "1.2.0", "--layer", "helpers", expect=2)
    check("say --force" in refused, "and to 1.2.0 only by force")

    options = ("--keep", "1", "--assume-unused", *ROLES, "template.yaml")
    plan = json.loads(releases.run("prune", *options, "--region", REGION, "--json").split("\n}\n")[0] + "\n}")[
        "versions"
    ]
    say(first + 4, "layerctl prune --keep 1", *(f"{one['arn']}: {one['reason']}" for one in plan))
    check([one["delete"] for one in plan] == [True, False, True], "the yanked newest goes, the good one stays")
    releases.run("prune", *options, "--apply")
    check([releases.versions(region) for region in REGIONS] == [[2]] * 3, "so it is in every region")
    check("nothing found" in releases.run("index", "check"), "index, mirror and regions agree")
    other = releases.publish("1.0.0", content="VERSION = 'other'\n", expect=2)
    check("a release never changes" in other, "1.0.0 is never given to other content")

    releases.publish("1.2.0")
    releases.run("index", "unyank", "1.2.0")
    releases.aws.client("ssm", REGION).delete_parameter(Name="/helpers/dev/versions/1.1.0")
    check("ssm-missing" in releases.run("index", "check"), "a parameter deleted by hand is named")
    releases.run("index", "mirror")
    say(first + 5, "the same 1.2.0 published again, the yank taken back, and everything mirrored again")
    check(releases.versions() == [2, 4], "it is version 4 now")
    check(releases.parameter("versions/1.2.0") == arn(4), "and the mirror says so")
    check("nothing found" in releases.run("index", "check"), "index, mirror and regions agree")


def main() -> int:
    """Play it on a fresh local AWS."""
    try:
        with tempfile.TemporaryDirectory(prefix="releases-") as scratch, local_aws.start() as aws:
            play(Releases(Path(scratch), aws))
    except PipelineError as error:
        console.print(f"[bold red]✗[/] {error}", markup=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
