# SPDX-License-Identifier: GPL-2.0
"""Tests set-up and make: the paths they refuse, the files they leave alone, and their locks.

Each test works in a copy of the checkout, with a cache of its own. The kernel that some build takes
no time: its source is KERNEL below.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import command
from harness.scenarios import ROOT, environment

ODD = {"space": "a b", "tab": "a\tb", "newline": "a\nb", "colon": "a:b", "quote": "a'b",
       "double-quote": 'a"b', "backtick": "a`b", "dollar": "a$b", "hash": "a#b", "percent": "a%b",
       "backslash": "a\\b", "glob": "a*b", "semicolon": "a;b"}
odd_names = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
REFUSAL = ": kernel builds break on a path with a blank, a quote or any of "


def snapshot(directory):
    """Returns {path: content} of all that is below a directory."""
    return {str(path): path.read_bytes() if path.is_file() else None
            for path in directory.rglob("*")}


def fill(*paths):
    """Makes a file in each of these directories."""
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        (path / "precious").write_text("precious\n")


def copy_checkout(where):
    return shutil.copytree(ROOT, where, ignore=shutil.ignore_patterns(
        "build", ".git", "__pycache__", "rust-project.json"))


@pytest.fixture
def checkout(tmp_path):
    return copy_checkout(tmp_path / "sgdma")


@pytest.fixture(scope="module")
def one_checkout(tmp_path_factory):
    """Returns a checkout for tests that build nothing."""
    return copy_checkout(tmp_path_factory.mktemp("checkout") / "sgdma")


# Paths

@odd_names
def test_checkout_below_an_odd_path(odd, tmp_path):
    home = tmp_path / "home"
    top = copy_checkout(home / odd / "sgdma")
    # There are files above, beside, and where a piece of the path leads.
    fill(home, home / "build", home / odd, home / odd / "build", top / "build",
         top / "b/sgdma/build", home / "a", home / "a/sgdma/build", home / "ab/sgdma/build",
         home / "b/sgdma/build", home / "cache/sgdma/src", home / "cache/src")
    before = snapshot(home)
    for argv, cwd in ((["make", "clean"], top),
                      (["make", "distclean"], top),
                      (["make", "run"], top),
                      (["make", "modules_install", "INSTALL_MOD_PATH=/nonsense"], top),
                      (["make", "-C", top, "clean"], home),
                      (["make", "-f", top / "Makefile", "distclean"], home),
                      (["make", "-f", f"{odd}/sgdma/Makefile", "distclean"], home)):
        status, said = command.run(*argv, cwd=cwd, SGDMA_CACHE=str(home / "cache"),
                                   HOME=str(home))
        assert snapshot(home) == before
        assert status == 2 and odd in said and REFUSAL in said, said
    for script in ("setup x86_64", "kbuild modules .", "check-env /nonsense", "clean",
                   "clean --cache"):
        name, *args = script.split()
        status, said = command.run(top / "scripts" / name, *args, cwd=home, KERNEL="x86_64",
                                   SGDMA_CACHE=str(home / "cache"), HOME=str(home))
        assert snapshot(home) == before
        assert status == 1 and f"this checkout, {top}{REFUSAL}" in said, said


@pytest.mark.parametrize("name, odd", [*(("KDIR", odd) for odd in ODD.values()), *(
    (name, odd) for name in ("KSRC", "SGDMA", "SGDMA_CACHE", "XDG_CACHE_HOME", "HOME",
                             "INSTALL_MOD_PATH", "BUSYBOX", "RUST_LIB_SRC")
    for odd in ("a b", "a$b"))])
def test_odd_variable(name, odd, one_checkout):
    """Make refuses it from the command line and from the environment, before anything runs."""
    path = f"/nonsense/{odd}/dir"
    # An empty variable counts as none.
    env = {"SGDMA_CACHE": "", "XDG_CACHE_HOME": ""}
    given = path.replace("$", "$$")
    for argv, more in (([f"{name}={given}"], {}), ([f"{name}={path}"], {}), ([], {name: path})):
        status, said = command.run("make", "help", *argv, cwd=one_checkout, **{**env, **more})
        assert status == 2, said
        assert f"{name}={path if more else ''}" in said and REFUSAL in said, said


@pytest.mark.parametrize("odd", ["a b", "a$b", "a'b"])
def test_odd_paths_of_scripts(odd, tmp_path, one_checkout):
    scripts, path = one_checkout / "scripts", f"{tmp_path}/{odd}/dir"
    fill(tmp_path / odd / "dir")
    before = snapshot(tmp_path)
    cache = {"SGDMA_CACHE": str(tmp_path / "cache")}
    for argv, env, name in (
            ([scripts / "setup", "x86_64"], {"SGDMA_CACHE": path}, "SGDMA_CACHE="),
            ([scripts / "setup", "x86_64"], {"SGDMA_CACHE": "", "XDG_CACHE_HOME": path},
             "XDG_CACHE_HOME="),
            ([scripts / "setup", "x86_64"], {**cache, "KSRC": path}, "KSRC="),
            ([scripts / "setup", "x86_64"], {**cache, "BUSYBOX": path}, "BUSYBOX="),
            ([scripts / "clean", "--cache"], {"SGDMA_CACHE": path}, "SGDMA_CACHE="),
            ([scripts / "kbuild", "modules", "."], {"KDIR": path}, "KDIR="),
            ([scripts / "check-env", path], {}, "KDIR=")):
        status, said = command.run(*argv, **env)
        assert status == 1 and f"{name}{path}{REFUSAL}" in said, said
        # A link with a good name to that path is refused too.
        link = tmp_path / "link"
        link.symlink_to(path)

        def by_link(value):
            return str(link) if value == path else value

        status, said = command.run(*map(by_link, argv),
                                   **{name: by_link(value) for name, value in env.items()})
        link.unlink()
        assert status == 1 and odd in said and REFUSAL in said, said
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize("odd", ["a b", "a:b", "a#b", "a%b"])
def test_odd_path_of_an_installed_sgdma(odd, tmp_path):
    fill(tmp_path / odd)
    shutil.copy(ROOT / "scripts/sgdma.mk", tmp_path / odd)
    (tmp_path / "Kbuild").write_text("include $(SGDMA)/sgdma.mk\nall:\n")
    # This is where the second of two words leads.
    (tmp_path / "b").symlink_to(odd)
    status, said = command.run("make", "-f", "Kbuild", f"SGDMA={tmp_path}/{odd}", cwd=tmp_path)
    assert status == 2 and f"SGDMA={tmp_path}/{odd}{REFUSAL}" in said, said


def test_clean_from_anywhere(checkout, tmp_path):
    """Nothing but build/ goes, wherever make is called and however the checkout is named."""
    (tmp_path / "link").symlink_to(checkout)
    (tmp_path / "Makefile").symlink_to(checkout / "Makefile")
    fill(tmp_path / "a b/build", tmp_path / "build")
    before = snapshot(tmp_path)
    for argv, cwd in ((["make", "clean"], checkout),
                      (["make", "clean", "-C", checkout], "/"),
                      (["make", "clean", "-C", "link"], tmp_path),
                      (["make", "clean"], tmp_path),
                      (["make", "clean", "-f", checkout / "Makefile"], tmp_path / "a b"),
                      (["make", "clean", "-f", "../link/Makefile"], tmp_path / "build"),
                      (["make", "clean", f"TOP={tmp_path}", f"BUILD={tmp_path}"], checkout),
                      (["../link/scripts/clean"], tmp_path / "build")):
        fill(checkout / "build/x86_64")
        (checkout / "rust-project.json").touch()
        status, said = command.run(*argv, cwd=cwd)
        assert status == 0, said
        assert snapshot(tmp_path) == before, argv


def test_makefile_without_its_checkout(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    fill(tmp_path / "build")
    status, said = command.run("make", "clean", cwd=tmp_path)
    assert status == 2 and f"{tmp_path} is not a checkout of sgdma" in said, said
    assert (tmp_path / "build/precious").exists()


# The cache

MARK = "Signature: 8a477f597d28d172789f06886806bc55\n"
NAMES = ["apt", "busybox", "kernel", "logs", "rust-src", "src", "tmp", "tools"]


@pytest.mark.parametrize("mark", [
    None, MARK, MARK + "# This file was created by something else.\n"])
def test_distclean_leaves_what_is_not_ours(mark, tmp_path, one_checkout):
    """Neither the directory of SGDMA_CACHE= goes nor another directory sgdma/ in it."""
    fill(*(tmp_path / name for name in NAMES), *(tmp_path / "sgdma" / name for name in NAMES))
    if mark:
        (tmp_path / "sgdma/CACHEDIR.TAG").write_text(mark)
    before = snapshot(tmp_path)
    for env in ({"SGDMA_CACHE": str(tmp_path)},
                {"SGDMA_CACHE": "", "XDG_CACHE_HOME": str(tmp_path)}):
        status, said = command.run("make", "distclean", cwd=one_checkout, **env)
        assert snapshot(tmp_path) == before
        assert status == 2, said
        assert f"{tmp_path}/sgdma has no CACHEDIR.TAG by scripts/setup of sgdma" in said, said


@pytest.fixture
def own(tmp_path_factory, built_kernel):
    """Returns an environment with a small kernel source and stubs, for a set-up of x86_64."""
    where = tmp_path_factory.mktemp("own")
    for stub in ("qemu-system-x86_64", "depmod"):
        (where / stub).symlink_to(shutil.which("true"))
    # With these nothing of the system can be changed.
    for stub in ("apt-get", "sudo"):
        (where / stub).symlink_to(shutil.which("false"))
    (where / "linux/rust/kernel").mkdir(parents=True)
    (where / "linux/rust/kernel/lib.rs").touch()
    (where / "linux/Makefile").write_text(KERNEL)
    (where / "library/core/src").mkdir(parents=True)
    (where / "library/core/src/lib.rs").touch()
    tools = environment(built_kernel)["TOOL_PATH"]
    subprocess.run([tools.split(":")[0] + "/clang", "--target=x86_64-linux-gnu", "-nostdlib",
                    "-static", "-fuse-ld=lld", "-x", "c", "-", "-o", where / "busybox"],
                   input=b"void _start(void) {}", check=True)
    return {"PATH": f"{where}:{tools}:{os.environ['PATH']}", "KSRC": str(where / "linux"),
            "KDIR": "", "RUST_LIB_SRC": str(where / "library"), "BUSYBOX": str(where / "busybox"),
            "SERIES": "", "SGDMA_CACHE": "", "XDG_CACHE_HOME": str(where / "cache"),
            "INSTALL_MOD_PATH": ""}


# A kernel source. The build of x86_64-nodebug waits for the file "go". Two builds in one directory
# at the same time fail.
KERNEL = r"""VERSION = 7
PATCHLEVEL = 2
SUBLEVEL = 0
EXTRAVERSION =

