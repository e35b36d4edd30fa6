"""The whole life of a layer version, on a local AWS: ``make pipeline``.

Deploy the layer by the lines of the release workflow, pin it, deploy two services, serve exactly the bytes that the
API hands back; change a helper, deploy again, see that pins hold, bump them, prune, release to every region, take two
services through their own pipeline (tests/e2e/services.py). Beside it, on a local AWS of their own: the life of
releases in three regions (tests/e2e/releases.py), and a release that is signed, checked, audited, compared, found bad,
rolled back and recalled (tests/e2e/trust.py). What they show is printed after the first story, so that the steps stand
in order.

The SAM CLI, `layerctl`, boto3, AWS's SAM translator and AWS's runtime emulator are the real ones; CloudFormation and
Lambda's control plane are moto's, with what it lacks added (tests/support/local_aws). Each step prints its evidence and
stops the run, exit code 1, when it is not as it should be.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e import releases, services, trust, workflow
from tests.e2e.evidence import PipelineError, check, console, say
from tests.support import local_aws
from tests.support.checkout import copy_checkout
from tests.support.sam import SAM, sam_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.local_aws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
LAYERCTL = [sys.executable, "-m", "layerctl"]
REGION = "eu-central-1"
INVOKES = ("tests.support.local_aws.invoke",)
SERVICES = {"todos": "TodosFunction", "users": "UsersFunction"}


class Pipeline:
    """A copy of this repository, and the local AWS that it is deployed to."""

    def __init__(self, folder: Path, aws: LocalAws) -> None:
        self.folder = folder
        self.environment = sam_environment(aws)
        self.said = ""  # by the last deploy of the layer
        self.aws = aws
        self.lambda_ = aws.client("lambda", REGION)
        self.cloudformation = aws.client("cloudformation", REGION)

    def sh(self, *command: str, within: Path | None = None, expect: int = 0) -> str:
        """Run a command and return what it printed; any exit code but the expected one ends the pipeline."""
        result = subprocess.run(
            command,
            cwd=within or self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        if result.returncode != expect:
            raise PipelineError(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def output(self, stack: str, key: str) -> str:
        """One output of a deployed stack."""
        outputs = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return str(next(output["OutputValue"] for output in outputs if output["OutputKey"] == key))

    def build(self) -> str:
        """`layerctl build`; returns the zip."""
        said = self.sh(*LAYERCTL, "build", "--json")
        return str(json.loads(said[said.index("{\n") :])["zip"])

    def deploy_layer(self, *artifact: str) -> str:
        """`make deploy` of the layer, its bucket being there; returns the ARN of the version deployed."""
        self.sh(str(SAM), "build")
        self.said = self.sh(sys.executable, "layer/deploy.py", "dev", *artifact)
        return self.output("shared-utils-dev", "LayerVersionArn")

    def deploy_service(self, name: str) -> None:
        """`sam deploy` of a consumer."""
        self.sh(str(SAM), "deploy", "--config-env", "dev", within=self.folder / "examples" / name)

    def bump(self, name: str, version: str) -> str:
        """`layerctl pins bump` of a consumer's template; returns the diff that it showed."""
        template = f"examples/{name}/template.yaml"
        # Dev's first version names no release, so that layerctl cannot know how far the way is.
        return self.sh(*LAYERCTL, "pins", "bump", "--to", version, "--major", "--layer", "shared-utils", template)

    def deployed(self, name: str) -> dict[str, Any]:
        """What the API says of a deployed function."""
        for page in self.lambda_.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                if SERVICES[name] in function["FunctionName"]:
                    return dict(self.lambda_.get_function(FunctionName=function["FunctionName"]))
        raise PipelineError(f"no function of {name} is deployed")

    def live(self, name: str) -> tuple[str, str]:
        """The function version that the alias serves, and the layer version that it uses."""
        function = self.deployed(name)["Configuration"]["FunctionName"]
        served = self.lambda_.get_function(FunctionName=function, Qualifier="live")["Configuration"]
        return str(served["Version"]), str(served["Layers"][0]["Arn"])

    def roll_back(self, name: str, version: str) -> None:
        """`aws lambda update-alias`: the alias serves an older version at once, without a deployment."""
        function = self.deployed(name)["Configuration"]["FunctionName"]
        self.lambda_.update_alias(FunctionName=function, Name="live", FunctionVersion=version)

    def forget_versions(self, name: str) -> None:
        """Delete the versions of a function that its alias does not serve: nobody goes back to them any more."""
        function, (served, _) = self.deployed(name)["Configuration"]["FunctionName"], self.live(name)
        for one in self.lambda_.list_versions_by_function(FunctionName=function)["Versions"]:
            if one["Version"] not in ("$LATEST", served):
                self.lambda_.delete_function(FunctionName=function, Qualifier=one["Version"])

    @contextlib.contextmanager
    def serve(self, name: str) -> Iterator[str]:
        """Fetch a function and its layer back from the API and serve exactly those bytes; yields the address."""
        function = self.deployed(name)
        configuration = function["Configuration"]
        arn = configuration["Layers"][0]["Arn"]
        layer = self.lambda_.get_layer_version_by_arn(Arn=arn)
        with tempfile.TemporaryDirectory(prefix="fetched-") as scratch:
            folder = Path(scratch)
            _fetch(function["Code"]["Location"], folder / "code")
            _fetch(layer["Content"]["Location"], folder / "layer")
            template = folder / "template.json"
            template.write_text(json.dumps(_template(configuration, name)))
            command = [*LAYERCTL, "run", str(template), "--port", "0", "--json", "--endpoint-url", self.aws.endpoint]
            command += ["--layer", f"shared-utils={folder / 'layer'}"]
            with subprocess.Popen(
                command, env=self.environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as process:
                assert process.stdout is not None
                try:
                    yield _address(process.stdout)
                finally:
                    process.terminate()

    def call(self, name: str) -> dict[str, Any]:
        """GET /<name> of the fetched service; returns the answer, in which the layer's version is."""
        with self.serve(name) as address:
            try:
                with urllib.request.urlopen(f"{address}/{name}", timeout=60) as answer:
                    return {"status": answer.status, **json.load(answer)}
            except urllib.error.HTTPError as error:
                raise PipelineError(f"GET /{name} answered {error.code}: {error.read().decode()}") from None

    def versions(self) -> list[int]:
        """The versions of the layer that exist."""
        pages = self.lambda_.get_paginator("list_layer_versions").paginate(LayerName="shared-utils")
        return sorted(version["Version"] for page in pages for version in page["LayerVersions"])

    def prune(self, *options: str) -> list[int]:
        """`layerctl prune`; returns the versions in its plan."""
        text = self.sh(*LAYERCTL, "prune", "--region", REGION, "--keep", "1", "--json", *options)
        plan = json.loads(text)["versions"]
        for entry in plan:
            version = entry["arn"].rsplit(":", 1)[1]
            console.print(f"   [dim]version {version}: {'delete' if entry['delete'] else 'keep'}, {entry['reason']}[/]")
        return sorted(int(entry["arn"].rsplit(":", 1)[1]) for entry in plan if entry["delete"])


def _fetch(location: str, target: Path) -> None:
    with urllib.request.urlopen(location, timeout=60) as answer:
        zipfile.ZipFile(io.BytesIO(answer.read())).extractall(target)


def _template(configuration: dict[str, Any], name: str) -> dict[str, Any]:
    """A template of the deployed function, with the fetched code and the same pin."""
    properties = {
        "CodeUri": "code",
        "Handler": configuration["Handler"],
        "Runtime": configuration["Runtime"],
        "Timeout": configuration["Timeout"],
        "Layers": [layer["Arn"] for layer in configuration["Layers"]],
        "Environment": configuration["Environment"],
        "Events": {"List": {"Type": "HttpApi", "Properties": {"Method": "GET", "Path": f"/{name}"}}},
    }
    return {"Resources": {SERVICES[name]: {"Type": "AWS::Serverless::Function", "Properties": properties}}}


def _address(output: Any) -> str:
    """Wait for the line of `layerctl run --json` that says where it listens."""
    said = []
    for line in output:
        said.append(line)
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and event.get("url"):
                return str(event["url"]).rstrip("/")
    raise PipelineError("layerctl run did not serve:\n" + "".join(said))


def play(pipeline: Pipeline) -> None:
    """Play the story, step by step."""
    aws = pipeline.aws
    given = {"ArtifactBucketName": "shared-utils-artifacts-dev", "GitHubRepository": "your-org/shared-utils"}
    pipeline.cloudformation.create_stack(
        StackName="pipeline",
        TemplateBody=workflow.BOOTSTRAP.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    aws.client("ssm", REGION).put_parameter(Name="/todos/dev/page-size", Value="10", Type="String")
    secret = {"Name": "users/dev/cursor", "SecretString": json.dumps({"key": "only-for-this-run"})}
    aws.client("secretsmanager", REGION).create_secret(**secret)
    say(
        1,
        "a local AWS with the roles and the bucket of pipelines/bootstrap.yaml, a parameter and a secret",
        aws.endpoint,
    )

    say(2, "the release workflow's build and dev jobs: sam build && sam deploy, smoke test, canary")
    release = pipeline.environment | {"TAG": "v1.0.0"}
    workflow.play_job("release", "build", pipeline.folder, release)
    workflow.play_job("ci", "artifact", pipeline.folder, release)
    shown = ("in the emulator", "deployed, it answers", "AWS::Lambda::LayerVersion", "holds the content")
    sent = workflow.play_job("release", "dev", pipeline.folder, release, shows=shown)
    workflow.check_role("DevRole", sent, beside=workflow.BY_CLOUDFORMATION)
    first = pipeline.output("shared-utils-dev", "LayerVersionArn")
    latest = aws.client("ssm", REGION).get_parameter(Name="/shared-utils/dev/latest")["Parameter"]["Value"]
    check(latest == first and first.endswith(":1"), f"/shared-utils/dev/latest holds {latest}")
    check(
        pipeline.deploy_layer("dist/shared-utils-1.0.0.zip") == first,
        "a second deploy without a change makes no version",
    )

    for name in SERVICES:
        pipeline.bump(name, "1")
        pipeline.deploy_service(name)
    pins = {name: pipeline.deployed(name)["Configuration"]["Layers"][0]["Arn"] for name in SERVICES}
    say(3, "todos and users, pinned to it and deployed", *(f"{name} uses {arn}" for name, arn in pins.items()))
    check(set(pins.values()) == {first}, "both use version 1")
    check([pipeline.live(name) for name in SERVICES] == [("1", first)] * 2, "the alias live of each serves it")

    say(4, "code and layer fetched back from the API, served in AWS's emulator")
    before = {name: pipeline.call(name) for name in SERVICES}
    for name, answer in before.items():
        check(answer["status"] == 200, f"GET /{name} → 200, from shared_utils {answer['version']}")

    old = before["todos"]["version"]
    new = _change_a_helper(pipeline.folder, old)
    artifact = pipeline.build()
    pipeline.sh(*LAYERCTL, "publish", artifact, "--region", REGION, "--stage", "dev")
    second = pipeline.deploy_layer(artifact)
    say(5, f"a helper changed ({old} → {new}): published by layerctl, then deployed", f"LayerVersionArn = {second}")
    check("has this content already: none will be published" in pipeline.said, "sam deploy publishes nothing twice")
    check(pipeline.versions() == [1, 2], "version 2 stands beside version 1")
    check(pipeline.call("todos")["version"] == old, f"todos still answers from {old}: its pin holds")

    diff = pipeline.bump("todos", "2")
    pipeline.deploy_service("todos")
    say(6, "todos' pin bumped, deployed", *(line for line in diff.splitlines() if line.startswith(("-  ", "+  "))))
    check(pipeline.call("todos")["version"] == new, f"todos answers from {new}")
    check(pipeline.call("users")["version"] == old, f"users still answers from {old}")

    check(pipeline.live("todos") == ("2", second), "its alias serves function version 2, on the new layer")
    pipeline.roll_back("todos", "1")
    check(pipeline.live("todos") == ("1", first), "rolled back by the alias: function version 1, on the old layer")
    pipeline.roll_back("todos", "2")

    say(7, "layerctl prune --keep 1, while users uses version 1")
    check(pipeline.prune("--apply") == [], "nothing is planned")
    check(pipeline.versions() == [1, 2], "version 1 is kept")

    pipeline.bump("users", "2")
    pipeline.deploy_service("users")
    say(8, "users bumped too; layerctl prune again")
    check(
        pipeline.prune() == [], "nothing is planned: an older function version that one can go back to uses version 1"
    )
    for name in SERVICES:
        pipeline.forget_versions(name)
    pipeline.cloudformation.delete_stack(StackName="shared-utils-canary-dev")  # it stands on version 1, too
    check(pipeline.prune() == [1] and pipeline.versions() == [1, 2], "the plan is version 1; without --apply it stays")
    check(pipeline.prune("--apply") == [1] and pipeline.versions() == [2], "with --apply it goes")
    for name in SERVICES:
        check(pipeline.call(name)["version"] == new, f"GET /{name} → 200, from shared_utils {new}")
    _release(pipeline, new)
    pipeline.bump("orders", "2")
    services.play(pipeline.folder, pipeline.environment, aws, second, 10)


def _release(pipeline: Pipeline, version: str) -> None:
    """Play what follows the gate."""
    gate = workflow.job("release", "publish")["environment"]
    say(9, f"the gate (environment {gate!r}) is passed: the release workflow's publish job, {version} in every region")
    changelog = pipeline.folder / "CHANGELOG.md"
    changelog.write_text(f"# Changelog\n\n## {version}\n\n- a helper changed\n")
    key = pipeline.aws.client("kms", REGION).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    release = pipeline.environment | {"TAG": f"v{version}", "SIGNING_KEY": key["Arn"]}
    (pipeline.folder / "main").mkdir()
    sent = workflow.play_job("release", "publish", pipeline.folder, release, shows=("(latest)",))
    workflow.check_role("ReleaseRole", sent, beside=workflow.NOT_PROVOKED)
    index = json.loads((pipeline.folder / "main" / "layers.json").read_text())["releases"][version]
    wanted = tomllib.loads((pipeline.folder / "layer" / "layer.toml").read_text())["publish"]["regions"]
    check(sorted(index["regions"]) == sorted(wanted), f"the index has it in {', '.join(wanted)}")
    built = next((pipeline.folder / "dist").glob("*.manifest.json"))
    digest = json.loads(built.read_text())["content_digest"]
    check(index["content_digest"] == digest, "the very bytes that dev tried")


def _change_a_helper(folder: Path, version: str) -> str:
    """Release a change of the layer: the helper that every answer carries is its version."""
    major, minor, _ = version.split(".")
    new = f"{major}.{int(minor) + 1}.0"
    path = folder / "src" / "shared_utils" / "_version.py"
    path.write_text(path.read_text().replace(f'"{version}"', f'"{new}"'))
    shutil.rmtree(folder / "dist")  # as in a checkout of its own
    return new


def _play_layer() -> None:
    """Play it on a fresh local AWS and a copy of this repository."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as scratch, local_aws.start(INVOKES) as aws:
        folder = Path(scratch)
        copy_checkout(folder)
        play(Pipeline(folder, aws))
        workflow.check_all_played()


def _play_releases() -> None:
    """Play the releases and the proofs; each makes its layers, and leaves those of the other alone."""
    with tempfile.TemporaryDirectory(prefix="releases-") as scratch, local_aws.start() as aws:
        folder = Path(scratch)
        (folder / "helpers").mkdir()
        releases.play(releases.Releases(folder / "helpers", aws), first=11)
        (folder / "proved").mkdir()
        trust.play(trust.Provenance(folder / "proved", aws), first=17)


def _captured(story: Callable[[], None]) -> tuple[str, PipelineError | None]:
    """Return what a story prints (rich captures by thread), and where it ended if it did not hold."""
    failure = None
    with console.capture() as said:
        try:
            story()
        except PipelineError as error:
            failure = error
    return said.get(), failure


def main() -> int:
    """Play the stories; those that share nothing at the same time."""
    began = time.monotonic()
    failures: list[PipelineError] = []
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_captured, _play_releases)
        try:
            _play_layer()
        except PipelineError as error:
            failures.append(error)
        said, failure = beside.result()
    console.out(said, end="")
    failures += [failure] if failure else []
    for one in failures:
        console.print(f"[bold red]✗[/] {one}", markup=True)
    if failures:
        return 1
    console.print(f"\n[bold green]the pipeline holds[/] ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
