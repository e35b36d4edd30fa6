"""Which kind of file this is, and what its structure gives: the door to the readers of each kind."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from layerctl.templates.code.trees import PROGRAMS
from layerctl.templates.literals import puts_together
from layerctl.templates.variables import variable_uses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from layerctl.templates.literals import TextArn
    from layerctl.templates.uses import Use

__all__ = ["structural_uses"]

Fault = tuple[str, str, int]

_YAML = frozenset({".yaml", ".yml", ".template", ".cfn", ".json", ".jsonc"})
_JSON = frozenset({".json", ".jsonc"})
# What a template says at its top, in YAML or JSON, before anything is parsed.
_TEMPLATE = re.compile(
    r"(?:^[ \t]*|[\"'])(?:AWSTemplateFormatVersion|Resources|Transform|functions|provider)[\"']?\s*:", re.MULTILINE
)
_TITLED = re.compile(r"^AWSTemplateFormatVersion\s*:", re.MULTILINE)
# Files that only become YAML once a template engine has run: Helm, Jinja, ERB, cookiecutter. Not CloudFormation's own
# dynamic references, {{resolve:ssm:...}}.
_ENGINE = re.compile(r"\{\{(?!\s*resolve:)|\{%|<%")


def structural_uses(
    text: str, path: Path, written: list[TextArn], *, named: bool, limit: int
) -> tuple[list[Use], Sequence[Fault]]:
    """Read a file's structure.

    Args:
        text: the file's text.
        path: its name, which tells the kind.
        named: whether the user named this very file.
        written: the ARNs in the text; those that a program's structure tells better are taken out.
        limit: characters beyond which structure is not read.

    Returns:
        The uses of layer versions, and faults as (message, hint, offset).
    """
    suffix = path.suffix.lower()
    concerned = bool(written)
    if suffix in _YAML or (suffix == "" and _TITLED.search(text)):
        likely = _TEMPLATE.search(text) is not None
        if suffix in _JSON and not (likely or named):
            return [], []
        if suffix in _JSON and not concerned and "ayer" not in text:
            return [], []
        if len(text) > limit:
            if not (concerned or named):
                return [], []
            size = f"{len(text) / 1e6:.0f} MB"
            message = f"{size} is too large for a template (CloudFormation takes 1 MB): its structure was not read"
            return [], [(message, "split it, or leave it out", 0)]
        strict = suffix != "" and (likely or suffix not in _JSON) and not _needs_engine(text)
        return _yaml_uses(text, path, written, strict=strict, likely=likely)
    if suffix == ".toml":
        from layerctl.templates.samconfig import toml_uses

        return toml_uses(path, text), []
    if suffix in {".tf", ".tfvars"}:
        from layerctl.templates.terraform import terraform_uses

        return terraform_uses(path, text)
    if suffix in PROGRAMS:
        return _program_uses(text, suffix, written) if len(text) <= limit else ([], [])
    return list(variable_uses(text, written)), []


def _program_uses(text: str, suffix: str, written: list[TextArn]) -> tuple[list[Use], Sequence[Fault]]:
    if not puts_together(text, written):
        return [], []
    from layerctl.templates.code.programs import program_uses

    found = program_uses(text, suffix)
    written[:] = [arn for arn in written if not any(arn.arn_start in place for place in found.covered)]
    return found.uses, found.unread


def _is_json(text: str, path: Path) -> bool:
    """Whether a file is JSON that is no YAML, as with a colon on a line of its own: no error, if without structure."""
    try:
        return path.suffix.lower() in _JSON and json.loads(text) is not None
    except (ValueError, RecursionError):
        return False


def _needs_engine(text: str) -> bool:
    return ("{{" in text or "%" in text) and _ENGINE.search(text) is not None


def _yaml_uses(
    text: str, path: Path, written: list[TextArn], *, strict: bool, likely: bool
) -> tuple[list[Use], list[Fault]]:
    from layerctl.templates import cloudformation, samconfig, serverless
    from layerctl.templates.intrinsics import KNOWN_TAGS
    from layerctl.templates.resources import is_template
    from layerctl.templates.yaml import NodeError, Tree

    try:
        tree = Tree.parse(text)
    except NodeError as error:
        fault = (str(error), "mend the file; only literal ARNs were found", error.offset)
        return list(variable_uses(text, written)), [fault] if strict and not _is_json(text, path) else []
    faults: list[Fault] = []
    uses: list[Use] = []
    kind = False
    for root in tree.documents:
        if is_template(root):
            kind = True
            uses += cloudformation.template_uses(text, root, path)
        elif serverless.is_serverless(root):
            kind = True
            uses += serverless.serverless_uses(text, root, path)
        elif path.stem.startswith("samconfig"):
            uses += samconfig.yaml_uses(path, text, root)
    if not kind:
        uses += variable_uses(text, written)
    if kind or likely or strict:
        faults += [(message, "remove one of the two", offset) for message, offset in tree.faults]
    if kind:
        unknown = [(tag, at) for tag, at in tree.tags.items() if tag not in KNOWN_TAGS]
        faults += [(f"unknown tag {tag}", "use one of CloudFormation's intrinsic functions", at) for tag, at in unknown]
    return uses, faults
