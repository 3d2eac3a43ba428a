# SPDX-License-Identifier: GPL-2.0
"""The bindings in the tree are those of the headers, and nothing else compiles."""

import os
import re
import shutil

import command
import guest
import pytest

GENERATED = "src/ffi/generated.rs"


@pytest.fixture
def copy(built_arch, tmp_path):
    """A copy of the checkout that may be changed."""
    copy = tmp_path / "sgdma"
    for name in ("src", "include", "scripts", "bench", "samples", "tests/modules"):
        shutil.copytree(guest.ROOT / name, copy / name)
    for name in ("Kbuild", ".rustfmt.toml", f"build/{built_arch}/env"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(guest.ROOT / name, copy / name)
    return copy


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def bindgen(copy, *args):
    return command.run(copy / "scripts/bindgen", *args, cwd=copy)


def build(copy, arch):
    return command.run(copy / "scripts/kbuild", "modules", ".", cwd=copy, ARCH=arch, KERNEL=arch, KDIR="")


def symbol_hash(copy, arch):
    """What Kbuild puts into the name of each symbol."""
    makefile = copy / "show.mk"
    makefile.write_text(f"src := {copy}\nobj := out\nobjtree := {guest.environment(arch)['KDIR']}\n"
                        "include $(src)/Kbuild\nshow: ; @echo '$(RUSTFLAGS_src/sgdma.o)'\n")
    status, said = command.run("make", "-s", "-f", makefile, "show", cwd=copy)
    assert status == 0, said
    [found] = re.findall(r"-Cmetadata=(\w{16})(?!\w)", said)
    return found


def test_bindings_are_compared(copy, built_arch):
    """As `make lint` does it."""
    assert bindgen(copy, "--check", built_arch) == (0, "")
    change(copy / GENERATED, "phys: phys_addr_t, size: usize) -> usize", "phys: phys_addr_t, size: usize) -> u32")
    status, said = bindgen(copy, "--check", built_arch)
    assert status == 1
    assert re.search(r"^-.*fn sgdma_straight\(.*-> u32;\n\+.*fn sgdma_straight\(.*-> usize;$", said, re.M), said
    assert f"{GENERATED} is not what bindgen makes of src/ffi/helpers.h, " in said
    assert "run 'make bindings', and commit the result\n" in said

    assert bindgen(copy, built_arch) == (0, f"  BINDGEN {GENERATED}\n")
    assert (copy / GENERATED).read_text() == (guest.ROOT / GENERATED).read_text()

    shutil.copy(copy / GENERATED, copy / "src/old.rs")
    status, said = bindgen(copy, "--check", built_arch)
    assert status == 1 and "src/old.rs is made from no header" in said, said


def test_value_of_an_enum_is_handled(copy, built_arch):
    change(copy / "include/sgdma.h", "\tSGDMA_SYNC_DEBUG,\n", "\tSGDMA_SYNC_DEBUG,\n\tSGDMA_PLANTED,\n")
    status, said = build(copy, built_arch)
    assert status and f"{GENERATED} was made from other headers than these: run 'make bindings'" in said, said

    assert bindgen(copy, built_arch) == (0, f"  BINDGEN {GENERATED}\n")
    status, said = build(copy, built_arch)
    assert status and re.search(r"expected an array with a size of 12, found one with a size of 11\n", said), said
    assert re.search(r"^ +--> .*/src/.*coherency\.rs:", said, re.M), said


@pytest.mark.parametrize("name", ["src/ffi/helpers.c", "src/ffi/helpers.h", "src/sgdma.rs", "include/sgdma.h"])
def test_symbols_are_of_all_sources(copy, built_arch, name):
    """One byte more, in a folder of a folder: other symbols. A file elsewhere does not matter."""
    before = symbol_hash(copy, built_arch)
    (copy / "samples/template/README").write_text("\n")
    assert symbol_hash(copy, built_arch) == before
    with (copy / name).open("a") as file:
        file.write("\n")
    assert bindgen(copy, built_arch)[0] == 0
    assert symbol_hash(copy, built_arch) != before
