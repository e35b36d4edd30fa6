"""samconfig.toml and samconfig.yaml: layer versions that a deployment's parameter overrides set.

Forms of `parameter_overrides` (SAM CLI documentation, "SAM CLI configuration file"): one string of ``Key=Value`` pairs
or of ``ParameterKey=...,ParameterValue=...`` pairs, a list of such strings, or a table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from layerctl.templates.cloudformation import uses_through_parameters
from layerctl.templates.spans import Span, SpannedString, part_of
from layerctl.templates.yaml import get, pairs, scalar, spanned_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.uses import Use

__all__ = ["toml_uses", "yaml_uses"]

Node = yaml.Node

_OVERRIDES = re.compile(r"^[ \t]*[\"']?parameter_overrides[\"']?[ \t]*=[ \t]*", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[[^\]\n]*parameter_overrides\][ \t]*$(?P<body>(?:\n(?![ \t]*\[).*)*)", re.MULTILINE)
_STRING = re.compile(
    r'"""(?P<a>.*?)"""|\'\'\'(?P<b>.*?)\'\'\'|"(?P<c>(?:\\.|[^"\\\n])*)"|\'(?P<d>[^\'\n]*)\'', re.DOTALL
)
_ASSIGNED = re.compile(
    r"ParameterKey=(?P<key>[^,\s\"'=]++),ParameterValue=(?:\\?[\"'](?P<quoted>[^\"']*?)\\?[\"']|(?P<plain>\S*))"
    r"|(?<!\w)(?P<key2>\w++)=(?:\\?[\"'](?P<quoted2>[^\"']*?)\\?[\"']|(?P<plain2>\S*))"
)
_ENTRY = re.compile(
    r"^[ \t]*(?P<key>\w+)[ \t]*=[ \t]*(?:\"(?P<a>[^\"\n]*)\"|'(?P<b>[^'\n]*)'|(?P<c>\d+))", re.MULTILINE
)
_TEMPLATE = re.compile(r"^[ \t]*template(?:_file)?[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_DEFAULT_TEMPLATES = ("template.yaml", "template.yml", "template.json")


def toml_uses(path: Path, text: str) -> list[Use]:
    """What the functions of the template beside a samconfig.toml get through its overrides."""
    sets: list[tuple[int, dict[str, list[SpannedString]]]] = []
    for match in _OVERRIDES.finditer(text):
        given: dict[str, list[SpannedString]] = {}
        for begin, end in _strings(text, match.end()):
            given |= _assignments(Span(text[begin:end], begin))
        sets.append((match.start(), given))
    for match in _TABLE.finditer(text):
        entries = {}
        for entry in _ENTRY.finditer(text, match.start("body"), match.end("body")):
            group = next(name for name in "abc" if entry[name] is not None)
            entries[entry["key"]] = [SpannedString.literal(entry[group], entry.start(group))]
        sets.append((match.start(), entries))
    return list(_uses(path, sets, _TEMPLATE.findall(text)))


def yaml_uses(path: Path, text: str, root: Node) -> list[Use]:
    """The same for a samconfig.yaml."""
    sets: list[tuple[int, dict[str, list[SpannedString]]]] = []
    templates: list[str] = []
    for _, environment in pairs(root):
        for _, command in pairs(environment):
            parameters = get(command, "parameters")
            templates += [
                name for key in ("template", "template_file") if (name := scalar(get(parameters, key))) is not None
            ]
            node = get(parameters, "parameter_overrides")
            if node is not None:
                sets.append((node.start_mark.index, dict(_yaml_overrides(text, node))))
    return list(_uses(path, sets, templates))


def _yaml_overrides(text: str, node: Node) -> Iterator[tuple[str, list[SpannedString]]]:
    if isinstance(node, yaml.ScalarNode):
        for span in spanned_scalar(text, node).spans:
            yield from _assignments(span).items()
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _yaml_overrides(text, item)
    for key, value in pairs(node):
        if isinstance(value, yaml.ScalarNode):
            yield key, [spanned_scalar(text, value)]


def _uses(path: Path, sets: list[tuple[int, dict[str, list[SpannedString]]]], templates: list[str]) -> Iterator[Use]:
    names = list(dict.fromkeys(templates)) or [name for name in _DEFAULT_TEMPLATES if (path.parent / name).is_file()]
    for at, given in sets:
        for name in names if given else ():
            yield from uses_through_parameters(path.parent / name, given, at)


def _strings(text: str, at: int) -> Iterator[tuple[int, int]]:
    """The strings of a TOML value, as offsets of what is between their quotes."""
    if text[at : at + 1] != "[":
        match = _STRING.match(text, at)
        if match is not None:
            yield match.span(match.lastgroup or 0)
        return
    at += 1
    while at < len(text) and text[at] != "]":
        match = _STRING.match(text, at)
        if match is not None:
            yield match.span(match.lastgroup or 0)
            at = match.end()
        elif text[at] == "#":
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
        else:
            at += 1


def _assignments(span: Span) -> dict[str, list[SpannedString]]:
    """``Key=Value`` pairs in a string."""
    given: dict[str, list[SpannedString]] = {}
    for match in _ASSIGNED.finditer(span.text):
        group = next(name for name in ("quoted", "plain", "quoted2", "plain2") if match[name] is not None)
        given[match["key"] or match["key2"]] = [part_of(span, *match.span(group))]
    return given
