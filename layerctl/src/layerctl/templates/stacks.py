"""Reads SAM and CloudFormation templates: functions, what leads to them, and the stacks that are nested in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.documents import read_document
from layerctl.templates.globals import UNSUPPORTED, merged_properties
from layerctl.templates.loops import expand_loops
from layerctl.templates.model import Fault, Resource
from layerctl.templates.resources import FUNCTIONS, NESTED, is_template
from layerctl.templates.spans import SpannedString
from layerctl.templates.stack_functions import StackFunctions
from layerctl.templates.stand_ins import StandIns, pseudo_parameters
from layerctl.templates.yaml import get, pairs, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layerctl.templates.model import LayerResource, Template
    from layerctl.templates.source import Source
    from layerctl.templates.yaml import Tree

__all__ = ["StackReader"]

# What leads to functions.
_OTHERS = frozenset({"AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Lambda::Url", "AWS::Lambda::Alias"})
# The APIs that SAM adds by itself for events that name none.
_IMPLICIT = {"ServerlessHttpApi": "AWS::Serverless::HttpApi", "ServerlessRestApi": "AWS::Serverless::Api"}
_MAX_STACKS = 6
# Templates that nest each other are as many as there are ways through them.
_MAX_NESTED = 1_000


@dataclass(slots=True)
class _Files:
    """The files of one template and all that is nested in it: each is parsed once."""

    left: int = _MAX_NESTED
    read: dict[Path, tuple[Source, Tree] | Fault] = field(default_factory=dict)

    def document(self, path: Path) -> tuple[Source, Tree] | Fault:
        if path not in self.read:
            self.read[path] = read_document(path)
        return self.read[path]


class StackReader(StackFunctions):
    """Reads one template.

    Args:
        path: the template; local paths in it are found from its folder.
        source, root: what was parsed.
        given: parameters that somebody sets.
        region: what `AWS::Region` stands for; None leaves it open.
        stand_ins: whether what only a deployment knows is stood in for.
        parent: the reader of the template that this one is nested in.

    Attributes:
        cut_short: the nested stacks that were not followed because there are too many, or too deep ones.
    """

    def __init__(
        self,
        path: Path,
        source: Source,
        root: yaml.Node,
        *,
        given: Mapping[str, list[SpannedString]],
        region: str | None = None,
        stand_ins: bool = False,
        parent: StackReader | None = None,
    ) -> None:
        pseudo = pseudo_parameters(region, stand_in=stand_ins)
        fixed = {name: [SpannedString.literal(value, None)] for name, value in pseudo.items()}
        super().__init__(path, source, root, {**fixed, **given}, region)
        self._parent = parent
        self._files: _Files = parent._files if parent is not None else _Files()
        self._around: tuple[Path, ...] = (*(parent._around if parent is not None else ()), path)
        self._nested: dict[str, StackReader | Fault | None] = {}
        self.cut_short: set[str] = set()
        self.open_loops: list[tuple[yaml.Node, str]] = []
        if "Fn::ForEach" in source.text:
            self.root, self.open_loops = expand_loops(self)
            self._conditions = dict(pairs(get(self.root, "Conditions")))
            self.resources = dict(pairs(get(self.root, "Resources")))
        if stand_ins:
            self.stand_in = StandIns(self.resources, self._parameters, self.one_text, region)
            self.forget()

    def read(self, template: Template, prefix: str = "") -> None:
        """Add what the template says to `template`; `prefix` goes before its logical ids."""
        section = get(self.root, "Resources")
        if not isinstance(section, yaml.MappingNode):
            where = self.place(section if section is not None else self.root)
            template.problems.append(Fault(where, "Resources is missing or no mapping", "mend the template"))
            return
        for key, _ in pairs(get(self.root, "Globals", "Function")):
            if key in UNSUPPORTED:
                where = self.place(get(self.root, "Globals", "Function", key) or self.root)
                template.problems.append(Fault(where, f"Globals cannot have {key}", "move it to the functions"))
        for node, why in self.open_loops:
            template.unread.append(Fault(self.place(node), f"{why}: what it makes is not known", "give --parameter"))
        template.layers |= {prefix + name: layer for name, layer in self.layers.items()}
        template.parameters |= frozenset() if prefix else frozenset(self._parameters)
        for name, kind in _IMPLICIT.items():
            shared = get(self.root, "Globals", kind.rpartition("::")[2])
            place = self.place(shared if shared is not None else section)
            template.resources[prefix + name] = Resource(name, kind, place, self.properties(shared))
        keys = {key.value: key for key, _ in section.value}
        for name, resource in self.resources.items():
            kind = scalar(get(resource, "Type")) or ""
            if kind in FUNCTIONS:
                declared = self.declare(name, resource, kind)
                template.functions += self.functions(prefix + name, keys.get(name, resource), declared)
            elif kind in _OTHERS and self.there(resource) is not False:
                properties = self.properties(merged_properties(self.root, kind, resource))
                template.resources[prefix + name] = Resource(name, kind, self.place(resource), properties)
            elif kind in NESTED and self.there(resource) is not False:
                nested = self.nested(name)
                if isinstance(nested, StackReader):
                    template.nested.add(nested.path)
                    nested.read(template, f"{prefix}{name}/")
                elif nested is not None:
                    template.unread.append(nested)

    def known_layer(self, logical_id: str) -> LayerResource | None:
        """The layer of that name, which the template creates, or one around it."""
        found = super().known_layer(logical_id)
        return found if found is not None or self._parent is None else self._parent.known_layer(logical_id)

    # --- nested stacks ------------------------------------------------------------------------------------

    def nested(self, name: str) -> StackReader | Fault | None:
        """The reader of a nested stack's template, or why it is not read; None while it is being read."""
        if name not in self._nested:
            self._nested[name] = None  # what asks for its outputs meanwhile gets nothing
            self._nested[name] = self._read_nested(name, self.resources[name])
        return self._nested[name]

    def nested_location(self, resource: yaml.Node) -> tuple[yaml.Node, Path | None]:
        """Where a nested stack says which template it has, and that file, if it is on this machine."""
        node = get(resource, "Properties", NESTED[scalar(get(resource, "Type")) or ""])
        path = self.local_path(self.asset(resource) or (self.one(node) if scalar(node) is not None else None))
        return resource if node is None else node, path if path is not None and path.is_file() else None

    def _read_nested(self, name: str, resource: yaml.Node) -> StackReader | Fault:
        node, path = self.nested_location(resource)
        place = self.place(node)
        hint = "check that template by itself"
        if path is None:
            return Fault(place, f"the template of {name} is not on this machine, and was not read", hint)
        if path in self._around:
            return Fault(place, f"the template of {name} leads back to itself, and was not read", hint)
        if len(self._around) > _MAX_STACKS or self._files.left == 0:
            self.cut_short.add(name)
            limits = f"{_MAX_STACKS} levels and {_MAX_NESTED:,} templates"
            return Fault(place, f"the template of {name} was not read: {limits} are followed", hint)
        self._files.left -= 1
        document = self._files.document(path)
        if isinstance(document, Fault):
            return document
        source, tree = document
        root = next((root for root in tree.documents if is_template(root)), None)
        if root is None:
            return Fault(place, f"the template of {name} is none of SAM or CloudFormation: it was not read", hint)
        given = {
            key: self._from_here(self.evaluate(node)) for key, node in pairs(get(resource, "Properties", "Parameters"))
        }
        return StackReader(
            path,
            source,
            root,
            given=given,
            region=self.region,
            stand_ins=self.stand_in is not None,
            parent=self,
        )

    def _from_here(self, values: list[SpannedString]) -> list[SpannedString]:
        """Values for another template: their characters stand in this one."""
        here = self.path.as_posix()
        return [value.standing_in(here) for value in values]

    def ask(self, function: str, what: str) -> list[SpannedString]:
        """What only a deployment knows, and an output of a nested stack that is on this machine."""
        name, _, output = what.partition(".Outputs.")
        if output and scalar(get(self.resources.get(name), "Type")) in NESTED:
            nested = self.nested(name)
            node = get(nested.root, "Outputs", output, "Value") if isinstance(nested, StackReader) else None
            if isinstance(nested, StackReader) and node is not None:
                found = nested._from_here(nested.evaluate(node))
                # what is open altogether has the name that it has here, where the other's would mean something else
                return [SpannedString.unknown(what, value.why) if value.is_hole else value for value in found]
        return super().ask(function, what)
