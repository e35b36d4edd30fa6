"""What the documents say exists: links, make targets, command lines, and the README's function."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.command_lines import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.local.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "layerctl").glob("*.md")])
FILE = re.compile(r"[\w.*/-]+\.(?:zip|json|ya?ml|toml|html|txt|sarif|py)|[\w.-]+/[\w./-]*")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def shell_lines(page: Path) -> list[str]:
    """The lines of a page's shell blocks, continued lines joined."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return [line.strip().removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link and picture of a page is a file of the repository, each anchor a heading of its page."""
    check_links(page)


def check_links(page: Path) -> None:
    """Look up each link of a page."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page.name} links to {target}"


@pages
def test_every_make_target_exists(page: Path) -> None:
    """What a page tells to make, the Makefile has."""
    check_targets(page)


def check_targets(page: Path) -> None:
    """Look up each target that a page names."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in shell_lines(page):
        if line.startswith("make "):
            words = [word for word in shlex.split(line, comments=True)[1:] if "=" not in word and word != "&"]
            assert set(words) <= targets, line


@pages
def test_every_command_line_is_understood(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `layerctl` line of a page is parsed by layerctl itself, which would refuse an option that it has not."""
    monkeypatch.chdir(tmp_path)
    check_commands(page, tmp_path)


def check_commands(page: Path, folder: Path) -> None:
    """Parse each command line of a page, in a folder that gets the files that it names."""
    for line in shell_lines(page):
        if not line.startswith("layerctl ") or "…" in line:
            continue
        line = re.split(r"\s[|>&]\s?|\s\|\|\s|;", line)[0]
        for name in FILE.findall(line):
            path = folder / name.replace("*", "layer")
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            elif not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        parse(line)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("[a page](no-such-page.md)", check_links),
        ("[a heading](#no-such-heading)", check_links),
        ("![a picture](no-such-picture.png)", check_links),
        ("```sh\nmake no-such-target\n```", check_targets),
        ("```sh\nlayerctl no-such-command\n```", check_commands),
        ("```sh\nlayerctl pins list . --no-such-option\n```", check_commands),
        ("```sh\nlayerctl pins check . --format no-such-format\n```", check_commands),
        ("```sh\nlayerctl pins list . |\n```\n```console\n$ layerctl doctor --bogus\n```", check_commands),
    ],
)
def test_a_mistake_in_a_page_is_found(
    text: str, check: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead link, or a target, command or option that there is not, fails what `make docs` runs first."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{text}\n", "utf-8")
    with pytest.raises((AssertionError, click.ClickException)):
        check(*([page, tmp_path] if check is check_commands else [page]))


def test_the_pages_have_lines_to_hold() -> None:
    """The tests above look at something: links, make targets and command lines are found where they are known to be."""
    assert sum(line.startswith("layerctl ") for line in shell_lines(ROOT / "docs" / "publishing.md")) >= 12
    assert sum(line.startswith("layerctl ") for page in PAGES for line in shell_lines(page)) >= 35
    assert sum(line.startswith("make ") for page in PAGES for line in shell_lines(page)) >= 8
    assert len(re.findall(r"\]\([^)\s]+\)", (ROOT / "README.md").read_text("utf-8"))) >= 20


def test_the_readmes_function_runs(emulated: Callable[..., Emulator]) -> None:
    """The README's handler, as it stands there, runs on the built layer, logs its line and writes its metric."""
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    answer = emulated(source, environment={"POWERTOOLS_METRICS_NAMESPACE": "Readme"}).invoke({})
    assert answer.json() == {"statusCode": 200}
    records = answer.log_records()
    assert [record["message"] for record in records if "message" in record] == ["todos listed"]
    assert [record["TodosListed"] for record in records if "TodosListed" in record] == [[1]]
