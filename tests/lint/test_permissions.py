import unittest

import permissions

REFERENCE = {
    "shop": {
        "privileges": {
            "Buy": {"resource_types": {"cart": {}, "list": {}}},
            "Stop": {"resource_types": {"": {}}},
        },
        "resources": {
            "cart": {"arn": "arn:${Partition}:shop:${Region}:${Account}:cart:${Owner}/${Cart}"},
            "list": {"arn": "arn:${Partition}:shop:${Region}:${Account}:list:${List}"},
        },
    },
    "lambda": {
        "privileges": {"InvokeFunction": {"resource_types": {"function": {}, "": {}}}},
        "resources": {"function": {"arn": "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"}},
    },
}


class Statements(unittest.TestCase):
    def findings(self, action: str, resource: str) -> list[str]:
        text = f"""
            Resources:
              Buyer:
                Type: AWS::Serverless::Function
                Properties:
                  Policies:
                    - Statement:
                        - Effect: Allow
                          Action: {action}
                          Resource: {resource}
        """
        found = permissions.findings(permissions.read(text), REFERENCE)
        return [finding.removeprefix("template.yaml: Buyer: ") for finding in found]

    def test_an_action_has_resources_of_its_types(self):
        for resource in (
            "!Sub 'arn:${AWS::Partition}:shop:${AWS::Region}:${AWS::AccountId}:cart:${Owner}/*'",
            "!Sub ['arn:aws:shop:eu-west-1:1:list:${List}', {List: !Ref Other}]",
            "['arn:aws:shop:*:1:cart:me/one', 'arn:aws:shop:*:1:list:mine']",
        ):
            self.assertEqual(self.findings("shop:Buy", resource), [], resource)
        wrong = self.findings("[shop:Buy]", "!Sub 'arn:aws:shop:x:1:cart:${Owner}'")
        self.assertEqual(wrong, ["shop:Buy has the resource arn:aws:shop:x:1:cart:x, which is none of its types (cart, list)"])

    def test_everything_is_too_much_for_an_action_that_knows_a_type(self):
        self.assertEqual(self.findings("shop:Buy", "'*'"), ['shop:Buy knows the resource types cart, list: its resource must not be "*"'])

    def test_an_action_without_a_type_is_permitted_on_everything_or_not_at_all(self):
        self.assertEqual(self.findings("shop:Stop", "'*'"), [])
        self.assertEqual(self.findings("shop:Stop", "arn:aws:shop:x:1:cart:me/*"), ['shop:Stop knows no resource type: its resource has to be "*"'])

    def test_an_action_exists(self):
        for action in ("shop:Steal", "bank:Rob"):
            self.assertEqual(self.findings(action, "'*'"), [f"{action} is no action of the reference"])

    def test_what_reaches_one_parameter_s_groups_reaches_the_other_s(self):
        cart = "!Sub 'arn:aws:shop:x:1:cart:me/${%s}'"
        one, other = cart % "AutoScalingGroupName", cart % "ServedAutoScalingGroups"
        self.assertEqual(self.findings("shop:Buy", f"[{one}, {other}]"), [])
        self.assertEqual(
            self.findings("shop:Buy", one), ["shop:Buy reaches the groups of AutoScalingGroupName in 1 places, and those of ServedAutoScalingGroups in 0"]
        )

    def test_a_resource_of_the_template_has_its_type(self):
        for resource in ("!GetAtt Buyer.Arn", "!Sub '${Buyer.Arn}:*'"):
            self.assertEqual(self.findings("lambda:InvokeFunction", resource), [], resource)
        self.assertEqual(len(self.findings("shop:Buy", "!GetAtt Buyer.Arn")), 1)


if __name__ == "__main__":
    unittest.main()
