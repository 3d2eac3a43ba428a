# SPDX-License-Identifier: GPL-2.0
"""What modinfo says of the module that was built."""

from harness.scenarios import ROOT


def modinfo(ko):
    """(tag, value) of the strings in .modinfo, which are in the file as they are."""
    for word in ko.read_bytes().split(b"\0"):
        tag, equals, value = word.partition(b"=")
        if equals and tag.isalpha():
            yield tag.decode(), value.decode(errors="replace")


def test_modinfo(built_arch):
    info = list(modinfo(ROOT / "build" / built_arch / "modules/sgdma.ko"))
    [version] = [value for tag, value in info if tag == "version"]
    assert version[0].isdigit()
    parameters = dict(value.split(":", 1) for tag, value in info if tag == "parm")
    assert set(parameters) == {"sync_debug", "selftest", "tables", "seed"}
    assert {name: text.rpartition(" (default: ")[2] for name, text in parameters.items()} == {
        "sync_debug": "0)", "selftest": "0)", "tables": "100)", "seed": "1)"}
