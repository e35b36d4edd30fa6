"""The pre-commit hooks, run on the examples as pre-commit runs them."""

import re
from pathlib import Path

import pytest
import yaml

from layerctl.__main__ import main
from layerctl.scan.files import scan
from tests.layerctl.pins.made import write_index

REPOSITORY = Path(__file__).parents[3]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())}
EXAMPLES = sorted(
    path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "examples").rglob("*") if path.is_file()
)


def _command(hook):
    """The arguments with which pre-commit runs a hook on the examples."""
    program, *entry = hook["entry"].split()
    assert program == "layerctl"
    names = [name for name in EXAMPLES if _takes(name, hook["id"])]
    assert len(names) >= 4  # todos and users, as SAM and as serverless.yml
    return [*entry, *hook.get("args", []), *names]


def test_manifest():
    """Each hook says what pre-commit needs, and installs layerctl, which is not this repository's root package."""
    assert set(HOOKS) == {"layerctl-pins-check", "layerctl-check"}
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python"
        assert hook["additional_dependencies"] == ["./layerctl"]
        assert (REPOSITORY / "layerctl" / "pyproject.toml").is_file()


@pytest.mark.parametrize("hook", HOOKS.values(), ids=lambda hook: hook["id"])
def test_examples_pass(hook, tmp_path, monkeypatch, capsys):
    """The examples, the three services with the Serverless Framework among them, pass both hooks."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("LAYERCTL_INDEX", str(write_index(tmp_path)))
    assert main(_command(hook)) == 0, capsys.readouterr()


def test_examples_would_be_caught(tmp_path, monkeypatch, capsys):
    """With an index that has yanked their version, the examples fail: the hook looks at their pins."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("LAYERCTL_INDEX", str(write_index(tmp_path, yanked=("1.0.0",))))
    assert main(_command(HOOKS["layerctl-pins-check"])) == 1
    assert capsys.readouterr().out.count("pin-yanked") == len(scan([REPOSITORY / "examples"]).pins)


def _takes(name, hook):
    """Whether pre-commit gives a file of that name to the hook."""
    excluded = HOOKS[hook].get("exclude")
    return bool(re.search(HOOKS[hook]["files"], name)) and not (excluded and re.search(excluded, name))


@pytest.mark.parametrize(
    ("name", "pins", "check"),
    [
        *((name, True, True) for name in ("template.yaml", "a/template.yml", "serverless.yml", "i/template-prod.json")),
        *((name, True, False) for name in ("main.tf", "prod.tfvars", "samconfig.toml", "a/samconfig.toml")),
        *((name, True, False) for name in ("lib/stack.ts", "app.py", "Stack.java", "stack.template", "main.go")),
        *((name, True, False) for name in ("serverless-compose.yml", "a/template-params.json", "template.config.json")),
        *((name, False, False) for name in ("pyproject.toml", "README.md", "my-samconfig.tomlx", "template.png")),
    ],
)
def test_files(name, pins, check):
    """The hook of pins gets what may name a layer, sources of the CDK among it; the other one templates only."""
    assert (_takes(name, "layerctl-pins-check"), _takes(name, "layerctl-check")) == (pins, check)
