"""No secret value in any log line, error, repr or traceback, whatever goes wrong."""

from __future__ import annotations

import dataclasses
import enum
import json
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

import pytest

from shared_utils import config, get_logger
from shared_utils.testing import CapturedLogs
from tests.support.fake_aws import Answer, Call, Server, aws_error
from tests.support.fake_clock import Clock

Serve = Callable[..., Server]
CANARY = "canary-4b1d-value"
TREE = json.dumps({"key": CANARY, "inner": {"deep": CANARY}, "list": [CANARY]})


class Mode(enum.Enum):
    """An enum that the canary is no member of."""

    A = "a"


@dataclasses.dataclass
class Shape:
    """A dataclass that refuses what it gets."""

    key: str

    def __post_init__(self) -> None:
        raise ValueError(f"not {self.key}")


def raising(value: object) -> None:
    """Refuse a value and repeat it, as validators do."""
    raise ValueError(f"bad value: {value.reveal() if isinstance(value, config.Secret) else value}")


def explode(value: object) -> None:
    """Fail as a validator with a mistake in it does."""
    {}[value]


@pytest.fixture
def secret_server(serve: Serve) -> Server:
    """A secret that is a JSON object and one that is text, and a SecureString; all hold the canary."""

    def answer(call: Call) -> Answer:
        if call.operation == "GetSecretValue":
            return Answer({"SecretString": CANARY if call.json["SecretId"] == "text" else TREE})
        names = call.json.get("Names") or [call.json["Name"]]
        found = [{"Name": name, "Type": "SecureString", "Value": CANARY, "Version": 1} for name in names]
        return Answer(
            {"Parameters": found, "InvalidParameters": []} if "Names" in call.json else {"Parameter": found[0]}
        )

    return serve(answer)


def everything_reachable(error: BaseException) -> Iterator[str]:
    """Everything that a log line, a traceback or an error tracker (which shows local variables) would print."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield f"{one} {one!r} {one.args!r} {vars(one)!r} {getattr(one, 'doc', '')}"
        yield "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())
        pending += [one.__cause__, one.__context__]


KINDS: list[Any] = [
    int, float, bool, list[int], dict, dict[str, int], tuple[int, int], datetime, Mode, Literal["a"], Shape, int | None,
    int | bool, list[Shape],
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(
    "reference", ["secret://text", "secret://tree#key", "secret://tree#inner", "secret://tree#list", "ssm:///secure"]
)
@pytest.mark.usefixtures("secret_server")
def test_a_secret_of_the_wrong_type(kind: Any, reference: str) -> None:
    """A conversion that fails tells what was expected, not what there was."""
    try:
        value = config.get(reference, type=kind)
    except config.InvalidConfig as error:
        for text in everything_reachable(error):
            assert CANARY not in text
    else:
        assert isinstance(value, dict)  # an object as a dict is what was asked for


@pytest.mark.parametrize("validator", [raising, explode, lambda value: False])
@pytest.mark.usefixtures("secret_server")
def test_a_secret_that_a_validator_refuses(validator: Callable[[object], object]) -> None:
    """A validator's own words may hold the value, so they are not repeated for a secret."""

    class Settings(config.Settings):
        one: config.Secret = config.secret("text", validate=validator)
        two: str = config.secret("tree", key="key", validate=validator)
        three: str = config.ssm("/secure", validate=validator)

    with pytest.raises(config.InvalidConfig) as caught:
        Settings.load()
    assert len(caught.value.problems) == 3
    for text in everything_reachable(caught.value):
        assert CANARY not in text


@pytest.mark.usefixtures("secret_server")
def test_a_secret_that_is_not_what_its_key_asks_for() -> None:
    """A missing key, a key of a text, and a whole object of the wrong shape repeat nothing."""

    class Settings(config.Settings):
        missing: str = config.secret("tree", key="nothing")
        no_object: str = config.secret("text", key="key")
        shape: Shape = config.secret("tree")
        number: int = config.env("FROM_ENV")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROM_ENV", "secret://text")
        with pytest.raises(config.InvalidConfig) as caught:
            Settings.load()
    assert len(caught.value.problems) == 4
    for text in everything_reachable(caught.value):
        assert CANARY not in text


def test_a_secret_variable_of_the_wrong_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a field of type Secret holds is not shown, even if it came from a plain variable."""

    @dataclasses.dataclass
    class Holder:
        key: config.Secret
        port: int

    monkeypatch.setenv("HOLDER", json.dumps({"key": CANARY, "port": CANARY}))

    class Settings(config.Settings):
        holder: Holder = config.env("HOLDER")

    with pytest.raises(config.InvalidConfig) as caught:
        Settings.load()
    for text in everything_reachable(caught.value):
        assert CANARY not in text


def test_what_was_loaded_is_masked_in_log_lines(secret_server: Server, captured_logs: CapturedLogs) -> None:
    """Once a secret is loaded, no line repeats it: not as a value, in a message, in an exception, nor its parts."""
    log = get_logger()

    class Settings(config.Settings):
        text: str = config.secret("text")
        tree: dict[str, Any] = config.secret("tree")
        secure: str = config.ssm("/secure")
        key: config.Secret = config.secret("tree", key="key")

    settings = Settings.load()
    log.info(f"loaded {settings.text}", settings=settings, tree=settings.tree, key=settings.key)  # noqa: G004
    try:
        raise RuntimeError(f"could not use {settings.secure}")
    except RuntimeError:
        log.exception("failed")
    assert len(captured_logs) == 2
    assert CANARY not in json.dumps(captured_logs)
    assert CANARY not in repr(settings)


def test_warnings_about_stale_values_hold_none(
    secret_server: Server, clock: Clock, captured_logs: CapturedLogs
) -> None:
    """The line that tells of an old value in use names the reference, its age and the reason, and nothing else."""
    assert config.get("secret://text").reveal() == CANARY
    secret_server.answer = lambda call: aws_error("InternalServerError", "down", 500)
    clock.advance(400)
    assert config.get("secret://text").reveal() == CANARY
    (line,) = captured_logs
    assert (line["level"], line["reference"], line["age_seconds"]) == ("WARNING", "secret://text", 400)
    assert "InternalServerError" in line["reason"]


def test_a_stale_value_is_in_no_traceback(secret_server: Server, clock: Clock) -> None:
    """When an old value has become too old, the error's frames do not hold it."""
    reference = "secret://text"
    config.get(reference, type=str)
    secret_server.answer = lambda call: aws_error("AccessDeniedException", "no")
    clock.advance(10_000)
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get(reference, type=str)
    for text in everything_reachable(caught.value):
        assert CANARY not in text


def test_credentials_are_in_no_error(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and tokens that sign a request appear in no error about it."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
    server = serve(lambda call: Answer("<html>", 500))
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    config.configure(deadline=0.5)
    for transport in ("signed", "boto3", "extension"):
        monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
        with pytest.raises(config.ConfigUnavailable) as caught:
            config.get("ssm:///a")
        for text in everything_reachable(caught.value):
            assert CANARY not in text
