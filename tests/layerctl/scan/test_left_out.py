"""What is looked at in a folder and what is not: copies, installed packages, what git ignores, and patterns."""

import json
import subprocess
from pathlib import Path

import pytest

from layerctl.__main__ import main
from layerctl.scan.exclusion import Exclusion
from layerctl.scan.files import scan
from layerctl.scan.model import EXCLUDED, IGNORED, VENDORED
from tests.layerctl.pins.made import write_index

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:7"
GOOD = f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Layers:
        - {ARN}
"""


@pytest.fixture
def index(tmp_path_factory):
    """An index of the version that is pinned."""
    return str(write_index(tmp_path_factory.mktemp("index"), releases=(("1.0.0", 7),)))


def _write(root, *names, text=GOOD):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _git(root, *arguments):
    command = ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def _found(root, *, base=None, **options):
    report = scan([root], **options)
    return sorted(pin.path.removeprefix(f"{(base or root).as_posix()}/") for pin in report.pins)


def test_what_is_left_out(tmp_path, capsys):
    """Folders of copies are left out, and it is said so; one that is named is searched."""
    for name in (".aws-sam", "node_modules", "src"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "template.yaml").write_text(GOOD)
    assert main(["pins", "list", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out.count("shared-utils") == 1
    assert "copies and dependencies: .aws-sam, node_modules" in err
    assert len(scan([tmp_path / ".aws-sam"]).pins) == 1


def test_vendored_packages_are_left_out(tmp_path, capsys):
    """What a package installed into a folder is left out, and it is said so; own code beside it is searched."""
    code = tmp_path / "src"
    for name in ("requests", "own", "requests-2.0.dist-info"):
        (code / name).mkdir(parents=True)
        (code / name / "template.yaml").write_text(GOOD)
    (code / "requests-2.0.dist-info" / "RECORD").write_text(
        "requests/template.yaml,,\nrequests-2.0.dist-info/RECORD,,\n"
    )
    assert main(["pins", "list", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "own/template.yaml" in out
    assert out.count("shared-utils") == 1
    assert "left out installed packages: requests, requests-2.0.dist-info" in err
    assert len(scan([code / "requests"]).pins) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"requests-2.0.dist-info/METADATA": "Name: requests\n"},
        {"requests-2.0.dist-info/top_level.txt": "requests\n"},
        {"requests-2.0.dist-info/RECORD": "requests/__init__.py,,\nsix.py,,\n"},
        {"Requests-2.0.dist-info/METADATA": "Name: Requests\n"},
    ],
    ids=["no-record", "top-level", "record", "name"],
)
def test_packages_beside_their_metadata(tmp_path, metadata):
    """A package beside its metadata is installed, also at the top of the folder and where its RECORD was deleted."""
    _write(tmp_path, "requests/tests/template.yaml", "own/template.yaml", "template.yaml")
    for name, text in metadata.items():
        _write(tmp_path, name, text=text)
    assert _found(tmp_path) == ["own/template.yaml", "template.yaml"]
    assert VENDORED in {one.why for one in scan([tmp_path]).left_out}


@pytest.mark.parametrize("name", ["site-packages", "dist-packages"])
def test_a_folder_of_packages_that_is_named(tmp_path, name):
    """Who names the folder where everything is installed means the packages."""
    _write(tmp_path / name, "requests/template.yaml", "requests-2.0.dist-info/METADATA")
    assert "requests/template.yaml" in _found(tmp_path / name)


def test_git_ignore(tmp_path):
    """Nested files, negation, what is tracked all the same, and checkouts within: as git itself decides."""
    _git(tmp_path, "init", "-q")
    _write(tmp_path, ".gitignore", text="/generated/\n*.out.yaml\n!keep.out.yaml\n")
    _write(tmp_path, "a/.gitignore", text="/only-here.yaml\n")
    _write(tmp_path, "generated/template.yaml", "a/x.out.yaml", "a/keep.out.yaml", "a/only-here.yaml")
    _write(tmp_path, "a/b/only-here.yaml", "tracked.out.yaml", "template.yaml")
    _git(tmp_path, "add", "-f", "tracked.out.yaml")
    _write(tmp_path, "inner/.gitignore", text="here.yaml\n")
    _write(tmp_path, "inner/here.yaml", "inner/there.yaml")
    _git(tmp_path / "inner", "init", "-q")
    looked_at = ["a/b/only-here.yaml", "a/keep.out.yaml", "inner/there.yaml", "template.yaml", "tracked.out.yaml"]
    assert _found(tmp_path) == looked_at
    left_out = {one.path.removeprefix(f"{tmp_path}/"): one.why for one in scan([tmp_path]).left_out}
    ignored = ("generated", "a/x.out.yaml", "a/only-here.yaml", "inner/here.yaml")
    assert left_out == dict.fromkeys(ignored, IGNORED)
    assert _found(tmp_path / "a", base=tmp_path) == ["a/b/only-here.yaml", "a/keep.out.yaml"]
    assert _found(tmp_path / "generated") == ["template.yaml"], "it is named"
    assert len(scan([tmp_path / "a/x.out.yaml"]).pins) == 1, "it is named"
    assert len(_found(tmp_path, exclusion=Exclusion(ignored=False))) == 9


@pytest.mark.parametrize("named", [".", "./", "a", "./a", "a/", "../{}", "{}/a"])
def test_git_ignore_however_a_folder_is_named(tmp_path, monkeypatch, named):
    """The folder may be named in any way: relative, with dots and slashes."""
    _git(tmp_path, "init", "-q")
    _write(tmp_path, ".gitignore", text="gen/\n")
    _write(tmp_path, "gen/x.yaml", "a/gen/x.yaml", "a/template.yaml")
    monkeypatch.chdir(tmp_path)
    folder = named.format(tmp_path.name if named.startswith("..") else tmp_path)
    assert [pin.path.endswith("a/template.yaml") for pin in scan([Path(folder)]).pins] == [True]


def test_users_own_ignore_files_do_not_count(tmp_path, monkeypatch):
    """What one person's git ignores everywhere is looked at: everybody sees the same."""
    _write(tmp_path / "home", ".config/git/ignore", text="template.yaml\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    _git(tmp_path, "init", "-q")
    _write(tmp_path, "src/template.yaml")
    assert _found(tmp_path / "src") == ["template.yaml"]


def test_nothing_is_executed(tmp_path):
    """A checkout's configuration may name a program for git to start: it is not started."""
    _git(tmp_path, "init", "-q")
    (tmp_path / "spy").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "spy").chmod(0o755)
    _git(tmp_path, "config", "core.fsmonitor", str(tmp_path / "spy"))
    _write(tmp_path, "template.yaml")
    assert _found(tmp_path) == ["template.yaml"]
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("checkout", [True, False])
def test_without_git(tmp_path, monkeypatch, checkout):
    """Outside of a checkout nothing is ignored; in one that git says nothing about neither, and that is said."""
    _write(tmp_path, ".gitignore", text="template.yaml\n")
    _write(tmp_path, "template.yaml")
    if checkout:
        _git(tmp_path, "init", "-q")
        monkeypatch.setenv("PATH", str(tmp_path))
    report = scan([tmp_path])
    assert len(report.pins) == 1
    assert ["git did not answer" in note for note in report.notes] == [True] * checkout


