"""The registry of rules: what every rule must have, how it is found, explained and documented."""

from __future__ import annotations

import importlib
import json
import re
import sys
import textwrap
from pathlib import Path

import pytest

from layerctl.__main__ import main
from layerctl.cli.rules import all_rules
from layerctl.core.diagnostics import Severity
from layerctl.rules.catalogue import explain, pages
from layerctl.rules.registry import checks_in, rules_in
from layerctl.verify import verify
from tests.support.layer_zips import LayerZip

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "rules"


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.id)
def test_every_rule_is_documented(rule):
    """An id in kebab-case, whole sentences, a release, and commands that exist."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|licence|secret", rule.id)
    for text in (rule.summary, rule.looks_at, rule.fix):
        assert text[0].isupper() or text[0] in "`*"
        assert text.endswith((".", "`"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", rule.since)
    assert set(rule.commands) <= {"verify", "audit", "diff", "check", "pins check", "index check", "permissions"}
    assert rule.example


def test_every_finding_is_of_a_rule():
    """No finding is made but through a rule: its id is in the registry. The releases' own are held by their tests."""
    made = re.compile(r"Finding\(\s*\"([a-z-]+)\"")
    source = ROOT / "layerctl/src/layerctl"
    found = {name for path in source.rglob("*.py") for name in made.findall(path.read_text("utf-8"))}
    assert found <= set(all_rules())


def test_a_rule_is_one_file(tmp_path, monkeypatch):
    """A module that is put into the folder brings its rule and its check; nothing else has to name it."""
    package = tmp_path / "extra_rules"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "colour.py").write_text(
        "from layerctl.rules import Rule\n"
        "COLOUR = Rule(id='no-colour', commands=('verify',), summary='S.', looks_at='L.', example='e', fix='F.')\n"
        "def check_colour(case):\n    yield COLOUR.finding('a.py', 'is grey', 'paint it')\n"
        "def helper(case):\n    pass\n"
    )
    (package / "more.py").write_text("from extra_rules.colour import COLOUR, check_colour\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    try:
        assert list(rules_in("extra_rules")) == ["no-colour"]
        (check,) = checks_in("extra_rules")
        assert [(one.rule, one.message) for one in check(None)] == [("no-colour", "is grey")]
    finally:
        for name in [name for name in sys.modules if name.startswith("extra_rules")]:
            del sys.modules[name]


def test_the_rule_of_the_contributing_guide(tmp_path, monkeypatch):
    """The example of CONTRIBUTING.md, put into a file of the folder of rules, is applied and explained."""
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (block,) = re.findall(r"^   ```python\n(.*?)^   ```", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "stubs.py").write_text(textwrap.dedent(block))
    package = importlib.import_module("layerctl.verify.rules")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    layer = LayerZip()
    layer.files["python/good/core.pyi"] = b""
    try:
        assert rules_in("layerctl.verify.rules")["stub-files"].since == "1.1.0"
        found = verify(layer.write(tmp_path / "x.zip"))
        assert [(one.path, one.severity) for one in found if one.rule == "stub-files"] == [
            ("python/good/core.pyi", Severity.NOTE)
        ]
    finally:
        sys.modules.pop("layerctl.verify.rules.stubs", None)


def test_two_rules_of_one_id_are_refused(tmp_path, monkeypatch):
    """An id stands for one rule."""
    package = tmp_path / "twin_rules"
    package.mkdir()
    text = (
        "from layerctl.rules import Rule\n"
        "R = Rule(id='twin-rule', commands=('verify',), summary='S.', looks_at='L.', example='e', fix='{}')\n"
    )
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text(text.format("A."))
    (package / "b.py").write_text(text.format("B."))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    with pytest.raises(AssertionError, match="twin-rule"):
        rules_in("twin_rules")


def test_the_documentation_is_that_of_the_registry():
    """docs/rules is what `make rules` writes: no rule is missing, none is left over, no text differs."""
    written = {path.name: path.read_text("utf-8") for path in DOCS.iterdir()}
    assert written == pages(all_rules()), "run `make rules`"
    anchors = [anchor for text in written.values() for anchor in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    assert sorted(anchors) == sorted(all_rules())


def test_rule_explains(capsys):
    """`layerctl rule ID` says what it looks at, an example, and what to do; without ID it lists all."""
    assert main(["rule", "elf-glibc"]) == 0
    assert capsys.readouterr().out.strip() == explain(all_rules()["elf-glibc"])
    assert main(["rule"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in all_rules())
    assert main(["rule", "elf-glibc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["severity"] == "error"


def test_a_rule_that_does_not_exist(capsys):
    """A near miss gets a suggestion."""
    assert main(["rule", "elf-glibs"]) == 2
    assert "did you mean elf-glibc" in capsys.readouterr().err
