"""A template's text as plain data: dicts, lists, strings; CloudFormation's short tags in their long form.

Templates are other people's data: no tag constructs anything but the intrinsic that it stands for, and how much is
read, how deep and how often repeated, is limited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from layerctl.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Mapping", "line_of", "parse"]

MAX_BYTES = 5_000_000  # CloudFormation takes 1 MB from S3
MAX_DEPTH = 100
MAX_NODES = 500_000  # with aliases expanded; the largest template that CloudFormation takes has some 50,000

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
            raise LayerctlError(f"{path} has {size:,} bytes", remedy="CloudFormation itself takes 1 MB")
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise LayerctlError(f"{path} does not exist", remedy="name a SAM template") from None
    except IsADirectoryError:
        raise LayerctlError(f"{path} is a folder", remedy="name the template in it") from None
    except UnicodeDecodeError:
        raise LayerctlError(f"{path} is not text in UTF-8", remedy="name a SAM template") from None
    except OSError as error:
        raise LayerctlError(f"{path} cannot be read: {error.strerror}") from None
    try:
        node = yaml.compose(text, _Loader)
        data = _Reader(path).value(node, 0) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise LayerctlError(f"{place}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise LayerctlError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(data, Mapping):
        raise LayerctlError(f"{path} is not a template: no mapping at its top", remedy="name a SAM template")
    return data


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes only; nothing is constructed by it."""


class _Reader:
    """Turns composed nodes into data. Aliases share their data, so a bomb of aliases costs nothing until expanded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        """The data of a node, `depth` levels below the top."""
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise self._error(node, f"more than {MAX_DEPTH} levels deep, or an alias that contains itself")
        if self._nodes > MAX_NODES:
            raise self._error(node, f"more than {MAX_NODES:,} values with its aliases expanded")
        if node.tag.startswith("!") and not node.tag.startswith("!!"):
            return self._intrinsic(node, depth)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, depth)
            case yaml.SequenceNode():
                return [self.value(item, depth + 1) for item in node.value]
            case _:
                return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> Mapping:
        result = Mapping()
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, "a key that is no text")
            if key_node.value in result:
                raise self._error(key_node, f"the key {key_node.value!r} is there twice")
            result[key_node.value] = self.value(value_node, depth + 1)
            result.lines[key_node.value] = key_node.start_mark.line + 1
        for merged_node in merged:
            other = self.value(merged_node, depth + 1)
            if isinstance(other, dict):
                for key, value in other.items():
                    result.setdefault(key, value)
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

    def _error(self, node: yaml.Node, what: str) -> LayerctlError:
        return LayerctlError(f"{self._path}:{node.start_mark.line + 1}: {what}")


def _scalar(node: yaml.Node) -> Any:
    """Text, true/false or null. Numbers stay as they are written: CloudFormation hands them on as text."""
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in ("true", "yes", "on", "y")
    return node.value
