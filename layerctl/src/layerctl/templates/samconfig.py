"""samconfig.toml and samconfig.yaml: layer versions that a deployment's parameter overrides set.

Forms of `parameter_overrides` (SAM CLI documentation, "SAM CLI configuration file"): one string of ``Key=Value`` pairs
or of ``ParameterKey=...,ParameterValue=...`` pairs, a list of such strings, or a table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from layerctl.templates.documents import SAMCONFIGS, TEMPLATES
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.spans import Span, SpannedString, part_of
from layerctl.templates.stack_uses import uses_through_parameters
from layerctl.templates.yaml import NodeError, Tree, get, pairs, scalar, spanned_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layerctl.templates.uses import Use

__all__ = ["overridden_parameters", "toml_uses", "yaml_uses"]

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
_HEADER = re.compile(r"^[ \t]*\[([^\]\n]+)\]", re.MULTILINE)


class Overrides(NamedTuple):
    """The parameters that one table of a samconfig sets, for an environment and a command, with their place."""

    environment: str
    command: str
    at: int
    given: dict[str, list[SpannedString]]


def toml_uses(path: Path, text: str) -> list[Use]:
    """What the functions of the template beside a samconfig.toml get through its overrides."""
    return list(_uses(path, _toml_overrides(text), _TEMPLATE.findall(text)))


def yaml_uses(path: Path, text: str, root: Node) -> list[Use]:
    """The same for a samconfig.yaml."""
    templates = [
        name
        for _, environment in pairs(root)
        for _, command in pairs(environment)
        for key in ("template", "template_file")
        if (name := scalar(get(command, "parameters", key))) is not None
    ]
    return list(_uses(path, _yaml_tables(text, root), templates))


def overridden_parameters(template: Path) -> dict[str, dict[str, str]]:
    """Return the parameters that the samconfig beside a template sets: environment -> name -> value.

    Beside the template, or for one that `sam build` wrote beside ``.aws-sam``; what `deploy` sets goes before
    ``global``. A samconfig that cannot be read gives nothing.
    """
    folder = template.resolve().parent
    folders = [folder, folder.parents[1]] if folder.parts[-2:] == (".aws-sam", "build") else [folder]
    for path in (folder / name for folder in folders for name in SAMCONFIGS):
        if path.is_file():
            break
    else:
        return {}
    try:
        text = Source.read(path).text
        tables = _toml_overrides(text) if path.suffix == ".toml" else []
        for root in Tree.parse(text).documents if path.suffix != ".toml" else ():
            tables += _yaml_tables(text, root)
    except (OSError, BinaryFileError, NodeError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for command in ("global", "deploy"):
        for table in tables:
            if table.command == command:
                values = {name: values[0].text for name, values in table.given.items()}
                found.setdefault(table.environment, {}).update(
                    {name: value for name, value in values.items() if value is not None}
                )
    return found


def _toml_overrides(text: str) -> list[Overrides]:
    headers = [(match.start(), match[1].split(".")) for match in _HEADER.finditer(text)]

    def whose(at: int) -> tuple[str, str]:
        before = [["", ""], *(parts for start, parts in headers if start <= at)]
        environment, command = (*before[-1], "")[:2]
        return environment.strip(" \"'"), command.strip(" \"'")

    tables = []
    for match in _OVERRIDES.finditer(text):
        given: dict[str, list[SpannedString]] = {}
        for begin, end in _strings(text, match.end()):
            given |= _assignments(Span(text[begin:end], begin))
        tables.append(Overrides(*whose(match.start()), match.start(), given))
    for match in _TABLE.finditer(text):
        entries = {}
        for entry in _ENTRY.finditer(text, match.start("body"), match.end("body")):
            group = next(name for name in "abc" if entry[name] is not None)
            entries[entry["key"]] = [SpannedString.literal(entry[group], entry.start(group))]
        tables.append(Overrides(*whose(match.end()), match.start(), entries))
    return tables


def _yaml_tables(text: str, root: Node) -> list[Overrides]:
    return [
        Overrides(environment, command, node.start_mark.index, dict(_yaml_overrides(text, node)))
        for environment, commands in pairs(root)
        for command, settings in pairs(commands)
        if (node := get(settings, "parameters", "parameter_overrides")) is not None
    ]


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


def _uses(path: Path, tables: list[Overrides], templates: list[str]) -> Iterator[Use]:
    names = list(dict.fromkeys(templates)) or [name for name in TEMPLATES if (path.parent / name).is_file()]
    for table in tables:
        for name in names if table.given else ():
            yield from uses_through_parameters(path.parent / name, table.given, path.as_posix(), table.at)


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
