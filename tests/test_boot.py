# SPDX-License-Identifier: GPL-2.0
"""Boots each scenario. The guest runs the checks of tests/guest/checks."""

import pytest

from harness.scenarios import ROOT, SCENARIOS, BootError

# The tables of what was seen, of single devices and of devices that share a buffer.
DEVICES, SHARERS = ROOT / "docs/coherency.md", ROOT / "docs/dma-buf.md"


def called(device):
    """Returns what the docs call a device: an NVMe controller's PCI address has a namespace."""
    if not device.startswith("0000:"):
        return device
    return "nvme" if "-n" in device else "edu"


def row(scenario, devices, answers, evidence):
    """Returns a line of a table. Devices that share a buffer have a + between them."""
    devices = " + ".join(map(called, devices.split("+")))
    return f"| {scenario} | {devices} | {answers.replace('+', ' + ')} | {evidence} |"


def compare_with_docs(scenario, outcome, bless):
    """Adds a reason unless the docs have what was seen. With `bless`, writes it there."""
    for table in DEVICES, SHARERS:
        compare_with_table(table, scenario, outcome, bless,
                           [row(scenario, *check[:3]) for check in sorted(outcome.coherency_checks)
                            if ("+" in check[0]) == (table is SHARERS)])


def compare_with_table(table, scenario, outcome, bless, rows):
    """Adds a reason unless the table has these rows. With `bless`, writes them there."""
    lines = table.read_text().splitlines()
    # The first table of four columns. Other tables may begin their rows with a boot, too.
    start = lines.index("|---|---|---|---|") + 1
    end = lines.index("", start)
    prefix = f"| {scenario} |"
    there = [line for line in lines[start:end] if line.startswith(prefix)]
    if bless and rows and there != rows:
        order = list(SCENARIOS)
        kept = [line for line in lines[start:end] if not line.startswith(prefix)]
        before = order[:order.index(scenario)]
        known = [i for i, line in enumerate(kept) if line.split(" | ")[0][2:] in before]
        at = known[-1] + 1 if known else 0
        table.write_text("\n".join([*lines[:start], *kept[:at], *rows, *kept[at:],
                                    *lines[end:]]) + "\n")
    elif there != rows and not outcome.reasons:
        outcome.reasons.append(f"{table.name} has {there}, but seen was {rows}: if that is right, "
                               "run this with --bless")


def compare_with_scenario(scenario, outcome):
    """Adds a reason unless the report's answer for edu is the one of scenarios.toml."""
    answers = {entry["device"]: entry["verdict"] for entry in outcome.report
               if entry["driver"] == "sgdma_gpu"}
    wide = "mask_bits" not in SCENARIOS[scenario]
    expected = SCENARIOS[scenario]["verdict"] if wide else "coherent"
    if not outcome.reasons and list(answers.values()) != [expected]:
        outcome.reasons.append(f"the report has {answers} where {expected} is expected")


def test_boot(scenario, boots, outcomes, record_property, pytestconfig):
    out = ROOT / "build/test" / scenario
    try:
        outcome = boots[scenario].result()
    except BootError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None

    outcomes[scenario] = outcome
    record_property("kunit_cases", outcome.cases)
    record_property("checks", outcome.checks)
    record_property("seconds", round(outcome.seconds, 1))
    compare_with_docs(scenario, outcome, pytestconfig.getoption("bless"))
    if "mode" not in SCENARIOS[scenario]:
        compare_with_scenario(scenario, outcome)
    if outcome.reasons:
        tail = outcome.log.splitlines()[-30:]
        pytest.fail("\n".join([*outcome.reasons, "", f"{out}/console.log ends:", *tail]),
                    pytrace=False)
