"""`layerctl init`: what it asks, what it writes, and that it overwrites nothing."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from packaging.version import Version

from layerctl.__main__ import main
from layerctl.build.lock import read_lock
from layerctl.config import LayerConfig
from layerctl.scaffold.choices import HELPERS, Choices, Sharing
from layerctl.scaffold.wheels import Wheel, find_wheels
from layerctl.scaffold.write import render
from tests.support.command_lines import parse
from tests.support.package_index import package_index
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the wheels of a release, and an index with what development needs and a false shared-utils."""
    wheels, index = tmp_path / "release", tmp_path / "index"
    make_wheel(wheels, "layerctl", {"layerctl/__init__.py": ""}, version="1.2.0")
    make_wheel(wheels, "shared-utils", {"shared_utils/__init__.py": ""}, version="1.1.0")
    for name in ("uv", "pytest", "hatchling", "aws-sam-cli", "orjson"):
        make_wheel(index, name, {f"{name.replace('-', '_')}/__init__.py": ""})
    for name in ("shared-utils", "layerctl"):
        make_wheel(index, name, {"false/__init__.py": ""}, version="99.0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.chdir(tmp_path)
    with package_index(index) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        yield wheels


def init(*arguments: object, kind: str = "thin") -> int:
    """Run it, without a terminal."""
    options = ["--kind", kind, "--package", "acme_lambda", "--wheel", "release", "--runtime", "python3.13"]
    return main(["init", *map(str, arguments), *options])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["thin", "bare"])
def test_a_repository_is_locked_and_takes_our_wheels_by_file(release, tmp_path, kind):
    """Both locks are there; layerctl and shared-utils come from files with hashes, though an index has the names."""
    assert init("acme", kind=kind) == 0
    config = LayerConfig.load(tmp_path / "acme/layer/layer.toml")
    locked = {one.name: one for one in read_lock(config)}
    assert locked.keys() == ({"shared-utils"} if kind == "thin" else set())
    text = (tmp_path / "acme/requirements/dev.txt").read_text()
    names = ["layerctl-1.2.0", *(["shared_utils-1.1.0"] if kind == "thin" else [])]
    assert all(f"../wheels/{name}-py3-none-any.whl \\\n    --hash=sha256:" in text for name in names)
    assert "99.0" not in text
    assert sorted(path.name for path in (tmp_path / "acme/wheels").iterdir()) == [
        f"{name}-py3-none-any.whl" for name in names
    ]
    everything = b"".join(contents(tmp_path / "acme").values())
    assert str(tmp_path).encode() not in everything
    assert os.environ["UV_DEFAULT_INDEX"].removesuffix("/simple").encode() not in everything


@pytest.mark.parametrize("kind", ["thin", "bare"])
@pytest.mark.parametrize("helpers", [one for n in (1, 2, 3) for one in itertools.combinations(HELPERS, n)])
def test_every_choice_gives_files_that_can_be_read(release, kind, helpers):
    """Whatever is chosen, modules are Python, the template is YAML, layer.toml is valid, nothing is left to fill in."""
    wheels = find_wheels((str(release),), ("layerctl", "shared-utils"))
    sharing = Sharing(True, ("111111111111",), ("o-abcdefghij",))
    choices = Choices(
        kind,
        "acme",
        "acme",
        {"python3.12": "3.12.1"},
        helpers=helpers,
        wheels=wheels,
        regions=("eu-west-1",),
        sharing=sharing,
    )
    files = render(choices)
    for name, data in files.items():
        if name.endswith(".py"):
            ast.parse(data)
        if not name.endswith(".whl"):
            assert b"{{" not in data
            assert b"{%" not in data
    assert yaml.load(files["example/template.yaml"], Loader=yaml.BaseLoader)["Resources"]["ExampleFunction"]
    (release / "layer.toml").write_bytes(files["layer/layer.toml"])
    config = LayerConfig.load(release / "layer.toml")
    assert (config.regions, config.public, config.accounts) == (("eu-west-1",), True, ("111111111111",))
    assert (config.distribution, config.packages) == ("acme", () if kind == "thin" else ("src/acme",))
    json.loads(files["example/event.json"])


