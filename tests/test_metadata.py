# SPDX-License-Identifier: GPL-2.0
"""Tests how Rust metadata of a Debian kernel is made and found, without any kernel.

The comparison of layouts works on what clang and rustc make of a small header. Scenarios on
Debian's kernels show the rest.
"""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from harness import command
from harness.scenarios import ROOT, environment

HEADER = """
struct inner { char c; long l; };
struct device {
    int id;
    union { short small; struct { char low, high; }; };
    unsigned flag:1, level:3;
    struct inner inner;
    struct { int x; long y; } pair[2];
};
typedef struct { int counter; } atomic_t;
struct part { int a, b; };
struct whole { int id; union { struct part; int number; }; int last; };
struct device device; atomic_t atomic; struct whole whole;
"""
# The same as bindgen writes it, also where it has no rustfmt.
BINDINGS = """
# [repr (C)] pub struct __BindgenBitfieldUnit < S > { storage : S , }
# [repr (C)] pub struct inner { pub c : i8 , pub l : i64 , }
#[repr(C)]
pub struct device {
    pub id: i32,
    pub __bindgen_anon_1: device__bindgen_ty_1,
    pub _bitfield_1: [u8; 1usize],
    pub inner: inner,
    pub pair: [device__bindgen_ty_2; 2usize],
}
#[repr(C)] pub union device__bindgen_ty_1 {
    pub small: i16, pub __bindgen_anon_1: device__bindgen_ty_1__bindgen_ty_1 }
#[repr(C)] #[derive(Clone, Copy)] pub struct device__bindgen_ty_1__bindgen_ty_1 {
    pub low: i8, pub high: i8 }
#[repr(C)] pub struct device__bindgen_ty_2 { pub x: i32, pub y: i64 }
impl device {
    pub fn flag (& self) -> u32 { (self . _bitfield_1 . get (0usize , 1u8) as u32) }
    pub fn level(&self) -> u32 { (self._bitfield_1.get(1usize, 3u8) as u32) }
}
# [repr (C)] pub struct atomic_t { pub counter : i32 , }
# [repr (C)] pub struct elsewhere { pub a : i32 , }
# [repr (C)] pub struct whole { pub id : i32 , pub __bindgen_anon_1 : whole__bindgen_ty_1 ,
pub last : i32 , }
# [repr (C)] pub union whole__bindgen_ty_1 { pub number : i32 , }
# [repr (C)] pub struct declared { _unused : [u8 ; 0] , }
"""


def compile_both(tmp_path, clang, header=HEADER):
    """Makes bindings.rs, layouts.o, which tells the layouts there, and the image of this header."""
    bindings, layouts = tmp_path / "bindings.rs", tmp_path / "layouts.rs"
    bindings.write_text(BINDINGS)
    status, said = command.run(ROOT / "scripts/layouts", "rust", bindings)
    assert status == 0, said
    # The field of bits has an accessor in the kernel, and here a type that has none.
    lines = [line for line in BINDINGS.splitlines() if "&self" not in line.replace("& ", "&")]
    layouts.write_text("pub mod kernel { #[allow(dead_code)] pub mod bindings {"
                       + "\n".join(lines).replace("{ storage : S , }", "(S);")
                       + "} }\n" + said.replace("//!", "//"))
    status, said = command.run("rustc", "--edition=2021", "--crate-type=lib", "--emit=obj",
                               "-Anon_camel_case_types", "-o", tmp_path / "layouts.o", layouts)
    assert status == 0, said
    (tmp_path / "image.c").write_text(header)
    status, said = command.run(clang, "-target", "bpf", "-g", "-fms-extensions",
                               "-c", tmp_path / "image.c", "-o", tmp_path / "image")
    assert status == 0, said


def compare(tmp_path, clang, header=HEADER):
    """Returns (status, output) of the comparison of BINDINGS with this header."""
    compile_both(tmp_path, clang, header)
    return command.run(ROOT / "scripts/layouts", "compare", *(
        tmp_path / name for name in ("bindings.rs", "layouts.o", "image")))


@pytest.fixture(scope="module")
def clang(built_arch):
    return Path(environment(built_arch)["TOOL_PATH"].split(":")[0], "clang")


def test_layouts_that_are_the_same(tmp_path, clang):
    assert compare(tmp_path, clang) == (
        0, "structures verified: 4 of 4 (1 more are not in the image, and of 1 bindgen leaves "
           "out a part)\n")


