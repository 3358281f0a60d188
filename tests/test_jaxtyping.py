"""The properties that jaxtyping's own tests check of jaxtyped, for sekisho, with arrays and tensors.

They follow https://github.com/patrick-kidger/jaxtyping/tree/main/test (MIT), and jaxtyping itself
decides each case. Where sekisho differs, docs/contract.md has the row.
"""

from __future__ import annotations

import abc
import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, no_type_check

import beartype
import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float, Shaped, jaxtyped

import sekisho as sk

try:
    import torch
except ImportError:
    torch = None


# Axes of the arguments, axes of the result, and the shapes of calls: arguments, then result.
SHAPES: dict[str, tuple[list[str], str | None, list[tuple[tuple[int, ...], ...]]]] = {
    "return": (["b c 4"], "4 b", [((3, 2, 4), (4, 3)), ((3, 2, 4), (3, 4)), ((2, 4), (4, 2))]),
    "two args": (["b c", "c d"], "b d", [((3, 4), (4, 5), (3, 5)), ((3, 4), (5, 4), (3, 4))]),
    "fixed": (
        ["4 5 foo"],
        "4 foo",
        [((4, 5, 2), (4, 2)), ((5, 4, 2), (4, 2)), ((4, 5, 3), (4, 2))],
    ),
    "anonymous": (["foo _ _"], None, [((1, 3, 4),), ((1, 3),), ((1, 3, 4, 5),)]),
    "anonymous, named": (["foo _bar _bar"], None, [((1, 3, 4),)]),
    "variadic": (
        ["*foo", "*foo"],
        None,
        [((), ()), ((1,), (1,)), ((3, 1), (3, 1)), ((3, 1), (1, 3)), ((3,), (3, 1))],
    ),
    "variadic, no name": (["*", "*"], None, [((2,), (2,)), ((2,), (2, 1)), ((), (1,))]),
    "variadic in front": (["*foo 4"], None, [((4,),), ((2, 4),), ((2, 3),), ((),)]),
    "variadic in the middle": (
        ["3 *foo 4", "*foo"],
        None,
        [((3, 4), ()), ((3, 2, 4), (2,)), ((3, 2, 4), (3,))],
    ),
    "anonymous variadic": (["... 4"], None, [((4,),), ((3, 4),), ((4, 3),)]),
    "broadcast fixed": (["#4"], None, [((4,),), ((1,),), ((3,),), ((),)]),
    "broadcast named": (
        ["#foo", "#foo"],
        None,
        [((1,), (1,)), ((3,), (1,)), ((1,), (3,)), ((3,), (3,)), ((3,), (4,))],
    ),
    "broadcast variadic": (
        ["*#foo", "*#foo"],
        None,
        [((), (3,)), ((3,), (1,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), (4,)), ((2,), (3,))],
    ),
    "broadcast variadic, then not": (
        ["*#foo", "*foo"],
        None,
        [((1,), (3,)), ((3,), (1,)), ((), (2,))],
    ),
    "not, then broadcast variadic": (
        ["*foo", "*#foo"],
        None,
        [((3,), (1,)), ((1,), (3,)), ((3,), ())],
    ),
    "three, mixed": (
        ["*#foo", "*#foo", "*foo"],
        None,
        [((1, 3), (2, 1), (2, 3)), ((1, 3), (2, 1), (1, 3)), ((3,), (1,), (1,))],
    ),
    "symbolic": (
        ["dim", "dim-1"],
        "dim-1",
        [((3,), (2,), (2,)), ((3,), (3,), (2,)), ((3,), (2,), (3,))],
    ),
    "symbolic functions": (
        ["a b", "min(a,b)"],
        "max(a,b)",
        [((3, 4), (3,), (4,)), ((3, 4), (4,), (4,))],
    ),
    "names for the reader": (["rows=4 cols=3"], "foo=3", [((4, 3), (3,)), ((3, 4), (3,))]),
    "no axes": ([""], "", [((), ()), ((1,), ())]),
    "one name twice": (["n n"], "n", [((2, 2), (2,)), ((2, 3), (2,)), ((2, 2), (3,))]),
}


