"""What docs/configuration.md shows is run as it stands there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared_utils import config
from shared_utils.config.client import Limits
from shared_utils.config.sources.registry import parse, schemes, source_of
from shared_utils.testing import ConfigValues, LambdaContext

PAGE = (Path(__file__).parents[3] / "docs/configuration.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_snippets_run(
    config_values: ConfigValues, lambda_context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler, the single value and the test of the page work together as they are written."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Docs")
    names: dict[str, Any] = {"__name__": "docs_snippet"}
    for snippet in PYTHON:
        exec(compile(snippet, "docs/configuration.md", "exec"), names)
    assert names["page_size"] == 20
    test: Callable[..., None] = names["test_the_limit_is_configured"]
    test(config_values, lambda_context)
    assert names["Settings"](table="t", api_key="k").api_key.reveal() == "k"


def test_the_file_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The TOML of the page is a file that works."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert all(parse(reference) for reference in tomllib.loads(text))
    file = tmp_path / "local-config.toml"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("SHARED_UTILS_CONFIG_FILE", str(file))
    assert config.get("ssm:///todos/dev/page-size", type=int) == 10
    assert config.get("secret://todos/dev/api#api_key").reveal() == "only-for-local-work"


def test_options_and_defaults_are_those_of_the_code() -> None:
    """Every option of a reference, and every limit with its default, stands on the page."""
    for scheme in schemes():
        assert f"{scheme}://" in PAGE
        assert all(f"{option}=" in PAGE for option in source_of(scheme).options or ())
    for name in Limits.__slots__:
        row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line)
        assert f"{getattr(Limits(), name):g} s" in row


def test_the_policy_templates_are_sams() -> None:
    """The policy templates that the page names exist, take that parameter, and grant what is asked for."""
    import json

    import samtranslator

    file = Path(samtranslator.__file__).parent / "policy_templates_data/policy_templates.json"
    templates = json.loads(file.read_text("utf-8"))["Templates"]
    for name, parameter, action in (
        ("SSMParameterWithSlashPrefixReadPolicy", "ParameterName", "ssm:GetParametersByPath"),
        ("AWSSecretsManagerGetSecretValuePolicy", "SecretArn", "secretsmanager:GetSecretValue"),
        ("DynamoDBReadPolicy", "TableName", "dynamodb:GetItem"),
        ("KMSDecryptPolicy", "KeyId", "kms:Decrypt"),
    ):
        assert f"`{name}: {{{parameter}: " in PAGE
        assert parameter in templates[name]["Parameters"]
        assert action in json.dumps(templates[name]["Definition"])