@pytest.mark.parametrize("old, new, says", [
    ("int id;\n", "int id; int cpu;", "struct device has 64 bytes in the kernel, and 56 here"),
    ("char c; long l;", "long l; char c;", "struct inner has c at bit 64 in the kernel, and at"),
    ("char c; long l;", "char c, d; long l;", "struct inner has a member d in the kernel, and no"),
    ("char low, high;", "char high, low;", "struct device has low at bit 40 in the kernel"),
    ("flag:1, level:3", "level:3, flag:1", "struct device has flag at bit 51 in the kernel"),
    ("int x; long y;", "long y; int x;", "struct device has pair.x at bit "),
    ("short small;", "short tiny;", "struct device has no member small in the kernel"),
    ("int counter;", "long counter;", "struct atomic_t has 8 bytes in the kernel, and 4 here"),
    # the structure of which bindgen leaves out a part
    ("int id; union { struct p", "long id; union { struct p", "struct whole has number at bit 64"),
    ("int last;", "int cpu; int last;", "struct whole has a member cpu in the kernel, and none"),
    ("int last;", "int last, cpu;", "struct whole has last at bit 96 in the kernel, and at bit 64"),
    ("int last;", "int first;", "struct whole has no member last in the kernel"),
])
def test_layouts_that_differ(old, new, says, tmp_path, clang):
    """A kernel with the same names and another layout is refused."""
    assert old in HEADER
    status, said = compare(tmp_path, clang, HEADER.replace(old, new))
    assert status == 1 and says in said and "structures verified: 3 of 4" in said, said


def test_members_that_bindgen_leaves_out(tmp_path, clang):
    """Only where C has such a member may a structure differ."""
    status, said = compare(tmp_path, clang, HEADER.replace("struct part;", "struct part part;"))
    assert status == 1 and "structures verified: 3 of 4" in said, said
    assert "struct whole has 16 bytes in the kernel, and 12 here" in said, said


def test_image_without_what_every_driver_has(tmp_path, clang):
    """Tells that few structures prove nothing."""
    status, said = compare(tmp_path, clang, "typedef struct { int counter; } atomic_t; atomic_t a;")
    assert status == 1 and said == "struct device is not in the image, or not here\n"


@pytest.mark.parametrize("old, new, says", [
    (b"\x7fELF", b"\x7fELK", "image is no image of a kernel"),
    (b".BTF\0", b".BUF\0", "image has no section .BTF"),
    # the magic number, and the first type, which is a number
    (b"\x9f\xeb\1\0", b"\x9e\xeb\1\0", "in no format that is known here"),
    (b"\0\0\0\1\4\0\0\0", b"\0\0\0\x1e\4\0\0\0", "in no format that is known here"),
])
def test_image_that_tells_nothing(old, new, says, tmp_path, clang):
    compile_both(tmp_path, clang)
    image = tmp_path / "image"
    assert old in image.read_bytes()
    image.write_bytes(image.read_bytes().replace(old, new))
    status, said = command.run(ROOT / "scripts/layouts", "check", image)
    assert status == 1 and says in said and "\n" not in said.strip(), said


# A kernel

CONFIG = """CONFIG_MODULES=y
CONFIG_HAS_DMA=y
CONFIG_X86_64=y
CONFIG_RUST=y
CONFIG_RUSTC_VERSION_TEXT="rustc 1.2.3 (made up)"
CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.1.2"
CONFIG_CC_VERSION_TEXT="x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"
"""


@pytest.fixture
def headers(tmp_path):
    """Returns what a headers package of Debian unpacks to."""
    kdir, common = tmp_path / "linux-headers-7.3.4-x", tmp_path / "linux-headers-7.3.4-common"
    for path, text in {
            kdir / "Makefile": "include /usr/src/linux-headers-7.3.4-common/Makefile\n",
            kdir / ".config": CONFIG,
            kdir / ".kernelvariables": "",
            kdir / "Module.symvers": "",
            kdir / "vmlinux": "",
            kdir / "include/config/auto.conf": CONFIG,
            kdir / "include/config/kernel.release": "7.3.4-x\n",
            kdir / "include/generated/utsversion.h":
                '#define UTS_VERSION "#1 SMP Debian 7.3.4-1 (2026-11-15)"\n',
            common / "Makefile": ""}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return kdir


