"""Answers that are refused although a good one stands behind what is wrong with them; and odd ones that are fine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared_utils import config
from tests.support.fake_aws import Answer, FakeAppConfigData, FakeSsm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]

PARAMETER = {"Parameter": {"Name": "/a", "Type": "String", "Value": "canary-good", "Version": 1}}
BODY = json.dumps(PARAMETER).encode()
LARGE = json.dumps({**PARAMETER, "Padding": "x" * (8 * 1024 * 1024)}).encode()
HEAD = b"HTTP/1.1 200 OK\r\n"


def with_length(length: object, body: bytes = BODY, head: bytes = HEAD) -> bytes:
    """Return an answer with that Content-Length."""
    return head + f"Content-Length: {length}\r\n\r\n".encode() + body


def chunked(*chunks: bytes) -> bytes:
    """Return an answer in chunks that are given with their sizes."""
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def chunk(data: bytes) -> bytes:
    """Return a chunk with its size."""
    return f"{len(data):x}".encode() + b"\r\n" + data + b"\r\n"


REFUSED = {
    "a large body": with_length(len(LARGE), LARGE),
    "a large body in chunks": chunked(chunk(LARGE[:5_000_000]), chunk(LARGE[5_000_000:]), b"0\r\n\r\n"),
    "a large body up to the end": HEAD + b"\r\n" + LARGE,
    "two lengths, the first right": HEAD + f"Content-Length: {len(BODY)}\r\n".encode() + with_length(1, head=b""),
    "two lengths, the last right": HEAD + b"Content-Length: 1\r\n" + with_length(len(BODY), head=b""),
    "a negative length": with_length(-1),
    "a length with a sign": with_length(f"+{len(BODY)}"),
    "a length in words": with_length("many"),
    "a chunk's size that is none": chunked(b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a negative chunk": chunked(f"-{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": chunked(f"{len(BODY) - 1:x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"),
    "a chunk without its end of line": chunked(f"{len(BODY):x}\r\n".encode() + BODY + b"XX0\r\n\r\n"),
    "chunks without an end": chunked(chunk(BODY)),
    "another coding": HEAD + b"Transfer-Encoding: gzip\r\n" + with_length(len(BODY), head=b""),
    "a redirect": with_length(len(BODY), head=b"HTTP/1.1 302 Found\r\nLocation: /\r\n"),
    "a permanent redirect": with_length(len(BODY), head=b"HTTP/1.1 308 Moved\r\nLocation: /\r\n"),
    "another protocol": with_length(len(BODY), head=b"ICY 200 OK\r\n"),
    "another version": with_length(len(BODY), head=b"HTTP/2.0 200 OK\r\n"),
    "a change of protocol": with_length(len(BODY), head=b"HTTP/1.1 101 Switching\r\n"),
    "no content": with_length(len(BODY), head=b"HTTP/1.1 204 No Content\r\n"),
    "a status that is none": with_length(len(BODY), head=b"HTTP/1.1 2000 OK\r\n".replace(b"2000", b"2x0")),
    "a header without a colon": with_length(len(BODY), head=HEAD + b"nonsense\r\n"),
    "a folded header": with_length(len(BODY), head=HEAD + b"X-A: b\r\n c: d\r\n"),
    "a created": with_length(len(BODY), head=b"HTTP/1.1 206 Partial\r\n"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_good_answer_behind_a_fault_is_not_taken(serve: Serve, case: str) -> None:
    """Where the end of an answer, its size or its protocol is wrong, nothing of it is used."""
    serve(lambda call: Answer(raw=REFUSED[case]))
    config.configure(deadline=1.5)
    with pytest.raises(config.ConfigUnavailable) as caught:
        config.get("ssm:///a", default="never")
    assert "canary" not in str(caught.value)


FINE = {
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + with_length(len(BODY)),
    "two interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + with_length(len(BODY)),
    "one length twice": HEAD + f"Content-Length: {len(BODY)}\r\n".encode() + with_length(len(BODY), head=b""),
    "chunks": chunked(chunk(BODY[:10]), chunk(BODY[10:]), b"0\r\n\r\n"),
    "chunks with extensions and trailers": chunked(
        f"{len(BODY):X};a=b\r\n".encode() + BODY + b"\r\n0\r\nX-Checksum: 1\r\n\r\n"
    ),
    "up to the end": HEAD + b"\r\n" + BODY,
    "an old server": with_length(len(BODY), head=b"HTTP/1.0 200 OK\r\n"),
    "no reason": with_length(len(BODY), head=b"HTTP/1.1 200\r\n"),
    "a body at the limit": with_length(8 * 1024 * 1024, BODY + b" " * (8 * 1024 * 1024 - len(BODY))),
}


@pytest.mark.parametrize("case", FINE)
def test_odd_answers_that_are_fine(serve: Serve, case: str) -> None:
    """Interim answers, chunks, closing servers: RFC 9112 allows them."""
    serve(lambda call: Answer(raw=FINE[case]))
    assert config.get("ssm:///a") == "canary-good"


def test_the_scope_has_each_services_signing_name(serve: Serve) -> None:
    """AppConfigData signs as appconfig; the others by their names."""
    ssm, data = FakeSsm(**{"/a": "1"}), FakeAppConfigData()

    def answer(call: Call) -> Answer:
        if "configuration" in call.target:
            return data(call)
        if call.operation == "GetItem":
            return Answer({"Item": {"id": {"S": "1"}}})
        return Answer({"SecretString": "s"}) if call.operation == "GetSecretValue" else ssm(call)

    server = serve(answer)
    scopes = []
    for reference in ("ssm:///a", "secret://a", "appconfig://a/b/c", "dynamodb://t/1"):
        config.get(reference)
        scopes.append(server.calls[-1].headers["authorization"].split("/")[3])
    assert scopes == ["ssm", "secretsmanager", "appconfig", "dynamodb"]


def test_an_endpoint_with_a_path(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint's path comes before the API's own, in the request and in the signature."""
    data = FakeAppConfigData()
    seen: list[str] = []

    def answer(call: Call) -> Answer:
        seen.append(call.target)
        call.target = call.target.removeprefix("/base/v1")
        return data(call) if "configuration" in call.target else Answer(PARAMETER)

    server = serve(answer)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{server.url}/base/v1/")
    assert config.get("ssm:///a") == "canary-good"
    assert config.get("appconfig://a/b/c") == {"page_size": 20}
    assert seen[0] == "/base/v1/"
    assert seen[1] == "/base/v1/configurationsessions"
    assert seen[2].startswith("/base/v1/configuration?configuration_token=")


@pytest.mark.parametrize("token", ["one\r\nx-evil: 1", "one\ntwo", "one\rtwo", "ünïcode"])
def test_a_line_break_inside_a_session_token(serve: Serve, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """A token that would make another header is refused before anything is sent, and not shown."""
    server = serve(FakeSsm(**{"/a": "1"}))
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    with pytest.raises(config.InvalidConfig, match="a character that none can") as caught:
        config.get("ssm:///a")
    assert server.calls == []
    assert "evil" not in str(caught.value)


def test_a_flag_that_says_false_in_words_is_no_bool(serve: Serve) -> None:
    """``{"enabled": "false"}`` is not a feature flag, and a text in it is not read as a truth value."""
    serve(FakeAppConfigData(content=b'{"f": {"enabled": "false"}, "g": {"enabled": 0}, "h": {"enabled": false}}'))
    for flag in ("f", "g"):
        with pytest.raises(config.InvalidConfig, match="true or false"):
            config.get(f"appconfig://a/b/c#{flag}", type=bool)
    assert config.get("appconfig://a/b/c#h", type=bool) is False
