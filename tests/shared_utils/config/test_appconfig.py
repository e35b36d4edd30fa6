"""AppConfig's rules: a token is spent once, polls keep their distance, a bad token starts a new session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared_utils import config
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.sources.appconfig import Sessions
from shared_utils.config.sources.registry import parse
from tests.support.fake_aws import Answer, Call, FakeAppConfigData, FakeExtension, Server, aws_error
from tests.support.fake_clock import Clock

Serve = Callable[..., Server]
PROFILE = "appconfig://todos/dev/main"


class Agentless:
    """A transport that hands every operation to a fake, as the signed one would over the wire."""

    name = "fake"

    def __init__(self, call: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self._call = call

    def supports(self, operation: str) -> bool:
        """Whether it is one of AppConfigData's."""
        return operation.startswith("appconfigdata:")

    def call(self, operation: str, request: dict[str, Any], region: str | None, deadline: Deadline) -> dict[str, Any]:
        """Pass the operation on."""
        return self._call(operation.partition(":")[2], request)

    def close(self) -> None:
        """Nothing to close."""


def test_tokens_are_spent_once_over_many_polls(serve: Serve) -> None:
    """However often a configuration is read anew, no token is sent twice, and one session serves all polls."""
    data = FakeAppConfigData(interval=0)
    server = serve(data)
    for _ in range(5):
        assert config.get(PROFILE, max_age=0) == {"page_size": 20}
    assert server.operations.count("/configurationsessions") == 1
    assert len(data.spent) == len(set(data.spent)) == 5
    data.content = b'{"page_size": 30}'
    assert config.get(PROFILE, max_age=0) == {"page_size": 30}


def test_the_poll_interval_is_kept(clock: Clock) -> None:
    """Within the interval that AppConfig asks for, the last configuration stands and no request is made."""
    polls = []

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "StartConfigurationSession":
            assert request["RequiredMinimumPollIntervalInSeconds"] == 15
            return {"InitialConfigurationToken": "t0"}
        polls.append(request["ConfigurationToken"])
        return {
            "Configuration": b'{"n": 1}' if len(polls) == 1 else b"",
            "ContentType": "application/json",
            "NextPollConfigurationToken": f"t{len(polls)}",
            "NextPollIntervalInSeconds": 60,
        }

    sessions = Sessions(clock.now)
    transport = Agentless(call)

    def read() -> object:
        return sessions.read(parse(PROFILE), transport, Deadline(5)).content

    assert read() == read() == {"n": 1}
    clock.advance(59)
    read()
    assert polls == ["t0"]
    clock.wall += 2  # a freeze: only the wall clock goes on
    assert read() == {"n": 1}  # an empty answer: nothing has changed
    assert polls == ["t0", "t1"]


def test_a_bad_token_starts_a_new_session(serve: Serve) -> None:
    """When AppConfig has forgotten a token, the next read opens a session anew, and nobody notices."""
    data = FakeAppConfigData(interval=0)
    server = serve(data)
    config.get(PROFILE)
    data.forget_tokens()
    data.content = b'{"page_size": 30}'
    assert config.get(PROFILE, max_age=0) == {"page_size": 30}
    assert server.operations.count("/configurationsessions") == 2


@pytest.mark.parametrize(
    "trouble", [Answer("", 500), None, Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")]
)
def test_a_token_is_not_sent_again_after_a_failure(serve: Serve, trouble: Answer | None) -> None:
    """A failed poll may have used its token up: the next try is a new session's."""
    data = FakeAppConfigData(interval=0)
    server = serve(data)
    config.get(PROFILE)
    failed = []

    def once(call: Call) -> Answer | None:
        if call.operation == "/configuration" and not failed:
            failed.append(call.query["configuration_token"])
            return trouble
        return data(call)

    server.answer = once
    assert config.get(PROFILE, max_age=0) == {"page_size": 20}
    sent = [call.query["configuration_token"] for call in server.calls if call.operation == "/configuration"]
    assert len(sent) == len(set(sent))
    assert server.operations.count("/configurationsessions") == 2


def test_tokens_are_quoted_in_the_request(serve: Serve) -> None:
    """A token's special characters arrive as they are, and the signature covers them."""
    data = FakeAppConfigData()
    server = serve(data)
    config.get(PROFILE)
    assert data.spent == ["token+1/="]
    assert server.calls[-1].target == "/configuration?configuration_token=token%2B1%2F%3D"


def test_names_with_spaces_and_slashes(serve: Serve) -> None:
    """Names are sent as they are, however a reference spells them; both spellings are one cache entry."""
    data = FakeAppConfigData()
    server = serve(data)
    assert config.get("appconfig://my%20app/dev/a%2Fb") == {"page_size": 20}
    assert server.calls[0].json["ApplicationIdentifier"] == "my app"
    assert server.calls[0].json["ConfigurationProfileIdentifier"] == "a/b"

    class Settings(config.Settings):
        main: dict[str, int] = config.appconfig("my app", "dev", "a/b")

    Settings.load()
    assert server.operations.count("/configurationsessions") == 1


VARIANTS = b'{"plain": {"enabled": true}, "varied": {"_variants": [{"name": "big", "enabled": true}]}}'


def test_flags_with_variants_need_the_agent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the agent a flag with variants is an error that names it; other flags of the profile are read."""
    serve(FakeAppConfigData(content=VARIANTS))
    assert config.get(PROFILE + "#plain", type=bool) is True
    for reference in (PROFILE + "#varied", PROFILE):
        with pytest.raises(config.InvalidConfig, match="'varied' has variants"):
            config.get(reference, default=False)
    agent = FakeExtension(lambda call: Answer(status=500))
    agent.configurations["/applications/todos/environments/dev/configurations/main"] = Answer(
        b'{"varied": {"enabled": true}}', 200, {"Content-Type": "application/json"}
    )
    monkeypatch.setenv("AWS_APPCONFIG_EXTENSION_HTTP_PORT", str(serve(agent).port))
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "extension")
    assert config.get(PROFILE + "#varied", type=bool) is True


def test_the_extension_is_asked_as_its_documentation_says(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Port, path, query and token header are those of the Parameters and Secrets extension."""
    server = serve(FakeExtension(lambda call: Answer({"Parameter": {"Name": "/a", "Type": "String", "Value": "v"}})))
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "extension")
    assert config.get("ssm:///a?version=3") == "v"
    (call,) = server.calls
    assert call.method == "GET"
    assert call.target == "/systemsmanager/parameters/get?name=%2Fa&version=3&withDecryption=true"
    assert call.headers["x-aws-parameters-secrets-token"] == "session-token"
    assert "authorization" not in call.headers


def test_the_extension_is_not_there_during_init(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the extension answers before the first invocation is told as what it is."""
    server = serve(lambda call: Answer("not ready to serve traffic, please wait", 400))
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "extension")
    with pytest.raises(config.ConfigUnavailable, match="during invocations only; read the value in the handler"):
        config.get("ssm:///a")
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "http")
    config.refresh()
    with pytest.raises(config.InvalidConfig, match="no port"):
        config.get("ssm:///a")
    with pytest.raises(config.InvalidConfig, match="own region only"):
        config.get("ssm:///a?region=us-east-1")


def test_an_error_of_appconfig_keeps_its_code(serve: Serve) -> None:
    """AccessDenied names both actions that reading a configuration takes."""
    serve(lambda call: aws_error("AccessDeniedException", "no", 403))
    with pytest.raises(config.ConfigUnavailable, match="Session and appconfig:GetLatestConfiguration"):
        config.get(PROFILE, default={})
