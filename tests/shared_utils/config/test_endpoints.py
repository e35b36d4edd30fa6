"""Where requests go, held against botocore's endpoint rules for every region."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from hypothesis import given
from hypothesis import strategies as st

from shared_utils.config.aws.endpoints import _VARIABLES, arn_prefix, endpoint, is_loopback, parse_url
from shared_utils.config.outcomes import Failure

SERVICES = ["ssm", "secretsmanager", "appconfigdata", "dynamodb"]


@pytest.fixture(scope="module")
def rules() -> dict[str, EndpointProvider]:
    """Botocore's own rules for each service."""
    loader = botocore.session.get_session().get_component("data_loader")
    partitions = loader.load_data("partitions")
    return {
        service: EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for service in SERVICES
    }


@pytest.fixture(scope="module")
def regions() -> dict[str, str]:
    """Every region that botocore knows, with its partition."""
    partitions: Any = botocore.session.get_session().get_component("data_loader").load_data("partitions")
    return {
        name: partition["id"]
        for partition in partitions["partitions"]
        for name in partition["regions"]
        if not name.endswith("-global")
    }


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fips", [False, True])
@pytest.mark.parametrize("dual", [False, True])
def test_endpoints_are_those_of_botocore(
    rules: dict[str, EndpointProvider],
    regions: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    service: str,
    fips: bool,
    dual: bool,
) -> None:
    """For every region, with and without FIPS and dual stack, the address is botocore's."""
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", str(fips).lower())
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", str(dual).lower())
    assert len(regions) > 30
    compared = 0
    for region in regions:
        try:
            theirs = rules[service].resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual)
        except EndpointProviderError:  # no such endpoint in that partition
            continue
        assert str(endpoint(service, region)) == theirs.url
        compared += 1
    assert compared > 25


def test_partitions_are_those_of_botocore(regions: dict[str, str]) -> None:
    """The partition in an ARN is the region's own."""
    assert {region: arn_prefix("ssm", region, "1").split(":")[1] for region in regions} == regions


def test_a_service_variable_comes_before_the_general_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL_<SERVICE> wins over AWS_ENDPOINT_URL, and both can be switched off."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://vpce-1.example.com/base/")
    assert str(endpoint("ssm", "eu-west-1")) == "http://localhost:1"
    assert str(endpoint("appconfigdata", "eu-west-1")) == "http://localhost:1"
    assert str(endpoint("secretsmanager", "eu-west-1")) == "https://vpce-1.example.com/base"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert str(endpoint("ssm", "eu-west-1")) == "https://ssm.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("url", ["http://localhost:4566", "http://127.0.0.1:1", "http://127.1.2.3", "http://[::1]:80"])
def test_plain_http_goes_to_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Loopback addresses may be asked without TLS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert endpoint("ssm", "eu-west-1").scheme == "http"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1:4566",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://0x7f000001",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "HTTP://EXAMPLE.COM",
    ],
)
def test_in_lambda_plain_http_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """In Lambda no other host is asked without TLS, unless the variable that the error names says so."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todos")
    with pytest.raises(Failure) as caught:
        endpoint("ssm", "eu-west-1")
    assert caught.value.hint
    if "@" not in url:
        assert "SHARED_UTILS_CONFIG_ALLOW_HTTP=true" in caught.value.hint
        monkeypatch.setenv("SHARED_UTILS_CONFIG_ALLOW_HTTP", "true")
        assert endpoint("ssm", "eu-west-1").scheme == "http"


@pytest.mark.parametrize("sam", [False, True])
@pytest.mark.parametrize(
    "url",
    ["http://localstack:4566", "http://172.17.0.1:4566", "http://host.docker.internal:4566", "http://[fd00::1]:4566"],
)
def test_outside_lambda_plain_http_is_allowed(monkeypatch: pytest.MonkeyPatch, url: str, *, sam: bool) -> None:
    """A local AWS in a container is asked in tests, in development, and by the SAM CLI's emulation of Lambda."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    if sam:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todos")
        monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    assert str(endpoint("ssm", "eu-west-1")) == url


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("switch", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", None])
def test_a_custom_endpoint_has_no_variants(
    rules: dict[str, EndpointProvider], monkeypatch: pytest.MonkeyPatch, service: str, switch: str, variable: str | None
) -> None:
    """FIPS or dual stack with a custom endpoint is refused, as botocore's rules do, with both variables named."""
    with pytest.raises(EndpointProviderError, match="custom endpoint are not supported"):
        rules[service].resolve_endpoint(
            Region="eu-west-1", UseFIPS="FIPS" in switch, UseDualStack="DUAL" in switch, Endpoint="https://vpce.example"
        )
    name = variable or f"AWS_ENDPOINT_URL_{_VARIABLES[service]}"
    monkeypatch.setenv(name, "https://vpce.example")
    monkeypatch.setenv(switch, "true")
    with pytest.raises(Failure, match=f"{name} and {switch} are both set"):
        endpoint(service, "eu-west-1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "eu-west-1" in endpoint(service, "eu-west-1").host


@pytest.mark.parametrize(
    "url",
    ["", "localhost:4566", "ftp://localhost", "https://", "https://:443", "https://h:port", "https://h:0", "https://h:99999",
     "https://user:canary@h", "https://h?a=b", "https://h#f", "https://h h", "https://h\r\nX: y", "https://ü.example"],
)  # fmt: skip
def test_malformed_addresses_are_refused_and_not_repeated(url: str) -> None:
    """What is no http address is refused by naming the variable, without its content."""
    with pytest.raises(Failure, match="THE_VARIABLE") as caught:
        parse_url(url, "THE_VARIABLE")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("region", ["eu west", "eu-west-1.evil.example", "eu-west-1/", "@evil", ""])
def test_a_region_cannot_name_another_host(region: str) -> None:
    """A region that is no region never becomes a host name."""
    with pytest.raises(Failure, match="no region"):
        endpoint("ssm", region)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_loopback_is_127_and_nothing_else(a: int, b: int, c: int, d: int) -> None:
    """Of all IPv4 addresses those of 127.0.0.0/8 are this machine, as the ipaddress module says."""
    from ipaddress import IPv4Address

    address = f"{a}.{b}.{c}.{d}"
    assert is_loopback(address) == IPv4Address(address).is_loopback
