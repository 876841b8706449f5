"""Checks that the imports of functions/ have one direction.

    python tests/lint/imports.py        exit status 1, and a line for each finding, when one of these does not hold:

1. No circle between files: over `use` and over paths in code (`crate::`, `super::`, `self::`, names of sibling crates and of
   imported modules). A re-exported name counts for the file that defines it. A parent that only declares (`mod`) or re-exports
   (`pub use`) its child does not import it.
2. Crates depend in the direction of CRATES, and the folders inside `turnstile` in the direction of LAYERS.
3. The dependency tree of `turnstile` has no AWS SDK, no async runtime and no Lambda runtime.

Why not cargo-modules: it looks at one crate at a time, knows no layers, and is a build of rust-analyzer's crates on every machine
that lints.
"""

import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rust import Module, read

FUNCTIONS = Path("functions")

# Which crates of functions/ a crate there may depend on, by folder. Every other folder is a function.
CRATES = {"turnstile": set(), "aws": {"turnstile"}}
CRATES_OF_A_FUNCTION = {"aws", "turnstile"}

# Folders inside functions/turnstile/src: each may import itself and those before it.
LAYERS = ("limits", "words", "policy")

# What decides is plain data and pure functions: none of these may be below it.
IMPURE = re.compile(r"aws[-_].*|tokio.*|async.*|futures.*|lambda.*|hyper.*|reqwest.*")


@dataclass(frozen=True)
class Edge:
    """One file names something that another one defines."""

    source: Path
    target: Path
    line: int
    path: str

    def __str__(self) -> str:
        return f"  {self.source}:{self.line} names {self.path} of {self.target}"


# Which file a path leads to


class Crates:
    """The module trees of several crates. A crate with a library and a program has one for each."""

    def __init__(self, roots: Iterable[Module]):
        self.roots = list(roots)
        self.libraries = {root.name: root for root in self.roots if root.file.name == "lib.rs"}

    def edges(self) -> list[Edge]:
        """Each pair of files once, with the first line that makes it."""
        found: dict[tuple[Path, Path], Edge] = {}
        for root in self.roots:
            for module in root.tree():
                for entry in module.imports:
                    target = self._resolve(module, entry.path, set())
                    if target is None or target.file == module.file:
                        continue
                    if entry.public and _is_below(target, module):
                        continue
                    edge = Edge(module.file, target.file, entry.line, "::".join(entry.path))
                    found.setdefault((edge.source, edge.target), edge)
        return list(found.values())

    def _resolve(self, module: Module, path: tuple[str, ...], seen: set) -> Module | None:
        """The module that defines what the path leads to; None when that is in none of these crates."""
        step = (id(module), path)
        if step in seen:
            return None
        seen.add(step)
        first, rest = path[0], path[1:]
        if first == "crate":
            return self._descend(module.root(), rest, seen)
        if first == "self":
            return self._descend(module, rest, seen)
        if first == "super":
            while rest[:1] == ("super",) and module.parent:
                module, rest = module.parent, rest[1:]
            return self._descend(module.parent, rest, seen) if module.parent else None
        if self._has(module, first, seen):
            return self._descend(module, path, seen)
        if first in self.libraries:
            return self._descend(self.libraries[first], rest, seen)
        return None

    def _descend(self, module: Module, path: tuple[str, ...], seen: set) -> Module:
        for place, name in enumerate(path):
            if name in module.children:
                module = module.children[name]
                continue
            if name in module.items:
                return module
            if name in module.names and module.names[name].path != path[place:]:
                return self._resolve(module, module.names[name].path + path[place + 1 :], seen) or module
            for entry in module.globs:
                source = self._resolve(module, entry.path, set(seen))
                if source and source is not module and self._has(source, name, set()):
                    return self._descend(source, path[place:], seen)
            return module
        return module

    def _has(self, module: Module, name: str, seen: set) -> bool:
        step = (id(module), name)
        if step in seen:
            return False
        seen.add(step)
        # `use a::{self}` and `use serde;` know a name by itself: they bring nothing that the name alone does not lead to.
        if name in module.children or name in module.items or (name in module.names and module.names[name].path[0] != name):
            return True
        sources = [self._resolve(module, entry.path, seen) for entry in module.globs]
        return any(source is not None and self._has(source, name, seen) for source in sources)


