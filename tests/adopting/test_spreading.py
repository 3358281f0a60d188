"""Operations that broadcast take arrays of any number of axes, and axes of 1 where others have more."""

from __future__ import annotations

import ast
import textwrap

import pytest

pytest.importorskip("libcst")

from sekisho.adoption.spreading import spread_of


def spread(body, parameters="x, y"):
    code = textwrap.indent(textwrap.dedent(body), "    ")
    (node,) = ast.parse(f"def f({parameters}):\n{code}").body
    return spread_of(node, frozenset(name.strip() for name in parameters.split(",")))


@pytest.mark.parametrize(
    ("body", "tails"),
    [
        ("return np.exp(x) - y", {"x": 0, "y": 0}),
        ("return x.exp() + y.abs_()", {"x": 0, "y": 0}),
        ("return np.where(x > 0, y, 1)", {"x": 0, "y": 0}),
        ("return torch.linalg.norm(x - y, dim=-1)", {"x": 1, "y": 1}),
        ("return (x * y).sum((-1, -2))", {"x": 2, "y": 2}),
        ("d = x - y\nreturn d[..., 0]", {"x": 1, "y": 1}),
        ("return x[..., None] * y", {"x": 0, "y": 0}),
        ("return x.mT / y.shape[-1]", {"x": 2, "y": 1}),
        ("return torch.zeros(x.shape[:-1]) + y", {"x": 1, "y": 0}),
        ("return np.concatenate([x, y], axis=-1)", {"x": 1, "y": 1}),
        ("return torch.stack((x, y), dim=-1)", {"x": 0, "y": 0}),
        ("return torch.einsum('...ij,...j->...i', x, y)", {"x": 2, "y": 1}),
        ("if x.ndim == 1:\n    return x\nreturn y.max()", {"x": 0, "y": 0}),
        ("x = x.clip(0, 1)\ny = x * y\nreturn y", {"x": 0, "y": 0}),
    ],
)
def test_an_argument_is_free_where_nothing_speaks_of_its_first_axes(body, tails):
    found = spread(body)
    assert not found.ranked
    assert {name: found.tails.get(name, 0) for name in found.used} == tails


@pytest.mark.parametrize(
    "body",
    [
        "return x[:, 0]",
        "return x[0] * y",
        "return x.sum(0)",
        "return x.mean(axis=y)",
        "return x.T",
        "return x.shape[0]",
        "return x @ y",
        "return [2 * each for each in x]",
        "for each in x:\n    pass",
        "return y[x]",
        "return np.concatenate([x, y])",
        "return torch.einsum('ij,j->i', x, y)",
        "return x.reshape(-1)",
        "return lambda: x[0]",
        "d = x - y\nif y is None:\n    return d[:, 0]\nreturn d",
    ],
)
def test_an_argument_is_not_free_where_code_speaks_of_its_first_axes(body):
    assert "" in spread(body).ranked["x"]


def test_what_another_function_needs_is_not_known():
    assert spread("return g(x, y=2 * y)").ranked == {"x": {"g"}, "y": {""}}


def test_a_name_that_is_replaced_holds_the_argument_no_more():
    assert spread("x, n = flat(x)\nreturn x[0] * n").ranked == {"x": {"flat"}}


@pytest.mark.parametrize(
    ("body", "together"),
    [
        ("return x - y", [{"x": 0, "y": 0, "return": 0}]),
        ("return x[..., None] * y", [{"x": 0, "y": 1, "return": 1}]),
        ("return norm(x - y, dim=-1)", [{"x": 1, "y": 1, "return": 0}]),
        ("return norm(x, dim=-1) * y", [{"x": 1, "y": 0, "return": 0}]),
        ("return x.max(-1, keepdims=True) * y", [{"x": 1, "y": 1, "return": 1}]),
        ("return x * 2, y[..., 0]", [{"x": 0, "return[0]": 0}, {"y": 1, "return[1]": 0}]),
        ("if y is None:\n    return g(x)\nreturn x * y", [{"x": 0, "y": 0}]),
        ("return x if y.any() else y", [{"x": 0}, {"y": 0}]),
        ("z = x\nif y.any():\n    z = y\nreturn z", [{"x": 0}, {"y": 0}]),
        ("z = x - y\nreturn x", [{"x": 0, "y": 0}]),
        ("x = x - y\nx = x / 2\nreturn x", [{"x": 0, "y": 0, "return": 0}]),
        ("return np.concatenate([x, y], -1)", [{"x": 1, "y": 1, "return": 1}]),
        ("z = 0\nwhile y:\n    z = z + x\n    x = y\nreturn z", [{"x": 0, "y": 0}]),
        ("return x * y + x[..., None] * y", []),
        ("assert x.shape == y.shape\nreturn x * y", [{"x": 0, "return": 0, "y": 0}]),
    ],
)
def test_what_is_combined_has_its_first_axes_together(body, together):
    assert sorted(map(str, map(dict, spread(body).together))) == sorted(
        str(dict(sorted(each.items()))) for each in together
    )


