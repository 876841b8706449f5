import unittest

from deploy.template import Resolver, defaults, read

TEMPLATE = read("""
Parameters:
  Group: { Type: String, Default: web }
  Table: { Type: String, Default: "" }
Mappings:
  Consoles: { aws: { Domain: example } }
Conditions:
  OwnTable: !Equals [!Ref Table, ""]
  NoTable: !Not [!Condition OwnTable]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Name: !Sub "${AWS::Region}-${Group}-${!Kept}"
      Domain: !FindInMap [Consoles, !Ref "AWS::Partition", Domain]
      Table: !If [OwnTable, !Ref "AWS::NoValue", !Ref Table]
      Groups: [!Ref Group, !If [NoTable, a, !Ref "AWS::NoValue"]]
      Long: !Sub ["${What}/${Group}", { What: !Base64 x }]
      Arn: !GetAtt Role.Arn
      Same: !Sub ${Role.Arn}:*
  Other:
    Type: AWS::SQS::Queue
    Condition: NoTable
""")


def resolver(**given: str) -> Resolver:
    pseudo = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws"}
    return Resolver(TEMPLATE, defaults(TEMPLATE, given), pseudo, {}, lambda resource, name: f"{name} of {resource}")


class Template(unittest.TestCase):
    def test_intrinsic_functions_are_resolved(self):
        expected = {
            "Name": "eu-west-1-web-${Kept}",
            "Domain": "example",
            "Groups": ["web"],
            "Long": "eA==/web",
            "Arn": "Arn of Role",
            "Same": "Arn of Role:*",
        }
        self.assertEqual(resolver().resources(), {"Queue": {"Type": "AWS::SQS::Queue", "Properties": expected}})

    def test_conditions_decide_what_is_there(self):
        resources = resolver(Table="theirs").resources()
        self.assertEqual(set(resources), {"Queue", "Other"})
        self.assertEqual(resources["Queue"]["Properties"]["Table"], "theirs")
        self.assertEqual(resources["Queue"]["Properties"]["Groups"], ["web", "a"])

    def test_what_is_not_known_is_no_guess(self):
        for value, error in [({"Ref": "Nobody"}, KeyError), ({"Fn::Cidr": ["10.0.0.0/8"]}, NotImplementedError)]:
            with self.assertRaises(error):
                resolver().value(value)


if __name__ == "__main__":
    unittest.main()
