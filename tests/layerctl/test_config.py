"""layer.toml: read by a schema; whatever is wrong in it is named with its line before anything happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.tools.layer_toml import PAGE, render
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.config import LayerConfig, layer_schema
from layerctl.core.errors import LayerctlError
from layerctl.core.toml_schema import find_mistakes

GOOD = """\
[layer]
name = "helpers"
architectures = ["x86_64"]

[runtimes]
"python3.13" = "3.13.0"
"""


def load(folder: Path, text: str) -> LayerConfig:
    """Read a layer.toml of that text."""
    path = folder / "layer.toml"
    path.write_text(text, "utf-8")
    return LayerConfig.load(path)


def refused(folder: Path, text: str) -> str:
    """What is said of a layer.toml that is not taken."""
    with pytest.raises(LayerctlError) as error:
        load(folder, text)
    return str(error.value)


def test_what_is_not_named_has_the_default_of_the_schema(tmp_path):
    """The smallest file is enough; nobody but the owner may use the layer."""
    config = load(tmp_path, GOOD)
    assert (config.public, config.accounts, config.organizations) == (False, (), ())
    assert config.requirements == tmp_path / "requirements.txt"
    assert (config.version, config.budget_unzipped) == ("0", 262_144_000)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[sharing]\npublic = "false"\n', 9, "sharing.public must be true or false, not the text 'false'"),
        ("[sharing]\npublic = 0\n", 9, "sharing.public must be true or false, not the number 0"),
        ("[licenses]\nallow = []\n", 8, "'licenses' is unknown; did you mean 'licences'?"),
        ("[sharing]\norganisations = []\n", 9, "'sharing.organisations' is unknown; did you mean 'organizations'?"),
        ("[Publish]\nregions = []\n", 8, "'Publish' is unknown; did you mean 'publish'?"),
        ('[publish]\naccounts = ["1"]\n', 9, "'publish.accounts' is unknown; it belongs in [sharing]"),
        ("[quite-other]\nx = 1\n", 8, "'quite-other' is unknown"),
        ("sharing = true\n", 7, "sharing must be a table, not true"),
        ("[sharing]\n\n# who\naccounts = [111111111111]\n", 11, "a text in quotes, not the number 111111111111"),
        ('[sharing]\naccounts = [\n  "11111111111",\n]\n', 10, "Twelve digits in quotes"),
        ('[sharing]\norganizations = ["abc"]\n', 9, "o- and 10 to 32 letters or digits"),
        ('[sharing]\naccounts = "111111111111"\n', 9, "sharing.accounts must be a list"),
        ('[sharing]\naccounts = ["111111111111", "111111111111"]\n', 9, "sharing.accounts names something twice"),
        ('[publish]\nregions = ["Frankfurt"]\n', 9, "such as eu-central-1"),
        ('[publish.profiles]\naws-china = "x"\n', 9, "expected aws or aws-cn"),
        ("[budget]\nzipped = -1\n", 9, "budget.zipped is less than 0"),
        ("[budget]\nzipped = 1.5\n", 9, "budget.zipped must be a whole number"),
        ("[budget]\nzipped = true\n", 9, "budget.zipped must be a whole number, not true"),
        ('[bytecode]\nsources-only = ["a", ""]\n', 9, "bytecode.sources-only[1] is empty"),
        ("[licences]\nknown = {six = 1}\n", 9, "licences.known.six must be a text in quotes"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_of_another_type_is_an_error_with_its_line(tmp_path, text, line, said):
    """A key that is misspelt, misplaced, or has a value of another kind is never passed over."""
    if text.startswith("sharing ="):  # a key of the top stands before the first table
        message, line = refused(tmp_path, text + GOOD), 1
    else:
        message = refused(tmp_path, GOOD + "\n" + text)
    assert said in message
    assert f"layer.toml:{line}: " in message


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('name = "helpers"', 'nam = "helpers"', 1, "layer.name is missing"),
        ('name = "helpers"', 'name = "helpers"\nversoin = "1.0.0"', 3, "did you mean 'version'?"),
        ('name = "helpers"', 'name = "a b"', 2, "layer.name 'a b' is not as it must be"),
        ('name = "helpers"', 'name = "helpers"\nversion = "1.0-final.x"', 3, "PEP 440"),
        ('name = "helpers"', 'name = "helpers"\nversion = 1.0', 3, "must be a text in quotes"),
        ('["x86_64"]', '["x86"]', 3, "expected x86_64 or arm64"),
        ('["x86_64"]', '["amd64"]', 3, "expected x86_64 or arm64"),
        ('["x86_64"]', "[]", 3, "layer.architectures is empty"),
        ('"python3.13" = "3.13.0"', "", 5, "runtimes is empty"),
        ('"python3.13" = "3.13.0"', '"3.13" = "3.13.0"', 6, "such as python3.13"),
        ('"python3.13" = "3.13.0"', '"python3.13" = "3.13"', 6, "such as 3.13.0"),
        ('"python3.13" = "3.13.0"', '"python3.13" = "3.12.1"', 6, "is no release of python3.13"),
        ("[runtimes]", "[run times]", 5, "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_there_must_be_right(tmp_path, old, new, line, said):
    """Required values, names, versions and runtimes are checked as Lambda, pip and CPython know them."""
    message = refused(tmp_path, GOOD.replace(old, new))
    assert said in message
    assert f":{line}" in message or f"line {line}" in message


def test_every_problem_is_told_at_once(tmp_path):
    """Three mistakes make one message with three lines, in the order of the file."""
    lines = refused(tmp_path, GOOD + '\n[sharing]\npublic = "no"\nacounts = []\n[licenses]\n').splitlines()
    assert "3 mistakes" in lines[0]
    assert [int(re.search(r"layer\.toml:(\d+): ", line)[1]) for line in lines[1:4]] == [9, 10, 11]


@pytest.mark.parametrize("command", [["publish", "x.zip"], ["permissions", "--repair"], ["share", "--all-versions"]])
def test_nothing_is_asked_of_aws_before_the_file_is_right(tmp_path, monkeypatch, capsys, command):
    """A mistake ends publish, permissions and share with exit code 2 before a request; none is revoked by a typo."""
    from layerctl.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    (tmp_path / "layer.toml").write_text(
        GOOD + '[publish]\nregions = ["eu-west-1"]\n[sharing]\norganisations = ["o-a"]\n'
    )
    assert main(command) == 2
    assert "did you mean 'organizations'?" in capsys.readouterr().err


_KEYS = [*layer_schema()["properties"], "name", "regions", "public", "known", "x"]
_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_any_content_is_taken_or_refused_in_words(value):
    """Whatever a TOML file holds, each mistake is a place and one line of text, never a traceback."""
    for keys, said in find_mistakes(value, layer_schema()):
        assert keys is not None
        assert "\n" not in said


def test_our_own_files_are_right():
    """The layer's file and the one of the tests' small repository are taken."""
    root = Path(__file__).parents[2]
    for path in ("layer/layer.toml", "tests/layerctl/fixtures/mini/layer/layer.toml"):
        assert LayerConfig.load(root / path).name


def test_the_reference_page_is_that_of_the_schema():
    """docs/layer-toml.md is generated from the schema: `make reference` writes it."""
    assert PAGE.read_text("utf-8") == render(layer_schema())
