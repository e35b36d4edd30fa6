"""The rules of `layerctl index check` and `layerctl permissions`."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule
from layerctl.rules.registry import rules_in

__all__ = ["GRANT_RULES", "INDEX_RULES"]

_INDEX, _PERMISSIONS = ("index check",), ("permissions",)

INDEX_GONE = Rule(
    id="index-gone",
    commands=_INDEX,
    summary="The region has every version that the index names.",
    looks_at="The index against the versions that Lambda lists.",
    example="A version that was deleted in the console.",
    fix="Take it out with `layerctl index write --forget-deleted`.",
)
INDEX_MISSING = Rule(
    id="index-missing",
    commands=_INDEX,
    summary="The index has every release of a region.",
    looks_at="The versions that Lambda lists, whose description names a release, against layers.json.",
    example="A release that was published by `sam deploy` alone.",
    fix="Add it with `layerctl index write`.",
)
INDEX_CONTENT = Rule(
    id="index-content",
    commands=_INDEX,
    summary="The index and the region agree in what a version is.",
    looks_at="CodeSha256, size, date, runtimes, architectures and content digest of each version.",
    example="A layers.json that was edited by hand.",
    fix="The region is right: restore the file, or delete the entry and run `layerctl index write`.",
)
INDEX_REGION = Rule(
    id="index-region",
    commands=_INDEX,
    summary="Each release is in every region of layer.toml.",
    looks_at="The releases of the index that are neither yanked nor deleted there, against `[publish] regions`.",
    example="A region that was added to layer.toml after the release. An older release is a warning only.",
    fix="Publish it there with `layerctl publish`; then `layerctl index write`.",
)
RELEASE_REUSED = Rule(
    id="release-reused",
    commands=_INDEX,
    summary="No version names a release whose content in the index is another.",
    looks_at="The content digest in the description of each version.",
    example="1.2.0, built and published again from other sources.",
    fix="Publish it under a version of its own, and delete this one.",
)
SSM_MISSING = Rule(
    id="ssm-missing",
    commands=_INDEX,
    summary="Each release of the index has its parameter.",
    looks_at="Parameter Store: /NAME/STAGE/versions/RELEASE.",
    example="A release after which `layerctl index mirror` was not run.",
    fix="`layerctl index mirror`",
    severity=Severity.WARNING,
)
SSM_DIFFERS = Rule(
    id="ssm-differs",
    commands=_INDEX,
    summary="Each parameter holds the ARN that the index has.",
    looks_at="Parameter Store: /NAME/STAGE/versions/RELEASE.",
    example="A parameter that was changed by hand.",
    fix="Find out which is right; delete a wrong parameter, then `layerctl index mirror`.",
)
SSM_STALE = Rule(
    id="ssm-stale",
    commands=_INDEX,
    summary="No parameter names a version that was deleted.",
    looks_at="Parameter Store: /NAME/STAGE/versions/RELEASE.",
    example="A version that was deleted in the console, and noted with `layerctl index write --forget-deleted`.",
    fix="`layerctl index mirror`",
)
SSM_YANK = Rule(
    id="ssm-yank",
    commands=_INDEX,
    summary="Parameter Store and the index agree in which releases are yanked, and why.",
    looks_at="Parameter Store: /NAME/STAGE/yanked/RELEASE.",
    example="A release that was yanked, after which `layerctl index mirror` was not run.",
    fix="`layerctl index mirror`",
)
SSM_UNKNOWN = Rule(
    id="ssm-unknown",
    commands=_INDEX,
    summary="No parameter names a release that the index does not have there.",
    looks_at="Parameter Store: /NAME/STAGE/versions/RELEASE.",
    example="A parameter of a release that another checkout of the index has.",
    fix="Add the release with `layerctl index write`, or delete the parameter.",
)
GRANT_TOO_WIDE = Rule(
    id="grant-too-wide",
    commands=_PERMISSIONS,
    summary="Nobody may use a version whom layer.toml does not name.",
    looks_at="The policy of every retained version in every region, against `[sharing]`.",
    example="A grant to everyone that was made by hand.",
    fix="`layerctl permissions --repair --apply` revokes it; functions that use the version go on working.",
)
GRANT_MISSING = Rule(
    id="grant-missing",
    commands=_PERMISSIONS,
    summary="Whom layer.toml names may use every version that was not withdrawn.",
    looks_at="The policy of every retained version in every region, against `[sharing]`.",
    example="A version that CloudFormation published without its permission.",
    fix="`layerctl permissions --repair --apply` grants it.",
    severity=Severity.WARNING,
)

INDEX_RULES = rules_in(__name__, command="index check")
GRANT_RULES = rules_in(__name__, command="permissions")
