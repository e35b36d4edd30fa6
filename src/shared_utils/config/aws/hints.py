"""What to do about a failed read: the exact permission, or where it was looked for. Loaded for errors only."""

from __future__ import annotations

import re

from shared_utils.config.aws import endpoints as _endpoints
from shared_utils.config.aws.iam import actions_of, resources_of
from shared_utils.config.failures import DENIED, MISSING, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config.references import Reference

__all__ = ["explain"]

# AWS says it like: User: arn:aws:sts::… is not authorized to perform: kms:Decrypt on resource: arn:… because …
_DENIED_ACTION = re.compile(r"perform:\s*([a-z0-9-]+:[A-Za-z0-9*]+)")
_DENIED_RESOURCE = re.compile(r"on resource:\s*(\S+)")
_KEY = re.compile(r"\bkms\b|\bciphertext\b|\bmaster key\b", re.IGNORECASE)
_ACCOUNT = re.compile(r"arn:[a-z0-9-]+:(?:sts|iam)::(\d{12}):")


def explain(reference: Reference, failure: Failure) -> tuple[str, str]:
    """Return what was wrong and what to do, for a reference that AWS was asked for."""
    if failure.remedy:
        return failure.what, failure.remedy
    region = reference.region or _endpoints.region() or "no region"
    if failure.kind == MISSING and failure.code == "KeyNotFound":
        return failure.what, "add the key to the value, or correct the key's name"
    if failure.kind == MISSING:
        return f"{failure.what} in {region}", "create it there, correct the name, or ask the region that has it"
    if failure.kind == DENIED:
        action = _DENIED_ACTION.search(failure.what)
        resource = _DENIED_RESOURCE.search(failure.what)
        if action is None and _KEY.search(failure.what):
            return (
                failure.what,
                f"allow kms:Decrypt on the KMS key that the value is encrypted with (asked in {region})",
            )
        account = _ACCOUNT.search(failure.what)
        named = action.group(1) if action else " and ".join(actions_of(reference))
        patterns = resources_of(reference, None, account.group(1) if account else "*")
        where = resource.group(1).rstrip(".,") if resource else patterns[0]
        return failure.what, f"allow {named} on {where} (asked in {region})"
    return failure.what, f"asked in {region}; try again, and if it stays look at the service's health"
