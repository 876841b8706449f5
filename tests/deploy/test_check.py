import json
import unittest

from deploy.check import differences, findings, substituted
from deploy.template import Resolver


class Hook:
    """An account that has one lifecycle hook."""

    def __init__(self, properties: dict | None):
        self.hook = properties

    def knows(self, kind: str) -> bool:
        return kind == "AWS::AutoScaling::LifecycleHook"

    def properties(self, kind: str, physical: str) -> dict | None:
        return self.hook


EXPECTED = {"LifecycleHookName": "turnstile", "HeartbeatTimeout": {"Ref": "Seconds"}, "RoleARN": "not told"}
TEMPLATE = {"Resources": {"Hook": {"Type": "AWS::AutoScaling::LifecycleHook", "Properties": EXPECTED}}}


def found(hook: dict | None, physical: dict[str, str]) -> list[str]:
    return findings(Resolver(TEMPLATE, {"Seconds": "600"}, {}, physical), Hook(hook))


class Check(unittest.TestCase):
    def test_what_is_as_the_template_says_is_right(self):
        self.assertEqual(found({"LifecycleHookName": "turnstile", "HeartbeatTimeout": 600, "More": 1}, {"Hook": "turnstile"}), [])

    def test_what_differs_lacks_or_is_too_much_is_found(self):
        for hook, physical, expected in [
            ({"HeartbeatTimeout": 30}, {"Hook": "turnstile"}, ["Hook: .HeartbeatTimeout is 30, not '600'"]),
            (None, {"Hook": "turnstile"}, ["Hook: there is no AWS::AutoScaling::LifecycleHook turnstile"]),
            ({}, {}, ["Hook: is not in the stack"]),
            ({}, {"Hook": "turnstile", "Queue": "q"}, ["Queue: is in the stack, and not in the template"]),
        ]:
            self.assertEqual(found(hook, physical), expected)

    def test_differences_say_where(self):
        self.assertEqual(differences({"a": [{"b": True}]}, {"a": [{"b": "true", "c": 1}]}), [])
        self.assertEqual(differences({"a": 1}, {"a": 1.0}), [])
        self.assertEqual(differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]}), [".a[0].b is 2, not 1"])
        self.assertEqual(differences({"a": [1]}, {"a": [1, 2]}), [".a is [1, 2], not [1]"])
        self.assertEqual(differences({"a": {"b": 1}}, {"a": None}), [".a is None, not {'b': 1}"])

    def test_a_substitution_stays_json(self):
        definition = substituted('{"Resource": "${Look}", "list": "${List}"}', {"Look": "arn", "List": '["a"]'})
        self.assertEqual(json.loads(definition), {"Resource": "arn", "list": '["a"]'})


if __name__ == "__main__":
    unittest.main()
