"""Any text is read in time that grows with its length, and no faster: a pull request must not stall everybody's CI."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.scan.finder import pins_of
from layerctl.templates.source import Source

# The pieces that patterns begin, end and go on with.
_SYNTAX = """
arn: :layer: :lambda: layer lambda x 1 123456789012 $ab ${ } {{ }} { #{ < > %s %(a)s $( ) " ' ` + , .join( formatArn(
resource:'layer' : = - ! [ ] ( /* \\ a.b ParameterKey=a ParameterValue= eu-west-1
"""
_LINES = """ |\n|  |&a |*a |<<A\n|<<: |Resources:\n|functions:\n|layers = |- |parameter_overrides = |x "a" "b" {"""
_PIECES = [*_SYNTAX.split(), *_LINES.split("|")]
_NAMES = ["template.yaml", "main.tf", "samconfig.toml", "app.py", "app.ts", "serverless.yml", "data.json"]


def _seconds(text, path):
    """Processor time, the least of a few runs."""

    def once():
        begin = time.process_time()
        pins_of(Source(text), path)
        return time.process_time() - begin

    return min(once() for _ in range(3))


def _assert_linear(before, unit, after, path):
    """Doubling the text again and again, no step takes much more than double the time, once time can be told."""
    times = []
    for doubling in range(7, 14):
        times.append(_seconds(before + unit * 2**doubling + after, path))
        # four-fold growth is linear, sixteen-fold quadratic
        assert len(times) < 3 or times[-3] < 0.02 or times[-1] < 12 * times[-3], (unit, times)
        if times[-1] > 1:
            break


@pytest.mark.parametrize("name", ["template.yaml", "main.tf", "samconfig.toml", "app.py", "app.ts"])
@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("arn:", "$ab", ":layer:x:1"),
        ("arn:aws:lambda:", "%s", ":layer:x:1"),
        ("arn:", "${a", ":layer:x:1"),
        ('a = "', '"${', "layer"),
        ("a = ", "!", "layer"),
        ("a = ", "-", "layer"),
        ("a = layer", ".a", ""),
        ("a = layer", "[", ""),
        ("", "\n", "layer:"),
        ("parameter_overrides = '", "a", "' :layer:"),
        ("parameter_overrides = '", "ParameterKey=", "' :layer:"),
        ("Resources:\n  A: {Type: 'A::B', Properties: {L: !Sub '", "\\n  ", "layer'}}"),
        ("", '"layer"', ":layer:"),
        ("", "formatArn(resource: 'layer'", ":layer:"),
        ("a = 'arn:layer:' + ", "x = ", ""),
        ("a = 'arn:layer:", "{`", ""),
    ],
)
def test_known_traps_are_linear(tmp_path, name, before, unit, after):
    """What once took exponential or quadratic time, in each kind of file."""
    _assert_linear(before, unit, after, tmp_path / name)


@settings(max_examples=25)
@given(
    before=st.lists(st.sampled_from(_PIECES), max_size=4).map("".join),
    unit=st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join),
    after=st.lists(st.sampled_from(_PIECES), max_size=4).map("".join),
    name=st.sampled_from(_NAMES),
)
def test_any_repetition_is_linear(tmp_path_factory, before, unit, after, name):
    """Whatever is repeated, between whatever stands around it."""
    _assert_linear(before, unit, after, tmp_path_factory.getbasetemp() / name)


@settings(max_examples=400)
@given(text=st.lists(st.sampled_from(_PIECES), max_size=60).map("".join), name=st.sampled_from(_NAMES))
def test_any_text_is_read_or_at_fault_itself(tmp_path_factory, text, name):
    """No text ends in an error of ours: the reader's last resort, which asks to report the file, is never needed."""
    report = pins_of(Source(text), tmp_path_factory.getbasetemp() / name)
    assert not [problem for problem in report.problems if "please report" in problem.hint]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "Resources: &a {x: &b {<<: *a}, <<: *b, F: {Type: 'AWS::Lambda::Function', Properties: {Layers: [*a]}}}",
            "a.yaml",
        ),
        ("Resources: &a {Fn::ForEach::X: [A, [b], *a]}", "a.yaml"),
        ('layers = "' + '"${' * 5000, "main.tf"),
        ("layers = " + "!" * 5000, "main.tf"),
        ("layers = " + "-" * 5000 + "1", "main.tf"),
        ("layers = " + "(" * 5000, "main.tf"),
        ("layers = " + "a ? " * 5000, "main.tf"),
        ("a = ':layer:arn:' + " + "(" * 5000, "app.py"),
        ("a = ':layer:arn:'" + " + a" * 5000, "app.py"),
        ("a = `:layer:arn:" + "${`" * 5000, "app.ts"),
        ("a = ':layer:arn:'" + "".join(f"\na{n} = a{n + 1} + a{n + 1}" for n in range(500)), "app.py"),
        ("a = ':layer:arn:'" + ".format(a)" * 5000, "app.py"),
        ("a = ':layer:arn:'" + ".concat(a)" * 5000, "app.ts"),
        ("a = ':layer:arn:{" + "1" * 5000 + "}'.format(a)", "app.py"),
        ("a = ':layer:arn:%[" + "1" * 5000 + "]d' % a", "app.py"),
        ('layers = format(":layer:%[' + "1" * 5000 + ']s", "a")', "main.tf"),
        ("for " + "(" * 5000 + "a" + ",)" * 5000 + " in b: ':layer:arn:' + a", "app.py"),
        ("const " + "[" * 5000 + "a" + "]" * 5000 + " = ':layer:arn:' + a", "app.ts"),
        ("layers: " + "${self:" * 5000, "serverless.yml"),
        ("service: x\nprovider: {layers: ['" + "${self:provider.layers}" * 300 + "']}", "serverless.yml"),
    ],
    ids=lambda part: part[:60],
)
def test_nesting_and_circles_end(tmp_path, text, name):
    """Circles of merge keys and deep nesting are no error of ours, however shallow Python's own stack is."""
    report = pins_of(Source(text), tmp_path / name)
    assert not [problem for problem in report.problems if "please report" in problem.hint]
