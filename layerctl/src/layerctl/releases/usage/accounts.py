"""Whose functions are looked at: the caller's own, and those of accounts that a role opens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.aws.clients import Aws

__all__ = ["Accounts", "open_accounts"]


@dataclass(frozen=True)
class Accounts:
    """Accounts that can be scanned.

    Attributes:
        owner: the caller's own account, which owns the layer.
        credentials: account id to its credentials, the owner's first.
        problems: roles that could not be assumed.
    """

    owner: str
    credentials: dict[str, Aws]
    problems: list[str] = field(default_factory=list)


def open_accounts(aws: Aws, roles: Sequence[str], regions: Sequence[str]) -> Accounts:
    """Assume each role.

    Raises:
        LayerctlError: a role is no role ARN, or the caller's own credentials do not work.
    """
    for role in roles:
        if not re.fullmatch(r"arn:aws[a-zA-Z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
            raise LayerctlError(f"{role!r} is not a role ARN", remedy="expected arn:aws:iam::ACCOUNT:role/NAME")
    _, owner = aws.identity(regions)
    accounts = Accounts(owner, {owner: aws})
    for role in roles:
        try:
            accounts.credentials[role.split(":")[4]] = aws.assume(role, regions[0])
        except LayerctlError as error:
            accounts.problems.append(str(error))
    return accounts
