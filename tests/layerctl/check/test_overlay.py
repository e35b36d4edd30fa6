"""Layers over each other, and which module wins: our answer against Python's own import system on real folders."""

import shutil
from importlib.machinery import FileFinder, SourceFileLoader

from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.artifact import open_artifact
from layerctl.check.contents import Sources
from layerctl.check.given import find_templates
from layerctl.check.model import CheckedFunction, Content
from layerctl.check.overlay import CodePart, module_conflicts, overwritten, roots_of
from layerctl.check.report import check_templates
from layerctl.templates import model as declarations
from layerctl.templates.model import Code, Place, Value
from tests.layerctl.inspection.test_inspect import dist

# Small enough that the same names meet often: modules, packages with and without __init__, nested ones.
_PATHS = st.lists(
    st.sampled_from(
        ["a.py", "b.py", "a/__init__.py", "a/x.py", "a/y.py", "a/b/__init__.py", "a/b/z.py", "b/__init__.py", "b/x.py"]
    ),
    unique=True,
    max_size=6,
)
_PLACE = Place("t.yaml", 1, 1)


def _write(folder, paths, text):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def _origin(name, search):
    """The file that `import name` would take, without running anything; None for a namespace package or nothing.

    Each folder is asked through Python's own finder; the loop over the folders is PEP 420's.
    """
    loaders = (SourceFileLoader, [".py"])
    origin = None
    for part in name.split("."):
        portions, origin = [], None
        for folder in search:
            spec = FileFinder(folder, loaders).find_spec(part)
            if spec is not None and spec.loader is not None:
                origin, portions = spec.origin, list(spec.submodule_search_locations or ())
                break
            portions += list(spec.submodule_search_locations or ()) if spec is not None else []
        search = portions
    return origin


@settings(max_examples=60)
@given(_PATHS, _PATHS, _PATHS, _PATHS)
def test_the_winner_is_what_python_imports(tmp_path_factory, code, first, second, versioned):
    """For every name that two places have, the place that we say wins is the one that Python imports it from."""
    base = tmp_path_factory.mktemp("opt")
    task, opt = base / "task", base / "opt"
    task.mkdir()
    site = "python/lib/python3.13/site-packages"
    for index, (paths, prefix) in enumerate([(first, "python"), (second, "python"), (versioned, site)], start=1):
        (base / f"layer{index}").mkdir()
        _write(base / f"layer{index}" / prefix, paths, f"WHO = {index}\n")
    _write(task, code, "WHO = 0\n")
    for index in (1, 2, 3):
        shutil.copytree(base / f"layer{index}", opt, dirs_exist_ok=True)  # later layers overwrite earlier ones
    search = [str(task), str(opt / site), str(opt / "python")]
    folders = [task, *(base / f"layer{index}" for index in (1, 2, 3))]
    with (
        open_artifact(folders[0]) as zero,
        open_artifact(folders[1]) as one,
        open_artifact(folders[2]) as two,
        open_artifact(folders[3]) as three,
    ):
        parts = [
            CodePart(index, f"part {index}", _PLACE, Content(artifact, "test"))
            for index, artifact in enumerate([zero, one, two, three])
        ]
        roots = roots_of(
            CheckedFunction(declarations.Function("F", _PLACE, "x", "F", Code(_PLACE), Value("python3.13", _PLACE))),
            parts,
        )
        for path, loser, winner in overwritten(parts):
            assert (opt / path).read_text("utf-8") == f"WHO = {winner.index}\n"
            assert loser.index < winner.index
        found = list(module_conflicts(roots))
    for name, winner, loser in found:
        origin = _origin(name, search)
        assert origin is not None, f"{name} is a regular module in one of the places, so it is found as one"
        assert origin.startswith(f"{search[roots.index(winner)]}/")
        assert roots.index(winner) != roots.index(loser)
    # and nothing is left out: a file whose module Python takes from elsewhere is hidden by a name that we tell
    told = {(name, roots.index(loser)) for name, _, loser in found}
    for index, root in enumerate(roots):
        for path in root.files:
            if path.startswith("lib/"):  # the folder of another root, and no name to import
                continue
            name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            if _origin(name, search) == f"{search[index]}/{path}":
                continue
            heads = {".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 2)}
            own_package = path.endswith(".py") and f"{path.removesuffix('.py')}/__init__.py" in root.files
            inside_module = any(f"{head.replace('.', '/')}.py" in root.files for head in heads - {name})
            assert own_package or inside_module or {(head, index) for head in heads} & told, (name, index, told)


@settings(max_examples=40)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "python/a.py",
                    "python/a/__init__.py",
                    "python/__pycache__/a.cpython-313.pyc",
                    "python/x.cpython-312-x86_64-linux-gnu.so",
                    "python/x.abi3.so",
                    "python/lib/python3.12/site-packages/a.py",
                    "python/boto3/__init__.py",
                    "python/foo-1.dist-info/METADATA",
                    "python/foo-1.dist-info/RECORD",
                    "nodejs/a.js",
                    "bin/tool",
                ]
            ),
            st.binary(max_size=40),
        ),
        max_size=6,
    ),
    st.sampled_from(["python3.13", "python3.9", "nodejs24.x", "python3.99", "provided.al2023"]),
)
def test_any_content(tmp_path_factory, layers, runtime):
    """Whatever layers hold, checking them does not raise, and every finding has a place and a hint."""
    base = tmp_path_factory.mktemp("any")
    arn = "arn:aws:lambda:eu-central-1:123456789012:layer:l{}:1"
    (base / "code").mkdir()
    named = {}
    for index, files in enumerate(layers):
        folder = base / f"l{index}"
        folder.mkdir()
        for path, data in files.items():
            target = folder / path
            if target.parent.is_file() or target.is_dir():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        named[f"l{index}"] = folder
    arns = ", ".join(arn.format(index) for index in range(len(layers)))
    (base / "t.yaml").write_text(
        "Resources:\n  F:\n    Type: AWS::Lambda::Function\n"
        f"    Properties: {{Runtime: {runtime}, Code: code, Layers: [{arns}]}}\n",
        "utf-8",
    )
    for finding in check_templates(find_templates([base / "t.yaml"]), Sources(layers=named)).findings:
        assert finding.line
        assert finding.hint


def test_shared_distributions_are_one_finding(tmp_path):
    """Two layers that share many distributions give one note, not one for each."""
    many = {}
    for number in range(8):
        many |= dist(f"d{number}", "1", {f"d{number}.py": ""})
    for name, more in (("first", {"one.py": ""}), ("second", {"two.py": ""})):
        for path, text in (many | more).items():
            target = tmp_path / name / "python" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    arn = "arn:aws:lambda:eu-central-1:123456789012:layer:{}:1"
    (tmp_path / "t.yaml").write_text(
        "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Runtime: python3.13\n"
        f"      Code: first\n      Layers: [{arn.format('first')}, {arn.format('second')}]\n",
        "utf-8",
    )
    sources = Sources(
        layers={"first": tmp_path / "first", "second": tmp_path / "second"}, code={"F": tmp_path / "first" / "none"}
    )
    (tmp_path / "first" / "none").mkdir()
    (finding,) = check_templates(find_templates([tmp_path / "t.yaml"]), sources).findings
    assert finding.rule == "distribution-duplicate"
    assert "d0 1, d1 1, d2 1 and 5 more" in finding.message
