"""A clean environment and an empty store for every test, and the local AWS that some of them ask for."""

from __future__ import annotations

import functools
import os
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shared_utils.config import overrides
from shared_utils.config.client import Limits, client
from shared_utils.config.sources import registry
from tests.support.fake_aws import Server
from tests.support.fake_clock import Clock
from tests.support.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No variable of the machine's own, credentials that open nothing, nothing read before."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SHARED_UTILS_", "PARAMETERS_SECRETS_", "REQUESTS_CA")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)
    nowhere = tmp_path_factory.getbasetemp() / "no-such-file"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-example")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")
    config_client = client()
    config_client.limits = Limits()
    config_client.forget()
    monkeypatch.setattr(overrides, "_warned", False)
    monkeypatch.setattr(registry, "_sources", dict(registry._sources))  # what a test registers
    yield
    config_client.limits = Limits()
    config_client.forget()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Start scripted servers; the first one of a test becomes the AWS endpoint."""
    running: list[Server] = []

    def start(answer: Any, **more: Any) -> Server:
        server = Server(answer, **more)
        if not running:
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        running.append(server)
        return server

    yield start
    client().forget()  # our side of the connections first
    for server in running:
        server.stop()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks that the cache and the fast path look at."""
    clock = Clock()

    class Time:
        @staticmethod
        def monotonic() -> float:
            return clock.monotonic

        @staticmethod
        def time() -> float:
            return clock.wall

    for module in ("entries", "lookup", "load"):
        monkeypatch.setattr(f"shared_utils.config.{module}.time", Time)
    monkeypatch.setattr(client()._cache, "_now", clock.now)
    return clock


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of a moto server that lives as long as the worker's session."""
    import logging

    from moto.backends import get_backend
    from moto.server import ThreadedMotoServer

    # Else the first request to a service loads it, which a read's time-out would not wait for.
    for service in ("dynamodb", "secretsmanager", "ssm"):
        get_backend(service)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clients(moto: str) -> Callable[[str], Any]:
    """Give boto3 clients for the local AWS, each made once."""

    @functools.cache
    def client(service: str) -> Any:
        return boto3.session.Session().client(
            service, region_name=REGION, endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b"
        )

    return client


@pytest.fixture
def aws(moto: str, clients: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Give boto3 clients for an empty local AWS, which is the endpoint too."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"), timeout=30).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    return clients


@pytest.fixture
def scripted() -> Iterator[Any]:
    """Servers that are closed after the test."""
    servers: list[Scripted] = []

    def start(*connections: Sequence[bytes | None]) -> Scripted:
        servers.append(Scripted(connections))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
