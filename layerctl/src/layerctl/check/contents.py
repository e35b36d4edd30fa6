"""Finds what a layer, a function's code and the deployed code hold: on this machine, in the cache, or at AWS.

What is not found is said, never guessed.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from layerctl.artifact import Artifact, ArtifactEntry, ArtifactError, ReadLimits, open_artifact
from layerctl.build.layer_sources import newest_artifact
from layerctl.check.model import CheckedFunction, Content, Layer
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from layerctl.check.fetch import Fetched
    from layerctl.templates import model as declarations

__all__ = ["Contents", "Sources"]

# What SAM's Python builder and the Serverless Framework leave out of a package.
_LEFT_OUT = (".aws-sam/", ".chalice/", ".git/", ".serverless/", "node_modules/.cache/", ".venv/")
# A source folder may hold a repository; what Lambda takes is counted after leaving that out.
_CODE_LIMITS = ReadLimits(entries=400_000, unpacked_bytes=2**34)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look, in this order.

    Attributes:
        layers: what the user named: a logical id, a layer's name, its ARN or a version's ARN -> a zip or folder.
        code: a function's name -> its zip or folder.
        deployed: a function's name -> its code as it is deployed; ``*`` stands for every function.
        dist: folders with artifacts that `layerctl build` made.
        fetch: gets a layer version from AWS; None: stay offline.
    """

    layers: Mapping[str, Path] = field(default_factory=dict)
    code: Mapping[str, Path] = field(default_factory=dict)
    deployed: Mapping[str, Path] = field(default_factory=dict)
    dist: tuple[Path, ...] = ()
    fetch: Callable[[Layer], Fetched] | None = None


