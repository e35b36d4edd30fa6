"""Who signs: the environment, the container's credentials service, or nobody."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_utils import config
from shared_utils.config.aws import credentials as _credentials
from shared_utils.config.aws.credentials import Credentials, CredentialsSource
from shared_utils.config.aws.http import Pool
from shared_utils.config.aws.retry import Deadline
from shared_utils.config.client import client
from shared_utils.config.outcomes import Failure
from shared_utils.testing import CapturedLogs
from tests.support.fake_aws import Answer, Call, FakeSsm, Server

Serve = Callable[..., Server]


class FakeContainer:
    """A container credentials service; each answer has another key and expires in `seconds`."""

    def __init__(self, seconds: float = 3600, token: str | None = None) -> None:
        self.seconds = seconds
        self.token = token
        self.given = 0
        self.broken = False

    def __call__(self, call: Call) -> Answer:
        """Give credentials to whoever knows the token."""
        if self.broken:
            return Answer("canary", 500)
        if self.token is not None and call.headers.get("authorization") != self.token:
            return Answer("", 401)
        self.given += 1
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.seconds))
        keys = {"AccessKeyId": f"AKID{self.given}", "SecretAccessKey": "canary-key", "Token": "canary-token"}
        return Answer({**keys, "Expiration": expires})


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys as the emulator passes absent ones on: as empty strings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def source() -> Iterator[CredentialsSource]:
    """A source with a pool of its own."""
    pool = Pool(1.0, 3.0)
    yield CredentialsSource(pool)
    pool.close()


def test_the_environment_comes_first(source: CredentialsSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment are used as they are, with the token when there is one."""
    found = source.get(Deadline(1))
    assert (found.access_key, found.token) == ("AKIDEXAMPLE", "session-token")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    assert source.get(Deadline(1)).token is None
    assert "EXAMPLE" not in repr(found)


@pytest.mark.usefixtures("no_keys")
def test_without_any_the_error_says_what_to_set(source: CredentialsSource) -> None:
    """Empty strings count as no credentials."""
    with pytest.raises(Failure) as caught:
        source.get(Deadline(1))
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint


@pytest.mark.usefixtures("no_keys")
def test_container_credentials_sign_requests(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a container service, as under SnapStart, its keys sign; it is asked once for many requests."""
    ssm = serve(FakeSsm(**{"/a": "1", "/b": "2"}))
    container = FakeContainer(token="the-token")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(container).url + "/role?x=1")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-token")
    assert (config.get("ssm:///a"), config.get("ssm:///b")) == ("1", "2")
    assert container.given == 1
    assert all("Credential=AKID1/" in call.headers["authorization"] for call in ssm.calls)
    assert all(call.headers["x-amz-security-token"] == "canary-token" for call in ssm.calls)


@pytest.mark.usefixtures("no_keys")
def test_a_rotated_token_file_is_read_anew(
    serve: Serve, source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The authorization token's file is read at every refresh, and wins over the variable."""
    container = FakeContainer(seconds=10, token="first")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(container).url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not used")
    file = tmp_path / "token"
    file.write_text("first\n", "utf-8")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
    source.get(Deadline(5))
    container.token = "second"
    file.write_text("second", "utf-8")
    assert source.get(Deadline(5)).access_key == "AKID2"
    file.write_text("two\nlines", "utf-8")
    with pytest.raises(Failure, match="line break"):
        source.get(Deadline(5))
    file.unlink()
    with pytest.raises(Failure, match="cannot be read"):
        source.get(Deadline(5))


@pytest.mark.usefixtures("no_keys")
def test_credentials_are_fetched_before_they_expire(
    serve: Serve, source: CredentialsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five minutes before expiry new ones are fetched; if that fails, the old ones do while they last."""
    container = FakeContainer(seconds=1000)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(container).url)
    assert source.get(Deadline(5)).access_key == "AKID1"
    assert source.get(Deadline(5)).access_key == "AKID1"
    source._expires = time.time() + 200
    container.broken = True
    assert source.get(Deadline(5)).access_key == "AKID1"
    source._expires = time.time() + 5
    with pytest.raises(Failure, match="status 500") as caught:
        source.get(Deadline(5))
    assert "canary" not in str(caught.value)
    container.broken = False
    assert source.get(Deadline(5)).access_key == "AKID2"


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize(
    "uri",
    ["http://example.com/role", "http://169.254.169.254/role", "http://10.0.0.1/role", "http://[fd00:ec2::24]/role",
     "http://169.254.170.2.example.com/", "file:///etc/passwd", "nonsense"],
)  # fmt: skip
def test_the_token_goes_to_allowed_hosts_only(
    source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """Over plain http, a host that is not in AWS's list is refused before anything is sent."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary")
    with pytest.raises(Failure) as caught:
        source.get(Deadline(1))
    assert caught.value.kind == "invalid"


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("uri", ["http://169.254.170.2/x", "http://169.254.170.23/x", "http://[fd00:ec2::23]/x"])
def test_aws_own_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """The addresses of ECS and EKS are asked, over IPv4 and IPv6."""
    asked = []

    class Asking:
        def request(self, endpoint: object, request: object, deadline: object) -> object:
            asked.append(str(endpoint))
            raise Failure("unavailable", "nobody is there")

    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
    with pytest.raises(Failure, match="nobody is there"):
        CredentialsSource(Asking()).get(Deadline(1))  # type: ignore[arg-type]
    assert asked == [uri]


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"AccessKeyId": "A"}', '{"AccessKeyId": 5, "SecretAccessKey": 6}',
                                    '{"AccessKeyId": "A", "SecretAccessKey": "canary", "Expiration": "soon"}',
]
)  # fmt: skip
def test_answers_without_credentials_are_refused(
    serve: Serve, source: CredentialsSource, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """An answer that holds no usable credentials is an error that repeats nothing of it."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(lambda call: Answer(answer)).url)
    with pytest.raises(Failure, match="no credentials") as caught:
        source.get(Deadline(1))
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("real_aws")
def test_the_choice_of_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed requests where they do; the SDK for profiles, proxies, other CAs, or when credentials or region lack."""
    from shared_utils.config.aws.transports import choose

    assert choose()[0] == "signed"
    for name in ("AWS_PROFILE", "HTTPS_PROXY", "AWS_CA_BUNDLE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "x")
            assert choose() == ("boto3", f"{name} is set")
    with monkeypatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "x")
        patch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
        assert choose()[0] == "signed"
    for url, wanted in (("http://localhost:1", "signed"), ("http://[::1]", "signed"), ("http://localstack:1", "boto3")):
        with monkeypatch.context() as patch:
            patch.setenv("HTTP_PROXY", "x")
            patch.setenv("AWS_ENDPOINT_URL", url)
            assert choose()[0] == wanted
    with monkeypatch.context() as patch:
        patch.delenv("AWS_REGION")
        assert choose()[0] == "boto3"
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "")
        assert choose()[0] == "boto3"
    for name in ("signed", "boto3", "extension"):
        monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", name.upper())
        assert choose()[0] == name
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "carrier-pigeon")
    with pytest.raises(config.InvalidConfig, match="signed, boto3 or extension"):
        config.get("ssm:///a")


