"""Functions and their events, read out of a parsed template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.core.arn import LAYER_VERSION_ARN, LayerVersionArn
from layerctl.core.errors import LayerctlError
from layerctl.templates.sam.apis import Apis
from layerctl.templates.sam.model import Function, LayerReference, Template
from layerctl.templates.sam.parse import line_of, parse
from layerctl.templates.sam.resolve import NO_VALUE, Resolver, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from layerctl.templates.sam.model import Route

__all__ = ["load_template"]

_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")
# SAM merges these of Globals with the function's own; any other value of the function replaces the global one
# (SAM developer guide, "Globals section").
_MERGED = ("Environment", "Layers")
# Property -> Lambda's default, least and greatest value (Lambda quotas).
_NUMBERS = {"Timeout": (3, 1, 900), "MemorySize": (128, 128, 10_240)}
DEFAULT_REGION = "eu-central-1"


def load_template(path: Path, *, region: str | None = None, parameters: Mapping[str, str] | None = None) -> Template:
    """Read a SAM or CloudFormation template, in YAML or JSON.

    Args:
        path: the template; code is found relative to it.
        region: what ``AWS::Region`` stands for; default: ``eu-central-1``.
        parameters: values instead of the parameters' defaults; what the template does not declare is passed over.

    Raises:
        LayerctlError: it cannot be read, or is wrong.
    """
    data = parse(path)
    resources = data.get("Resources")
    if not isinstance(resources, dict):
        raise LayerctlError(f"{path} has no Resources", hint="name a SAM or CloudFormation template")
    reader = _Reader(path, data, region or DEFAULT_REGION, parameters or {})
    declared = data.get("Parameters")
    return Template(path, tuple(reader.functions(resources)), frozenset(declared if isinstance(declared, dict) else ()))


class _Reader:
    """Reads the functions of one template."""

    def __init__(self, path: Path, data: Mapping[str, Any], region: str, parameters: Mapping[str, str]) -> None:
        self._path = path
        self._data = data
        self._resolver = Resolver(data, region=region, parameters=parameters, where=str(path))
        every = data.get("Globals")
        every = every.get("Function") if isinstance(every, dict) else None
        self._globals: dict[str, Any] = every if isinstance(every, dict) else {}
        self._resources: dict[str, Any] = data["Resources"]
        self._apis = Apis(data, self._resolver, str(path))

    def functions(self, resources: dict[str, Any]) -> list[Function]:
        found = []
        for logical_id, resource in resources.items():
            if not isinstance(resource, dict) or resource.get("Type") not in _FUNCTIONS:
                continue
            condition = resource.get("Condition")
            if isinstance(condition, str) and not self._resolver.condition(condition):
                continue
            found.append(self._function(logical_id, resource))
        return found

    def _function(self, logical_id: str, resource: dict[str, Any]) -> Function:
        where = f"{self._path}:{line_of(self._resources, logical_id)}"
        own = resource.get("Properties")
        if not isinstance(own, dict):
            raise LayerctlError(f"{where}: {logical_id} has no Properties")
        serverless = resource["Type"] == _FUNCTIONS[0]
        raw = self._with_globals(own) if serverless else own
        self._resolver.guessed.clear()
        properties = {key: self._resolver.value(raw[key]) for key in raw if key not in ("Events", "Layers", "Policies")}
        properties = {key: value for key, value in properties.items() if value is not NO_VALUE}
        place = f"{where}: {logical_id}"
        environment = self._environment(properties, place)
        layers = tuple(self._layer(entry, place) for entry in self._layer_entries(raw))
        code, inline, problem = self._code(properties, resource, serverless=serverless)
        runtime, handler = str(properties.get("Runtime", "")), str(properties.get("Handler", ""))
        foreign = None
        if properties.get("PackageType") == "Image":
            foreign = "it is a container image"
        elif runtime and not runtime.startswith("python"):
            foreign = f"its Runtime is {runtime}, and only Python runs here"
        elif not runtime or not handler:
            problem = "it has no Handler" if runtime else "it has no Runtime"
        logging = properties.get("LoggingConfig")
        logging = logging if isinstance(logging, dict) else {}
        architectures = properties.get("Architectures")
        return Function(
            logical_id=logical_id,
            name=str(properties.get("FunctionName") or logical_id),
            where=where,
            runtime=runtime,
            handler=handler,
            code=code,
            inline=inline,
            timeout=self._number(properties, "Timeout", place),
            memory=self._number(properties, "MemorySize", place),
            architecture=str(architectures[0]) if isinstance(architectures, list) and architectures else "x86_64",
            log_format=str(logging.get("LogFormat", "Text")),
            log_level=str(logging["ApplicationLogLevel"]) if "ApplicationLogLevel" in logging else None,
            environment=environment,
            layers=layers,
            routes=tuple(self._routes(own if serverless else {}, properties, logical_id, place)),
            aliases=self._aliases(logical_id, properties),
            foreign=foreign,
            problem=problem,
            guessed=frozenset(self._resolver.guessed),
        )

    def _with_globals(self, own: dict[str, Any]) -> dict[str, Any]:
        merged = {**self._globals, **own}
        for key in _MERGED:
            ours, theirs = self._globals.get(key), own.get(key)
            if isinstance(ours, list) and isinstance(theirs, list):
                merged[key] = [*ours, *theirs]
            elif key == "Environment" and isinstance(ours, dict) and isinstance(theirs, dict):
                everyone, alone = ours.get("Variables"), theirs.get("Variables")
                if isinstance(everyone, dict) and isinstance(alone, dict):
                    merged[key] = {"Variables": {**everyone, **alone}}
        return merged

    def _environment(self, properties: dict[str, Any], place: str) -> dict[str, str]:
        environment = properties.get("Environment") or {}
        variables = environment.get("Variables") if isinstance(environment, dict) else None
        if variables is None:
            return {}
        if not isinstance(variables, dict):
            raise LayerctlError(f"{place}: Environment.Variables is no mapping")
        texts: dict[str, str] = {}
        for name, value in variables.items():
            if isinstance(value, (dict, list)):
                raise LayerctlError(f"{place}: the variable {name} is not text")
            texts[name] = "" if value is None else as_text(value)
        return texts

    def _number(self, properties: dict[str, Any], key: str, place: str) -> int:
        default, least, most = _NUMBERS[key]
        text = str(properties.get(key, default))
        if text in self._resolver.guessed:  # a parameter without a default
            return default
        if not text.isdigit() or not least <= int(text) <= most:
            raise LayerctlError(f"{place}: {key} is {text!r}", hint=f"Lambda takes {least} to {most}")
        return int(text)

    def _code(
        self, properties: dict[str, Any], resource: dict[str, Any], *, serverless: bool
    ) -> tuple[Path | None, str | None, str | None]:
        """The code's place, or its inline text, or why there is neither."""
        code = properties.get("CodeUri" if serverless else "Code")
        inline = properties.get("InlineCode") if serverless else code.get("ZipFile") if isinstance(code, dict) else None
        if isinstance(inline, str):
            return None, inline, None
        metadata = resource.get("Metadata")
        if code is None and isinstance(metadata, dict):
            code = metadata.get("aws:asset:path")  # what CDK writes for `sam local`
        if code is None and serverless:
            code = "."
        if not isinstance(code, str) or code.startswith(("s3://", "https://")):
            return None, None, "its code is not on this machine (it lies in S3, or is missing)"
        return self._path.parent / code, None, None

    def _layer_entries(self, raw: dict[str, Any]) -> list[Any]:
        """The entries before their values are worked out: a Ref to a layer of this template is a folder."""
        entries = self._resolver.chosen(raw.get("Layers"))
        if entries is None or self._is_no_value(entries):
            return []
        if not isinstance(entries, list):
            resolved = self._resolver.value(entries)
            entries = resolved if isinstance(resolved, list) else [resolved]
        return [entry for entry in entries if not self._is_no_value(entry)]

    def _is_no_value(self, node: Any) -> bool:
        return isinstance(node, dict) and self._resolver.value(node) is NO_VALUE

    def _layer(self, entry: Any, place: str) -> LayerReference:
        entry = self._resolver.chosen(entry)
        text = self._resolver.text(entry)
        if text is None:
            raise LayerctlError(f"{place}: a layer that is not text", hint="expected an ARN or a !Ref")
        name = entry.get("Ref") if isinstance(entry, dict) else None
        resource = self._resources.get(name) if isinstance(name, str) else None
        if isinstance(resource, dict) and resource.get("Type") in _LAYERS:
            return self._own_layer(str(name), resource)
        if LAYER_VERSION_ARN.fullmatch(text):
            arn = LayerVersionArn.parse(text)
            return LayerReference(text, arn.name, arn)
        return LayerReference(text, text)

    def _own_layer(self, logical_id: str, resource: dict[str, Any]) -> LayerReference:
        own = resource.get("Properties")
        properties = own if isinstance(own, dict) else {}
        content = self._resolver.value(properties.get("ContentUri", properties.get("Content")))
        local = isinstance(content, str) and not content.startswith(("s3://", "https://"))
        return LayerReference(logical_id, logical_id, content=self._path.parent / content if local else None)

    def _routes(self, own: dict[str, Any], properties: dict[str, Any], logical_id: str, place: str) -> list[Route]:
        """What leads to a function: its events, and its URL (SAM's property, CloudFormation's resource)."""
        routes = self._apis.routes(own.get("Events"), place)
        if "FunctionUrlConfig" in properties:
            routes.append(self._apis.url_route(properties["FunctionUrlConfig"], logical_id))
        targets = ({"Ref": logical_id}, {"Fn::GetAtt": [logical_id, "Arn"]})
        for resource in self._resources.values():
            if isinstance(resource, dict) and resource.get("Type") == "AWS::Lambda::Url":
                url = resource.get("Properties")
                if isinstance(url, dict) and url.get("TargetFunctionArn") in targets:
                    routes.append(self._apis.url_route(self._resolver.value(url), logical_id))
        return routes

    def _aliases(self, logical_id: str, properties: dict[str, Any]) -> frozenset[str]:
        """The aliases of a function: SAM's ``AutoPublishAlias``, and those that the template defines."""
        names = {as_text(properties["AutoPublishAlias"])} if "AutoPublishAlias" in properties else set()
        for resource in self._resources.values():
            if isinstance(resource, dict) and resource.get("Type") == "AWS::Lambda::Alias":
                alias = resource.get("Properties")
                alias = alias if isinstance(alias, dict) else {}
                function = alias.get("FunctionName")
                if function == {"Ref": logical_id} or function == properties.get("FunctionName", logical_id):
                    names.add(self._resolver.text(alias.get("Name")) or "")
        return frozenset(names)
