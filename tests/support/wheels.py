"""Writes wheels, and locks that pin them, so that builds are tested without a package index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wheel:
    """A wheel on disk, and the line that locks it."""

    path: Path
    name: str
    version: str

    @property
    def sha256(self) -> str:
        """Of the file, in hex."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def make_wheel(
    folder: Path,
    name: str,
    files: dict[str, bytes | str],
    *,
    version: str = "1.0",
    tag: str = "py3-none-any",
    metadata: str = "License-Expression: MIT\n",
    executable: Collection[str] = (),
) -> Wheel:
    """Write a wheel (PyPA: binary distribution format) with these files beside its metadata, some executable."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}".encode()
    pure = "true" if tag.endswith("none-any") else "false"
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode()
    rows = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}\n")
    content[f"{info}/RECORD"] = ("".join(rows) + f"{info}/RECORD,,\n").encode()
    path = folder / f"{stem}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for place, data in content.items():
            info = zipfile.ZipInfo(place, (2020, 1, 1, 0, 0, 0))
            info.external_attr = (0o100755 if place in executable else 0o100644) << 16
            archive.writestr(info, data)
    return Wheel(path, name, version)


def lock(wheels: list[Wheel]) -> str:
    """A hashed requirements file for these wheels, as `uv pip compile` writes it."""
    pins: dict[str, list[str]] = {}
    for wheel in wheels:
        pins.setdefault(f"{wheel.name}=={wheel.version}", []).append(wheel.sha256)
    return "".join(
        f"{pin} \\\n" + " \\\n".join(f"    --hash=sha256:{digest}" for digest in digests) + "\n    # via a test\n"
        for pin, digests in pins.items()
    )
