"""What the three transports have in common, each held to the same expectations.

SSM and Secrets Manager are moto's server, AppConfigData and the extensions are fakes written from AWS's documentation,
and errors come through a proxy that puts them in the way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from tests.support.fake_aws import (
    Answer,
    FakeAppConfigData,
    FakeExtension,
    aws_error,
    denied_message,
    forward,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

TRANSPORTS = ["signed", "boto3", "extension"]


class World:
    """A local AWS behind a proxy, as one of the transports sees it."""

    def __init__(
        self, transport: str, client: Callable[[str], Any], proxy: Server, upstream: Callable[[Call], Answer]
    ) -> None:
        self.transport = transport
        self.ssm = client("ssm")
        self.secrets = client("secretsmanager")
        self.proxy = proxy
        self.upstream = upstream

    def interpose(self, fault: Callable[[Call], Answer | None]) -> None:
        """Answer with `fault(call)` where that is not None, and pass everything else on."""

        def answer(call: Call) -> Answer:
            return fault(call) or self.upstream(call)

        self.proxy.answer = FakeExtension(answer) if self.transport == "extension" else answer


@pytest.fixture(params=TRANSPORTS)
def world(
    request: pytest.FixtureRequest,
    aws: Callable[[str], Any],
    moto: str,
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """The same local AWS, to be asked by one transport after the other."""
    upstream = forward(moto)
    proxy = serve(upstream)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", request.param)
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(proxy.port))
    made = World(request.param, aws, proxy, upstream)
    made.interpose(lambda call: None)
    return made


def test_parameters_of_every_type(world: World) -> None:
    """A String, a StringList and a SecureString arrive as text, list and text."""
    world.ssm.put_parameter(Name="/todos/size", Value="20", Type="String")
    world.ssm.put_parameter(Name="/todos/tags", Value="a,b", Type="StringList")
    world.ssm.put_parameter(Name="/todos/key", Value="hush-hush", Type="SecureString")
    assert config.get("ssm:///todos/size", type=int) == 20
    assert config.get("ssm:///todos/tags") == ["a", "b"]
    assert config.get("ssm:///todos/tags", type=str) == "a,b"
    assert config.get("ssm:///todos/key") == "hush-hush"
    assert config.get("ssm:///todos/key?decrypt=false") != "hush-hush"


def test_pinned_versions_and_labels(world: World) -> None:
    """A version or a label gives the value of that time, beside the newest one."""
    world.ssm.put_parameter(Name="/v", Value="one", Type="String")
    world.ssm.put_parameter(Name="/v", Value="two", Type="String", Overwrite=True)
    world.ssm.label_parameter_version(Name="/v", ParameterVersion=1, Labels=["old"])

    class Settings(config.Settings):
        newest: str = config.ssm("/v")
        first: str = config.ssm("/v", version=1)
        labelled: str = config.ssm("/v", label="old")

    settings = Settings.load()
    assert (settings.newest, settings.first, settings.labelled) == ("two", "one", "one")


def test_secrets_whole_by_key_and_by_stage(world: World) -> None:
    """A secret is read as a whole, by a key of its JSON object, and by stage; all keys of one take a single call."""
    world.secrets.create_secret(Name="todos/api", SecretString=json.dumps({"key": "first", "port": 5432}))
    world.secrets.put_secret_value(SecretId="todos/api", SecretString=json.dumps({"key": "second", "port": 5433}))

    class Settings(config.Settings):
        key: config.Secret = config.secret("todos/api", key="key")
        port: int = config.secret("todos/api", key="port")
        whole: dict[str, Any] = config.secret("todos/api")

    settings = Settings.load()
    assert (settings.key.reveal(), settings.port, settings.whole) == ("second", 5433, {"key": "second", "port": 5433})
    assert len(world.proxy.calls) == 1
    assert config.get("secret://todos/api?stage=AWSPREVIOUS#key").reveal() == "first"


def test_a_binary_secret(world: World) -> None:
    """A binary secret arrives as its bytes."""
    world.secrets.create_secret(Name="todos/cert", SecretBinary=b"\x00\xff\x01")
    assert config.get("secret://todos/cert", type=bytes) == b"\x00\xff\x01"


@pytest.mark.parametrize("name", ["ssm:///no/such", "secret://no/such", "ssm:///no/such?version=7"])
def test_what_does_not_exist_is_missing_and_has_a_default(world: World, name: str) -> None:
    """A missing name is a MissingConfig that names the region, and a default stands for it."""
    with pytest.raises(config.MissingConfig, match="eu-central-1"):
        config.get(name)
    assert config.get(name, type=str, default="default") == "default"


FAULTS = [
    ("AccessDeniedException", denied_message("ssm:GetParameter", "parameter/a"), 400, "denied"),
    ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text", 400, "unavailable"),
    ("InvalidKeyId", "The key is disabled", 400, "unavailable"),
    ("ThrottlingException", "Rate exceeded", 400, "unavailable"),
    ("InternalServerError", "An error occurred on the server side", 500, "unavailable"),
    ("UnrecognizedClientException", "The security token included in the request is invalid", 400, "denied"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault[0] for fault in FAULTS])
@pytest.mark.parametrize("reference", ["ssm:///a", "secret://a"])
def test_errors_keep_their_code_and_no_default_stands_for_them(
    world: World, reference: str, fault: tuple[str, str, int, str]
) -> None:
    """A refusal or failure of the service is a ConfigUnavailable with its code, default or not."""
    code, message, status, kind = fault
    config.get(reference, default="not there")  # loads the transport: the deadline below is for its requests
    config.configure(deadline=2)
    world.interpose(lambda call: aws_error(code, message, status))
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get(reference, default="never", max_age=0)
    (problem,) = caught.value.problems
    assert (problem.code, problem.kind) == (code, kind)
    assert problem.hint


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)])
def test_passing_trouble_is_waited_out(world: World, code: str, status: int) -> None:
    """Throttling and server errors are tried again, with a pause, until they are over."""
    world.ssm.put_parameter(Name="/a", Value="1", Type="String")
    troubles = [aws_error(code, "again", status), aws_error(code, "and again", status)]
    world.interpose(lambda call: troubles.pop() if troubles else None)
    assert config.get("ssm:///a") == "1"
    assert len(world.proxy.calls) == 3


def test_a_denied_name_does_not_sink_the_rest(world: World) -> None:
    """With one parameter denied, the others are read, and the error names that one alone."""
    for name in ("/a", "/b", "/c"):
        world.ssm.put_parameter(Name=name, Value="1", Type="String")

    def fault(call: Call) -> Answer | None:
        asked = call.json.get("Names", [call.json.get("Name")])
        return aws_error("AccessDeniedException", denied_message("ssm:GetParameters", "*")) if "/b" in asked else None

    world.interpose(fault)

    class Settings(config.Settings):
        a: int = config.ssm("/a")
        b: int = config.ssm("/b", default=5)
        c: int = config.ssm("/c")

    with pytest.raises(config.ConfigUnavailable) as caught:
        Settings.load()
    assert [problem.field for problem in caught.value.problems] == ["b"]
    assert config.get("ssm:///c", type=int) == 1


def test_a_whole_path(world: World) -> None:
    """Everything below a path arrives over all pages; the extension says that it cannot."""
    for number in range(23):
        world.ssm.put_parameter(Name=f"/todos/n{number}", Value=str(number), Type="String")
    world.ssm.put_parameter(Name="/todos/deep/er", Value="7", Type="String")
    if world.transport == "extension":
        with pytest.raises(config.ConfigUnavailable, match="SHARED_UTILS_CONFIG_TRANSPORT=signed"):
            config.get("ssm:///todos/")
        return
    everything = config.get("ssm:///todos/", type=dict[str, int])
    assert everything == {**{f"n{number}": number for number in range(23)}, "deep/er": 7}
    assert len(config.get("ssm:///todos/?recursive=false")) == 23


@pytest.fixture(params=TRANSPORTS)
def appconfig(
    request: pytest.FixtureRequest, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, bytes, str], None]:
    """Deploy a configuration to be read by one transport after the other."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", request.param)
    data = FakeAppConfigData(deployed=False)
    agent = FakeExtension(lambda call: Answer(status=500))
    server = serve(agent if request.param == "extension" else data)
    monkeypatch.setenv("AWS_APPCONFIG_EXTENSION_HTTP_PORT", str(server.port))

    def deploy(profile: str, content: bytes, content_type: str) -> None:
        data.content, data.content_type, data.deployed = content, content_type, True
        path = f"/applications/todos/environments/dev/configurations/{profile}"
        agent.configurations[path] = Answer(content, 200, {"Content-Type": content_type})

    return deploy


