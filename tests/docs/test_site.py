"""The site: every page is in its navigation, a dead link fails it, and it asks nobody for anything."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from docs.tools.site import ROOT, build, stage


def in_navigation(found: Any) -> set[str]:
    """Return the pages of a part of the navigation."""
    if isinstance(found, str):
        return {found}
    parts = found.values() if isinstance(found, dict) else found
    return set[str]().union(*map(in_navigation, parts))


def test_every_page_is_in_the_navigation(tmp_path: Path) -> None:
    """No page is left out, none is named that is not there; there are pages of every kind."""
    stage(tmp_path)
    pages = {page.relative_to(tmp_path / "docs").as_posix() for page in (tmp_path / "docs").rglob("*.md")}
    navigation = tomllib.loads((tmp_path / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    assert in_navigation(navigation) == pages
    assert len(pages) >= 40


def test_the_site_works_without_a_network(tmp_path: Path) -> None:
    """Every script, style and picture of the pages comes with the site; the search index does, too."""
    stage(tmp_path)
    build(tmp_path)
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= 40
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r"""<(?:script|img)[^>]+src=["']https?:""", text), page.name
        assert not re.findall(r"""<link[^>]+stylesheet[^>]+href=["']https?:""", text), page.name
    assert list((tmp_path / "site").rglob("search.js*"))


def test_pictures_come_along(tmp_path: Path) -> None:
    """Each picture that a page shows in the repository it shows on the site, those of the benchmarks too."""
    stage(tmp_path)
    for page in (tmp_path / "docs").rglob("*.md"):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text("utf-8")):
            assert (page.parent / picture).is_file(), (page.name, picture)
    performance = (tmp_path / "docs" / "performance.md").read_text("utf-8")
    assert performance.count("![") == (ROOT / "docs" / "performance.md").read_text("utf-8").count("![") >= 3


@pytest.mark.parametrize("link", ["(metrics.md#no-such-heading)", "(no-such-page.md)"], ids=["anchor", "page"])
def test_a_dead_link_fails_the_site(tmp_path: Path, link: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A dead link of each kind is named, and no site is made."""
    stage(tmp_path)
    page = tmp_path / "docs" / "logging.md"
    page.write_text(page.read_text("utf-8") + f"\n[a link]{link}\n", "utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path)
    assert "logging.md" in "".join(capfd.readouterr())