def passes(function: Any, arguments: Any) -> bool:
    try:
        function(*arguments)
    except (sk.BoundaryError, jaxtyping.TypeCheckError):
        return False
    return True


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_have_jaxtypings_verdict(name, world):
    axes, result, calls = SHAPES[name]
    parameters = [f"x{i}" for i in range(len(axes))]
    returned: list[Any] = []
    namespace: dict[str, Any] = {"returned": returned}
    exec(f"def f({', '.join(parameters)}):\n    return returned[0]", namespace)
    f = namespace["f"]
    f.__annotations__ = {
        p: Float[world.array_type, a] for p, a in zip(parameters, axes, strict=True)
    }
    if result is not None:
        f.__annotations__["return"] = Float[world.array_type, result]
    guarded, theirs = sk.boundary(f), jaxtyped(f, typechecker=beartype.beartype)
    verdicts = set()
    for shapes in calls:
        arrays = [world.zeros(*shape) for shape in shapes]
        returned[:] = arrays[len(axes) :] or [None]
        arguments = arrays[: len(axes)]
        expected = passes(theirs, arguments)
        verdicts.add(expected)
        assert passes(guarded, arguments) == expected, shapes
    assert verdicts == {True, False} or len(calls) == 1


DTYPES = ["Bool", "UInt8", "Int8", "Int64", "Float16", "Float32", "Float64", "Complex64"]
KINDS = ["UInt", "Int", "Integer", "Float", "Complex", "Inexact", "Real", "Num", "Shaped"]


@pytest.mark.parametrize("word", [*DTYPES, *KINDS])
def test_dtypes_have_jaxtypings_verdict(word, world):
    def f(x): ...

    f.__annotations__ = {"x": getattr(jaxtyping, word)[world.array_type, "..."]}
    guarded, theirs = sk.boundary(f), jaxtyped(f, typechecker=beartype.beartype)
    for each in DTYPES:
        value = world.zeros(2, dtype=each.lower())
        assert passes(guarded, [value]) == passes(theirs, [value])


def test_a_dtype_of_ones_own_and_a_structured_one():
    class Both(jaxtyping.AbstractDtype):
        dtypes = ("float32", "uint8")

    label = jaxtyping.make_numpy_struct_dtype(np.dtype([("first", np.uint8)]), "Label")

    @sk.boundary
    def f(x: Both[np.ndarray, "n"], y: label[np.ndarray, "n"]): ...

    f(np.zeros(1, "u1"), np.zeros(1, [("first", "u1")]))
    for x, y in (("f8", [("first", "u1")]), ("f4", [("first", "i4")])):
        with pytest.raises(sk.DTypeError):
            f(np.zeros(1, x), np.zeros(1, y))


# --- scopes: whose axes are these ----------------------------------------------------------------


def test_nested_calls_have_axes_of_their_own(world):
    A = world.array_type

    @sk.boundary
    def inner(x: Float[A, "b c"], transpose: bool) -> Float[A, "c b"]:
        return world.xp.zeros_like(x.T if transpose else x)

    @sk.boundary
    def outer(x: Float[A, "b c"], transpose: bool) -> Float[A, "b c"]:
        return inner(x.T, transpose)

    assert outer(world.zeros(2, 3), transpose=True).shape == (2, 3)
    with pytest.raises(sk.ShapeError, match=r"inner\(\) the result"):
        outer(world.zeros(2, 3), transpose=False)


def test_a_body_asks_with_the_axes_of_its_call(world):
    A = world.array_type

    @sk.boundary
    def f(x: Float[A, "b c"]):
        swapped = x.T
        assert isinstance(x, Float[A, "b c"])
        assert isinstance(swapped, Float[A, "c b"])
        return helper(swapped)

    def helper(y):  # not guarded: checks within the scope of the call, as under jaxtyped
        return isinstance(y, Float[A, "b c"])

    assert not f(world.zeros(2, 3))
    assert f(world.zeros(2, 2))
    assert isinstance(world.zeros(3, 2), Float[A, "b c"])  # outside of all calls: by itself


def test_what_isinstance_binds_holds_for_the_result(world):
    A = world.array_type

    @sk.boundary
    def f(x: Float[A, "n"], k: int) -> Float[A, "n k"]:
        assert isinstance(world.zeros(5), Float[A, "k"])
        return world.zeros(x.shape[0], k)

    assert f(world.zeros(2), 5).shape == (2, 5)
    with pytest.raises(sk.ShapeError) as caught:
        f(world.zeros(2), 4)
    assert "axis 'k' is 5 (from a check in the body), but axis 1 of the result is 4" in str(
        caught.value
    )


def test_isinstance_of_nothing_binds_nothing(world):
    A = world.array_type

    @sk.boundary
    def f(x: Float[A, "n"]):
        assert not isinstance(x, Float[A, "k k"])
        assert isinstance(world.zeros(7), Float[A, "k"])

    f(world.zeros(2))


def test_recursion_and_threads_have_axes_of_their_own(world):
    A = world.array_type
    failures = []

    @sk.boundary
    def f(x: Float[A, "n"], depth: int):
        assert isinstance(x, Float[A, "n"])
        if depth:
            f(world.zeros(x.shape[0] + 1), depth - 1)
        assert isinstance(x, Float[A, "n"])
        return sk.check(x, Float[A, "n"])

    def work(size):
        try:
            for _ in range(50):
                f(world.zeros(size), 3)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(size,)) for size in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def test_generators_share_their_axes_step_by_step(world):
    A = world.array_type

    @sk.boundary
    def f(x: Float[A, "n"]) -> Iterator[bool]:
        for _ in range(2):
            yield isinstance(world.zeros(x.shape[0] + 1), Float[A, "n"])
            sk.check(x, Float[A, "n"])

    first, second = f(world.zeros(2)), f(world.zeros(3))
    assert [next(first), next(second), next(first), next(second)] == [False] * 4
    assert isinstance(world.zeros(9), Float[A, "n"])  # suspended generators leave nothing behind


def test_coroutines_share_their_axes_step_by_step(world):
    A = world.array_type

    @sk.boundary
    async def f(x: Float[A, "n"]) -> Float[A, "n k"]:
        await asyncio.sleep(0)
        assert not isinstance(world.zeros(x.shape[0] + 1), Float[A, "n"])
        await asyncio.sleep(0)
        sk.check(world.zeros(4), Float[A, "k"])
        return world.zeros(x.shape[0], 4)

    async def many():
        return await asyncio.gather(*(f(world.zeros(n)) for n in range(1, 5)))

    assert [each.shape[0] for each in asyncio.run(many())] == [1, 2, 3, 4]

    @sk.boundary
    async def g(x: Float[A, "n"]) -> AsyncIterator[Float[A, "n"]]:
        sk.check(x, Float[A, "n"])
        yield x

    async def take():
        return [each async for each in g(world.zeros(3))]

    assert len(asyncio.run(take())) == 1


def test_print_bindings_shows_the_axes_of_the_call(world, capfd):
    from jaxtyping import print_bindings

    @sk.boundary
    def f(x: Float[world.array_type, "foo bar"]):
        print_bindings()

    f(world.zeros(3, 4))
    assert "\nfoo=3\nbar=4\n" in capfd.readouterr().out


# --- check --------------------------------------------------------------------------------------


def test_check_returns_the_value_or_says_line_axes_and_who_bound_them(world):
    A, label = world.array_type, {"numpy": "NumPy", "torch": "PyTorch"}[world.name]

    @sk.boundary
    def attend(x: Float[A, "b c"]):
        y = sk.check(x.T, Float[A, "c b"])
        sk.check(world.zeros(7), Float[A, "k"])
        sk.check(
            world.zeros(8),
            Float[A, "k"],
        )
        return y

    line = attend.__wrapped__.__code__.co_firstlineno
    with pytest.raises(sk.ShapeError) as caught:
        attend(world.zeros(2, 3))
    assert str(caught.value) == (
        f"attend() check of world.zeros(8) (test_jaxtyping.py:{line + 4}): "
        f'expected Float[{A.__name__}, "k"], got float32[8] ({label}).\n'
        f"  axis 'k' is 7 (from the check in line {line + 3}), "
        "but axis 0 of 'world.zeros(8)' is 8"
    )

    @sk.boundary
    def turn(x: Float[A, "b c"]):
        return sk.check(x.T, Float[A, "b c"])

    with pytest.raises(sk.ShapeError) as caught:
        turn(world.zeros(2, 3))
    assert "axis 'b' is 2 (from argument 'x'), but axis 0 of 'x.T' is 3" in str(caught.value)
    assert "hint: the two axes look transposed: transpose2d(x.T)" in str(caught.value)


