# SPDX-License-Identifier: GPL-2.0
"""Chooses the boots and reports what ran in each."""

import guest
import pytest

VERDICTS = {}
REMARKS = []


def pytest_addoption(parser):
    parser.addoption("--boot", metavar="SCENARIO", help="boot this scenario only")
    parser.addoption("--arch", metavar="ARCH", help="boot the scenarios of this arch only")
    parser.addoption("--bless", action="store_true", help="rewrite compile-fail/*.stderr and the table in docs/coherency.md")


def pytest_configure(config):
    scenario, arch = config.getoption("boot"), config.getoption("arch")
    if scenario and scenario not in guest.TESTED:
        pytest.exit(f"unknown scenario '{scenario}'. Known are:\n{guest.list_scenarios(guest.TESTED)}", 2)
    if arch and arch not in guest.TABLE["arch"]:
        pytest.exit(f"unknown arch '{arch}'. Known are: {', '.join(guest.TABLE['arch'])}", 2)
    if scenario and arch and guest.SCENARIOS[scenario]["arch"] != arch:
        pytest.exit(f"scenario '{scenario}' is not for {arch}", 2)


def pytest_generate_tests(metafunc):
    if "scenario" in metafunc.fixturenames:
        only, arch = metafunc.config.getoption("boot"), metafunc.config.getoption("arch")
        metafunc.parametrize("scenario", [
            name for name in guest.TESTED
            if only in (None, name) and arch in (None, guest.SCENARIOS[name]["arch"])])


@pytest.fixture
def verdicts():
    return VERDICTS


@pytest.fixture
def remarks():
    """Lines for the summary."""
    return REMARKS


@pytest.fixture(scope="session")
def built_arch(pytestconfig):
    """An arch that scripts/setup has been through: --arch, or the first there is."""
    only = pytestconfig.getoption("arch")
    for arch in [only] if only else guest.TABLE["arch"]:
        if (guest.ROOT / "build" / arch / "env").exists():
            return arch
    pytest.fail("nothing is built yet: run 'make' first", pytrace=False)


def pytest_terminal_summary(terminalreporter):
    if VERDICTS:
        terminalreporter.section("boots")
    for name, verdict in VERDICTS.items():
        terminalreporter.write_line(f"{name:17} {'FAIL' if verdict.reasons else 'ok':4} {verdict}")
    if VERDICTS:
        terminalreporter.section("verdicts, and what mapping did")
    for name, verdict in VERDICTS.items():
        for device, said, evidence, agree in verdict.confronted:
            terminalreporter.write_line(f"{name:17} {device:28} {said:24} {evidence:75} {agree}")
    for remark in REMARKS:
        terminalreporter.write_line(remark)
