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


OTHER_DTYPE = """x / 255; x / y; x * 0.5; x + 1.0; 1.0 - x; x ** 0.5; x / float(y); x * float(y); -(x / 2) * 255;
    (x / 2)[:, :1]; (x / 2).T; x.float(); x.double(); x.to(torch.float32); x.to('cuda', torch.float16);
    x.to(dtype=torch.float32); x.to(y.dtype); x.to(y); x.type_as(y); x.to(dtype); x.astype(np.float32); x.astype(float);
    x.astype('float64'); np.asarray(x, dtype=float); torch.as_tensor(x, dtype=torch.float32); np.sqrt(x); x.sqrt();
    torch.exp(x); torch.div(x, 2); np.divide(x, 2); torch.mul(x, 0.5); torch.clamp(x, 0.0, 1.0); x.float().clone();
    x.float().reshape(-1); g(x.float()); F.pad(x / 2, (1, 1)); torch.stack([x / 2, x * 0.5]); x > 0; ~(x == y);
    x.argmax(-1); x.long(); x / 2 if y else x; x.float() or y; torch.where(x > 0, x / 2, 0.0); x.float() + x"""


@pytest.mark.parametrize("made", [*map(str.strip, OTHER_DTYPE.split(";"))])
@pytest.mark.parametrize("use", ["F.conv2d(z)", "z.mean()", "self.layer(z)", "w @ z", "z.norm(2)"])
def test_what_needs_floats_of_another_dtype_does_not_need_them_of_the_argument(made, use):
    assert "x" not in spread(f"z = {made}\nreturn {use}", "self, x, y").floats
    assert "x" not in spread(f"x = {made}\nreturn {use.replace('z', 'x')}", "self, x, y").floats
    assert "x" not in spread(f"return {use.replace('z', f'({made})')}", "self, x, y").floats
    assert "x" in spread(f"{use.replace('z', 'x')}\nz = {made}", "self, x, y").floats


SAME_DTYPE = """x; x * 2; x - y; x + 1; x[:, 0]; -x; x.T; x.reshape(-1, 3); x.clone(); x.to('cuda'); x.to(device); x.to(y.device);
    x.clip(0, 1); torch.stack([x, x]); F.pad(x, (1, 1), value=0.5); x if y else y; x.long() + x; x.abs(); g(x); x.cuda();
    zeros_like(x, dtype=x.dtype); x.sum(-1); torch.full_like(x, 0.5); x.to(x.dtype); x.half; x.max(dim=-1)"""


@pytest.mark.parametrize("made", [*map(str.strip, SAME_DTYPE.split(";"))])
@pytest.mark.parametrize("use", ["F.conv2d(z)", "z.mean()", "self.layer(z)", "w @ z"])
def test_what_needs_floats_of_the_same_dtype_needs_them_of_the_argument(made, use):
    assert "x" in spread(f"z = {made}\nreturn {use}", "self, x, y").floats


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        ("x, y = x / 255, y / 255\nreturn F.conv2d(x, y)", ""),
        ("x, y = x / 255, y\nreturn F.conv2d(x, y)", "y"),
        ("if y:\n    x = x / y\nreturn F.conv2d(x)", ""),
        ("if not x.is_floating_point():\n    x = x.float()\nreturn F.conv2d(x)", ""),
        ("if y:\n    z = x\nelse:\n    z = x / 2\nreturn F.conv2d(z)", ""),
        ("for _ in y:\n    x = x / 2\nreturn F.conv2d(x)", ""),
        ("for _ in y:\n    z = F.conv2d(x)\n    x = x / 2\nreturn z", "x"),
        ("with y:\n    x = x / 2\nreturn F.conv2d(x)", ""),
        ("x /= 255\nreturn F.conv2d(x)", ""),
        ("z = x.float()\nz *= y\nreturn F.conv2d(z)", ""),
        ("z = 0.5\nz = z * x\nreturn F.conv2d(z)", ""),
        ("if y is None:\n    y = x / 2\nreturn F.conv2d(x, y)", "xy"),
        ("z = x / 2\nreturn F.conv2d(z - y)", ""),
        ("z = x.long()\nreturn F.conv2d(z - y)", "y"),
        ("x.div_(2)", "x"),
        ("x.mul_(0.5)", "x"),
        ("x.mul_(2).add_(y)", ""),
        ("x.float().div_(2)", ""),
        ("for z in [x, y / 2]:\n    F.conv2d(z)", "x"),
        ("for z in (x, y):\n    F.conv2d(z)", "xy"),
        ("for z in x:\n    y - z", ""),
        ("for z in x / 2:\n    F.conv2d(z)", ""),
        ("for a, z in x:\n    F.conv2d(z)", "x"),
        ("z = [x, y]\nreturn self.layer(z)", "xy"),
        ("z = x / 2\nreturn lambda: F.conv2d(z)", ""),
        ("x = x / 2\nreturn lambda: F.conv2d(x)", ""),
        ("return lambda: F.conv2d(x)", "x"),
        ("n, k = x.size(0), x.size()[-2:]\nreturn len(x)", ""),
    ],
)
def test_a_name_has_the_dtype_of_what_it_holds(body, needs):
    assert spread(body, "self, x, y").floats.keys() & {*"xy"} == {*needs}


@pytest.mark.parametrize(
    "step", ["x /= 255", "x /= y", "x *= 0.5", "x -= 1.5", "x **= 0.5", "x += y.float()"]
)
def test_an_array_of_integers_cannot_become_one_of_floats_in_place(step):
    assert "x" in spread(step).divided
    assert "x" in spread(f"with y:\n    z = x\n    {step.replace('x', 'z', 1)}").divided
    for body in (
        f"if y:\n    {step}",
        f"x = x.float()\n{step}",
        f"x = g(x)\n{step}",
        f"x = x[0]\n{step}",
        f"x = x.sum(0)\n{step}",
        f"if y:\n    x = x.astype(float)\n{step}",
        f"if y:\n    return x\n{step}",
        f"for z in y:\n    {step}",
    ):
        assert "x" not in spread(body).divided


@pytest.mark.parametrize(
    "step", ["x //= 2", "x *= 2", "x += y", "x -= 1", "x @= y", "x |= y", "x = x / 2"]
)
def test_integers_stay_integers_in_place(step):
    assert not spread(step).divided


@pytest.mark.parametrize(
    ("body", "recast"),
    [
        ("return x / 2", "x"),
        ("return x / 2, y", "x"),
        ("return x / 2, y.float()", "xy"),
        ("if y:\n    return x.float()\nreturn x", ""),
        ("x = x / 2\nreturn g(x)", "x"),
        ("return x - y", ""),
        ("return g(x)", ""),
    ],
)
def test_results_of_another_dtype_are_known(body, recast):
    assert spread(body).recast == {*recast}


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
