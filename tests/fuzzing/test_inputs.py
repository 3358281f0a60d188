"""Inputs made from contracts: guard and jaxtyping accept each, and all that breaks code occurs."""

import dataclasses
import importlib.util
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union

import attrs
import hypothesis
import numpy as np
import pytest
from hypothesis import find, given, seed, settings
from hypothesis import strategies as st
from jaxtyping import Bool, Float, Float32, Int, Int64, Shaped, UInt8, jaxtyped

import sekisho as sk
from sekisho.testing import arrays_of, inputs_of
from sekisho.worlds import dtype_name, find_world, flatten


def guarded(world, annotations, defaults=None, returns=None):
    """Return a guard of a function with these annotations."""
    names = list(annotations)
    parameters = ", ".join(
        f"{name}=_{name}" if name in (defaults or {}) else name for name in names
    )
    scope = {f"_{name}": value for name, value in (defaults or {}).items()}
    exec(f"def f({parameters}): return None", scope)
    f = scope["f"]
    f.__annotations__ = {**annotations, "return": returns}
    return world.decorate(f)


@dataclasses.dataclass
class Sample:
    image: Any
    label: int
    late: Any = dataclasses.field(init=False, default=None)


def records(A):
    class Pair(NamedTuple):
        x: Float[A, "n"]
        y: Float[A, "n"]

    class Batch(TypedDict):
        image: Float32[A, "b 3 h w"]
        mask: NotRequired[Bool[A, "b h w"]]

    class Node:
        value: Float[A, "d"]
        children: list

    Node.__annotations__["children"] = list[Node]
    Node = dataclasses.dataclass(Node)

    @attrs.define
    class Point:
        at: Float32[A, "3"]
        name: str = "a"

    return Pair, Batch, Node, Point


def trees(A):
    if importlib.util.find_spec("jax") is None:
        return {}
    from jaxtyping import PyTree

    return {"a tree": {"x": PyTree[Float[A, "n"], "T"], "y": PyTree[Float[A, "n"], "T"]}}


def contracts(A):
    Pair, Batch, Node, Point = records(A)
    return {
        "shared axes": {"x": Float[A, "n d"], "y": Float[A, "m d"], "z": Float[A, "n m"]},
        "fixed": {"x": Float32[A, "b 3 h w"]},
        "no axes": {"x": Float[A, ""]},
        "variadic": {"x": Float[A, "*batch d"], "y": Float[A, "*batch"]},
        "any shape": {"x": Shaped[A, "..."], "y": A},
        "broadcast": {"x": Float[A, "#n d"], "y": Float[A, "n #d"]},
        "variadic broadcast": {"x": Float[A, "*#batch"], "y": Float[A, "*#batch"]},
        "anonymous": {"x": Float[A, "_ n"], "y": Float[A, "n _"]},
        "symbolic": {"x": Float[A, "n m"], "y": Float[A, "n+m"], "z": Float[A, "n*m-1"]},
        "a difference": {"x": Float[A, "n k"], "y": Float[A, "n-k+1"]},
        "a quotient": {"x": Float[A, "n"], "y": Float[A, "n//8"]},
        "much less": {"x": Float[A, "n"], "y": Float[A, "n-12"]},
        "an argument": {"x": Float[A, "n"], "k": int, "y": Float[A, "n-{k}"]},
        "optional": {"x": Optional[Float[A, "n"]], "y": Float[A, "n"]},
        "binds only sometimes": {"x": Optional[Float[A, "n"]], "y": Float[A, "n+1"]},
        "a union": {"x": Union[Float[A, "n"], Int[A, "n n"], str], "y": Float[A, "n"]},
        "a list": {"x": list[Float[A, "n"]]},
        "a tuple": {"x": tuple[Float[A, "n"], Int64[A, "n+1"], int]},
        "any tuple": {"x": tuple[Float[A, "n"], ...]},
        "a dict": {"x": dict[str, Float[A, "n"]]},
        "others": {
            "a": Sequence[Float[A, "n"]],
            "b": Mapping[str, Float[A, "n"]],
            "c": OrderedDict[int, Float[A, "n"]],
        },
        "iterators": {"x": Iterator[Float[A, "n"]], "y": Iterable[Float[A, "n"]]},
        "a named tuple": {"x": Pair},
        "a typed dict": {"x": Batch},
        "a record in itself": {"x": Node},
        "attrs": {"x": Point},
        **trees(A),
        "plain": {"x": Float[A, "n"], "s": str, "b": bool, "w": Literal["a", "b"], "f": float},
        "nested": {"x": dict[str, list[tuple[UInt8[A, "h w"], Optional[int]]]]},
    }


