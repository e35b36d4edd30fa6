"""One truth per value: nobody is ever given an older answer than the process knows."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from tests.support.fake_aws import Answer, FakeSsm, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server
    from tests.support.fake_clock import Clock

    Serve = Callable[..., Server]


class Secrets:
    """Secrets Manager with one text for every secret."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, call: Call) -> Answer:
        """Answer with the text."""
        return Answer({"SecretString": self.text})


READS: dict[str, Callable[[], Any]] = {
    "get": lambda: config.get("secret://db", type=str),
    "get as a Secret": lambda: config.get("secret://db").reveal(),
    "get with an age": lambda: config.get("secret://db", type=str, max_age=200),
    "get by another spelling": lambda: config.get("secret://db?stage=AWSCURRENT", type=str),
    "get in another task": lambda: asyncio.run(asyncio.to_thread(config.get, "secret://db", type=str)),
    "a variable": lambda: config.get("env://DB", type=str),
    "load": lambda: Settings.load().db,
    "aload": lambda: asyncio.run(Settings.aload()).db,
    "another class": lambda: Other.load().db.reveal(),
}


class Settings(config.Settings):
    """The secret as text."""

    db: str = config.secret("db")


class Other(config.Settings):
    """The secret as a Secret, for longer."""

    db: config.Secret = config.secret("db", max_age=3000)


@pytest.mark.parametrize("newer", READS)
@pytest.mark.parametrize("older", READS)
def test_every_way_to_read_knows_the_newest_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, older: str, newer: str
) -> None:
    """After anybody has read a rotated secret anew, each way to read it gives the new one."""
    monkeypatch.setenv("DB", "secret://db")
    secrets = Secrets("old-value")
    serve(secrets)
    assert READS[older]() == READS[newer]() == "old-value"
    secrets.text = "new-value"
    assert config.get("secret://db", type=str, max_age=0) == "new-value"
    assert READS[older]() == "new-value"
    assert READS[newer]() == "new-value"


def test_types_agree(serve: Serve) -> None:
    """The same parameter as text and as a number is one value, whichever was read anew."""
    ssm = FakeSsm(**{"/size": "1"})
    serve(ssm)
    assert (config.get("ssm:///size"), config.get("ssm:///size", type=int)) == ("1", 1)
    ssm.parameters["/size"] = "2"
    assert config.get("ssm:///size", type=int, max_age=0) == 2
    assert (config.get("ssm:///size"), config.get("ssm:///size", type=int)) == ("2", 2)
    assert config.get("ssm:///size", type=float, max_age=100) == 2.0


def test_keys_of_one_secret_agree(serve: Serve) -> None:
    """Two keys of one secret are of one version."""
    secrets = Secrets(json.dumps({"user": "a1", "password": "p1"}))
    serve(secrets)
    assert config.get("secret://db#user", type=str) == "a1"
    secrets.text = json.dumps({"user": "a2", "password": "p2"})
    assert config.get("secret://db#password", type=str, max_age=0) == "p2"
    assert config.get("secret://db#user", type=str) == "a2"


@pytest.mark.parametrize("kind", [None, int])
def test_a_parameter_that_was_found_missing_does_not_come_back(serve: Serve, kind: Any) -> None:
    """Once a deleted parameter is known to be gone, nobody is given its old value."""
    ssm = FakeSsm(**{"/size": "1"})
    serve(ssm)

    class Sizes(config.Settings):
        size: int = config.ssm("/size", default=-1)

    assert str(config.get("ssm:///size", type=kind)) == "1"
    assert Sizes.load().size == 1
    del ssm.parameters["/size"]
    with pytest.raises(config.MissingConfig):
        config.get("ssm:///size", type=kind, max_age=0)
    with pytest.raises(config.MissingConfig):
        config.get("ssm:///size", type=kind)
    assert Sizes.load().size == -1


def test_a_path_and_its_parameters_agree(serve: Serve) -> None:
    """What a single read finds is what the path says, and the other way round: changed, new and deleted."""
    ssm = FakeSsm(**{"/p/a": "1", "/p/q/b": "1", "/other": "1"})
    server = serve(ssm)
    reads: dict[str, Callable[[], object]] = {
        "path": lambda: config.get("ssm:///p/"),
        "deep path": lambda: config.get("ssm:///p/q/"),
        "flat path": lambda: config.get("ssm:///p/?recursive=false", default={}),
        "a": lambda: config.get("ssm:///p/a", default=None),
        "b": lambda: config.get("ssm:///p/q/b", default=None),
        "c": lambda: config.get("ssm:///p/c", default=None),
    }

    def everything() -> dict[str, object]:
        return {name: read() for name, read in reads.items()}

    def truth(**parameters: str) -> dict[str, object]:
        return {
            "path": {name: value for name, value in parameters.items() if value},
            "deep path": {name[2:]: value for name, value in parameters.items() if name[:2] == "q/"},
            "flat path": {name: value for name, value in parameters.items() if "/" not in name},
            **{name: parameters.get(name) for name in "ac"},
            "b": parameters.get("q/b"),
        }

    before = truth(**{"a": "1", "q/b": "1"})
    assert everything() == before
    calls = len(server.calls)
    assert everything() == before
    assert len(server.calls) == calls  # paths that overlap and agree stay in the cache

    ssm.parameters["/p/a"] = "2"
    assert config.get("ssm:///p/a", max_age=0) == "2"
    assert everything() == truth(**{"a": "2", "q/b": "1"})

    ssm.parameters["/p/q/b"] = "2"
    assert config.get("ssm:///p/", max_age=0) == {"a": "2", "q/b": "2"}
    assert everything() == truth(**{"a": "2", "q/b": "2"})

    ssm.parameters["/p/c"] = "3"
    config.get("ssm:///p/c", max_age=0)
    assert everything() == truth(**{"a": "2", "q/b": "2", "c": "3"})

    del ssm.parameters["/p/a"]
    config.get("ssm:///p/?recursive=false", max_age=0)
    assert everything() == truth(**{"q/b": "2", "c": "3"})

    del ssm.parameters["/p/c"]
    config.get("ssm:///p/c", max_age=0, default=None)
    assert everything() == truth(**{"q/b": "2"})


