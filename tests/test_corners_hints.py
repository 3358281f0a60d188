"""A hint never hides a loss: the effect of a cast on each value, compared with exact arithmetic."""

import cmath
import functools
import math
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float32

import sekisho as sk
from sekisho.contract import parse_axes
from sekisho.hints import steps
from sekisho.hints.losses import loss_of
from sekisho.hints.makers import _loss, _plain_calls
from sekisho.worlds import HOST, Library, world_named

WHOLE = (0, 1, 2, 255, 256, 2**11 + 1, 2**24 + 1, 2**31, 2**53 + 1, 2**62 + 1, 2**63 - 1)
REAL = (
    *(0.0, 0.5, 1.0, 3.0, 255.0, 256.0, 0.1, 1 / 3, 1e-6, 1e-40, 1e-50, 1e-300, 5e-324),
    *(65504.0, 65520.0, 1e30, 3e38, 3.5e38, 1e300, math.inf, math.nan),
    *(2.0**31, 2.0**53, 2.0**63, 2.0**64),
)
SIGNS = st.sampled_from([1, -1])
WHOLES = st.builds(lambda x, s: x * s, st.sampled_from(WHOLE), SIGNS)
REALS = st.builds(lambda x, s: x * s, st.sampled_from(REAL), SIGNS)
FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64", "uint64")


def exact(number):
    """Return a finite number exactly; any other number itself."""
    number = number.item() if hasattr(number, "item") else number
    return Fraction(number) if math.isfinite(number) else number


def loss_of_digits(values, target):
    """Return what rounding to a float loses."""
    pairs = [(exact(v), exact(c)) for v, c in zip(values, values.astype(target), strict=True)]
    lost = [(v, c) for v, c in pairs if v != c and not (v != v and c != c)]  # noqa: PLR0124
    if not lost:
        return None
    if any(isinstance(c, float) and not isinstance(v, float) for v, c in lost):
        return "range"
    eps = Fraction(float(np.finfo(target).eps))
    return "rounds" if all(abs(v - c) <= eps * abs(v) for v, c in lost) else "tiny"


def loss_of_whole(values, target):
    """Return what converting to an integer loses."""
    numbers = [exact(v) for v in values]
    if any(isinstance(v, float) for v in numbers):
        return "holds NaN"
    limits = np.iinfo(target)
    is_whole = all(v.denominator == 1 for v in numbers)
    if not is_whole and target == "uint8" and all(0 <= v <= 1 for v in numbers):
        return "image"
    if not all(int(limits.min) <= round(v) <= int(limits.max) for v in numbers):
        return "range"
    return None if is_whole else "fraction"


def expected_loss(values, target):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if target == "bool":
            return None if all(v in (0, 1) for v in values.tolist()) else "bool"
        if target in INTEGERS:
            return loss_of_whole(values, target)
        return loss_of_digits(values, target)


def edges(target):
    """Return the extreme values of an integer dtype, and the first values beyond them."""
    if target not in INTEGERS:
        return ()
    limits = np.iinfo(target)
    return (limits.min, limits.max, int(limits.min) - 1, int(limits.max) + 1)


@pytest.mark.parametrize("source", [*FLOATS, "int64", "uint64"])
@pytest.mark.parametrize("target", [*FLOATS, *INTEGERS, "bool"])
def test_the_loss_of_a_cast_is_what_exact_arithmetic_says(source, target):
    """For one value and for two: each alone may be fine, or the worse one counts."""
    numbers = (*(REAL if source in FLOATS else WHOLE), -1, -3, *edges(target))
    if source not in FLOATS:
        limits = np.iinfo(source)
        numbers = [number for number in numbers if limits.min <= number <= limits.max]
    with np.errstate(all="ignore"):
        every = np.array(numbers, source)
    for i in range(len(every)):
        for j in range(i + 1):
            values = every[[i, j]]
            assert loss_of(values, target) == expected_loss(values, target), values


@given(
    st.lists(st.tuples(REALS, REALS), min_size=1, max_size=3), st.sampled_from([*FLOATS, "int32"])
)
def test_of_complex_numbers_only_those_on_the_real_line_become_real(pairs, target):
    values = np.array([complex(*pair) for pair in pairs])
    if any(z.imag != 0 for z in values.tolist()):
        assert loss_of(values, target) == "complex"
    else:
        assert loss_of(values, target) == expected_loss(values.real, target)


@given(st.lists(st.tuples(REALS, REALS), min_size=1, max_size=3))
def test_complex_numbers_are_rounded_part_by_part(pairs):
    values = np.array([complex(*pair) for pair in pairs])
    parts = np.array([part for z in values.tolist() for part in (z.real, z.imag)])
    assert loss_of(values, "complex64") == expected_loss(parts, "float32")


