"""Credentials of the environment and of a container's service: what is asked, what is taken, when, and what is said."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.config.aws.credentials import Credentials, CredentialsSource, available
from shared_utils.config.aws.http import Pool
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.outcomes import (
    BRIEFLY,
    DENIED,
    FAILING,
    INVALID,
    MORE_TIME,
    NEVER,
    THROTTLED,
    UNAVAILABLE,
    Failure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.scripted import Scripted

    Serve = Callable[..., Scripted]

KEYS = {"AccessKeyId": "AKID", "SecretAccessKey": "c4n4ry", "Token": "token"}
VARIABLES = [
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
]


@pytest.fixture
def another_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without credentials."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source() -> Iterator[CredentialsSource]:
    """A source of its own."""
    pool = Pool(20.0, 20.0)
    yield CredentialsSource(pool)
    pool.close()


def answer(body: object, status: str = "200 OK") -> bytes:
    """Return an answer of the service."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data


def parts(credentials: Credentials) -> tuple[str, str, str | None]:
    """Return what credentials consist of."""
    return credentials.access_key, credentials.secret_key, credentials.token


@pytest.mark.parametrize(
    ("access", "secret", "token", "found"),
    [
        *((" AKID ", "\tsecret\n", " token ", ("AKID", "secret", "token")), ("AKID", "s", "", ("AKID", "s", None))),
        *(
            ("AKID", "s", None, ("AKID", "s", None)),
            ("AKID", "", "t", None),
            ("", "s", "t", None),
            (" ", "s", None, None),
        ),
        *((None, "s", None, None), ("AKID", None, None, None)),
    ],
)
def test_keys_of_the_environment(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, *, access: Any, secret: Any, token: Any, found: Any
) -> None:
    """Both are needed; spaces around them are no part of them, and what is empty is absent."""
    for name, value in zip(VARIABLES, (access, secret, token), strict=False):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert available() is (found is not None)
    if found is not None:
        assert parts(source.get(Deadline(1))) == found
        return
    with pytest.raises(Failure) as caught:
        source.get(Deadline(1))
    assert (caught.value.kind, caught.value.code) == (DENIED, "NoCredentials")
    assert caught.value.what == "there are no AWS credentials in the environment"
    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with boto3 installed"
    assert caught.value.hint == hint


