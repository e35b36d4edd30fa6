"""What to do about a failed read: the exact permission, or where it was looked for. Loaded for errors only."""

from __future__ import annotations

import re

from shared_utils.config.aws import endpoints as _endpoints
from shared_utils.config.outcomes import DENIED, MISSING, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared_utils.config.references import Reference

__all__ = ["hint_for"]

# AWS words it like: User: arn:aws:sts::… is not authorized to perform: kms:Decrypt on resource: arn:… because …
_DENIED_ACTION = re.compile(r"perform:\s*([a-z0-9-]+:[A-Za-z0-9*]+)")
_DENIED_RESOURCE = re.compile(r"on resource:\s*(\S+)")
_KEY = re.compile(r"\bkms\b|\bciphertext\b|\bmaster key\b", re.IGNORECASE)
_ACCOUNT = re.compile(r"arn:[a-z0-9-]+:(?:sts|iam)::(\d{12}):")


def hint_for(
    failure: Failure,
    reference: Reference,
    actions: Sequence[str],
    resources: Callable[[Reference, str, str], Sequence[str]],
) -> tuple[str, str]:
    """Return what was wrong and what to do about it.

    Args:
        failure: the failure of a read from AWS.
        reference: the reference that was read.
        actions: the IAM actions that the read takes.
        resources: the function that gives the ARNs for the reference, a region and an account.
    """
    if failure.hint:
        return failure.what, failure.hint
    asked = reference.region or _endpoints.region()
    where = asked or "no region"
    if failure.kind == MISSING and failure.code == "KeyNotFound":
        return failure.what, "add the key to the value, or correct the key's name"
    if failure.kind == MISSING:
        return f"{failure.what} in {where}", "create it there, correct the name, or ask the region that has it"
    if failure.kind == DENIED:
        action = _DENIED_ACTION.search(failure.what)
        resource = _DENIED_RESOURCE.search(failure.what)
        if action is None and _KEY.search(failure.what):
            hint = f"allow kms:Decrypt on the KMS key that the value is encrypted with (asked in {where})"
            return failure.what, hint
        account = _ACCOUNT.search(failure.what)
        named = action.group(1) if action else " and ".join(actions)
        known = resource.group(1).rstrip(".,") if resource else ""
        target = known or resources(reference, asked or "*", account.group(1) if account else "*")[0]
        return failure.what, f"allow {named} on {target} (asked in {where})"
    if not actions:  # not of AWS
        return failure.what, "try again; if it stays, look at where it is read from"
    return failure.what, f"asked in {where}; try again, and if it stays look at the service's health"
