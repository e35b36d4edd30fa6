"""Requests to AWS's own Lambda extensions: Parameters and Secrets, and the AppConfig agent.

Both listen on localhost and answer during invocations only; the first reads one value at a time, the second evaluates
flags with variants. Source: "Using Parameter Store parameters in Lambda functions", "Use AWS Secrets Manager secrets in
Lambda functions", "Using AWS AppConfig Agent with AWS Lambda".
"""

from __future__ import annotations

import json
import os
import re

from shared_utils.config.aws.endpoints import Endpoint
from shared_utils.config.aws.errors import KNOWN_CODES, classify_error
from shared_utils.config.aws.http import Pool, Request, Response
from shared_utils.config.outcomes import BRIEFLY, INVALID, UNAVAILABLE, Failure
from shared_utils.config.references import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.aws.retry import Deadline

__all__ = ["AgentTransport"]

_PATHS = {
    "ssm:GetParameter": "/systemsmanager/parameters/get",
    "secretsmanager:GetSecretValue": "/secretsmanager/get",
}
# The API's names of arguments, and the extension's.
_ARGUMENTS = {
    "SecretId": "secretId",
    "VersionStage": "versionStage",
    "VersionId": "versionId",
}


class AgentTransport:
    """Requests to the extensions of this environment."""

    name = "extension"

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self._pool = Pool(connect_timeout, read_timeout)

    def supports(self, operation: str) -> bool:
        """Whether it offers `operation`: single reads only."""
        return operation in _PATHS or operation == "appconfigagent:GetConfiguration"

    def close(self) -> None:
        """Drop the kept connections."""
        self._pool.close()

    def call(self, operation: str, request: dict[str, Any], region: str | None, deadline: Deadline) -> dict[str, Any]:
        """Ask once. Neither extension can ask another region than the function's own."""
        if region is not None and region != os.environ.get("AWS_REGION"):
            raise Failure(
                INVALID,
                f"the extension asks the function's own region only, not {region}",
                hint="set SHARED_UTILS_CONFIG_TRANSPORT=signed, or leave the region out",
            )
        if operation == "appconfigagent:GetConfiguration":
            return self._configuration(request, deadline)
        token = os.environ.get("AWS_SESSION_TOKEN", "")
        headers = {"x-aws-parameters-secrets-token": token}
        query = "&".join(f"{name}={quote(value)}" for name, value in _arguments(operation, request))
        endpoint = Endpoint("http", "localhost", _port("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", 2773))
        response = self._get(endpoint, Request("GET", _PATHS[operation], query, headers=headers), deadline)
        try:
            answer = json.loads(response.body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Failure(UNAVAILABLE, "the extension's answer is not a JSON object", retry=BRIEFLY)
        return answer

    def _configuration(self, request: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        endpoint = Endpoint("http", "localhost", _port("AWS_APPCONFIG_EXTENSION_HTTP_PORT", 2772))
        application, environment, profile = (quote(part) for part in request["Parts"])
        target = f"/applications/{application}/environments/{environment}/configurations/{profile}"
        response = self._get(endpoint, Request("GET", target, headers={}), deadline)
        return {"Configuration": response.body, "ContentType": response.headers.get("content-type", "")}

    def _get(self, endpoint: Endpoint, request: Request, deadline: Deadline) -> Response:
        request.headers.update({"host": endpoint.authority, "user-agent": "shared-utils"})
        try:
            response = self._pool.request(endpoint, request, deadline)
        except Failure as failure:
            failure.hint = "check that the function has the extension's layer; it answers during invocations only"
            raise
        if response.status != 200:
            raise _error(response)
        return response


def _arguments(operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the query of a read. A pinned version or label stands in an API's name, but beside the extension's."""
    if operation == "secretsmanager:GetSecretValue":
        return [(_ARGUMENTS[name], value) for name, value in request.items()]
    name, pinned = request["Name"], ""
    if not name.startswith("arn:"):
        name, _, pinned = name.partition(":")
    arguments = [("name", name)]
    if pinned:
        arguments.append(("version" if pinned.isdecimal() else "label", pinned))
    if request["WithDecryption"]:
        arguments.append(("withDecryption", "true"))
    return arguments


def _port(variable: str, usual: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Failure(INVALID, f"{variable} is {text!r}, which is no port", hint="set it to 1 to 65535, or unset it")
    return int(text)


def _error(response: Response) -> Failure:
    """Return what an error answer means: prose with the service's error code somewhere in it."""
    if 300 <= response.status < 400:
        return Failure(UNAVAILABLE, f"the answer is a redirect (HTTP status {response.status}), which is not followed")
    text = response.body[:4096].decode("utf-8", "replace")
    if "not ready to serve traffic" in text:
        return Failure(
            UNAVAILABLE,
            "the extension is not ready: it answers during invocations only",
            hint="read the value in the handler, or use the signed transport",
        )
    found = next((word for word in re.findall(r"[A-Za-z]+", text) if word in KNOWN_CODES), "")
    if not found and response.status == 404:
        found = "ResourceNotFoundException"
    return classify_error(found, text if found else "", response.status)