def _is_below(module: Module, ancestor: Module) -> bool:
    return module.parent is not None and (module.parent is ancestor or _is_below(module.parent, ancestor))


# What must hold


def circles(edges: Iterable[Edge]) -> list[list[Edge]]:
    """A shortest circle for each group of files that reach one another."""
    leaving: dict[Path, list[Edge]] = {}
    for edge in sorted(edges, key=lambda edge: (str(edge.source), edge.line, str(edge.target))):
        leaving.setdefault(edge.source, []).append(edge)
    found, covered = [], set()
    for start in sorted(leaving, key=str):
        if start in covered:
            continue
        circle = _shortest_circle(leaving, start)
        if circle:
            found.append(circle)
            covered |= _reachable(leaving, start) & {file for file in leaving if start in _reachable(leaving, file)}
    return found


def _shortest_circle(leaving: dict[Path, list[Edge]], start: Path) -> list[Edge] | None:
    queue, before = deque([start]), {}
    while queue:
        file = queue.popleft()
        for edge in leaving.get(file, ()):
            if edge.target == start:
                circle = [edge]
                while circle[0].source != start:
                    circle.insert(0, before[circle[0].source])
                return circle
            if edge.target not in before:
                before[edge.target] = edge
                queue.append(edge.target)
    return None


def _reachable(leaving: dict[Path, list[Edge]], start: Path) -> set[Path]:
    reached, queue = set(), [start]
    while queue:
        for edge in leaving.get(queue.pop(), ()):
            if edge.target not in reached:
                reached.add(edge.target)
                queue.append(edge.target)
    return reached


def upward(edges: Iterable[Edge], sources: Path) -> list[Edge]:
    """The imports that lead from one of LAYERS to a later one, in the folder of a crate's sources."""

    def layer(file: Path) -> int | None:
        if not file.is_relative_to(sources):
            return None
        first = file.relative_to(sources).parts[0].removesuffix(".rs")
        return LAYERS.index(first) if first in LAYERS else None

    return [
        edge
        for edge in edges
        if (source := layer(edge.source)) is not None and (target := layer(edge.target)) is not None and source < target
    ]


def wrong_dependencies(depends: dict[str, set[str]]) -> list[str]:
    """The dependencies between folders of functions/ that CRATES does not allow."""
    return [
        f"functions/{folder}/Cargo.toml: may not depend on functions/{other}"
        for folder, others in sorted(depends.items())
        for other in sorted(others - CRATES.get(folder, CRATES_OF_A_FUNCTION))
    ]


def impure(tree: Iterable[str]) -> list[str]:
    """The crates of a `cargo tree --prefix none` that have no place below the decisions."""
    return sorted({name for line in tree if (name := line.split(" ")[0]) and IMPURE.fullmatch(name)})


def main() -> int:
    packages = [
        package
        for package in json.loads(_cargo("metadata", "--no-deps", "--format-version", "1"))["packages"]
        if Path(package["manifest_path"]).is_relative_to(FUNCTIONS.absolute())
    ]
    folder_of = {package["name"]: Path(package["manifest_path"]).parent.name for package in packages}
    depends = {
        folder_of[package["name"]]: {
            folder_of[dependency["name"]] for dependency in package["dependencies"] if dependency["name"] in folder_of
        }
        for package in packages
    }
    roots = [
        read(Path(target["src_path"]).relative_to(Path.cwd()), target["name"].replace("-", "_"))
        for package in packages
        for target in package["targets"]
        if target["kind"] in (["lib"], ["bin"])
    ]
    edges = Crates(roots).edges()

    findings = wrong_dependencies(depends)
    for circle in circles(edges):
        findings += ["files import one another in a circle, of which this is the shortest way round:", *map(str, circle)]
    for edge in upward(edges, FUNCTIONS / "turnstile" / "src"):
        findings += [f"functions/turnstile goes {', then '.join(reversed(LAYERS))}, and never back:", str(edge)]
    tree = _cargo("tree", "--package", "turnstile", "--edges", "normal", "--prefix", "none")
    if below := impure(tree.splitlines()):
        findings.append(f"functions/turnstile: what decides may not depend on {', '.join(below)}")
        findings.append(f"  how it comes in: cargo tree --package turnstile --edges normal --invert {below[0]}")
    print("\n".join(findings) or f"imports: {len({e.source for e in edges})} files, {len(edges)} imports between them, one direction")
    return 1 if findings else 0


def _cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
