# SPDX-License-Identifier: GPL-2.0
"""Tests what is in the module that was built: its modinfo, and the names of its symbols."""

import re
import shutil
import subprocess

import pytest

from harness import command
from harness.scenarios import ROOT, environment


def modinfo(ko):
    """Yields (tag, value) of the strings in .modinfo, which the file has as they are."""
    for word in ko.read_bytes().split(b"\0"):
        tag, equals, value = word.partition(b"=")
        if equals and tag.isalpha():
            yield tag.decode(), value.decode(errors="replace")


def test_modinfo(built_kernel):
    info = list(modinfo(ROOT / "build" / built_kernel / "modules/sgdma.ko"))
    [version] = [value for tag, value in info if tag == "version"]
    assert version[0].isdigit()
    parameters = dict(value.split(":", 1) for tag, value in info if tag == "parm")
    assert set(parameters) == {"sync_debug", "selftest", "tables", "seed"}
    assert {name: text.rpartition(" (default: ")[2] for name, text in parameters.items()} == {
        "sync_debug": "0)", "selftest": "0)", "tables": "100)", "seed": "1)"}


def change_a_byte(source):
    """Changes the line of the license, which the code does not depend on."""
    text = source.read_text()
    source.write_text(text.replace("SPDX-License", "SPDX-license", 1))
    assert source.read_text() != text


@pytest.fixture
def checkout(built_kernel, tmp_path):
    """Returns a copy of the checkout, ready to build in."""
    top = shutil.copytree(ROOT, tmp_path / "sgdma", ignore=shutil.ignore_patterns(
        "build", ".git", "__pycache__"))
    (top / "build" / built_kernel).mkdir(parents=True)
    shutil.copy(ROOT / "build" / built_kernel / "env", top / "build" / built_kernel)
    return top


@pytest.fixture
def metadata(built_kernel, checkout):
    """Returns a function that gives the hash by which Kbuild names symbols."""
    makefile = checkout / "flags.mk"
    kdir = environment(built_kernel)["KDIR"]
    makefile.write_text(f"src := {checkout}\nobj := {checkout}\nobjtree := {kdir}\n"
                        "include $(src)/Kbuild\nflags:\n\t@echo '$(RUSTFLAGS_src/sgdma.o)'\n")

    def run():
        status, said = command.run("make", "-f", makefile, "flags", cwd=checkout)
        assert status == 0, said
        [found] = re.findall(r"-Cmetadata=(\w{16})\b", said)
        return found
    return run


def test_each_folder_of_sources_is_in_the_hash(checkout, metadata):
    sources = sorted((checkout / "src").rglob("*.rs"))
    seen = [metadata()]
    # One of each folder is enough.
    for source in {source.parent: source for source in sources}.values():
        change_a_byte(source)
        seen.append(metadata())
    (checkout / "src/deep/er").mkdir(parents=True)
    (checkout / "src/deep/er/new.rs").write_text("\n")
    seen.append(metadata())
    assert len(set(seen)) == len(seen), seen
    assert metadata() == seen[-1]


def symbols(ko, arch):
    """Returns the names of the Rust functions that a module defines."""
    nm = environment(arch)["TOOL_PATH"].split(":")[0] + "/llvm-nm"
    said = subprocess.run([nm, "--defined-only", "--extern-only", ko], check=True, text=True,
                          capture_output=True).stdout
    return {line.split()[-1] for line in said.splitlines() if line.split()[-1].startswith("_R")}


def test_symbols_of_other_sources_have_other_names(built_kernel, checkout):
    """A driver that was built against the one library finds none of its symbols in the other."""
    change_a_byte(max((checkout / "src").rglob("*.rs"), key=lambda path: len(path.parts)))
    status, said = command.run(checkout / "scripts/kbuild", "modules", ".", KERNEL=built_kernel,
                               KDIR="")
    assert status == 0, said
    before, after = (symbols(top / "build" / built_kernel / "modules/sgdma.ko", built_kernel)
                     for top in (ROOT, checkout))
    assert before and len(before) == len(after) and not before & after
