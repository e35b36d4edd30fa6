"""Sources of the application's own, DynamoDB, fields by reference, and reading without blocking."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config, logging
from shared_utils.config.policy import policy_of
from shared_utils.config.sources.registry import parse
from shared_utils.testing import CapturedLogs, ConfigValues
from tests.support.fake_aws import Answer, FakeSsm, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]


class Vault:
    """A store of texts and bytes that counts its reads."""

    def __init__(self, **values: str | bytes) -> None:
        self.values: dict[str, Any] = values
        self.reads: list[str] = []

    def __call__(self, path: str) -> str | bytes | None:
        """Return the value of a path."""
        self.reads.append(path)
        return self.values.get(path)


def test_a_registered_source_is_one_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its values are cached, converted, had by key, by fields and by variables; what is missing has a default."""
    vault = Vault(size="20", db='{"user": "ann", "port": 5432}', raw=b"\x00\xff")
    config.register_source("vault", vault)

    class Settings(config.Settings):
        size: int = config.field("vault://size")
        user: str = config.field("vault://db#user")
        port: int = config.env("PORT")
        gone: str = config.field("vault://gone", default="none")

    monkeypatch.setenv("PORT", "vault://db#port")
    assert config.get("vault://size", type=int) == config.get("vault://size", type=int) == 20
    settings = Settings.load()
    assert (settings.size, settings.user, settings.port, settings.gone) == (20, "ann", 5432, "none")
    assert config.get("vault://raw", type=bytes) == b"\x00\xff"
    assert sorted(vault.reads) == ["db", "gone", "raw", "size"]
    with pytest.raises(config.MissingConfig, match="the reader of vault:// found nothing"):
        config.get("vault://gone")
    with pytest.raises(config.MissingConfig, match="no key 'host'"):
        config.get("vault://db#host")
    vault.values["size"] = "30"
    assert config.get("vault://size", type=int, max_age=0) == 30
    assert Settings.load().size == 30


def test_the_path_is_what_comes_after_the_scheme() -> None:
    """Slashes and question marks belong to the path, the key does not."""
    vault = Vault(**{"kv/data/app?version=3": '{"a": 1}', "/x": "y"})
    config.register_source("my-vault+v2", vault)
    assert config.get("my-vault+v2://kv/data/app?version=3#a", type=int) == 1
    assert config.get("my-vault+v2:///x") == "y"


def test_registering_again_replaces_the_reader() -> None:
    """The new reader is asked, also for what the old one had read."""
    config.register_source("vault", lambda path: "old")
    assert config.get("vault://a") == "old"
    config.register_source("vault", lambda path: "new")
    assert config.get("vault://a") == "new"


def test_a_secret_source(captured_logs: CapturedLogs) -> None:
    """The values of a source that is registered as secret are Secrets, in no line, and in no error."""
    config.register_source("vault", Vault(key="canary-key", size="canary-size"), secret=True)

    class Settings(config.Settings):
        key: str = config.field("vault://key")

    assert config.get("vault://key").reveal() == "canary-key"
    assert config.get("vault://key", type=str) == "canary-key"
    logging.info("the key is canary-key")
    assert captured_logs[-1]["message"] == "the key is [REDACTED]"
    with pytest.raises(config.InvalidConfig) as caught:
        config.get("vault://size", type=int)
    assert "canary" not in str(caught.value) + repr(Settings.load()) + repr(Settings(key="canary-other"))


def boom(path: str) -> str:
    """Raise with the value in the text."""
    raise ValueError(f"canary {path}")


@pytest.mark.parametrize(
    ("reader", "kind", "told"),
    [
        (boom, config.ConfigUnavailable, "the reader of vault:// raised ValueError"),
        (lambda path: 5, config.InvalidConfig, "returned int; let it return str, bytes, or None"),
        (lambda path: {"canary": 1}, config.InvalidConfig, "returned dict"),
        (lambda path: time.sleep(5), config.ConfigUnavailable, "gave no answer in time"),
    ],
)
def test_a_reader_that_misbehaves_is_an_error_of_its_own(reader: Any, kind: type[Exception], told: str) -> None:
    """Whatever a reader does ends in a ConfigError that names the scheme, not its value, nor AWS's health."""
    config.register_source("vault", reader)
    config.configure(deadline=0.5)
    with pytest.raises(kind, match=told) as caught:
        config.get("vault://a", default="never")
    assert "canary" not in str(caught.value)
    assert "health" not in str(caught.value)
    assert "eu-central-1" not in str(caught.value)


@pytest.mark.parametrize(
    "scheme", ["ssm", "env", "secret", "appconfig", "dynamodb", "", "Vault", "1a", "a b", "a://", 5]
)
def test_schemes_that_cannot_be_registered(scheme: Any) -> None:
    """A built-in scheme, or what is none, is refused."""
    with pytest.raises(config.ConfigError, match=r"config.register_source: scheme is .*; allowed are"):
        config.register_source(scheme, Vault())


