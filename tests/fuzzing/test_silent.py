"""What fuzzing finds that raises nothing: other results compiled, integers that wrap, cut gradients."""

from __future__ import annotations

import textwrap
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Tuple  # noqa: UP035 - the old name is what is tested

import numpy as np
import pytest
from hypothesis import strategies as st
from jaxtyping import Float, Float32, Int8, Int16, UInt8

import sekisho as sk
from sekisho.testing import fuzz

A = np.ndarray


def found_in(function, **options):
    with pytest.raises(AssertionError) as caught:
        fuzz(function, seed=0, **options)
    return str(caught.value)


def code_of(report):
    lines = [line for line in report.splitlines() if line.startswith("    ") or not line]
    return textwrap.dedent("\n".join(lines[lines.index("") :]))


# --- integers that wrap around


@sk.numpy_world
def difference(a: UInt8[A, "n"], b: UInt8[A, "n"]) -> UInt8[A, "n"]:
    return np.abs(a - b)


@sk.numpy_world
def difference_mended(a: UInt8[A, "n"], b: UInt8[A, "n"]) -> UInt8[A, "n"]:
    return np.maximum(a, b) - np.minimum(a, b)


@sk.numpy_world
def brighter(a: UInt8[A, "h w"]) -> UInt8[A, "h w"]:
    a = a.copy()
    a += 200
    return a


@sk.numpy_world
def brighter_mended(a: UInt8[A, "h w"]) -> UInt8[A, "h w"]:
    return np.minimum(a.astype(np.int64) + 200, 255).astype(np.uint8)


@sk.numpy_world
def energy(a: Int16[A, "n"]) -> Int16[A, ""]:
    return np.asarray((a * a).max(initial=0))


@sk.numpy_world
def energy_mended(a: Int16[A, "n"]) -> Float[A, "n"]:
    return a.astype(np.float64) ** 2


@sk.numpy_world
def flipped(a: UInt8[A, "n"]) -> UInt8[A, "n"]:
    return (~a) ^ (a << 1)  # bits, not numbers


WRAPS = [
    (difference, "subtract of uint8 gives "),
    (brighter, "add of uint8 gives "),
    (energy, "multiply of int16 gives "),
]


@pytest.mark.parametrize(("function", "words"), WRAPS, ids=lambda each: str(each)[:20])
def test_small_integers_that_wrap_around_are_found(function, words):
    first = found_in(function).splitlines()[0]
    assert first.startswith(f"{function.__name__}() wraps around: {words}")
    assert ", where the result is " in first


@pytest.mark.parametrize("function", [difference_mended, brighter_mended, energy_mended, flipped])
def test_integers_that_fit_or_are_bits_are_left_alone(function):
    fuzz(function, seed=0)


