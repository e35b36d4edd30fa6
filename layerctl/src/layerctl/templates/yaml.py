"""YAML and JSON as nodes with positions, safely: no tag is constructed, no alias is expanded.

PyYAML's binding of libyaml, because it keeps marks and is 13 times as fast as a parser in Python; JSON is a subset
of what it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.spans import Span, SpannedString

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NodeError", "SpannedScalar", "Tree", "children", "get", "pairs", "scalar", "spanned_scalar"]

Node = yaml.Node


class SpannedScalar(yaml.ScalarNode):
    """A scalar in the place of another node, whose text is made of parts that stand elsewhere."""

    def __init__(self, node: Node, spanned: SpannedString, *, tag: str) -> None:
        super().__init__(tag, spanned.shown, node.start_mark, node.end_mark, style="'")
        self.spanned = spanned


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes and nothing else: implicit types are not resolved, which is a third of the time."""

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool] | bool) -> str:
        return ""

    def descend_resolver(self, current: Node | None, index: Node | int | None) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


# libyaml's binding composes by recursion in C and would overrun the stack at some ten thousand levels.
MAX_DEPTH = 200
# How many nodes a document may have once its aliases are expanded. The largest template that CloudFormation takes
# (1 MB) has some 50,000.
MAX_EXPANDED = 1_000_000

# JSON writes what is beyond the basic plane as two halves, which YAML does not allow. Nothing that matters here is
# written so; what stands in for it is as long.
_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?=\\u[dD])|(?<=[0-9a-fA-F]{4})\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_OPENERS = re.compile(r"[\[\]{}]")
_DEEP_PREFIX = re.compile(rf"^[ ?-]{{{MAX_DEPTH},}}", re.MULTILINE)


class NodeError(Exception):
    """A document that cannot be read; `offset` is where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(slots=True)
class Tree:
    """One parsed file.

    Attributes:
        text: the text that was parsed.
        documents: the root node of each document.
        faults: duplicate keys, as (message, offset).
        tags: every tag that is not YAML's own, with the offset of its first use.
    """

    text: str
    documents: list[Node]
    faults: list[tuple[str, int]]
    tags: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> Tree:
        """Parse YAML or JSON.

        Raises:
            NodeError: syntax, an undefined alias, too deep, or too large once aliases are expanded.
        """
        _guard_depth(text)
        if "\\ud" in text or "\\uD" in text:
            text = _SURROGATE.sub(r"\\u003f", text)
        documents = []
        try:
            loader = _Loader(text)
            try:
                while loader.check_node():
                    documents.append(loader.get_node())
            finally:
                loader.dispose()
        except yaml.reader.ReaderError as error:
            at = text.find(chr(error.character)) if isinstance(error.character, int) else 0
            raise NodeError(f"not YAML: {error.reason}", max(at, 0)) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise NodeError(
                f"not YAML: {error.problem or error.context}", min(mark.index, len(text)) if mark else 0
            ) from None
        except yaml.YAMLError as error:
            raise NodeError(f"not YAML: {str(error).splitlines()[0]}", 0) from None
        tree = cls(text, documents, [], {})
        aliases = "*" in text and "&" in text
        for document in documents:
            if aliases:
                _refuse_bomb(document)
            tree._survey(document, aliases=aliases)
        return tree

    def _survey(self, root: Node, *, aliases: bool) -> None:
        """Visit each node once, without recursion, for duplicate keys and tags; aliased nodes once as well."""
        scalars, mappings = yaml.ScalarNode, yaml.MappingNode
        seen: set[int] = set()
        pending: list[Node] = [root]
        for node in pending:  # which grows meanwhile
            if node.tag:
                self._note_tag(node)
            kind = type(node)
            if kind is scalars:
                continue
            if aliases:
                if id(node) in seen:
                    continue
                seen.add(id(node))
            if kind is not mappings:
                pending += [item for item in node.value if item.tag or type(item) is not scalars]
                continue
            names: set[str] = set()
            for name, value in node.value:
                # most nodes are plain scalars: they are never pending
                if type(value) is not scalars or value.tag:
                    pending.append(value)
                if type(name) is scalars:
                    names.add(name.value)
                    if name.tag:
                        self._note_tag(name)
                else:
                    pending.append(name)
            if len(names) < len(node.value) and isinstance(node, yaml.MappingNode):
                self.faults += _duplicates(node)
        self.faults.sort(key=lambda fault: fault[1])

    def _note_tag(self, node: Node) -> None:
        at = node.start_mark.index
        if node.tag[0] == "!" and at <= self.tags.get(node.tag, at):
            self.tags[node.tag] = at


def _duplicates(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    """The keys that a mapping has twice, with their offsets. A merge key may stand there more than once."""
    seen: set[str] = set()
    for name, _ in node.value:
        if isinstance(name, yaml.ScalarNode):
            if name.value in seen and name.value != "<<":
                yield f"duplicate key {name.value!r}", name.start_mark.index
            seen.add(name.value)


def _refuse_bomb(root: Node) -> None:
    """Work out how large a document is with its aliases expanded, visiting each node once."""
    sizes: dict[int, int] = {}
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            size = 1 + sum(sizes.get(id(child), 1) for child in children(node))
            if size > MAX_EXPANDED:
                raise NodeError("a YAML bomb: its aliases expand to more than a million nodes", node.start_mark.index)
            sizes[id(node)] = size
        elif not isinstance(node, yaml.ScalarNode) and id(node) not in sizes:
            sizes[id(node)] = 1  # while inside: an alias to an enclosing node (a cycle) counts once
            stack.append((node, True))
            stack += [(child, False) for child in children(node)]


def _guard_depth(text: str) -> None:
    """Refuse what is nested too deep, before the composer recurses into it."""
    suspicious = text.count("[") + text.count("{") > MAX_DEPTH
    if suspicious:
        steps = [1 if bracket in "[{" else -1 for bracket in _OPENERS.findall(text)]
        suspicious = max(accumulate(steps)) > MAX_DEPTH
    if not suspicious and _DEEP_PREFIX.search(text) is None:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH and event.start_mark is not None:
                    raise NodeError(f"nested deeper than {MAX_DEPTH} levels", event.start_mark.index)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        pass  # the composer says it better


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, keys included."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield name
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def pairs(node: Node | None, visited: set[int] | None = None) -> Iterator[tuple[str, Node]]:
    """A mapping's keys and values, merge keys (``<<``) included after its own; nothing for other nodes.

    Of a key that is there twice, the last value counts, as for CloudFormation and the SAM CLI.

    Args:
        node: the mapping.
        visited: the mappings that have been merged already: once more they bring nothing, and a circle ends.
    """
    if not isinstance(node, yaml.MappingNode):
        return
    own: dict[str, Node] = {}
    merged: list[Node] = []
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            continue
        if name.value == "<<" and not name.style:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        else:
            own[name.value] = value
    yield from own.items()
    seen = set(own)
    visited = {id(node)} if visited is None else visited
    for other in merged:
        if id(other) in visited:
            continue
        visited.add(id(other))
        for key, value in pairs(other, visited):
            if key not in seen:
                seen.add(key)
                yield key, value


def get(node: Node | None, *path: str) -> Node | None:
    """The node under a path of keys, or None."""
    for part in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        for name, value in reversed(node.value):
            if name.value == part and isinstance(name, yaml.ScalarNode):
                node = value
                break
        else:
            node = next((value for key, value in pairs(node) if key == part), None)  # a merge may bring it
    return node


def scalar(node: Node | None) -> str | None:
    """A plain, untagged scalar's text, or None."""
    if isinstance(node, yaml.ScalarNode) and not node.tag.startswith("!"):
        return str(node.value)
    return None


