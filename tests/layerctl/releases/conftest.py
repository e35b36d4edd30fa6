"""A local AWS, a layer.toml, and layerctl itself, for the tests of what changes AWS."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from layerctl.__main__ import main
from layerctl.core.arn import LayerVersionArn
from layerctl.releases.index.model import LayerIndex, Release
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.local_aws.server import LocalAws, start_or_take

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
OWNER, DATE = "123456789012", "2026-01-31T12:00:00Z"
OURS, THEIRS = (f"sha256:{letter * 64}" for letter in "ab")


def arn(number: int, region: str = REGIONS[0]) -> LayerVersionArn:
    """A version of the tests' layer."""
    return LayerVersionArn("aws", region, OWNER, "helpers", number)


def index_of(*releases: Release) -> LayerIndex:
    """An index of the tests' layer."""
    return LayerIndex("helpers", {release.version: release for release in releases})


class ListedVersions:
    """A client in place of Lambda's, for dates, digests and gaps that no local AWS makes; it notes what it is asked.

    Attributes:
        listed: number to description, in the order of the list; other versions there are not.
        about: what each of them has, and stores, instead of the usual.
    """

    class exceptions:
        """What may be raised."""

        class ResourceNotFoundException(Exception):
            """There is none."""

    def __init__(self, listed: Mapping[int, str], **about: Any) -> None:
        self.listed, self.about = listed, about
        self.asked: list[tuple[Any, ...]] = []

    def get_paginator(self, operation: str) -> SimpleNamespace:
        """Return what lists, one version a page."""
        assert operation == "list_layer_versions"
        return SimpleNamespace(paginate=self._list)

    def _list(self, LayerName: str) -> list[dict[str, Any]]:
        self.asked.append(("list", LayerName))
        return [{"LayerVersions": [self._item(number)]} for number in self.listed]

    def _item(self, number: int) -> dict[str, Any]:
        item = {
            "LayerVersionArn": str(arn(number)),
            "Description": self.listed[number],
            "CreatedDate": "2026-01-31T12:00:00.000+0000",  # as AWS writes DATE
            "CompatibleRuntimes": ["python3.13", "python3.12"],
            "CompatibleArchitectures": ["arm64"],
        }
        return item | {key: value for key, value in self.about.items() if key in item}

    def get_layer_version(self, LayerName: str, VersionNumber: int) -> dict[str, Any]:
        """Tell what is stored, if it is there."""
        self.asked.append(("get", LayerName, VersionNumber))
        if VersionNumber not in self.listed:
            raise self.exceptions.ResourceNotFoundException
        stored = {"CodeSha256": f"sha {VersionNumber}", "CodeSize": 7, "Location": ""}
        stored |= {key: value for key, value in self.about.items() if key in stored}
        return self._item(VersionNumber) | {"Content": stored}


@pytest.fixture(scope="session")
def shared_aws() -> Iterator[LocalAws]:
    """One local AWS for all tests of a worker."""
    with start_or_take() as aws:
        yield aws


@pytest.fixture
def aws(shared_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """An empty local AWS that boto3 finds by its environment."""
    shared_aws.reset()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in shared_aws.environ.items():
        monkeypatch.setenv(name, value)
    return shared_aws


@pytest.fixture
def proxy(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The same AWS behind a proxy that misbehaves when told to."""
    with fault_proxy(aws.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@dataclass
class Project:
    """A folder with a layer.toml and artifacts, and the AWS that they go to."""

    root: Path
    aws: LocalAws

    def configure(
        self,
        *,
        regions: tuple[str, ...] = REGIONS,
        accounts: tuple[str, ...] = (),
        organizations: tuple[str, ...] = (),
        public: bool = False,
    ) -> None:
        """Write layer/layer.toml."""
        folder = self.root / "layer"
        folder.mkdir(exist_ok=True)
        (folder / "layer.toml").write_text(
            f"""
            [layer]
            name = "helpers"
            architectures = ["x86_64", "arm64"]
            licence = "MIT"
            [runtimes]
            "python3.12" = "3.12.1"
            "python3.13" = "3.13.0"
            [publish]
            regions = {json.dumps(regions)}
            [sharing]
            public = {json.dumps(public)}
            accounts = {json.dumps(accounts)}
            organizations = {json.dumps(organizations)}
            """
        )

    def artifact(self, release: str = "1.0.0", content: str = "x = 1\n") -> Path:
        """Write a layer's zip."""
        path = self.root / f"helpers-{release}.zip"
        write_zip(path, {"python/helpers.py": content, "python/more/__init__.py": ""})
        return path

    @property
    def index(self) -> Path:
        """Where the tests keep layers.json."""
        return self.root / "layers.json"


def write_zip(path: Path, files: dict[str, str], *, compression: int = zipfile.ZIP_STORED) -> None:
    """Write files of mode 0644, in the order given."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, text, compress_type=compression)


@pytest.fixture
def project(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The current folder, with a layer.toml for three regions that shares with nobody."""
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path, aws)
    made.configure()
    return made


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


@pytest.fixture
def layerctl(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run layerctl in this process."""

    def run(*argv: object) -> Ran:
        capsys.readouterr()
        code = main([str(one) for one in argv])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def versions(aws: LocalAws, region: str = "eu-central-1", layer: str = "helpers") -> list[dict[str, Any]]:
    """The versions of a layer in a region, oldest first."""
    pages = aws.client("lambda", region).get_paginator("list_layer_versions").paginate(LayerName=layer)
    return sorted((one for page in pages for one in page["LayerVersions"]), key=lambda one: one["Version"])


def put_versions(aws: LocalAws, *releases: str, regions: tuple[str, ...] = REGIONS) -> None:
    """Make versions as `layerctl publish` describes them, but in one request each: for what comes after publishing."""
    for region in regions:
        for release in releases:
            aws.client("lambda", region).publish_layer_version(
                LayerName="helpers",
                Content={"ZipFile": release.encode()},
                Description=f"{release} sha256:{hashlib.sha256(release.encode()).hexdigest()}",
                CompatibleRuntimes=["python3.12", "python3.13"],
                CompatibleArchitectures=["x86_64", "arm64"],
            )


def policy(aws: LocalAws, number: int, region: str = "eu-central-1", layer: str = "helpers") -> list[dict[str, Any]]:
    """The statements of a version's policy."""
    client = aws.client("lambda", region)
    try:
        text = client.get_layer_version_policy(LayerName=layer, VersionNumber=number)["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return []
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements
