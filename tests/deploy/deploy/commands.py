"""The README's commands, so that the test cannot drift from what a reader types."""

import re
from pathlib import Path


class Missing(Exception):
    """A section, or a command in it, that the test needs is not in the paper."""


def of_section(text: str, heading: str) -> list[str]:
    """The commands of a section's indented blocks, one a line; a line that ends with a backslash goes on in the next."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    if not section:
        raise Missing(f"there is no section {heading!r}")
    return of_text(section[1])


def of_text(text: str) -> list[str]:
    """The commands of a text's indented blocks, as for a section. A quoted text may go on in the next line."""
    blocks = re.findall(r"(?:^|(?<=\n))\n((?:    .*\n?)+)", text)
    lines = [line.strip() for line in re.sub(r"\\\n\s*", "", "".join(blocks)).splitlines()]
    commands: list[str] = []
    for line in filter(None, lines):
        if commands and commands[-1].startswith("aws ") and commands[-1].count("'") % 2:
            commands[-1] += line
        else:
            commands.append(line)
    return commands


def of_paper(paper: Path, heading: str) -> list[str]:
    try:
        return of_section(paper.read_text(encoding="utf-8"), heading)
    except Missing as missing:
        raise Missing(f"{paper}: {missing}") from None


def the_one(commands: list[str], start: str, *parts: str) -> str:
    """The only command that begins so, and has these parts."""
    found = [command for command in commands if command.startswith(start) and all(part in command for part in parts)]
    if len(found) != 1:
        raise Missing(f"{len(found)} commands begin with {start!r} and have {parts}, and one should: {commands}")
    return found[0]