@pytest.mark.parametrize(
    ("body", "is_loose"),
    [
        ("return x - y", True),
        ("return np.maximum(x, y)", True),
        ("return x[:, 0] - y", False),
        ("return x @ y", False),
        ("assert x.shape == y.shape\nreturn x - y", False),
        ("if len(x) != len(y):\n    raise ValueError\nreturn x - y", False),
        ("assert len(x.shape) == len(y.shape)\nreturn x - y", True),
        ("assert x.shape[-1] == y.shape[-1]\nreturn x - y", True),
        ("assert x.shape[0] == y.shape[0] and y\nreturn x - y", False),
        ("return np.concatenate([x, y]) + (x - y).sum()", False),
    ],
)
def test_sizes_that_the_code_compares_do_not_broadcast(body, is_loose):
    assert (frozenset("xy") in spread(body).loose) is is_loose


@pytest.mark.parametrize(
    ("body", "needs_floats"),
    [
        ("return x * 2 - x[..., 0]", False),
        ("self.x = x", False),
        ("return torch.exp(x).reshape(-1, 3)", False),
        ("return torch.linalg.norm(x)", True),
        ("return x.mean()", True),
        ("return x.flatten().norm()", True),
        ("return F.relu(x)", True),
        ("return x @ y", True),
        ("return self.layer(x)", True),
    ],
)
def test_code_of_libraries_that_refuse_integers_needs_floats(body, needs_floats):
    assert ("x" in spread(body, "self, x, y").floats) is needs_floats


@pytest.mark.parametrize(
    ("body", "numbers"), [("return x - 1", {"x"}), ("return y[x]", set()), ("return x == y", set())]
)
def test_what_is_calculated_with_may_be_any_number(body, numbers):
    assert spread(body).numbers == numbers


@pytest.mark.parametrize(
    "body",
    [
        "match x:\n    case [a, *b]:\n        return a\n    case _:\n        return y",
        "with x as z:\n    return z",
        "try:\n    return x[0]\nexcept ValueError as e:\n    raise RuntimeError(x) from e",
        "return f'{x}' + (await y)",
        "x[0], *y = y, *x\ndel x\nglobal z",
        "return x[y:=2] if x else ...",
        "return torch.einsum(x, [0], y, [0])",
        "return np.concatenate(*x)",
        "return x.sum(*y)",
        "return x.mean(axis=())",
        "return np.exp()",
        "yield from x",
        "return {x: 1, **y}",
        "class A:\n    z = x",
    ],
)
def test_any_code_can_be_read(body):
    code = textwrap.indent(body, "    ")
    (node,) = ast.parse(
        f"async def f(x, y):\n{code}" if "await" in body else f"def f(x, y):\n{code}"
    ).body
    assert spread_of(node, frozenset("xy")).used <= {"x", "y"}


@pytest.mark.parametrize(
    ("body", "varied"),
    [
        ("if y:\n    return x, y\nreturn np.tile(x, 2), y", {"return[0]"}),
        ("if y:\n    return x\nreturn x.reshape(-1)", {"return"}),
        ("return np.tile(x, 2)", set()),
        ("if y:\n    return x\nreturn x * 2", set()),
    ],
)
def test_a_result_that_one_return_reshapes_has_no_certain_axes(body, varied):
    assert spread(body).varied == varied
