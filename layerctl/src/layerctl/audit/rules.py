"""The rules of `layerctl audit`."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules import Rule
from layerctl.rules.registry import rules_in

__all__ = ["RULES", "SBOM_DIFFERS", "VULNERABILITY_EXEMPT", "VULNERABILITY_KNOWN", "VULNERABILITY_UNCLEAR"]

_AUDIT = ("audit",)

VULNERABILITY_KNOWN = Rule(
    id="vulnerability-known",
    commands=_AUDIT,
    summary="No vulnerability is known of what the layer holds.",
    looks_at="Each distribution's name and version, against OSV's records, by PEP 440's order of versions. An error "
    "from the severity on that `fail-on` of audit.toml or `--fail-on` names, a warning below.",
    example="urllib3 1.26.4, and GHSA-v845-jxx5-vc9f that 1.26.5 mends.",
    fix="Lock a version that is not affected, and release anew. Where it does no harm, say so in audit.toml.",
)
VULNERABILITY_UNCLEAR = Rule(
    id="vulnerability-unclear",
    commands=_AUDIT,
    summary="It can be said whether a record affects the version.",
    looks_at="Records of a distribution of the layer, whose range, or the version itself, PEP 440 does not know.",
    example="A range that ends at `2.0-final-2`.",
    fix="Read the record; if it does not affect the layer, say so in audit.toml.",
    severity=Severity.WARNING,
)
VULNERABILITY_EXEMPT = Rule(
    id="vulnerability-exempt",
    commands=_AUDIT,
    summary="Each exception of audit.toml is about something, and has not expired.",
    looks_at="Ids, packages and dates of `[[exception]]`.",
    example="An exception that expired last month, or one whose vulnerability was mended.",
    fix="Take the exception out, or decide again and give it a new date.",
    severity=Severity.WARNING,
)
SBOM_DIFFERS = Rule(
    id="sbom-differs",
    commands=_AUDIT,
    summary="The SBOM beside the zip names what the zip holds.",
    looks_at="The distributions in the zip, against those of the `.cdx.json` beside it.",
    example="A zip to which a distribution was added after it was built.",
    fix="Build the layer anew.",
)

RULES = rules_in(__name__)
