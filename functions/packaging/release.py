"""Packs a release from the compiled bootstraps: into dist/, for both architectures, unless told otherwise.

    python functions/packaging/release.py FUNCTION...        from the project's folder; SOURCE_DATE_EPOCH is the time that every packed file gets

The same sources give the same bytes, whoever packs them, where and when.
"""

import argparse
import gzip
import hashlib
import io
import os
import posixpath
import re
import tarfile
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import materials

TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
DEFINITION = "rollout.asl.json"
# What the alarms' descriptions send the reader to, and what that shows; what a release brings.
PAPERS = ["CHANGELOG.md", "README.md", "docs/architecture.md", "docs/failures.md", "docs/operating.md", "docs/rollout.svg", "docs/timeline.svg"]


class Unexpected(Exception):
    """template.yaml is not of the form that a release can be made of."""


def template(source: str, architecture: str, functions: list[str]) -> str:
    """template.yaml for one architecture, with the packed functions in place of what `sam build` builds."""
    text = _replaced(source, r"^    # `sam build` makes .*\n    CodeUri: .*\n", "", 1)
    text = _replaced(text, r"^      DefinitionUri: statemachine/(.*)$", r"      DefinitionUri: \1", 1)
    text = _replaced(text, r"^    Default: arm64\n    AllowedValues: \[arm64, x86_64\]$", f"    Default: {architecture}\n    AllowedValues: [{architecture}]", 1)

    def code(match: re.Match) -> str:
        function = re.sub(r"(?<!^)(?=[A-Z])", "-", match[1]).lower()
        if function not in functions:
            raise Unexpected(f"{match[1]}Function: there is no function {function}")
        return f"{match[0]}      CodeUri: {function}.zip\n".replace("    Metadata: { BuildMethod: makefile }\n", "")

    form = r"^  (\w+)Function:\n    Type: AWS::Serverless::Function\n(?:    DependsOn: .+\n)?    Metadata: \{ BuildMethod: makefile \}\n    Properties:\n"
    return _replaced(text, form, code, len(functions))


def _replaced(text: str, pattern: str, replacement, times: int) -> str:
    text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    if found != times:
        raise Unexpected(f"template.yaml has {pattern!r} {found} times, not {times}")
    return text


def paper(name: str, content: bytes, packed_with: set[str]) -> bytes:
    """A paper without its links to files that only the sources have: their texts stay."""
    if not name.endswith(".md"):
        return content

    def link(match: re.Match) -> str:
        target = match[2].split("#")[0]
        is_there = not target or "://" in target or posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in packed_with
        return match[0] if is_there else match[1]

    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", link, content.decode()).encode()


def packed(bootstrap: bytes, epoch: int) -> bytes:
    """A function's deployment package."""
    file = zipfile.ZipInfo("bootstrap", datetime.fromtimestamp(epoch, UTC).timetuple()[:6])
    file.external_attr = 0o100755 << 16
    file.create_system = 3
    file.compress_type = zipfile.ZIP_DEFLATED
    packet = io.BytesIO()
    with zipfile.ZipFile(packet, "w") as archive:
        archive.writestr(file, bootstrap, compresslevel=9)
    return packet.getvalue()


def archive(folder: str, files: dict[str, bytes], epoch: int) -> bytes:
    """The files in a folder, as a .tar.gz."""
    packet = io.BytesIO()
    with gzip.GzipFile(fileobj=packet, mode="wb", filename="", mtime=epoch) as compressed, tarfile.open(fileobj=compressed, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), epoch, 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packet.getvalue()


def sums(files: dict[str, bytes]) -> str:
    """As sha256sum writes and checks them."""
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))


def main(functions: list[str], architectures: list[str], into: Path) -> None:
    project, epoch = Path.cwd(), int(os.environ["SOURCE_DATE_EPOCH"])
    version = tomllib.loads((project / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    toolchain = tomllib.loads((project / "rust-toolchain.toml").read_text(encoding="utf-8"))["toolchain"]["channel"]
    source = (project / "template.yaml").read_text(encoding="utf-8")
    crates = sorted({crate for architecture in architectures for crate in materials.linked(project, functions, TARGETS[architecture])})
    licences = materials.licences(project, crates).encode()
    release = {"turnstile.cdx.json": materials.bill(version, crates, toolchain, epoch).encode()}
    for architecture in architectures:
        built = project / "target/bootstraps" / architecture
        files = {f"{function}.zip": packed((built / function / "bootstrap").read_bytes(), epoch) for function in functions}
        files |= {
            "template.yaml": template(source, architecture, functions).encode(),
            DEFINITION: (project / "statemachine" / DEFINITION).read_bytes(),
            "LICENSE-APACHE": (project / "LICENSE-APACHE").read_bytes(),
            "LICENSE-MIT": (project / "LICENSE-MIT").read_bytes(),
            "LICENSES-OF-CRATES.txt": licences,
            "LICENSES-OF-RUST.html": materials.licences_of_standard_library(),
        }
        there = {*files, *PAPERS}
        files |= {name: paper(name, (project / name).read_bytes(), there) for name in PAPERS}
        folder = f"turnstile-{architecture}"
        release[f"{folder}.tar.gz"] = archive(folder, files, epoch)
    into.mkdir(parents=True, exist_ok=True)
    for old in into.iterdir():
        old.unlink()
    for name, content in {**release, "SHA256SUMS": sums(release).encode()}.items():
        (into / name).write_bytes(content)
        print(f"{into / name}: {len(content):,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Packs a release from the compiled bootstraps.")
    parser.add_argument("functions", nargs="+", metavar="FUNCTION")
    parser.add_argument("--architecture", choices=TARGETS, help="one architecture, instead of both")
    parser.add_argument("--into", type=Path, default=Path("dist"), metavar="FOLDER", help="whose files are replaced (default: dist)")
    given = parser.parse_args()
    main(given.functions, [given.architecture] if given.architecture else list(TARGETS), given.into)
