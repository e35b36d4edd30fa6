"""Functions in AWS's Runtime Interface Emulator: what they see, what comes back, and what is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator import Answer, Emulator, FunctionLimits, find_interpreter
from layerctl.local.emulator.layers import merge_layers
from layerctl.local.emulator.process import _free_ports
from layerctl.local.emulator.runtime import emulator_binary

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.emulator

SHOW = """
import json, os, sys, time

def handler(event, context):
    match event:
        case "raise": raise ValueError("on purpose")
        case "exit": sys.exit(3)
        case "sleep": time.sleep(30)
        case "look-alike": return {"errorMessage": "", "errorType": "", "requestId": "", "stackTrace": []}
        case "unfinished": sys.stdout.write("no line end"); return None
        case "print": print("out"); print("err", file=sys.stderr); return None
        case "pid": return os.getpid()
    return {
        "event": event, "path": sys.path, "environment": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd(),
        "flags": [sys.flags.isolated, sys.flags.no_site, sys.dont_write_bytecode], "version": sys.version_info[:2],
    }
"""


def test_sys_path_is_in_lambdas_order(emulated: Callable[..., Emulator]) -> None:
    """The function comes first, then the layer, then the standard library, then what the runtime provides."""
    seen = emulated(SHOW).invoke({}).json()
    task, site, opt, *library, runtime = seen["path"]
    minor = ".".join(map(str, seen["version"]))
    assert task == seen["cwd"] == seen["environment"]["LAMBDA_TASK_ROOT"]
    assert site == f"{opt}/lib/python{minor}/site-packages"
    assert (Path(opt).name, Path(opt).parent.name) == ("python", "opt")
    assert library
    assert not any("site-packages" in folder for folder in library)
    assert (Path(runtime) / "awslambdaric").is_dir()
    assert (Path(runtime) / "boto3").is_dir()


def test_shared_utils_comes_from_the_layer(emulated: Callable[..., Emulator]) -> None:
    """The checkout's src/, installed as editable in the environment that starts the emulator, is out of reach."""
    source = (
        "import shared_utils\ndef handler(event, context): return [shared_utils.__file__, shared_utils.__version__]"
    )
    file, version = emulated(source).invoke({}).json()
    assert file.endswith("/opt/python/shared_utils/__init__.py")
    assert version


def test_the_callers_environment_stays_out(
    emulated: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither credentials nor PYTHON* variables nor the home folder of the caller reach a function."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "MY_TOKEN"):
        monkeypatch.setenv(name, "caller-secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path))
    environment = emulated(SHOW, environment={"TABLE": "todos"}).invoke({}).json()["environment"]
    assert "caller-secret" not in environment.values()
    assert environment["TABLE"] == "todos"
    assert environment["HOME"] != str(Path.home())
    assert str(tmp_path) != environment["PYTHONPATH"]
    assert "PYTHONSTARTUP" not in environment
    assert all(environment[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))


def test_answers_and_lines_belong_to_their_invocation(emulated: Callable[..., Emulator]) -> None:
    """Each answer has its own payload, lines and times; only the first, cold one has an init time."""
    emulator = emulated("print('at init')\n" + SHOW)
    first = emulator.invoke("print")
    second = emulator.invoke("unfinished")
    assert first.lines == ("at init", "out", "err")
    assert second.lines == ("no line end",)
    assert first.init_ms is not None
    assert first.init_ms > 0
    assert second.init_ms is None
    assert first.duration_ms is not None
    assert first.request_id != second.request_id
    assert (first.status, first.json(), first.error) == (200, None, None)


def test_function_errors_are_told_from_answers(emulated: Callable[..., Emulator]) -> None:
    """A raised exception, a dead process and a time-out are errors; a value that looks like one is not."""
    emulator = emulated(SHOW, timeout=5)
    raised = emulator.invoke("raise").error
    assert raised is not None
    assert (raised["errorType"], raised["errorMessage"]) == ("ValueError", "on purpose")
    died = emulator.invoke("exit")
    assert died.error is not None
    assert died.error["errorType"] == "Runtime.ExitError"
    assert emulator.invoke("look-alike").error is None
    late = emulator.invoke("sleep")
    assert late.timed_out
    assert late.error is not None
    assert "timed out after 5" in late.error["errorMessage"]
    assert emulator.invoke("pid").error is None  # and it goes on


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        ("1 +", "Syntax error"),
        ("x = 1", "Handler 'handler' missing"),
        ("raise SystemExit(3)", "process ended"),
    ],
)
def test_a_function_that_dies_at_import_is_an_error(
    emulated: Callable[..., Emulator], source: str, expected: str
) -> None:
    """Whatever keeps the handler from being imported is in the answer's error."""
    answer = emulated(source).invoke({})
    assert answer.error is not None
    assert expected in answer.error["errorMessage"]


