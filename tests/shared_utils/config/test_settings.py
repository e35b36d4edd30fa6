"""Settings classes: fields, defaults, validators, inheritance, and one error for everything."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Optional

import pytest

from shared_utils import config
from shared_utils.invocation import lifecycle as _invocation
from tests.support.fake_aws import Answer, Call, FakeSsm, Server, aws_error, denied_message

Serve = Callable[..., Server]


@dataclass
class Limits:
    """A nested value."""

    most: int
    burst: float = 1.5


class Base(config.Settings):
    """What several services share."""

    table: str = config.env("TABLE_NAME")
    page_size: int = config.ssm("/todos/page-size", default=20)


class Todos(Base):
    """One service's own settings, annotations as texts."""

    VERSION: ClassVar[int] = 3
    mode: Literal["fast", "safe"] = config.env("MODE", default="safe")
    limits: Limits = config.ssm("/todos/limits")
    names: list[str] = config.ssm("/todos/names", default=["nobody"])


@pytest.fixture
def ssm(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> FakeSsm:
    """Everything that Todos needs."""
    monkeypatch.setenv("TABLE_NAME", "todos-table")
    served = FakeSsm(**{"/todos/page-size": "50", "/todos/limits": '{"most": 7}'})
    served.server = serve(served)  # type: ignore[attr-defined]
    return served


def test_fields_are_read_with_their_types(ssm: FakeSsm) -> None:
    """Every field has its type's value, a default where there is none, and fields are inherited."""
    settings = Todos.load()
    assert settings.table == "todos-table"
    assert settings.page_size == 50
    assert settings.mode == "safe"
    assert settings.limits == Limits(7)
    assert settings.names == ["nobody"]
    assert (Todos.VERSION, settings.VERSION) == (3, 3)


def test_settings_cannot_be_changed_and_show_no_secret() -> None:
    """An instance is frozen; its repr masks what came from a secret, whatever its type."""

    class Settings(config.Settings):
        table: str = config.env("T", default="t")
        key: config.Secret = config.secret("a")
        bare: str = config.secret("b")

    settings = Settings(key="canary-one", bare="canary-two")
    assert repr(settings).endswith("Settings(table='t', key=**********, bare=**********)")
    with pytest.raises(AttributeError, match="cannot be changed"):
        settings.table = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot be changed"):
        del settings.table
    assert settings == Settings(key="canary-one", bare="canary-two")
    assert settings != Settings(key="canary-one", bare="other")


class Portable(config.Settings):
    """Settings without a Secret, which can be handed to another process."""

    names: list[str] = config.env("NAMES", default=["a"])
    bare: str = config.secret("bare", default="canary")


class Hidden(config.Settings):
    """Settings with secrets that need not be there, one of them annotated as people used to."""

    key: config.Secret | None = config.secret("a", default=None)
    other: Optional["config.Secret"] = config.secret("b", default=None)  # noqa: UP045, UP037 - is what it is about


def test_settings_can_be_copied_and_pickled() -> None:
    """A deep copy and an unpickled one are equal, frozen and masked; a Secret in them is not pickled."""
    settings = Portable()
    for other in (copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert other == settings
        assert other.names is not settings.names
        assert "canary" not in repr(other)
        with pytest.raises(AttributeError):
            other.names = []

    assert (Hidden().key, Hidden().other) == (None, None)
    assert isinstance(Hidden(key="canary").key, config.Secret)
    assert isinstance(Hidden(other="canary").other, config.Secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Hidden(key="canary"))


def test_making_one_by_hand_for_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calling the class takes values by name, fills in defaults, reads nothing, and says what is wrong."""
    made = Todos(table="t", limits=Limits(1))
    assert (made.page_size, made.names) == (20, ["nobody"])
    with pytest.raises(config.ConfigError, match="a value for table is needed"):
        Todos(limits=Limits(1))
    with pytest.raises(config.ConfigError, match="no field 'tabel'; did you mean 'table'"):
        Todos(tabel="t", limits=Limits(1))
    with pytest.raises(
        config.ConfigError, match="no field 'xyz'; the fields are table, page_size, mode, limits, names"
    ):
        Todos(xyz="t")


def test_defaults_are_everyones_own(ssm: FakeSsm) -> None:
    """A list that stands as default may be changed without the next load seeing it."""
    Todos.load().names.append("somebody")
    assert Todos.load().names == ["nobody"]
    assert Todos(table="t", limits=Limits(1)).names == ["nobody"]


def test_all_problems_come_in_one_error(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, invalid and denied values are told together, each with field, source, what is wrong, and what to do."""
    ssm = FakeSsm(**{"/size": "many", "/denied": "x", "/list": "a,b"})
    ssm.denied.add("/denied")
    serve(ssm)
    monkeypatch.setenv("PORT", "http")

    class Settings(config.Settings):
        table: str = config.env("TABLE_NAME")
        size: int = config.ssm("/size")
        gone: str = config.ssm("/gone")
        denied: str = config.ssm("/denied", default="never")
        port: int = config.env("PORT")
        fine: list[str] = config.ssm("/list")

    with pytest.raises(config.ConfigUnavailable) as caught:
        Settings.load()
    problems = {problem.field: problem for problem in caught.value.problems}
    assert [(name, problem.kind) for name, problem in problems.items()] == [
        ("table", "missing"),
        ("size", "invalid"),
        ("gone", "missing"),
        ("denied", "denied"),
        ("port", "invalid"),
    ]
    message = str(caught.value)
    assert "5 problems" in message
    assert "table (env://TABLE_NAME): not set; set the environment variable TABLE_NAME" in message
    assert "size (ssm:///size): expected a whole number, got 'many'" in message
    assert "gone (ssm:///gone): not found in eu-central-1" in message
    assert "allow ssm:GetParameter on arn:aws:ssm:eu-central-1:111122223333:parameter/denied" in message
    assert all(problem.hint for problem in problems.values())


@pytest.mark.parametrize(
    ("sources", "kind"),
    [
        ({"a": config.env("NOT_SET")}, config.MissingConfig),
        ({"a": config.env("NOT_SET"), "b": config.env("HOME", validate=lambda value: False)}, config.InvalidConfig),
        ({"a": config.env("NOT_SET"), "b": config.ssm("/denied")}, config.ConfigUnavailable),
        ({"b": config.env("HOME", validate=lambda v: False), "c": config.ssm("/denied")}, config.ConfigUnavailable),
    ],
)
def test_the_error_is_of_the_gravest_kind(serve: Serve, sources: dict[str, Any], kind: type[Exception]) -> None:
    """With mixed problems, unavailable comes before invalid, and invalid before missing."""
    serve(lambda call: aws_error("AccessDeniedException", denied_message("ssm:GetParameter", "x")))
    with pytest.raises(config.ConfigError) as caught:
        type("Settings", (config.Settings,), sources).load()
    assert type(caught.value) is kind


def test_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    """A validator refuses by False or by raising; several are tried in order; defaults are not validated."""

    def even(value: int) -> bool:
        return value % 2 == 0

    def small(value: int) -> None:
        if value > 10:
            raise ValueError(f"{value} is more than 10")

    class Settings(config.Settings):
        n: int = config.env("N", validate=[even, small], default=11)

    assert Settings.load().n == 11
    monkeypatch.setenv("N", "4")
    assert Settings.load().n == 4
    monkeypatch.setenv("N", "5")
    with pytest.raises(config.InvalidConfig, match="refused by even"):
        Settings.load()
    monkeypatch.setenv("N", "12")
    with pytest.raises(config.InvalidConfig, match="refused by small: 12 is more than 10"):
        Settings.load()


def test_references_in_environment_variables(ssm: FakeSsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds a reference is what that leads to; what was fetched is never resolved again."""
    ssm.parameters["/again"] = "ssm:///todos/page-size"
    monkeypatch.setenv("SIZE", " ssm:///todos/page-size ")
    monkeypatch.setenv("AGAIN", "ssm:///again")
    monkeypatch.setenv("TWICE", "env://SIZE")
    monkeypatch.setenv("URL", "https://example.com/a?b#c")
    assert config.get("env://SIZE", type=int) == 50
    assert config.get("env://AGAIN") == "ssm:///todos/page-size"
    assert config.get("env://TWICE") == " ssm:///todos/page-size "
    assert config.get("env://URL") == "https://example.com/a?b#c"
    monkeypatch.setenv("SIZE", "ssm://todos/page-size")
    with pytest.raises(config.InvalidConfig, match="write ssm:///todos/page-size"):
        config.get("env://SIZE", default=1)


def test_a_changed_variable_is_seen_at_the_next_load(ssm: FakeSsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment variables are not cached, though everything else is."""
    assert Todos.load().table == "todos-table"
    calls = len(ssm.server.calls)  # type: ignore[attr-defined]
    monkeypatch.setenv("TABLE_NAME", "other")
    assert Todos.load().table == "other"
    assert len(ssm.server.calls) == calls  # type: ignore[attr-defined]


def test_refresh_asks_anew(ssm: FakeSsm) -> None:
    """After refresh(), and with max_age=0, a changed value is seen; before it is not."""
    assert Todos.load().page_size == 50
    ssm.parameters["/todos/page-size"] = "60"
    assert Todos.load().page_size == 50
    config.refresh()
    assert Todos.load().page_size == 60
    ssm.parameters["/todos/page-size"] = "70"
    assert Todos.load(max_age=0).page_size == 70
    assert config.get("ssm:///todos/page-size", type=int) == 70


def test_another_region_account_or_endpoint_is_another_world(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the variables say another region, key or endpoint, nothing that was read before is given out."""
    first = serve(FakeSsm(**{"/a": "first"}))
    second = serve(FakeSsm(**{"/a": "second"}))
    assert config.get("ssm:///a") == "first"
    monkeypatch.setenv("AWS_ENDPOINT_URL", second.url)
    assert config.get("ssm:///a") == "second"
    monkeypatch.setenv("AWS_ENDPOINT_URL", first.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert config.get("ssm:///a") == "first"
    assert "/eu-west-1/ssm/aws4_request" in first.calls[-1].headers["authorization"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    config.get("ssm:///a")
    assert len(first.calls) == 3


def test_a_region_of_its_own(serve: Serve) -> None:
    """A source's region, or its ARN's, is the one that is asked."""
    server = serve(FakeSsm(**{"/a": "1", "arn:aws:ssm:us-east-1:111122223333:parameter/b": "2"}))

    class Settings(config.Settings):
        a: int = config.ssm("/a", region="ap-south-1")
        b: int = config.ssm("arn:aws:ssm:us-east-1:111122223333:parameter/b")

    assert (Settings.load().a, Settings.load().b) == (1, 2)
    assert {call.headers["authorization"].split("/")[2] for call in server.calls} == {"ap-south-1", "us-east-1"}


def test_five_requests_for_25_parameters_and_2_secrets(serve: Serve) -> None:
    """Parameters travel in tens; secrets singly."""
    ssm = FakeSsm(**{f"/p{number}": str(number) for number in range(25)})

    def answer(call: Call) -> Answer:
        return Answer({"SecretString": '{"k": "v"}'}) if call.operation == "GetSecretValue" else ssm(call)

    server = serve(answer)
    sources = {f"p{number}": config.ssm(f"/p{number}") for number in range(25)}
    sources |= {"s1": config.secret("one", key="k"), "s2": config.secret("two", key="k"), "s3": config.secret("two")}
    settings = type("Many", (config.Settings,), sources).load()
    assert sorted(server.operations) == ["GetParameters"] * 3 + ["GetSecretValue"] * 2
    assert settings.p24 == "24"
    assert settings.s2.reveal() == "v"


def test_a_class_says_at_once_what_is_wrong_with_it() -> None:
    """A mistake in a declaration is a ValueError or TypeError that says what to write instead."""
    with pytest.raises(config.ConfigError, match="write ssm:///a/b"):
        config.ssm("a/b")
    with pytest.raises(config.ConfigError, match="allowed are names and ssm:// references"):
        config.ssm("secret://a")
    with pytest.raises(config.ConfigError, match="pin one of them"):
        config.ssm("/a", version=1, label="x")
    with pytest.raises(config.ConfigError, match="three parts"):
        config.appconfig("app", "env")
    with pytest.raises(config.ConfigError, match="cannot have this name"):
        type("Bad", (config.Settings,), {"load": config.env("X")})

    class NoSource(config.Settings):
        field: int

    with pytest.raises(config.ConfigError, match="has a type but no source"):
        NoSource.load()

    class NoType(config.Settings):
        field: NotThere = config.env("HOME")  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(config.ConfigError, match="cannot be resolved"):
        NoType.load()


def test_types_that_only_a_function_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class inside a function may use that function's own types, though its annotations are texts."""

    @dataclass
    class Local:
        n: int

    class Settings(config.Settings):
        local: Local = config.env("LOCAL")

    monkeypatch.setenv("LOCAL", '{"n": 1}')
    assert Settings.load().local == Local(1)


def test_a_subclass_may_replace_a_field() -> None:
    """A field that a subclass sets to a constant, or gives another source, is no longer read."""

    class Fixed(Base):
        table = "fixed"
        page_size: int = config.env("NOT_SET", default=1)

    settings = Fixed.load()
    assert (settings.table, settings.page_size) == ("fixed", 1)


def test_loading_without_blocking_the_event_loop(ssm: FakeSsm) -> None:
    """aload() gives the same, while other tasks go on, and many at once make one read of each value."""

    async def main() -> tuple[list[Todos], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        loaded = await asyncio.gather(*(Todos.aload() for _ in range(10)))
        ticking.cancel()
        return loaded, ticks

    loaded, ticks = asyncio.run(main())
    assert {settings.page_size for settings in loaded} == {50}
    assert ticks > 1
    assert sum("/todos/page-size" in call.json["Names"] for call in ssm.server.calls) == 1  # type: ignore[attr-defined]
    assert asyncio.run(Todos.aload()).page_size == 50


def test_nothing_survives_a_restore(ssm: FakeSsm) -> None:
    """After a SnapStart restore every value is read anew, through a new connection."""
    Todos.load()
    before = ssm.server.connections  # type: ignore[attr-defined]
    ssm.parameters["/todos/page-size"] = "60"
    for callback in _invocation._restore_callbacks:
        callback()
    assert Todos.load().page_size == 60
    assert ssm.server.connections > before  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def no_invocation_left() -> Iterator[None]:
    """The restore callbacks of other parts make the process cold; it is as before afterwards."""
    yield
    _invocation.reset()
