"""What SAM and CloudFormation templates are full of: conditions, loops, nested applications, the CDK's output."""

import json
import textwrap

import pytest

from layerctl.templates.load import read_template, templates_in
from layerctl.templates.samconfig import overridden_parameters

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:{}"
FUNCTION = "Type: AWS::Lambda::Function, Properties: {{Runtime: python3.13, Handler: a.b, {}}}"


def _read(tmp_path, text, name="template.yaml", **options):
    path = tmp_path / name
    path.write_text(textwrap.dedent(text), "utf-8")
    return read_template(path, **options)


def _texts(template):
    return {
        function.logical_id: {name: value.text for name, value in function.environment.items()}
        for function in template.functions
    }


# --- conditions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "stand_ins", "expected"),
    [
        ({}, False, ["Always", "Prod", "Dev"]),
        ({}, True, ["Always", "Dev"]),
        ({"Stage": "prod"}, False, ["Always", "Prod"]),
        ({"Stage": "prod"}, True, ["Always", "Prod"]),
    ],
)
def test_conditions_of_functions(tmp_path, parameters, stand_ins, expected):
    """A function whose condition does not hold is not there; a default alone decides nothing of what is checked."""
    template = _read(
        tmp_path,
        f"""
        Parameters: {{Stage: {{Type: String, Default: dev}}}}
        Conditions:
          IsProd: !Equals [!Ref Stage, prod]
          IsDev: !Not [!Condition IsProd]
          Never: !And [!Equals [a, b], !Condition IsProd]
        Resources:
          Always: {{{FUNCTION.format("")}}}
          Prod: {{Condition: IsProd, {FUNCTION.format("")}}}
          Dev: {{Condition: IsDev, {FUNCTION.format("")}}}
          Gone: {{Condition: Never, {FUNCTION.format("")}}}
        """,
        parameters=parameters,
        stand_ins=stand_ins,
    )
    assert [function.logical_id for function in template.functions] == expected


@pytest.mark.parametrize(("base", "count"), [("!Equals [a, b]", 0), ("!Equals [a, a]", 1), ("!Condition C0", 1)])
def test_conditions_of_conditions(tmp_path, base, count):
    """Each is worked out once, however often others ask for it; a circle, also of an alias, is undecided."""
    chain = "\n".join(f"  C{index}: !And [!Condition C{index + 1}, !Condition C{index + 1}]" for index in range(35))
    conditions = f"Conditions:\n{chain}\n  C35: {base}\n  Own: &own {{Fn::Not: [*own]}}\n"
    functions = "".join(f"  {name}: {{{FUNCTION.format('')}, Condition: {name}}}\n" for name in ("C0", "Own"))
    template = _read(tmp_path, f"{conditions}Resources:\n{functions}")
    names = [function.logical_id for function in template.functions]
    assert (names.count("C0"), names.count("Own")) == (count, 1)


def test_variants_are_consistent(tmp_path):
    """No combination is made up of conditions that exclude each other, or the function itself."""
    template = _read(
        tmp_path,
        f"""
        Parameters: {{Stage: {{Type: String}}}}
        Conditions: {{Prod: !Equals [!Ref Stage, prod], Dev: !Not [!Condition Prod]}}
        Resources:
          Both: {{{
            FUNCTION.format(
                f"Layers: [!If [Prod, {ARN.format('a:1')}, {ARN.format('a:2')}], "
                f"!If [Dev, {ARN.format('b:1')}, {ARN.format('b:2')}]]"
            )
        }}}
          Own: {{Condition: Prod, {FUNCTION.format(f"Layers: [!If [Prod, {ARN.format('a:1')}, {ARN.format('a:2')}]]")}}}
        """,
    )
    seen = [(one.logical_id, *(layer.name for layer in one.layers)) for one in template.functions]
    assert sorted(seen) == [("Both", "a:1", "b:2"), ("Both", "a:2", "b:1"), ("Own", "a:1")]


# --- loops ----------------------------------------------------------------------------------------------------

LOOPS = f"""
Transform: AWS::LanguageExtensions
Parameters:
  Names: {{Type: CommaDelimitedList, Default: 'orders, order-items'}}
  Open: {{Type: CommaDelimitedList}}
Mappings: {{Of: {{orders: {{Size: 256}}}}}}
Resources:
  Fn::ForEach::Functions:
    - Name
    - !Ref Names
    - F&{{Name}}:
        Type: AWS::Lambda::Function
        Properties:
          Runtime: python3.13
          Handler: !Sub '${{Name}}.handler'
          MemorySize: !FindInMap [Of, !Ref Name, Size, {{DefaultValue: 128}}]
          Layers: ['{ARN.format("${Name}:7")}']
          Environment:
            Variables:
              NAME: !Ref Name
              Fn::ForEach::Peers:
                - Peer
                - [a, b]
                - 'PEER_${{Peer}}': !Sub '${{Peer}}.${{Name}}.${{AWS::Region}}'
  Fn::ForEach::Stages:
    - Stage
    - [dev, prod]
    - Fn::ForEach::Regions:
        - Zone
        - [x]
        - 'G${{Stage}}${{Zone}}': {{{FUNCTION.format("")}}}
"""


