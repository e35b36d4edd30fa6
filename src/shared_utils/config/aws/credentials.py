"""Credentials: keys from the environment, or from the container's credentials service (SnapStart has those).

Source: AWS SDKs and Tools Reference Guide, "Environment variables" and "Container credential provider".
Everything else (profiles, SSO, web identity, instance metadata) is left to boto3.
"""

from __future__ import annotations

import os
from threading import RLock

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.aws.http import Pool
    from shared_utils.config.aws.retry import Deadline

__all__ = ["Credentials", "CredentialsSource", "available"]

_CONTAINER_HOST = "169.254.170.2"  # where a relative URI leads
_ALLOWED_HOSTS = frozenset({_CONTAINER_HOST, "169.254.170.23", "fd00:ec2::23"})
_REFRESH_BEFORE = 300.0
"""Seconds before expiry at which new credentials are fetched; until `_USABLE_UNTIL` before it, a failure is ignored."""
_USABLE_UNTIL = 30.0


class Credentials:
    """An access key, its secret, and the session token that goes with temporary ones. Masked when printed."""

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str | None = None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token

    def is_same_as(self, other: Credentials) -> bool:
        """Whether both sign alike."""
        return (self.access_key, self.secret_key, self.token) == (other.access_key, other.secret_key, other.token)

    def __repr__(self) -> str:
        return "Credentials(**********)"


def _environment() -> Credentials | None:
    """Return the environment's keys; empty strings count as absent, as the emulator passes them."""
    access_key = os.environ.get("AWS_ACCESS_KEY_ID", "").strip()
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY", "").strip()
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN", "").strip() or None)


def _container_uri() -> str:
    """Return the container service's address, "" when there is none. The relative variable wins, as in the SDKs."""
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "").strip()
    return (
        f"http://{_CONTAINER_HOST}{relative}" if relative else os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    )


def available() -> bool:
    """Whether requests can be signed without the SDK."""
    return _environment() is not None or bool(_container_uri())


class CredentialsSource:
    """The credentials to sign with; those of a container are fetched anew before they expire."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = RLock()
        self._fetched: Credentials | None = None
        self._expires: float | None = None

    def get(self, deadline: Deadline) -> Credentials:
        """Return credentials that are good now.

        Raises:
            Failure: denied when there are none, invalid when the address is not allowed, unavailable when the
                container's service fails.
        """
        found = _environment()
        if found is not None:
            return found
        uri = _container_uri()
        if not uri:
            raise Failure(
                DENIED,
                "there are no AWS credentials in the environment",
                code="NoCredentials",
                hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with boto3 installed",
            )
        if not self._lock.acquire(timeout=max(0.01, deadline.remaining())):
            what = "the container's credentials were not fetched in time"
            raise Failure(UNAVAILABLE, what, hint=MORE_TIME, retry=BRIEFLY)
        try:
            return self._current(uri, deadline)
        finally:
            self._lock.release()

    def renew(self, used: Credentials, deadline: Deadline) -> Credentials | None:
        """Return other credentials than those `used`, which the service said are expired; None when there are none.

        Raises:
            Failure: as `get`.
        """
        with self._lock:
            if self._fetched is used:
                self._fetched, self._expires = None, None
        found = self.get(deadline)
        return None if found.is_same_as(used) else found

    def _current(self, uri: str, deadline: Deadline) -> Credentials:
        import time  # wall clock: expiry is a date

        left = _REFRESH_BEFORE + 1 if self._expires is None else self._expires - time.time()
        if self._fetched is not None and left > _REFRESH_BEFORE:
            return self._fetched
        try:
            self._fetched, self._expires = self._fetch(uri, deadline)
        except Failure:
            if self._fetched is None or left < _USABLE_UNTIL:
                raise
        return self._fetched

    def _fetch(self, uri: str, deadline: Deadline) -> tuple[Credentials, float | None]:
        import json

        from shared_utils.config.aws.endpoints import is_loopback, parse_url
        from shared_utils.config.aws.http import Request

        variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        bare, _, query = uri.strip().partition("?")
        endpoint = parse_url(bare, variable)
        if endpoint.scheme == "http" and endpoint.host not in _ALLOWED_HOSTS and not is_loopback(endpoint.host):
            raise Failure(
                INVALID,
                f"{variable} names {endpoint.host}, to which a token must not be sent over plain http",
                hint="use an address of this machine, 169.254.170.2, 169.254.170.23, [fd00:ec2::23], or https",
            )
        headers = {"host": endpoint.authority, "accept": "application/json"}
        token = _authorization()
        if token:
            headers["authorization"] = token
        answer = self._pool.request(endpoint, Request("GET", endpoint.path or "/", query, headers=headers), deadline)
        try:
            body = json.loads(answer.body) if answer.status == 200 else {}
            found = Credentials(body["AccessKeyId"], body["SecretAccessKey"], body.get("Token"))
            expires = _timestamp(body["Expiration"]) if body.get("Expiration") else None
            usable = all(part and isinstance(part, str) for part in (body["AccessKeyId"], body["SecretAccessKey"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            usable = False
        if not usable:
            raise Failure(
                UNAVAILABLE,
                f"the container's credentials service answered with status {answer.status} and no credentials",
                hint="try again; if it stays, check AWS_CONTAINER_CREDENTIALS_FULL_URI and its authorization token",
                retry=THROTTLED if answer.status == 429 else FAILING if answer.status >= 500 else NEVER,
            )
        return found, expires


def _authorization() -> str:
    """Return the container service's token; the file wins, because it is rotated."""
    path = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")
    if not path:
        token: str | None = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "").strip()
    else:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a cold start 3 ms
                token = file.read().strip()
        except (OSError, ValueError):
            token = None
    if token is None:
        raise Failure(
            INVALID,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names a file that cannot be read",
            hint="check its path and mode",
        )
    if "\r" in token or "\n" in token:
        raise Failure(INVALID, "the container's authorization token has a line break in it", hint="write one line")
    return token


def _timestamp(text: str) -> float:
    """Return an ISO 8601 date as seconds since the epoch; one without a zone is UTC."""
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
