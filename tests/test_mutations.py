"""Strict mode refuses arguments that a body changes in place, unless ``mutates=`` names them."""

from __future__ import annotations

import asyncio
import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Float, Float32

import sekisho as sk
from sekisho.testing import fuzz


def line_of(function, offset):
    return function.__wrapped__.__code__.co_firstlineno + offset


@sk.numpy_world
def scale(x: Float[np.ndarray, "n"], k: float = 2.0) -> Float[np.ndarray, "n"]:
    x *= k
    return x


def test_the_message_names_argument_line_and_fix():
    with sk.mode("strict"), pytest.raises(sk.MutationError) as caught:
        scale(np.ones(3))
    assert str(caught.value) == (
        "scale() argument 'x': expected no change in place, got a write.\n"
        f"  test_mutations.py:{line_of(scale, 2)}: x *= k\n"
        "  hint: work on a copy, or declare it: mutates='x'"
    )
    assert isinstance(caught.value, sk.BoundaryError)


@pytest.mark.parametrize("mode", ["convert", "warn", "off"])
def test_other_modes_compare_nothing(mode):
    with sk.mode(mode), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scale(np.ones(3)).tolist() == [2, 2, 2]


ARRAYS = st.one_of(
    hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_dims=3))
    for dtype in (float, np.int8, bool, complex, "datetime64[s]", "U3", object, "i4, f8", ">f4")
)


@given(array=ARRAYS, data=st.data())
def test_numpy_arrays_of_any_dtype_and_layout_are_compared(array, data):
    layouts = {
        "plain": array,
        "reversed": array[::-1] if array.ndim else array,
        "transposed": array.T,
        "strided": np.repeat(array, 2, axis=0)[::2] if array.ndim else array,
        "read-only": array,
    }
    name = data.draw(st.sampled_from(sorted(layouts)))
    x = layouts[name].copy() if name == "plain" else layouts[name]
    x.flags.writeable = name != "read-only"

    @sk.numpy_world
    def read(x: np.ndarray) -> np.ndarray:
        return x.copy()

    @sk.numpy_world
    def write(x: np.ndarray) -> None:
        x[...] = np.zeros_like(x) if x.dtype != object else None

    with sk.mode("strict"):
        read(x)
        before = x.copy()
        try:
            write(x)
        except sk.MutationError:
            assert before.tobytes() != x.tobytes()
        except ValueError:
            assert name == "read-only"
        else:
            assert before.tobytes() == x.tobytes()


def mask_item(x):
    x[0] = np.ma.masked


def mask_all(x):
    x.mask = True


def unmask(x):
    x.mask = np.ma.nomask


@pytest.mark.parametrize("change", [mask_item, mask_all, unmask])
@pytest.mark.parametrize("mask", [[False, True, False], np.ma.nomask])
def test_the_mask_of_an_array_is_compared_too(change, mask):
    @sk.numpy_world
    def run(x: np.ndarray, change: object) -> None:
        change(x)

    x = np.ma.masked_array(np.ones(3), mask=mask)
    with sk.mode("strict"):
        run(x, np.ma.getmaskarray)
        if change is unmask and mask is np.ma.nomask:
            run(x, change)
            return
        with pytest.raises(sk.MutationError, match=r"argument 'x': .* got a write"):
            run(x, change)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def writes_in(torch):
    return {
        "item": lambda x: x.__setitem__(0, 1),
        "method": lambda x: x.add_(1),
        "view": lambda x: x[1:].zero_(),
        "out": lambda x: torch.add(x, x, out=x),
        "init": torch.nn.init.ones_,
        "no grad": torch.relu_,
        "copy": lambda x: x.copy_(torch.zeros(3)),
    }


@pytest.mark.parametrize("name", ["item", "method", "view", "out", "init", "no grad", "copy"])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_tensors_are_compared_by_their_count_of_writes(torch, name, device):
    write = writes_in(torch)[name]

    @sk.torch_world(device=device)
    def change(x: torch.Tensor) -> None:
        write(x)

    with sk.mode("strict"), pytest.raises(sk.MutationError, match="argument 'x'"):
        change(torch.ones(3))


