# SPDX-License-Identifier: GPL-2.0
"""Boots each scenario. The guest runs the checks of tests/guest/checks."""

import pytest

from harness.scenarios import ROOT, SCENARIOS, BootError

MATRIX = ROOT / "docs/coherency.md"


def row(scenario, device, answer, evidence):
    """Returns a line of the table in docs/coherency.md. A PCI address stands for edu."""
    name = "edu" if ":" in device and device[0] == "0" else device
    return f"| {scenario} | {name} | {answer} | {evidence} |"


def compare_with_docs(scenario, outcome, bless):
    """Adds a reason unless docs/coherency.md has what was seen. With `bless`, writes it there."""
    rows = [row(scenario, *check[:3]) for check in sorted(outcome.coherency_checks)]
    lines = MATRIX.read_text().splitlines()
    prefix = f"| {scenario} |"
    there = [line for line in lines if line.startswith(prefix)]
    if bless and outcome.coherency_checks and there != rows:
        order = list(SCENARIOS)
        kept = [line for line in lines if not line.startswith(prefix)]
        before = order[:order.index(scenario)]
        known = [i for i, line in enumerate(kept) if line.split(" | ")[0][2:] in before]
        at = known[-1] + 1 if known else kept.index("|---|---|---|---|") + 1
        MATRIX.write_text("\n".join([*kept[:at], *rows, *kept[at:]]) + "\n")
    elif there != rows and not outcome.reasons:
        outcome.reasons.append(f"{MATRIX.name} has {there}, but seen was {rows}: if that is right, "
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
