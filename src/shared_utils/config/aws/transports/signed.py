"""Requests signed here and sent over plain sockets: no SDK, at a tenth of its cost to a cold start."""

from __future__ import annotations

import json
import os
import time

from shared_utils.config.aws import endpoints as _endpoints
from shared_utils.config.aws.credentials import CredentialsSource
from shared_utils.config.aws.http import Pool, Request, Response
from shared_utils.config.aws.sigv4 import sign
from shared_utils.config.outcomes import BRIEFLY, INVALID, UNAVAILABLE, Failure
from shared_utils.config.references import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.aws.retry import Deadline

__all__ = ["SignedTransport"]

# Operation: service, the X-Amz-Target of the JSON 1.1 protocol ("" for REST), signing name.
_OPERATIONS = {
    "ssm:GetParameter": ("ssm", "AmazonSSM.GetParameter"),
    "ssm:GetParameters": ("ssm", "AmazonSSM.GetParameters"),
    "ssm:GetParametersByPath": ("ssm", "AmazonSSM.GetParametersByPath"),
    "secretsmanager:GetSecretValue": ("secretsmanager", "secretsmanager.GetSecretValue"),
    "dynamodb:GetItem": ("dynamodb", "DynamoDB_20120810.GetItem"),
    "appconfigdata:StartConfigurationSession": ("appconfigdata", ""),
    "appconfigdata:GetLatestConfiguration": ("appconfigdata", ""),
}
_TOLERATED_SKEW = 240.0
"""Seconds; AWS refuses signatures that are more than five minutes old or ahead."""
_SIGNING_NAMES = {"appconfigdata": "appconfig"}


class SignedTransport:
    """Requests signed with the credentials of the environment or the container."""

    name = "signed"

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
        self._pool = Pool(connect_timeout, read_timeout, bundle or None)
        self._credentials = CredentialsSource(self._pool)
        self._clock_offset = 0.0  # seconds that the service's clock is ahead of ours

    def supports(self, operation: str) -> bool:
        """Whether it offers `operation`: all that reading configuration needs."""
        return operation in _OPERATIONS

    def close(self) -> None:
        """Drop the kept connections."""
        self._pool.close()

    def call(self, operation: str, request: dict[str, Any], region: str | None, deadline: Deadline) -> dict[str, Any]:
        """Ask once."""
        service, target = _OPERATIONS[operation]
        region = region or _endpoints.region()
        if region is None:
            raise Failure(INVALID, "no region to ask", hint="set AWS_REGION, or name one in the reference")
        if target:
            version = "1.0" if service == "dynamodb" else "1.1"
            headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target}
            asked = Request("POST", "/", headers=headers, body=json.dumps(request).encode())
            return _json_answer(self._send(service, region, asked, deadline))
        if operation == "appconfigdata:StartConfigurationSession":
            headers = {"content-type": "application/json"}
            asked = Request("POST", "/configurationsessions", headers=headers, body=json.dumps(request).encode())
            return _json_answer(self._send(service, region, asked, deadline))
        query = f"configuration_token={quote(request['ConfigurationToken'])}"
        response = self._send(service, region, Request("GET", "/configuration", query, headers={}, once=True), deadline)
        if response.status != 200:
            raise _error(response)
        return {
            "Configuration": response.body,
            "ContentType": response.headers.get("content-type", ""),
            "NextPollConfigurationToken": response.headers.get("next-poll-configuration-token", ""),
            "NextPollIntervalInSeconds": response.headers.get("next-poll-interval-in-seconds", ""),
        }

    def _send(self, service: str, region: str, request: Request, deadline: Deadline) -> Response:
        """Return the answer to a request; one that was refused for its time or its credentials is sent once more."""
        endpoint = _endpoints.endpoint(service, region)
        request.path = endpoint.path + request.path
        headers = {**request.headers, "host": endpoint.authority}
        credentials = self._credentials.get(deadline)
        for again in (True, False):
            now = time.time() + self._clock_offset
            request.headers = headers
            request.headers = sign(
                request,
                credentials=credentials,
                region=region,
                service=_SIGNING_NAMES.get(service, service),
                timestamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)),
            )
            request.headers["user-agent"] = "shared-utils"  # after signing: proxies may change it
            response = self._pool.request(endpoint, request, deadline)
            if response.status < 400 or not again:
                break
            from shared_utils.config.aws.errors import CLOCK_CODES, EXPIRED_CREDENTIALS

            code = _code(response)
            if code in CLOCK_CODES:
                ahead = _clock_of(response) - now
                if not abs(ahead) > _TOLERATED_SKEW:  # NaN is not, either
                    break
                self._clock_offset += ahead
            elif code in EXPIRED_CREDENTIALS:
                renewed = self._credentials.renew(credentials, deadline)
                if renewed is None:
                    break
                credentials = renewed
            else:
                break
        return response


def _clock_of(response: Response) -> float:
    """Return the service's time, in seconds since the epoch: the answer's Date (RFC 9110); NaN without one."""
    from email.utils import mktime_tz, parsedate_tz  # 5 ms, for this error only

    date = parsedate_tz(response.headers.get("date", ""))
    return float("nan") if date is None else float(mktime_tz(date))


def _json_answer(response: Response) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        Failure: for an error answer, or one that is no JSON object; nothing of its body is repeated then.
    """
    if response.status not in {200, 201}:
        raise _error(response)
    answer = _object(response.body)
    if answer is None:
        raise Failure(UNAVAILABLE, "the answer is not a JSON object", retry=BRIEFLY)
    return answer


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _error(response: Response) -> Failure:
    """Return what an error answer says."""
    if 300 <= response.status < 400:
        return Failure(UNAVAILABLE, f"the answer is a redirect (HTTP status {response.status}), which is not followed")
    from shared_utils.config.aws.errors import classify_error

    answer = _object(response.body) or {}
    message = answer.get("message") or answer.get("Message") or ""
    return classify_error(_code(response), str(message), response.status)


def _code(response: Response) -> str:
    """Return the error code of an answer, from a header or the body, without namespace and URI."""
    answer = _object(response.body) or {}
    code = response.headers.get("x-amzn-errortype") or answer.get("__type") or answer.get("code") or ""
    return str(code).partition(":")[0].rpartition("#")[2]
