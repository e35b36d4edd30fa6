"""Whether a bump moves an alias: our answer against AWS's own SAM transform, which decides it."""

import itertools
import json
import warnings

import pytest

from layerctl.check.contents import Sources
from layerctl.check.given import find_templates
from layerctl.check.report import check_templates

_ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:{}"
# A way to name the layer -> (the entry in Layers, the rest of the template), for a version number.
_FORMS = {
    "literal": lambda n: (_ARN.format(n), {}),
    "sub": lambda n: ({"Fn::Sub": _ARN.format(n).replace("eu-central-1", "${AWS::Region}")}, {}),
    "join": lambda n: ({"Fn::Join": [":", [_ARN.format(n).rpartition(":")[0], str(n)]]}, {}),
    "parameter": lambda n: ({"Ref": "L"}, {"Parameters": {"L": {"Type": "String", "Default": _ARN.format(n)}}}),
    "version parameter": lambda n: (
        {"Fn::Sub": _ARN.format("${V}")},
        {"Parameters": {"V": {"Type": "String", "Default": str(n)}}},
    ),
    "mapping": lambda n: (
        {"Fn::FindInMap": ["M", "eu", "arn"]},
        {"Mappings": {"M": {"eu": {"arn": _ARN.format(n)}}}},
    ),
    "own layer": lambda n: ({"Ref": "Own"}, {"Resources": {"Own": _own(n)}}),
    "own layer that publishes": lambda n: ({"Ref": "Own"}, {"Resources": {"Own": _own(n, PublishLambdaVersion=True)}}),
}
_ALIASES = {
    "plain": {"AutoPublishAlias": "live"},
    "all properties": {"AutoPublishAlias": "live", "AutoPublishAliasAllProperties": True},
    "own hash": {"AutoPublishAlias": "live", "AutoPublishCodeSha256": "a" * 64},
    "both": {"AutoPublishAlias": "live", "AutoPublishAliasAllProperties": True, "AutoPublishCodeSha256": "a" * 64},
}


def _own(number, **more):
    return {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": f"s3://bucket/{number}", **more}}


def _template(form, alias, number):
    layer, rest = _FORMS[form](number)
    properties = {"Runtime": "python3.13", "Handler": "a.b", "CodeUri": "s3://bucket/code", "Layers": [layer]}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31", **rest}
    function = {"Type": "AWS::Serverless::Function", "Properties": properties | _ALIASES[alias]}
    template["Resources"] = {"Function": function, **rest.get("Resources", {})}
    return template


def _versions(template):
    """The logical ids of the function versions that AWS's transform makes of a template."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from samtranslator.parser.parser import Parser
        from samtranslator.translator.translator import Translator

        resources = Translator({}, Parser()).translate(json.loads(json.dumps(template)), {})["Resources"]
    return {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}


@pytest.mark.parametrize(("form", "alias"), list(itertools.product(_FORMS, _ALIASES)))
def test_agrees_with_the_transform(form, alias, tmp_path, monkeypatch):
    """The finding is there exactly when the transform makes the same function version of both layer versions."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    path = tmp_path / "template.json"
    path.write_text(json.dumps(_template(form, alias, 3)), "utf-8")
    rules = {finding.rule for finding in check_templates(find_templates([path]), Sources()).findings}
    stays = _versions(_template(form, alias, 3)) == _versions(_template(form, alias, 4))
    assert ("alias-not-published" in rules) == stays
