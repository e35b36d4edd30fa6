"""Names: a variable says what it holds."""

import ast
from pathlib import Path

from tests.support.checkout import own_files

ROOT = Path(__file__).parents[1]
FOLDERS = ("src/", "layerctl/src/", "benchmarks/", "docs/tools/", "examples/", "layer/", "pipelines/")


def _bound(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else None


def test_one_is_no_variable():
    """A variable is called after what it holds: `for function in functions`."""
    files = [name for name in own_files() if name.startswith(FOLDERS) and name.endswith(".py")]
    assert len(files) > 300
    assert {name.partition("/")[0] for name in files} == {folder.partition("/")[0] for folder in FOLDERS}
    found = [
        f"{name}:{node.lineno}"
        for name in files
        for node in ast.walk(ast.parse((ROOT / name).read_bytes()))
        if _bound(node) == "one"
    ]
    assert found == []