def test_small_integers_of_torch_that_wrap_around_are_found(torch):
    @sk.torch_world
    def mixed(a: UInt8[torch.Tensor, "n"], b: UInt8[torch.Tensor, "n"]) -> UInt8[torch.Tensor, "n"]:
        return (a + b) // 2

    @sk.torch_world
    def negated(a: Int8[torch.Tensor, "n"]) -> Int8[torch.Tensor, "n"]:
        return -a

    @sk.torch_world
    def mixed_mended(
        a: UInt8[torch.Tensor, "n"], b: UInt8[torch.Tensor, "n"]
    ) -> UInt8[torch.Tensor, "n"]:
        return ((a.int() + b.int()) // 2).to(torch.uint8)

    assert "wraps around: add of uint8" in found_in(mixed)
    assert "wraps around: neg of int8 gives -128, where the result is 128" in found_in(negated)
    fuzz(mixed_mended, seed=0)


# --- gradients that are cut


def test_a_gradient_that_is_cut_on_the_way_is_found(torch):
    T = torch.Tensor

    @sk.torch_world
    def listed(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return torch.tensor([2 * each.item() for each in x])

    @sk.torch_world
    def data(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return x.data * 2

    @sk.torch_world
    def one_of_two(x: Float32[T, "n"], y: Float32[T, "n"]) -> dict[str, Float32[T, "n"]]:
        return {"sum": torch.tensor((x + y).tolist())}

    for function in (listed, data, one_of_two):
        assert "cuts the gradient: its arguments require one" in found_in(function)


def test_results_without_a_gradient_to_cut_are_left_alone(torch):
    T = torch.Tensor

    @sk.torch_world
    def kept(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return x.sin()

    @sk.torch_world
    @torch.no_grad()
    def meant(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return x * 2

    @sk.torch_world
    def detached(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return x.detach() * 2

    @sk.torch_world
    def steps(x: Float32[T, "n"]) -> Float32[T, "n"]:
        return (x > 0).float()

    @sk.torch_world
    def sizes(x: Float32[T, "n"]) -> Float32[T, ""]:
        return torch.tensor(float(x.shape[0]))

    for function in (kept, meant, detached, steps, sizes):
        fuzz(function, seed=0)


# --- compiled


def test_a_branch_on_a_traced_value_is_found():
    jax = pytest.importorskip("jax")

    @sk.jax_world
    def branching(x: Float32[jax.Array, "n"]) -> Float32[jax.Array, "n"]:
        return x if x.sum() > 0 else -x

    @sk.jax_world
    def selecting(x: Float32[jax.Array, "n"], by: int = 2) -> Float32[jax.Array, "n"]:
        return jax.numpy.where(x.sum() > 0, x, -x) * by

    fuzz(branching, examples=20, seed=0)
    report = found_in(branching, compile=True, examples=20)
    assert report.startswith("branching() cannot be compiled: TracerBoolConversionError: Attempted")
    assert report.endswith("    branching(x)\n    jax.jit(lambda x: branching(x))(x)\n")
    assert "    import jax\n" in report
    fuzz(selecting, compile=True, examples=20, seed=0)


def test_another_result_compiled_is_found(torch):
    @sk.torch_world
    def differs(x: Float32[torch.Tensor, "n"], by: float = 1.0) -> Float32[torch.Tensor, "n"]:
        return x * 2 if torch.compiler.is_compiling() else x * 3

    report = found_in(differs, compile={"backend": "eager"}, hostile=False, examples=30)
    assert report.startswith("differs() gives another result compiled: ")
    assert report.rstrip().endswith("torch.compile(differs, backend='eager')(x, 0.0)")
    torch._dynamo.reset()
    fuzz(differs, seed=0, examples=30)


def test_what_compiles_to_the_same_passes(torch):
    @sk.torch_world
    def same(x: Float32[torch.Tensor, "n d"], w: Float32[torch.Tensor, "d"]):
        return (x @ w).softmax(0)

    fuzz(same, compile={"backend": "aot_eager"}, examples=40, seed=0)
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("library", "options", "reason"),
    [
        ("torch", {"mode": "nonsense"}, "Unrecognized mode=nonsense"),
        ("torch", {"backend": "nonsense"}, "Invalid backend: 'nonsense'"),
        ("torch", {"bogus": 1}, "compile() got an unexpected keyword argument 'bogus'"),
        ("torch", {"backend": lambda *_: 1 / 0}, "backend='<lambda>' raised"),
        ("jax", {"static_argnames": "q"}, "Jitted function has invalid argnames {'q'}"),
        ("jax", {"static_argnums": 0}, "Non-hashable static arguments"),
        ("jax", {"bogus": 1}, "jit() got an unexpected keyword argument 'bogus'"),
        ("jax", {"backend": "nonsense"}, "Unknown backend nonsense"),
    ],
)
def test_an_option_that_no_function_compiles_with_is_no_finding(library, options, reason):
    module = pytest.importorskip(library)
    array = module.Tensor if library == "torch" else module.Array
    world = getattr(sk, f"{library}_world")

    @world
    def twice(x: Float32[array, "n"]) -> Float32[array, "n"]:
        return x * 2

    with pytest.raises(sk.DeclarationError) as caught:
        fuzz(twice, compile=options, examples=20, seed=0)
    label = {"torch": "PyTorch", "jax": "JAX"}[library]
    assert str(caught.value).startswith(
        f"fuzz(compile={options!r}): the compiler of {label} refuses these options for any "
        f"function: {reason}"
    )


@pytest.mark.parametrize("value", [3, "inductor", ["mode"], None])
def test_compile_is_a_bool_or_options(value):
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> Float32[A, "n"]:
        return x

    with pytest.raises(sk.DeclarationError) as caught:
        fuzz(f, compile=value)
    assert (
        str(caught.value) == f"compile: expected True, False or a dict of options, got {value!r}."
    )


def test_what_cannot_be_compiled_at_all_is_left_alone():
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> Float32[A, "n"]:
        return x * 2

    fuzz(f, compile=True, examples=20, seed=0)


def test_the_time_limit_leaves_compiling_out():
    jax = pytest.importorskip("jax")

    @jax.jit
    def slow_to_trace(x):
        time.sleep(0.3)
        return x * 2

    @sk.jax_world
    def f(x: Float32[jax.Array, "n"]) -> Float32[jax.Array, "n"]:
        return slow_to_trace(x)

    @sk.jax_world
    def slow(x: Float32[jax.Array, "n"]) -> Float32[jax.Array, "n"]:
        time.sleep(0.3)
        return x * 2

    fuzz(f, seconds=0.25, examples=3, hostile=False, seed=0)
    assert "has not returned after 0.25 seconds" in found_in(
        slow, seconds=0.25, examples=1, hostile=False
    )


# --- what is drawn


def test_axes_of_no_name_are_drawn_broadcastable():
    shapes = []

    @sk.numpy_world
    def add(x: Float32[A, "... n"], y: Float32[A, "... n"], z: A) -> Float32[A, "... n"]:
        shapes.append((x.shape, y.shape))
        return x + y

    fuzz(add, seed=0)
    assert any(one[:-1] != other[:-1] for one, other in shapes)
    assert any(len(one) > 2 for one, _ in shapes)


def test_a_string_option_keeps_its_default():
    seen = set()

    @sk.numpy_world
    def f(
        x: Float32[A, "n"], mode: str = "svd", how: Literal["a", "b"] = "a", k: str | None = None
    ):
        seen.add((mode, how, k))
        if mode != "svd":
            raise KeyError(mode)

    fuzz(f, seed=0)
    assert seen == {("svd", "a", None), ("svd", "b", None)}


def test_a_raise_of_the_functions_own_is_a_warning_and_no_failure():
    @sk.numpy_world
    def odd(x: Float32[A, "n"]) -> Float32[A, "n"]:
        if len(x) % 2 == 0:
            raise ValueError("the length must be odd")
        return x

    with pytest.warns(UserWarning, match="refuses inputs") as caught:
        fuzz(odd, seed=0)
    assert str(caught[0].message).startswith(
        "odd() refuses inputs that its contract accepts: raise ValueError: the length must be odd (line "
    )
    assert str(caught[0].message).endswith(
        "\n  hint: name ValueError under Raises in its docstring, or allow=(ValueError,)"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz(odd, allow=(ValueError,), seed=0)


def test_a_function_that_refuses_every_input_is_told_so():
    @sk.numpy_world
    def never(x: Float32[A, "n"]) -> None:
        raise NotImplementedError

    with pytest.warns(
        UserWarning, match="refuses every input that its contract accepts: raise Not"
    ):
        fuzz(never, seed=0)


def test_a_crash_is_told_though_the_function_also_refuses():
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> np.float32:
        if len(x) == 3:
            raise ValueError("not three")
        return x.max()

    assert found_in(f).startswith("f() raises ValueError: zero-size array")


def test_a_crash_where_the_axes_were_guessed_is_a_warning():
    @sk.numpy_world
    def square(x: A) -> A:
        return x.reshape(x.shape[0], x.shape[0])

    with pytest.warns(UserWarning, match="no annotation says which axes") as caught:
        fuzz(square, seed=0)
    assert str(caught[0].message).endswith(
        '\n  hint: annotate the axes, as in Float[Tensor, "n d"]'
    )

    @sk.numpy_world
    def calls(x: A) -> A:
        return square(y=x)

    @sk.numpy_world
    def lies(x: A) -> A:
        if not x.flags.c_contiguous:
            raise OverflowError
        return x

    assert "unexpected keyword argument" in found_in(calls)
    assert found_in(lies).startswith("lies() raises OverflowError")


def test_an_error_that_is_handed_on_is_a_crash():
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> np.float32:
        try:
            return x.max()
        except ValueError:
            raise

    @sk.numpy_world
    def asserts(x: Float32[A, "n"]) -> None:
        assert x.size

    assert found_in(f).startswith("f() raises ValueError: zero-size array")
    assert found_in(asserts).startswith("asserts() raises AssertionError")


def test_hypothesis_has_nothing_to_warn_of():
    @sk.numpy_world
    def f(
        x: Float32[A, "n"],
        size: Tuple[int, ...],  # noqa: UP006 - as said
        several: list[int],
        either: int | tuple[int, ...] = 1,
    ):
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fuzz(f, seed=0)


# --- what is printed


class Colour(Enum):
    RED = 1


@dataclass
class Options:
    factor: float
    colour: Colour = Colour.RED


@dataclass
class Points:
    values: Float32[A, "n d"]
    options: Options


class Scaler:
    def __init__(self, factor: int, options: Options | None = None) -> None:
        self.factor = factor
        self.options = options

    @sk.numpy_world
    def peak(self, x: Float32[A, "n"]) -> np.float32:
        return x.max() * self.factor


@sk.numpy_world
def callback(x: Float32[A, "n"], f: Callable[[str], int], g: Callable[[A], A]) -> np.float32:
    return g(x).max() * f("a")


@sk.numpy_world
def record(p: Points, named: dict[str, Float32[A, "n d"]]) -> np.float32:
    return p.values.max()


@sk.numpy_world
def iterated(x: Iterator[Float32[A, "n"]], y: Float32[A, "n"]) -> np.float32:
    return y.max()


@sk.numpy_world
async def asynchronous(x: AsyncIterator[Float32[A, "n"]], y: Float32[A, "n"]) -> np.float32:
    return y.max()


@sk.numpy_world
def options(x: Float32[A, "n"], o: Options, c: Colour) -> np.float32:
    return x.max()


def given_options():
    return {"o": st.just(Options(0.5)), "c": st.just(Colour.RED)}


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (Scaler(3, Options(0.5)).peak, "scaler = Scaler(factor=3, options=Options(factor=0.5, "),
        (callback, ", lambda *_, **__: 0, lambda x, *_, **__: x)"),
        (record, "Points(values="),
        (iterated, "iterated(iter(["),
        (asynchronous, "    async def make_x():\n"),
        (options, "options(x, Options(factor=0.5, colour=Colour.RED), Colour.RED)"),
    ],
    ids=["method", "callable", "record", "iterator", "asynchronous", "given"],
)
def test_what_is_printed_can_be_pasted(function, words):
    given = given_options() if function is options else None
    report = found_in(function, given=given)
    assert "zero-size array to reduction operation" in report.splitlines()[0]
    assert words in report
    code = code_of(report)
    if function is asynchronous:
        compile(code, "<report>", "exec")
        return
    with pytest.raises(ValueError, match="zero-size array"):
        exec(code, {})


def test_what_has_no_code_is_named_in_a_comment():
    @sk.numpy_world
    def f(x: Float32[A, "n"], how) -> np.float32:
        return x.max()

    class Hidden:
        def __init__(self, size: int) -> None:
            self._size = size

    report = found_in(f, given={"how": st.builds(Hidden, st.just(3))})
    assert "    # how: Hidden, as your program makes it\n" in report
    assert report.endswith("    f(x, ...)\n")


@pytest.mark.parametrize("options", [{}, {"fullgraph": True}])
def test_many_kinds_of_tensors_do_not_count_as_a_fault_of_the_function(options):
    torch = pytest.importorskip("torch")

    @sk.torch_world
    def right(
        x: Float32[torch.Tensor, "n"], y: Float32[torch.Tensor, "n m"]
    ) -> Float32[torch.Tensor, "n m"]:
        return x[:, None] * y

    @sk.torch_world
    def branching(x: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return x if x.sum() > 0 else -x

    for _ in range(2):  # what was compiled before changes nothing
        fuzz(right, compile={"backend": "eager", **options}, examples=40, seed=0)
        if options:
            with pytest.raises(AssertionError, match="cannot be compiled"):
                fuzz(branching, compile={"backend": "eager", **options}, examples=20, seed=0)