rustavailable headers: ;
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) $(O)/.config
all:
	mkdir -p $(O)/arch/x86/boot $(O)/include/config
	touch $(O)/arch/x86/boot/bzImage
	echo 7.2.0-own >$(O)/include/config/kernel.release
	echo 'include $(CURDIR)/Makefile' >$(O)/Makefile
	case $(O) in *nodebug*) touch begun; until [ -e go ]; do sleep 0.1; done;; esac
modules:
	mkdir -p $(MO)
	mkdir $(MO)/busy
	sleep 0.5
	touch $(MO)/built
	rmdir $(MO)/busy
"""


def until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"no {what} after 30 s"
        time.sleep(0.05)


def finish(process, timeout=30):
    """Waits for a process; returns (exit status, output). Kills it after `timeout` seconds."""
    try:
        said, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as late:
        # Its children are in a group of their own and have its output open.
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        pytest.fail(f"still not done after {timeout} s: {late.stdout}", pytrace=False)
    return process.returncode, said


def set_up(checkout, own, kernel="x86_64"):
    return command.start(checkout / "scripts/setup", kernel, **own)


def test_no_wait_for_what_is_not_needed(checkout, own):
    """While one kernel is built, another can be built, and one that is built can be used."""
    source, cache = Path(own["KSRC"]), Path(own["XDG_CACHE_HOME"], "sgdma")
    slow = set_up(checkout, own, "x86_64-nodebug")
    try:
        until((source / "begun").exists, "kernel build")
        for _ in range(2):
            status, said = finish(set_up(checkout, own))
            assert status == 0 and "x86_64 is ready: Linux 7.2.0" in said, said
        assert slow.poll() is None

        # Who wants the same kernel has to wait.
        second = set_up(checkout, own, "x86_64-nodebug")
        waiting = f"waiting for process {slow.pid}, which has {cache}/locks/kernel-x86_64-nodebug-"
        assert waiting in second.stdout.readline()
        before = snapshot(cache).keys()
        status, said = command.run("make", "distclean", cwd=checkout, **own)
        assert status == 2 and f"process {slow.pid} is at work there" in said, said
        assert snapshot(cache).keys() == before
    finally:
        (source / "go").touch()
    assert finish(slow)[0] == 0
    status, said = finish(second)
    assert status == 0 and "configuring" not in said, said
    assert sorted(p.name for p in (cache / "logs").iterdir()) == sorted(
        f"{p.name.removesuffix('.log')}.log" for p in (cache / "locks").iterdir())

    status, said = command.run("make", "distclean", cwd=checkout, **own)
    assert status == 0 and not cache.exists(), said
    assert cache.parent.exists()


def make_old_cache(cache):
    """Makes a cache as set-up left it before there was a mark."""
    for name in NAMES:
        (cache / name).mkdir(parents=True)
    (cache / "kernel/arm64-0123456789ab").mkdir()
    (cache / "src/linux-7.2.3-1").mkdir()
    (cache / "logs/kernel-arm64.log").touch()
    (cache / "lock").write_text("123\n")


def test_old_cache_becomes_ours(checkout, own):
    cache = Path(own["XDG_CACHE_HOME"], "sgdma")
    make_old_cache(cache)
    with (cache / "lock").open() as lock:
        # The set-up of another checkout is at work.
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = set_up(checkout, own)
        assert f", which has {cache}/lock (" in process.stdout.readline()
    status, said = finish(process)
    assert status == 0 and (cache / "CACHEDIR.TAG").read_text().startswith(MARK), said
    assert (cache / "kernel/arm64-0123456789ab").exists()
    status, said = command.run("make", "distclean", cwd=checkout, **own)
    assert status == 0 and not cache.exists(), said


@pytest.mark.parametrize("where", [".", "kernel", "src", "tools"])
def test_directory_with_other_things_is_not_taken(where, checkout, own):
    cache = Path(own["XDG_CACHE_HOME"], "sgdma")
    make_old_cache(cache)
    fill(cache / where)
    before = snapshot(cache)
    status, said = finish(set_up(checkout, own))
    assert status == 1 and f"{cache} holds other things" in said, said
    assert snapshot(cache) == before


def test_bindgen_that_cannot_be_had(checkout, own):
    """Without a network, set-up says what else there is to do."""
    for stub in ("bindgen", "cargo"):
        (Path(own["KSRC"]).parent / stub).symlink_to(shutil.which("false"))
    status, said = finish(set_up(checkout, own))
    assert status == 1, said
    assert "bindgen: FAILED" in said and "another way: a bindgen >= " in said, said


# Series of Linux

@pytest.fixture
def sources(own):
    """Returns own without KSRC=, and with sources of three series in the cache."""
    source, cache = Path(own["KSRC"]), Path(own["XDG_CACHE_HOME"], "sgdma")
    cache.mkdir(parents=True)
    (cache / "CACHEDIR.TAG").write_text(MARK + "# This cache directory tag was created by "
                                        "scripts/setup of sgdma.\n")
    for series in ("7.2", "7.3", "7.30"):
        for sublevel in ("9", "10"):
            tree = shutil.copytree(source, cache / f"src/linux-{series}.{sublevel}-1")
            (tree / "Makefile").write_text(
                KERNEL.replace("PATCHLEVEL = 2", f"PATCHLEVEL = {series[2:]}")
                .replace("SUBLEVEL = 0", f"SUBLEVEL = {sublevel}"))
    return {**own, "KSRC": ""}


@pytest.mark.parametrize("kernel, version", [
    ("x86_64", "7.2.10"), ("x86_64-7.3", "7.3.10"), ("x86_64-nodebug-7.30", "7.30.10")])
def test_kernel_of_a_series(kernel, version, checkout, sources):
    """The series is in the name of a kernel. Its newest source is built."""
    tree = Path(sources["XDG_CACHE_HOME"], f"sgdma/src/linux-{version}-1")
    (tree / "go").touch()
    status, said = finish(set_up(checkout, sources, kernel))
    assert status == 0 and f"{kernel} is ready: Linux {version} in " in said, said
    env = (checkout / f"build/{kernel}/env").read_text()
    assert f"KSRC='{tree}'" in env and f"sgdma/kernel/{kernel}-" in env, env


def test_oldest_series_may_be_named(checkout, own):
    """The kernel is then the one without a name, which is not built again."""
    assert finish(set_up(checkout, own))[0] == 0
    status, said = finish(set_up(checkout, own, "x86_64-7.2"))
    assert status == 0 and "configuring" not in said, said
    assert (checkout / "build/x86_64-7.2/env").exists()


@pytest.mark.parametrize("kernel, status, says", [
    ("x86_64-7", 2, "unknown KERNEL x86_64-7; "),
    ("x86_64-7.3-debug", 2, "unknown KERNEL x86_64-7.3-debug; "),
    ("vax-7.3", 2, "unknown KERNEL vax-7.3; "),
    ("x86_64-6.18", 2, "KERNEL x86_64-6.18: Linux 7.2 or later is needed"),
    ("x86_64-7.3", 1, "is Linux 7.2.0, and KERNEL=x86_64-7.3 wants 7.3: "),
])
def test_bad_series_is_named(kernel, status, says, checkout, own):
    ended, said = finish(set_up(checkout, own, kernel))
    assert ended == status and says in said, said


# An apt whose Debian has the sources of two kernels.
APT = """#!/bin/sh
case "$*" in
*print-uris*) echo "'http://nowhere.invalid/dists/forky/InRelease' forky 1" ;;
*madison*-7.[23] | *madison*busybox*) echo 'package | 1 | nowhere' ;;
*search*) printf '%s - source\\n' linux-source-7.3 linux-source-7.2 ;;
esac
"""


def test_series_that_debian_does_not_have(checkout, own):
    for name in ("apt-get", "apt-cache"):
        stub = Path(own["KSRC"]).parent / name
        stub.unlink(missing_ok=True)
        stub.write_text(APT)
        stub.chmod(0o755)
    status, said = finish(set_up(checkout, {**own, "KSRC": ""}, "x86_64-9.9"))
    assert status == 1, said
    assert ("has no linux-source-9.9, only linux-source-7.2 linux-source-7.3\n"
            "setup: another way: KSRC=DIR") in said, said


# Two at a time

def test_two_makes_in_one_checkout(checkout, own):
    status, said = finish(set_up(checkout, own))
    assert status == 0, said
    both = [command.start("make", "ARCH=x86_64", cwd=checkout, **own) for _ in range(2)]
    done = [finish(process) for process in both]
    assert [status for status, _ in done] == [0, 0], done
    said = done[0][1] + done[1][1]
    assert said.count("  READY build/x86_64 for Linux 7.2.0-own: modules/sgdma.ko and ") == 2
    assert said.count("  WAIT  for process ") == 1, said
    assert "which builds in build/x86_64" in said, said


def test_killed_make_leaves_no_lock(checkout, own):
    assert finish(set_up(checkout, own))[0] == 0
    killed = command.start("make", "ARCH=x86_64", cwd=checkout, **own)
    busy = checkout / "build/x86_64/modules/busy"
    until(busy.exists, "build")
    status, said = command.run("make", "clean", cwd=checkout)
    assert status == 2 and "is at work there, it has" in said and busy.exists(), said
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    busy.rmdir()
    status, said = finish(command.start("make", "ARCH=x86_64", cwd=checkout, **own))
    assert status == 0 and "WAIT" not in said, said


# What the user gives

GIVEN = ["-m", "-m 6G", "--",
         "a 'b c' \"d  e\" $HOME $(touch oops) `touch oops` ; touch oops # \\ %", "'"]

# Replaces boot() of harness/boot.py. No lock is held that others wait for.
SAY_WHAT_WAS_GIVEN = '''
def boot(name, out, cmdline="", qemu_args="", *args, **more):
    import json
    from harness.scenarios import ROOT
    print("[0] report: " + json.dumps([cmdline, qemu_args]), flush=True)
    subprocess.run(["flock", "-n", ROOT / "build/x86_64/lock", "true"], check=True)
    raise BootError("there is no guest")
'''


@pytest.mark.parametrize("target", ["run", "report"])
def test_boot_gets_what_was_given(target, checkout, built_kernel):
    """CMDLINE= and QEMU_ARGS= arrive to the letter, from the command line or the environment."""
    build = checkout / "build/x86_64"
    build.mkdir(parents=True)
    (build / "env").write_text(f"PYTHON='{environment(built_kernel)['PYTHON']}'\n")
    with (checkout / "harness/boot.py").open("a") as module:
        module.write(SAY_WHAT_WAS_GIVEN)
    for given in GIVEN:
        for argv, env in (([f"CMDLINE={given}", f"QEMU_ARGS={given}x"], {}),
                          ([], {"CMDLINE": given, "QEMU_ARGS": given + "x"})):
            # With -o guest nothing is built.
            _, said = command.run("make", "-o", "guest", target, "ARCH=x86_64", *argv,
                                  cwd=checkout, **env)
            assert "there is no guest" in said, said
            assert f"{json.dumps([given, given + 'x'])}\n" in said, said
    assert not list(checkout.rglob("oops"))


def test_install_runs_depmod_without_system_map(checkout, built_kernel, tmp_path):
    release, root, kdir = "7.2.0-test", tmp_path / "root", tmp_path / "kdir"
    built = shutil.copytree(ROOT / "build" / built_kernel / "modules",
                            checkout / "build" / release / "modules", symlinks=True)
    (kdir / "include/config").mkdir(parents=True)
    (kdir / "include/config/kernel.release").write_text(release)
    # The kernel's own modules_install, which skips depmod then.
    updates = f"$(INSTALL_MOD_PATH)/lib/modules/{release}/updates"
    (kdir / "Makefile").write_text(
        f"modules_install:\n\tinstall -D -t {updates} {built}/sgdma.ko\n")
    install = ["make", "modules_install", f"KDIR={kdir}", f"INSTALL_MOD_PATH={root}"]
    status, said = command.run(*install, cwd=checkout)
    assert status == 0 and f"DEPMOD  {root}/lib/modules/{release}" in said, said
    assert "updates/sgdma.ko:" in (root / "lib/modules" / release / "modules.dep").read_text()
    (kdir / "System.map").touch()
    assert "DEPMOD" not in command.run(*install, cwd=checkout)[1]


@pytest.mark.parametrize("args, status, says", [
    (["modules_install"], 2, "give KDIR=, the build tree of your kernel, or INSTALL_MOD_PATH="),
    (["modules_install", "KDIR=/nonsense"], 2, "KDIR=/nonsense is not the build tree of a kernel"),
    (["modules", "KDIR=/nonsense"], 2,
     "missing: /nonsense is not a directory: install the headers package"),
    (["check-env", "KDIR=/nonsense"], 2,
     "missing: /nonsense is not a directory: install the headers package"),
])
def test_wrong_kdir_is_named(args, status, says, one_checkout, tmp_path):
    done, said = command.run("make", *args, cwd=one_checkout, KDIR="", INSTALL_MOD_PATH="",
                             SGDMA_CACHE=str(tmp_path))
    assert done == status and says in said, said
    # One sentence, and nothing was set up first.
    assert not [word for word in ("realpath:", "cat:", "setup:", "line ") if word in said], said
    assert not list(tmp_path.iterdir())
