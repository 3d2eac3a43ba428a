# SPDX-License-Identifier: GPL-2.0
"""Boots a scenario of scenarios.toml, in QEMU as a rule, and judges what its console said."""

import io
import json
import os
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import acpi

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
TABLE = tomllib.loads((TESTS / "scenarios.toml").read_text())
SCENARIOS = TABLE["scenario"]
TESTED = [name for name, scenario in SCENARIOS.items() if "only" not in scenario]
TIMEOUT = 300
# How much a guest does of what it is asked for: random tables that the self-tests walk, after as many
# rounds of 20000; failed allocations; turns of a life cycle; calls at random. At a "quick" pace the
# device goes through some pages only.
AMOUNTS = {"tables": 100, "rounds": 0, "faults": 0, "turns": 18, "calls": 3000, "pace": ""}

# What Makefile's DRIVERS= and the library make.
MODULES = [
    "modules/sgdma.ko",
    "bench/sgdma_bench_walks.ko",
]
# These take a machine with devices, which User Mode Linux is not.
DRIVERS = ["bench/sgdma_bench_dma.ko", *(
    f"{kbuild.parent.relative_to(ROOT)}/{name}.ko"
    for where in ("samples", "tests/modules") for kbuild in sorted(ROOT.glob(f"{where}/*/Kbuild"))
    for name in re.findall(r"^obj-m \+= (\w+)\.o$", kbuild.read_text(), re.M))]


class BootError(Exception):
    """The guest could not be started; the message says why and what to do."""


@dataclass
class Verdict:
    # Whatever came of what first comes first.
    reasons: list[str] = field(default_factory=list)
    cases: int = 0
    skipped: int = 0
    checks: int = 0
    seconds: float = 0
    runner: str = "KUnit"
    # What sgdma said of devices: (device, verdict, evidence, whether they agree).
    coherency_checks: list[tuple] = field(default_factory=list)
    # Its report for programs.
    report: list[dict] = field(default_factory=list)
    # The console.
    log: str = ""

    def __str__(self):
        return (f"{self.cases} {self.runner} cases ({self.skipped} skipped), "
                f"{self.checks} checks passed, {minutes(self.seconds)}")


def minutes(seconds):
    """m:ss"""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


def kernel_of(name):
    """The kernel that a scenario boots."""
    return SCENARIOS[name].get("kernel", SCENARIOS[name]["arch"])


def is_uml(name):
    """Whether a scenario boots User Mode Linux: the kernel is a program, and no QEMU runs it."""
    return SCENARIOS[name]["arch"] == "um"


def lacks(name):
    """What the kernel of a scenario need not have."""
    return TABLE["kernel"].get(kernel_of(name), {}).get("lacks", [])


def has(name):
    """What the kernel of a scenario has, and most have not."""
    return TABLE["kernel"].get(kernel_of(name), {}).get("has", [])


def list_scenarios(names=SCENARIOS):
    return "\n".join(f"  {name:17} {SCENARIOS[name]['about']}" for name in names)


def summary(reasons, most=3):
    """Reasons in one line."""
    more = [f"and {len(reasons) - most} more"] if len(reasons) > most else []
    return "; ".join(" ".join(r.split()) for r in [*reasons[:most], *more])


# Judging a console log

STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
COMPLAINT = re.compile(
    r"(?<!end )Kernel panic|Oops|Internal error:|Unable to handle kernel|BUG:|kernel BUG at|WARNING:"
    r"|general protection fault|UBSAN:|INFO: task .* blocked|detected (?:expedited )?stall"
    r"|kmemleak: .*suspected|allocated at module unload|pagealloc: |DMAR: \[DMA"
    r"|DMA-API: (?!preallocated|debugging enabled|dma_debug_entry pool grown|Mapped at"
    r"|enable driver filter|switching off dma-debug driver filter)"
    r"|cut here|Call [Tt]race:")
# These come with a line that says more, as a rule.
VAGUE = re.compile(r"cut here|Call [Tt]race:")
# vmalloc says where it failed also if it was told to.
INJECTED = re.compile(r"^(fault-test: vmalloc error: .*(?:\n.*){1,4}\n) ?Call Trace:$", re.M)


# Where a crash happened, in lines that follow the one that says what.
PLACE = re.compile(r"(?:RIP: 0010:|pc : )(\S+\+0x\S+(?: \[\w+\])?)")
PANIC = re.compile(r"rust_kernel: (panicked at \S+:)$")


def complaints(lines):
    """(line number, what it says) of each complaint of the kernel's, a crash with its function."""
    found, crash = [], None
    for i, line in enumerate(lines):
        if match := PANIC.match(line):
            # The text is in the next line.
            found.append((i, " ".join([match[1], *lines[i + 1:i + 2]])))
        elif COMPLAINT.search(line):
            found.append((i, line.strip()))
            # A line that names a function needs no other, and a trace comes after the place.
            if VAGUE.search(line) or "+0x" in line:
                crash = None
            elif crash is None:
                crash = len(found) - 1
        elif crash is not None and (match := PLACE.match(line)):
            found[crash] = found[crash][0], f"{found[crash][1]} at {match[1]}"
            crash = None
    return [complaint for complaint in found if not VAGUE.search(complaint[1])] or found


def parse_ktap(lines, ksrc):
    """(cases run, cases skipped, complaints) of the KTAP reports among these lines."""
    sys.path.insert(0, f"{ksrc}/tools/testing/kunit")
    try:
        import kunit_parser
        from kunit_printer import Printer
    finally:
        del sys.path[0]

    def failures(test, *parents):
        if not test.subtests and not test.ok_status():
            yield ".".join([*parents, test.name]) + " failed"
        for sub in test.subtests:
            yield from failures(sub, *parents, test.name)

    counts = kunit_parser.TestCounts()
    reasons = []
    # Each module that is loaded prints a report; the kernel itself an empty one.
    starts = [i for i, line in enumerate(lines) if line == "KTAP version 1"]
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        if lines[start + 1:start + 2] == ["1..0"]:
            continue
        output = io.StringIO()
        report = kunit_parser.parse_run_tests(lines[start:end], Printer(output=output))
        counts.add_subtest_counts(report.counts)
        problems = [reason for suite in report.subtests for reason in failures(suite)]
        problems += re.findall(r"\[ERROR\] Test: (.*)", output.getvalue())
        if not problems and report.status in (kunit_parser.TestStatus.FAILURE,
                                              kunit_parser.TestStatus.TEST_CRASHED):
            problems = [str(report.counts)]
        reasons += problems
    return counts.total() - counts.skipped, counts.skipped, reasons


def last_step(log):
    steps = re.findall(r"step: (\w+):", log)
    return f"in step {steps[-1]}" if steps else "before its first step"


def where_failed(reason, lines):
    """The number of the line that says so of a self-test; the end if none does, for then it comes of another reason."""
    case = re.match(r"[\w.]+\.(\w+) failed$", reason)
    result = re.compile(rf"(?:sgdma: )? *not ok \d+ {case[1]}\b") if case else None
    return next((i for i, line in enumerate(lines) if result and result.match(line)), len(lines))


def judge(log, ksrc, timeout=None, lacks=(), self_tests=True):
    """The verdict over a whole console log; `timeout` if that is what ended it.

    `self_tests` must have been run by KUnit, or else by selftest=1 where the kernel `lacks` it.
    """
    verdict = Verdict(runner="selftest=1" if "kunit" in lacks else "KUnit", log=log)
    lines = [STAMP.sub("", line.rstrip()) for line in log.splitlines()]
    lines = INJECTED.sub(r"\1", "\n".join(lines)).splitlines()

    # Reasons by where in the log they are: what comes later may have come of what was before.
    found = complaints(lines)
    found += [(i, line.removeprefix("check: FAIL ")) for i, line in enumerate(lines)
              if line.startswith("check: FAIL ")]
    verdict.checks = sum(line.startswith("check: PASS ") for line in lines)
    verdict.coherency_checks = [match.groups() for line in lines
                                if (match := re.match(r"sgdma_coherency_check (\S+): (\S+) \| (.*) \| (\w+)$", line))]
    verdict.report = [json.loads(line.removeprefix("report: ")) for line in lines
                      if line.startswith("report: {")]
    # With selftest=1 sgdma.ko reports itself.
    reports = {"KUnit": [], "selftest=1": []}
    for line in lines:
        ours = line.startswith("sgdma: ")
        reports["selftest=1" if ours else "KUnit"].append(line.removeprefix("sgdma: "))
    for runner, report in reports.items():
        ran, skipped, reasons = parse_ktap(report, ksrc)
        found += [(where_failed(reason, lines), f"{runner}: {reason}") for reason in reasons]
        if runner == verdict.runner:
            verdict.cases, verdict.skipped = ran, skipped
            if self_tests and not ran and not reasons:
                found.append((len(lines), f"no {runner} case ran"))
    if timeout:
        found.append((len(lines), f"timed out after {timeout:g} s, {last_step(log)}"))
    elif "guest: done" not in lines:
        found.append((len(lines), f"the guest ended early, {last_step(log)}"))
    found.sort(key=lambda reason: reason[0])
    # A self-test fails each time that the module is loaded.
    verdict.reasons = list(dict.fromkeys(reason for _, reason in found))
    return verdict


# Starting a guest

# Where a guest has what GUEST_SCRIPT= names.
SCRIPT = "guest-script"


def how_to_make(kernel):
    """The command that builds a kernel and the modules for it."""
    if kernel in TABLE["arch"]:
        return f"make ARCH={kernel}"
    return f"make BOOT={next(name for name in SCENARIOS if kernel_of(name) == kernel)}"


def environment(kernel):
    """The variables that scripts/setup found for a kernel."""
    path = ROOT / "build" / kernel / "env"
    try:
        words = shlex.split(path.read_text())
    except FileNotFoundError:
        raise BootError(f"{path.relative_to(ROOT)} is missing: "
                        f"run '{how_to_make(kernel)}' first") from None
    return dict(word.split("=", 1) for word in words)


def own_files(names, script, places):
    """{where in the guest: file} of what a user names, relative to one of these places."""
    places = dict.fromkeys(map(str, places))

    def find(name):
        for path in (Path(place, name) for place in places):
            if path.is_file():
                return path
        raise BootError(f"GUEST_FILES= and GUEST_SCRIPT= name files: '{name}' is none in {' or '.join(places)}")

    files = {}
    for path in map(find, names):
        target = ("lib/sgdma/" if path.suffix == ".ko" else "bin/") + path.name
        if target in files:
            raise BootError(f"GUEST_FILES= names two files that are {target} in the guest")
        files[target] = path
    return files | ({SCRIPT: find(script)} if script else {})


def pack_initramfs(env, work, own):
    build = ROOT / "build" / env["KERNEL"]
    modules = MODULES
    files = {
        "bin/busybox": Path(env["BUSYBOX"]),
        **{path.name: path for path in sorted((TESTS / "guest").iterdir())},
    }
    if env["ARCH"] != "um":
        modules = MODULES + DRIVERS
        programs = [program for where in ("samples/*/user", "tests/user")
                    for program in sorted(ROOT.glob(f"{where}/*-test.c"))]
        files |= {f"bin/{program.stem}": build / "guest" / program.stem for program in programs}
    files |= {f"lib/sgdma/{Path(ko).name}": build / ko for ko in modules} | own
    image = work / "initramfs.cpio"
    with tempfile.TemporaryDirectory() as staging, image.open("wb") as cpio:
        for name, source in files.items():
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


