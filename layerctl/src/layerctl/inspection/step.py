"""Whether a version moved as far as its changes ask (https://semver.org; before 1.0.0 a break needs a minor step)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from layerctl.inspection.api import ApiChange, Step
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.inspection.api import ApiDifference
    from layerctl.inspection.difference import Difference
    from layerctl.inspection.survey import Survey

__all__ = ["RULES", "changes_of", "check_step", "step_between"]

VERSION_STEP = Rule(
    id="version-step",
    commands=("diff",),
    summary="The version moves at least as far as the changes ask.",
    looks_at="Removed, changed and added public names, distributions, runtimes; and both versions. Other content needs "
    "a patch step, something new a minor one, something that breaks users a major one (before 1.0.0: a minor one).",
    example="1.3.1 to 1.3.2, though `acme.config.get` lost a parameter.",
    fix="Raise the version as said, or take the change back.",
)
RULES = {VERSION_STEP.id: VERSION_STEP}


def changes_of(difference: Difference, api: ApiDifference, before: Survey, after: Survey) -> list[ApiChange]:
    """Return everything that asks for a step, the largest first: names, distributions, runtimes, content."""
    found = list(api.changes)
    for part in difference.parts:
        if part.how in ("new", "gone"):
            step = Step.MINOR if part.how == "new" else Step.MAJOR
            how = "added" if part.how == "new" else "removed"
            found.append(ApiChange(part.name, how, f"distribution {part.after or part.before}", step))
    was, now = ({covered.runtime for covered in side.coverage if covered.compiled} for side in (before, after))
    found += [ApiChange(runtime, "removed", "bytecode for the runtime", Step.MAJOR) for runtime in was - now]
    found += [ApiChange(runtime, "added", "bytecode for the runtime", Step.MINOR) for runtime in now - was]
    if not difference.same_content:
        found.append(ApiChange(after.name or after.digest, "changed", "content", Step.PATCH))
    return sorted(found, key=lambda change: (-change.step, change.path, change.what))


def step_between(old: str, new: str) -> Step | None:
    """Return the step from one version to the next; None where one is no version.

    From a pre-release any step is free, for what it announces is not out yet; backwards is none.
    """
    try:
        was, now = Version(old), Version(new)
    except (InvalidVersion, ValueError):
        return None
    if now <= was:
        return Step.NONE
    if was.is_prerelease or now.major != was.major or now.epoch != was.epoch:
        return Step.MAJOR
    return Step.MINOR if now.minor != was.minor else Step.PATCH


def check_step(changes: list[ApiChange], old: str, new: str, where: str) -> Iterator[Finding]:
    """Hold the step between two versions against the changes. Nothing is said where one is no version."""
    made = step_between(old, new)
    if made is None or not changes:
        return
    early = Version(old).major == 0 and Version(new).major == 0
    asked = changes[0].step
    step = Step(asked - 1) if early and asked > Step.PATCH else asked
    if made >= step:
        return
    reasons = [change for change in changes if change.step is asked]
    shown = "; ".join(f"{reason.path} {reason.how} ({reason.what})" for reason in reasons[:3])
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    how = f"is a {made} step" if made else "is no step forward"
    message = f"{old} to {new} {how}, but the changes need a {step} one: {shown}{more}"
    yield VERSION_STEP.finding(where, message, f"raise the version by a {step} step, or take the change back")
