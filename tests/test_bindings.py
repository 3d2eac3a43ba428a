# SPDX-License-Identifier: GPL-2.0
"""Tests that the bindings in the tree are those of the headers, and that nothing else compiles."""

import re
import shutil

import pytest

from harness import command
from harness.scenarios import ROOT

GENERATED = "src/ffi/generated.rs"


@pytest.fixture
def copy(built_kernel, tmp_path):
    """A copy of the checkout that may be changed."""
    copy = tmp_path / "sgdma"
    for name in ("src", "include", "scripts", "bench", "samples", "tests/modules"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("Kbuild", ".rustfmt.toml", f"build/{built_kernel}/env"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def bindgen(copy, *args):
    return command.run(copy / "scripts/bindgen", *args, cwd=copy)


def build(copy, kernel):
    return command.run(copy / "scripts/kbuild", "modules", ".", cwd=copy, KERNEL=kernel, KDIR="")


def test_bindings_are_compared(copy, built_kernel):
    """As `make lint` does it."""
    assert bindgen(copy, "--check", built_kernel) == (0, "")
    change(copy / GENERATED, "phys: phys_addr_t, size: usize) -> usize",
           "phys: phys_addr_t, size: usize) -> u32")
    status, said = bindgen(copy, "--check", built_kernel)
    assert status == 1
    assert re.search(r"^-.*fn sgdma_straight\(.*-> u32;\n"
                     r"\+.*fn sgdma_straight\(.*-> usize;$", said, re.M), said
    assert f"{GENERATED} is not what bindgen makes of src/ffi/helpers.h, " in said
    assert "run 'make bindings', and commit the result\n" in said

    assert bindgen(copy, built_kernel) == (0, f"  BINDGEN {GENERATED}\n")
    assert (copy / GENERATED).read_text() == (ROOT / GENERATED).read_text()

    shutil.copy(copy / GENERATED, copy / "src/old.rs")
    status, said = bindgen(copy, "--check", built_kernel)
    assert status == 1 and "src/old.rs is made from no header" in said, said


def test_value_of_an_enum_is_handled(copy, built_kernel):
    change(copy / "include/sgdma.h", "\tSGDMA_SYNC_DEBUG,\n",
           "\tSGDMA_SYNC_DEBUG,\n\tSGDMA_PLANTED,\n")
    status, said = build(copy, built_kernel)
    stale = f"{GENERATED} was made from other headers than these: run 'make bindings'"
    assert status and stale in said, said

    assert bindgen(copy, built_kernel) == (0, f"  BINDGEN {GENERATED}\n")
    status, said = build(copy, built_kernel)
    assert status and "a value of enum sgdma_coherency has no answer" in said, said
    assert re.search(r"^ +--> .*/src/device/coherency\.rs:", said, re.M), said
