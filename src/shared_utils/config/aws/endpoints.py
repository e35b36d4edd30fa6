"""Where each service is, by region, and by what the environment says instead.

Source: AWS General Reference, "AWS service endpoints", "Dual-stack endpoints", "FIPS endpoints"; AWS SDKs and Tools
Reference Guide, "Service-specific endpoints". A test holds the rules equal to botocore's endpoint rule sets.
"""

from __future__ import annotations

from shared_utils import _env
from shared_utils.config.outcomes import INVALID, Failure

__all__ = ["Endpoint", "arn_prefix", "endpoint", "is_loopback", "parse_url", "region"]

# Region prefix: partition, DNS suffix, dual-stack DNS suffix. The first that fits; the commercial partition is last.
_PARTITIONS = (
    ("cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com", "api.aws"),
    ("eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("", "aws", "amazonaws.com", "api.aws"),
)
# The service's identifier in the AWS_ENDPOINT_URL_… variables.
_VARIABLES = {
    "ssm": "SSM",
    "secretsmanager": "SECRETS_MANAGER",
    "appconfigdata": "APPCONFIGDATA",
    "dynamodb": "DYNAMODB",
}
# In GovCloud these are FIPS endpoints already and have no other name.
_FIPS_BY_NATURE = frozenset({"ssm", "appconfigdata", "dynamodb"})


_IGNORE_CONFIGURED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_ALLOW_HTTP = "SHARED_UTILS_CONFIG_ALLOW_HTTP"


class Endpoint:
    """An address to connect to: scheme, host, port and the path before the API's own ("" mostly)."""

    __slots__ = ("host", "path", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int, path: str = "") -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def region() -> str | None:
    """Return the region that requests go to: AWS_REGION, else AWS_DEFAULT_REGION, else None."""
    found = _env.first_of("AWS_REGION", "AWS_DEFAULT_REGION")
    return found[1] if found else None


def _partition(name: str) -> tuple[str, str, str, str]:
    return next(rule for rule in _PARTITIONS if name.startswith(rule[0]))


def arn_prefix(service: str, region_name: str, account: str) -> str:
    """Return how the ARNs of a service's resources begin: ``arn:aws:ssm:eu-west-1:111122223333``."""
    return f"arn:{_partition(region_name)[1]}:{service}:{region_name}:{account}"


def endpoint(service: str, region_name: str) -> Endpoint:
    """Return where `service` ("ssm", "secretsmanager", "appconfigdata", "dynamodb") answers for a region.

    Raises:
        Failure: of kind invalid, when an endpoint variable holds no usable address, or the region is no host name.
    """
    configured = override(service)
    if configured is not None:
        return configured
    if not region_name.replace("-", "").isalnum() or not region_name.isascii():
        raise Failure(INVALID, f"{region_name!r} is no region", hint="set AWS_REGION to a region's code")
    _, partition, suffix, dual_suffix = _partition(region_name)
    fips = _is_on("AWS_USE_FIPS_ENDPOINT")
    dual = _is_on("AWS_USE_DUALSTACK_ENDPOINT")
    if fips and partition == "aws-us-gov" and service in _FIPS_BY_NATURE and not dual:
        fips = False
    if service == "secretsmanager" and (partition in {"aws", "aws-us-gov"} or (partition == "aws-cn" and not fips)):
        dual = False  # its usual hosts answer over IPv6 too
    host = f"{service}{'-fips' if fips else ''}.{region_name}.{dual_suffix if dual else suffix}"
    return Endpoint("https", host, 443)


def override(service: str) -> Endpoint | None:
    """Return the address that AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL names, if either is set."""
    if _is_on(_IGNORE_CONFIGURED):
        return None
    for variable in (f"AWS_ENDPOINT_URL_{_VARIABLES[service]}", "AWS_ENDPOINT_URL"):
        url = _env.text_of(variable)
        if url:
            found = parse_url(url, variable)
            _check_override(found, variable)
            return found
    return None


def _check_override(found: Endpoint, variable: str) -> None:
    """Refuse secrets in clear inside Lambda, and what botocore refuses."""
    if found.scheme == "http" and not is_loopback(found.host) and _env.in_lambda() and not _is_on(_ALLOW_HTTP):
        raise Failure(
            INVALID,
            f"{variable} asks for plain http to {found.host}, which would send secrets in clear",
            hint=f"use https, or set {_ALLOW_HTTP}=true if that network is yours",
        )
    for switch, kind in (("AWS_USE_FIPS_ENDPOINT", "FIPS"), ("AWS_USE_DUALSTACK_ENDPOINT", "dual-stack")):
        if _is_on(switch):
            raise Failure(
                INVALID,
                f"{variable} and {switch} are both set, and a custom endpoint has no {kind} variant",
                hint=f"unset one of them, or set {_IGNORE_CONFIGURED}=true",
            )


def parse_url(url: str, variable: str) -> Endpoint:
    """Split an http(s) URL, without urllib: its import costs every cold start 2 ms.

    Raises:
        Failure: of kind invalid, naming the `variable` that held it.
    """
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, port = authority, ""
    if authority.startswith("["):
        host, _, after = authority[1:].partition("]")
        port = after.removeprefix(":")
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    scheme = scheme.lower()
    wrong = (
        scheme not in {"http", "https"}
        or not host
        or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536))
        or not (authority + path).isascii()
        or any(c in authority + path for c in "@?# \t\r\n\\%")
    )
    if wrong:  # the URL itself is not repeated: it may carry a password
        raise Failure(INVALID, f"{variable} holds no usable address", hint="write it like https://host:port")
    number = int(port) if port else (443 if scheme == "https" else 80)
    return Endpoint(scheme, host.lower(), number, (slash + path).rstrip("/"))


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host in {"localhost", "::1"}:
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(p.isascii() and p.isdigit() and int(p) < 256 for p in parts)


def _is_on(variable: str) -> bool:
    return _env.text_of(variable).lower() == "true"
