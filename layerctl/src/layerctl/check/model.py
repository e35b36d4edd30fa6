"""A function of a template with its content: its code, and that of its layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from layerctl.core.runtimes import runtime_of

if TYPE_CHECKING:
    from layerctl.artifact import Artifact, ArtifactEntry
    from layerctl.core.runtimes import Runtime
    from layerctl.python.distributions import Distribution
    from layerctl.python.metadata_reads import MetadataRead
    from layerctl.python.powertools_parts import PartUse
    from layerctl.templates import model as declarations
    from layerctl.templates.model import LayerReference, Place

__all__ = ["CheckedFunction", "Content", "Layer"]

_LARGEST_MODULE = 2_000_000  # bytes; what is larger is data that was generated


@dataclass(eq=False)
class Content:
    """The files of a layer (as below /opt) or of a function's code (as below /var/task).

    Attributes:
        artifact: the zip or folder that holds it.
        origin: where the content was taken from, for people.
        left_out: beginnings of paths that packaging leaves out.
        declared_runtimes, declared_architectures: what its publisher says it fits; empty: says nothing.
    """

    artifact: Artifact
    origin: str
    left_out: tuple[str, ...] = ()
    declared_runtimes: tuple[str, ...] = ()
    declared_architectures: tuple[str, ...] = ()

    @cached_property
    def entries(self) -> dict[str, ArtifactEntry]:
        """Path -> entry, without the folders that packaging leaves out."""
        return {
            entry.path: entry for entry in self.artifact.entries if not entry.path.startswith(self.left_out or ("\0",))
        }

    @property
    def folders(self) -> list[ArtifactEntry]:
        """The folders with their modes, without those that packaging leaves out; a zip may have none."""
        return [
            folder for folder in self.artifact.folders if not f"{folder.path}/".startswith(self.left_out or ("\0",))
        ]

    @cached_property
    def size(self) -> int:
        """Unzipped, in bytes."""
        return sum(entry.size for entry in self.entries.values())

    @cached_property
    def digest(self) -> str:
        """What identifies the content, whatever it lies in."""
        return self.artifact.content_digest()

    def read(self, path: str) -> bytes:
        """A file's content."""
        return self.artifact.read(self.entries[path])

    @cached_property
    def distributions(self) -> list[Distribution]:
        """Every distribution, wherever it lies."""
        from layerctl.python.distributions import read_distributions

        return read_distributions(self.entries, self.read)

    @cached_property
    def entry_points(self) -> list[str]:
        """The text of every ``entry_points.txt``."""
        paths = [path for path in self.entries if path.endswith("-info/entry_points.txt")]
        return [self.read(path).decode("utf-8", "replace") for path in paths]

    @cached_property
    def metadata_reads(self) -> dict[str, list[MetadataRead]]:
        """Where modules read the metadata of distributions: path -> the calls."""
        from layerctl.python.metadata_reads import metadata_reads

        found = {}
        for path, entry in self.entries.items():
            if path.endswith(".py") and entry.size < _LARGEST_MODULE:
                package = path.removeprefix("python/").partition("/")[0].removesuffix(".py")
                if reads := metadata_reads(self.read(path), package):
                    found[path] = reads
        return found

    @cached_property
    def powertools_parts(self) -> dict[str, list[PartUse]]:
        """What its own modules use of Powertools that needs an extra: path -> the uses."""
        from layerctl.python.powertools_parts import parts_used

        of_others = {path for distribution in self.distributions for path in distribution.files}
        found = {}
        for path, entry in sorted(self.entries.items()):
            own = path.endswith(".py") and not path.startswith("aws_lambda_powertools/") and path not in of_others
            if own and entry.size < _LARGEST_MODULE and (uses := parts_used(self.read(path))):
                found[path] = uses
        return found

    def same(self, path: str, other: Content, other_path: str | None = None) -> bool:
        """Whether a file has the same bytes in another content; False where either is not there."""
        mine, theirs = self.entries.get(path), other.entries.get(other_path or path)
        if mine is None or theirs is None or mine.size != theirs.size:
            return False
        return self.artifact.sha256(mine) == other.artifact.sha256(theirs)


@dataclass(eq=False)
class Layer:
    """One entry of a function's list of layers.

    Attributes:
        declared: what the template says of it.
        unknown: why `content` is None, and `hint` what would help.
    """

    declared: LayerReference
    content: Content | None = None
    unknown: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """How findings call it: ``shared-utils:5``, a logical id, or the expression as it is written."""
        return self.declared.name

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.declared.place

    @property
    def label(self) -> str:
        """The same in a sentence."""
        return f"layer {self.name}"


@dataclass(eq=False)
class CheckedFunction:
    """One function with what is known of its content.

    Attributes:
        declared: what the template says of it.
        code: what will be in /var/task, as far as it is known; `code_unknown` says what is not.
        deployed: what is in /var/task now, where that was given.
    """

    declared: declarations.Function
    layers: list[Layer] = field(default_factory=list)
    code: Content | None = None
    code_unknown: str = ""
    code_hint: str = ""
    deployed: Content | None = None

    @property
    def name(self) -> str:
        """Its logical id, or its key in a serverless.yml."""
        return self.declared.logical_id

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.declared.place

    @property
    def runtime_name(self) -> str | None:
        """The runtime's identifier; None where the template leaves it open."""
        return self.declared.runtime.text if self.declared.runtime is not None else None

    @property
    def runtime_place(self) -> Place:
        """Where the runtime is named; the function where it is not."""
        return self.declared.runtime.place if self.declared.runtime is not None else self.place

    @property
    def architecture(self) -> str | None:
        """``x86_64`` or ``arm64``; None where the template leaves it open."""
        return self.declared.architecture

    @property
    def is_image(self) -> bool:
        """Whether it is a container image, where layers cannot be attached."""
        return self.declared.is_image

    @property
    def runtime(self) -> Runtime | None:
        """The runtime's facts, where the runtime is known."""
        return runtime_of(self.runtime_name) if self.runtime_name else None

    @property
    def known_layers(self) -> list[tuple[Layer, Content]]:
        """The layers whose content is known, in the order in which Lambda unpacks them."""
        return [(layer, layer.content) for layer in self.layers if layer.content is not None]

    @property
    def complete(self) -> bool:
        """Whether everything that the function will see is known."""
        return (
            self.code is not None and not self.code_unknown and all(layer.content is not None for layer in self.layers)
        )
