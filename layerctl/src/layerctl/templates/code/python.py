"""Python: strings that are adjacent, added, formatted, joined, and f-strings; names; scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from layerctl.templates.code.syntax import Call, Choice, Expression, Items, Number, Path, Table, Text
from layerctl.templates.code.translation import Binding, Translator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

__all__ = ["Python"]


class Python(Translator):
    """Translates Python."""

    composing = frozenset({"string", "concatenated_string", "binary_operator", "call"})
    scopes = frozenset(
        {"function_definition", "lambda", "class_definition", "list_comprehension", "set_comprehension"}
        | {"dictionary_comprehension", "generator_expression"}
    )
    classes = frozenset({"class_definition"})
    own = frozenset({"self", "cls"})
    member_of = "attribute", "attribute"
    targets = frozenset({"identifier"})
    patterns: ClassVar = dict.fromkeys(
        ("pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern")
    )

    def known(self, node: Node, depth: int) -> Expression | None:
        """The expression that a node is."""
        at = node.start_byte

        def field(name: str) -> Node | None:
            return node.child_by_field_name(name)

        match node.type:
            case "string":
                return self.string(
                    node, depth, raw="r" in self.of(node.children[0]).lower() if node.children else False
                )
            case "concatenated_string":
                return Text(self.all(node.named_children, depth), at)
            case "integer" if self.of(node).isdecimal():
                return Number(self.of(node), at)
            case "identifier":
                return Path((self.of(node),), at)
            case "parenthesized_expression":
                return self.inner(node, depth)
            case "assignment":  # a = b = value
                return self.expression(field("right"), depth)
            case "named_expression":
                return self.expression(field("value"), depth)
            case "binary_operator" if self.of(field("operator")) == "+":
                return self.sum(node, depth)
            case "binary_operator" if self.of(field("operator")) == "%":
                right = self.expression(field("right"), depth)
                arguments = right.items if isinstance(right, Items) else (right,)
                return Call("%", (self.expression(field("left"), depth), *arguments), at)
            case "attribute":
                return self.into(node, *self.member(node), depth)
            case "subscript":
                return self.into(node, field("value"), self.expression(field("subscript"), depth), depth)
            case "list" | "tuple" | "set" | "expression_list":
                return Items(self.all(node.named_children, depth), at)
            case "list_splat":
                return Call("...", (self.inner(node, depth),), at)
            case "dictionary":
                return Table(self._entries(node, "pair", "key", depth), at)
            case "conditional_expression" if len(node.named_children) == 3:
                yes, _, no = node.named_children
                return Choice(self.expression(yes, depth), self.expression(no, depth), at)
            case "boolean_operator":
                return Choice(self.expression(field("left"), depth), self.expression(field("right"), depth), at)
            case "call":
                return self._called(node, depth)
        return None

    def _called(self, node: Node, depth: int) -> Expression | None:
        function, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or given is None:
            return None
        owner, name = self.member(function)
        if name == "ArnComponents":
            return Table(self._entries(given, "keyword_argument", "name", depth), node.start_byte)
        if not self.follows(name):
            return None
        positional = [child for child in given.named_children if child.type not in {"keyword_argument", "comment"}]
        arguments = [self.expression(child, depth) for child in positional]
        named = self._entries(given, "keyword_argument", "name", depth)
        if named:
            arguments.append(Table(named, given.start_byte))
        return self.call(node, owner, name, arguments, depth)

    def _entries(self, node: Node, kind: str, key: str, depth: int) -> tuple[tuple[str, Expression], ...]:
        pairs = [
            (child.child_by_field_name(key), child.child_by_field_name("value"))
            for child in node.named_children
            if child.type == kind
        ]
        return tuple((self.of(name).strip("\"'"), self.expression(value, depth)) for name, value in pairs)

    def bindings(self, node: Node) -> Iterator[Binding]:
        """The names that a node gives values to."""
        match node.type:
            case "assignment" | "named_expression":
                left = node.child_by_field_name("left" if node.type == "assignment" else "name")
                yield from self.assigned(left, node.child_by_field_name("right") or node.child_by_field_name("value"))
            case "augmented_assignment" | "for_statement" | "for_in_clause":
                yield from self.assigned(node.child_by_field_name("left"), None)
            case "default_parameter" | "typed_default_parameter":
                yield Binding(self.of(node.child_by_field_name("name")), node.child_by_field_name("value"))
            case "parameters" | "lambda_parameters" | "as_pattern_target" | "typed_parameter":
                for child in node.named_children:
                    yield from self.assigned(child, None)
            case "import_statement" | "import_from_statement":
                for child in node.children_by_field_name("name"):
                    alias = child.child_by_field_name("alias")
                    yield Binding(self.of(alias) if alias is not None else self.of(child).partition(".")[0])
            case "case_pattern":
                names = [self.of(child) for child in node.named_children if child.type == "dotted_name"]
                yield from (Binding(name) for name in names if name.isidentifier())
            case "global_statement" | "nonlocal_statement":
                yield from (Binding(self.of(child), anywhere=True) for child in node.named_children)
