"""The variables that a function sees: Lambda's own, the template's, and nothing of the caller's."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layerctl.python.interpreters import Interpreter

__all__ = ["DUMMY_CREDENTIALS", "FunctionLimits", "function_environment"]

# The emulator turns an unset key into an empty string, which the SDK takes for a broken one.
DUMMY_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "layerctl-run-has-no-credentials",
    "AWS_SESSION_TOKEN": "layerctl-run-has-no-credentials",
}
_LIBRARIES = ("/lib64", "/usr/lib64")


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """What the template says of a function beside its code and variables.

    Attributes:
        timeout: in whole seconds; the emulator counts init into it.
        memory: in MB; told to the function, not enforced.
        log_format: ``Text`` or ``JSON`` (advanced logging controls).
        log_level: the application log level of the advanced logging controls, or None.
    """

    name: str = "function"
    timeout: int = 60
    memory: int = 128
    region: str = "eu-central-1"
    log_format: str = "Text"
    log_level: str | None = None


def function_environment(
    variables: Mapping[str, str],
    *,
    limits: FunctionLimits,
    handler: str,
    interpreter: Interpreter,
    packages: Path,
    opt: Path | None,
    task: Path,
    home: Path,
) -> dict[str, str]:
    """Build the whole environment of the emulator and thereby of the function.

    Source of the names: Lambda developer guide, "Defined runtime environment variables". The function's own variables
    win over ours, except for those that Lambda reserves.

    Args:
        variables: the function's own, as the template has them.
        limits: name, time-out, memory, region and log format.
        handler: ``module.function``.
        interpreter: what runs it; its folder is to PATH what ``/var/lang/bin`` is in Lambda.
        packages: what the runtime provides; Lambda's own PYTHONPATH.
        opt: where the layers are, if there are any.
        task: the function's folder.
        home: a private folder for HOME and TMPDIR, so that ``~/.aws`` is not the caller's.
    """
    prefix = interpreter.path.parent.parent
    path = [str(interpreter.path.parent), "/usr/local/bin", "/usr/bin", "/bin"]
    # The machine's own libraries go before the function's and the layers', as in Lambda.
    machine = [*_LIBRARIES, f"/lib/{platform.machine()}-linux-gnu", f"/usr/lib/{platform.machine()}-linux-gnu"]
    libraries = [f"{prefix}/lib", *machine, str(task), f"{task}/lib"]
    if opt:
        path.append(f"{opt}/bin")
        libraries.append(f"{opt}/lib")
    return {
        **DUMMY_CREDENTIALS,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "PATH": ":".join(path),
        "PYTHONPATH": str(packages),
        "TMPDIR": str(home),
        "TZ": ":UTC",
        **variables,
        "AWS_DEFAULT_REGION": limits.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{interpreter.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(limits.memory),
        "AWS_LAMBDA_FUNCTION_NAME": limits.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(limits.timeout),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": variables.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        "AWS_LAMBDA_LOG_FORMAT": limits.log_format,
        **({"AWS_LAMBDA_LOG_LEVEL": limits.log_level} if limits.log_level else {}),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{limits.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": limits.region,
        "LAMBDA_TASK_ROOT": str(task),
        "_LAYERCTL_OPT": str(opt or ""),  # these two are for `bootstrap`, which takes them away
        "_LAYERCTL_RUNTIME": str(packages),
        "_HANDLER": handler,
    }
