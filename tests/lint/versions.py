"""Checks that an update of the stack leaves running executions alone, and reaches every one that starts after it.

    python tests/lint/versions.py        exit status 1, and a line for each finding, when one of these does not hold:

1. The definition calls versions of the functions: SAM publishes one when a property of the function changes, and
   DefinitionSubstitutions has its ARN.
2. The state machine's role may invoke every version.
3. Each environment variable of a function that the definition calls is among the settings that the definition brings along: a
   parameter of the stack that changes alone makes no new version, and a version keeps the variables that it was published with.
"""

import json
import re
import sys
from pathlib import Path

from permissions import TEMPLATE, read

DEFINITION = Path("statemachine/rollout.asl.json")
STATE_MACHINE = "RolloutStateMachine"
POLICY = "RolloutStateMachinePolicy"


def findings(template: dict, definition: dict) -> list[str]:
    resources = template["Resources"]
    machine = resources[STATE_MACHINE]["Properties"]
    substitutions = machine["DefinitionSubstitutions"]
    found = []
    for name in sorted({match[1] for _, task in _tasks(definition) if (match := re.fullmatch(r"\$\{(\w+)\}", task["Resource"]))}):
        function = resources[name]["Properties"]
        if substitutions.get(name) != {"Ref": f"{name}.Version"}:
            found.append(f"{TEMPLATE}: DefinitionSubstitutions.{name} is not !Ref {name}.Version")
        if not function.get("AutoPublishAlias") or function.get("AutoPublishAliasAllProperties") is not True:
            found.append(f"{TEMPLATE}: {name}: AutoPublishAlias and AutoPublishAliasAllProperties publish its versions")
        if {"Sub": f"${{{name}.Arn}}:*"} not in _invoked(resources[POLICY]["Properties"]):
            found.append(f"{TEMPLATE}: {STATE_MACHINE} may not invoke every version of {name}")
        variables = set(function.get("Environment", {}).get("Variables", {}))
        for state, task in _tasks(definition):
            if task["Resource"] == f"${{{name}}}" and (lacking := variables - set(task["Arguments"].get("settings", {}))):
                found.append(f"{DEFINITION}: {state} brings no setting {', '.join(sorted(lacking))}")
    return found


def _tasks(definition: dict) -> list[tuple[str, dict]]:
    return [(name, state) for name, state in definition["States"].items() if state["Type"] == "Task"]


def _invoked(policy: dict) -> list:
    resources = [statement["Resource"] for statement in policy["PolicyDocument"]["Statement"] if "lambda:InvokeFunction" in statement["Action"]]
    return [resource for several in resources for resource in (several if isinstance(several, list) else [several])]


def main() -> int:
    definition = json.loads(DEFINITION.read_text(encoding="utf-8"))
    found = findings(read(TEMPLATE.read_text(encoding="utf-8")), definition)
    print("\n".join(found) or f"versions: {len(_tasks(definition))} tasks, each pinned to a version, with the stack's settings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