class Contents:
    """Opens each artifact once and keeps it open for as long as functions are judged. Use it with ``with``."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._stack = ExitStack()
        self._open: dict[tuple[Path, bool], Artifact | LayerctlError] = {}
        self._contents: dict[tuple[Path, bool, tuple[str, ...], tuple[str, ...]], Content] = {}
        self.used: set[str] = set()  # the names of `Sources.layers`, `.code` and `.deployed` that matched something

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def fill(self, declared: declarations.Function) -> CheckedFunction:
        """Find the content of a function's code and layers."""
        function = CheckedFunction(declared)
        self._code(function)
        for reference in declared.layers:
            layer = Layer(reference, unknown=reference.unknown, hint=reference.hint)
            function.layers.append(layer)
            if not reference.invalid:
                self._layer(layer)
        return function

    # --- code ---------------------------------------------------------------------------------------------

    def _code(self, function: CheckedFunction) -> None:
        if function.is_image:
            return
        code = function.declared.code
        deployed = self._named(self._sources.deployed, [function.name, "*"])
        if deployed is not None:
            function.deployed = self._content(deployed, code=True)
        path = self._named(self._sources.code, [function.name])
        if path is not None:
            function.code = self._content(path, code=True)
            return
        function.code_unknown, function.code_hint = code.unknown, code.hint
        if code.inline is not None:
            function.code = Content(_Inline(code.inline), "the template")
        elif code.path is not None and not code.unknown:
            self._local_code(function, code.path)

    def _local_code(self, function: CheckedFunction, path: Path) -> None:
        try:
            function.code = self._content(path, code=True)
        except LayerctlError as error:
            function.code_unknown = f"the function's code can't be read: {error.what}"
            function.code_hint = f"mend it, or name the code with --code {function.name}=PATH"
            return
        if function.declared.code.built or not path.is_dir():
            return
        wanted = [name for name in ("requirements.txt", "package.json", "pyproject.toml") if _asks(path / name)]
        if wanted and function.runtime is not None:
            function.code_unknown = f"what a build installs for {wanted[0]} is not in {path.as_posix()}"
            function.code_hint = "run `sam build` and check .aws-sam/build/template.yaml"

    # --- layers -------------------------------------------------------------------------------------------

    def _layer(self, layer: Layer) -> None:
        reference, resource = layer.declared, layer.declared.resource
        names = [layer.name, reference.layer_name, reference.identity or "", str(reference.arn or "")]
        declared = (resource.runtimes, resource.architectures) if resource is not None else ((), ())
        if resource is not None:
            names.append(resource.name)
        if (path := self._named(self._sources.layers, names)) is not None:
            layer.content = self._content(path)
        elif resource is not None and resource.built and resource.path is not None:
            try:
                layer.content = self._content(resource.path, *declared)
            except LayerctlError as error:
                layer.unknown, layer.hint = error.what, "build the layer first (`sam build`), or mend the path"
        elif (path := self._in_dist(resource.name if resource is not None else reference.layer_name)) is not None:
            layer.content = self._content(path, *declared)
        elif resource is not None:
            layer.unknown = "the template builds it, and what the build makes is not at hand"
            layer.hint = f"run `sam build` and check .aws-sam/build/template.yaml, or use --layer {layer.name}=PATH"
        else:
            self._fetched(layer)

    def _fetched(self, layer: Layer) -> None:
        name = layer.declared.layer_name or layer.name
        known = layer.declared.arn is not None
        instead = "check with credentials" if known else "give what decides it: --region, --parameter"
        layer.hint = layer.hint or f"name its content with --layer {name}=PATH, or {instead}"
        if layer.unknown:
            return
        if self._sources.fetch is None:
            layer.unknown = "no content of that name is at hand, and --offline forbids asking AWS"
            return
        try:
            fetched = self._sources.fetch(layer)
            layer.content = self._content(fetched.path, fetched.runtimes, fetched.architectures)
        except LayerctlError as error:
            layer.unknown = error.what

    def _in_dist(self, name: str) -> Path | None:
        """The newest artifact of that name that `layerctl build` left, if there is one."""
        found = (newest_artifact(name, folder) for folder in (self._sources.dist if name else ()))
        return next((path for path in found if path is not None), None)

    def _named(self, given: Mapping[str, Path], names: list[str]) -> Path | None:
        for name in names:
            if name in given:
                self.used.add(name)
                return given[name]
        return None

    def _content(
        self, path: Path, runtimes: tuple[str, ...] = (), architectures: tuple[str, ...] = (), *, code: bool = False
    ) -> Content:
        """What a layer or a function's code holds, the same object for every function: it is looked through once."""
        key = (path.resolve(), code, runtimes, architectures)
        if key not in self._contents:
            left_out = _LEFT_OUT if code else ()
            self._contents[key] = Content(self._artifact(path, code=code), str(path), left_out, runtimes, architectures)
        return self._contents[key]

    def _artifact(self, path: Path, *, code: bool) -> Artifact:
        """Open an artifact, or raise again what went wrong the first time."""
        key = (path.resolve(), code)
        if key not in self._open:
            try:
                limits = _CODE_LIMITS if code else None
                opened = self._stack.enter_context(open_artifact(path, strict=False, limits=limits))
                # Links are left out: they have no bytes of their own, and Lambda keeps them as they are.
                unsafe = [problem for problem in opened.problems if problem.kind != "link"]
                if unsafe and not code:
                    raise ArtifactError(
                        f"{path} is not safe to read: {unsafe[0]}", hint="`layerctl verify` lists everything"
                    )
                self._open[key] = opened
            except ArtifactError as error:
                self._open[key] = error
        found = self._open[key]
        if isinstance(found, LayerctlError):
            raise found
        return found


class _Inline(Artifact):
    """Code that stands in the template itself: one file, ``index.py``."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()
        super().__init__(Path("index.py"), [ArtifactEntry("index.py", size=len(self._data))], (), ())

    @property
    def zipped_size(self) -> int | None:
        return None

    def open(self, entry: ArtifactEntry) -> IO[bytes]:
        return io.BytesIO(self._data)


def _asks(path: Path) -> bool:
    """Whether a build would install something for that file."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return False
    if path.suffix == ".txt":
        return any(line.strip() and not line.strip().startswith("#") for line in text.splitlines())
    return '"dependencies"' in text if path.suffix == ".json" else "dependencies" in text
