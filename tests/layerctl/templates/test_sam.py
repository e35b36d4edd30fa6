"""What is read out of SAM and CloudFormation templates."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.core.errors import LayerctlError
from layerctl.templates.sam import LocalFunction, load_template

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:1"


@pytest.fixture
def function(tmp_path: Path) -> Callable[..., LocalFunction]:
    """Read the only function of a template that is given as text."""

    def read(text: str, only: str | None = None, **options: Any) -> LocalFunction:
        path = tmp_path / "template.yaml"
        path.write_text(text, "utf-8")
        (found,) = (one for one in load_template(path, **options).functions if only in (None, one.logical_id))
        return found

    return read


def properties(text: str) -> str:
    """A template with one function that has these properties."""
    indented = "".join(f"      {line}\n" for line in text.strip().splitlines())
    return (
        "Parameters:\n  Stage: {Type: String, Default: dev}\n  None_: {Type: String}\n"
        "  Names: {Type: CommaDelimitedList, Default: 'a, b'}\n"
        f"  Layer: {{Type: String, Default: '{ARN}'}}\n"
        "Mappings: {Sizes: {dev: {Timeout: 5}, prod: {Timeout: 9}}}\n"
        "Conditions:\n  Dev: !Equals [!Ref Stage, dev]\n  Prod: !Not [!Condition Dev]\n"
        "  Both: !And [!Condition Dev, !Or [!Condition Prod, !Equals [a, a]]]\n"
        "Resources:\n  Table: {Type: AWS::DynamoDB::Table}\n"
        "  Own: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/own}}\n"
        "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        f"      Runtime: python3.13\n      Handler: app.handler\n      CodeUri: src/\n{indented}"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("yes", "true"),
        ("012345678901", "012345678901"),
        ("2026-11-23", "2026-11-23"),
        ('""', ""),
        ("!Ref Stage", "dev"),
        ("{Ref: Stage}", "dev"),
        ("!Ref AWS::Region", "eu-central-1"),
        ("!Ref Table", "Table"),
        ("!GetAtt Table.Arn", "arn:aws:dynamodb:eu-central-1:123456789012:table/Table"),
        ("!GetAtt [Table, StreamArn]", "Table.StreamArn"),
        ("!Sub '${Stage}-${AWS::AccountId}-${!Literal}-${Table.Name}'", "dev-123456789012-${Literal}-Table"),
        ("!Sub ['${X}-${Stage}', {X: !Ref Stage}]", "dev-dev"),
        ("!Join ['/', [a, !Ref Stage]]", "a/dev"),
        ("!Join ['/', !Ref Names]", "a/b"),
        ("!Select [1, !Split [',', 'a,b,c']]", "b"),
        ("!FindInMap [Sizes, !Ref Stage, Timeout]", "5"),
        ("!FindInMap [Sizes, qa, Timeout, {DefaultValue: 7}]", "7"),
        ("!If [Prod, a, !If [Both, b, c]]", "b"),
        ("!Base64 hi", "aGk="),
        ("!ImportValue other-stack", "ImportValue(other-stack)"),
        ("'{{resolve:ssm:/x}}'", "{{resolve:ssm:/x}}"),
        ("!Ref None_", "None_"),
    ],
)
def test_values_are_worked_out(function: Callable[..., LocalFunction], value: str, expected: str) -> None:
    """Every intrinsic that is known without an account; what only a deployment knows has a readable stand-in."""
    assert function(properties(f"Environment: {{Variables: {{X: {value}}}}}")).environment == {"X": expected}


def test_no_value_is_no_variable(function: Callable[..., LocalFunction]) -> None:
    """A variable that is AWS::NoValue is not there."""
    text = properties('Environment: {Variables: {A: !If [Prod, x, !Ref "AWS::NoValue"], B: b}}')
    assert function(text).environment == {"B": "b"}


def test_parameters_and_region_can_be_given(function: Callable[..., LocalFunction]) -> None:
    """Given values go before the defaults."""
    text = properties(
        "Environment: {Variables: {A: !Sub '${Stage}-${AWS::Region}'}}\n"
        "Timeout: !FindInMap [Sizes, !Ref Stage, Timeout]"
    )
    found = function(text, parameters={"Stage": "prod"}, region="us-east-1")
    assert (found.environment["A"], found.timeout) == ("prod-us-east-1", 9)


def test_globals_are_merged_as_sam_does(function: Callable[..., LocalFunction]) -> None:
    """Variables and layers are added up, the function's last; every other value of the function replaces the global."""
    found = function(
        "Globals:\n  Function:\n    Runtime: python3.12\n    Timeout: 8\n    MemorySize: 512\n"
        f"    Layers: ['{ARN}']\n    Environment: {{Variables: {{A: all, B: all}}}}\n"
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: a.b\n      Timeout: 4\n"
        "      Layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:other:7']\n"
        "      Environment: {Variables: {B: own}}\n"
    )
    assert (found.runtime, found.timeout, found.memory) == ("python3.12", 4, 512)
    assert found.environment == {"A": "all", "B": "own"}
    assert [layer.name for layer in found.layers] == ["shared-utils", "other"]
    assert found.code == Path(found.where.rpartition(":")[0]).parent


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (f"[{ARN}]", ["shared-utils"]),
        ("[!Ref Layer]", ["shared-utils"]),
        ("[!Sub 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:layer:x:12']", ["x"]),
        ("[!If [Dev, !Ref Layer, !Ref Own]]", ["shared-utils"]),
        ("!If [Prod, [!Ref Layer], [!Ref Own, !Ref Layer]]", ["Own", "shared-utils"]),
        ('!If [Prod, [!Ref Layer], !Ref "AWS::NoValue"]', []),
        ('[!If [Prod, !Ref Layer, !Ref "AWS::NoValue"], !Ref Own]', ["Own"]),
        ("[!Join [':', [arn, aws, lambda, eu-central-1, '123456789012', layer, y, 3]]]", ["y"]),
        ("['{{resolve:ssm:/layers/x}}']", ["{{resolve:ssm:/layers/x}}"]),
        ("[]", []),
    ],
)
def test_layers_are_found(function: Callable[..., LocalFunction], value: str, names: list[str]) -> None:
    """Literal ARNs, references to parameters and to layers of the same template, and whatever makes one of them."""
    layers = function(properties(f"Layers: {value}")).layers
    assert [layer.name for layer in layers] == names
    for layer in layers:
        assert (layer.content is not None) == (layer.name == "Own")
        assert (layer.arn is not None) == (layer.name in {"shared-utils", "x", "y"})


