"""The roles of a CloudFormation template, as IAM would read their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["allowed", "statements"]


def statements(template: Path, role: str) -> Iterator[dict[str, Any]]:
    """Each statement of a role's own policies, those under a condition too."""
    properties = yaml_parse(template.read_text("utf-8"))["Resources"][role]["Properties"]
    for policy in properties["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def allowed(template: Path, role: str) -> set[str]:
    """The actions that a role may take."""
    actions = [statement["Action"] for statement in statements(template, role)]
    return {name for one in actions for name in ([one] if isinstance(one, str) else one)}
