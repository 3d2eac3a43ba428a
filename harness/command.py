# SPDX-License-Identifier: GPL-2.0
"""Commands as a user types them: not under the make that runs the tests."""

import os
import subprocess

import guest


def start(*argv, cwd=guest.ROOT, **env):
    """Starts a command in the checkout."""
    ours = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARCH", "KERNEL")
    clean = {k: v for k, v in os.environ.items() if k not in ours}
    return subprocess.Popen(argv, cwd=cwd, env={**clean, **env}, text=True, start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run(*argv, **options):
    """Runs a command in the checkout; (exit status, all that it said)."""
    command = start(*argv, **options)
    said, _ = command.communicate()
    return command.returncode, said