def test_events_become_routes(function: Callable[..., LocalFunction]) -> None:
    """HttpApi and Api events, with their payload formats and times; other events are none."""
    found = function(
        properties(
            "Events:\n"
            "  A: {Type: HttpApi, Properties: {Path: '/todos/{id}', Method: get}}\n"
            "  B:\n    Type: HttpApi\n"
            "    Properties: {Path: /old, Method: '*', PayloadFormatVersion: '1.0', TimeoutInMillis: 5000}\n"
            "  C: {Type: HttpApi}\n"
            "  D: {Type: Api, Properties: {Path: '/{proxy+}', Method: any}}\n"
            "  E: {Type: Schedule, Properties: {Schedule: rate(1 day)}}\n"
            "  G: {Type: Api, Properties: {Path: !Sub '/${Stage}', Method: !Ref Stage}}\n"
        )
    )
    assert [(route.api.kind, route.key, route.payload, route.timeout) for route in found.routes] == [
        ("http", "GET /todos/{id}", "2.0", 30.0),
        ("http", "ANY /old", "1.0", 5.0),
        ("http", "$default", "2.0", 30.0),
        ("rest", "ANY /{proxy+}", "1.0", 29.0),
        ("rest", "DEV /dev", "1.0", 29.0),
    ]


def test_plain_cloudformation_json_and_conditions(tmp_path: Path) -> None:
    """AWS::Lambda::Function in a JSON template; inline code; a resource whose condition does not hold is not there."""
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Inline": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "FunctionName": {"Fn::Sub": "inline-${AWS::Region}"},
                    "Code": {"ZipFile": "def handler(e, c): return 1"},
                    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
                    "Architectures": ["arm64"],
                },
            },
            "Gone": {"Type": "AWS::Lambda::Function", "Condition": "Never", "Properties": {}},
        },
    }
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template, indent=1), "utf-8-sig")
    (found,) = load_template(path).functions
    assert (found.name, found.inline, found.code) == ("inline-eu-central-1", "def handler(e, c): return 1", None)
    assert (found.log_format, found.log_level, found.architecture) == ("JSON", "DEBUG", "arm64")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Runtime: nodejs22.x", "nodejs22.x"),
        ("PackageType: Image", "container image"),
        ("CodeUri: s3://bucket/key", "S3"),
        ("CodeUri: {Bucket: b, Key: k}", "S3"),
        ("Handler: ''", "no Handler"),
    ],
)
def test_what_cannot_be_run_says_why(function: Callable[..., LocalFunction], text: str, expected: str) -> None:
    """Such a function is read all the same, with the reason."""
    key = text.partition(":")[0]
    template = "\n".join(line for line in properties("").splitlines() if not line.startswith(f"      {key}:"))
    found = function(f"{template}\n      {text}\n")
    problem = found.foreign or found.problem
    assert problem is not None
    assert expected in problem


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n" for before, letter in itertools.pairwise("abcdefghi")
)
BARE = "Resources: {F: {Type: AWS::Lambda::Function}}"
CIRCLE = "Conditions: {A: !Condition B, B: !Condition A}\nResources: {F: {Type: AWS::Lambda::Function, Condition: A}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "neither a SAM or CloudFormation template"),
        ("- a", "no Resources"),
        ("a: b", "no Resources"),
        ("Resources: {", ": not YAML"),
        ("a: b\n\tc: d", "template.yaml:2: not YAML"),
        ("AWSTemplateFormatVersion: x\nResources: []", "template.yaml:2: Resources is missing or no mapping"),
        (BOMB, "bomb"),
        ("[" * 100_000, "template.yaml:1: "),
        ("- " * 50_000, "template.yaml:1: "),
    ],
)
def test_broken_templates_are_one_line_errors(tmp_path: Path, text: str, message: str) -> None:
    """Whatever is wrong, the error is one line that names the file and what is wrong in it."""
    path = tmp_path / "template.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(LayerctlError) as caught:
        load_template(path)
    assert message in str(caught.value)
    assert "template.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Timeout: many", "Timeout is 'many'"),
        ("Timeout: 901", "Timeout is '901'"),
        ("MemorySize: 1", "MemorySize is '1'"),
        ("Timeout: !FindInMap [Sizes, qa, Timeout]", "Sizes.qa.Timeout is not in Mappings"),
        ("Timeout: !If [Nowhere, 1, 2]", "condition 'Nowhere' is not defined"),
        ("FunctionName: !Ref Nowhere", "Ref to 'Nowhere'"),
        ("FunctionName: !GetAtt Nowhere.Arn", "'Nowhere', which is not a resource"),
        ("FunctionName: !Select [7, [a]]", "Fn::Select cannot be worked out"),
        ("FunctionName: !Nonsense x", "Fn::Nonsense cannot be worked out"),
        ("Environment: {Variables: [a]}", "no mapping"),
        ("Environment: {Variables: {A: [a]}}", "is not text"),
        ("Events: {A: {Type: Api, Properties: {Path: /x}}}", "no Path or no Method"),
        ("Events: {A: {Type: HttpApi, Properties: {PayloadFormatVersion: '3.0'}}}", "'3.0'"),
        ("Environment: {Variables: {A: &x [*x]}}", "not text"),
        ("Runtime: !ImportValue [x]", "only Python runs here"),
    ],
)
def test_what_is_wrong_concerns_its_function(tmp_path: Path, text: str, message: str) -> None:
    """A wrong or unknown value is a problem or a note of the function that has it; the others are read as ever."""
    path = tmp_path / "template.yaml"
    other = properties("").replace("  F:\n", "  Other:\n").partition("  Other:")[2]
    own = properties(text)
    if text.startswith("Runtime"):
        own = own.replace("      Runtime: python3.13\n", "", 1)
    path.write_text(own + "  Other:" + other, "utf-8")
    found, untouched = load_template(path).functions
    said = " ".join([found.problem or "", found.foreign or "", *found.notes])
    assert message in said
    assert (untouched.problem, untouched.foreign, untouched.notes) == (None, None, ())


