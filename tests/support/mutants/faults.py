"""The mutants of a module, as mutmut makes them: the module with one fault."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst
from mutmut.mutation.file_mutation import create_mutations

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Mutant", "make_mutants"]


@dataclass(frozen=True)
class Mutant:
    """A module with one fault.

    Attributes:
        function: the function or method that has the fault.
        before, after: the lines that differ, without indentation, joined.
        lines: the lines of the statement that has the fault, numbered from 1.
        code: the whole module.
    """

    function: str
    before: str
    after: str
    lines: tuple[int, ...]
    code: str


def make_mutants(path: Path) -> list[Mutant]:
    """Return the mutants of a module's functions, each once.

    Of the three mutants of a text (framed by XX, in lower and in upper case) the framed one is taken. mutmut leaves
    decorated functions out, other than static and class methods.
    """
    source = path.read_text("utf-8")
    module, mutations, *_ = create_mutations(str(path), source)
    tree, old = ast.parse(source), source.splitlines()
    mutants: dict[str, Mutant] = {}
    for mutation in mutations:
        function = mutation.contained_by_top_level_function
        if not isinstance(function, libcst.FunctionDef):
            continue  # constants and names: what they mean is seen where they are used
        if isinstance(mutation.mutated_node, libcst.SimpleString) and "XX" not in mutation.mutated_node.value:
            continue
        changed = function.deep_replace(mutation.original_node, mutation.mutated_node)
        code = module.with_changes(body=_replaced(module.body, function, changed)).code
        new = code.splitlines()
        start = next((i for i, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
        if start is None:
            continue
        window = slice(max(start - 1, 0), start + 40 + abs(len(new) - len(old)))
        diff = list(difflib.unified_diff(old[window], new[window], n=0, lineterm=""))[2:]
        if old[window.stop :] != new[window.stop + len(new) - len(old) :]:
            diff = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]
        before, after = (" ".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+")
        mutants[code] = Mutant(function.name.value, before, after, _statement(tree, start + 1), code)
    return list(mutants.values())


def _replaced(
    body: tuple[libcst.BaseStatement, ...], function: libcst.FunctionDef, changed: libcst.CSTNode
) -> list[libcst.BaseStatement]:
    """Return a module's statements with a function or method replaced."""
    statements = []
    for statement in body:
        one = statement
        if one is function:
            one = changed
        elif isinstance(one, libcst.ClassDef) and function in one.body.body:
            block = [changed if child is function else child for child in one.body.body]
            one = one.with_changes(body=one.body.with_changes(body=block))
        statements.append(one)
    return statements


def _statement(tree: ast.Module, line: int) -> tuple[int, ...]:
    """Return the lines of the innermost statement that holds a line; of a block, those of its head."""
    innermost: ast.stmt | None = None
    for node in ast.walk(tree):  # outer ones come first
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            innermost = node
    if innermost is None:
        return (line,)
    body = getattr(innermost, "body", None)
    if isinstance(innermost, (ast.FunctionDef, ast.AsyncFunctionDef)):
        last = innermost.end_lineno  # its defaults: whoever calls it
    elif body:
        last = max(body[0].lineno - 1, innermost.lineno)
    else:
        last = innermost.end_lineno
    return tuple(range(innermost.lineno, (last or innermost.lineno) + 1))
