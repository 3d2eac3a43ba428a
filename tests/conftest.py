# SPDX-License-Identifier: GPL-2.0
"""Chooses the boots, starts them and reports what ran in each."""

import os
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress

import pytest

from harness.boot import boot
from harness.judge import minutes
from harness.scenarios import (AMOUNTS, ROOT, SCENARIOS, TABLE, TESTABLE, TESTED, kernel_of_arch,
                               list_scenarios)

# {scenario: outcome} of the boots that are over.
OUTCOMES = {}
# Lines for the summary.
REMARKS = []


def pytest_addoption(parser):
    parser.addoption("--boot", metavar="SCENARIO", help="boot this scenario only")
    parser.addoption("--arch", metavar="ARCH", help="boot the scenarios of this arch only")
    parser.addoption("--bless", action="store_true",
                     help="rewrite compile-fail/*.stderr and the table in docs/coherency.md")


def pytest_configure(config):
    scenario, arch = config.getoption("boot"), config.getoption("arch")
    if scenario and scenario not in TESTABLE:
        pytest.exit(
            f"unknown scenario '{scenario}'. Known are:\n{list_scenarios(TESTABLE)}", 2)
    if arch and arch not in TABLE["arch"]:
        pytest.exit(f"unknown arch '{arch}'. Known are: {', '.join(TABLE['arch'])}", 2)
    if scenario and arch and SCENARIOS[scenario]["arch"] != arch:
        pytest.exit(f"scenario '{scenario}' is not for {arch}", 2)


def pytest_generate_tests(metafunc):
    if "scenario" in metafunc.fixturenames:
        only, arch = metafunc.config.getoption("boot"), metafunc.config.getoption("arch")
        metafunc.parametrize("scenario", [
            name for name in ([only] if only else TESTED)
            if arch in (None, SCENARIOS[name]["arch"])])


def boot_for_test(name):
    """Boots a scenario with the amounts of work that it asks for."""
    scenario = SCENARIOS[name]
    return boot(name, ROOT / "build/test" / name,
                **{what: scenario[what] for what in AMOUNTS if what in scenario})


@pytest.fixture(scope="session")
def boots(request):
    """Starts this session's boots, two at a time; returns {scenario: future outcome}."""
    names = [item.callspec.params["scenario"] for item in request.session.items
             if item.originalname == "test_boot"]
    boots = {name: Future() for name in names}
    waiting = deque(sorted(names, key=lambda name: SCENARIOS[name].get("timeout", 0)))

    def work(take):
        with suppress(IndexError):
            while name := take():
                try:
                    boots[name].set_result(boot_for_test(name))
                except Exception as error:
                    boots[name].set_exception(error)

    # One thread takes the quickest first and the other the slowest, so that no slow boot runs alone
    # in the end. The threads and their guests end with this process.
    for take in [waiting.popleft, waiting.pop][:os.cpu_count()]:
        threading.Thread(target=work, args=[take], daemon=True).start()
    return boots


@pytest.fixture
def outcomes():
    return OUTCOMES


@pytest.fixture
def remarks():
    return REMARKS


@pytest.fixture(scope="session")
def built_arch(pytestconfig):
    """Returns an arch that scripts/setup made ready: --arch, or the first of those."""
    only = pytestconfig.getoption("arch")
    for arch in [only] if only else TABLE["arch"]:
        if (ROOT / "build" / kernel_of_arch(arch) / "env").exists():
            return arch
    pytest.fail("nothing is built yet: run 'make' first", pytrace=False)


@pytest.fixture(scope="session")
def built_kernel(built_arch):
    """Returns the kernel of that arch."""
    return kernel_of_arch(built_arch)


def summary(outcomes):
    """Yields a line for each boot, with the minutes that it took, and one for all."""
    for name, outcome in outcomes.items():
        yield f"{name:20} {'FAIL' if outcome.reasons else 'ok':4} {outcome}"
    all_minutes = minutes(sum(outcome.seconds for outcome in outcomes.values()))
    yield f"{'all':25} {len(outcomes)} boots, {all_minutes} one after the other"


def pytest_terminal_summary(terminalreporter):
    if OUTCOMES:
        terminalreporter.section("boots")
        for line in summary(OUTCOMES):
            terminalreporter.write_line(line)
        terminalreporter.section("coherency, and what mapping did")
    for name, outcome in OUTCOMES.items():
        for device, answer, evidence, agree in outcome.coherency_checks:
            terminalreporter.write_line(f"{name:20} {device:28} {answer:24} {evidence:75} {agree}")
    for remark in REMARKS:
        terminalreporter.write_line(remark)
