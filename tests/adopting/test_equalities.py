"""Axes that code requires to be equal are one, however few sizes came."""

from __future__ import annotations

import ast
import textwrap

import pytest

pytest.importorskip("libcst")

from sekisho.adoption.definitions import find_definitions
from sekisho.deduction import Said, deduce
from sekisho.tracer import Call, Observed

IMPORTS = "import jax, jax.numpy as jnp, numpy as np, torch\nfrom torch.linalg import solve\n"


def body_of(code, parameters="x, y"):
    text = f"{IMPORTS}def f({parameters}):\n{textwrap.indent(textwrap.dedent(code), '    ')}"
    (found,) = find_definitions(ast.parse(text))
    return found.body


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        ("return x @ y", {("x", -1), ("y", -2)}),
        ("return x.T @ y", {("x", -2), ("y", -2)}),
        ("return x @ y.mT", {("x", -1), ("y", -1)}),
        ("return np.matmul(x, y)", {("x", -1), ("y", -2)}),
        ("return x.dot(y)", {("x", -1), ("y", -2)}),
        ("return torch.mv(x, y)", {("x", -1), ("y", -2)}),
        ("return np.linalg.cholesky(x)", {("x", -1), ("x", -2)}),
        ("return vmap(g)(x, y)", {("x", 0), ("y", 0)}),
        ("return jax.vmap(g, in_axes=(0, None))(x, y)", None),
        ("return jax.vmap(g, in_axes=(-1, 0))(x, y)", {("x", -1), ("y", 0)}),
        ("return jax.vmap(g, (0, 1))(x, y)", {("x", 0), ("y", 1)}),
        ("return torch.einsum('bi,bj->bij', x, y)", {("x", 0), ("y", 0)}),
        ("return torch.einsum('...i,...i->...', x, y)", {("x", -1), ("y", -1)}),
        ("return einsum(x, y, 'n d, m d -> n m')", {("x", 1), ("y", 1)}),
        ("return einsum(x, y, '... d, m d -> ... m')", {("x", -1), ("y", 1)}),
        ("return einsum(x, y, '(n k) d, m d -> n m')", None),
        ("return rearrange(x, 'n n -> n')", {("x", 0), ("x", 1)}),
        ("assert x.shape[0] == y.shape[1]\nreturn 1", {("x", 0), ("y", 1)}),
        ("if len(x) != y.size(0):\n    raise ValueError\nreturn 1", {("x", 0), ("y", 0)}),
        ("if len(x) == y.size(0):\n    raise ValueError\nreturn 1", None),
        ("y = y - 1\nreturn x @ y", None),
        ("y = x @ y\nreturn y @ y", {("x", -1), ("y", -2)}),
        ("if y is None:\n    return x @ y\nreturn x", None),
        ("return x + x.T", {("x", -1), ("x", -2)}),
        ("return (x - x.mT.conj()) / 2", {("x", -1), ("x", -2)}),
        ("return x.swapaxes(-2, -1) + x", {("x", -1), ("x", -2)}),
        ("return x + jnp.swapaxes(x, -1, -2)", {("x", -1), ("x", -2)}),
        ("return x.transpose(-1, -2) @ y", {("x", -2), ("y", -2)}),
        ("return x + jnp.swapaxes(x, 0, 1)", None),
        ("return x + jnp.transpose(x, (0, 2, 1))", None),
        ("return x + x", None),
        ("return x + y.T", None),
        ("return x * y", None),
        ("return x @ z", None),
        ("return lambda: x @ y", None),
        ("if z:\n    return x\nreturn x @ y", None),
        ("try:\n    return x @ y\nexcept ValueError:\n    return x", None),
        ("for _ in z:\n    x @ y", None),
        ("while z:\n    x @ y", None),
        ("with suppress(ValueError):\n    x @ y", None),
        ("with torch.no_grad():\n    return x @ y", {("x", -1), ("y", -2)}),
        ("return [x @ y for x in x]", None),
        ("if x.shape[0] != y.shape[0] != z.shape[0]:\n    raise ValueError", None),
        ("assert x.shape[0] == y.shape[0] == z.shape[0]", {("x", 0), ("y", 0)}),
        ("return jax.vmap(g, **z)(x, y)", None),
        ("return jax.vmap(g)(*z, x, y)", None),
        ("return np.matmul(*z, x, y)", None),
        ("return flow.inverse(x)", None),
        ("return jnp.linalg.inv(x)", {("x", -2), ("x", -1)}),
        ("return self.flow.inverse(x)", None),
        ("return y.inverse(x)", {("y", -2), ("y", -1)}),
        ("return y.solve(x, x)", None),
        ("return inverse(x)", None),
        ("flow = made(z)\nreturn flow.inverse(x)", None),
        ("return x.dot(y, out=z)", {("x", -1), ("y", -2)}),
        ("return x.dot(y, z)", {("x", -1), ("y", -2)}),
    ],
)
def test_code_says_which_axes_have_to_be_equal(code, pairs):
    found = body_of(code).equal
    assert {axis for pair in found for axis in pair} == (pairs or set())


