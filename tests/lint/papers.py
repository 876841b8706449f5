"""Checks what can be checked of the project's papers, which are its Markdown files.

    python tests/lint/papers.py        exit status 1, and a line for each finding, when one of these does not hold:

1. A relative link leads to a file, and its #anchor to a heading there.
2. A link whose text is code, such as [`verdict::judge`](…/verdict.rs), leads to a Rust file that defines that name.
3. A file or folder of the project that is named in code exists.
4. README.md leads, link by link, to every paper.
5. A `make` target that is named in code is one of the Makefile, and a package of `cargo -p` is one of the workspace.
6. docs/operating.md has a row for every parameter of template.yaml, with its default, and names every output.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

OPERATING = Path("docs/operating.md")
TEMPLATE = Path("template.yaml")
MAKEFILE = Path("Makefile")

FENCE = re.compile(r"^( *)(```+|~~~+)[^\n]*\n.*?^\1\2 *$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)(?:    [^\n]*\n|\n)+")
LINK = re.compile(r"!?\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<target>[^()\s]+(?:\([^()]*\))?)\)")
HEADING = re.compile(r"^#{1,6} +(.*?) *#* *$", re.MULTILINE)


@dataclass
class Paper:
    """One Markdown file, by its path from the project's folder."""

    path: Path
    text: str

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return INDENTED.sub(_blank, FENCE.sub(_blank, self.text))

    @cached_property
    def code(self) -> list[str]:
        """Its blocks of code, and the code in its lines."""
        blocks = [match.group() for match in FENCE.finditer(self.text)]
        blocks += [match.group() for match in INDENTED.finditer(FENCE.sub(_blank, self.text))]
        return blocks + re.findall(r"`([^`\n]+)`", self.prose)

    @cached_property
    def links(self) -> list[tuple[int, str, str]]:
        """(line, text, target) of each link to a file of the project, or to a heading of this one."""
        return [
            (self.prose.count("\n", 0, match.start()) + 1, match["text"], match["target"])
            for match in LINK.finditer(self.prose)
            if not re.match(r"[a-z]+:", match["target"])
        ]

    @cached_property
    def anchors(self) -> set[str]:
        """The names by which GitHub knows the headings."""
        found: dict[str, int] = {}
        anchors = set()
        for heading in HEADING.findall(self.prose):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
            name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            anchors.add(f"{name}-{found[name]}" if name in found else name)
            found[name] = found.get(name, 0) + 1
        return anchors


def _blank(match: re.Match) -> str:
    """As many empty lines, so that line numbers stay."""
    return "\n" * match.group().count("\n")


def broken_links(papers: dict[Path, Paper], root: Path) -> list[str]:
    findings = []
    for paper in papers.values():
        for line, text, target in paper.links:
            name, _, anchor = target.partition("#")
            path = _normal(paper.path.parent / name) if name else paper.path
            where = f"{paper.path}:{line}: "
            if not (root / path).exists():
                findings.append(f"{where}there is no {path}")
            elif anchor and path in papers and anchor not in papers[path].anchors:
                findings.append(f"{where}{path} has no heading #{anchor}")
            elif path.suffix == ".rs" and (symbol := re.fullmatch(r"`(?:[\w-]+::)*(\w+)(?:\(\))?`", text)):
                if not _defines((root / path).read_text(encoding="utf-8"), symbol[1]) and symbol[1] != path.stem:
                    findings.append(f"{where}{path} does not define {symbol[1]}")
    return findings


