"""What each function of some templates needs, found before anything is started."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.artifact import unpack
from layerctl.build.layer_sources import LayerSources, layer_content
from layerctl.core.errors import LayerctlError
from layerctl.core.files.cache import cached_folder
from layerctl.local import emulator
from layerctl.local.emulator import Emulator, FunctionLimits
from layerctl.local.emulator.isolation import isolation
from layerctl.local.emulator.runtime import emulator_binary
from layerctl.local.runner.interpreters import Interpreters
from layerctl.templates.load import templates_in
from layerctl.templates.sam import load_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from layerctl.local.emulator import Interpreter, LogLine
    from layerctl.local.runner.env_vars import EnvVars
    from layerctl.templates.sam import LocalFunction, SamTemplate

__all__ = ["RunOptions", "Runnable", "plan"]

CFNRESPONSE = Path(emulator.__file__).with_name("cfnresponse.py")
# Beside a template: what `shared_utils.config` reads instead of AWS, unless AWS or a local one is asked for.
LOCAL_CONFIG = "local-config.toml"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How functions are run.

    Attributes:
        layers: layer name (or ARN, or logical id) -> zip or folder.
        parameters: values instead of the templates' defaults.
        environment: variables that every function gets on top of the template's.
        env_vars: variables in place of the template's.
        region: default: ``eu-central-1``.
        credentials: variables with real credentials, instead of dummies.
        exact_runtime: refuse an interpreter of another version than a function's Runtime.
    """

    layers: Mapping[str, Path] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    env_vars: EnvVars | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    region: str | None = None
    exact_runtime: bool = False


@dataclass(frozen=True, slots=True)
class Runnable:
    """A function and everything that it needs, found.

    Attributes:
        label: its name in output; unique among the functions of one run.
        sources: where each layer was found, in the function's order (zip or folder).
    """

    function: LocalFunction
    label: str
    code: Path
    interpreter: Interpreter
    sources: tuple[Path, ...]
    variables: dict[str, str]
    region: str

    def with_variables(self, variables: Mapping[str, str]) -> Runnable:
        """The same with more variables, which the function's own go before."""
        return replace(self, variables={**variables, **self.variables})

    def emulator(self, on_line: Callable[[LogLine], None] | None = None) -> Emulator:
        """An emulator for the function, not started. Zips of layers are read anew: they may have been built anew."""
        function = self.function
        limits = FunctionLimits(
            name=function.name,
            timeout=function.timeout,
            memory=function.memory,
            region=self.region,
            log_format=function.log_format,
            log_level=function.log_level,
        )
        return Emulator(
            self.code,
            function.handler,
            layers=[layer_content(source) for source in self.sources],
            interpreter=self.interpreter,
            environment=self.variables,
            limits=limits,
            on_line=on_line,
        )

    def fingerprint(self) -> int:
        """What the function's files and its layers look like now: a number that any change of theirs changes.

        Dates say only that a file is another one, not that it is newer: a checkout, an unpacked archive and `mv` bring
        older ones.
        """
        seen: list[tuple[str, int, int, int]] = []
        for place in (self.code, *self.sources):
            for folder, folders, files in os.walk(place):
                folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
                seen += _looks(f"{folder}/{name}" for name in files)
            if not place.is_dir():
                seen += _looks([str(place)])
        return hash(tuple(sorted(seen)))


def _looks(paths: Iterable[str]) -> Iterator[tuple[str, int, int, int]]:
    for path in paths:
        try:
            found = os.stat(path)  # noqa: PTH116 - many files
        except OSError:  # it has just gone
            continue
        yield path, found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """What will be run, and what is not as the templates have it, each in one line."""

    runnables: tuple[Runnable, ...]
    notes: tuple[str, ...]


