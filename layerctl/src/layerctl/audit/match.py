"""Holds components against records and exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.audit import rules
from layerctl.audit.osv import UnreadableRangeError, affected_by
from layerctl.audit.severity import Rating
from layerctl.core.diagnostics import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from layerctl.audit.components import Component, Found
    from layerctl.audit.exceptions import AuditPolicy, Exemption
    from layerctl.audit.osv import Affected, Record
    from layerctl.audit.records import Records

__all__ = ["AuditedComponents", "Vulnerability", "audit"]


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one component, whichever records tell it.

    Attributes:
        ids: all its names.
        fixed: versions that mend it.
    """

    component: Component
    ids: frozenset[str]
    summary: str
    rating: Rating
    fixed: tuple[str, ...]

    @property
    def names(self) -> str:
        """The ids, the one first that people look for."""
        return ", ".join(sorted(self.ids, key=lambda known_id: (not known_id.startswith("CVE-"), known_id)))


@dataclass(frozen=True, slots=True)
class AuditedComponents:
    """What an audit found.

    Attributes:
        accepted: vulnerabilities that an exception covers.
        withdrawn: how many records of these components were withdrawn by their database; they do not count.
    """

    findings: tuple[Finding, ...]
    vulnerabilities: tuple[Vulnerability, ...]
    accepted: tuple[Vulnerability, ...]
    withdrawn: int


def audit(found: Found, records: Records, policy: AuditPolicy, *, path: str, today: date) -> AuditedComponents:
    """Match what an artifact holds.

    Args:
        found: its components.
        records: what is known.
        policy: what fails, and what is accepted.
        path: the artifact, for findings.
        today: the day (UTC) by which exceptions expire.
    """
    findings: list[Finding] = []
    open_ones: list[Vulnerability] = []
    accepted: list[Vulnerability] = []
    used: set[Exemption] = set()
    withdrawn = 0
    for component in found.components:
        known = records.by_name.get(component.name, [])
        withdrawn += sum(record.withdrawn is not None for record in known)
        hits = []
        for record in known:
            if record.withdrawn is None:
                try:
                    hits += [(record, affected) for affected in _hits(record, component)]
                except UnreadableRangeError as error:
                    covering = _covering(policy, record.ids, component.name)
                    used |= covering
                    if not any(exemption.expires >= today for exemption in covering):
                        findings.append(_unclear(record, component, error, path))
        for vulnerability in _grouped(component, hits):
            covering = _covering(policy, vulnerability.ids, component.name)
            used |= covering
            if any(exemption.expires >= today for exemption in covering):
                accepted.append(vulnerability)
            else:
                open_ones.append(vulnerability)
                findings.append(_known(vulnerability, policy.fail_on, path))
    findings += [*_sbom(found, path), *_exemptions(policy, used, today)]
    return AuditedComponents(tuple(findings), tuple(open_ones), tuple(accepted), withdrawn)


def _hits(record: Record, component: Component) -> Iterator[Affected]:
    for affected in record.affected:
        if affected.name == component.name and affected_by(affected, component.version):
            yield affected


def _grouped(component: Component, hits: list[tuple[Record, Affected]]) -> Iterator[Vulnerability]:
    """Join records that share an id: databases describe the same vulnerability under several."""
    groups: list[list[tuple[Record, Affected]]] = []
    for hit in hits:
        same = [group for group in groups if any(hit[0].ids & record.ids for record, _ in group)]
        groups = [group for group in groups if group not in same]
        groups.append([hit, *(member for group in same for member in group)])
    for group in groups:
        ratings = [affected.rating for _, affected in group]
        rated = [rating for rating in ratings if rating is not Rating.UNKNOWN]
        yield Vulnerability(
            component,
            frozenset().union(*(record.ids for record, _ in group)),
            next((record.summary for record, _ in group if record.summary), ""),
            max(rated, default=Rating.UNKNOWN),
            tuple(dict.fromkeys(version for _, affected in group for version in affected.fixed)),
        )


def _covering(policy: AuditPolicy, ids: frozenset[str], name: str) -> set[Exemption]:
    return {exemption for exemption in policy.exemptions if exemption.covers(ids, name)}


def _known(vulnerability: Vulnerability, fail_on: Rating, path: str) -> Finding:
    component = vulnerability.component
    what = f"{component.name} {component.version}: {vulnerability.names} ({vulnerability.rating})"
    hint = "no version mends it yet; leave it out, or accept it in audit.toml"
    hint = f"take {' or '.join(vulnerability.fixed)}" if vulnerability.fixed else hint
    severity = Severity.ERROR if vulnerability.rating >= fail_on else Severity.WARNING
    return rules.VULNERABILITY_KNOWN.finding(
        path, f"{what}: {vulnerability.summary}" if vulnerability.summary else what, hint, severity
    )


def _unclear(record: Record, component: Component, error: Exception, path: str) -> Finding:
    message = f"{component.name} {component.version}: whether {record.id} affects it is unclear: {error}"
    return rules.VULNERABILITY_UNCLEAR.finding(path, message, "read the record; accept it in audit.toml if it does not")


def _sbom(found: Found, path: str) -> Iterator[Finding]:
    for component in found.unlisted:
        message = f"{component.name} {component.version} is in the zip, and not in the SBOM beside it"
        yield rules.SBOM_DIFFERS.finding(path, message, "build the layer anew")
    for component in found.gone:
        message = f"{component.name} {component.version} is in the SBOM, and not in the zip"
        yield rules.SBOM_DIFFERS.finding(path, message, "build the layer anew")


def _exemptions(policy: AuditPolicy, used: set[Exemption], today: date) -> Iterator[Finding]:
    rule = rules.VULNERABILITY_EXEMPT
    for exemption in policy.exemptions:
        if exemption not in used:
            message = f"the exception for {exemption.id} is about nothing that the layer holds"
            yield rule.finding(policy.path, message, "take it out", line=exemption.line)
        elif exemption.expires < today:
            message = f"the exception for {exemption.id} expired on {exemption.expires} ({exemption.reason})"
            yield rule.finding(policy.path, message, "mend it, or decide again", line=exemption.line)