def test_reading_and_gradients_are_no_change(torch):
    @sk.torch_world
    def loss(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        total = ((x[1:] * w[1:]).detach() + x[:-1] * w[:-1]).sum()
        total.backward()
        return total

    w = torch.ones(4, requires_grad=True)
    with sk.mode("strict"):
        loss(torch.ones(4), w)
    assert w.grad is not None


@dataclass
class Batch:
    image: Float[np.ndarray, "n"]
    label: int = 0


class Pair(NamedTuple):
    image: Float[np.ndarray, "n"]
    label: int


def set_item(b):
    b["image"] = b["image"] * 2


def new_item(b):
    b["more"] = 1


def drop_item(b):
    del b["image"]


def inside(b):
    b["image"][0] = 7


def in_a_list(b):
    b[0][0] = 7


def append(b):
    b.append(b[0])


def reorder(b):
    b.reverse()


def attribute(b):
    b.label = 3


def attribute_inside(b):
    b.image[0] = 7


Array = Float[np.ndarray, "_"]
CHANGES = [
    (dict[str, Array], set_item, "another item 'image'", ""),
    (dict[str, Array], new_item, "a new item 'more'", ""),
    (dict[str, Array], drop_item, "no item 'image'", ""),
    (dict[str, Array], inside, "a write", " at b['image']"),
    (list[Array], in_a_list, "a write", " at b[0]"),
    (tuple[Array, ...], in_a_list, "a write", " at b[0]"),
    (list[Array], append, "a new item 2", ""),
    (list[Array], reorder, "another item 0", ""),
    (Batch, attribute, "another attribute 'label'", ""),
    (Batch, attribute_inside, "a write", " at b.image"),
    (Pair, attribute_inside, "a write", " at b.image"),
]


def container(annotation):
    arrays = [np.ones(2), np.zeros(2)]
    if annotation == dict[str, Array]:
        return {"image": arrays[0]}
    if annotation == list[Array]:
        return arrays
    if annotation == tuple[Array, ...]:
        return tuple(arrays)
    return annotation(arrays[0], 0)


DECORATORS = [sk.numpy_world, sk.boundary]


@pytest.mark.parametrize("decorate", DECORATORS)
@pytest.mark.parametrize(("annotation", "change", "what", "path"), CHANGES)
def test_containers_and_records_are_compared_item_by_item(decorate, annotation, change, what, path):
    def plain(b: annotation) -> None:
        change(b)

    if annotation is Pair:
        path = path.replace(".image", "[0]")
    with sk.mode("strict"), pytest.raises(sk.MutationError) as caught:
        decorate(plain)(container(annotation))
    first = f"plain() argument 'b'{path}: expected no change in place, got {what}."
    assert first in str(caught.value)
    with sk.mode("strict"):
        decorate(mutates="b")(plain)(container(annotation))
        decorate(mutates=("b",))(plain)(container(annotation))
        decorate(plain).__wrapped__(container(annotation))


FLAVOURS = ["function", "method", "coroutine", "generator", "async generator", "lambda"]


def called(flavour, declare):  # noqa: C901 - one flavour, one function
    """A function of a flavour that writes into its argument: what calls it to its end."""
    if flavour == "function":

        @declare
        def change(x: np.ndarray) -> None:
            x[0] = 7

        return change
    if flavour == "method":

        class Holder:
            @declare
            def change(self, x: np.ndarray) -> None:
                x[0] = 7

        return Holder().change
    if flavour == "coroutine":

        @declare
        async def later(x: np.ndarray) -> None:
            await asyncio.sleep(0)
            x[0] = 7

        return lambda x: asyncio.run(later(x))
    if flavour == "generator":

        @declare
        def steps(x: np.ndarray):
            yield 1
            x[0] = 7
            yield 2

        return lambda x: list(steps(x))
    if flavour == "async generator":

        @declare
        async def async_steps(x: np.ndarray):
            yield 1
            x[0] = 7
            yield 2

        async def take(x):
            return [each async for each in async_steps(x)]

        return lambda x: asyncio.run(take(x))
    return declare(lambda x: x.__setitem__(0, 7))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("decorate", DECORATORS)
def test_every_flavour_is_compared(flavour, decorate):
    with sk.mode("strict"), pytest.raises(sk.MutationError, match="argument 'x'"):
        called(flavour, decorate)(np.ones(3))
    with sk.mode("strict"):
        called(flavour, decorate(mutates="x"))(np.ones(3))


def test_the_caller_of_a_generator_may_change_its_array_between_steps():
    @sk.numpy_world
    def sums(x: np.ndarray):
        for _ in range(3):
            yield float(x.sum())

    x, found = np.ones(3), []
    with sk.mode("strict"):
        for each in sums(x):
            found.append(each)
            x += 1
    assert found == [3, 6, 9]


def test_variadic_arguments_are_named_by_position_and_key():
    @sk.numpy_world
    def change(*xs: np.ndarray, **named: np.ndarray) -> None:
        for each in (*xs[1:], *named.values()):
            each[0] = 7

    with sk.mode("strict"), pytest.raises(sk.MutationError, match=r"argument 'xs' at xs\[1\]"):
        change(np.ones(2), np.ones(2))
    with sk.mode("strict"), pytest.raises(sk.MutationError, match=r"'named' at named\['y'\]"):
        change(np.ones(2), y=np.ones(2))


def test_the_conventions_of_numpy_and_torch_declare_it():
    @sk.numpy_world
    def add(x: np.ndarray, out: np.ndarray) -> None:
        np.add(x, 1, out=out)

    @sk.numpy_world
    def clip_(x: np.ndarray, low: np.ndarray) -> np.ndarray:
        return np.maximum(x, low, out=x)

    @sk.numpy_world
    def swap(x: np.ndarray, buffer: np.ndarray | None = None) -> np.ndarray:
        return np.copyto(buffer, x) or buffer[::-1]

    with sk.mode("strict"):
        assert swap(np.arange(3), np.zeros(3, int)).tolist() == [2, 1, 0]
        add(np.ones(3), np.ones(3))
        assert clip_(-np.ones(3), np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_same_world_compares_arrays_of_either_world(name):
    xp = pytest.importorskip(name)

    @sk.same_world
    def change(x: Float[sk.Array, "n"]) -> Float[sk.Array, "n"]:
        x[0] = 7
        return x

    with sk.mode("strict"), pytest.raises(sk.MutationError, match="argument 'x'"):
        change(xp.ones(3, dtype=xp.float32))


class Methods:
    @sk.numpy_world
    def scale_(self, x: np.ndarray) -> None:
        x *= 2

    @sk.numpy_world
    def clip_(self, x: Float[np.ndarray, "n"], low: Float[np.ndarray, "n"]) -> None:
        np.maximum(x, low, out=x)


def memo(x: np.ndarray, cache: dict[str, np.ndarray] = {}) -> None:  # noqa: B006 - on purpose
    cache[str(len(cache))] = x


def add_to(x: np.ndarray, out: np.ndarray) -> None:
    np.add(x, 1, out=out)


def with_words(**words: np.ndarray) -> None:
    words["out"][0] = 7


def read_file(values: Mapping[str, np.ndarray]) -> float:
    return float(values["x"].sum())


def test_what_is_no_change_by_accident_is_not_reported(tmp_path):
    torch = pytest.importorskip("torch")
    array = np.ones(3)
    np.savez(tmp_path / "a.npz", x=array)

    @sk.numpy_world(on_foreign="convert", copy=True)
    def of_its_own(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
        x += 1
        return x

    @sk.torch_world(mutates="x")
    def rows(x: torch.Tensor, y: torch.Tensor) -> None:
        x.add_(y)

    @sk.numpy_world(mutates="x")
    def views(x: np.ndarray, y: np.ndarray) -> None:
        x[...] = 0

    with sk.mode("strict"), np.load(tmp_path / "a.npz") as file:
        Methods().scale_(array)
        Methods().clip_(array, np.zeros(3))
        sk.numpy_world(memo)(array)
        sk.numpy_world(add_to)(array, array)
        sk.numpy_world(with_words)(out=array)
        sk.numpy_world(read_file)(file)
        of_its_own(torch.ones(3))
        rows(*torch.ones(2, 3))
        views(array[1:], array[:-1])


def test_a_function_that_raises_gets_no_second_error():
    @sk.numpy_world
    def change(x: np.ndarray) -> None:
        x[0] = 7
        raise KeyError("x")

    with sk.mode("strict"), pytest.raises(KeyError):
        change(np.ones(3))


def test_the_innermost_function_that_changes_it_is_named():
    @sk.numpy_world
    def outer(x: np.ndarray) -> np.ndarray:
        return scale(x)

    with sk.mode("strict"), pytest.raises(sk.MutationError, match=r"^scale\(\)"):
        outer(np.ones(3))


def test_what_a_guard_has_copied_is_a_lost_write(torch):
    @sk.torch_world(on_foreign="convert")
    def change(x: Float32[torch.Tensor, "n"]) -> None:
        x.fill_(7)

    shared, reversed_ = np.zeros(3, np.float32), np.zeros(3, np.float32)[::-1]
    with sk.mode("strict"), pytest.raises(sk.MutationError):
        change(shared)
    with sk.mode("strict"), pytest.raises(sk.LostWriteError):
        change(reversed_)


def test_warn_and_allow():
    with sk.mode("strict", mutations="warn"), pytest.warns(sk.MutationWarning) as caught:
        assert scale(np.ones(2)).tolist() == [2, 2]
    assert (caught[0].filename, caught[0].lineno) == (__file__, line_of(scale, 0))
    with sk.mode("strict", mutations="allow"):
        scale(np.ones(2))
    with sk.mode("strict", violations="warn"), pytest.warns(sk.ViolationWarning, match="in place"):
        scale(np.ones(2))


@pytest.mark.parametrize("mode", ["convert", "warn", "off"])
def test_modes_without_monitored_bodies_refuse_the_option(mode):
    with pytest.raises(ValueError, match="monitors no body, so it takes no mutations"):
        sk.mode(mode, mutations="warn")


@pytest.mark.parametrize("decorate", DECORATORS)
def test_names_of_no_parameter_are_refused_at_decoration(decorate):
    def function(image: np.ndarray) -> None: ...

    with pytest.raises(sk.DeclarationError) as caught:
        decorate(mutates=("imgae",))(function)
    assert str(caught.value) == (
        "function(): mutates='imgae' is no parameter.\n  hint: did you mean 'image'?"
    )
    for wrong in (3, ("image", 3), None):
        with pytest.raises(sk.DeclarationError, match="expected names of parameters"):
            decorate(mutates=wrong)


def test_a_class_applies_it_to_the_methods_that_have_the_parameter():
    @sk.numpy_world(mutates="x")
    class Filters:
        def change(self, x: np.ndarray) -> None:
            x[0] = 7

        def change_other(self, y: np.ndarray) -> None:
            y[0] = 7

    with sk.mode("strict"):
        Filters().change(np.ones(3))
        with pytest.raises(sk.MutationError):
            Filters().change_other(np.ones(3))


def test_without_source_the_function_is_named():
    namespace: dict[str, Any] = {"np": np}
    exec("def change(x: np.ndarray) -> None:\n    x[0] = 7", namespace)
    guarded = sk.numpy_world(namespace["change"])
    with sk.mode("strict"), pytest.raises(sk.MutationError, match=r"change\(\) is at <string>:1"):
        guarded(np.ones(3))


def test_callables_without_code_are_compared_too():
    guarded = sk.boundary(functools.partial(lambda value, x: x.fill(value), 7))
    with sk.mode("strict"), pytest.raises(sk.MutationError):
        guarded(np.ones(3))


def test_fuzz_takes_the_decorators_word():
    @sk.numpy_world(mutates="x")
    def fill(x: Float32[np.ndarray, "n"]) -> None:
        x[:] = 0

    @sk.numpy_world
    def by_accident(x: Float32[np.ndarray, "n"]) -> None:
        x[:] = 0

    fuzz(fill, examples=20, seed=0)
    fuzz(by_accident, mutates=("x",), examples=20, seed=0)
    with pytest.raises(AssertionError, match="changes its argument 'x'"):
        fuzz(by_accident, examples=20, seed=0)
