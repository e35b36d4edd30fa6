"""Rules about distributions: RECORD, dependencies, the SDK, duplicates, licences."""

from __future__ import annotations

import base64
import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.core.text import some
from layerctl.python.distributions import record_rows
from layerctl.python.licenses import is_allowed, spdx_expression
from layerctl.python.requirements import SDK_CORE, unfit_urllib3, unmet_requirements
from layerctl.rules import Rule
from layerctl.rules.shared import DEPENDENCY_MISSING, DEPENDENCY_VERSION, SDK_PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.artifact import ArtifactEntry
    from layerctl.core.diagnostics import Finding
    from layerctl.python.distributions import Distribution
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_dependencies", "check_duplicates", "check_licences", "check_records", "check_sdk"]

RECORD_MISMATCH = Rule(
    id="record-mismatch",
    commands=("verify",),
    summary="Each distribution has a RECORD, and the files are as it says.",
    looks_at='`*.dist-info/RECORD` against the files and their SHA-256 (PyPA, "Recording installed projects").',
    example="A file that was edited after it was installed.",
    fix="Install the distribution anew; what edits or removes installed files must rewrite RECORD.",
)
DISTRIBUTION_TWICE = Rule(
    id="distribution-twice",
    commands=("verify",),
    summary="Each distribution is there once.",
    looks_at="The `*.dist-info` and `*.egg-info` folders.",
    example="`attrs-23.1.0.dist-info` beside `attrs-24.2.0.dist-info`.",
    fix="Build into an empty folder; installers don't remove what was there.",
)
LICENCE = Rule(
    id="licence",
    commands=("verify",),
    summary="Each distribution has a licence that layer.toml allows.",
    looks_at="The licence that each distribution declares, as an SPDX expression, against `[licences] allow`. One that "
    "declares none is a warning. Without a list nothing is judged.",
    example="A dependency under GPL-3.0-only where the list has MIT and Apache-2.0.",
    fix="Leave it out, add the licence to `allow`, or say in `[licences.known]` what an unclear one is.",
)


def check_records(case: ArtifactCase) -> Iterator[Finding]:
    """RECORD against the files (PyPA: "Recording installed projects"). A warning for others: theirs was slimmed."""
    hint = "install the distribution anew; what edits or removes installed files must rewrite RECORD"
    for distribution in case.distributions:
        path = f"{distribution.folder}/RECORD"
        entry = case.artifact.get(path)
        if distribution.folder.endswith(".egg-info") or path in case.damaged:
            continue
        if entry is None:
            message = f"{distribution} has no RECORD"
            yield RECORD_MISMATCH.finding(distribution.folder, message, "install wheels, with pip or uv", case.doubtful)
            continue
        gone = []
        for row in record_rows(case.artifact.read(entry)):
            file = posixpath.normpath(distribution.root + row[0])
            # scripts and manual pages lie outside of a layer, or are left out of it: nobody runs them on Lambda
            if file in case.damaged or file.endswith(".pyc") or file.startswith(("..", "bin/", "python/bin/")):
                continue
            if (there := case.artifact.get(file)) is None:
                gone.append(row[0])
            elif not _as_recorded(case, there, row):
                message = f"its content is not what {distribution}'s RECORD says"
                yield RECORD_MISMATCH.finding(file, message, hint, case.doubtful)
        if gone:
            message = f"it lists {some(gone)}, which {'is' if len(gone) == 1 else 'are'} not there"
            yield RECORD_MISMATCH.finding(path, message, hint, case.doubtful)


def _as_recorded(case: ArtifactCase, entry: ArtifactEntry, row: list[str]) -> bool:
    kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
    actual = base64.urlsafe_b64encode(bytes.fromhex(case.artifact.sha256(entry))).rstrip(b"=").decode()
    return kind != "sha256" or digest.rstrip("=") == actual


