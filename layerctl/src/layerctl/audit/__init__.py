"""Known vulnerabilities of what a layer holds: OSV records against its SBOM, by PyPI's version rules.

`records` and `api` get the records, `osv` reads and matches one, `exceptions` are what a repository accepts for a time.
"""

from layerctl.audit.api import ask_api
from layerctl.audit.components import Component, components_of
from layerctl.audit.exceptions import AuditPolicy, load_policy
from layerctl.audit.match import AuditedComponents, audit
from layerctl.audit.records import Records, load_records
from layerctl.audit.rules import RULES
from layerctl.audit.severity import Rating

__all__ = [
    "RULES",
    "AuditPolicy",
    "AuditedComponents",
    "Component",
    "Rating",
    "Records",
    "ask_api",
    "audit",
    "components_of",
    "load_policy",
    "load_records",
]
