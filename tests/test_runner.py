# SPDX-License-Identifier: GPL-2.0
"""Tests harness: the judge names each kind of trouble and nothing else, boots end as they must."""

import os
import re
import subprocess
import threading
import time

import conftest
import pytest

from harness import acpi, command, disks, machine, scenarios
from harness.boot import boot
from harness.initramfs import SCRIPT, own_files
from harness.judge import STAMP, Outcome, judge, summary
from harness.monitor import Monitor
from harness.scenarios import ROOT, BootError, environment

KTAP = """\
[    0.311143] KTAP version 1
[    0.311148] 1..1
[    0.311158]     KTAP version 1
[    0.311163]     # Subtest: sgdma
[    0.311169]     # module: sgdma
[    0.311175]     1..2
[    0.311246]     ok 1 walk
[    0.311275]     # map: some words
[    0.311316]     ok 2 map
[    0.311393] # sgdma: pass:2 fail:0 skip:0 total:2
[    0.311417] ok 1 sgdma
"""
DONE = "[    9.442291] guest: done\n"
CLEAN = f"""\
[    0.000000] Kernel command line: console=ttyS0 panic=-1 oops=panic
[    0.253452] DMA-API: preallocated 65536 debug entries
[    0.253460] DMA-API: debugging enabled by kernel config
[    0.280000] KTAP version 1
[    0.280001] 1..0
[    0.310214] step: load: load the modules
{KTAP}{KTAP.replace("sgdma", "sgdma_gpu")}\
[    0.313434] check: PASS load
[    0.313457] step: copy: the device copies a file
[    7.000000] check: PASS copy
{DONE}[    9.442841] reboot: Power down
"""


@pytest.fixture
def ksrc(built_kernel):
    return environment(built_kernel)["KSRC"]


def test_clean_log_passes(ksrc):
    outcome = judge(CLEAN, ksrc)
    assert outcome.reasons == []
    assert (outcome.cases, outcome.skipped, outcome.checks) == (4, 0, 2)


@pytest.mark.parametrize("line", [
    "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
    "Oops: Oops: 0002 [#1] SMP PTI",
    "Unable to handle kernel paging request at virtual address ffff80007868a0f8",
    "Internal error: synchronous external abort: 0000000096000010 [#1] SMP",
    "general protection fault, probably for non-canonical address 0xdead000000000100",
    "UBSAN: array-index-out-of-bounds in sgdma.c:3",
    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "BUG: sleeping function called from invalid context at mm/slab.h:1",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [insmod:60]",
    "kernel BUG at sgdma.c:19!",
    "WARNING: kernel/dma/debug.c:1118 at check_unmap+0x4b9/0x8e0, CPU#0: rmmod/70",
    "DMA-API: sgdma_gpu 0000:00:01.0: device driver frees DMA memory it has not allocated",
    "DMA-API: debugging out of memory - disabling",
    "INFO: task gpu-test:77 blocked for more than 120 seconds.",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 0-.... }",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "------------[ cut here ]------------",
    "Call Trace:",
    "kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "samples/shared_c/sgdma_shared_c.c:45 module sgdma_shared_c func:shared_probe has 4096 "
    "allocated at module unload",
    "pagealloc: memory corruption",
    "DMAR: [DMA Write NO_PASID] Request device [00:01.0] fault addr 0xfffff000 "
    "[fault reason 0x05] PTE Write access is not set",
])
def test_complaints_of_the_kernel(ksrc, line):
    outcome = judge(CLEAN.replace(DONE, f"[    8.000000] {line}\n{DONE}"), ksrc)
    assert outcome.reasons == [line]


def test_vague_complaints_give_way(ksrc):
    trouble = "------------[ cut here ]------------\nWARNING: a.c:1\nCall Trace:\n"
    assert judge(trouble + CLEAN, ksrc).reasons == ["WARNING: a.c:1"]


