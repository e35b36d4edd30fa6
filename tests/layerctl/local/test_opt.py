"""`/opt` and the function's folder as Lambda has them: data, programs, libraries, wrapper scripts, nothing to write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator import Emulator, find_interpreter
from layerctl.local.emulator.check import import_problem
from layerctl.local.emulator.isolation import isolation

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.emulator

here = pytest.mark.skipif(not isolation().opt, reason=str(isolation().problem))
SOURCE = """
import ctypes, os, shutil, subprocess, sys
def handler(event, context):
    match event.get("do"):
        case "read": return open(event["path"]).read()
        case "run": return subprocess.run(event["command"], capture_output=True, text=True, check=True).stdout
        case "load": return ctypes.CDLL("libanswer.so").answer()
        case "write":
            try:
                open(event["path"], "a").close()
            except OSError as error:
                return error.strerror
            return "written"
        case "import": return __import__(event["name"]).NAME
    return {"path": sys.path, "environment": dict(os.environ), "orig": sys.orig_argv, "which": shutil.which("tool")}
"""


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    """Two layers with data, a program, a library and modules; the second one wins."""
    folders = [tmp_path / "one, with a comma", tmp_path / "two"]
    for folder in folders:
        for name in ("python", "bin", "lib", "data"):
            (folder / name).mkdir(parents=True)
        (folder / "data/which.txt").write_text(folder.name[:3])
        (folder / f"data/{folder.name[:3]}.txt").write_text("its own")
    tool = folders[0] / "bin/tool"
    tool.write_text("#!/bin/sh\necho ran from $0\n")
    tool.chmod(0o755)
    return folders


def compiled(source: str, target: Path) -> None:
    """A shared library from C; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", target], input=source.encode(), check=True)