# the mark of a cache
TAG = ("Signature: 8a477f597d28d172789f06886806bc55\n"
       "# This cache directory tag was created by scripts/setup of sgdma.\n")
# An apt whose Debian has another source and other compilers.
APT = """#!/bin/sh
case "$*" in
*print-uris*) echo "'http://nowhere.invalid/dists/forky/InRelease' forky 1" ;;
*madison*linux-source-7.3) [ -n "$GONE" ] || echo 'linux-source-7.3 | 7.3.9-1 | nowhere' ;;
*madison*busybox*) [ -n "$OFFLINE" ] || echo 'busybox | 1 | nowhere' ;;
*install*) exit 1 ;;
*Check-Valid-Until=false*update*) : >"$SGDMA_CACHE/valid" ;;
*update*)
	echo 'no network, perhaps'
	if [ "$LC_ALL" = C ]; then
		echo 'Release file for http://nowhere.invalid is expired (invalid since 9d).'
	else
		echo 'Release-Datei für http://nowhere.invalid ist abgelaufen (seit 9d).'
	fi ;;
esac
"""


@pytest.fixture
def env(tmp_path):
    """Returns an environment with that apt and a cache of its own."""
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name in ("apt-get", "apt-cache"):
        (stubs / name).write_text(APT)
        (stubs / name).chmod(0o755)
    return {"PATH": f"{stubs}:{os.environ['PATH']}", "SGDMA_CACHE": str(tmp_path / "cache"),
            "OFFLINE": "", "GONE": "", "LC_ALL": "", "LANG": "de_DE.UTF-8"}


def made(env):
    """Returns what was made in the cache."""
    return [path.name for where in ("metadata", "root", "src", "tmp")
            for path in Path(env["SGDMA_CACHE"], "sgdma", where).glob("*")]


@pytest.mark.parametrize("file, old, new, says", [
    ("vmlinux", None, None, "has no vmlinux: give the KDIR= of a Debian kernel's headers"),
    (".config", "CONFIG_RUST=y", "", "this kernel was built without Rust"),
    ("include/generated/utsversion.h", "Debian", "Arch", "this kernel is not Debian's"),
    ("include/config/kernel.release", "7.3.4", "7.1.9", "7.2 or later is needed: take another"),
    ("Makefile", "7.3.4-common", "7.3.5-common", "linux-headers-7.3.5-common is missing"),
])
def test_headers_that_will_not_do(file, old, new, says, headers, env):
    if old:
        (headers / file).write_text((headers / file).read_text().replace(old, new))
    else:
        (headers / file).unlink()
    status, said = command.run("make", "rust-metadata", f"KDIR={headers}", **env)
    assert status == 2 and says in said and not made(env), said


def test_compilers_that_debian_does_not_have(headers, env):
    status, said = command.run("make", "rust-metadata", f"KDIR={headers}", **env)
    assert status == 2 and not made(env), said
    assert ("no longer has what built this kernel: rustc 1.2.3, bindgen 0.1.2 and "
            "x86_64-linux-gnu-gcc-14") in said, said


def test_no_network(headers, env):
    status, said = command.run("make", "rust-metadata", f"KDIR={headers}", **env | {"OFFLINE": "y"})
    assert status == 2 and not made(env), said
    assert "no package lists of Debian" in said, said
    # In the language of the user, apt would not be understood.
    assert Path(env["SGDMA_CACHE"], "valid").exists(), said


@pytest.mark.parametrize("mount, fill, says", [
    ("size=80k", "dd if=/dev/zero of=$SGDMA_CACHE/full", "needs 1 MB in"),
    ("remount,ro", ":", "cannot write to the cache"),
])
def test_cache_that_takes_nothing(mount, fill, says, headers, env):
    """Names that before anything else fails."""
    script = f"""mkdir -p $SGDMA_CACHE; mount -t tmpfs none $SGDMA_CACHE
        mkdir -p $SGDMA_CACHE/sgdma/locks; printf '{TAG}' >$SGDMA_CACHE/sgdma/CACHEDIR.TAG
        mount -o {mount if "ro" in mount else "remount," + mount} $SGDMA_CACHE
        {fill} 2>/dev/null; exec scripts/rust-metadata {headers}"""
    status, said = command.run("unshare", "-Urm", "sh", "-c", script, **env)
    assert status == 1 and says in said, said
    assert [line.split(":")[0] for line in said.splitlines()] == ["rust-metadata"] * 3, said


