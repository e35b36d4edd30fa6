"""Requests through the SDK, for what only it has: profiles, SSO, web identity, proxies, other CAs."""

from __future__ import annotations

from threading import RLock

from shared_utils.config.aws import endpoints as _endpoints
from shared_utils.config.aws.errors import EXPIRED_CREDENTIALS, classify_error
from shared_utils.config.aws.http import NO_CONNECTION
from shared_utils.config.aws.retry import run_within
from shared_utils.config.outcomes import BRIEFLY, DENIED, INVALID, MORE_TIME, UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.aws.retry import Deadline

__all__ = ["Boto3Transport"]

# Operation: service, the client's method.
_METHODS = {
    "ssm:GetParameter": ("ssm", "get_parameter"),
    "ssm:GetParameters": ("ssm", "get_parameters"),
    "ssm:GetParametersByPath": ("ssm", "get_parameters_by_path"),
    "secretsmanager:GetSecretValue": ("secretsmanager", "get_secret_value"),
    "dynamodb:GetItem": ("dynamodb", "get_item"),
    "appconfigdata:StartConfigurationSession": ("appconfigdata", "start_configuration_session"),
    "appconfigdata:GetLatestConfiguration": ("appconfigdata", "get_latest_configuration"),
}


class Boto3Transport:
    """Requests through boto3 clients, whose retries are switched off: `aws.retry` has them."""

    name = "boto3"

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._lock = RLock()
        self._clients: dict[tuple[str, str | None], Any] = {}

    def supports(self, operation: str) -> bool:
        """Whether it offers `operation`: all that reading configuration needs."""
        return operation in _METHODS

    def close(self) -> None:
        """Drop the clients with their connections."""
        self._clients = {}

    def call(self, operation: str, request: dict[str, Any], region: str | None, deadline: Deadline) -> dict[str, Any]:
        """Ask once.

        A client's time-outs are fixed when it is made, and finding credentials has its own; so the call is made in a
        thread, which is left to itself when the deadline comes first.
        """
        try:
            answer = run_within(deadline.remaining(), lambda: self._ask(operation, request, region))
        except TimeoutError:
            answer = Failure(UNAVAILABLE, "the SDK gave no answer in time", hint=MORE_TIME, retry=BRIEFLY)
        if isinstance(answer, Failure):
            raise answer
        return answer

    def _ask(self, operation: str, request: dict[str, Any], region: str | None) -> dict[str, Any] | Failure:
        service, method = _METHODS[operation]
        try:
            from botocore.exceptions import ClientError
        except ImportError:
            return Failure(UNAVAILABLE, "boto3 is not installed", hint="install boto3, or use the signed transport")
        try:
            try:
                answer: dict[str, Any] = getattr(self._client(service, region), method)(**request)
            except ClientError as error:
                if error.response["Error"].get("Code") not in EXPIRED_CREDENTIALS:
                    raise
                self.close()  # a new session finds its credentials anew, once
                answer = getattr(self._client(service, region), method)(**request)
            if "Configuration" in answer:
                answer["Configuration"] = answer["Configuration"].read()
        except ClientError as error:
            details = error.response
            status = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return classify_error(details["Error"].get("Code", ""), details["Error"].get("Message", ""), status)
        except Failure as failure:
            return failure
        except Exception as error:  # whatever the SDK and its HTTP client come up with
            return _failure(error)
        return answer

    def _client(self, service: str, region: str | None) -> Any:
        region = region or _endpoints.region()
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                _endpoints.override(service)  # for its checks: plain http goes to this machine only
                import boto3
                from botocore.config import Config

                settings = Config(
                    connect_timeout=self._connect_timeout,
                    read_timeout=self._read_timeout,
                    retries={"total_max_attempts": 1},
                )
                client = boto3.session.Session().client(service, region_name=region, config=settings)
                self._clients[(service, region)] = client
        return client


def _failure(error: Exception) -> Failure:
    """Return what an exception of the SDK's own means."""
    from botocore import exceptions

    name = type(error).__name__
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return Failure(DENIED, "the SDK found no AWS credentials", code="NoCredentials", hint=hint)
    if isinstance(error, exceptions.NoRegionError):
        return Failure(INVALID, "no region to ask", hint="set AWS_REGION, or name one in the reference")
    if isinstance(error, (exceptions.ProfileNotFound, exceptions.ParamValidationError)):
        return Failure(INVALID, str(error), hint="correct the name")
    if isinstance(error, (exceptions.TokenRetrievalError, exceptions.UnauthorizedSSOTokenError)):
        return Failure(DENIED, str(error), code="NoCredentials", hint="log in again: aws sso login")
    if isinstance(error, (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError)):
        what = f"no connection to {getattr(error, 'kwargs', {}).get('endpoint_url', 'the endpoint')}"
        return Failure(UNAVAILABLE, what, hint=NO_CONNECTION, retry=BRIEFLY)
    if isinstance(error, exceptions.ReadTimeoutError):
        return Failure(UNAVAILABLE, "the SDK gave no answer in time", hint=MORE_TIME, retry=BRIEFLY)
    # The rest is the connection's, or an answer that cannot be parsed; its text may hold what was answered.
    return Failure(UNAVAILABLE, f"the SDK got no usable answer ({name})", retry=BRIEFLY)
