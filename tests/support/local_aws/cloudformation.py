"""What moto's CloudFormation lacks for layers, so that the real `sam deploy` can be tried against it.

moto deletes every resource that leaves a template whatever its DeletionPolicy, never reads UpdateReplacePolicy,
updates resources in no particular order, knows no layer permissions, ignores a layer's name and a function's
layers, and keeps old outputs after a change set. `install` mends that, in this process only.

This is a stand-in: CloudFormation itself was not tried here (docs/deploying.md says so).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from moto.awslambda.models import LambdaFunction, LayerVersion, lambda_backends
from moto.cloudformation import models, parsing
from moto.core.common_models import CloudFormationModel

from tests.support.local_aws.sam_transform import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.local_aws.app import LocalApp

_RETAIN = {"Retain", "RetainExceptOnCreate"}

# Properties whose change makes CloudFormation create a new physical resource (CloudFormation template reference,
# "Update requires: Replacement"). True: every property does.
_REPLACED_BY: dict[str, set[str] | bool] = {
    "AWS::Lambda::LayerVersion": True,
    "AWS::Lambda::LayerVersionPermission": True,
    "AWS::Lambda::Function": {"FunctionName", "PackageType"},
    "AWS::SSM::Parameter": {"Name"},
}


class LayerVersionPermission(CloudFormationModel):
    """AWS::Lambda::LayerVersionPermission: who may use one version of a layer."""

    def __init__(self, layer_version_arn: str, statement: dict[str, str], account_id: str, region: str) -> None:
        self.layer_version_arn = layer_version_arn
        self.statement_id = statement["StatementId"]
        self.physical_resource_id = f"{layer_version_arn}#{self.statement_id}"
        self._name, self._version = layer_version_arn.split(":layer:")[1].split(":")
        self._backend = lambda_backends[account_id][region]
        self._backend.add_layer_version_permission(self._name, int(self._version), json.dumps(statement))

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Lambda::LayerVersionPermission"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Id"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> LayerVersionPermission:
        properties = cloudformation_json["Properties"]
        statement = {key: properties[key] for key in ("Action", "Principal", "OrganizationId") if key in properties}
        # CloudFormation makes the id from the stack, the logical id and a random part.
        statement["StatementId"] = resource_name
        return cls(properties["LayerVersionArn"], statement, account_id, region_name)

    def delete(self, account_id: str, region: str) -> None:
        self._backend.remove_layer_version_permission(self._name, self._version, self.statement_id)


class UnmodelledResource(CloudFormationModel):
    """A resource of a type that moto has no CloudFormation model for: it exists, has an id, and does nothing."""

    def __init__(self, physical_resource_id: str) -> None:
        self.physical_resource_id = physical_resource_id

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "Local::Unmodelled"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return f"{self.physical_resource_id}.{attribute_name}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: Any) -> UnmodelledResource:
        return cls(resource_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: UnmodelledResource, **_: Any) -> UnmodelledResource:
        return original_resource

    def delete(self, account_id: str, region: str) -> None:
        pass


def install(app: LocalApp) -> None:
    """Mend moto in this process, once, before its server starts."""
    _wrap(parsing, "resource_class_from_type", _with_unmodelled)
    parsing.ResourceMap.update = _update
    LayerVersion.cloudformation_name_type = staticmethod(lambda: "LayerName")
    LayerVersion.physical_resource_id = property(lambda self: self.arn)
    LayerVersion.delete = _delete_layer_version
    _wrap(LayerVersion, "create_from_cloudformation_json", _with_architectures)
    _wrap(LambdaFunction, "create_from_cloudformation_json", _with_layers)
    _wrap(models.CloudFormationBackend, "create_change_set", _translated)
    _wrap(models.CloudFormationBackend, "execute_change_set", _with_fresh_outputs)
    parsing.get_model_map.cache_clear()
    parsing.get_model_list.cache_clear()
    parsing.get_name_type_map.cache_clear()


def _wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace `owner.name` by `wrapper(original, ...)`, keeping a class method a class method."""
    original = getattr(owner, name)
    if hasattr(original, "__func__"):
        setattr(owner, name, classmethod(lambda cls, *args, **kw: wrapper(original, *args, **kw)))
    else:
        setattr(owner, name, lambda *args, **kw: wrapper(original, *args, **kw))


def _with_unmodelled(original: Callable[[str], Any], resource_type: str) -> Any:
    known = resource_type in parsing.get_model_map() or resource_type.startswith("Custom::")
    return original(resource_type) if known else UnmodelledResource


def _with_architectures(original: Callable[..., LayerVersion], name: str, resource: Any, *rest: Any, **kw: Any) -> Any:
    version = original(name, resource, *rest, **kw)
    version.compatible_architectures = resource["Properties"].get("CompatibleArchitectures", [])
    return version