@pytest.mark.parametrize(("text", "message"), [(CIRCLE, "refers to itself"), (BARE, "it has no Runtime")])
def test_a_function_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    """It has a problem, which names it."""
    (tmp_path / "template.yaml").write_text(text, "utf-8")
    (found,) = load_template(tmp_path / "template.yaml").functions
    assert message in (found.problem or "")


REFERENCES = """
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: orders}}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
  Bucket: {Type: AWS::S3::Bucket}
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {Name: db}}
  Limit: {Type: AWS::SSM::Parameter, Properties: {Name: /app/limit}}
  Flow: {Type: AWS::Serverless::StateMachine, Properties: {Name: flow}}
  H: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: blue, Runtime: nodejs22.x}}
  R: {Type: AWS::Serverless::Api, Properties: {StageName: dev}}
  G: {Type: AWS::Serverless::Function, Properties: {FunctionName: worker, AutoPublishAlias: live, Runtime: nodejs22.x}}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: a.b, Environment: {Variables: {X: %s}}}
"""
HERE = "eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Ref Table", "orders"),
        ("!GetAtt Table.Arn", f"arn:aws:dynamodb:{HERE}:table/orders"),
        ("!Sub '${Table}/x'", "orders/x"),
        ("!Ref Queue", "https://sqs.eu-central-1.amazonaws.com/123456789012/jobs"),
        ("!GetAtt Queue.QueueName", "jobs"),
        ("!GetAtt Queue.Arn", f"arn:aws:sqs:{HERE}:jobs"),
        ("!Ref Topic", f"arn:aws:sns:{HERE}:news"),
        ("!GetAtt Topic.TopicName", "news"),
        ("!Ref Bucket", "Bucket"),
        ("!GetAtt Bucket.Arn", "arn:aws:s3:::Bucket"),
        ("!Ref Secret", f"arn:aws:secretsmanager:{HERE}:secret:db"),
        ("!Ref Limit", "/app/limit"),
        ("!Ref Flow", f"arn:aws:states:{HERE}:stateMachine:flow"),
        ("!Ref G", "worker"),
        ("!GetAtt G.Arn", f"arn:aws:lambda:{HERE}:function:worker"),
        ("!Ref G.Version", f"arn:aws:lambda:{HERE}:function:worker:1"),
        ("!Ref G.Alias", f"arn:aws:lambda:{HERE}:function:worker:live"),
        ("!GetAtt GRole.Arn", "arn:aws:iam::123456789012:role/GRole"),
        ("!GetAtt GUrl.FunctionUrl", "GUrl.FunctionUrl"),
        ("!Ref HAliasblue", "HAliasblue"),
        ("!Ref HVersion5168f5ed55", "HVersion5168f5ed55"),
        ("!Ref RdevStage", "RdevStage"),
        ("!Ref RDeployment5332c373d4", "RDeployment5332c373d4"),
        ("!Ref ServerlessRestApi", "ServerlessRestApi"),
        ("!Sub 'https://${ServerlessHttpApi}.x'", "https://ServerlessHttpApi.x"),
    ],
)
def test_references_take_the_templates_names(function: Callable[..., LocalFunction], value: str, expected: str) -> None:
    """A name that the template gives is the real one; what SAM generates is known."""
    assert function(REFERENCES.replace("%s", value), only="F").environment == {"X": expected}


