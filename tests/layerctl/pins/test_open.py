"""What `pins check` could not check is said, and fails with --strict: open versions, and templates not read."""

import json

import pytest

from layerctl.__main__ import main
from layerctl.releases.usage.templates import scan_templates
from tests.layerctl.pins.made import write_index

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:13"
HEAD = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n"
FUNCTION = "  F: {{Type: AWS::Serverless::Function, Properties: {{Layers: [{}]}}}}\n"
SERVICE = "service: x\nprovider: {{name: aws}}\nfunctions:\n  f: {{handler: a.b, layers: [{}]}}\n"

OPEN = {
    "parameter": ("template.yaml", "Parameters: {L: {Type: String}}\n" + HEAD + FUNCTION.format("!Ref L")),
    "import": ("template.yaml", HEAD + FUNCTION.format("!ImportValue layers")),
    "resolve": ("template.yaml", HEAD + FUNCTION.format("'{{resolve:ssm:/layers/x}}'")),
    "output": ("template.yaml", HEAD + FUNCTION.format("!GetAtt App.Outputs.Layer")),
    "cf": ("serverless.yml", SERVICE.format("'${cf:layers.Arn}'")),
    "ssm": ("serverless.yml", SERVICE.format("'${ssm:/layers/x}'")),
    "functions of a program": ("serverless.yml", "service: x\nprovider: {name: aws}\nfunctions: ${file(f.js):all}\n"),
    "v4 parameter": (
        "serverless.yml",
        "stages: {default: {params: {l: '${env:LAYER}'}}}\n" + SERVICE.format("'${param:l}'"),
    ),
    "module": ("main.tf", 'resource "aws_lambda_function" "f" {\n  layers = [module.layers.arn]\n}\n'),
    "remote state": (
        "main.tf",
        'resource "aws_lambda_function" "f" {\n  layers = [data.terraform_remote_state.x.outputs.arn]\n}\n',
    ),
    "data": ("main.tf", 'resource "aws_lambda_function" "f" {\n  layers = [data.aws_ssm_parameter.l.value]\n}\n'),
}