def _with_layers(original: Callable[..., LambdaFunction], name: str, resource: Any, *rest: Any, **kw: Any) -> Any:
    function = original(name, resource, *rest, **kw)
    properties = resource["Properties"]
    function.update_configuration({"Layers": properties.get("Layers", [])})
    function.architectures = properties.get("Architectures", ["x86_64"])
    return function


def _delete_layer_version(self: LayerVersion, account_id: str, region: str) -> None:
    lambda_backends[account_id][region].delete_layer_version(self.name, str(self.version))


def _translated(
    original: Callable[..., Any], self: Any, *, template: str, parameters: dict[str, Any], **kw: Any
) -> Any:
    processed, values = translate(template, parameters, self.region_name)
    return original(self, template=processed, parameters=values, **kw)


def _with_fresh_outputs(
    original: Callable[..., Any], self: Any, change_set_name: str, stack_name: str | None = None
) -> None:
    change_set = self.describe_change_set(change_set_name)
    original(self, change_set_name, stack_name)
    stack = change_set.stack
    stack.parameters = change_set.parameters
    stack._parse_template()
    stack.description = stack.template_dict.get("Description")
    stack.output_map = stack._create_output_map()


def _update(self: parsing.ResourceMap, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
    """Bring a stack from its old template to `template`, as CloudFormation does it.

    New and changed resources first, each after those it refers to; then what has left the template, or was
    replaced, goes, unless its DeletionPolicy or UpdateReplacePolicy retains it.
    """
    old_templates, before = self._resource_json_map, {}
    for name, resource_template in old_templates.items():
        if self._parsed_resources.get(name) is not None:
            before[name] = (self._parsed_resources[name], resource_template)
    resolved_before = {name: _resolved(self, old_templates[name]) for name in before}

    self._template = template
    if parameters is not None:
        self.input_parameters = parameters
    self.resolved_parameters = {}
    self.load_mapping()
    self.load_parameters()
    self.load_conditions()
    self._resource_json_map = template["Resources"]

    leaving: list[tuple[str, Any, dict[str, Any]]] = []
    wanted = [name for name, spec in template["Resources"].items() if _is_wanted(self, spec)]
    for name in set(before) - set(wanted):
        resource, spec = before[name]
        leaving.append(("DeletionPolicy", resource, spec))
        self._parsed_resources.pop(name)
    for name in _in_dependency_order(template["Resources"], wanted):
        spec = template["Resources"][name]
        if name not in before:
            self._parsed_resources.pop(name, None)
            _ = self[name]
            continue
        resolved = _resolved(self, spec)
        old_resource, old_spec = before[name]
        if resolved == resolved_before[name]:
            continue
        if _is_replaced(resolved_before[name], resolved):
            leaving.append(("UpdateReplacePolicy", old_resource, old_spec))
            self._parsed_resources.pop(name)
            _ = self[name]
        else:
            self._parsed_resources[name] = parsing.parse_and_update_resource(
                name, spec, self, account_id=self._account_id, region_name=self._region_name
            )
    for policy, resource, spec in leaving:
        if spec.get(policy) not in _RETAIN:
            self._delete_resource(resource, spec)


def _is_wanted(resources: parsing.ResourceMap, spec: dict[str, Any]) -> bool:
    condition = spec.get("Condition")
    return condition is None or bool(resources.lazy_condition_map[condition])


def _resolved(resources: parsing.ResourceMap, spec: dict[str, Any]) -> dict[str, Any]:
    return {"Type": spec["Type"], "Properties": parsing.clean_json(spec.get("Properties", {}), resources)}


def _is_replaced(old: dict[str, Any], new: dict[str, Any]) -> bool:
    by = _REPLACED_BY.get(new["Type"], set())
    if isinstance(by, bool):
        return by
    return old["Type"] != new["Type"] or any(old["Properties"].get(key) != new["Properties"].get(key) for key in by)


def _in_dependency_order(specs: dict[str, Any], names: list[str]) -> list[str]:
    ordered: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered or name not in names or name in path:
            return
        for other in _references(specs[name]):
            visit(other, (*path, name))
        ordered.append(name)

    for name in names:
        visit(name, ())
    return ordered


def _references(spec: Any) -> Iterator[str]:
    """Yield the logical ids that a piece of a template refers to."""
    if isinstance(spec, list):
        for item in spec:
            yield from _references(item)
    elif isinstance(spec, dict):
        for key, value in spec.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from re.findall(r"\$\{([A-Za-z0-9]+)[.}]", text)
            yield from _references(value)
