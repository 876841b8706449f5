"""Is every command of the papers one that the AWS CLI takes? It is asked of version 1, whose calls have the same options as those of version 2."""

import contextlib
import io
import os
import re
import shlex
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from awscli.clidriver import CLIDriver, create_clidriver

from deploy.commands import of_text

PROJECT = Path(__file__).parents[2]
PAPERS = ["README.md", "docs/operating.md"]
# These are no calls: the CLI makes them of several, and of files.
OF_THE_CLI = [("cloudformation", "package"), ("cloudformation", "deploy")]


def aws_commands(text: str) -> list[list[str]]:
    """The words of each AWS CLI command, without its redirections, also of those within others."""
    found = []
    for command in of_text(text):
        inner = re.findall(r"\$\((aws [^()]*)\)", command)
        outer = re.sub(r"\$\([^()]*\)", "x", command)
        for one in [outer, *inner]:
            for part in re.split(r" && |; ", re.sub(r"<[^<>]*>", "x", one).replace("…", "x")):
                part = re.split(r" \| | > ", part)[0].removeprefix("until ")
                if part.startswith("aws "):
                    # The value of an S3 location that is left out.
                    found.append(shlex.split(part.replace("--s3-location x", "--s3-location bucket=b,key=k,bundleType=zip"))[1:])
    return found


class Papers(unittest.TestCase):
    def test_words_are_those_that_the_shell_would_give(self):
        text = "\n\n    until aws a b …; do sleep 1; done\n    x=$(aws c d --e 'f g')\n    aws h <Name of it> > file\n    sam build\n"
        self.assertEqual(aws_commands(text), [["a", "b", "x"], ["c", "d", "--e", "f g"], ["h", "x"]])

    def test_the_cli_takes_every_command(self):
        driver = create_clidriver()
        environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        for paper in PAPERS:
            text = (PROJECT / paper).read_text(encoding="utf-8")
            found = aws_commands(text)
            # Counted in another way, so that none is passed over.
            typed = [line for line in text.splitlines() if line.startswith("    ")]
            self.assertEqual(len(found), sum(len(re.findall(r"(?<![\w/])aws [a-z0-9]+ [a-z]", line)) for line in typed), paper)
            for words in found:
                if tuple(words[:2]) in OF_THE_CLI:
                    continue
                with self.subTest(paper=paper, command=" ".join(words)):
                    self.assertIsNone(refusal(driver, words, environment))
        self.assertIn("Unknown options", refusal(driver, ["autoscaling", "suspend-processes", "--auto-scaling-group-name", "a", "--process", "b"], environment))


def refusal(driver: CLIDriver, words: list[str], environment: dict[str, str]) -> str | None:
    """What the CLI says instead of making a request; None when it makes one, which goes no further."""
    said = io.StringIO()
    request = mock.patch("botocore.endpoint.Endpoint.make_request", side_effect=ConnectionError)
    with mock.patch.dict(os.environ, environment), tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), request as made:
        # What an earlier command of the recipe leaves.
        Path("body.json").write_text("{}")
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
            driver.main(words)
        return None if made.called else said.getvalue()


if __name__ == "__main__":
    unittest.main()
