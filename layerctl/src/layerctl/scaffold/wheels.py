"""The wheels of layerctl and shared-utils that a new repository takes: by file or URL, with a hash, never by bare name.

Neither name on the public package index is ours. Where layerctl itself came from is known (PEP 610), and a release has
both wheels in one place.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from layerctl.core.errors import LayerctlError

__all__ = ["NAMES", "Wheel", "find_wheels"]

NAMES = ("layerctl", "shared-utils")


@dataclass(frozen=True, slots=True)
class Wheel:
    """One of the two: its project, version, and where it is: a file that is copied, or a URL with ``#sha256=``."""

    name: str
    version: Version
    file: Path | None = None
    url: str | None = None

    @property
    def requirement(self) -> str:
        """How a requirements file two folders below the repository names it."""
        return f"{self.name} @ {self.url}" if self.file is None else f"../wheels/{self.file.name}"


def find_wheels(given: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Wheel]:
    """Return the wheels that are needed: those given, else what layerctl was installed from and what lies beside it.

    Args:
        given: files, folders of wheels, or URLs with ``#sha256=HEX``.
        needed: names of `NAMES`.

    Raises:
        LayerctlError: one is not to be found, is another project's, or a URL has no hash.
    """
    found: dict[str, Wheel] = {}
    for text in given:
        for wheel in _given(text):
            found[wheel.name] = wheel
    for wheel in _own():
        found.setdefault(wheel.name, wheel)
    missing = [name for name in needed if name not in found]
    if missing:
        raise LayerctlError(
            f"the wheel of {' and of '.join(missing)} is not known",
            hint="download a release's wheels and name their folder: --wheel FOLDER (or --wheel 'URL#sha256=HEX')",
        )
    return {name: found[name] for name in needed}


def _given(text: str) -> list[Wheel]:
    if "://" in text:
        url = urlsplit(text)
        if url.scheme not in ("https", "http") or not re.fullmatch(r"sha256=[0-9a-f]{64}", url.fragment):
            raise LayerctlError(f"--wheel {text}: a URL needs its wheel's hash", hint="https://…/NAME.whl#sha256=HEX")
        return [_named(unquote(url.path.rsplit("/", 1)[-1]), text, url=text)]
    path = Path(text)
    if path.is_dir():
        newest: dict[str, Wheel] = {}
        for name in NAMES:
            wheels = [_named(file.name, text, file=file) for file in path.glob(f"{name.replace('-', '_')}-*.whl")]
            if wheels:
                newest[name] = max(wheels, key=lambda wheel: wheel.version)
        if not newest:
            raise LayerctlError(f"--wheel {text} has no wheel of {' or '.join(NAMES)}", hint="name a release's folder")
        return list(newest.values())
    if not path.is_file():
        raise LayerctlError(f"--wheel {text} does not exist", hint="name a wheel, a folder with wheels, or a URL")
    return [_named(path.name, text, file=path)]


def _named(filename: str, text: str, *, file: Path | None = None, url: str | None = None) -> Wheel:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        raise LayerctlError(f"--wheel {text} is no wheel", hint="its name ends in .whl") from None
    if name not in NAMES:
        raise LayerctlError(f"--wheel {text} is the wheel of {name}", hint=f"expected {' or '.join(NAMES)}")
    return Wheel(name, version, file.resolve() if file else None, url)


def _own() -> list[Wheel]:
    """Layerctl's own wheel and those beside it, as far as its installer has noted them and they are still there."""
    try:
        noted = json.loads(distribution("layerctl").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return []
    url = str(noted.get("url", ""))
    if not url.endswith(".whl") or "archive_info" not in noted:
        return []
    hashes = noted["archive_info"].get("hashes") or {}
    digest = hashes.get("sha256") or str(noted["archive_info"].get("hash", "")).removeprefix("sha256=")
    if url.startswith("file://"):
        path = Path(unquote(urlsplit(url).path))
        if not path.is_file() or (digest and hashlib.sha256(path.read_bytes()).hexdigest() != digest):
            return []
        return [*_given(str(path.parent)), _named(path.name, str(path), file=path)]
    return [_named(unquote(url.rsplit("/", 1)[-1]), url, url=f"{url}#sha256={digest}")] if digest else []
