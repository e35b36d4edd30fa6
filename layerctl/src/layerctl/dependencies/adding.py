"""Adding a requirement where the layer's requirements are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import write_bytes
from layerctl.core.files.read import read_text
from layerctl.dependencies.locking import ask_uv

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


def add_requirements(job: Job, requirements: Sequence[str]) -> None:
    """Write requirements into the lock's source; one of the same name is replaced.

    Raises:
        LayerctlError: one is no requirement, or the file cannot be changed.
    """
    names = {name_of(text): text.strip() for text in requirements}
    if job.kind != "requirements":
        # `uv add` edits the project's table and keeps its format; only with a uv.lock has it one to renew
        how = ["--no-sync"] if job.kind == "uv.lock" else ["--frozen"]
        ask_uv(
            ["add", "--quiet", *how, *names.values()], job.source.parent, f"{job.source} can't take {', '.join(names)}"
        )
        return
    write_bytes(job.source, _merged(read_text(job.source), names).encode())


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
