"""What may name a layer version, and does not say which: listed as unresolved, so that nothing is deleted over it."""

import json

import pytest
from click.testing import CliRunner

from layerctl.cli.pins import command
from layerctl.releases.usage.templates import scan_templates
from layerctl.scan.files import scan

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer"
TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Parameters: {{LayerArn: {{Type: String}}}}
Resources:
  Own: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: own}}}}
  F: {{Type: AWS::Serverless::Function, Properties: {{Layers: [!Ref Own, {}]}}}}
"""
SERVICE = """service: x
provider: {{name: aws}}
layers: {{own: {{path: own}}}}
functions:
  f: {{handler: a.b, layers: [!Ref OwnLambdaLayer, {}]}}
"""
MODULE = (
    'resource "aws_lambda_layer_version" "own" {{}}\nvariable "arn" {{}}\n'
    'resource "aws_lambda_function" "f" {{\n  layers = [aws_lambda_layer_version.own.arn, {}]\n}}\n'
)
EACH = """locals {{
  prefix = "{}"
  all = {{ a = {{ version = 3 }} }}
}}
resource "aws_lambda_function" "f" {{
  for_each = local.all
  layers = ["${{local.prefix}}:demo:${{each.value.version}}"]
}}
"""


def _cases():
    for reference in (
        "!Ref LayerArn",
        "!ImportValue layers",
        "'{{resolve:ssm:/layers/demo:1}}'",
        "!GetAtt App.Outputs.Arn",
        "!Sub '${LayerArn}:1'",
        "!If [New, !ImportValue layers, !Ref AWS::NoValue]",
        "!Select [0, !Split [',', !ImportValue layers]]",
    ):
        yield "template.yaml", TEMPLATE.format(reference)
    for reference in ('"${cf:layers.Arn}"', '"${ssm:/x}"', '"${env:LAYER}"', "{'Fn::ImportValue': layers}"):
        yield "serverless.yml", SERVICE.format(reference)
    for reference in (
        "module.layers.arn",
        "data.terraform_remote_state.x.outputs.arn",
        "data.aws_ssm_parameter.layer.value",
        "var.arn",
    ):
        yield "main.tf", MODULE.format(reference)
    yield "main.tf", EACH.format(LAYER)
    yield (
        "main.tf",
        f'resource "aws_lambda_function" "f" {{\n  layers = [for v in [4, 5] : "{LAYER}:demo:${{v}}"]\n}}\n',
    )
    yield "app.py", f'ARN = "{LAYER}:demo:" + VERSION\n'
    yield "app.ts", f"const arn = '{LAYER}:demo:' + next();\n"
    yield "app.ts", "const arn = this.formatArn({ service: 'lambda', resource: 'layer', resourceName: `demo:${n}` });\n"
    yield "App.java", f'String ARN = "{LAYER}:" + "demo:3";\n'  # a language of which the text alone is read
    yield "app.go", f'const ARN = "{LAYER}:demo:" +\n\t"3"\n'
    yield "app.py", f'ARN = "{LAYER}:demo:1" "2"\n'  # a version in two strings cannot be changed in one place


@pytest.mark.parametrize(("name", "text"), list(_cases()))
def test_listed_and_in_the_way_of_prune(tmp_path, name, text):
    """One reference is unresolved, at its place; prune takes it for a use of any version of the layer."""
    (tmp_path / name).write_text(text, "utf-8")
    report = scan([tmp_path])
    assert (report.pins, report.problems) == ([], [])
    (reference,) = report.unresolved
    assert reference.line == next(
        number
        for number, line in enumerate(text.splitlines(), 1)
        if any(mark in line for mark in ("Layers:", "layers:", "layers =", "ARN", "arn =", "prefix ="))
        and not line.startswith(("provider", "layers: {own"))
    )
    (use,) = scan_templates([tmp_path], "demo").uses
    assert use.version is None


@pytest.mark.parametrize(
    ("name", "text", "pinned"),
    [
        ("app.py", f'ARN = (\n    "{LAYER[:-5]}"\n    "layer:demo:3"\n)\n', ("demo", 3)),
        (
            "app.py",
            'ARN = (\n    "arn:aws:lambda:"\n    "eu-west-1:123456789012:layer:demo:"\n    "4"\n)\n',
            ("demo", 4),
        ),
        ("app.py", f'ARN = ":".join({[*LAYER.split(":"), "demo", "5"]})\n', ("demo", 5)),
        ("app.ts", f"const arn = {[*LAYER.split(':'), 'demo', '6']}.join(':');\n", ("demo", 6)),
        (
            "app.ts",
            "x = this.formatArn({service: 'lambda', resource: 'layer', resourceName: 'demo:7'});\n",
            ("demo", 7),
        ),
        ("app.ts", f"const arn = '{LAYER}:demo:' + String(7);\n", ("demo", 7)),
        ("app.py", "x = self.format_arn(service='lambda', resource='layer:demo:8', region='eu-west-1')\n", ("demo", 8)),
    ],
)
def test_put_together_by_the_language(tmp_path, name, text, pinned):
    """Adjacent strings, lists that are joined and the CDK's formatArn are pins, with the digits where they stand."""
    (tmp_path / name).write_text(text, "utf-8")
    report = scan([tmp_path])
    ((found, version, digits),) = [(pin.name, pin.version, text[pin.start : pin.end]) for pin in report.pins]
    assert (found, version) == pinned
    assert digits == str(version)
    assert report.unresolved == []


@pytest.mark.parametrize(
    "text",
    [
        f"Resource: {LAYER}:*",
        f"Resource: '{LAYER}:demo:*'",
        f"a layer's ARN, {LAYER}:demo, has no version",
        "import layer; layer('x')",
    ],
)
def test_no_version_is_meant(tmp_path, text):
    """Policies over every version, a layer without a version, the word alone: nothing that could be a pin."""
    (tmp_path / "notes.yaml").write_text(text, "utf-8")
    report = scan([tmp_path])
    assert (report.pins, report.unresolved) == ([], [])


def test_counted_by_the_command(tmp_path):
    """`pins list` counts them on standard error, and lists them as JSON."""
    (tmp_path / "template.yaml").write_text(TEMPLATE.format("!Ref LayerArn"), "utf-8")
    result = CliRunner().invoke(command, ["list", str(tmp_path)], standalone_mode=False)
    assert "the version of 1 more is decided elsewhere" in result.stderr
    result = CliRunner().invoke(command, ["list", "--json", str(tmp_path)], standalone_mode=False)
    assert [one["written"] for one in json.loads(result.stdout)["unresolved"]] == ["${LayerArn}"]
