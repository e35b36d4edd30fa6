"""The functions of a template as they are run: the model's, with Lambda's defaults and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.templates.load import read_template
from layerctl.templates.model import Value, text_of, unknown_in
from layerctl.templates.sam.apis import Apis
from layerctl.templates.sam.model import LocalFunction, SamLayerReference, SamTemplate
from layerctl.templates.samconfig import overridden_parameters
from layerctl.templates.stand_ins import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from layerctl.templates import model as declarations
    from layerctl.templates.model import Data
    from layerctl.templates.sam.model import Route

__all__ = ["load_template"]

# Property -> Lambda's default, least and greatest value (Lambda quotas).
_NUMBERS = {"Timeout": (3, 1, 900), "MemorySize": (128, 128, 10_240)}


def load_template(path: Path, *, region: str | None = None, parameters: Mapping[str, str] | None = None) -> SamTemplate:
    """Read a SAM or CloudFormation template, in YAML or JSON.

    What is wrong with one function, or cannot be worked out, is that function's `problem` or one of its `notes`.

    Args:
        path: the template; code is found relative to it.
        region: what ``AWS::Region`` stands for; default: ``eu-central-1``.
        parameters: values instead of those of the samconfig's ``default`` environment and of the parameters'
            defaults; what the template does not declare is passed over.

    Raises:
        LayerctlError: it cannot be read.
    """
    given = {**overridden_parameters(path).get("default", {}), **(parameters or {})}
    template = read_template(path, parameters=given, region=region or DEFAULT_REGION, stand_ins=True)
    if template.problems:
        fault = template.problems[0]
        where = f"{path}:{fault.place.line}:" if fault.place.line is not None else str(path)
        raise LayerctlError(f"{where} {' '.join(fault.message.split())}", hint=fault.hint)
    apis = Apis(template)
    notes = tuple(f"{fault.place.path}:{fault.place.line}: {fault.message}" for fault in template.unread)
    return SamTemplate(
        path, tuple(_function(function, apis) for function in template.functions), template.parameters, notes
    )


def _function(declared: declarations.Function, apis: Apis) -> LocalFunction:
    properties = declared.properties
    problem = declared.problem.message if declared.problem is not None else None
    runtime, handler = declared.runtime, declared.handler
    foreign = None
    if declared.is_image:
        foreign = "it is a container image"
    elif runtime is not None and runtime.text and not runtime.text.startswith("python"):
        foreign = f"its Runtime is {runtime.text}, and only Python runs here"
    elif problem is None:
        problem = _missing("Runtime", runtime) or _missing("Handler", handler)
        if problem is None and declared.code.path is None:
            problem = declared.code.unknown or None
    numbers = {key: default for key, (default, _, _) in _NUMBERS.items()}
    routes: list[Route] = []
    try:
        numbers = {key: _number(properties.get(key), key) for key in _NUMBERS}
        routes = apis.routes(declared)
    except LayerctlError as error:
        problem = problem or error.what
    logging = properties.get("LoggingConfig")
    environment = {name: value.text for name, value in declared.environment.items() if value.text is not None}
    guesses = {value.text for value in declared.environment.values() if value.guesses and value.text is not None}
    return LocalFunction(
        logical_id=declared.logical_id,
        name=declared.name,
        where=f"{declared.place.path}:{declared.place.line}",
        runtime=(runtime.text if runtime is not None else None) or "",
        handler=(handler.text if handler is not None else None) or "",
        code=declared.code.path,
        inline=declared.code.inline,
        timeout=numbers["Timeout"],
        memory=numbers["MemorySize"],
        architecture=declared.architecture or "x86_64",
        log_format=text_of(logging, "LogFormat") or "Text",
        log_level=text_of(logging, "ApplicationLogLevel"),
        environment=environment,
        layers=tuple(_layer(reference) for reference in declared.layers),
        routes=tuple(routes),
        aliases=apis.aliases(declared),
        foreign=foreign,
        problem=problem,
        guessed=frozenset(guesses),
        notes=tuple(_notes(declared)),
    )


def _notes(declared: declarations.Function) -> Iterator[str]:
    """What is not known, and only matters where it is used."""
    for key in ("FunctionName", "LoggingConfig"):
        if why := unknown_in(declared.properties.get(key)):
            yield f"its {key} is not known: {why}"
    for name, value in declared.environment.items():
        if value.text is None:
            yield f"the variable {name} is not set: {value.unknown}"


def _missing(key: str, value: Value | None) -> str | None:
    if value is not None and value.text is None:
        return f"its {key} is not known: {value.unknown}"
    return None if value is not None and value.text else f"it has no {key}"


def _number(data: Data | None, key: str) -> int:
    default, least, most = _NUMBERS[key]
    if data is None or (isinstance(data, Value) and data.guesses):  # such as a parameter without a default
        return default
    if why := unknown_in(data):
        raise LayerctlError(f"its {key} is not known: {why}")
    text = text_of(data) or ""
    if not text.isdecimal() or not least <= int(text) <= most:
        raise LayerctlError(f"its {key} is {text!r}, and Lambda takes {least} to {most}")
    return int(text)


def _layer(reference: declarations.LayerReference) -> SamLayerReference:
    resource = reference.resource
    name = resource.logical_id if resource is not None else reference.layer_name or reference.text
    return SamLayerReference(reference.text, name, reference.arn, resource.path if resource is not None else None)
