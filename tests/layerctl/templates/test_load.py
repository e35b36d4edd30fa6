"""How functions and their layers are read out of templates, good and bad ones."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.templates.load import read_template

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:{}"


def _read(tmp_path, text, name="template.yaml", **options):
    path = tmp_path / name
    path.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)
    return read_template(path, **options)


def _layers(stack):
    return [[layer.name for layer in function.layers] for function in stack.functions]


def test_globals_come_first(tmp_path):
    """A SAM function gets the layers of Globals before its own, a plain Lambda function only its own."""
    stack = _read(
        tmp_path,
        f"""
        Globals: {{Function: {{Runtime: python3.13, Architectures: [arm64], Layers: [{ARN.format("a:1")}]}}}}
        Resources:
          One: {{Type: AWS::Serverless::Function, Properties: {{Layers: [{ARN.format("b:2")}]}}}}
          Two: {{Type: AWS::Lambda::Function, Properties: {{Layers: [{ARN.format("b:2")}]}}}}
        """,
    )
    assert _layers(stack) == [["a:1", "b:2"], ["b:2"]]
    assert [(f.runtime and f.runtime.text, f.architecture) for f in stack.functions] == [
        ("python3.13", "arm64"),
        (None, "x86_64"),
    ]


@pytest.mark.parametrize(
    ("ignore", "layers", "runtime"),
    [("'*'", ["b:2"], None), ("[Layers]", ["b:2"], "python3.13"), ("[]", ["a:1", "b:2"], "python3.13")],
)
def test_ignored_globals(tmp_path, ignore, layers, runtime):
    """A function that ignores Globals, or some of them, gets nothing from there."""
    stack = _read(
        tmp_path,
        f"""
        Globals: {{Function: {{Runtime: python3.13, Layers: [{ARN.format("a:1")}]}}}}
        Resources:
          One:
            Type: AWS::Serverless::Function
            IgnoreGlobals: {ignore}
            Properties: {{Layers: [{ARN.format("b:2")}]}}
        """,
    )
    assert _layers(stack) == [layers]
    found = stack.functions[0].runtime
    assert (found and found.text) == runtime


def test_conditions_make_variants(tmp_path):
    """Every combination of the conditions that choose layers is checked, each consistent in itself."""
    stack = _read(
        tmp_path,
        f"""
        Resources:
          One:
            Type: AWS::Serverless::Function
            Properties:
              Runtime: !If [New, python3.13, python3.11]
              Layers:
                - !If [New, {ARN.format("a:2")}, {ARN.format("a:1")}]
                - Fn::If: [Debug, {ARN.format("debug:1")}, !Ref AWS::NoValue]
        """,
    )
    seen = {(f.runtime.text, tuple(layer.name for layer in f.layers)) for f in stack.functions}
    assert seen == {
        ("python3.13", ("a:2", "debug:1")),
        ("python3.13", ("a:2",)),
        ("python3.11", ("a:1", "debug:1")),
        ("python3.11", ("a:1",)),
    }


@pytest.mark.parametrize(
    ("layers", "parameters", "expected"),
    [
        ("!Ref Arn", {}, ["p:1"]),
        ("[!Ref Arn]", {"Arn": ARN.format("p:9")}, ["p:9"]),
        (f"!Split [',', '{ARN.format('a:1')},{ARN.format('b:2')}']", {}, ["a:1", "b:2"]),
        ("!Ref List", {}, ["a:1", "b:2"]),
        ("[!FindInMap [ByRegion, !Ref AWS::Region, Arn]]", {}, ["eu:5"]),
        ("!If [C, !Ref AWS::NoValue, [!Ref Arn]]", {}, [None, "p:1"]),
        ("[!ImportValue other-stack]", {}, ["${other-stack}"]),
        ("['{{resolve:ssm:/layers/a}}']", {}, ["{{resolve:ssm:/layers/a}}"]),
        ("[!GetAtt Layers.Outputs.Arn]", {}, ["${Layers.Outputs.Arn}"]),
    ],
)
def test_forms_of_layers(tmp_path, layers, parameters, expected):
    """Parameters, lists of them, mappings by region, conditions and what only a deployment knows."""
    stack = _read(
        tmp_path,
        f"""
        Parameters:
          Arn: {{Type: String, Default: {ARN.format("p:1")}}}
          List: {{Type: CommaDelimitedList, Default: '{ARN.format("a:1")}, {ARN.format("b:2")}'}}
        Mappings:
          ByRegion:
            eu-central-1: {{Arn: {ARN.format("eu:5")}}}
            us-east-1: {{Arn: {ARN.format("us:6").replace("eu-central-1", "us-east-1")}}}
        Resources:
          One: {{Type: AWS::Lambda::Function, Properties: {{Layers: {layers}}}}}
        """,
        parameters=parameters,
        region="eu-central-1",
    )
    assert not stack.problems
    names = [layer.name for function in stack.functions for layer in function.layers] or [None]
    if len(stack.functions) > 1:
        names = [function.layers[0].name if function.layers else None for function in stack.functions]
    assert names == expected


def test_serverless(tmp_path):
    """A serverless.yml: the provider's defaults, a function's own list in their place, variables, own layers."""
    stack = _read(
        tmp_path,
        f"""
        service: todos
        custom: {{version: 7, all: ["{ARN.format("all:1")}"]}}
        provider:
          name: aws
          region: eu-central-1
          runtime: python3.13
          architecture: arm64
          layers: ["{ARN.format("shared-utils:${self:custom.version}")}"]
        layers: {{common: {{path: common}}}}
        functions:
          list: {{handler: app.list}}
          add: {{handler: app.add, runtime: python3.12, layers: [!Ref CommonLambdaLayer, "${{cf:layers.Arn}}"]}}
          all: {{handler: app.all, layers: "${{self:custom.all}}"}}
        """,
        name="serverless.yml",
    )
    assert not stack.problems
    assert _layers(stack) == [["shared-utils:7"], ["CommonLambdaLayer", "${cf:layers.Arn}"], ["all:1"]]
    assert [f.runtime.text for f in stack.functions] == ["python3.13", "python3.12", "python3.13"]
    assert {f.architecture for f in stack.functions} == {"arm64"}
    assert stack.functions[1].layers[0].resource.logical_id == "CommonLambdaLayer"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Resources:\n  A:\n    Type: [AWS::Lambda::Function\n", 4, "not YAML"),
        ("Resources:\n  A: {Type: AWS::Lambda::Function}\n  A: {Type: AWS::Lambda::Function}\n", 3, "duplicate key"),
        ("Resources:\n  A:\n    Type: AWS::Lambda::Function\n    Properties: !Unknown x\n", 4, "unknown tag"),
        ("Resources:\n  A:\n    Type: AWS::Lambda::Function\n    Properties: [1]\n", 4, "no mapping"),
        (
            "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\n"
            + "".join(
                f"{chr(c)}: &{chr(c)} [{', '.join(['*' + chr(c - 1)] * 20)}]\n" for c in range(ord("c"), ord("j"))
            ),
            None,
            "bomb",
        ),
        ("hello: world\n", 1, "neither"),
        ("AWSTemplateFormatVersion: '2010-09-09'\nResources: [1]\n", 2, "no mapping"),
        ("AWSTemplateFormatVersion: '2010-09-09'\n", 1, "Resources is missing"),
        ("", 1, "neither"),
        (b"\x00\x01\x02\xff", 1, "binary"),
        ("[" * 5000, 1, "deep"),
    ],
    ids=[
        "syntax",
        "duplicate",
        "tag",
        "properties",
        "bomb",
        "no template",
        "resources list",
        "no resources",
        "empty",
        "binary",
        "deep",
    ],
)
def test_bad_templates(tmp_path, text, line, message):
    """A template that can't be read, or not in full, is a problem with its line, and never an exception."""
    stack = _read(tmp_path, text)
    faults = [*stack.problems, *(function.problem for function in stack.functions)]
    assert message in faults[0].message
    assert line is None or faults[0].place.line == line


