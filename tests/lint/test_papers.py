import tempfile
import unittest
from pathlib import Path

import papers
from papers import Paper


def written(**texts: str) -> dict[Path, Paper]:
    """Papers by name without `.md`; two underscores stand for a slash."""
    paths = {Path(name.replace("__", "/") + ".md"): text for name, text in texts.items()}
    return {path: Paper(path, text) for path, text in paths.items()}


class Links(unittest.TestCase):
    def findings(self, sources: dict[str, str] | None = None, **texts: str) -> list[str]:
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        files = {str(path): paper.text for path, paper in written(**texts).items()} | (sources or {})
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return papers.broken_links(written(**texts), root)

    def test_leads_to_a_file(self):
        self.assertEqual(self.findings(a="[x](docs/b.md) [y](https://aws.amazon.com/none)", docs__b="[back](../a.md)"), [])
        self.assertEqual(self.findings(a="\n[x](docs/c.md)"), ["a.md:2: there is no docs/c.md"])

    def test_leads_to_a_heading(self):
        text = "# What's `this`, now?\n## Same\n## Same\n[1](#whats-this-now) [2](#same-1)"
        self.assertEqual(self.findings(a=text), [])
        self.assertEqual(self.findings(a=text, b="[x](a.md#same-2)"), ["b.md:1: a.md has no heading #same-2"])

    def test_is_none_in_code(self):
        self.assertEqual(self.findings(a="```\n[x](none)\n# Heading\n```\n\n    [x](none)\n\nend\n"), [])

    def test_names_what_the_source_defines(self):
        source = {"src/verdict.rs": "pub fn judge() {}\nenum E {\n    Succeeded,\n}\n"}
        fine = "[`verdict::judge`](src/verdict.rs) [`Succeeded`](src/verdict.rs) [`verdict`](src/verdict.rs) [`src/verdict.rs`](src/verdict.rs)"
        self.assertEqual(self.findings(source, a=fine), [])
        wrong = "[`verdict::decide()`](src/verdict.rs)"
        self.assertEqual(self.findings(source, a=wrong), ["a.md:1: src/verdict.rs does not define decide"])


class Files(unittest.TestCase):
    def test_a_file_named_in_code_exists(self):
        root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (root / "tests").mkdir()
        (root / "tests/one.json").write_text("{}")
        text = "`tests/one.json` `tests/<name>.json` `target/tests/x` prose: docs/none.md\n\n    make play FILE=tests/two.json\n"
        self.assertEqual(papers.missing_files(written(a=text), root), ["a.md: there is no tests/two.json"])


class Reach(unittest.TestCase):
    def test_every_paper_is_reached_from_the_first(self):
        found = written(README="[a](docs/a.md)", docs__a="[b](b.md#x)", docs__b="", docs__lost="[b](b.md)")
        self.assertEqual(papers.unreached(found, Path("README.md")), ["docs/lost.md: no link leads here from README.md"])


class Targets(unittest.TestCase):
    def test_a_target_named_in_code_exists(self):
        makefile = "lint: x ## y\n\techo\nVENV := no\n.PHONY: lint\n"
        fine = written(a="`make lint`, and make sure of it\n\n    make lint FILE=x   # all\n")
        self.assertEqual(papers.unknown_targets(fine, makefile), [])
        wrong = written(a="run `make it`\n\n```sh\nmake lint && make all\n```\n")
        self.assertEqual(papers.unknown_targets(wrong, makefile), ["a.md: the Makefile has no target all", "a.md: the Makefile has no target it"])


    def test_a_package_named_in_code_exists(self):
        found = written(a="`cargo test -p world`\n\n    cargo run --package none -- x\n")
        self.assertEqual(papers.unknown_packages(found, ['[package]\nname = "world"\n']), ["a.md: the workspace has no package none"])


class Template(unittest.TestCase):
    TEMPLATE = """\
Parameters:
  Group:
    Type: String

  # A comment.
  Timeout:
    Type: Number
    Default: 600
  Table:
    Type: String
    Default: ""

Resources:
  Function:
    Type: X
Outputs:
  Arn:
    Value: x
"""

    def findings(self, text: str) -> list[str]:
        return papers.undocumented(self.TEMPLATE, Paper(Path("o.md"), text))

    def test_every_parameter_and_output_is_documented(self):
        rows = "| `Group` | – | the group |\n| `Timeout` | 600 | seconds |\n| `Table` | empty | a name |\n"
        self.assertEqual(self.findings(rows + "`Arn`"), [])
        self.assertEqual(self.findings(rows.replace("600", "900") + "`Arn`"), ["o.md: the default of Timeout is 600, not 900"])
        self.assertEqual(self.findings(rows), ["o.md: does not name the output Arn"])
        self.assertEqual(self.findings("`Group` `Arn`" + rows[25:]), ["o.md: there is no row for the parameter Group"])



class Console(unittest.TestCase):
    def test_a_parameter_has_a_label_and_a_group(self):
        template = """Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: { default: What }
        Parameters: [One, Two]
    ParameterLabels:
      One: { default: The first }
      Three: { default: The third }
Parameters:
  One:
    Type: String
  Two:
    Type: String
  Three:
    Type: String
"""
        self.assertEqual([finding.split()[1] for finding in papers.unlabelled(template)], ["Two", "Three"])


if __name__ == "__main__":
    unittest.main()
