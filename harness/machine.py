# SPDX-License-Identifier: GPL-2.0
"""The command line that boots a scenario: QEMU with its machine, or User Mode Linux."""

import shlex
import subprocess

from harness import acpi, disks
from harness.initramfs import pack_initramfs
from harness.scenarios import (AMOUNTS, SCENARIOS, TABLE, BootError, environment, has, is_uml,
                               kernel_of, lacks)


def words(text, variable):
    """Splits what a user gave in `variable` into words, as a shell does."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BootError(f"{variable}=: {error}: {text}") from None


def edit_dtb(machine, edits, work):
    """Writes QEMU's device tree for this machine, edited by fdtput, and returns its path."""
    dtb = str(work / "machine.dtb")
    subprocess.run([*machine, "-M", f"dumpdtb={dtb}"], check=True, capture_output=True)
    nodes = subprocess.run(["fdtget", "-l", dtb, "/"], check=True, capture_output=True, text=True)
    pcie = next("/" + n for n in nodes.stdout.split() if n.split("@")[0] == "pcie")
    for edit in edits:
        arguments = [{"@": dtb, "pcie": pcie}.get(word, word) for word in edit.split()]
        subprocess.run(["fdtput", *arguments], check=True)
    return dtb


def joined(parts, key, work, separator=" "):
    """Joins the values of `key` in those tables that have it; {work} stands for a directory."""
    text = separator.join(part[key] for part in parts if key in part)
    return text.replace("{work}", str(work))


def guest_parameters(name, mode, amounts, varied):
    """Returns the kernel parameters that tests/guest/init reads, as words."""
    scenario = SCENARIOS[name]
    # A user who varies the machine wants another one than the scenario expects.
    told = {
        "mode": mode,
        "expect": "" if varied else scenario["expect"],
        "verdict": "" if varied else scenario["verdict"],
        "devices": scenario.get("devices", 1),
        "disks": disks.verdicts(scenario),
        "mask": scenario.get("mask_bits", 64),
        "pair": "y" if "pair" in scenario else "",
        "lacks": ",".join(lacks(name)),
        "has": ",".join(has(name)),
        **AMOUNTS,
        **amounts,
    }
    return [f"guest_{what}={value}" for what, value in told.items()]


def command_line(name, work, mode, cmdline="", qemu_args="", own={}, **amounts):
    """Returns (the words that boot a scenario, the variables of its kernel's environment).

    Writes the files that they name into the directory `work`.
    """
    scenario = SCENARIOS[name]
    if mode != scenario.get("only", mode):
        raise BootError(f"{name} is only for make {scenario['only']}")
    env = environment(kernel_of(name))
    parts = [TABLE["all"], TABLE["arch"].get(scenario["arch"], {}), scenario]
    varied = bool(cmdline or qemu_args)
    parameters = " ".join([joined(parts, "cmdline", work),
                           *guest_parameters(name, mode, amounts, varied), cmdline])
    initramfs = str(pack_initramfs(env, work, own))
    # The guest is killed with this process, even where this process has no time to do so itself.
    killed = ["setpriv", "--pdeathsig", "KILL"]
    if is_uml(name):
        # Without uml_dir= it would keep its files in ~/.uml.
        return [*killed, env["KIMAGE"], f"initrd={initramfs}", f"uml_dir={work}", "umid=uml",
                *shlex.split(parameters)], env

    qemu = [*killed, env["QEMU"], "-nodefaults", "-display", "none", "-no-reboot",
            *shlex.split(joined(parts, "qemu", work))]
    # With disks, the clock runs as on a real machine.
    qemu += disks.make(work, scenario) or shlex.split(joined(parts, "icount", work))
    qemu += ["-device", joined(parts, "edu", work, ",")] * (2 if "pair" in scenario else 1)
    qemu += words(qemu_args, "QEMU_ARGS")
    if port := scenario.get("external"):
        (work / "external.aml").write_bytes(acpi.external_facing(port))
        qemu += ["-acpitable", f"file={work}/external.aml"]
    if edits := [*disks.device_tree(scenario), *scenario.get("dtb", [])]:
        qemu += ["-dtb", edit_dtb(qemu, edits, work)]
    qemu += ["-serial", "mon:stdio" if mode == "shell" else "stdio",
             "-kernel", env["KIMAGE"], "-initrd", initramfs, "-append", parameters]
    return qemu, env
