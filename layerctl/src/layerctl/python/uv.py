"""uv, which locks, installs wheels and fetches interpreters: where it is, and how it is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["UvAnswer", "find_uv", "install_pythons", "run_uv", "uv_environment"]


class UvAnswer(NamedTuple):
    """What uv wrote to standard output, and why it failed, in one line without a password; None when it worked."""

    output: str
    failure: str | None


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


def run_uv(
    arguments: Sequence[str], *, folder: Path | None = None, retries: int | None = None, given: str = ""
) -> UvAnswer:
    """Run uv and wait for it.

    Args:
        arguments: its command line, without ``uv``.
        folder: where it is run; None: here.
        retries: how often it asks an index again that does not answer, unless UV_HTTP_RETRIES says; None: its default.
        given: what it reads from standard input.

    Raises:
        LayerctlError: uv is not there.
    """
    defaults = {} if retries is None else {"UV_HTTP_RETRIES": str(retries)}
    result = subprocess.run(
        [find_uv(), *arguments, "--color", "never", "--no-progress"],
        env=defaults | uv_environment(),
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return UvAnswer(result.stdout, _message(result.stderr, result.returncode) if result.returncode else None)


def install_pythons(versions: Iterable[str]) -> str | None:
    """Fetch CPython releases (``3.13.0``) into uv's own folder; None when it worked, else uv's reason in one line."""
    return run_uv(["python", "install", "--no-bin", *versions]).failure


def _message(stderr: str, code: int) -> str:
    """What uv said, in one line and without an index's password."""
    message = re.sub(r"[^\x21-\x7e]+", " ", stderr).strip()
    message = re.sub(r"://[^/@ ]+@", "://", message)
    return message.removeprefix("error: ") or f"uv ended with {code}"


def uv_environment() -> dict[str, str]:
    """This process's environment, with the system's certificates trusted, as pip trusts them.

    uv brings a list of its own, which a company's registry or proxy is not on; a variable that is set wins.
    """
    return {"UV_SYSTEM_CERTS": "true", **os.environ}
