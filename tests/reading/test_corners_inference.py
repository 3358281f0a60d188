"""Narrowing by tests, constants and subclasses, in all combinations."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

HEAD = """
import numpy as np
import torch

def f(x: np.ndarray | torch.Tensor, y: np.ndarray | torch.Tensor, flag: bool):
"""
IS_NUMPY, IS_TORCH = "isinstance(x, np.ndarray)", "isinstance(x, torch.Tensor)"
Y_NUMPY = "isinstance(y, np.ndarray)"
NUMPY, TORCH, EITHER = "numpy", "torch", "numpy | torch"


@pytest.mark.parametrize(
    ("test", "inside", "outside"),
    [
        (IS_NUMPY, NUMPY, TORCH),
        (f"not {IS_NUMPY}", TORCH, NUMPY),
        (f"{IS_NUMPY} and flag", NUMPY, EITHER),
        (f"{IS_NUMPY} or flag", EITHER, TORCH),
        (f"flag or {IS_TORCH}", EITHER, NUMPY),
        (f"not ({IS_NUMPY} or flag)", TORCH, EITHER),
        (f"not ({IS_NUMPY} and flag)", EITHER, NUMPY),
        (f"not ({IS_NUMPY} and not flag)", EITHER, NUMPY),
        (f"{IS_NUMPY} or {IS_TORCH}", EITHER, None),
        (f"{IS_NUMPY} or {Y_NUMPY}", EITHER, TORCH),
        (f"{IS_NUMPY} and {Y_NUMPY}", NUMPY, EITHER),
        ("flag", EITHER, EITHER),
    ],
)
def test_a_test_says_of_both_branches_what_holds_there(worlds, test, inside, outside):
    held = worlds(f"{HEAD}    if {test}:\n        a = x\n    else:\n        b = x\n    c = x")
    assert held["a"] == inside
    assert outside is None or held["b"] == outside
    assert held["c"] == EITHER


@pytest.mark.parametrize(
    "value", ["1", "1.5", "2j", "True", "None", "'a'", "b'a'", "...", "f'{1}'", "-1"]
)
@pytest.mark.parametrize("lib", [NUMPY, TORCH])
def test_a_constant_is_no_array_and_takes_none_away(worlds, value, lib):
    held = worlds(f"""
        import {lib} as xp
        a = {value}
        b = xp.ones(3)
        c = a if b is None else b
        d = a or b
        e = (b, a)[0]
    """)
    either = lib if value == "None" else f"none | {lib}"
    assert (held["a"], held["c"], held["d"], held["e"]) == ("none", either, either, lib)


@pytest.mark.parametrize(("base", "other"), [(NUMPY, TORCH), (TORCH, NUMPY)])
def test_what_a_method_is_given_reaches_its_overrides_too(worlds, base, other):
    held = worlds(f"""
        import numpy, torch

        class Base:
            def take(self, x):
                a = x
            def make(self):
                return {base}.ones(3)
            def run(self):
                self.take({base}.ones(3))
                b = self.make()

        class Other(Base):
            def take(self, x):
                c = x
            def make(self):
                return {other}.ones(3)

        class Third(Other):
            def take(self, x):
                d = x

        e = Third().make()

        def use(one: Base):
            g = one.make()
    """)
    assert [held[name] for name in "acd"] == [base] * 3
    assert held["b"] == held["g"] == EITHER
    assert held["e"] == other


@pytest.mark.parametrize("way", ["{}", "bool({})", "flag"])
def test_true_and_false_choose_the_overload_that_they_name(worlds, way):
    held = worlds(f"""
        import numpy as np

        def f(x: np.ndarray, flag: bool):
            a = np.unique(x, return_index={way.format("False")})
            b = np.unique(x, return_index={way.format("True")})
            c, d = np.unique(x, return_index=True)
            e = a.sum()
    """)
    if way == "{}":
        assert (held["a"], held["c"], held["d"], held["e"]) == (NUMPY,) * 4
        assert held["b"] != NUMPY
    else:
        assert held["a"] == held["b"]
