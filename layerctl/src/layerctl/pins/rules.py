"""The rules of `layerctl pins check`."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule
from layerctl.rules.registry import rules_in

__all__ = ["PIN_UNRESOLVED", "RULES"]

_PINS = ("pins check",)

PIN_UNKNOWN = Rule(
    id="pin-unknown",
    commands=_PINS,
    summary="The version is published in its region.",
    looks_at="The index, Parameter Store or Lambda: the versions of the layer that they know in that region.",
    example="`…:layer:shared-utils:99`, where the newest is 12.",
    fix="Take a version that exists: `layerctl pins bump`.",
)
PIN_YANKED = Rule(
    id="pin-yanked",
    commands=_PINS,
    summary="The version was not withdrawn.",
    looks_at="`yanked` of the release in the index.",
    example="A pin of 1.3.0 after `layerctl index yank 1.3.0 --reason …`.",
    fix="Take the version that is named: `layerctl pins bump`.",
)
PIN_REGION = Rule(
    id="pin-region",
    commands=_PINS,
    summary="The layer is in the function's region.",
    looks_at="The region in the ARN, against --region, samconfig.toml, the provider's region, the key that it stands "
    "under, or the other layers of the function.",
    example="A layer of us-east-1 in a template that is deployed to eu-central-1.",
    fix="Pin the version of that region: Lambda takes layers of its own region only.",
)
PIN_PARTITION = Rule(
    id="pin-partition",
    commands=_PINS,
    summary="The ARN's partition is that of its region.",
    looks_at="The partition in the ARN: aws-cn for cn-*, aws-us-gov for us-gov-*.",
    example="`arn:aws:lambda:cn-north-1:…`",
    fix="Write the partition that is named, or `${AWS::Partition}`.",
)
PIN_RUNTIME = Rule(
    id="pin-runtime",
    commands=_PINS,
    summary="The layer is made for the function's runtime.",
    looks_at="The runtimes that the release declares, and the function's.",
    example="A function on python3.14, and a release for python3.11 to python3.13.",
    fix="Change the runtime or the version.",
)
PIN_ARCHITECTURE = Rule(
    id="pin-architecture",
    commands=_PINS,
    summary="The layer is made for the function's architecture.",
    looks_at="The architectures that the release declares, and the function's.",
    example="A function on arm64, and a release for x86_64.",
    fix="Change Architectures or the version.",
)
PIN_BEHIND = Rule(
    id="pin-behind",
    commands=_PINS,
    summary="No more newer releases exist than --max-behind allows.",
    looks_at="The releases after the pinned one, where --max-behind is given.",
    example="`--max-behind 2`, and a pin of 1.0.0 where 1.3.0 is out.",
    fix="`layerctl pins bump`",
)
PIN_OLD = Rule(
    id="pin-old",
    commands=_PINS,
    summary="The version is no older than --max-age allows, or there is no newer one.",
    looks_at="The date of the pinned version, where --max-age is given.",
    example="`--max-age 90d`, and a version of last year.",
    fix="`layerctl pins bump`",
)
PIN_UNVERIFIED = Rule(
    id="pin-unverified",
    commands=_PINS,
    summary="A source of versions knows the layer.",
    looks_at="The index, Parameter Store and Lambda, as far as they were asked.",
    example="A vendor's layer that no index names.",
    fix="Name its index with --index, or ask AWS with --aws.",
    severity=Severity.NOTE,
)
PIN_UNRESOLVED = Rule(
    id="pin-unresolved",
    commands=_PINS,
    summary="Each version of a layer is said where the layer is named.",
    looks_at="References whose version only a deployment knows: parameters without default, `!ImportValue`, "
    "`{{resolve:ssm:…}}`, `${cf:…}`, Terraform's remote state, and ARNs that a program puts together.",
    example="`Layers: [!Ref LayerArn]`",
    fix="Pin a version, check it where it is decided, or ignore the rule in that line, with the reason.",
    severity=Severity.WARNING,
)

RULES = rules_in(__name__, "layerctl.rules.shared", command="pins check")
