"""AWS Signature Version 4 for one request, header variant.

Source: IAM User Guide, "Create a signed AWS API request". A property test holds it equal to botocore's signer.
"""

from __future__ import annotations

import hashlib
import hmac

from shared_utils.config.references import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.aws.credentials import Credentials
    from shared_utils.config.aws.http import Request

__all__ = ["sign"]


def sign(request: Request, *, credentials: Credentials, region: str, service: str, timestamp: str) -> dict[str, str]:
    """Return the request's headers with the date, the session token and the authorization added.

    Args:
        request: what is sent. All its headers are signed; they must include the host.
        credentials: whose signature it is.
        region: the region of the endpoint.
        service: the service's signing name ("ssm", "secretsmanager", "appconfig").
        timestamp: now, as ``20261123T043000Z``.
    """
    signed = {**request.headers, "x-amz-date": timestamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            request.method,
            quote(_normal_path(request.path), b"/"),
            "&".join("=".join(pair) for pair in sorted(_pairs(request.query))),
            *(f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = ("AWS4" + credentials.secret_key).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return signed


def _pairs(query: str) -> list[tuple[str, str]]:
    """Split a query string, keeping it encoded. Sorting comes after encoding, by name and then by value."""
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    return [(name, value) for name, _, value in pairs]


def _normal_path(path: str) -> str:
    """Remove empty, `.` and `..` segments (RFC 3986, section 5.2.4), as every service but S3 expects."""
    if not path:
        return "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")