def check_dependencies(case: ArtifactCase) -> Iterator[Finding]:
    """What each distribution asks for, on each runtime and architecture."""
    installed = {distribution.name: distribution for distribution in reversed(case.distributions)}
    config = case.config
    provided = config.provided if config else PROVIDED_SDK | PROVIDED_OTHER
    names = [canonicalize_name(name) for name in provided]
    where: dict[tuple[Rule, str, str, str], list[str]] = defaultdict(list)
    for runtime in case.runtimes:
        for architecture in case.architectures:
            for unmet in unmet_requirements(installed, runtime, architecture, provided=names):
                rule = DEPENDENCY_VERSION if unmet.found else DEPENDENCY_MISSING
                found = f"{unmet.found} is there" if unmet.found else "it is not there"
                key = (rule, unmet.by.folder, f"{unmet.by} needs {unmet.requirement}, but {found}", str(unmet.by))
                where[key].append(f"{runtime.name}/{architecture}")
    for (rule, folder, message, _), targets in where.items():
        everywhere = len(targets) == len(case.runtimes) * len(case.architectures)
        suffix = "" if everywhere else f" (on {', '.join(targets)})"
        # What a layer of others lacks may come from another layer, or from the function's code.
        severity = case.doubtful if rule is DEPENDENCY_MISSING else None
        yield rule.finding(
            folder, message + suffix, "lock the layer's dependencies together: `layerctl lock`", severity
        )


def check_sdk(case: ArtifactCase) -> Iterator[Finding]:
    """Half an SDK shadows the runtime's and pairs modules that never met.

    An own layer says in layer.toml what goes all together or not at all. In a layer of others these are the SDK's own
    three; what they share with everybody else may be there, in a version that the runtime's SDK takes.
    """
    together = {canonicalize_name(name) for name in (case.config.sdk if case.config else SDK_CORE)}
    installed = {distribution.name: distribution for distribution in case.distributions}
    here = installed.keys() & together
    if here and here != together:
        yield SDK_PARTIAL.finding(
            "python",
            f"{', '.join(sorted(here))} are in the layer, {', '.join(sorted(together - here))} are the runtime's",
            "leave them all to the runtime, or ship all of them (bundle-sdk = true)",
        )
    elif not here:
        for runtime in case.runtimes:
            if (urllib3 := installed.get("urllib3")) and (allowed := unfit_urllib3(urllib3, runtime)):
                message = (
                    f"{urllib3} hides the runtime's own, and the botocore of {runtime.name} needs urllib3{allowed}"
                )
                yield SDK_PARTIAL.finding(urllib3.folder, message, f"install urllib3{allowed}, or ship the whole SDK")
                return


def check_duplicates(case: ArtifactCase) -> Iterator[Finding]:
    """A distribution that is there in two versions, or twice."""
    by_name: dict[str, list[Distribution]] = defaultdict(list)
    for distribution in case.distributions:
        by_name[distribution.name].append(distribution)
    for name, several in by_name.items():
        if len(several) > 1:
            folders = ", ".join(distribution.folder for distribution in several)
            hint = "build into an empty folder; installers don't remove what was there"
            yield DISTRIBUTION_TWICE.finding(
                several[1].folder, f"{name} is there more than once: {folders}", hint, case.doubtful
            )


def check_licences(case: ArtifactCase) -> Iterator[Finding]:
    """Licences against the list of layer.toml; without a list nothing is judged."""
    config = case.config
    if config is None or not config.licences:
        return
    for distribution in case.distributions:
        declared = config.known_licences.get(distribution.name, distribution.licence)
        expression = spdx_expression(declared)
        hint = "look it up, and say it in layer.toml: [licences.known]"
        if not declared:
            yield LICENCE.finding(distribution.folder, f"{distribution} declares no licence", hint, Severity.WARNING)
        elif expression is None:
            yield LICENCE.finding(
                distribution.folder, f"{distribution} declares {declared!r}, which is no SPDX expression", hint
            )
        elif not is_allowed(expression, config.licences):
            hint = "leave it out, or add the licence to [licences] allow in layer.toml"
            yield LICENCE.finding(
                distribution.folder, f"{distribution} is under {expression}, which is not allowed", hint
            )