@pytest.fixture(autouse=True)
def _index(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LAYERCTL_INDEX", str(write_index(tmp_path_factory.mktemp("index"))))


def _check(capsys, *arguments):
    code = main(["pins", "check", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("case", OPEN)
def test_open_versions(tmp_path, capsys, case):
    """A version that is decided elsewhere is a warning at its place, counted, and fails a strict check."""
    name, text = OPEN[case]
    (tmp_path / name).write_text(text)
    code, (finding,) = _check(capsys, tmp_path)
    assert (code, finding["rule"], finding["severity"]) == (0, "pin-unresolved", "warning")
    assert finding["line"]
    assert _check(capsys, tmp_path, "--strict")[0] == 1
    main(["pins", "check", str(tmp_path)])
    assert "0 pins, 1 more with a version that is decided elsewhere: 1 warning" in capsys.readouterr().err


def test_v4_parameters(tmp_path, capsys):
    """Parameters of serverless v4, `stages.*.params`, are read: a pin in each, and nothing is open."""
    stages = "stages: {{default: {{params: {{l: '{}'}}}}, prod: {{params: {{l: '{}'}}}}}}\n"
    text = stages.format(ARN, ARN[:-2] + "12") + SERVICE.format("'${param:l}'")
    (tmp_path / "serverless.yml").write_text(text)
    assert _check(capsys, tmp_path, "--strict") == (0, [])
    assert main(["pins", "list", str(tmp_path), "--json"]) == 0
    assert sorted(pin["version"] for pin in json.loads(capsys.readouterr().out)["pins"]) == [12, 13]


def test_kept_back_by_a_comment(tmp_path, capsys):
    """A line may say why its version is decided elsewhere; then it is fine."""
    comment = "  # layerctl: ignore[pin-unresolved] the platform team sets it\n"
    (tmp_path / "template.yaml").write_text(HEAD + comment + FUNCTION.format("!ImportValue layers"))
    assert _check(capsys, tmp_path, "--strict") == (0, [])


NESTED = {
    "application": ("Type: AWS::Serverless::Application, Properties: {Location: child/template.yaml}", True),
    "stack": ("Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child/template.yaml}", True),
    "asset": (
        (
            "Type: AWS::CloudFormation::Stack, Metadata: {'aws:asset:path': child/template.yaml}, Properties: "
            "{TemplateURL: !Sub 'https://s3.${AWS::Region}.amazonaws.com/x'}"
        ),
        True,
    ),
    "address": ("Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://b.s3.amazonaws.com/t'}", False),
    "parameter": ("Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: !Ref Url}", False),
    "gone": ("Type: AWS::Serverless::Application, Properties: {Location: nowhere.yaml}", False),
    "shared": (
        (
            "Type: AWS::Serverless::Application, Properties: "
            "{Location: {ApplicationId: 'arn:aws:x', SemanticVersion: 1.0.0}}"
        ),
        False,
    ),
}


@pytest.mark.parametrize("case", NESTED)
@pytest.mark.parametrize("name", ["template.yaml", "template.json"])
def test_nested_templates(tmp_path, capsys, case, name):
    """A nested template whose outputs nobody uses is searched with its folder, or named as not searched."""
    written, is_here = NESTED[case]
    (tmp_path / "child").mkdir()
    (tmp_path / "child/template.yaml").write_text(HEAD + FUNCTION.format(ARN))
    text = HEAD + f"  App: {{{written}}}\n"
    if name.endswith(".json"):
        import yaml

        tagged = text.replace("!Sub", "").replace("!Ref", "")
        text = json.dumps(yaml.safe_load(tagged))
    (tmp_path / name).write_text(text)
    code, findings = _check(capsys, tmp_path, "--strict")
    assert (code, [one["rule"] for one in findings]) == ((0, []) if is_here else (1, ["template-unread"]))
    code, findings = _check(capsys, tmp_path / name)
    assert (code, [one["rule"] for one in findings]) == (0, ["template-unread"])
    assert "App" in findings[0]["message"]
    assert ("name it as well" in findings[0]["hint"]) == is_here
    assert main(["pins", "list", str(tmp_path / name)]) == 0
    assert "the template of App" in capsys.readouterr().err
    kept = [use.version for use in scan_templates([tmp_path / name], "shared-utils").uses]
    assert kept == ([] if case == "shared" else [None])  # what others share is no reason to keep a version of ours


INCLUDED = {
    "functions": (
        {
            "serverless.yml": "service: x\nprovider: {name: aws}\nfunctions: ${file(f.yml)}\n",
            "f.yml": f"f: {{handler: a.b, layers: ['{ARN}']}}\n",
        },
        "included here",
    ),
    "some functions": (
        {
            "serverless.yml": "service: x\nprovider: {name: aws}\nfunctions: ['${file(f.yml):all}']\n",
            "f.yml": f"all: {{f: {{handler: a.b, layers: ['{ARN}']}}}}\n",
        },
        "included here",
    ),
    "variable": (
        {
            "main.tf": 'resource "aws_lambda_function" "f" {\n  layers = ["' + ARN[:-2] + '${var.v}"]\n}\n',
            "variables.tf": 'variable "v" { default = 13 }\n',
        },
        "a layer version stands in",
    ),
}


@pytest.mark.parametrize("case", INCLUDED)
def test_included_files(tmp_path, capsys, case):
    """What a file takes from another one is searched with its folder; named alone, it is never "nothing to report"."""
    files, words = INCLUDED[case]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert _check(capsys, tmp_path, "--strict") == (0, [])
    first, other = files
    code, (finding,) = _check(capsys, tmp_path / first)
    assert (code, finding["rule"]) == (0, "template-unread")
    assert words in finding["message"]
    assert other in finding["message"]
    assert _check(capsys, tmp_path / first, tmp_path / other, "--strict") == (0, [])
    assert main(["pins", "list", str(tmp_path / first)]) == 0
    assert "name it as well" in capsys.readouterr().err


def test_what_is_excluded_is_read_once(tmp_path, monkeypatch):
    """A version that is named in what is excluded is in use, and each file is read once."""
    from layerctl.scan import files
    from layerctl.scan.exclusion import Exclusion

    for name, text in {"a.yaml": FUNCTION.format(ARN), "old/b.yaml": FUNCTION.format(f"{ARN[:-2]}12, !Ref L")}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HEAD + text)
    read, find_pins = [], files.find_pins
    monkeypatch.setattr(files, "find_pins", lambda path, **more: read.append(path.name) or find_pins(path, **more))
    exclusion = Exclusion(ignored=False).and_patterns(["old/"], tmp_path)
    assert [use.version for use in scan_templates([tmp_path], "shared-utils", exclusion).uses] == [13, 12]
    assert read == ["a.yaml", "b.yaml"]
    assert [use.version for use in scan_templates([tmp_path], "shared-utils").uses] == [13, 12, None]
