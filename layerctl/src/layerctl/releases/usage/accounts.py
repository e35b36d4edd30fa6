"""Whose functions are looked at: the caller's own, and those of accounts that a role opens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.core.partitions import by_partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.aws.clients import Aws

__all__ = ["Account", "Accounts", "open_accounts"]


@dataclass(frozen=True)
class Account:
    """An account that can be scanned, and its regions: those of its partition."""

    id: str
    aws: Aws
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Accounts:
    """Accounts that can be scanned.

    Attributes:
        owners: partition to the caller's own account there, which owns the layer.
        opened: all of them, the callers' own first.
        problems: roles that could not be assumed.
    """

    owners: dict[str, str]
    opened: list[Account]
    problems: list[str] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        """Each region of each account, for progress."""
        return [f"{account.id} {region}" for account in self.opened for region in account.regions]


def open_accounts(aws: Aws, roles: Sequence[str], regions: Sequence[str]) -> Accounts:
    """Find out whose the credentials are, and assume each role.

    Raises:
        LayerctlError: a role is no role ARN, or the caller's own credentials do not work.
    """
    for role in roles:
        if not re.fullmatch(r"arn:aws[a-zA-Z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
            raise LayerctlError(f"{role!r} is not a role ARN", hint="expected arn:aws:iam::ACCOUNT:role/NAME")
    partitions = by_partition(regions)
    own = {partition: Account(aws.account(here), aws, tuple(here)) for partition, here in partitions.items()}
    accounts = Accounts({partition: account.id for partition, account in own.items()}, list(own.values()))
    for role in roles:
        _, partition, _, _, account, _ = role.split(":", 5)
        here = partitions.get(partition, [])
        try:
            if not here:
                raise LayerctlError(f"role {role}: no region of the partition {partition} is named")
            accounts.opened.append(Account(account, aws.assume(role, here[0]), tuple(here)))
        except LayerctlError as error:
            accounts.problems.append(str(error))
    return accounts
