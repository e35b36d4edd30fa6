"""The sources that a layer is built from: which commit they are, and a copy without what happens to lie about."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.build.manifest import LayerSource
from layerctl.core.errors import LayerctlError
from layerctl.core.files.git import ask_git

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerctl.config import LayerConfig

__all__ = ["export_sources", "source_facts"]

# Where there is no git to ask: what is generated, at the top.
_JUNK_FOLDERS = frozenset({"build", "dist", "node_modules", "venv"})
_JUNK_SUFFIXES = (".pyc", ".pyo", ".swp", ".orig", ".rej", "~")
# An untracked file of these kinds is a module that is being written, any other is likely a stray.
_SOURCE_SUFFIXES = (".py", ".pyi", "py.typed")


def export_sources(root: Path, target: Path, packages: Iterable[str] = ()) -> list[str]:
    """Copy the sources to an empty folder: what git tracks of `root`, as it is in the working tree, and new modules.

    `root` may be a folder of a larger checkout. Outside one: everything but hidden files and what is known to be
    generated.

    Args:
        root: the repository.
        target: the empty folder.
        packages: where new modules are looked for besides ``src``.

    Returns:
        untracked modules that were taken along.

    Raises:
        LayerctlError: git tracks nothing of `root`; a file can't be read, or is a link that leads out of `root`.
    """
    tracked = ask_git(root, "ls-files", "-z", "--cached")
    fresh: list[str] = []
    if tracked is None:
        names = list(_walk(root))
    else:
        fresh = _fresh_modules(root, packages)
        names = [name for name in tracked.split("\0") if name]
        if not names:
            raise LayerctlError(
                f"{root} lies in a git checkout that tracks none of its files", hint="add them with `git add`"
            )
        names += fresh
    for name in dict.fromkeys(names):
        source = root / name
        if not source.is_file():  # deleted in the working tree, or a submodule
            continue
        if not source.resolve().is_relative_to(root.resolve()):
            raise LayerctlError(f"{source} leads out of the repository", hint="replace the link by a file")
        place = target / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
        except OSError as error:
            raise LayerctlError(f"{error.filename or source} cannot be copied: {error.strerror}") from None
        place.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return fresh


def source_facts(config: LayerConfig) -> LayerSource:
    """The commit, whether the inputs of the build differ from it, and the locks' digests."""
    root = config.root
    locks = sorted({config.requirements, root / "requirements" / "dev.txt"})
    inputs = [
        "pyproject.toml",
        "src",
        "LICENSE",
        "layerctl/src",
        *config.packages,
        str(config.path.relative_to(root)),
        *(str(lock) for lock in locks),
    ]
    commit = ask_git(root, "rev-parse", "--verify", "-q", "HEAD")
    changed = ask_git(root, "status", "--porcelain", "--untracked-files=no", "--", *inputs)
    return LayerSource(
        commit=commit.strip() if commit else None,
        dirty=bool(changed or _fresh_modules(root, config.packages)),
        locks={
            lock.relative_to(root).as_posix(): "sha256:" + hashlib.sha256(lock.read_bytes()).hexdigest()
            for lock in locks
            if lock.is_file() and lock.is_relative_to(root)
        },
    )


def _fresh_modules(root: Path, packages: Iterable[str] = ()) -> list[str]:
    """Modules that are not in git yet."""
    others = ask_git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", "src", *packages) or ""
    return sorted(name for name in others.split("\0") if name.endswith(_SOURCE_SUFFIXES))


def _walk(root: Path) -> list[str]:
    names: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name != "__pycache__" and not name.endswith(".egg-info")
        )
        place = Path(folder).relative_to(root)
        if place == Path():
            folders[:] = [name for name in folders if name not in _JUNK_FOLDERS]
        names += [
            (place / name).as_posix()
            for name in sorted(files)
            if not name.startswith(".") and not name.endswith(_JUNK_SUFFIXES)
        ]
    return names
