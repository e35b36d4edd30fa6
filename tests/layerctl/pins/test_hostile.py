"""Files that are broken, huge, malicious or no text: an error for each, and the others are done."""

import json
import os

import pytest

from layerctl.__main__ import main
from layerctl.scan.files import scan
from tests.layerctl.pins.made import write_index

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:{}"
FUNCTION = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Layers:
        - {}
"""
GOOD = FUNCTION.format(ARN.format(7))
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

# name: (content, words of the error, its line, versions found all the same)
HOSTILE = {
    "bomb-with-pin.yaml": (BOMB + FUNCTION.format(ARN.format(3)), "bomb", 6, [3]),
    "broken.yaml": (FUNCTION.format(f"[{ARN.format(3)}") + "  G: {\n", "not YAML", 8, [3]),
    "tab.yaml": (GOOD.replace("      Layers", "\tLayers"), "not YAML", 6, [7]),
    "twice.yaml": (GOOD + f"  F:\n    Type: x\n    Layers: [{ARN.format(8)}]\n", "duplicate key 'F'", 8, [7, 8]),
    "tag.yaml": (FUNCTION.format(f"!Frobnicate {ARN.format(3)}"), "unknown tag !Frobnicate", 7, [3]),
    "alias.yaml": (FUNCTION.format("*missing"), "undefined alias", 7, []),
    "deep.yaml": ("Resources: " + "[" * 100_000, "nested deeper", 1, []),
    "deep-block.yaml": ("Resources:\n" + "- " * 50_000 + "x", "nested deeper", 2, []),
    "control.yaml": (GOOD + "# \x07 bell\n", "control characters", 8, [7]),
    "binary.yaml": (bytes(range(256)) * 10, "binary", 1, []),
    "broken.json": ('{"Resources": {"F": {"Layers": ["' + ARN.format(4) + '"', "not YAML", 1, [4]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_error_with_its_line(name, tmp_path):
    """What is wrong is said with file and line; literal ARNs are found all the same."""
    content, words, line, versions = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = scan([tmp_path])
    assert [pin.version for pin in report.pins] == versions
    assert len(report.problems) == 1
    assert words in str(report.problems[0])
    assert report.problems[0].path == path.as_posix()
    assert report.problems[0].line == line


def test_the_others_are_done(tmp_path, capsys, monkeypatch):
    """A folder of hostile files gives the good one's pins, and a warning for each of the others."""
    for name, (content, *_) in HOSTILE.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "missing.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..", target_is_directory=True)
    assert main(["pins", "list", str(tmp_path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert any(pin["path"].endswith("good.yaml") for pin in json.loads(out)["pins"])
    names = [*HOSTILE, "self.yaml", "missing.yaml", "folder/up"]
    for name in names:
        assert f"warning: {(tmp_path / name).as_posix()}" in err
    assert f"{len(names)} problems of files that were found in folders" in err
    assert "Traceback" not in err
    monkeypatch.setenv("LAYERCTL_INDEX", str(write_index(tmp_path)))
    assert main(["pins", "check", str(tmp_path), "--ignore", "pin-*"]) == 0
    assert capsys.readouterr().out.count("[template-invalid]") == len(names)
    assert main(["pins", "check", str(tmp_path), "--ignore", "pin-*", "--strict"]) == 1


def test_a_bump_leaves_broken_files_alone(tmp_path, capsys):
    """A file with an error is not written to; the others are bumped."""
    broken = tmp_path / "broken.yaml"
    broken.write_text(GOOD + "  G: {\n")
    good = tmp_path / "good.yaml"
    good.write_text(GOOD)
    assert main(["pins", "bump", str(tmp_path), "--to", "9"]) == 0
    assert ":7" in broken.read_text()
    assert ":9" in good.read_text()
    assert "was left alone" in capsys.readouterr().err
    assert main(["pins", "bump", str(broken), "--to", "9"]) == 2


def test_fifty_megabytes(tmp_path):
    """A huge file is an error with its line; the literal ARNs in it are found."""
    path = tmp_path / "huge.yaml"
    path.write_text(GOOD + "# padding\n" * 5_000_000)
    report = scan([tmp_path])
    assert [pin.version for pin in report.pins] == [7]
    assert len(report.problems) == 1
    assert "too large" in str(report.problems[0])
    assert report.problems[0].line == 1


def test_variables_that_refer_to_variables(tmp_path):
    """References that multiply, ten of ten of ten, end in time: what is beyond the limit counts as open."""
    levels = "\n".join(f"  v{n}: " + f"${{self:custom.v{n + 1}}}" * 10 for n in range(9))
    path = tmp_path / "serverless.yml"
    path.write_text(
        f"service: s\nprovider: {{name: aws}}\ncustom:\n{levels}\n  v9: x\n"
        "functions:\n  f:\n    handler: a.b\n    layers:\n"
        "      - arn:aws:lambda:eu-west-1:123456789012:layer:x${self:custom.v0}:3\n"
    )
    report = scan([path])
    assert [pin.version for pin in report.pins] == [3]


def test_files_of_template_engines_are_no_error(tmp_path):
    """A Helm chart or a cookiecutter template is no YAML yet, and no error: the literal ARNs in it are found."""
    (tmp_path / "chart.yaml").write_text("{{- if .Values.x }}\na: " + ARN.format(3) + "\n{{- end }}\n")
    (tmp_path / "template.yaml").write_text(GOOD.replace("Layers", "{{cookiecutter.key}}: {{ x }}\n      Layers"))
    report = scan([tmp_path])
    assert [pin.version for pin in report.pins] == [3, 7]
    assert report.problems == []


def test_a_file_is_searched_once(tmp_path):
    """A file that is named twice, or linked to, is listed once."""
    path = tmp_path / "template.yaml"
    path.write_text(GOOD)
    (tmp_path / "link.yaml").symlink_to(path)
    os.link(path, tmp_path / "other.yaml")
    assert len(scan([path, tmp_path, path]).pins) == 1


@pytest.mark.parametrize("name", ["nowhere.yaml", "folder/nowhere"])
def test_names_that_do_not_exist(name, tmp_path, capsys):
    """A name that does not exist is an error in one line."""
    assert main(["pins", "list", str(tmp_path / name)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_unreadable(tmp_path, monkeypatch):
    """A file that may not be read is an error; the others are done."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)
    from layerctl.templates.source import Source

    read = Source.read

    def denied(path):
        if path.name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Source, "read", denied)
    report = scan([tmp_path])
    assert [pin.path for pin in report.pins] == [(tmp_path / "b.yaml").as_posix()]
    assert "Permission denied" in str(report.problems[0])


def test_many_files_on_several_cores(tmp_path):
    """Many files give what they give one by one, whether or not they hold pins."""
    padding = "# padding\n" * 4000
    for number in range(200):
        folder = tmp_path / f"{number % 10}"
        folder.mkdir(exist_ok=True)
        text = FUNCTION.format(ARN.format(number)) if number % 3 else "Resources: {}\n"
        (folder / f"{number}.yaml").write_text(text + padding)
    report = scan([tmp_path])
    assert sorted(pin.version for pin in report.pins) == [number for number in range(200) if number % 3]


def test_json_that_is_no_yaml(tmp_path):
    """JSON's own ways (halves of characters, colons on lines of their own) are no error."""
    for number, text in enumerate(
        (
            '{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Description": "\\ud83d\\ude00",\n'
            '  "Properties": {"Layers": ["' + ARN.format(3) + '"]}}}}',
            '{"Resources"\n:\n{"F": {"Layers": ["' + ARN.format(3) + '"]}}}',
        )
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        report = scan([path])
        assert [pin.version for pin in report.pins] == [3]
        assert report.problems == []
    assert [function.name for function in scan([tmp_path / "0.json"]).pins[0].functions] == ["F"]
