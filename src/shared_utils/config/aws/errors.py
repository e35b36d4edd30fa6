"""What an AWS error code means to a reader of configuration: one table for every transport.

Source: the "Errors" sections of GetParameter(s), GetParametersByPath, GetSecretValue, GetItem,
StartConfigurationSession and GetLatestConfiguration, and "Common error types" of each API reference.
"""

from __future__ import annotations

from shared_utils.config.outcomes import DENIED, FAILING, INVALID, MISSING, NEVER, THROTTLED, UNAVAILABLE, Failure

__all__ = ["CLOCK_CODES", "EXPIRED_CREDENTIALS", "KNOWN_CODES", "classify_error"]

_MISSING = frozenset({"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})
EXPIRED_CREDENTIALS = frozenset({"ExpiredToken", "ExpiredTokenException"})
CLOCK_CODES = frozenset(
    {
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""Codes of a request that was signed by a wrong clock; the first and the last have other causes, too."""
_CREDENTIALS = (
    EXPIRED_CREDENTIALS
    | CLOCK_CODES
    | frozenset(
        {
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidClientTokenId",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "UnrecognizedClientException",
        }
    )
)
_INVALID = frozenset({"InvalidParameterException", "ParameterPatternMismatchException", "ValidationException"})
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_FAILING = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceErrorException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_HINTS = {
    "DecryptionFailure": "check that the KMS key is enabled and that the role may kms:Decrypt with it",
    "InvalidKeyId": "check that the KMS key exists and is enabled",
    "InvalidRequestException": "check the secret's state: one that is marked for deletion must be restored first",
}

KNOWN_CODES = _MISSING | _DENIED | _CREDENTIALS | _INVALID | _THROTTLED | _FAILING | frozenset(_HINTS)
"""Every code that is told apart, for the transport that only gets prose."""


def classify_error(code: str, message: str, status: int) -> Failure:
    """Return what an error answer means.

    Args:
        code: the service's error code, without namespace; "" when the answer had none.
        message: the service's message; services name resources and principals in it, never values.
        status: the HTTP status.
    """
    what = f"{code or f'HTTP status {status}'}: {message}" if message else code or f"HTTP status {status}"
    if code in _MISSING:
        return Failure(MISSING, "not found", code=code)
    if code in _DENIED:
        return Failure(DENIED, what, code=code)
    if code in _CREDENTIALS:
        hint = "check the credentials (and the clock) that the request was signed with"
        return Failure(DENIED, what, code=code, hint=hint)
    if code in _INVALID:
        return Failure(INVALID, what, code=code, hint="correct the reference")
    if code in _THROTTLED or status == 429:
        retry = THROTTLED
    else:
        retry = FAILING if code in _FAILING or status >= 500 else NEVER
    if not code and status in {401, 403}:
        return Failure(DENIED, what, code=code)
    return Failure(UNAVAILABLE, what, code=code, hint=_HINTS.get(code, ""), retry=retry)
