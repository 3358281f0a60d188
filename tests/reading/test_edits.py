"""After any edits, what `check` and `map` find with their cache is what they find without one."""

from __future__ import annotations

import ast
import random
import sys

import pytest

from sekisho.code import Cache
from sekisho.findings import check, read_settings
from sekisho.inference import solve, survey

MODULES = {
    "base.py": """
        import functools
        from typing import NamedTuple

        import numpy as np
        import torch


        class Holder:
            scale: float = 1.0

            def __init__(self, data):
                self.data = data

            def __call__(self, x):
                return self.data + x

            def __getitem__(self, index):
                return self.data

            def __enter__(self):
                return self.data

            def fit(self, x):
                return x

            @property
            def first(self) -> np.ndarray:
                return self.data


        class Pair(NamedTuple):
            left: np.ndarray
            right: torch.Tensor


        def keep(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)

            return inner


        def make(n):
            return Holder(np.ones(n))


        def pair() -> Pair: ...


        def plain(x):
            return x
        """,
    "models.py": """
        import torch
        from base import *
        from base import Holder as Kept, keep
        import numpy as np


        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(2, 2)

            def forward(self, x):
                return self.layer(x)

            def steps(self) -> Kept: ...


        class Deep(Net):
            def forward(self, x):
                return super().forward(x)

            def fit(self, x: torch.Tensor) -> torch.Tensor:
                return self(x)


        class Sub(Kept):
            def __call__(self, x) -> torch.Tensor:
                return torch.ones(2)

            def fit(self, x):
                return torch.ones(2)


        class Outer:
            class Inner(Kept):
                def fit(self, x) -> np.ndarray: ...

            part: Inner


        ALIAS = Kept.fit
        CHOSEN = make


        @keep
        def kept(x) -> np.ndarray:
            return x


        def local():
            class Here:
                def fit(self, x) -> np.ndarray: ...

            return Here()
        """,
    "use.py": """
        import numpy as np
        import torch
        import base, models
        from models import ALIAS, CHOSEN, Deep, Net, Outer, Sub, kept, local


        def called(held: base.Holder):
            return held(np.ones(2))


        def opened(held: base.Holder):
            with held as data:
                return data[0]


        def items(held: base.Holder):
            for each in held:
                yield each
            return held[0]


        def fitted(held: base.Holder, net: Net):
            a = held.fit(np.ones(2))
            b = net.fit(torch.ones(2))
            c = net.steps().fit(a)
            return a + b, c


        def through():
            return CHOSEN(3).fit(1), ALIAS(base.make(1), np.ones(2)), kept(torch.ones(2))


        def unpacked():
            left, right = base.pair()
            return left + right


        def inner(outer: Outer):
            x = outer.part.fit(1)
            y = local().fit(2)
            return x, y, outer.part.first


        def nets(x):
            net = Deep()
            scores = net(x)
            return scores.numpy(), net.fit(np.ones(3))


        def local_import():
            from base import make as build, plain

            return plain(build(2)).data


        def generic(build, value):
            made = build(value)
            return made.fit(value)


        R = nets(torch.ones(2)), generic(Sub, np.ones(1)), generic(base.Holder, torch.ones(1))
        fitted(Sub(np.ones(1)), Deep())
        items(Outer.Inner(torch.ones(1)))
        """,
    "conftest.py": """
        import pytest
        import numpy as np


        @pytest.fixture
        def grid():
            return np.ones(3)
        """,
    "test_it.py": """
        import base


        def test_grid(grid):
            held = base.make(grid)
            assert base.plain(grid).sum() == held.fit(grid).sum()
        """,
}
ANNOTATIONS = ["np.ndarray", "torch.Tensor", "int", "'Holder'", "'Sub'", "'Net'"]


def functions_of(tree):
    return [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]


def classes_of(tree):
    return [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]


def body_of(rng, tree):
    return rng.choice([tree, *classes_of(tree)]).body


def annotation(rng):
    return ast.parse(rng.choice(ANNOTATIONS), mode="eval").body


def rename(rng, tree):
    function = rng.choice(functions_of(tree))
    function.name = rng.choice(
        ["fit", "__call__", "forward", "first", f"renamed{rng.randrange(9)}"]
    )


def add_parameter(rng, tree):
    args = rng.choice(functions_of(tree)).args
    args.args.append(ast.arg(f"added{len(args.args)}"))
    args.defaults.append(ast.Constant(None))


def remove_parameter(rng, tree):
    args = rng.choice(functions_of(tree)).args
    if args.args and not args.defaults:
        args.args.pop()


def annotate(rng, tree):
    function = rng.choice(functions_of(tree))
    if rng.random() < 0.5 and function.args.args:
        rng.choice(function.args.args).annotation = annotation(rng)
    else:
        function.returns = None if function.returns and rng.random() < 0.3 else annotation(rng)


def add_function(rng, tree):
    name = rng.choice(["fit", "make", "__enter__", "__iter__", "__getattr__", "forward", "added"])
    text = f"def {name}(self, x=1, *more) -> {rng.choice(ANNOTATIONS)}: ..."
    body_of(rng, tree).append(ast.parse(text).body[0])


def remove_function(rng, tree):
    body = body_of(rng, tree)
    found = [each for each in body if isinstance(each, ast.FunctionDef)]
    if found and len(body) > 1:
        body.remove(rng.choice(found))