def test_freeform_configurations(appconfig: Callable[[str, bytes, str], None]) -> None:
    """JSON arrives as a tree, or as the value of one key; text as text."""
    appconfig("main", b'{"page": {"size": 20}}', "application/json")
    assert config.get("appconfig://todos/dev/main") == {"page": {"size": 20}}
    assert config.get("appconfig://todos/dev/main#page.size", type=int) == 20
    appconfig("plain", b"hello", "text/plain; charset=utf-8")
    assert config.get("appconfig://todos/dev/plain") == "hello"


def test_feature_flags(appconfig: Callable[[str, bytes, str], None]) -> None:
    """A flag as a bool is whether it is enabled; as a dict it has its attributes."""
    appconfig("flags", b'{"new_ui": {"enabled": true, "share": 5}, "old": {"enabled": false}}', "application/json")

    class Settings(config.Settings):
        new_ui: bool = config.appconfig("todos", "dev", "flags", key="new_ui")
        old: bool = config.appconfig("todos", "dev", "flags", key="old")
        detail: dict[str, Any] = config.appconfig("todos", "dev", "flags", key="new_ui")

    settings = Settings.load()
    assert (settings.new_ui, settings.old, settings.detail["share"]) == (True, False, 5)


def test_a_configuration_that_is_not_deployed_is_missing(appconfig: Callable[[str, bytes, str], None]) -> None:
    """A profile without deployment is a MissingConfig, and a default stands for it."""
    with pytest.raises(config.MissingConfig):
        config.get("appconfig://todos/dev/none")
    assert config.get("appconfig://todos/dev/none", default={}) == {}


def test_half_a_configuration_is_invalid(appconfig: Callable[[str, bytes, str], None]) -> None:
    """What is said to be JSON and is not is an InvalidConfig, and its text is not repeated."""
    appconfig("half", b'{"page": "canary-content', "application/json")
    with pytest.raises(config.InvalidConfig, match="JSON") as caught:
        config.get("appconfig://todos/dev/half", default={})
    assert "canary" not in str(caught.value)
