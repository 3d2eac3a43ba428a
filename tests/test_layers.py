# SPDX-License-Identifier: GPL-2.0
"""Tests scripts/lint-layers: it reports upward uses and cycles of each kind, and nothing else."""

import pytest

from harness import command
from harness.scenarios import ROOT

# A crate of three layers, in which each file uses others in ways that are right.
TREE = {
    "sgdma.rs": """\
//! A crate.
//!
//! # Read in this order
//!
//! - `ffi/`: C
//! - `walk/`: walks, which use nothing of `map/`
//! - `map/`: mappings
//!
//! # Another section
//!
//! - `nothing/` is no layer

mod ffi;
mod map;
mod walk;

pub use map::{
    mapped::{Mapped, Other as Another},
    sync::*, //
};
pub use walk::run::Run;
module! { type: M }
""",
    "module.c": '#include "map/sync.h"\n',
    "ffi/mod.rs": "mod generated;\npub(crate) use generated::*;\n",
    "ffi/generated.rs": 'extern "C" { pub fn sgdma_f(); }\n',
    "ffi/helpers.h": "",
    "ffi/helpers.c": '#include <linux/map.h>\n#include "helpers.h"\n#include "../ffi/helpers.h"\n',
    "walk/mod.rs": "pub mod cpu;\npub(crate) mod run;\npub use run::Run;\n",
    "walk/run.rs": """\
//! Of crate::map nothing is used, and `super::cpu` is only named.
use kernel::map::Mapped;
pub struct Run<'map>(&'map str);
impl Run<'_> {
    fn f() -> *mut c_void { crate::THIS_MODULE.as_ptr(); "crate::map::mapped::Mapped"; 'c' }
}
macro_rules! runs { () => { $crate::walk::run::Run } }
""",
    "walk/cpu.rs": "use super::{run::Run, Run as Again};\nuse crate::ffi;\n"
                   "fn f() { ffi::sgdma_f(); runs!(); }\n",
    "map/mod.rs": "pub(crate) mod mapped;\npub mod sync;\n",
    "map/mapped.rs": "use crate::{\n    ffi::{self, sgdma_f},\n    walk::cpu::*, //\n};\n"
                     "pub struct Mapped(crate::Run);\npub struct Other;\n",
    "map/sync.rs": "use super::mapped::Mapped;\nuse crate::Another;\n"
                   "pub struct Guard;\nmod inner { use super::super::mapped; }\n",
    "map/sync.h": "",
    "map/sync.c": '#include "map/sync.h"\n#include "ffi/helpers.h"\n',
}


@pytest.fixture
def lint(tmp_path):
    """Returns a function that adds text to files of the tree and gives what the script says."""
    for name, text in TREE.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(**more):
        for name, text in more.items():
            with (tmp_path / "src" / name).open("a") as file:
                file.write(text)
        status, said = command.run(ROOT / "scripts/lint-layers", tmp_path)
        return status, said.splitlines()
    return run


def test_this_tree():
    assert command.run(ROOT / "scripts/lint-layers") == (0, "lint-layers: 0 findings\n")


def test_tree_in_order(lint, tmp_path):
    assert lint() == (0, ["lint-layers: 0 findings"])
    assert command.run(ROOT / "scripts/lint-layers", "--list", tmp_path) == (0, "ffi\nwalk\nmap\n")


@pytest.mark.parametrize("name, text, used", [
    ("walk/run.rs", "use crate::map::mapped::Mapped;", "map/mapped.rs"),
    ("walk/run.rs", "use crate::map;", "map/mod.rs"),
    ("walk/run.rs", "use crate::{\n    ffi::{self, generated}, map::{sync::{Guard}},\n};",
     "map/sync.rs"),
    ("walk/run.rs", "use crate::Guard;", "map/sync.rs"),
    ("walk/run.rs", "use super::super::map::sync::Guard as G;", "map/sync.rs"),
    ("walk/run.rs", "use crate::map::mapped::*;", "map/mapped.rs"),
    ("walk/run.rs", "use crate::Mapped;", "map/mapped.rs"),
    ("walk/run.rs", "use crate::{ffi, Another};", "map/mapped.rs"),
    ("walk/run.rs", "fn g(_: &crate::map::mapped::Mapped) {}", "map/mapped.rs"),
    ("walk/run.rs", "impl From<crate::Mapped> for Run {}", "map/mapped.rs"),
    ("walk/run.rs", "macro_rules! m { () => { $crate::map::sync::Guard } }", "map/sync.rs"),
    ("walk/run.rs", "mod inner { use crate::map::sync; }", "map/sync.rs"),
    ("walk/run.rs", "use crate::walk; fn g(_: walk::Run) { crate::Another; }", "map/mapped.rs"),
    ("ffi/generated.rs", "fn g() { runs!(); }", "walk/run.rs"),
    ("ffi/generated.rs", "use crate::walk::Run;", "walk/run.rs"),
    ("ffi/mod.rs", "pub fn g(_: super::walk::cpu::Cpu) {}", "walk/cpu.rs"),
    ("ffi/helpers.c", '#include "../map/sync.h"', "map/sync.h"),
    ("ffi/helpers.h", ' #  include "map/sync.h"', "map/sync.h"),
])
def test_use_of_a_later_layer(lint, name, text, used):
    line = TREE[name].count("\n") + 1
    status, said = lint(**{name: text + "\n"})
    found = [finding for finding in said[:-1] if f" uses src/{used} of a later layer" in finding]
    assert status == 1 and len(found) == len(said[:-1]) == 1, said
    assert found[0].startswith(f"src/{name}:") and int(found[0].split(":")[1]) in (line, line + 1)


@pytest.mark.parametrize("name, text, files", [
    ("map/mapped.rs", "use super::sync::Guard;", ["mapped.rs", "sync.rs", "mapped.rs"]),
    ("map/mapped.rs", "fn f(_: crate::map::sync::Guard) {}", ["mapped.rs", "sync.rs", "mapped.rs"]),
    ("map/mapped.rs", "use crate::Guard;", ["mapped.rs", "sync.rs", "mapped.rs"]),
    ("map/sync.h", '#include "sync.c"', ["sync.c", "sync.h", "sync.c"]),
])
def test_cycle_in_a_layer(lint, name, text, files):
    status, said = lint(**{name: text + "\n"})
    cycle = " -> ".join(f"src/map/{file}" for file in files)
    assert status == 1 and said[:-1] == [
        f"{cycle}: a cycle: move what both need to a file of its own"]


def test_cycle_with_the_file_of_a_folder(lint):
    """A mod.rs passes names of its files on, which is no use. A use of its own closes a cycle."""
    assert lint(**{"map/mod.rs": "pub use mapped::Mapped;\npub struct Base;\n",
                   "map/mapped.rs": "use super::Base;\n"})[0] == 0
    status, said = lint(**{"map/mod.rs": "fn f(_: Mapped) {}\n"})
    assert status == 1 and said[0].startswith(
        "src/map/mapped.rs -> src/map/mod.rs -> src/map/mapped.rs: a cycle")


def test_list_of_layers(lint, tmp_path):
    (tmp_path / "src/driver").mkdir()
    status, said = lint()
    assert status == 1 and "src/sgdma.rs: does not have driver/ among the folders" in said[0], said
    root = tmp_path / "src/sgdma.rs"
    root.write_text(root.read_text().replace("`map/`: m", "`driver/` and\n//! - `map/`: m")
                    .replace("`walk/`", "`away/`, `walk/`"))
    status, said = lint()
    assert status == 1 and "src/sgdma.rs: does not have walk/ among the folders" in said[0], said
    assert "src/sgdma.rs: lists away/, which is not in src/: take it out of the list" in said


def test_layers_in_the_order_of_their_declarations(lint, tmp_path):
    root = tmp_path / "src/sgdma.rs"
    text = root.read_text()
    declarations = ("// Read in this order.\nmod ffi;\n\n/// W.\npub mod walk;\n\n"
                    "#[cfg(a)]\nmod map;\n")
    root.write_text(f"//! A crate.\n\n{declarations}{text[text.index('pub use'):]}")
    assert lint() == (0, ["lint-layers: 0 findings"])
    status, said = lint(**{"walk/run.rs": "use crate::map;\n"})
    assert status == 1 and "uses src/map/mod.rs of a later layer" in said[0], said


def test_tree_that_is_not_there(tmp_path):
    status, said = command.run(ROOT / "scripts/lint-layers", tmp_path)
    assert status == 2 and f"{tmp_path} has no src/sgdma.rs: give a checkout of sgdma" in said
