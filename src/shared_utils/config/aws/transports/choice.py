"""The choice of the transport, by the environment."""

from __future__ import annotations

import os

from shared_utils.config.outcomes import INVALID, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.aws.transports.base import Timeouts, Transport

__all__ = ["choose", "make"]

_NAMES = ("signed", "boto3", "extension")
# What only the SDK knows how to do: any of them set means that it is wanted. The second row is about TLS only.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_TLS = ("AWS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy")


def choose() -> tuple[str, str]:
    """Return the transport's name and why it is that one.

    Raises:
        Failure: of kind invalid, when SHARED_UTILS_CONFIG_TRANSPORT names none.
    """
    forced = os.environ.get("SHARED_UTILS_CONFIG_TRANSPORT", "").strip().lower()
    if forced:
        if forced not in _NAMES:
            raise Failure(
                INVALID,
                f"SHARED_UTILS_CONFIG_TRANSPORT is {forced!r}",
                remedy="set it to signed, boto3 or extension, or unset it",
            )
        return forced, "SHARED_UTILS_CONFIG_TRANSPORT says so"
    from shared_utils.config.aws.credentials import available
    from shared_utils.config.aws.endpoints import region

    plain = os.environ.get("AWS_ENDPOINT_URL", "").lower().startswith("http:")  # to this machine: no TLS, no proxy
    for variable in _PROFILES if plain else _PROFILES + _TLS:
        if os.environ.get(variable) and _has_sdk():
            return "boto3", f"{variable} is set"
    if not available() and _has_sdk():
        return "boto3", "there are no credentials in the environment"
    if region() is None and _has_sdk():
        return "boto3", "AWS_REGION is not set"
    return "signed", "the environment has credentials" if available() else "boto3 is not installed"


def make(name: str, timeouts: Timeouts) -> Transport:
    """Return the transport of that name."""
    if name == "signed":
        from shared_utils.config.aws.transports.signed import SignedTransport

        return SignedTransport(timeouts)
    if name == "boto3":
        from shared_utils.config.aws.transports.boto3 import Boto3Transport

        return Boto3Transport(timeouts)
    from shared_utils.config.aws.transports.agent import AgentTransport

    return AgentTransport(timeouts)


def _has_sdk() -> bool:
    from importlib.util import find_spec

    return find_spec("boto3") is not None
