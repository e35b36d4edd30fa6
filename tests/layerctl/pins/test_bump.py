"""What a bump changes, what it leaves alone, and what it refuses."""

import json
import os
import stat
from pathlib import Path

import pytest

from layerctl.__main__ import main
from layerctl.pins.edit import bump_file, write
from layerctl.pins.resolve.targets import BumpRequest
from layerctl.scan.files import scan
from tests.layerctl.pins.made import index_data, resolver, write_index


def arn(version, name="shared-utils", region="eu-central-1", account="123456789012"):
    """A layer version ARN."""
    return f"arn:aws:lambda:{region}:{account}:layer:{name}:{version}"


def template(*layers):
    """A SAM template whose function has these layers."""
    lines = "".join(f"        - {layer}\n" for layer in layers)
    return (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
        f"    Properties:\n      Runtime: python3.13\n      Layers:\n{lines}"
    )


def bumped(tmp_path, text, name="template.yaml", *indexes, comment=False, **request):
    """The text after a bump, with what it had to say."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = bump_file(path, BumpRequest(**request), resolver(*indexes), comment=comment)
    return outcome.text, outcome


def test_newest_within_the_major_version(tmp_path):
    """Without --major the newest release of the same major version is taken, and the newer major one is mentioned."""
    text, outcome = bumped(tmp_path, template(arn(2)))
    assert text == template(arn(12))
    assert "2.0.0 exists; --major goes there" in outcome.notes[0]


def test_major(tmp_path):
    """With --major the newest of all is taken."""
    assert bumped(tmp_path, template(arn(2)), major=True)[0] == template(arn(13))


@pytest.mark.parametrize(("now", "to"), [(12, "2.0.0"), (13, "1.4.0"), (12, "13")])
def test_a_major_jump_needs_major(tmp_path, now, to):
    """A release of another major version, up or down, is refused without --major, and taken with it."""
    text, outcome = bumped(tmp_path, template(arn(now)), to=to)
    assert text == template(arn(now))
    assert "jump over a major version" in str(outcome.problems[0])
    assert bumped(tmp_path, template(arn(now)), to=to, major=True)[0] == template(arn({12: 13, 13: 12}[now]))


def test_an_unknown_version_may_be_a_major_jump(tmp_path):
    """From a version that the index lacks, a jump is refused only where it could be one over a major version."""
    assert bumped(tmp_path, template(arn(7)), to="1.4.0")[0] == template(arn(12))  # between 1.2.0 and 1.3.0
    outcome = bumped(tmp_path, template(arn(7)), to="2.0.0")[1]
    assert "--major" in str(outcome.problems[0])


def test_yanked_releases_are_not_taken(tmp_path):
    """The newest release is never one that was yanked; by name it is taken when forced, with a note."""
    index = index_data(yanked=("1.4.0",))
    assert bumped(tmp_path, template(arn(2)), "template.yaml", index)[0] == template(arn(11))
    text, outcome = bumped(tmp_path, template(arn(2)), "template.yaml", index, to="1.4.0")
    assert text == template(arn(2))
    assert "was yanked: it leaks; say --force if it is meant" in str(outcome.problems[0])
    text, outcome = bumped(tmp_path, template(arn(2)), "template.yaml", index, to="1.4.0", force=True)
    assert text == template(arn(12))
    assert "was yanked: it leaks" in outcome.notes[0]


def test_prereleases_are_not_taken(tmp_path):
    """The newest release is a final one."""
    index = index_data(releases=(("1.0.0", 1), ("1.1.0", 2), ("1.2.0rc1", 3)))
    assert bumped(tmp_path, template(arn(1)), "template.yaml", index)[0] == template(arn(2))


@pytest.mark.parametrize("to", ["9.9.9", "99", "banana"])
def test_an_unknown_target_is_an_error(tmp_path, to):
    """A release or number that is not published is an error that says what there is."""
    text, outcome = bumped(tmp_path, template(arn(2)), to=to)
    assert text == template(arn(2))
    assert f"shared-utils has no {to} in eu-central-1" in str(outcome.problems[0])
    assert "1.4.0 (12)" in str(outcome.problems[0])


def test_a_region_without_the_layer(tmp_path):
    """A pin in a region where the layer is not published stays, and the error names the regions that have it."""
    outcome = bumped(tmp_path, template(arn(2, region="sa-east-1")))[1]
    assert "not published in sa-east-1" in str(outcome.problems[0])
    assert "eu-central-1, eu-west-1, us-east-1" in str(outcome.problems[0])


def test_newer_than_the_index(tmp_path):
    """A pin that is newer than all that the index knows is never moved back to its newest."""
    outcome = bumped(tmp_path, template(arn(20)))[1]
    assert "newer than what layers.json knows" in str(outcome.problems[0])


def test_other_layers_and_accounts_stay(tmp_path):
    """Only pins of the index' own layer, in its own account, are moved."""
    others = (arn(2, name="shared"), arn(2, name="shared-utils-2"), arn(2, account="999999999999"))
    for layer in (None, "shared-utils"):
        text, outcome = bumped(tmp_path, template(*others, arn(2)), layer=layer)
        assert text == template(*others, arn(12))
        assert outcome.problems == []