def test_trace_of_an_injected_fault(ksrc):
    trace = "CPU: 0 UID: 0 PID: 1 Comm: fault-test\nHardware name: QEMU\nCall Trace:\n <TASK>\n"
    error = "vmalloc error: size 8192, failed to allocate pages, mode:0xdc0\n"
    failed = f"fault-test: {error}{trace}"
    assert judge(failed + CLEAN, ksrc).reasons == []
    elsewhere = failed.replace("fault-test", "insmod", 1)
    assert judge(elsewhere + CLEAN, ksrc).reasons == ["Call Trace:"]
    assert judge(failed + trace + CLEAN, ksrc).reasons == ["Call Trace:"]


def test_fault_that_a_check_provokes(ksrc):
    fault = "[    1.000000] DMAR: [DMA Read NO_PASID] Request device [00:03.0] fault addr 0x1000\n"
    provoked = f"[    1.0] faults: expected\n{fault}[    1.1] faults: 1 seen\n"
    assert judge(provoked + CLEAN, ksrc).reasons == []
    assert len(judge(provoked + fault + CLEAN, ksrc).reasons) == 1


@pytest.mark.parametrize("old, new, reason", [
    ("    ok 2 map", "    not ok 2 map", "KUnit: sgdma.map failed"),
    ("ok 1 sgdma\n", "not ok 1 sgdma\n", "KUnit: Ran 3 tests: passed: 2, failed: 1"),
    ("[    0.311316]     ok 2 map\n", "", "KUnit: sgdma: missing expected subtest!"),
    ("    ok 1 walk", "    ok 1 walk # SKIP no device", None),
], ids=["case fails", "suite fails", "case missing", "case skipped"])
def test_ktap(ksrc, old, new, reason):
    outcome = judge(CLEAN.replace(old, new, 1), ksrc)
    if reason:
        assert reason in outcome.reasons
    else:
        assert (outcome.reasons, outcome.cases, outcome.skipped) == ([], 3, 1)


@pytest.mark.parametrize("log, reason", [
    (CLEAN.replace("ok 1 walk", "ok 1 walk # SKIP").replace("ok 2 map", "ok 2 map # SKIP"),
     "no KUnit case ran"),
    (DONE, "no KUnit case ran"),
    (CLEAN.replace(DONE, ""), "the guest ended early, in step copy"),
    (KTAP, "the guest ended early, before its first step"),
    (CLEAN.replace("PASS copy", "FAIL copy: the copy differs"), "copy: the copy differs"),
    (CLEAN.replace("check: PASS copy", "sh: write error"),
     "copy: the console lacks the outcome of this check"),
], ids=["all skipped", "no KTAP", "not done", "not started", "failed check", "lost check"])
def test_what_is_missing(ksrc, log, reason):
    assert judge(log, ksrc).reasons == [reason]


def test_answers_on_devices_beside_what_happened(ksrc):
    checks = [("a000000.one", "coherent", "2 bytes in place; cleaned 0", "agree"),
              ("0000:00:01.0", "bounce-mask", "direct, 1 of 2 pages bounced", "DISAGREE")]
    log = "".join(f"[    5.000000] {by} {device}: {answer} | {evidence} | {agreement}\n"
                  for by, (device, answer, evidence, agreement)
                  in zip(("transfers", "sgdma_coherency_check"), checks))
    assert judge(log + CLEAN, ksrc).coherency_checks == checks


def test_reason_that_is_too_long_for_the_kernel_log():
    script = f". {ROOT}/tests/guest/common; long() {{ fail $(seq 1000); }}; check long x"
    said = subprocess.run(["sh", "-c", script], text=True, capture_output=True).stdout
    step, outcome = said.splitlines()
    assert outcome.startswith("check: FAIL long: 1 2 3") and len(outcome) < 1024


# The first reason is the cause