@here
def test_data_lies_at_its_absolute_path(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """What layers hold is below /opt, merged, the later layer's over the earlier one's."""
    emulator = emulated(SOURCE, layers=layers)
    read = {
        name: emulator.invoke({"do": "read", "path": f"/opt/data/{name}.txt"}).json()
        for name in ("which", "one", "two")
    }
    assert read == {"which": "two", "one": "its own", "two": "its own"}
    assert emulator.invoke({}).json()["path"][2] == "/opt/python"


@here
def test_programs_and_libraries_are_found(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """/opt/bin is on PATH, /opt/lib on LD_LIBRARY_PATH, after what the machine itself has."""
    compiled("int answer(void) { return 42; }", layers[0] / "lib/libanswer.so")
    emulator = emulated(SOURCE, layers=layers)
    assert emulator.invoke({}).json()["which"] == "/opt/bin/tool"
    assert emulator.invoke({"do": "run", "command": ["tool"]}).json() == "ran from /opt/bin/tool\n"
    assert emulator.invoke({"do": "load"}).json() == 42
    environment = emulator.invoke({}).json()["environment"]
    assert environment["PATH"].split(":")[-1] == "/opt/bin"
    assert environment["LD_LIBRARY_PATH"].split(":")[-1] == "/opt/lib"


@here
@pytest.mark.parametrize("where", ["/opt/data/new.txt", "/opt/data/which.txt", "app.py", "{cwd}/new.txt", "new.txt"])
def test_layers_and_code_cannot_be_written(emulated: Callable[..., Emulator], layers: list[Path], where: str) -> None:
    """/opt and the function's folder are read-only, by an absolute path and by a relative one; /tmp is not."""
    emulator = emulated(SOURCE, layers=layers)
    path = where.format(cwd=emulator.function)
    assert emulator.invoke({"do": "write", "path": path}).json() == "Read-only file system"
    assert emulator.invoke({"do": "write", "path": "/tmp/layerctl-test-writes"}).json() == "written"
    Path("/tmp/layerctl-test-writes").unlink()
    assert sorted(path.name for path in emulator.function.iterdir()) == ["app.py"]
    (emulator.function / "from-outside.txt").write_text("")  # nobody else is kept out


def test_code_is_read_only_without_layers(emulated: Callable[..., Emulator]) -> None:
    """A function without layers cannot write to its folder either."""
    if not isolation().code:
        pytest.skip(str(isolation().problem))
    assert emulated(SOURCE, layers=[]).invoke({"do": "write", "path": "x"}).json() == "Read-only file system"


@here
def test_the_rest_of_opt_stays(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """An interpreter below the real /opt still runs the function."""
    interpreter = find_interpreter("python3.14")
    if interpreter is None or not interpreter.path.is_relative_to("/opt"):
        pytest.skip("no interpreter below /opt")
    emulator = emulated(SOURCE, layers=layers, interpreter=interpreter)
    assert emulator.invoke({"do": "read", "path": "/opt/data/which.txt"}).json() == "two"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("/opt/extra", "extra"),
        ("/var/task/vendored", "vendored"),
        ("vendored:/opt/extra", "vendored"),
        ("/opt/extra:/var/runtime", "extra"),
    ],
)
def test_the_templates_pythonpath_is_kept(
    emulated: Callable[..., Emulator], layers: list[Path], value: str, name: str
) -> None:
    """Its entries come after the layers and before the standard library; Lambda's own folders stand for ours."""
    (layers[0] / "extra").mkdir()
    (layers[0] / "extra/extra.py").write_text("NAME = 'extra'")
    emulator = emulated(SOURCE, layers=layers, environment={"PYTHONPATH": value})
    (emulator.function / "vendored").mkdir()
    (emulator.function / "vendored/vendored.py").write_text("NAME = 'vendored'")
    assert emulator.invoke({"do": "import", "name": name}).json() == name
    seen = emulator.invoke({}).json()
    assert seen["environment"]["PYTHONPATH"] == value
    assert seen["path"].index(next(p for p in seen["path"] if p.endswith(name))) in (3, 4)
    assert (Path(seen["path"][-1]) / "awslambdaric").is_dir()


WRAPPER = """#!/bin/sh
export WRAPPED="$_HANDLER" _HANDLER="${NEW_HANDLER:-$_HANDLER}"
last=$(eval echo "\\$$#")
case "$last" in */bootstrap.py) ;; *) echo "the last argument is $last" >&2; exit 9 ;; esac
interpreter=$1; shift
exec "$interpreter" -X dev "$@"
"""


@pytest.mark.parametrize("path", ["/opt/wrapper", "/var/task/wrapper"])
def test_a_wrapper_script_starts_the_runtime(emulated: Callable[..., Emulator], layers: list[Path], path: str) -> None:
    """It gets the interpreter and the script as in Lambda, may add options, and change variables and the handler."""
    (layers[1] / "wrapper").write_text(WRAPPER)
    (layers[1] / "wrapper").chmod(0o755)
    source = SOURCE + "\ndef other(event, context): return [__import__('sys').flags.dev_mode, os.environ['WRAPPED']]\n"
    emulator = emulated(
        source, layers=layers, environment={"AWS_LAMBDA_EXEC_WRAPPER": path, "NEW_HANDLER": "app.other"}
    )
    shutil.copy(layers[1] / "wrapper", emulator.function / "wrapper")
    assert emulator.invoke({}).json() == [True, "app.handler"]
    assert import_problem(emulator) is None


def test_a_wrapper_may_instrument_by_pythonpath(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """A `sitecustomize` on the PYTHONPATH that a wrapper sets is run before the function, as OpenTelemetry's is."""
    (layers[0] / "wrapper").write_text('#!/bin/sh\nexport PYTHONPATH=/opt/auto:$PYTHONPATH\nexec "$@"\n')
    (layers[0] / "wrapper").chmod(0o755)
    (layers[0] / "auto").mkdir()
    (layers[0] / "auto/sitecustomize.py").write_text("import sys\nsys.instrumented = 'app' not in sys.modules\n")
    source = "import sys\nat_import = sys.instrumented\ndef handler(event, context): return at_import"
    emulator = emulated(source, layers=layers, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})
    assert emulator.invoke({}).json() is True


EXTENSION = """#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"
def call(path, headers, body=None):
    return urllib.request.urlopen(urllib.request.Request(api + path, body, headers))
events = json.dumps({"events": ["INVOKE", "SHUTDOWN"]}).encode()
name = call("/register", {"Lambda-Extension-Name": "mine"}, events).headers["Lambda-Extension-Identifier"]
print("extension is up", flush=True)
while json.load(call("/event/next", {"Lambda-Extension-Identifier": name}))["eventType"] != "SHUTDOWN": pass
"""


@here
def test_extensions_of_layers_run(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """Programs in /opt/extensions are started with the function, as in Lambda."""
    (layers[0] / "extensions").mkdir()
    (layers[0] / "extensions/mine").write_text(EXTENSION)
    (layers[0] / "extensions/mine").chmod(0o755)
    answer = emulated(SOURCE, layers=layers).invoke({"do": "read", "path": "/opt/data/which.txt"})
    assert (answer.json(), answer.failure) == ("two", None)
    assert "extension is up" in answer.lines


@here
def test_an_extension_that_ends_is_named(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """It ends the environment, as in Lambda; the failure says that it was not the function."""
    (layers[0] / "extensions").mkdir()
    (layers[0] / "extensions/broken").write_text("#!/bin/sh\nexit 3\n")
    (layers[0] / "extensions/broken").chmod(0o755)
    answer = emulated(SOURCE, layers=layers).invoke({})
    assert answer.failure == "Extension.Crash: the extension broken of a layer ended (exit status 3)"


@pytest.mark.parametrize(
    ("mode", "message"), [(None, "/opt/wrapper does not exist"), (0o644, "/opt/wrapper is not executable")]
)
def test_a_wrapper_that_cannot_be_run_is_told(
    layers: list[Path], tmp_path: Path, mode: int | None, message: str
) -> None:
    """The check before serving names the wrapper and what is wrong with it."""
    if mode:
        (layers[0] / "wrapper").write_text(WRAPPER)
        (layers[0] / "wrapper").chmod(mode)
    (tmp_path / "app").mkdir()
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    problem = import_problem(Emulator(tmp_path / "app", "app.handler", layers=layers, environment=environment))
    assert message in str(problem)


REFUSED = """
import json, sys
from layerctl.local.emulator import Emulator
from layerctl.local.emulator.isolation import isolation
with Emulator(sys.argv[1], "app.handler", layers=sys.argv[2:]) as emulator:
    seen = emulator.invoke({}).json()
    told = emulator.invoke({"do": "run", "command": ["tool"]}).json()
    print(json.dumps([isolation().problem, seen["path"], seen["environment"], told]))
"""


def test_where_the_machine_refuses_layers_lie_elsewhere(layers: list[Path], tmp_path: Path) -> None:
    """Without namespaces (a container of most kinds) it works by sys.path, PATH and the like, and says so."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/app.py").write_text(SOURCE)
    # a user namespace that may not make others, and has no right to mount
    within = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all -- "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", within, "sh"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine cannot be made to refuse")
    arguments = [sys.executable, "-c", REFUSED, tmp_path / "app", *layers]
    answer = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    problem, path, environment, told = json.loads(answer.stdout)
    assert "layers do not lie at /opt" in problem
    assert "functions can write to their code" in problem
    assert "unshare: " in problem
    opt = Path(path[2]).parent
    assert opt != Path("/opt")
    assert environment["PATH"].endswith(f":{opt}/bin")
    assert told == f"ran from {opt}/bin/tool\n"


def test_too_many_layers_are_refused(tmp_path: Path) -> None:
    """Six layers are one more than Lambda takes."""
    (tmp_path / "app").mkdir()
    with pytest.raises(LayerctlError, match="6 layers"):
        Emulator(tmp_path / "app", "app.handler", layers=[tmp_path] * 6).start()


def test_a_layer_below_opt(emulated: Callable[..., Emulator], layers: list[Path]) -> None:
    """A layer whose folder is below the real /opt, which cannot be laid over what holds it, is found as well."""
    try:
        folder = Path("/opt/layerctl-test")
        folder.mkdir()
    except OSError:
        pytest.skip("/opt cannot be written")
    try:
        shutil.copytree(layers[0], folder / "layer")
        emulator = emulated(SOURCE, layers=[folder / "layer"])
        assert emulator.invoke({"do": "run", "command": ["tool"]}).json().startswith("ran from /")
        emulator.stop()
    finally:
        shutil.rmtree(folder)


def test_an_ordinary_user_gets_the_same(layers: list[Path], tmp_path: Path) -> None:
    """Without being root, by a user namespace; `os.getuid` is the user's own in it."""
    if os.getuid() != 0:
        pytest.skip("every other test of this file shows it")
    script = Path(sys.modules[isolation.__module__].__file__ or "").with_name("mounts.py")
    shutil.copy(script, tmp_path / "mounts.py")
    for path in [tmp_path, *tmp_path.parents, *tmp_path.rglob("*")]:
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    (tmp_path / "code").mkdir()
    (tmp_path / "code").chmod(0o777)
    tried = "cat /opt/data/which.txt; id -u; touch new 2>&1 || exit 5"
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    command: list[Any] = [python, "-I", "-S", tmp_path / "mounts.py", ":".join(map(str, layers)), tmp_path / "code"]
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    answer = subprocess.run(
        [*become, *command, "/bin/sh", "-c", tried], capture_output=True, text=True, check=False, cwd=tmp_path / "code"
    )
    if answer.returncode == 71:
        pytest.skip(answer.stderr)
    assert answer.returncode == 5, answer
    assert answer.stdout.splitlines()[0].startswith("two65534")
    assert "Read-only file system" in answer.stdout
