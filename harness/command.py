# SPDX-License-Identifier: GPL-2.0
"""Commands as a user types them, without the variables of the make that runs the tests."""

import os
import subprocess

from harness.scenarios import ROOT

MAKES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARCH", "KERNEL")


def start(*argv, cwd=ROOT, **env):
    """Starts a command in the checkout, with `env` added to the environment."""
    clean = {k: v for k, v in os.environ.items() if k not in MAKES}
    return subprocess.Popen(argv, cwd=cwd, env={**clean, **env}, text=True, start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def run(*argv, **options):
    """Runs a command in the checkout; returns (exit status, output)."""
    command = start(*argv, **options)
    said, _ = command.communicate()
    return command.returncode, said