def failing(*lines):
    """Returns a log that ends with these lines, in the middle of a self-test."""
    start, _, _ = CLEAN.partition("[    0.311316]     ok 2 map")
    return start + "".join(f"[    0.3112{i:02}] {line}\n" for i, line in enumerate(lines))


# The log of a Rust `panic!`, which calls BUG().
RUST_PANIC = failing(
    "rust_kernel: panicked at src/mapping.rs:147:17:",
    "index out of bounds: the len is 3 but the index is 3",
    "------------[ cut here ]------------", "kernel BUG at rust/helpers/bug.c:7!",
    "Oops: invalid opcode: 0000 [#1] SMP PTI",
    "CPU: 0 UID: 0 PID: 50 Comm: insmod Tainted: G           O     N  7.2.12 #1 PREEMPT(none)",
    "RIP: 0010:rust_helper_BUG+0x8/0x10", "Code: 0f 0b", "Call Trace:", " <TASK>",
    " _RNvNtCs1f_6kernel5panic+0x3a/0x50", " </TASK>", "---[ end trace 0000000000000000 ]---",
    "Kernel panic - not syncing: Fatal exception", "Kernel Offset: disabled")
X86_OOPS = failing(
    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "#PF: supervisor read access in kernel mode", "#PF: error_code(0x0000) - not-present page",
    "PGD 0 P4D 0 ", "Oops: Oops: 0000 [#1] SMP PTI", "CPU: 0 UID: 0 PID: 50 Comm: insmod",
    "RIP: 0010:sgdma_coherency_check_init+0x14/0x80 [sgdma_coherency_check]", "Call Trace:",
    "---[ end trace 0000000000000000 ]---", "RIP: 0010:later+0x1/0x2",
    "Kernel panic - not syncing: Fatal exception")
ARM64_OOPS = failing(
    "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008",
    "Mem abort info:",
    "  ESR = 0x0000000096000004", "Internal error: Oops: 0000000096000004 [#1]  SMP",
    "pstate: 60000005 (nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
    "pc : sgdma_shadow_free+0x2c/0xa0 [sgdma]", "lr : sgdma_unmap+0x10/0x20 [sgdma]",
    "Call trace:", "Kernel panic - not syncing: Oops: Fatal exception")
# DMA debugging complains, and then a check fails for another reason.
DMA_DEBUG = CLEAN.replace(
    "[    7.000000] check: PASS copy\n", """\
[    6.000001] ------------[ cut here ]------------
[    6.000002] DMA-API: sgdma_gpu 0000:00:02.0: device driver frees DMA memory it has not allocated
[    6.000003] WARNING: kernel/dma/debug.c:1118 at check_unmap+0x4b9/0x8e0, CPU#0: rmmod/70
[    6.000004] RIP: 0010:check_unmap+0x4b9/0x8e0
[    6.000005] Call Trace:
[    7.000000] check: FAIL copy: the copy differs
""")
# A self-test fails twice, as the module is loaded again; each time the check that loads it fails.
SELF_TEST = CLEAN.replace("    ok 2 map\n", "    not ok 2 map\n").replace(
    "PASS load", "FAIL load: the self-tests did not report, or failed")


@pytest.mark.parametrize("log, cause", [
    (RUST_PANIC, "panicked at src/mapping.rs:147:17: "
                 "index out of bounds: the len is 3 but the index is 3"),
    (X86_OOPS, "BUG: kernel NULL pointer dereference, address: 0000000000000008 "
               "at sgdma_coherency_check_init+0x14/0x80 [sgdma_coherency_check]"),
    (ARM64_OOPS, "Unable to handle kernel NULL pointer dereference at virtual address "
                 "0000000000000008 at sgdma_shadow_free+0x2c/0xa0 [sgdma]"),
    (DMA_DEBUG, "DMA-API: sgdma_gpu 0000:00:02.0: "
                "device driver frees DMA memory it has not allocated"),
    (SELF_TEST, "KUnit: sgdma.map failed"),
    (CLEAN.replace("PASS load", "FAIL load: insmod: no")
     .replace("PASS copy", "FAIL copy: no node"), "load: insmod: no"),
], ids=["Rust panic", "oops of x86", "oops of arm64", "dma-debug", "self-test", "check"])
def test_cause_comes_first(ksrc, log, cause):
    reasons = judge(log, ksrc).reasons
    assert reasons[0] == cause, reasons
    assert len(reasons) == len(set(reasons)) > 1
    assert f"run: FAIL ({summary(reasons)})".startswith(f"run: FAIL ({cause}; ")


