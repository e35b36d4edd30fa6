"""What changed in the public API of a layer's packages: read from their sources by griffe, nothing is imported.

Public is what a package's ``__all__`` names; without one, what does not start with an underscore. Modules of a package
with an ``__all__`` are public where it names them, or `public` does. What changed elsewhere is counted, not judged.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.artifact import unpack
from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import griffe

__all__ = ["ApiChange", "ApiDifference", "Step", "api_difference", "packages_in"]


class Step(IntEnum):
    """How far a version must move (https://semver.org)."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class ApiChange:
    """One change of a public name.

    Attributes:
        path: as users write it: ``shared_utils.config.get``, with the parameter in brackets where it is about one.
        how: ``removed``, ``changed`` or ``added``.
        what: in words.
        step: what it needs.
    """

    path: str
    how: str
    what: str
    step: Step


@dataclass(frozen=True, slots=True)
class ApiDifference:
    """Changes of public names, and how many names of other modules changed so that their users would break."""

    changes: tuple[ApiChange, ...]
    internal: int


def packages_in(folder: Path) -> list[str]:
    """Return the importable packages and modules in a layer's content root, by name; none with an underscore."""
    root = folder / "python"
    found = {path.parent.name for path in root.glob("*/__init__.py*")} | {path.stem for path in root.glob("*.py")}
    return sorted(name for name in found if not name.startswith("_") and name.isidentifier())


def api_difference(
    old: Path, new: Path, packages: Collection[str] = (), *, public: Collection[str] = ()
) -> ApiDifference:
    """Compare the public API of two artifacts.

    Args:
        old: a zip or folder.
        new: another.
        packages: which top-level packages; none: all of both.
        public: modules that are public though no ``__all__`` names them.

    Raises:
        LayerctlError: an artifact cannot be read, or sources cannot be parsed.
    """
    with tempfile.TemporaryDirectory(prefix="layerctl-api-") as scratch:
        before, after = unpack(old, Path(scratch) / "old"), unpack(new, Path(scratch) / "new")
        names = packages or sorted({*packages_in(before), *packages_in(after)})
        changes: list[ApiChange] = []
        internal = 0
        for name in names:
            was, now = _load(before, name), _load(after, name)
            if was is None and now is None:
                raise LayerctlError(f"neither {old} nor {new} holds a package {name}", hint="name one with --package")
            if was is None:
                changes.append(ApiChange(name, "added", "package", Step.MINOR))
            elif now is None:
                changes.append(ApiChange(name, "removed", "package", Step.MAJOR))
            else:
                every = {_key(breakage) for breakage in _breakages(was, now)}
                _hide_internal(was, public)
                _hide_internal(now, public)
                found = list(_compare(was, now))
                counted = {_key(breakage) for breakage in _breakages(was, now)}
                changes += found
                internal += len(every - counted)
    return ApiDifference(
        tuple(sorted(set(changes), key=lambda change: (-change.step, change.path, change.what))), internal
    )


def _load(folder: Path, name: str) -> griffe.Module | None:
    import logging

    import griffe

    root = folder / "python"
    if not any(
        (root / place).exists() for place in (f"{name}/__init__.py", f"{name}/__init__.pyi", f"{name}.py", name)
    ):
        return None
    logging.getLogger("griffe").setLevel(logging.CRITICAL)  # it tells of aliases that lead out of the package
    try:
        loaded = griffe.load(
            name, search_paths=[root], allow_inspection=False, resolve_aliases=True, resolve_external=False
        )
    except (griffe.GriffeError, SyntaxError, ImportError, RecursionError) as error:
        raise LayerctlError(f"{name} cannot be read: {error}", hint="`layerctl verify` looks at the layer") from None
    assert isinstance(loaded, griffe.Module)
    return loaded


def _hide_internal(module: griffe.Module, public: Collection[str]) -> None:
    """Mark modules that a package's ``__all__`` does not name as not public; griffe takes all modules for public."""
    exports = module.exports
    for name, member in module.members.items():
        if member.is_alias or not member.is_module:
            continue
        wanted = member.path in public or any(known.startswith(f"{member.path}.") for known in public)
        if exports is not None and name not in {str(exported) for exported in exports} and not wanted:
            member.public = False
        else:
            _hide_internal(member, public)  # type: ignore[arg-type]


def _breakages(was: griffe.Module, now: griffe.Module) -> list[griffe.Breakage]:
    import griffe

    return list(griffe.find_breaking_changes(was, now))


def _key(breakage: griffe.Breakage) -> tuple[str, str, str]:
    return breakage.obj.path, breakage.kind.value, str(getattr(breakage.old_value, "name", ""))


def _compare(was: griffe.Module, now: griffe.Module) -> Iterator[ApiChange]:
    before, after = dict(_public(was)), dict(_public(now))
    # griffe names an object where it is defined; users know it by where it is public
    names = {target: path for path, member in (*after.items(), *before.items()) if (target := _target(member))}
    told = [_breaking(breakage, names) for breakage in _breakages(was, now)]
    yield from told
    known = {breakage.path for breakage in told}
    for path in sorted(before.keys() - after.keys()):
        if not any(path == name or path.startswith(f"{name}.") for name in known):
            known.add(path)
            yield ApiChange(path, "removed", "no longer public", Step.MAJOR)
    for path in sorted(after.keys() - before.keys()):
        if path.rpartition(".")[0] not in after.keys() - before.keys():
            yield ApiChange(path, "added", _kind(after[path]), Step.MINOR)
    for path in sorted(before.keys() & after.keys()):
        yield from _more(path, _resolved(before[path]), _resolved(after[path]))


def _breaking(breakage: griffe.Breakage, names: dict[str, str]) -> ApiChange:
    from griffe import BreakageKind

    path = breakage.obj.path
    holder = path
    while holder and holder not in names:
        holder = holder.rpartition(".")[0]
    if holder:
        path = names[holder] + path[len(holder) :]
    parameter = breakage.kind.name.startswith("PARAMETER")
    if parameter:
        path = f"{path}({getattr(breakage.old_value or breakage.new_value, 'name', '')})"
    removed = breakage.kind in (BreakageKind.OBJECT_REMOVED, BreakageKind.PARAMETER_REMOVED)
    words = breakage.kind.value[0].lower() + breakage.kind.value[1:]
    return ApiChange(path, "removed" if removed else "changed", words, Step.MAJOR)


def _public(module: griffe.Module | Any, seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Every public name below a module or class, as users reach it, with what it is."""
    for name, member in module.members.items():
        if not member.is_public or name in ("__all__", "__version__"):
            continue
        path = f"{module.path}.{name}"
        yield path, member
        target = _resolved(member)
        if target is not None and (target.is_class or (target.is_module and not member.is_alias)):
            for below, inner in _public(target, seen | {target.path}) if target.path not in seen else ():
                yield path + below.removeprefix(target.path), inner


def _resolved(member: Any) -> Any:
    """What a name leads to; None where that is outside of the package."""
    if not member.is_alias:
        return member
    try:
        return member.final_target
    except Exception:
        return None


def _target(member: Any) -> str | None:
    found = _resolved(member)
    return str(found.path) if found is not None else None


def _kind(member: Any) -> str:
    found = _resolved(member)
    return str(found.kind.value) if found is not None else "name"


def _more(path: str, was: Any, now: Any) -> Iterator[ApiChange]:
    """What griffe does not compare: how a function is called, new parameters, bases that were replaced, values."""
    if was is None or now is None or was.kind is not now.kind:
        return
    if was.is_function:
        for label, words in _CALLS.items():
            if (label in was.labels) != (label in now.labels):
                yield ApiChange(
                    path, "changed", f"it is {words if label in now.labels else f'no longer {words}'}", Step.MAJOR
                )
        known = {parameter.name for parameter in was.parameters}
        for parameter in now.parameters:
            if parameter.name not in known and not parameter.required:
                yield ApiChange(f"{path}({parameter.name})", "added", "parameter", Step.MINOR)
    elif was.is_class:
        gone = {_text(base) for base in was.bases} - {_text(base) for base in now.bases}
        if gone and len(now.bases) >= len(was.bases):  # griffe tells when there are fewer
            yield ApiChange(path, "changed", f"base class {', '.join(sorted(gone))} was removed", Step.MAJOR)
    elif was.is_attribute and _text(was.value) != _text(now.value):
        yield ApiChange(path, "changed", "value", Step.PATCH)


_CALLS = {"async": "async", "staticmethod": "a static method", "classmethod": "a class method"}


def _text(value: object) -> str:
    return str(value).rpartition(".")[2] if value is not None else ""
