"""What `pins` says of functions is what `check` and `run` read: Globals, loops, conditions, nested stacks."""

import re
import textwrap

import pytest

from layerctl.scan.finder import find_pins
from layerctl.templates import stacks
from layerctl.templates.load import read_template

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:"
_GLOBALS = f"Globals: {{Function: {{Runtime: python3.13, Architectures: [arm64], Layers: ['{ARN}shared:1']}}}}"
_SAM = "Type: AWS::Serverless::Function"

# template -> which function gets which versions
CASES = {
    "globals": (
        f"""
        {_GLOBALS}
        Resources:
          A: {{{_SAM}, Properties: {{Layers: ['{ARN}own:2']}}}}
          B: {{{_SAM}, Properties: {{}}}}
          C: {{Type: AWS::Lambda::Function, Properties: {{Layers: ['{ARN}own:3']}}}}
        """,
        {"A": {"shared:1", "own:2"}, "B": {"shared:1"}, "C": {"own:3"}},
    ),
    "ignored globals": (
        f"""
        {_GLOBALS}
        Resources:
          A: {{{_SAM}, IgnoreGlobals: [Layers], Properties: {{Layers: ['{ARN}own:2']}}}}
          B: {{{_SAM}, IgnoreGlobals: '*', Properties: {{}}}}
          C: {{{_SAM}, IgnoreGlobals: [Runtime], Properties: {{}}}}
        """,
        {"A": {"own:2"}, "B": set(), "C": {"shared:1"}},
    ),
    "a list that a function makes replaces that of Globals": (
        f"""
        {_GLOBALS}
        Parameters: {{All: {{Type: CommaDelimitedList, Default: '{ARN}a:4,{ARN}b:5'}}}}
        Resources:
          A: {{{_SAM}, Properties: {{Layers: !Ref All}}}}
          B: {{{_SAM}}}
        """,
        {"A": {"a:4", "b:5"}, "B": {"shared:1"}},
    ),
    "loops": (
        f"""
        Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
        Resources:
          Fn::ForEach::Names:
            - Name
            - [a, b]
            - Function${{Name}}: {{{_SAM}, Properties: {{Layers: [!Sub '{ARN}${{Name}}:7']}}}}
        """,
        {"Functiona": {"a:7"}, "Functionb": {"b:7"}},
    ),
    "a condition that the template decides": (
        f"""
        Conditions: {{Never: !Equals [a, b]}}
        Resources:
          A: {{{_SAM}, Properties: {{Layers: [!If [Never, '{ARN}no:1', '{ARN}yes:2']]}}}}
        """,
        {"A": {"yes:2"}},
    ),
    "conditions that nothing decides": (
        f"""
        Parameters: {{Stage: {{Type: String}}}}
        Conditions: {{Prod: !Equals [!Ref Stage, prod]}}
        Resources:
          A:
            {_SAM}
            Properties: {{Layers: [!If [Prod, '{ARN}a:1', '{ARN}a:2'], !If [Prod, '{ARN}b:3', '{ARN}c:4']]}}
        """,
        {"A": {"a:1", "a:2", "b:3", "c:4"}},
    ),
    "values that another parameter holds": (
        f"""
        Parameters: {{Version: {{Type: Number, Default: 12}}}}
        Resources:
          A: {{{_SAM}, Properties: {{Layers: [!Join [':', ['{ARN}joined', !Ref Version]]]}}}}
        """,
        {"A": {"joined:12"}},
    ),
    "a service": (
        f"""
        service: x
        provider: {{name: aws, runtime: python3.13, layers: ['{ARN}shared:1']}}
        custom: {{mine: ['{ARN}own:2', '{ARN}other:3']}}
        functions:
          a: {{handler: a.b, layers: '${{self:custom.mine}}'}}
          b: {{handler: a.b}}
        """,
        {"a": {"own:2", "other:3"}, "b": {"shared:1"}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_pins_and_the_model_agree(tmp_path, case):
    """Each function has the versions that the model says it has, whatever gives them to it."""
    text, expected = CASES[case]
    path = tmp_path / "template.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    model: dict[str, set[str]] = {name: set() for name in expected}
    facts = {}
    for function in read_template(path).functions:
        model[function.logical_id] |= {reference.name for reference in function.layers}
        facts[function.logical_id] = (function.runtime and function.runtime.text, function.architecture)
    pins: dict[str, set[str]] = {name: set() for name in expected}
    for pin in find_pins(path).pins:
        for function in pin.functions:
            pins[function.name].add(f"{pin.name}:{pin.version}")
            assert (function.runtime, function.architecture) == facts[function.name]
    assert model == expected
    assert pins == expected


def test_globals_that_nobody_takes_over_are_pins(tmp_path):
    """A version in `Globals` is a pin, composed or not, also where no function gets it."""
    path = tmp_path / "template.yaml"
    path.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Parameters: {Version: {Type: Number, Default: 12}}\n"
        f"Globals: {{Function: {{Layers: [!Sub '{ARN}shared:${{Version}}']}}}}\n"
        "Resources: {A: {Type: AWS::Serverless::Function, IgnoreGlobals: '*'}}\n"
    )
    (pin,) = find_pins(path).pins
    assert (pin.name, pin.version, pin.functions, pin.via) == ("shared", 12, (), "Globals")


@pytest.mark.parametrize(
    ("value", "unresolved", "pinned"),
    [
        (f"'{ARN}inner:3'", [], ["inner:3"]),
        ("!Ref Layer", ["${Nested.Outputs.Arn}"], []),
    ],
)
def test_outputs_of_nested_stacks(tmp_path, value, unresolved, pinned):
    """A layer that a nested stack gives back is the pin in its file; what is open has the name that it has here."""
    nested = tmp_path / "nested.yaml"
    nested.write_text(
        f"Resources: {{Layer: {{Type: AWS::Serverless::LayerVersion}}}}\nOutputs: {{Arn: {{Value: {value}}}}}\n"
    )
    path = tmp_path / "template.yaml"
    path.write_text(
        "Resources:\n"
        "  Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: nested.yaml}}\n"
        "  A: {Type: AWS::Lambda::Function, Properties: {Layers: [!GetAtt Nested.Outputs.Arn]}}\n"
    )
    outer, inner = find_pins(path), find_pins(nested)
    assert [reference.written for reference in outer.unresolved] == unresolved
    assert [f"{pin.name}:{pin.version}" for pin in inner.pins] == pinned


def test_templates_that_nest_each_other(tmp_path, monkeypatch):
    """The ways through them are many: they are followed up to a number, each file is parsed once, and it is told."""
    names = [f"t{number}.yaml" for number in range(8)]
    for name in names:
        others = {f"S{number}": other for number, other in enumerate(names) if other != name} | {"Missing": "no.yaml"}
        nested = "".join(
            f"  {stack}:\n    Type: AWS::CloudFormation::Stack\n"
            f"    Properties: {{TemplateURL: {other}, Parameters: {{V: !Ref V}}}}\n"
            for stack, other in others.items()
        )
        function = f"  F: {{Type: AWS::Lambda::Function, Properties: {{Layers: [!Sub '{ARN}x:${{V}}']}}}}\n"
        text = f"Parameters: {{V: {{Type: Number, Default: 1}}}}\nResources:\n{function}{nested}"
        (tmp_path / name).write_text(text)
    path = tmp_path / names[0]
    read, read_document = [], stacks.read_document
    monkeypatch.setattr(stacks, "read_document", lambda path: read.append(path.name) or read_document(path))
    template = read_template(path)
    assert sorted(read) == names[1:]
    report = find_pins(path)
    assert sorted(read) == sorted(names[1:] * 2)
    assert len(template.functions) == 1001
    assert any("6 levels and 1,000 templates are followed" in fault.message for fault in template.unread)
    assert [len(pin.functions) for pin in report.pins] == [1]
    assert len(report.unresolved) == 7  # but for what is missing, which is unread as ever
    assert all(re.fullmatch(r"what S\d makes of its parameters", reference.written) for reference in report.unresolved)
