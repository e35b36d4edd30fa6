"""What the index takes from the regions, notes and forgets, and how its file changes: each to the word."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.core.files.atomic import ChangedMeanwhileError
from layerctl.releases.index import record, store
from layerctl.releases.index.model import LayerIndex, Published, Release, Yank
from layerctl.releases.index.record import RegionalRelease
from layerctl.releases.versions import LayerVersion
from tests.layerctl.releases.conftest import DATE, OURS, REGIONS, THEIRS, ListedVersions, arn, index_of

REGION = REGIONS[0]
NOW = datetime(2026, 11, 26, 9, 8, 7, tzinfo=UTC)


def entry(release, number, region=REGION, *, digest=OURS, day=31):
    """A release as a region has it."""
    created = datetime(2026, 1, day, 12, tzinfo=UTC)
    version = LayerVersion(
        arn(number, region), created, f"{release} {digest}", ("python3.13", "python3.12"), ("x", "a")
    )
    return RegionalRelease(release, digest, version, f"sha {number}", number * 10)


def known(version, *arns, **other):
    """A release of the index."""
    regions = {one.region: Published(one, "x=", 3, DATE) for one in arns}
    return dataclasses.replace(Release(version, OURS, DATE, (), (), None, regions), **other)


def refused(how, *given, **options):
    """Return why something is refused, and what to do."""
    with pytest.raises(LayerctlError) as caught:
        how(*given, **options)
    return caught.value.what, caught.value.hint


def test_a_release_has_one_content():
    """That of the index; and a name that an index can hold."""
    index = index_of(known("1.0.0"))
    for release, digest in (("1.0.0", OURS), ("1.1.0", THEIRS)):
        record.require_same_content(index, release, digest)
    assert refused(record.require_same_content, index, "1.0.0", THEIRS) == (
        f"release 1.0.0 is {OURS} in the index, and {THEIRS} here",
        "a release never changes: raise the version and build again",
    )
    assert refused(record.require_same_content, index, "x", OURS) == (
        "'x' can't be indexed",
        "expected e.g. 1.4.0 or 1.4.0rc1 (--release)",
    )
    assert refused(record.merge, index, [entry("1.0.0", 1, digest=THEIRS)])[0].startswith("release 1.0.0 is")


@pytest.mark.parametrize("turned", [False, True])
def test_what_regions_have_is_added(*, turned):
    """In whatever order: the lowest number of a region, the earliest date of a release, runtimes in order."""
    entries = [entry("1.0.0", 2, day=20), entry("1.0.0", 1, day=30), entry("1.0.0", 5, "us-east-1", day=10)]
    entries += [entry("1.1.0", 3)]
    merged = record.merge(index_of(), reversed(entries) if turned else entries)
    one, two = (
        Published(arn(1), "sha 1", 10, "2026-01-30T12:00:00Z"),
        Published(arn(5, "us-east-1"), "sha 5", 50, "2026-01-10T12:00:00Z"),
    )
    assert merged.releases["1.0.0"] == Release(
        *("1.0.0", OURS, "2026-01-10T12:00:00Z", ("python3.12", "python3.13"), ("a", "x")),
        regions={REGION: one, "us-east-1": two},
    )
    assert list(merged.releases["1.1.0"].regions.values()) == [Published(arn(3), "sha 3", 30, DATE)]
    assert record.merge(merged, entries) == merged
    old = known("1.0.0", arn(1), arn(9, "eu-north-1"), notes="n", yanked=Yank("bad", DATE))
    later = record.merge(index_of(old), [entry("1.0.0", 2), entry("1.0.0", 4, "us-east-1")]).releases["1.0.0"]
    assert later == dataclasses.replace(
        old, regions=old.regions | {"us-east-1": Published(arn(4, "us-east-1"), "sha 4", 40, DATE)}
    )


def test_what_was_deleted_is_noted():
    """With the moment; other regions and releases stay, and what was noted before."""
    one = known("1.0.0", arn(1), arn(4, "us-east-1"), deleted={arn(7): DATE})
    other, third = known("1.1.0", arn(2)), known("1.2.0", arn(3))
    index = record.forget(index_of(one, other, third), iter([arn(1), arn(3), arn(99)]), now=NOW)
    noted = "2026-11-26T09:08:07Z"
    assert index == index_of(
        dataclasses.replace(
            one, regions={"us-east-1": one.regions["us-east-1"]}, deleted={arn(7): DATE, arn(1): noted}
        ),
        other,
        dataclasses.replace(third, regions={}, deleted={arn(3): noted}),
    )
    assert record.forget(index, []) == index
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert before <= record.forget(index_of(other), [arn(2)]).releases["1.1.0"].deleted[arn(2)]


def test_what_is_gone_does_not_keep_others_out():
    """Of each entry's release and region the version that the index has, if it is another and not there any more."""
    index = index_of(known("1.0.0", arn(1)), known("1.1.0", arn(2)), known("1.2.0", arn(3)), known("1.3.0"))
    client = ListedVersions({2: "", 12: "", 13: "", 14: ""})
    asked = []
    aws = SimpleNamespace(client=lambda *given: asked.append(given) or client)
    entries = [entry("1.0.0", 11), entry("1.1.0", 12), entry("1.2.0", 3), entry("1.3.0", 13), entry("9.0.0", 14)]
    assert record.gone_for(aws, index, entries) == {arn(1)}
    assert client.asked == [("get", "helpers", 1), ("get", "helpers", 2)]
    assert asked == [("lambda", REGION)] * 2