@pytest.mark.parametrize("dtype", ["datetime64[s]", "U3", "O", "S3"])
def test_what_are_no_numbers_loses_its_meaning_unless_there_is_nothing(dtype):
    for target in (*FLOATS, *INTEGERS, "bool"):
        assert loss_of(np.zeros(2, dtype), target) == "meaning"
        assert loss_of(np.zeros(0, dtype), target) is None
    assert loss_of(np.zeros(0), "int8") is None


@given(st.lists(REALS, min_size=1, max_size=3))
def test_the_hint_for_a_dtype_keeps_the_values_or_says_that_it_rounds(numbers):
    values = np.array(numbers)

    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]):
        return x

    with pytest.raises(sk.DTypeError) as caught:
        f(values)
    hint = str(caught.value).partition("hint: ")[2]
    loss = expected_loss(values, "float32")
    call = "x.astype('float32')"
    if loss in {None, "rounds"}:
        assert hint == call + (", which rounds" if loss else "")
    else:
        assert call not in hint


@given(st.lists(REALS, min_size=1, max_size=3))
def test_the_hint_for_numbers_that_are_no_array_keeps_them_or_says_that_it_rounds(numbers):
    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]):
        return x

    with pytest.raises(sk.WorldError) as caught:
        f(numbers)
    hint = str(caught.value).partition("hint: ")[2]
    loss = expected_loss(np.array(numbers), "float32")
    call = "numpy.asarray(x, dtype='float32')"
    if loss in {None, "rounds"}:
        assert hint == call + (", which rounds" if loss else "")
    else:
        assert call not in hint


@pytest.mark.parametrize("lost", [1e-50, 5e-324, 1e300, cmath.inf])
def test_one_value_that_is_lost_is_enough(lost):
    values = np.ones(1000)
    values[777] = lost
    assert loss_of(values, "float32") == (
        None if math.isinf(lost) else "range" if lost > 1 else "tiny"
    )


def test_a_move_that_copy_forbids_is_hinted_at_for_tensors_and_for_arrays(torch, second_device):
    @sk.torch_world(device=second_device, copy=False)
    def f(x: Float32[torch.Tensor, "n"]): ...

    for value, library in ((torch.ones(3), "PyTorch"), (np.ones(3, "float32"), "NumPy")):
        with pytest.raises(sk.ConversionError) as caught:
            f(value)
        assert str(caught.value) == (
            f"f() argument 'x': expected Float32[Tensor, \"n\"], got float32[3] ({library})."
            f"\n  copy=False, but it moved from cpu to {second_device} and has to be copied"
            "\n  hint: copy=None"
        )


# --- values that are made of others ----------------------------------------------------------------------


@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("call", ["numpy.asarray(x)", "torch.stack(x)"])
def test_arrays_in_a_list_are_put_together_by_their_own_library(world, torch, container, call):
    @world.decorate
    def f(x: Float32[world.array_type, "k n"]): ...

    make = torch.zeros if "torch" in call else functools.partial(np.zeros, dtype="float32")
    for size, hint in ((3, call), (4, None)):  # (3,) and (4,) do not broadcast
        with pytest.raises(sk.WorldError) as caught:
            f(container([make(3), make(size)]))
        found = str(caught.value).partition("hint: ")[2]
        assert found == (hint or "")


@pytest.mark.parametrize("target", ["bfloat16", "float16", "float8_e5m2"])
def test_what_rounding_to_a_dtype_that_numpy_lacks_loses(torch, target):
    dtype = getattr(torch, target)
    eps = torch.finfo(dtype).eps
    for number in (1.0, 0.5, 1 + eps, 1 + eps / 2, 1 + eps / 3, 1e30, 1e-30, 3e38, 1e-6):
        values = torch.tensor([number, 1.0], dtype=torch.float32)
        cast = values.to(dtype).to(torch.float32)
        if bool((cast == values).all()):
            expected = None
        elif not bool(torch.isfinite(cast).all()):
            expected = "range"
        else:
            error = (cast.double() - values.double()).abs()
            expected = "rounds" if bool((error <= eps * values.double().abs()).all()) else "tiny"
        assert loss_of(values, target) == expected, number


def test_a_swap_is_told_without_a_spelling_where_the_library_has_none():
    axes = parse_axes("3 2 4")
    for world, beside in ((Library(), ""), (HOST, "{0}.transpose(1, 0, 2)")):
        step = steps._swap_step(axes, (2, 3, 4), {}, lambda shape: shape == (3, 2, 4), world)
        assert step.call == "permute_dims({0}, (1, 0, 2))"
        assert step.beside == beside
    assert (
        steps._swap_step(axes, (2, 2, 2), {}, lambda _: True, HOST) is None
    )  # which two is unknown
    assert steps._swap_step(axes, (2, 3, 4), {}, lambda _: False, HOST) is None