@pytest.mark.parametrize("solve", ["np.linalg.solve", "torch.linalg.solve", "solve"])
def test_a_system_of_equations_has_three_axes_that_are_one(solve):
    found = body_of(f"return {solve}(x, y)").equal
    assert {*map(frozenset, found)} == {
        frozenset({("x", -1), ("x", -2)}),
        frozenset({("x", -2), ("y", -2)}),
    }


def axes(equal, *calls):
    observed = Observed("f.py", "f", 1, ("x", "y"))
    observed.callers = {"a", "b", "c"}
    for one, other in calls:
        shapes = (("array", "numpy", "float32", shape, "cpu") for shape in (one, other))
        observed.calls[Call("return", tuple(shapes), ("none",))] += 1
    said = Said(libraries=frozenset({"numpy"}), equal=frozenset(equal), ranked=frozenset("xy"))
    return {slot.name: text for slot, text in deduce(observed, said).axes.items()}


PRODUCT = (("x", -1), ("y", -2))


@pytest.mark.parametrize(
    ("calls", "x", "y"),
    [
        ([((2, 3), (3, 4)), ((5, 3), (3, 6))], "b d", "d n"),
        ([((2, 3), (3,)), ((5, 3), (3,))], "b d", "d"),
        ([((2, 3), (3, 4))], "_ d", "d _"),
    ],
)
def test_required_axes_are_one_after_one_size(calls, x, y):
    assert axes({PRODUCT}, *calls) == {"x": x, "y": y}
    assert not {*axes((), *calls)["x"].split()} & {*axes((), *calls)["y"].split()} - {"_"}


def test_what_no_code_requires_of_the_calls_is_not_written():
    """A pair that was read wrongly is never written against a call."""
    calls = [((2, 3), (3, 4)), ((5, 7), (6, 7))]
    found = axes({PRODUCT}, *calls)
    assert found["x"].split()[1] != found["y"].split()[0]


def test_a_required_square_is_one_at_any_rank():
    """Of one use, the number of axes is not certain; that the last two are one is."""
    observed = Observed("f.py", "f", 1, ("x",))
    observed.callers = {"a"}
    for n in (3, 4):
        square = ("array", "numpy", "float32", (n, n), "cpu")
        observed.calls[Call("return", (square,), square)] += 1
    said = Said(libraries=frozenset({"numpy"}), equal=frozenset({(("x", -2), ("x", -1))}))
    found = deduce(observed, said).axes
    assert {slot.name: text for slot, text in found.items()} == {
        "x": "... b b",
        "return": "... b b",
    }


def test_a_required_square_needs_no_other_array():
    assert axes({(("x", -1), ("x", -2))}, ((3, 3), (2,)), ((4, 4), (5,)))["x"] == "b b"
