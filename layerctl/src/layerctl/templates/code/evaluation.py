"""What expressions can be, with the place of each character: what is common to all languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.core.partitions import is_region
from layerctl.templates.code.syntax import Call, Choice, Expression, Items, Number, Path, Table, Text, Unknown
from layerctl.templates.spans import SpannedString, concatenate, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.templates.spans import Span

__all__ = ["Evaluator"]

# "%s", "%[2]d" of Go, "%(name)s" of Python, and the sign itself.
_VERBS = re.compile(r"%(?:(?P<itself>%)|(?:\[(?P<number>\d{1,9})\]|\((?P<name>\w+)\))?[sdvqr])")
_MAX_NESTING = 30


class Evaluator:
    """Works out expressions; `name` is the file that an expression stands in.

    Args:
        budget: how many expressions are worked out at most; references to references multiply.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def one_text(self, name: str, expression: Expression | None) -> str | None:
        """The expression's text, if it has one value and that is known."""
        texts = {value.text for value in self.evaluate(name, expression, 0)} if expression is not None else {None}
        return texts.pop() if len(texts) == 1 else None

    def evaluate(self, name: str, expression: Expression | None, depth: int) -> list[SpannedString]:
        """Every value that an expression of file `name` can have."""
        self._budget -= 1
        if expression is None or depth > _MAX_NESTING or self._budget < 0:
            return [SpannedString.unknown("...")]
        match expression:
            case Text(parts, _):
                return concatenate(
                    [
                        self.evaluate(name, part, depth + 1)
                        if isinstance(part, Expression)
                        else [SpannedString.literal(part[0], part[1], name)]
                        for part in parts
                    ]
                )
            case Number(digits, at):
                return [SpannedString.literal(digits, at, name)]
            case Items(items, _):
                return [value for item in items for value in self.evaluate(name, item, depth + 1)]
            case Table(entries, _):
                return [value for _, entry in entries for value in self.evaluate(name, entry, depth + 1)]
            case Choice(yes, no, _):
                return self.evaluate(name, yes, depth + 1) + self.evaluate(name, no, depth + 1)
            case Call(function, arguments, _):
                return self.call(name, function, arguments, depth)
            case Path(steps, at):
                return self.path(name, steps, at, depth)
            case Unknown(label, _):
                return [SpannedString.unknown(label)]

    def path(self, name: str, steps: tuple[str | Expression, ...], at: int, depth: int) -> list[SpannedString]:
        """The values of a reference that stands at `at`."""
        raise NotImplementedError

    def call(self, name: str, function: str, arguments: tuple[Expression, ...], depth: int) -> list[SpannedString]:
        """The values of a call."""
        raise NotImplementedError

    def inside(
        self, name: str, owner: str, expression: Expression, steps: Sequence[str | Expression], depth: int
    ) -> list[SpannedString]:
        """Follow the rest of a path, of file `name`, into a table of file `owner`; an open key gives every entry."""
        if not steps or not isinstance(expression, Table):
            return self.evaluate(owner, expression, depth)
        step = steps[0]
        key = step if isinstance(step, str) else self.key(name, step)
        regional = key is None and all(is_region(entry) for entry, _ in expression.entries)
        values: list[SpannedString] = []
        for entry, value in expression.entries:
            if key is None or key in {entry, "*"}:
                found = self.inside(name, owner, value, steps[1:], depth + 1)
                values += [value.assuming("AWS::Region", entry) for value in found] if regional else found
        return values

    def key(self, name: str, step: Expression) -> str | None:
        """What an index is, where that is certain."""
        # A variable's default decides nothing here: whoever applies the module may say otherwise.
        return self.one_text(name, step) if isinstance(step, Text) else None

    def joined(self, name: str, separator: Expression, items: Sequence[Expression], depth: int) -> list[SpannedString]:
        """The items with a separator between them."""
        parts: list[list[SpannedString]] = []
        for index, item in enumerate(items):
            parts += [self.evaluate(name, separator, depth + 1)] if index else []
            parts.append(self.evaluate(name, item, depth + 1))
        return concatenate(parts)

    def printed(
        self,
        name: str,
        pattern: Expression,
        arguments: Sequence[Expression],
        depth: int,
        *,
        fields: re.Pattern[str] = _VERBS,
        first: int = 1,
    ) -> list[SpannedString]:
        """The arguments in place of a pattern's fields.

        Args:
            name: the file that the expressions stand in.
            pattern: the text with the fields.
            arguments: their values; those with names are in a table.
            depth: how deeply the expression is nested.
            fields: how a field is written, by its `number` or its `name`, and what stands for `itself`.
            first: the number of the first argument.
        """
        named = dict(entry for table in arguments if isinstance(table, Table) for entry in table.entries)
        index = first

        def meaning(span: Span, start: int, end: int) -> list[SpannedString]:
            nonlocal index
            field = fields.fullmatch(span.text, start, end)
            if field is None or field["itself"]:
                return [SpannedString.literal(span.text[start], None)]
            if field["name"]:
                return self.evaluate(name, named.get(field["name"]), depth + 1)
            at = int(field["number"] or index) - first
            index = at + first + 1
            return self.evaluate(name, arguments[at] if 0 <= at < len(arguments) else None, depth + 1)

        found = []
        for value in self.evaluate(name, pattern, depth + 1):
            index = first
            found += filled(value, lambda text: (field.span() for field in fields.finditer(text)), meaning)
        return found
