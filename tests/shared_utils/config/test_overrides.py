"""Values that stand in for AWS: the fixture, and the file for local work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_utils import config, logging
from shared_utils.config.client import client
from shared_utils.config.outcomes import Failure
from shared_utils.config.references import Reference
from shared_utils.config.sources.registry import parse
from shared_utils.testing import CapturedLogs, ConfigValues


class Settings(config.Settings):
    """One field of each source."""

    table: str = config.env("TABLE_NAME")
    size: int = config.ssm("/todos/size", default=20)
    tags: list[str] = config.ssm("/todos/tags", default=[])
    every: dict[str, str] = config.ssm("/todos/")
    key: config.Secret = config.secret("todos/api", key="key")
    flags: dict[str, bool] = config.appconfig("todos", "dev", "flags", default={})


def fill(values: ConfigValues) -> None:
    """Give everything that Settings needs."""
    values(
        {
            "env://TABLE_NAME": "todos",
            "ssm:///todos/size": 50,
            "ssm:///todos/tags": ["a", "b"],
            "secret://todos/api": {"key": "canary", "port": 5},
            "appconfig://todos/dev/flags": {"new": True},
        }
    )


def test_the_fixture_gives_values_to_every_source(config_values: ConfigValues) -> None:
    """What is set in the fixture is what config reads, converted as AWS's answer would be."""
    fill(config_values)
    settings = Settings.load()
    assert (settings.table, settings.size, settings.tags) == ("todos", 50, ["a", "b"])
    assert settings.every == {"size": "50", "tags": "a,b"}
    assert settings.key.reveal() == "canary"
    assert settings.flags == {"new": True}
    assert config.get("secret://todos/api#port", type=int) == 5
    config_values["ssm:///todos/size"] = 60
    assert Settings.load().size == 60
    del config_values["ssm:///todos/size"]
    assert Settings.load().size == 20
    assert "canary" not in repr(config_values)


