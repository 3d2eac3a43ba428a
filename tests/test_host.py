# SPDX-License-Identifier: GPL-2.0
"""Tests what takes no guest: pure logic, sources, messages of make."""

import os
import re
import shlex
import shutil

import pytest

from harness import command
from harness.scenarios import (ROOT, SCENARIOS, TABLE, TESTED, environment, kernel_of,
                               variant)

KERNELS = ROOT / "scripts/kernel"


def make(*args):
    return command.run("make", *args)


HOST_TESTS = ROOT / "tests/host"
# The configuration is that of a kernel that knows IOMMUs.
RUSTC_ARGS = ["--edition=2021", "--test", "-Dwarnings",
              "--cfg=CONFIG_NEED_SG_DMA_FLAGS", "--cfg=CONFIG_NEED_SG_DMA_LENGTH"]


def passed(said):
    """Returns the number of host tests that passed, and fails if one did not."""
    found = re.search(r"test result: ok\. ([1-9]\d*) passed; 0 failed; 0 ignored", said)
    assert found, said
    return int(found[1])


@pytest.mark.parametrize("source", sorted(HOST_TESTS.glob("*.rs")), ids=lambda p: p.stem)
def test_pure_logic(source, tmp_path):
    binary = tmp_path / source.stem
    status, said = command.run("rustc", *RUSTC_ARGS, source, "-o", binary)
    assert status == 0, said
    passed(command.run(binary)[1])


def miri():
    """Returns the command that runs a program under Miri, None without a nightly that has it."""
    if not shutil.which("rustup"):
        return None
    def nightly(*argv):
        return command.run("rustup", *argv, RUSTUP_AUTO_INSTALL="0")
    status, said = nightly("component", "list", "--toolchain=nightly", "--installed")
    # Without rust-src the next command would download it.
    if status != 0 or not re.search("^miri", said, re.M) or not re.search("^rust-src", said, re.M):
        return None
    status, said = nightly("run", "nightly", "cargo", "miri", "setup", "--print-sysroot")
    assert status == 0, said
    # A list has the address of its next array as a number, by design.
    return ["rustup", "run", "nightly", "miri", f"--sysroot={said.splitlines()[-1]}",
            "-Zmiri-permissive-provenance"]


# What takes any order of events, or any table: also under a checker, and by a fuzzer.
FUZZED = ["walks", "ring", "extents"]


@pytest.mark.parametrize("name", FUZZED)
def test_under_a_checker(name, tmp_path, record_property, remarks):
    """The checker is Miri, which sees every kind of undefined behaviour, or AddressSanitizer."""
    source, binary = HOST_TESTS / f"{name}.rs", tmp_path / name
    if interpreter := miri():
        checker = "Miri"
        status, said = command.run(*interpreter, *RUSTC_ARGS, source)
    else:
        checker = "AddressSanitizer"
        status, said = command.run("rustc", "-Zsanitizer=address", *RUSTC_ARGS, source,
                                   "-o", binary, RUSTC_BOOTSTRAP="1")
        if status != 0:
            pytest.fail(f"no checker for tests/host/{name}.rs: get Miri with `rustup toolchain "
                        "install nightly --component miri,rust-src`; there is none here, and this "
                        f"rustc has no working AddressSanitizer:\n{said}", pytrace=False)
        status, said = command.run(binary)
    record_property("checker", checker)
    assert status == 0, said
    remarks.append(f"host {name}: under {checker}, {passed(said)} tests")


# With these, which cargo-fuzz uses too, a program tells libFuzzer which of its code has run.
COVERAGE = ["-Cpasses=sancov-module", "-Ccodegen-units=1",
            *(f"-Cllvm-args=-sanitizer-coverage-{what}" for what in (
                "level=4", "inline-8bit-counters", "pc-table", "trace-compares"))]


@pytest.mark.parametrize("name", FUZZED)
def test_by_a_fuzzer(name, built_kernel, tmp_path, remarks):
    """The fuzzer runs for FUZZ_SECONDS=, or else for 20."""
    seconds = os.environ.get("FUZZ_SECONDS", "20")
    llvm = environment(built_kernel)["TOOL_PATH"].split(":")[0]
    binary, corpus = tmp_path / name, tmp_path / "corpus"
    corpus.mkdir()
    args = [arg for arg in RUSTC_ARGS if arg != "--test"]
    status, said = command.run(
        "rustc", *args, "--cfg=fuzzing", "-O", "-Cdebug-assertions", "-Cpanic=abort", *COVERAGE,
        f"-Clinker={llvm}/clang++", "-Clink-arg=-fsanitize=fuzzer", HOST_TESTS / f"{name}.rs",
        "-o", binary)
    assert status == 0, said
    status, said = command.run(binary, corpus, f"-max_total_time={seconds}", "-seed=1",
                               "-max_len=64", f"-artifact_prefix={tmp_path}/")
    assert status == 0, said
    # It saw which code had run, and went on finding new ways through it.
    assert re.search(r"Loaded 1 modules +\(\d{3,} inline 8-bit counters\)", said), said
    [runs] = re.findall(r"^Done (\d+) runs", said, re.M)
    assert len(list(corpus.iterdir())) > 100, said
    remarks.append(f"host {name}: {runs} inputs of a fuzzer in {seconds} s")


def test_lint(built_arch):
    status, said = make("lint", f"ARCH={built_arch}")
    assert status == 0, said


