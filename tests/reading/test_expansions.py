"""SK113: operators that expand both operands, by their annotated axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.findings.axes import both_expanded

SIZES = {"n": 2, "m": 3, "k": 5, "1": 1, "4": 4}
AXES = st.lists(st.sampled_from(sorted(SIZES)), max_size=4, unique_by=lambda x: (x, x == "1"))


def shape(axes):
    return tuple(SIZES[each] for each in axes)


@given(higher=st.lists(st.sampled_from(sorted(SIZES)), max_size=4), swap=st.booleans())
def test_what_is_reported_expands_both_operands(higher, swap):
    lower = [each for each in higher if each != "1"]
    left, right = (lower, higher) if swap else (higher, lower)
    found = both_expanded(" ".join(left), " ".join(right))
    try:
        both = np.broadcast_shapes(shape(left), shape(right))
    except ValueError:
        assert not found
        return
    is_both = len(left) != len(right) and both not in {shape(left), shape(right)}
    assert bool(found) is is_both
    if found:
        assert shape(found.split()) == both


@given(left=AXES, right=AXES)
def test_only_the_axes_of_one_operand_without_a_one_are_reported(left, right):
    if both_expanded(" ".join(left), " ".join(right)):
        lower, higher = sorted((left, right), key=len)
        assert lower == [each for each in higher if each != "1"]


@pytest.mark.parametrize("axes", ["*b 1", "... 1", "n+1 1", "#n 1", "n=3 1", "?n 1", "_ 1"])
def test_axes_of_other_forms_say_too_little(axes):
    lower = axes.removesuffix(" 1")
    assert both_expanded(axes, lower) == ("" if lower != "_" else both_expanded(axes, lower))


HEAD = """
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float

def f(p: Float[{array}, "n 1"], y: Float[{array}, "n"], q: Float[{array}, "m"]):
    {body}
"""
FOUND = ["p - y", "y - p", "p * y", "p == y", "p < y", "p ** y", "(p - y) ** 2", "q = p / y"]
SILENT = [
    "p - q",
    "p - y[:, None]",
    "p[:, 0] - y",
    "p.squeeze(-1) - y",
    "p @ y",
    "p - 1",
    "y - y",
    "p = p.T; p - y",
    "y = y[None]; p - y",
    "p.squeeze_(1); p - y",
    "y.unsqueeze_(1); p - y",
    "p.shape = (len(p),); p - y",
    "p -= y",
]


@pytest.mark.parametrize("array", ["torch.Tensor", "np.ndarray"])
@pytest.mark.parametrize("body", FOUND)
def test_it_is_found_in_operators(project, run_check, array, body):
    pytest.importorskip(array.partition(".")[0].replace("np", "numpy"))
    project.write(HEAD.format(array=array, body=body.replace("; ", "\n    ")))
    status, out, _ = run_check(".", "--select", "SK113")
    assert status == 1
    assert "SK113 [both-expanded]" in out
    assert 'give "n n", since both are expanded' in out


@pytest.mark.parametrize("array", ["torch.Tensor", "np.ndarray"])
@pytest.mark.parametrize("body", SILENT)
def test_what_says_that_it_is_meant_is_not(project, run_check, array, body):
    project.write(HEAD.format(array=array, body=body.replace("; ", "\n    ")))
    status, out, _ = run_check(".", "--select", "SK113")
    assert (status, "SK113" in out) == (0, False)


def test_the_help_names_the_operand_with_the_axis(project, run_check):
    project.write(HEAD.format(array="np.ndarray", body="y - p"))
    _, out, _ = run_check(".")
    assert 'y - p: axes "n" and "n 1" give "n n", since both are expanded' in out
    assert "help: drop the axis of size 1: sekisho.squeeze(p, axis=-1)" in out
