"""What is said of a bump: the changes as JSON and in a sentence, what was left alone, and what is refused at once."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.pins import bump as bump_module
from layerctl.pins.bump import BumpOutcome, bump_all
from layerctl.pins.edit import write
from layerctl.pins.resolve.targets import BumpRequest
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.scan.finder import find_pins
from layerctl.scan.model import INDEX, FileProblem, FileReport, LeftOut, Unread, Unresolved
from tests.layerctl.pins.made import index_data, resolver
from tests.layerctl.pins.test_bump import arn, template


def report(tmp_path: Path, **files: str) -> FileReport:
    """Write templates, and return what is found in them."""
    found = FileReport()
    for name, text in files.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        found.extend(find_pins(path))
    return found


def shown(outcome: BumpOutcome, *, as_json: bool = False) -> str:
    """Return what an outcome shows."""
    out = io.StringIO()
    outcome.show(out, as_json=as_json)
    return out.getvalue()


def test_the_changes_are_told_in_full(tmp_path: Path) -> None:
    """As JSON with every part, as a diff, and as a number of pins in a number of files."""
    found = report(tmp_path, ä=template(arn(2), arn(2)), b=template(arn(3)), same=template(arn(12)))
    outcome = bump_all(found, BumpRequest(), resolver(), dry_run=True)
    data = json.loads(shown(outcome, as_json=True))
    assert [(Path(one["path"]).name, one["line"], one["from"], one["to"]) for one in data["changes"]] == [
        *(("ä.yaml", 8, 2, 12), ("ä.yaml", 9, 2, 12), ("b.yaml", 8, 3, 12))
    ]
    assert data["changes"][0] == {
        "path": str(tmp_path / "ä.yaml"),
        "line": 8,
        "column": data["changes"][0]["column"],
        "layer": "shared-utils",
        "account": "123456789012",
        "region": "eu-central-1",
        "from": 2,
        "to": 12,
        "from_release": "1.1.0",
        "to_release": "1.4.0",
    }
    assert (data["dry_run"], data["problems"]) == (True, [])
    assert shown(outcome, as_json=True).startswith('{\n  "dry_run": true,')
    assert "ä.yaml" in shown(outcome, as_json=True)
    assert shown(outcome, as_json=True).endswith("}\n")
    diff = shown(outcome)
    assert diff.count("\n+ ") == 3
    assert "same.yaml" not in diff
    assert outcome.summary() == "3 pins would change in 2 files"
    assert (tmp_path / "b.yaml").read_text() == template(arn(3))
    assert bump_all(found, BumpRequest(), resolver()).summary() == "3 pins changed in 2 files"
    assert (tmp_path / "b.yaml").read_text() == template(arn(12))


def test_what_is_told_to_programs(tmp_path: Path) -> None:
    """Beside the changes: what should be known, what went wrong, and what the releases on the way change."""
    index = index_data()
    index["releases"]["1.3.0"]["notes"] = "Faster."
    broken = FileProblem("bad.yaml", "is broken", "mend it", 1, 2)
    found = report(tmp_path, a=template(arn(3)))
    found.problems.append(broken)
    found.notes.append("a note")
    outcome = bump_all(found, BumpRequest("1.3.0"), resolver(index))
    data = json.loads(shown(outcome, as_json=True))
    assert list(data) == ["dry_run", "changes", "notes", "releases", "problems"]
    assert data["dry_run"] is False
    assert data["notes"] == ["a note", *outcome.notes[1:]]
    assert data["problems"] == [broken._asdict()]
    assert data["releases"] == [{"layer": "shared-utils", "release": "1.3.0", "notes": "Faster.", "taken": True}]


def test_a_comment_is_added_where_it_is_wanted(tmp_path: Path) -> None:
    """And only there."""
    for comment, added in ((True, "  # shared-utils 1.4.0"), (False, "")):
        bump_all(report(tmp_path, a=template(arn(3))), BumpRequest(), resolver(), comment=comment)
        assert (tmp_path / "a.yaml").read_text() == template(arn(12) + added)
    bump_all(report(tmp_path, a=template(arn(3))), BumpRequest(), resolver())
    assert (tmp_path / "a.yaml").read_text() == template(arn(12))


def test_a_file_that_cannot_be_written_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a problem and no change; the others are done, and what each of them has to say is kept."""
    failed = FileProblem("b.yaml", "cannot be written", "check its permissions")
    monkeypatch.setattr(bump_module, "write", lambda bump: failed if Path(bump.path).name == "b.yaml" else write(bump))
    mixed = template(arn(3), arn(99))
    found = report(tmp_path, a=mixed, b=template(arn(3)), c=mixed, d=template(arn(12)))
    done: list[str] = []
    outcome = bump_all(found, BumpRequest(), resolver(), moving=lambda names: nullcontext(done.append))
    assert [Path(name).name for name in done] == ["a.yaml", "c.yaml", "d.yaml"]
    assert [Path(bump.path).name for bump in outcome.bumps] == ["a.yaml", "c.yaml", "d.yaml"]
    assert [Path(problem.path).name for problem in outcome.problems] == ["a.yaml", "b.yaml", "c.yaml"]
    assert outcome.problems[1] == failed
    assert {Path(note.partition(":")[0]).name for note in outcome.notes} >= {"a.yaml", "b.yaml", "c.yaml"}
    assert outcome.summary() == "2 pins changed in 2 files"
    assert outcome.dry_run is False
    watched = bump_all(report(tmp_path, b=template(arn(3))), BumpRequest(), resolver(), dry_run=True)
    assert (watched.problems, watched.summary()) == ([], "1 pin would change in 1 file")


