"""The function's process: `sys.path` in Lambda's order, then AWS's own runtime interface client.

Run as ``python -I -S -B bootstrap.py``, the last word of the command line as in Lambda, so that a wrapper script may
put options before it. What it needs comes in variables, which the function does not see. The flags keep out the
interpreter's site-packages, the user's, every ``PYTHON*`` variable and every editable install; what is left in
`sys.path` is the standard library, and nothing is written beside the code. Imports nothing that Lambda would not.
"""

import os
import site
import sys


def lambda_path(runtime: str, opt: str, function: str) -> tuple[list[str], list[str]]:
    """The function and the layers, and the function's own PYTHONPATH: what Lambda searches before the standard library.

    Source: Lambda developer guide, "Working with layers for Python Lambda functions" and "Runtime search path".
    """
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layers = [f"{opt}/python/lib/{minor}/site-packages", f"{opt}/python"] if opt else []
    places = {"/var/task": function, "/var/runtime": runtime, "/opt": opt or "/opt"}
    own = []
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        place = next((place for place in places if f"{entry}/".startswith(f"{place}/")), "")
        here = places.get(place, "") + entry.removeprefix(place)
        if here and here != runtime:
            own.append(os.path.join(function, here))  # noqa: PTH118 - pathlib is not imported
    return [function, *layers], own


def main() -> None:
    """Become the function."""
    runtime, opt = os.environ.pop("_LAYERCTL_RUNTIME"), os.environ.pop("_LAYERCTL_OPT")
    handler = os.environ["_HANDLER"]
    first, own = lambda_path(runtime, opt, os.environ["LAMBDA_TASK_ROOT"])
    sys.path[:] = [*own, *sys.path, runtime]
    site.setquit()  # `exit` and `quit`, which -S leaves out and Lambda has
    # What instruments by PYTHONPATH (OpenTelemetry's wrapper) is run before anything else, as `site` would.
    if any(os.path.exists(f"{entry}/sitecustomize.py") for entry in own):  # noqa: PTH110
        site.execsitecustomize()
    sys.path[:0] = first
    sys.argv = [sys.argv[0], handler]
    if check_fd := os.environ.pop("_LAYERCTL_CHECK_FD", None):
        check(handler, int(check_fd))
    else:
        from awslambdaric.__main__ import main as serve

        serve(sys.argv)


def place(error: BaseException | None) -> str:
    """Where in the function's own code an error came up: `` (app.py:12)``, or nothing."""
    function = os.getcwd() + os.sep  # noqa: PTH109 - pathlib is not imported
    if isinstance(error, SyntaxError):
        file, line = error.filename or "", error.lineno
    else:
        file, line = "", None
        trace = error.__traceback__ if error else None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename.startswith(function):
                file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
    return f" ({file.removeprefix(function)}:{line})" if file and line else ""


def check(handler: str, report_fd: int) -> None:
    """Only import the handler, as the runtime client would, and write what is wrong with it, if anything."""
    from awslambdaric.bootstrap import FaultException, _get_handler

    try:
        _get_handler(handler)
        problem = ""
    except FaultException as error:
        problem = error.msg + place(error.__context__)
    except BaseException as error:  # whatever the module raises, `SystemExit` too, is the answer
        problem = f"{type(error).__name__}: {error}{place(error)}"
    os.write(report_fd, (problem or "ok").encode("utf-8", "replace"))
    sys.stdout.flush()
    os._exit(0)  # the function's own threads and exit handlers are not asked


# Not in the children that `multiprocessing` spawns: they load this file again, as `__mp_main__`.
if __name__ == "__main__":
    main()
