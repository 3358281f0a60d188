"""A reading after an edit that tells others nothing new is the one of a cold run."""

from __future__ import annotations

import itertools
import sys
import textwrap

import pytest

from sekisho.code import Cache
from sekisho.inference import Earlier, resume, solve

MODULES = {
    "base": """
        import numpy as np


        class Holder:
            def __init__(self, data):
                self.data = data

            def shape(self):
                return self.data.shape


        def make(n):
            made = Holder(np.ones(n))
            return made


        def outer(x):
            def inner(y):
                return x + y

            return inner(1)
        """,
    "top": """
        from base import make, outer

        THREE = 3


        def called():
            held = make(THREE)
            return held.shape()


        def alone(x):
            total = x
            return 1


        outer(make(1).data)
        """,
}
QUIET = {
    "a library that another file names": ("top", "    total = x", "    total = 'numpy'"),
    "a statement": ("base", "    return made", "    extra = str(3)\n    return made"),
    "a statement before it": ("base", "    made = H", "    extra = n\n\n    made = H"),
    "an array that stays inside": (
        "base",
        "    return made",
        "    a = np.ones(1)\n    return made",
    ),
    "a line": ("base", "import numpy as np\n", "import numpy as np\n\n"),
    "a comment": ("base", "return self.data.shape", "return self.data.shape  # why"),
    "a comment above all": ("top", "from base", "# remark\nfrom base"),
    "a docstring": ("top", "    total = x", '    """Text."""\n    total = x'),
    "a name": ("top", "    total = x", "    summed = x"),
    "an unknown name": ("top", "    return held.shape()", "    held.sha\n    return held.shape()"),
    "in an inner function": ("base", "        return x + y", "        z = y\n        return x + y"),
}
LOUD = {
    "a library that no other file names": ("top", "    total = x", "    total_jax = x"),
    "a result": ("base", "    return made", "    return np.ones(3)"),
    "an argument": ("top", "held = make(THREE)", "held = make(np.ones(1))"),
    "an attribute": ("base", "        self.data = data", "        self.data = 1"),
    "a signature": ("base", "def make(n):", "def make(n, m=1):"),
    "a new function": ("base", "def make(n):", "def new(n):\n    pass\n\n\ndef make(n):"),
    "a new inner function": ("base", "    return inner(1)", "    def i(z): ...\n\n    return inner(1)"),
    "an inner signature": ("base", "def inner(y):", "def inner(y, z=2):"),
    "a decorator": ("base", "def make(n):", "@staticmethod\ndef make(n):"),
    "a call less": ("top", "outer(make(1).data)", "pass"),
    "a variable": ("top", "THREE = 3", "THREE = np.ones(3)"),
    "an import": ("top", "THREE = 3", "import numpy as np\nTHREE = 3"),
    "a variable that an inner function sees": ("base", "    return inner(1)", "    x = 1\n    return inner(1)"),
    "another library": ("top", "    total = x", "    total = 'torch'"),
    "two of one name": ("base", "def outer(x):", "def make(n):\n    pass\n\n\ndef outer(x):"),
    "no Python": ("base", "    return made", "    return made ("),
}  # fmt: skip
EVERY = {**QUIET, **LOUD}


@pytest.fixture
def texts():
    return {name: textwrap.dedent(text).lstrip() for name, text in MODULES.items()}


@pytest.fixture
def read(project, texts):
    for name, text in texts.items():
        project.write(text, f"{name}.py")
    paths = {name: str(project.folder / f"{name}.py") for name in texts}

    class Reader:
        cache = Cache()

        def typed(self, *edits):
            found = dict(texts)
            for module, before, after in edits:
                found[module] = found[module].replace(before, after)
            return {paths[name]: text.encode() for name, text in found.items()}

        def solve(self, *edits, earlier=None):
            return solve(paths.values(), self.cache, texts=self.typed(*edits), earlier=earlier)

        def resume(self, solution, earlier, *edits):
            return resume(solution, earlier, self.cache, self.typed(*edits))

    return Reader()


def told(solution):
    return (
        solution.outcomes,
        solution.facts,
        dict(solution.sites),
        solution.units,
        solution.lines,
        {key: file.text for key, file in solution.program.files.items()},
    )


@pytest.mark.parametrize("name", EVERY)
def test_an_edit_is_resumed_if_it_tells_others_nothing_new(read, name):
    earlier = Earlier()
    first = read.solve(earlier=earlier)
    before = told(first)
    found = read.resume(first, earlier, EVERY[name])
    assert (found is not None) == (name in QUIET)
    if found is not None:
        assert told(found) == told(read.solve(EVERY[name]))
    assert told(first) == before  # the editor may show it still


@pytest.mark.parametrize("name", LOUD)
def test_what_is_solved_after_some_that_were_resumed_is_the_one_of_a_cold_run(read, name):
    if name == "no Python":
        pytest.skip("it is never solved")
    earlier = Earlier()
    found = read.solve(earlier=earlier)
    for each in QUIET.values():
        resumed = read.resume(found, earlier, each)
        found = read.solve(each, earlier=earlier) if resumed is None else resumed
    after = read.solve(LOUD[name], earlier=earlier)
    assert told(after) == told(read.solve(LOUD[name]))


def test_edits_one_after_the_other(read):
    earlier = Earlier()
    found = read.solve(earlier=earlier)
    resumed = 0
    edits = [each for name, each in EVERY.items() if name != "no Python"]
    for pair in itertools.combinations(edits, 2):
        again = read.resume(found, earlier, *pair)
        resumed += again is not None
        found = read.solve(*pair, earlier=earlier) if again is None else again
        assert told(found) == told(read.solve(*pair))
    assert resumed > 20


@pytest.mark.parametrize(
    ("name", "read_again"),
    [
        ("a comment", {"base:", "base:Holder.shape"}),
        ("a name", {"top:", "top:alone"}),
        ("in an inner function", {"base:", "base:outer", "base:outer.<locals>.inner"}),
    ],
)
def test_only_the_units_of_an_edit_are_read(read, name, read_again, monkeypatch):
    module = sys.modules["sekisho.inference.resuming"]
    read_unit = module.read_unit
    seen = []

    def spy(program, knowledge, unit, node, fact):
        seen.append(unit.name)
        return read_unit(program, knowledge, unit, node, fact)

    earlier = Earlier()
    first = read.solve(earlier=earlier)
    monkeypatch.setattr(module, "read_unit", spy)
    assert read.resume(first, earlier, QUIET[name]) is not None
    assert set(seen) == read_again
    assert len(seen) == len(read_again)


def test_a_library_that_has_changed_is_not_resumed(read, monkeypatch):
    earlier = Earlier()
    first = read.solve(earlier=earlier)
    monkeypatch.setattr("sekisho.inference.earlier._TRUSTED", -1.0)
    assert read.resume(first, earlier, QUIET["a line"]) is not None
    module = next(iter(earlier.used))
    earlier.used = {**earlier.used, module: "another"}
    assert read.resume(first, earlier, QUIET["a line"]) is None
