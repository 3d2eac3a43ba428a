# SPDX-License-Identifier: GPL-2.0
"""What can be tested without a guest: pure logic, sources, messages of make."""

import re
import subprocess

import command
import guest
import pytest

KERNELS = guest.ROOT / "scripts/kernel"


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


@pytest.mark.parametrize("name", guest.SCENARIOS)
def test_make_and_scenarios_agree(name):
    """Make reads scenarios.toml without a Python; setup knows the kernel by its file."""
    kernel = guest.kernel_of(name)
    assert kernel.split("-")[0] == guest.SCENARIOS[name]["arch"]
    assert (KERNELS / f"{kernel}.config").exists()
    status, said = make("-n", "setup", f"BOOT={name}")
    assert (status, said.split()[-2:]) == (0, [str(guest.ROOT / "scripts/setup"), kernel])


@pytest.mark.parametrize("args, booted", [
    ([], lambda name: True),
    (["ARCH=x86_64"], lambda name: guest.SCENARIOS[name]["arch"] == "x86_64"),
    (["BOOT=x86-nodebug"], lambda name: name == "x86-nodebug"),
], ids=["all", "arch", "boot"])
def test_make_test_builds_what_is_booted(args, booted):
    # The make for each kernel is not called.
    status, said = make("-n", "test", "MAKE=:", *args)
    assert status == 0, said
    [boots] = re.findall(r"for boot in (.*); do", said)
    kernels = {guest.kernel_of(name) for name in filter(booted, guest.SCENARIOS)}
    assert sorted(map(guest.kernel_of, boots.split())) == sorted(kernels)


@pytest.mark.parametrize("config", KERNELS.glob("*-*.config"), ids=lambda p: p.stem)
def test_kernels_lack_what_they_are_said_to(config):
    lacks = guest.TABLE["kernel"].get(config.stem, {}).get("lacks", [])
    taken = re.findall(r"^# CONFIG_(KUNIT|DMA_API_DEBUG) is not set$", config.read_text(), re.M)
    assert set(lacks) == {{"KUNIT": "kunit", "DMA_API_DEBUG": "dma-debug"}[name] for name in taken}


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
