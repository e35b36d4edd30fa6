"""Names within layerctl: a class has one meaning."""

import ast
from collections import defaultdict
from pathlib import Path

import layerctl

ROOT = Path(layerctl.__file__).parent
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in sorted(ROOT.rglob("*.py"))}


def test_no_two_classes_of_one_name():
    """Who reads a class's name in one room need not ask which of several it is."""
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path}:{node.lineno}")
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