def test_cause_of_what_the_module_says_itself(ksrc):
    log = CLEAN_OURS.replace("    ok 2 map", "    not ok 2 map")
    log = log.replace("PASS load", "FAIL load: it failed")
    reasons = judge(log, ksrc, lacks=["kunit"]).reasons
    assert reasons[:2] == ["selftest=1: sgdma.map failed", "load: it failed"]


def test_a_place_belongs_to_its_crash(ksrc):
    """An earlier complaint that has no place gets none of a later crash."""
    slept = "BUG: sleeping function called from invalid context at mm/slab.h:1\nCall Trace:\n"
    crashed = ("Oops: general protection fault: 0000 [#1] SMP\n"
               "RIP: 0010:f+0x1/0x2\nRIP: 0033:0x40123\n")
    assert judge(slept + crashed + CLEAN, ksrc).reasons == [
        slept.splitlines()[0], "Oops: general protection fault: 0000 [#1] SMP at f+0x1/0x2"]


# The report of sgdma.ko itself, with selftest=1, in a kernel without KUnit.
OURS = re.sub(r"^(\[.*?\] )", r"\1sgdma: ", KTAP, flags=re.M)
CLEAN_OURS = CLEAN.replace(KTAP, OURS).replace(KTAP.replace("sgdma", "sgdma_gpu"), "")


def test_clean_log_without_kunit_passes(ksrc):
    outcome = judge(CLEAN_OURS, ksrc, lacks=["kunit"])
    assert outcome.reasons == []
    assert (outcome.cases, outcome.skipped, outcome.checks) == (2, 0, 2)


@pytest.mark.parametrize("log, reason", [
    (CLEAN_OURS.replace("    ok 2 map", "    not ok 2 map"), "selftest=1: sgdma.map failed"),
    (re.sub(".* ok [12] (walk|map)\n", "", CLEAN_OURS).replace("1..2", "1..0"),
     "selftest=1: sgdma: 0 tests run!"),
    (CLEAN_OURS.replace(OURS, ""), "no selftest=1 case ran"),
    (CLEAN, "no selftest=1 case ran"),
], ids=["case fails", "no cases", "no KTAP", "KUnit's"])
def test_self_tests_without_kunit(ksrc, log, reason):
    assert reason in judge(log, ksrc, lacks=["kunit"]).reasons


def test_self_tests_without_kunit_do_not_count_with_it(ksrc):
    assert judge(CLEAN_OURS, ksrc).reasons == ["no KUnit case ran"]


# Guests

def boot_instead(monkeypatch, ksrc, tmp_path, script, env={}, **options):
    """Boots, with a shell script in place of QEMU."""
    monkeypatch.setattr(machine, "command_line",
                        lambda *_, **__: (["sh", "-c", script], {"KSRC": ksrc, **env}))
    return boot("x86-plain", tmp_path, **options)


def test_each_run_is_judged_by_its_own_output(monkeypatch, ksrc, tmp_path):
    """Of two runs in one directory neither sees files of the other. The last log stays."""
    def command_line(name, work, *_, **__):
        return ["sh", "-c", f"ls {work}; echo check: FAIL {script}"], {"KSRC": ksrc}

    monkeypatch.setattr(machine, "command_line", command_line)
    script = "one: was slow; touch $RUNS; while [ -e $RUNS ]; do sleep 0.1; done"
    runs = tmp_path / "runs"
    monkeypatch.setenv("RUNS", str(runs))
    outcomes = {}
    slow = threading.Thread(target=lambda: outcomes.update(one=boot("x86-plain", tmp_path)))
    slow.start()
    while not runs.exists():
        time.sleep(0.05)
    script = "two: was quick"
    outcomes["two"] = boot("x86-plain", tmp_path)
    second = (tmp_path / "console.log").read_text()
    runs.unlink()
    slow.join()
    assert second == outcomes["two"].log == "console.log\ncheck: FAIL two: was quick\n"
    for name, why in ("one", "was slow"), ("two", "was quick"):
        assert outcomes[name].reasons[0] == f"{name}: {why}"
    assert (tmp_path / "console.log").read_text() == outcomes["one"].log
    assert [path.name for path in tmp_path.iterdir()] == ["console.log"]


def test_guest_that_never_stops_talking(monkeypatch, ksrc, tmp_path):
    outcome = boot_instead(monkeypatch, ksrc, tmp_path, "while :; do echo again; done",
                           timeout=0.5)
    assert "timed out after 0.5 s, before its first step" in outcome.reasons


def test_guest_that_hangs_is_killed(monkeypatch, ksrc, tmp_path):
    start = time.monotonic()
    outcome = boot_instead(monkeypatch, ksrc, tmp_path, "echo step: copy: x; exec sleep 60",
                           timeout=0.5)
    assert "timed out after 0.5 s, in step copy" in outcome.reasons
    assert time.monotonic() - start < 30


def test_qemu_that_fails_is_quoted(monkeypatch, ksrc, tmp_path):
    with pytest.raises(BootError, match="before its first step: no such option"):
        boot_instead(monkeypatch, ksrc, tmp_path, "echo no such option >&2; exit 1")


def test_panic_that_ends_the_machine_is_quoted(monkeypatch, ksrc, tmp_path):
    """User Mode Linux ends with an error then."""
    outcome = boot_instead(monkeypatch, ksrc, tmp_path,
                           "echo Kernel panic - not syncing: x; exit 1")
    assert "Kernel panic - not syncing: x" in outcome.reasons


def test_function_in_rust_has_its_name(monkeypatch, ksrc, built_kernel, tmp_path):
    name = "_RNvNtCs9ZbJUPB8GmC_5sgdma7compare19lockstep_difference"
    script = f"echo Oops: x; echo RIP: 0010:{name}+0x1/0x2 [sgdma]"
    outcome = boot_instead(monkeypatch, ksrc, tmp_path, script, environment(built_kernel))
    assert outcome.reasons[0] == "Oops: x at sgdma::compare::lockstep_difference+0x1/0x2 [sgdma]"


def test_scenario_for_measuring_only(tmp_path):
    with pytest.raises(BootError, match="um-native is only for make bench"):
        boot("um-native", tmp_path)


def test_kernel_that_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    for kernel, how in (("arm64-7.3", "ARCH=arm64"), ("x86_64-nodebug", "BOOT=x86-nodebug"),
                        ("um", "BOOT=um-native")):
        with pytest.raises(BootError, match=f"run 'make {how}' first"):
            environment(kernel)


def test_requests_of_a_guest():
    monitor = Monitor()
    try:
        for part in [b"[    1.0] host: device_d",
                     b"el id=edu0\r\n[    2.0][    T1] host: quit\n host: device_del id=a\n"]:
            monitor.heard(part)
        monitor.heard(b"host: object_add qom-type=memory-backend-ram id=m1 size=4096\n")
        assert re.findall(rb"{.*?}}", monitor.theirs.recv(4096))[1:] == [
            b'{"execute": "device_del", "arguments": {"id": "edu0"}}',
            b'{"execute": "object-add", "arguments": '
            b'{"qom-type": "memory-backend-ram", "id": "m1", "size": 4096}}']
    finally:
        monitor.close()


@pytest.mark.parametrize("mode", ["checks", "hard", "script"])
def test_any_guest_may_ask(monkeypatch, ksrc, tmp_path, mode):
    """In each mode QEMU gets the socket of its monitor."""
    monkeypatch.setattr(machine, "command_line", lambda *_, **__: (
        ["sh", "-c", "echo $*", "qemu"], {"KSRC": ksrc}))
    assert "-chardev socket,id=monitor,fd=" in boot("x86-plain", tmp_path, mode=mode).log


def test_minutes_of_each_boot():
    outcomes = {"x86-plain": Outcome(seconds=59.6, checks=3),
                "debug": Outcome(["x"], seconds=754)}
    assert list(conftest.summary(outcomes)) == [
        "x86-plain            ok   0 KUnit cases (0 skipped), 3 checks passed, 1:00",
        "debug                FAIL 0 KUnit cases (0 skipped), 0 checks passed, 12:34",
        "all                       2 boots, 13:34 one after the other"]


# {arch: scenario, CMDLINE= that changes the library's answer for edu there, that answer}.
VARIED = {"x86_64": ("x86-plain", "swiotlb=force", "bounce-forced"),
          "arm64": ("arm64-nc", "swiotlb=noforce", "needs-cache-maintenance")}


def test_checks_go_by_the_report(built_arch):
    name, cmdline, is_so = VARIED[built_arch]
    outcome = boot(name, ROOT / "build/test/varied", cmdline, pace="quick")
    assert outcome.reasons == []
    assert f"the report says that edu is: {is_so}\n" in outcome.log
    # Lines on several devices are about what they exchange.
    answers = [said for _, said, _, agree in outcome.coherency_checks
               if agree == "agree" and "+" not in said]
    assert answers == [is_so]


# A user's own files

def test_own_files(tmp_path):
    here, elsewhere = tmp_path / "here", tmp_path / "else where"
    for path in here, elsewhere:
        path.mkdir()
    for path in (here / "a.ko", here / "b-test",
                 elsewhere / "c.ko", elsewhere / "b-test", elsewhere / "do"):
        path.touch()
    places = [here, elsewhere]
    assert own_files(["a.ko", "b-test", str(elsewhere / "c.ko")], "do", places) == {
        "lib/sgdma/a.ko": here / "a.ko", "bin/b-test": here / "b-test",
        "lib/sgdma/c.ko": elsewhere / "c.ko", SCRIPT: elsewhere / "do"}
    assert own_files([], None, places) == {}
    for names, script, says in [
            (["d.ko"], None, f"'d.ko' is none in {here} or {elsewhere}"),
            ([], "d", "'d' is none"),
            (["../here"], None, "'../here' is none"),
            (["b-test", f"{elsewhere}/b-test"], None, "two files .* bin/b-test")]:
        with pytest.raises(BootError, match=says):
            own_files(names, script, places)


@pytest.fixture
def make_run(built_arch, tmp_path):
    """Runs make as a user does whose directory is tmp_path; returns (status, lines)."""
    def run(*variables):
        status, said = command.run("make", "run", f"ARCH={built_arch}", *variables,
                                   PWD=str(tmp_path))
        return status, [STAMP.sub("", line) for line in said.splitlines()]
    return run


@pytest.mark.parametrize("script, status, last", [
    ("own-test", 0, "run: PASS"),
    ("own-test; echo 'check: FAIL mine: it broke'; exit 3", 2,
     "run: FAIL (mine: it broke; script: GUEST_SCRIPT ended with status 3)"),
], ids=["passes", "fails"])
def test_own_script(make_run, tmp_path, script, status, last):
    (tmp_path / "own-test").write_text("#!/bin/sh\nls /lib/sgdma/own.ko\necho own $((6 * 7))\n")
    (tmp_path / "own.ko").touch()
    (tmp_path / "go").write_text(f"#!/bin/sh\n{script}\n")
    ended, said = make_run("GUEST_FILES=own.ko own-test", "GUEST_SCRIPT=go")
    assert ended == status and {last, "/lib/sgdma/own.ko", "own 42"} <= set(said), said


