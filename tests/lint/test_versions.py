"""A small stack and its definition, in which one thing at a time is wrong."""

import copy
import unittest

from permissions import read
from versions import findings

TEMPLATE = """
Resources:
  RolloutStateMachine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions:
        LookFunction: !Ref LookFunction.Version
  RolloutStateMachinePolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyDocument:
        Statement:
          - Effect: Allow
            Action: lambda:InvokeFunction
            Resource: [!Sub "${LookFunction.Arn}:*"]
  LookFunction:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      Environment: { Variables: { TABLE: turns } }
"""
DEFINITION = {
    "States": {
        "Look": {"Type": "Task", "Resource": "${LookFunction}", "Arguments": {"settings": {"TABLE": "${Table}"}, "now": "…"}},
        "Rest": {"Type": "Wait"},
    }
}


class Versions(unittest.TestCase):
    def test_a_pinned_definition_with_the_settings_is_right(self):
        self.assertEqual(findings(read(TEMPLATE), DEFINITION), [])

    def test_a_function_without_a_version_is_found(self):
        for right, wrong, finding in [
            ("!Ref LookFunction.Version", "!GetAtt LookFunction.Arn", "is not !Ref LookFunction.Version"),
            ("      AutoPublishAlias: live\n", "", "publish its versions"),
            ("AutoPublishAliasAllProperties: true", "AutoPublishAliasAllProperties: false", "publish its versions"),
            ('!Sub "${LookFunction.Arn}:*"', "!GetAtt LookFunction.Arn", "may not invoke every version of LookFunction"),
        ]:
            with self.subTest(wrong):
                [found] = findings(read(TEMPLATE.replace(right, wrong)), DEFINITION)
                self.assertIn(finding, found)

    def test_a_setting_that_does_not_come_along_is_found(self):
        definition = copy.deepcopy(DEFINITION)
        definition["States"]["Look"]["Arguments"]["settings"] = {}
        self.assertEqual(findings(read(TEMPLATE), definition), ["statemachine/rollout.asl.json: Look brings no setting TABLE"])


if __name__ == "__main__":
    unittest.main()
