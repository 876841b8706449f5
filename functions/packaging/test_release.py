import gzip
import io
import json
import tarfile
import unittest
import zipfile
from pathlib import Path

from materials import Crate, bill, crates
from release import PAPERS, Unexpected, archive, packed, paper, sums, template

EPOCH = 1_700_000_000
SOURCE = (Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8")
FUNCTIONS = [path.parents[1].name for path in sorted(Path(__file__).parents[2].glob("functions/*/src/main.rs"))]


class Release(unittest.TestCase):
    def test_the_template_has_the_packed_functions_of_one_architecture(self):
        for architecture in ("arm64", "x86_64"):
            text = template(SOURCE, architecture, FUNCTIONS)
            for function in FUNCTIONS:
                self.assertEqual(text.count(f"      CodeUri: {function}.zip\n"), 1)
            self.assertIn(f"    Default: {architecture}\n    AllowedValues: [{architecture}]\n", text)
            for left in ("makefile", "packaging/", "statemachine/rollout"):
                self.assertNotIn(left, text)

    def test_a_template_of_another_form_is_refused(self):
        for old, new in [("BuildMethod: makefile", "BuildMethod: rust"), ("CodeUri: !Sub", "Uri: !Sub"), ("BackOffFunction:\n    Type", "BackFunction:\n    Type")]:
            with self.assertRaises(Unexpected):
                template(SOURCE.replace(old, new), "arm64", FUNCTIONS)

    def test_a_package_has_the_bootstrap_at_a_fixed_time(self):
        self.assertEqual(packed(b"elf", EPOCH), packed(b"elf", EPOCH))
        [file] = zipfile.ZipFile(io.BytesIO(packed(b"elf", EPOCH))).infolist()
        self.assertEqual((file.filename, file.external_attr >> 16 & 0o777, file.date_time[:3]), ("bootstrap", 0o755, (2023, 11, 14)))

    def test_an_archive_does_not_depend_on_the_order_or_the_time(self):
        one, other = archive("t", {"a": b"1", "b": b"2"}, EPOCH), archive("t", {"b": b"2", "a": b"1"}, EPOCH)
        self.assertEqual(one, other)
        names = tarfile.open(fileobj=io.BytesIO(gzip.decompress(one))).getnames()
        self.assertEqual(names, ["t/a", "t/b"])

    def test_a_paper_links_only_what_is_packed_with_it(self):
        text = "[a](operating.md#page) [b](../tests/x.json) [c](../README.md) [d](https://x.y/z) [e](#here) ![f](rollout.svg)"
        read = paper("docs/a.md", text.encode(), {"docs/operating.md", "README.md", "docs/rollout.svg"}).decode()
        self.assertEqual(read, text.replace("[b](../tests/x.json)", "b"))

    def test_a_release_has_every_file_that_its_papers_link(self):
        project = Path(__file__).parents[2]
        for name in PAPERS:
            read = paper(name, (project / name).read_bytes(), set(PAPERS)).decode(errors="ignore")
            self.assertNotIn("](../tests/", read)
            self.assertNotIn("](CONTRIBUTING.md", read)

    def test_sums_are_those_of_sha256sum(self):
        self.assertEqual(sums({"a": b""}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n")

    def test_the_bill_names_the_registry_s_crates_once(self):
        tree = "own v0.1.0 (/home/own)\tMIT\nserde v1.0.1\tMIT/Apache-2.0\nserde v1.0.1\tMIT/Apache-2.0\n"
        lock = '[[package]]\nname = "own"\nversion = "0.1.0"\n[[package]]\nname = "serde"\nversion = "1.0.1"\nchecksum = "ab"\n'
        found = crates(tree, lock)
        self.assertEqual(found, [Crate("serde", "1.0.1", "MIT OR Apache-2.0", "ab")])
        written = bill("0.2.0", found, "1.95.0", EPOCH)
        self.assertEqual(written, bill("0.2.0", found, "1.95.0", EPOCH))
        self.assertEqual([component["bom-ref"] for component in json.loads(written)["components"]], ["pkg:cargo/serde@1.0.1", "rust-std"])


if __name__ == "__main__":
    unittest.main()
