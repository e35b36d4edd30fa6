"""Which kind of file this is, and what its structure gives: the door to the readers of each kind."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.templates.code.trees import PROGRAMS
from layerctl.templates.literals import puts_together
from layerctl.templates.source import FileFault, Source
from layerctl.templates.variables import variable_uses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from layerctl.templates.literals import TextArn
    from layerctl.templates.nested import Part
    from layerctl.templates.uses import Use

__all__ = ["Structure", "looks_like_template", "needs_engine", "structural_uses"]


@dataclass(frozen=True, slots=True)
class Structure:
    """The uses of layer versions that a file's structure gives, what is wrong with it, and what it nests."""

    uses: Sequence[Use] = ()
    faults: Sequence[FileFault] = ()
    nested: Sequence[Part] = ()


_YAML = frozenset({".yaml", ".yml", ".template", ".cfn", ".json", ".jsonc"})
_JSON = frozenset({".json", ".jsonc"})
# What a template says at its top, in YAML or JSON, before anything is parsed.
_KEYS = frozenset({"AWSTemplateFormatVersion", "Resources", "Transform", "functions", "provider"})
_TEMPLATE = re.compile(rf"(?:^[ \t]*|[\"'])(?:{'|'.join(sorted(_KEYS))})[\"']?\s*:", re.MULTILINE)
# Without any of these, a template in JSON has no layer and nests nothing.
_CONCERNS = ("ayer", "AWS::CloudFormation::Stack", "AWS::Serverless::Application")
_TITLED = re.compile(r"^AWSTemplateFormatVersion\s*:", re.MULTILINE)
# Files that only become YAML once a template engine has run: Helm, Jinja, ERB, cookiecutter. Not CloudFormation's own
# dynamic references, {{resolve:ssm:...}}.
_ENGINE = re.compile(r"\{\{(?!\s*resolve:)|\{%|<%")


def structural_uses(text: str, path: Path, written: list[TextArn], *, named: bool, limit: int) -> Structure:
    """Read a file's structure.

    Args:
        text: the file's text.
        path: its name, which tells the kind.
        named: whether the user named this very file.
        written: the ARNs in the text; those that a program's structure tells better are taken out.
        limit: characters beyond which structure is not read.

    Returns:
        what it gives. A file that was found in a folder and is no template has no faults.
    """
    suffix = path.suffix.lower()
    concerned = bool(written)
    if suffix in _YAML or (suffix == "" and _TITLED.search(text)):
        likely = looks_like_template(text)
        if suffix in _JSON and not (likely or named):
            return Structure()
        if suffix in _JSON and not concerned and not any(word in text for word in _CONCERNS):
            return Structure()
        if len(text) > limit:
            if not (concerned or named):
                return Structure()
            size = f"{len(text) / 1e6:.0f} MB"
            message = f"{size} is too large for a template (CloudFormation takes 1 MB): its structure was not read"
            return Structure(faults=[FileFault(message, "split it, or leave it out", 0, likely or concerned)])
        judged = suffix != "" and not needs_engine(text)
        of_json = suffix in _JSON  # or nearly: many programs allow comments in it
        likely = likely or (concerned and not of_json)
        told = judged and (likely or (named and not of_json))
        return _yaml_uses(text, path, written, likely=likely and judged, told=told)
    if suffix == ".toml":
        from layerctl.templates.samconfig import toml_uses

        return Structure(toml_uses(path, text))
    if suffix in {".tf", ".tfvars"}:
        from layerctl.templates.terraform import terraform_uses

        return Structure(*terraform_uses(path, text))
    if suffix in PROGRAMS:
        return _program(text, suffix, written) if len(text) <= limit else Structure()
    return Structure(list(variable_uses(text, written)))


def looks_like_template(text: str) -> bool:
    """Whether a text has a key of a template, however broken it is; what has none is no template.

    JSON that can be read must have it at its top: a YAML parser takes seconds for what is megabytes of other data.
    """
    if _TEMPLATE.search(text) is None:
        return False
    if text[:100].lstrip()[:1] != "{":
        return True
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return True
    return isinstance(data, dict) and not _KEYS.isdisjoint(data)


def _program(text: str, suffix: str, written: list[TextArn]) -> Structure:
    if not puts_together(text, written):
        return Structure()
    from layerctl.templates.code.programs import program_uses

    found = program_uses(text, suffix)
    written[:] = [arn for arn in written if not any(arn.arn_start in place for place in found.covered)]
    return Structure(found.uses, found.unread)


def _is_json(text: str, path: Path) -> bool:
    """Whether a file is JSON that is no YAML, as with a colon on a line of its own: no error, if without structure."""
    try:
        return path.suffix.lower() in _JSON and json.loads(text) is not None
    except (ValueError, RecursionError):
        return False


def needs_engine(text: str) -> bool:
    """Whether a text holds the marks of a template engine, and may become a template only once that has run."""
    return ("{{" in text or "%" in text) and _ENGINE.search(text) is not None


def _yaml_uses(text: str, path: Path, written: list[TextArn], *, likely: bool, told: bool) -> Structure:
    from layerctl.templates import samconfig
    from layerctl.templates.intrinsics import KNOWN_TAGS
    from layerctl.templates.nested import included_functions
    from layerctl.templates.resources import is_template
    from layerctl.templates.serverless import is_serverless
    from layerctl.templates.service_uses import service_uses
    from layerctl.templates.stack_uses import nested_parts, template_uses
    from layerctl.templates.stacks import StackReader
    from layerctl.templates.yaml import NodeError, Tree

    try:
        tree = Tree.parse(text)
    except NodeError as error:
        fault = FileFault(str(error), "mend the file; only literal ARNs were found", error.offset, likely)
        return Structure(list(variable_uses(text, written)), [fault] if told and not _is_json(text, path) else [])
    faults: list[FileFault] = []
    uses: list[Use] = []
    nested: list[Part] = []
    kind = configuration = False
    for root in tree.documents:
        if is_template(root):
            kind = True
            reader = StackReader(path, Source(text), root, given={})
            uses += template_uses(reader)
            nested += nested_parts(reader)
        elif is_serverless(root):
            kind = True
            uses += service_uses(text, root, path)
            nested += included_functions(root, path)
        elif path.stem.startswith("samconfig"):
            configuration = True
            uses += samconfig.yaml_uses(path, text, root)
    if not kind:
        uses += variable_uses(text, written)
    if kind or configuration:
        faults += [FileFault(message, "remove one of the two", offset) for message, offset in tree.faults]
    if kind:
        unknown = [(tag, at) for tag, at in tree.tags.items() if tag not in KNOWN_TAGS]
        hint = "use one of CloudFormation's intrinsic functions"
        faults += [FileFault(f"unknown tag {tag}", hint, at) for tag, at in unknown]
    return Structure(uses, faults, nested)