@pytest.mark.parametrize(
    ("axes", "moves"), [("c h w", True), ("ch h w", True), ("channels h w", True), ("d h w", False)]
)
def test_channels_are_moved_only_where_an_axis_says_that_it_is_one(world, axes, moves):
    @world.decorate
    def f(x: Float32[world.array_type, axes], y: Float32[world.array_type, axes]): ...

    with pytest.raises(sk.ShapeError) as caught:
        f(world.zeros(5, 6, 7), world.zeros(6, 7, 5))
    assert ("channels_first(y)" in str(caught.value)) is moves


@pytest.mark.parametrize("size", range(1, 7))
def test_channels_are_moved_where_an_axis_has_as_many_as_pictures_have(world, size):
    @world.decorate
    def first(x: Float32[world.array_type, f"{size} h w"]): ...

    @world.decorate
    def last(x: Float32[world.array_type, f"h w {size}"]): ...

    for f, shape, call in (
        (first, (8, 9, size), "channels_first(x)"),
        (last, (size, 8, 9), "channels_last(x)"),
    ):
        with pytest.raises(sk.ShapeError) as caught:
            f(world.zeros(*shape))
        assert (call in str(caught.value)) is (size in {1, 3, 4})


@pytest.mark.parametrize(
    ("axes", "moves"), [("h w c", True), ("h w ch", True), ("h w channel", True), ("h w d", False)]
)
def test_channels_are_moved_back_only_where_an_axis_says_that_it_is_one(world, axes, moves):
    @world.decorate
    def f(x: Float32[world.array_type, axes], y: Float32[world.array_type, axes]): ...

    with pytest.raises(sk.ShapeError) as caught:
        f(world.zeros(5, 6, 7), world.zeros(7, 5, 6))
    assert ("channels_last(y)" in str(caught.value)) is moves


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (steps.Step("f({0})", id), "f(x)"),
        (steps.Step("f({0})", id, "turned around"), "turned around: f(x)"),
        (steps.Step("f({0})", id, beside="{0}.f()"), "f(x), which is x.f()"),
        (steps.Step("f({0})", id, loses=", which rounds"), "f(x), which rounds"),
        (
            steps.Step("f({0})", id, "cast", "{0}.f()", ", which rounds"),
            "cast: f(x), which is x.f()",
        ),
    ],
)
def test_a_step_is_told_with_what_it_is_beside_or_loses(step, text):
    assert steps.plain_text(step, "x") == text


@pytest.mark.parametrize(
    ("values", "dtype", "loss"),
    [
        (["0.5"], "float32", ""),
        (["0.1"], "float32", ", which rounds"),
        (["100.1"], "float32", ", which rounds"),
        (["-100.1", "0.001"], "float16", ", which rounds"),
        (["0.5", "1e39"], "float32", "values"),
        (["0.5", "1e-50"], "float32", "values"),
        (["1.5"], "int64", "values"),
        (["2"], "int64", ""),
    ],
)
def test_what_exact_numbers_of_python_lose_is_asked_of_each(values, dtype, loss):
    exact = [Decimal(each) for each in values]
    with np.errstate(all="ignore"):
        made = np.asarray(exact).astype(dtype)
        assert _loss(made, exact, "numpy.asarray({0})") == loss
    assert _loss(made, exact, None) == ""


@pytest.mark.parametrize("dtype", ["float32", None])
def test_a_number_is_made_an_array_by_its_own_library_or_by_that_which_wants_it(torch, dtype):
    wants = world_named("torch")

    def calls(value):
        return [call for call, _ in _plain_calls(value, wants, dtype)]

    def made(world, *, is_number):
        return [call for call, _ in world.making_calls(dtype, is_number=is_number)]

    assert made(HOST, is_number=True) != made(wants, is_number=True)
    for value in (3, 2.5, True):
        assert calls(value) == made(wants, is_number=True)
    for value in (np.float32(3), np.int8(2), np.array(2)):
        assert calls(value) == made(HOST, is_number=True)
    for value in ([1, 2], (), [], range(3), [[1], [2]]):
        assert calls(value) == made(wants, is_number=False)
    assert calls((torch.ones(2),)) == [wants.spelling["stack"]]
    assert calls([np.ones(2)]) == made(HOST, is_number=False)  # NumPy takes a list as it is
