"""uv, which installs wheels: where it is, and the environment it is run in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["find_uv", "install_pythons", "uv_environment", "uv_message"]


def find_uv() -> str:
    """Return uv's path: the one in layerctl's own environment, else the one on PATH.

    Raises:
        LayerctlError: there is none.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        if found is None:
            raise LayerctlError(
                "uv, which installs wheels, is not there", hint="install it (`pip install uv`), or put it on PATH"
            ) from None
        return found


def install_pythons(versions: Iterable[str]) -> str | None:
    """Fetch CPython releases (``3.13.0``) into uv's own folder; None when it worked, else uv's reason in one line."""
    command = [find_uv(), "python", "install", "--color", "never", "--no-progress", "--no-bin", *versions]
    result = subprocess.run(
        command,
        env=uv_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return uv_message(result.stderr, result.returncode) if result.returncode else None


def uv_message(stderr: str, code: int) -> str:
    """What uv said, in one line and without an index's password."""
    message = re.sub(r"[^\x21-\x7e]+", " ", stderr).strip()
    message = re.sub(r"://[^/@ ]+@", "://", message)
    return message.removeprefix("error: ") or f"uv ended with {code}"


def uv_environment() -> dict[str, str]:
    """This process's environment, with the system's certificates trusted, as pip trusts them.

    uv brings a list of its own, which a company's registry or proxy is not on; a variable that is set wins.
    """
    return {"UV_SYSTEM_CERTS": "true", **os.environ}