NAMES = list(contracts(np.ndarray))


@pytest.mark.parametrize("hostile", [True, False], ids=["hostile", "plain"])
@pytest.mark.parametrize("name", NAMES)
def test_every_input_is_accepted_by_the_guard(name, hostile, world):
    f = guarded(world, contracts(world.array_type)[name])

    @settings(max_examples=60)  # its health checks detect filtering
    @given(inputs_of(f, hostile=hostile))
    def hold(call):
        args, kwargs = call
        with sk.mode("strict"):
            f(*args, **kwargs)

    hold()


@pytest.mark.parametrize("name", ["shared axes", "variadic", "broadcast", "symbolic", "fixed"])
def test_every_input_is_accepted_by_jaxtyping(name, world):
    annotations = contracts(world.array_type)[name]

    @settings(max_examples=60)
    @given(inputs_of(guarded(world, annotations)))
    def hold(call):
        with jaxtyped("context"):
            for value, hint in zip(call[0], annotations.values(), strict=False):
                assert isinstance(value, hint)

    hold()


@pytest.mark.parametrize("name", NAMES)
def test_at_most_one_draw_in_twenty_is_filtered_away(name, world, monkeypatch):
    f = guarded(world, contracts(world.array_type)[name])
    accepted = []

    def assume(holds):
        accepted.append(holds)
        return hypothesis.assume(holds)

    monkeypatch.setattr("sekisho.fuzzing.target.assume", assume)

    @settings(max_examples=100, database=None)
    @given(inputs_of(f))
    def hold(call):
        return None

    hold()
    assert accepted.count(False) <= 5


def test_every_layout_keeps_what_was_asked_for_and_comes(world):
    annotation = Float32[world.array_type, "n m"]
    there = find_world(world.zeros(1))
    for name, layout in there.layouts.items():
        dtype = "complex64" if layout.kinds == "c" else "float32"
        value = world.zeros(3, 4, dtype=dtype)
        laid = eval(layout.code.format("x"), {"x": value, world.name: world.xp})
        assert (tuple(laid.shape), dtype_name(laid.dtype)) == ((3, 4), dtype), name
        assert isinstance(laid, world.array_type)
        plain = eval(there.plain.format("x"), {"x": laid, world.name: world.xp})
        np.testing.assert_array_equal(there.host_values(plain), there.host_values(laid))
    seen = set()

    @seed(0)
    @settings(max_examples=600, database=None)
    @given(arrays_of(annotation))
    def collect(x):
        if world.name == "numpy":
            flags = x.flags
            seen.update({("aligned", flags.aligned), ("writes", flags.writeable)})
            seen.update({("native", x.dtype.isnative), ("c", flags.c_contiguous)})
            seen.add(("class", type(x) is np.ndarray))
            seen.update(("negative", stride < 0) for stride in x.strides)
        else:
            seen.update({("c", x.is_contiguous()), ("grad", x.requires_grad), ("leaf", x.is_leaf)})
            seen.add(("neg", x.is_neg()))
            seen.add(("class", type(x) is world.array_type))

    collect()
    kinds = {kind for kind, _ in seen}
    assert seen == {(kind, answer) for kind in kinds for answer in (True, False)}