def test_missing_folder_and_loop(tmp_path):
    """A missing file, a folder and a link to itself are problems of that file."""
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    for path in (tmp_path / "none.yaml", tmp_path, loop):
        assert len(read_template(path).problems) == 1


_VALUES = st.recursive(
    st.one_of(
        st.sampled_from(["x", "python3.13", ARN.format("a:1"), "s3://b/k", ""]), st.integers(), st.none(), st.booleans()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["Ref", "Fn::Sub", "Fn::If", "Fn::Join", "Fn::GetAtt", "a", "Layers"]), inner, max_size=2
        ),
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["Layers", "Runtime", "CodeUri", "Architectures", "PackageType", "AutoPublishAlias"]), _VALUES
    ),
    _VALUES,
    _VALUES,
)
def test_any_values(tmp_path_factory, properties, shared, metadata):
    """Whatever stands in a function's properties, in Globals and in Metadata, reading it does not raise."""
    import json

    function = {"Type": "AWS::Serverless::Function", "Properties": properties, "Metadata": metadata}
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": shared, "Metadata": metadata}
    template = {"Resources": {"F": function, "L": layer}, "Globals": {"Function": shared}, "Parameters": shared}
    path = tmp_path_factory.mktemp("t") / "template.json"
    path.write_text(json.dumps(template), "utf-8")
    read_template(path)
