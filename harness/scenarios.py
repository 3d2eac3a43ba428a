# SPDX-License-Identifier: GPL-2.0
"""The scenarios of scenarios.toml, and the kernel that each of them boots."""

import os
import re
import shlex
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = tomllib.loads(Path(__file__).with_name("scenarios.toml").read_text())
SCENARIOS = TABLE["scenario"]
# The scenarios that `make test BOOT=` takes, and those that `make test` boots.
TESTABLE = [name for name, scenario in SCENARIOS.items() if "only" not in scenario]
TESTED = [name for name in TESTABLE if not SCENARIOS[name].get("soak")]
# The seconds that a boot may take.
TIMEOUT = 300
# The amount of each kind of work that a guest does:
#   tables   random tables that the self-tests walk
#   rounds   more rounds of 20000 such tables
#   faults   allocations that fail
#   turns    turns of each life cycle
#   calls    calls at random
#   pace     "quick": the device goes through some pages only, not through all
AMOUNTS = {"tables": 100, "rounds": 0, "faults": 0, "turns": 18, "calls": 3000, "pace": ""}


class BootError(Exception):
    """A guest that could not be started. The message says why, and what to do."""


def kernel_of(name):
    """Returns the kernel that a scenario boots: ARCH[-VARIANT][-SERIES]. SERIES= gives another."""
    kernel = SCENARIOS[name].get("kernel", SCENARIOS[name]["arch"])
    series = os.environ.get("SERIES")
    return f"{variant(kernel)}-{series}" if series else kernel


def kernel_of_arch(arch):
    """Returns the kernel that make takes for an architecture: that of its first scenario."""
    return next(kernel_of(name) for name in SCENARIOS if SCENARIOS[name]["arch"] == arch)


def variant(kernel):
    """Returns the name of a kernel without its series, which is a file of scripts/kernel."""
    return re.sub(r"-\d+\.\d+$", "", kernel)


def is_uml(name):
    """Tells User Mode Linux, a kernel that runs as a program, from the guests of QEMU."""
    return SCENARIOS[name]["arch"] == "um"


def lacks(name):
    """Returns the features that the kernel of a scenario does without."""
    return TABLE["kernel"].get(variant(kernel_of(name)), {}).get("lacks", [])


def has(name):
    """Returns the features that the kernel of a scenario has and most kernels do without."""
    return TABLE["kernel"].get(variant(kernel_of(name)), {}).get("has", [])


def list_scenarios(names=SCENARIOS):
    """Returns a line for each scenario: its name, and what it is."""
    return "\n".join(f"  {name:20} {SCENARIOS[name]['about']}" for name in names)


def how_to_make(kernel):
    """Returns the command that builds a kernel and the modules for it."""
    [boot, *_] = [name for name in SCENARIOS if kernel_of(name) == kernel]
    arch, series = SCENARIOS[boot]["arch"], os.environ.get("SERIES")
    guest = f"ARCH={arch}" if kernel == kernel_of_arch(arch) and arch != "um" else f"BOOT={boot}"
    return f"make {guest}" + (f" SERIES={series}" if series else "")


def environment(kernel):
    """Returns the variables that scripts/setup wrote for a kernel."""
    path = ROOT / "build" / kernel / "env"
    try:
        words = shlex.split(path.read_text())
    except FileNotFoundError:
        raise BootError(f"{path.relative_to(ROOT)} is missing: "
                        f"run '{how_to_make(kernel)}' first") from None
    return dict(word.split("=", 1) for word in words)
