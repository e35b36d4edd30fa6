"""`layerctl sync`: what a template pins is on this machine, and editor, type checker and tests see it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from layerctl.__main__ import main
from tests.layerctl.releases.conftest import aws, shared_aws
from tests.support.wheels import make_wheel

__all__ = ["aws", "shared_aws"]

BIN = Path(sys.executable).parent
ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:helpers"


def layer(files: dict[str, str], version: str = "1.0") -> bytes:
    """A layer's zip with the distribution `helpers`."""
    data = io.BytesIO()
    info = f"python/helpers-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: helpers\nVersion: {version}\n"
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in {**files, f"{info}/METADATA": metadata, f"{info}/RECORD": ""}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return data.getvalue()


TYPED = {
    "python/helpers/py.typed": "",
    "python/helpers/__init__.py": "def double(number: int) -> int:\n    return 2 * number\n",
}


def template(*layers: str, name: str = "template.yaml", second: tuple[str, ...] = ()) -> None:
    """Write a template whose functions have layers."""
    functions = "".join(
        f"  {function}:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: python3.13\n"
        f"      Handler: app.handler\n      CodeUri: .\n      Layers: [{', '.join(arns)}]\n"
        for function, arns in (("First", layers), ("Second", second))
        if arns
    )
    Path(name).write_text(f"Transform: AWS::Serverless-2016-10-31\nResources:\n{functions}")


