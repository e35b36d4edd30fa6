"""What moto's Lambda API lacks for layers, as AWS's API reference and developer guide describe it.

Pagination, where content lies (`Content.Location`), `GetLayerVersionByArn`, layer policies (organisation
condition, duplicate statement ids), layers of other accounts, and the limits that a caller can run into.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import (
    InvalidParameterValueException,
    LambdaClientError,
    UnknownLayerVersionException,
)
from moto.awslambda.models import (
    LambdaBackend,
    LambdaFunction,
    LambdaStorage,
    LayerVersion,
    Policy,
    lambda_backends,
)
from moto.awslambda.responses import LambdaResponse
from werkzeug.wrappers import Request, Response

from tests.support.local_aws.app import LocalApp

PAGE = 50  # Lambda returns at most 50 items a page, whatever MaxItems asks for
MAX_LAYERS = 5
MAX_REQUEST = 69_905_067  # "Request must be smaller than 69905067 bytes for the PublishLayerVersion operation"
LAYER_ARN = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):layer:([^:]+):(\d+)")
CONTENT = "/local-aws/layers/"
CODE = "/local-aws/functions/"
_publishing = threading.Lock()  # the server is threaded, and moto's `_latest_version += 1` is two steps


def install(app: LocalApp) -> None:
    """Put the additions in moto's place and serve the content of layers and functions."""
    app.route(CONTENT, _serve_content)
    app.route(CODE, _serve_code)
    for name in (
        "list_functions",
        "list_versions_by_function",
        "list_aliases",
        "list_layers",
        "list_layer_versions",
        "get_layer_version",
        "get_layer_version_by_arn",
        "delete_layer_version",
        "publish_layer_version",
        "get_function",
    ):
        setattr(LambdaResponse, name, globals()[f"_{name}"])
    LambdaBackend.add_layer_version_permission = _add_layer_version_permission  # type: ignore[method-assign]
    LambdaFunction._get_layers_data = _layers_data  # type: ignore[method-assign]
    Policy.principal_formatter = _principal  # type: ignore[method-assign,assignment]


# --- pages --------------------------------------------------------------------------------------------------


