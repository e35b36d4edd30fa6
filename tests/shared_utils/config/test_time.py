"""Time: back-off, fields of different ages, freezes that only the wall clock sees, and credentials that expire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from shared_utils.config.aws import http
from shared_utils.config.aws.credentials import CredentialsSource
from shared_utils.config.aws.http import Pool
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.outcomes import Failure
from tests.support.fake_aws import Answer, FakeSsm, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server
    from tests.support.fake_clock import Clock

    Serve = Callable[..., Server]


def pauses(server: Server, clock: Clock, count: int, read: Callable[[], object]) -> list[float]:
    """Return the seconds between the next `count` requests of somebody who reads four times a second."""
    found = []
    for _ in range(count):
        before, waited = len(server.calls), 0.0
        while len(server.calls) == before:
            read()
            clock.advance(0.25)
            waited += 0.25
        found.append(waited)
    return found


@pytest.mark.parametrize(("code", "first"), [("AccessDeniedException", 2.0), ("ParameterNotFound", 5.0)])
def test_pauses_grow_up_to_the_cap_and_start_over_after_a_recovery(
    serve: Serve, clock: Clock, code: str, first: float
) -> None:
    """A failing read is made after 2 seconds (5 when missing), 4, 8, … 60, 60; after a good one it is 2 again."""
    ssm = FakeSsm(**{"/a": "1"})
    server = serve(lambda call: aws_error(code, "no"))
    config.configure(max_age=100)

    def read() -> object:
        try:
            return config.get("ssm:///a", default=None)
        except config.ConfigError:
            return None

    read()
    for number, waited in enumerate(pauses(server, clock, 8, read)):
        expected = min(60.0, first * 2**number)
        assert expected * 0.9 - 0.5 <= waited <= expected * 1.1 + 0.5
    failing, server.answer = server.answer, ssm
    clock.advance(70)
    assert read() == "1"
    clock.advance(111)
    server.answer = failing
    read()
    assert pauses(server, clock, 1, read)[0] <= first * 1.1 + 0.5


@pytest.mark.parametrize("clock_name", ["wall", "monotonic"])
def test_two_fields_of_different_ages(serve: Serve, clock: Clock, clock_name: str) -> None:
    """A field that is good for a second is read anew after it, its neighbour of 300 seconds is not."""
    ssm = FakeSsm(**{"/slow": "1", "/fast": "1"})
    server = serve(ssm)

    class Settings(config.Settings):
        slow: int = config.ssm("/slow", max_age=300)
        fast: int = config.ssm("/fast", max_age=1)

    Settings.load()
    ssm.parameters |= {"/slow": "2", "/fast": "2"}

    def advance(seconds: float) -> None:
        setattr(clock, clock_name, getattr(clock, clock_name) + seconds)

    advance(0.5)
    assert (Settings.load().slow, Settings.load().fast) == (1, 1)
    advance(1)
    settings = Settings.load()
    assert (settings.slow, settings.fast) == (1, 2)
    assert server.calls[-1].json["Name"] == "/fast"
    advance(340)
    assert Settings.load().slow == 2


@pytest.mark.parametrize("clock_name", ["wall", "monotonic"])
@pytest.mark.parametrize("way", ["get", "load"])
def test_a_freeze_is_seen_by_one_clock_alone(serve: Serve, clock: Clock, way: str, clock_name: str) -> None:
    """Whichever clock went on during a freeze, a value that is too old by it is read anew, on every way."""
    ssm = FakeSsm(**{"/a": "1"})
    serve(ssm)

    class Settings(config.Settings):
        a: int = config.ssm("/a")

    def read() -> int:
        return config.get("ssm:///a", type=int) if way == "get" else Settings.load().a

    assert read() == 1
    ssm.parameters["/a"] = "2"
    setattr(clock, clock_name, getattr(clock, clock_name) + 250)
    assert read() == 1
    setattr(clock, clock_name, getattr(clock, clock_name) + 100)
    assert read() == 2


@pytest.mark.parametrize(("monotonic", "wall"), [(0, 25), (25, 0), (0, -25)])
def test_an_idle_connection_is_not_trusted_after_a_freeze(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, monotonic: float, wall: float
) -> None:
    """A connection that was idle for 20 seconds by either clock is replaced before it is used."""
    server = serve(FakeSsm(**{"/a": "1", "/b": "2", "/c": "3"}))
    config.get("ssm:///a")
    config.get("ssm:///b")
    assert server.connections == 1

    class Time:
        monotonic = staticmethod(lambda: time.monotonic() + monotonic)
        time = staticmethod(lambda: time.time() + wall)

    monkeypatch.setattr(http, "time", Time)
    assert config.get("ssm:///c") == "3"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *((f"AWS_ENDPOINT_URL{name}", "other") for name in ("_SSM", "_SECRETS_MANAGER", "_APPCONFIGDATA", "_DYNAMODB")),
        ("AWS_ENDPOINT_URL", "other"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDOTHER"),
    ],
)
def test_each_variable_of_the_endpoint_forgets_everything(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """When one of them changes, nothing that was read before is given out, by get() or by load()."""
    first = serve(FakeSsm(**{"/a": "first"}))
    second = serve(FakeSsm(**{"/a": "second"}))

    class Settings(config.Settings):
        a: str = config.ssm("/a")

    assert (config.get("ssm:///a"), Settings.load().a) == ("first", "first")
    monkeypatch.setenv(variable, second.url if value == "other" else value)
    expected = "second" if variable in {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"} else "first"
    before = len(first.calls) + len(second.calls)
    assert (config.get("ssm:///a"), Settings.load().a) == (expected, expected)
    assert len(first.calls) + len(second.calls) == before + 1


@pytest.mark.parametrize("variable", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_a_switch_of_the_endpoint_forgets_everything(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Asking for another kind of endpoint is noticed: here it is refused beside a custom one."""
    serve(FakeSsm(**{"/a": "1"}))
    assert config.get("ssm:///a") == "1"
    monkeypatch.setenv(variable, "true")
    with pytest.raises(config.InvalidConfig, match=variable):
        config.get("ssm:///a")


