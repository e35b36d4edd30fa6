"""`Globals` is merged as AWS's own translator merges it."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

from layerctl.templates.globals import UNSUPPORTED, merged_properties
from layerctl.templates.load import read_template
from layerctl.templates.yaml import Tree, get

SUPPORTED = Globals.supported_properties["AWS::Serverless::Function"]

_INTRINSICS = st.sampled_from(
    [{"Ref": "X"}, {"Fn::Sub": "${X}"}, {"Fn::If": ["C", ["a"], ["b"]]}, {"Fn::GetAtt": ["A", "B"]}, {"Condition": "C"}]
)
_VALUES = st.recursive(
    st.sampled_from(["a", "b", ""]) | _INTRINSICS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["k", "l", "Ref", "Variables"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_FUNCTION = st.dictionaries(st.sampled_from([*SUPPORTED]), _VALUES, max_size=6)


def _plain(node):
    """A node as plain data."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    return [_plain(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else node.value


@given(shared=_FUNCTION, own=_FUNCTION, data=st.data())
def test_as_the_translator(shared, own, data):
    """Lists are joined, mappings merged, anything else replaced, in the same order, less what is ignored."""
    ignored = data.draw(st.just([]) | st.just("*") | st.lists(st.sampled_from(sorted(shared) or ["x"]), unique=True))
    ignored = [] if not shared and ignored != "*" else ignored
    resource = {"Type": "AWS::Serverless::Function", "Properties": own, "IgnoreGlobals": ignored}
    template = {"Globals": {"Function": shared}, "Resources": {"F": resource}}
    (root,) = Tree.parse(json.dumps(template)).documents
    node = get(root, "Resources", "F")
    merged = merged_properties(root, "AWS::Serverless::Function", node, ignored)
    theirs = Globals(template).merge("AWS::Serverless::Function", own, "F", ignored)
    assert json.dumps(_plain(merged)) == json.dumps(theirs)


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_unsupported(tmp_path, name):
    """What the translator refuses in Globals reaches no function, and is told."""
    with pytest.raises(InvalidGlobalsSectionException):
        Globals({"Globals": {"Function": {name: "x"}}})
    path = tmp_path / "template.yaml"
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13"}}
    path.write_text(json.dumps({"Globals": {"Function": {name: "x"}}, "Resources": {"F": function}}))
    template = read_template(path)
    assert [fault.message for fault in template.problems] == [f"Globals cannot have {name}"]
    assert set(template.functions[0].properties) == {"Runtime"}


def test_nothing_else_is_unsupported():
    """The list is the translator's: whatever a function can have is in one of the two."""
    from samtranslator.model.sam_resources import SamFunction

    assert set(SamFunction.property_types) - set(SUPPORTED) == UNSUPPORTED


def test_a_place_in_globals(tmp_path):
    """A value of Globals stands in Globals, a value of the function in the function."""
    path = tmp_path / "template.yaml"
    path.write_text(
        "Globals:\n  Function:\n    Runtime: python3.13\n    Environment: {Variables: {A: 1}}\n"
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: a.b\n"
        "      Environment: {Variables: {B: 2}}\n"
    )
    (function,) = read_template(path).functions
    lines = {name: value.place.line for name, value in function.environment.items()}
    assert (function.runtime.place.line, function.handler.place.line, lines) == (3, 9, {"A": 4, "B": 10})
