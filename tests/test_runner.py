# SPDX-License-Identifier: GPL-2.0
"""The judge must complain about each kind of trouble, and about nothing else."""

import re
import time

import guest
import pytest

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
def ksrc(built_arch):
    return guest.environment(built_arch)["KSRC"]


def test_clean_log_passes(ksrc):
    verdict = guest.judge(CLEAN, ksrc)
    assert verdict.reasons == []
    assert (verdict.cases, verdict.skipped, verdict.checks) == (4, 0, 2)


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
    "samples/shared_c/sgdma_shared_c.c:45 module sgdma_shared_c func:shared_probe has 4096 allocated at module unload",
    "pagealloc: memory corruption",
    "DMAR: [DMA Write NO_PASID] Request device [00:01.0] fault addr 0xfffff000 [fault reason 0x05] PTE Write access is not set",
])
def test_complaints_of_the_kernel(ksrc, line):
    verdict = guest.judge(CLEAN.replace(DONE, f"[    8.000000] {line}\n{DONE}"), ksrc)
    assert verdict.reasons == [line]


def test_vague_complaints_give_way(ksrc):
    trouble = "------------[ cut here ]------------\nWARNING: a.c:1\nCall Trace:\n"
    assert guest.judge(trouble + CLEAN, ksrc).reasons == ["WARNING: a.c:1"]


def test_trace_of_an_injected_fault(ksrc):
    trace = "CPU: 0 UID: 0 PID: 1 Comm: fault-test\nHardware name: QEMU\nCall Trace:\n <TASK>\n"
    failed = "fault-test: vmalloc error: size 8192, failed to allocate pages, mode:0xdc0\n" + trace
    assert guest.judge(failed + CLEAN, ksrc).reasons == []
    assert guest.judge(failed.replace("fault-test", "insmod", 1) + CLEAN, ksrc).reasons == ["Call Trace:"]
    assert guest.judge(failed + trace + CLEAN, ksrc).reasons == ["Call Trace:"]


@pytest.mark.parametrize("old, new, reason", [
    ("    ok 2 map", "    not ok 2 map", "KUnit: sgdma.map failed"),
    ("ok 1 sgdma\n", "not ok 1 sgdma\n", "KUnit: Ran 3 tests: passed: 2, failed: 1"),
    ("[    0.311316]     ok 2 map\n", "", "KUnit: sgdma: missing expected subtest!"),
    ("    ok 1 walk", "    ok 1 walk # SKIP no device", None),
], ids=["case fails", "suite fails", "case missing", "case skipped"])
def test_ktap(ksrc, old, new, reason):
    verdict = guest.judge(CLEAN.replace(old, new, 1), ksrc)
    if reason:
        assert reason in verdict.reasons
    else:
        assert (verdict.reasons, verdict.cases, verdict.skipped) == ([], 3, 1)


@pytest.mark.parametrize("log, reason", [
    (CLEAN.replace("ok 1 walk", "ok 1 walk # SKIP").replace("ok 2 map", "ok 2 map # SKIP"), "no KUnit case ran"),
    (DONE, "no KUnit case ran"),
    (CLEAN.replace(DONE, ""), "the guest ended early, in step copy"),
    (KTAP, "the guest ended early, before its first step"),
    (CLEAN.replace("PASS copy", "FAIL copy: the copy differs"), "copy: the copy differs"),
], ids=["all skipped", "no KTAP", "not done", "not started", "failed check"])
def test_what_is_missing(ksrc, log, reason):
    assert guest.judge(log, ksrc).reasons == [reason]


# What sgdma.ko says itself, with selftest=1, in a kernel without KUnit.
OURS = re.sub(r"^(\[.*?\] )", r"\1sgdma: ", KTAP, flags=re.M)
CLEAN_OURS = CLEAN.replace(KTAP, OURS).replace(KTAP.replace("sgdma", "sgdma_gpu"), "")


def test_clean_log_without_kunit_passes(ksrc):
    verdict = guest.judge(CLEAN_OURS, ksrc, lacks=["kunit"])
    assert verdict.reasons == []
    assert (verdict.cases, verdict.skipped, verdict.checks) == (2, 0, 2)


@pytest.mark.parametrize("log, reason", [
    (CLEAN_OURS.replace("    ok 2 map", "    not ok 2 map"), "selftest=1: sgdma.map failed"),
    (re.sub(".* ok [12] (walk|map)\n", "", CLEAN_OURS).replace("1..2", "1..0"),
     "selftest=1: sgdma: 0 tests run!"),
    (CLEAN_OURS.replace(OURS, ""), "no selftest=1 case ran"),
    (CLEAN, "no selftest=1 case ran"),
], ids=["case fails", "no cases", "no KTAP", "KUnit's"])
def test_self_tests_without_kunit(ksrc, log, reason):
    assert reason in guest.judge(log, ksrc, lacks=["kunit"]).reasons


def test_self_tests_without_kunit_do_not_count_with_it(ksrc):
    assert guest.judge(CLEAN_OURS, ksrc).reasons == ["no KUnit case ran"]


def boot_instead(monkeypatch, ksrc, tmp_path, script, **options):
    monkeypatch.setattr(guest, "command", lambda *_: (["sh", "-c", script], {"KSRC": ksrc}))
    return guest.boot("x86-plain", tmp_path, **options)


def test_guest_that_hangs_is_killed(monkeypatch, ksrc, tmp_path):
    start = time.monotonic()
    verdict = boot_instead(monkeypatch, ksrc, tmp_path, "echo step: copy: x; exec sleep 60", timeout=0.5)
    assert "timed out after 0.5 s, in step copy" in verdict.reasons
    assert time.monotonic() - start < 30


def test_qemu_that_fails_is_quoted(monkeypatch, ksrc, tmp_path):
    with pytest.raises(guest.BootError, match="before its first step: no such option"):
        boot_instead(monkeypatch, ksrc, tmp_path, "echo no such option >&2; exit 1")


def test_panic_that_ends_the_machine_is_quoted(monkeypatch, ksrc, tmp_path):
    """As UML's does."""
    verdict = boot_instead(monkeypatch, ksrc, tmp_path, "echo Kernel panic - not syncing: x; exit 1")
    assert "Kernel panic - not syncing: x" in verdict.reasons


def test_scenario_for_measuring_only(tmp_path):
    with pytest.raises(guest.BootError, match="um-native is only for make bench"):
        guest.boot("um-native", tmp_path)


def test_kernel_that_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(guest, "ROOT", tmp_path)
    for kernel, how in (("arm64", "ARCH=arm64"), ("x86_64-nodebug", "BOOT=x86-nodebug"),
                        ("um", "BOOT=um-native")):
        with pytest.raises(guest.BootError, match=f"run 'make {how}' first"):
            guest.environment(kernel)


def test_requests_of_a_guest():
    monitor = guest.Monitor()
    try:
        for part in [b"[    1.0] host: device_d", b"el id=edu0\r\n[    2.0][    T1] host: quit\n host: device_del id=a\n"]:
            monitor.heard(part)
        assert re.findall(rb"{.*?}}", monitor.theirs.recv(4096))[1:] == [
            b'{"execute": "device_del", "arguments": {"id": "edu0"}}']
    finally:
        monitor.close()