@pytest.mark.parametrize(
    ("what", "holds"),
    [
        ("no element", lambda x: 0 in x.shape),
        ("an axis of 1", lambda x: 1 in x.shape),
        ("axes that differ", lambda x: len(set(x.shape)) == 3),
        ("NaN", lambda x: bool(np.isnan(values(x)).any())),
        ("infinity", lambda x: bool((abs(x) == float("inf")).any())),
        ("a denormal", lambda x: bool(((abs(x) < 1e-39) & (x != 0)).any())),
        ("an extreme", lambda x: bool(((abs(x) > 1e38) & (abs(x) < float("inf"))).any())),
        ("a negative zero", lambda x: bool(np.signbit(values(x)[values(x) == 0]).any())),
    ],
)
def test_what_breaks_code_comes(what, holds, world):
    strategy = arrays_of(Float32[world.array_type, "a b c"])
    found = find(
        strategy,
        lambda x: holds(x.detach() if world.name == "torch" else x),
        settings=settings(max_examples=2000, database=None),
    )
    assert found.ndim == 3


def values(x):
    return find_world(x).host_values(x)


def test_extremes_of_integers_come(world):
    dtype = np.iinfo("int64")
    for end in (dtype.max, dtype.min):
        find(arrays_of(Int64[world.array_type, "n"]), lambda x, end=end: bool((x == end).any()))


def test_plain_inputs_have_neither_odd_sizes_nor_odd_values(world):
    @given(arrays_of(Float32[world.array_type, "a b"], hostile=False))
    def hold(x):
        assert min(x.shape) > 1
        assert x.shape[0] != x.shape[1]
        assert np.isfinite(values(x)).all()
        assert x.flags.c_contiguous if world.name == "numpy" else x.is_contiguous()

    hold()


def test_axes_of_different_names_differ_unless_one_is_odd(world):
    @given(inputs_of(guarded(world, {"x": Float[world.array_type, "a b c 5"]})))
    def hold(call):
        sizes = [size for size in call[0][0].shape if size > 1]
        assert len(set(sizes)) == len(sizes)

    hold()


def test_arrays_of_one_wide_annotation_have_one_dtype(world):
    A = world.array_type

    @given(inputs_of(guarded(world, {"x": Float[A, "n"], "y": Float[A, "m"], "i": Int[A, "k"]})))
    def hold(call):
        x, y, _ = call[0]
        assert dtype_name(x.dtype) == dtype_name(y.dtype)

    hold()


def test_a_function_of_any_world_gets_arrays_of_one_world_at_a_time(torch):
    @sk.same_world
    def f(x: Float[sk.Array, "n"], y: Float[sk.Array, "n"]):
        return None

    seen = set()

    @settings(database=None)
    @given(inputs_of(f))
    def hold(call):
        worlds = {find_world(each).name for each in flatten(list(call[0]))}
        assert len(worlds) == 1
        seen.update(worlds)

    hold()
    assert seen == {"numpy", "torch"}


def test_a_boundary_gets_what_each_annotation_names(torch):
    @sk.boundary
    def f(x: Float[np.ndarray, "n"], y: Float[torch.Tensor, "n"]) -> None:
        return None

    @given(inputs_of(f))
    def hold(call):
        assert [find_world(each).name for each in call[0]] == ["numpy", "torch"]
        f(*call[0], **call[1])

    hold()


def test_parameters_of_all_kinds_are_given(world):
    A = world.array_type

    def f(a, /, b, *rest, c, d=None, **more):
        return (a, b, rest, c, d, more)

    array = Float[A, "n"]
    f.__annotations__ = {
        **dict.fromkeys(("a", "b", "rest", "c", "more"), array),
        "d": Optional[array],
    }
    g = world.decorate(f)
    seen = set()

    @settings(max_examples=200, database=None)
    @given(inputs_of(g))
    def hold(call):
        args, kwargs = call
        _, _, rest, _, d, more = g(*args, **kwargs)
        seen.update({("rest", bool(rest)), ("d", d is not None), ("more", bool(more))})

    hold()
    assert seen == {(name, it) for name in ("rest", "d", "more") for it in (True, False)}