def test_loops(tmp_path):
    """Loops over lists and parameters, in resources and in properties, in one another, with both kinds of marks."""
    template = _read(tmp_path, LOOPS, region="eu-west-1", stand_ins=True)
    names = [function.logical_id for function in template.functions]
    assert names == ["Forders", "Forderitems", "Gdevx", "Gprodx"]
    first, second = template.functions[:2]
    assert first.handler.text == "orders.handler"
    assert [one.properties["MemorySize"].text for one in (first, second)] == ["256", "128"]
    assert [layer.name for layer in second.layers] == ["order-items:7"]
    assert _texts(template)["Forders"] == {
        "NAME": "orders",
        "PEER_a": "a.orders.eu-west-1",
        "PEER_b": "b.orders.eu-west-1",
    }
    assert {function.place.line for function in (first, second)} == {11}


def test_a_loop_whose_list_depends_on_another(tmp_path):
    """Each round of the outer loop gives the inner loop's list its own values."""
    template = _read(
        tmp_path,
        f"""
        Resources:
          Fn::ForEach::Outer:
            - A
            - [a, b, c]
            - Fn::ForEach::Inner:
                - B
                - ['${{A}}1', !Sub '${{A}}2', !Ref A]
                - 'F${{A}}${{B}}': {{{FUNCTION.format("")}}}
        """,
    )
    names = [function.logical_id for function in template.functions]
    assert names == [f"F{a}{a}{end}" for a in "abc" for end in ("1", "2", "")]


def test_a_loop_over_what_is_not_known(tmp_path):
    """It is told, and its body is there once with an open name."""
    template = _read(tmp_path, LOOPS.replace("!Ref Names", "!Ref Open"))
    assert template.functions[0].logical_id == "F${Name}"
    assert ["Fn::ForEach over ${Open}" in fault.message for fault in template.unread] == [True]
    assert template.unread[0].place.line == 10


@pytest.mark.parametrize("version", ["", "AWSTemplateFormatVersion: '2010-09-09'\n"])
def test_a_loop_that_holds_itself(tmp_path, version):
    """An alias that leads a loop back to the resources around it ends."""
    template = _read(tmp_path, f"{version}Resources: &a {{Fn::ForEach::X: [Name, [b], *a]}}\n")
    assert (template.functions, template.problems, template.recognised) == ([], [], True)


# --- nested applications --------------------------------------------------------------------------------------


def test_nested_applications(tmp_path):
    """Functions of local templates with the parent's parameters and layers, and outputs back; others are told."""
    child = f"""
    Parameters: {{Table: {{Type: String}}, Layer: {{Type: String}}}}
    Resources:
      F: {{{FUNCTION.format("Layers: [!Ref Layer], Environment: {Variables: {TABLE: !Ref Table}}")}}}
    Outputs: {{Name: {{Value: !Sub '${{Table}}-out'}}}}
    """
    (tmp_path / "child").mkdir()
    (tmp_path / "child" / "app.yaml").write_text(textwrap.dedent(child))
    template = _read(
        tmp_path,
        f"""
        Resources:
          Table: {{Type: AWS::DynamoDB::Table, Properties: {{TableName: orders}}}}
          Own: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: own}}}}
          App:
            Type: AWS::Serverless::Application
            Properties: {{Location: child/app.yaml, Parameters: {{Table: !Ref Table, Layer: !Ref Own}}}}
          Far: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: https://s3.amazonaws.com/b/t.yaml}}}}
          Shared: {{Type: AWS::Serverless::Application, Properties: {{Location: {{ApplicationId: x}}}}}}
          G: {{{FUNCTION.format("Environment: {Variables: {NAME: !GetAtt App.Outputs.Name}}")}}}
        """,
        stand_ins=True,
    )
    assert _texts(template) == {"App/F": {"TABLE": "orders"}, "G": {"NAME": "orders-out"}}
    (layer,) = template.functions[0].layers
    assert layer.resource.path == tmp_path / "own"
    assert template.functions[0].place.path.endswith("child/app.yaml")
    assert [fault.message.split(" is ")[0] for fault in template.unread] == [
        "the template of Far",
        "the template of Shared",
    ]


