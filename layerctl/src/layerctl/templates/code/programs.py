"""Layer version ARNs that a program puts together, as far as the file itself decides what they are made of."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from layerctl.templates.code.evaluation import Evaluator
from layerctl.templates.code.python import Python
from layerctl.templates.code.syntax import Call, Expression, Items, Number, Path, Table, Text, Unknown
from layerctl.templates.code.trees import parse_tree, unread
from layerctl.templates.code.typescript import TypeScript
from layerctl.templates.spans import Span, SpannedString, composed_arns
from layerctl.templates.uses import Use

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from layerctl.templates.code.translation import Binding
    from layerctl.templates.source import FileFault

__all__ = ["ProgramUses", "program_uses"]

_MAX_EVALUATIONS = 100_000
_MAX_BINDINGS = 20
_LAYER = re.compile(r"[:\"'`]layer[:\"'`]|[fF]ormat(?:Arn|_arn)|Arn\.format")
# Python's "{}", "{0}", "{name}", and the doubled braces that stand for one.
_FIELDS = re.compile(r"(?P<itself>\{\{|\}\})|\{(?:(?P<number>\d{1,9})|(?P<name>\w*))\}")
_HOLE = Unknown("...", 0)


class ProgramUses(NamedTuple):
    """What a program gives.

    Attributes:
        uses: the ARNs that it puts together.
        covered: the places of the expressions that they are, where nothing else is to be read from the text.
        unread: what could not be read.
    """

    uses: list[Use]
    covered: list[range]
    unread: list[FileFault]


def program_uses(text: str, suffix: str) -> ProgramUses:
    """Read a program."""
    root = parse_tree(text, suffix)
    uses: list[Use] = []
    covered: list[range] = []
    if root is not None:
        for node, found in _Program(text, root, suffix).found():
            uses += found
            covered.append(range(node.start_byte, node.end_byte))
    marks = [match.start() for match in _LAYER.finditer(text)]
    fault = unread(root, marks)
    return ProgramUses(uses, covered, [fault] if fault else [])


@dataclass(slots=True)
class _Scope:
    """Where names hold."""

    outer: _Scope | None
    is_class: bool
    names: dict[str, list[Binding]] = field(default_factory=dict)
    fields: dict[str, list[Binding]] = field(default_factory=dict)


class _Program(Evaluator):
    def __init__(self, text: str, root: Node, suffix: str) -> None:
        super().__init__(_MAX_EVALUATIONS + len(text))
        self._code = (Python if suffix == ".py" else TypeScript)(text)
        self._starts: list[int] = []
        self._scopes: list[_Scope] = []
        self._classes: dict[str, list[_Scope]] = {}
        self._reassigned: set[str] = set()
        self._known: dict[int, list[SpannedString]] = {}
        self._candidates: list[Node] = []
        self._walk(root)

    # --- names --------------------------------------------------------------------------------------------

    def _walk(self, root: Node) -> None:
        """Find the scopes, the names in them, and the expressions that may put something together."""
        code = self._code
        file = _Scope(None, False)  # of a file that is broken altogether, no node is one
        self._enter(0, file)
        stack: list[tuple[Node, _Scope] | tuple[int, _Scope]] = [(root, file)]
        while stack:
            node, scope = stack.pop()
            if isinstance(node, int):  # behind an inner scope
                self._enter(node, scope)
                continue
            if node.type in code.scopes:
                stack.append((node.end_byte, scope))
                scope = _Scope(scope, node.type in code.classes)
                self._enter(node.start_byte, scope)
                if scope.is_class:
                    self._classes.setdefault(code.of(node.child_by_field_name("name")), []).append(scope)
            if node.type in code.composing:
                self._candidates.append(node)
            for binding in code.bindings(node):
                self._bind(binding, scope)
            stack += [(child, scope) for child in reversed(node.named_children)]

    def _enter(self, at: int, scope: _Scope) -> None:
        self._starts.append(at)
        self._scopes.append(scope)

    def _bind(self, binding: Binding, scope: _Scope) -> None:
        if binding.anywhere:
            self._reassigned.add(binding.name)
            return
        owner: _Scope | None = scope
        while binding.field and owner is not None and not owner.is_class:
            owner = owner.outer
        if owner is None:
            return
        names = owner.fields if binding.field or owner.is_class else owner.names
        names.setdefault(binding.name, []).append(binding)
        if owner is scope and owner.is_class:  # the body of a class, for which it is a plain name as well
            owner.names.setdefault(binding.name, []).append(binding)

    def _value(self, bindings: list[Binding] | None) -> Node | None:
        """What a name is given, if that happens once."""
        return bindings[0].value if bindings is not None and len(bindings) == 1 else None

    def _behind(self, steps: Sequence[str | Expression], at: int) -> tuple[Node, Sequence[str | Expression]] | None:
        """What a reference leads to, and the steps that are left."""
        here = self._scopes[bisect_right(self._starts, at) - 1]
        scope: _Scope | None = here
        head, second = steps[0], steps[1] if len(steps) > 1 else None
        if head in self._code.own and isinstance(second, str):
            while scope is not None and not scope.is_class:
                scope = scope.outer
            found = self._value(scope.fields.get(second)) if scope is not None else None
            return (found, steps[2:]) if found is not None else None
        if not isinstance(head, str):
            return None
        while scope is not None:
            if head in scope.names and (scope is here or not scope.is_class):
                found = self._value(scope.names[head]) if head not in self._reassigned else None
                return (found, steps[1:]) if found is not None else None
            scope = scope.outer
        classes = self._classes.get(head, [])
        if len(classes) == 1 and isinstance(second, str):
            found = self._value(classes[0].fields.get(second))
            return (found, steps[2:]) if found is not None else None
        return None

    def _resolved(self, expression: Expression) -> Expression:
        """What stands behind references to it."""
        for _ in range(_MAX_BINDINGS):
            found = self._behind(expression.steps, expression.at) if isinstance(expression, Path) else None
            if found is None:
                break
            node, rest = found
            expression = self._code.expression(node)
            for step in rest:
                if isinstance(expression, Path):
                    expression = Path((*expression.steps, step), expression.at)
                elif isinstance(expression, Table) and isinstance(step, str):
                    expression = dict(expression.entries).get(step, _HOLE)
                else:
                    return _HOLE
        return expression

    # --- values -------------------------------------------------------------------------------------------

    def path(self, name: str, steps: tuple[str | Expression, ...], at: int, depth: int) -> list[SpannedString]:
        """What a name, a field or an item is."""
        label = ".".join(step if isinstance(step, str) else "*" for step in steps)
        found = self._behind(steps, at)
        if found is None:
            return [SpannedString.unknown(label)]
        node, rest = found
        if not rest:
            if node.id not in self._known:
                self._known[node.id] = [SpannedString.unknown(label)]  # should it lead back to itself
                self._known[node.id] = self.evaluate(name, self._code.expression(node), depth + 1)
            return [value.through(str(steps[-1])) for value in self._known[node.id]]
        expression = self._code.expression(node)
        if isinstance(expression, Path):
            return self.evaluate(name, Path((*expression.steps, *rest), expression.at), depth + 1)
        if isinstance(expression, Text | Number) and list(rest) == ["value"]:  # of Python's Enum
            return self.evaluate(name, expression, depth + 1)
        values = self.inside(name, name, expression, rest, depth + 1) if isinstance(expression, Table) else []
        return values or [SpannedString.unknown(label)]

    def key(self, name: str, step: Expression) -> str | None:
        """What an index is: a constant of the file is certain."""
        return self.one_text(name, step)

    def call(self, name: str, function: str, arguments: tuple[Expression, ...], depth: int) -> list[SpannedString]:
        """What the functions that are followed give."""
        match function:
            case "+" if self._adds_numbers(arguments):
                return [SpannedString.unknown("sum")]
            case "+":
                return self.evaluate(name, Text(arguments, 0), depth)
            case "%":
                return self.printed(name, arguments[0], arguments[1:], depth)
            case "format":
                return self.printed(name, arguments[0], arguments[1:], depth, fields=_FIELDS, first=0)
            case "join":
                items = self._resolved(arguments[1])
                if isinstance(items, Items):
                    return self.joined(name, arguments[0], list(self._spread(items.items)), depth)
            case "formatArn" if arguments:
                table = self._resolved(arguments[0])
                if isinstance(table, Table):
                    return self._arn(name, {key.replace("_n", "N"): value for key, value in table.entries}, depth)
        return [SpannedString.unknown(f"{function}()")]

    def _adds_numbers(self, operands: Sequence[Expression]) -> bool:
        """Whether a plus sign stands for a sum: a number with no text before it."""
        for operand in operands:
            kind = self._resolved(operand)
            if isinstance(kind, Number):
                return True
            if isinstance(kind, Text):
                return False
        return False

    def _spread(self, items: Sequence[Expression]) -> Iterator[Expression]:
        for item in items:
            inner = self._resolved(item.arguments[0]) if isinstance(item, Call) and item.name == "..." else None
            yield from inner.items if isinstance(inner, Items) else [item]

    def _arn(self, name: str, given: dict[str, Expression], depth: int) -> list[SpannedString]:
        """The CDK's `formatArn`; a resource of which nothing is known is a version that is not known."""
        if self.one_text(name, given.get("service")) not in {"lambda", None}:
            return [SpannedString.unknown("formatArn()")]
        parts: list[Expression] = [
            Text((("arn", None),), 0),
            given.get("partition", _HOLE),
            Text((("lambda", None),), 0),
        ]
        parts += [given.get("region", _HOLE), given.get("account", _HOLE), given.get("resource", _HOLE)]
        parts += [given["resourceName"]] if "resourceName" in given else []
        values = self.joined(name, Text(((":", None),), 0), parts, depth)
        return [
            value + SpannedString((Span(":", None), last)) if (last := value.spans[-1]).hole else value
            for value in values
        ]

    # --- what is put together -----------------------------------------------------------------------------

    def found(self) -> Iterator[tuple[Node, list[Use]]]:
        """The outermost expressions that put ARNs together, with these."""
        for node in self._candidates:
            if node.id in self._code.seen:
                continue
            expression = self._code.expression(node)
            parts = expression.parts if isinstance(expression, Text) else (expression,)
            if isinstance(expression, Unknown) or not any(isinstance(part, Expression) for part in parts):
                continue  # plain strings are the text's
            uses = [use for value in self.evaluate("", expression, 0) for use in _uses(value, node)]
            if uses:
                yield node, uses


def _uses(value: SpannedString, node: Node) -> Iterator[Use]:
    for arn in composed_arns(value):
        here = arn.arn_start is not None and node.start_byte <= arn.arn_start < node.end_byte
        whole = arn if here or arn.version is not None else arn._replace(arn_start=None)
        if arn.start is None:  # in two strings, for one: it cannot be changed in one place
            whole = whole._replace(version=None)
        yield Use(whole, node.start_byte, (), arn.via, value.region)
