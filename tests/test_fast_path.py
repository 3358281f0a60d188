"""The fast path decides as the slow path does, for every order of imports."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float32, Shaped

import sekisho as sk
from sekisho.guard import globals as names

torch = pytest.importorskip("torch")


def make_pair(annotations, decorate):
    """Return two guards of one contract: with its fast path, and without (see `pairs`)."""

    def quick(x, y):
        return x, y

    def slow_(x, y):
        return x, y

    guards = []
    for function in (quick, slow_):
        function.__annotations__ = dict(annotations)
        guards.append(decorate(function))
        for given_ in ((np.array(["a"]),) * 2, (torch.zeros(3).to_sparse(),) * 2):
            calls(guards[-1], *given_)
    return guards


def calls(guard, x, y):
    """Return the outcome of a call: values, shared memory, the log, or the error."""
    with sk.record_crossings() as log:
        try:
            results = guard(x, y)
        except sk.SekishoError as error:
            return type(error), str(error).replace("slow_()", "quick()")
    told = [
        (sk.world_of(each), each.dtype, tuple(each.shape), getattr(getattr(each, "flags", None), "writeable", None))
        for each in results
    ]  # fmt: skip
    crossed = [each._replace(seconds=0, line=0, function="")._asdict() for each in log]
    return told, list(map(values, results)), crossed


def values(each):
    """Return what it holds as text, so that NaN equals NaN."""
    if not sk.is_torch(each):
        return str(each.tolist())
    return "meta" if each.is_meta else str(each.detach().to_dense().clone().tolist())


ARRAYS = (
    np.ones(3, "float32"),
    np.ones(4, "float32"),
    np.ones((2, 3), "float32"),
    np.ones(0, "float32"),
    np.float32(1),
    np.ones(6, "float32")[::2],
    np.ones(3, "float32")[::-1],
    np.ones((1, 3), "float32")[::-1][0],
    np.ones(3, ">f4"),
    np.ones(3, "int64"),
    np.ones(3, "ulonglong"),
    np.ones(3, "complex64"),
    np.broadcast_to(np.float32(1), (3,)),
    np.ma.ones(3, "float32"),
    np.array(["a"] * 3),
)
TENSORS = (
    torch.ones(3),
    torch.ones(4),
    torch.ones(2, 3),
    torch.ones(0),
    torch.tensor(1.0),
    torch.ones(6)[::2],
    torch.ones(1).expand(3),
    torch.ones(3, dtype=torch.int64),
    torch.ones(3, dtype=torch.bfloat16),
    torch.ones(3, dtype=torch.complex64).conj(),
    torch.ones(3, requires_grad=True),
    torch.nn.Parameter(torch.ones(3)),
    torch.ones(3).to_sparse(),
    torch.empty(3, device="meta"),
    torch._efficientzerotensor((3,)),
)
ANNOTATIONS = {
    name: lambda kind, text=text: {"x": Float32[kind, text], "y": Float32[kind, text]}
    for name, text in (("named", "n"), ("fixed", "3"), ("matrix", "a n"), ("any", "..."))
} | {
    "dtypes": lambda kind: {"x": Shaped[kind, "n"], "y": Shaped[kind, "n"]},
    "plain": lambda kind: {"x": kind, "y": kind},
}


@pytest.fixture(scope="module", params=ANNOTATIONS)
def pairs(request):
    """Parametrise over both worlds, and over guards that convert explicitly."""
    annotations = ANNOTATIONS[request.param]
    real = names.make_quick_lane

    def make_quick_lane(contract, *arguments):
        return arguments[-1] if contract.function == "slow_" else real(contract, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "make_quick_lane", make_quick_lane)
        yield [
            make_pair(annotations(kind), decorate)
            for kind, world in ((np.ndarray, sk.numpy_world), (torch.Tensor, sk.torch_world))
            for decorate in (world, world(on_foreign="convert"))
        ]


@given(st.data())
def test_the_quick_lane_gives_what_the_slow_path_gives(pairs, data):
    quick, slow = data.draw(st.sampled_from(pairs))
    x, y = data.draw(st.tuples(*[st.sampled_from((*ARRAYS, *TENSORS))] * 2))
    mode = data.draw(st.sampled_from(["convert", "strict"]))
    with sk.mode(mode):
        assert calls(quick, x, y) == calls(slow, x, y)


def test_the_pairs_differ_in_their_lane_only(pairs):
    for quick, slow in pairs:
        # a library that was imported since made all guards write their text again
        for guard in (quick, slow):
            calls(guard, np.array(["a"]), np.array(["a"]))
            calls(guard, torch.zeros(3).to_sparse(), torch.zeros(3).to_sparse())
        lanes = [
            "make_quick_lane" in guard.__globals__["_validate_x"].func.__qualname__
            for guard in (quick, slow)
        ]
        assert lanes == [True, False]


# --- orders of imports -----------------------------------------------------------------------------------


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_guard_whose_first_slow_call_precedes_torch_has_its_quick_lane_all_the_same():
    assert run("""
import numpy as np, sekisho as sk
f = sk.numpy_world(lambda x: x)
f.__wrapped__.__annotations__["x"] = np.ndarray
f = sk.numpy_world(f.__wrapped__)
try: f([1])
except sk.WorldError: pass
import torch
f(torch.ones(2)), f(torch.ones(2))
print("make_quick_lane" in f.__globals__["_validate_x"].func.__qualname__)
""") == ["True"]


LIBRARIES = ["torch"] + ["jax"] * (importlib.util.find_spec("jax") is not None)


@pytest.mark.parametrize("order", list(itertools.permutations(["sekisho as sk", *LIBRARIES])))
def test_whatever_is_imported_first_every_world_is_known_in_the_end(order):
    define = """
from jaxtyping import Float
@sk.numpy_world
def f(x: Float[np.ndarray, "n"]): return x
@sk.same_world
def g(x: Float[sk.Array, "n"]) -> Float[sk.Array, "n"]: return x * 2
@sk.boundary
def h(x: Float[sk.Array, "n"]): return sk.add_batch_dim(x)
"""
    # so that each text is written before the other library is imported
    define += "f(A), g(A), h(A)\n"
    lines = ["import numpy as np", "A = np.ones(2, 'float32')"]
    for name in order:
        lines.append(f"import {name}")
        lines += [define] * (name == "sekisho as sk")
    lines.append("import jax.numpy as jnp" if "jax" in LIBRARIES else "")
    values = "torch.ones(2)" + (", jnp.ones(2)" if "jax" in LIBRARIES else "")
    lines.append(
        f"for x in (A, {values}): print(*map(sk.world_of, (f(x), g(x), h(x), sk.stack([x]))))"
    )
    expected = [[w if i else "numpy" for i in range(4)] for w in ("numpy", *LIBRARIES)]
    assert run("\n".join(lines)) == list(itertools.chain(*expected))
