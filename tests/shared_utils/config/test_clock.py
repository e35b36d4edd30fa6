"""Clocks that are wrong, and credentials that expire too early: one more request, not an error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared_utils import config
from tests.support.fake_aws import Answer, FakeAppConfigData, FakeSsm, aws_error
from tests.support.fault_proxy import clock_error, fault_proxy, skewed_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]


class Clocked:
    """A service whose clock is `ahead` seconds ahead, in front of another one."""

    def __init__(self, service: Callable[[Call], Answer], ahead: float) -> None:
        self.service = service
        self.ahead = ahead

    def __call__(self, call: Call) -> Answer:
        """Refuse what is signed by another time."""
        wrong = clock_error(call.headers["x-amz-date"], self.ahead)
        if wrong is None:
            return self.service(call)
        message, date = wrong
        return Answer({"__type": "InvalidSignatureException", "message": message}, 403, {"Date": date})


@pytest.mark.parametrize("ahead", [-86400.0, -400.0, 400.0, 3600.0])
def test_a_wrong_clock_takes_one_more_request(serve: Serve, ahead: float) -> None:
    """A request refused for its time is signed once more by the service's clock, and later ones at once."""
    server = serve(Clocked(FakeSsm(**{"/a": "1", "/b": "2"}), ahead))
    assert config.get("ssm:///a") == "1"
    assert len(server.calls) == 2
    assert config.get("ssm:///b") == "2"
    assert len(server.calls) == 3


def test_a_clock_that_is_set_right_is_noticed(serve: Serve) -> None:
    """After the clock was corrected (a thaw), what was learned of it is corrected as well."""
    clocked = Clocked(FakeSsm(**{"/a": "1", "/b": "2"}), 3600)
    server = serve(clocked)
    assert config.get("ssm:///a") == "1"
    clocked.ahead = 0
    assert config.get("ssm:///b") == "2"
    assert len(server.calls) == 4


def test_an_appconfig_token_is_not_lost_by_a_wrong_clock(serve: Serve) -> None:
    """A refused signature has spent no token: the same session goes on."""
    clocked = Clocked(FakeAppConfigData(interval=0), 0)
    server = serve(clocked)
    config.get("appconfig://a/b/c")
    clocked.ahead = 1000
    assert config.get("appconfig://a/b/c", max_age=0) == {"page_size": 20}
    assert server.operations.count("/configurationsessions") == 1


@pytest.mark.parametrize("date", ["%a, %d %b %Y %H:%M:%S GMT", "", "yesterday"], ids=["now", "none", "unusable"])
def test_a_signature_that_is_wrong_for_another_reason_is_told_at_once(serve: Serve, date: str) -> None:
    """With the clocks agreed (or no usable Date), a bad signature is the credentials' fault: one request, one error."""
    headers = {"Date": time.strftime(date, time.gmtime())} if date else {}
    server = serve(lambda call: Answer({"__type": "SignatureDoesNotMatch", "message": "no"}, 403, headers))
    with pytest.raises(config.ConfigUnavailable, match="SignatureDoesNotMatch"):
        config.get("ssm:///a")
    assert len(server.calls) == 1


def test_a_service_that_never_agrees_is_asked_twice(serve: Serve) -> None:
    """Once more is once: a service whose Date leads nowhere ends in its error."""
    headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    server = serve(lambda call: Answer({"__type": "RequestTimeTooSkewed", "message": "no"}, 403, headers))
    with pytest.raises(config.ConfigUnavailable, match="RequestTimeTooSkewed"):
        config.get("ssm:///a")
    assert len(server.calls) == 2


def test_through_a_proxy_with_a_skewed_clock(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, as the fault proxy plays it."""
    upstream = serve(FakeSsm(**{"/a": "1"}))
    with fault_proxy(upstream.url) as proxy:
        proxy.add("GetParameter", skewed_clock(900), times=100)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        assert config.get("ssm:///a") == "1"
        assert proxy.count("GetParameter") == 2


class Expiring:
    """A service that takes one session token only, and a container's credentials service that gives the next one."""

    def __init__(self) -> None:
        self.number = 1
        self.good = "token-1"
        self.fetched = 0
        self.ssm = FakeSsm(**{"/a": "1", "/b": "2"})

    def __call__(self, call: Call) -> Answer:
        """Answer for both services."""
        if call.target == "/credentials":
            self.fetched += 1
            return Answer(
                {
                    "AccessKeyId": "AKID",
                    "SecretAccessKey": "secret",
                    "Token": f"token-{self.number}",
                    "Expiration": "2099-01-01T00:00:00Z",
                }
            )
        if call.headers.get("x-amz-security-token") != self.good:
            return aws_error("ExpiredTokenException", "The security token included in the request is expired")
        return self.ssm(call)


@pytest.fixture
def expiring(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Expiring:
    """Both services, and an environment that asks them."""
    made = Expiring()
    server = serve(made)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/credentials")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    return made


@pytest.mark.parametrize("transport", ["signed", "boto3"])
def test_expired_credentials_are_fetched_anew(
    expiring: Expiring, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """A token that the service calls expired, before its time, is replaced and the request sent once more."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    assert config.get("ssm:///a") == "1"
    expiring.number, expiring.good = 2, "token-2"
    assert config.get("ssm:///b") == "2"
    assert expiring.fetched == 2


@pytest.mark.parametrize("transport", ["signed", "boto3"])
def test_credentials_that_stay_expired_are_told(
    expiring: Expiring, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """Once is once: when the new credentials are expired, too, the error says so."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    expiring.good = "none"
    with pytest.raises(config.ConfigUnavailable, match="ExpiredTokenException"):
        config.get("ssm:///a")
    assert expiring.fetched <= 2


def test_expired_credentials_of_the_environment_are_read_anew(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment has other credentials by then, they are used; the same ones are not sent twice."""
    expiring = Expiring()
    expiring.good = "session-token"

    def rotate(call: Call) -> Answer:
        if call.headers.get("x-amz-security-token") == "old":
            monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")
        return expiring(call)

    server = serve(rotate)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old")
    assert config.get("ssm:///a") == "1"
    assert len(server.calls) == 2
    expiring.good = "another"
    with pytest.raises(config.ConfigUnavailable):
        config.get("ssm:///b")
    assert len(server.calls) == 3