def test_numbers_that_differ_between_regions(tmp_path):
    """A pin without a region moves only if the number is the same wherever it is deployed."""
    index = index_data()
    there = index["releases"]["1.4.0"]["regions"]["us-east-1"]
    there["arn"] = arn(14, region="us-east-1")
    text = template("!Sub " + arn(2, region="${AWS::Region}"))
    outcome = bumped(tmp_path, text, "template.yaml", index)[1]
    assert "different numbers: 12 in eu-central-1, 12 in eu-west-1, 14 in us-east-1" in str(outcome.problems[0])
    regions = frozenset({"us-east-1"})
    assert bumped(tmp_path, text, "template.yaml", index, regions=regions)[0] == text.replace(":2", ":14")


def test_one_number_for_two_layers(tmp_path):
    """A version that two layers share moves only if both go to the same number."""
    text = (
        "Parameters: {N: {Type: Number, Default: 2}}\nTransform: AWS::Serverless-2016-10-31\nResources:\n  F:\n"
        "    Type: AWS::Serverless::Function\n    Properties:\n      Layers:\n"
        "        - !Sub arn:aws:lambda:eu-west-1:123456789012:layer:shared-utils:${N}\n"
        "        - !Sub arn:aws:lambda:eu-west-1:123456789012:layer:other:${N}\n"
    )
    outcome = bumped(tmp_path, text)[1]
    assert "which do not go to one number" in str(outcome.problems[0])
    both = (index_data(), index_data("other"))
    assert bumped(tmp_path, text, "template.yaml", *both)[0] == text.replace("Default: 2", "Default: 12")


# --- comments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  # shared-utils 1.1.0", "  # shared-utils 1.4.0"),
        (" # shared-utils v1.1.0, see the wiki", " # shared-utils v1.4.0, see the wiki"),
        (" # shared-utils: 1.1.0", " # shared-utils: 1.4.0"),
        (" # shared-utils==1.1.0", " # shared-utils==1.4.0"),
        ("  # 1.1.0", "  # 1.4.0"),
        ("  # v1.1.0", "  # v1.4.0"),
        ("  # shared-utils layer, release 1.1.0", "  # shared-utils layer, release 1.4.0"),
        ("  # shared-utils (1.1.0)", "  # shared-utils (1.4.0)"),
        ("  # 1.1.0 of shared-utils", "  # 1.4.0 of shared-utils"),
        ("  # release 1.1.0, see the wiki", "  # release 1.4.0, see the wiki"),
        ("  # since shared-utils 1.1.0", "  # since shared-utils 1.1.0"),
        ("  # shared-utils 1.1.0 or newer", "  # shared-utils 1.1.0 or newer"),
        ("  # shared-utils-extra 1.1.0", "  # shared-utils-extra 1.1.0"),
        ("  # needs boto3 1.1.0", "  # needs boto3 1.1.0"),
        ("  # shared-utils", "  # shared-utils"),
    ],
)
def test_comments_that_name_the_release(tmp_path, before, after):
    """A comment that says the layer's release, or nothing but a release, says the new one; others stay."""
    assert bumped(tmp_path, template(arn(2) + before))[0] == template(arn(12) + after)


def test_comments_in_other_languages(tmp_path):
    """TypeScript, Terraform and Markdown have comments of their own."""
    for name, comment in {"a.ts": "// {}", "a.tf": "# {}", "a.md": "<!-- {} -->", "a.js": "/* {} */"}.items():
        text = f'layers = ["{arn(2)}"] {comment.format("shared-utils 1.1.0")}\n'
        assert bumped(tmp_path, text, name)[0] == text.replace(":2", ":12").replace("1.1.0", "1.4.0")


def test_two_pins_on_one_line(tmp_path):
    """A comment behind two pins counts only for the layer that it names."""
    line = f"[{arn(2)}, {arn(2, name='other')}]  # other 1.1.0"
    text = f"Resources: {{}}\nLayers: {line}\n"
    index = index_data()
    assert bumped(tmp_path, text, "template.yaml", index)[0] == text.replace("utils:2", "utils:12")


