# SPDX-License-Identifier: GPL-2.0
"""Compares the documents with the tree: the files that they name or must name, and versions."""

import re
import subprocess
from fnmatch import fnmatch

import pytest

from harness.scenarios import ROOT

ARCHITECTURE = ROOT / "docs/architecture.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*DOCUMENTS, *sorted((ROOT / "samples").glob("*/README.md"))]

# docs/architecture.md has a line for each of these files. A pattern with / at the end stands for a
# folder, which has a line as a whole.
LISTED = ["Makefile", "Kbuild", "dkms.conf", "debian/", "rust-toolchain.toml", ".rustfmt.toml",
          ".ci/*", "src/*", "include/*", "harness/*", "scripts/*", "bench/*",
          "tests/*.py", "tests/pytest.ini", "tests/guest/*", "tests/user/*",
          "tests/modules/*/", "tests/host/", "tests/compile-fail/", "samples/*/"]
# Kernel headers, files of a driver that a document makes up, and places for names.
FOREIGN = ["linux/*", "driver.c", "mydriver.*", "NAME.*", "ARCH-VARIANT.*"]


def tracked():
    """Returns the files of this checkout that git has, or would have with `git add .`."""
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], text=True, capture_output=True)
    if git.returncode:
        pytest.skip("this tree is no git checkout: nothing tells which files belong to it")
    return sorted(name for name in git.stdout.split("\0") if name and (ROOT / name).exists())


def must_be_listed(files):
    """Returns the lines that docs/architecture.md must have for these files."""
    lines = set()
    for name in files:
        for pattern in LISTED:
            if not pattern.endswith("/"):
                lines |= {name} if fnmatch(name, pattern) else set()
            elif fnmatch(name, f"{pattern}*"):
                lines.add("/".join(name.split("/")[:pattern.count("/")]) + "/")
                break
    return lines


def test_each_file_has_its_line_in_architecture():
    lines = re.findall(r"^\| `([^`]+)` \|", ARCHITECTURE.read_text(), re.M)
    wanted = must_be_listed(tracked())
    missing, gone = sorted(wanted - set(lines)), sorted(set(lines) - wanted)
    assert not missing, f"add a row to docs/architecture.md for each of: {' '.join(missing)}"
    assert not gone, f"docs/architecture.md has rows without a file: {' '.join(gone)}"
    assert len(lines) == len(set(lines)), "docs/architecture.md names a file twice"


def exists(name, files):
    """Tells whether there is a file or folder of this path, from the top or src/, or this name."""
    name = name.rstrip("/")
    folders = {file[:match.start()] for file in files for match in re.finditer("/", file)}
    return any(fnmatch(path, pattern) for pattern in (name, f"src/{name}")
               for path in (*files, *folders)) or (
        "/" not in name and any(fnmatch(file.rpartition("/")[2], name) for file in files))


def named(text, top):
    """Yields the paths that a document names: in a folder of the tree, and quoted `files`.

    The glossary's last table has names that are no more in its first column.
    """
    new, heading, old = text.partition("\n## Old words\n")
    text = new + heading + re.sub(r"^\|[^|]*\|", "|", old, flags=re.M)
    for word in re.findall(rf"(?<![\w/.~$-])(?:{'|'.join(top)})/[\w./*-]*", text):
        yield word.rstrip(".-")
    for word in re.findall(r"`([\w./*-]+\.(?:rs|c|h|py|md|toml|sh|mk|config))`", text):
        yield word


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_paths_exist(document):
    files = tracked()
    top = {name.split("/")[0] for name in files if "/" in name}
    missing = {word for word in named(document.read_text(), top)
               if not exists(word, files) and not any(fnmatch(word, f) for f in FOREIGN)}
    assert not missing, f"{document.name} names what is not there: {' '.join(sorted(missing))}"


@pytest.mark.parametrize("document", LINKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!\w+://)([^)#]+)(?:#[^)]*)?\)", document.read_text())
    missing = {link for link in links if not (document.parent / link).exists()}
    assert not missing, f"{document.name} has links to nowhere: {' '.join(sorted(missing))}"


def examples():
    """Yields (file, number of the first line, code) of each example in the library's documentation.

    The code has a line for each line of the file, without what marks it as documentation.
    """
    for path in sorted((ROOT / "src").rglob("*.rs")):
        lines = path.read_text().splitlines()
        fences = [n for n, line in enumerate(lines) if re.match(r" *//[/!] ```", line)]
        for start, end in zip(fences[::2], fences[1::2], strict=True):
            code = [re.sub(r"^ *//[/!] ?( *#( |$))?", "", line) for line in lines[start + 1:end]]
            yield str(path.relative_to(ROOT)), start + 2, code


def test_examples_that_can_run_are_self_tests():
    """A failed assertion names the line in the documentation, so each case keeps its lines."""
    files = sorted({file for file, _, _ in examples()})
    suite = subprocess.run(["awk", "-f", "scripts/examples.awk", *files], cwd=ROOT, text=True,
                           check=True, capture_output=True).stdout.splitlines()
    cases = [re.sub(r"\W.*", "", line[7:]) for line in suite if line.startswith("    fn ")]
    assert cases and len(cases) == len(set(cases))
    made = [(*re.search(r'"(.*)", (.*)\);$', line).groups(), n + 1)
            for n, line in enumerate(suite, 1) if "const PLACE:" in line]
    can_run = [(file, start, code) for file, start, code in examples()
               if any("fn example(" in line for line in code)]
    assert len(made) == len(cases) == len(can_run)
    for (file, offset, line), example in zip(made, can_run, strict=True):
        first, _, at = offset.partition(" - ")
        code = [text.removeprefix(" " * 8) for text in suite[line - 1:line - 1 + len(example[2])]]
        assert (file, line + int(first) - int(at), code) == example


def test_assertions_of_examples_run():
    idle = [f"{file}:{start}" for file, start, code in examples()
            if any("assert" in line for line in code)
            and not any("fn example(" in line for line in code)]
    assert not idle, f"nothing runs these examples, as they have no `fn example`: {' '.join(idle)}"


def test_newest_version_of_the_changelog_is_the_modules():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    module = (ROOT / "src/module.c").read_text()
    [in_module] = re.findall(r'^MODULE_VERSION\("(.*)"\);$', module, re.M)
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.M)
    assert versions[0] == in_module
    in_order = sorted(versions, key=lambda v: [int(n) for n in v.split(".")], reverse=True)
    assert versions == in_order
