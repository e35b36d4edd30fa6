"""What the expressions of a Terraform module can be, with the place of each character."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.templates.code import hcl
from layerctl.templates.code.evaluation import Evaluator
from layerctl.templates.code.syntax import Items, Path
from layerctl.templates.spans import Span, SpannedString, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path as FilePath

    from layerctl.templates.code.syntax import Expression
    from layerctl.templates.source import FileFault

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
_MAX_EVALUATIONS = 100_000


class Module(Evaluator):
    """A module: all files of a folder.

    Args:
        folder: where it lies, to find the modules that it calls.
        texts: its files by name.
        given: the variables that a calling module sets, as expressions of that module.
        depth: how many modules call each other above.
    """

    def __init__(
        self,
        folder: FilePath,
        texts: Iterable[tuple[str, str]],
        given: Mapping[str, tuple[Module, str, Expression]] | None = None,
        depth: int = 0,
    ) -> None:
        super().__init__(_MAX_EVALUATIONS)
        self.folder = folder
        self.given = given or {}
        self.depth = depth
        self.names: set[str] = set()
        self.unread: dict[str, FileFault] = {}
        self.variables: dict[str, list[tuple[str, Expression]]] = {}
        self.locals: dict[str, tuple[str, Expression]] = {}
        self.layers: dict[str, tuple[str, hcl.Block]] = {}
        self.blocks: list[tuple[str, hcl.Block]] = []
        for name, text in texts:
            self.names.add(name)
            root, unread = hcl.parse(text)
            if unread is not None:
                self.unread[name] = unread
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

    def path(self, name: str, steps: tuple[str | Expression, ...], at: int, depth: int) -> list[SpannedString]:
        """What a variable, a local value or a data source gives."""
        del at
        label = ".".join(step if isinstance(step, str) else "*" for step in steps)
        head, key = steps[0], steps[1] if len(steps) > 1 else None
        if head == "data" and isinstance(key, str):
            if key in _DATA_HOLES:
                return [SpannedString.unknown(_DATA_HOLES[key])]
            layer = self.layers.get(steps[2]) if len(steps) > 2 and isinstance(steps[2], str) else None
            if key == "aws_lambda_layer_version" and layer is not None:
                return self.layer(*layer, depth + 1)
        found: list[tuple[str, Expression]] = []
        if head == "var" and isinstance(key, str):
            found = self.variables.get(key, [])
        elif head == "local" and isinstance(key, str) and key in self.locals:
            found = [self.locals[key]]
        values: list[SpannedString] = []
        if head == "var" and isinstance(key, str) and key in self.given:
            caller, owner, expression = self.given[key]
            return [value.through(key) for value in caller.evaluate(owner, expression, depth + 1)]
        for owner, expression in found:
            values += [value.through(str(key)) for value in self.inside(name, owner, expression, steps[2:], depth + 1)]
        return values or [SpannedString.unknown(label)]

    def call(self, name: str, function: str, arguments: tuple[Expression, ...], depth: int) -> list[SpannedString]:
        """What Terraform's own functions give."""
        if function == "format" and arguments:
            return self.printed(name, arguments[0], arguments[1:], depth)
        if function == "join" and len(arguments) == 2 and isinstance(arguments[1], Items):
            return self.joined(name, arguments[0], arguments[1].items, depth)
        if function == "lookup" and len(arguments) >= 2:
            table = arguments[0]
            steps = (*table.steps, arguments[1]) if isinstance(table, Path) else ()
            values = (
                self.path(name, steps, table.at, depth + 1)
                if steps
                else self.inside(name, name, table, arguments[1:2], depth)
            )
            return values + [value for other in arguments[2:] for value in self.evaluate(name, other, depth + 1)]
        if function in {"replace", "lower", "upper"} and arguments:
            return self._changed(name, function, arguments, depth)
        if function in _PASSING:
            return [value for argument in arguments for value in self.evaluate(name, argument, depth + 1)]
        return [SpannedString.unknown(f"{function}()")]

    def _changed(self, name: str, function: str, arguments: tuple[Expression, ...], depth: int) -> list[SpannedString]:
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

    def layer(self, name: str, block: hcl.Block, depth: int) -> list[SpannedString]:
        """A data source that names a layer and a version: together they are a pin."""
        if "version" not in block.attributes:
            return [SpannedString.unknown(f"data.aws_lambda_layer_version.{block.labels[1]}")]
        whole = [
            layer_name
            if layer_name.spans and layer_name.spans[0].text.startswith("arn:")
            else SpannedString((*_UNPLACED, *layer_name.spans), layer_name.assumed)
            for layer_name in self.evaluate(name, block.attributes.get("layer_name"), depth + 1)
        ]
        versions = self.evaluate(name, block.attributes["version"], depth + 1)
        return concatenate([whole, [SpannedString.literal(":", None)], versions])