def test_adding_a_comment(tmp_path):
    """--comment adds the release behind a pin that has no comment; nothing is added where a comment cannot stand."""
    sub = "!Sub '" + arn(2, region="${AWS::Region}") + "'"
    block = ">-\n          " + arn(2)
    text = template(arn(2), sub, arn(2) + "  # note", block)
    expected = template(
        arn(12) + "  # shared-utils 1.4.0",
        sub.replace(":2", ":12") + "  # shared-utils 1.4.0",
        arn(12) + "  # note",
        block.replace(":2", ":12"),
    )
    assert bumped(tmp_path, text, comment=True)[0] == expected
    assert bumped(tmp_path, expected, comment=True)[1].edits == []
    json_text = '{"Resources": {}, "Layers": ["%s"\n]}' % arn(2)  # noqa: UP031
    assert bumped(tmp_path, json_text, "a.json", comment=True)[0] == json_text.replace(":2", ":12")
    toml = f'layers = """\n{arn(2)}\n"""\n'
    assert bumped(tmp_path, toml, "a.toml", comment=True)[0] == toml.replace(":2", ":12")
    heredoc = f"x = <<EOT\n{arn(2)}\nEOT\n"
    assert bumped(tmp_path, heredoc, "a.tf", comment=True)[0] == heredoc.replace(":2", ":12")


def test_a_comment_is_appended_before_the_line_end(tmp_path):
    """With CRLF line ends too, the comment stands in the line."""
    text = template(arn(2)).replace("\n", "\r\n")
    expected = text.replace(":2\r\n", ":12  # shared-utils 1.4.0\r\n")
    assert bumped(tmp_path, text, comment=True)[0] == expected


# --- writing ----------------------------------------------------------------------------------------------


def test_mode_and_links_stay(tmp_path):
    """The file that a link leads to is written; the link stays one, and the mode is kept."""
    real = tmp_path / "real" / "template.yaml"
    real.parent.mkdir()
    real.write_text(template(arn(2)))
    real.chmod(0o640)
    link = tmp_path / "template.yaml"
    link.symlink_to(real)
    assert write(bump_file(link, BumpRequest(), resolver())) is None
    assert link.is_symlink()
    assert real.read_text() == template(arn(12))
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["template.yaml"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path):
    """What someone else wrote between reading and writing stays, and it is said so."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    planned = bump_file(path, BumpRequest(), resolver())
    path.write_text(template(arn(2), arn(1, name="new")))
    assert "changed by someone else meanwhile" in str(write(planned))
    assert path.read_text() == template(arn(2), arn(1, name="new"))
    assert [one.name for one in tmp_path.iterdir()] == ["template.yaml"]


def test_a_write_that_fails_leaves_the_file(tmp_path, monkeypatch):
    """When the disk is full, the file is as it was, and nothing is left beside it."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    planned = bump_file(path, BumpRequest(), resolver())

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in str(write(planned))
    assert path.read_text() == template(arn(2))
    assert [one.name for one in tmp_path.iterdir()] == ["template.yaml"]


def test_dry_run(tmp_path, capsys):
    """--dry-run shows the diff and writes nothing; without it the same diff is shown and the file written."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2), arn(2, name="other")))
    index = str(write_index(tmp_path))
    assert main(["pins", "bump", str(path), "--index", index, "--dry-run"]) == 0
    shown, said = capsys.readouterr()
    assert f"-        - {arn(2)}\n+        - {arn(12)}\n" in shown
    assert shown.count("\n+") == 2  # the line, and the new name
    assert "1 pin would change in 1 file" in said
    assert path.read_text() == template(arn(2), arn(2, name="other"))
    assert main(["pins", "bump", str(path), "--index", index]) == 0
    assert capsys.readouterr().out == shown
    assert path.read_text() == template(arn(12), arn(2, name="other"))


def test_json(tmp_path, capsys):
    """--json tells each change with place, layer, versions and releases."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    assert main(["pins", "bump", str(path), "--index", str(write_index(tmp_path)), "--json"]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["from"], change["to"], change["from_release"], change["to_release"]) == (2, 12, "1.1.0", "1.4.0")
    assert (change["line"], change["layer"], change["region"]) == (8, "shared-utils", "eu-central-1")


# --- wishes that cannot be fulfilled ----------------------------------------------------------------------


def test_without_a_source_there_is_no_newest(tmp_path, monkeypatch, capsys):
    """Without an index nobody knows what is newest: an error, and nothing is guessed."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    assert main(["pins", "bump", str(path), "--offline"]) == 2
    assert "no source of versions" in capsys.readouterr().err
    assert path.read_text() == template(arn(2))


@pytest.mark.parametrize("number", ["0", "00", str(2**63), "9" * 5000])
def test_numbers_that_no_version_has(tmp_path, number, capsys):
    """Versions count from 1, up to what a Long holds: anything else is an error, and nothing is written."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    assert main(["pins", "bump", str(path), "--offline", "--to", number]) == 2
    assert "no layer version has that number" in capsys.readouterr().err
    assert path.read_text() == template(arn(2))


