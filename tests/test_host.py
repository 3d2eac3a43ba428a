# SPDX-License-Identifier: GPL-2.0
"""What can be tested without a guest: pure logic, sources, messages of make."""

import re
import subprocess

import command
import guest
import pytest


def make(*args):
    return command.run("make", *args)


@pytest.mark.parametrize("source", sorted((guest.TESTS / "host").glob("*.rs")), ids=lambda p: p.stem)
def test_pure_logic(source, tmp_path):
    binary = tmp_path / source.stem
    subprocess.run(["rustc", "--edition=2021", "--test", "-Dwarnings", source, "-o", binary],
                   cwd=guest.ROOT, check=True)
    done = subprocess.run([binary], text=True, capture_output=True)
    assert re.search(r"test result: ok\. [1-9]\d* passed; 0 failed; 0 ignored", done.stdout), done.stdout


def test_lint(built_arch):
    status, said = make("lint", f"ARCH={built_arch}")
    assert status == 0, said


def test_documentation(built_arch):
    """Without warnings, of which a missing one is one; and its examples compile as a driver's code."""
    status, said = make("doc", f"ARCH={built_arch}")
    assert status == 0, said
    assert re.search(r"test result: ok\. [1-9]\d+ passed; 0 failed; 0 ignored", said), said


def test_samples_are_safe():
    sources = list((guest.ROOT / "samples").rglob("*.rs"))
    assert sources
    for source in sources:
        code = re.sub(r"//.*", "", source.read_text())
        assert not re.search(r"\bunsafe\b", code), source


@pytest.mark.parametrize("args, says", [
    (["run", "BOOT=nonsense"], "unknown scenario BOOT=nonsense; known are: .*x86-plain.*arm64-smmu"),
    (["run", "ARCH=vax"], "unknown ARCH=vax; known are: x86_64 arm64"),
    (["check-env"], "give KDIR="),
    (["run", "KDIR=/"], "leave KDIR= out"),
])
def test_bad_input_is_named(args, says):
    status, said = make(*args)
    assert status == 2
    assert re.search(says, said), said


def test_kdir_without_rust(tmp_path, built_arch):
    """A distribution's kernel without Rust: the answer is that of check-env."""
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "include/config/kernel.release").write_text("7.2.0-test\n")
    (tmp_path / "include/config/auto.conf").write_text("CONFIG_MODULES=y\nCONFIG_X86_64=y\nCONFIG_CC_IS_GCC=y\n")
    (tmp_path / "Makefile").touch()
    for target in ("modules", "check-env"):
        status, said = make(target, f"KDIR={tmp_path}")
        assert status == 2
        assert "CONFIG_RUST" in said, said


def test_kdir_of_a_good_kernel(built_arch):
    kdir = guest.environment(built_arch)["KDIR"]
    status, said = make("check-env", f"KDIR={kdir}")
    assert status == 0, said
