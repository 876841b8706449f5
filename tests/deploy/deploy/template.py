"""What a template says must be there: its resources as CloudFormation sees them, their intrinsic functions resolved against a stack."""

import base64
import copy
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from samtranslator.translator.transform import transform


class _Loader(yaml.SafeLoader):
    """Reads the short forms of intrinsic functions as their long ones."""


def _intrinsic(loader: yaml.Loader, tag: str, node: yaml.Node) -> dict:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


def read(text: str) -> dict:
    return yaml.load(text, _Loader)


def expanded(template: dict, region: str) -> dict:
    """The template with SAM's resources replaced by those that SAM makes of them, by AWS's own library."""
    os.environ.setdefault("AWS_DEFAULT_REGION", region)

    class NoPolicies:
        """Names of managed policies become ARNs without a call of IAM."""

        def load(self) -> dict:
            return {}

    return transform(copy.deepcopy(template), {}, NoPolicies())


def kinds(template: dict, region: str) -> list[str]:
    """The types of resource that a template comes to which is not packaged yet."""
    packaged = copy.deepcopy(template)
    packaged["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    for resource in packaged["Resources"].values():
        if "DefinitionUri" in resource.get("Properties", {}):
            resource["Properties"]["DefinitionUri"] = "s3://bucket/definition"
    return sorted({resource["Type"] for resource in expanded(packaged, region)["Resources"].values()})


@dataclass
class Resolver:
    """Resolves intrinsic functions."""

    template: dict
    parameters: dict[str, str]
    pseudo: dict[str, str]
    """AWS::Region and its like."""
    physical: dict[str, str] = field(default_factory=dict)
    """The resources' physical ids, by their logical ones."""
    attribute: Callable[[str, str], Any] = lambda resource, name: f"{resource}.{name}"
    """What Fn::GetAtt of a resource's attribute is."""

    NO_VALUE = object()

    def condition(self, name: str) -> bool:
        return bool(self.value(self.template["Conditions"][name]))

    def resources(self) -> dict[str, dict]:
        """The resources that the parameters call for, with their properties resolved."""
        wanted = {
            name: resource
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        return {
            name: {"Type": resource["Type"], "Properties": self.value(resource.get("Properties", {}))} for name, resource in wanted.items()
        }

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [kept for one in value if (kept := self.value(one)) is not self.NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" or function == "Condition" or function.startswith("Fn::"):
                return self._function(function.removeprefix("Fn::"), argument)
        return {key: kept for key, one in value.items() if (kept := self.value(one)) is not self.NO_VALUE}

    def _function(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(argument)
            case "Condition":
                return self.condition(argument)
            case "GetAtt":
                return self.attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            case "Sub":
                return self._sub(argument)
            case "If":
                return self.value(argument[1 if self.condition(argument[0]) else 2])
            case "Equals":
                return self.value(argument[0]) == self.value(argument[1])
            case "Not":
                return not self.value(argument[0])
            case "And":
                return all(self.value(argument))
            case "Or":
                return any(self.value(argument))
            case "Base64":
                return base64.b64encode(str(self.value(argument)).encode()).decode()
            case "Join":
                return argument[0].join(str(part) for part in self.value(argument[1]))
            case "Select":
                return self.value(argument[1])[int(self.value(argument[0]))]
            case "Split":
                return self.value(argument[1]).split(argument[0])
            case "FindInMap":
                first, second, third = self.value(argument)
                return self.template["Mappings"][first][second][third]
        raise NotImplementedError(f"Fn::{function}, which template.yaml uses, is not known here")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return self.NO_VALUE
        for known in (self.parameters, self.pseudo, self.physical):
            if name in known:
                return known[name]
        raise KeyError(f"the stack has no {name}")

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replaced(match: re.Match) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return str(self.value(variables[name]))
            return str(self.attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)


def defaults(template: dict, given: dict[str, str]) -> dict[str, str]:
    """The value of every parameter."""
    return {name: given.get(name, str(parameter.get("Default", ""))) for name, parameter in template["Parameters"].items()}
