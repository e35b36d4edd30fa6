"""`layerctl run`: templates served over HTTP, and nothing left behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.running import ARN, ECHO, Running, alive, write_app

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.emulator


def test_functions_of_several_templates_on_one_port(serve: Callable[..., Running], tmp_path: Path) -> None:
    """HTTP and REST APIs of two templates are served side by side; failures are the function's, not the server's."""
    write_app(tmp_path / "one", more="Environment: {Variables: {TABLE: !Sub 'todos-${AWS::Region}'}}")
    write_app(tmp_path / "two", events="{B: {Type: Api, Properties: {Path: '/rest/{proxy+}', Method: get}}}")
    running = serve(tmp_path / "one", tmp_path / "two" / "template.yaml", "--region", "eu-west-1", "--env", "EXTRA=x=y")
    ready = running.events[-1]
    assert [served["function"] for served in ready["functions"]] == ["one/Echo", "two/Echo"]
    status, answer = running.ask("/http/a?x=1", "POST")
    environment = answer["environment"]
    assert status == 200
    assert (environment["TABLE"], environment["AWS_REGION"], environment["EXTRA"]) == (
        "todos-eu-west-1",
        "eu-west-1",
        "x=y",
    )
    assert environment["AWS_SAM_LOCAL"] == "true"
    assert running.ask("/rest/a/b") == (200, "/rest/a/b")
    assert running.ask("/http/raise") == (500, {"message": "Internal Server Error"})
    assert running.ask("/rest/raise") == (502, {"message": "Internal server error"})
    assert running.ask("/http/bad") == (500, {"message": "Internal Server Error"})
    assert running.ask("/elsewhere") == (404, {"message": "Not Found"})
    assert running.end() == 0
    problems = [event["text"] for event in running.events if event["event"] == "problem"]
    assert problems[0] == problems[1] == "ValueError: on purpose"
    assert "json.dumps" in problems[2]
    lines = [(event["function"], event["line"]) for event in running.events if event["event"] == "log"]
    assert ("one/Echo", "served /http/a") in lines
    assert ("two/Echo", "served /rest/a/b") in lines
    requests = [(event["route"], event["status"]) for event in running.events if event["event"] == "request"]
    assert requests[0] == ("ANY /http/{proxy+}", 200)
    assert requests[-1] == (None, 404)


def test_calls_at_once_get_environments_of_their_own(serve: Callable[..., Running], tmp_path: Path) -> None:
    """Requests at once are served by different environments, up to the limit; one after another, by one."""
    meet = tmp_path / "meet"
    meet.mkdir()
    running = serve(write_app(tmp_path / "app"), "--concurrency", "2", "--env", f"MEET={meet}")
    assert running.ask("/http/pids") == running.ask("/http/pids")
    answers: list[tuple[int, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(running.ask("/http/meet"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    assert len({pid for _, pid in answers}) == 2


def test_what_is_too_large_for_lambda_is_refused(serve: Callable[..., Running], tmp_path: Path) -> None:
    """An event of more than 6 MB never reaches a function; API Gateway answers 413 in each API's words."""
    http_api, rest_api = (
        "Type: HttpApi, Properties: {Path: /a, Method: any}",
        "Type: Api, Properties: {Path: /b, Method: any}",
    )
    running = serve(write_app(tmp_path / "app", events=f"{{A: {{{http_api}}}, B: {{{rest_api}}}}}"))
    for path, message in (("/a", "Request Entity Too Large"), ("/b", "Request Too Long")):
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=60)
        connection.request("POST", path, b"x" * (6 * 1024 * 1024), {"content-type": "text/plain"})
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())) == (413, {"message": message})
        connection.close()
    assert running.end() == 0
    assert [event for event in running.events if event["event"] in {"log", "problem"}] == []


