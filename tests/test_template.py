# SPDX-License-Identifier: GPL-2.0
"""Tests that a driver elsewhere builds against an installed sgdma, as README.md says."""

import os
import re
import shutil

import pytest

from harness import command
from harness.scenarios import ROOT, environment

TEMPLATE = ROOT / "samples/template"
# The most lines of each template.
TEMPLATES = {"template": 40, "template_platform": 60}


def run(commands, **env):
    return command.run("sh", "-ec", commands, **env)


@pytest.fixture(scope="module")
def root(built_arch, tmp_path_factory):
    """Returns the root that sgdma is installed below."""
    root = tmp_path_factory.mktemp("root")
    status, said = run("make && make modules_install", ARCH=built_arch, INSTALL_MOD_PATH=str(root))
    assert status == 0, said
    return root


@pytest.fixture
def installed(root):
    [modules] = (root / "lib/modules").iterdir()
    return modules


@pytest.fixture
def follow(built_arch, built_kernel, root, tmp_path):
    """Returns a function that runs a driver author's commands, for the guests' kernel."""
    env = environment(built_kernel)
    path = f"{env['TOOL_PATH']}:{os.environ['PATH']}"
    return lambda commands: run(commands, HOME=str(tmp_path), PATH=path, ARCH=built_arch, LLVM="1",
                                KDIR=env["KDIR"], INSTALL_MOD_PATH=str(root))


def test_what_is_installed(installed):
    files = {str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file()}
    assert {f for f in files if not f.startswith("modules.")} == {  # those are depmod's
        "updates/sgdma.ko", "sgdma/sgdma.mk", "sgdma/libsgdma.rmeta", "sgdma/Module.symvers",
        "sgdma/include/sgdma.h"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_readme_builds_the_template(follow, installed, tmp_path, name):
    readme = (ROOT / "README.md").read_text()
    [commands] = re.findall(
        r"(?:^    .*\n)*^    cp -r samples/template .*\n(?:^    .*\n)*", readme, re.M)
    assert f"# or samples/{name}\n" in commands or name == "template"
    status, said = follow(commands.replace("cp -r samples/template ", f"cp -r samples/{name} "))
    assert status == 0, said
    assert b"depends=sgdma\0" in (tmp_path / f"mydriver/sgdma_{name}.ko").read_bytes()

    again = "make -C ~/mydriver"
    assert "RUSTC" not in follow(again)[1]
    os.utime(installed / "sgdma/libsgdma.rmeta")
    assert f"RUSTC [M] sgdma_{name}.o" in follow(again)[1]


def test_readme_builds_for_the_guests_kernel(built_arch, built_kernel, tmp_path):
    """Nothing need be installed. Standard output has one line, whatever is built first."""
    [line] = re.findall(r"^    (eval .* kernel-env.*)$", (ROOT / "README.md").read_text(), re.M)
    driver = shutil.copytree(TEMPLATE, tmp_path / "mydriver")
    status, said = run(line.replace("~/mydriver", str(driver)), ARCH=built_arch, KDIR="", SGDMA="")
    assert status == 0, said
    assert b"depends=sgdma\0" in (driver / "sgdma_template.ko").read_bytes()

    (ROOT / "build" / built_kernel / "modules/sgdma.mk").unlink()
    status, said = run("make -s kernel-env 2>/dev/null", ARCH=built_arch, KDIR="", SGDMA="")
    assert status == 0 and said.count("\n") == 1 and "SGDMA=" in said, said


def test_readme_quotes_the_template():
    lines = (TEMPLATE / "Kbuild").read_text().splitlines()[1:]
    quoted = "".join(f"    {line}\n" for line in lines).replace("sgdma_template", "mydriver")
    assert len(lines) == 3 and quoted in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_short(name):
    text = (ROOT / f"samples/{name}/sgdma_{name}.rs").read_text()
    assert len(text.splitlines()) <= TEMPLATES[name]


@pytest.mark.parametrize("name", ["libsgdma.rmeta", "Module.symvers", "sgdma.mk"])
def test_missing_file_is_named(follow, installed, tmp_path, name):
    incomplete = shutil.copytree(installed / "sgdma", tmp_path / "sgdma")
    (incomplete / name).unlink()
    status, said = follow("cp -r samples/template ~/mydriver; "
                          f"make -C ~/mydriver SGDMA={incomplete}")
    assert status == 2
    assert re.search(f"{incomplete}/{name}( is missing: build sgdma|: No such file)", said), said


def test_install_says_what_to_build_first(built_arch, tmp_path):
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "include/config/kernel.release").write_text("7.2.0-test\n")
    status, said = run(f"make modules_install KDIR={tmp_path}", INSTALL_MOD_PATH=str(tmp_path))
    assert status == 2
    assert f"run 'make KDIR={tmp_path}' first" in said
