"""The steps of a build, in order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.artifact import open_artifact, write_zip
from layerctl.build.bytecode import BytecodeCache, compile_tree
from layerctl.build.describe import describe, distributions_of
from layerctl.build.install import install_locked, install_wheel, targets_of
from layerctl.build.lock import read_lock, shipped
from layerctl.build.manifest import manifest_path, sbom_path
from layerctl.build.merge import MergedTree
from layerctl.build.outputs import locked, normalize_modes, replace_files, replace_folder, scratch_folder
from layerctl.build.packages import install_packages
from layerctl.build.sbom import sbom
from layerctl.build.sources import export_sources
from layerctl.build.wheel import build_wheel
from layerctl.core.errors import LayerctlError
from layerctl.core.runtimes import runtime_of
from layerctl.python.interpreters import choose, find_interpreters
from layerctl.python.requirements import unmet_requirements
from layerctl.python.uv import install_pythons

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from layerctl.build.lock import LockedRequirement
    from layerctl.build.manifest import Manifest
    from layerctl.config import LayerConfig
    from layerctl.python.interpreters import Interpreter

__all__ = ["BuildOptions", "BuildResult", "build_layer"]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build, and where to put it.

    Attributes:
        out: the folder for the zip and what belongs to it; None writes none of them.
        stage: the folder that becomes the content root (it ends in ``python``); None writes none.
        strict: refuse anything but exactly the interpreters that `layer.toml` names.
        cache: take compiled files from earlier builds.
        install_pythons: fetch the interpreters that are missing, through uv.
    """

    out: Path | None = None
    stage: Path | None = None
    strict: bool = False
    cache: bool = True
    install_pythons: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What was built. `zip` is None where `BuildOptions.out` was."""

    manifest: Manifest
    zip: Path | None
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Build:
    config: LayerConfig
    options: BuildOptions
    step: Callable[[str], None]
    warnings: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)


def build_layer(
    config: LayerConfig, options: BuildOptions, step: Callable[[str], None] = lambda text: None
) -> BuildResult:
    """Build the layer that `config` describes.

    Args:
        config: the layer.
        options: how, and where to.
        step: told what is being done, for people who wait.

    Raises:
        LayerctlError: anything that stops the build. Nothing is written then.
    """
    build = _Build(config, options, step)
    requirements = shipped(read_lock(config), config)
    chosen = _interpreters(build)
    with scratch_folder(config.root) as scratch:
        root = scratch / "content"
        version = _assemble(build, requirements, scratch, root)
        _compile(build, chosen, root)
        normalize_modes(root)
        step("writing the zip")
        with open_artifact(root) as content:
            zip_path = scratch / f"{config.name}-{version}.zip"
            write_zip(content, zip_path)
            manifest = describe(config, content, version, zip_path, chosen=chosen, left_out=build.left_out)
        _check_budget(config, manifest)
        manifest_path(zip_path).write_text(manifest.to_json(), "utf-8", newline="\n")
        sbom_path(zip_path).write_text(sbom(manifest), "utf-8", newline="\n")
        with locked(config.root):
            if options.stage:
                replace_folder(root / "python", options.stage, keep=[".gitkeep"])
            if options.out:
                replace_files([zip_path, sbom_path(zip_path), manifest_path(zip_path)], options.out)
        return BuildResult(manifest, options.out / zip_path.name if options.out else None, tuple(build.warnings))


def _interpreters(build: _Build) -> dict[str, Interpreter]:
    build.step("looking for interpreters")
    named = build.config.runtimes
    found = find_interpreters(named)
    chosen = {}
    problems = []
    missing = [exact for exact in named.values() if exact not in {interpreter.version for interpreter in found}]
    if missing and build.options.install_pythons:
        build.step(f"fetching {', '.join(missing)}")
        if failure := install_pythons(missing):
            problems.append(f"uv could not fetch {', '.join(missing)}: {failure}")
        found = find_interpreters(named)
    for runtime, exact in named.items():
        interpreter = choose(runtime, exact, found)
        if interpreter is None:
            problems.append(
                f"no interpreter for {runtime} was found on PATH, by pyenv, by uv or below /opt (layer.toml names "
                f"{exact}), so it gets no bytecode and starts several times slower; `layerctl build --install-pythons` "
                "fetches it"
            )
            continue
        chosen[runtime] = interpreter
        if interpreter.version != exact:
            problems.append(f"{runtime} has {interpreter.version} ({interpreter.path}), but layer.toml names {exact}")
    if problems and build.options.strict:
        raise LayerctlError(
            f"--strict: {'; '.join(problems)}",
            hint="fetch them with --install-pythons, or change layer.toml",
        )
    build.warnings += problems
    return chosen


def _assemble(build: _Build, requirements: list[LockedRequirement], scratch: Path, root: Path) -> str:
    """Install everything and lay it together; returns the layer's version."""
    config = build.config
    targets = targets_of(config)
    tree = MergedTree()
    if config.distribution:
        build.step("taking the packages" if config.packages else "building the wheel")
        sources = scratch / "sources"
        for path in export_sources(config.root, sources, config.packages):
            build.warnings.append(f"{path} is not in git yet, and is in the layer")
        own = scratch / "own"
        if config.packages:
            install_packages(config, sources, own)
        else:
            install_wheel(build_wheel(sources, scratch / "wheel"), config.distribution, targets[0], own)
        tree.add(own, targets[0], own=True)
    build.step("installing the locked dependencies")
    folders = [scratch / "targets" / f"{target.runtime}-{target.architecture}" for target in targets]
    if requirements:
        install = partial(install_locked, requirements, lock=config.requirements)
        offline = install(targets[0], folders[0])  # alone: it tells whether the index can be reached
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(install, offline=offline), targets[1:], folders[1:]))
        for target, folder in zip(targets, folders, strict=True):
            tree.add(folder, target)
    build.left_out = tree.write(root / "python", config.leave_out, config.own_leave_out)
    for pattern, paths in build.left_out.items():
        if not paths:
            build.warnings.append(f"layer.toml leaves out {pattern}, but there is no such file")
    return _check_closure(config, root)