def test_the_fixture_never_asks_aws(config_values: ConfigValues, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is not among them does not exist; no request is made for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(config.MissingConfig, match="add ssm:///a to config_values"):
        config.get("ssm:///a")
    assert config.get("ssm:///a", default=1) == 1


def test_a_secret_may_be_given_by_key(config_values: ConfigValues) -> None:
    """A key's value alone is enough, and a name that is no reference is refused."""
    config_values["secret://todos/api#key"] = "canary"
    assert config.get("secret://todos/api#key").reveal() == "canary"
    with pytest.raises(config.ConfigError, match="not a reference"):
        config_values["/todos/size"] = 1


def test_a_call_may_name_variables(config_values: ConfigValues) -> None:
    """Keywords are environment variables; a reference in one leads to another value."""
    config_values(TABLE_NAME="secret://todos/table#name")
    config_values["secret://todos/table"] = '{"name": "todos"}'
    assert config.get("env://TABLE_NAME", type=str) == "todos"


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_file_for_local_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """A TOML or JSON file maps references to values; a change to it is seen."""
    toml = '"env://TABLE_NAME" = "todos"\n"ssm:///todos/size" = 50\n"ssm:///todos/tags" = ["a", "b"]\n'
    toml += '"secret://todos/api" = { key = "canary" }\n[\'appconfig://todos/dev/flags\']\nnew = true\n'
    tree = {"env://TABLE_NAME": "todos", "ssm:///todos/size": 50, "ssm:///todos/tags": ["a", "b"]}
    text = json.dumps({**tree, "secret://todos/api": {"key": "canary"}, "appconfig://todos/dev/flags": {"new": True}})
    file = tmp_path / f"values{suffix}"
    file.write_text(toml if suffix == ".toml" else text, "utf-8")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", str(file))
    settings = Settings.load()
    assert (settings.size, settings.tags, settings.flags) == (50, ["a", "b"], {"new": True})
    assert settings.key.reveal() == "canary"
    file.write_text(file.read_text("utf-8").replace("50", "6000"), "utf-8")
    assert Settings.load().size == 6000


BROKEN = {
    "missing": (None, "there is no such file"),
    "a folder": (..., "cannot be read"),
    "not toml": ("a = 1\ncanary = = 1", r"not TOML \(line 2\)"),
    "not closed": ('a = "canary', r"not TOML \(line 1\)|not TOML \(its end\)"),
    "not utf-8": (b"a = 1\n\n\xff\xfe", r"not TOML \(line 3 is not UTF-8\)"),
    "not references": ('"/a" = 1', "where '/a' is wrong: not a reference"),
    "a scheme with a mistake": ('"ssm:///a" = 1\n"smm:///b" = 2', "'smm' is no scheme.*write ssm:///b"),
    "an unknown scheme": ('"vault://b" = 2', "'vault' is no scheme.*write env://NAME, ssm:///path"),
    "a wrong name": ('"ssm:///a b" = 1', "a character that none can have; use letters"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_an_error_not_a_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """A file that cannot be used is told by its path, and AWS is not asked instead; no default stands for it."""
    content, told = BROKEN[case]
    file = tmp_path / "values.toml"
    if content is ...:
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        file.write_text(content, "utf-8")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", str(file))
    with pytest.raises(config.InvalidConfig, match=told) as caught:
        config.get("ssm:///a", default=1)
    assert "canary" not in str(caught.value)
    assert "health" not in str(caught.value)  # nobody was asked


def test_what_a_file_lacks_is_to_be_added_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_values: ConfigValues
) -> None:
    """A value that is not among the overrides: the error names the place that lacks it."""
    with pytest.raises(config.MissingConfig, match="add ssm:///a to config_values"):
        config.get("ssm:///a")
    client().overrides = None
    file = tmp_path / "values.json"
    file.write_text('{"ssm:///b": 1}')
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", f" {file} ")
    with pytest.raises(config.MissingConfig, match="add ssm:///a to the file that SHARED_UTILS_CONFIG_FILE names"):
        config.get("ssm:///a")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", "no-such-file.toml")
    with pytest.raises(config.InvalidConfig, match=f"there is no such file in {Path.cwd()}"):
        config.get("ssm:///a")


@pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API"])
def test_in_lambda_the_file_is_ignored_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, captured_logs: CapturedLogs, name: str
) -> None:
    """Nobody overrides production with a file; the SAM CLI and `layerctl run` are not production."""
    file = tmp_path / "values.toml"
    file.write_text('"ssm:///a" = "from the file"\n', "utf-8")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(name, "todos")
    config.configure(deadline=0.2)
    for _ in range(2):
        with pytest.raises(config.ConfigUnavailable):
            config.get("ssm:///a")
    assert len(captured_logs.find(level="WARNING")) == 1
    assert "SHARED_UTILS_CONFIG_FILE is ignored" in captured_logs.messages[0]
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    assert config.get("ssm:///a") == "from the file"


@pytest.mark.parametrize(
    ("text", "base", "key"),
    [
        ("env://NAME", "env://NAME", None),
        ("ssm:///a/b", "ssm:///a/b", None),
        ("ssm://plain", "ssm://plain", None),
        ("ssm:///a:3", "ssm:///a?version=3", None),
        ("ssm:///a?version=3", "ssm:///a?version=3", None),
        ("ssm:///a:old", "ssm:///a?label=old", None),
        ("ssm:///a?decrypt=true", "ssm:///a", None),
        ("ssm:///a/?region=eu-west-1&recursive=false", "ssm:///a/?recursive=false&region=eu-west-1", None),
        ("secret://a/b#c.d", "secret://a/b", "c.d"),
        ("secret://a?stage=AWSPREVIOUS#k", "secret://a?stage=AWSPREVIOUS", "k"),
        ("appconfig://a/b/c#flag", "appconfig://a/b/c", "flag"),
        ("appconfig://a b/b/c", "appconfig://a%20b/b/c", None),
    ],
)
def test_references_have_one_canonical_form(text: str, base: str, key: str | None) -> None:
    """Different spellings of one question are one cache entry, and the canonical text parses to itself."""
    reference = parse(text)
    assert (reference.base, reference.key) == (base, key)
    assert parse(str(reference)).base == base


@pytest.mark.parametrize(
    "text",
    ["", "plain", "http://x", "ssm://", "ssm://a/b", "ssm:///a b", "ssm:///ä", "ssm:///a#key", "ssm:///a?", "ssm:///a:",
     "ssm:///a?versoin=1", "ssm:///a?version=x", "ssm:///a?version=1&label=b", "ssm:///a:1?version=2", "ssm:///a/?version=1",
     "ssm:///a?decrypt=maybe", "ssm:///a?recursive=false", "secret://", "secret://a#", "secret://a?key=b", "env://",
     "appconfig://a/b", "appconfig://a/b/c/d", "appconfig://a//c"],
)  # fmt: skip
def test_malformed_references_say_what_to_write(text: str) -> None:
    """A reference that no source would understand is refused before anything is asked, with a hint."""
    if text == "ssm:///a?":
        assert parse(text).base == "ssm:///a"  # an empty query asks for nothing
        return
    with pytest.raises(config.InvalidConfig) as caught:
        config.get(text, default=1)
    assert caught.value.problems[0].hint


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """No text makes parsing end in anything but a reference or a failure."""
    for start in ("", "ssm://", "ssm:///", "secret://", "appconfig://a/b/"):
        try:
            found = parse(start + text)
        except Failure as failure:
            assert failure.kind == "invalid"  # noqa: PT017 - both ends are fine
        else:
            assert isinstance(found, Reference)


def test_their_secrets_are_masked_but_not_what_describes_a_database(
    config_values: ConfigValues, captured_logs: CapturedLogs
) -> None:
    """A secret's texts and numbers are in no line, even read as bare text; user, host and database name may be."""
    database = {"username": "todos", "password": "canary-pw", "host": "db.local", "dbname": "todos", "port": 5432}
    config_values({"secret://db": {**database, "pin": 481516, "more": {"HostName": "db2.local", "tail": "canary-2"}}})
    config_values({"secret://app#token": "canary-3", "secret://app#username": "ann1"})
    assert config.get("secret://db#username", type=str) == "todos"
    assert config.get("secret://app#token", type=str) == "canary-3"
    assert config.get("secret://app#username", type=str) == "ann1"
    logging.info("todos of ann1 at db.local db2.local 5432: canary-pw canary-2 canary-3", number=481516, rows=5432)
    mask = "[REDACTED]"
    (line,) = captured_logs.find(level="INFO")
    assert line["message"] == f"todos of ann1 at db.local db2.local 5432: {mask} {mask} {mask}"
    assert (line["number"], line["rows"]) == (mask, 5432)


def test_a_part_that_is_read_as_a_secret_is_one(config_values: ConfigValues, captured_logs: CapturedLogs) -> None:
    """Who asks for the user name as a Secret gets it masked, too."""
    config_values({"secret://db": {"username": "canary-user"}})
    assert config.get("secret://db#username").reveal() == "canary-user"
    logging.info("canary-user came")
    assert captured_logs[-1]["message"] == "[REDACTED] came"


def test_secrets_of_one_test_are_not_masked_in_the_next(tmp_path: Path) -> None:
    """The words of one test's secrets stay readable in other tests' lines."""
    (tmp_path / "test_it.py").write_text(
        """
from shared_utils import config, logging

def test_one(config_values, captured_logs):
    config_values({"secret://a": "listed"})
    config.get("secret://a")
    logging.info("todos listed")
    assert captured_logs.messages == ["todos [REDACTED]"]

def test_two(captured_logs):
    logging.info("todos listed")
    assert captured_logs.messages == ["todos listed"]
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr
