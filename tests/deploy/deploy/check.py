"""Holds a stack against its template: every resource that the template calls for is there, with the properties that its service tells."""

import base64
import hashlib
import json
import re
from typing import Any

from .account import Account
from .template import Resolver

# Properties that are not compared as they stand.
NOT_COMPARED = {
    # Tags are SAM's own.
    "*": {"Tags"},
    "AWS::Lambda::Function": {"Code"},
    # The local cloud's CloudFormation leaves them out.
    "AWS::DynamoDB::Table": {"TimeToLiveSpecification"},
    "AWS::StepFunctions::StateMachine": {"LoggingConfiguration", "TracingConfiguration"},
}

# Checked as part of the resource that they belong to.
PIECES = {"AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::SQS::QueuePolicy"}


def findings(resolver: Resolver, account: Account) -> list[str]:
    """A sentence for each thing that is not as the template says."""
    found = []
    for name, resource in resolver.resources().items():
        physical = resolver.physical.get(name)
        if physical is None:
            found.append(f"{name}: is not in the stack")
            continue
        problems = _problems(resource["Type"], physical, resource["Properties"], account)
        found += [f"{name}: {problem}" for problem in problems]
    unknown = sorted(set(resolver.physical) - set(resolver.resources()))
    return found + [f"{name}: is in the stack, and not in the template" for name in unknown]


def _problems(kind: str, physical: str, expected: dict, account: Account) -> list[str]:
    match kind:
        case "AWS::IAM::Policy":
            actual = [account.inline_policies(role).get(expected["PolicyName"]) for role in expected["Roles"]]
            return [] if all(differences(expected["PolicyDocument"], policy) == [] for policy in actual) else ["a role has not this policy"]
        case "AWS::Lambda::Permission":
            return [] if _may_invoke(expected, account) else [f"{expected['Principal']} may not invoke the function"]
        case "AWS::SQS::QueuePolicy":
            return [f"policy{problem}" for url in expected["Queues"] for problem in differences(expected["PolicyDocument"], account.queue_policy(url))]
    if not account.knows(kind):
        return []
    actual = account.properties(kind, physical)
    if actual is None:
        return [f"there is no {kind} {physical}"]
    compared = {name: value for name, value in expected.items() if name not in NOT_COMPARED["*"] | NOT_COMPARED.get(kind, set())}
    problems = []
    match kind:
        case "AWS::IAM::Role":
            inline = account.inline_policies(physical)
            for policy in compared.pop("Policies", []):
                problems += differences(policy["PolicyDocument"], inline.get(policy["PolicyName"]), f".{policy['PolicyName']}")
        case "AWS::Lambda::Function" if "S3Key" in expected["Code"]:
            code = account.object(expected["Code"]["S3Bucket"], expected["Code"]["S3Key"])
            if base64.b64encode(hashlib.sha256(code).digest()).decode() != actual["CodeSha256"]:
                problems.append("its code is not what was uploaded")
        case "AWS::StepFunctions::StateMachine":
            location, substitutions = compared.pop("DefinitionS3Location"), compared.pop("DefinitionSubstitutions")
            definition = account.object(location["Bucket"], location["Key"]).decode()
            compared["Definition"] = json.loads(substituted(definition, substitutions))
        case "AWS::CloudWatch::Dashboard":
            compared["DashboardBody"] = json.loads(compared["DashboardBody"])
    return problems + [problem for name, value in compared.items() if name in actual for problem in differences(value, actual[name], f".{name}")]


def substituted(definition: str, substitutions: dict[str, Any]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: json.dumps(str(substitutions[match[1]]))[1:-1], definition)


def _may_invoke(expected: dict, account: Account) -> bool:
    return any(
        statement["Principal"] == {"Service": expected["Principal"]}
        and expected.get("SourceArn") in (None, *statement.get("Condition", {}).get("ArnLike", {}).values())
        for statement in account.function_policy(expected["FunctionName"])
    )


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Where what is there differs from what is expected. What is there may have more, and numbers may be text."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{where} is {actual!r}, not {expected!r}"]
        return [problem for key, value in expected.items() for problem in differences(value, actual.get(key), f"{where}.{key}")]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [problem for place, value in enumerate(expected) for problem in differences(value, actual[place], f"{where}[{place}]")]
    if _text(expected) == _text(actual):
        return []
    return [f"{where} is {actual!r}, not {expected!r}"]


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
