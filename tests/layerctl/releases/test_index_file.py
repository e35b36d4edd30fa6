"""The index file: what it says, what is wrong with it, and many writers at the same time."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.core.arn import LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.releases.index import store
from layerctl.releases.index.model import LayerIndex, Published, Release, Yank
from layerctl.releases.index.record import yank

ARN = LayerVersionArn.parse("arn:aws:lambda:eu-central-1:123456789012:layer:helpers:1")
DATE = "2026-01-31T12:00:00Z"


def entry(**changes):
    """A release of one region, as the file has it."""
    made = {
        "content_digest": "sha256:" + "a" * 64,
        "date": DATE,
        "runtimes": ["python3.13"],
        "architectures": ["arm64"],
        "yanked": None,
        "regions": {"eu-central-1": {"arn": str(ARN), "code_sha256": "x=", "size": 3, "date": DATE}},
    }
    return made | changes


def text(**releases):
    """An index file."""
    return json.dumps({"schema": 1, "layer": "helpers", "releases": {"1.0.0": entry(), **releases}})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("", "is not JSON"),
        ("[]", "at the top"),
        (text().replace('"schema": 1', '"schema": 2'), "at schema"),
        (text().replace('"size": 3', '"size": "3"'), "at releases/1.0.0/regions/eu-central-1/size"),
        (text().replace("arn:aws:lambda:eu-central-1", "arn:aws:lambda:eu-west-1"), "another region or layer"),
        (text().replace("layer:helpers:1", "layer:other:1"), "another region or layer"),
        (text(one=entry()), "releases"),
        (text(**{"1.0.0-no": entry()}), "no release version"),
        (text(**{"1.0.0": entry(yanked={"reason": ""})}), "at releases/1.0.0/yanked"),
    ],
)
def test_a_broken_index_names_the_place(tmp_path, broken, said):
    """Whatever is wrong with the file, the error says where, in one line."""
    path = tmp_path / "layers.json"
    path.write_text(broken)
    with pytest.raises(LayerctlError) as caught:
        LayerIndex.load(path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_many_writers_lose_nothing(tmp_path):
    """Writers at the same time each add their release; the file is whole at every moment."""
    path = tmp_path / "layers.json"
    stop = threading.Event()
    torn = []

    def read():
        while not stop.is_set():
            if path.exists():
                try:
                    LayerIndex.load(path)
                except LayerctlError as error:
                    torn.append(error)

    def add(number):
        release = Release(f"1.{number}.0", "sha256:" + "a" * 64, DATE, (), (), None, {})
        store.update(path, "helpers", lambda index: index.with_release(release))

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert torn == []
    assert len(LayerIndex.load(path).releases) == 20
    assert [one.name for one in tmp_path.iterdir()] == ["layers.json"]


def test_a_refused_change_leaves_the_file(tmp_path):
    """When the change is refused, the file keeps its bytes; a read-only folder is one line."""
    path = tmp_path / "layers.json"
    path.write_text(text())
    with pytest.raises(LayerctlError):
        store.update(path, "helpers", lambda index: yank(index, "2.0.0", "x"))
    assert path.read_text() == text()
    with pytest.raises(LayerctlError, match="cannot be written"):
        store.update(tmp_path / "no" / "layers.json", "helpers", lambda index: index)


_releases = st.builds(
    lambda major, minor, patch, tail: f"{major}.{minor}.{patch}{tail}",
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(["", "rc1", "a2", ".dev3"]),
)


@given(st.dictionaries(_releases, st.none() | st.text('abc äß"\\', min_size=1).filter(str.strip), max_size=8))
def test_what_is_written_is_read_back(releases):
    """Any index survives being written and read, and releases stand in the order of their versions."""
    index = LayerIndex("helpers")
    for version, reason in releases.items():
        mark = Yank(reason, DATE) if reason else None
        there = {"eu-central-1": Published(ARN, "x=", 3, DATE)}
        dead = {ARN.with_version(9): DATE} if reason and len(reason) % 2 else {}
        there = {} if dead and len(reason) % 3 else there
        index = index.with_release(Release(version, "sha256:" + "0" * 64, DATE, ("python3.13",), (), mark, there, dead))
    written = index.dumps()
    assert LayerIndex.parse(written) == index
    assert LayerIndex.parse(written).dumps() == written


def test_the_newest_release_is_by_version_and_not_yanked():
    """1.10.0 is newer than 1.9.0, a pre-release is not offered beside a final one, a yanked one never."""
    there = {"eu-central-1": Published(ARN, "x=", 3, DATE)}
    index = LayerIndex("helpers")
    for version in ("1.9.0", "1.10.0", "2.0.0rc1"):
        index = index.with_release(Release(version, "sha256:" + "0" * 64, DATE, (), (), None, there))
    assert index.newest("eu-central-1").version == "1.10.0"
    assert yank(index, "1.10.0", "bad").newest("eu-central-1").version == "1.9.0"
    assert index.newest("eu-west-1") is None
