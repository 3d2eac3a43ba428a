# SPDX-License-Identifier: GPL-2.0
"""Commands as a user types them: not under the make that runs the tests."""

import os
import subprocess

import guest


def run(*argv, **env):
    """Runs a command in the checkout; (exit status, all that it said)."""
    ours = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARCH", "KERNEL")
    clean = {k: v for k, v in os.environ.items() if k not in ours}
    done = subprocess.run(argv, cwd=guest.ROOT, env={**clean, **env}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout
