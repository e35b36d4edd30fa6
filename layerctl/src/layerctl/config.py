"""`layer.toml`: what a layer is, read once and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.find import find_above
from layerctl.core.files.read import parse_toml, read_text
from layerctl.core.toml_lines import TomlLines
from layerctl.core.toml_schema import find_mistakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LayerConfig", "find_layer_config", "layer_schema"]


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """The content of a `layer.toml`.

    Attributes:
        path: the file itself; `requirements` is found from its folder.
        above: where `root` is, from the file's folder.
        distribution: our own; of `packages` it has the layer's name.
        packages: folders and modules below `root` that ship as they are.
        lock_from: what the lock is made from, where the file says it.
        runtimes: Lambda runtime identifier to the exact interpreter version of a release build.
        sdk: the distributions that the runtime provides and that go all together or not at all.
        provided: every distribution that the runtime provides, `sdk` included.
        test_only: modules that ship for unit tests and need what Lambda has not; they are not imported to try them.
        known_licences: distribution -> SPDX expression, where its own metadata don't say it clearly.
        sources_only: patterns of paths below ``python/`` that get no bytecode.
        version: of a layer without a distribution of its own; otherwise the distribution's counts.
        budget_zipped, budget_unzipped: our own limits, in bytes, without bytecode.
        bytecode_zipped, bytecode_unzipped: what each runtime's bytecode may add to them.
        split_by: ``runtime``, ``architecture``: what each artifact has one of; see `parts`.
        profiles: partition -> profile of the AWS configuration, where a release spans partitions.
        leave_out: patterns of paths below ``python/`` that don't ship, though a third party's wheel has them.
        public_modules: modules of its own distribution that are public though no ``__all__`` names them.
        own_leave_out: modules of the layer's own distribution that don't ship: developers' tools.
    """

    path: Path
    name: str
    description: str
    distribution: str | None
    requirements: Path
    architectures: tuple[str, ...]
    runtimes: dict[str, str]
    bundle_sdk: bool
    sdk: frozenset[str]
    provided: frozenset[str]
    budget_zipped: int
    budget_unzipped: int
    licences: frozenset[str]
    regions: tuple[str, ...]
    licence: str = "MIT"
    test_only: tuple[str, ...] = ()
    known_licences: dict[str, str] = field(default_factory=dict)
    version: str = "0"
    sources_only: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    own_leave_out: tuple[str, ...] = ()
    bytecode_zipped: int = 0
    bytecode_unzipped: int = 0
    public: bool = False
    accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    profiles: dict[str, str] = field(default_factory=dict)
    split_by: tuple[str, ...] = ()
    public_modules: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    above: str = ".."
    lock_from: Path | None = None

    @property
    def root(self) -> Path:
        """The folder that the layer is built from."""
        return (self.path.parent / self.above).resolve()

    @property
    def parts(self) -> list[LayerConfig]:
        """The layers that are built: this one, or where it is split one for each runtime, architecture, or both."""
        parts = [self]
        if "runtime" in self.split_by:
            parts = [
                replace(part, name=f"{part.name}-{runtime.replace('.', '')}", runtimes={runtime: exact}, split_by=())
                for part in parts
                for runtime, exact in self.runtimes.items()
            ]
        if "architecture" in self.split_by:
            parts = [
                replace(part, name=f"{part.name}-{architecture}", architectures=(architecture,), split_by=())
                for part in parts
                for architecture in self.architectures
            ]
        return parts

    def for_artifact(self, path: Path) -> LayerConfig:
        """The part that an artifact ``NAME-VERSION.zip`` is of, by its name; all of it where that tells nothing."""
        fitting = [part for part in self.parts if path.name.startswith(f"{part.name}-")]
        return max(fitting, key=lambda part: len(part.name), default=self)

    def budgets(self, paths: Iterable[str]) -> tuple[int, int]:
        """Our own limits for a layer of these files, in bytes: zipped and unzipped.

        They grow with the number of runtimes that have bytecode, which depends on the interpreters of the builder.
        """
        runtimes = len({match[1] for path in paths if (match := re.search(r"\.cpython-(\d+)\.pyc$", path))})
        return (
            self.budget_zipped + runtimes * self.bytecode_zipped,
            self.budget_unzipped + runtimes * self.bytecode_unzipped,
        )

    @classmethod
    def load(cls, path: Path) -> LayerConfig:
        """Read a `layer.toml` and hold it against its schema (`layer_schema`).

        Raises:
            LayerctlError: the file is missing or no TOML; or it names unknown keys, or values that are not as they
                must be: then all of them are told, with their lines.
        """
        text = read_text(path, missing="name a layer.toml with --layer-config")
        data = parse_toml(text, path)
        found = [*find_mistakes(data, layer_schema()), *_other_releases(data), *_package_mistakes(data)]
        if found:
            lines = TomlLines(text)
            mistakes = sorted((lines.of(keys), said) for keys, said in found)
            many = f"{path} has {len(mistakes)} mistakes:\n" if len(mistakes) > 1 else ""
            raise LayerctlError(many + "\n".join(f"{path}:{line}: {said}" for line, said in mistakes), hint=_REFERENCE)
        layer, provided, budget = (_table(data, name) for name in ("layer", "provided", "budget"))
        leave_out = _table(data, "leave-out")
        licences, publish, sharing = (_table(data, name) for name in ("licences", "publish", "sharing"))
        return cls(
            path=path.resolve(),
            name=layer["name"],
            description=layer["description"],
            distribution=layer["distribution"] or (_canonical(layer["name"]) if layer["packages"] else None),
            packages=tuple(layer["packages"]),
            above=layer["root"],
            lock_from=path.resolve().parent / layer["lock-from"] if layer["lock-from"] else None,
            requirements=path.resolve().parent / layer["requirements"],
            architectures=tuple(layer["architectures"]),
            split_by=tuple(layer["split-by"]),
            licence=layer["licence"],
            version=layer["version"],
            test_only=tuple(layer["test-only"]),
            public_modules=tuple(layer["public"]),
            runtimes=data["runtimes"],
            sources_only=tuple(_table(data, "bytecode")["sources-only"]),
            leave_out=tuple(leave_out["patterns"]),
            own_leave_out=tuple(leave_out["own-modules"]),
            bundle_sdk=provided["bundle-sdk"],
            sdk=frozenset(provided["sdk"]),
            provided=frozenset(provided["sdk"] + provided["other"]),
            budget_zipped=budget["zipped"],
            budget_unzipped=budget["unzipped"],
            bytecode_zipped=budget["bytecode-zipped"],
            bytecode_unzipped=budget["bytecode-unzipped"],
            licences=frozenset(licences["allow"]),
            known_licences=licences["known"],
            regions=tuple(publish["regions"]),
            profiles=publish["profiles"],
            public=sharing["public"],
            accounts=tuple(sharing["accounts"]),
            organizations=tuple(sharing["organizations"]),
        )


_REFERENCE = f"the keys and their values: {resources.files('layerctl').joinpath('layer.schema.json')}"


@cache
def layer_schema() -> dict[str, Any]:
    """The JSON Schema of `layer.toml` (draft 2020-12)."""
    loaded: dict[str, Any] = json.loads(resources.files("layerctl").joinpath("layer.schema.json").read_text("utf-8"))
    return loaded


def _other_releases(data: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Runtimes whose interpreter is one of another runtime, which no schema can say."""
    runtimes = data.get("runtimes")
    for runtime, version in runtimes.items() if isinstance(runtimes, dict) else ():
        named = re.match(r"3\.\d+", version) if isinstance(version, str) else None
        if named and re.fullmatch(r"python3\.\d+", runtime) and runtime != f"python{named[0]}":
            yield ("runtimes", runtime), f"runtimes.{runtime} {version!r} is no release of {runtime}"


