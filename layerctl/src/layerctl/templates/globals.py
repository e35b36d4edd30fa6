"""SAM's `Globals` section: what a resource takes over from it, merged as SAM's translator merges.

SAM developer guide, "Globals section": lists are joined, those of Globals first, mappings are merged key by key, any
other value of the resource replaces that of Globals. An intrinsic function counts as one value, whatever it gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from layerctl.templates.intrinsics import intrinsic
from layerctl.templates.yaml import get, pairs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["UNSUPPORTED", "merged_properties", "merged_property"]

Node = yaml.Node

_PREFIX = "AWS::Serverless::"
# The properties of a function that Globals cannot have: SAM refuses a template that puts them there.
UNSUPPORTED = frozenset(
    {"AutoPublishCodeSha256", "Events", "FunctionName", "ImageConfig", "ImageUri", "InlineCode", "PackageType"}
    | {"Policies", "Role", "VersionDescription"}
)
# Of these the resource's own list replaces that of Globals.
_REPLACED = {"Function": frozenset({"Architectures"})}


def merged_properties(root: Node, kind: str, resource: Node, ignored: Collection[str] = ()) -> Node | None:
    """Return a resource's properties together with those of `Globals` that are meant for its type.

    Args:
        root: the template.
        kind: the resource's type.
        resource: the resource.
        ignored: its ``IgnoreGlobals``: names of properties, or ``*`` for all.
    """
    own = get(resource, "Properties")
    section = kind.removeprefix(_PREFIX)
    shared = get(root, "Globals", section) if section != kind else None
    if not isinstance(shared, yaml.MappingNode):
        return own
    kept = [(key, value) for key, value in _entries(shared) if _is_taken(section, key.value, ignored)]
    if not kept or not (own is None or isinstance(own, yaml.MappingNode)):
        return own
    kept_node = _mapping(shared, kept)
    return kept_node if own is None else _merge(kept_node, own, _REPLACED.get(section, frozenset()))


def merged_property(
    root: Node, kind: str, own: Mapping[str, Node], name: str, ignored: Collection[str] = ()
) -> Node | None:
    """Return one of the properties that `merged_properties` gives, without the work for all others.

    Args:
        root: the template.
        kind: the resource's type.
        own: the resource's own properties.
        name: the property.
        ignored: its ``IgnoreGlobals``.
    """
    section, mine = kind.removeprefix(_PREFIX), own.get(name)
    shared = get(root, "Globals", section, name) if section != kind and _is_taken(section, name, ignored) else None
    if shared is None or mine is None:
        return mine if shared is None else shared
    return mine if name in _REPLACED.get(section, ()) else _merge(shared, mine)


def _is_taken(section: str, name: str, ignored: Collection[str]) -> bool:
    """Whether resources take a property over from their section."""
    return "*" not in ignored and name not in ignored and not (section == "Function" and name in UNSUPPORTED)


def _merge(shared: Node, own: Node, replaced: Collection[str] = ()) -> Node:
    if intrinsic(shared) is not None or intrinsic(own) is not None:
        return own
    if isinstance(shared, yaml.SequenceNode) and isinstance(own, yaml.SequenceNode):
        return yaml.SequenceNode(own.tag, [*shared.value, *own.value], own.start_mark, own.end_mark)
    if isinstance(shared, yaml.MappingNode) and isinstance(own, yaml.MappingNode):
        mine = {key.value: (key, value) for key, value in _entries(own)}
        entries = []
        for key, value in _entries(shared):
            ours = mine.pop(key.value, None)
            if ours is None:
                entries.append((key, value))
            else:
                entries.append((ours[0], ours[1] if key.value in replaced else _merge(value, ours[1])))
        return _mapping(own, [*entries, *mine.values()])
    return own


def _entries(node: Node) -> list[tuple[yaml.ScalarNode, Node]]:
    """A mapping's keys and values, its merge keys (``<<``) written out."""
    keys = {key.value: key for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    return [
        (keys.get(name) or yaml.ScalarNode("", name, value.start_mark, value.end_mark), value)
        for name, value in pairs(node)
    ]


def _mapping(like: Node, entries: list[tuple[yaml.ScalarNode, Node]]) -> yaml.MappingNode:
    return yaml.MappingNode(like.tag, entries, like.start_mark, like.end_mark)