def test_outputs_where_layers_and_loops_ask_for_them(tmp_path):
    """What a nested stack gives back is there for a layer's name and for what a loop goes over."""
    (tmp_path / "child.yaml").write_text("Resources: {}\nOutputs: {Name: {Value: given}}\nAWSTemplateFormatVersion: x")
    template = _read(
        tmp_path,
        f"""
        Resources:
          App: {{Type: AWS::Serverless::Application, Properties: {{Location: child.yaml}}}}
          Own: {{Type: AWS::Serverless::LayerVersion, Properties: {{LayerName: !GetAtt App.Outputs.Name}}}}
          Fn::ForEach::Each: [Name, [!GetAtt App.Outputs.Name], {{'F${{Name}}': {{{FUNCTION.format("")}}}}}]
        """,
    )
    assert template.layers["Own"].name == "given"
    assert [function.logical_id for function in template.functions] == ["Fgiven"]


def test_a_nested_circle(tmp_path):
    """A template that is its own application is told, and read once."""
    template = _read(
        tmp_path,
        f"""
        Resources:
          App: {{Type: AWS::Serverless::Application, Properties: {{Location: template.yaml}}}}
          F: {{{FUNCTION.format("Environment: {Variables: {X: !GetAtt App.Outputs.X}}")}}}
        """,
    )
    assert [function.logical_id for function in template.functions] == ["F"]
    assert ["leads back to itself" in fault.message for fault in template.unread] == [True]


# --- CDK ------------------------------------------------------------------------------------------------------


def test_cdk(tmp_path):
    """A cdk.out as it is: stacks by the manifest, stages below it, code and layers where the assets are."""
    code = {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}"}, "S3Key": "abc.zip"}
    properties = {"Runtime": "python3.13", "Handler": "app.handler", "Code": code, "Layers": [{"Ref": "Layer"}]}
    resources = {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": properties,
            "Metadata": {"aws:asset:path": "asset.abc", "aws:asset:property": "Code"},
        },
        "Layer": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": code},
            "Metadata": {"aws:asset:path": "asset.def"},
        },
    }
    stage = tmp_path / "assembly-Prod"
    stage.mkdir()
    for folder in (tmp_path, stage):
        (folder / "App.template.json").write_text(json.dumps({"Resources": resources}))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json"}}
    (stage / "manifest.json").write_text(json.dumps({"artifacts": {"App": stack}}))
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    others = {"Tree": {"type": "cdk:tree"}, "App.assets": {"type": "cdk:asset-manifest", "properties": {"file": "x"}}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"App": stack, "Prod": nested, **others}}))
    paths = templates_in(tmp_path)
    assert paths == [tmp_path / "App.template.json", stage / "App.template.json"]
    (function,) = read_template(paths[1]).functions
    assert (function.code.path, function.code.built, function.code.unknown) == (stage / "asset.abc", True, "")
    assert [layer.resource.path for layer in function.layers] == [stage / "asset.def"]


@pytest.mark.parametrize("content", [None, "", "[]", '{"artifacts": 1}', '{"artifacts": {"a": {}}}'])
def test_a_folder_without_templates(tmp_path, content):
    """A folder that has no template, or a manifest of something else, names none."""
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    assert templates_in(tmp_path) == []


# --- samconfig ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "samconfig.toml",
            (
                '[default.global.parameters]\nparameter_overrides = "Stage=qa Size=1"\n'
                '[default.deploy.parameters]\nparameter_overrides = ["Stage=dev"]\n'
                '[prod.deploy.parameters.parameter_overrides]\nStage = "prod"\n'
            ),
        ),
        (
            "samconfig.yaml",
            (
                "default:\n  global: {parameters: {parameter_overrides: 'Stage=qa Size=1'}}\n"
                "  deploy: {parameters: {parameter_overrides: [Stage=dev]}}\n"
                "prod: {deploy: {parameters: {parameter_overrides: {Stage: prod}}}}\n"
            ),
        ),
    ],
)
def test_overridden_parameters(tmp_path, name, text):
    """What a samconfig sets, by environment, deploy before global, also for what `sam build` wrote."""
    (tmp_path / name).write_text(text)
    built = tmp_path / ".aws-sam" / "build"
    built.mkdir(parents=True)
    expected = {"default": {"Stage": "dev", "Size": "1"}, "prod": {"Stage": "prod"}}
    assert overridden_parameters(tmp_path / "template.yaml") == expected
    assert overridden_parameters(built / "template.yaml") == expected
