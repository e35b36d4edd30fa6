"""The values of a SAM or CloudFormation template, each with its place in the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.expressions import Expressions
from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.model import Place, Value
from layerctl.templates.yaml import get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layerctl.templates.model import Data
    from layerctl.templates.source import Source
    from layerctl.templates.spans import SpannedString

__all__ = ["StackValues"]

# Read into fields of their own, or nobody's business here.
_APART = frozenset({"Layers", "Environment", "Events", "Code", "CodeUri", "InlineCode", "Policies", "DefinitionBody"})
_MAX_DEPTH = 100
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+://")


class StackValues(Expressions):
    """Gives the values of one template.

    Args:
        path: the template; local paths in it are found from its folder.
        source, root: what was parsed.
        given: parameters that somebody sets.
    """

    def __init__(self, path: Path, source: Source, root: yaml.Node, given: Mapping[str, list[SpannedString]]) -> None:
        super().__init__(source.text, root, given)
        self.path = path
        self.source = source

    def place(self, node: yaml.Node) -> Place:
        """Where a node stands."""
        return Place(self.path.as_posix(), *self.source.place(node.start_mark.index))

    def value(self, node: yaml.Node) -> Value:
        """A node's value as text."""
        found = self.one_value(node)
        if found is None:
            return Value(None, self.place(node), "conditions or regions decide between several values")
        return self._as_value(node, found)

    def data(self, node: yaml.Node | None, depth: int = 0) -> Data | None:
        """A node with everything below it; None for `AWS::NoValue`, and for nothing."""
        node = self.choose(node)
        if node is None:
            return None
        if depth > _MAX_DEPTH:
            return Value(None, self.place(node), "it is nested too deep, or an alias contains itself")
        call = intrinsic(node)
        if call is not None or node.tag.startswith("!"):
            listed = self.items(node) if call is not None and call[0] in {"Split", "GetAZs", "FindInMap", "Ref"} else []
            if len(listed) > 1 and call is not None and (call[0] != "Ref" or self._is_list(call[1])):
                return [self._as_value(node, values[0]) for _, values in listed]
            return self.value(node)
        if isinstance(node, yaml.MappingNode):
            entries = ((key, self.data(item, depth + 1)) for key, item in pairs(node))
            return {key: item for key, item in entries if item is not None}
        if isinstance(node, yaml.SequenceNode):
            items = (self.data(item, depth + 1) for item in node.value)
            return [item for item in items if item is not None]
        return self.value(node)

    def _as_value(self, node: yaml.Node, value: SpannedString) -> Value:
        return Value(value.text, self.place(node), value.why, value.guesses)

    def _is_list(self, name: yaml.Node) -> bool:
        kind = scalar(get(self._parameters.get(str(name.value)), "Type")) or ""
        return "List" in kind

    def properties(self, node: yaml.Node | None) -> dict[str, Data]:
        """A mapping's values by their keys, but for those that have fields of their own."""
        return {key: data for key, item in pairs(node) if key not in _APART and (data := self.data(item)) is not None}

    def one(self, node: yaml.Node | None) -> str | None:
        """The text of the branch that conditions choose, where it has one value."""
        return self.one_text(self.choose(node))

    def flag(self, node: yaml.Node | None) -> bool:
        """Whether a property is true, however YAML or JSON writes that."""
        return (self.one(node) or "").lower() == "true"

    def local_path(self, text: str | None) -> Path | None:
        """A local path, from the template's folder."""
        return self.path.parent / text if text and not _REMOTE.match(text) else None

    def asset(self, resource: yaml.Node) -> str | None:
        """Where the CDK put what it bundled (its "Asset metadata"), relative to the template in cdk.out."""
        return self.one(get(resource, "Metadata", "aws:asset:path"))

    def there(self, resource: yaml.Node) -> bool | None:
        """Whether a resource's `Condition` holds; None where that is not decided."""
        condition = scalar(get(resource, "Condition"))
        return True if condition is None else self.condition(condition)
