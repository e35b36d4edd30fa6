"""`layerctl check` of folders: which templates it finds, what it leaves out, and whose affair a broken one is."""

import json

import pytest

from layerctl.__main__ import main
from layerctl.check.given import find_templates

FUNCTION = "  {}: {{Type: AWS::Serverless::Function, Properties: {{Runtime: {}, Handler: a.b, InlineCode: 'x = 1'}}}}\n"
HEAD = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
TEMPLATE = HEAD + FUNCTION.format("F", "python2.7")
SERVICE = "service: x\nprovider: {name: aws, runtime: python2.7}\nfunctions: {f: {handler: a.b}}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _check(capsys, *arguments):
    code = main(["check", "--offline", "--json", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, [(one["path"], one["rule"], one["severity"]) for one in json.loads(out)], err


def test_every_template_of_a_folder(tmp_path, capsys):
    """Templates of each kind and name are found, at any depth; other files are not templates, and nobody's fault."""
    _write(
        tmp_path,
        {
            "template.yaml": TEMPLATE,
            "a/b/stack.yml": TEMPLATE,
            "c/x.template.json": json.dumps(
                {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python2.7"}}}}
            ),
            "d/serverless.yml": SERVICE,
            "compose.yml": "services: {}\nservices: {}\n",
            "openapi.yaml": "paths: {}\n",
            "values.yaml": "provider: x\n",
            ".aws-sam/build/template.yaml": TEMPLATE,
            "lib/requests/template.yaml": TEMPLATE,
            "lib/requests-2.0.dist-info/RECORD": "requests/template.yaml,,\n",
        },
    )
    code, found, err = _check(capsys, ".")
    assert code == 1
    assert {path for path, rule, _ in found if rule == "runtime-deprecated"} == {
        "template.yaml", "a/b/stack.yml", "c/x.template.json", "d/serverless.yml",
    }  # fmt: skip
    assert not [one for one in found if one[1] == "template-invalid"]
    assert "copies and dependencies: .aws-sam" in err
    assert "installed packages: requests" in err
    main(["check", "--offline", "."])
    assert "4 functions in 4 templates, of 2 not all contents are known" in capsys.readouterr().err


BROKEN = {
    "syntax": "Resources: [\n",
    "duplicate": TEMPLATE + FUNCTION.format("F", "python3.13"),
    "tag": TEMPLATE + FUNCTION.format("G", "!Frobnicate x"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_is_its_own_affair(tmp_path, capsys, case):
    """A broken template of a folder is a warning, and the others are checked; named, it is exit code 2."""
    _write(tmp_path, {"bad.yaml": BROKEN[case], "good.yaml": HEAD + FUNCTION.format("F", "python3.13")})
    code, found, err = _check(capsys, ".", "--ignore", "runtime-deprecated")
    assert (code, found) == (0, [("bad.yaml", "template-invalid", "warning")])
    assert "Traceback" not in err
    assert _check(capsys, ".", "--ignore", "runtime-deprecated", "--strict")[0] == 1
    assert _check(capsys, ".", "--exclude", "bad.yaml") == (
        0,
        [],
        "note: left out excluded: bad.yaml (-v shows each)\n",
    )
    code, found, _ = _check(capsys, "bad.yaml", "--ignore", "runtime-deprecated")
    assert (code, found) == (2, [("bad.yaml", "template-invalid", "error")])


def test_what_an_engine_has_to_fill_in(tmp_path, capsys):
    """What is a template only once cookiecutter or Helm has run is left out of a folder, and named; others are read."""
    waiting = TEMPLATE.replace("  F:", "  {{ cookiecutter.name }}:\n  {%- if x %}\n  F:")
    fine = TEMPLATE + "  # {{ cookiecutter.name }}\n"
    _write(tmp_path, {"{{cookiecutter.name}}/template.yaml": waiting, "fine.yaml": fine})
    code, found, err = _check(capsys, ".", "--exclude", "nothing")
    assert (code, found) == (1, [("fine.yaml", "runtime-deprecated", "error")])
    assert "not filled in yet by a template engine: template.yaml" in err
    assert _check(capsys, "{{cookiecutter.name}}/template.yaml")[0] == 2


def test_a_nested_one_is_checked_once(tmp_path, capsys):
    """What a template nests is checked as a part of it, with the values that it gets there."""
    parent = (
        "  App: {Type: AWS::Serverless::Application, Properties: {Location: child.yaml, Parameters: {R: python2.7}}}\n"
    )
    child = "Parameters: {R: {Type: String}}\n" + HEAD + FUNCTION.format("F", "!Ref R")
    _write(tmp_path, {"template.yaml": HEAD + parent, "child.yaml": child})
    assert _check(capsys, ".")[1] == [("child.yaml", "runtime-deprecated", "error")]
    assert _check(capsys, "child.yaml")[1] == []  # nobody says which runtime it is


def test_what_the_cdk_synthesised(tmp_path, capsys):
    """Of a `cdk.out` that is named, the stacks of its manifest are checked."""
    stack = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python2.7"}}}}
    manifest = {"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "S.json"}}}}
    files = {"manifest.json": manifest, "S.json": stack, "Other.json": stack}
    _write(tmp_path, {f"cdk.out/{name}": json.dumps(data) for name, data in files.items()})
    assert {path for path, *_ in _check(capsys, "cdk.out")[1]} == {"cdk.out/S.json"}


def test_no_template_at_all(tmp_path, capsys):
    """A folder without any template is no silent success."""
    _write(tmp_path, {"docs/README.md": "x"})
    code, found, _ = _check(capsys, "docs")
    assert (code, found) == (2, [("docs", "template-invalid", "error")])


def test_files_that_are_no_templates(tmp_path, capsys):
    """A named file that is no template is an error; hooks leave it out, and say so. A broken one stays an error."""
    _write(tmp_path, {"template-data.json": "{}", "template.yaml": HEAD + FUNCTION.format("F", "python3.13")})
    assert _check(capsys, "template-data.json")[0] == 2
    code, found, err = _check(capsys, "--skip-others", "template-data.json", "template.yaml")
    assert (code, found) == (0, [])
    assert "no templates, and not checked: template-data.json" in err
    _write(tmp_path, {"template.yaml": "Resources: [\n"})
    assert _check(capsys, "--skip-others", "template.yaml")[0] == 2


def test_a_strange_template_keeps_nobody_else(tmp_path, capsys, monkeypatch):
    """A template that makes the tool itself fail is told as such, with its name, and the others are checked."""
    _write(tmp_path, {"a/template.yaml": TEMPLATE, "b/template.yaml": TEMPLATE})
    from layerctl.check import report

    read = report.read_template

    def strange(path, **options):
        if path.parent.name == "a":
            raise KeyError("odd")
        return read(path, **options)

    monkeypatch.setattr(report, "read_template", strange)
    code, found, err = _check(capsys, ".")
    assert code == 1
    assert found == [
        ("a/template.yaml", "template-invalid", "warning"),
        ("b/template.yaml", "runtime-deprecated", "error"),
    ]
    assert "Traceback" not in err


def test_ctrl_c_says_which_templates_are_done(tmp_path, capsys, monkeypatch):
    """Interrupted, it names those that are checked and those that are not, though all of them have one name."""
    _write(tmp_path, {f"{folder}/template.yaml": TEMPLATE for folder in "abc"})
    from layerctl.check import report

    found = report._findings

    def interrupted(function, day):
        if function.declared.place.path.startswith("b"):
            raise KeyboardInterrupt
        return found(function, day)

    monkeypatch.setattr(report, "_findings", interrupted)
    assert main(["check", "--offline", "."]) == 130
    said = "done: a/template.yaml; not done: b/template.yaml, c/template.yaml"
    assert f"interrupted while checking; {said}" in capsys.readouterr().err


def test_each_file_once(tmp_path):
    """A template that is named and lies in a folder that is named too is checked once, as one that was named."""
    _write(tmp_path, {"a/template.yaml": TEMPLATE})
    given = find_templates([tmp_path, tmp_path / "a/template.yaml", tmp_path / "a"])
    assert [named for _, named in given.files] == [True]
