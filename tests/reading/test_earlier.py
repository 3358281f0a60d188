from __future__ import annotations

import itertools
import sys
import textwrap

import pytest

from sekisho.code import Cache
from sekisho.inference import Earlier, solve

MODULES = {
    "base": """
        import numpy as np


        class Holder:
            scale: float = 1.0

            def __init__(self, data):
                self.data = data

            def __call__(self):
                return self.data

            def shape(self):
                return self.data.shape


        def make(n):
            return Holder(np.ones(n))


        def plain(x):
            return x
        """,
    "middle": """
        from base import make as build, plain
        from typing import NamedTuple


        class Pair(NamedTuple):
            left: int
            right: int


        def holder():
            return build(3)


        def pair() -> Pair: ...


        def alone(x):
            return [x, 1]
        """,
    "top": """
        import middle
        from base import Holder


        class More(Holder):
            def shape(self):
                return 1


        def called():
            held = middle.holder()
            return held()


        def unpacked():
            left, right = middle.pair()
            return right


        def through(held):
            values = held()
            return values


        def nothing():
            return middle.alone(1)


        through(middle.holder())
        """,
}
EDITS = [
    ("base", "def __call__(self):", "def __call__(self) -> np.ndarray:"),
    ("base", "def __call__(self):", "def __call__(self) -> int:"),
    ("base", "def __call__(self):", "def call(self):"),
    ("base", "scale: float = 1.0", "scale: np.ndarray"),
    ("base", "def make(n):", "def make(n) -> int:"),
    ("base", "def make(n):", "def make(n, extra=None):"),
    ("base", "def plain(x):", "def plain_x(x):"),
    ("base", "class Holder:", "class Holder(dict):"),
    ("base", "def shape(self):", "def shape(self) -> np.ndarray:"),
    ("middle", "from base import make as build, plain", "from base import plain as build"),
    ("middle", "right: int", "right: 'np.ndarray'"),
    ("middle", "    left: int\n", ""),
    ("middle", "def pair() -> Pair: ...", "def pair() -> int: ..."),
    ("middle", "def holder():", "def holder(x=1, *, y=2):"),
    ("middle", "def alone(x):", "def alone(x: 'np.ndarray'):"),
    ("middle", "from typing", "import numpy as np\nfrom typing"),
    ("top", "import middle", "import middle, base"),
    ("top", "class More(Holder):", "class More:"),
]


class Tables(Cache):
    """The tables of libraries, and nothing of an earlier reading."""

    def read(self, key):
        return super().read(key) if key.startswith("table ") else None

    def write(self, key, value):
        if key.startswith("table "):
            super().write(key, value)


@pytest.fixture
def read(project):
    texts = {name: textwrap.dedent(text).lstrip() for name, text in MODULES.items()}
    for name, text in texts.items():
        project.write(text, f"{name}.py")
    paths = [project.folder / f"{name}.py" for name in texts]

    def read_(edits, earlier=None):
        typed = dict(texts)
        for module, before, after in edits:
            typed[module] = typed[module].replace(before, after)
        given = {str(path): typed[path.stem].encode() for path in paths}
        return solve(paths, Tables(), texts=given, earlier=earlier)

    return read_


def told(solution):
    return solution.outcomes, solution.facts, solution.sites


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit[0]}: {edit[2]}")
def test_a_reading_after_an_edit_is_the_one_of_a_cold_run_and_so_is_the_one_after_it(read, edit):
    earlier = Earlier()
    read([], earlier)
    assert told(read([edit], earlier)) == told(read([edit]))
    assert told(read([], earlier)) == told(read([]))


def test_edits_one_after_the_other(read):
    earlier = Earlier()
    for first, second in itertools.pairwise(EDITS * 2):
        assert told(read([first, second], earlier)) == told(read([first, second]))


@pytest.mark.parametrize(
    ("edit", "read_again"),
    [
        (("middle", "def alone(x):", "def alone(x, y=1):"), {"middle:*", "top:nothing", "top:"}),
        (("middle", "def alone(x):", "def another():\n    pass\n\n\ndef alone(x):"), {"middle:*"}),
        (("base", "def plain(x):", "def plain(x, y=1):"), {"base:*", "middle:"}),
    ],
    ids=["a signature", "a new function", "a function that is imported only"],
)
def test_an_edit_reads_what_can_have_seen_it_and_nothing_else(read, edit, read_again, monkeypatch):
    module = sys.modules["sekisho.inference.solve"]  # the package has a function so called
    read_safely = module._read_safely
    seen = set()

    def spy(program, knowledge, unit, node, fact):
        key = unit.key
        seen.add(f"{key}:*" if f"{key}:*" in read_again else unit.name)
        return read_safely(program, knowledge, unit, node, fact)

    earlier = Earlier()
    read([], earlier)
    monkeypatch.setattr(module, "_read_safely", spy)
    read([edit], earlier)
    assert seen == read_again
