"""Which permission a reference needs, and the policy that a whole Settings class needs.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Systems Manager, Secrets Manager,
AppConfig and KMS.
"""

from __future__ import annotations

from shared_utils.config.aws import endpoints as _endpoints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from shared_utils.config.references import Reference

__all__ = ["actions_of", "policy_of", "resources_of"]

_SIDS = {"ssm": "ReadParameters", "path": "ReadParametersByPath", "secret": "ReadSecrets", "appconfig": "ReadAppConfig"}


def actions_of(reference: Reference) -> list[str]:
    """Return the actions that reading it takes."""
    if reference.is_path:
        return ["ssm:GetParametersByPath"]
    return {
        "ssm": ["ssm:GetParameter", "ssm:GetParameters"],
        "secret": ["secretsmanager:GetSecretValue"],
        "appconfig": ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
    }.get(reference.scheme, [])


def resources_of(reference: Reference, region: str | None = None, account: str = "*") -> list[str]:
    """Return the ARNs (patterns) that those must be allowed on."""
    name = reference.name
    if name.startswith("arn:"):
        return [name]
    region = reference.region or region or _endpoints.region() or "*"
    prefix = f"arn:{_endpoints.arn_partition(region)}"
    if reference.scheme == "ssm":
        parameter = f"{prefix}:ssm:{region}:{account}:parameter/{name.strip('/')}"
        # A policy for a path is written either way, and which of them is compared is not documented: both.
        return [parameter.rstrip("/"), f"{parameter.rstrip('/')}/*"] if reference.is_path else [parameter]
    if reference.scheme == "secret":  # Secrets Manager appends a hyphen and six characters of its own
        return [f"{prefix}:secretsmanager:{region}:{account}:secret:{name}-??????"]
    application, environment, profile = (part if _is_id(part) else "*" for part in reference.parts)
    path = f"application/{application}/environment/{environment}/configuration/{profile}"
    return [f"{prefix}:appconfig:{region}:{account}:{path}"]


def policy_of(needs: Iterable[tuple[Reference, str | None]], region: str | None, account: str) -> dict[str, Any]:
    """Return the least policy document that lets the `needs` (references, each with its KMS key or None) be read."""
    statements: dict[str, dict[str, Any]] = {}
    keys: dict[tuple[str, str], dict[str, Any]] = {}
    for reference, key in needs:
        sid = _SIDS["path" if reference.is_path else reference.scheme]
        statement = statements.setdefault(
            sid, {"Sid": sid, "Effect": "Allow", "Action": actions_of(reference), "Resource": []}
        )
        statement["Resource"] = sorted({*statement["Resource"], *resources_of(reference, region, account)})
        if key is not None:
            asked = reference.region or region or _endpoints.region() or "*"
            keys[(key, reference.scheme)] = _decrypt(key, reference.scheme, asked, account, number=len(keys) + 1)
    return {"Version": "2012-10-17", "Statement": [*statements.values(), *keys.values()]}


def _decrypt(key: str, scheme: str, region: str, account: str, *, number: int) -> dict[str, Any]:
    """Return the statement for a KMS key, for use through the service that stores the value only."""
    service = {"ssm": "ssm", "secret": "secretsmanager"}[scheme]
    condition: dict[str, Any] = {"StringLike": {"kms:ViaService": f"{service}.{region}.amazonaws.com*"}}
    prefix = f"arn:{_endpoints.arn_partition(region)}:kms:{region}:{account}:key"
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


def _is_id(part: str) -> bool:
    """Whether it is an AppConfig id, which ARNs are made of, and not a name."""
    return len(part) == 7 and part.isascii() and part.isalnum() and part.islower()
