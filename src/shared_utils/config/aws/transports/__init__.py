"""The ways to ask AWS, and which of them the environment chooses."""

from __future__ import annotations

from shared_utils import _env
from shared_utils.config.outcomes import INVALID, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.aws.transports.base import Transport

__all__ = ["choose", "make"]

_NAMES = ("signed", "boto3", "extension")
# What only the SDK has: any of them set means that it is wanted.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_FOR_HTTPS = ("AWS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy")
_FOR_HTTP = ("HTTP_PROXY", "http_proxy")


def choose() -> tuple[str, str]:
    """Return the transport's name and why it is that one.

    Raises:
        Failure: of kind invalid, when SHARED_UTILS_CONFIG_TRANSPORT names none, or AWS_ENDPOINT_URL no address.
    """
    forced = _env.text_of("SHARED_UTILS_CONFIG_TRANSPORT").lower()
    if forced:
        if forced not in _NAMES:
            raise Failure(
                INVALID,
                f"SHARED_UTILS_CONFIG_TRANSPORT is {forced!r}",
                hint="set it to signed, boto3 or extension, or unset it",
            )
        return forced, "SHARED_UTILS_CONFIG_TRANSPORT says so"
    from shared_utils.config.aws.credentials import available
    from shared_utils.config.aws.endpoints import is_loopback, parse_url, region

    wanted: tuple[str, ...] = _PROFILES
    url = _env.text_of("AWS_ENDPOINT_URL")
    if not url.lower().startswith("http:"):
        wanted += _FOR_HTTPS
    elif not is_loopback(parse_url(url, "AWS_ENDPOINT_URL").host):  # this machine is asked without a proxy
        wanted += _FOR_HTTP
    for variable in wanted:
        if _env.text_of(variable) and _has_sdk():
            return "boto3", f"{variable} is set"
    if not available() and _has_sdk():
        return "boto3", "there are no credentials in the environment"
    if region() is None and _has_sdk():
        return "boto3", "AWS_REGION is not set"
    return "signed", "the environment has credentials" if available() else "boto3 is not installed"


def make(name: str, connect_timeout: float, read_timeout: float) -> Transport:
    """Return the transport of that name, with its time-outs in seconds (for connecting; for a whole answer)."""
    if name == "signed":
        from shared_utils.config.aws.transports.signed import SignedTransport

        return SignedTransport(connect_timeout, read_timeout)
    if name == "boto3":
        from shared_utils.config.aws.transports.boto3 import Boto3Transport

        return Boto3Transport(connect_timeout, read_timeout)
    from shared_utils.config.aws.transports.agent import AgentTransport

    return AgentTransport(connect_timeout, read_timeout)


def _has_sdk() -> bool:
    from importlib.util import find_spec

    return find_spec("boto3") is not None
