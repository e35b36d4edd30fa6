"""layer/before.py fetches the release that a new one is compared with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from layer.before import main

from layerctl.artifact import open_artifact
from layerctl.core.errors import LayerctlError
from layerctl.releases.versions import fetch_content
from tests.layerctl.releases.conftest import OURS, REGIONS, ListedVersions, arn, put_versions
from tests.support.fault_proxy import answer
from tests.support.loopback import QuietHandler, serving


@pytest.fixture
def before(capsys):
    """Run the script; what it said, and what it fetched."""

    def run(version, code=0):
        capsys.readouterr()
        try:
            main(Path("layers.json"), version, Path("before.zip"))
            ended, said = 0, capsys.readouterr().out
        except SystemExit as failed:
            ended, said = 1, failed.code
        assert ended == code
        there = Path("before.zip")
        return said, there if there.exists() else None

    return run


def test_the_release_before_is_fetched(proxy, project, layerctl, before):
    """The newest below the version and not yanked, with the content that the index says; else nothing is written."""
    for release in ("1.0.0", "1.1.0", "1.2.0"):
        made = project.artifact(release, f"VERSION = {release!r}\n")
        assert layerctl("publish", made, "--index", "layers.json", "--region", REGIONS[0]).code == 0
    assert layerctl("index", "yank", "1.1.0", "--reason", "leaks").code == 0
    said, fetched = before("1.2.0")
    assert said == f"1.0.0 was before: arn:aws:lambda:{REGIONS[0]}:123456789012:layer:helpers:1\n"
    with open_artifact(fetched) as there, open_artifact(project.artifact("1.0.0", "VERSION = '1.0.0'\n")) as wanted:
        assert there.content_digest() == wanted.content_digest()
    fetched.unlink()
    said, fetched = before("1.0.0")
    assert (said, fetched) == ("no release before 1.0.0 is known\n", None)

    proxy.add("GetLayerVersion", answer(403, "AccessDeniedException", "no"))
    said, fetched = before("1.2.0", code=1)
    assert said.startswith("error: ")
    assert REGIONS[0] in said
    assert fetched is None
    proxy.heal()
    digest = json.loads(project.index.read_text())["releases"]["1.0.0"]["content_digest"]
    project.index.write_text(project.index.read_text().replace(digest, f"sha256:{'0' * 64}"))
    said, fetched = before("1.2.0", code=1)
    assert f"holds {digest}, not sha256:000" in said
    assert fetched is None
    project.index.write_text("{")
    assert "layers.json is not JSON" in before("1.2.0", code=1)[0]
    project.index.unlink()
    assert before("1.2.0") == ("no release before 1.2.0 is known\n", None)


def test_what_is_no_layer_is_not_kept(project, layerctl, before):
    """A release whose stored content cannot be read is an error, and leaves no file that looks like one."""
    put_versions(project.aws, "1.0.0")
    assert layerctl("index", "write").code == 0
    said, fetched = before("1.1.0", code=1)
    assert said.startswith("error: ")
    assert "zip" in said
    assert fetched is None


class _Cut(QuietHandler):
    """Answers with the beginning of a zip."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"PK")


def test_what_broke_off_is_not_kept(tmp_path):
    """A download that is not what Lambda stores leaves no file either."""
    with serving(_Cut) as address:
        client = ListedVersions({1: ""}, Location=address)
        with pytest.raises(LayerctlError, match="not downloaded whole"):
            fetch_content(client, arn(1), OURS, tmp_path / "before.zip")
    assert client.asked == [("get", "helpers", 1)]
    assert list(tmp_path.iterdir()) == []
