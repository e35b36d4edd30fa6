"""Servers that delay, cut, throttle, answer nonsense or redirect: a read ends in a value or a ConfigError, in time."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import config
from shared_utils.config.aws.retry import Deadline, current_deadline
from shared_utils.invocation import lifecycle as _invocation
from shared_utils.testing import LambdaContext
from tests.support.fake_aws import Answer, FakeSsm, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]

GOOD = Answer({"Parameter": {"Name": "/a", "Type": "String", "Value": "fresh", "Version": 1}})
WHOLE = GOOD.encode()

FAULTS = {
    "throttled": aws_error("ThrottlingException", "Rate exceeded"),
    "failing": aws_error("InternalServerError", "sorry", 500),
    "failing without a code": Answer("", 503),
    "html": Answer("<html>canary-page</html>", 200, {"Content-Type": "text/html"}),
    "html error": Answer("<html>canary-page</html>", 502, {"Content-Type": "text/html"}),
    "half json": Answer('{"Parameter": {"Name": "/a", "Value": "canary-va'),
    "other json": Answer('["Parameter"]'),
    "json of another shape": Answer({"Parameter": "canary"}),
    "json without a value": Answer({"Parameter": {"Name": "/a", "Value": None}}),
    "a number for a value": Answer({"Parameter": {"Name": "/a", "Value": 5}}),
    "empty": Answer(""),
    "redirect": Answer("", 302, {"Location": "http://127.0.0.1:1/"}),
    "redirect for ever": Answer("", 308, {"Location": "/"}),
    "cut in the head": Answer(raw=WHOLE[:20]),
    "cut in the body": Answer(raw=WHOLE[:-10]),
    "closed at once": None,
    "not http": Answer(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "a length that is none": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "two lengths": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "a huge length": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{}"),
    "an endless head": Answer(raw=b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20000),
    "a broken chunk": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "deep json": Answer("[" * 100_000),
}


@pytest.mark.parametrize("transport", ["signed", "boto3", "extension"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_an_error_or_the_old_value(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, fault: str, transport: str
) -> None:
    """Whatever the server does, a first read is a ConfigError, and a later one gives the old value, neither late."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    server = serve(lambda call: FAULTS[fault])
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    config.configure(deadline=0.5)  # until when a service that fails or throttles is asked
    began = time.monotonic()
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get("ssm:///other", default="never")
    assert "canary" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__context__ is None
    assert time.monotonic() - began < 60  # no absolute promise on a loaded machine, but no hanging either

    server.answer = lambda call: GOOD
    config.refresh()
    config.configure(deadline=None)
    assert config.get("ssm:///a", max_age=0.0) == "fresh"
    config.configure(deadline=0.5)
    server.answer = lambda call: FAULTS[fault]
    assert config.get("ssm:///a", max_age=0.0) == "fresh"


@pytest.mark.parametrize("transport", ["signed", "boto3", "extension"])
def test_a_server_that_never_answers_is_left_at_the_deadline(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """A server that takes the request and says nothing holds a read for its time-outs, not for ever."""
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    config.configure(deadline=0.5, read_timeout=0.2)

    def silent(call: Call) -> None:
        server.stopping.wait(30)

    server = serve(silent)
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.port))
    began = time.monotonic()
    with pytest.raises(
        config.ConfigUnavailable, match=r"no whole answer within|gave no answer in time|no usable answer"
    ):
        config.get("ssm:///a")
    assert time.monotonic() - began < 10


def test_a_server_that_drips_is_left_at_the_deadline(serve: Serve) -> None:
    """One byte at a time keeps no read alive: the time-out is for the whole answer."""
    config.configure(deadline=0.6, read_timeout=0.3)

    def drip(call: Call) -> Drip:
        return Drip(server)

    server = serve(drip)
    began = time.monotonic()
    with pytest.raises(config.ConfigUnavailable, match="no whole answer within"):
        config.get("ssm:///a")
    assert time.monotonic() - began < 10


class Drip(Answer):
    """An answer whose bytes come one by one, a twentieth of a second apart: ten seconds in all."""

    def __init__(self, server: Server) -> None:
        super().__init__(GOOD.body)
        self.server = server

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes, until the server is stopped."""
        for number in range(len(WHOLE)):
            yield WHOLE[number : number + 1]
            if self.server.stopping.wait(0.05):
                return


@pytest.mark.parametrize("left_ms", [50, 400])
def test_a_read_leaves_the_invocation_its_time(serve: Serve, monkeypatch: pytest.MonkeyPatch, left_ms: int) -> None:
    """With little of the invocation left, a read gives up before Lambda ends it."""

    def silent(call: Call) -> None:
        server.stopping.wait(30)

    server = serve(silent)
    context = LambdaContext(timeout=left_ms / 1000)
    invocation = _invocation.Invocation(context)
    _invocation.begin(invocation)
    began = time.monotonic()
    with pytest.raises(config.ConfigUnavailable):
        config.get("ssm:///a")
    _invocation.reset()
    assert time.monotonic() - began < 2.5  # far less than the usual 8 s; noise apart, less than what was left


def test_the_reserve_is_a_tenth_of_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read may take nine tenths of the invocation's remaining time, and no more than the deadline."""
    context = LambdaContext(timeout=10)
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: 10_000)
    _invocation.begin(_invocation.Invocation(context))
    left, less = current_deadline(60).remaining(), current_deadline(5).remaining()
    _invocation.reset()
    assert 8.0 < left <= 9.0
    assert less <= 5.0
    assert current_deadline(60).remaining() > 59


def test_nobody_listening_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is a ConfigUnavailable that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    config.configure(deadline=1.0)
    with pytest.raises(config.ConfigUnavailable, match=f"no connection to 127.0.0.1:{port}"):
        config.get("ssm:///a")


KEYS = st.sampled_from(
    [
        "Parameter",
        "Parameters",
        "Value",
        "Type",
        "Name",
        "NextToken",
        "SecretString",
        "SecretBinary",
        "InitialConfigurationToken",
        "__type",
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reference=st.sampled_from(["ssm:///a", "ssm:///a/", "secret://a", "appconfig://a/b/c"]),
    status=st.sampled_from([200, 201, 204, 301, 400, 403, 404, 429, 500]),
    body=st.binary(max_size=60) | TREES.map(json.dumps),
    kind=st.sampled_from(["application/x-amz-json-1.1", "application/json", "text/html"]),
)
def test_arbitrary_answers_end_in_a_value_or_a_config_error(
    nonsense: Server, reference: str, status: int, body: bytes | str, kind: str
) -> None:
    """No answer, however malformed, makes a read end in anything but a value or a ConfigError."""
    config.configure(deadline=0.3)
    config.refresh()
    nonsense.answer = lambda call: Answer(body, status, {"Content-Type": kind})
    with contextlib.suppress(config.ConfigError):
        config.get(reference)


@pytest.fixture
def nonsense(serve: Serve) -> Server:
    """A server whose answers are set example by example."""
    return serve(lambda call: GOOD)


def test_a_kept_connection_that_died_is_replaced_silently(serve: Serve) -> None:
    """After the server (or a freeze) has ended a kept connection, the next read uses a new one and no try is lost."""
    server = serve(FakeSsm(**{"/a": "1", "/b": "2", "/c": "3"}))
    config.get("ssm:///a")
    config.get("ssm:///b")
    assert server.connections == 1
    server.hang_up()
    config.get("ssm:///c")
    assert len(server.calls) == 3
    assert server.connections == 2


def test_a_connection_that_dies_under_the_request_is_replaced_silently(serve: Serve) -> None:
    """A kept connection that closes instead of answering is no failed try: the request goes out once more at once."""
    ssm = FakeSsm(**{"/a": "1", "/b": "2"})
    server = serve(ssm)
    config.get("ssm:///a")
    seen = []

    def once_more(call: Call) -> Answer | None:
        seen.append(call)
        return None if len(seen) == 1 else ssm(call)

    server.answer = once_more
    assert config.get("ssm:///b") == "2"
    assert len(seen) == 2


@pytest.mark.usefixtures("real_aws")
def test_a_connection_failure_in_a_vpc_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """When AWS cannot be reached, the error names the endpoint or NAT that a VPC needs, not the service's health."""

    def unreachable(*_: object, **__: object) -> object:
        raise TimeoutError("")

    monkeypatch.setattr("shared_utils.config.aws.http.connect", unreachable)
    config.configure(deadline=0.5)
    for reference in ("ssm:///a", "secret://a", "appconfig://a/b/c"):
        with pytest.raises(config.ConfigUnavailable, match=r"no connection to .*amazonaws.com within") as caught:
            config.get(reference)
        (problem,) = caught.value.problems
        assert "interface endpoint of the service or a NAT gateway" in problem.hint
        assert "health" not in str(caught.value)


@pytest.mark.parametrize("transport", ["signed", "boto3", "extension"])
def test_no_hint_blames_what_was_not_asked(monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    """With nobody listening, no hint speaks of the service."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(port))
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", transport)
    config.configure(deadline=2)
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get("ssm:///a")
    (problem,) = caught.value.problems
    assert problem.hint
    assert "health" not in problem.hint


def test_a_read_without_time_is_told_as_one(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invocation that has no time left is told what could be changed; the service was not asked."""
    server = serve(FakeSsm(**{"/a": "1"}))
    monkeypatch.setattr("shared_utils.config.resolve.current_deadline", lambda longest: Deadline(0))
    with pytest.raises(config.ConfigUnavailable, match=r"no time was left to ask; .*configure\(deadline"):
        config.get("ssm:///a")
    assert server.calls == []
