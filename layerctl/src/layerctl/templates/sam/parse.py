"""A template's text as plain data: dicts, lists, strings; CloudFormation's short tags in their long form.

Templates are other people's data: no tag constructs anything but the intrinsic that it stands for, and `yaml_nodes`
limits how deep they are and how often aliases repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from layerctl.core.errors import LayerctlError
from layerctl.templates.yaml import NodeError, Tree, pairs

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Mapping", "line_of", "parse"]

MAX_BYTES = 5_000_000  # CloudFormation takes 1 MB from S3
MAX_DEPTH = 200  # an alias that contains itself has no end

# Short forms whose long form has no `Fn::` (CloudFormation user guide, "Intrinsic function reference").
_WITHOUT_PREFIX = {"Ref", "Condition"}


class Mapping(dict[str, Any]):
    """A mapping that knows on which line (1-based) each of its keys stands."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__(values or {})
        self.lines: dict[str, int] = {}


def line_of(mapping: object, key: str) -> int:
    """The line on which a key of a template's mapping stands; 1 where that is not known."""
    return mapping.lines.get(key, 1) if isinstance(mapping, Mapping) else 1


def parse(path: Path) -> Mapping:
    """Read a template in YAML or JSON.

    Raises:
        LayerctlError: it is missing, too large, broken, or no mapping; names the line where there is one.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LayerctlError(f"{path} has {size:,} bytes", hint="CloudFormation itself takes 1 MB")
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise LayerctlError(f"{path} does not exist", hint="name a SAM template") from None
    except IsADirectoryError:
        raise LayerctlError(f"{path} is a folder", hint="name the template in it") from None
    except UnicodeDecodeError:
        raise LayerctlError(f"{path} is not text in UTF-8", hint="name a SAM template") from None
    except OSError as error:
        raise LayerctlError(f"{path} cannot be read: {error.strerror}") from None
    try:
        tree = Tree.parse(text)
    except NodeError as error:
        raise _error(path, text, error.offset, str(error)) from None
    if tree.faults:
        what, offset = tree.faults[0]
        raise _error(path, text, offset, what)
    data = _Reader(path).value(tree.documents[0], 0) if tree.documents else None
    if not isinstance(data, Mapping):
        raise LayerctlError(f"{path} is not a template: no mapping at its top", hint="name a SAM template")
    return data


def _error(path: Path, text: str, offset: int, what: str) -> LayerctlError:
    line = text.count("\n", 0, offset) + 1
    return LayerctlError(f"{path}:{line}: {' '.join(what.split())}")


class _Reader:
    """Turns nodes into data."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def value(self, node: yaml.Node, depth: int) -> Any:
        """The data of a node, `depth` levels below the top."""
        if depth > MAX_DEPTH:
            line = node.start_mark.line + 1
            raise LayerctlError(f"{self._path}:{line}: more than {MAX_DEPTH} levels, or an alias that contains itself")
        if node.tag.startswith("!"):
            return self._intrinsic(node, depth)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, depth)
            case yaml.SequenceNode():
                return [self.value(item, depth + 1) for item in node.value]
            case yaml.ScalarNode():
                return _scalar(node)
            case _:  # PyYAML has no other nodes
                raise AssertionError(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> Mapping:
        result = Mapping()
        for key, value in pairs(node):
            result[key] = self.value(value, depth + 1)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                result.lines[key.value] = key.start_mark.line + 1
        return result

    def _intrinsic(self, node: yaml.Node, depth: int) -> Mapping:
        name = node.tag[1:]
        match node:
            case yaml.MappingNode():
                argument: Any = self._mapping(node, depth + 1)
            case yaml.SequenceNode():
                argument = [self.value(item, depth + 1) for item in node.value]
            case _:
                argument = node.value
        if name == "GetAtt" and isinstance(argument, str):
            argument = argument.split(".", 1)
        return Mapping({name if name in _WITHOUT_PREFIX else f"Fn::{name}": argument})


def _scalar(node: yaml.ScalarNode) -> Any:
    """Text, true/false or null. Numbers stay as they are written: CloudFormation hands them on as text."""
    text = str(node.value)
    if node.style or node.tag.startswith("tag:"):  # quoted, or of a type that is named
        return text
    match text.lower():
        case "" | "~" | "null":
            return None
        case "true" | "yes" | "on":
            return True
        case "false" | "no" | "off":
            return False
        case _:
            return text
