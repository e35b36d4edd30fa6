"""TypeScript and JavaScript: strings that are added and joined, template literals; names; scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from layerctl.templates.code.syntax import Call, Choice, Expression, Items, Number, Path, Table
from layerctl.templates.code.translation import Binding, Translator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

__all__ = ["TypeScript"]


class TypeScript(Translator):
    """Translates TypeScript and JavaScript."""

    composing = frozenset({"string", "template_string", "binary_expression", "call_expression"})
    scopes = frozenset(
        {"function_declaration", "function_expression", "arrow_function", "method_definition"}
        | {"statement_block", "class_declaration", "class", "enum_declaration", "for_statement", "for_in_statement"}
        | {"generator_function_declaration", "generator_function", "abstract_class_declaration", "catch_clause"}
    )
    classes = frozenset({"class_declaration", "class", "abstract_class_declaration", "enum_declaration"})
    own = frozenset({"this"})
    member_of = "member_expression", "property"
    targets = frozenset({"identifier", "shorthand_property_identifier_pattern"})
    patterns: ClassVar = {
        **dict.fromkeys(("object_pattern", "array_pattern", "rest_pattern")),
        "pair_pattern": "value",
        **dict.fromkeys(("assignment_pattern", "object_assignment_pattern"), "left"),
    }

    def known(self, node: Node, depth: int) -> Expression | None:
        """The expression that a node is."""
        at = node.start_byte

        def field(name: str) -> Node | None:
            return node.child_by_field_name(name)

        match node.type:
            case "string" | "template_string":
                return self.string(node, depth)
            case "number" if self.of(node).isdecimal():
                return Number(self.of(node), at)
            case "identifier" | "this" | "shorthand_property_identifier":
                return Path((self.of(node),), at)
            case "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression":
                return self.inner(node, depth)
            case "type_assertion":  # <string>value
                return self.expression(node.named_children[-1], depth)
            case "binary_expression" if self.of(field("operator")) == "+":
                return self.sum(node, depth)
            case "binary_expression" if self.of(field("operator")) in {"??", "||"}:
                return Choice(self.expression(field("left"), depth), self.expression(field("right"), depth), at)
            case "member_expression":
                return self.into(node, *self.member(node), depth)
            case "subscript_expression":
                return self.into(node, field("object"), self.expression(field("index"), depth), depth)
            case "array":
                return Items(self.all(node.named_children, depth), at)
            case "spread_element":
                return Call("...", (self.inner(node, depth),), at)
            case "object":
                return Table(tuple(self._entries(node, depth)), at)
            case "ternary_expression":
                yes, no = field("consequence"), field("alternative")
                return Choice(self.expression(yes, depth), self.expression(no, depth), at)
            case "call_expression":
                function, given = field("function"), field("arguments")
                if function is None or given is None or given.type != "arguments":
                    return None
                owner, name = self.member(function)
                if self.follows(name):
                    return self.call(node, owner, name, list(self.all(given.named_children, depth)), depth)
        return None

    def _entries(self, node: Node, depth: int) -> Iterator[tuple[str, Expression]]:
        for child in node.named_children:
            if child.type == "pair":
                key = self.of(child.child_by_field_name("key")).strip("\"'`")
                yield key, self.expression(child.child_by_field_name("value"), depth)
            elif child.type == "shorthand_property_identifier":
                yield self.of(child), self.expression(child, depth)

    def bindings(self, node: Node) -> Iterator[Binding]:
        """The names that a node gives values to."""

        def field(name: str) -> Node | None:
            return node.child_by_field_name(name)

        match node.type:
            case "variable_declarator":
                yield from self.assigned(field("name"), field("value"))
            case "required_parameter" | "optional_parameter":
                yield from self.assigned(field("pattern"), field("value"))
            case "arrow_function" | "catch_clause":
                yield from self.assigned(field("parameter"), None)
            case "for_in_statement":
                yield from self.assigned(field("left"), None)
            case "public_field_definition" | "enum_assignment":
                yield Binding(self.of(field("name")), field("value"), field=True)
            case "assignment_expression" | "augmented_assignment_expression" | "update_expression":
                plain = field("right") if node.type == "assignment_expression" else None
                for binding in self.assigned(field("left") or field("argument"), plain):
                    yield binding if binding.field else binding._replace(anywhere=True)