def edit_dtb(machine, edits, work):
    """QEMU's device tree for this machine, edited by fdtput."""
    dtb = str(work / "machine.dtb")
    subprocess.run([*machine, "-M", f"dumpdtb={dtb}"], check=True, capture_output=True)
    nodes = subprocess.run(["fdtget", "-l", dtb, "/"], check=True, capture_output=True, text=True)
    pcie = next("/" + n for n in nodes.stdout.split() if n.split("@")[0] == "pcie")
    for edit in edits:
        words = [{"@": dtb, "pcie": pcie}.get(word, word) for word in edit.split()]
        subprocess.run(["fdtput", *words], check=True)
    return dtb


def command(name, work, mode, cmdline="", qemu_args="", own={}, **amounts):
    """The command line that boots a scenario, its files made ready in `work`."""
    scenario = SCENARIOS[name]
    if mode != scenario.get("only", mode):
        raise BootError(f"{name} is only for make {scenario['only']}")
    env = environment(kernel_of(name))
    parts = [TABLE["all"], TABLE["arch"].get(scenario["arch"], {}), scenario]

    # Whoever varies the machine wants another one.
    expect, verdict = ("", "") if cmdline or qemu_args else (scenario["expect"], scenario["verdict"])

    asked = " ".join(f"guest_{what}={n}" for what, n in {**AMOUNTS, **amounts}.items())

    def joined(key, extra):
        return " ".join([*(p.get(key, "").replace("{work}", str(work)) for p in parts), extra])

    parameters = joined("cmdline", f"guest_mode={mode} guest_expect={expect} "
                                   f"guest_verdict={verdict} guest_devices={scenario.get('devices', 1)} "
                                   f"guest_mask={scenario.get('mask_bits', 64)} "
                                   f"guest_lacks={','.join(lacks(name))} "
                                   f"guest_has={','.join(has(name))} {asked} {cmdline}")
    initramfs = str(pack_initramfs(env, work, own))
    # Killed with us, even where we get no chance to do it ourselves.
    killed = ["setpriv", "--pdeathsig", "KILL"]
    if is_uml(name):
        # It would keep its files in ~/.uml.
        return [*killed, env["KIMAGE"], f"initrd={initramfs}", f"uml_dir={work}", "umid=uml",
                *shlex.split(parameters)], env

    qemu = [*killed, env["QEMU"], "-nodefaults", "-display", "none",
            "-no-reboot", *shlex.split(joined("qemu", "")),
            "-device", ",".join(p["edu"] for p in parts if "edu" in p), *words(qemu_args, "QEMU_ARGS")]
    if port := scenario.get("external"):
        (work / "external.aml").write_bytes(acpi.external_facing(port))
        qemu += ["-acpitable", f"file={work}/external.aml"]
    if edits := scenario.get("dtb"):
        qemu += ["-dtb", edit_dtb(qemu, edits, work)]
    qemu += ["-serial", "mon:stdio" if mode == "shell" else "stdio",
             "-kernel", env["KIMAGE"], "-initrd", initramfs, "-append", parameters]
    return qemu, env


def words(text, variable):
    """The words of what a user gave."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BootError(f"{variable}=: {error}: {text}") from None


# What a guest may ask for, as "host: COMMAND NAME=VALUE...".
REQUEST = re.compile(rb"^(?:\[[^]]*\] )*host: (device_add|device_del|object_add)((?: [\w-]+=\S+)*)\r?\n", re.M)


class Monitor:
    """QEMU's monitor, for what a guest asks of its machine."""

    def __init__(self):
        self.socket, theirs = socket.socketpair()
        self.theirs = theirs
        # A descriptor that it inherits needs no name and leaves nothing behind.
        self.argv = ["-chardev", f"socket,id=monitor,fd={theirs.fileno()}", "-mon", "chardev=monitor,mode=control"]
        self.tail = b""
        self.execute("qmp_capabilities")

    def execute(self, command, arguments={}):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())

    def heard(self, data):
        """Looks for requests in what the guest said."""
        self.tail += data
        end = 0
        for request in REQUEST.finditer(self.tail):
            command = request[1].decode()
            arguments = dict(argument.split("=", 1) for argument in request[2].decode().split())
            if command == "object_add":
                # The name is QEMU's own, and it is particular about numbers.
                command = "object-add"
                arguments = {what: int(n) if n.isdecimal() else n for what, n in arguments.items()}
            self.execute(command, arguments)
            end = request.end()
        # Of a line whose end is not there yet.
        self.tail = self.tail[max(end, self.tail.rfind(b"\n") + 1):]

    def complaints(self):
        """What QEMU would not do, for the log. The guest sees that it was not done."""
        descriptions = re.findall(rb'"desc": ("[^"]*")', self.socket.recv(65536))
        return b"".join(b"host: refused: %s\n" % description for description in descriptions)

    def close(self):
        self.socket.close()
        self.theirs.close()


