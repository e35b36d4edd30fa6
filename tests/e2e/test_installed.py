"""layerctl from its wheel, in an environment of its own outside of this checkout: what a layer's life needs works."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import urllib.request
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.fresh_machine import ROOT, Machine
from tests.support.local_aws import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.local_aws.server import LocalAws

pytestmark = [
    pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator runs on Linux only"),
    pytest.mark.xdist_group("installed"),  # one of the two processes makes the environment
]

RUNTIME = f"python3.{sys.version_info.minor}"
ARN = "arn:aws:lambda:eu-central-1:123456789012:layer"
FILES = {
    "layer/layer.toml": '[layer]\nname = "acme"\npackages = ["src/acme"]\nversion = "1.0.0"\n'
    f'architectures = ["x86_64", "arm64"]\n[runtimes]\n"{RUNTIME}" = "{platform.python_version()}"\n'
    '[publish]\nregions = ["eu-central-1"]\n',
    "layer/requirements.txt": "",
    "src/acme/__init__.py": 'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n',
    "function/app.py": "from acme import greet\n\n\ndef handler(event, context):\n"
    '    return {"statusCode": 200, "body": greet(event["pathParameters"]["name"])}\n',
    "function/event.json": '{"pathParameters": {"name": "Ada"}}',
    "function/template.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:\n  Greet:\n"
    "    Type: AWS::Serverless::Function\n    Metadata: {SkipBuild: true}\n    Properties:\n      CodeUri: .\n"
    f"      Handler: app.handler\n      Runtime: {RUNTIME}\n      Layers:\n        - {ARN}:acme:1\n"
    "      Events:\n        Get: {Type: HttpApi, Properties: {Method: GET, Path: '/greet/{name}'}}\n",
}


class Installed:
    """The program, the repository of a layer, and what finds AWS."""

    def __init__(self, machine: Machine, aws: LocalAws) -> None:
        self.machine = machine
        self.tool = machine.install()
        self.folder = machine.root / "acme"
        self.zip = self.folder / "dist/acme-1.0.0.zip"
        self.aws = aws
        for name, text in FILES.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def __call__(self, *arguments: object, folder: Path | None = None, code: int = 0, **environment: str) -> str:
        """Run layerctl; what it says."""
        aws = self.aws.environ | environment
        return self.machine.run(folder or self.folder, self.tool, *arguments, code=code, **aws)


@pytest.fixture(scope="module")
def layerctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Installed from the wheel, with a layer that is built and published."""
    with start() as aws:
        made = Installed(Machine(tmp_path_factory.mktemp("fresh")), aws)
        made("build", "--strict")
        made("publish", made.zip, "--index", "layers.json")
        yield made


def test_nothing_of_the_checkout_is_used(layerctl: Installed) -> None:
    """What runs is the wheel's code, and its version is the wheel's."""
    python = layerctl.tool.with_name("python")
    question = "import layerctl, importlib.metadata as m; print(layerctl.__file__, m.version('layerctl'))"
    place, version = layerctl.machine.run(layerctl.folder, python, "-c", question).split()
    assert place.startswith(str(layerctl.machine.root / "tool"))
    assert f"layerctl-{version}-py3-none-any.whl" in {
        path.name for path in (layerctl.machine.root / "release").iterdir()
    }


def test_an_artifact_is_proved_and_looked_into(layerctl: Installed) -> None:
    """verify, with imports and a second build; inspect."""
    assert "nothing found" in layerctl("verify", layerctl.zip, "--import", "--rebuild")
    assert "acme" in json.loads(layerctl("inspect", layerctl.zip, "--json"))["name"]


def test_a_template_is_pinned_and_checked(layerctl: Installed) -> None:
    """Pins: list, check and bump; check."""
    assert re.search(r"function/template\.yaml:\S+ +acme +1 +eu-central-1", layerctl("pins", "list", "function"))
    assert "nothing found" in layerctl("pins", "check", "function", "--index", "layers.json")
    assert "0 pins changed" in layerctl("pins", "bump", "--to", "latest", "function", "--index", "layers.json")
    assert "nothing found" in layerctl("check", "function/template.yaml", "--layer", f"acme={layerctl.zip}")


def test_functions_run_where_the_sam_cli_is_on_path(layerctl: Installed) -> None:
    """Functions run with nothing but the base install; without a `sam` one line says how to get the emulator."""
    sam = {"PATH": f"{ROOT / '.venv-sam/bin'}:/usr/bin:/bin"}
    event = ["function", "Greet", "--event", "function/event.json"]
    assert '"body": "Hello, Ada!"' in layerctl("invoke", *event, **sam)
    environment = layerctl.machine.environment | sam
    command = [layerctl.tool, "run", "function", "--port", "0"]
    server = subprocess.Popen(
        command, cwd=layerctl.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert server.stdout is not None
        (url,) = re.findall(r"serving on (\S+)", next(line for line in server.stdout if line.startswith("serving")))
        with urllib.request.urlopen(f"{url}/greet/Grace", timeout=60) as answer:
            assert answer.read() == b"Hello, Grace!"
    finally:
        server.terminate()
        server.communicate(timeout=60)
    said = layerctl("invoke", *event, code=2, PATH="/usr/bin:/bin")
    assert said.count("\n") == 1
    assert "pip install aws-sam-cli" in said


def test_without_a_layer_toml_layer_and_region_are_enough(layerctl: Installed) -> None:
    """A zip that was built elsewhere: publish, usage, share, permissions and prune in an empty folder."""
    folder = layerctl.machine.root / "elsewhere"
    folder.mkdir()
    where = ["--layer", "else", "--region", "eu-central-1"]
    assert f"{ARN}:else:1" in layerctl("publish", layerctl.zip, *where, folder=folder)
    assert f"{ARN}:else:1" in layerctl("usage", *where, folder=folder)
    grant = ["--account", "111111111111", "--version", "1"]
    assert "grant account 111111111111" in layerctl("share", *where, *grant, folder=folder)
    assert "may be used by" in layerctl("permissions", *where, folder=folder)
    assert "revoke account 111111111111" in layerctl("share", *where, *grant, "--revoke", "--apply", folder=folder)
    with zipfile.ZipFile(folder / "acme-1.1.0.zip", "w") as archive:
        archive.writestr("python/acme.py", "MORE = 1\n")
    assert f"{ARN}:else:2" in layerctl("publish", "acme-1.1.0.zip", *where, folder=folder)
    pruned = layerctl("prune", *where, "--keep", "1", "--apply", folder=folder)
    assert f"{ARN}:else:1" in pruned
    left = layerctl.aws.client("lambda").list_layer_versions(LayerName="else")["LayerVersions"]
    assert [one["Version"] for one in left] == [2]
