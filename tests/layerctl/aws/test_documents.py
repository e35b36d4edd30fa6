"""docs/publishing.md: its command lines exist as they are written."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.command_lines import parse

PAGE = Path(__file__).parents[3] / "docs" / "publishing.md"


def test_every_command_line_is_understood(tmp_path, monkeypatch):
    """Each `layerctl` line of the page is parsed by layerctl itself."""
    monkeypatch.chdir(tmp_path)
    for name in ("dist/shared-utils-1.0.0.zip", "infra/template.yaml", "services/layer/template.yaml", "layers.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("layerctl ")]
    assert len(lines) >= 12
    for line in lines:
        parse(line)
