"""Terraform's language (HCL): blocks, attributes and expressions, each with its place.

After HashiCorp's "HCL Native Syntax Specification". Forgiving: what it does not understand becomes an unknown value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.templates.code.syntax import Call, Choice, Expression, Items, Path, Table, Text, Unknown, string_of
from layerctl.templates.code.trees import parse_tree, unread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

    from layerctl.templates.source import FileFault

__all__ = ["Block", "parse"]

_MAX_DEPTH = 60
_MAX_STEPS = 50


@dataclass(slots=True)
class Block:
    """A block with its labels: ``resource "aws_lambda_function" "todos" {...}``; the file is one of kind ``""``."""

    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Expression] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def parse(text: str) -> tuple[Block, FileFault | None]:
    """Read a file, and tell what of it that speaks of layers could not be read. Never raises for what is in it."""
    file = Block("")
    root = parse_tree(text, ".tf")
    if root is not None:
        _Translator(text).body(file, root, 0)
    return file, unread(root, [match.start() for match in re.finditer("layer", text)])


class _Translator:
    def __init__(self, text: str) -> None:
        self.text = text

    # --- structure ----------------------------------------------------------------------------------------

    def body(self, block: Block, node: Node, depth: int) -> None:
        """Add what stands in a body to a block; a part that is broken counts as if it were whole."""
        for child in node.named_children if depth < _MAX_DEPTH else ():
            match child.type:
                case "body" | "ERROR":
                    self.body(block, child, depth + 1)
                case "attribute" if len(child.named_children) > 1:
                    key, value = child.named_children[0], child.named_children[-1]
                    block.attributes[self._of(key)] = self.expression(value, depth)
                case "block":
                    kind, *labels = (
                        self._of(part) for part in child.named_children if part.type in {"identifier", "string_lit"}
                    )
                    inner = Block(kind, tuple(labels))
                    self.body(inner, child, depth + 1)
                    block.blocks.append(inner)

    def _of(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte].strip('"')

    # --- expressions --------------------------------------------------------------------------------------

    def expression(self, node: Node, depth: int) -> Expression:
        """One expression; a term may be followed by steps into it."""
        at = node.start_byte
        if depth > _MAX_DEPTH:
            return Unknown("...", at)
        depth += 1
        children = node.named_children
        match node.type:
            case "template_expr" | "literal_value" if children:
                return self.expression(children[0], depth)
            case "quoted_template" | "string_lit" | "heredoc_template":
                return self._template(node, depth)
            case "numeric_lit" | "bool_lit" | "identifier":
                return Text(((self._of(node), at),), at)
            case "null_lit":
                return Items((), at)
            case "variable_expr":
                return Path((self._of(node),), at)
            case "function_call" if children:
                arguments = next((child for child in children if child.type == "function_arguments"), None)
                return Call(self._of(children[0]), self._all(arguments.named_children if arguments else (), depth), at)
            case "tuple":
                return Items(self._all(children, depth), at)
            case "object":
                entries = [child.named_children for child in children if child.type == "object_elem"]
                pairs = [(self._key(pair[0], depth), self.expression(pair[-1], depth)) for pair in entries if pair]
                return Table(tuple(pairs), at)
            case "for_tuple_expr" | "for_object_expr":
                return self._for(children, depth)
            case "conditional" if len(children) == 3:
                return Choice(self.expression(children[1], depth), self.expression(children[2], depth), at)
            case "expression" | "collection_value" | "for_expr" if children:
                value = self.expression(children[0], depth)
                for step in children[1:]:
                    value = self._step(value, step, depth)
                return value
            case _:
                return Unknown("...", at)

    def _all(self, nodes: Iterable[Node], depth: int) -> tuple[Expression, ...]:
        return tuple(self.expression(node, depth) for node in nodes if node.type == "expression")

    def _key(self, node: Node, depth: int) -> str:
        match self.expression(node, depth):
            case Path((str(name),), _):
                return name
            case Text(parts, _):
                return "".join(part[0] for part in parts if not isinstance(part, Expression))
            case _:
                return "?"

    def _step(self, value: Expression, step: Node, depth: int) -> Expression:
        """What follows a term: ``.name``, ``[index]``, ``.0``, ``[*].name``, ``.*.name``."""
        match step.type:
            case "get_attr" if step.named_children:
                return _into(value, self._of(step.named_children[0]))
            case "index" | "new_index" | "legacy_index" if step.named_children:
                return self._step(value, step.named_children[0], depth)
            case "expression" | "numeric_lit":
                return _into(value, self.expression(step, depth))
            case "splat" | "full_splat" | "attr_splat":
                if step.type != "splat":
                    value = _into(value, "*")
                for inner in step.named_children:
                    value = self._step(value, inner, depth)
        return value

    def _for(self, children: list[Node], depth: int) -> Expression:
        """``for name in source : value``: the source stands for it, and the value with the name left open."""
        intro = next((child for child in children if child.type == "for_intro"), None)
        if intro is None:
            return Unknown("...", children[0].start_byte if children else 0)
        names = {self._of(part) for part in intro.named_children if part.type == "identifier"}
        values = [self.expression(child, depth) for child in children if child.type == "expression"]
        made = [value for value in values if not (isinstance(value, Path) and value.steps[0] in names)]
        return Items((*self._all(intro.named_children, depth), *made), intro.start_byte)

    def _template(self, node: Node, depth: int) -> Text:
        """Text and interpolations; blanks are text, too, though the grammar leaves some of them out."""
        ends = {"quoted_template_start", "quoted_template_end", "heredoc_start", "heredoc_identifier"}
        children = node.named_children
        marks = [child for child in children if child.type in ends]
        start = (
            marks[1 if node.type == "heredoc_template" and len(marks) > 1 else 0].end_byte if marks else node.end_byte
        )
        stop = marks[-1].start_byte if len(marks) > 1 else node.end_byte
        special = [
            (child.start_byte, child.end_byte, self._interpolated(child, depth))
            for child in children
            if child.type in {"template_interpolation", "template_directive"}
        ]
        return string_of(self.text, node.start_byte, start, stop, special)

    def _interpolated(self, node: Node, depth: int) -> Expression:
        inner = next((part for part in node.named_children if part.type == "expression"), None)
        known = inner is not None and node.type == "template_interpolation"
        return self.expression(inner, depth) if known and inner else Unknown("...", node.start_byte)


def _into(value: Expression, step: str | Expression) -> Expression:
    if isinstance(value, Path) and len(value.steps) < _MAX_STEPS:
        return Path((*value.steps, step), value.at)
    return value if isinstance(value, (Call, Items, Table, Choice)) else Unknown("...", value.at)
