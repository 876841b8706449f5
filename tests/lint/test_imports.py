import tempfile
import unittest
from pathlib import Path

import imports
import rust
from imports import Crates, Edge


class Circles(unittest.TestCase):
    """Each test writes the sources of one crate, `shop`, or of several, and looks at the circles between their files."""

    def edges(self, sources: dict[str, str], roots: tuple[str, ...] = ("shop/lib.rs",)) -> dict[tuple[str, str], Edge]:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, source in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(source)
        found = Crates(rust.read(folder / root, root.split("/")[0]) for root in roots).edges()
        return {(str(e.source.relative_to(folder)), str(e.target.relative_to(folder))): e for e in found}

    def circle(self, sources: dict[str, str]) -> list[str]:
        return [[edge.source.name for edge in circle] for circle in imports.circles(self.edges(sources).values())]

    def test_finds_two_files_that_use_each_other(self):
        sources = {"shop/lib.rs": "mod a;\nmod b;\n", "shop/a.rs": "\nuse crate::b::B;\n", "shop/b.rs": "fn f() { crate::a::f(1) }"}
        self.assertEqual(self.circle(sources), [["a.rs", "b.rs"]])
        self.assertEqual(self.edges(sources)["shop/a.rs", "shop/b.rs"].line, 2)

    def test_accepts_one_direction(self):
        sources = {"shop/lib.rs": "mod a; mod b;", "shop/a.rs": "use crate::b::B;", "shop/b.rs": "pub struct B;"}
        self.assertEqual(self.circle(sources), [])

    def test_finds_the_shortest_way_round_once_for_each_group_of_files(self):
        sources = {
            "shop/lib.rs": "mod a; mod b; mod c; mod x; mod y;",
            "shop/a.rs": "use crate::{b, c};",
            "shop/b.rs": "use crate::c::{self, C};",
            "shop/c.rs": "use crate::a;",
            "shop/x.rs": "use super::y;",
            "shop/y.rs": "use super::x as other;",
        }
        self.assertEqual(self.circle(sources), [["a.rs", "c.rs"], ["x.rs", "y.rs"]])

    def test_a_name_counts_for_the_file_that_defines_it(self):
        sources = {
            "shop/lib.rs": "mod a; mod b; pub use b::B; pub use b::*;",
            "shop/a.rs": "use crate::B as Renamed;",
            "shop/b.rs": "pub struct B; pub fn f() {}",
        }
        self.assertEqual(set(self.edges(sources)), {("shop/a.rs", "shop/b.rs")})
        self.assertEqual(set(self.edges(sources | {"shop/a.rs": "fn g() { crate::f() }"})), {("shop/a.rs", "shop/b.rs")})
        self.assertEqual(self.circle(sources | {"shop/b.rs": "use crate::a::A; pub struct B;"}), [["a.rs", "b.rs"]])

    def test_a_parent_may_declare_and_re_export_a_child_that_uses_it(self):
        sources = {
            "shop/lib.rs": "mod a;",
            "shop/a.rs": "mod inner; pub use inner::{self, Inner}; pub(crate) use self::inner::*; pub struct A;",
            "shop/a/inner.rs": "use super::A; pub struct Inner;",
        }
        self.assertEqual(self.circle(sources), [])

    def test_a_parent_may_not_use_a_child_that_uses_it(self):
        child = {"shop/lib.rs": "mod a;", "shop/a/inner.rs": "use super::A; pub struct Inner;"}
        used = "mod inner; use inner::Inner; pub struct A;"
        called = "mod inner; pub use inner::Inner; pub struct A; fn f() { inner::g() }"
        for parent in (used, called):
            self.assertEqual(self.circle(child | {"shop/a.rs": parent}), [["a.rs", "inner.rs"]], parent)

    def test_follows_an_imported_module_into_its_children(self):
        sources = {
            "shop/lib.rs": "mod a; mod b;",
            "shop/a.rs": "mod inner;",
            "shop/a/inner.rs": "",
            "shop/b.rs": "use crate::a; fn f() { a::inner::g::<u8>() }",
        }
        self.assertEqual(set(self.edges(sources)), {("shop/b.rs", "shop/a.rs"), ("shop/b.rs", "shop/a/inner.rs")})

    def test_inline_modules_belong_to_their_file(self):
        sources = {
            "shop/lib.rs": "mod a; mod b;",
            "shop/a.rs": "use crate::b; fn f() {} mod tests { use super::*; fn t() { f(); super::f(); b::g() } mod deep { use super::super::f; } }",
            "shop/b.rs": "",
        }
        self.assertEqual(set(self.edges(sources)), {("shop/a.rs", "shop/b.rs")})

    def test_what_is_no_code_names_nothing(self):
        source = r"""
            //! See [`crate::b`].
            /* crate::b /* crate::b */ crate::b */
            fn f<'a>(x: &'a str) -> char { g("crate::b::\"B", r#"crate::b"crate::b"#, b"crate::b", '"'); '\'' } // crate::b
        """
        self.assertEqual(self.edges({"shop/lib.rs": "mod a; mod b;", "shop/a.rs": source, "shop/b.rs": ""}), {})

    def test_the_crate_of_a_program_is_not_that_of_its_library(self):
        sources = {
            "shop/lib.rs": "pub mod handler;",
            "shop/handler.rs": "use bank::Account;",
            "shop/main.rs": "use shop::handler; fn main() { handler::run() }",
            "bank/lib.rs": "mod account; pub use account::Account;",
            "bank/account.rs": "pub struct Account;",
        }
        edges = self.edges(sources, ("shop/lib.rs", "shop/main.rs", "bank/lib.rs"))
        self.assertEqual(set(edges), {("shop/main.rs", "shop/handler.rs"), ("shop/handler.rs", "bank/account.rs")})


class Direction(unittest.TestCase):
    def test_layers_import_only_those_before_them(self):
        def edge(source: str, target: str) -> Edge:
            return Edge(Path("src", source), Path("src", target), 1, "crate::x")

        right = [edge("policy/a.rs", "words/b.rs"), edge("words.rs", "limits.rs"), edge("words/a.rs", "words/b.rs"), edge("lib.rs", "policy/a.rs")]
        wrong = [edge("words/a.rs", "policy/b.rs"), edge("limits.rs", "words/a.rs")]
        self.assertEqual(imports.upward(right + wrong, Path("src")), wrong)

    def test_crates_depend_only_as_the_rooms_allow(self):
        right = {"turnstile": set(), "aws": {"turnstile"}, "start-rollout": {"aws", "turnstile"}}
        self.assertEqual(imports.wrong_dependencies(right), [])
        wrong = {"turnstile": {"aws"}, "aws": {"start-rollout"}, "start-rollout": {"plan-rollout"}}
        self.assertEqual(len(imports.wrong_dependencies(wrong)), 3)

    def test_finds_what_has_no_place_below_the_decisions(self):
        tree = ["turnstile v0.1.0 (/x)", "serde v1.0.0", "aws-sdk-codedeploy v1.0.0", "tokio v1.0.0 (*)", "tokio v1.0.0", "lambda_runtime v1.0.0", ""]
        self.assertEqual(imports.impure(tree), ["aws-sdk-codedeploy", "lambda_runtime", "tokio"])


if __name__ == "__main__":
    unittest.main()
