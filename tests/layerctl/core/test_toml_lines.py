"""The line in which a value of a TOML file stands, whatever it is part of."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.core.toml_lines import TomlLines


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ("a = 1\nb = 2\n", ("b",), 2),
        ("# x\n\n[t]\n\nb = 2\n", ("t", "b"), 5),
        ("[t]\nb = 2\n[u]\nb = 3\n", ("u", "b"), 4),
        ("[t]\nb = 2\n", ("t", "missing"), 1),
        ("\n\n[t]\nb = 2\n", ("t", "missing", 4, "x"), 3),
        ("a = 1\n", ("missing",), 1),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\n", ("t", 0), 1),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\n", ("t", 1), 3),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\n", ("t", 1, "x"), 4),
        ("[[t]]\nx = 1\n[[t]]\ny = 2\n", ("t", 1, "x"), 3),
        ("[[t]]\n[t.s]\nx = 1\n[[t]]\n[t.s]\nx = 2\n", ("t", 1, "s", "x"), 6),
        ("[[t]]\n[[t.s]]\n[[t.s]]\nx = 1\n[[t]]\n[[t.s]]\nx = 2\n", ("t", 1, "s", 0, "x"), 7),
        ("[[t]]\n[[t.s]]\n[[t.s]]\nx = 1\n[[t]]\n[[t.s]]\nx = 2\n", ("t", 0, "s", 1, "x"), 4),
        ("[[ 't' ]] # first\n[[\"t\"]]\nx = 1\n", ("t", 1, "x"), 3),
        ("t = [{x = 1}, {x = 2}]\n", ("t", 1, "x"), 1),
        ("t = [\n  {x = 1},\n  {x = 2},\n]\n", ("t", 1, "x"), 3),
        ("l = [\n  1,\n\n  # two\n  2\n]\n", ("l", 1), 5),
        ("l = [1,\n2, 3,\n4]\n", ("l", 2), 2),
        ("l = [\n [1,\n  2],\n [3,\n  4]]\n", ("l", 1, 1), 5),
        ("l = [\n '''a,\n]\n''', # ] [\n \"]\",\n 3]\n", ("l", 2), 6),
        ('s = """\n[t]\nx = 1\n"""\n[t]\nx = 2\n', ("t", "x"), 6),
        ('s = """a\\""" [ """\nx = 1\n', ("x",), 2),
        ("a.b.c = 1\na.b.d = [\n1,\n2]\n", ("a", "b", "d", 1), 4),
        ("a = {b = [1, 2]}\nc = 1\n", ("a", "b", 1), 1),
        ("a = 1\r\nb = [\r\n1,\r\n2]\r\n", ("b", 1), 4),
        ("# \x85 \u2028 are no ends of lines\nb = 1\n", ("b",), 2),
    ],
)  # fmt: skip
def test_a_value_has_the_line_in_which_it_begins(text, keys, line):
    """Tables, arrays of tables within each other, lists over many lines, strings with brackets, comments."""
    tomllib.loads(text)
    assert TomlLines(text).of(keys) == line


_ITEM = st.sampled_from(["1", "'['", '"#"', "{x = 1}", "[2, 3]", '"""\n]\n"""'])


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(["[[a]]", "[[a.b]]", "[a.c]", "# c", ""]), st.lists(_ITEM, max_size=3))))
def test_every_item_of_every_table_is_found(tables):
    """Each list of a generated file, in whichever table of an array it is, has each item in the line it was put in."""
    lines, expected = ["[[a]]"], {("a", 0): 1}
    here, counts = ("a", 0), {"a": 0, "b": -1}
    for number, (header, items) in enumerate(tables):
        lines.append(header)
        if header == "[[a]]":
            counts = {"a": counts["a"] + 1, "b": -1}
            here = ("a", counts["a"])
        elif header == "[[a.b]]":
            counts["b"] += 1
            here = ("a", counts["a"], "b", counts["b"])
        elif header == "[a.c]":
            if ("a", counts["a"], "c") in expected:
                lines.pop()
                continue
            here = ("a", counts["a"], "c")
        expected.setdefault(here, len(lines))
        lines.append(f"k{number} = [")
        expected[*here, f"k{number}"] = len(lines)
        for at, item in enumerate(items):
            expected[*here, f"k{number}", at] = len(lines) + 1
            lines += f"  {item},".split("\n")
        lines.append("]")
    text = "\n".join(lines)
    tomllib.loads(text)
    found = TomlLines(text)
    assert {keys: found.of(keys) for keys in expected} == expected