def _page(response: LambdaResponse, key: str, items: Iterable[Any], render: Callable[[Any], Any]) -> str:
    """Render one page; only its own items, for a list may have tens of thousands."""
    query = response.querystring
    size = min(int(query.get("MaxItems", [PAGE])[0]), PAGE)
    marker = query.get("Marker", [""])[0]
    start = int(base64.urlsafe_b64decode(marker)) if marker else 0
    rest = islice(iter(items), start, start + size + 1)
    page = list(rest)
    answer: dict[str, Any] = {key: [render(item) for item in page[:size]]}
    if len(page) > size:
        answer["NextMarker"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return json.dumps(answer)


def _list_functions(self: LambdaResponse) -> str:
    every = self.querystring.get("FunctionVersion", [None])[0] == "ALL"
    return _page(self, "Functions", _functions(self.backend._lambdas, every), lambda entry: _configuration(*entry))


def _functions(storage: LambdaStorage, every: bool) -> Iterator[tuple[LambdaFunction, str]]:
    """Functions with the ARN that the list shows: qualified only when all versions are asked for."""
    for name in sorted(storage._functions):
        group = storage._functions[name]
        if group["latest"] is not None:
            arn = group["latest"].function_arn
            yield group["latest"], f"{arn}:$LATEST" if every else arn
        if every:
            yield from ((version, version.function_arn) for version in group["versions"])


def _configuration(function: LambdaFunction, arn: str) -> dict[str, Any]:
    latest = arn.endswith(":$LATEST") or not arn.rsplit(":", 1)[1].isdigit()
    configuration = function.get_configuration() | {"FunctionArn": arn}
    return configuration | {"Version": "$LATEST"} if latest else configuration


def _list_versions_by_function(self: LambdaResponse) -> str:
    name = unquote(self.path.split("/")[-2]).rsplit(":", 1)[-1]
    storage = self.backend._lambdas
    versions = [entry for entry in _functions(storage, True) if entry[0].function_name == name]
    return _page(self, "Versions", versions, lambda entry: _configuration(*entry))


def _list_aliases(self: LambdaResponse) -> str:
    name = unquote(self.path.split("/")[-2]).rsplit(":", 1)[-1]
    self.backend.get_function(name)  # 404 when there is none
    version = self.querystring.get("FunctionVersion", [None])[0]
    aliases = [one for one in self.backend.list_aliases(name) if version in (None, one.function_version)]
    return _page(self, "Aliases", aliases, lambda alias: alias.to_json())


def _list_layers(self: LambdaResponse) -> str:
    return _page(self, "Layers", list(self.backend.list_layers()), lambda layer: layer)


def _list_layer_versions(self: LambdaResponse) -> str:
    name = unquote(self.path.rsplit("/", 2)[-2])
    backend, name = _layer_home(self, name)
    runtime = self.querystring.get("CompatibleRuntime", [None])[0]
    versions = sorted(backend.list_layer_versions(name), key=lambda version: -version.version)
    fitting = [one for one in versions if runtime is None or runtime in one.compatible_runtimes]
    return _page(self, "LayerVersions", fitting, _list_item)


def _list_item(version: LayerVersion) -> dict[str, Any]:
    return {key: value for key, value in version.get_layer_version().items() if key not in ("Content", "LayerArn")}


# --- layer versions -----------------------------------------------------------------------------------------


def _layer_home(response: LambdaResponse, name_or_arn: str) -> tuple[LambdaBackend, str]:
    """The backend that has a layer: another account's when an ARN names it."""
    if not name_or_arn.startswith("arn:"):
        return response.backend, name_or_arn
    parts = name_or_arn.split(":")
    return lambda_backends[parts[4]][parts[3]], parts[6]


def _described(response: LambdaResponse, version: LayerVersion) -> str:
    answer = version.get_layer_version()
    place = f"{version.account_id}/{version.region}/{version.name}/{version.version}"
    answer["Content"]["Location"] = _location(response, CONTENT + place)
    return json.dumps(answer)


def _location(response: LambdaResponse, path: str) -> str:
    """An address that must never be shown, as a pre-signed one: the query stands for its signature."""
    return f"http://{response.headers['Host']}{path}?X-Amz-Security-Token=CANARY&X-Amz-Signature=CANARY"


def _get_layer_version(self: LambdaResponse) -> str:
    backend, name = _layer_home(self, unquote(self.path.split("/")[-3]))
    version = backend.get_layer_version(name, self.path.split("/")[-1])
    _allow(version, self.current_account)
    return _described(self, version)


def _get_layer_version_by_arn(self: LambdaResponse) -> str:
    arn = self._get_param("Arn") or unquote(self.querystring["Arn"][0])
    return _described(self, _readable(arn, self.current_account))


def _delete_layer_version(self: LambdaResponse) -> tuple[int, dict[str, Any], str]:
    layer = self.backend._layers._layers.get(unquote(self.path.split("/")[-3]))
    if layer is not None:  # deleting what is not there is no error in Lambda
        layer.delete_version(self.path.split("/")[-1])
    return 204, {"status": 204}, ""


def _publish_layer_version(self: LambdaResponse) -> tuple[int, dict[str, Any], str]:
    if len(self.body) >= MAX_REQUEST:
        error = LambdaClientError(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {MAX_REQUEST} bytes for the PublishLayerVersion operation",
        )
        error.code = 413
        raise error
    spec = self.json_body | {"LayerName": unquote(self.path.rsplit("/", 2)[-2])}
    if len(spec.get("Description", "")) > 256:
        raise InvalidParameterValueException("description must have length less than or equal to 256")
    with _publishing:
        version = self.backend.publish_layer_version(spec)
    return 201, {"status": 201}, _described(self, version)


# --- who may use them ---------------------------------------------------------------------------------------


def _principal(self: Policy, principal: str) -> Any:
    """Write a principal as Lambda's policies do: an account as its root."""
    if re.fullmatch(r"\d{12}", str(principal)):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.endswith(".amazonaws.com"):
        return {"Service": principal}
    return {"AWS": principal} if principal.endswith(":root") else principal


def _add_layer_version_permission(
    self: LambdaBackend, layer_name: str, version_number: int, statement: str
) -> tuple[Any, str]:
    version = self.get_layer_version(layer_name, str(version_number))
    asked = json.loads(statement)
    with _publishing:
        if any(one["Sid"] == asked["StatementId"] for one in version.policy.statements):
            conflict = LambdaClientError(
                "ResourceConflictException",
                f"The statement id ({asked['StatementId']}) provided already exists. Please provide a new statement id,"
                " or remove the existing statement.",
            )
            conflict.code = 409
            raise conflict
        organization = asked.pop("OrganizationId", None)
        if organization:
            asked["PrincipalOrgID"] = organization
        return version.policy.add_statement(json.dumps(asked | {"Resource": version.arn}))


def _allow(version: LayerVersion, account: str) -> None:
    """Refuse an account that the layer version is not shared with. Organisations count as joined by everyone."""
    if account == version.account_id:
        return
    for statement in version.policy.statements:
        principal = statement["Principal"]
        named = principal["AWS"] if isinstance(principal, dict) else principal
        if named == "*" or account in named:
            return
    denied = LambdaClientError(
        "AccessDeniedException",
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:GetLayerVersion on resource:"
        f" {version.arn} because no resource-based policy allows the lambda:GetLayerVersion action",
    )
    denied.code = 403
    raise denied


def _readable(arn: str, account: str) -> LayerVersion:
    match = LAYER_ARN.fullmatch(arn)
    if match is None:
        raise InvalidParameterValueException(f"Invalid layer version ARN: {arn}")
    region, owner = match.groups()[:2]
    version = lambda_backends[owner][region].layers_versions_by_arn(arn)
    if version is None:
        raise UnknownLayerVersionException([arn])
    _allow(version, account)
    return version


def _layers_data(self: LambdaFunction, arns: Sequence[str]) -> list[dict[str, Any]]:
    """Check the layers of a function: their number, region, existence, and the right to use them."""
    if len(arns) > MAX_LAYERS:
        raise InvalidParameterValueException(f"Cannot reference more than {MAX_LAYERS} layers.")
    for arn in arns:
        match = LAYER_ARN.fullmatch(arn)
        if match and match[1] != self.region:
            raise InvalidParameterValueException(f"Layers are not in the same region as the function: {arn}")
    versions = [_readable(arn, self.account_id) for arn in arns]
    return [{"Arn": version.arn, "CodeSize": version.code_size} for version in versions]


# --- bytes --------------------------------------------------------------------------------------------------


_get_function_of_moto = LambdaResponse.get_function


def _get_function(self: LambdaResponse) -> str:
    answer = json.loads(_get_function_of_moto(self))
    configuration = answer["Configuration"]
    if configuration["PackageType"] == "Zip":
        place = f"{self.current_account}/{self.region}/{configuration['FunctionName']}/{configuration['Version']}"
        answer["Code"] = {"RepositoryType": "S3", "Location": _location(self, CODE + place)}
    return json.dumps(answer)


def _serve_content(request: Request) -> Response:
    account, region, name, number = unquote(request.path[len(CONTENT) :]).split("/")
    version = lambda_backends[account][region].get_layer_version(name, number)
    return Response(version.code_bytes, mimetype="application/zip")


def _serve_code(request: Request) -> Response:
    account, region, name, qualifier = unquote(request.path[len(CODE) :]).split("/")
    function = lambda_backends[account][region].get_function(name, qualifier)
    return Response(function.code_bytes, mimetype="application/zip")
