"""Tests cannot reach AWS by accident."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from tests.support.fake_aws import FakeSsm, serving

if TYPE_CHECKING:
    from pathlib import Path

REFERENCES = ["ssm:///a", "ssm:///a/", "secret://a", "appconfig://a/b/c", "dynamodb://t/k#a"]


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with credentials, as a developer's machine has them, in which every use of them fails the test."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "SHARED_UTILS_CONFIG_FILE", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "signed")
    monkeypatch.setattr("shared_utils.config.aws.credentials.CredentialsSource.get", forbidden)


def forbidden(*_: object, **__: object) -> Any:
    """Fail the test."""
    raise AssertionError("AWS was asked")


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_read_without_an_answer_fails_at_once(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    """The error names the reference and the fixture; no connection, name or credential is looked for."""
    for name in ("socket", "getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, forbidden)
    with pytest.raises(config.ConfigUnavailable, match="a test must not reach AWS") as caught:
        config.get(reference, default="never")
    assert reference in str(caught.value)
    assert "config_values" in str(caught.value)
    assert "real_aws" in str(caught.value)


@pytest.mark.parametrize("transport", ["signed", "boto3"])
def test_neither_transport_does(monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """A forced transport, a profile or missing credentials change nothing."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setattr("shared_utils.config.aws.transports.make", forbidden)

    class Settings(config.Settings):
        a: str = config.ssm("/a", default="never")
        b: str = config.secret("b", default="never")

    with pytest.raises(config.ConfigUnavailable) as caught:
        Settings.load()
    assert [problem.field for problem in caught.value.problems] == ["a", "b"]


def test_what_answers_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment, a registered source, a local file and a service's own endpoint are not AWS."""
    monkeypatch.undo()
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("TABLE", "t")
    monkeypatch.setattr("shared_utils.config.sources.registry._sources", {})
    config.register_source("vault", lambda path: "v")
    assert (config.get("env://TABLE"), config.get("vault://a")) == ("t", "v")
    with serving(FakeSsm(**{"/a": "1"})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", server.url)
        assert config.get("ssm:///a") == "1"
        with pytest.raises(config.ConfigUnavailable, match="must not reach AWS"):
            config.get("secret://a")
        config.refresh()
    file = tmp_path / "local.toml"
    file.write_text('"secret://a" = "from the file"')
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", str(file))
    assert config.get("secret://a", type=str) == "from the file"


def test_a_test_may_be_allowed_to(real_aws: None) -> None:
    """With the fixture, AWS is asked: here the credentials, which fail the read."""
    with pytest.raises(config.ConfigUnavailable, match="AssertionError"):
        config.get("ssm:///a")


PROJECT = """
from shared_utils import config

def read():
    try:
        config.configure(deadline=0.2)
        return config.get("ssm:///a")
    except config.ConfigError as error:
        return str(error)

AT_COLLECTION = read()

def test_it():
    told = [AT_COLLECTION, read()]
    assert [{word!r} in text for text in told] == [True, True], told
"""


@pytest.mark.parametrize(
    ("option", "word"),
    [("", "must not reach AWS"), ("shared_utils_real_aws = true", "no connection to 127.0.0.1")],
)
def test_one_line_allows_it_for_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, word: str
) -> None:
    """Reads while tests are collected are refused, too; a line in pytest's configuration opens AWS for all."""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-config --strict-markers\n{option}\n")
    body = PROJECT.replace("{word!r}", repr(word))
    if option:  # nothing of AWS is reached here, either
        body = "import socket\nsocket.getaddrinfo = lambda *a, **k: [(2, 1, 6, '', ('127.0.0.1', 1))]\n" + body
    (tmp_path / "test_it.py").write_text(body.replace("no connection to 127.0.0.1", "no connection to ssm."))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