@pytest.fixture
def consumer(aws, tmp_path, monkeypatch):
    """An empty repository with a virtual environment, and two versions of a layer in AWS."""
    monkeypatch.setenv("LAYERCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    root = tmp_path / "consumer"
    root.mkdir()
    monkeypatch.chdir(root)
    venv.create(".venv", with_pip=False)
    newer = {**TYPED, "python/helpers/more.py": ""}
    for content in (layer(TYPED), layer(newer, "2.0")):
        aws.client("lambda").publish_layer_version(LayerName="helpers", Content={"ZipFile": content})
    template(f"{ARN}:1")
    return root


def ran(capsys, *arguments: str, code: int = 0) -> str:
    """Run `layerctl sync`; what it says."""
    assert main(["sync", *arguments]) == code
    written = capsys.readouterr()
    return written.out + written.err


def test_interpreter_and_type_checkers_see_what_is_pinned(consumer, capsys):
    """Python imports it with its metadata; mypy and pyright take its types, for good and for bad usage."""
    assert f"{ARN}:1" in ran(capsys, "template.yaml")
    question = "import helpers, importlib.metadata as m; print(helpers.__file__, m.version('helpers'))"
    answer = subprocess.run([".venv/bin/python", "-c", question], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(consumer / ".layerctl/layers/helpers/python/helpers/__init__.py"), "1.0"]
    (consumer / "good.py").write_text("from helpers import double\n\nprint(double(2) + 1)\n")
    (consumer / "bad.py").write_text('from helpers import double\n\ndouble("2")\n')
    python = str(consumer / ".venv/bin/python")
    for command in (["mypy", "--strict", "--python-executable", python], ["basedpyright", "--pythonpath", python]):
        for name, code in (("good.py", 0), ("bad.py", 1)):
            if command[0] == "basedpyright":
                Path("pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
            done = subprocess.run([BIN / command[0], *command[1:], name], capture_output=True, text=True, check=False)
            assert done.returncode == code, done.stdout + done.stderr


def test_what_is_here_is_held_against_what_is_pinned(consumer, capsys):
    """--check: nothing is here, all is well, another version is pinned, a file was changed, the environment is new."""
    assert f"{ARN}:1 is not here" in ran(capsys, "template.yaml", "--check", code=1)
    assert not (consumer / ".layerctl").exists()
    ran(capsys, "template.yaml")
    assert "what is here is what is pinned" in ran(capsys, "template.yaml", "--check")
    template(f"{ARN}:2")
    assert f"{ARN}:2 is pinned, {ARN}:1 is here" in ran(capsys, "template.yaml", "--check", code=1)
    ran(capsys, "template.yaml")
    module = consumer / ".layerctl/layers/helpers/python/helpers/more.py"
    module.write_text("changed = True\n")
    assert "was changed" in ran(capsys, "template.yaml", "--check", code=1)
    ran(capsys, "template.yaml")
    assert module.read_text() == ""
    next((consumer / ".venv").rglob("layerctl-sync.pth")).unlink()
    assert "does not know the layers" in ran(capsys, "template.yaml", "--check", code=1)
    assert json.loads(ran(capsys, "template.yaml", "--json"))["differences"] == []


def test_what_is_installed_in_another_version_is_named(consumer, tmp_path, capsys):
    """The environment's own copy comes first in it, so that tests would see another version than production."""
    wheel = make_wheel(tmp_path, "helpers", {"helpers/__init__.py": ""}, version="0.9")
    with zipfile.ZipFile(wheel.path) as archive:
        archive.extractall(next((consumer / ".venv").glob("lib/*/site-packages")))
    assert "helpers 0.9 is installed" in ran(capsys, "template.yaml")
    assert "the layer has 1.0" in ran(capsys, "template.yaml", "--check", code=1)


def install(consumer: Path, wheel: Path) -> None:
    """Install a wheel as pip would, RECORD included."""
    uv = ["pip", "install", "-q", "--no-deps", "--no-index", "--reinstall", "-p", ".venv/bin/python", str(wheel)]
    subprocess.run([BIN / "uv", *uv], cwd=consumer, check=True)


def layer_of(*wheels: Path) -> bytes:
    """A layer's zip with what wheels have."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as content:
                for name in content.namelist():
                    archive.writestr(zipfile.ZipInfo(f"python/{name}"), content.read(name))
    return data.getvalue()


def test_the_same_version_with_other_content_is_named(consumer, tmp_path, capsys):
    """A version says little: what is installed is compared with the layer file by file."""
    wheel = make_wheel(tmp_path, "tool", {"tool/__init__.py": "NEW = 1\n"}).path
    (tmp_path / "layer.zip").write_bytes(layer_of(wheel))
    named = ["template.yaml", "--layer", f"helpers={tmp_path / 'layer.zip'}"]
    install(consumer, make_wheel(tmp_path / "old", "tool", {"tool/__init__.py": "OLD = 1\n"}).path)
    assert "tool 1.0 is installed" in ran(capsys, *named)
    assert "with other content than the layer's" in ran(capsys, *named, "--check", code=1)
    install(consumer, wheel)
    assert "what is here is what is pinned" in ran(capsys, *named, "--check")


def test_wheels_that_are_what_the_layer_has_can_be_installed_instead(consumer, tmp_path, capsys):
    """--wheel shows the `pip install` of exactly these, with the layer's versions of all else; --check holds it."""
    needs = "Requires-Dist: more; extra == 'extra'\nRequires-Dist: alone; python_version < '3'\n"
    dependency = make_wheel(
        tmp_path / "release", "dependency", {"dependency.py": ""}, version="2.0", metadata=needs
    ).path
    more = make_wheel(tmp_path / "other", "more", {"more.py": ""}).path
    asked = "Requires-Dist: dependency[extra]\n"
    wheel = make_wheel(tmp_path / "release", "tool", {"tool/__init__.py": "A = 1\n"}, metadata=asked).path
    make_wheel(tmp_path / "release", "unknown", {"unknown.py": ""})
    alone = make_wheel(tmp_path / "other", "alone", {"alone.py": ""}).path
    (tmp_path / "layer.zip").write_bytes(layer_of(wheel, dependency, alone, more))
    named = ["template.yaml", "--layer", f"helpers={tmp_path / 'layer.zip'}", "--wheel"]
    said = ran(capsys, *named, str(wheel))
    assert f"pip install -c .layerctl/constraints.txt {wheel}\n" in said
    assert "installs nothing of alone 1.0, which" in said
    assert (consumer / ".layerctl/constraints.txt").read_text().splitlines()[1:] == [
        "alone==1.0", "dependency==2.0", "more==1.0", "tool==1.0",
    ]  # fmt: skip
    assert not list((consumer / ".venv").rglob("layerctl-sync.pth"))
    assert f"{dependency} {wheel}" in ran(capsys, *named, str(tmp_path / "release"))
    assert "tool is not installed" in ran(capsys, *named, str(wheel), "--check", code=1)
    install(consumer, wheel)
    assert "what is here is what is pinned" in ran(capsys, *named, str(wheel), "--check")
    assert json.loads(ran(capsys, *named, str(wheel), "--json"))["pip"].startswith("pip install -c ")


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"tool/__init__.py": "B = 2\n"}, "1.0"),
        ({"tool/other.py": ""}, "1.0"),
        ({"tool/__init__.py": "A = 1\n"}, "1.1"),
    ],
)
def test_a_wheel_that_is_not_what_the_layer_has_is_refused(consumer, tmp_path, files, version, capsys):
    """Another byte, a module less, another version: it is named, and no `pip install` is shown."""
    wheel = make_wheel(tmp_path, "tool", {"tool/__init__.py": "A = 1\n"}).path
    (tmp_path / "layer.zip").write_bytes(layer_of(wheel))
    other = make_wheel(tmp_path / "other", "tool", files, version=version).path
    named = ["template.yaml", "--layer", f"helpers={tmp_path / 'layer.zip'}", "--wheel"]
    shown = ran(capsys, *named, str(other), code=1)
    assert ("is version 1.1" if version == "1.1" else "other content") in shown
    assert "pip install" not in shown
    (tmp_path / "no.whl").touch()
    assert "is no wheel" in ran(capsys, *named, str(tmp_path / "no.whl"), code=2)
    wheel.write_bytes(b"PK")
    assert f"error: --wheel {wheel} is not a zip; download it again" in ran(capsys, *named, str(wheel), code=2)