def test_source_that_debian_does_not_have(headers, env):
    root = Path(env["SGDMA_CACHE"], "sgdma/root/rustc-1.2.3-bindgen-0.1.2-x86_64-linux-gnu-gcc-14")
    root.mkdir(parents=True)
    Path(env["SGDMA_CACHE"], "sgdma/CACHEDIR.TAG").write_text(TAG)
    status, said = command.run("make", "rust-metadata", f"KDIR={headers}", **env)
    assert status == 2 and made(env) == [root.name], said
    assert ("no longer has linux-source-7.3 7.3.4-1, the source of this kernel, only 7.3.9-1: "
            "install a current kernel") in said, said
    said = command.run("make", "rust-metadata", f"KDIR={headers}", **env | {"GONE": "y"})[1]
    assert "the source of this kernel, only other kernels: install a current kernel" in said, said


def test_check_env_names_the_way_out(headers, env):
    status, said = command.run("make", "check-env", f"KDIR={headers}", **env)
    assert status == 2, said
    assert f"rebuild it by make rust-metadata KDIR={headers}" in said, said
    # One sentence, which is enough.
    assert said.count("missing:") == 1, said


def test_check_env_without_a_release(headers, env):
    (headers / "include/config/kernel.release").unlink()
    status, said = command.run(ROOT / "scripts/check-env", headers, **env)
    assert status == 1 and "missing: include/config/kernel.release in" in said, said
    assert "No such file" not in said, said


def test_check_env_hands_on_the_metadata_of_this_very_kernel(headers, env):
    script = f'CACHE=$SGDMA_CACHE/sgdma; . scripts/lib/metadata.sh; metadata_tree "{headers}"'
    tree = Path(command.run("bash", "-c", script, **env)[1].strip())
    shutil.copytree(headers, tree)
    status, said = command.run(ROOT / "scripts/check-env", headers, **env)
    assert f"ok: Rust metadata by make rust-metadata, in {tree}" in said, said
    # The next version of the same release has other files.
    (headers / "Module.symvers").write_text("0x0 other vmlinux EXPORT_SYMBOL\n")
    status, said = command.run(ROOT / "scripts/check-env", headers, **env)
    assert status == 1 and "rebuild it by" in said and str(tree) not in said, said


# A whole run

