"""The APIs of a template: what an API takes over from Globals, its stage, CORS, and what guards its routes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from samtranslator.translator.transform import transform

from layerctl.local.gateway.cors import preflight
from layerctl.local.http import Request
from layerctl.templates.sam import Api, Cors, Route, load_template

if TYPE_CHECKING:
    from pathlib import Path


def routes(tmp_path: Path, text: str) -> tuple[Route, ...]:
    """The routes of the one function of a template."""
    (tmp_path / "template.yaml").write_text(text)
    (function,) = load_template(tmp_path / "template.yaml").functions
    return function.routes


def template(events: str, *, every: str = "", apis: str = "", more: str = "") -> str:
    """A template with one function."""
    return f"""
Globals: {{{every}}}
Resources:
  {apis}
  F:
    Type: AWS::Serverless::Function
    Properties: {{Runtime: python3.13, Handler: app.handler, InlineCode: "", Events: {{{events}}}, {more}}}
"""


HTTP, REST = (f"A: {{Type: {kind}, Properties: {{Path: /a, Method: get" for kind in ("HttpApi", "Api"))
OWN = "{StageName: dev, BinaryMediaTypes: ['*~1*'], Variables: {b: 2}}"
URL = "{Type: AWS::Lambda::Url, Properties: {AuthType: NONE, TargetFunctionArn: !GetAtt F.Arn}}"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "SAM's own HTTP API": (template(HTTP + "}}"), {"name": "ServerlessHttpApi", "stage": "$default"}),
    "SAM's own REST API": (template(REST + "}}"), {"name": "ServerlessRestApi", "stage": "Prod"}),
    "Globals reach SAM's own": (
        template(HTTP + "}}", every="HttpApi: {CorsConfiguration: true, StageVariables: {a: 1}}"),
        {"cors": Cors(origins=("*",)), "variables": (("a", "1"),)},
    ),
    "Globals and an API's own are added up": (
        template(
            REST + ", RestApiId: !Ref R}}",
            every="Api: {BinaryMediaTypes: [image~1png], Variables: {a: 1, b: 1}}",
            apis=f"R: {{Type: AWS::Serverless::Api, Properties: {OWN}}}",
        ),
        {"stage": "dev", "binary": ("image/png", "*/*"), "variables": (("a", "1"), ("b", "2"))},
    ),
    "CORS of a REST API, in short": (
        template(REST + "}}", every="""Api: {Cors: "'https://x'"}"""),
        {"cors": Cors(origins=("https://x",))},
    ),
    "an API of another stack": (
        template(REST + ", RestApiId: !ImportValue other}}"),
        {"name": "ImportValue(other)", "stage": "Prod", "cors": None},
    ),
    "a function URL": (
        template("", more="FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ['https://x'], MaxAge: 5}}"),
        {"kind": "url", "name": "F", "stage": "$default", "cors": Cors(origins=("https://x",), max_age=5)},
    ),
    "a function URL in CloudFormation": (
        template(
            "", apis="U: {Type: AWS::Lambda::Url, Properties: {AuthType: NONE, TargetFunctionArn: !GetAtt F.Arn}}"
        ),
        {"kind": "url", "name": "F"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_apis(tmp_path: Path, case: str) -> None:
    """Each has its name, stage and settings."""
    text, expected = CASES[case]
    (route,) = routes(tmp_path, text)
    assert {name: getattr(route.api, name) for name in expected} == expected


AUTH = "Auth: {DefaultAuthorizer: Pool, Authorizers: {Pool: {}}}"
GUARDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "none": (template(HTTP + "}}"), ()),
    "the API's": (template(HTTP + "}}", every=f"HttpApi: {{{AUTH}}}"), ("Pool",)),
    "switched off for a route": (template(HTTP + ", Auth: {Authorizer: NONE}}}", every=f"HttpApi: {{{AUTH}}}"), ()),
    "a route's own": (template(REST + ", Auth: {Authorizer: AWS_IAM}}}", every=f"Api: {{{AUTH}}}"), ("AWS_IAM",)),
    "a key as well": (
        template(REST + ", Auth: {ApiKeyRequired: true}}}", every=f"Api: {{{AUTH}}}"),
        ("Pool", "an API key"),
    ),
    "of a function URL": (template("", more="FunctionUrlConfig: {AuthType: AWS_IAM}"), ("AWS_IAM",)),
}


@pytest.mark.parametrize("case", GUARDS)
def test_guards(tmp_path: Path, case: str) -> None:
    """What lets requests in, in AWS: the route's own authorizer, else the API's, and keys."""
    text, expected = GUARDS[case]
    assert routes(tmp_path, text)[0].guards == expected


def test_apis_of_two_templates_are_two(tmp_path: Path) -> None:
    """Both have an API that SAM adds, under one name."""
    text = template(HTTP + "}}")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (routes(tmp_path / name, text)[0].api for name in ("one", "two"))
    assert one != two
    assert one == Api("http", "ServerlessHttpApi", str(tmp_path / "one/template.yaml"))


def test_aliases(tmp_path: Path) -> None:
    """SAM's, and those that the template defines for the function."""
    alias = "{Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref F, Name: blue, FunctionVersion: '1'}}"
    (tmp_path / "template.yaml").write_text(template("", apis=f"L: {alias}", more="AutoPublishAlias: live"))
    (function,) = load_template(tmp_path / "template.yaml").functions
    assert function.aliases == {"live", "blue"}


@pytest.mark.parametrize(
    "cors",
    [
        "'*'",
        {"AllowOrigin": "'https://a'", "AllowMethods": "'GET,PUT'", "AllowHeaders": "'x-a'", "MaxAge": "'600'"},
        {"AllowOrigin": "'https://a'", "AllowCredentials": True},
    ],
)
@pytest.mark.parametrize("method", ["get", "any"])
def test_rest_preflight_answers_are_those_of_sams_transform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cors: Any, method: str
) -> None:
    """The headers of the OPTIONS method are those that SAM's own transform writes into the API's definition."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    event = {"Type": "Api", "Properties": {"Path": "/a", "Method": method}}
    function = {"Runtime": "python3.13", "Handler": "a.b", "InlineCode": "x", "Events": {"A": event}}
    data = {
        "Globals": {"Api": {"Cors": cors}},
        "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": function}},
    }
    (route,) = routes(tmp_path, yaml.safe_dump(data))
    translated = transform(json.loads(json.dumps(data)), {}, _NoPolicies())
    (definition,) = [
        resource["Properties"]["Body"]
        for resource in translated["Resources"].values()
        if resource["Type"] == "AWS::ApiGateway::RestApi"
    ]
    integration = definition["paths"]["/a"]["options"]["x-amazon-apigateway-integration"]
    expected = {
        name.removeprefix("method.response.header."): str(value).strip("'")
        for name, value in integration["responses"]["default"]["responseParameters"].items()
    }
    answer = preflight(Request("OPTIONS", "/a", []), route.api, [route.method])
    assert answer is not None
    assert {name: value for name, value in answer.headers if name.startswith("Access-Control-")} == expected


class _NoPolicies:
    """The managed policies that the transform may ask for: none."""

    def load(self) -> dict[str, str]:
        """Return them."""
        return {}
