import unittest

import cost

PAPER = """
| `A` | Count | – | always: 1 or 0 |
| `B` | Count | –; `Error` | always |
| `C` | Count | – | at each end |
"""


class Cost(unittest.TestCase):
    def test_what_stands_is_counted(self):
        kinds = ["AWS::CloudWatch::Alarm"] * 2 + ["AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"]
        template = {"Resources": {str(n): {"Type": kind} for n, kind in enumerate(kinds)}}
        text = cost.standing(template, PAPER)
        self.assertIn("costs $4.10 a month", text)
        self.assertIn("2 alarms at $0.10, 1 dashboard at $3.00, and 3 metrics at $0.30", text)


if __name__ == "__main__":
    unittest.main()