# What a make of the kernel leaves, and what in-root runs it by. Nothing of env passes env -i.
MAKE = """#!/bin/sh
for arg; do case $arg in O=*) out=${{arg#O=}} ;; M=*) dir=${{arg#M=}} ;; esac; done
echo "$*" >>{0}/makes
case "$*" in
*olddefconfig) cat {0}/more >>"$out/.config" ;;
*prepare)
	mkdir -p "$out/rust/bindings" "$out/scripts"
	cp {0}/bindings.rs "$out/rust/bindings/bindings_generated.rs"
	echo 'EXPORT_SYMBOL_RUST_GPL(_Rone); EXPORT_SYMBOL_RUST_GPL(_Rmore);' \
		>"$out/rust/exports_core_generated.h"
	: >"$out/rust/libkernel.rmeta" ;;
*layouts.o) cp {0}/layouts.o "$dir/" ;;
esac
step=$(cat {0}/slow 2>/dev/null)
case "$*" in *"${{step:-none}}"*) sleep 9 & wait ;; esac
"""
UNSHARE = """#!/bin/sh
[ "$2" != true ] || exit 0
cd "$5" && shift 5 && exec "$@"
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, clang):
    path = tmp_path_factory.mktemp("compiled")
    compile_both(path, clang)
    return path


@pytest.fixture
def kernel(tmp_path, compiled, headers, env):
    """Returns the headers of a kernel that scripts/rust-metadata can make all of."""
    for name in ("bindings.rs", "layouts.o"):
        shutil.copy(compiled / name, tmp_path)
    shutil.copy(compiled / "image", headers / "vmlinux")
    (headers / "Module.symvers").write_text("0x0 _Rone vmlinux EXPORT_SYMBOL_GPL\n"
                                            "0x0 device_add vmlinux EXPORT_SYMBOL_GPL\n")
    (tmp_path / "more").write_text("")
    (headers / "rust").mkdir()
    (headers / "scripts").mkdir()
    for name, text in {"make": MAKE.format(tmp_path), "unshare": UNSHARE}.items():
        (tmp_path / "stubs" / name).write_text(text)
        (tmp_path / "stubs" / name).chmod(0o755)
    cache = Path(env["SGDMA_CACHE"], "sgdma")
    for name in ("root/rustc-1.2.3-bindgen-0.1.2-x86_64-linux-gnu-gcc-14", "src/linux-7.3.4-1"):
        (cache / name).mkdir(parents=True)
    (cache / "CACHEDIR.TAG").write_text(TAG)
    return headers


def metadata(kdir, env):
    """Makes it; returns (status, output, the trees that are there)."""
    status, said = command.run(ROOT / "scripts/rust-metadata", kdir, **env)
    assert not list(Path(env["SGDMA_CACHE"]).glob("sgdma/tmp/*"))
    return status, said, list(Path(env["SGDMA_CACHE"]).glob("sgdma/metadata/*"))


def test_metadata_that_is_right(kernel, env):
    status, said, trees = metadata(kernel, env)
    assert status == 0 and len(trees) == 1, said
    assert "Rust exports verified: 1 of 1\nstructures verified: 4 of 4" in said
    # The headers had a rust/, too.
    assert (trees[0] / "rust/libkernel.rmeta").exists()
    # The same kernel by another name needs nothing.
    (kernel / "../link").symlink_to(kernel)
    status, said, _ = metadata(kernel / "../link/", env)
    assert status == 0 and "[" not in said, said


@pytest.mark.parametrize("file, new, says", [
    ("Module.symvers", "0x0 _Rother vmlinux EXPORT_SYMBOL_GPL\n",
     "exports 1 symbols that were not made here: it was"),
    ("Module.symvers", "0x0 one vmlinux EXPORT_SYMBOL_GPL\n", "names no symbol of Rust: reinstall"),
    ("../more", "CONFIG_PREEMPT=y\n", "than this kernel was built with: PREEMPT"),
    ("vmlinux", "", "vmlinux is no image of a kernel: reinstall"),
])
def test_metadata_that_is_wrong(file, new, says, kernel, env):
    """Nothing is kept of what is not this kernel's, and the next run does better."""
    right = (kernel / file).read_bytes()
    (kernel / file).write_text(new)
    status, said, trees = metadata(kernel, env)
    assert status == 1 and says in said and not trees, said
    (kernel / file).write_bytes(right)
    assert metadata(kernel, env)[0] == 0


def test_headers_that_are_read_only(kernel, env):
    """Such directories are made writable in the copy, and no part of it stays."""
    command.run("chmod", "-R", "a-w", kernel)
    # An owner without the rights of root
    status, said = command.run(shutil.which("unshare"), "-U", ROOT / "scripts/rust-metadata",
                               kernel, **env)
    assert status == 0 and len(made(env)) == 3, said
    command.run("chmod", "-R", "u+w", kernel)


def test_compilers_that_are_gone(kernel, env):
    """The tree that needs them is made again, and check-env says by which command."""
    tree = metadata(kernel, env)[2][0]
    (tree / "root").unlink()
    (tree / "root").symlink_to("/nowhere")
    said = command.run(ROOT / "scripts/check-env", kernel, **env)[1]
    assert f"rebuild it by make rust-metadata KDIR={kernel}" in said, said
    status, said, trees = metadata(kernel, env)
    assert status == 0 and trees == [tree] and (tree / "root").exists(), said
    assert not (tree / "tree").exists()
    (tree / "rust/libmacros.so").unlink(missing_ok=True)
    said = command.run(ROOT / "scripts/check-env", kernel, **env)[1]
    assert f"in {tree}, where make rust-metadata had put it: remove that directory" in said, said


def test_metadata_of_other_structures(kernel, env, tmp_path, clang):
    """All names are right here, and a module would corrupt memory."""
    compile_both(tmp_path, clang, HEADER.replace("char c; long l;", "long l; char c;"))
    shutil.copy(tmp_path / "image", kernel / "vmlinux")
    status, said, trees = metadata(kernel, env)
    assert status == 1 and "would corrupt memory: struct inner has c at bit 64" in said, said
    assert not trees