async def read_later(path: str) -> str:
    """Be awaited."""
    return path


@pytest.mark.parametrize("reader", [None, "x", 5, read_later])
def test_readers_that_cannot_be_registered(reader: Any) -> None:
    """What is no function, or one to be awaited, is refused."""
    with pytest.raises(config.ConfigError, match=r"config.register_source: reader is"):
        config.register_source("vault", reader)


def test_an_unknown_scheme_is_told_with_the_known_ones() -> None:
    """A reference of a scheme that is not registered names those that are."""
    config.register_source("vault", Vault())
    with pytest.raises(config.InvalidConfig, match="'valt' is no scheme of a reference; write vault://a"):
        config.get("valt://a")
    with pytest.raises(config.InvalidConfig, match="dynamodb://table/key#attribute, vault://path"):
        config.get("other://a")


def test_a_readers_context_is_the_callers() -> None:
    """Context variables are seen by the reader, though it runs in a thread of its own."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("seen")
    config.register_source("vault", lambda path: variable.get())
    assert config.get("vault://a") == "seen"


def test_a_reader_may_read_configuration() -> None:
    """A reader that needs another value reads it."""
    config.register_source("vault", lambda path: f"{path} with {config.get('env://TOKEN')}")
    config.register_source("outer", lambda path: config.get(f"vault://{path}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", "t")
        assert config.get("outer://a") == "a with t"


def test_values_of_ones_own_schemes_in_tests(config_values: ConfigValues) -> None:
    """The fixture replaces a registered source, too."""
    vault = Vault(a="real")
    config.register_source("vault", vault)
    config_values({"vault://a": "5", "vault://b": {"key": 1}})
    assert config.get("vault://a", type=int) == 5
    assert config.get("vault://b#key") == 1
    assert vault.reads == []


# --- DynamoDB ---


@pytest.fixture
def table(aws: Callable[[str], Any]) -> Any:
    """A table with the key attribute id, as a client."""
    client = aws("dynamodb")
    for name, key in (("settings", "id"), ("other-settings", "name")):
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return client


ITEM = {
    "id": {"S": "todos/dev"},
    "text": {"S": "hello"},
    "size": {"N": "20"},
    "rate": {"N": "0.25"},
    "on": {"BOOL": True},
    "nothing": {"NULL": True},
    "raw": {"B": b"\x00\xff"},
    "tags": {"SS": ["a"]},
    "numbers": {"NS": ["1"]},
    "tree": {"M": {"list": {"L": [{"N": "-1"}, {"S": "x"}]}}},
}


@pytest.mark.parametrize("transport", ["signed", "boto3"])
def test_items_of_every_type(table: Any, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """Attributes arrive as what they are, by one request for all of an item, over both transports."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    table.put_item(TableName="settings", Item=ITEM)

    class Settings(config.Settings):
        text: str = config.field("dynamodb://settings/todos/dev#text")
        size: int = config.field("dynamodb://settings/todos/dev#size")
        rate: Decimal = config.field("dynamodb://settings/todos/dev#rate")
        on: bool = config.field("dynamodb://settings/todos/dev#on")
        raw: bytes = config.field("dynamodb://settings/todos/dev#raw")
        tags: set[str] = config.field("dynamodb://settings/todos/dev#tags")
        numbers: list[int] = config.field("dynamodb://settings/todos/dev#numbers")
        item: int = config.field("dynamodb://settings/todos/dev#tree.list", validate=lambda value: value)

    with pytest.raises(config.InvalidConfig, match=r"item .*expected a whole number"):
        Settings.load()
    item = config.get("dynamodb://settings/todos/dev")
    assert item["tree"] == {"list": [-1, "x"]}
    assert (item["id"], item["nothing"], item["rate"]) == ("todos/dev", None, 0.25)
    assert config.get("dynamodb://settings/todos/dev#size", type=int) == 20
    assert config.get("dynamodb://settings/todos/dev#raw", type=bytes) == b"\x00\xff"
    assert config.get("dynamodb://settings/todos/dev#rate", type=Decimal) == Decimal("0.25")
    assert config.get("dynamodb://settings/todos/dev#tags", type=set[str]) == {"a"}
    assert config.get("dynamodb://settings/todos/dev#numbers", type=list[int]) == [1]


