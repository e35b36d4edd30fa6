"""AWS's errors in words: what could not be done, where, and what to do about it; never a credential."""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

__all__ = [
    "UNREACHABLE",
    "Failure",
    "UnexpectedAnswerError",
    "action_of",
    "code_of",
    "describe",
    "is_ambiguous",
    "is_denied",
    "is_throttled",
]

UNREACHABLE = (BotoCoreError, ClientError, ResponseParserError)

_THROTTLED = {
    "TooManyRequestsException",
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestLimitExceeded",
    "SlowDown",
}
_DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "403"}
# What Lambda and STS answer in a region that the account has not opted in to, and to wrong keys: the two look alike.
_UNKNOWN_KEY = {"UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"}
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
_SIGNATURE = {
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "IncompleteSignatureException",
}
_QUOTA = {"CodeStorageExceededException", "PolicyLengthExceededException", "ParameterLimitExceeded"}

# The IAM action of an operation, where the two are not named alike (Service Authorization Reference).
_ACTIONS = {
    "HeadObject": "GetObject",
    "GetLayerVersionByArn": "GetLayerVersion",
    "HeadBucket": "ListBucket",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# An error tells its operation, not its service: all that are not Lambda's.
_SERVICES = {
    "DescribeRegions": "ec2",
    "ListStackResources": "cloudformation",
    "HeadBucket": "s3",
    "CreateBucket": "s3",
    "PutPublicAccessBlock": "s3",
    "HeadObject": "s3",
    "GetObject": "s3",
    "PutObject": "s3",
    "GetParametersByPath": "ssm",
    "GetParameter": "ssm",
    "PutParameter": "ssm",
    "DeleteParameters": "ssm",
    "AssumeRole": "sts",
    "GetCallerIdentity": "sts",
    "GetPublicKey": "kms",
    "Sign": "kms",
}


def action_of(service: str, operation: str) -> str:
    """The IAM action that an operation needs, e.g. ``lambda:PublishLayerVersion``."""
    return f"{service}:{_ACTIONS.get(operation, operation)}"


class UnexpectedAnswerError(BotoCoreError):
    """A success that lacks what the operation always answers, such as a proxy's log-in page."""

    fmt = "{operation} got an answer that is not AWS's"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be done in a region.

    Attributes:
        kind: ``denied``, ``region``, ``credentials``, ``quota``, ``throttled``, ``timeout``, ``network``,
            ``refused`` (by us) or ``aws`` (anything else that AWS answered).
    """

    kind: str
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


def describe(error: Exception, region: str) -> Failure:
    """Say what an error of botocore means for the user."""
    if isinstance(error, ClientError):
        return _answered(error, region)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, ProfileNotFound)):
        return Failure(
            "credentials", _clean(str(error)), "log in (`aws sso login`, `aws configure`) or set AWS_PROFILE"
        )
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return Failure("timeout", f"no answer in time in {region}", "run again: what is done is skipped")
    if isinstance(error, EndpointConnectionError):
        return Failure(
            "network", f"the endpoint of {region} cannot be reached", "check the region's name and the network"
        )
    if isinstance(error, HTTPClientError):
        return Failure("network", f"the connection to {region} broke", "run again: what is done is skipped")
    if isinstance(error, (UnexpectedAnswerError, ResponseParserError)):
        hint = "see whether a proxy or AWS_ENDPOINT_URL is in between"
        return Failure("network", f"an answer in {region} is not AWS's", hint)
    return Failure("aws", _clean(str(error)))


def _answered(error: ClientError, region: str) -> Failure:
    code, operation = code_of(error), error.operation_name
    message = _clean(error.response["Error"].get("Message") or "")
    if code in _DENIED:
        resource = re.search(r"on resource: (\S+)", message)
        where = f" on {resource[1]}" if resource else f" in {region}"
        action = action_of(_SERVICES.get(operation, "lambda"), operation)
        if policy := _forbidding(message):
            return Failure(
                "denied",
                f"{policy} forbids to {action}{where}",
                f"no grant of the caller's own overrides that: ask whoever looks after the {policy.split(' ', 1)[1]}",
            )
        return Failure("denied", f"not allowed to {action}{where}", f"give the caller {action}")
    if code in _UNKNOWN_KEY:
        return Failure(
            "region",
            f"{region} does not know these credentials ({code})",
            "enable the region for this account, or check the credentials if other regions say so too",
        )
    if code in _EXPIRED:
        return Failure(
            "credentials", "the credentials have expired", "log in again, then run again: what is done is skipped"
        )
    if code in _SIGNATURE:  # AWS's own message quotes the request with its token
        return Failure(
            "credentials", f"AWS rejects the signature ({code})", "check the secret key and this machine's clock"
        )
    if code in _THROTTLED:
        return Failure(
            "throttled", f"{region} still throttles {operation} after retries", "run again: what is done is skipped"
        )
    if code in _QUOTA:
        return Failure("quota", f"quota reached in {region}: {message or code}", _quota_hint(code))
    return Failure("aws", f"{operation} failed in {region}: {code}" + (f": {message}" if message else ""))


def _forbidding(message: str) -> str | None:
    """The policy that denies, where AWS says that it is not merely a missing grant of the caller's.

    Source: IAM user guide, "Troubleshoot access denied error messages".
    """
    match = re.search(r"with an explicit deny in an? ([a-zA-Z -]+?)(?= policy|[:.,]|$)", message) or re.search(
        r"because no (service control|resource control|session|VPC endpoint|permissions boundary)", message
    )
    if match is None:
        return None
    name = match[1].strip()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}{'' if name.endswith('boundary') else ' policy'}"


def _quota_hint(code: str) -> str:
    if code == "CodeStorageExceededException":
        return "free code storage (`layerctl prune`) or ask AWS for more"
    if code == "PolicyLengthExceededException":
        return "share with the organisation instead of many accounts"
    return "ask AWS for a higher quota"


def code_of(error: Exception) -> str:
    """AWS's error code, or the empty string."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a right."""
    return code_of(error) in _DENIED


def is_throttled(error: Exception) -> bool:
    """Whether AWS asked to come back later: then nothing was done."""
    return code_of(error) in _THROTTLED


def is_ambiguous(error: Exception) -> bool:
    """Whether a request that ended in this error may have been carried out all the same."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, HTTPClientError)


def _clean(message: str) -> str:
    """One line of AWS's message, without anything that signs a request."""
    line = " ".join(message.split())
    line = re.sub(r"(?i)(x-amz-(?:security-token|signature|credential)[=:]\s*)[^&\s'\"]+", r"\1***", line)
    line = re.sub(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b", "***", line)
    line = re.sub(r"://[^/\s@]+@", "://***@", line)
    return line if len(line) <= 300 else line[:297] + "..."