@pytest.mark.parametrize("kind, step", [
    (signal.SIGINT, "rustavailable"), (signal.SIGHUP, "olddefconfig"), (signal.SIGTERM, "prepare"),
    (signal.SIGKILL, "prepare"), (signal.SIGTERM, "layouts.o")])
def test_interrupted_metadata(kind, step, kernel, env, tmp_path):
    """Nothing is left but the way to a good run."""
    (tmp_path / "slow").write_text(step)
    # A shell cannot trap what whoever runs the tests ignores, such as nohup.
    run = command.start("env", "--default-signal", ROOT / "scripts/rust-metadata", kernel, **env)
    makes = tmp_path / "makes"
    while not makes.exists() or step not in makes.read_text():
        assert run.poll() is None
        time.sleep(0.1)
    os.kill(run.pid, kind)
    if kind == signal.SIGKILL:
        run.wait()
    else:
        said = run.communicate()[0]
        assert run.returncode == 128 + kind and "interrupted; run the same command again" in said
        assert made(env) == ["rustc-1.2.3-bindgen-0.1.2-x86_64-linux-gnu-gcc-14", "linux-7.3.4-1"]
    (tmp_path / "slow").unlink()
    status, said, trees = metadata(kernel, env)
    assert status == 0 and len(trees) == 1, said


def test_interrupted_setup(tmp_path):
    """It does not wait for the metadata that it has made."""
    made = tmp_path / "scripts/rust-metadata"
    made.parent.mkdir()
    made.write_text("#!/bin/bash\ntrap 'touch ended; exit 143' TERM\ntouch begun\nsleep 9\n"
                    "touch late\n")
    made.chmod(0o755)
    run = command.start("bash", "-c", f"""
        set -e
        for file in {ROOT}/scripts/lib/*.sh {ROOT}/scripts/setup.d/*.sh; do . $file; done
        REPO={tmp_path} STEPS=(x) TITLES=(x) HINTS=('') STOCK=/none/7.3 step=1
        ready_stock_kernel() {{ false; }}
        new_log() {{ :; }}
        trap 'interrupted 143' TERM
        make_stock_kernel""", cwd=tmp_path)
    while not (tmp_path / "begun").exists():
        assert run.poll() is None
        time.sleep(0.1)
    os.kill(run.pid, signal.SIGTERM)
    said = run.communicate()[0]
    assert run.returncode == 143 and not (tmp_path / "late").exists(), said
    assert (tmp_path / "ended").exists(), said


def test_two_runs_at_once(kernel, env, tmp_path):
    runs = [command.start(ROOT / "scripts/rust-metadata", kernel, **env) for _ in range(3)]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert (tmp_path / "makes").read_text().count("prepare") == 1
    assert len(made(env)) == 3


# A root

def test_programs_of_a_root(tmp_path, built_arch):
    """They see this system's files, and leave nothing mounted."""
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "mnt").mkdir()
    (root / "etc").mkdir()
    (root / "bin").symlink_to("usr/bin")
    for name in ("sh", "ls", "xargs"):
        shutil.copy(environment(built_arch)["BUSYBOX"], root / "usr/bin" / name)
    before = Path("/proc/self/mounts").read_text()
    status, said = command.run(ROOT / "scripts/in-root", root, "sh", "-c",
                               'echo "$PWD: $(ls /usr/bin | xargs)" >out; exit 7', cwd=tmp_path)
    assert status == 7, said
    assert (tmp_path / "out").read_text() == f"{tmp_path}: ls sh xargs\n"
    assert Path("/proc/self/mounts").read_text() == before


def test_sources_below_usr(tmp_path, built_arch):
    """A checkout is where programs of a root see it."""
    (tmp_path / "mnt").mkdir()
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    shutil.copy(environment(built_arch)["BUSYBOX"], tmp_path / "usr/bin/sh")
    status, said = command.run(
        "unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /usr/local/src && "
        'cd /usr/local/src && exec "$0" "$1" sh -c pwd', ROOT / "scripts/in-root", tmp_path)
    assert (status, said) == (0, "/usr/local/src\n")


def test_no_namespaces(tmp_path, env):
    unshare = tmp_path / "stubs/unshare"
    unshare.write_text("#!/bin/sh\nexit 1\n")
    unshare.chmod(0o755)
    status, said = command.run(ROOT / "scripts/in-root", tmp_path, "true", **env)
    assert status == 1 and "permit user namespaces" in said, said