def test_a_path_that_is_gone_takes_its_parameters_along(serve: Serve) -> None:
    """When nothing is below a path any more, its parameters are asked for anew."""
    ssm = FakeSsm(**{"/p/a": "1"})
    serve(ssm)
    assert config.get("ssm:///p/") == {"a": "1"}
    del ssm.parameters["/p/a"]
    assert config.get("ssm:///p/", default={}, max_age=0) == {}
    assert config.get("ssm:///p/a", default="gone") == "gone"


def test_secret_parameters_of_a_path_stay_secret(serve: Serve) -> None:
    """A SecureString that a path brought along is masked in an error about its own name; others are not."""
    ssm = FakeSsm(**{"/p/key": "canary-key", "/p/size": "many"})
    ssm.types["/p/key"] = "SecureString"
    serve(ssm)
    config.get("ssm:///p/")
    with pytest.raises(config.InvalidConfig) as caught:
        config.get("ssm:///p/key", type=int)
    assert "canary" not in str(caught.value)
    with pytest.raises(config.InvalidConfig, match="got 'many'"):
        config.get("ssm:///p/size", type=int)


class Slow:
    """A parameter store whose single reads wait until they are let go, with the answer of when they came."""

    def __init__(self) -> None:
        self.ssm = FakeSsm(**{"/p/a": "old"})
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self, call: Call) -> Answer:
        """Answer with what is true now, the first single read when it is let go."""
        answer = self.ssm(call)
        if call.operation == "GetParameter" and not self.asked.is_set():
            answer = Answer(answer.encode().partition(b"\r\n\r\n")[2])
            self.asked.set()
            self.go_on.wait(10)
        return answer


@pytest.mark.parametrize("meanwhile", ["path", "refresh"])
def test_an_answer_that_arrives_late_replaces_no_newer_one(serve: Serve, meanwhile: str) -> None:
    """Of two reads side by side the one that began later is right, in whichever order the answers arrive."""
    slow = Slow()
    serve(slow)
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(config.get("ssm:///p/a")))
    thread.start()
    slow.asked.wait(10)
    slow.ssm.parameters["/p/a"] = "new"
    if meanwhile == "path":
        assert config.get("ssm:///p/") == {"a": "new"}
    else:
        config.refresh()
        assert config.get("ssm:///p/a") == "new"
    slow.go_on.set()
    thread.join()
    assert results == ["new"]
    assert config.get("ssm:///p/a") == "new"
    assert config.get("ssm:///p/") == {"a": "new"}


def test_an_older_path_read_replaces_no_newer_value(serve: Serve) -> None:
    """A path whose pages were asked for before a parameter changed does not bring the old value back."""
    ssm = FakeSsm(**{"/p/a": "old", "/p/b": "1"})
    asked, go_on = threading.Event(), threading.Event()

    def answer(call: Call) -> Answer:
        given = ssm(call)
        if call.operation == "GetParametersByPath" and not asked.is_set():
            given = Answer(given.encode().partition(b"\r\n\r\n")[2])
            asked.set()
            go_on.wait(10)
        return given

    serve(answer)
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(config.get("ssm:///p/")))
    thread.start()
    asked.wait(10)
    ssm.parameters["/p/a"] = "new"
    del ssm.parameters["/p/b"]
    assert config.get("ssm:///p/a") == "new"
    assert config.get("ssm:///p/b", default=None) is None
    go_on.set()
    thread.join()
    assert results == [{"a": "new"}]
    assert config.get("ssm:///p/a") == "new"
    assert config.get("ssm:///p/b", default=None) is None


def test_a_failure_forgets_no_newer_value(serve: Serve, clock: Clock) -> None:
    """A read that fails leaves the value that the others have."""
    server = serve(FakeSsm(**{"/a": "1"}))
    assert config.get("ssm:///a") == "1"
    server.answer = lambda call: aws_error("AccessDeniedException", "no")
    assert config.get("ssm:///a", max_age=0) == "1"
    assert config.get("ssm:///a", type=int) == 1
