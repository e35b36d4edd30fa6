"""Adding a requirement where the layer's requirements are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.files.read import read_text
from layerctl.dependencies.locking import ask_uv, changes, make_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerctl.dependencies.locking import Job

__all__ = ["add_requirements", "name_of"]


def name_of(text: str) -> str:
    """Return the canonical name of what a requirement asks for: a PEP 508 requirement, or a wheel by its file.

    Raises:
        LayerctlError: it is neither.
    """
    try:
        if re.match(r"[^@;]*\.whl$", text.strip()):
            return parse_wheel_filename(text.strip().rsplit("/", 1)[-1])[0]
        return canonicalize_name(Requirement(text).name)
    except (InvalidRequirement, InvalidWheelFilename):
        raise LayerctlError(
            f"{text[:80]!r} is no requirement",
            hint="expected e.g. orjson, 'orjson>=3.10', ../wheels/acme-1.0-py3-none-any.whl or 'acme @ URL-OF-A-WHEEL'",
        ) from None


def add_requirements(job: Job, requirements: Sequence[str], *, dry_run: bool = False) -> list[str]:
    """Add requirements to the lock's source, and lock it; one of the same name is replaced.

    They are locked first. Only what has a lock is written, the source before the lock, so that whatever fails or ends
    this program leaves a source that was asked for.

    Args:
        job: what to add to.
        requirements: PEP 508 requirements, or wheels by their files.
        dry_run: write nothing.

    Returns:
        what changes in the lock, one line for each distribution.

    Raises:
        LayerctlError: one is no requirement, they cannot be locked, or the file cannot be changed.
    """
    names = {name_of(text): text.strip() for text in requirements}
    if job.kind == "requirements":
        source = _merged(read_text(job.source), names)
        text = make_lock(job, instead=source)
        if not dry_run:
            write_bytes(job.source, source.encode())
    else:
        text = make_lock(job, more=names)
        if not dry_run:
            text = _add_to_project(job, names)
    found = changes(job, text)
    if not dry_run:
        write_bytes(job.lock, text.encode())
    return found


def _add_to_project(job: Job, names: dict[str, str]) -> str:
    """Have uv write into the project's table, whose format it keeps; what uv or the lock refuses is taken back."""
    kept = {path: path.read_bytes() for path in {job.source, job.source.with_name("pyproject.toml")} if path.is_file()}
    how = "--no-sync" if job.kind == "uv.lock" else "--frozen"  # only with a uv.lock has it one to renew
    failure = f"{job.source} can't take {', '.join(names)}"
    try:
        ask_uv(["add", "--quiet", how, *names.values()], job.source.parent, failure)
        return make_lock(job)
    except BaseException:
        for path, data in kept.items():
            write_bytes(path, data)
        raise


def _merged(text: str, names: dict[str, str]) -> str:
    left = dict(names)
    lines = []
    for line in text.splitlines():
        asked, _, comment = line.partition(" #")
        try:
            name = name_of(asked) if asked.strip() and not asked.lstrip().startswith(("#", "-")) else None
        except LayerctlError:  # a line of another kind
            name = None
        if name in names:
            if name in left:
                lines.append(left.pop(name) + (f" #{comment}" if comment else ""))
        else:
            lines.append(line)
    return "\n".join([*lines, *left.values()]) + "\n"
