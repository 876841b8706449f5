"""Deploys, updates and deletes the stack with the README's commands, on a local CloudFormation, and checks after each what is there.

    python -m deploy        from the project's folder; leaves target/deploy/

What the local cloud cannot show: it checks no permission, keeps neither a state machine's logging configuration nor the definition that an execution
began with, and interprets no rollout to its end. The rollouts' own tests run on another local AWS (docs/architecture.md).
"""

import json
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import commands, recipes, template
from .checkout import Checkout, Failed
from .cloud import REGION, Cloud
from .stack import Stack

PROJECT = Path.cwd()
FOLDER = PROJECT / "target/deploy"
# A release for this machine's processor, packed before.
RELEASE = PROJECT / "target/release-to-deploy"
README = PROJECT / "README.md"
OPERATING = PROJECT / "docs/operating.md"
GROUP = "web"
BUCKET = "functions-of-turnstile"
# The processor of this machine, for which the functions have to be built to be invoked here.
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@contextmanager
def step(what: str) -> Iterator[None]:
    print(f"test-deploy: {what} …", flush=True)
    began = time.monotonic()
    yield
    print(f"test-deploy: {what}: {time.monotonic() - began:.0f} s", flush=True)


def prepare(cloud: Cloud) -> None:
    """The Auto Scaling group that the README asks for."""
    autoscaling = cloud.client("autoscaling")
    autoscaling.create_launch_configuration(LaunchConfigurationName=GROUP, ImageId="ami-12345678", InstanceType="t3.micro")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP, LaunchConfigurationName=GROUP, MinSize=0, MaxSize=0, AvailabilityZones=[f"{REGION}a"]
    )


def from_source(checkout: Checkout, stack: Stack) -> None:
    readers = commands.of_paper(README, "From source")
    with step("the README's commands from source"):
        checkout.run(commands.the_one(readers, "cp "))
        checkout.edit("samconfig.toml", 'Architecture = "arm64"', f'Architecture = "{MACHINE[platform.machine()]}"')
        # There is nobody to ask.
        checkout.edit("samconfig.toml", "confirm_changeset = true", "confirm_changeset = false")
        checkout.run(commands.the_one(readers, "sam build"))
        checkout.run(commands.the_one(readers, "sam deploy"))
        stack.check()
    with step("each function, invoked once"):
        for name, function in stack.functions().items():
            print(f"    {name}: {stack.invoke(function)}")
        for version in stack.versions().values():
            stack.invoke(version)


def from_release(checkout: Checkout, stack: Stack) -> None:
    readers = commands.of_paper(README, "From a release")
    architecture = MACHINE[platform.machine()]
    with step("the README's commands from a release"):
        stack.cloud.client("s3").create_bucket(Bucket=BUCKET)
        for name in (f"turnstile-{architecture}.tar.gz", "SHA256SUMS"):
            shutil.copy(RELEASE / name, checkout.folder)
        for start in ("sha256sum ", "tar ", "aws cloudformation package ", "aws cloudformation deploy "):
            command = commands.the_one(readers, start)
            checkout.run(command.replace("turnstile-arm64", f"turnstile-{architecture}").replace("<bucket>", BUCKET))
        stack.check()
        for name, function in stack.functions().items():
            print(f"    {name}: {stack.invoke(function)}")


def again(checkout: Checkout, stack: Stack) -> None:
    with step("sam deploy once more changes nothing"):
        versions = stack.versions()
        said = checkout.run("sam deploy")
        if "No changes to deploy" not in said:
            raise Failed(f"the second deployment changed something:\n{said[-3000:]}")
        if stack.versions() != versions:
            raise Failed("the second deployment published versions")


def parameter(checkout: Checkout, stack: Stack) -> None:
    with step("a parameter that changes reaches the definition and the hook"):
        checkout.edit("samconfig.toml", 'AutoScalingGroupName = "web"', 'AutoScalingGroupName = "web"\nHeartbeatTimeout = "900"\nGateTagKey = "gate"')
        checkout.run("sam deploy")
        stack.check()


def code(checkout: Checkout, stack: Stack) -> None:
    with step("code that changes while a rollout runs"):
        rollout = json.dumps({"autoScalingGroupName": GROUP})
        stack.cloud.client("stepfunctions").start_execution(stateMachineArn=stack.machine(), input=rollout)
        before = stack.versions()
        for bootstrap in (checkout.folder / ".aws-sam/build").glob("*/bootstrap"):
            # Another hash, and the same program: what follows the end of an ELF file is not read.
            with bootstrap.open("ab") as file:
                file.write(b"\n")
        checkout.run("sam deploy")
        stack.check()
        after = stack.versions()
        if unchanged := [function for function in before if before[function] == after.get(function)]:
            raise Failed(f"no new version of {', '.join(unchanged)}")
        for version in before.values():
            stack.invoke(version)
        print(f"    {len(after)} new versions, and the {len(before)} that the rollout began with still run")


def by_hand(checkout: Checkout, stack: Stack) -> Stack:
    """Ends with another stack in the place of this one."""
    typed, new = recipes.Recipes(OPERATING, checkout, BUCKET), Stack("turnstile-b", stack.cloud)
    recipes.make_group(stack.cloud)
    with step("a group is enrolled and disenrolled"):
        recipes.enrol_and_disenrol(typed, stack)
    with step("a group is held and released"):
        recipes.hold_and_release(typed, stack)
    with step("another stack takes this one's place"):
        recipes.move(typed, stack, new)
    return new


def deleted(checkout: Checkout, stack: Stack, start: str, options: str) -> None:
    """Deletes the stack by the command of docs/operating.md that begins so."""
    command = commands.the_one(commands.of_paper(OPERATING, "Undo"), start)
    with step(f"{command} leaves nothing"):
        resources = stack.resources()
        checkout.run(f"{command.replace('--stack-name turnstile', f'--stack-name {stack.name}')}{options}")
        if stack.described() is not None:
            raise Failed("the stack is still there")
        kept = [
            name
            for name, one in resources.items()
            if stack.account.knows(one["ResourceType"]) and stack.account.properties(one["ResourceType"], one["PhysicalResourceId"]) is not None
        ]
        # A version that an update replaced stays for the rollouts that began with it, until its function goes.
        if kept:
            raise Failed(f"left behind: {', '.join(kept)}")


def main() -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "cloud").mkdir(parents=True)
    kinds = template.kinds(template.read((PROJECT / "template.yaml").read_text(encoding="utf-8")), REGION)
    try:
        with Cloud(FOLDER / "cloud", kinds) as cloud:
            prepare(cloud)
            stack, checkout = Stack("turnstile", cloud), Checkout(PROJECT, FOLDER / "checkout", FOLDER / "commands.log", cloud)
            from_source(checkout, stack)
            again(checkout, stack)
            parameter(checkout, stack)
            code(checkout, stack)
            deleted(checkout, stack, "sam delete", " --no-prompts")
            from_release(checkout, stack)
            new = by_hand(checkout, stack)
            # The command does not wait for the end of it.
            deleted(checkout, new, "aws cloudformation delete-stack", " && aws cloudformation wait stack-delete-complete --stack-name turnstile-b")
    except (Failed, commands.Missing) as failure:
        print(f"test-deploy: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("test-deploy: interrupted", file=sys.stderr)
        return 130
    print("test-deploy: everything passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