def test_files_that_are_no_templates(tmp_path: Path) -> None:
    """A missing file, a folder, bytes, and too much of it."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"a: b\n" * 1_700_000)
    for name, message in (("no", "does not exist"), (".", "is a folder"), ("bytes", "binary"), ("large", "too large")):
        with pytest.raises(LayerctlError, match=message):
            load_template(tmp_path / name)


_KEYS = "Ref Fn::Sub Fn::If Fn::Join Fn::GetAtt Fn::Select Fn::FindInMap Fn::Length Fn::Split Condition Type Properties"
_NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS.split()), inner, max_size=3),
    max_leaves=12,
)


@given(node=_NODES, key=st.sampled_from(["Environment", "Layers", "Events", "CodeUri", "Timeout", "LoggingConfig"]))
def test_any_shape_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, node: Any, key: str) -> None:
    """No value at any place of a function ends in anything but a function or a one-line error."""
    resource = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13", key: node}}
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"Resources": {"F": resource}, "Conditions": {"x": node}}))
    try:
        load_template(path)
    except LayerctlError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is fine


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    """The last value counts, as in a deployment, and that is said; nothing is refused for it."""
    function = "  {}: {{Type: AWS::Serverless::Function, Properties: {{Runtime: {}, Handler: a.b, CodeUri: .}}}}\n"
    path = tmp_path / "template.yaml"
    path.write_text(
        "Resources:\n" + function.format("F", "python3.12") + function.format("G", "python3.12, Timeout: 3, Timeout: 9")
        + function.format("F", "python3.13"), "utf-8",
    )  # fmt: skip
    template = load_template(path)
    assert {(one.logical_id, one.runtime, one.timeout) for one in template.functions} == {
        ("F", "python3.13", 3), ("G", "python3.12", 9),
    }  # fmt: skip
    assert [note.partition(": ")[2] for note in template.notes] == [
        "duplicate key 'Timeout': the last value counts",
        "duplicate key 'F': the last value counts",
    ]