def _normal(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def _defines(source: str, symbol: str) -> bool:
    return re.search(rf"\b(?:fn|struct|enum|trait|type|const|static|mod|macro_rules!) {symbol}\b|^\s+{symbol}\b[,{{( ]", source, re.MULTILINE) is not None


def missing_files(papers: dict[Path, Paper], root: Path) -> list[str]:
    path = re.compile(r"(?<![\w./-])(?:functions|statemachine|tests|docs)/[\w./-]*\w")
    named = {(paper.path, name) for paper in papers.values() for code in paper.code for name in path.findall(code)}
    return [f"{paper}: there is no {name}" for paper, name in sorted(named) if not (root / name).exists()]


def unreached(papers: dict[Path, Paper], start: Path) -> list[str]:
    reached, queue = {start}, [start]
    while queue:
        paper = papers[queue.pop()]
        for _, _, target in paper.links:
            path = _normal(paper.path.parent / target.partition("#")[0])
            if path in papers and path not in reached:
                reached.add(path)
                queue.append(path)
    return [f"{path}: no link leads here from {start}" for path in sorted(set(papers) - reached)]


def unknown_targets(papers: dict[Path, Paper], makefile: str) -> list[str]:
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    findings = []
    for paper in papers.values():
        named = {name for code in paper.code for name in re.findall(r"\bmake ([a-z][\w-]*)", code)}
        findings += [f"{paper.path}: the Makefile has no target {name}" for name in sorted(named - targets)]
    return findings


def unknown_packages(papers: dict[Path, Paper], manifests: list[str]) -> list[str]:
    packages = {name[1] for manifest in manifests if (name := re.search(r'^name = "(.+)"$', manifest, re.MULTILINE))}
    findings = []
    for paper in papers.values():
        named = {name for code in paper.code for name in re.findall(r"\bcargo \w+ (?:-p|--package) ([\w-]+)", code)}
        findings += [f"{paper.path}: the workspace has no package {name}" for name in sorted(named - packages)]
    return findings


def undocumented(template: str, operating: Paper) -> list[str]:
    """The parameters and outputs of the template that the operator's reference lacks, or whose default it has wrong."""
    findings = []
    for name, body in _entries(template, "Parameters"):
        default = re.search(r"^    Default: *(.*)$", body, re.MULTILINE)
        expected = (default[1].strip("'\"") or "empty") if default else "–"
        row = re.search(rf"^\| `{name}` \| *`?([^|`]*?)`? *\|", operating.text, re.MULTILINE)
        if not row:
            findings.append(f"{operating.path}: there is no row for the parameter {name}")
        elif row[1] != expected:
            findings.append(f"{operating.path}: the default of {name} is {expected}, not {row[1]}")
    for name, _ in _entries(template, "Outputs"):
        if f"`{name}`" not in operating.text:
            findings.append(f"{operating.path}: does not name the output {name}")
    return findings


def unlabelled(template: str) -> list[str]:
    """The parameters that the CloudFormation console shows without a label, or apart from the groups."""
    label, group = r"^      {}: \{{ default: ", r"^        Parameters: \[.*\b{}\b.*\]$"
    return [
        f"{TEMPLATE}: {name} has no label or no group (AWS::CloudFormation::Interface)"
        for name, _ in _entries(template, "Parameters")
        if not all(re.search(form.format(name), template, re.MULTILINE) for form in (label, group))
    ]


def _entries(template: str, section: str) -> list[tuple[str, str]]:
    """The entries of a top-level section of a CloudFormation template, each with its lines."""
    body = re.search(rf"^{section}:\n((?:(?:[ #].*)?\n)*)", template + "\n", re.MULTILINE)
    if not body:
        sys.exit(f"{TEMPLATE} has no {section}")
    return re.findall(r"^  (\w+):\n((?:(?:    .*)?\n)*)", body[1], re.MULTILINE)


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], check=True, stdout=subprocess.PIPE, text=True)
    papers = {path: Paper(path, path.read_text(encoding="utf-8")) for path in map(Path, listed.stdout.splitlines()) if path.exists()}
    findings = [
        *broken_links(papers, Path()),
        *missing_files(papers, Path()),
        *unreached(papers, Path("README.md")),
        *unknown_targets(papers, MAKEFILE.read_text(encoding="utf-8")),
        *unknown_packages(papers, [path.read_text(encoding="utf-8") for path in Path().glob("*/*/Cargo.toml")]),
        *undocumented(TEMPLATE.read_text(encoding="utf-8"), papers[OPERATING]),
        *unlabelled(TEMPLATE.read_text(encoding="utf-8")),
    ]
    links = sum(len(paper.links) for paper in papers.values())
    print("\n".join(findings) or f"papers: {len(papers)} files, {links} links")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
