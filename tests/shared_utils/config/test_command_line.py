"""`python -m shared_utils.config`: a smoke test for pipelines, and the policy that settings need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared_utils.config.__main__ import main
from tests.support.fake_aws import Answer, Call, FakeSsm, Server

Serve = Callable[..., Server]

SOURCE = """
from shared_utils import config


class Settings(config.Settings):
    table: str = config.env("TABLE_NAME")
    page_size: int = config.ssm("/todos/page-size", default=20)
    limits: dict = config.ssm("/todos/limits/", default={})
    api_key: config.Secret = config.secret("todos/api", key="api_key", kms_key="alias/todos")
    bare: str = config.secret("todos/api", key="bare", default="canary-default")
    flags: dict = config.appconfig("abc1234", "def5678", "flags", default={})
    cursor: str = config.env("CURSOR", default="none")


class Small(config.Settings):
    size: int = config.ssm("/size", version=3)


class Local(config.Settings):
    home: str = config.env("HOME")
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module with settings in the current folder."""
    (tmp_path / "todos_settings.py").write_text(SOURCE, "utf-8")
    (tmp_path / "broken_settings.py").write_text("raise ValueError('two\\nlines')\n", "utf-8")
    (tmp_path / "leaving_settings.py").write_text("raise SystemExit('no database')\n", "utf-8")
    lazy = "def __getattr__(name):\n    raise ImportError('no driver')\n"
    (tmp_path / "lazy_settings.py").write_text(lazy, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "todos_settings", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.fixture
def local_aws(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> FakeSsm:
    """A local AWS that has everything but the flags."""
    ssm = FakeSsm(**{"/todos/page-size": "50", "/todos/limits/most": "7"})

    def answer(call: Call) -> Answer:
        if call.operation == "GetSecretValue":
            return Answer({"SecretString": '{"api_key": "canary-key", "bare": "canary-bare"}'})
        if call.target.startswith("/configurationsessions"):
            return Answer({"Message": "none"}, 404, {"x-amzn-ErrorType": "ResourceNotFoundException"})
        return ssm(call)

    serve(answer)
    monkeypatch.setenv("TABLE_NAME", "todos")
    return ssm


@pytest.mark.usefixtures("app", "local_aws")
def test_check_prints_a_table_and_masks_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """Every field stands in the table with its source and value; secrets, and their defaults, are masked; exit 0."""
    assert main(["check", "todos_settings:Settings"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0].split() == ["FIELD", "SOURCE", "STATUS", "VALUE"]
    assert [line.split()[0] for line in lines[1:]] == [
        "table", "page_size", "limits", "api_key", "bare", "flags", "cursor",
    ]  # fmt: skip
    assert "canary" not in out
    rows = {line.split()[0]: line for line in lines}
    assert rows["page_size"].split()[1:] == ["ssm:///todos/page-size", "ok", "50"]
    assert rows["api_key"].endswith("ok       **********")
    assert "default" in rows["flags"]


@pytest.mark.usefixtures("app")
def test_check_fails_on_any_problem(
    local_aws: FakeSsm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One field that does not resolve is enough for exit code 1, with what to do; JSON says the same."""
    monkeypatch.delenv("TABLE_NAME")
    local_aws.denied.add("/todos/page-size")
    assert main(["check", "todos_settings:Settings"]) == 1
    out = capsys.readouterr().out
    assert "missing  not set; set the environment variable TABLE_NAME" in out
    assert "allow ssm:GetParameter on" in out
    assert main(["check", "--json", "todos_settings:Settings"]) == 1
    rows = {row["field"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["table"]["status"] == "missing"
    assert rows["page_size"]["status"] == "denied"
    assert rows["bare"]["value"] == "**********"


@pytest.mark.usefixtures("app")
def test_iam_prints_the_least_policy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each service has its actions on exactly the resources named, a KMS key through that service only; no read."""
    monkeypatch.setenv("CURSOR", "secret://users/cursor#key")
    assert main(["iam", "todos_settings:Settings", "--region", "eu-west-1", "--account", "111122223333"]) == 0
    policy = json.loads(capsys.readouterr().out)
    assert policy["Version"] == "2012-10-17"
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert all(statement["Effect"] == "Allow" for statement in statements.values())
    where = "eu-west-1:111122223333"
    assert statements["ReadParameters"]["Action"] == ["ssm:GetParameter", "ssm:GetParameters"]
    assert statements["ReadParameters"]["Resource"] == [f"arn:aws:ssm:{where}:parameter/todos/page-size"]
    assert statements["ReadParametersByPath"]["Resource"] == [
        f"arn:aws:ssm:{where}:parameter/todos/limits",
        f"arn:aws:ssm:{where}:parameter/todos/limits/*",
    ]
    assert statements["ReadSecrets"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert statements["ReadSecrets"]["Resource"] == [
        f"arn:aws:secretsmanager:{where}:secret:todos/api-??????",
        f"arn:aws:secretsmanager:{where}:secret:users/cursor-??????",
    ]
    assert statements["ReadAppConfig"]["Resource"] == [
        f"arn:aws:appconfig:{where}:application/abc1234/environment/def5678/configuration/*"
    ]
    key = statements["DecryptWithKey1"]
    assert key["Action"] == ["kms:Decrypt"]
    assert key["Resource"] == [f"arn:aws:kms:{where}:key/*"]
    assert key["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/todos"}
    assert key["Condition"]["StringLike"] == {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com*"}


@pytest.mark.usefixtures("app")
def test_iam_of_little(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A pinned version is no part of a resource; settings from variables alone need nothing; partitions are right."""
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert main(["iam", "todos_settings:Small"]) == 0
    (statement,) = json.loads(capsys.readouterr().out)["Statement"]
    assert statement["Resource"] == ["arn:aws-cn:ssm:cn-north-1:*:parameter/size"]
    assert main(["iam", "todos_settings:Local"]) == 0
    assert json.loads(capsys.readouterr().out)["Statement"] == []


@pytest.mark.usefixtures("app")
def test_iam_refuses_a_variable_whose_reference_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No policy is printed that lacks what a variable was meant to name."""
    monkeypatch.setenv("CURSOR", "ssm://")
    assert main(["iam", "todos_settings:Settings"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: cursor: env://CURSOR -> ssm://: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("todos_settings", "names no class"),
        ("todos_settings:", "names no class"),
        ("no_such_module:Settings", "importing no_such_module failed: ModuleNotFoundError"),
        ("broken_settings:Settings", "importing broken_settings failed: ValueError: two lines"),
        ("leaving_settings:Settings", "importing leaving_settings failed: SystemExit: no database"),
        ("lazy_settings:Settings", "importing lazy_settings failed: ImportError: no driver"),
        ("todos_settings:Nothing", "not a subclass"),
        ("todos_settings:config", "not a subclass"),
        ("json:JSONDecoder", "not a subclass"),
    ],
)
@pytest.mark.parametrize("command", ["check", "iam"])
@pytest.mark.usefixtures("app")
def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str], command: str, argument: str, told: str) -> None:
    """What names no settings is told in one line, with exit code 2."""
    assert main([command, argument]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("local_aws")
def test_it_runs_as_a_module(app: Path) -> None:
    """`python -m shared_utils.config` finds modules of the current folder and gives its exit code."""
    command = [sys.executable, "-m", "shared_utils.config"]
    options = {"capture_output": True, "text": True, "cwd": app, "env": {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}}
    done = subprocess.run([*command, "check", "todos_settings:Settings"], check=False, **options)  # type: ignore[call-overload]
    assert (done.returncode, done.stderr) == (0, "")
    assert "page_size" in done.stdout
    done = subprocess.run(command, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 2
    assert "usage:" in done.stderr