def _check_closure(config: LayerConfig, root: Path) -> str:
    """Refuse a lock that does not hold what the distributions ask for; returns the layer's version."""
    with open_artifact(root) as content:
        distributions = distributions_of(content)
    installed = {distribution.name: distribution for distribution in distributions}
    for runtime_name in config.runtimes:
        runtime = runtime_of(runtime_name)
        for architecture in config.architectures if runtime else ():
            assert runtime is not None
            provided = [canonicalize_name(name) for name in config.provided]
            for unmet in unmet_requirements(installed, runtime, architecture, provided=provided):
                has = f"locks {unmet.found}" if unmet.found else "does not lock it"
                raise LayerctlError(
                    f"{unmet.by} needs {unmet.requirement} for {runtime_name}, but {config.requirements} {has}",
                    hint="name it in what the lock is made from, then run `layerctl lock`",
                )
    if config.distribution is None:
        return config.version
    return installed[canonicalize_name(config.distribution)].version


def _compile(build: _Build, chosen: dict[str, Interpreter], root: Path) -> None:
    modules = [module for module in _modules(root) if not _is_sources_only(module, build.config)]
    cache = BytecodeCache() if build.options.cache and not build.options.strict else None
    with open_artifact(root) as content:
        own = build.config.distribution and canonicalize_name(build.config.distribution)
        ours = {
            path
            for distribution in distributions_of(content)
            if distribution.name == own
            for path in distribution.files
        }
    for interpreter in chosen.values():
        build.step(f"compiling {len(modules)} modules for {interpreter.runtime}")
        for failure in compile_tree(root, modules, interpreter, cache):
            if failure.path in ours:
                raise LayerctlError(
                    f"{failure.path} does not compile on {failure.runtime}: {failure.message}",
                    hint="mend it, or take the runtime out of layer.toml",
                )
            build.warnings.append(f"{failure.path} has no bytecode for {failure.runtime}: {failure.message}")


def _modules(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))


def _is_sources_only(module: str, config: LayerConfig) -> bool:
    inside = module.removeprefix("python/")
    return any(fnmatchcase(inside, pattern) for pattern in config.sources_only)


def _check_budget(config: LayerConfig, manifest: Manifest) -> None:
    zipped, unzipped = config.budgets(file.path for file in manifest.files)
    sizes = (
        ("zipped", manifest.zip.size, zipped),
        ("unzipped", manifest.unzipped_size, unzipped),
    )
    for kind, size, budget in sizes:
        if size > budget:
            largest = sorted(manifest.distributions, key=lambda distribution: distribution.size, reverse=True)[:3]
            names = ", ".join(f"{distribution.name} {distribution.size:,}" for distribution in largest)
            raise LayerctlError(
                f"the layer is {size:,} bytes {kind}, over the budget of {budget:,} ({config.path}); largest: {names}",
                hint=f"leave something out, or raise budget.{kind}",
            )
