# SPDX-License-Identifier: GPL-2.0
"""The files that a guest has: busybox, tests/guest, modules, programs and a user's own files."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.scenarios import ROOT, BootError, how_to_make

GUEST = ROOT / "tests/guest"
# The name that the file of GUEST_SCRIPT= has in a guest.
SCRIPT = "guest-script"

# Built by the library and by DRIVERS= of the Makefile.
MODULES = [
    "modules/sgdma.ko",
    "bench/sgdma_bench_walks.ko",
]
# Modules for a machine with devices. User Mode Linux has none.
DRIVERS = ["bench/sgdma_bench_dma.ko", *(
    f"{kbuild.parent.relative_to(ROOT)}/{name}.ko"
    for where in ("samples", "tests/modules") for kbuild in sorted(ROOT.glob(f"{where}/*/Kbuild"))
    for name in re.findall(r"^obj-m \+= (\w+)\.o$", kbuild.read_text(), re.M))]


def own_files(names, script, places):
    """Finds a user's files, whose names are relative to one of `places`.

    Returns {path in the guest: file}.
    """
    places = dict.fromkeys(map(str, places))

    def find(name):
        for path in (Path(place, name) for place in places):
            if path.is_file():
                return path
        raise BootError("GUEST_FILES= and GUEST_SCRIPT= name files: "
                        f"'{name}' is none in {' or '.join(places)}")

    files = {}
    for path in map(find, names):
        target = ("lib/sgdma/" if path.suffix == ".ko" else "bin/") + path.name
        if target in files:
            raise BootError(f"GUEST_FILES= names two files that are {target} in the guest")
        files[target] = path
    return files | ({SCRIPT: find(script)} if script else {})


def contents(env, own):
    """Returns {path in the guest: file} of all files, `own` among them."""
    build = ROOT / "build" / env["KERNEL"]
    modules = MODULES
    files = {
        "bin/busybox": Path(env["BUSYBOX"]),
        **{str(path.relative_to(GUEST)): path for path in sorted(GUEST.rglob("*"))
           if path.is_file()},
    }
    if env["ARCH"] != "um":
        modules = MODULES + DRIVERS
        programs = [program for where in ("samples/*/user", "tests/user")
                    for program in sorted(ROOT.glob(f"{where}/*-test.c"))]
        files |= {f"bin/{program.stem}": build / "guest" / program.stem for program in programs}
    return files | {f"lib/sgdma/{Path(ko).name}": build / ko for ko in modules} | own


def pack_initramfs(env, work, own):
    """Writes the initramfs of a guest into the directory `work` and returns its path."""
    image = work / "initramfs.cpio"
    with tempfile.TemporaryDirectory() as staging, image.open("wb") as cpio:
        for name, source in contents(env, own).items():
            if not source.exists():
                raise BootError(f"{source} is missing: run '{how_to_make(env['KERNEL'])}' first")
            target = Path(staging, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        for program in [Path(staging, "init"), *(Path(staging, name) for name in own)]:
            program.chmod(0o755)
        names = "\n".join(str(p.relative_to(staging)) for p in sorted(Path(staging).rglob("*")))
        subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], check=True,
                       cwd=staging, input=names.encode(), stdout=cpio)
    return image
