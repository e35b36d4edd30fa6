"""The APIs of a template, and the routes that a function's events and its URL make in them.

SAM developer guide: "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "FunctionUrlConfig", and "Globals section" for
what an API takes over from there. An event that names no API belongs to the one that SAM adds by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from layerctl.core.errors import LayerctlError
from layerctl.templates.model import Value, text_of, unknown_in
from layerctl.templates.sam.model import Api, Cors, Route

if TYPE_CHECKING:
    from layerctl.templates.model import Data, Event, Function, Resource, Template

__all__ = ["Apis"]

# API Gateway quotas: the longest that an integration may take. A function URL waits as long as a function may run.
_INTEGRATION_SECONDS = {"http": 30.0, "rest": 29.0, "url": 900.0}
_IMPLICIT = {"http": "ServerlessHttpApi", "rest": "ServerlessRestApi"}
_ID = {"http": "ApiId", "rest": "RestApiId"}


class Apis:
    """Finds the APIs of one template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._found: dict[tuple[str, str, str], tuple[Api, dict[str, Any]]] = {}

    def routes(self, function: Function) -> list[Route]:
        """What leads to a function: its events, and its URL (SAM's property, CloudFormation's resource).

        Raises:
            LayerctlError: an event is wrong.
        """
        kinds: dict[str, Literal["http", "rest"]] = {"HttpApi": "http", "Api": "rest"}
        routes = [self._route(kinds[event.kind], event, function) for event in function.events if event.kind in kinds]
        urls = [function.properties["FunctionUrlConfig"]] if "FunctionUrlConfig" in function.properties else []
        urls += [url.properties for url in self._leading(function, "AWS::Lambda::Url", "TargetFunctionArn")]
        return [*routes, *(_url_route(_plain(url), function) for url in urls)]

    def aliases(self, function: Function) -> frozenset[str]:
        """The aliases of a function: SAM's ``AutoPublishAlias``, and those that the template defines."""
        names = {
            text_of(alias.properties, "Name") for alias in self._leading(function, "AWS::Lambda::Alias", "FunctionName")
        }
        return frozenset(name for name in (*names, function.alias.name if function.alias else None) if name)

    def _leading(self, function: Function, kind: str, key: str) -> list[Resource]:
        """The resources of a type that name the function."""
        inside = function.logical_id.rpartition("/")[0]
        return [
            resource
            for name, resource in self._template.resources.items()
            if resource.kind == kind
            and name.rpartition("/")[0] == inside
            and (text_of(resource.properties, key) or "").rpartition(":")[2] == function.name
        ]

    def _route(self, kind: Literal["http", "rest"], event: Event, function: Function) -> Route:
        if why := unknown_in(event.properties):
            raise LayerctlError(f"the event {event.name} is not known: {why}")
        properties = _mapping(_plain(event.properties))
        if kind == "rest" and ("Path" not in properties or "Method" not in properties):
            raise LayerctlError(f"the event {event.name} has no Path or no Method")
        path, method = str(properties.get("Path", "$default")), str(properties.get("Method", "ANY")).upper()
        if path != "$default" and not path.startswith("/"):
            path = f"/{path}"
        payload = str(properties.get("PayloadFormatVersion", "2.0" if kind == "http" else "1.0"))
        if payload not in ("1.0", "2.0"):
            raise LayerctlError(f"the event {event.name} has PayloadFormatVersion {payload!r}")
        seconds = _INTEGRATION_SECONDS[kind]
        millis = str(properties.get("TimeoutInMillis", ""))
        if millis.isdigit():
            seconds = min(int(millis) / 1000, seconds)
        method = "ANY" if method in ("*", "X-AMAZON-APIGATEWAY-ANY-METHOD") else method
        fits: Literal["1.0", "2.0"] = "1.0" if payload == "1.0" or kind == "rest" else "2.0"
        api, settings = self._api(kind, str(properties.get(_ID[kind], _IMPLICIT[kind])), function)
        guards = _guards(_mapping(properties.get("Auth")), _mapping(settings.get("Auth")))
        return Route(api, method, path, fits, seconds, event.place.line or 1, guards)

    def _api(self, kind: Literal["http", "rest"], name: str, function: Function) -> tuple[Api, dict[str, Any]]:
        """The API that an event names, or the one that SAM adds, with its settings."""
        inside = function.logical_id.rpartition("/")[0]
        key = (kind, inside, name)
        if key not in self._found:
            resource = self._template.resources.get(f"{inside}/{name}" if inside else name)
            settings = _mapping(_plain(resource.properties)) if resource is not None else {}
            make = _http if kind == "http" else _rest
            self._found[key] = make(name, function.place.path, settings), settings
        return self._found[key]


