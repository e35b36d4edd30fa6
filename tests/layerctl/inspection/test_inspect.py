"""What `layerctl inspect` counts, compares, measures and prints."""

import json
import py_compile
import zipfile
from html.parser import HTMLParser

import pytest

from layerctl.__main__ import main
from layerctl.artifact import open_artifact
from layerctl.inspection.difference import difference
from layerctl.inspection.imports import measure_imports, parse_importtime, public_modules
from layerctl.inspection.page import page, percent_text, treemap
from layerctl.inspection.survey import survey

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\".py"


def make(path, files):
    """Write a zip of `files` (path -> text or bytes) below ``python/``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"python/{name}", data)
    return path


def dist(name, version, files, licence="MIT"):
    """A distribution's files, metadata included."""
    folder = f"{name}-{version}.dist-info"
    metadata = f"Name: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
    record = "".join(f"{path},,\n" for path in files)
    return files | {f"{folder}/METADATA": metadata, f"{folder}/RECORD": record}


def _look(path):
    with open_artifact(path) as artifact:
        return survey(artifact)


def _compare(old, new):
    with open_artifact(old) as before, open_artifact(new) as after:
        return difference(before, after, survey(before), survey(after))


@pytest.fixture
def layer(tmp_path):
    """Two distributions, one with bytecode of two kinds, and a file of nobody's."""
    source = tmp_path / "core.py"
    source.write_text("X = 1\n", "utf-8")
    compiled = {}
    for tag, mode in (("312", "UNCHECKED_HASH"), ("313", "TIMESTAMP")):
        target = tmp_path / "core.pyc"
        py_compile.compile(str(source), str(target), invalidation_mode=py_compile.PycInvalidationMode[mode])
        compiled[f"alpha/__pycache__/core.cpython-{tag}.pyc"] = target.read_bytes()
    files = dist("alpha", "1.0", {"alpha/__init__.py": "", "alpha/core.py": "X = 1\n"}) | compiled
    files |= dist("beta", "2.0", {"beta.py": "B = 1\n" * 200}, licence="Apache-2.0")
    return make(tmp_path / "some-layer-1.2.3.zip", files | {"loose.txt": "hello"})


def test_survey(layer):
    """Sizes add up, every file has an owner, and only bytecode that Python would use counts."""
    found = _look(layer)
    assert (found.name, found.version) == ("some-layer", "1.2.3")
    assert found.unzipped == sum(part.size for part in found.parts) == sum(found.kinds.values())
    assert found.files == sum(part.files for part in found.parts) == len(found.sizes)
    assert abs(sum(part.share for part in found.parts) - 1) < 1e-9
    assert all(part.of_budget == part.size / 262_144_000 for part in found.parts), (
        "without a layer.toml: Lambda's limit"
    )
    parts = {part.name: part for part in found.parts}
    assert set(parts) == {"alpha", "beta", "(no distribution)"}
    assert (parts["beta"].licence, parts["beta"].version) == ("Apache-2.0", "2.0")
    assert [(one.runtime, one.compiled, one.stale, one.modules) for one in found.coverage] == [
        ("python3.12", 1, 0, 3),
        ("python3.13", 0, 1, 3),
    ]
    assert parts["alpha"].compiled == {"python3.12": 1, "python3.13": 0}


def test_difference(tmp_path):
    """Distributions go up, down, come, go or only change; files are added, removed and changed; bytes are signed."""
    old = make(
        tmp_path / "l-1.zip",
        dist("up", "1.9", {"up.py": "a"})
        | dist("down", "2.0", {"down.py": "a"})
        | dist("gone", "1", {"gone.py": "12345"})
        | dist("changed", "1", {"changed.py": "1"})
        | dist("still", "1", {"still.py": "1"}),
    )
    new = make(
        tmp_path / "l-2.zip",
        dist("up", "1.10", {"up.py": "ab"})
        | dist("down", "1.0", {"down.py": "a"})
        | dist("new", "1", {"new.py": "1"})
        | dist("changed", "1", {"changed.py": "22"})
        | dist("still", "1", {"still.py": "1"}),
    )
    found = _compare(old, new)
    assert {change.name: change.how for change in found.parts} == {
        "up": "up",
        "down": "down",
        "gone": "gone",
        "new": "new",
        "changed": "same",
    }
    files = {change.path: (change.how, change.bytes) for change in found.files}
    assert files["python/up.py"] == ("changed", 1)
    assert files["python/gone.py"] == ("removed", -5)
    assert files["python/new.py"] == ("added", 1)
    assert "python/still.py" not in files
    assert found.bytes == sum(change.bytes for change in found.files)
    back = _compare(new, old)
    assert back.bytes == -found.bytes
    assert _compare(old, old).same_content


def test_treemap_holds_every_byte(layer):
    """The treemap's leaves add up to the layer, level by level."""

    def check(node):
        if "c" in node:
            assert node["s"] == sum(check(child) for child in node["c"])
        return node["s"]

    assert check(treemap(_look(layer))) == _look(layer).unzipped


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (1e-9, "0.1%"), (0.5, "50.0%"), (0.99999, "99.9%"), (1.0, "100%"), (1.25, "125.0%")],
)
def test_percent(share, text):
    """A share is rounded, but a little is never shown as nothing, nor nearly all as all; over the budget is over."""
    assert percent_text(share) == text


