# SPDX-License-Identifier: GPL-2.0
"""Tests dkms.conf by doing what dkms does, without dkms, and the list of the package's files."""

import os
import re
import shutil
from pathlib import Path

import pytest

from harness import command
from harness.scenarios import ROOT, environment

RELEASE = "7.2.12-test"
TEMPLATE = ROOT / "samples/template"
# dkms appends this to MAKE for a kernel that clang built.
APPENDED = "LLVM=1"


def read(conf, **variables):
    """Returns the directives of a dkms.conf, which dkms has bash read with its variables set."""
    known = {"kernelver": RELEASE, "arch": "x86_64", "kernel_source_dir": "/kdir",
             "dkms_tree": "/dkms", "install_tree": "/lib/modules", **variables}
    status, said = command.run("env", "-i", *(f"{k}={v}" for k, v in known.items()), "bash", "-c",
                               'set -a && . "$0" && env -0', conf)
    assert status == 0, said
    return dict(word.split("=", 1) for word in said.split("\0") if word)


@pytest.fixture
def trees(tmp_path):
    """Returns dkms's variables for directories of this test."""
    return {"dkms_tree": str(tmp_path / "dkms"), "install_tree": str(tmp_path / "modules"),
            "kernel_source_dir": str(tmp_path / "kdir")}


@pytest.fixture
def source(tmp_path):
    """Returns a directory with what the package puts into /usr/src, in which dkms builds."""
    source = tmp_path / "source"
    *names, folder = (ROOT / "debian/sgdma-dkms.install").read_text().split()
    assert folder.startswith("usr/src/sgdma-")
    assert (ROOT / "debian/sgdma-dkms.dkms").read_text().split() == ["dkms.conf"]
    for name in [*names, "dkms.conf"]:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        source.mkdir(exist_ok=True)
        copy(ROOT / name, source / name)
    return source


@pytest.fixture
def kdir(trees):
    """Returns a function that makes a kernel build tree of this configuration."""
    def make(*lines):
        config = f"{trees['kernel_source_dir']}/include/config"
        os.makedirs(config)
        for name, text in {"../../Makefile": "", "kernel.release": f"{RELEASE}\n",
                           "auto.conf": "".join(f"{line}\n" for line in lines)}.items():
            with open(f"{config}/{name}", "w") as file:
                file.write(text)
    return make


def run(step, cwd, **env):
    """Runs what a directive says. dkms's environment may have little more than PATH."""
    return command.run("env", "-i", *(f"{k}={v}" for k, v in env.items()),
                       f"PATH={env.get('PATH', os.environ['PATH'])}", "sh", "-c", step, cwd=cwd)


def test_versions_are_those_of_the_module():
    conf = read(ROOT / "dkms.conf")
    module = (ROOT / "src/module.c").read_text()
    assert conf["PACKAGE_VERSION"] == re.search(r'MODULE_VERSION\("(.*)"\)', module)[1]
    commands = re.findall(r"sgdma[-/](\d+[.\d]*\d)", (ROOT / "docs/install.md").read_text())
    assert set(commands) == {conf["PACKAGE_VERSION"]}
    versions = (ROOT / "scripts/lib/versions.sh").read_text()
    assert conf["BUILD_EXCLUSIVE_KERNEL_MIN"] == re.search("^KERNEL_MIN=(.*)$", versions, re.M)[1]
    assert set(conf["BUILD_EXCLUSIVE_ARCH"].split("|")) == {"x86_64", "aarch64"}


def test_kernel_without_rust_is_one_sentence(kdir, trees, source):
    kdir("CONFIG_X86_64=y", "CONFIG_MODULES=y", "CONFIG_HAS_DMA=y", "CONFIG_CC_IS_CLANG=y",
         "CONFIG_CLANG_VERSION=190107")
    status, said = run(f"{read(source / 'dkms.conf', **trees)['MAKE']} {APPENDED}", source)
    assert status != 0
    assert re.fullmatch("missing: CONFIG_RUST=y: this kernel was built without Rust.*\n", said)


def test_metadata_is_made_only_where_it_helps(kdir, trees, source):
    made = source / "scripts/rust-metadata"
    made.write_text('#!/bin/sh\necho "made for $1 in $SGDMA_CACHE" >made\n')
    kdir("CONFIG_X86_64=y", "CONFIG_MODULES=y", "CONFIG_HAS_DMA=y", "CONFIG_RUST=y")
    make = read(source / "dkms.conf", **trees)["MAKE"]
    assert "rust/libmacros.so" in run(make, source)[1]
    assert not (source / "made").exists()

    (Path(trees["kernel_source_dir"]) / "include/generated").mkdir()
    (Path(trees["kernel_source_dir"]) / "include/generated/utsversion.h").write_text(
        '#define UTS_VERSION "#1 SMP Debian 7.2.12-1 (2026-11-01)"\n')
    run(make, source)
    assert (source / "made").read_text() == f"made for {trees['kernel_source_dir']} in /var/cache\n"