@pytest.mark.parametrize(
    "helpers", [one for n in (1, 2, 3) for one in itertools.combinations(HELPERS, n)], ids="+".join
)
def test_a_thin_package_passes_its_tests_whatever_it_keeps(tmp_path, helpers):
    """The tests of the repository pass on the real shared-utils, its example runs, and is without what was left out."""
    choices = Choices("thin", "acme", "acme", {"python3.12": "3.12.1"}, helpers=helpers)
    wheel_of = {name: Wheel(name, Version("1.0"), url="https://example.com") for name in ("layerctl", "shared-utils")}
    for name, data in render(replace(choices, wheels=wheel_of)).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "src:example/src"}
    for command in (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider"],
        ["-W", "error", "-c", "import app; print(app.handler({'pathParameters': {'name': 'x'}}, None))"],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "'body': 'x'" in done.stdout
    assert ("metrics" in choices.names) == ("metrics" in (tmp_path / "src/acme/__init__.py").read_text())


@pytest.mark.parametrize("kind", ["thin", "bare"])
def test_what_the_readme_tells_to_do_is_there(release, tmp_path, kind):
    """The way to a layer of one's own, and the README that it brings: each `make` is a target, each command parses."""
    wheels = find_wheels((str(release),), ("layerctl", "shared-utils"))
    files = render(Choices(kind, "acme_lambda", "acme-lambda", {"python3.12": "3.12.1"}, wheels=wheels))
    (tmp_path / "template.yaml").touch()
    targets = set(re.findall(r"^([a-z]+):", files["Makefile"].decode(), re.MULTILINE))
    ours = (ROOT / "README.md").read_text("utf-8").partition("## Make it your team's")[2].partition("\n## ")[0]
    for text in (ours.partition("This layer itself")[0], files["README.md"].decode()):
        wanted = set(re.findall(r"\bmake ([a-z]+)", text)) - {"wheels"}
        assert {"test", "demo", "verify"} <= wanted <= targets
        for line in re.findall(r"layerctl ((?:init|publish|pins|sync) [^`\n]+)", text):
            parse(
                f"layerctl {line.replace('dist/acme-lambda-0.1.0.zip', 'template.yaml').replace(' with its zip', '')}"
            )


def test_a_url_needs_its_hash_and_is_named_with_it(release, capsys):
    """A wheel's URL is taken with #sha256= only, and stands in the requirements with it."""
    url = f"https://example.com/layerctl-1.2.0-py3-none-any.whl#sha256={'a' * 64}"
    assert find_wheels((url,), ("layerctl",))["layerctl"].requirement == f"layerctl @ {url}"
    assert main(["init", "x", "--kind", "bare", "--package", "acme", "--wheel", url.partition("#")[0]]) == 2
    assert "a URL needs its wheel's hash" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wheel", "said"),
    [
        ("nowhere", "does not exist"),
        ("index/pytest-1.0-py3-none-any.whl", "is the wheel of pytest"),
        ("empty", "has no wheel of layerctl or shared-utils"),
        (None, "--wheel FOLDER"),
    ],
)
def test_a_wheel_that_is_none_of_ours_is_refused(release, tmp_path, wheel, said, capsys):
    """What is missing or another project's is named; without any, it says where to get them. Nothing is written."""
    (tmp_path / "empty").mkdir()
    given = ["--wheel", wheel] if wheel else []
    assert main(["init", "acme", "--kind", "thin", "--package", "acme", *given]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "acme").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--package", "class"),
        ("--package", "../up"),
        ("--package", "shared_utils"),
        ("--layer", "a b"),
        ("--account", "12"),
        ("--organization", "acme"),
    ],
)
def test_a_name_that_cannot_be_is_refused(release, tmp_path, option, value, capsys):
    """A package is an identifier of its own, a layer's name is what Lambda takes."""
    options = {"--package": "acme", option: value}
    assert main(["init", "acme", "--kind", "bare", "--wheel", "release", *itertools.chain(*options.items())]) == 2
    error = capsys.readouterr().err
    assert option in error or repr(value) in error
    assert not (tmp_path / "acme").exists()