PATTERNS = {
    "tests/": ["a/x.sln.template", "a/y.yaml", "template.yaml"],
    "*.sln.template": ["a/tests/deep.yaml", "a/y.yaml", "template.yaml", "tests/fixture.yaml"],
    "/tests": ["a/tests/deep.yaml", "a/x.sln.template", "a/y.yaml", "template.yaml"],
    "a/*": ["template.yaml", "tests/fixture.yaml"],
    "a/**/deep.yaml": ["a/x.sln.template", "a/y.yaml", "template.yaml", "tests/fixture.yaml"],
    "nothing": ["a/tests/deep.yaml", "a/x.sln.template", "a/y.yaml", "template.yaml", "tests/fixture.yaml"],
}
FILES = PATTERNS["nothing"]


@pytest.mark.parametrize("where", ["option", "pyproject"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_exclude(tmp_path, monkeypatch, capsys, where, pattern):
    """Patterns mean what they do in a .gitignore: of the current folder, or beside the pyproject.toml."""
    _write(tmp_path, *FILES)
    options = ["--exclude", pattern]
    monkeypatch.chdir(tmp_path)
    names = FILES
    if where == "pyproject":
        _write(tmp_path, "pyproject.toml", text=f"[tool.layerctl]\nexclude = ['{pattern}']\n")
        monkeypatch.chdir(tmp_path / "a")
        options, names = [], [f"../{name}" for name in FILES]
    for paths in ([".." if where == "pyproject" else "."], names):  # found, and named
        assert main(["pins", "list", *paths, *options, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert sorted(pin["path"].removeprefix("../") for pin in found["pins"]) == PATTERNS[pattern]
        assert {one["why"] for one in found["left_out"]} == ({EXCLUDED} if pattern != "nothing" else set())


def test_exclude_through_a_link(tmp_path, monkeypatch):
    """A folder may be reached by a link, as /tmp is on macOS: patterns hold for both of its names."""
    _write(tmp_path / "real", "tests/a.yaml", "b.yaml")
    (tmp_path / "link").symlink_to("real")
    for base in ("real", "link"):
        exclusion = Exclusion().and_patterns(["/tests"], tmp_path / base)
        assert _found(tmp_path / base, exclusion=exclusion) == ["b.yaml"]


def test_several_patterns(tmp_path, monkeypatch, capsys):
    """Options add to the table's patterns, a later one may take a file back, and what was left out is said."""
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, "pyproject.toml", text="[tool.layerctl]\nexclude = ['old/']\n")
    _write(tmp_path, "old/t.yaml", "a/one.yaml", "a/two.yaml")
    assert main(["pins", "list", ".", "--exclude", "a/*.yaml", "--exclude", "!two.yaml", "-v"]) == 0
    out, err = capsys.readouterr()
    assert out.count("shared-utils") == 1
    assert "a/two.yaml" in out
    assert "left out excluded: old, one.yaml" in err
    assert "left out: a/one.yaml (excluded)" in err


@pytest.mark.parametrize(
    ("table", "words"), [('exclude = "a"', "expected a list of patterns"), ("excludes = []", "did you mean exclude")]
)
def test_wrong_patterns(tmp_path, monkeypatch, capsys, table, words):
    """A table that is not as it must be is an error in one line."""
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, "pyproject.toml", text=f"[tool.layerctl]\n{table}\n")
    assert main(["pins", "list", "."]) == 2
    assert words in capsys.readouterr().err


# Files that are no template, and what they would be as one.
NO_TEMPLATES = {
    "compose.yml": "services: {}\nservices: {}\n",
    "X.sln.template": "Microsoft Visual Studio Solution File\n\tProject: [ ]] @\n",
    "tests/fixtures/broken.yaml": "a: [\n",
    "chart/templates/x.yaml": "a: {{ if }}\nb: [\n",
    "openapi.yaml": "paths: {}\ninfo: &a [*b]\n",
    "tsconfig.json": "{// comment\n}\n",
    ".github/workflows/x.yml": "on: push\non: pull_request\n",
}


def test_what_is_no_template(tmp_path, capsys, monkeypatch, index):
    """What is no template is nobody's fault, found in a folder or named, as hooks name what is committed."""
    for name, text in NO_TEMPLATES.items():
        _write(tmp_path, name, text=text)
    _write(tmp_path, "template.yaml")
    monkeypatch.setenv("LAYERCTL_INDEX", index)
    assert scan([tmp_path]).problems == []
    assert main(["pins", "check", str(tmp_path), "--strict"]) == 0
    assert "1 pin: nothing found" in capsys.readouterr().err
    assert main(["pins", "check", *(str(tmp_path / name) for name in NO_TEMPLATES)]) == 0


def test_large_json_of_others(tmp_path, monkeypatch):
    """JSON with such a key somewhere below is no template: no parser of YAML, which takes seconds, sees it."""
    from layerctl.templates.yaml import Tree

    _write(tmp_path, "policies.json", text=json.dumps({"policies": [{"Resources": {}, "layer": "x"}]}))
    _write(tmp_path, "template.json", text=json.dumps({"Resources": {}, "layer": "x"}))
    parsed, parse = [], Tree.parse
    monkeypatch.setattr(Tree, "parse", lambda text: parsed.append(text) or parse(text))
    assert scan([tmp_path]).problems == []
    assert len(parsed) == 1


BROKEN = {
    "twice.yaml": GOOD + "  F: {}\n",
    "open.yaml": "Resources: [\n",
    "service.yml": "provider: {name: aws}\nfunctions: {a: [}\n",
    "template.json": '{"Resources": {"F": {"Layers": ["' + ARN + '"',
    "with-arn.yaml": f"- {ARN}\n- [\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_templates(tmp_path, capsys, monkeypatch, index, name):
    """A broken template is a warning where it was found, an error and exit code 2 where it was named."""
    _write(tmp_path, name, text=BROKEN[name])
    monkeypatch.setenv("LAYERCTL_INDEX", index)
    assert main(["pins", "check", str(tmp_path)]) == 0
    assert ": warning: " in capsys.readouterr().out
    assert main(["pins", "check", str(tmp_path), "--strict"]) == 1
    assert main(["pins", "check", str(tmp_path / name)]) == 2
    assert main(["pins", "list", str(tmp_path)]) == 0
    assert main(["pins", "list", str(tmp_path / name)]) == 2


def test_an_egg_beside_own_code(tmp_path):
    """What setuptools writes beside a repository's own package makes it nobody else's."""
    _write(tmp_path, "src/acme/template.yaml", "src/acme.egg-info/PKG-INFO")
    assert "src/acme/template.yaml" in _found(tmp_path)
