"""The layer's lock: a hashed requirements file, and the part of it that ships."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from layerctl.config import LayerConfig

__all__ = ["LockedRequirement", "read_lock", "shipped"]

_HINT = "run: make lock"


@dataclass(frozen=True, slots=True)
class LockedRequirement:
    """One pinned requirement: canonical name, pinned version, and the whole of its lines as pip and uv read them."""

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
    path = config.requirements
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise LayerctlError(f"{path} does not exist", hint=_HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LayerctlError(f"{path} cannot be read: {error}") from None
    locked = []
    number = 1
    for logical in re.split(r"(?<!\\)\n", text):
        at, number = number, number + logical.count("\n") + 1
        line = re.sub(r"(^|\s)#.*", "", logical.replace("\\\n", " ")).strip()
        if not line:
            continue
        head = re.split(r"\s--hash", line, maxsplit=1)[0].strip()
        try:
            requirement = Requirement(head)
        except InvalidRequirement:
            raise LayerctlError(f"{path}:{at}: {head!r} is not a pinned requirement", hint=_HINT) from None
        pins = [pin for pin in requirement.specifier if pin.operator == "==" and not pin.version.endswith(".*")]
        if len(pins) != 1 or requirement.url:
            raise LayerctlError(f"{path}:{at}: {requirement.name} is not pinned with ==", hint=_HINT)
        if "--hash=sha256:" not in line:
            raise LayerctlError(f"{path}:{at}: {requirement.name} has no sha256 hash", hint=_HINT)
        locked.append(LockedRequirement(canonicalize_name(requirement.name), pins[0].version, requirement, line))
    return locked


def shipped(locked: list[LockedRequirement], config: LayerConfig) -> list[LockedRequirement]:
    """What of the lock goes into the layer: all but what the runtime provides.

    Raises:
        LayerctlError: with ``bundle-sdk``, a part of the SDK is not in the lock. Half of it would shadow the whole.
    """
    if not config.bundle_sdk:
        provided = {canonicalize_name(name) for name in config.provided}
        return [one for one in locked if one.name not in provided]
    missing = sorted({canonicalize_name(name) for name in config.sdk} - {one.name for one in locked})
    if missing:
        raise LayerctlError(
            f"{config.path} says bundle-sdk, but {config.requirements.name} lacks {', '.join(missing)}",
            hint="add boto3 to requirements.in and run: make lock",
        )
    other = {canonicalize_name(name) for name in config.provided - config.sdk}
    return [one for one in locked if one.name not in other]
