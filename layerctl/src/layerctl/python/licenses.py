"""Licences as SPDX expressions: what a distribution declares, and whether a list allows it.

Sources: SPDX specification 2.3, annex D (expressions); PyPA "Core metadata" (License-Expression, License, Classifier).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

if TYPE_CHECKING:
    from collections.abc import Collection
    from email.message import Message

__all__ = ["is_allowed", "licence_of", "spdx_expression"]

# Trove classifiers and customary spellings that can mean one licence only. "BSD License" and "GPL" are left out: the
# first doesn't say how many clauses, the second not which version.
_KNOWN = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",  # the classifier has no version; 1.1 ended in 2004, before PyPI's uploads
    "apache software license 2.0": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "simplified bsd license": "BSD-2-Clause",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
    "mit no attribution license mit-0": "MIT-0",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense unlicense": "Unlicense",
    "zope public license": "ZPL-2.1",
    "gnu general public license v2 gplv2": "GPL-2.0-only",
    "gnu general public license v2 or later gplv2+": "GPL-2.0-or-later",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later",
    "gnu lesser general public license v2 or later lgplv2+": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later lgplv3+": "LGPL-3.0-or-later",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later",
}


def licence_of(metadata: Message) -> str:
    """The licence that core metadata declare, as an SPDX expression where that can be told without guessing.

    License-Expression wins. Then the License field, if it names one licence; then the classifiers, all of which count
    (several may mean a choice or a sum, so the stricter reading is taken). What is no SPDX is given as it is declared.
    """
    if expression := str(metadata.get("License-Expression") or "").strip():
        return spdx_expression(expression) or expression
    text = " ".join(str(metadata.get("License") or "").split())
    if known := spdx_expression(text):
        return known
    classifiers = [str(line) for line in metadata.get_all("Classifier") or []]
    names = [line.rsplit(" :: ", 1)[-1].strip() for line in classifiers if line.startswith("License :: ")]
    names = sorted({name for name in names if name != "OSI Approved"})
    if names:
        return " AND ".join(dict.fromkeys(spdx_expression(name) or name for name in names))
    return text if len(text) <= 80 else ""


def spdx_expression(text: str) -> str | None:
    """Write a licence as a canonical SPDX expression; None where it is none, or could be several."""
    plain = re.sub(r"[(),]|\s+", " ", text)
    known = _KNOWN.get(" ".join(plain.lower().split()))
    if known:
        return known
    try:
        return canonicalize_license_expression(text) if text else None
    except InvalidLicenseExpression:
        return None


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Whether an SPDX expression can be satisfied with allowed licences: one side of each OR, all of each AND.

    An exception (``WITH``) only ever adds permissions, so an allowed licence is allowed with it too.
    """
    from license_expression import ExpressionError, LicenseSymbol, LicenseWithExceptionSymbol, Licensing

    fine = {licence.lower() for licence in allowed}

    def holds(node: Any) -> bool:
        match node:
            case LicenseWithExceptionSymbol():
                return str(node).lower() in fine or node.license_symbol.key.lower() in fine
            case LicenseSymbol():
                return node.key.lower() in fine
        sides = (holds(side) for side in node.args)
        return any(sides) if node.operator.strip() == "OR" else all(sides)

    try:
        parsed = Licensing().parse(expression)
    except ExpressionError:
        return False
    return parsed is not None and holds(parsed)
