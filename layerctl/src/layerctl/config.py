"""`layer.toml`: what a layer is, read once and checked."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.find import find_above
from layerctl.core.runtimes import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LayerConfig", "find_layer_config"]


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """The content of a `layer.toml`.

    Attributes:
        path: the file itself; `requirements` and the sources are found from its folder.
        runtimes: Lambda runtime identifier to the exact interpreter version of a release build.
        sdk: the distributions that the runtime provides and that go all together or not at all.
        provided: every distribution that the runtime provides, `sdk` included.
        test_only: modules that ship for unit tests and need what Lambda has not; they are not imported to try them.
        known_licences: distribution -> SPDX expression, where its own metadata don't say it clearly.
        sources_only: patterns of paths below ``python/`` that get no bytecode.
        version: of a layer without a distribution of its own; otherwise the distribution's counts.
        budget_zipped, budget_unzipped: our own limits, in bytes, without bytecode.
        bytecode_zipped, bytecode_unzipped: what each runtime's bytecode may add to them.
        leave_out: patterns of paths below ``python/`` that don't ship, though a third party's wheel has them.
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
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The repository that the layer is built from."""
        return self.path.parent.parent

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
        """Read and check a `layer.toml`.

        Raises:
            LayerctlError: the file is missing, no TOML, or lacks a required value.
        """
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise LayerctlError(f"{path} does not exist", remedy="name a layer.toml with --layer-config") from None
        except (OSError, UnicodeDecodeError) as error:
            raise LayerctlError(f"{path} cannot be read: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise LayerctlError(f"{path} is not TOML: {error}") from None
        reader = _Reader(path, data)
        runtimes = reader.get("runtimes", dict)
        for runtime, version in (runtimes or {"nothing": ""}).items():
            if not re.fullmatch(r"python3\.\d+", runtime):
                raise LayerctlError(f"{path}: [runtimes] names {runtime!r}", remedy="expected e.g. python3.13")
            if not isinstance(version, str) or not version.startswith(f"{runtime.removeprefix('python')}."):
                raise LayerctlError(
                    f"{path}: [runtimes] {runtime} = {version!r} is no release of it",
                    remedy=f'expected e.g. "{runtime.removeprefix("python")}.1"',
                )
        name = reader.get("layer.name", str)
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,140}", name):
            raise LayerctlError(
                f"{path}: layer.name {name!r} is no name for a layer", remedy="letters, digits, - and _"
            )
        architectures = tuple(reader.get("layer.architectures", list))
        for architecture in architectures or ("none",):
            if architecture not in ARCHITECTURES:
                raise LayerctlError(
                    f"{path}: layer.architectures names {architecture!r}", remedy="expected x86_64, arm64 or both"
                )
        sdk = frozenset(reader.get("provided.sdk", list, []))
        sharing = data.get("sharing", {})
        return cls(
            path=path.resolve(),
            name=name,
            description=reader.get("layer.description", str, ""),
            distribution=reader.get("layer.distribution", str, "") or None,
            requirements=path.resolve().parent / reader.get("layer.requirements", str, "requirements.txt"),
            architectures=architectures,
            licence=reader.get("layer.licence", str, "MIT"),
            version=reader.get("layer.version", str, "0"),
            runtimes=runtimes,
            sources_only=tuple(reader.get("bytecode.sources-only", list, [])),
            leave_out=tuple(reader.get("leave-out.patterns", list, [])),
            own_leave_out=tuple(reader.get("leave-out.own-modules", list, [])),
            bundle_sdk=reader.get("provided.bundle-sdk", bool, False),
            sdk=sdk,
            provided=sdk | frozenset(reader.get("provided.other", list, [])),
            budget_zipped=reader.get("budget.zipped", int, 50_000_000),
            budget_unzipped=reader.get("budget.unzipped", int, 262_144_000),
            bytecode_zipped=reader.get("budget.bytecode-zipped", int, 0),
            bytecode_unzipped=reader.get("budget.bytecode-unzipped", int, 0),
            licences=frozenset(reader.get("licences.allow", list, [])),
            test_only=tuple(reader.get("layer.test-only", list, [])),
            known_licences=reader.get("licences.known", dict, {}),
            regions=tuple(reader.get("publish.regions", list, [])),
            public=bool(sharing.get("public", False)),
            accounts=tuple(sharing.get("accounts", ())),
            organizations=tuple(sharing.get("organizations", ())),
        )


class _Reader:
    """Reads dotted keys and says what is wrong with them."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self._path = path
        self._data = data

    def get(self, dotted: str, kind: type, default: Any = None) -> Any:
        value: Any = self._data
        for part in dotted.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            if default is None:
                raise LayerctlError(f"{self._path}: {dotted} is missing", remedy="see layer/layer.toml for an example")
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise LayerctlError(f"{self._path}: {dotted} must be a {kind.__name__}, not {value!r}")
        return value


def find_layer_config(start: Path | None = None) -> Path:
    """Find `layer/layer.toml` in `start` (default: the current folder) or the nearest folder above it.

    Raises:
        LayerctlError: there is none.
    """
    path = find_above("layer/layer.toml", "layer.toml", start=start)
    if path is None:
        raise LayerctlError(
            f"no layer/layer.toml in {(start or Path.cwd()).resolve()} or above it",
            remedy="run inside the repository, or use --layer-config",
        )
    return path