def test_calls_at_once_take_turns(emulated: Callable[..., Emulator]) -> None:
    """Two calls at once crash AWS's emulator; here they wait for each other, and each gets its own answer."""
    emulator = emulated("import time\ndef handler(event, context):\n    time.sleep(0.01)\n    return event")
    answers: list[object] = []
    threads = [threading.Thread(target=lambda n=n: answers.append((n, emulator.invoke(n).json()))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(n, n) for n in range(20)]  # type: ignore[type-var]


def test_an_event_that_lambda_would_not_take_is_refused(emulated: Callable[..., Emulator]) -> None:
    """The emulator would cut it off in the middle."""
    emulator = emulated("def handler(event, context): return len(event)")
    with pytest.raises(LayerctlError, match="7,000,002 bytes"):
        emulator.invoke("x" * 7_000_000)
    assert emulator.invoke("x" * 6_000_000).json() == 6_000_000


def test_nothing_is_written_beside_the_code(emulated: Callable[..., Emulator], built_layer: Path) -> None:
    """No bytecode appears in the function's folder or in the layer."""
    before = sorted(built_layer.rglob("*"))
    folder = emulated("import shared_utils.errors\n" + SHOW).invoke({}).json()["cwd"]
    assert [path.name for path in Path(folder).iterdir()] == ["app.py"]
    assert sorted(built_layer.rglob("*")) == before


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(*pids: int) -> bool:
    deadline = time.monotonic() + 30
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(_alive, pids))


STUBBORN = """
import os, signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def handler(event, context):
    started = [subprocess.Popen(["sleep", "600"], start_new_session=own).pid for own in (False, True)]
    return [os.getpid(), os.getppid(), *started]
"""


def test_stop_ends_everything(emulated: Callable[..., Emulator]) -> None:
    """After stop neither the emulator, nor a function that ignores SIGTERM, nor what that made independent is alive."""
    emulator = emulated(STUBBORN)
    pids = emulator.invoke({}).json()
    assert all(map(_alive, pids))
    emulator.stop()
    assert _gone(*pids)
    emulator.stop()


