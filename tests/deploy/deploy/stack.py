"""A stack in the local cloud, beside what its template says of it."""

import json
import re

from . import check, template
from .account import Account
from .checkout import Failed
from .cloud import REGION, Cloud

ACCOUNT_ID = "000000000000"


class Stack:
    """A stack by its name."""

    def __init__(self, name: str, cloud: Cloud):
        self.name = name
        self.cloud = cloud
        self.account = Account(cloud.client)
        self._formation = cloud.client("cloudformation")

    def described(self) -> dict | None:
        try:
            return self._formation.describe_stacks(StackName=self.name)["Stacks"][0]
        except self._formation.exceptions.ClientError:
            return None

    def outputs(self) -> dict[str, str]:
        """Empty while there is no such stack."""
        described = self.described() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def wait_until_gone(self) -> None:
        self._formation.get_waiter("stack_delete_complete").wait(StackName=self.name, WaiterConfig={"Delay": 1})

    def resources(self) -> dict[str, dict]:
        pages = self._formation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {resource["LogicalResourceId"]: resource for page in pages for resource in page["StackResourceSummaries"]}

    def expected(self) -> template.Resolver:
        original = self._formation.get_template(StackName=self.name, TemplateStage="Original")["TemplateBody"]
        original = template.read(original) if isinstance(original, str) else json.loads(json.dumps(original))
        resources = self.resources()
        given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in self.described()["Parameters"]}

        def attribute(resource: str, name: str) -> str:
            physical = resources[resource]["PhysicalResourceId"]
            if name == "Version":
                return physical.rpartition(":")[2]
            if name in ("Name", "QueueName", "TopicName"):
                return re.split("[:/]", physical)[-1]
            if name == "Arn":
                return self.account.arn(resources[resource]["ResourceType"], physical)
            raise NotImplementedError(f"Fn::GetAtt of {name} is not known here")

        pseudo = {
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
            "AWS::StackId": self.described()["StackId"],
        }
        physical = {name: resource["PhysicalResourceId"] for name, resource in resources.items()}
        return template.Resolver(template.expanded(original, REGION), template.defaults(original, given), pseudo, physical, attribute)

    def check(self) -> None:
        """Fails with what is not as the template says."""
        resolver = self.expected()
        found = check.findings(resolver, self.account)
        found += [f"{name}: {state}" for name, one in self.resources().items() if (state := one["ResourceStatus"]) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE")]
        if found:
            raise Failed("the stack is not as its template says:\n" + "\n".join(found))
        kinds = [resource["Type"] for resource in resolver.resources().values()]
        named_only = sorted({kind for kind in kinds if not self.account.knows(kind) and kind not in check.PIECES})
        print(f"    {len(kinds)} resources are as the template says" + (f"; by their names only: {', '.join(named_only)}" if named_only else ""))

    def functions(self) -> dict[str, str]:
        """The physical ids by the logical ones."""
        return {name: one["PhysicalResourceId"] for name, one in self.resources().items() if one["ResourceType"] == "AWS::Lambda::Function"}

    def versions(self) -> dict[str, str]:
        """The ARN of each version that the stack has, by its function's physical id."""
        arns = [one["PhysicalResourceId"] for one in self.resources().values() if one["ResourceType"] == "AWS::Lambda::Version"]
        return {arn.split(":")[-2]: arn for arn in arns}

    def invoke(self, function: str) -> str:
        """Invokes it with an empty request, and answers how it refuses that: the name of its error, or its answer."""
        answer = self.cloud.client("lambda").invoke(FunctionName=function, Payload=b"{}")
        payload = json.loads(answer["Payload"].read() or "null")
        if answer.get("FunctionError") and str((payload or {}).get("errorType", "")).split(".")[0] in ("", "Runtime", "Sandbox"):
            raise Failed(f"{function} did not run: {payload}")
        return payload["errorType"] if answer.get("FunctionError") else json.dumps(payload)

    def machine(self) -> str:
        (arn,) = [one["PhysicalResourceId"] for one in self.resources().values() if one["ResourceType"] == "AWS::StepFunctions::StateMachine"]
        return arn