def _url_route(config: Any, function: Function) -> Route:
    """The route of a function URL, from its ``FunctionUrlConfig``."""
    settings = _mapping(config)
    api = Api("url", function.logical_id, function.place.path, cors=_cors(settings.get("Cors")))
    guards = ("AWS_IAM",) if settings.get("AuthType") == "AWS_IAM" else ()
    return Route(api, "ANY", "$default", "2.0", _INTEGRATION_SECONDS["url"], guards=guards)


def _plain(data: Data | None) -> Any:
    """Data as dicts, lists and texts; what is not known is left out."""
    if isinstance(data, Value):
        return data.text
    if isinstance(data, dict):
        return {key: plain for key, item in data.items() if (plain := _plain(item)) is not None}
    return [plain for item in data or () if (plain := _plain(item)) is not None]


def _http(name: str, where: str, settings: dict[str, Any]) -> Api:
    given = settings.get("CorsConfiguration")
    cors = Cors(origins=("*",)) if given == "true" else _cors(given)
    return Api(
        "http", name, where, str(settings.get("StageName") or "$default"), _pairs(settings, "StageVariables"), (), cors
    )


def _rest(name: str, where: str, settings: dict[str, Any]) -> Api:
    given = settings.get("Cors")
    if isinstance(given, dict):
        cors: Cors | None = Cors(
            origins=(_unquoted(given.get("AllowOrigin", "*")),),
            methods=_unquoted_all(given.get("AllowMethods")),
            headers=_unquoted_all(given.get("AllowHeaders")),
            max_age=_whole(_unquoted(given.get("MaxAge", ""))),
            credentials=given.get("AllowCredentials") == "true",
        )
    else:
        cors = Cors(origins=(_unquoted(given),)) if given else None
    binary = settings.get("BinaryMediaTypes")
    types = tuple(str(kind).replace("~1", "/") for kind in (binary if isinstance(binary, list) else []))
    return Api(
        "rest", name, where, str(settings.get("StageName") or "Prod"), _pairs(settings, "Variables"), types, cors
    )


def _cors(given: Any) -> Cors | None:
    """The settings of an HTTP API or a function URL."""
    if not isinstance(given, dict):
        return None

    def listed(name: str) -> tuple[str, ...]:
        values = given.get(name) or ()
        return tuple(map(str, values if isinstance(values, (list, tuple)) else [values]))

    return Cors(
        origins=listed("AllowOrigins"),
        methods=listed("AllowMethods"),
        headers=listed("AllowHeaders"),
        expose=listed("ExposeHeaders"),
        max_age=_whole(str(given.get("MaxAge", ""))),
        credentials=given.get("AllowCredentials") == "true",
    )


def _guards(own: dict[str, Any], api: dict[str, Any]) -> tuple[str, ...]:
    """What lets requests in: the event's authorizer, else the API's default one; and an API key."""
    named = own.get("Authorizer", api.get("DefaultAuthorizer"))
    authorizer = (str(named),) if named not in (None, "NONE") else ()
    key = own.get("ApiKeyRequired", api.get("ApiKeyRequired"))
    return (*authorizer, *(("an API key",) if key == "true" else ()))


def _pairs(settings: dict[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in _mapping(settings.get(key)).items())


def _unquoted(value: Any) -> str:
    """A REST API's header value, which templates write as ``"'*'"``: text in quotes for API Gateway itself."""
    return str(value).removeprefix("'").removesuffix("'")


def _unquoted_all(value: Any) -> tuple[str, ...]:
    return (_unquoted(value),) if value else ()


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
