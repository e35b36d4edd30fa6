"""One execution environment: a Runtime Interface Emulator with one function in it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from layerctl.core.errors import LayerctlError
from layerctl.local.emulator.answer import Answer
from layerctl.local.emulator.environment import FunctionLimits, function_environment
from layerctl.local.emulator.isolation import OPT, isolation
from layerctl.local.emulator.layers import check_layers, merge_layers
from layerctl.local.emulator.output import LogLine, Output
from layerctl.local.emulator.runtime import emulator_binary, own_interpreter, runtime_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from layerctl.python.interpreters import Interpreter

__all__ = ["MAX_PAYLOAD", "Command", "Emulator", "LogLine"]

# Lambda quotas: a synchronous request or response holds at most 6 MB.
MAX_PAYLOAD = 6 * 1024 * 1024
_PATH = "/2015-03-31/functions/function/invocations"
# Below Linux's ephemeral range, so that no outgoing connection of the machine can hold the port.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Command:
    """How a function's process is started.

    Attributes:
        view: what gives the rest of the command line the function's view of the file system; may be empty.
        bootstrap: the function's process itself.
    """

    view: list[str]
    bootstrap: list[str]
    environment: dict[str, str]


class Emulator:
    """Runs one function; a context manager. Calls from several threads take turns, as in one environment of Lambda.

    Args:
        function: the function's folder, as it would lie under /var/task.
        handler: ``module.function``.
        layers: folders as they would be unpacked into /opt (each holds ``python/``); later ones win.
        interpreter: what runs it; default: the interpreter that runs this program.
        environment: the function's own variables. Nothing of this program's environment is passed on.
        limits: name, time-out, memory and log format.
        on_line: called with each line as it comes, from another thread.

    Raises:
        LayerctlError: the emulator, the runtime's packages or the function's folder is missing.
    """

    def __init__(
        self,
        function: Path | str,
        handler: str,
        *,
        layers: Sequence[Path | str] = (),
        interpreter: Interpreter | None = None,
        environment: Mapping[str, str] | None = None,
        limits: FunctionLimits | None = None,
        on_line: Callable[[LogLine], None] | None = None,
    ) -> None:
        self.interpreter = interpreter or own_interpreter()
        self.limits = limits or FunctionLimits()
        self.function = Path(function).resolve()
        self._handler = handler
        self._layers = [Path(layer).resolve() for layer in layers]
        self._variables = dict(environment or {})
        self._on_line = on_line
        self._turn = threading.Lock()
        self._scratch: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._output: Output | None = None
        self._port = 0
        if not self.function.is_dir():
            raise LayerctlError(f"{function} is not a folder", hint="name the folder that holds the function's code")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the emulator. The function itself is initialised by the first invocation."""
        binary = emulator_binary()
        self._scratch = Path(tempfile.mkdtemp(prefix="layerctl-"))
        try:
            command = self.command(self._scratch)
            for _ in range(5):  # a port that was free a moment ago may be taken now
                if self._launch(binary, command):
                    return
            said = "; ".join(self._output.platform[-3:]) if self._output else ""
            raise LayerctlError(f"the Runtime Interface Emulator did not start: {said or 'it said nothing'}")
        except BaseException:
            self.stop()
            raise

    def command(self, scratch: Path) -> Command:
        """How the function's process is started; `scratch` is its private folder."""
        packages = runtime_packages(self.interpreter)
        opt, over_opt = self._lay_layers(scratch)
        environment = function_environment(
            self._variables,
            limits=self.limits,
            handler=self._handler,
            interpreter=self.interpreter,
            packages=packages,
            opt=opt,
            task=self.function,
            home=scratch,
        )
        # The function's own HOME must not become read-only with its code.
        code = None if scratch.is_relative_to(self.function) else self.function
        # isolated, without site-packages, without writing bytecode beside the code
        python = [str(self.interpreter.path), "-I", "-S", "-B", str(Path(__file__).with_name("bootstrap.py"))]
        wrapper = [str(self._here(self.wrapper, opt))] if self.wrapper else []
        return Command(isolation().command(over_opt, code), [*wrapper, *python], environment)

    @property
    def wrapper(self) -> str | None:
        """The program that starts the runtime in place of Lambda (Lambda developer guide, "Wrapper scripts")."""
        return self._variables.get("AWS_LAMBDA_EXEC_WRAPPER")

    def wrapper_problem(self) -> str | None:
        """Why the wrapper cannot be run, in one line, or None."""
        if not self.wrapper:
            return None
        # What is at /opt only for the function is looked for in its layers.
        places = [self._here(self.wrapper, layer) for layer in [*reversed(self._layers), None]]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            return f"its AWS_LAMBDA_EXEC_WRAPPER {self.wrapper} does not exist"
        return None if os.access(found, os.X_OK) else f"its AWS_LAMBDA_EXEC_WRAPPER {self.wrapper} is not executable"

    def _here(self, path: str, opt: Path | None) -> Path:
        """A path of Lambda's, on this machine."""
        for place, here in (("/var/task/", self.function), ("/opt/", opt or OPT)):
            if path.startswith(place):
                return here / path.removeprefix(place)
        return Path(path)

    def _lay_layers(self, scratch: Path) -> tuple[Path | None, Sequence[Path]]:
        """Where the function finds its layers, and which folders are to be laid over /opt for that."""
        check_layers(self._layers)
        if not self._layers:
            return None, ()
        if isolation().covers(self._layers):
            return OPT, self._layers
        merged = merge_layers(self._layers, scratch / "opt")
        return (OPT, [merged]) if isolation().opt else (merged, ())

    def _launch(self, binary: Path, command: Command) -> bool:
        """Try to start on a pair of free ports; False when the emulator ended at once."""
        self._port, api_port = _free_ports(2)
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{api_port}"]
        guard = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))]
        self._guard = subprocess.Popen(
            [*guard, *command.view, str(binary), *addresses, *command.bootstrap],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.function,
            env=command.environment,
            start_new_session=True,
        )
        self._output = Output(self._guard, self._on_line)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._guard.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return True
            time.sleep(0.01)
        self._end_guard()
        return False

    def invoke(self, event: Any, **headers: str) -> Answer:
        """Run the function once.

        Args:
            event: anything that `json.dumps` takes; bytes are sent as they are.
            headers: of the Invoke API, with underscores for hyphens (``x_amz_client_context=…``).

        Raises:
            LayerctlError: the emulator is not running or died, or the event is larger than Lambda takes.
        """
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        if len(body) > MAX_PAYLOAD:  # the emulator would cut it off
            raise LayerctlError(f"the event has {len(body):,} bytes", hint=f"Lambda takes {MAX_PAYLOAD:,}")
        with self._turn:
            if self._guard is None or self._output is None:
                raise LayerctlError("the emulator is not running")
            self._output.begin()
            try:
                status, payload = self._post(body, {name.replace("_", "-"): value for name, value in headers.items()})
            except (OSError, http.client.HTTPException) as error:
                said = "; ".join(self._output.platform[-2:])
                raise LayerctlError(f"the Runtime Interface Emulator ended: {said or error}") from None
            record = self._output.finish()
        times = (record.init_ms, record.duration_ms)
        return Answer(status, payload, record.lines, *times, record.request_id, record.log, record.crash)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        # The emulator keeps the time itself; ours only ends a wait on an emulator that hangs.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self.limits.timeout + 60)
        try:
            connection.request("POST", _PATH, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End the emulator and everything that it started. Safe to call twice."""
        self._end_guard()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _end_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None
        guard.stdin.close()  # the guard ends the emulator, the function, and whatever they started
        try:
            guard.wait(timeout=15)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
        if self._output is not None:
            self._output.close()


def _free_ports(count: int) -> list[int]:
    """Pick ports on which nobody listens now, all different."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.SystemRandom().choice(_PORTS)  # two processes may have been given the same seed
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports
