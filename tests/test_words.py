"""Words that are retired: each has one term in its place, which docs/packages.md and CONTRIBUTING.md use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RETIRED = {
    r"(un)?lawful": "valid, invalid",
    r"twins?": "the counterpart, or the names of the two things",
    r"rooms": "packages",
    r"houses?": "package",
    r"downstairs|upstairs": "layer, depends on",
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
