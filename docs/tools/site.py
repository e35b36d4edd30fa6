"""Build the site of the documentation: ``python -m docs.tools.site``.

The pages are those of docs/, the changelog, the contributing guide and the security policy; the benchmarks' pictures
come along. They are staged first: on the site a link to a file of the repository that is no page of the site becomes
the file's name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "SITE", "build", "stage"]

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
_STAGED = ROOT / "build" / "site"
_OUTER_PAGES = {
    ROOT / "CHANGELOG.md": "changelog.md",
    ROOT / "CONTRIBUTING.md": "contributing.md",
    ROOT / "SECURITY.md": "security.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def stage(target: Path) -> None:
    """Write the pages of the site, and zensical.toml, to `target`."""
    shutil.rmtree(target, ignore_errors=True)
    docs = ROOT / "docs"
    pages = {page: page.relative_to(docs).as_posix() for page in docs.rglob("*") if page.is_file()}
    pages = {page: name for page, name in pages.items() if not name.startswith("tools/") and "__pycache__" not in name}
    pages |= {page: name for page, name in _OUTER_PAGES.items() if page.exists()}
    pages |= {picture: f"images/{picture.name}" for picture in (ROOT / "benchmarks" / "results").glob("*.svg")}
    for page, name in pages.items():
        staged = target / "docs" / name
        staged.parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".md":
            staged.write_text(_with_links_of_the_site(page, pages, name), "utf-8")
        else:
            shutil.copyfile(page, staged)
    settings = (ROOT / "zensical.toml").read_text("utf-8")
    named = set(re.findall(r'"([\w./-]+\.md)"', settings))

    def found(pattern: re.Match[str]) -> str:
        """Return the pages of a folder that the navigation does not name elsewhere."""
        there = sorted(name for name in pages.values() if re.fullmatch(re.escape(pattern[1]) + r"[^/]+\.md", name))
        return "".join(f'"{name}", ' for name in there if name not in named)

    (target / "zensical.toml").write_text(re.sub(r'"([\w/]*)\*\.md",', found, settings), "utf-8")


def _with_links_of_the_site(page: Path, pages: dict[Path, str], name: str) -> str:
    """Return the page's text; what links lead to is looked up where the page is in the repository."""

    def relink(match: re.Match[str]) -> str:
        picture, text, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        linked = Path(os.path.normpath(page.parent / path))
        linked = linked / "README.md" if linked / "README.md" in pages else linked
        if not linked.exists():
            return match[0]  # a dead link, which the build names
        if linked not in pages:
            return f"{text} (`{linked.relative_to(ROOT).as_posix()}`)" if text.strip("`") not in target else text
        relative = os.path.relpath(pages[linked], Path(name).parent)
        return f"{picture}[{text}]({relative}{'#' if anchor else ''}{anchor})"

    # Links within a fence are none; a link's own text may be code.
    text = page.read_text("utf-8")
    fences = re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else _LINK.sub(relink, part) for part in fences)


def build(staged: Path = _STAGED) -> None:
    """Build the site of staged pages, in their folder; a dead link, a dead anchor or any other warning fails it.

    Raises:
        subprocess.CalledProcessError: it failed; Zensical has said why on standard error.
    """
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", "zensical.toml"]
    subprocess.run(command, cwd=staged, check=True)
    # Zensical has a worker's stand-in for pages without a server fetched from elsewhere; ours comes with the site.
    for page in (staged / "site").rglob("*.html"):
        own = os.path.relpath(staged / "site/assets/worker-in-frame.js", page.parent)
        page.write_text(page.read_text("utf-8").replace("https://unpkg.com/iframe-worker/shim", own), "utf-8")


if __name__ == "__main__":
    stage(_STAGED)
    try:
        build()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(_STAGED / "site", SITE)
    count = sum(1 for _ in SITE.rglob("*.html"))
    sys.stdout.write(f"{SITE.relative_to(ROOT)}/index.html: {count} pages\n")
