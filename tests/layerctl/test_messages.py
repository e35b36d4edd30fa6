"""What layerctl says is for those who have layerctl, and nothing else of the repository that it is made in."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "layerctl/src/layerctl"
TARGETS = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
OURS = re.compile(
    rf"\bmake (?:{'|'.join(TARGETS)})\b(?! (?:it|of|the|a|an|sure)\b)"
    r"|\bdocs/[\w-]+\.md|\.ci/|CONTRIBUTING|requirements/dev|layer/requirements|\bshared_utils\b|examples/(?:todos|users)"
)


def texts(path: Path):
    """The texts of a module that people may see: all but docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        # the docstring of a command is its help
        and not any("click" in ast.unparse(one) for one in getattr(node, "decorator_list", ()))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


# What people see or edit besides: the report's page, the schema of layer.toml, the page of the distribution.
TEXTS = sorted(
    [path for kind in ("*.jinja", "*.js", "*.css", "*.json") for path in SOURCES.rglob(kind)]
    + [ROOT / "layerctl/README.md"]
)


@pytest.mark.parametrize(
    "path", [path for path in TEXTS if "scaffold" not in path.parts], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_no_text_names_what_its_reader_does_not_have(path):
    """The same of what is no code."""
    assert OURS.findall(path.read_text("utf-8")) == []


# What these write has such files, or is on top of shared-utils.
WRITERS = {SOURCES / "cli/init.py", *SOURCES.joinpath("scaffold").glob("*.py")}


@pytest.mark.parametrize(
    "path", sorted({*SOURCES.rglob("*.py")} - WRITERS), ids=lambda path: path.relative_to(SOURCES).as_posix()
)
def test_no_message_names_what_its_reader_does_not_have(path):
    """No make target, page or file of the repository that layerctl is developed in, and none of its packages."""
    assert [text for text in texts(path) if OURS.search(text)] == []


def test_the_search_finds_what_it_is_for():
    """The expression is not one that matches nothing."""
    for text in ("run: make lock", "run `make setup`, or", "see docs/layer-toml.md", "add it to layer/requirements.in"):
        assert OURS.search(text)
    assert "setup" in TARGETS
