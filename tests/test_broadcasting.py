"""``broadcasting=``: operations that expand both operands, because their ranks differ."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

import sekisho as sk

torch = pytest.importorskip("torch")


@sk.torch_world
def error(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return pred - y


@sk.torch_world
def apply(operation: object, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return operation(x, y)


REFUSE = {"broadcasting": "refuse"}


def column(n=4):
    return torch.ones(n, 1), torch.ones(n)


def test_the_message_names_line_shapes_and_fix():
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError) as caught:
        error(*column())
    line = error.__wrapped__.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        "error() body: expected at most one operand to be expanded, got torch.Tensor.sub of "
        "float32[4, 1] (PyTorch) and float32[4] (PyTorch), which gives [4, 4].\n"
        f"  test_broadcasting.py:{line}: return pred - y\n"
        "  hint: pred.squeeze(-1), or if all pairs are meant, say so with an axis: [:, None]"
    )
    assert isinstance(caught.value, sk.ShapeError)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
@pytest.mark.parametrize("swap", [False, True])
def test_it_is_refused_exactly_where_both_operands_of_the_same_sizes_are_expanded(shapes, swap):
    one, two = shapes.input_shapes[::-1] if swap else shapes.input_shapes
    x, y = torch.ones(one), torch.ones(two)
    lower, higher = sorted((one, two), key=len)
    padded = (1,) * (len(higher) - len(lower)) + lower
    is_both = len(one) != len(two) and tuple((x - y).shape) not in {higher, padded}
    is_both = is_both and [n for n in one if n != 1] == [n for n in two if n != 1]
    with sk.mode("strict", **REFUSE):
        if not is_both:
            assert error(x, y).shape == shapes.result_shape
            return
        with pytest.raises(sk.BroadcastError):
            error(x, y)


F = torch.nn.functional
OPERATIONS = {
    "-": lambda x, y: x - y,
    "r-": lambda x, y: y - x,
    "+": lambda x, y: x + y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
    "**": lambda x, y: x**y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    ">=": lambda x, y: x >= y,
    "&": lambda x, y: x.bool() & y.bool(),
    "method": lambda x, y: x.sub(y),
    "keyword": lambda x, y: torch.sub(x, other=y),
    "keywords": lambda x, y: torch.mul(input=x, other=y),
    "maximum": torch.maximum,
    "where": lambda x, y: torch.where(x > 0, x, y),
    "where_condition": lambda x, y: torch.where(x > 0, y, 0.0),
    "addcmul": lambda x, y: torch.addcmul(x, y, y),
    "lerp": lambda x, y: torch.lerp(x, y, 0.5),
    "atan2": torch.atan2,
    "xlogy": torch.special.xlogy,
    "isclose": torch.isclose,
    "clamp": lambda x, y: torch.clamp(x, min=y),
    "l1_loss": F.l1_loss,
    "mse_loss": F.mse_loss,
    "gaussian_nll_loss": lambda x, y: F.gaussian_nll_loss(x, y, torch.ones(4)),
    "allclose": lambda x, y: torch.tensor(torch.allclose(x, y)),
    "masked_fill": lambda x, y: x.masked_fill(y > 0, 0.0),
    "beside another None": lambda x, y: (x[None][0] - y) + x[None, None, 0],
    "module": torch.nn.SmoothL1Loss(),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_that_broadcasts_is_judged(operation):
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError, match=r"float32|bool"):
        apply(operation, *column())
    with sk.mode("strict", **REFUSE):
        apply(operation, torch.ones(4), torch.ones(4))


OUTER = {
    "in a sum": lambda x, y: (x[:, None] + 1) * y,
    "negated": lambda x, y: -x[:, None] - y,
    "newaxis": lambda x, y: x[:, np.newaxis] - y,
    "padded": lambda x, y: y * x.mean(0, keepdim=True)[None],
    "in the library": lambda x, y: mixture().log_prob(x),
    "None": lambda x, y: x[:, None] - y,
    "equal ranks": lambda x, y: x[:, None] - y[None],
    "unsqueeze": lambda x, y: x.unsqueeze(1) - y,
    "function": lambda x, y: torch.sub(torch.unsqueeze(x, -1), y),
    "several lines": lambda x, y: (
        x[
            :,
            None,
        ]
        * y
    ),
    "matmul": lambda x, y: x[:, None] @ y[None],
    "indexing": lambda x, y: x[y.long()[:, None]],
    "number": lambda x, y: x.sum() - y[:, None],
    "equal": lambda x, y: torch.tensor(torch.equal(x.reshape(4, 1), y)),
    "other sizes": lambda x, y: x.reshape(4, 1) - y[:3],
    "a batch of scales": lambda x, y: torch.ones(5, 2) / torch.ones(3, 1, 2),
}


def mixture():
    parts = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    weights = torch.distributions.Categorical(torch.ones(3))
    return torch.distributions.MixtureSameFamily(weights, parts)


@pytest.mark.parametrize("operation", OUTER.values(), ids=OUTER)
def test_outer_operations_that_say_so_are_allowed(operation):
    with sk.mode("strict", **REFUSE):
        apply(operation, torch.zeros(4), torch.zeros(4))


def test_warn_gives_one_warning_at_the_line():
    with sk.mode("strict", broadcasting="warn"), pytest.warns(sk.BroadcastWarning) as caught:
        assert error(*column()).shape == (4, 4)
    assert [each.filename for each in caught] == [__file__]
    assert [each.lineno for each in caught] == [error.__wrapped__.__code__.co_firstlineno + 2]


def test_warn_gives_one_warning_for_a_line_whatever_the_shapes():
    with sk.mode("strict", broadcasting="warn"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for n in (2, 3, 4):
            error(*column(n))
        assert len(caught) == 1
        assert "float32[2, 1]" in str(caught[0].message)
        apply(lambda x, y: (x - y) * (x + y).T if x.shape == y.shape else x - y, *column())
        assert len(caught) == 2
    with sk.mode("strict", broadcasting="warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (2, 3):
            with pytest.raises(sk.BroadcastWarning, match=rf"\[{n}, 1\]"):
                error(*column(n))


def test_it_is_allowed_by_default_in_a_block_and_in_other_modes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error(*column())
        with sk.mode("strict"):
            error(*column())
        with sk.mode("strict", **REFUSE):
            with sk.mode("strict", broadcasting="allow"):
                error(*column())
            with sk.mode("convert"):
                error(*column())
            with sk.mode("strict"), pytest.raises(sk.BroadcastError):
                error(*column())  # a block that does not mention it leaves it as it is


@sk.torch_world
async def later(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    await asyncio.sleep(0)
    return pred - y


@sk.torch_world
def in_a_job(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: pred - y).result()


@sk.torch_world
def in_two_functions(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    def inner() -> torch.Tensor:
        return pred - y

    return inner()


@pytest.mark.parametrize("function", [in_a_job, in_two_functions])
def test_it_is_seen_in_whatever_a_body_runs(function):
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError):
        function(*column())


def test_it_is_seen_in_coroutines():
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError):
        asyncio.run(later(*column()))


def test_code_outside_of_bodies_and_other_threads_are_left_alone():
    outcome = []
    with sk.mode("strict", **REFUSE):
        pred, y = column()
        assert (pred - y).shape == (4, 4)
        thread = threading.Thread(target=lambda: outcome.append(error(pred, y).shape))
        thread.start()
        thread.join()
    assert outcome == [(4, 4)]


def test_nested_tensors_have_no_shape_and_pass():
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
    with sk.mode("strict", **REFUSE):
        apply(lambda x, y: x * y, nested, torch.tensor(2.0))


def test_gradients_and_batches_of_vmap_are_as_without():
    def loss(x, y):
        return (x * y).sum()

    x, y = torch.ones(3, 4, requires_grad=True), torch.ones(3, 4)
    with sk.mode("strict", **REFUSE):
        apply(torch.func.vmap(loss), x, y).sum().backward()
    assert x.grad is not None


def test_jax_operators_are_judged():
    jax = pytest.importorskip("jax")

    @sk.jax_world
    def difference(p: jax.Array, y: jax.Array) -> jax.Array:
        return p - y

    p, y = jax.numpy.ones((4, 1)), jax.numpy.ones(4)
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError, match=r"p\.squeeze\(-1\)"):
        difference(p, y)
    with sk.mode("strict", **REFUSE):
        assert difference(p, y[:, None]).shape == (4, 1)


@pytest.mark.parametrize("name", ["-", "r-", "*", "/", "//", "%", "**", "==", "!=", "<", ">=", "&"])
@pytest.mark.parametrize("transform", [None, "jit", "vmap", "grad"])
def test_every_operator_of_jax_is_judged_under_its_transforms(name, transform):
    jax = pytest.importorskip("jax")
    dtype = bool if name == "&" else np.float32

    def compute(p, y):
        return (p & y if name == "&" else OPERATIONS[name](p, y)).astype(np.float32)

    ways = {
        None: compute,
        "jit": jax.jit(compute),
        "vmap": lambda p, y: jax.vmap(compute)(p[None], y[None]),
        "grad": jax.grad(lambda p, y: compute(p, y).sum(), allow_int=True),
    }

    @sk.jax_world
    def run(p: jax.Array, y: jax.Array) -> jax.Array:
        return ways[transform](p, y)

    p, y = jax.numpy.ones((4, 1), dtype), jax.numpy.ones(4, dtype)
    with sk.mode("strict", **REFUSE), pytest.raises(sk.BroadcastError, match=r"\[4, 4\]"):
        run(p, y)
    with sk.mode("strict", **REFUSE):
        run(p, y[:, None])
    assert jax.core.Tracer.__sub__.__module__.startswith("jax")


def test_jax_maps_over_examples_are_judged_by_the_shape_of_one():
    jax = pytest.importorskip("jax")

    @sk.jax_world
    def each(x: jax.Array, y: jax.Array) -> jax.Array:
        return jax.vmap(lambda a, b: a * b, in_axes=(0, None))(x, y)

    with sk.mode("strict", **REFUSE):
        assert each(jax.numpy.ones((3, 1)), jax.numpy.ones(4)).shape == (3, 4)


@pytest.mark.parametrize("name", ["convert", "warn", "off"])
def test_modes_without_monitored_bodies_refuse_the_option(name):
    with pytest.raises(ValueError, match="monitors no body, so it takes no broadcasting"):
        sk.mode(name, broadcasting="warn")
    with pytest.raises(ValueError, match="did you mean 'refuse'"):
        sk.mode("strict", broadcasting="refused")


def test_set_mode_hands_it_to_workers_and_keeps_it():
    code = (
        "import sekisho as sk, os\n"
        "sk.set_mode('strict', broadcasting='refuse')\n"
        "print(os.environ['SEKISHO_MODE'])\n"
        "sk.set_mode('convert'); print(os.environ['SEKISHO_MODE'])\n"
        "sk.set_mode('strict', to_numpy='warn'); print(os.environ['SEKISHO_MODE'])\n"
    )
    env = {**os.environ, "SEKISHO_MODE": "convert"}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert ran.stdout.splitlines() == [
        "strict broadcasting=refuse",
        "convert",
        "strict to_numpy=warn broadcasting=refuse",
    ]


def test_pytest_reads_it_from_the_project_and_a_marker(pytester):
    pytester.makepyprojecttoml(
        "[tool.sekisho]\nmode = 'strict'\nbroadcasting = 'refuse'\n[tool.pytest.ini_options]\n"
    )
    pytester.makepyfile(
        """
        import pytest, torch
        import sekisho as sk

        @sk.torch_world
        def error(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return p - y

        def test_refused():
            with pytest.raises(sk.BroadcastError):
                error(torch.ones(2, 1), torch.ones(2))

        @pytest.mark.sekisho_mode("strict", broadcasting="allow")
        def test_allowed():
            error(torch.ones(2, 1), torch.ones(2))
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["sekisho: broadcasting refuse (from [[]tool.sekisho])"])


@sk.torch_world
def error_too(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return pred - y


@pytest.mark.parametrize("action", ["default", "module", "once", "always"])
def test_lines_with_equal_code_are_told_apart_by_every_filter(action):
    __warningregistry__ = globals().setdefault("__warningregistry__", {})
    __warningregistry__.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter(action)
        with sk.mode("strict", broadcasting="warn"):
            for function in (error, error_too):
                function(torch.ones(8, 1), torch.ones(8))
    assert len({each.lineno for each in caught}) == len(caught) == 2