def plan(paths: Sequence[Path], options: RunOptions, *, only: str | None = None) -> FunctionPlan:
    """Find what the functions of some templates need.

    Args:
        paths: templates, or folders with a ``template.yaml`` or what the CDK synthesised.
        options: how to run them.
        only: the logical id or name of the one function that is wanted.

    Raises:
        LayerctlError: there is no function, or none can be run: its code, handler, interpreter or a layer is missing.
    """
    templates = [
        load_template(found, region=options.region, parameters=options.parameters)
        for path in paths
        for found in _template_paths(path)
    ]
    _check_parameters(templates, options)
    named = ", ".join(str(template.path) for template in templates)
    functions = [(template, function) for template in templates for function in template.functions]
    if not functions:
        raise LayerctlError(f"{named} has no function", hint="name a template with an AWS::Serverless::Function")
    if only is not None:
        functions = [pair for pair in functions if only in (pair[1].logical_id, pair[1].name)]
        if not functions:
            known = ", ".join(function.logical_id for template in templates for function in template.functions)
            raise LayerctlError(f"{named} has no function {only!r}", hint=f"it has {known}")
    foreign = [function for _, function in functions if function.foreign]
    if len(foreign) < len(functions):  # what is none of ours is left out, as long as something is
        functions = [pair for pair in functions if not pair[1].foreign]
    emulator_binary()  # whether it is there must be known before anything is served
    dist = [Path("dist")]
    dist += [parent / "dist" for template in templates for parent in template.path.resolve().parents[:4]]
    sources = LayerSources(options.layers, [folder for folder in dict.fromkeys(dist) if folder.is_dir()] or dist[:1])
    interpreters = Interpreters(exact=options.exact_runtime)
    labels = _labels(functions)
    runnables: list[Runnable] = []
    failures: list[LayerctlError] = []
    for (template, function), label in zip(functions, labels, strict=True):
        local = _local(template, options)
        try:
            found = _runnable(function, label, local=local, sources=sources, interpreters=interpreters, options=options)
            runnables.append(found)
        except LayerctlError as error:  # each function stands alone
            failures.append(error)
    if failures and not runnables:
        raise failures[0]
    if sources.unused and only is None:
        raise LayerctlError(
            f"--layer {min(sources.unused)}: no function of {named} has that layer",
            hint="name it as the ARN does",
        )
    left_out = [f"{function.where}: {function.logical_id} is left out: {function.foreign}" for function in foreign]
    left_out += [f"left out: {error.what}" + (f" ({error.hint})" if error.hint else "") for error in failures]
    left_out += [
        f"{runnable.function.where}: {runnable.label}: {note}"
        for runnable in runnables
        for note in runnable.function.notes
    ]
    left_out += [note for template in templates for note in template.notes]
    unset = options.env_vars.notes(every=only is None) if options.env_vars else ()
    apart = isolation()
    refused = (
        [apart.problem] if apart.problem and (not apart.code or any(runnable.sources for runnable in runnables)) else []
    )
    return FunctionPlan(tuple(runnables), (*left_out, *interpreters.notes, *refused, *unset))


def _template_paths(path: Path) -> list[Path]:
    if found := templates_in(path):
        return found
    raise LayerctlError(f"{path} has no template.yaml, and no manifest.json of the CDK", hint="name the template")


def _check_parameters(templates: Sequence[SamTemplate], options: RunOptions) -> None:
    declared = frozenset[str]().union(*(template.parameters for template in templates))
    for name in options.parameters:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise LayerctlError(f"--parameter {name}: no template has it", hint=f"there are: {known}")


def _labels(functions: Sequence[tuple[SamTemplate, LocalFunction]]) -> list[str]:
    """Logical ids, with the template's folder in front where two are the same."""
    ids = [function.logical_id for _, function in functions]
    return [
        f"{template.path.resolve().parent.name}/{function.logical_id}"
        if ids.count(function.logical_id) > 1
        else function.logical_id
        for template, function in functions
    ]


def _local(template: SamTemplate, options: RunOptions) -> dict[str, str]:
    """What tells a function that this is not Lambda: the SAM CLI's variable, and where configuration comes from."""
    variables = {"AWS_SAM_LOCAL": "true"}
    folder = template.path.resolve().parent
    if folder.parts[-2:] == (".aws-sam", "build"):  # the template that `sam build` wrote
        folder = folder.parents[1]
    file = folder / LOCAL_CONFIG
    if file.is_file() and not options.credentials and "AWS_ENDPOINT_URL" not in options.environment:
        variables["SHARED_UTILS_CONFIG_FILE"] = str(file)
    return variables


def _runnable(
    function: LocalFunction,
    label: str,
    *,
    local: dict[str, str],
    sources: LayerSources,
    interpreters: Interpreters,
    options: RunOptions,
) -> Runnable:
    whose = f"{function.where}: {function.logical_id}"
    if reason := function.foreign or function.problem:
        raise LayerctlError(f"{whose} cannot be run: {reason}")
    if "." not in function.handler.strip("."):
        raise LayerctlError(f"{whose}: its Handler {function.handler!r} is not module.function")
    interpreter = interpreters.find(function.runtime, whose)
    replaced = options.env_vars.of(function) if options.env_vars else {}
    variables = {**local, **function.environment, **replaced, **options.credentials, **options.environment}
    return Runnable(
        function=function,
        label=label,
        code=_code(function, whose),
        interpreter=interpreter,
        sources=tuple(sources.find(layer, whose)[0] for layer in function.layers),
        variables=variables,
        region=options.region or "eu-central-1",
    )


def _code(function: LocalFunction, whose: str) -> Path:
    if function.inline is not None:
        return _inline_code(function.inline)
    assert function.code is not None
    code = function.code
    if code.is_file() and code.suffix in (".zip", ".jar"):
        digest = hashlib.sha256(code.read_bytes()).hexdigest()[:32]
        return cached_folder(f"functions/{digest}", lambda folder: unpack(code, folder))
    if not code.is_dir():
        raise LayerctlError(f"{whose}: its code {code} is not a folder", hint="check CodeUri, or run `sam build`")
    return code


def _inline_code(text: str) -> Path:
    """Inline code is the module ``index``, beside ``cfnresponse`` (CloudFormation, AWS::Lambda::Function Code)."""
    files = {"index.py": text, "cfnresponse.py": CFNRESPONSE.read_text("utf-8")}

    def fill(folder: Path) -> None:
        for name, content in files.items():
            (folder / name).write_text(content, "utf-8")

    digest = hashlib.sha256("\0".join(files.values()).encode("utf-8", "surrogatepass")).hexdigest()
    return cached_folder(f"inline/{digest[:32]}", fill)
