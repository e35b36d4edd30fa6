"""The pre-commit hooks, run on the examples as pre-commit runs them."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
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


@pytest.fixture
def hook_repository(tmp_path):
    """This checkout as a hook repository, as far as hooks install it."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name in ("pyproject.toml", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("src", "layerctl"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder, _committed(folder)


def _committed(folder):
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def _team(folder, hooks, revision, index):
    """A team's repository: a pin in each kind of file, a function on a dead runtime, and what is no template."""
    pin = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:{}"
    function = "Type: AWS::Serverless::Function, Properties: {{Runtime: {}, CodeUri: ., Layers: ['{}']}}"
    template = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {{{}}}\n"
    files = {
        ".pre-commit-config.yaml": yaml.safe_dump(
            {
                "repos": [
                    {
                        "repo": str(hooks),
                        "rev": revision,
                        "hooks": [
                            {"id": "layerctl-pins-check", "args": ["--offline", "--index", str(index)]},
                            {"id": "layerctl-check"},
                        ],
                    }
                ]
            }
        ),
        "template.yaml": template.format(function.format("python2.7", pin.format(91))),
        "lib/stack.ts": f'const layer = "{pin.format(92)}";\n',
        "app.py": f'LAYER = "{pin.format(93)}"\n',
        "main.tf": f'resource "aws_lambda_function" "f" {{\n  layers = ["{pin.format(94)}"]\n}}\n',
        "serverless-compose.yml": "services: {a: {path: a}}\n",
        "template-params.json": "[]\n",
        "template-data.json": "{}\n",
        "compose.yml": "services: {}\nservices: {}\n",
        "README.md": pin.format(95),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    _committed(folder)


def test_pre_commit_itself(hook_repository, tmp_path):
    """pre-commit installs layerctl from the repository by itself, gives each hook its files, and shows the findings.

    It installs the packages of the hook repository; what they depend on is lent by this environment, so that no index
    is asked. Without contents the second hook judges what the template alone tells, and says what it did not.
    """
    hooks, revision = hook_repository
    team = tmp_path / "team"
    _team(team, hooks, revision, write_index(tmp_path))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "LAYERCTL_", "PIP_"))},
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: no isolation
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose", "--color=never"]
    done = subprocess.run(command, cwd=team, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    pins, _, check = done.stdout.partition("functions and their layers fit Lambda's limits")
    assert sorted(re.findall(r"shared-utils:(\d+) is not published", pins)) == ["91", "92", "93", "94"]
    assert "exit code: 1" in pins, "what is no template is nobody's fault"
    assert re.findall(r"template\.yaml:\d+:\d+: (\w+): .*\[([\w-]+)\]", check) == [
        ("error", "runtime-deprecated"),
        ("note", "content-unknown"),
    ]
    assert "no templates, and not checked: template-data.json" in check
    assert "1 function in 1 template, of 1 not all contents are known" in check
    (installed,) = (tmp_path / "home").glob("repo*/py_env*/lib/python3*/site-packages/layerctl/__main__.py")
    assert installed.read_bytes() == (REPOSITORY / "layerctl/src/layerctl/__main__.py").read_bytes()
