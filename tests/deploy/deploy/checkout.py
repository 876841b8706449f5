"""A clone of the project, in which the README's commands run."""

import shutil
import subprocess
from pathlib import Path

from .cloud import Cloud


class Failed(Exception):
    """The deployment is not as it should be."""


class Checkout:
    """A clone of the project as the README's reader has it. It shares the compiled functions with this one: what is built is the same."""

    def __init__(self, project: Path, folder: Path, log: Path, cloud: Cloud):
        self.folder = folder
        self.log = log
        self._cloud = cloud
        self._tools = [project / ".venv/sam/bin", project / ".venv/cloud/bin"]
        folder.mkdir(parents=True)
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout
        for name in sorted({line.split("/")[0] for line in listed.splitlines()}):
            source = project / name
            if source.is_dir():
                (folder / name).symlink_to(source)
            elif source.exists():
                shutil.copy(source, folder / name)

    def run(self, command: str) -> str:
        """A command of the README, as a reader types it."""
        print(f"    $ {command}", flush=True)
        environment = self._cloud.environment()
        environment["PATH"] = ":".join([*map(str, self._tools), environment["PATH"]])
        # The make in which this test may run is no part of what the reader does.
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            environment.pop(name, None)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with self.log.open("a") as log:
            log.write(f"$ {command}\n{done.stdout}\n")
        if done.returncode != 0:
            raise Failed(f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise Failed(f"{name} has {old!r} {text.count(old)} times, and once is expected")
        path.write_text(text.replace(old, new), encoding="utf-8")