def test_the_choice_is_told_in_a_debug_line(serve: Serve, captured_logs: CapturedLogs) -> None:
    """With the level at DEBUG, one line says which transport was chosen and why; at INFO there is none."""
    from shared_utils import logging

    serve(FakeSsm(**{"/a": "1"}))
    config.get("ssm:///a")
    assert captured_logs == []
    logging.configure(level="DEBUG")
    client().forget()
    config.get("ssm:///a")
    (line,) = captured_logs
    assert (line["level"], line["transport"]) == ("DEBUG", "signed")
    assert line["reason"] == "the environment has credentials"


def test_tls_is_verified(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server whose certificate nobody vouches for gets no request; with its CA in AWS_CA_BUNDLE it does."""
    certificate = make_certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serve(FakeSsm(**{"/a": "1"}), tls=context)
    monkeypatch.setenv("SHARED_UTILS_CONFIG_TRANSPORT", "signed")
    config.configure(deadline=2.0)
    with pytest.raises(config.ConfigUnavailable, match="certificate"):
        config.get("ssm:///a")
    assert server.calls == []
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    client().forget()
    with pytest.raises(config.InvalidConfig, match="cannot be used; correct AWS_CA_BUNDLE"):
        config.get("ssm:///a")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    client().forget()
    assert config.get("ssm:///a") == "1"
    assert config.get("ssm:///a", max_age=0) == "1"
    assert server.connections == 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server.port}")  # another name than the certificate's
    with pytest.raises(config.ConfigUnavailable, match="certificate"):
        config.get("ssm:///a")
    assert len(server.calls) == 2


def test_a_company_ca_is_as_good_as_for_the_sdk(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A CA without the extensions that Python 3.13 asks for is taken there, too, as botocore takes it."""
    from botocore.httpsession import create_urllib3_context

    from layerctl.python.interpreters import find_interpreters

    assert Pool(1, 1)._context().verify_flags == create_urllib3_context().verify_flags
    interpreters = find_interpreters(["python3.13", "python3.14"])
    if not interpreters:
        pytest.skip("no Python 3.13 here")
    certificate = make_certificate(tmp_path, "localhost", issued=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serve(FakeSsm(**{"/a": "1"}), tls=context)
    variables = {"AWS_CA_BUNDLE": str(tmp_path / "ca.pem"), "SHARED_UTILS_CONFIG_TRANSPORT": "signed"}
    variables |= {"PYTHONPATH": str(Path(config.__file__).parents[2]), "AWS_ENDPOINT_URL": server.url}
    command = [interpreters[0].path, "-c", "from shared_utils import config; print(config.get('ssm:///a'))"]
    variables = {**os.environ, **variables}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "1\n", done.stderr


def make_certificate(folder: Path, name: str, *, issued: bool = False) -> Path:
    """Write a certificate with its key into one file: a self-signed one, or one that a CA in ``ca.pem`` has issued.

    Neither has the key identifiers and usages that RFC 5280 asks of a CA: like those of many companies.
    """
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.now(UTC)

    def make(subject: str, issuer: str, key: Any, signer: Any, *, ca: bool) -> bytes:
        builder = x509.CertificateBuilder().public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        builder = builder.issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=False)
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    key, signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    if issued:
        (folder / "ca.pem").write_bytes(make("company", "company", signer, signer, ca=True))
        made = make(name, "company", key, signer, ca=False)
    else:
        made = make(name, name, key, key, ca=True)
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made)
    return file


def test_nothing_of_a_credential_is_ever_printed() -> None:
    """Credentials mask themselves."""
    assert repr(Credentials("AKID", "canary", "canary")) == "Credentials(**********)"
    assert _credentials.available()
