"""serverless.yml: which function gets which layer version, with the framework's variables as far as the file decides.

Variables: Serverless Framework documentation, "Variables" (`${self:…}`, `${opt:…, 'default'}`, `${sls:stage}`,
`${param:…}`, and `${file(…)}` of YAML and JSON; `${env:…}`, `${cf:…}` and `${ssm:…}` are left open unless they have a
fallback).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.documents import read_document
from layerctl.templates.expressions import Expressions
from layerctl.templates.model import Fault
from layerctl.templates.spans import SpannedString, filled, part_of
from layerctl.templates.yaml import children, get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.source import Source
    from layerctl.templates.spans import Span

__all__ = ["ServiceExpressions", "is_serverless", "is_service", "open_pseudo"]

Node = yaml.Node

# ${AWS::Region}, and #{AWS::Region} of the pseudo-parameters plugin: CloudFormation's, not the framework's.
_PSEUDO = re.compile(r"[$#]\{(AWS::\w+)\}")
_MAX_NESTING = 12
_FILE = re.compile(r"file\((?P<file>[^()]*)\)(?::(?P<inner>[\w.-]+))?")
_WHOLE = re.compile(rf"\$\{{(?:self:(?P<path>[\w.-]+)|{_FILE.pattern})\}}")


def is_service(root: Node) -> bool:
    """Whether the document is a Serverless Framework service."""
    keys = {key for key, _ in pairs(root)}
    return "provider" in keys and bool({"service", "functions"} & keys)


def is_serverless(root: Node) -> bool:
    """Whether the document is a service, or a file of functions that a service includes."""
    keys = dict(pairs(root))
    if is_service(root):
        return True
    return any(get(value, "handler") is not None and get(value, "layers") is not None for value in keys.values()) or (
        "functions" in keys and any(get(value, "handler") for _, value in pairs(keys["functions"]))
    )


class ServiceExpressions(Expressions):
    """Evaluates the values of one service: the framework's variables besides CloudFormation's functions.

    Args:
        text, root: what was parsed.
        path: the file, to find the files that it names.

    Attributes:
        files: the file of each node that does not stand in the service's own, by the node's identity.
        unread: files of functions that were not read, with the node that names them.
    """

    def __init__(self, text: str, root: Node, path: Path) -> None:
        super().__init__(text, get(root, "resources") or root)
        self._root = root
        self._path = path
        self._included: dict[Path, Node | None] = {}
        self.files: dict[int, tuple[Path, Source]] = {}
        self.unread: list[tuple[Node, str]] = []

    def function_nodes(self) -> Iterator[tuple[yaml.ScalarNode, Node]]:
        """The functions, their keys with what is below them, those of files that the service names included.

        A file of functions that a service includes has them at its top.
        """
        section = self.behind(get(self._root, "functions"))
        if section is None and isinstance(self._root, yaml.MappingNode):
            found = ((key, self.behind(value)) for key, value in self._root.value)
            yield from ((key, node) for key, node in found if node is not None and get(node, "handler") is not None)
        for part in section.value if isinstance(section, yaml.SequenceNode) else [section]:
            functions = self.behind(part)
            if isinstance(functions, yaml.MappingNode):
                for key, value in functions.value:
                    node = self.behind(value)
                    if isinstance(node, yaml.MappingNode) and isinstance(key, yaml.ScalarNode):
                        yield key, node
                    elif isinstance(node, yaml.ScalarNode) and "${" in node.value:
                        self.unread.append((node, str(node.value)))
            elif isinstance(functions, yaml.ScalarNode) and functions.value:
                self.unread.append((functions, str(functions.value)))

    def behind(self, node: Node | None) -> Node | None:
        """The node that a whole-value ``${self:…}`` or ``${file(…)}`` stands for, or the node itself."""
        return self.followed(node)[0]

    def followed(self, node: Node | None) -> tuple[Node | None, str]:
        """The same, and the name that the file has for it; empty where it stands there itself."""
        name = ""
        for _ in range(_MAX_NESTING):
            match = _WHOLE.fullmatch((scalar(node) or "").strip())
            if match is None:
                break
            start = self.included(match["file"]) if match["file"] else self._root
            path = match["inner"] if match["file"] else match["path"]
            found = get(start, *path.split(".")) if start is not None and path else start
            if found is None:
                break
            node = found
            name = match["path"].rpartition(".")[2] if match["path"] else name
        return node, name

    def included(self, name: str) -> Node | None:
        """The content of a file that the service names; None where it is not there, or is a program."""
        path = self._path.parent / name.strip()
        if path not in self._included:
            self._included[path] = None
            document = read_document(path) if path.suffix in {".yml", ".yaml", ".json"} else None
            if document is not None and not isinstance(document, Fault) and document[1].documents:
                source, tree = document
                self._included[path] = tree.documents[0]
                pending = [tree.documents[0]]
                while pending:
                    node = pending.pop()
                    if id(node) not in self.files:
                        self.files[id(node)] = path, source
                        pending += children(node)
        return self._included[path]

    def home_of(self, node: Node) -> tuple[str, str]:
        """The text that a node was parsed from, and the name of its file where that is not the service's."""
        held = self.files.get(id(node))
        return super().home_of(node) if held is None else (held[1].text, held[0].as_posix())

    def plain(self, node: yaml.ScalarNode, depth: int) -> list[SpannedString]:
        """A scalar with the framework's variables filled in."""
        return [done for value in super().plain(node, depth) for done in self._fill(value, depth)]

    def _fill(self, value: SpannedString, depth: int) -> list[SpannedString]:
        def meaning(span: Span, start: int, end: int) -> list[SpannedString]:
            if span.text.startswith("AWS::", start + 2):
                return [part_of(span, start, end)]
            return self._variable(span, start + 2, end - 1, depth + 1)

        return filled(value, _variables, meaning)

    def _variable(self, span: Span, start: int, end: int, depth: int) -> list[SpannedString]:
        """The value of ``${start...end}``: the first of its comma-separated sources that is known."""
        first: str | None = None
        for begin, stop in _split(span.text, start, end):
            source = span.text[begin:stop]
            stripped = source.strip()
            first = first or stripped
            if depth > _MAX_NESTING:
                break
            begin += len(source) - len(source.lstrip())  # noqa: PLW2901 (the blank before a fallback is not its value)
            inner = part_of(span, begin, begin + len(stripped))
            values = self._source(stripped, inner, depth)
            if values:
                return values
        return [SpannedString.unknown(first or "...")]

    def _source(self, source: str, inner: SpannedString, depth: int) -> list[SpannedString]:
        if source[:1] in {"'", '"'} and source[-1:] == source[:1] and len(source) > 1:
            return [part_of(inner.spans[0], 1, len(source) - 1)]
        if source.startswith("${"):
            values = self._fill(inner, depth)
            return [value for value in values if value.text is not None]
        included = _FILE.fullmatch(source)
        if included is not None:
            node = self.included(included["file"])
            found = get(node, *included["inner"].split(".")) if included["inner"] else node
            return self.evaluate(found, depth + 1) if found is not None else []
        kind, _, address = source.partition(":")
        if kind == "self":
            return self._address(address, depth)
        if kind == "sls" and address == "stage":
            return self._address("provider.stage", depth) or [SpannedString.literal("dev", None)]
        if kind == "aws" and address == "region":
            return self._address("provider.region", depth) or [SpannedString.unknown("AWS::Region")]
        if kind == "param":
            # version 4 has them below `stages`
            paths = [f"params.{stage}" for stage, _ in pairs(get(self._root, "params"))]
            paths += [f"stages.{stage}.params" for stage, _ in pairs(get(self._root, "stages"))]
            return [value for path in paths for value in self._address(f"{path}.{address}", depth)]
        if source.isdecimal():
            return [inner]
        return []

    def _address(self, address: str, depth: int) -> list[SpannedString]:
        """What stands at a dotted path; where a part of the path is open, everything that it could be."""
        nodes = [self._root]
        # A part of the path that a variable decides (the stage, mostly) may be any: ${self:custom.arns.${sls:stage}}
        names = re.sub(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", "\0", address)
        for name in names.split("."):
            nodes = [child for node in nodes for child in _step(node, name)]
        last = next((name for name in reversed(names.split(".")) if "\0" not in name), "")
        return [value.through(last) for node in nodes for value in self.evaluate(node, depth + 1) if value.spans]


def _step(node: Node, name: str) -> list[Node]:
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(name) : int(name) + 1] if name.isdecimal() else []
    return [value for key, value in pairs(node) if key == name or "\0" in name]


def _variables(text: str) -> Iterator[tuple[int, int]]:
    """The outermost ``${...}``, as offsets of the dollar sign and of what follows the closing brace."""
    at = text.find("${")
    while at >= 0:
        depth = 0
        for index in range(at + 1, len(text)):
            if text[index] == "{":
                depth += 1
            elif text[index] == "}":
                depth -= 1
                if depth == 0:
                    yield at, index + 1
                    at = index
                    break
        else:
            return
        at = text.find("${", at)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split at commas that are in no braces, parentheses or quotes."""
    depth = 0
    quote = ""
    begin = start
    for index in range(start, end):
        character = text[index]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "{(":
            depth += 1
        elif character in "})":
            depth -= 1
        elif character == "," and depth == 0:
            yield begin, index
            begin = index + 1
    yield begin, end


def open_pseudo(value: SpannedString) -> SpannedString:
    """Turn CloudFormation's pseudo parameters into holes."""

    def found(text: str) -> Iterator[tuple[int, int]]:
        return (match.span() for match in _PSEUDO.finditer(text))

    return filled(value, found, lambda span, start, end: [SpannedString.unknown(span.text[start + 2 : end - 1])])[0]