def test_a_patch_is_written_as_the_file_is(tmp_path: Path) -> None:
    """In its encoding, behind what was written before; where only text can be written, as far as that goes."""
    path = tmp_path / "a.yaml"
    path.write_bytes(template(arn(3) + "  # ü").encode("latin-1"))
    found = FileReport()
    found.extend(find_pins(path))
    outcome = bump_all(found, BumpRequest(), resolver(), dry_run=True)
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, "utf-8") as out:
        out.write("before\n")
        outcome.show(out, as_json=False)
        written = raw.getvalue()
    assert written == b"before\n" + b"".join(bump.diff() for bump in outcome.bumps)
    assert b"\xfc" in written
    assert "\ufffd" in shown(outcome)


def test_one_and_none(tmp_path: Path) -> None:
    """The words agree with the numbers."""
    found = report(tmp_path, a=template(arn(3)))
    assert bump_all(found, BumpRequest(), resolver(), dry_run=True).summary() == "1 pin would change in 1 file"
    assert bump_all(FileReport(), BumpRequest(), resolver()).summary() == "0 pins changed in 0 files"


def test_what_is_left_alone_is_told(tmp_path: Path) -> None:
    """A file with an error, what was not read, what is decided elsewhere; and everything that the search said."""
    found = report(tmp_path, good=template(arn(3)), bad=template(arn(3)))
    good, bad = str(tmp_path / "good.yaml"), str(tmp_path / "bad.yaml")
    problem, left = FileProblem(bad, "is broken", "mend it", 1, 2), LeftOut("node_modules", "copies")
    found.problems.append(problem)
    found.left_out.append(left)
    found.notes.append("a note")
    found.unread.append(Unread("parent.yaml", 3, 4, "a part was not searched", "name it"))
    found.unresolved += [Unresolved("x.yaml", 1, 1, "${X}"), Unresolved("x.yaml", 2, 1, "${X}")]
    done: list[str] = []

    class Moving:
        """Notes which files are done."""

        def __init__(self, names: object) -> None:
            self.names = names

        def __enter__(self) -> object:
            assert self.names == [good]
            return done.append

        def __exit__(self, *error: object) -> None:
            """Do nothing."""

    outcome = bump_all(found, BumpRequest(), resolver(), dry_run=True, moving=Moving)  # type: ignore[arg-type]
    assert outcome.problems == [problem]
    assert outcome.left_out == [left]
    assert outcome.notes == [
        "a note",
        "parent.yaml:3:4: a part was not searched; name it",
        "the version of 2 more is decided elsewhere (`layerctl pins list --json` shows them)",
        f"{bad} was left alone: it has an error",
        *outcome.notes[4:],
    ]
    assert any("2.0.0 exists; --major goes there" in note for note in outcome.notes[4:])
    assert [Path(bump.path).name for bump in outcome.bumps] == ["good.yaml"]
    assert done == [good]
    quiet = bump_all(report(tmp_path, c=template(arn(13))), BumpRequest(), resolver())
    assert quiet.notes == []


def test_pins_of_an_index_are_not_moved(tmp_path: Path) -> None:
    """They say what is published, and not what is used."""
    found = report(tmp_path, a=template(arn(3)))
    found.pins = [pin._replace(via=INDEX) for pin in found.pins]
    outcome = bump_all(found, BumpRequest(), resolver())
    assert (outcome.bumps, found.pins) == ([], [])


NOBODY = VersionResolver([])


@pytest.mark.parametrize(
    ("layers", "request_", "said", "hint"),
    [
        (
            *(["a"], BumpRequest(), "no source of versions: nobody can say what latest is"),
            "name a layers.json with --index, or give a version number with --to N",
        ),
        (
            *(["a", "b"], BumpRequest("5"), "--to 5 would set 2 layers to one number: 123456789012:a, 123456789012:b"),
            "name one with --layer",
        ),
        (
            ["e", "d", "c", "b", "a"],
            BumpRequest("5"),
            f"--to 5 would set 5 layers to one number: {', '.join(f'123456789012:{name}' for name in 'abcd')}, ...",
            "name one with --layer",
        ),
        (["a"], BumpRequest("5", layer="b"), "no pin of b was found", "see `layerctl pins list`"),
    ],
)
def test_what_would_be_guessing_is_refused(
    tmp_path: Path, layers: list[str], request_: BumpRequest, said: str, hint: str
) -> None:
    """Before a file is changed."""
    text = template(*(arn(3, name=name) for name in layers))
    with pytest.raises(LayerctlError) as caught:
        bump_all(report(tmp_path, a=text), request_, NOBODY)
    assert str(caught.value).startswith(said)
    assert caught.value.hint == hint
    assert (tmp_path / "a.yaml").read_text() == text


def test_what_is_no_guessing(tmp_path: Path) -> None:
    """One layer in many places, four by name, a number that sources know; and nothing at all."""
    twice = template(arn(3), arn(3, region="us-east-1"))
    assert bump_all(report(tmp_path, a=twice), BumpRequest("5"), NOBODY).summary() == "2 pins changed in 1 file"
    two = template(arn(3, name="a"), arn(3, name="b"))
    assert bump_all(report(tmp_path, a=two), BumpRequest("5", layer="b"), NOBODY).summary() == "1 pin changed in 1 file"
    assert bump_all(FileReport(), BumpRequest(), NOBODY).bumps == []
    mixed = template(arn(3), arn(3, name="b"))
    assert bump_all(report(tmp_path, a=mixed), BumpRequest("11"), resolver()).summary() == "1 pin changed in 1 file"
