# SPDX-License-Identifier: GPL-2.0
"""Chooses the boots and reports what ran in each."""

import os
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress

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


def boot(name):
    scenario = guest.SCENARIOS[name]
    return guest.boot(name, guest.ROOT / "build/test" / name,
                      **{what: scenario[what] for what in guest.AMOUNTS if what in scenario})


@pytest.fixture(scope="session")
def boots(request):
    """The verdicts to come of this session's scenarios: two guests run at a time, each on one CPU."""
    names = [item.callspec.params["scenario"] for item in request.session.items if item.originalname == "test_boot"]
    boots = {name: Future() for name in names}
    waiting = deque(sorted(names, key=lambda name: guest.SCENARIOS[name].get("timeout", 0)))

    def work(take):
        with suppress(IndexError):
            while name := take():
                try:
                    boots[name].set_result(boot(name))
                except Exception as error:
                    boots[name].set_exception(error)

    # From both ends, so that none that takes long is waited for alone at last. They end with this
    # process, however it ends, and QEMU with them.
    for take in [waiting.popleft, waiting.pop][:os.cpu_count()]:
        threading.Thread(target=work, args=[take], daemon=True).start()
    return boots


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


def summary(verdicts):
    """A line for each boot, with the minutes that it took."""
    for name, verdict in verdicts.items():
        yield f"{name:17} {'FAIL' if verdict.reasons else 'ok':4} {verdict}"
    yield f"{'all':22} {len(verdicts)} boots, {guest.minutes(sum(v.seconds for v in verdicts.values()))} one after the other"


def pytest_terminal_summary(terminalreporter):
    if VERDICTS:
        terminalreporter.section("boots")
        for line in summary(VERDICTS):
            terminalreporter.write_line(line)
        terminalreporter.section("verdicts, and what mapping did")
    for name, verdict in VERDICTS.items():
        for device, said, evidence, agree in verdict.coherency_checks:
            terminalreporter.write_line(f"{name:17} {device:28} {said:24} {evidence:75} {agree}")
    for remark in REMARKS:
        terminalreporter.write_line(remark)
