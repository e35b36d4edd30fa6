"""The least IAM policy that reading references takes. For developers: it does not ship in the layer.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Systems Manager, Secrets Manager,
AppConfig, DynamoDB and KMS.
"""

from __future__ import annotations

from shared_utils.config.aws import endpoints as _endpoints
from shared_utils.config.sources.registry import source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from shared_utils.config.references import Reference

__all__ = ["policy_of"]

_SIDS = {
    "ssm:GetParameter": "ReadParameters",
    "ssm:GetParametersByPath": "ReadParametersByPath",
    "secretsmanager:GetSecretValue": "ReadSecrets",
    "dynamodb:GetItem": "ReadItems",
    "appconfig:StartConfigurationSession": "ReadAppConfig",
}


def policy_of(needs: Iterable[tuple[Reference, str | None]], region: str | None, account: str) -> dict[str, Any]:
    """Return the least policy document that lets the `needs` (references, each with its KMS key or None) be read."""
    statements: dict[str, dict[str, Any]] = {}
    keys: dict[tuple[str, str], dict[str, Any]] = {}
    for reference, key in needs:
        source = source_of(reference.scheme)
        actions = source.actions(reference)
        if not actions:
            continue
        asked = reference.region or region or _endpoints.region() or "*"
        sid = _SIDS[actions[0]]
        statement = statements.setdefault(sid, {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": []})
        statement["Resource"] = sorted({*statement["Resource"], *source.resources(reference, asked, account)})
        if key is not None:
            keys[(key, reference.scheme)] = _decrypt(key, reference.scheme, asked, account, number=len(keys) + 1)
    return {"Version": "2012-10-17", "Statement": [*statements.values(), *keys.values()]}


def _decrypt(key: str, scheme: str, region: str, account: str, *, number: int) -> dict[str, Any]:
    """Return the statement for a KMS key, for use through the service that stores the value only."""
    service = {"secret": "secretsmanager"}.get(scheme, scheme)
    condition: dict[str, Any] = {"StringLike": {"kms:ViaService": f"{service}.{region}.amazonaws.com*"}}
    prefix = f"{_endpoints.arn_prefix('kms', region, account)}:key"
    if key.startswith("arn:") and ":alias/" not in key:
        resource = key
    elif "alias/" in key:
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": "alias/" + key.rpartition("alias/")[2]}
        resource = f"{prefix}/*"
    else:
        resource = f"{prefix}/{key}"
    return {
        "Sid": f"DecryptWithKey{number}",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [resource],
        "Condition": condition,
    }
