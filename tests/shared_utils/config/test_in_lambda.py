"""Configuration inside AWS's emulator, on the built layer, beside a local AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.fake_aws import FakeSsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator import Emulator
    from tests.support.fake_aws import Server

ROOT = Path(__file__).resolve().parents[3]
SDK = ["boto3", "botocore", "urllib3"]

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("config-in-lambda")]

RUN_EXAMPLE = """
    import importlib.util
    import sys

    spec = importlib.util.spec_from_file_location("example", {path!r})
    example = importlib.util.module_from_spec(spec)
    sys.modules["example"] = example
    spec.loader.exec_module(example)

    def handler(event, context):
        answer = example.handler(event, context)
        return {{"answer": answer, "loaded": [name for name in {sdk!r} if name in sys.modules]}}
"""


def http_event(path: str) -> dict[str, Any]:
    """Return a GET request as an HTTP API passes it on (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": f"GET {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "application/json"},
        "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default", "requestId": "r-1"},
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("example", ["todos", "users"])
def test_the_examples_read_their_values_and_load_no_sdk(
    emulated: Callable[..., Emulator], aws: Callable[[str], Any], moto: str, example: str
) -> None:
    """Todos reads an SSM parameter and users a secret, from a local AWS; the SDK is not loaded for it."""
    aws("ssm").put_parameter(Name="/todos/dev/page-size", Value="2", Type="String")
    aws("secretsmanager").create_secret(Name="users/dev/cursor", SecretString='{"key": "canary-of-the-cursor"}')
    variables = {
        "AWS_ENDPOINT_URL": moto,
        "PAGE_SIZE": "ssm:///todos/dev/page-size",
        "CURSOR_KEY": "secret://users/dev/cursor#key",
        "POWERTOOLS_SERVICE_NAME": example,
        "POWERTOOLS_METRICS_NAMESPACE": "Examples",
    }
    source = RUN_EXAMPLE.format(path=str(ROOT / "examples" / example / "src" / "app.py"), sdk=SDK)
    emulator = emulated(source, environment=variables, timeout=60)
    result = emulator.invoke(http_event(f"/{example}"))
    answered = json.loads(result.payload)
    body = json.loads(answered["answer"]["body"])
    # Powertools, which routes the users example, looks at botocore to name itself in its user agent.
    assert answered["loaded"] == (["botocore"] if example == "users" else [])
    assert answered["answer"]["statusCode"] == 200
    assert len(body[example]) == 2  # two todos, because the parameter says so; a page of users, which the secret signs
    if example == "users":
        assert body["next"].startswith("2.")
    assert not any("canary" in line for line in result.lines)


def test_a_file_does_not_override_what_lambda_reads(
    emulated: Callable[..., Emulator], serve: Callable[..., Server], tmp_path: Path
) -> None:
    """SHARED_UTILS_CONFIG_FILE is ignored in Lambda, with one warning line."""
    server = serve(FakeSsm(**{"/a": "from AWS"}))
    file = tmp_path / "values.toml"
    file.write_text('"ssm:///a" = "from the file"\n', "utf-8")
    source = """
        from shared_utils import config

        def handler(event, context):
            return [config.get("ssm:///a"), config.get("ssm:///a", max_age=0)]
    """
    variables = {"AWS_ENDPOINT_URL": server.url, "SHARED_UTILS_CONFIG_FILE": str(file)}
    result = emulated(source, environment=variables, timeout=60).invoke({})
    assert json.loads(result.payload) == ["from AWS", "from AWS"]
    warnings = [line for line in result.lines if "SHARED_UTILS_CONFIG_FILE" in line]
    assert len(warnings) == 1
    assert json.loads(warnings[0])["level"] == "WARNING"


def test_a_warm_invocation_after_a_freeze_asks_again(
    emulated: Callable[..., Emulator], serve: Callable[..., Server]
) -> None:
    """A value is read once for many invocations, and anew when the connection has died in between."""
    ssm = FakeSsm(**{"/a": "1"})
    server = serve(ssm)
    source = """
        from shared_utils import config, instrument

        config.get("ssm:///a")

        @instrument
        def handler(event, context):
            return config.get("ssm:///a", type=int, max_age=event.get("max_age"))
    """
    emulator = emulated(source, environment={"AWS_ENDPOINT_URL": server.url}, timeout=60)
    assert [json.loads(emulator.invoke({}).payload) for _ in range(3)] == [1, 1, 1]
    assert len(server.calls) == 1
    server.hang_up()
    ssm.parameters["/a"] = "2"
    assert json.loads(emulator.invoke({"max_age": 0}).payload) == 2