def test_a_timeout_ends_the_call_and_not_the_service(serve: Callable[..., Running], tmp_path: Path) -> None:
    """A function that takes longer than its Timeout is a failure; one that outlasts the integration gets a 503."""
    events = (
        "{A: {Type: HttpApi, Properties: {Path: '/http/{proxy+}', Method: ANY}},"
        " B: {Type: HttpApi, Properties: {Path: '/short/{proxy+}', Method: ANY, TimeoutInMillis: 1000}}}"
    )
    running = serve(
        write_app(tmp_path / "app", ECHO.replace("sleep(30)", "sleep(6)"), events=events, more="MemorySize: 128")
    )
    assert running.ask("/short/sleep") == (503, {"message": "Service Unavailable"})
    assert running.ask("/http/pids")[0] == 200
    limited = write_app(tmp_path / "limited", template=(tmp_path / "app/template.yaml").read_text().replace("20", "5"))
    running = serve(limited)
    assert running.ask("/http/sleep") == (500, {"message": "Internal Server Error"})
    running.wait_for(lambda event: event["event"] == "problem" and "timed out after 5.00 seconds" in event["text"])
    assert running.ask("/http/pids")[0] == 200


def test_an_emulator_that_dies_is_replaced(serve: Callable[..., Running], tmp_path: Path) -> None:
    """The call that meets a dead emulator fails, the next one gets a new one."""
    running = serve(write_app(tmp_path / "app"))
    _, emulator = running.ask("/http/pids")[1]
    os.kill(emulator, signal.SIGKILL)
    assert running.ask("/http/x") == (500, {"message": "Internal Server Error"})
    assert running.ask("/http/x")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_child_is_left(serve: Callable[..., Running], tmp_path: Path, number: int) -> None:
    """Ctrl-C and SIGTERM end it with exit code 0; after them, and after kill -9, every child process is gone."""
    running = serve(write_app(tmp_path / "app"))
    pids = running.ask("/http/pids")[1]
    assert all(map(alive, pids))

    def keep_busy() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            running.ask("/http/sleep")

    busy = threading.Thread(target=keep_busy)
    busy.start()
    code = running.end(number)
    assert code == (0 if number != signal.SIGKILL else -number)
    busy.join(30)
    deadline = time.monotonic() + 30
    while any(map(alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_layer_of_a_pin_is_found(serve: Callable[..., Running], tmp_path: Path, built_layer: Path) -> None:
    """A pinned ARN is the newest artifact of its name in dist/, or what --layer names: a zip, a folder, by ARN."""
    arn = ARN.format("shared-utils")
    app = write_app(tmp_path / "app", more=f"Layers: ['{arn}']")
    older, newer = tmp_path / "dist/shared-utils-1.9.0", tmp_path / "dist/shared-utils-1.10.0"
    for path in (older, newer):
        shutil.make_archive(str(path), "zip", built_layer)
    (tmp_path / "dist/shared-utils-extra-9.0.0.zip").write_bytes(b"")
    for options in ((), ("--layer", f"shared-utils={built_layer}"), ("--layer", f"{arn}={newer}.zip")):
        running = serve(app, *options, cwd=tmp_path)
        (served,) = running.events[-1]["functions"]
        assert re.search("1.10.0.zip$", served["layers"][0]) or str(built_layer) in options[1]
        file = running.ask("/http/layer")[1]
        assert not file.startswith(str(Path(__file__).parents[3] / "src"))
        assert Path(file).name == "__init__.py"
        assert running.end() == 0


def test_a_layer_of_the_same_template(serve: Callable[..., Running], tmp_path: Path) -> None:
    """A layer that the template itself defines is taken from its folder."""
    template = f"""
    Globals: {{Function: {{Runtime: python{sys.version_info.major}.{sys.version_info.minor}, Layers: [!Ref Own]}}}}
    Resources:
      Own: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: own/}}}}
      F:
        Type: AWS::Serverless::Function
        Properties:
          Handler: app.handler
          Events: {{A: {{Type: HttpApi}}}}
    """
    app = write_app(tmp_path / "app", "import own\ndef handler(event, context): return own.NAME", template=template)
    (app / "own/python").mkdir(parents=True)
    (app / "own/python/own.py").write_text("NAME = 'own layer'")
    assert serve(app).ask("/anything") == (200, "own layer")


def test_another_interpreter_is_taken_with_a_note(serve: Callable[..., Running], tmp_path: Path) -> None:
    """Where a function's runtime is not on this machine, that is said plainly, and it runs all the same."""
    app = write_app(tmp_path / "app")
    text = re.sub(r"Runtime: \S+", "Runtime: python3.99", (app / "template.yaml").read_text())
    (app / "template.yaml").write_text(text)
    running = serve(app)
    note = running.wait_for(lambda event: event["event"] == "note")["text"]
    assert note.startswith("no interpreter for python3.99 is on this machine (install it, e.g. with `uv python install")
    assert "python3.99 functions run on Python 3." in note
    assert running.ask("/http/x")[0] == 200


def test_functions_in_other_languages_are_left_out(serve: Callable[..., Running], tmp_path: Path) -> None:
    """Of a stack in several languages the Python functions are served, and a note names the others."""
    app = write_app(tmp_path / "app")
    with (app / "template.yaml").open("a") as template:
        template.write("  Node: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: a.b}}\n")
    running = serve(app)
    assert "Node is left out: its Runtime is nodejs22.x" in running.wait_for(lambda e: e["event"] == "note")["text"]
    assert running.ask("/http/x")[0] == 200


def test_it_ends_when_nobody_reads(tmp_path: Path) -> None:
    """`layerctl run … | head` ends with the reader, leaving no traceback and no child."""
    app = write_app(tmp_path / "app")
    command = [sys.executable, "-m", "layerctl", "run", str(app), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        process.stdout.close()
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/http/x")
            connection.getresponse()
        connection.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) == 0


def test_credentials_only_when_asked_for(
    serve: Callable[..., Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --profile a function has dummies; with it, the profile's keys and region."""
    (tmp_path / "credentials").write_text(
        "[mine]\naws_access_key_id = AKIAMINE\naws_secret_access_key = secret-of-mine\n"
    )
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-mine")
    app = write_app(tmp_path / "app")
    without = serve(app).ask("/http/x")[1]["environment"]
    assert not {"AKIAMINE", "secret-of-mine", "token-of-mine", "mine"} & set(without.values())
    running = serve(app, "--profile", "mine", "--endpoint-url", "http://localhost:4566")
    environment = running.ask("/http/x")[1]["environment"]
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == ("AKIAMINE", "secret-of-mine")
    assert (environment["AWS_REGION"], environment["AWS_ENDPOINT_URL"]) == ("eu-north-1", "http://localhost:4566")
    assert running.end() == 0
    assert "secret-of-mine" not in running.stderr + json.dumps([e for e in running.events if e["event"] != "log"])


def test_what_people_see(tmp_path: Path) -> None:
    """Functions' lines carry the function's name and go to standard output; tracebacks of text mode are lines again."""
    app = write_app(tmp_path / "app")
    command = [sys.executable, "-m", "layerctl", "run", str(app), "--port", "0", "--report"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = ""
        while "until Ctrl-C" not in url:
            url = process.stderr.readline()
        port = int(url.split()[2].rpartition(":")[2])
        for path in ("/http/x", "/http/raise"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    lines = output.splitlines()
    assert "Echo | served /http/x" in lines
    assert "Echo | [ERROR] ValueError: on purpose" in lines
    assert "Echo | Traceback (most recent call last):" in lines
    assert any(line.startswith("Echo | REPORT RequestId") for line in lines)
    assert "GET /http/x 200" in errors
    assert "Echo | error: ValueError: on purpose" in errors
    assert "rapid" not in output + errors
    assert process.returncode == 0
