"""Audiences: an account, an organisation, everyone. What `layer.toml` wants and what a policy says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.config import LayerConfig

__all__ = ["PUBLIC", "Audience", "Kind", "account", "audiences_of", "configured", "organization"]


class Kind(StrEnum):
    """What an audience is; `OTHER` is a policy statement that Lambda's own API could not have made."""

    ACCOUNT = "account"
    ORGANIZATION = "organization"
    PUBLIC = "public"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Audience:
    """Someone a layer version can be shared with. Make one with `account`, `organization` or `PUBLIC`."""

    kind: Kind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}".strip()

    @property
    def statement_id(self) -> str:
        """The id of our policy statement for it: the same each time, so that a second run finds the first's."""
        return f"layerctl-{self.kind}-{self.id}" if self.id else f"layerctl-{self.kind}"

    @property
    def parameters(self) -> dict[str, str]:
        """What `AddLayerVersionPermission` needs to grant it."""
        match self.kind:
            case Kind.ACCOUNT:
                return {"Principal": self.id}
            case Kind.ORGANIZATION:
                return {"Principal": "*", "OrganizationId": self.id}
            case Kind.PUBLIC:
                return {"Principal": "*"}
            case _:
                raise LayerctlError(
                    f"{self} cannot be granted", hint="share with accounts, organisations or the public"
                )


PUBLIC = Audience(Kind.PUBLIC)


def account(text: str) -> Audience:
    """An AWS account by its twelve digits.

    Raises:
        LayerctlError: it is no account id.
    """
    if not re.fullmatch(r"\d{12}", text):
        raise LayerctlError(
            f"{text!r} is not an account id", hint="expected twelve digits, as text: leading zeros count"
        )
    return Audience(Kind.ACCOUNT, text)


def organization(text: str) -> Audience:
    """An organisation of AWS Organizations by its id (Lambda API reference, `OrganizationId`).

    Raises:
        LayerctlError: it is no organisation id.
    """
    if not re.fullmatch(r"o-[a-z0-9]{10,32}", text):
        raise LayerctlError(f"{text!r} is not an organisation id", hint="expected o- and 10 to 32 letters or digits")
    return Audience(Kind.ORGANIZATION, text)


def configured(config: LayerConfig | None) -> frozenset[Audience]:
    """What the [sharing] table of `layer.toml` wants; nobody, where there is none."""
    if config is None:
        return frozenset()
    wanted = {*map(account, config.accounts), *map(organization, config.organizations)}
    return frozenset(wanted | ({PUBLIC} if config.public else set()))


def audiences_of(statement: dict[str, Any]) -> frozenset[Audience]:
    """Whom a policy statement lets in.

    A condition other than on the organisation is not counted on to narrow anything: the statement is then `OTHER`, as
    is everything that Lambda's own API could not have written.
    """
    if statement.get("Effect") != "Allow":
        return frozenset()
    principals = _texts(statement.get("Principal"))
    condition = statement.get("Condition")
    if not condition:
        return frozenset(_principal(principal) for principal in principals)
    organizations = _organizations(condition)
    if organizations and principals == ["*"]:
        return frozenset(Audience(Kind.ORGANIZATION, organization) for organization in organizations)
    return frozenset(Audience(Kind.OTHER, f"{principal} under a condition") for principal in principals)


def _texts(value: Any) -> list[str]:
    """The texts of a value that IAM writes as one text, a list, or a table of these."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return sorted({text for item in value for text in _texts(item)})
    return [] if value is None else [str(value)]


def _principal(text: str) -> Audience:
    if text == "*":
        return PUBLIC
    match = re.fullmatch(r"(?:arn:aws[a-zA-Z-]*:iam::)?(\d{12})(?::root)?", text)
    return Audience(Kind.ACCOUNT, match[1]) if match else Audience(Kind.OTHER, text)


def _organizations(condition: Any) -> list[str]:
    """The organisations that a condition is about; nothing unless it is about them alone."""
    test = condition.get("StringEquals") if isinstance(condition, dict) and len(condition) == 1 else None
    if not isinstance(test, dict) or [key.lower() for key in test] != ["aws:principalorgid"]:
        return []
    return _texts(test)
