"""What a template's values come to: parameters, pseudo parameters, mappings, conditions and intrinsics.

Only what is known without an account is worked out (CloudFormation user guide, "Intrinsic function reference"). What
only a deployment knows (a resource's attribute, an import) becomes a readable stand-in, and is remembered in `guessed`.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACCOUNT", "NO_VALUE", "Resolver", "as_text"]

ACCOUNT = "123456789012"
NO_VALUE = object()  # AWS::NoValue: the property is as if it were not there
MAX_STEPS = 200_000  # aliases and intrinsics of one template expanded; stops bombs

_SUB = re.compile(r"\$\{(!?)([^${}]*)\}")


class Resolver:
    """Works out values of one template.

    Attributes:
        guessed: what stands in for values that only a deployment knows, as ``Logical.Attribute``.
    """

    def __init__(self, template: Mapping[str, Any], *, region: str, parameters: Mapping[str, str], where: str) -> None:
        self._where = where
        self._region = region
        self._template = template
        self._resources = _section(template, "Resources")
        self._mappings = _section(template, "Mappings")
        self._conditions = _section(template, "Conditions")
        self._parameters = self._defaults(_section(template, "Parameters"), parameters)
        self._judging: list[str] = []
        self._steps = 0
        self.guessed: set[str] = set()

    def _defaults(self, declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, declaration in declared.items():
            known = declaration if isinstance(declaration, dict) else {}
            value = given.get(name, known.get("Default"))
            kind = str(known.get("Type", "String"))
            if isinstance(value, str) and ("List<" in kind or kind == "CommaDelimitedList"):
                value = [part.strip() for part in value.split(",")]
            values[name] = value
        return values

    def value(self, node: Any) -> Any:
        """The value of a node; `NO_VALUE` where the template says so. Scalars are text, as CloudFormation has them.

        Raises:
            LayerctlError: an intrinsic is wrong: it names a mapping, condition or key that is not there.
        """
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise LayerctlError(f"{self._where}: more than {MAX_STEPS:,} values with its aliases expanded")
        if isinstance(node, list):
            items = (self.value(item) for item in node)
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref" or name.startswith("Fn::") or (name == "Condition" and isinstance(argument, str)):
                return self._intrinsic(name, argument)
        values = ((key, self.value(item)) for key, item in node.items())
        return {key: item for key, item in values if item is not NO_VALUE}

    def chosen(self, node: Any) -> Any:
        """The node itself, or the branch that its ``Fn::If`` takes, not worked out any further.

        Raises:
            LayerctlError: the ``Fn::If`` is wrong.
        """
        while isinstance(node, dict) and set(node) == {"Fn::If"}:
            match node["Fn::If"]:
                case [condition, then, otherwise]:
                    node = then if self.condition(condition) else otherwise
                case _:
                    raise self._error(f"Fn::If cannot be worked out from {str(node)[:80]!r}")
        return node

    def text(self, node: Any) -> str | None:
        """The value of a node as text, or None when it has none."""
        value = self.value(node)
        if value is None or value is NO_VALUE or isinstance(value, (dict, list)):
            return None
        return as_text(value)

    def condition(self, name: Any) -> bool:
        """Whether a named condition holds.

        Raises:
            LayerctlError: there is no such condition, or it refers to itself.
        """
        if not isinstance(name, str) or name not in self._conditions:
            raise self._error(f"the condition {name!r} is not defined")
        if name in self._judging:
            raise self._error(f"the condition {name!r} refers to itself")
        self._judging.append(name)
        try:
            return self._judge(self._conditions[name])
        finally:
            self._judging.pop()

    def _judge(self, node: Any) -> bool:
        if isinstance(node, bool):
            return node
        match node:
            case {"Condition": name}:
                return self.condition(name)
            case {"Fn::Equals": [left, right]}:
                return bool(_comparable(self.value(left)) == _comparable(self.value(right)))
            case {"Fn::And": [*parts]}:
                return all(self._judge(part) for part in parts)
            case {"Fn::Or": [*parts]}:
                return any(self._judge(part) for part in parts)
            case {"Fn::Not": [part]}:
                return not self._judge(part)
        raise self._error(f"{str(node)[:80]} is no condition")

    def _intrinsic(self, name: str, argument: Any) -> Any:
        match name, argument:
            case "Ref", str():
                return self._ref(argument)
            case "Fn::Sub", _:
                return self._sub(argument)
            case "Fn::GetAtt", [str(resource), attribute]:
                return self._attribute(resource, as_text(self.value(attribute)))
            case "Fn::GetAtt", str():
                return self._attribute(*argument.split(".", 1))
            case "Fn::If", [condition, then, otherwise]:
                return self.value(then if self.condition(condition) else otherwise)
            case "Fn::Join", [separator, parts]:
                values = self.value(parts)
                if isinstance(values, list):
                    return str(separator).join(as_text(value) for value in values)
            case "Fn::FindInMap", [_, _, _, *_]:
                return self._find_in_map([self.value(part) for part in argument])
            case "Fn::Select", [index, choices]:
                values, number = self.value(choices), self.text(index)
                if isinstance(values, list) and number and number.isdigit() and int(number) < len(values):
                    return values[int(number)]
            case "Fn::Split", [separator, text] if separator:
                return (self.text(text) or "").split(str(separator))
            case "Fn::Base64", _:
                return base64.b64encode((self.text(argument) or "").encode()).decode()
            case "Fn::GetAZs", _:
                return [f"{self._region}{letter}" for letter in "abc"]
            case "Fn::Length", _:
                values = self.value(argument)
                if isinstance(values, list):
                    return str(len(values))
            case "Fn::ToJsonString", _:
                import json

                return json.dumps(self.value(argument), separators=(",", ":"))
            case (("Fn::ImportValue" | "Fn::Transform"), _):
                return self._guess(f"{name.removeprefix('Fn::')}({self.text(argument) or 'unknown'})")
            case (("Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" | "Condition"), _):
                return self._judge({name: argument})
        raise self._error(f"{name} cannot be worked out from {str(argument)[:80]!r}")

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self._region,
            "AWS::StackId": f"arn:aws:cloudformation:{self._region}:{ACCOUNT}:stack/local/0",
            "AWS::StackName": "local",
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self._parameters:
            value = self._parameters[name]
            return self._guess(name) if value is None else self.value(value)
        if name in self._resources:
            return self._guess(name)
        raise self._error(f"Ref to {name!r}, which is neither a parameter nor a resource")

    def _sub(self, argument: Any) -> str:
        match argument:
            case str() as text:
                variables: dict[str, Any] = {}
            case [str() as text, dict() as variables]:
                pass
            case _:
                raise self._error(f"Fn::Sub cannot be worked out from {str(argument)[:80]!r}")

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return self.text(variables[name]) or ""
            if "." in name:
                return str(self._attribute(*name.split(".", 1)))
            value = self._ref(name)
            return ",".join(map(as_text, value)) if isinstance(value, list) else as_text(value)

        return _SUB.sub(replace, text)

    def _attribute(self, resource: str, attribute: str = "") -> str:
        if resource not in self._resources:
            raise self._error(f"Fn::GetAtt of {resource!r}, which is not a resource")
        name = self._guess(f"{resource}.{attribute}")
        if attribute != "Arn":
            return name
        kind = str(_section(self._resources, resource).get("Type", "")).split("::")
        service = kind[1].lower() if len(kind) > 2 else "service"
        if service == "serverless":
            service = "lambda"
        prefix = "function:" if kind[-1] == "Function" else ""
        return f"arn:aws:{service}:{self._region}:{ACCOUNT}:{prefix}{resource}"

    def _find_in_map(self, argument: list[Any]) -> Any:
        found: Any = self._mappings
        for key in argument[:3]:
            found = found.get(as_text(key)) if isinstance(found, dict) else None
        if found is None:
            if len(argument) > 3 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
                return argument[3]["DefaultValue"]
            raise self._error(f"Fn::FindInMap: {'.'.join(map(as_text, argument[:3]))} is not in Mappings")
        return self.value(found)

    def _guess(self, name: str) -> str:
        self.guessed.add(name)
        return name

    def _error(self, what: str) -> LayerctlError:
        return LayerctlError(f"{self._where}: {what}", hint="`sam validate --lint` tells more")


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name)
    return section if isinstance(section, dict) else {}


def as_text(value: Any) -> str:
    """A scalar as CloudFormation hands it on."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _comparable(value: Any) -> Any:
    return value if isinstance(value, (dict, list)) else as_text(value)