def test_documentation(built_arch, built_kernel):
    """Nothing lacks documentation, nothing warns, and the examples compile as a driver's code."""
    status, said = make("doc", f"ARCH={built_arch}")
    assert status == 0, said
    assert re.search(r"test result: ok\. [1-9]\d+ passed; 0 failed; 0 ignored", said), said
    doc = ROOT / "build" / built_kernel / "doc/sgdma"
    pages = {str(page.relative_to(doc)): page.read_text() for page in doc.rglob("*.html")}
    assert "struct.DriverContext.html" in pages
    # A link that leads nowhere is left in brackets. Code that macros make is not to be documented.
    odd = re.compile(r"\[<code>[\w:]+</code>\]|HasPinData|__pin_data|#method\.project")
    shown = {name: found for name, page in pages.items() if (found := odd.findall(page))}
    assert not shown


def test_samples_are_safe():
    sources = list((ROOT / "samples").rglob("*.rs"))
    assert sources
    for source in sources:
        code = re.sub(r"//.*", "", source.read_text())
        assert not re.search(r"\bunsafe\b", code), source


@pytest.mark.parametrize("name", SCENARIOS)
def test_make_and_scenarios_agree(name):
    """Make reads scenarios.toml without a Python, set-up knows a kernel by its file."""
    kernel = kernel_of(name)
    assert kernel.split("-")[0] == SCENARIOS[name]["arch"]
    assert (KERNELS / f"{variant(kernel)}.config").exists()
    status, said = make("-n", "setup", f"BOOT={name}")
    assert (status, shlex.split(said)[-2:]) == (0, [str(ROOT / "scripts/setup"), kernel])


@pytest.mark.parametrize("args, kernel", [
    (["BOOT=x86-plain"], "x86_64-7.3"), (["BOOT=debug"], "x86_64-debug-7.3"),
    (["BOOT=arm64-nc"], "arm64-7.3"), (["ARCH=arm64"], "arm64-7.3"),
])
def test_another_series(args, kernel, monkeypatch):
    # With -o guest, -n runs nothing.
    for target, word in (("setup", kernel), ("run", f". '{ROOT}/build/{kernel}/env'")):
        status, said = make("-n", "-o", "guest", target, "SERIES=7.3", *args)
        assert status == 0 and word in said, said
    monkeypatch.setenv("SERIES", "7.3")
    name = shlex.split(said)[-1]
    assert (kernel_of(name), variant(kernel_of(name))) == (kernel, kernel.removesuffix("-7.3"))


@pytest.mark.parametrize("args, booted", [
    ([], TESTED),
    (["ARCH=x86_64"], [name for name in TESTED if SCENARIOS[name]["arch"] == "x86_64"]),
    (["BOOT=x86-nodebug"], ["x86-nodebug"]),
], ids=["all", "arch", "boot"])
def test_make_test_builds_what_is_booted(args, booted):
    # With MAKE=: nothing is built.
    status, said = make("-n", "test", "MAKE=:", *args)
    assert status == 0, said
    [boots] = re.findall(r"for boot in (.*); do", said)
    kernels = set(map(kernel_of, booted))
    assert sorted(map(kernel_of, boots.split())) == sorted(kernels)


@pytest.mark.parametrize("config", KERNELS.glob("*.config"), ids=lambda p: p.stem)
def test_kernels_lack_what_they_are_said_to(config):
    lacks = TABLE["kernel"].get(config.stem, {}).get("lacks", [])
    taken = re.findall(r"^# CONFIG_(KUNIT|DMA_API_DEBUG) is not set$", config.read_text(), re.M)
    assert set(lacks) == {{"KUNIT": "kunit", "DMA_API_DEBUG": "dma-debug"}[name] for name in taken}


@pytest.mark.parametrize("name, kernel", TABLE["kernel"].items())
def test_kernels_have_what_they_are_said_to(name, kernel):
    config = (KERNELS / f"{name}.config").read_text().splitlines()
    for feature, options in {
            "kmemleak": ["DEBUG_KMEMLEAK"], "allocinfo": ["MEM_ALLOC_PROFILING"],
            "lockdep": ["PROVE_LOCKING"],
            "faults": ["FAILSLAB", "FAIL_PAGE_ALLOC", "FAULT_INJECTION_STACKTRACE_FILTER"]}.items():
        there = {f"CONFIG_{option}=y" in config for option in options}
        assert there == {feature in kernel.get("has", [])}


@pytest.mark.parametrize("args, says", [
    (["run", "BOOT=nonsense"],
     "unknown scenario BOOT=nonsense; known are: .*x86-plain.*arm64-smmu"),
    (["run", "ARCH=vax"], "unknown ARCH=vax; known are: x86_64 arm64"),
    (["check-env"], "give KDIR="),
    (["run", "KDIR=/"], "leave KDIR= out"),
    (["test", "BOOT=um-native"], "BOOT=um-native is only for make bench"),
])
def test_bad_input_is_named(args, says):
    status, said = make(*args)
    assert status == 2
    assert re.search(says, said), said


def test_kdir_without_rust(tmp_path, built_arch):
    """For a distribution's kernel without Rust, make says what check-env says."""
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "include/config/kernel.release").write_text("7.2.0-test\n")
    (tmp_path / "include/config/auto.conf").write_text(
        "CONFIG_MODULES=y\nCONFIG_X86_64=y\nCONFIG_CC_IS_GCC=y\n")
    (tmp_path / "Makefile").touch()
    for target in ("modules", "check-env"):
        status, said = make(target, f"KDIR={tmp_path}")
        assert status == 2
        assert "CONFIG_RUST" in said, said


def test_kdir_of_a_good_kernel(built_kernel):
    kdir = environment(built_kernel)["KDIR"]
    status, said = make("check-env", f"KDIR={kdir}")
    assert status == 0, said
