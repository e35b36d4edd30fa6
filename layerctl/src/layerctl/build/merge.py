"""Laying the trees of several targets into one, and leaving out what layer.toml says."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import shutil
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.python.distributions import read_distributions, record_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from layerctl.build.install import InstallTarget
    from layerctl.python.distributions import Distribution

__all__ = ["MergedTree"]

# What installers note about an installation, not about the distribution. RECORD is written anew.
_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "RECORD.jws", "RECORD.p7s"})


@dataclass(slots=True)
class _File:
    source: Path
    sha256: str
    owners: set[str]
    target: InstallTarget
    executable: bool = False


@dataclass(slots=True)
class MergedTree:
    """The union of installed trees.

    Extension modules of several interpreters and architectures can share a folder, since their names carry the ABI.
    Where two targets need different content under one name there is no such union, and the build stops.
    """

    _files: dict[str, _File] = field(default_factory=dict)
    _versions: dict[str, tuple[Distribution, InstallTarget]] = field(default_factory=dict)
    _tags: dict[str, set[str]] = field(default_factory=dict)
    _own: set[str] = field(default_factory=set)

    def add(self, folder: Path, target: InstallTarget, *, own: bool = False) -> None:
        """Add what was installed for one target. Only what a RECORD lists counts.

        Args:
            folder: as `uv pip install --target` made it.
            target: what it was made for.
            own: our own distribution, from which nothing is left out.

        Raises:
            LayerctlError: it collides with what another target, or another distribution, needs.
        """
        paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        distributions = read_distributions(paths, lambda path: (folder / path).read_bytes())
        _refuse_overwritten(distributions, folder)
        for distribution in distributions:
            other, first = self._versions.setdefault(distribution.name, (distribution, target))
            if other.version != distribution.version:
                raise LayerctlError(
                    f"{other} (for {first}) and {distribution} (for {target}) can't lie in one layer",
                    hint="take one version that fits every runtime and architecture of layer.toml, or say "
                    'layer.split-by = ["runtime", "architecture"] for an artifact of each',
                )
            if own:
                self._own.add(distribution.name)
            for path in sorted(distribution.files):
                self._claim(path, distribution, folder, target)

    def write(
        self, root: Path, leave_out: Collection[str] = (), own_leave_out: Collection[str] = ()
    ) -> dict[str, list[str]]:
        """Write the tree below `root`, each distribution with a RECORD of what is there.

        Args:
            root: the content root.
            leave_out: patterns of third parties' files that don't ship.
            own_leave_out: modules of our own that don't ship.

        Returns:
            each pattern and module, and the files that it left out.
        """
        foreign = {path for path, file in self._files.items() if not file.owners & self._own}
        left_out = {pattern: sorted(path for path in foreign if fnmatchcase(path, pattern)) for pattern in leave_out}
        for module in own_leave_out:
            left_out[module] = sorted({f"{module.replace('.', '/')}.py"} & (self._files.keys() - foreign))
        dropped = {path for paths in left_out.values() for path in paths}
        kept = {path: file for path, file in self._files.items() if path not in dropped}
        for path, file in kept.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.source, place)
            place.chmod(0o755 if file.executable else 0o644)
        for distribution, _ in self._versions.values():
            wheel = f"{distribution.folder}/WHEEL"
            if len(self._tags.get(wheel, ())) > 1:
                text = _merged_wheel(kept[wheel].source.read_text("utf-8"), self._tags[wheel])
                (root / wheel).write_text(text, "utf-8", newline="\n")
            files = [path for path, file in kept.items() if distribution.name in file.owners]
            _write_record(root, f"{distribution.folder}/RECORD", files)
        return left_out

    def _claim(self, path: str, distribution: Distribution, folder: Path, target: InstallTarget) -> None:
        if _is_script(path, distribution, folder):
            return
        inside = path.removeprefix(distribution.folder + "/")
        if inside != path and inside in _NOTES:
            return
        if path.endswith((".pyc", ".pyo")):
            return
        source = folder / path
        sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
        if inside == "WHEEL":
            lines = source.read_text("utf-8").splitlines()
            self._tags.setdefault(path, set()).update(line for line in lines if line.startswith("Tag:"))
        known = self._files.setdefault(path, _File(source, sha256, set(), target))
        # metadata of the same version may differ by wheel (tags, the SBOM of bundled libraries); the first one stays
        if known.sha256 != sha256 and not (inside != path and distribution.name in known.owners):
            self._collide(path, distribution, target, known)
        known.owners.add(distribution.name)
        known.executable |= source.stat().st_mode & 0o100 != 0

    def _collide(self, path: str, distribution: Distribution, target: InstallTarget, known: _File) -> None:
        others = known.owners - {distribution.name}
        if others:
            raise _both_bring(path, {*others, distribution.name})
        raise LayerctlError(
            f"{distribution} has different files named {path} for {known.target} and for {target}",
            hint='say layer.split-by = ["runtime", "architecture"] in layer.toml: an artifact for each; '
            "or leave the distribution out",
        )


def _is_script(path: str, distribution: Distribution, folder: Path) -> bool:
    """Whether a file is a script, which names the interpreter that installed it and which nobody runs on Lambda.

    Installers put scripts into ``bin/`` of the target, where the modules of a package named ``bin`` lie too.
    """
    if not path.startswith("bin/"):
        return False
    if "bin/__init__.py" not in distribution.files:
        return True
    return path.count("/") == 1 and "." not in path and (folder / path).read_bytes().startswith(b"#!")


def _merged_wheel(text: str, tags: Iterable[str]) -> str:
    """WHEEL with the tags of all wheels that were laid together (PyPA: binary distribution format)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Tag:")]
    return "\n".join([*lines, *sorted(tags)]) + "\n"


def _refuse_overwritten(distributions: Iterable[Distribution], folder: Path) -> None:
    """Refuse a file that two distributions bring with different content.

    Only one of them is in the tree, and installers that work in parallel leave now one, now the other. What each
    brought is in its RECORD.
    """
    brought: dict[str, tuple[str, str]] = {}
    for distribution in distributions:
        record = folder / distribution.folder / "RECORD"
        rows = record_rows(record.read_bytes()) if record.is_file() else ()
        for path, digest, *_ in (row for row in rows if len(row) >= 2 and row[1]):
            other, known = brought.setdefault(path, (distribution.name, digest))
            if known != digest and not path.startswith(("bin/", "../")):
                raise _both_bring(path, {other, distribution.name})


def _both_bring(path: str, names: Collection[str]) -> LayerctlError:
    return LayerctlError(
        f"{' and '.join(sorted(names))} both bring {path}, with different content",
        hint="leave one of them out of the layer",
    )


def _write_record(root: Path, record: str, files: Iterable[str]) -> None:
    """RECORD without bytecode: so it does not depend on which interpreters the builder had."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for path in sorted(files, key=lambda path: PurePosixPath(path).parts):
        data = (root / path).read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow((path, f"sha256={digest}", len(data)))
    writer.writerow((record, "", ""))
    (root / record).parent.mkdir(parents=True, exist_ok=True)
    (root / record).write_text(text.getvalue(), "utf-8", newline="\n")