def test_own_file_that_is_missing(make_run, tmp_path):
    status, said = make_run("GUEST_FILES=nothing.ko")
    assert status == 2
    assert ("run: FAIL (GUEST_FILES= and GUEST_SCRIPT= name files: 'nothing.ko' is none in "
            f"{tmp_path} or {ROOT})") in said, said


def test_external_port():
    """The bytes are those that iasl makes of the source in external_facing()."""
    table = acpi.external_facing("S20")
    assert table[36:].hex() == (
        "1048045c2f035f53425f504349305332305f085f44534412310211130a10"
        "cc06ccefac73c34bbff076143807c389"
        "121a011217020d45787465726e616c466163696e67506f72740001")
    assert (len(table), sum(table) & 0xff, table[4:8]) == (109, 0, b"m\0\0\0")


# {kind of disks: (scenario, names of two of its disks, the seed that the first one starts with,
# what the guest puts before a name)}
DISKS = {"nvme": ({"nvme": ""}, ("1", "2"), 1, ""),
         "virtio": ({"virtio": ["/mute", "/one coherent", "/a-bus/two bounce-bus-limit"]},
                    ("one", "two"), 2, "a000f00.")}


@pytest.fixture(params=DISKS)
def written(request, tmp_path):
    """Makes the disks of a guest that has written to two; returns the scenario, names and log."""
    scenario, names, seed, address = DISKS[request.param]
    disks.make(tmp_path, scenario)
    with disks.image(tmp_path, names[0]).open("rb") as disk:
        assert disk.read(disks.PREPARED_LEN) == disks.pattern(seed, 0, disks.PREPARED_LEN)
    told = [(names[0], 7, 1 << 20, 5000), (names[0], 9, (2 << 20) + 3, 77),
            (names[1], 7, 1 << 20, 5000)]
    for name, seed, start, length in told:
        with disks.image(tmp_path, name).open("r+b") as disk:
            disk.seek(start)
            disk.write(disks.pattern(seed, start, length))
    return scenario, names, "".join(
        f"[    5.000000] {request.param}-test: disk {address}{name} has seed {seed} at {start}, "
        f"{length} bytes\n" for name, seed, start, length in told)


def test_disks_that_have_what_was_written(tmp_path, written):
    scenario, _, log = written
    assert disks.differences(tmp_path, scenario, log) == []
    # The last line on the same bytes counts.
    assert disks.differences(tmp_path, scenario, log.replace("seed 9", "seed 8") + log) == []


def test_disks_that_lack_what_was_written(tmp_path, written):
    scenario, names, log = written
    with disks.image(tmp_path, names[0]).open("r+b") as disk:
        disk.seek((2 << 20) + 79)
        disk.write(b"\0")
    assert disks.differences(tmp_path, scenario, log) == [
        f"disk {names[0]} lacks the 77 bytes at 2097155 that the guest has written"]
    assert disks.differences(tmp_path, scenario, CLEAN) == [
        f"the guest has told of no bytes on disk {name}" for name in names]


def test_nodes_of_disks_follow_their_transports():
    scenario, *_ = DISKS["virtio"]
    edits = list(disks.device_tree(scenario))
    assert edits[0] == "-r @ /virtio_mmio@a000000"
    assert "-tx @ /a-bus/two@a000400 interrupts 0 12 1" in edits
    assert "mute:,one:coherent,two:bounce-bus-limit" == disks.verdicts(scenario)
    assert list(disks.device_tree({"nvme": ""})) == []


def test_pattern_of_disks_goes_by_the_place():
    assert disks.pattern(5, 1003, 50) == disks.pattern(5, 1000, 60)[3:53]
    assert disks.pattern(5, 1000, 8) != disks.pattern(6, 1000, 8)
