# SPDX-License-Identifier: GPL-2.0
"""Boots each scenario; the guest does the checking (see guest/checks)."""

import guest
import pytest


MATRIX = guest.ROOT / "docs/coherency.md"


def documented(scenario, verdict, bless):
    """Adds a reason unless docs/coherency.md has what was seen; with --bless, it then does."""
    rows = [f"| {scenario} | {'edu' if ':' in device and device[0] == '0' else device} | {said} | {evidence} |"
            for device, said, evidence, _ in sorted(verdict.coherency_checks)]
    lines = MATRIX.read_text().splitlines()
    prefix = f"| {scenario} |"
    there = [line for line in lines if line.startswith(prefix)]
    if bless and verdict.coherency_checks and there != rows:
        order = list(guest.SCENARIOS)
        kept = [line for line in lines if not line.startswith(prefix)]
        known = [i for i, line in enumerate(kept) if line.split(" | ")[0][2:] in order[:order.index(scenario)]]
        at = known[-1] + 1 if known else kept.index("|---|---|---|---|") + 1
        MATRIX.write_text("\n".join([*kept[:at], *rows, *kept[at:]]) + "\n")
    elif there != rows and not verdict.reasons:
        verdict.reasons.append(f"{MATRIX.name} has {there}, but seen was {rows}: if that is right, "
                               "run this with --bless")


def judged_as_documented(scenario, verdict, bless):
    """Adds a reason unless edu's verdict is the scenario's, and in the documentation."""
    documented(scenario, verdict, bless)
    judged = {entry["device"]: entry["verdict"] for entry in verdict.report if entry["driver"] == "sgdma_gpu"}
    wide = "mask_bits" not in guest.SCENARIOS[scenario]
    expected = guest.SCENARIOS[scenario]["verdict"] if wide else "coherent"
    if not verdict.reasons and list(judged.values()) != [expected]:
        verdict.reasons.append(f"the report has {judged} where {expected} is expected")


def test_boot(scenario, boots, verdicts, record_property, pytestconfig):
    out = guest.ROOT / "build/test" / scenario
    try:
        verdict = boots[scenario].result()
    except guest.BootError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None

    verdicts[scenario] = verdict
    record_property("kunit_cases", verdict.cases)
    record_property("checks", verdict.checks)
    record_property("seconds", round(verdict.seconds, 1))
    if "mode" not in guest.SCENARIOS[scenario]:
        judged_as_documented(scenario, verdict, pytestconfig.getoption("bless"))
    if verdict.reasons:
        tail = verdict.log.splitlines()[-30:]
        pytest.fail("\n".join([*verdict.reasons, "", f"{out}/console.log ends:", *tail]), pytrace=False)