def test_files_that_are_there_are_not_overwritten(release, tmp_path, capsys):
    """Without --add any of them is an error and nothing is written; with it they stay, and are named."""
    folder = tmp_path / "acme"
    folder.mkdir()
    for name in ("Makefile", "README.md", ".gitignore", "notes.txt"):
        (folder / name).write_text("mine\n")
    before = contents(folder)
    assert init("acme") == 2
    assert ".gitignore, Makefile, README.md already" in capsys.readouterr().err
    assert contents(folder) == before
    assert init("acme", "--add", "--dry-run") == 0
    assert contents(folder) == before
    capsys.readouterr()
    assert init("acme", "--add", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["kept"] == [".gitignore", "Makefile", "README.md"]
    after = contents(folder)
    assert {name: after[name] for name in before} == before
    assert set(after) == {*before, *answer["written"]}
    assert init("acme", "--add") == 2
    assert "there is a layer already" in capsys.readouterr().err


def test_a_layer_is_made_of_the_distribution_that_is_there(release, tmp_path):
    """With a pyproject.toml, --add writes what the layer needs, locks the project's dependencies, and no package."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "theirs"\nversion = "3.0"\nrequires-python = ">=3.11"\ndependencies = ["orjson"]\n'
    )
    assert init("theirs", "--add", kind="bare") == 0
    config = LayerConfig.load(folder / "layer/layer.toml")
    assert (config.distribution, config.packages) == ("theirs", ())
    assert [one.name for one in read_lock(config)] == ["orjson"]
    assert not {"src", "tests"} & {path.name for path in folder.iterdir()}
    # what `make test` needs of it: its dependencies are installed, its packages found
    assert "orjson==1.0" in (folder / "requirements/dev.txt").read_text()
    assert "PYTHONPATH=src:. $(BIN)/python -m pytest" in (folder / "Makefile").read_text()


def test_what_fails_leaves_nothing_behind(release, tmp_path, monkeypatch, capsys):
    """Where the index cannot be reached, one line says so, and no file is written."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    assert init("acme") == 2
    error = capsys.readouterr().err
    assert "can't be locked" in error
    assert error.count("\n") == 1
    assert ".layerctl-init" not in error
    assert not (tmp_path / "acme").exists()


def test_without_a_terminal_nothing_is_asked(release, capsys):
    """A missing choice is an error that names the option."""
    assert main(["init", "acme", "--package", "acme"]) == 2
    assert "--kind" in capsys.readouterr().err


def answered(lines: list[str], *options: str) -> str:
    """Run it on a terminal and answer its questions; what it shows."""
    ours, theirs = pty.openpty()
    program = "import sys; from layerctl.__main__ import main; raise SystemExit(main(['init', 'acme', *sys.argv[1:]]))"
    command = [sys.executable, "-c", program, "--wheel", "release", *options]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    # the end of file after the last answer: a question too many fails instead of waiting
    os.write(ours, "".join(f"{line}\n" for line in lines).encode() + b"\x04")
    text = b""
    try:
        for chunk in iter(functools.partial(os.read, ours, 1000), b""):
            text += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 0, text.decode()
    return text.decode()


def test_a_terminal_is_asked(release, tmp_path):
    """What no option says is asked for, with defaults; what cannot be is asked for again."""
    runtimes = ["python3.99", "python3.13, python3.11"]
    text = answered(["bare", "acme_tools", "", *runtimes, "arm64", "", "12, o-x", "public 111111111111 o-abcdefghij"])
    config = LayerConfig.load(tmp_path / "acme/layer/layer.toml")
    assert (config.name, config.packages) == ("acme-tools", ("src/acme_tools",))
    assert list(config.runtimes) == ["python3.11", "python3.13"]
    assert (config.architectures, config.regions) == (("arm64",), ())
    assert (config.public, config.accounts, config.organizations) == (True, ("111111111111",), ("o-abcdefghij",))
    assert "'python3.99' is not one of" in text
    assert "'o-x' is not an organisation id" in text or "'12' is not an account id" in text


def test_a_terminal_is_asked_for_helpers_and_not_for_what_options_say(release, tmp_path):
    """A thin layer's helpers are a question too; an option is an answer, and --yes answers all the others."""
    said = ["--package", "acme", "--kind", "thin", "--account", "111111111111", "--runtime", "python3.12"]
    text = answered(["", "", "eu-west-1 eu-north-1", "metrics"], *said)
    config = LayerConfig.load(tmp_path / "acme/layer/layer.toml")
    assert (config.regions, config.accounts) == (("eu-west-1", "eu-north-1"), ("111111111111",))
    assert "metrics.count" in (tmp_path / "acme/example/src/app.py").read_text()
    assert "logging" not in (tmp_path / "acme/example/src/app.py").read_text()
    assert "Who may" not in text
    (tmp_path / "acme").rename(tmp_path / "first")
    assert "with spaces between" not in answered([], *said, "--yes")
    assert LayerConfig.load(tmp_path / "acme/layer/layer.toml").regions == ()