class _Page(HTMLParser):
    """What a browser would load or run, and the text of the scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self.handlers, self.links, self.data = [], [], [], {}
        self._script = None

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]
        if tag == "script":
            self._script = dict(attrs).get("type", "code")

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script:
            self.data[self._script] = self.data.get(self._script, "") + data


def test_page_is_self_contained_and_repeatable(layer):
    """Nothing is loaded from anywhere, no attribute runs code, and the bytes are the same every time."""
    text = page(_look(layer))
    assert text == page(_look(layer))
    parsed = _Page()
    parsed.feed(text)
    assert parsed.links == parsed.handlers == []
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert json.loads(parsed.data["application/json"])["s"] == _look(layer).unzipped


def test_hostile_names_stay_text(tmp_path):
    """Names of files, versions and licences that look like markup end up as text, and only as text."""
    evil = EVIL.replace("/", "")
    files = dist("alpha", "1<b>0", {"alpha.py": ""}, licence="<i>MIT</i>") | {evil: "x", f"<svg onload=x>/{evil}": "y"}
    harmless = dist("alpha", "1b0", {"alpha.py": ""}) | {"a.py": "x", "b/c.py": "y"}
    bad, good = make(tmp_path / "<b>bad-1.zip", files), make(tmp_path / "good-1.zip", harmless)
    pages = []
    for path in (bad, good):
        parsed = _Page()
        parsed.feed(page(_look(path), _compare(good if path is bad else bad, path)))
        pages.append(parsed)
    assert [tag for tag in pages[0].tags if tag in {"b", "i", "img", "svg", "script"}] == [
        tag for tag in pages[1].tags if tag in {"b", "i", "img", "svg", "script"}
    ]
    assert pages[0].handlers == []
    assert evil in json.dumps(json.loads(pages[0].data["application/json"]), ensure_ascii=False).replace('\\"', '"')


_IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     deepest
import time:        50 |        150 |   middle
import time:        30 |         30 |   other
import time:        20 |        200 | top
import time:         7 |          7 | next
"""


def test_parse_importtime():
    """The tree that `-X importtime` prints from the leaves up comes out from the root down."""
    top, following = parse_importtime(_IMPORTTIME)
    assert (top.name, top.total, [child.name for child in top.children]) == ("top", 200, ["middle", "other"])
    assert top.children[0].children[0].name == "deepest"
    assert following.name == "next"


def test_measured_imports(tmp_path):
    """Public modules are imported from the artifact, in order, each starting where the one before it ended."""
    files = {
        "own/__init__.py": "",
        "own/first.py": "import helper\n",
        "own/_private.py": "raise SystemExit(1)\n",
        "own/testing/__init__.py": "raise SystemExit(1)\n",
        "helper.py": "import colorsys\n",
    }
    import sys

    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    with open_artifact(make(tmp_path / "l-1.zip", files)) as artifact:
        assert public_modules(artifact, "own") == ["own", "own.first"]
        found = measure_imports(artifact, "own", [runtime])
    origins = {one.name: one.origin for one in found.imports}
    assert (origins["own.first"], origins["helper"], origins["colorsys"]) == ("own", "layer", "python")
    roots = [one for one in found.imports if one.depth == 0]
    assert [one.start for one in roots] == [sum(one.total for one in roots[:index]) for index in range(len(roots))]
    assert found.total == sum(one.total for one in roots)


def test_an_optional_import_is_left_out(tmp_path, capsys):
    """A public module that needs what is not there (an extra of the package) is named; the others are measured."""
    files = {
        "own/__init__.py": "",
        "own/plain.py": "import colorsys\n",
        "own/mypy.py": "from mypy.plugin import Plugin\n",
        "own/deeper.py": "import own.mypy\n",
    }
    path = make(tmp_path / "l-1.zip", files)
    assert main(["inspect", str(path), "--imports-of", "own", "--json"]) == 0
    imports = json.loads(capsys.readouterr().out)["imports"]
    assert imports["modules"] == ["own", "own.plain"]
    assert set(imports["skipped"]) == {"own.mypy", "own.deeper"}
    assert "No module named 'mypy'" in imports["skipped"]["own.mypy"]
    assert main(["inspect", str(path), "--imports-of", "own"]) == 0
    assert "own.mypy was left out: No module named 'mypy'" in capsys.readouterr().err
    broken = make(tmp_path / "b-1.zip", {**files, "own/mypy.py": "1 / 0\n"})
    assert main(["inspect", str(broken), "--imports-of", "own"]) == 2


def test_failing_import_is_one_line(tmp_path, capsys):
    """A module that does not import gives one line with the reason, and exit code 2."""
    path = make(tmp_path / "l-1.zip", {"own/__init__.py": "import not_there_at_all\n"})
    assert main(["inspect", str(path), "--imports-of", "own"]) == 2
    error = capsys.readouterr().err.strip()
    assert "No module named 'not_there_at_all'" in error
    assert "Traceback" not in error


def test_command(layer, tmp_path, capsys):
    """The table names every distribution; --json holds the same figures; --html writes the page."""
    assert main(["inspect", str(layer), "--html", str(tmp_path / "r.html")]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("alpha", "beta", "Apache-2.0", "some-layer 1.2.3"))
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert main(["inspect", str(layer), "--json", "--against", str(layer)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["unzipped"] == _look(layer).unzipped
    assert data["against"]["same_content"] is True


@pytest.mark.parametrize("name", ["none.zip", "text.zip", "unwritable"])
def test_command_errors(name, layer, tmp_path, capsys):
    """No artifact, no zip, and a page that can't be written: one line each, exit code 2, nothing left behind."""
    (tmp_path / "text.zip").write_text("not a zip", "utf-8")
    arguments = (
        [str(tmp_path / name)] if name.endswith("zip") else [str(layer), "--html", str(tmp_path / "no" / "r.html")]
    )
    assert main(["inspect", *arguments]) == 2
    assert capsys.readouterr().err.strip().startswith("error: ")
    assert not list(tmp_path.rglob("*.part"))
