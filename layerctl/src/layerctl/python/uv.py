"""uv, which installs wheels: where it is, and the environment it is run in."""

from __future__ import annotations

import os
import shutil

from layerctl.core.errors import LayerctlError

__all__ = ["find_uv", "uv_environment"]


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
            raise LayerctlError("uv, which installs wheels, is not there", remedy="run: make setup") from None
        return found


def uv_environment() -> dict[str, str]:
    """This process's environment, with the system's certificates trusted, as pip trusts them.

    uv brings a list of its own, which a company's registry or proxy is not on; a variable that is set wins.
    """
    return {"UV_SYSTEM_CERTS": "true", **os.environ}
