"""Names: a variable says what it holds."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "layerctl/src", "benchmarks", "docs/tools", "examples", "layer", "pipelines")


def _bound(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else None


def test_one_is_no_variable():
    """A variable is called after what it holds: `for function in functions`."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 300
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_bytes()))
        if _bound(node) == "one"
    ]
    assert found == []