def _canonical(name: str) -> str:
    """A distribution's name (PyPA: names and normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _package_mistakes(data: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Packages beside a distribution, and such that lie elsewhere, which no schema can say."""
    layer = data.get("layer")
    packages = layer.get("packages") if isinstance(layer, dict) else None
    if not isinstance(layer, dict) or not isinstance(packages, list) or not packages:
        return
    at = ("layer", "packages")
    if layer.get("distribution"):
        yield at, "layer.packages and layer.distribution exclude each other: a distribution's wheel has its packages"
    for package in packages:
        path = PurePosixPath(package) if isinstance(package, str) else PurePosixPath()
        if path.is_absolute() or ".." in path.parts or "\\" in str(path):
            yield at, f"layer.packages names {package!r}; expected a path below the layer's root, with /"


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of a file that is right, with the schema's defaults for what is not named."""
    schema = layer_schema()
    known = schema["properties"][name]["properties"]
    whole = {
        key: schema["$defs"].get(setting.get("$ref", "").rpartition("/")[2], {}) | setting
        for key, setting in known.items()
    }
    defaults = {key: setting["default"] for key, setting in whole.items() if "default" in setting}
    given: dict[str, Any] = data.get(name, {})
    return defaults | given


def find_layer_config(start: Path | None = None) -> Path:
    """Find `layer/layer.toml` in `start` (default: the current folder) or the nearest folder above it.

    Raises:
        LayerctlError: there is none.
    """
    path = find_above("layer/layer.toml", "layer.toml", start=start)
    if path is None:
        raise LayerctlError(
            f"no layer/layer.toml in {(start or Path.cwd()).resolve()} or above it",
            hint="run inside the layer's repository, or name the file with --layer-config; "
            "`layerctl init` makes a new one",
        )
    return path