def test_what_no_annotation_tells_is_given(world):
    def f(x, how):
        return None

    f.__annotations__ = {"x": Float[world.array_type, "n"]}
    g = world.decorate(f)

    @given(inputs_of(g, given={"how": st.just("so")}))
    def hold(call):
        assert call[0][1] == "so"

    hold()


def test_attributes_of_a_method_are_sizes(world):
    class Layer:
        def __init__(self, width):
            self.width = width

        def forward(self, x):
            return None

    Layer.forward.__annotations__["x"] = Float[world.array_type, "b {self.width}"]
    Layer.forward = world.decorate(Layer.forward)

    @given(inputs_of(Layer(7).forward))
    def hold(call):
        assert call[0][0].shape[1] == 7

    hold()


def test_hypothesis_finds_annotations_by_itself(world):
    A = world.array_type
    kind = dataclasses.make_dataclass("kind", [("x", Float32[A, "n 2"]), ("k", int)])
    find(st.from_type(Float32[A, "n 2"]), lambda x: x.shape == (3, 2))
    find(st.builds(kind), lambda made: made.x.shape[1] == 2)

    def hold(x):
        assert isinstance(x, A)

    hold.__annotations__ = {"x": Float32[A, "n"]}
    given(...)(hold)()


# --- bad input


def test_a_contract_that_nothing_satisfies_is_refused(world):
    f = guarded(world, {"x": Float[world.array_type, "n"], "y": Float[world.array_type, "0-n-1"]})
    with pytest.raises(sk.DeclarationError) as caught:
        find(inputs_of(f), lambda _: True)
    assert str(caught.value) == (
        "f(): no sizes up to 300 make '0-n-1' sizes of axes, with at most 4,194,304 elements an "
        "array."
    )


def test_an_array_that_is_too_large_is_refused(world):
    f = guarded(world, {"x": Float[world.array_type, "b 4096 4096"]})
    with pytest.raises(sk.DeclarationError) as caught:
        inputs_of(f)
    assert str(caught.value) == (
        "f(): an array of 'b 4096 4096' has 16,777,216 elements or more; most_elements is 4,194,304."
    )
    with pytest.raises(sk.DeclarationError, match="no sizes"):
        find(
            inputs_of(
                guarded(world, {"x": Float[world.array_type, "n n**n+99"]}), most_elements=50
            ),
            bool,
        )


def test_an_argument_that_nobody_knows_an_input_for_is_named(world):
    def f(x, how):
        return None

    f.__annotations__ = {"x": Float[world.array_type, "n"]}
    with pytest.raises(sk.DeclarationError) as caught:
        find(inputs_of(world.decorate(f)), lambda _: True)
    assert str(caught.value) == (
        "f() argument 'how': no inputs can be made of it, since it is not annotated.\n"
        "  hint: given={'how': a strategy}"
    )


def test_a_class_that_cannot_be_made_of_nothing_is_named(world):
    class Config:
        def __init__(self):
            raise ValueError("no file")

    f = guarded(world, {"x": Float[world.array_type, "n"], "config": Config})
    with pytest.raises(sk.DeclarationError, match="since Config cannot be made: no file"):
        find(inputs_of(f), lambda _: True)


def test_a_strategy_for_no_parameter_is_refused(world):
    f = guarded(world, {"x": Float[world.array_type, "n"]})
    with pytest.raises(sk.DeclarationError, match=r"f\(\) has no parameter 'y'"):
        inputs_of(f, given={"y": st.none()})


def test_what_is_no_function_is_refused():
    for value in (3, np.zeros(2), Sample):
        with pytest.raises(sk.DeclarationError, match="expected a function"):
            inputs_of(value)
