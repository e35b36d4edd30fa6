"""What the expressions of a Terraform module can be, with the place of each character."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.templates import hcl
from layerctl.templates.literals import REGION
from layerctl.templates.spans import Span, SpannedString, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Module"]

# What the AWS provider's data sources tell (registry documentation, data sources of the aws provider).
_DATA_HOLES = {
    "aws_region": "AWS::Region",
    "aws_partition": "AWS::Partition",
    "aws_caller_identity": "AWS::AccountId",
}
# Functions that give back what they are given, or one of it.
_PASSING = frozenset(
    {"compact", "concat", "coalesce", "coalescelist", "distinct", "element", "flatten", "merge", "nonsensitive", "one"}
    | {"reverse", "sensitive", "sort", "tolist", "toset", "tostring", "trimspace", "try", "values", "tomap", "tonumber"}
)
# The beginning of an ARN for a layer that is named without one.
_UNPLACED = (
    Span("arn:", None),
    Span("AWS::Partition", None, hole=True),
    Span(":lambda:", None),
    Span("AWS::Region", None, hole=True),
    Span(":", None),
    Span("AWS::AccountId", None, hole=True),
    Span(":layer:", None),
)
_FORMAT = re.compile(r"%(?:\[(\d+)\])?[sdvq]")
_MAX_NESTING = 30
_MAX_EVALUATIONS = 100_000


class Module:
    """A module: all files of a folder.

    Args:
        folder: where it lies, to find the modules that it calls.
        texts: its files by name.
        given: the variables that a calling module sets, as expressions of that module.
        depth: how many modules call each other above.
    """

    def __init__(
        self,
        folder: Path,
        texts: Iterable[tuple[str, str]],
        given: Mapping[str, tuple[Module, str, hcl.Expression]] | None = None,
        depth: int = 0,
    ) -> None:
        self.folder = folder
        self.given = given or {}
        self.depth = depth
        self.names: set[str] = set()
        self.variables: dict[str, list[tuple[str, hcl.Expression]]] = {}
        self.locals: dict[str, tuple[str, hcl.Expression]] = {}
        self.layers: dict[str, tuple[str, hcl.Block]] = {}
        self.blocks: list[tuple[str, hcl.Block]] = []
        self._budget = _MAX_EVALUATIONS
        for name, text in texts:
            self.names.add(name)
            root = hcl.parse(text)
            if name.endswith(".tfvars"):
                for key, value in root.attributes.items():
                    self.variables.setdefault(key, []).append((name, value))
                continue
            for block in root.blocks:
                self._register(name, block)

    def _register(self, name: str, block: hcl.Block) -> None:
        self.blocks.append((name, block))
        if block.kind == "locals":
            self.locals |= {key: (name, value) for key, value in block.attributes.items()}
        elif block.kind == "variable" and block.labels and "default" in block.attributes:
            self.variables.setdefault(block.labels[0], []).append((name, block.attributes["default"]))
        elif block.kind == "data" and block.labels[:1] == ("aws_lambda_layer_version",) and len(block.labels) == 2:
            self.layers[block.labels[1]] = (name, block)

    def one_text(self, name: str, expression: hcl.Expression | None) -> str | None:
        """The expression's text, if it has one value and that is known."""
        texts = {value.text for value in self.evaluate(name, expression, 0)} if expression is not None else {None}
        return texts.pop() if len(texts) == 1 else None

    def evaluate(self, name: str, expression: hcl.Expression | None, depth: int) -> list[SpannedString]:
        """Every value that an expression of file `name` can have."""
        self._budget -= 1
        if expression is None or depth > _MAX_NESTING or self._budget < 0:
            return [SpannedString.unknown("...")]
        match expression:
            case hcl.Text(parts, _):
                return concatenate(
                    [
                        self.evaluate(name, part, depth + 1)
                        if isinstance(part, hcl.Expression)
                        else [SpannedString.literal(part[0], part[1], name)]
                        for part in parts
                    ]
                )
            case hcl.Items(items, _):
                return [value for item in items for value in self.evaluate(name, item, depth + 1)]
            case hcl.Table(entries, _):
                return [value for _, entry in entries for value in self.evaluate(name, entry, depth + 1)]
            case hcl.Choice(yes, no, _):
                return self.evaluate(name, yes, depth + 1) + self.evaluate(name, no, depth + 1)
            case hcl.Call(function, arguments, _):
                return self._call(name, function, arguments, depth)
            case hcl.Path(steps, _):
                return self._path(name, steps, depth)
            case hcl.Unknown(label, _):
                return [SpannedString.unknown(label)]

    def _path(self, name: str, steps: tuple[str | hcl.Expression, ...], depth: int) -> list[SpannedString]:
        label = ".".join(step if isinstance(step, str) else "*" for step in steps)
        head, key = steps[0], steps[1] if len(steps) > 1 else None
        if head == "data" and isinstance(key, str):
            if key in _DATA_HOLES:
                return [SpannedString.unknown(_DATA_HOLES[key])]
            layer = self.layers.get(steps[2]) if len(steps) > 2 and isinstance(steps[2], str) else None
            if key == "aws_lambda_layer_version" and layer is not None:
                return self.layer(*layer, depth + 1)
        found: list[tuple[str, hcl.Expression]] = []
        if head == "var" and isinstance(key, str):
            found = self.variables.get(key, [])
        elif head == "local" and isinstance(key, str) and key in self.locals:
            found = [self.locals[key]]
        values: list[SpannedString] = []
        if head == "var" and isinstance(key, str) and key in self.given:
            caller, owner, expression = self.given[key]
            return [value.through(key) for value in caller.evaluate(owner, expression, depth + 1)]
        for owner, expression in found:
            values += [
                value.through(str(key)) for value in self._descend(name, owner, expression, steps[2:], depth + 1)
            ]
        return values or [SpannedString.unknown(label)]

    def _descend(
        self, name: str, owner: str, expression: hcl.Expression, steps: tuple[str | hcl.Expression, ...], depth: int
    ) -> list[SpannedString]:
        """Follow the rest of a path into a table; an open key gives every entry."""
        if not steps or not isinstance(expression, hcl.Table):
            return self.evaluate(owner, expression, depth)
        step = steps[0]
        # A variable's default decides nothing here: whoever applies the module may say otherwise.
        key = step if isinstance(step, str) else self.one_text(name, step) if isinstance(step, hcl.Text) else None
        regional = key is None and all(REGION.fullmatch(entry) for entry, _ in expression.entries)
        values: list[SpannedString] = []
        for entry, value in expression.entries:
            if key is None or key in {entry, "*"}:
                inside = self._descend(name, owner, value, steps[1:], depth + 1)
                values += [one.assuming("AWS::Region", entry) for one in inside] if regional else inside
        return values

    def _call(self, name: str, function: str, arguments: tuple[hcl.Expression, ...], depth: int) -> list[SpannedString]:
        if function == "format" and arguments:
            return self._format(name, arguments, depth)
        if function == "join" and len(arguments) == 2 and isinstance(arguments[1], hcl.Items):
            parts: list[list[SpannedString]] = []
            for index, item in enumerate(arguments[1].items):
                parts += [self.evaluate(name, arguments[0], depth + 1)] if index else []
                parts.append(self.evaluate(name, item, depth + 1))
            return concatenate(parts)
        if function == "lookup" and len(arguments) >= 2:
            table = arguments[0]
            steps = (*table.steps, arguments[1]) if isinstance(table, hcl.Path) else ()
            values = (
                self._path(name, steps, depth + 1) if steps else self._descend(name, name, table, arguments[1:2], depth)
            )
            return values + [value for other in arguments[2:] for value in self.evaluate(name, other, depth + 1)]
        if function in {"replace", "lower", "upper"} and arguments:
            return self._changed(name, function, arguments, depth)
        if function in _PASSING:
            return [value for argument in arguments for value in self.evaluate(name, argument, depth + 1)]
        return [SpannedString.unknown(f"{function}()")]

    def _changed(
        self, name: str, function: str, arguments: tuple[hcl.Expression, ...], depth: int
    ) -> list[SpannedString]:
        """Functions that make another text: known if their arguments are, but standing nowhere as such."""
        rest = [self.one_text(name, argument) for argument in arguments[1:]]
        changed = []
        for value in self.evaluate(name, arguments[0], depth + 1):
            text = value.text
            if text is None or None in rest or (function == "replace" and len(rest) != 2):
                changed.append(SpannedString.unknown(f"{function}()"))
            elif function == "replace":
                changed.append(
                    SpannedString.literal(text.replace(rest[0] or "", rest[1] or "") if rest[0] else text, None)
                )
            else:
                changed.append(SpannedString.literal(text.lower() if function == "lower" else text.upper(), None))
        return changed

    def _format(self, name: str, arguments: tuple[hcl.Expression, ...], depth: int) -> list[SpannedString]:
        """`format`: the arguments in place of the verbs."""
        pattern = arguments[0]
        if not isinstance(pattern, hcl.Text):
            return [SpannedString.unknown("format()")]
        parts: list[list[SpannedString]] = []
        index = 1
        for part in pattern.parts:
            if isinstance(part, hcl.Expression):
                parts.append(self.evaluate(name, part, depth + 1))
                continue
            text, start = part
            at = 0
            for verb in _FORMAT.finditer(text):
                parts.append([SpannedString.literal(text[at : verb.start()], start + at, name)])
                which = int(verb[1]) if verb[1] else index
                index = which + 1
                known = which < len(arguments)
                parts.append(self.evaluate(name, arguments[which] if known else None, depth + 1))
                at = verb.end()
            parts.append([SpannedString.literal(text[at:], start + at, name)])
        return concatenate(parts)

    def layer(self, name: str, block: hcl.Block, depth: int) -> list[SpannedString]:
        """A data source that names a layer and a version: together they are a pin."""
        if "version" not in block.attributes:
            return [SpannedString.unknown(f"data.aws_lambda_layer_version.{block.labels[1]}")]
        whole = [
            one
            if one.spans and one.spans[0].text.startswith("arn:")
            else SpannedString((*_UNPLACED, *one.spans), one.assumed)
            for one in self.evaluate(name, block.attributes.get("layer_name"), depth + 1)
        ]
        versions = self.evaluate(name, block.attributes["version"], depth + 1)
        return concatenate([whole, [SpannedString.literal(":", None)], versions])
