import unittest

from deploy.commands import Missing, of_section, of_text, the_one

PAPER = """# Turnstile

## Deploy it

### From source

You need SAM:

    cp example.toml samconfig.toml      # edit it
    sam build

Then:

    sam deploy --parameter-overrides \\
      Group=web

### From a release

    aws cloudformation deploy
"""


class Commands(unittest.TestCase):
    def test_a_section_s_commands_are_those_of_its_blocks(self):
        expected = ["cp example.toml samconfig.toml      # edit it", "sam build", "sam deploy --parameter-overrides Group=web"]
        self.assertEqual(of_section(PAPER, "From source"), expected)
        self.assertEqual(of_section(PAPER, "From a release"), ["aws cloudformation deploy"])

    def test_blocks_need_nothing_but_an_empty_line_between_them(self):
        self.assertEqual(of_text("\n\n    aws a\n\n    aws b '{\n      c}'\n"), ["aws a", "aws b '{c}'"])

    def test_a_section_has_to_be_there(self):
        with self.assertRaises(Missing):
            of_section(PAPER, "From scratch")

    def test_one_command_begins_so(self):
        found = of_section(PAPER, "From source")
        self.assertEqual(the_one(found, "sam build"), "sam build")
        for start in ("sam", "git"):
            with self.assertRaises(Missing):
                the_one(found, start)


if __name__ == "__main__":
    unittest.main()
