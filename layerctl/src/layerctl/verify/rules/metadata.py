"""Rules about distributions: RECORD, dependencies, the SDK, duplicates, licences."""

from __future__ import annotations

import base64
import csv
import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.diagnostics import Finding, Severity
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.licenses import is_allowed, spdx_expression
from layerctl.python.requirements import unmet_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.python.distributions import Distribution
    from layerctl.verify.case import Context

__all__ = ["check_dependencies", "check_duplicates", "check_licences", "check_records", "check_sdk"]


def check_records(context: Context) -> Iterator[Finding]:
    """RECORD against the files (PyPA: "Recording installed projects")."""
    for distribution in context.distributions:
        path = f"{distribution.folder}/RECORD"
        entry = context.artifact.get(path)
        if distribution.folder.endswith(".egg-info") or path in context.damaged:
            continue
        if entry is None:
            remedy = "install wheels, with pip or uv"
            yield Finding("record-mismatch", distribution.folder, f"{distribution} has no RECORD", remedy)
            continue
        text = context.artifact.read(entry).decode("utf-8", "replace")
        for row in csv.reader(text.splitlines()):
            if row:
                yield from _check_row(context, distribution, path, row)


def _check_row(context: Context, distribution: Distribution, record: str, row: list[str]) -> Iterator[Finding]:
    path = posixpath.normpath(distribution.root + row[0])
    # scripts and manual pages lie outside of a layer, or are left out of it: nobody runs them on Lambda
    if path in context.damaged or path.endswith(".pyc") or path.startswith(("..", "bin/", "python/bin/")):
        return
    entry = context.artifact.get(path)
    remedy = "install the distribution anew; what edits or removes installed files must rewrite RECORD"
    if entry is None:
        yield Finding("record-mismatch", record, f"it lists {row[0]}, which is not there", remedy)
        return
    kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
    if kind != "sha256":
        return
    actual = base64.urlsafe_b64encode(bytes.fromhex(context.artifact.sha256(entry))).rstrip(b"=").decode()
    if digest.rstrip("=") != actual:
        yield Finding("record-mismatch", path, f"its content is not what {distribution}'s RECORD says", remedy)


def check_dependencies(context: Context) -> Iterator[Finding]:
    """What each distribution asks for, on each runtime and architecture."""
    installed = {one.name: one for one in reversed(context.distributions)}
    config = context.config
    provided = config.provided if config else PROVIDED_SDK | PROVIDED_OTHER
    names = [canonicalize_name(name) for name in provided]
    where: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for runtime in context.runtimes:
        for architecture in context.architectures:
            for unmet in unmet_requirements(installed, runtime, architecture, provided=names):
                rule = "dependency-version" if unmet.found else "dependency-missing"
                found = f"{unmet.found} is there" if unmet.found else "it is not there"
                key = (rule, unmet.by.folder, f"{unmet.by} needs {unmet.requirement}, but {found}", str(unmet.by))
                where[key].append(f"{runtime.name}/{architecture}")
    for (rule, folder, message, _), targets in where.items():
        everywhere = len(targets) == len(context.runtimes) * len(context.architectures)
        suffix = "" if everywhere else f" (on {', '.join(targets)})"
        yield Finding(rule, folder, message + suffix, "lock the layer's dependencies together: make lock")


def check_sdk(context: Context) -> Iterator[Finding]:
    """Half an SDK shadows the runtime's and pairs modules that never met."""
    sdk = {canonicalize_name(name) for name in (context.config.sdk if context.config else PROVIDED_SDK)}
    here = {one.name for one in context.distributions} & sdk
    if here and here != sdk:
        yield Finding(
            "sdk-partial",
            "python",
            f"{', '.join(sorted(here))} are in the layer, {', '.join(sorted(sdk - here))} are the runtime's",
            "leave them all to the runtime, or ship all of them (bundle-sdk = true)",
        )


def check_duplicates(context: Context) -> Iterator[Finding]:
    """A distribution that is there in two versions, or twice."""
    by_name: dict[str, list[Distribution]] = defaultdict(list)
    for one in context.distributions:
        by_name[one.name].append(one)
    for name, several in by_name.items():
        if len(several) > 1:
            folders = ", ".join(one.folder for one in several)
            remedy = "build into an empty folder; installers don't remove what was there"
            yield Finding("distribution-twice", several[1].folder, f"{name} is there more than once: {folders}", remedy)


def check_licences(context: Context) -> Iterator[Finding]:
    """Licences against the list of layer.toml; without a list nothing is judged."""
    config = context.config
    if config is None or not config.licences:
        return
    for one in context.distributions:
        declared = config.known_licences.get(one.name, one.licence)
        expression = spdx_expression(declared)
        remedy = "look it up, and say it in layer.toml: [licences.known]"
        if not declared:
            yield Finding("licence", one.folder, f"{one} declares no licence", remedy, Severity.WARNING)
        elif expression is None:
            yield Finding("licence", one.folder, f"{one} declares {declared!r}, which is no SPDX expression", remedy)
        elif not is_allowed(expression, config.licences):
            remedy = "leave it out, or add the licence to [licences] allow in layer.toml"
            yield Finding("licence", one.folder, f"{one} is under {expression}, which is not allowed", remedy)
