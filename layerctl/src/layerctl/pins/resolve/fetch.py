"""Reads an index that lies elsewhere: https, private ones too, and S3. No message shows what it was asked with."""

from __future__ import annotations

import base64
import netrc
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from layerctl.core.errors import LayerctlError
from layerctl.core.web import WebError, ask

__all__ = ["fetch", "fetch_object", "shown"]

_MAX_BYTES = 20_000_000
_TIMEOUT_SECONDS = 20.0


def fetch(address: str) -> str:
    """Read an index from the web.

    A private one is asked with ``LAYERCTL_INDEX_TOKEN`` (a bearer token, RFC 6750), else with the user and password of
    the address, else with those that ``~/.netrc`` (or ``NETRC``) has for the host. No redirect takes them along.

    Raises:
        LayerctlError: it cannot be read. No message holds what it was asked with.
    """
    import urllib.error
    import urllib.request

    _require_address(address)
    if not _allowed(address):
        raise LayerctlError(f"{shown(address)}: only https addresses are read", hint="use https://, or a file")

    class Redirects(urllib.request.HTTPRedirectHandler):
        """Follows a redirect only to where we would have gone at once."""

        def redirect_request(self, *request: Any) -> urllib.request.Request | None:
            if not _allowed(request[-1]):
                request[1].close()  # the answer that leads there
                raise urllib.error.URLError("it leads away from https")
            return super().redirect_request(*request)

    request = urllib.request.Request(_without_user(address))  # noqa: S310 (`_allowed` looked at the scheme)
    if (authorization := _authorization(address)) is not None:
        request.add_unredirected_header("Authorization", authorization)
    try:
        data = ask(request, Redirects, timeout=_TIMEOUT_SECONDS, most=_MAX_BYTES)
    except WebError as error:
        hint = "check the address of the index, and the network"
        if error.code in {401, 403, 404}:  # forges say 404 of what is private
            hint += "; for a private one set LAYERCTL_INDEX_TOKEN, or name the host in ~/.netrc"
        raise LayerctlError(f"{shown(address)} cannot be fetched: {error}", hint=hint) from None
    return _text(data, shown(address))


def fetch_object(address: str, profile: str | None) -> str:
    """Read an index from S3: ``s3://bucket/key``.

    Raises:
        LayerctlError: it cannot be read.
    """
    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import UNREACHABLE, describe

    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise LayerctlError(f"{address} names no object", hint="write s3://BUCKET/KEY")
    client = Aws(timeout=_TIMEOUT_SECONDS, profile=profile).client("s3")
    try:
        data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read(_MAX_BYTES + 1)
    except UNREACHABLE as error:
        reason = describe(error, client.meta.region_name)
        raise LayerctlError(f"{address}: {reason}", hint="check the address and the credentials") from None
    return _text(data, address)


def _text(data: bytes, name: str) -> str:
    if len(data) > _MAX_BYTES:
        raise LayerctlError(f"{name} is larger than {_MAX_BYTES} bytes", hint="check the address")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise LayerctlError(f"{name} is not UTF-8 text", hint="check the address") from None


def _without_user(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _authorization(address: str) -> str | None:
    """What the index is asked with, if the user has anything for it."""
    if token := os.environ.get("LAYERCTL_INDEX_TOKEN", "").strip():  # of a file, it may have a line break
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise LayerctlError("LAYERCTL_INDEX_TOKEN is no token", hint="it has printable ASCII characters only")
        return f"Bearer {token}"
    parts = urlsplit(address)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user and (known := _netrc(parts.hostname or "")):
        user, password = known
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() if user else None


def _netrc(host: str) -> tuple[str, str] | None:
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        known = netrc.netrc(path).authenticators(host)
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        raise LayerctlError(f"{path} cannot be read as a netrc file", hint="correct it") from None
    return (known[0], known[2] or "") if known else None


def _require_address(address: str) -> None:
    """Refuse what cannot be asked, before others do: their messages would hold the query, or a password."""
    try:
        urlsplit(address).port  # noqa: B018 - it is worked out when it is asked for
    except ValueError:
        hint = "write https://HOST/PATH; a port is a number up to 65535"
        raise LayerctlError(f"{shown(address)} is no address", hint=hint) from None
    if any(ord(char) <= 32 or ord(char) == 127 for char in address):
        raise LayerctlError(f"{shown(address)}: an address holds no spaces", hint="write %20 for a space")


def _allowed(address: str) -> bool:
    """https, or http to this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})


def shown(address: str) -> str:
    """The address without user, password and query, which may hold a token; of what is no address its scheme."""
    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{address.partition('://')[0]}://..."
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