def test_a_release_that_there_is_not_is_told_with_those_that_there_are():
    """Whatever is wanted of it."""
    index = index_of(known("1.0.0"), known("1.1.0"))
    assert record.find_release(index, "1.1.0") is index.releases["1.1.0"]
    said = ("the index has no release '2.0.0'", "it has: 1.0.0, 1.1.0")
    assert refused(record.find_release, index, "2.0.0") == said
    assert refused(record.find_release, index_of(), "2.0.0")[1] == "it has: none"
    assert refused(record.yank, index, "2.0.0", "bad") == said
    assert refused(record.describe, index, "2.0.0", "text") == said
    assert refused(record.unyank, index, "2.0.0") == said


def test_a_release_is_yanked_once():
    """With its reason on one line; a second yank changes the reason and keeps the date; it can be taken back."""
    index = record.yank(index_of(known("1.0.0", arn(1))), "1.0.0", " it\n leaks ", severity="high", now=NOW)
    assert index == index_of(known("1.0.0", arn(1), yanked=Yank("it leaks", "2026-11-26T09:08:07Z", "high")))
    again = record.yank(index, "1.0.0", "worse")
    assert again.releases["1.0.0"].yanked == Yank("worse", "2026-11-26T09:08:07Z", "")
    assert record.unyank(again, "1.0.0") == index_of(known("1.0.0", arn(1)))
    assert refused(record.unyank, index_of(known("1.0.0")), "1.0.0") == (
        "1.0.0 is not yanked",
        "`layerctl index notes` shows a release",
    )


def test_notes_have_a_limit():
    """Of 20,000 characters."""
    index = index_of(known("1.0.0"))
    assert record.describe(index, "1.0.0", "x" * 20_000).releases["1.0.0"].notes == "x" * 20_000
    assert refused(record.describe, index, "1.0.0", "x" * 20_001) == (
        "the notes have 20,001 characters",
        "the index takes 20,000",
    )


