"""HTTP as AWS does it, by template, request and event: a table for each kind of API, each case with its source.

- HTTP: API Gateway developer guide, http-api-develop-integrations-lambda.html, http-api-stages.html,
  http-api-develop-routes.html, http-api-cors.html
- REST: API Gateway developer guide, set-up-lambda-proxy-integrations.html, stage-variables.html,
  lambda-proxy-binary-media.html, supported-gateway-response-types.html; SAM developer guide,
  sam-property-api-corsconfiguration.html
- URL: Lambda developer guide, urls-invocation.html, urls-configuration.html
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.parser.models import LambdaFunctionUrlModel

from tests.support.running import Running, write_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.emulator

SOURCE = """
import base64, json
def handler(event, context):
    path = event.get("rawPath") or event.get("path")
    answer = {"statusCode": 200, "body": json.dumps(event)}
    if path.endswith("/extra"): answer["cookies"] = []
    if path.endswith("/image"): answer.update(body="aGk=", isBase64Encoded=True, headers={"Content-Type": "image/png"})
    if path.endswith("/own-cors"): answer["headers"] = {"Access-Control-Allow-Origin": "https://own", "X-Own": "1"}
    if path.endswith("/cookies"): answer["cookies"] = ["a=1; Secure", "b=2"]
    return answer
"""
TEMPLATE = f"""
Globals:
  Function: {{Runtime: python{sys.version_info.major}.{sys.version_info.minor}, Handler: app.handler, CodeUri: .}}
Resources:
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: dev
      StageVariables: {{table: orders, level: 3}}
      Auth: {{DefaultAuthorizer: Pool, Authorizers: {{Pool: {{IdentitySource: $request.header.Authorization}}}}}}
      CorsConfiguration:
        {{AllowOrigins: ['https://a.example', 'https://b.example'], AllowMethods: [GET, PUT], AllowHeaders: [x-a],
          ExposeHeaders: [x-b], MaxAge: 600, AllowCredentials: true}}
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      Variables: {{table: orders}}
      BinaryMediaTypes: [image~1png]
      Cors: {{AllowOrigin: "'https://a.example'", AllowHeaders: "'x-a,x-c'", MaxAge: "'600'"}}
      Auth: {{ApiKeyRequired: true}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionUrlConfig:
        AuthType: AWS_IAM
        Cors: {{AllowOrigins: ['*'], AllowMethods: [GET], MaxAge: 5}}
      Events:
        A: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Path: '/h/{{x}}', Method: GET}}}}
        B: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Path: '/old/{{proxy+}}', Method: GET,
             PayloadFormatVersion: '1.0', Auth: {{Authorizer: NONE}}}}}}
        C: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Path: /h/plan/, Method: POST}}}}
        D: {{Type: Api, Properties: {{RestApiId: !Ref Rest, Path: '/r/{{x}}', Method: GET}}}}
        E: {{Type: Api, Properties: {{RestApiId: !Ref Rest, Path: /r/plan/, Method: POST,
             Auth: {{Authorizer: AWS_IAM, ApiKeyRequired: false}}}}}}
        G: {{Type: Api, Properties: {{Path: '/r/{{x}}', Method: GET}}}}
        H: {{Type: Api, Properties: {{RestApiId: !Ref Rest, Path: '/any/{{proxy+}}', Method: ANY}}}}
"""
PREFLIGHT = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The template, served."""
    app: Path = tmp_path_factory.mktemp("http") / "app"
    served = Running(write_app(app, SOURCE, template=TEMPLATE))
    yield served
    served.end()


class Ports:
    """Where each of the template's APIs is served."""

    def __init__(self, running: Running) -> None:
        (function,) = running.wait_for(lambda event: event["event"] == "ready")["functions"]
        self.main = function["urls"][0]
        self.implicit = function["urls"][5]
        self.url = function["urls"][-1]
        self.notes = function["notes"]


@pytest.fixture(scope="module")
def ports(running: Running) -> Ports:
    """Where each API is."""
    return Ports(running)


