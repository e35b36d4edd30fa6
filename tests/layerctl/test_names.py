"""Names within layerctl: a class has one meaning, and a variable says what it holds."""

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


def _bound(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else None


def test_one_is_no_variable():
    """A variable is called after what it holds: `for function in functions`."""
    found = [
        f"{path}:{node.lineno}" for path, tree in TREES.items() for node in ast.walk(tree) if _bound(node) == "one"
    ]
    assert found == []
