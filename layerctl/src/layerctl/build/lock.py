"""The layer's lock: a hashed requirements file, and the part of it that ships."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.config import LayerConfig

__all__ = ["LockedRequirement", "parse_lock", "read_lock", "shipped"]

_HINT = "run `layerctl lock`"


@dataclass(frozen=True, slots=True)
class LockedRequirement:
    """One pinned requirement.

    Attributes:
        name: canonical.
        requirement: name, version and marker; of a wheel that is named by its file or URL too.
        text: the whole of its lines as pip and uv read them from anywhere, with hashes.
    """

    name: str
    version: str
    requirement: Requirement
    text: str

    @property
    def hashes(self) -> tuple[str, ...]:
        """The SHA-256 in hex of the archives that it allows."""
        return tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", self.text)))


def read_lock(config: LayerConfig) -> list[LockedRequirement]:
    """Read the lock.

    Raises:
        LayerctlError: it is missing, or a requirement is not pinned with a hash.
    """
    return parse_lock(read_text(config.requirements, missing=_HINT), config.requirements)


def parse_lock(text: str, path: Path) -> list[LockedRequirement]:
    """Read a lock from its text.

    A requirement is pinned by its version, or is a wheel by its file (relative to the lock) or URL.

    Args:
        text: a requirements file with hashes.
        path: where it is, or will be.

    Raises:
        LayerctlError: a requirement is not pinned with a hash.
    """
    locked = []
    number = 1
    for logical in re.split(r"(?<!\\)\n", text):
        at, number = number, number + logical.count("\n") + 1
        line = re.sub(r"(^|\s)#.*", "", logical.replace("\\\n", " ")).strip()
        if not line:
            continue
        head = re.split(r"\s--hash", line, maxsplit=1)[0].strip()
        try:
            requirement, head = _wheel(head, path.parent) or (Requirement(head), head)
        except (InvalidRequirement, InvalidWheelFilename):
            raise LayerctlError(f"{path}:{at}: {head!r} is not a pinned requirement", hint=_HINT) from None
        pins = [pin for pin in requirement.specifier if pin.operator == "==" and not pin.version.endswith(".*")]
        if len(pins) != 1 or requirement.url:
            raise LayerctlError(f"{path}:{at}: {requirement.name} is not pinned with ==", hint=_HINT)
        if "--hash=sha256:" not in line:
            raise LayerctlError(f"{path}:{at}: {requirement.name} has no sha256 hash", hint=_HINT)
        hashes = line[line.index("--hash") :]
        name = canonicalize_name(requirement.name)
        locked.append(LockedRequirement(name, pins[0].version, requirement, f"{head} {hashes}"))
    return locked


def _wheel(head: str, folder: Path) -> tuple[Requirement, str] | None:
    """A requirement that is a wheel's file or URL, and how it is named from anywhere; None where it is neither.

    uv writes a file as it stands in its source (``../wheels/acme-1.0-py3-none-any.whl``), a URL behind the name and @.
    """
    where, _, marker = (part.strip() for part in head.partition(" ;"))
    url = where.partition(" @ ")[2].strip() or where
    place = url.partition("#")[0]
    if not place.endswith(".whl"):
        return None
    name, version, _, _ = parse_wheel_filename(unquote(place.rsplit("/", 1)[-1]))
    behind = f" ; {marker}" if marker else ""
    if "://" not in url:
        where = str((folder / url).resolve())
    return Requirement(f"{name}=={version}{behind}"), where + behind


def shipped(locked: list[LockedRequirement], config: LayerConfig) -> list[LockedRequirement]:
    """What of the lock goes into the layer: all but what the runtime provides.

    Raises:
        LayerctlError: with ``bundle-sdk``, a part of the SDK is not in the lock. Half of it would shadow the whole.
    """
    if not config.bundle_sdk:
        provided = {canonicalize_name(name) for name in config.provided}
        return [requirement for requirement in locked if requirement.name not in provided]
    missing = sorted({canonicalize_name(name) for name in config.sdk} - {requirement.name for requirement in locked})
    if missing:
        raise LayerctlError(
            f"{config.path} says bundle-sdk, but {config.requirements.name} lacks {', '.join(missing)}",
            hint="run `layerctl add boto3`",
        )
    other = {canonicalize_name(name) for name in config.provided - config.sdk}
    return [requirement for requirement in locked if requirement.name not in other]