def ask(
    url: str, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    """A request; the status, the headers in lower case, and the body."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def at(event: Any, path: str) -> Any:
    """A value of an event, by its keys: ``requestContext.stage``."""
    for key in path.split("."):
        event = event.get(key, "absent") if isinstance(event, dict) else "absent"
    return event


EVENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "HTTP: the stage's name is in rawPath, its variables are in the event": (
        "GET",
        "/h/1",
        {
            "rawPath": "/dev/h/1",
            "requestContext.http.path": "/dev/h/1",
            "requestContext.stage": "dev",
            "stageVariables": {"table": "orders", "level": "3"},
            "pathParameters": {"x": "1"},
        },
    ),
    "HTTP: the stage's name may be in the request, as in AWS's own address": (
        "GET",
        "/dev/h/1",
        {"rawPath": "/dev/h/1", "routeKey": "GET /h/{x}"},
    ),
    "HTTP: path and variables are decoded": (
        "GET",
        "/h/a%20b%3F",
        {"rawPath": "/dev/h/a b?", "pathParameters": {"x": "a b?"}},
    ),
    "HTTP, format 1.0: the path has the stage too": (
        "GET",
        "/old/a%20b/c",
        {"path": "/dev/old/a b/c", "requestContext.path": "/dev/old/a b/c", "pathParameters": {"proxy": "a b/c"}},
    ),
    "HTTP: a slash at the end belongs to the route": ("POST", "/h/plan/", {"routeKey": "POST /h/plan/"}),
    "REST: the stage is in the context, not in the path": (
        "GET",
        "/r/1",
        {
            "path": "/r/1",
            "requestContext.path": "/dev/r/1",
            "requestContext.stage": "dev",
            "stageVariables": {"table": "orders"},
            "resource": "/r/{x}",
        },
    ),
    "REST: the stage's name may be in the request": (
        "GET",
        "/dev/r/1",
        {"path": "/r/1", "requestContext.path": "/dev/r/1"},
    ),
    "REST: path and variables stay encoded": (
        "GET",
        "/r/a%20b%2Fc",
        {"path": "/r/a%20b%2Fc", "pathParameters": {"x": "a%20b%2Fc"}},
    ),
    "REST: greedy variables stay encoded": ("PUT", "/any/a%2Fb/c%20d", {"pathParameters": {"proxy": "a%2Fb/c%20d"}}),
    "REST: a slash at the end says nothing, in the template": (
        "POST",
        "/r/plan",
        {"path": "/r/plan", "resource": "/r/plan"},
    ),
    "REST: a slash at the end says nothing, in the request": ("POST", "/r/plan/", {"path": "/r/plan/"}),
}


@pytest.mark.parametrize("case", EVENTS)
def test_events(ports: Ports, case: str) -> None:
    """Each request is the event that AWS documents, or was observed to send where it documents nothing."""
    method, path, expected = EVENTS[case]
    status, _, body = ask(ports.main, path, method)
    assert status == 200, body
    event = json.loads(body)
    assert {name: at(event, name) for name in expected} == expected


BODIES: dict[str, tuple[str, bytes, bool]] = {
    "a binary media type": ("image/png", b"\x89PNG", True),
    "another one that is text": ("application/json", b"{}", False),
    "none": ("", b"text", False),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_of_a_rest_api(ports: Ports, case: str) -> None:
    """What comes in by one of BinaryMediaTypes is base64, everything else text."""
    kind, body, encoded = BODIES[case]
    event = json.loads(ask(ports.main, "/r/plan", "POST", {"Content-Type": kind} if kind else {}, body)[2])
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


REFUSALS: dict[str, tuple[str, str, int, str]] = {
    "REST: a method that the path has not": ("DELETE", "/r/1", 403, "Missing Authentication Token"),
    "REST: an answer with other keys is malformed": ("GET", "/any/extra", 502, "Internal server error"),
    "HTTP: a method that the path has not": ("DELETE", "/h/1", 404, "Not Found"),
    "HTTP: an encoded slash divides": ("GET", "/h/a%2Fb", 404, "Not Found"),
    "HTTP: without the slash at the end it is another route": ("POST", "/h/plan", 404, "Not Found"),
    "neither": ("GET", "/elsewhere", 404, "Not Found"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(ports: Ports, case: str) -> None:
    """What no route takes, and what cannot be answered, is told in the words of the API that it came in by."""
    method, path, status, message = REFUSALS[case]
    given, _, body = ask(ports.main, path, method)
    assert (given, json.loads(body)) == (status, {"message": message})


def test_binary_answers_of_a_rest_api(ports: Ports, running: Running) -> None:
    """Base64 is decoded for a client whose first accepted type is one of BinaryMediaTypes, and not for others."""
    assert ask(ports.main, "/any/image", headers={"Accept": "image/png, */*"})[2] == b"hi"
    assert ask(ports.main, "/any/image", headers={"Accept": "*/*"})[2] == b"aGk="
    told = running.wait_for(lambda event: event["event"] == "problem" and "goes out in base64" in event["text"])
    assert "accepts */*, which BinaryMediaTypes does not have" in told["text"]
    assert ask(ports.url, "/image")[2] == b"hi"


ALLOWED = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "x-b",
}
CORS: dict[str, tuple[str, str, str, dict[str, str], int, dict[str, str]]] = {
    "HTTP: a preflight request is answered": (
        "main",
        "OPTIONS",
        "/h/1",
        PREFLIGHT,
        204,
        {
            **ALLOWED,
            "access-control-allow-methods": "GET,PUT",
            "access-control-allow-headers": "x-a",
            "access-control-max-age": "600",
        },
    ),
    "HTTP: OPTIONS alone is no preflight request": (
        "main",
        "OPTIONS",
        "/h/1",
        {"Origin": "https://a.example"},
        404,
        ALLOWED,
    ),
    "HTTP: another origin gets no header": (
        "main",
        "OPTIONS",
        "/h/1",
        {**PREFLIGHT, "Origin": "https://evil.example"},
        204,
        {},
    ),
    "HTTP: an answer has the API's headers": ("main", "GET", "/h/1", {"Origin": "https://a.example"}, 200, ALLOWED),
    "HTTP: the function's own are replaced": (
        "main",
        "GET",
        "/h/own-cors",
        {"Origin": "https://a.example"},
        200,
        ALLOWED,
    ),
    "HTTP: without an origin there are none": ("main", "GET", "/h/1", {}, 200, {}),
    "REST: OPTIONS is SAM's": (
        "main",
        "OPTIONS",
        "/r/plan",
        {},
        200,
        {
            "access-control-allow-origin": "https://a.example",
            "access-control-allow-headers": "x-a,x-c",
            "access-control-allow-methods": "OPTIONS,POST",
            "access-control-max-age": "600",
        },
    ),
    "REST: OPTIONS goes before ANY": (
        "main",
        "OPTIONS",
        "/any/x",
        {},
        200,
        {
            "access-control-allow-origin": "https://a.example",
            "access-control-allow-headers": "x-a,x-c",
            "access-control-allow-methods": "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT",
            "access-control-max-age": "600",
        },
    ),
    "REST: other answers have what the function says": (
        "main",
        "GET",
        "/r/1",
        {"Origin": "https://a.example"},
        200,
        {},
    ),
    "REST: and nothing is replaced": (
        "main",
        "GET",
        "/r/own-cors",
        {"Origin": "https://a.example"},
        200,
        {"access-control-allow-origin": "https://own"},
    ),
    "REST: an API without settings has no OPTIONS": ("implicit", "OPTIONS", "/r/1", PREFLIGHT, 403, {}),
    "URL: a preflight request is answered": (
        "url",
        "OPTIONS",
        "/x",
        PREFLIGHT,
        200,
        {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET",
            "access-control-max-age": "5",
        },
    ),
    "URL: the function's own are replaced": (
        "url",
        "GET",
        "/own-cors",
        {"Origin": "https://a.example"},
        200,
        {"access-control-allow-origin": "*"},
    ),
}


@pytest.mark.parametrize("case", CORS)
def test_cors(ports: Ports, case: str) -> None:
    """Preflight requests, and the headers of answers, by the settings of each kind of API."""
    where, method, path, given, status, expected = CORS[case]
    answered, headers, _ = ask(getattr(ports, where), path, method, given)
    assert answered == status
    assert {name: value for name, value in headers.items() if name.startswith("access-control-")} == expected


def test_apis_with_one_path_have_ports_of_their_own(ports: Ports) -> None:
    """The API that SAM adds has a path that another one has too: both are served, and their stages tell them apart."""
    assert len({ports.main, ports.implicit, ports.url}) == 3
    for url, stage in ((ports.main, "dev"), (ports.implicit, "Prod")):
        assert json.loads(ask(url, "/r/1")[2])["requestContext"]["stage"] == stage


def test_function_urls(ports: Ports) -> None:
    """Payload format 2.0 with the route $default, an encoded path, and cookies both ways."""
    status, _, body = ask(
        ports.url, "/a%20b?x=1&x=2", "PUT", {"Cookie": "a=1; b=2", "Content-Type": "text/plain"}, b"hello"
    )
    event = json.loads(body)
    LambdaFunctionUrlModel.model_validate(event)
    context = event["requestContext"]
    assert status == 200
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a%20b")
    assert (context["stage"], context["authentication"], context["http"]["method"]) == ("$default", None, "PUT")
    assert (event["cookies"], event["body"], event["isBase64Encoded"]) == (["a=1", "b=2"], "hello", False)
    assert event["queryStringParameters"] == {"x": "1,2"}
    connection = http.client.HTTPConnection(ports.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/cookies")
    response = connection.getresponse()
    assert response.headers.get_all("set-cookie") == ["a=1; Secure", "b=2"]
    response.read()
    connection.close()


def test_authorizers_are_said_to_be_missing(ports: Ports) -> None:
    """Each route that an authorizer or a key guards in AWS is named, and no other one."""
    assert ports.notes == [
        "GET /h/{x} is open to everybody here; in AWS Pool lets requests in",
        "POST /h/plan/ is open to everybody here; in AWS Pool lets requests in",
        "GET /r/{x} is open to everybody here; in AWS an API key lets requests in",
        "POST /r/plan/ is open to everybody here; in AWS AWS_IAM lets requests in",
        "ANY /any/{proxy+} is open to everybody here; in AWS an API key lets requests in",
        "the function URL is open to everybody here; in AWS AWS_IAM lets requests in",
    ]