def test_a_watched_body_shares_its_axes_too(world):
    A = world.array_type

    @world.decorate
    def f(x: Float[A, "n"]):
        return sk.check(x, Float[A, "n"]), isinstance(world.zeros(9), Float[A, "n"])

    with sk.mode("strict"):
        assert f(world.zeros(2))[1] is False
    assert f(world.zeros(2))[1] is False


def test_check_alone_and_with_all_kinds_of_annotations(world, other):
    A = world.array_type
    value = [world.zeros(2), world.zeros(2)]
    assert sk.check(value, list[Float[A, "n"]]) is value
    assert sk.check(3, int | None) == 3
    assert sk.check(None, int | None) is None
    with pytest.raises(sk.ShapeError, match=r"check\(\) of value .* at value\[1\]: expected Float"):
        value = [*value[:1], world.zeros(3)]
        sk.check(value, list[Float[A, "n"]])
    with pytest.raises(sk.WorldError, match="expected Float"):
        sk.check(other.zeros(2), Float[A, "n"])
    with pytest.raises(sk.DeclarationError, match=r"check\(\): 3"):
        sk.check(3, 3)
    with sk.mode("off"):
        assert sk.check("anything", int) == "anything"


def test_a_guard_that_mentions_neither_pays_nothing(world):
    A = world.array_type

    @sk.boundary
    def plain(x: Float[A, "n m"], y: Any) -> Float[A, "n"]:
        return x[:, 0] if isinstance(y, int) else x[:, 1]

    @sk.boundary
    def asking(x: Float[A, "n m"]) -> Float[A, "n"]:
        return sk.check(x[:, 0], Float[A, "n"])

    plain(world.zeros(2, 3), 1)
    assert "# the body shares" not in sk.generated_source(plain)
    assert "# the body shares: n, m" in sk.generated_source(asking)


@pytest.mark.skipif(torch is None, reason="torch is not installed")
def test_check_compiles_into_one_graph_and_is_checked_while_tracing():
    T = torch.Tensor

    @sk.torch_world
    def f(x: Float[T, "b c"], k: int) -> Float[T, "b k"]:
        y = sk.check(x.T, Float[T, "c b"])
        sk.check(torch.ones(3), Float[T, "k"])
        return (y * 2).T[:, :1].expand(-1, k)

    torch._dynamo.reset()
    compiled = torch.compile(f, fullgraph=True, backend="eager")
    for size in (2, 5):
        assert torch.equal(compiled(torch.ones(size, 4), 3), f(torch.ones(size, 4), 3))
    torch._dynamo.reset()
    release = tuple(map(int, torch.__version__.split(".")[:2]))
    # earlier releases name the place instead
    words = r"axis .*k.* is 3 " if release >= (2, 11) else ""
    with pytest.raises(torch._dynamo.exc.Unsupported, match=words):
        torch.compile(f, fullgraph=True, backend="eager")(torch.ones(2, 4), 5)


# --- decorators -----------------------------------------------------------------------------------


