"""The APIs of a template, and the routes that a function's events and its URL make in them.

SAM developer guide: "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "FunctionUrlConfig", and "Globals section" for
what an API takes over from there. An event that names no API belongs to the one that SAM adds by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from layerctl.core.errors import LayerctlError
from layerctl.templates.sam.model import Api, Cors, Route
from layerctl.templates.sam.parse import line_of
from layerctl.templates.sam.resolve import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layerctl.templates.sam.resolve import Resolver

__all__ = ["Apis"]

# API Gateway quotas: the longest that an integration may take. A function URL waits as long as a function may run.
_INTEGRATION_SECONDS = {"http": 30.0, "rest": 29.0, "url": 900.0}
_IMPLICIT = {"http": "ServerlessHttpApi", "rest": "ServerlessRestApi"}
_GLOBALS = {"http": "HttpApi", "rest": "Api"}
_ID = {"http": "ApiId", "rest": "RestApiId"}


class Apis:
    """Finds the APIs of one template.

    Args:
        data: the template.
        resolver: works out its values.
        where: the template's path.
    """

    def __init__(self, data: Mapping[str, Any], resolver: Resolver, where: str) -> None:
        self._data = data
        self._resolver = resolver
        self._where = where
        self._found: dict[tuple[str, str], tuple[Api, dict[str, Any]]] = {}

    def routes(self, events: Any, place: str) -> list[Route]:
        """The routes of a function's events.

        Args:
            events: what stands under ``Events``.
            place: the function, for messages.

        Raises:
            LayerctlError: an event is wrong.
        """
        routes = []
        for name, event in _mapping(events).items():
            kind = event.get("Type") if isinstance(event, dict) else None
            if kind in ("HttpApi", "Api"):
                api: Literal["http", "rest"] = "http" if kind == "HttpApi" else "rest"
                routes.append(self._route(api, name, event, line_of(events, name), place))
        return routes

    def url_route(self, config: Any, logical_id: str) -> Route:
        """The route of a function URL, from what its ``FunctionUrlConfig`` comes to."""
        settings = _mapping(config)
        api = Api("url", logical_id, self._where, cors=_cors(settings.get("Cors")))
        guards = ("AWS_IAM",) if settings.get("AuthType") == "AWS_IAM" else ()
        return Route(api, "ANY", "$default", "2.0", _INTEGRATION_SECONDS["url"], guards=guards)

    def _route(self, kind: Literal["http", "rest"], name: str, event: Any, line: int, place: str) -> Route:
        raw = _mapping(event.get("Properties"))
        properties = _mapping(self._resolver.value(raw))
        if kind == "rest" and ("Path" not in properties or "Method" not in properties):
            raise LayerctlError(f"{place}: the event {name} has no Path or no Method")
        path, method = str(properties.get("Path", "$default")), str(properties.get("Method", "ANY")).upper()
        if path != "$default" and not path.startswith("/"):
            path = f"/{path}"
        payload = str(properties.get("PayloadFormatVersion", "2.0" if kind == "http" else "1.0"))
        if payload not in ("1.0", "2.0"):
            raise LayerctlError(f"{place}: the event {name} has PayloadFormatVersion {payload!r}")
        seconds = _INTEGRATION_SECONDS[kind]
        millis = str(properties.get("TimeoutInMillis", ""))
        if millis.isdigit():
            seconds = min(int(millis) / 1000, seconds)
        method = "ANY" if method in ("*", "X-AMAZON-APIGATEWAY-ANY-METHOD") else method
        fits: Literal["1.0", "2.0"] = "1.0" if payload == "1.0" or kind == "rest" else "2.0"
        api, settings = self._api(kind, raw.get(_ID[kind]))
        guards = _guards(_mapping(properties.get("Auth")), _mapping(settings.get("Auth")))
        return Route(api, method, path, fits, seconds, line, guards)

    def _api(self, kind: Literal["http", "rest"], reference: Any) -> tuple[Api, dict[str, Any]]:
        """The API that an event names, or the one that SAM adds, with its settings."""
        if isinstance(reference, dict) and isinstance(reference.get("Ref"), str):
            name = str(reference["Ref"])
        else:
            name = _IMPLICIT[kind] if reference is None else self._resolver.text(reference) or _IMPLICIT[kind]
        if (kind, name) not in self._found:
            own = _mapping(_mapping(_mapping(self._data.get("Resources")).get(name)).get("Properties"))
            every = _mapping(_mapping(self._data.get("Globals")).get(_GLOBALS[kind]))
            # What an API is made of otherwise (definitions, domains) is not asked for, and may be beyond the resolver.
            wanted = (
                "Auth",
                "BinaryMediaTypes",
                "Cors",
                "CorsConfiguration",
                "StageName",
                "StageVariables",
                "Variables",
            )
            merged = _merged({key: every[key] for key in wanted if key in every}, own)
            settings = _mapping(self._resolver.value({key: merged[key] for key in wanted if key in merged}))
            self._found[kind, name] = _http(name, self._where, settings), settings
            if kind == "rest":
                self._found[kind, name] = _rest(name, self._where, settings), settings
        return self._found[kind, name]


def _http(name: str, where: str, settings: dict[str, Any]) -> Api:
    given = settings.get("CorsConfiguration")
    cors = Cors(origins=("*",)) if given is True else _cors(given)
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
            credentials=given.get("AllowCredentials") is True,
        )
    else:
        cors = Cors(origins=(_unquoted(given),)) if given else None
    binary = settings.get("BinaryMediaTypes")
    types = tuple(as_text(kind).replace("~1", "/") for kind in (binary if isinstance(binary, list) else []))
    return Api(
        "rest", name, where, str(settings.get("StageName") or "Prod"), _pairs(settings, "Variables"), types, cors
    )


def _cors(given: Any) -> Cors | None:
    """The settings of an HTTP API or a function URL."""
    if not isinstance(given, dict):
        return None

    def listed(name: str) -> tuple[str, ...]:
        values = given.get(name) or ()
        return tuple(map(as_text, values if isinstance(values, (list, tuple)) else [values]))

    return Cors(
        origins=listed("AllowOrigins"),
        methods=listed("AllowMethods"),
        headers=listed("AllowHeaders"),
        expose=listed("ExposeHeaders"),
        max_age=_whole(str(given.get("MaxAge", ""))),
        credentials=given.get("AllowCredentials") is True,
    )


def _guards(own: dict[str, Any], api: dict[str, Any]) -> tuple[str, ...]:
    """What lets requests in: the event's authorizer, else the API's default one; and an API key."""
    named = own.get("Authorizer", api.get("DefaultAuthorizer"))
    authorizer = (as_text(named),) if named not in (None, "NONE") else ()
    key = own.get("ApiKeyRequired", api.get("ApiKeyRequired"))
    return (*authorizer, *(("an API key",) if key is True else ()))


def _merged(every: Any, own: Any) -> Any:
    """What Globals and an API come to together: mappings and lists are added up, any other value is replaced."""
    if isinstance(every, dict) and isinstance(own, dict):
        merged = {**every, **own}
        return {key: _merged(every[key], own[key]) if key in every and key in own else merged[key] for key in merged}
    if isinstance(every, list) and isinstance(own, list):
        return [*every, *own]
    return own


def _pairs(settings: dict[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, as_text(value)) for name, value in _mapping(settings.get(key)).items())


def _unquoted(value: Any) -> str:
    """A REST API's header value, which templates write as ``"'*'"``: text in quotes for API Gateway itself."""
    return as_text(value).removeprefix("'").removesuffix("'")


def _unquoted_all(value: Any) -> tuple[str, ...]:
    return (_unquoted(value),) if value else ()


def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
