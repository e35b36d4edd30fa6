"""A team's first day: from an empty folder and the wheels of a release to a layer that another repository uses."""

from __future__ import annotations

import json
import platform
import re
import sys

import pytest

from tests.support.fresh_machine import BIN, ROOT, Machine
from tests.support.local_aws import start

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(platform.system() != "Linux", reason="AWS's emulator runs on Linux only"),
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine with the release's wheels in `release` and layerctl from there in an environment."""
    made = Machine(tmp_path_factory.mktemp("team"))
    made.install()
    return made


@pytest.mark.parametrize("kind", ["thin", "bare"])
def test_a_team_makes_a_layer_and_another_uses_it(machine: Machine, kind: str) -> None:
    """init, test, demo, a helper, a compiled dependency, two runtimes, publish; sync, pyright, tests elsewhere."""
    team = machine.root / kind
    tool = machine.root / "tool/bin/layerctl"
    options = ["--runtime", "python3.11", "--runtime", "python3.13", "--region", "eu-central-1"]
    if kind == "thin":  # as README says it
        (said,) = re.findall(r"layerctl (init .*)`", (ROOT / "README.md").read_text("utf-8"))
        places = {"../acme-lambda": team, "dist": machine.root / "release"}
        machine.run(machine.root, tool, *(places.get(word, word) for word in said.split()), *options)
    else:  # where the wheels are is known from how layerctl was installed
        machine.run(machine.root, tool, "init", team, "--kind", kind, "--package", "acme_lambda", *options)
    said = machine.run(team, "make", "test", "demo", f"PYTHON={sys.executable}")
    assert " passed" in said
    assert '"statusCode": 200' in said
    if kind == "bare":
        return

    (team / "src/acme_lambda/sizes.py").write_text(
        '"""Sizes."""\n\nimport orjson\n\n\ndef size(value: object) -> int:\n'
        '    """Return how many bytes a value has as JSON."""\n    return len(orjson.dumps(value))\n'
    )
    machine.run(team, "make", "add", "PACKAGE=orjson")
    machine.run(team, "make", "build")
    (zip_path,) = (team / "dist").glob("*.zip")
    manifest = json.loads(zip_path.with_suffix(".manifest.json").read_text())
    names = [file["path"] for file in manifest["files"]]
    assert "python/acme_lambda/sizes.py" in names
    for tag in ("cpython-311-x86_64", "cpython-311-aarch64", "cpython-313-x86_64", "cpython-313-aarch64"):
        assert any(f"orjson.{tag}" in name for name in names)

    consumer = machine.root / "consumer"
    consumer.mkdir()
    arn = "arn:aws:lambda:eu-central-1:123456789012:layer:acme-lambda:1"
    (consumer / "template.yaml").write_text(
        (team / "example/template.yaml").read_text().replace("CodeUri: src/", "CodeUri: .")
    )
    assert arn in (consumer / "template.yaml").read_text()
    (consumer / "app.py").write_text(
        "from acme_lambda import instrument\nfrom acme_lambda.sizes import size\n\n\n@instrument\n"
        "def handler(event: dict[str, str], context: object) -> int:\n    return size(event)\n"
    )
    (consumer / "wrong.py").write_text("from acme_lambda.sizes import size\n\nsize(1).upper()\n")
    (consumer / "test_app.py").write_text(
        "from app import handler\n\n\ndef test_size(lambda_context, captured_logs):\n"
        '    assert handler({"a": "b"}, lambda_context) == 9\n'
    )
    (consumer / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard", "venvPath": ".", "venv": ".venv"}')
    with start() as aws:
        machine.run(team, team / ".venv/bin/layerctl", "publish", zip_path, **aws.environ)
        machine.run(consumer, sys.executable, "-m", "venv", "--without-pip", ".venv")
        machine.run(consumer, BIN / "uv", "pip", "install", "-q", "-p", ".venv", "pytest")
        machine.run(consumer, tool, "sync", "template.yaml", "--check", code=1, **aws.environ)
        machine.run(consumer, tool, "sync", "template.yaml", **aws.environ)
        machine.run(consumer, tool, "sync", "template.yaml", "--check", **aws.environ)
    pyright = BIN / "basedpyright"
    machine.run(consumer, pyright, "app.py")
    assert 'attribute "upper"' in machine.run(consumer, pyright, "wrong.py", code=1)
    assert "1 passed" in machine.run(consumer, ".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
