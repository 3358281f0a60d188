"""Every kind of callable and every kind of annotation: one test for each row of the tables."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import dataclasses
import functools
import inspect
import sys
import threading
import types
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Annotated, Any, NamedTuple, NewType, TypeVar, Union, no_type_check, overload

import numpy as np
import pytest
from jaxtyping import AbstractDtype, Float, Float32, Shaped, make_numpy_struct_dtype
from numpy.typing import ArrayLike

import sekisho as sk

Vector = Float[np.ndarray, "n"]
GOOD, BAD = np.ones(3), np.ones((3, 3))


# --- callables ------------------------------------------------------------------------------------


class Plain:
    @sk.numpy_world
    def method(self, x: Vector) -> Vector:
        return x

    @staticmethod
    @sk.numpy_world
    def static(x: Vector) -> Vector:
        return x

    @classmethod
    @sk.numpy_world
    def klass(cls, x: Vector) -> Vector:
        return x


class Child(Plain):
    @sk.numpy_world
    def method(self, x: Vector) -> Vector:
        return super().method(x)


class Called:
    def __call__(self, x: Vector) -> Vector:
        return x


class Base(abc.ABC):
    @sk.numpy_world
    @abc.abstractmethod
    def method(self, x: Vector) -> Vector: ...


class Concrete(Base):
    def method(self, x: Vector) -> Vector:
        return x


@sk.numpy_world
class Guarded:
    def __init__(self, size: int = 3):
        self.size = size

    def method(self, x: Vector) -> Vector:
        return x

    @staticmethod
    def static(x: Vector) -> Vector:
        return x

    @classmethod
    def klass(cls, x: Vector) -> Vector:
        return x

    def __call__(self, x: Vector) -> Vector:
        return x

    @no_type_check
    def unchecked(self, x: Vector) -> Vector:
        return x


def plain(x: Vector) -> Vector:
    return x


def positional(x: Vector, /) -> Vector:
    return x


def keyword(*, x: Vector) -> Vector:
    return x


def both(scale: float, x: Vector) -> Vector:
    return x


@functools.wraps(plain)
def wrapped(*args, **kwargs):
    return plain(*args, **kwargs)


@overload
def overloaded(x: Vector) -> Vector: ...
@overload
def overloaded(x: None) -> None: ...
@sk.numpy_world
def overloaded(x: Vector | None) -> Vector | None:
    return x


CALLABLES = {
    "function": sk.numpy_world(plain),
    "positional-only": sk.numpy_world(positional),
    "keyword-only": lambda x: sk.numpy_world(keyword)(x=x),
    "keyword": lambda x: sk.numpy_world(plain)(x=x),
    "method": Plain().method,
    "unbound method": lambda x: Plain.method(Plain(), x),
    "bound by hand": types.MethodType(Plain.method, Plain()),
    "staticmethod": Plain.static,
    "classmethod": Plain.klass,
    "super": Child().method,
    "partial of a guard": functools.partial(sk.numpy_world(both), 1.0),
    "guard of a partial": sk.numpy_world(functools.partial(both, 1.0)),
    "guard of a partial with keywords": (
        lambda x: sk.numpy_world(functools.partial(both, scale=1.0))(x=x)
    ),
    "wrapped by another decorator": sk.numpy_world(wrapped),
    "an object that is called": sk.numpy_world(Called()),
    "guarded twice": sk.numpy_world(sk.numpy_world(plain)),
    "class: method": Guarded().method,
    "class: staticmethod": Guarded.static,
    "class: classmethod": Guarded.klass,
    "class: called": Guarded(),
    "overloaded": overloaded,
    "coroutine": lambda x: asyncio.run(_coroutine(x)),
    "generator": lambda x: next(_generator(x)),
    "yielded": lambda x: next(_yields(x)),
    "async generator": lambda x: asyncio.run(_first(_async_generator(x))),
    "context manager": lambda x: _manager(x).__enter__(),
    "async context manager": lambda x: asyncio.run(_async_manager(x).__aenter__()),
}


@sk.numpy_world
async def _coroutine(x: Vector) -> Vector:
    await asyncio.sleep(0)
    return x


@sk.numpy_world
def _generator(x: Vector) -> Iterator[Vector]:
    yield x


@sk.numpy_world
def _yields(x: np.ndarray) -> Generator[Vector, None, None]:
    yield x


@sk.numpy_world
async def _async_generator(x: np.ndarray) -> AsyncIterator[Vector]:
    yield x


async def _first(items):
    try:
        return await anext(items)
    finally:
        await items.aclose()


@sk.numpy_world
@contextlib.contextmanager
def _manager(x: np.ndarray) -> Iterator[Vector]:
    yield x


@sk.numpy_world
@contextlib.asynccontextmanager
async def _async_manager(x: np.ndarray) -> AsyncIterator[Vector]:
    yield x


@pytest.mark.parametrize("name", CALLABLES)
def test_every_kind_of_callable_is_guarded(name):
    assert CALLABLES[name](GOOD) is GOOD
    with pytest.raises(sk.ShapeError, match="has 2 axes, not 1"):
        CALLABLES[name](BAD)


def test_inspect_sees_what_it_expects():
    assert type(sk.numpy_world(plain)) is types.FunctionType
    assert inspect.iscoroutinefunction(_coroutine)
    assert inspect.isgeneratorfunction(_generator)
    assert inspect.isasyncgenfunction(_async_generator)
    assert type(sk.numpy_world(Called())) is types.FunctionType
    assert inspect.signature(sk.numpy_world(functools.partial(both, 1.0))).parameters.keys() == {
        "x"
    }


def test_abstract_methods_stay_abstract():
    assert Base.__abstractmethods__ == {"method"}
    with pytest.raises(TypeError, match="abstract"):
        Base()
    assert Concrete().method(BAD) is BAD, "an override is not guarded by itself"


def test_a_guarded_class_is_the_same_class():
    assert type(Guarded()) is Guarded
    assert Guarded().unchecked(BAD) is BAD
    with pytest.raises(
        sk.BoundaryError, match=r"^Guarded\.__init__\(\) argument 'size': expected int"
    ):
        Guarded("3")


def test_a_guarded_module_is_asked_for_its_device_once_it_has_one(torch, second_device):
    @sk.torch_world(device="module")
    class Net(torch.nn.Module):
        def __init__(self, size: int):
            super().__init__()
            self.linear = torch.nn.Linear(size, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x)

        @staticmethod
        def make(size: int):
            return Net(size)

    net = Net.make(2)
    assert net(torch.zeros(1, 2)).shape == (1, 1)
    assert net.to("meta")(torch.zeros(1, 2)).device.type == "meta"
    with pytest.raises(sk.BoundaryError):
        Net("2")


def test_a_cached_property_is_computed_once_and_checked():
    calls = []

    class Data:
        def __init__(self, value):
            self.value = value

        @sk.numpy_world
        @functools.cached_property
        def vector(self) -> Vector:
            calls.append(1)
            return self.value

    data = Data(GOOD)
    assert data.vector is data.vector is GOOD
    assert calls == [1]
    with pytest.raises(sk.ShapeError, match=r"Data\.vector\(\) the result"):
        Data(BAD).vector


def test_a_cached_function_keeps_its_cache():
    @sk.numpy_world
    @functools.lru_cache
    def make(count: int) -> Vector:
        return np.ones(count)

    assert make(3) is make(3)
    assert make.cache_info().hits == 1
    make.cache_clear()
    assert make.cache_info().hits == 0


def test_a_function_under_no_grad_is_guarded(torch):
    @sk.torch_world
    @torch.no_grad()
    def f(x: Float[torch.Tensor, "n"]) -> Float[torch.Tensor, "n"]:
        return x * 2

    assert not f(torch.ones(2, requires_grad=True)).requires_grad
    with pytest.raises(sk.ShapeError):
        f(torch.ones(2, 2))


@pytest.mark.parametrize("make", [dataclasses.dataclass, dataclasses.dataclass(frozen=True)])
def test_a_dataclass_is_guarded_when_it_is_made(make, world, other):
    A = world.array_type

    class Batch:
        image: Float[A, "n h w"]
        label: Float[A, "n"]
        names: list[str] = dataclasses.field(default_factory=list)

    Batch.__annotations__ = {"image": Float[A, "n h w"], "label": Float[A, "n"], "names": list[str]}
    Batch = world.decorate(make(Batch))
    batch = Batch(world.zeros(2, 3, 4), other.zeros(2))
    assert isinstance(batch.label, A)
    assert batch.names == []
    with pytest.raises(sk.ShapeError, match=r"axis 'n' is 2 \(from argument 'image'\)"):
        Batch(world.zeros(2, 3, 4), world.zeros(3))
    with pytest.raises(sk.BoundaryError):
        Batch(world.zeros(2, 3, 4), world.zeros(2), names="text")


@sk.numpy_world
@dataclasses.dataclass
class Strings:
    """Its field annotations are strings, since this module has the __future__ import."""

    image: Float[np.ndarray, "n m"]
    label: Float[np.ndarray, "n"]


def test_dataclass_fields_with_string_annotations_are_checked():
    Strings(np.ones((2, 3)), np.ones(2))
    with pytest.raises(sk.ShapeError):
        Strings(np.ones((2, 3)), np.ones(3))


def test_attrs_classes_are_guarded_when_they_are_made():
    attrs = pytest.importorskip("attrs")
    Batch = sk.numpy_world(attrs.make_class("Batch", {"x": attrs.field(type=Vector)}))
    assert Batch(GOOD).x is GOOD
    with pytest.raises(sk.ShapeError):
        Batch(BAD)


@sk.numpy_world
class Pair(NamedTuple):
    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]


def test_named_tuples_are_guarded_when_they_are_made():
    assert Pair(GOOD, GOOD).x is GOOD
    with pytest.raises(sk.ShapeError):
        Pair(GOOD, np.ones(2))


def test_a_class_that_cannot_be_changed_is_refused():
    class Frozen(type):
        def __setattr__(cls, name, value):
            raise TypeError("frozen")

    class Kind(metaclass=Frozen):
        def method(self, x: Vector): ...

    with pytest.raises(sk.DeclarationError, match=r"Kind\.method cannot be guarded: frozen"):
        sk.numpy_world(Kind)


def test_builtins_without_a_signature_are_refused():
    with pytest.raises(sk.DeclarationError, match="its signature cannot be read"):
        sk.numpy_world(iter)


# --- generators -----------------------------------------------------------------------------------


def test_a_bad_item_in_the_middle_names_its_index(world, other):
    A = world.array_type

    @world.decorate
    def batches(x: Float[A, "d"]) -> Iterator[Float[A, "b d"]]:
        yield world.zeros(4, 3)
        yield world.zeros(2, 3)  # the last batch may be smaller
        yield world.zeros(2, 5)

    items = batches(world.zeros(3))
    assert [tuple(next(items).shape) for _ in range(2)] == [(4, 3), (2, 3)]
    with pytest.raises(sk.ShapeError) as caught:
        next(items)
    assert str(caught.value).splitlines()[0].startswith("batches() the yielded item 2: expected")
    assert "axis 'd' is 3 (from argument 'x'), but axis 1 of the yielded item 2 is 5" in (
        str(caught.value)
    )

    @world.decorate
    def leaves():
        yield other.zeros(1)

    with pytest.raises(sk.WorldError, match="the yielded item 0"):
        next(leaves())


def test_what_is_sent_and_returned_is_checked_too(world, other):
    A = world.array_type

    @world.decorate
    def average() -> Generator[int, Float[A, "n"], Float[A, "n"]]:
        total, count = 0, 0
        while count < 2:
            sent = yield count
            assert isinstance(sent, A)
            total, count = total + sent, count + 1
        return total

    def run(*values):
        generator = average()
        next(generator)
        for value in values:
            generator.send(value)

    with pytest.raises(StopIteration) as stop:
        run(world.zeros(3), other.zeros(3))
    assert isinstance(stop.value.value, A)
    with pytest.raises(sk.ShapeError, match="the sent value"):
        run(world.zeros(3, 3))
    with pytest.raises(sk.DTypeError, match="the sent value"):
        run(world.zeros(3, dtype="int32"))


def test_a_guarded_generator_is_closed_and_thrown_into_like_any_other():
    log = []

    @sk.numpy_world
    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        except KeyError:
            log.append("key")
            yield 3
        finally:
            log.append("closed")

    generator = numbers()
    assert next(generator) == 1
    assert generator.throw(KeyError()) == 3
    generator.close()
    assert log == ["key", "closed"]
    assert list(numbers()) == [1, 2]


def test_an_async_generator_is_sent_to_thrown_into_and_closed():
    log = []

    @sk.numpy_world
    async def echo() -> AsyncGenerator[int, int]:
        try:
            got = yield 0
            while True:
                try:
                    got = yield got
                except KeyError:
                    log.append("key")
                    got = -1
        finally:
            log.append("closed")

    async def main():
        generator = echo()
        assert await generator.asend(None) == 0
        assert await generator.asend(5) == 5
        assert await generator.athrow(KeyError()) == -1
        with pytest.raises(sk.BoundaryError, match="the sent value: expected int"):
            await generator.asend("text")
        await generator.aclose()

    asyncio.run(main())
    assert log[0] == "key"
    assert log[-1] == "closed"


def stubborn(items, log, ignores):
    """Yield from a generator body that catches exceptions, and may once ignore being closed."""
    while True:
        try:
            yield from items
            return
        except GeneratorExit:
            log.append("exit")
            if not ignores or log.count("exit") > 1:
                raise
        except Exception:
            log.append("swallowed")
        finally:
            log.append("finally")


@pytest.mark.parametrize("ignores", [False, True])
@pytest.mark.parametrize("mode", ["convert", "strict", "warn"])
def test_a_refused_item_is_raised_to_the_caller_and_not_thrown_into_the_generator(
    world, mode, ignores
):
    log = []

    @world.decorate
    def f() -> Generator[Float[world.array_type, "2"], int, int]:
        yield from stubborn([world.zeros(2), world.zeros(3), world.zeros(2)], log, ignores)

    @world.decorate
    async def g() -> AsyncGenerator[Float[world.array_type, "2"], int]:
        while True:
            try:
                yield world.zeros(2)
                yield world.zeros(3)
            except GeneratorExit:
                log.append("exit")
                if not ignores or log.count("exit") > 1:
                    raise
            except Exception:
                log.append("swallowed")
            finally:
                log.append("finally")

    with sk.mode(mode):
        taken = f()
        next(taken)
        with pytest.raises(sk.ShapeError, match="the yielded item 1: expected Float") as caught:
            next(taken)
    assert log[:2] == ["exit", "finally"]
    says = ["sekisho: closing the generator raised RuntimeError: generator ignored GeneratorExit"]
    assert getattr(caught.value, "__notes__", []) == (says if ignores else [])
    with pytest.raises(StopIteration):
        next(taken)

    async def main():
        taken = g()
        await anext(taken)
        log.clear()
        with pytest.raises(sk.ShapeError, match="the yielded item 1: expected Float") as caught:
            await anext(taken)
        assert log[:2] == ["exit", "finally"]
        assert len(getattr(caught.value, "__notes__", [])) == ignores
        with pytest.raises(StopAsyncIteration):
            await anext(taken)

    with sk.mode(mode):
        asyncio.run(main())


def test_a_refused_sent_value_closes_the_generator_before_the_caller_goes_on():
    log = []

    @sk.numpy_world
    def f() -> Generator[int, int, None]:
        try:
            while True:
                try:
                    yield 1
                except Exception:
                    log.append("swallowed")
        finally:
            log.append("finally")

    @sk.numpy_world
    async def g() -> AsyncGenerator[int, int]:
        try:
            while True:
                try:
                    yield 1
                except Exception:
                    log.append("swallowed")
        finally:
            await asyncio.sleep(0)
            log.append("finally")

    generator = f()
    next(generator)
    with pytest.raises(sk.BoundaryError, match="the sent value: expected int"):
        generator.send("text")
    assert log == ["finally"]

    async def main():
        generator = g()
        await anext(generator)
        with pytest.raises(sk.BoundaryError, match="the sent value: expected int"):
            await generator.asend("text")
        assert log == ["finally", "finally"]

    asyncio.run(main())


def test_what_is_yielded_in_answer_to_an_error_is_checked_too():
    log = []

    @sk.numpy_world
    def f() -> Generator[int, None, str]:
        try:
            yield 1
        except KeyError:
            try:
                yield "text"
            finally:
                log.append("finally")
        return "done"

    generator = f()
    next(generator)
    with pytest.raises(sk.BoundaryError, match="the yielded item 1: expected int"):
        generator.throw(KeyError())
    assert log == ["finally"]


def test_a_refused_return_value_of_a_generator_is_the_only_error():
    @sk.numpy_world
    def f() -> Generator[int, None, int]:
        yield 1
        return "text"

    with pytest.raises(sk.BoundaryError, match="the result: expected int") as caught:
        list(f())
    assert caught.value.__context__ is None


def test_a_wrong_annotation_of_a_generator_is_refused_at_decoration():
    def f() -> Vector:
        yield GOOD

    with pytest.raises(sk.DeclarationError, match="is no annotation for a generator"):
        sk.numpy_world(f)
    with pytest.raises(sk.DeclarationError, match="is for functions that return"):
        sk.numpy_world(returns="caller")(_generator.__wrapped__)


def test_mode_off_hands_generators_on():
    with sk.mode("off"):
        assert next(_yields(BAD)) is BAD


# --- annotations ----------------------------------------------------------------------------------

T = TypeVar("T", bound=Vector)
C = TypeVar("C", Float[np.ndarray, "n"], Float[np.ndarray, "n 1"])
Alias = Vector
Fresh = NewType("Fresh", np.ndarray)


class Small(AbstractDtype):
    dtypes = ("float16", "uint8")


point = np.dtype([("x", "f4"), ("y", "f4")])
Point = make_numpy_struct_dtype(point, "Point")

ANNOTATIONS = {
    "object": (Vector, GOOD, BAD),
    "string": ("Float[np.ndarray, 'n']", GOOD, BAD),
    "string inside": (Union["Vector", None], GOOD, BAD),
    "alias": ("Alias", GOOD, BAD),
    "annotated": (Annotated[Vector, "for somebody else"], GOOD, BAD),
    "type variable": (T, GOOD, BAD),
    "constrained type variable": (C, np.ones((3, 1)), BAD),
    "new type": (Fresh, BAD, [1]),
    "array of arrays": (Float[Float[np.ndarray, "3"], "n"], BAD, np.ones((3, 2))),
    "dtype of one's own": (Small[np.ndarray, "n"], np.ones(1, "f2"), np.ones(1, "f4")),
    "structured": (Point[np.ndarray, "n"], np.zeros(2, point), GOOD),
    "scalar array": (Float[np.ndarray, ""], np.array(1.0), GOOD),
    "python scalar": (Float[float, ""], 1.0, "text"),
    "either array or number": (Float[np.ndarray, "n"] | float, 1, "1"),
    "any array": (Shaped[Any, "n"], GOOD, BAD),
    "two axes of one name": (Float[np.ndarray, "n n"], BAD, np.ones((3, 2))),
    "literal sizes": (np.ndarray[tuple[int, int], np.dtype[np.float64]], BAD, GOOD),
}

# jaxtyping 0.3 does not read the ArrayLike of NumPy 2.5.
with contextlib.suppress(TypeError):
    ANNOTATIONS["array-like"] = (Float[ArrayLike, "n"], GOOD, BAD)


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_every_kind_of_annotation_is_checked(name):
    annotation, good, bad = ANNOTATIONS[name]

    def f(x):
        return x

    f.__annotations__ = {"x": annotation}
    guarded = sk.numpy_world(f)
    assert guarded(good) is good
    with pytest.raises(sk.BoundaryError):
        guarded(bad)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type X = ...` is Python 3.12's")
def test_type_aliases_of_python_3_12_are_followed():
    namespace = {"Vector": Vector}
    exec("type Image = Vector\ntype Images = list[Image]", namespace)

    def f(x, y): ...

    f.__annotations__ = {"x": namespace["Image"], "y": namespace["Images"]}
    guarded = sk.numpy_world(f)
    guarded(GOOD, [GOOD])
    with pytest.raises(sk.ShapeError):
        guarded(BAD, [])
    with pytest.raises(sk.ShapeError):
        guarded(GOOD, [BAD])


def test_sizes_of_arguments_and_attributes_stand_in_braces():
    class Layer:
        size = 4

        @sk.numpy_world
        def run(
            self, x: Float[np.ndarray, "n {self.size}"], k: int
        ) -> Float[np.ndarray, "n {k} {self.size}*2+{k}"]:
            return np.zeros((len(x), self.wanted, 11))

    layer = Layer()
    layer.wanted = 3
    layer.run(np.ones((2, 4)), 3)
    with pytest.raises(sk.ShapeError, match=r"axis 1 of 'x' is 5, not \{self\.size\} = 4"):
        layer.run(np.ones((2, 5)), 3)
    with pytest.raises(sk.ShapeError, match=r"axis 1 of the result is 3, not \{k\} = 2"):
        layer.run(np.ones((2, 4)), 2)
    del Layer.size
    with pytest.raises(sk.ShapeError, match="has no attribute 'size'"):
        layer.run(np.ones((2, 4)), 3)


def test_braces_name_an_argument():
    def f(x: Float[np.ndarray, "{size}"]): ...

    with pytest.raises(
        sk.DeclarationError, match=r"uses '\{size\}', which no axis before it binds"
    ):
        sk.numpy_world(f)


def test_pytrees_are_jaxtypings_own_business():
    pytest.importorskip("jax")
    from jaxtyping import PyTree

    def f(tree, other, same, m): ...

    f.__annotations__ = {
        "tree": PyTree[Float[np.ndarray, "?n m"], "T"],
        "other": PyTree[Float[np.ndarray, "?n _"], "T"],
        "same": PyTree[Float[np.ndarray, "m"]],
        "m": Float[np.ndarray, "m"],
    }
    f = sk.boundary(f)
    tree, other = {"a": np.ones((3, 4)), "b": [np.ones((2, 4))]}, {"a": BAD, "b": [np.ones((2, 1))]}
    same, m = [np.ones(4), np.ones(4)], np.ones(4)
    f(tree, other, same, m)
    for invalid in (
        (tree["a"][0], other, same, m),
        (tree, {"a": BAD, "b": [BAD]}, same, m),
        (tree, {"a": BAD}, same, m),
        (tree, other, [np.ones(3)], m),
        (tree, other, same, np.ones(3)),
    ):
        with pytest.raises(sk.BoundaryError):
            f(*invalid)


def test_arrays_of_a_third_library_share_axes_too():
    jax = pytest.importorskip("jax")
    from jaxtyping import Key

    def f(x, y, key): ...

    f.__annotations__ = {
        "x": Float[jax.Array, "n"],
        "y": Float[np.ndarray, "n"],
        "key": Key[jax.Array, ""],
    }
    f = sk.boundary(f)
    ones, key = jax.numpy.ones(3), jax.random.key(0)
    f(ones, GOOD, key)
    for invalid in ((ones, np.ones(2), key), (GOOD, GOOD, key), (ones, GOOD, ones)):
        with pytest.raises(sk.BoundaryError):
            f(*invalid)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="lazy annotations are Python 3.14's")
def test_lazy_annotations_of_python_3_14_are_read_when_they_can_be():
    namespace: dict[str, Any] = {"sk": sk}
    exec("@sk.numpy_world\ndef f(x: Later) -> Later: return x", namespace)
    with pytest.raises(sk.DeclarationError, match="'Later' is not defined"):
        namespace["f"](GOOD)
    namespace["Later"] = Vector
    assert namespace["f"](GOOD) is GOOD
    with pytest.raises(sk.ShapeError):
        namespace["f"](BAD)


def test_names_under_type_checking_are_an_error_at_the_first_call():
    @sk.numpy_world
    def f(x: OnlyForTheTypeChecker): ...

    with pytest.raises(sk.DeclarationError, match="'OnlyForTheTypeChecker' is not defined"):
        f(GOOD)
    with pytest.raises(sk.DeclarationError, match="'OnlyForTheTypeChecker' is not defined"):
        f(GOOD)


def test_a_coroutine_guard_runs_in_many_tasks_at_once(world):
    @world.decorate
    async def f(x: Float[world.array_type, "n"], y: Float[world.array_type, "n"]) -> None:
        await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(f(world.zeros(n), world.zeros(n)) for n in range(100)))

    asyncio.run(main())


def test_a_guard_may_be_called_from_threads_while_it_is_first_called():
    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
        return x

    threads = [threading.Thread(target=f, args=(np.ones(2, "f4"),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