@contextmanager
def workspace(out):
    """A directory of its own for a run, whose console.log is `out`'s in the end.

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


def run(argv, console, timeout, monitor):
    """Runs a guest, what it says to each of `console`; (what it said, on stderr, its status, None at a timeout)."""
    said = bytearray()
    end = time.monotonic() + timeout
    with tempfile.TemporaryFile("w+") as errors:
        # A session of its own: Ctrl-C is ours to handle.
        guest = subprocess.Popen(argv + (monitor.argv if monitor else []), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
                                 pass_fds=[monitor.theirs.fileno()] if monitor else [])
        status = None
        try:
            sources = [guest.stdout, *([monitor.socket] if monitor else [])]
            while (left := end - time.monotonic()) > 0:
                ready = select.select(sources, [], [], left)[0]
                if not ready:
                    break
                if guest.stdout in ready:
                    data = os.read(guest.stdout.fileno(), 65536)
                    if not data:
                        status = guest.wait()
                        break
                    if monitor:
                        monitor.heard(data)
                else:
                    data = monitor.complaints()
                data = data.replace(b"\r", b"")
                said += data
                for stream in console:
                    stream.write(data)
                    stream.flush()
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
    """With the names that Rust's functions have in its source."""
    if not any("_R" in reason for reason in reasons):
        return reasons
    tool = Path(env["TOOL_PATH"].split(":")[0], "llvm-cxxfilt")
    return subprocess.run([tool], input="\n".join(reasons), text=True, check=True, capture_output=True).stdout.splitlines()


def boot(name, out, cmdline="", qemu_args="", timeout=None, echo=None, mode="checks", own={}, **amounts):
    """Boots a scenario, console to `out`/console.log and to `echo`; its verdict.

    The guest runs tests/guest/`mode`, or instead of the checks what the scenario is for, as much of
    it as `amounts` say where AMOUNTS is not right. It has the files of `own`; the script among them
    is run instead of the checks.
    """
    if mode == "checks":
        mode = "script" if SCRIPT in own else SCENARIOS[name].get("mode", mode)
    timeout = timeout or SCENARIOS[name].get("timeout", TIMEOUT)
    start = time.monotonic()
    with workspace(out) as work:
        argv, env = command(name, work, mode, cmdline, qemu_args, own, **amounts)
        with (work / "console.log").open("wb") as console:
            # What came through our own pipe is judged: the file may soon be another run's.
            log, message, status = run(argv, [console, echo] if echo else [console], timeout,
                                       None if is_uml(name) else Monitor())
    # Where its kernel panics, UML fails with it.
    if status and "Kernel panic" not in log:
        raise BootError(f"{'UML' if is_uml(name) else 'QEMU'} failed {last_step(log)}: {message or status}")
    verdict = judge(log, env["KSRC"], timeout if status is None else None, lacks(name), mode != "script")
    verdict.reasons = demangled(verdict.reasons, env)
    verdict.seconds = time.monotonic() - start
    return verdict


def shell(name, out, cmdline="", qemu_args="", own={}):
    """A guest with a prompt."""
    with workspace(out) as work:
        qemu, _ = command(name, work, "shell", cmdline, qemu_args, own)
        return subprocess.run(qemu).returncode
