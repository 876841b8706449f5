"""Reads the modules of Rust sources, and the paths that each of them names. Just as much of the language as imports.py needs."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Import:
    """A path as it is written in a module."""

    path: tuple[str, ...]
    line: int
    public: bool = False


@dataclass
class Module:
    """A module: a file, or an inline `mod name { … }` of one."""

    file: Path
    name: str
    parent: "Module | None" = None
    children: dict[str, "Module"] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    names: dict[str, Import] = field(default_factory=dict)
    globs: list[Import] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)

    def root(self) -> "Module":
        return self.parent.root() if self.parent else self

    def tree(self) -> Iterator["Module"]:
        yield self
        for child in self.children.values():
            yield from child.tree()


TOKEN = re.compile(
    r"""
      (?P<space> \s+ | //[^\n]* )
    | (?P<comment> /\* )
    | (?P<literal> b?c?r(?P<hashes>\#*)".*?"(?P=hashes) | [bc]?"(?:\\.|[^"\\])*" | b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])' | '\w+ )
    | (?P<token> (?:r\#)?[^\W\d]\w* | :: | . )
    """,
    re.VERBOSE | re.DOTALL,
)
WORD = re.compile(r"(?:r#)?[^\W\d]\w*\Z")
ITEM_KEYWORDS = {"fn", "struct", "enum", "union", "trait", "type", "const", "static"}


def tokens(source: str) -> list[tuple[str, int]]:
    """The words and signs of Rust source with their line numbers, without comments, literals and lifetimes."""
    found, at = [], 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match["comment"]:
            at = _end_of_comment(source, at)
            continue
        if match["token"]:
            found.append((match["token"].removeprefix("r#"), source.count("\n", 0, at) + 1))
        at = match.end()
    return found


def _end_of_comment(source: str, start: int) -> int:
    """Rust's block comments nest."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", source[start:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return len(source)


def read(file: Path, name: str) -> Module:
    """The module tree whose root is the file: a crate's `lib.rs` or `main.rs`."""
    module = Module(file, name)
    _read_file(module, file.parent)
    return module


def _read_file(module: Module, folder: Path) -> None:
    """Reads the module's file, and those of its `mod name;`, which are in the folder."""
    stream = tokens(module.file.read_text(encoding="utf-8"))
    scopes: list[Module | None] = [module]  # None: a block that is no module
    folders = [folder]
    at, public = 0, False
    while at < len(stream):
        word, line = stream[at]
        following = stream[at + 1][0] if at + 1 < len(stream) else ""
        here = next(scope for scope in reversed(scopes) if scope)
        if word == "{":
            scopes.append(None)
        elif word == "}":
            if scopes.pop() is not None:
                folders.pop()
            public = False
        elif word == ";":
            public = False
        elif word == "pub":
            public = True
        elif word == "mod" and WORD.match(following):
            child = here.children[following] = Module(here.file, following, here)
            inline = stream[at + 2][0] == "{"
            if inline:
                scopes.append(child)
                folders.append(folders[-1] / following)
            else:
                child.file = _file_of(folders[-1], following, here.file, line)
                _read_file(child, folders[-1] / following)
            at += 3
            public = False
            continue
        elif word == "use" and following != "<":
            at, imports = _use(stream, at + 1, ())
            for path, alias, at_line in imports:
                entry = Import(path, at_line, public)
                here.imports.append(entry)
                if alias == "*":
                    here.globs.append(entry)
                else:
                    here.names[alias] = entry
            continue
        elif word in ITEM_KEYWORDS and WORD.match(following) and scopes[-1] is not None:
            here.items.add(following)
        elif word == "macro_rules" and stream[at + 2 : at + 3]:
            here.items.add(stream[at + 2][0])
        elif WORD.match(word) and following == "::" and (at == 0 or stream[at - 1][0] != "::"):
            path = [word]
            while at + 2 < len(stream) and stream[at + 1][0] == "::" and WORD.match(stream[at + 2][0]):
                path.append(stream[at + 2][0])
                at += 2
            here.imports.append(Import(tuple(path), line))
        at += 1


def _file_of(folder: Path, name: str, parent: Path, line: int) -> Path:
    for file in (folder / f"{name}.rs", folder / name / "mod.rs"):
        if file.exists():
            return file
    sys.exit(f"{parent}:{line}: there is no file for `mod {name};` in {folder} (`#[path]` is not supported)")


def _use(stream: list[tuple[str, int]], at: int, prefix: tuple[str, ...]) -> tuple[int, list[tuple[tuple[str, ...], str, int]]]:
    """Reads a use tree: where it ends, and (path, name it is known by here, line) for each of its leaves."""
    path, line = list(prefix), stream[at][1]
    while True:
        word, line = stream[at]
        if word == "{":
            leaves, at = [], at + 1
            while stream[at][0] != "}":
                at, some = _use(stream, at, tuple(path))
                leaves += some
                at += stream[at][0] == ","
            return at + 1, leaves
        if word == "*":
            return at + 1, [(tuple(path), "*", line)]
        if word == "as":
            return at + 2, [(tuple(path), stream[at + 1][0], line)]
        if word in (",", "}", ";"):
            return at, [(tuple(path), path[-1], line)]
        if word == "self" and path:  # `use a::{self}` imports `a`
            alias = stream[at + 2][0] if stream[at + 1][0] == "as" else path[-1]
            return at + (3 if stream[at + 1][0] == "as" else 1), [(tuple(path), alias, line)]
        if word != "::":
            path.append(word)
        at += 1
