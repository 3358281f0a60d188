"""Retired words: each has a term in its place, which docs/packages.md and CONTRIBUTING.md use."""

import importlib
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RETIRED = {
    r"(un)?lawful": "valid, invalid",
    r"twins?": "the counterpart, or the names of the two things",
    r"rooms": "packages",
    r"houses?": "package",
    r"downstairs|upstairs": "layer, depends on",
    r"atlas": "the map report",
    r"remed(y|ies)": "hint",
    r"admit(s|ted)?|admission": "validate, convert",
    r"aliens?": "foreign",
    r"unsaid": "the supplement to the stubs",
}
FILES = sorted(
    path
    for folder, form in (("src", "*.py"), ("tests", "*.py"), ("docs", "*.md"), (".", "*.md"))
    for path in (ROOT / folder).glob(form if folder == "." else f"**/{form}")
    if path != Path(__file__)
)


@pytest.mark.parametrize("word", RETIRED)
def test_a_retired_word_is_nowhere(word):
    pattern = re.compile(rf"(?<![a-z])(?:{word})(?![a-z])", re.IGNORECASE)
    assert len(FILES) > 300
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"use {RETIRED[word]}:\n" + "\n".join(found)


SOURCES = sorted((ROOT / "src").rglob("*.py"))
PACKAGES = {path.name for path in (ROOT / "src" / "sekisho").iterdir() if path.is_dir()}


def prose_of(text):
    """Yield the comments and docstrings of a module in order, with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or (
            token.type == tokenize.STRING and token.string.startswith(('"""', 'r"""'))
        ):
            yield token.start[0], token.string


def exists(dotted):
    """Return whether a dotted name is a module of ours, or a name in one."""
    names = dotted.split(".")
    for at in range(len(names), 0, -1):
        name = ".".join(names[:at])
        try:
            found = importlib.import_module(name)
        except ImportError:
            continue
        for attribute in names[at:]:
            if attribute in getattr(found, "__annotations__", {}):
                return True
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_comments_and_docstrings_name_what_exists(path):
    """`package.module`, `package.name`, `sekisho.name` and :class: references, in backticks."""
    missing = []
    for line, prose in prose_of(path.read_text("utf-8")):
        for name in re.findall(r"(?<!`)`((?:[a-z_]\w*\.)+\w+)(?:\(\))?`(?!`)", prose):
            head = name.partition(".")[0]
            full = name if head == "sekisho" else f"sekisho.{name}"
            if (head == "sekisho" or head in PACKAGES) and not exists(full):
                missing.append(f"{path.name}:{line}: {name}")
    assert not missing
