"""Which permission a reference needs.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Systems Manager, Secrets Manager,
AppConfig and KMS.
"""

from __future__ import annotations

from shared_utils.config import _endpoints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shared_utils.config._references import Reference

__all__ = ["actions_of", "resource_of"]


def actions_of(reference: Reference) -> list[str]:
    """Return the actions that reading it takes."""
    if reference.is_path:
        return ["ssm:GetParametersByPath"]
    return {
        "ssm": ["ssm:GetParameter", "ssm:GetParameters"],
        "secret": ["secretsmanager:GetSecretValue"],
        "appconfig": ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
    }.get(reference.scheme, [])


def resource_of(reference: Reference, account: str = "*") -> str:
    """Return the ARN (pattern) that they must be allowed on."""
    name = reference.name
    if name.startswith("arn:"):
        return name
    region = reference.region or _endpoints.region() or "*"
    prefix = f"arn:{_endpoints.arn_partition(region)}"
    if reference.scheme == "ssm":
        return f"{prefix}:ssm:{region}:{account}:parameter/{name.strip('/')}" + ("/*" if reference.is_path else "")
    if reference.scheme == "secret":
        return f"{prefix}:secretsmanager:{region}:{account}:secret:{name}-??????"
    application, environment, profile = (part if _is_id(part) else "*" for part in reference.parts)
    return (
        f"{prefix}:appconfig:{region}:{account}:application/{application}"
        f"/environment/{environment}/configuration/{profile}"
    )


def _is_id(part: str) -> bool:
    """Whether it is an AppConfig id, which ARNs are made of, and not a name."""
    return 4 <= len(part) <= 7 and part.isascii() and part.isalnum() and part.islower()