def spanned_scalar(text: str, node: yaml.ScalarNode) -> SpannedString:
    """A scalar's value with the place of each character, through quotes, folding and continued lines."""
    value: str = node.value
    begin, end = node.start_mark.index, node.end_mark.index
    raw = text[begin:end]
    if node.style not in {"|", ">"}:
        at = raw.rfind(value)
        if at >= 0:
            return SpannedString.literal(value, begin + at)
    properties = _PROPERTIES.match(raw)
    at = properties.end() if properties else 0
    if node.style in {"|", ">"}:
        at = raw.find("\n", at) + 1
    elif node.style in {"'", '"'}:
        at += 1
    return SpannedString(tuple(_align(value, text, begin + at, end)))


_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)*")
_ESCAPE = re.compile(r"\\(?:\r?\n|x..|u....|U........|.)", re.DOTALL)


def _align(value: str, text: str, at: int, end: int) -> list[Span]:
    r"""Find the value's characters in ``text[at:end]`` in order, skipping indentation, escapes and continuations.

    What does not stand there as such (an escape like ``\x3a``, a folded line end) becomes a span without a place.
    """
    runs: list[tuple[list[str], int | None]] = []

    def put(character: str, where: int | None) -> None:
        if runs:
            characters, start = runs[-1]
            if where == (None if start is None else start + len(characters)):
                characters.append(character)
                return
        runs.append(([character], where))

    for character in value:
        while True:
            here = text[at] if at < end else ""
            if here == character:
                put(character, at)
                at += 1
                break
            escape = _ESCAPE.match(text, at, end) if here == "\\" else None
            if escape is not None and escape[0][-1] == "\n":
                at = escape.end()
            elif escape is not None and escape[0][1] == character:
                at += 1
            elif escape is not None:
                put(character, None)
                at = escape.end()
                break
            elif here == "'" or (here and here in " \t\r\n" and character not in " \n"):
                at += 1
            else:  # a folded line end
                put(character, None)
                at += 1 if here else 0
                break
    return [Span("".join(characters), start) for characters, start in runs]
