"""What `layerctl run` shows: the functions' lines as they come, and each request, for people or as JSON lines."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from layerctl.cli.log_lines import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from layerctl.local.emulator import LogLine
    from layerctl.local.http import Request
    from layerctl.local.runner.planning import Runnable
    from layerctl.templates.sam import Api

__all__ = ["Console"]

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
_PADDING = re.compile(r"\r\n?|\n")


class Console:
    """Writes functions' lines to standard output, everything else to standard error; as JSON, all of it to the former.

    Args:
        labels: of the functions; each gets a colour, which only a terminal shows.
        as_json: write one JSON object per line instead.
        report: show the platform's START, END and REPORT lines too.
        logs: ``raw``, ``pretty``, or ``auto`` for pretty on a terminal.
        all_to_stderr: the functions' lines as well; standard output is for something else.
        on_closed: called when whoever reads standard output has gone away.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        as_json: bool,
        report: bool,
        logs: str = "auto",
        all_to_stderr: bool = False,
        on_closed: Callable[[], None] | None = None,
    ) -> None:
        self._as_json = as_json
        self._report = report
        self._all_to_stderr = all_to_stderr
        self._on_closed = on_closed
        self._lock = threading.Lock()
        stream = sys.stderr if all_to_stderr else sys.stdout
        self._pretty = logs == "pretty" or (logs == "auto" and stream.isatty())
        # https://no-color.org; click knows only whether there is a terminal
        self._colour = False if os.environ.get("NO_COLOR") else None
        width = max(map(len, labels), default=0)
        self._prefixes = {
            label: click.style(f"{label:<{width}} | ", fg=_COLOURS[number % len(_COLOURS)])
            for number, label in enumerate(labels)
        }

    def ready(self, urls: Mapping[Api, str], lambda_url: str | None, runnables: Sequence[Runnable]) -> None:
        """Say where what is served, on which interpreter and layers, and what is not as in AWS."""
        if self._as_json:
            self._write(_ready(urls, lambda_url, runnables))
            return
        for runnable in runnables:
            prefix = self._prefixes[runnable.label]
            layers = ", ".join(map(str, runnable.sources)) or "no layer"
            self._tell(f"{prefix}Python {runnable.interpreter.version}, {layers}")
            for route in runnable.function.routes:
                url = urls[route.api]
                shown = f"{'any':<7}{url}" if route.path == "$default" else f"{route.method:<7}{url}{route.path}"
                self._tell(f"{prefix}{shown}")
            for note in _not_played(runnable):
                self._tell(f"{prefix}note: {note}")
        if lambda_url:
            self._tell(
                f"the Lambda API's Invoke is at {lambda_url}, e.g. `aws lambda invoke --endpoint-url {lambda_url}`"
            )
        places = dict.fromkeys([*urls.values(), *([lambda_url] if lambda_url else [])])
        self._tell(click.style(f"serving on {', '.join(places)} until Ctrl-C", bold=True))

    def note(self, text: str) -> None:
        """Say something about the set-up."""
        if self._as_json:
            self._write({"event": "note", "text": text})
        else:
            self._tell(f"note: {text}")

    def line(self, label: str, line: LogLine) -> None:
        """Show a line of a function."""
        if line.kind == "emulator" or (line.kind == "platform" and not self._report):
            return
        if self._as_json:
            self._write({"event": "log", "function": label, "kind": line.kind, "line": line.text})
            return
        # In text mode the runtime client writes a traceback with carriage returns, so that it is one record.
        text = line.text.rstrip("\r\n").replace("\xa0", " ")
        parts = _PADDING.split(readable(text) if self._pretty and line.kind == "function" else text)
        with self._lock:
            for part in parts:
                self._echo(f"{self._prefixes[label]}{part}", err=self._all_to_stderr)

    def request(self, request: Request, key: str | None, status: int, seconds: float) -> None:
        """Show a request that was answered."""
        milliseconds = round(seconds * 1000, 1)
        if self._as_json:
            facts = {"method": request.method, "path": request.target, "route": key}
            self._write({"event": "request", **facts, "status": status, "ms": milliseconds})
            return
        colour = "green" if status < 400 else "yellow" if status < 500 else "red"
        shown = "".join(character if character.isprintable() else "?" for character in request.target)
        missed = "" if key else "  (no route)"
        self._tell(f"{request.method} {shown} {click.style(str(status), fg=colour)} {milliseconds:g} ms{missed}")

    def problem(self, label: str, text: str) -> None:
        """Show what a function did wrong."""
        if self._as_json:
            self._write({"event": "problem", "function": label, "text": text})
        else:
            self._tell(f"{self._prefixes[label]}{click.style('error:', fg='red')} {text}")

    def _tell(self, text: str) -> None:
        with self._lock:
            self._echo(text, err=True)

    def _write(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._echo(json.dumps(record, ensure_ascii=False))

    def _echo(self, text: str, *, err: bool = False) -> None:
        try:
            click.echo(text, err=err, color=self._colour)
        except BrokenPipeError:
            if self._on_closed is not None:
                self._on_closed()
        except UnicodeEncodeError:  # a terminal of another encoding, or half a character
            click.echo(text.encode("ascii", "backslashreplace"), err=err, color=self._colour)


def _ready(urls: Mapping[Api, str], lambda_url: str | None, runnables: Sequence[Runnable]) -> dict[str, Any]:
    functions = [
        {
            "function": runnable.label,
            "interpreter": runnable.interpreter.version,
            "layers": [str(source) for source in runnable.sources],
            "routes": [route.key for route in runnable.function.routes],
            "urls": [urls[route.api] for route in runnable.function.routes],
            "notes": list(_not_played(runnable)),
        }
        for runnable in runnables
    ]
    first = next(iter(urls.values()), None)
    return {"event": "ready", "url": first, "lambda_url": lambda_url, "functions": functions}


def _not_played(runnable: Runnable) -> Iterator[str]:
    """What is otherwise in AWS, a line each."""
    for route in runnable.function.routes:
        if route.guards:
            what = "the function URL" if route.api.kind == "url" else route.key
            yield f"{what} is open to everybody here; in AWS {' and '.join(route.guards)} lets requests in"
    for name in sorted(runnable.function.guessed & set(runnable.variables.values())):
        yield f"{name} stands for what only a deployment knows"