def container(monkeypatch: pytest.MonkeyPatch, server: Scripted, path: str = "/creds?role=a%20b") -> None:
    """Let the variable name a server."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.endpoint.port}{path}")


@pytest.mark.parametrize(("path", "target"), [("/creds?role=a%20b", "/creds?role=a%20b"), ("", "/"), ("/a", "/a")])
@pytest.mark.parametrize("token", [None, " secret-token\n"])
def test_what_the_service_is_asked(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve, *, path: str, target: str, token: Any
) -> None:
    """The address as it is, and the token where there is one."""
    server = scripted([answer(KEYS)])
    container(monkeypatch, server, path)
    if token is not None:
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
    assert available()
    assert parts(source.get(Deadline(20))) == ("AKID", "c4n4ry", "token")
    lines = [f"GET {target} HTTP/1.1", f"host: 127.0.0.1:{server.endpoint.port}", "accept: application/json"]
    lines += ["authorization: secret-token"] if token else []
    assert server.requests == [(0, "\r\n".join([*lines, "", ""]).encode())]


def test_the_token_of_a_file_comes_first(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve, tmp_path: Path
) -> None:
    """It is read each time; a file that is none, and a token of two lines, are told without being sent."""
    server = scripted([answer({**KEYS, "Expiration": "2020-01-01T00:00:00Z"})], [answer(KEYS)])
    container(monkeypatch, server)
    file = tmp_path / "token"
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "other")
    for number in range(2):
        file.write_text(f" token-{number}\n")
        source.get(Deadline(20))
        assert f"authorization: token-{number}\r\n".encode() in server.requests[number][1]
    other = CredentialsSource(Pool(1.0, 1.0))
    file.write_bytes(b"\xff\xfe")
    for _ in range(2):
        with pytest.raises(Failure) as caught:
            other.get(Deadline(20))
        assert caught.value.kind == INVALID
        assert caught.value.what == "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names a file that cannot be read"
        assert caught.value.hint == "check its path and mode"
        file.unlink(missing_ok=True)
    for broken in ("a\nb", "a\rb", "a\r\nb"):
        file.write_text(broken, newline="")
        with pytest.raises(Failure) as caught:
            other.get(Deadline(20))
        assert caught.value.what == "the container's authorization token has a line break in it"
        assert (caught.value.kind, caught.value.hint) == (INVALID, "write one line")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("raw", "status", "retry"),
    [
        *(
            (answer(KEYS, "500 No"), 500, FAILING),
            (answer(KEYS, "503 No"), 503, FAILING),
            (answer(KEYS, "499 No"), 499, NEVER),
        ),
        *(
            (answer(KEYS, "429 Slow"), 429, THROTTLED),
            (answer(KEYS, "201 Made"), 201, NEVER),
            (answer(b"{"), 200, NEVER),
        ),
        *((answer([]), 200, NEVER), (answer({**KEYS, "AccessKeyId": ""}), 200, NEVER), (answer("x"), 200, NEVER)),
        *((answer({**KEYS, "SecretAccessKey": 5}), 200, NEVER), (answer({"AccessKeyId": "AKID"}), 200, NEVER)),
        *((answer({**KEYS, "Expiration": "soon"}), 200, NEVER), (answer({**KEYS, "Expiration": 5}), 200, NEVER)),
    ],
)
def test_an_answer_without_credentials(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve, *, raw: bytes, status: int, retry: str
) -> None:
    """It says the status, what to check, and whether trying again helps."""
    container(monkeypatch, scripted([raw]))
    with pytest.raises(Failure) as caught:
        source.get(Deadline(20))
    what = f"the container's credentials service answered with status {status} and no credentials"
    hint = "try again; if it stays, check AWS_CONTAINER_CREDENTIALS_FULL_URI and its authorization token"
    assert (caught.value.kind, caught.value.what, caught.value.hint) == (UNAVAILABLE, what, hint)
    assert caught.value.retry == retry


END = 1_800_000_000  # 2027-01-15T08:00:00Z
ENDS = ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00", "2027-01-15T10:00:00+02:00", "2027-01-15T08:00:00.000Z"]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize(
    ("left", "works", "asked", "found"),
    [
        *((301, True, 1, "AKID"), (300, True, 2, "NEW"), (300, False, 2, "AKID"), (30, False, 2, "AKID")),
        *((29, False, 2, None), (29, True, 2, "NEW"), (-100, True, 2, "NEW"), (-100, False, 2, None)),
    ],
)
@pytest.mark.usefixtures("another_zone")
def test_when_they_are_fetched_anew(
    source: CredentialsSource,
    monkeypatch: pytest.MonkeyPatch,
    scripted: Serve,
    *,
    ends: str,
    left: int,
    works: bool,
    asked: int,
    found: str | None,
) -> None:
    """From 300 seconds before they expire; a failure is ignored until 30 seconds before it."""
    second = answer({**KEYS, "AccessKeyId": "NEW"}) if works else answer({}, "500 No")
    server = scripted([answer({**KEYS, "Expiration": ends})], [second])
    container(monkeypatch, server)
    now = END - 1000
    monkeypatch.setattr(time, "time", lambda: now)
    assert source.get(Deadline(20)).access_key == "AKID"
    now = END - left
    if found is None:
        with pytest.raises(Failure, match="status 500"):
            source.get(Deadline(20))
    else:
        assert source.get(Deadline(20)).access_key == found
    assert len(server.requests) == asked


def test_those_without_an_end_are_kept(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve
) -> None:
    """Until the service says that they are expired; then others are asked for, once."""
    server = scripted([answer({**KEYS, "Token": None})], [answer({**KEYS, "AccessKeyId": "NEW"})], [answer(KEYS)])
    container(monkeypatch, server)
    first = source.get(Deadline(20))
    assert source.get(Deadline(20)) is first
    assert parts(first) == ("AKID", "c4n4ry", None)
    second = source.renew(first, Deadline(20))
    assert second is not None
    assert second.access_key == "NEW"
    assert source.renew(first, Deadline(20)) is second  # another thread has renewed them already
    assert len(server.requests) == 2
    third = source.renew(second, Deadline(20))
    assert third is not None
    assert third.access_key == "AKID"


def test_renewed_ones_that_are_the_same_are_none(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve
) -> None:
    """Signing alike would fail alike."""
    container(monkeypatch, scripted([answer(KEYS)], [answer(KEYS)]))
    assert source.renew(source.get(Deadline(20)), Deadline(20)) is None


def test_two_that_sign_alike() -> None:
    """Key, secret and token together; nothing of them is printed."""
    one = Credentials("a", "b", "c")
    assert one.is_same_as(Credentials("a", "b", "c"))
    for other in (("x", "b", "c"), ("a", "x", "c"), ("a", "b", "x"), ("a", "b", None)):
        assert not one.is_same_as(Credentials(*other))
    assert repr(one) == "Credentials(**********)"


@pytest.mark.parametrize("uri", ["http://10.0.0.1/x", "http://169.254.170.1/x", "http://example.com/"])
def test_where_a_token_must_not_go(source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """The host is named, and where it may go."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
    with pytest.raises(Failure) as caught:
        source.get(Deadline(20))
    host = uri.split("/")[2]
    variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    assert caught.value.what == f"{variable} names {host}, to which a token must not be sent over plain http"
    hint = "use an address of this machine, 169.254.170.2, 169.254.170.23, [fd00:ec2::23], or https"
    assert (caught.value.kind, caught.value.hint) == (INVALID, hint)


def test_the_relative_variable_wins(source: CredentialsSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leads to the container's own address."""
    asked: list[str] = []

    def request(endpoint: Any, request: Any, deadline: Any) -> Any:
        asked.append(f"{endpoint} {request.path}?{request.query}")
        raise Failure(UNAVAILABLE, "no")

    monkeypatch.setattr(source._pool, "request", request)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", " /v2/x?a=b ")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/y")
    assert available()
    with pytest.raises(Failure):
        source.get(Deadline(20))
    assert asked == ["http://169.254.170.2/v2/x /v2/x?a=b"]


def test_who_waits_too_long_for_anothers_fetch_is_told(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, scripted: Serve
) -> None:
    """It may be tried again; the other one goes on."""
    import threading

    container(monkeypatch, scripted([answer(KEYS)]))
    found: list[Failure] = []

    def ask() -> None:
        try:
            source.get(Deadline(0.01))
        except Failure as failure:
            found.append(failure)

    with source._lock:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(0.9)  # it waits for 0.01 s; the rest is for a busy machine
    (failure,) = found
    assert failure.what == "the container's credentials were not fetched in time"
    assert (failure.kind, failure.hint, failure.retry) == (UNAVAILABLE, MORE_TIME, BRIEFLY)
    assert source.get(Deadline(20)).access_key == "AKID"
