# SPDX-License-Identifier: GPL-2.0
"""Boots each scenario; the guest does the checking (see guest/checks)."""

import guest
import pytest


def test_boot(scenario, verdicts, record_property):
    out = guest.ROOT / "build/test" / scenario
    try:
        verdict = guest.boot(scenario, out, tables=guest.SCENARIOS[scenario].get("tables", 100))
    except guest.BootError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None

    verdicts[scenario] = verdict
    record_property("kunit_cases", verdict.cases)
    record_property("checks", verdict.checks)
    if verdict.reasons:
        log = out / "console.log"
        tail = log.read_text(errors="replace").splitlines()[-30:]
        pytest.fail("\n".join([*verdict.reasons, "", f"{log} ends:", *tail]), pytrace=False)