def test_a_killed_caller_leaves_nothing_behind(tmp_path: Path) -> None:
    """`kill -9` of the program that runs an emulator ends the emulator and the function as well."""
    (tmp_path / "app.py").write_text(STUBBORN)
    program = (
        "import json, sys, time; from layerctl.local.emulator import Emulator\n"
        f"emulator = Emulator({str(tmp_path)!r}, 'app.handler'); emulator.start()\n"
        "print(emulator.invoke({}).payload.decode(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        pids = json.loads(caller.stdout.readline())
        assert all(map(_alive, pids))
        os.kill(caller.pid, signal.SIGKILL)
    assert _gone(*pids)


def test_later_layers_win(tmp_path: Path) -> None:
    """Several layers are merged in the function's order, without touching any of them."""
    layers = [tmp_path / "one", tmp_path / "two"]
    for layer in layers:
        (layer / "python").mkdir(parents=True)
        (layer / "python" / "same.py").write_text(layer.name)
        (layer / "python" / f"{layer.name}.py").write_text(layer.name)
    merged = merge_layers(layers, tmp_path / "opt")
    assert {path.name: path.read_text() for path in (merged / "python").iterdir()} == {
        "same.py": "two",
        "one.py": "one",
        "two.py": "two",
    }
    assert [(layer / "python/same.py").read_text() for layer in layers] == ["one", "two"]
    with pytest.raises(LayerctlError, match="6 layers"):
        merge_layers([tmp_path] * 6, tmp_path / "more")


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_written_to_opt_reaches_no_layer(tmp_path: Path, count: int) -> None:
    """Writes and deletions in the merged folder leave the files of one layer, or several, as they were."""
    layers = [tmp_path / f"layer{number}" for number in range(count)]
    for layer in layers:
        (layer / "python").mkdir(parents=True)
        (layer / "python" / "data.json").write_text("{}")
        (layer / "python" / "data.json").chmod(0o444)
        (layer / "python" / f"{layer.name}.py").write_text("x = 1\n")
    merged = merge_layers(layers, tmp_path / "opt")
    assert merged == tmp_path / "opt"
    for path in (merged / "python").iterdir():
        path.chmod(0o644)
        path.write_text("written by the function")
    (merged / "python" / "data.json").unlink()
    assert {(layer / "python" / "data.json").read_text() for layer in layers} == {"{}"}
    assert {(layer / "python" / f"{layer.name}.py").read_text() for layer in layers} == {"x = 1\n"}


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12", "python3.13"])
def test_each_interpreter_runs_the_layer(emulated: Callable[..., Emulator], runtime: str) -> None:
    """The layer works on every runtime whose interpreter is on this machine, with boto3 from the runtime."""
    interpreter = find_interpreter(runtime)
    if interpreter is None:
        pytest.skip(f"no interpreter for {runtime}")
    source = (
        "import sys, boto3, structlog\n"
        "def handler(event, context): return [list(sys.version_info[:2]), boto3.__file__, structlog.__file__]"
    )
    version, boto3_file, structlog_file = emulated(source, interpreter=interpreter).invoke({}).json()
    assert f"python{version[0]}.{version[1]}" == runtime
    assert f"runtime/{runtime}" in boto3_file
    assert "/runtime/" not in structlog_file


def test_a_missing_emulator_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the SAM CLI the error says what is missing, where it comes from, and what to do."""
    monkeypatch.setenv("LAYERCTL_RIE", str(tmp_path / "nothing"))
    with pytest.raises(LayerctlError, match="LAYERCTL_RIE"):
        emulator_binary()
    monkeypatch.delenv("LAYERCTL_RIE")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "nowhere"))
    with pytest.raises(LayerctlError, match="pip install aws-sam-cli"):
        emulator_binary()


def test_an_emulator_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that ends at once instead of serving is an error, not a wait."""
    monkeypatch.setenv("LAYERCTL_RIE", "/bin/false")
    with pytest.raises(LayerctlError, match="did not start"):
        Emulator(tmp_path, "app.handler", limits=FunctionLimits(timeout=1)).start()


def test_lines_that_only_begin_like_json() -> None:
    """What a function prints or answers may be nested beyond Python's limits: a line of text like any other."""
    deep = "[" * 100_000
    answer = Answer(200, deep.encode(), (deep, '{"a": 1}', "9" * 5000), None, None, "id")
    assert answer.log_records() == [{"a": 1}]
    assert answer.error is None


def test_processes_with_one_seed_choose_different_ports() -> None:
    """Tests in a random order seed `random` alike in all their workers, which start emulators at once."""
    chosen = []
    for _ in range(2):
        random.seed(7)
        chosen.append(_free_ports(8))
    assert chosen[0] != chosen[1]
