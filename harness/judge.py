# SPDX-License-Identifier: GPL-2.0
"""Judges a boot by its console log."""

import io
import json
import re
import sys
from dataclasses import dataclass, field


# The start of a line that a kernel printed: time, and thread or CPU.
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
COMPLAINT = re.compile(
    r"(?<!end )Kernel panic|Oops|Internal error:|Unable to handle kernel|BUG:|kernel BUG at"
    r"|WARNING:|general protection fault|UBSAN:|INFO: task .* blocked"
    r"|detected (?:expedited )?stall"
    r"|kmemleak: .*suspected|allocated at module unload|pagealloc: |DMAR: \[DMA"
    r"|DMA-API: (?!preallocated|debugging enabled|dma_debug_entry pool grown|Mapped at"
    r"|enable driver filter|switching off dma-debug driver filter)"
    r"|cut here|Call [Tt]race:")
# Complaints that come with a line that says more, as a rule.
VAGUE = re.compile(r"cut here|Call [Tt]race:")
# vmalloc prints a trace of its failure even where the failure was injected.
INJECTED = re.compile(r"^(fault-test: vmalloc error: .*(?:\n.*){1,4}\n) ?Call Trace:$", re.M)
# A guest provokes faults of an IOMMU between these lines, and counts them itself.
FAULTS = re.compile(r"faults: expected$.*?^faults: \d+ seen$", re.M | re.S)
FAULT = re.compile(r"^DMAR: \[DMA.*$", re.M)
# A line after that of a crash, which names the function.
PLACE = re.compile(r"(?:RIP: 0010:|pc : )(\S+\+0x\S+(?: \[\w+\])?)")
PANIC = re.compile(r"rust_kernel: (panicked at \S+:)$")
# A line of tests/modules/coherency_check: device, answer, what mapping did, agreement. In a line of
# tests/guest/virtio or exchange the third is what drivers' transfers did.
COHERENCY = re.compile(
    r"(?:sgdma_coherency_check|transfers|exchanges) (\S+): (\S+) \| (.*) \| (\w+)$")


@dataclass
class Outcome:
    """The outcome of a boot: a pass unless there are reasons why not."""

    # The cause comes first, then what may have come of the cause.
    reasons: list[str] = field(default_factory=list)
    cases: int = 0
    skipped: int = 0
    checks: int = 0
    seconds: float = 0
    runner: str = "KUnit"
    # The library's answers, beside what mapping or a driver's transfers did: (device, answer,
    # evidence, agreement).
    coherency_checks: list[tuple] = field(default_factory=list)
    # The library's report for programs, one dict for each device.
    report: list[dict] = field(default_factory=list)
    # The console.
    log: str = ""

    def __str__(self):
        return (f"{self.cases} {self.runner} cases ({self.skipped} skipped), "
                f"{self.checks} checks passed, {minutes(self.seconds)}")


def minutes(seconds):
    """Returns m:ss."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


def summary(reasons, most=3):
    """Joins reasons into one line."""
    more = [f"and {len(reasons) - most} more"] if len(reasons) > most else []
    return "; ".join(" ".join(r.split()) for r in [*reasons[:most], *more])


def complaints(lines):
    """Returns (line number, text) of each complaint of the kernel; a crash names its function."""
    found, crash = [], None
    for i, line in enumerate(lines):
        if match := PANIC.match(line):
            # The message is in the next line.
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
    """Returns (cases run, cases skipped, complaints) of the KTAP reports in these lines.

    The parser is the kernel's own, from the source tree `ksrc`.
    """
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
    # Each module prints a report when it is loaded. The report of the kernel itself is empty.
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
    """Returns the step that a guest was in when its console ended."""
    steps = re.findall(r"step: (\w+):", log)
    return f"in step {steps[-1]}" if steps else "before its first step"


def without_outcome(log):
    """Returns the checks that began and did neither pass nor fail, as far as the console says."""
    ended = re.findall(r"check: (?:PASS|FAIL) (\w+)", log)
    return [step for step in re.findall(r"step: (\w+):", log) if step not in ended]


def where_failed(reason, lines):
    """Returns the number of the line in which a self-test is said to have failed.

    Returns the number of lines for a reason of another kind: it may have come of any line.
    """
    case = re.match(r"[\w.]+\.(\w+) failed$", reason)
    result = re.compile(rf"(?:sgdma: )? *not ok \d+ {case[1]}\b") if case else None
    return next((i for i, line in enumerate(lines) if result and result.match(line)), len(lines))


def ktap_by_runner(lines):
    """Sorts lines by who ran self-tests: KUnit, or sgdma.ko itself, with selftest=1."""
    reports = {"KUnit": [], "selftest=1": []}
    for line in lines:
        runner = "selftest=1" if line.startswith("sgdma: ") else "KUnit"
        reports[runner].append(line.removeprefix("sgdma: "))
    return reports


def judge(log, ksrc, timeout=None, lacks=(), self_tests=True):
    """Returns the outcome of a boot with this console log.

    `timeout` is the number of seconds after which the guest was killed, if it was. With
    `self_tests` it fails unless KUnit ran some, or selftest=1 in a kernel that `lacks` KUnit.
    """
    outcome = Outcome(runner="selftest=1" if "kunit" in lacks else "KUnit", log=log)
    lines = [STAMP.sub("", line.rstrip()) for line in log.splitlines()]
    text = INJECTED.sub(r"\1", "\n".join(lines))
    lines = FAULTS.sub(lambda match: FAULT.sub("", match[0]), text).splitlines()

    # Reasons have line numbers: a later one may have come of an earlier one.
    found = complaints(lines)
    found += [(i, line.removeprefix("check: FAIL ")) for i, line in enumerate(lines)
              if line.startswith("check: FAIL ")]
    outcome.checks = sum(line.startswith("check: PASS ") for line in lines)
    outcome.coherency_checks = [match.groups() for line in lines
                                if (match := COHERENCY.match(line))]
    outcome.report = [json.loads(line.removeprefix("report: ")) for line in lines
                      if line.startswith("report: {")]
    for runner, report in ktap_by_runner(lines).items():
        ran, skipped, reasons = parse_ktap(report, ksrc)
        found += [(where_failed(reason, lines), f"{runner}: {reason}") for reason in reasons]
        if runner == outcome.runner:
            outcome.cases, outcome.skipped = ran, skipped
            if self_tests and not ran and not reasons:
                found.append((len(lines), f"no {runner} case ran"))
    if timeout:
        found.append((len(lines), f"timed out after {timeout:g} s, {last_step(log)}"))
    elif "guest: done" not in lines:
        found.append((len(lines), f"the guest ended early, {last_step(log)}"))
    else:
        found += [(len(lines), f"{step}: the console lacks the outcome of this check")
                  for step in without_outcome(log)]
    found.sort(key=lambda reason: reason[0])
    # A self-test fails each time that the module is loaded.
    outcome.reasons = list(dict.fromkeys(reason for _, reason in found))
    return outcome
