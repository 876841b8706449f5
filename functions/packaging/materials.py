"""What the bootstraps are made of: the crates that cargo links into them, as a CycloneDX bill of materials, and their licences' texts."""

import json
import subprocess
import tomllib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "UNLICENSE*")
SPECIFICATION = "1.6"


@dataclass(frozen=True, order=True)
class Crate:
    name: str
    version: str
    licence: str
    """An SPDX expression."""
    checksum: str
    """SHA-256 of the crate's file in the registry."""

    @property
    def url(self) -> str:
        """Its package URL."""
        return f"pkg:cargo/{self.name}@{self.version}"


def linked(project: Path, functions: list[str], target: str) -> list[Crate]:
    """The crates of the registry in the functions' bootstraps, without what only their build runs."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target]
    command += ["--prefix", "none", "--no-dedupe", "--format", "{p}\t{l}"]
    for function in functions:
        command += ["--package", function]
    tree = subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout
    return crates(tree, (project / "Cargo.lock").read_text(encoding="utf-8"))


def crates(tree: str, lock: str) -> list[Crate]:
    """The crates of cargo's tree that come from the registry; the project's own have no checksum."""
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in tomllib.loads(lock)["package"]}
    found = set()
    for line in filter(str.strip, tree.splitlines()):
        package, licence = line.split("\t")
        name, version = package.split()[:2]
        if checksum := checksums[name, version.removeprefix("v")]:
            found.add(Crate(name, version.removeprefix("v"), licence.replace("/", " OR "), checksum))
    return sorted(found)


def bill(version: str, crates: list[Crate], toolchain: str, epoch: int) -> str:
    """The bill of materials. The same crates at the same time give the same text."""
    of_crates = [
        {
            "type": "library",
            "bom-ref": crate.url,
            "name": crate.name,
            "version": crate.version,
            "purl": crate.url,
            "licenses": [{"expression": crate.licence}],
            "hashes": [{"alg": "SHA-256", "content": crate.checksum}],
        }
        for crate in crates
    ]
    standard = {
        "type": "library",
        "bom-ref": "rust-std",
        "name": "The Rust standard library",
        "version": toolchain,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": "turnstile",
                "name": "turnstile",
                "version": version,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            },
        },
        "components": [*of_crates, standard],
        "dependencies": [{"ref": "turnstile", "dependsOn": [component["bom-ref"] for component in [*of_crates, standard]]}],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": f"urn:uuid:{serial}"}, indent=2) + "\n"


def licences(project: Path, crates: list[Crate]) -> str:
    """The licences of the crates, with the texts that each crate brings along. A text that several have stands once."""
    folders = _folders(project)
    holders: dict[str, list[Crate]] = {}
    without = []
    for crate in crates:
        folder = folders[crate.name, crate.version]
        files = sorted({file for pattern in LICENCE_FILES for file in folder.glob(pattern) if file.is_file()})
        texts = dict.fromkeys(file.read_text(encoding="utf-8", errors="replace").strip() for file in files)
        for text in texts:
            holders.setdefault(text, []).append(crate)
        if not texts:
            without.append(crate)
    parts = ["The functions contain these crates under their licences:\n"]
    parts += [f"  {crate.name} {crate.version}: {crate.licence}" for crate in crates]
    if without:
        parts.append(f"\nWithout a text of their own, so that the texts below hold: {', '.join(crate.name for crate in without)}.")
    for text, of in sorted(holders.items(), key=lambda entry: entry[1]):
        parts.append("\n" + "-" * 80 + "\n" + ", ".join(f"{crate.name} {crate.version}" for crate in of) + ":\n\n" + text)
    return "\n".join(parts) + "\n"


def licences_of_standard_library() -> bytes:
    """The licences of the Rust standard library and of the crates inside it, as the toolchain brings them along."""
    command = ["rustc", "--print", "sysroot"]
    sysroot = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return (Path(sysroot) / "share/doc/rust/COPYRIGHT-library.html").read_bytes()


def _folders(project: Path) -> dict[tuple[str, str], Path]:
    """Where cargo has unpacked each crate, by name and version."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    return {(package["name"], package["version"]): Path(package["manifest_path"]).parent for package in packages}
