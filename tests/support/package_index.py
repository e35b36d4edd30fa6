"""A package index on this machine: a folder of wheels, served as PEP 503 wants it."""

from __future__ import annotations

import contextlib
import hashlib
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.loopback import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["package_index"]


class _Handler(QuietHandler, SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """A project's page, or a wheel."""
        project = re.fullmatch(r"/simple/([\w.-]+)/", self.path)
        if project is None:
            super().do_GET()
            return
        folder = self.translate_path("/")
        page = _page(folder, project[1])
        self.send_response(200 if page else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())


def _page(folder: str, project: str) -> str:
    return "".join(
        f'<a href="/{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}">{path.name}</a>\n'
        for path in sorted(Path(folder).iterdir())
        if path.name.split("-")[0].replace("_", "-") == project
    )


@contextlib.contextmanager
def package_index(wheels: Path) -> Iterator[str]:
    """Serve a folder of wheels for the time of a `with` block; yields the index's URL."""
    with serving(partial(_Handler, directory=str(wheels))) as address:
        yield f"{address}/simple"
