"""Release notes: of the changelog, of what changed, and where the release is."""

from __future__ import annotations

import json

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.releases.changelog import changelog_section
from tests.layerctl.releases.conftest import put_versions

CHANGELOG = """# Changelog

## 11.1.0

Eleven.

## [2.0.0rc1] - 2026-03-01

Candidate.

## v1.10.0 (2026-02-01)

Ten.

```md
## 1.1.0
```

### More

- of ten

## 1.1.0 (2026-01-31)

One.

## 1.0.0
"""


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("1.1.0", "One."),
        ("1.1", "One."),
        ("11.1.0", "Eleven."),
        ("2.0.0rc1", "Candidate."),
        ("2.0.0-rc1", "Candidate."),
        ("1.10.0", "Ten.\n\n```md\n## 1.1.0\n```\n\n### More\n\n- of ten"),
    ],
)
def test_the_section_of_a_release_and_no_other(release: str, text: str) -> None:
    """A section is found by its version, never by a part of it, and ends where the next one begins."""
    assert changelog_section(CHANGELOG, release) == text


@pytest.mark.parametrize(
    ("release", "said"), [("1.0.0", "is empty"), ("3.0.0", "has no section of 3.0.0"), ("x", "has no section")]
)
def test_no_section_is_an_error(release: str, said: str) -> None:
    """A release that the changelog does not describe is refused, with what it has."""
    with pytest.raises(LayerctlError, match=said):
        changelog_section(CHANGELOG, release)


def test_notes_are_written_and_kept(project, layerctl):
    """The section, the changes between two artifacts, identity and ARNs; kept, `pins bump` shows them both ways."""
    project.configure(regions=("eu-central-1",))
    old = project.artifact("1.0.0", "def a(): ...\ndef b(): ...\n")
    new = project.artifact("2.0.0", "def a(): ...\n")
    for one in (old, new):
        assert layerctl("publish", one, "--index", project.index).code == 0
    (project.root / "CHANGELOG.md").write_text("## 2.0.0\n\n- `b` is gone\n\n## 1.0.0\n\nFirst.\n")
    written = layerctl("index", "notes", "2.0.0", "--changelog", "CHANGELOG.md", "--diff", old, new, "--save")
    assert written.code == 0
    assert written.out.startswith("- `b` is gone\n\n| needs | change |")
    assert "| major | removed | `helpers.b` |" in written.out
    assert "layer:helpers:2" in written.out
    assert json.loads(project.index.read_text())["releases"]["2.0.0"]["notes"] == "- `b` is gone"
    assert layerctl("index", "notes", "2.0.0", "--changelog", "nowhere.md").code == 2
    assert layerctl("index", "notes", "2.0.0", "--save").code == 2

    (project.root / "template.yaml").write_text(
        "Layers:\n  - arn:aws:lambda:eu-central-1:123456789012:layer:helpers:1\n"
    )
    up = layerctl("pins", "bump", "template.yaml", "--major")
    assert "helpers 2.0.0\n\n- `b` is gone" in up.err
    down = layerctl("pins", "bump", "template.yaml", "--to", "1.0.0", "--layer", "helpers", "--json", "--major")
    assert [(one["release"], one["taken"]) for one in down.data["releases"]] == [("2.0.0", False)]
    assert "layer:helpers:1" in (project.root / "template.yaml").read_text()


def test_a_release_that_is_not_there(project, layerctl):
    """A release that the index does not have is an error that names those it has."""
    put_versions(project.aws, "1.0.0")
    layerctl("index", "write")
    assert "it has: 1.0.0" in layerctl("index", "notes", "1.2.0").err
