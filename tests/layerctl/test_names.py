"""Names within layerctl: a class has one meaning."""

import ast
from collections import defaultdict
from pathlib import Path

import layerctl

ROOT = Path(layerctl.__file__).parent


def test_no_two_classes_of_one_name():
    """Who reads a class's name in one room need not ask which of several it is."""
    places = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