def test_a_number_without_an_index(tmp_path, monkeypatch, capsys):
    """--to N needs no index; where there are several layers, --layer must say which."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2), arn(2, name="other")))
    assert main(["pins", "bump", str(path), "--to", "5"]) == 2
    assert "would set 2 layers to one number: 123456789012:other, 123456789012:shared-utils;" in capsys.readouterr().err
    assert main(["pins", "bump", str(path), "--to", "5", "--layer", "other"]) == 0
    assert path.read_text() == template(arn(2), arn(5, name="other"))
    path.write_text(template(*(arn(2, name=name) for name in "abcdefg")))
    assert main(["pins", "bump", str(path), "--to", "5"]) == 2
    assert "12:d, ...; name one" in capsys.readouterr().err


def test_a_layer_by_its_arn(tmp_path, monkeypatch):
    """--layer takes an ARN too, and then means that account's layer only."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2), arn(2, account="999999999999")))
    layer = "arn:aws:lambda:eu-central-1:999999999999:layer:shared-utils"
    assert main(["pins", "bump", str(path), "--to", "5", "--layer", layer]) == 0
    assert path.read_text() == template(arn(2), arn(5, account="999999999999"))


def test_the_index_itself_is_not_bumped(tmp_path, monkeypatch, capsys):
    """A layers.json among the files is listed, but neither changed by a bump nor faulted by a check."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "template.yaml").write_text(template(arn(2)))
    index = write_index(tmp_path, yanked=("1.0.0",))
    before = index.read_bytes()
    assert main(["pins", "bump", "."]) == 0
    assert index.read_bytes() == before
    assert main(["pins", "check", "."]) == 0
    assert main(["pins", "list", "."]) == 0
    assert capsys.readouterr().out.count("layers.json") == 18


def test_a_layer_that_nobody_pins(tmp_path, capsys):
    """A --layer that no file pins is an error: most likely a typo."""
    path = tmp_path / "template.yaml"
    path.write_text(template(arn(2)))
    assert main(["pins", "bump", str(path), "--to", "5", "--layer", "shared-util"]) == 2
    assert "no pin of shared-util was found" in capsys.readouterr().err


def test_what_is_no_version_is_not_touched(tmp_path):
    """Digits that go on as something else (a release in place of a version) are no version to change."""
    path = tmp_path / "notes.txt"
    path.write_text(arn("2x") + "\n" + arn("1.4.0") + "\n")
    outcome = bump_file(path, BumpRequest(), resolver())
    assert outcome.edits == []
    assert len(outcome.problems) == 2


def test_a_module_of_several_files(tmp_path, monkeypatch):
    """In a Terraform module the variable's default is what changes, in the file that it stands in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(
        'resource "aws_lambda_function" "f" {\n  layers = ["' + arn("${var.v}") + '"]\n}\n'
    )
    (tmp_path / "variables.tf").write_text('variable "v" {\n  default = 2 # shared-utils 1.1.0\n}\n')
    write_index(tmp_path)
    assert main(["pins", "bump", "."]) == 0
    assert "default = 12 # shared-utils 1.4.0" in (tmp_path / "variables.tf").read_text()
    assert [pin.version for pin in scan([tmp_path]).pins if pin.path.endswith(".tf")] == [12]


def test_services_roll_back_each_by_itself(tmp_path, monkeypatch, capsys):
    """Down from newer and yanked releases, up from an older one; what cannot move is named and left, exit code 2."""
    monkeypatch.chdir(tmp_path)
    data = index_data(yanked=("1.4.0",))
    del data["releases"]["1.1.0"]["regions"]["us-east-1"]
    (tmp_path / "layers.json").write_text(json.dumps(data))
    pins = {"yanked": arn(12), "older": arn(1), "there": arn(2, region="eu-west-1")}
    stuck = {"elsewhere": arn(11, region="us-east-1"), "major": arn(13)}
    for name, pin in (pins | stuck).items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "template.yaml").write_text(template(pin))
    assert main(["pins", "bump", ".", "--to", "1.1.0", "--layer", "shared-utils"]) == 2
    said = capsys.readouterr().err
    assert "elsewhere/template.yaml" in said
    assert "shared-utils has no 1.1.0 in us-east-1" in said
    assert "2.0.0 to 1.1.0 is a jump over a major version" in said
    found = {Path(pin.path).parent.name: pin.version for pin in scan([tmp_path]).pins if "template" in pin.path}
    assert found == dict.fromkeys(pins, 2) | {"elsewhere": 11, "major": 13}
