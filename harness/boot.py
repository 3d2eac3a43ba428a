# SPDX-License-Identifier: GPL-2.0
"""Boots a scenario, in QEMU or as User Mode Linux, and judges what its console said."""

import os
import select
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from harness import disks, machine
from harness.initramfs import SCRIPT
from harness.judge import judge, last_step
from harness.monitor import Monitor
from harness.scenarios import SCENARIOS, TIMEOUT, BootError, is_uml, lacks


@contextmanager
def workspace(out):
    """Makes a directory of its own for a run, and moves its console.log to `out` in the end.

    Another run of the same scenario may be under way.
    """
    out = Path(out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run.", dir=out) as work:
        log = Path(work, "console.log")
        try:
            yield Path(work)
        finally:
            if log.exists():
                log.replace(out / log.name)


def listen(guest, console, timeout, monitor):
    """Copies a guest's output to each of `console` until it ends or `timeout` seconds are over.

    Returns (the output, the guest's exit status; None if it did not end).
    """
    said = bytearray()
    end = time.monotonic() + timeout
    sources = [guest.stdout, *([monitor.socket] if monitor else [])]
    while (left := end - time.monotonic()) > 0:
        ready = select.select(sources, [], [], left)[0]
        if not ready:
            break
        if guest.stdout in ready:
            data = os.read(guest.stdout.fileno(), 65536)
            if not data:
                return said, guest.wait()
            if monitor:
                monitor.heard(data)
        else:
            data = monitor.complaints()
        data = data.replace(b"\r", b"")
        said += data
        for stream in console:
            stream.write(data)
            stream.flush()
    return said, None


def run(argv, console, timeout, monitor):
    """Runs a guest and copies its output to each of `console`.

    Returns (its output, its output on stderr, its exit status; None if it timed out).
    """
    status = None
    with tempfile.TemporaryFile("w+") as errors:
        # In a session of its own the guest gets no Ctrl-C; this process handles it.
        guest = subprocess.Popen(argv + (monitor.argv if monitor else []),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                 start_new_session=True,
                                 pass_fds=[monitor.theirs.fileno()] if monitor else [])
        try:
            said, status = listen(guest, console, timeout, monitor)
        finally:
            if status is None:
                guest.kill()
            guest.stdout.close()
            guest.wait()
            if monitor:
                monitor.close()
        errors.seek(0)
        return said.decode(errors="replace"), errors.read().strip(), status


def demangled(reasons, env):
    """Returns reasons in which Rust functions have the names of their source."""
    if not any("_R" in reason for reason in reasons):
        return reasons
    tool = Path(env["TOOL_PATH"].split(":")[0], "llvm-cxxfilt")
    return subprocess.run([tool], input="\n".join(reasons), text=True, check=True,
                          capture_output=True).stdout.splitlines()


def boot(name, out, cmdline="", qemu_args="", timeout=None, echo=None, mode="checks", own={},
         **amounts):
    """Boots a scenario, its console to `out`/console.log and to `echo`; returns the outcome.

    The guest runs tests/guest/`mode`. For "checks" it runs the script in `own`, or else the mode
    of the scenario, if there is one. `own` has more files for the guest. `amounts` replace those of
    AMOUNTS.
    """
    if mode == "checks":
        mode = "script" if SCRIPT in own else SCENARIOS[name].get("mode", mode)
    timeout = timeout or SCENARIOS[name].get("timeout", TIMEOUT)
    start = time.monotonic()
    with workspace(out) as work:
        argv, env = machine.command_line(name, work, mode, cmdline, qemu_args, own, **amounts)
        with (work / "console.log").open("wb") as console:
            # The output is judged and not the file, which may be another run's by then.
            log, message, status = run(argv, [console, echo] if echo else [console], timeout,
                                       None if is_uml(name) else Monitor())
        written = []
        if disks.written(SCENARIOS[name]) and mode != "script" and status is not None:
            written = disks.differences(work, SCENARIOS[name], log)
    # User Mode Linux ends with an error when its kernel panics.
    if status and "Kernel panic" not in log:
        raise BootError(f"{'UML' if is_uml(name) else 'QEMU'} failed {last_step(log)}: "
                        f"{message or status}")
    outcome = judge(log, env["KSRC"], timeout if status is None else None, lacks(name),
                    self_tests=mode != "script")
    outcome.reasons = demangled(outcome.reasons, env) + written
    outcome.seconds = time.monotonic() - start
    return outcome


def shell(name, out, cmdline="", qemu_args="", own={}):
    """Boots a guest with a prompt; returns QEMU's exit status."""
    with workspace(out) as work:
        qemu, _ = machine.command_line(name, work, "shell", cmdline, qemu_args, own)
        return subprocess.run(qemu).returncode
