"""Computes what the stack costs in a month in which nothing launches, from template.yaml and from the table of metrics in docs/operating.md.

    python tests/lint/cost.py            prints it
    python tests/lint/cost.py --check    exit status 1, and a line, when docs/operating.md says something else

The prices are those of us-east-1 on https://aws.amazon.com/cloudwatch/pricing, in US dollars a month, beyond the free tier.
"""

import re
import sys
from pathlib import Path

from permissions import TEMPLATE, read

PAPER = Path("docs/operating.md")

ALARM = 0.10  # for each metric of a standard-resolution alarm
DASHBOARD = 3.00
METRIC = 0.30  # for each metric and set of dimensions that is told all the time

ROW = re.compile(r"^\| `\w+` \| \w+ \| (?P<dimensions>[^|]+) \| always", re.MULTILINE)


def standing(template: dict, paper: str) -> str:
    """The paragraph."""
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    alarms, dashboards = kinds.count("AWS::CloudWatch::Alarm"), kinds.count("AWS::CloudWatch::Dashboard")
    metrics = sum(len(row["dimensions"].split(";")) for row in ROW.finditer(paper))
    cost = alarms * ALARM + dashboards * DASHBOARD + metrics * METRIC
    return (
        f"While nothing launches, the stack costs ${cost:.2f} a month beyond AWS's free tier: {alarms} alarms at ${ALARM:.2f}, "
        f"{dashboards} dashboard at ${DASHBOARD:.2f}, and {metrics} metrics at ${METRIC:.2f}. Saved queries cost nothing until they are run."
    )


def main() -> int:
    paper = PAPER.read_text()
    text = standing(read(TEMPLATE.read_text()), paper)
    if "--check" not in sys.argv:
        print(text)
    elif text not in paper:
        print(f"{PAPER}: what the stack costs is not what `python tests/lint/cost.py` prints")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