def change_import(rng, tree):
    imports = [each for each in tree.body if isinstance(each, ast.ImportFrom)]
    every = [each for one in imports for each in one.names if each.name not in {"*", "annotations"}]
    if every:
        rng.choice(every).name = rng.choice(["Holder", "make", "plain", "Sub", "Net"])


def add_decorator(rng, tree):
    names = ["keep", "property", "staticmethod", "unknown", "torch.no_grad()", "Holder.fit"]
    written = ast.parse(rng.choice(names), mode="eval").body
    rng.choice(functions_of(tree)).decorator_list.insert(0, written)


def change_bases(rng, tree):
    classes = classes_of(tree)
    if classes:
        names = ["Holder", "Kept", "Net", "torch.nn.Module", "torch.Tensor", "dict"]
        bases = ast.parse(rng.choice(names), mode="eval").body
        rng.choice(classes).bases = [bases] if rng.random() < 0.7 else []


def change_field(rng, tree):
    text = f"{rng.choice(['left', 'right', 'part', 'data', 'ALIAS'])}: {rng.choice(ANNOTATIONS)}"
    body_of(rng, tree).insert(0, ast.parse(text).body[0])


def add_class(rng, tree):
    base = rng.choice(["", "(Holder)", "(Net)"])
    tree.body.append(ast.parse(f"class Added{base}:\n    def fit(self, x): return x").body[0])


EDITS = [
    *(rename, add_parameter, remove_parameter, annotate, annotate, add_function, remove_function),
    *(change_import, add_decorator, change_bases, change_field, add_class),
]


def told(folder, cache):
    """Return all that the map and the findings are made of."""
    solution = solve([folder], cache)
    settings = read_settings([folder])._replace(is_adopted=True)
    functions = [each._replace(file=None) for each in survey(solution)]
    return functions, solution.facts, solution.sites, check(solution, settings)


def write_program(project):
    for name, text in MODULES.items():
        project.write(text, name)


def edit(rng, project):
    """Edit a file, or delete or add one, or put it back; return what was done."""
    name = rng.choice([*MODULES])
    path = project.folder / name
    if rng.random() < 0.06:
        path.unlink(missing_ok=True)
        return "delete", name
    if not path.exists() or rng.random() < 0.1:
        project.write(MODULES[name], name)
        return "put back", name
    tree = ast.parse(path.read_text("utf-8"))
    change = rng.choice(EDITS) if functions_of(tree) else change_field
    change(rng, tree)
    path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", "utf-8")
    return change.__name__, name


@pytest.mark.parametrize("seed", range(5))
def test_after_random_edits_all_is_found_as_by_a_cold_run(project, of_libraries, torch, seed):
    rng = random.Random(seed)
    write_program(project)
    done = []
    for _ in range(8):
        assert told(project.folder, Cache()) == told(project.folder, of_libraries()), done
        done += [edit(rng, project) for _ in range(rng.choice([1, 1, 1, 2]))]


FAMILY = {
    "base.py": """
        class Base:
            def fit(self, x): ...

            def other(self): ...
        """,
    "one.py": """
        from base import Base


        class One(Base):
            def fit(self, x): ...
        """,
    "two.py": """
        from base import Base


        class Two(Base):
            def fit(self, x): ...
        """,
    "uses.py": """
        import one, two
        from base import Base


        def of_one(): return one.One().fit(1)
        def made(): return one.One()
        def of_two(): return two.Two().fit(1)
        def of_base(x: Base): return x.fit(1)
        def of_other(x: Base): return x.other()
        """,
    "told.py": """
        import uses


        def of_told(): return uses.made().fit(1)
        def only_told(): return uses.made()
        """,
}


@pytest.mark.parametrize(
    ("name", "before", "after", "again"),
    [
        (
            *("one.py", "fit(self, x)", "fit(self, x, y=1)"),
            {
                *("one:*", "base:", "base:Base.fit", "two:"),
                *("uses:", "uses:of_one", "uses:of_base", "told:of_told"),
            },
        ),
        (
            *("one.py", "fit(self, x)", "__call__(self, x)"),
            {
                *("one:*", "base:*", "two:", "told:of_told", "told:only_told"),
                *("uses:", "uses:of_one", "uses:made", "uses:of_base", "uses:of_other"),
            },
        ),
        (
            *("uses.py", "def made()", "def made(x=1)"),
            {"uses:*", "told:", "told:of_told", "told:only_told"},
        ),
    ],
    ids=["a method", "a method that is called without its name", "a function"],
)
def test_the_next_run_reads_what_can_have_seen_an_edit_and_nothing_else(
    project, monkeypatch, name, before, after, again
):
    for each, text in FAMILY.items():
        project.write(text, each)
    for _ in range(2):  # the libraries in use are known from the second run on
        solve([project.folder], Cache())
    read, solving = set(), sys.modules["sekisho.inference.solve"]
    original = solving.read_unit

    def note(*args):
        key = args[2].key
        read.add(f"{key}:*" if f"{key}:*" in again else args[2].name)
        return original(*args)

    monkeypatch.setattr(solving, "read_unit", note)
    project.write(FAMILY[name].replace(before, after), name)
    solve([project.folder], Cache())
    assert read == again
    read.clear()
    solve([project.folder], Cache())
    assert read == set()
