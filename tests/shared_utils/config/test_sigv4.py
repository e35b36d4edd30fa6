"""Signatures, held against botocore's signer."""

from __future__ import annotations

import string
from unittest import mock

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.compat import datetime
from botocore.credentials import Credentials as SdkCredentials
from hypothesis import given
from hypothesis import strategies as st

from shared_utils.config.aws.credentials import Credentials
from shared_utils.config.aws.http import Request
from shared_utils.config.aws.sigv4 import sign
from shared_utils.config.references import quote

WORDS = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=20)
HEADER_VALUES = st.text(string.ascii_letters + string.digits + " \t/=+;,.:", max_size=40)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PATHS = st.lists(st.one_of(st.sampled_from(["", ".", "..", "a"]), ANY_TEXT.map(quote)), max_size=6).map(
    lambda parts: "/" + "/".join(parts)
)
QUERIES = st.lists(st.tuples(ANY_TEXT.map(quote), ANY_TEXT.map(quote)), max_size=5).map(
    lambda pairs: "&".join("=".join(pair) for pair in pairs)
)
NOT_SIGNED = {*botocore.auth.SIGNED_HEADERS_BLACKLIST, "host", "date", "authorization", "x-amz-content-sha256"}
HEADERS = st.dictionaries(WORDS.map(str.lower).filter(lambda name: name not in NOT_SIGNED), HEADER_VALUES, max_size=5)
NOW = datetime.datetime(2026, 11, 27)
DATES = st.datetimes(min_value=datetime.datetime(2000, 1, 1), max_value=datetime.datetime(2099, 12, 31))


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=100),
    keys=st.tuples(WORDS, st.text(string.printable.strip(), min_size=1, max_size=50), st.none() | WORDS),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1", "cn-north-1"]),
    service=st.sampled_from(["ssm", "secretsmanager", "appconfig"]),
    date=DATES,
)
def test_signatures_are_those_of_botocore(
    *,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    keys: tuple[str, str, str | None],
    region: str,
    service: str,
    date: datetime.datetime,
) -> None:
    """For any request, credentials, region, service and time, the signed headers are those that botocore makes."""
    ours, theirs = signatures(
        Request(method, path, query, headers=headers, body=body),
        keys=keys,
        region=region,
        service=service,
        date=date,
    )
    assert ours == theirs


def signatures(
    request: Request,
    *,
    keys: tuple[str, str, str | None] = ("AKID", "secret", "token"),
    region: str = "eu-central-1",
    service: str = "ssm",
    date: datetime.datetime = NOW,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers with our signature, and with that of botocore."""
    host = f"{service}.{region}.amazonaws.com"
    url = f"https://{host}{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {"host": host, **request.headers}
    theirs = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
    with mock.patch("botocore.auth.get_current_datetime", return_value=date):
        botocore.auth.SigV4Auth(SdkCredentials(*keys), service, region).add_auth(theirs)
    request.headers = headers
    ours = sign(
        request,
        credentials=Credentials(*keys),
        region=region,
        service=service,
        timestamp=date.strftime("%Y%m%dT%H%M%SZ"),
    )
    return ours, {name.lower(): value for name, value in theirs.headers.items()}


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/.", "/..", "/a/", "/a//b", "/../a", "/a/./b/../c/", "/a%20b", "/%2F"]
)
@pytest.mark.parametrize(
    "query", ["", "a", "a&b=1", "a=b=c", "=b", "a=2&a=1", "a&a=", "b=&a=", "a-=1&a=2", "a=%20&a=+"]
)
def test_paths_and_queries_of_any_form_are_signed_as_botocore_does(path: str, query: str) -> None:
    """With and without values, in any order, empty or with steps up and down."""
    ours, theirs = signatures(Request("GET", path, query, headers={}))
    assert ours == theirs


@pytest.mark.parametrize("token", [None, "", "token", "t/o+k=e n"])
@pytest.mark.parametrize("body", [b"", b"{}", "ü".encode()])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_headers_and_bodies_are_signed_as_botocore_does(method: str, body: bytes, token: str | None) -> None:
    """White space in a header counts once, and not at its ends; names in any order."""
    headers = {"x-b": "  a   b c  ", "x-a": "", "content-type": "application/x-amz-json-1.1", "x-amz-target": "A.B"}
    ours, theirs = signatures(Request(method, "/", headers=headers, body=body), keys=("AKID", "secret", token))
    assert ours == theirs


@pytest.mark.parametrize("text", ["plain", "a b", "ü€😀", "%/?#[]@!$&'()*+,;=", "~-._"])
def test_percent_encoding_is_rfc_3986(text: str) -> None:
    """Quoting keeps the unreserved characters and nothing else, as urllib's does when told so."""
    from urllib.parse import quote as theirs

    assert quote(text) == theirs(text, safe="-_.~")
