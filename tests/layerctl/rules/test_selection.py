"""Which findings are told: options, the table of pyproject.toml, patterns of paths."""

from __future__ import annotations

import json

import pytest

from layerctl.__main__ import main
from layerctl.core.diagnostics import Finding
from layerctl.core.errors import LayerctlError
from layerctl.rules.selection import Selection


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a layer in which two things are doubtful and one is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layer/python/vendored").mkdir(parents=True)
    (tmp_path / "layer/python/vendored/a.py").write_text("A = '/home/jane/project/a'\n")
    (tmp_path / "layer/python/my-module.py").write_text("")
    (tmp_path / "layer/python/zz/__pycache__").mkdir(parents=True)
    (tmp_path / "layer/python/zz/x.py").write_text("")
    (tmp_path / "layer/python/zz/__pycache__/x.cpython-313.pyc").write_bytes(b"cut off")
    return tmp_path


def _told(capsys, *options):
    code = main(["verify", "layer", "--json", *options])
    return code, [one["rule"] for one in json.loads(capsys.readouterr().out)]


def _configure(repository, text):
    (repository / "pyproject.toml").write_text(f"[tool.layerctl]\n{text}\n")


def test_without_anything_all_is_told(repository, capsys):
    """The fixture's three findings: one error, two warnings."""
    assert _told(capsys) == (1, ["layout-name", "builder-path", "bytecode-invalid"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--select", "layout-name"], (0, ["layout-name"])),
        (["--select", "layout-name", "--strict"], (1, ["layout-name"])),
        (["--select", "layout-*,builder-path"], (0, ["layout-name", "builder-path"])),
        (["--select", "layout-*", "--select", "bytecode-*"], (1, ["layout-name", "bytecode-invalid"])),
        (["--ignore", "bytecode-invalid"], (0, ["layout-name", "builder-path"])),
        (["--ignore", "bytecode-*, layout-*"], (0, ["builder-path"])),
        (["--select", "layout-*", "--ignore", "layout-name"], (0, [])),
    ],
)
def test_options(repository, capsys, options, expected):
    """--select tells these only, --ignore leaves these out; exit codes follow what is told."""
    assert _told(capsys, *options) == expected


@pytest.mark.parametrize(
    ("table", "options", "expected"),
    [
        ('ignore = ["bytecode-*"]', [], (0, ["layout-name", "builder-path"])),
        ('ignore = ["bytecode-*"]', ["--ignore", "builder-path"], (0, ["layout-name"])),
        ('select = ["layout-*"]', [], (0, ["layout-name"])),
        ('select = ["layout-*"]', ["--select", "builder-path"], (0, ["builder-path"])),
        ('select = ["layout-*"]\nstrict = true', [], (1, ["layout-name"])),
        ('per-path-ignores = {"python/vendored/*" = ["builder-*"]}', [], (1, ["layout-name", "bytecode-invalid"])),
        ('per-path-ignores = {"layer" = ["*"]}', [], (0, [])),
        ('per-path-ignores = {"other/*" = ["*"]}', [], (1, ["layout-name", "builder-path", "bytecode-invalid"])),
    ],
)
def test_the_table_of_pyproject(repository, capsys, table, options, expected):
    """[tool.layerctl] says the same for a repository; --select replaces, --ignore adds to it."""
    _configure(repository, table)
    assert _told(capsys, *options) == expected


def test_the_table_is_found_from_below(repository, capsys, monkeypatch):
    """A command within the repository reads the same table, and paths are relative to that."""
    _configure(repository, 'per-path-ignores = {"layer" = ["*"]}')
    monkeypatch.chdir(repository / "layer/python")
    assert main(["verify", "../../layer", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('ignroe = ["secret"]', "did you mean ignore"),
        ('ignore = "secret"', "expected a list of rules"),
        ("ignore = [1]", "expected a list of rules"),
        ('strict = "yes"', "strict is true or false"),
        ("per-path-ignores = []", "per-path-ignores a table of lists"),
        ('ignore = ["sceret"]', "there is no rule 'sceret'"),
        ('per-path-ignores = {"a" = ["sceret"]}', "there is no rule 'sceret'"),
        ("ignore = [", "is not TOML"),
    ],
)
def test_a_table_that_is_wrong(repository, capsys, table, said):
    """A key, a value or a rule that does not exist is an error of one line, not a setting without effect."""
    _configure(repository, table)
    assert main(["verify", "layer"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_rule_of_another_command_may_be_named(repository, capsys):
    """The table is for all commands: verify does not mind that pins' rules stand in it."""
    _configure(repository, 'ignore = ["pin-old", "bytecode-*"]')
    assert _told(capsys)[0] == 0
    assert main(["verify", "layer", "--ignore", "nothing-like-it"]) == 2


def test_no_table(tmp_path):
    """A pyproject.toml without the table, or none, leaves everything to be told."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert Selection.load(tmp_path).wants(Finding("secret", "a", "m", "r"))
    (tmp_path / "pyproject.toml").write_text("[tool]\nlayerctl = 3\n")
    with pytest.raises(LayerctlError):
        Selection.load(tmp_path)