def test_decorators_keep_what_python_marks(world):
    class M(abc.ABC):
        @sk.boundary
        def f(self):
            return 2

        @sk.boundary
        @classmethod
        def g1(cls):
            return 3

        @classmethod
        @sk.boundary
        def g2(cls):
            return 4

        @sk.boundary
        @staticmethod
        def h1():
            return 3

        @sk.boundary
        @abc.abstractmethod
        def i1(self): ...

        @abc.abstractmethod
        @sk.boundary
        def i2(self): ...

        @sk.boundary
        @property
        def j1(self):
            return 3

    assert M.f is M.f
    assert (M.g1(), M.g2(), M.h1()) == (3, 4, 3)
    assert M.i1.__isabstractmethod__
    assert M.i2.__isabstractmethod__
    with pytest.raises(TypeError, match="abstract"):
        M()


def test_defaults_and_arguments_in_axes(world):
    A = world.array_type

    @sk.boundary
    def f(x: int, y: int = 1) -> Float[A, "{x} {y}"]:
        return world.zeros(x, y)

    for arguments in ((1,), (1, 1), (1, 0), (1, 5)):
        f(*arguments)

    @sk.boundary
    def g(*args, **kwargs) -> None: ...

    g(1, 2, a=1)


def test_no_type_check_opts_out_in_either_order_for_functions_and_classes(world):
    A = world.array_type

    @sk.boundary
    @no_type_check
    def f(x: Float[A, "foo bar"]): ...

    @no_type_check
    @sk.boundary
    def g(x: Float[A, "foo bar"]): ...

    @sk.boundary
    @no_type_check
    @dataclass
    class Foo:
        x: Float[A, "foo bar"]

    f("not an array")
    Foo("not an array")
    with pytest.raises(sk.WorldError):
        g("not an array")  # it was a guard before it was marked: docs/contract.md


def test_generators_are_iterated_with_axes_of_each_call(world):
    A = world.array_type

    @sk.boundary
    def gen(x: Float[A, "*"]) -> Iterator[Float[A, "*"]]:
        yield x

    @sk.boundary
    def foo() -> None:
        next(gen(world.zeros(2)))
        next(gen(world.zeros(3, 4)))

    foo()

    @sk.boundary
    def fixed(x: Float[A, "1"]) -> Iterator[Float[A, "1"]]:
        yield x

    with pytest.raises(sk.ShapeError):
        next(fixed(world.zeros(2)))


T = TypeVar("T")


@pytest.mark.parametrize("any_array", [Any, T])
def test_any_array_is_whatever_has_shape_and_dtype(any_array, world):
    class Duck:
        def __init__(self, shape, dtype):
            self.shape, self.dtype = shape, dtype

    def f(x): ...

    f.__annotations__ = {"x": Float[any_array, "n n"]}
    guarded, theirs = sk.boundary(f), jaxtyped(f, typechecker=beartype.beartype)
    float_, int_ = np.dtype("float32"), np.dtype("int32")
    for value in (
        *(world.zeros(2, 2), world.zeros(2, 3), Duck((2, 2), float_), Duck((2, 3), float_)),
        *(Duck((2, 2), int_), 1.0, [1.0], "text"),
    ):
        assert passes(guarded, [value]) == passes(theirs, [value]), value


def test_an_array_of_somebody_elses_is_checked_like_any():
    class Theirs:
        def __init__(self, shape):
            self.shape, self.dtype = shape, np.dtype("float32")

    @sk.boundary
    def f(x: Float[Theirs, "n 2"], y: Float[Theirs, "n"]): ...

    f(Theirs((3, 2)), Theirs((3,)))
    for x, y in ((Theirs((3, 2)), Theirs((4,))), (Theirs((3, 1)), Theirs((3,))), (np.ones(1), 1)):
        with pytest.raises(sk.BoundaryError):
            f(x, y)


def test_annotations_are_no_classes_to_make_instances_of(world):
    with pytest.raises(RuntimeError):
        Float[world.array_type, "n"]()


def test_scalars_have_no_axes():
    def g(x: Shaped[bool, ""], y: Float[float, ""], z: Float[float, "..."]): ...

    guarded, theirs = sk.boundary(g), jaxtyped(g, typechecker=beartype.beartype)
    for arguments in ((True, 1.0, 1.0), (1.0, 1.0, 1.0), (True, "1", 1.0), (True, 1.0, None)):
        assert passes(guarded, arguments) == passes(theirs, arguments)