def test_what_a_region_has_that_the_index_lacks():
    """Each release once, by its lowest number, with what is stored; what the index has is not asked for again."""
    client = ListedVersions(
        {9: f"1.2.0 {OURS}", 8: f"1.2.0 {OURS}", 7: "a stack's", 6: f"odd {OURS}", 5: f"1.1.0 {THEIRS}", 4: f"{OURS}"}
        | {3: f"1.1.0 {OURS}", 2: f"1.0.0 {OURS}"}
    )
    index = index_of(known("1.0.0", arn(2)), known("1.1.0", arn(33)), known("0.9.0", arn(1)), known("0.8.0"))
    entries, gone = record.scan_region(client, index, REGION)
    assert [(one.release, one.version.number, one.content_digest, one.code_sha256, one.size) for one in entries] == [
        ("1.2.0", 8, OURS, "sha 8", 7),
        ("1.1.0", 3, OURS, "sha 3", 7),
    ]
    assert gone == [arn(33), arn(1)]
    assert client.asked == [("list", "helpers"), ("get", "helpers", 8), ("get", "helpers", 3)]
    assert record.scan_region(ListedVersions({}), index_of(known("1.0.0", arn(1, "us-east-1"))), REGION) == ([], [])


def test_two_contents_of_one_name_are_refused():
    """Where the index does not say which is meant."""
    client = ListedVersions({2: f"1.0.0 {OURS}", 1: f"1.0.0 {THEIRS}"})
    assert refused(record.scan_region, client, index_of(), REGION) == (
        f"release 1.0.0 has two contents: versions 1 and 2 in {REGION}",
        "delete the one that was not meant (`aws lambda delete-layer-version`)",
    )


def add(index):
    """Add a release."""
    return index.with_release(known("1.0.0", arn(1)))


def test_the_file_is_changed_where_a_link_leads(tmp_path):
    """Made where it is missing; the same content is not written again; a dry run writes nothing."""
    path = tmp_path / "layers.json"
    path.symlink_to("real.json")
    expected = add(index_of())
    assert store.update(path, "helpers", add, dry_run=True) == expected
    assert list(tmp_path.iterdir()) == [path]
    assert store.update(path, "helpers", add) == expected
    real = tmp_path / "real.json"
    assert (path.is_symlink(), real.read_text()) == (True, expected.dumps())
    before = real.stat()
    assert store.update(path, "helpers", add) == expected
    assert (real.stat().st_mtime_ns, real.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    changed = store.update(path, "helpers", lambda index: index.with_release(known("1.1.0")), dry_run=True)
    assert (set(changed.releases), real.read_text()) == ({"1.0.0", "1.1.0"}, expected.dumps())


def test_a_file_that_is_not_ours_or_cannot_be_written(tmp_path, monkeypatch):
    """Another layer's, one that was changed meanwhile, in a folder that is not there, with what cannot be read."""
    path = tmp_path / "layers.json"
    path.write_text(LayerIndex("other").dumps())
    what, _ = refused(store.update, path, "helpers", add)
    assert str(path) in what
    assert "other" in what
    path.unlink()
    gone = tmp_path / "no" / "layers.json"
    assert refused(store.update, gone, "helpers", add) == (f"{gone} cannot be written: No such file or directory", None)
    odd = known("1.0.0", arn(1), runtimes=(1,))
    assert refused(store.update, path, "helpers", lambda index: index.with_release(odd))[0].startswith(f"{path}: at ")
    assert not path.exists()

    def changed(target, data, *, expected):
        assert (target, data, expected) == (path, add(index_of()).dumps().encode(), None)
        raise ChangedMeanwhileError

    monkeypatch.setattr(store, "replace_bytes", changed)
    assert refused(store.update, path, "helpers", add) == (f"{path} was changed by another program", "run again")


def test_the_index_of_a_layer_that_lies_here(tmp_path, monkeypatch):
    """By its name, if it is that layer's."""
    monkeypatch.chdir(tmp_path)
    assert store.find("helpers") is None
    (tmp_path / "layers.json").write_text(index_of().dumps())
    assert str(store.find("helpers")) == "layers.json"
    assert store.find("other") is None
