# SPDX-License-Identifier: GPL-2.0
"""Tests that each program of compile-fail is refused, for the reason that is kept beside it.

A .stderr file holds the compiler's errors, cut down to the reason: each error with its code, then
the source that it points at and its note there. When the compiler or the library words an error
differently, `pytest --bless` writes the files again. The diff shows if more than words changed.
"""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from harness.scenarios import ROOT, environment

DIR = ROOT / "tests/compile-fail"
CONTROL = DIR / "control.rs"
PROGRAMS = sorted(set(DIR.glob("*.rs")) - {CONTROL})


def saved_command(driver):
    """Returns (environment, words) of the command by which kbuild compiled the sample driver.

    The name of the source is not among the words.
    """
    saved = driver / ".sgdma_gpu.o.cmd"
    if not saved.exists():
        pytest.fail("the modules are not built: run 'make' first", pytrace=False)
    line = saved.read_text().splitlines()[0].partition(" := ")[2]
    # Make's escapes are undone. The words end with the compiler's: a call of objtool may follow.
    words = shlex.split(line.replace("$(pound)", "#").replace("$$", "$"))
    words = words[:words.index(";")] if ";" in words else words
    at = next(i for i, word in enumerate(words) if Path(word).name == "rustc")
    return dict(word.split("=", 1) for word in words[:at]), words[at:-1]


@pytest.fixture(scope="session")
def rustc(built_kernel, tmp_path_factory):
    """Returns a function that compiles a program as kbuild does a driver, and gives the errors."""
    env = environment(built_kernel)
    driver = ROOT / "build" / built_kernel / "samples/gpu"
    variables, command = saved_command(driver)
    # Metadata is quick, and all checks are made for it, the borrow checker's too. Lints are off.
    command = [word for word in command if not word.startswith("--emit=")]
    command[command.index("--out-dir") + 1] = str(tmp_path_factory.mktemp("rmeta"))
    command += ["--emit=metadata", "--error-format=json", "--cap-lints=allow"]
    # The kernel's Makefile exports RUSTC_BOOTSTRAP.
    environ = {**os.environ, **variables, "RUSTC_BOOTSTRAP": "1",
               "PATH": f"{env['TOOL_PATH']}:{os.environ['PATH']}"}

    def run(program):
        done = subprocess.run([*command, program], cwd=driver, env=environ, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        errors = [m for m in said if m["level"].startswith("error")]
        # A failure without errors has a cause outside of the program.
        assert bool(errors) == (done.returncode != 0), done.stderr
        return errors
    return run


def excerpt(errors):
    """Returns the part of errors that depends neither on this tree's path nor on modules' names."""
    def short(text):
        return re.sub(r"\b(?:[a-z_]+::)+(?=[A-Z])", "", text)

    lines = []
    for error in errors:
        if error["message"].startswith("aborting due to"):
            continue
        code = f"[{error['code']['code']}]" if error["code"] else ""
        lines.append(f"error{code}: {short(error['message'])}")
        for span in error["spans"]:
            # There is no text where a macro's source is not at hand.
            for at in span["text"][:span["is_primary"]]:
                source = at["text"][at["highlight_start"] - 1:at["highlight_end"] - 1]
                label = f": {short(span['label'])}" if span["label"] else ""
                lines.append(f"  `{source}`{label}")
    return "".join(f"{line}\n" for line in lines)


def test_control_compiles(rustc):
    errors = rustc(CONTROL)
    assert not errors, "".join(error["rendered"] for error in errors)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_compile_fail(rustc, program, pytestconfig):
    errors = rustc(program)
    if not errors:
        what = re.search(r"^//! (.*)", program.read_text(), re.M)[1]
        pytest.fail(f"{program.name} compiles, but must not: {what}", pytrace=False)
    expected = program.with_suffix(".stderr")
    if pytestconfig.getoption("bless"):
        expected.write_text(excerpt(errors))
    if not expected.exists():
        pytest.fail(f"{expected.name} is missing: write it with --bless", pytrace=False)
    if excerpt(errors) != expected.read_text():
        rendered = "".join(error["rendered"] for error in errors)
        pytest.fail(f"{program.name} fails for another reason than expected:\n"
                    f"{expected.read_text()}\n"
                    f"If this one says the same, run again with --bless:\n{rendered}",
                    pytrace=False)


def test_expected_errors_belong_to_a_program():
    assert {p.stem for p in DIR.glob("*.stderr")} <= {p.stem for p in PROGRAMS}