def test_a_module_of_the_layer_that_may_not_be_read(consumer, tmp_path, capsys, monkeypatch):
    """Where a wheel is held against it, the error names the module, and not the wheel."""

    def refusing(path, read=Path.read_bytes):
        if path.name == "tool.py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    wheel = make_wheel(tmp_path, "tool", {"tool.py": "A = 1\n"}).path
    (tmp_path / "layer.zip").write_bytes(layer_of(wheel))
    monkeypatch.setattr(Path, "read_bytes", refusing)
    named = ["template.yaml", "--layer", f"helpers={tmp_path / 'layer.zip'}", "--wheel", str(wheel)]
    assert "python/tool.py cannot be read: Permission denied" in ran(capsys, *named, code=2)


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "python/../../evil.py"])
def test_a_zip_that_leads_out_is_refused(consumer, tmp_path, name, capsys):
    """Nothing is written outside of .layerctl, and what was there before stays as it was."""
    ran(capsys, "template.yaml")
    (tmp_path / "bad.zip").write_bytes(layer({**TYPED, name: "evil = True\n"}))
    said = ran(capsys, "template.yaml", "--layer", f"helpers={tmp_path / 'bad.zip'}", code=2)
    assert "not safe" in said
    assert not list(tmp_path.rglob("evil.py"))
    assert "what is here is what is pinned" in ran(capsys, "template.yaml", "--check")


def test_a_local_artifact_stands_for_a_layer(consumer, tmp_path, capsys):
    """--layer needs no AWS; later layers lie over earlier ones; what is no longer wanted goes."""
    (tmp_path / "one.zip").write_bytes(layer(TYPED))
    (tmp_path / "two.zip").write_bytes(layer({"python/helpers/__init__.py": "LATER = 1\n"}, "3.0"))
    template(f"{ARN}:1", "arn:aws:lambda:eu-central-1:999999999999:layer:over:7")
    ran(
        capsys, "template.yaml", "--layer", f"helpers={tmp_path / 'one.zip'}", "--layer", f"over={tmp_path / 'two.zip'}"
    )
    answer = subprocess.run(
        [".venv/bin/python", "-c", "import helpers; print(helpers.LATER)"], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "1\n"
    template(f"{ARN}:1")
    ran(capsys, "template.yaml")
    assert [path.name for path in (consumer / ".layerctl/layers").iterdir()] == ["helpers"]


def test_the_folder_of_modules_stands_for_its_layer(consumer, tmp_path, capsys):
    """--layer may name the ``python`` in a layer's folder; what is here is then what that layer has, and no more."""
    with zipfile.ZipFile(io.BytesIO(layer(TYPED))) as archive:
        archive.extractall(tmp_path / "built")
    named = ["--layer", f"helpers={tmp_path / 'built/python'}"]
    ran(capsys, "template.yaml", *named)
    assert (consumer / ".layerctl/layers/helpers/python/helpers/__init__.py").is_file()
    assert "what is here is what is pinned" in ran(capsys, "template.yaml", "--check", *named)
    (tmp_path / "built/python/helpers/__init__.py").write_text("CHANGED = 1\n")
    assert "has other content" in ran(capsys, "template.yaml", "--check", *named, code=1)


def test_what_is_not_to_be_had_is_named(consumer, capsys):
    """A version that does not exist, an account or version that the template leaves open: never a silent part."""
    template(f"{ARN}:9")
    assert f"{ARN}:9 can't be fetched" in ran(capsys, "template.yaml", code=2)
    template(f"{ARN}:1", "!Sub 'arn:aws:lambda:eu-central-1:${AWS::AccountId}:layer:other:3'")
    said = ran(capsys, "template.yaml", code=2)
    assert "the account of" in said
    assert "--layer other=ZIP" in said
    assert (consumer / ".layerctl/layers/helpers").is_dir()
    template(second=())
    assert "pins no layer version" in ran(capsys, "template.yaml", code=2)


def test_one_layer_in_two_versions_needs_a_function(consumer, capsys):
    """Only one version can be seen at a time: which function's is asked for."""
    template(f"{ARN}:1", second=(f"{ARN}:2",))
    assert "pinned in several versions" in ran(capsys, "template.yaml", code=2)
    assert f"{ARN}:2" in ran(capsys, "template.yaml", "--function", "Second")


def test_where_no_environment_is_one_is_proposed(consumer, capsys):
    """Settings of four tools are more work than an environment, so that is said first."""
    (consumer / ".venv").rename(consumer / "away")
    assert "python3 -m venv .venv" in ran(capsys, "template.yaml")


def test_without_an_environment_the_settings_are_shown(consumer, capsys):
    """pytest, pyright, mypy and PyCharm: what to add, with relative paths; no file of the repository is touched."""
    before = {path.name for path in consumer.iterdir()}
    said = ran(capsys, "template.yaml", "--no-venv")
    marked = '<sourceFolder url="file://$MODULE_DIR$/.layerctl/layers/helpers/python" isTestSource="false" />'
    for text in ("pythonpath = ", "extraPaths = ", "mypy_path = ", marked, '[".layerctl/layers/helpers/python"]'):
        assert text in said
    assert {path.name for path in consumer.iterdir()} == before | {".layerctl"}