class Container:
    """A container's credentials service whose answers expire in `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked = 0
        self.broken = False

    def __call__(self, call: Call) -> Answer:
        """Give the next credentials."""
        self.asked += 1
        if self.broken:
            return Answer("", 500)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.seconds))
        return Answer({"AccessKeyId": f"AKID{self.asked}", "SecretAccessKey": "s", "Token": "t", "Expiration": expires})


@pytest.mark.parametrize(
    ("seconds", "broken", "outcome"),
    [
        (3600, False, "AKID1"),  # long good: not asked again
        (310, False, "AKID1"),
        (290, False, "AKID2"),  # within five minutes of expiry: fetched anew
        (290, True, "AKID1"),  # the service is broken: the old ones are good for a while
        (40, True, "AKID1"),
        (20, True, None),  # but not to the last second
    ],
)
def test_credentials_before_their_expiry(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, seconds: float, broken: bool, outcome: str | None
) -> None:
    """Credentials are renewed five minutes before they expire; a broken service is borne until half a minute before."""
    container = Container(seconds)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(container).url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    pool = Pool(1, 1)
    source = CredentialsSource(pool)
    source.get(Deadline(2))
    container.broken = broken
    if outcome is None:
        with pytest.raises(Failure, match="status 500"):
            source.get(Deadline(2))
    else:
        assert source.get(Deadline(2)).access_key == outcome
    pool.close()


def test_the_relative_variable_leads_to_the_containers_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is a path at 169.254.170.2, and wins over the full one."""
    asked: list[Any] = []

    def request(self: Pool, endpoint: Any, request: Any, deadline: Deadline) -> Any:
        asked.append((str(endpoint), request.query))
        return http.Response(200, {}, b'{"AccessKeyId": "AKID", "SecretAccessKey": "s"}')

    monkeypatch.setattr(Pool, "request", request)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:1/other")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/abc?x=1")
    assert CredentialsSource(Pool(1, 1)).get(Deadline(1)).access_key == "AKID"
    assert asked == [("http://169.254.170.2/v2/credentials/abc", "x=1")]