@pytest.mark.parametrize("transport", ["signed", "boto3"])
def test_what_a_table_lacks_is_missing(table: Any, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """No item, no attribute, no table: missing, and a default replaces it."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    table.put_item(TableName="settings", Item={"id": {"S": "a"}})
    assert config.get("dynamodb://settings/b#x", default=1) == 1
    assert config.get("dynamodb://settings/a#x", default=2) == 2
    assert config.get("dynamodb://no-such-table/a#x", default=3) == 3
    with pytest.raises(config.MissingConfig, match="no such item in the table in eu-central-1"):
        config.get("dynamodb://settings/b#x")


def test_another_key_attribute_and_odd_keys(table: Any) -> None:
    """``?key=`` names the table's key attribute; a question mark or hash in a key is percent-encoded."""
    table.put_item(TableName="other-settings", Item={"name": {"S": "what?#1"}, "value": {"S": "v"}})
    assert config.get("dynamodb://other-settings/what%3F%231?key=name#value") == "v"
    assert parse("dynamodb://settings/a?key=id").base == parse("dynamodb://settings/a").base


def test_a_read_is_consistent(serve: Serve) -> None:
    """An eventual read could give an older answer than the one before it; the request says so, in JSON 1.0."""
    server = serve(lambda call: Answer({"Item": {"id": {"S": "a"}, "v": {"S": "1"}}}))
    assert config.get("dynamodb://settings/a#v") == "1"
    (call,) = server.calls
    assert call.json == {"TableName": "settings", "Key": {"id": {"S": "a"}}, "ConsistentRead": True}
    assert call.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert call.headers["content-type"] == "application/x-amz-json-1.0"
    assert "/eu-central-1/dynamodb/aws4_request" in call.headers["authorization"]


def test_errors_of_dynamodb(serve: Serve) -> None:
    """A denied read names action and table; a throttled one is tried again; a broken answer is an error."""
    answers: list[Answer] = [aws_error("AccessDeniedException", "no")]
    serve(lambda call: answers[0])
    config.configure(deadline=0.5)
    with pytest.raises(config.ConfigUnavailable, match=r"allow dynamodb:GetItem on arn:aws:dynamodb:.*table/settings"):
        config.get("dynamodb://settings/a#v")
    for answer in (
        aws_error("ProvisionedThroughputExceededException", "slow down"),
        Answer({"Item": {"v": {"X": 1, "S": "canary"}}}),
        Answer({"Item": {"v": {"B": "not base64"}}}),
    ):
        answers[0] = answer
        config.refresh()
        with pytest.raises(config.ConfigUnavailable) as caught:
            config.get("dynamodb://settings/a#v")
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["dynamodb://settings", "dynamodb://settings/", "dynamodb:///a", "dynamodb://a b/c",
                                  "dynamodb://settings/a?sort=b", "dynamodb://settings/a#"])  # fmt: skip
def test_malformed_references_to_items(text: str) -> None:
    """A reference without table or key is refused with a hint."""
    with pytest.raises(config.InvalidConfig) as caught:
        config.get(text, default=1)
    assert caught.value.problems[0].hint


def test_the_extension_cannot_read_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension has no DynamoDB, and the error names the transport that has it."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "extension")
    with pytest.raises(config.ConfigUnavailable, match="read DynamoDB; set SHARED_UTILS_CONFIG_TRANSPORT=signed"):
        config.get("dynamodb://settings/a#v")


def test_the_permission_to_read_an_item() -> None:
    """The least policy allows GetItem on the table."""
    (statement,) = policy_of([(parse("dynamodb://settings/a#v"), None)], "eu-west-1", "111122223333")["Statement"]
    assert statement["Action"] == ["dynamodb:GetItem"]
    assert statement["Resource"] == ["arn:aws:dynamodb:eu-west-1:111122223333:table/settings"]


# --- aget ---


def test_reading_without_blocking_the_event_loop(serve: Serve) -> None:
    """aget() is get() while other tasks go on; what is fresh needs no thread; many at once make one request."""
    ssm = FakeSsm(**{"/a": "1"})

    def slow(call: Call) -> Answer:
        time.sleep(0.2)
        return ssm(call)

    server = serve(slow)

    async def main() -> tuple[list[int], int, set[str]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        values = await asyncio.gather(*(config.aget("ssm:///a", type=int) for _ in range(10)))
        ticking.cancel()
        before = {thread.name for thread in threading.enumerate()}
        values.append(await config.aget("ssm:///a", type=int))
        return values, ticks, {thread.name for thread in threading.enumerate()} - before

    values, ticks, new_threads = asyncio.run(main())
    assert values == [1] * 11
    assert ticks > 5
    assert not new_threads
    assert len(server.calls) == 1


def test_aget_has_the_arguments_and_errors_of_get(serve: Serve) -> None:
    """Defaults, ages, types that cannot be hashed, and errors are as with get()."""
    serve(FakeSsm(**{"/a": '{"b": 1}'}))

    async def main() -> Iterator[Any]:
        yield await config.aget("ssm:///gone", default=5)
        yield await config.aget("ssm:///a", type=dict[str, int], max_age=0)
        with pytest.raises(config.MissingConfig):
            await config.aget("ssm:///gone")
        with pytest.raises(config.ConfigError, match="max_age is 'x'"):
            await config.aget("ssm:///a", max_age="x")  # type: ignore[call-overload]

    async def collect() -> list[Any]:
        return [value async for value in main()]  # type: ignore[attr-defined]

    assert asyncio.run(collect()) == [5, {"b": 1}]
