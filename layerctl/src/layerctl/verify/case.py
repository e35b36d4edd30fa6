"""What the rules are given to look at."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.artifact import ArtifactError
from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import ARCHITECTURES, newest_python, runtime_of, supported_pythons
from layerctl.python.elf import MAGIC, is_shared_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.artifact import Artifact, ArtifactEntry
    from layerctl.build.manifest import Manifest
    from layerctl.config import LayerConfig
    from layerctl.core.runtimes import Runtime
    from layerctl.python.distributions import Distribution

__all__ = ["ArtifactCase", "Options"]

# What a name says of the Python that it is for: x.cpython-312-x86_64-linux-gnu.so, lib/python3.12/site-packages/.
_FOR_RUNTIME = re.compile(r"\.cpython-3(\d+)-[\w-]+\.so$|^python/lib/python3\.(\d+)/site-packages/")
# ELF header, e_machine (System V ABI, chapter 4): the architectures of Lambda.
_MACHINES = {62: "x86_64", 183: "arm64"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to check, and what for.

    Attributes:
        imports: run the layer's code: import its modules on each interpreter found.
        rebuild: build the layer from the checkout again and compare.
        runtimes, architectures: what the layer is for; empty: what layer.toml says, else what its file names say.
    """

    imports: bool = False
    rebuild: bool = False
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


@dataclass(eq=False)
class ArtifactCase:
    """An artifact, and all that is known of it.

    Attributes:
        artifact: opened with ``strict=False``.
        distributions: what lies in it.
        config: the `layer.toml` to judge by; None judges by Lambda's own rules only, as for a layer of others.
        manifest: the manifest beside the zip.
        options: what to check, and what for.
        damaged: files whose content can't be read; rules leave them out.
        commented: files that hold a comment for layerctl; found while the content is read.
        metadata_readers: modules that may read the metadata of distributions; the same.
        advance: told how many bytes were looked at.
    """

    artifact: Artifact
    distributions: list[Distribution]
    config: LayerConfig | None = None
    manifest: Manifest | None = None
    options: Options = field(default_factory=Options)
    damaged: set[str] = field(default_factory=set)
    commented: set[str] = field(default_factory=set)
    metadata_readers: set[str] = field(default_factory=set)
    advance: Callable[[int], None] = lambda size: None

    @property
    def readable(self) -> list[ArtifactEntry]:
        """The files whose content can be read."""
        return [entry for entry in self.artifact.entries if entry.path not in self.damaged]

    @cached_property
    def runtimes(self) -> list[Runtime]:
        """The runtimes that the layer is for, as far as they are known."""
        tagged = {f"python3.{match[1] or match[2]}" for match in self._named(_FOR_RUNTIME)}
        declared = self.config.runtimes if self.config else sorted(tagged) or _supported()
        named = self.options.runtimes or declared
        return [runtime for name in named if (runtime := runtime_of(name) or _newer(name))]

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that the layer is for."""
        if self.options.architectures or self.config:
            return self.options.architectures or (self.config.architectures if self.config else ())
        return tuple(name for name in ARCHITECTURES if name in self.built_for) or tuple(ARCHITECTURES)

    @cached_property
    def built_for(self) -> frozenset[str]:
        """The architectures of the layer's shared libraries; empty where it has none."""
        heads = (self._head(entry) for entry in self.readable if is_shared_object(entry.path))
        found = (_MACHINES.get(int.from_bytes(head[18:20], "little")) for head in heads if head.startswith(MAGIC))
        return frozenset(name for name in found if name is not None)

    @property
    def own(self) -> str | None:
        """The canonical name of our own distribution."""
        return canonicalize_name(self.config.distribution) if self.config and self.config.distribution else None

    @property
    def doubtful(self) -> Severity:
        """How bad something is that Lambda does not mind: an error in an own layer, a warning in a layer of others."""
        return Severity.ERROR if self.config else Severity.WARNING

    def owner(self, path: str) -> Distribution | None:
        """The distribution that a file belongs to."""
        return self._owners.get(path)

    @cached_property
    def _owners(self) -> dict[str, Distribution]:
        return {path: distribution for distribution in reversed(self.distributions) for path in distribution.files}

    def _head(self, entry: ArtifactEntry) -> bytes:
        try:
            with self.artifact.open(entry) as stream:
                return stream.read(20)
        except (ArtifactError, OSError):
            return b""  # check_content tells

    def _named(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        return [match for entry in self.artifact.entries if (match := pattern.search(entry.path))]


def _supported() -> list[str]:
    return [runtime.name for runtime in supported_pythons(dt.datetime.now(dt.UTC).date())]


def _newer(name: str) -> Runtime | None:
    """A runtime that came after our table: taken to be like the newest one in it."""
    newest = newest_python(dt.date.min)
    return replace(newest, name=name, magic=None) if name.startswith("python3.") else None