def test_package_of_what_is_no_clone(source, tmp_path):
    for tool in ("git", "dpkg-buildpackage", "dh", "dh_dkms"):
        (tmp_path / tool).write_text("#!/bin/sh\necho 'fatal: no git repository' >&2; exit 128\n")
        (tmp_path / tool).chmod(0o755)
    status, said = run("scripts/deb", source, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert status == 1 and re.fullmatch(".* is no clone of sgdma's git .*: run this in .*\n", said)
    assert not (source / "build").exists()


def files(top):
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


CRATE = {"sgdma.mk", "libsgdma.rmeta", "Module.symvers", "include/sgdma.h", "build"}


@pytest.fixture
def built(source):
    """Makes what a build leaves, and returns the directory."""
    modules = source / "build" / RELEASE / "modules"
    (modules / "include").mkdir(parents=True)
    for name in [*CRATE - {"build"}, "sgdma.ko", "sgdma.mod.c"]:
        (modules / name).write_text(name)
    (modules / "build").symlink_to("/kdir")
    return modules


def test_what_drivers_need_comes_and_goes(trees, source, built, tmp_path):
    conf = read(source / "dkms.conf", **trees)
    assert built == source / conf["BUILT_MODULE_LOCATION"]
    version = tmp_path / "dkms/sgdma" / conf["PACKAGE_VERSION"] / RELEASE / "x86_64"
    active = tmp_path / "dkms/sgdma" / f"kernel-{RELEASE}-x86_64"
    installed = tmp_path / "modules" / RELEASE / "sgdma"

    version.mkdir(parents=True)
    assert run(conf["POST_BUILD"], source) == (0, "")
    shutil.rmtree(source / "build")  # as dkms does
    (installed / "include").mkdir(parents=True)
    (installed / "include/old.h").write_text("of an older version")
    assert run(conf["POST_INSTALL"], source) == (0, "")
    assert files(installed) == CRATE
    assert (installed / "Module.symvers").read_text() == "Module.symvers"
    assert os.readlink(installed / "build") == "/kdir"

    active.symlink_to("another version")
    assert run(conf["POST_REMOVE"], source) == (0, "")
    assert files(installed) == CRATE
    active.unlink()
    assert run(conf["POST_REMOVE"], source) == (0, "")
    assert files(tmp_path / "modules") == set() and not installed.exists()


def test_what_cannot_be_copied_leaves_the_old(trees, source, built, tmp_path):
    conf = read(source / "dkms.conf", **trees)
    installed = tmp_path / "modules" / RELEASE / "sgdma"
    kept = tmp_path / "dkms/sgdma" / conf["PACKAGE_VERSION"] / RELEASE / "x86_64/sgdma"
    assert run(conf["POST_BUILD"], source) == run(conf["POST_INSTALL"], source) == (0, "")
    (kept / "libsgdma.rmeta").unlink()
    status, said = run(conf["POST_INSTALL"], source)
    assert status != 0 and "libsgdma.rmeta" in said
    assert files(tmp_path / "modules") == {f"{RELEASE}/sgdma/{name}" for name in CRATE}
    assert installed.is_dir()


def test_driver_builds_after_sgdma(built_arch, built_kernel, source, tmp_path):
    """The template's dkms.conf finds the kernel build tree that sgdma was built in by itself."""
    env = environment(built_kernel)
    with open(f"{env['KDIR']}/include/config/kernel.release") as file:
        release = file.read().strip()
    trees = {"kernelver": release, "dkms_tree": tmp_path / "dkms",
             "install_tree": tmp_path / "modules"}
    conf = read(source / "dkms.conf", **trees)
    shutil.copytree(ROOT / "build" / built_kernel / "modules",
                    source / "build" / release / "modules", symlinks=True)
    for step in ("POST_BUILD", "POST_INSTALL"):
        assert run(conf[step], source) == (0, "")

    driver = shutil.copytree(TEMPLATE, tmp_path / "driver")
    template = read(driver / "dkms.conf", **trees)
    assert template["BUILD_DEPENDS"] == conf["PACKAGE_NAME"]
    status, said = run(f"{template['MAKE']} {APPENDED}", driver, ARCH=built_arch,
                       PATH=f"{env['TOOL_PATH']}:{os.environ['PATH']}",
                       **{k: v for k, v in os.environ.items() if k in ("HOME", "RUSTUP_HOME")})
    assert status == 0, said
    ko = driver / f"{template['BUILT_MODULE_NAME']}.ko"
    assert b"depends=sgdma\0" in ko.read_bytes()
