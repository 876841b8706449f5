"""What is in the account, in the words of CloudFormation's resource types: the properties of each resource as its own service tells them."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

Properties = dict[str, Any]


class Account:
    """Reads resources by type and physical id. A type without a reader is known by its physical id only."""

    def __init__(self, client: Callable[[str], Any]):
        self._client = client
        self._readers: dict[str, Callable[[str], Properties]] = {
            "AWS::AutoScaling::LifecycleHook": self._lifecycle_hook,
            "AWS::CloudWatch::Alarm": self._alarm,
            "AWS::CloudWatch::Dashboard": self._dashboard,
            "AWS::DynamoDB::Table": self._table,
            "AWS::Events::Rule": self._rule,
            "AWS::IAM::Role": self._role,
            "AWS::Lambda::Alias": self._alias,
            "AWS::Lambda::EventInvokeConfig": self._event_invoke_config,
            "AWS::Lambda::Function": self._function,
            "AWS::Lambda::Version": self._function,
            "AWS::Logs::LogGroup": self._log_group,
            "AWS::SNS::Topic": self._topic,
            "AWS::SQS::Queue": self._queue,
            "AWS::StepFunctions::StateMachine": self._state_machine,
        }

    def knows(self, kind: str) -> bool:
        return kind in self._readers

    def properties(self, kind: str, physical: str) -> Properties | None:
        """None where there is no such resource."""
        try:
            return self._readers[kind](physical)
        except (ClientError, LookupError):
            return None

    def arn(self, kind: str, physical: str) -> str:
        """What Fn::GetAtt of Arn is."""
        if physical.startswith("arn:"):
            return physical
        return self._readers[kind](physical)["Arn"]

    def inline_policies(self, role: str) -> dict[str, dict]:
        iam = self._client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {name: _document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names}

    def function_policy(self, function: str) -> list[dict]:
        """The statements that say who may invoke it."""
        return json.loads(self._client("lambda").get_policy(FunctionName=function)["Policy"])["Statement"]

    def queue_policy(self, url: str) -> dict:
        attributes = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        return json.loads(attributes["Policy"])

    def object(self, bucket: str, key: str) -> bytes:
        return self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def _lifecycle_hook(self, name: str) -> Properties:
        autoscaling = self._client("autoscaling")
        groups = [group["AutoScalingGroupName"] for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]]
        hooks = [hook for group in groups for hook in autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"]]
        return _named(hooks, "LifecycleHookName", name)

    def _alarm(self, name: str) -> Properties:
        found = self._client("cloudwatch").describe_alarms(AlarmNames=[name.rpartition(":alarm:")[2]])
        alarm = [*found["MetricAlarms"], *found.get("CompositeAlarms", [])][0]
        return {**alarm, "Arn": alarm["AlarmArn"]}

    def _dashboard(self, name: str) -> Properties:
        dashboard = self._client("cloudwatch").get_dashboard(DashboardName=name.rpartition("/")[2])
        return {"DashboardName": dashboard["DashboardName"], "DashboardBody": json.loads(dashboard["DashboardBody"])}

    def _table(self, name: str) -> Properties:
        table = self._client("dynamodb").describe_table(TableName=name)["Table"]
        return {
            "Arn": table["TableArn"],
            "BillingMode": table["BillingModeSummary"]["BillingMode"],
            "AttributeDefinitions": table["AttributeDefinitions"],
            "KeySchema": table["KeySchema"],
        }

    def _rule(self, name: str) -> Properties:
        events = self._client("events")
        name = name.rpartition("/")[2]
        rule = events.describe_rule(Name=name)
        pattern = {"EventPattern": json.loads(rule["EventPattern"])} if "EventPattern" in rule else {}
        return {**rule, **pattern, "Targets": events.list_targets_by_rule(Rule=name)["Targets"]}

    def _role(self, name: str) -> Properties:
        iam = self._client("iam")
        role = iam.get_role(RoleName=name)["Role"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {
            "Arn": role["Arn"],
            "AssumeRolePolicyDocument": _document(role["AssumeRolePolicyDocument"]),
            "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        }

    def _alias(self, arn: str) -> Properties:
        function, _, name = arn.rpartition(":")
        return self._client("lambda").get_alias(FunctionName=function, Name=name)

    def _event_invoke_config(self, name: str) -> Properties:
        function, _, qualifier = name.partition(":")
        return self._client("lambda").get_function_event_invoke_config(FunctionName=function, Qualifier=qualifier)

    def _function(self, name: str) -> Properties:
        function = self._client("lambda").get_function_configuration(FunctionName=name)
        return {**function, "Arn": function["FunctionArn"]}

    def _log_group(self, name: str) -> Properties:
        found = self._client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        group = _named(found, "logGroupName", name)
        return {"Arn": group["arn"], "LogGroupName": name, "RetentionInDays": group.get("retentionInDays")}

    def _topic(self, arn: str) -> Properties:
        return {"Arn": arn, **self._client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]}

    def _queue(self, url: str) -> Properties:
        attributes = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return {**attributes, "Arn": attributes["QueueArn"]}

    def _state_machine(self, arn: str) -> Properties:
        machine = self._client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        return {"Arn": arn, "RoleArn": machine["roleArn"], "StateMachineType": machine["type"], "Definition": json.loads(machine["definition"])}


def _named(found: list[dict], key: str, name: str) -> dict:
    for one in found:
        if one[key] == name:
            return one
    raise LookupError(name)


def _document(value: str | dict) -> dict:
    return json.loads(unquote(value)) if isinstance(value, str) else value
