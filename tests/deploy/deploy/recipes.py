"""The recipes of docs/operating.md, typed as they stand there. The local cloud has no `suspend-processes` and `resume-processes`: nothing launches in it."""

import json
from pathlib import Path

from . import commands
from .checkout import Checkout, Failed
from .cloud import Cloud
from .stack import Stack

GROUP = "web-1"
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-01-31T09:00:00Z", "resources": [], "detail": {}}


class Recipes:
    """What a reader of the paper types, with what stands for `<bucket>` and for the outputs of a stack."""

    def __init__(self, paper: Path, checkout: Checkout, bucket: str):
        self._paper = paper
        self._checkout = checkout
        self._bucket = bucket

    def type(self, stack: Stack, heading: str, start: str, *parts: str) -> str:
        command = commands.the_one(commands.of_paper(self._paper, heading), start, *parts)
        for name, value in {"bucket": self._bucket, **stack.outputs()}.items():
            command = command.replace(f"<{name}>", value)
        return self._checkout.run(command)

    def seen(self, stack: Stack, group: str = GROUP) -> str | None:
        """What the schedule has seen of a group, by the command that shows it."""
        invoked = stack.cloud.client("lambda").invoke(FunctionName=stack.functions()["StartRolloutFunction"], Payload=json.dumps(SCHEDULED).encode())
        if invoked.get("FunctionError"):
            raise Failed(f"the schedule's event failed: {invoked['Payload'].read().decode()}")
        item = json.loads(self.type(stack, "See what is enrolled", "aws dynamodb get-item"))["Item"]
        return item["enrolments"]["M"].get(group, {}).get("S")


def make_group(cloud: Cloud) -> None:
    cloud.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=GROUP, LaunchConfigurationName="web", MinSize=0, MaxSize=0, AvailabilityZones=[f"{cloud.region}a"]
    )


def expect(what: str, expected: object, found: object) -> None:
    if found != expected:
        raise Failed(f"{what}: expected {expected!r}, and there is {found!r}")


def enrol_and_disenrol(recipes: Recipes, stack: Stack) -> None:
    recipes.type(stack, "Update", "aws cloudformation deploy")
    stack.check()
    expect("before it is enrolled", "NOT_ENROLLED", recipes.seen(stack))
    recipes.type(stack, "By `put-lifecycle-hook`", "aws autoscaling put-lifecycle-hook")
    expect("enrolled", "ENROLLED", recipes.seen(stack))
    recipes.type(stack, "Disenrol", "aws autoscaling delete-lifecycle-hook")
    expect("its hook is gone", "VANISHED", recipes.seen(stack))
    recipes.type(stack, "Disenrol", "aws dynamodb update-item")
    expect("disenrolled", "NOT_ENROLLED", recipes.seen(stack))


def hold_and_release(recipes: Recipes, stack: Stack) -> None:
    heading = "Hold a group, and release it"

    def held() -> list:
        return json.loads(recipes.type(stack, heading, "aws dynamodb scan"))

    recipes.type(stack, heading, "aws dynamodb update-item", "SET held")
    expect("held groups", [["autoScalingGroup:web", "the database is moved: ask Ann"]], held())
    recipes.type(stack, heading, "aws dynamodb update-item", "REMOVE held")
    expect("held groups after the release", [], held())


def move(recipes: Recipes, old: Stack, new: Stack) -> None:
    """Ends with the new stack alone."""
    heading = "Move to a new stack"
    recipes.type(old, "By `put-lifecycle-hook`", "aws autoscaling put-lifecycle-hook")
    expect("enrolled in the old stack", "ENROLLED", recipes.seen(old))
    recipes.type(old, heading, "aws cloudformation deploy", "LifecycleHookName=turnstile-b")
    new.check()
    expect("the table of the new stack", old.outputs()["TurnsTableName"], new.outputs()["TurnsTableName"])
    expect("before the move", "NOT_ENROLLED", recipes.seen(new))
    for command in ("put-lifecycle-hook", "delete-lifecycle-hook"):
        recipes.type(new, heading, f"aws autoscaling {command}")
    expect("enrolled in the new stack", "ENROLLED", recipes.seen(new))
    recipes.type(new, heading, "aws cloudformation deploy", "SharedTurnsTable=''")
    new.check()
    if new.outputs()["TurnsTableName"] == old.outputs()["TurnsTableName"]:
        raise Failed("the new stack still has the old one's table")
    expect("in the new stack's own table", "ENROLLED", recipes.seen(new))
    recipes.type(old, heading, "aws cloudformation delete-stack")
    old.wait_until_gone()
    expect("without the old stack", "ENROLLED", recipes.seen(new))
