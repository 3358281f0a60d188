"""Guards keep nothing alive: reference counting alone frees it, in every flavour."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import sys
import weakref
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk


class Model:
    """Stands for an object in a closure, such as a model."""

    scale = 2.0


class Argument(np.ndarray):
    """An argument that supports weak references."""


def function(model, array):
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"], k: int = 1) -> Float[np.ndarray, "n m"]:
        return x * model.scale

    return f


def union(model, array):
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"] | Float[np.ndarray, "n"] | list[int]):
        return model and x

    return f


def caller(model, array):
    return sk.numpy_world(returns="caller")(lambda x: np.asarray(x) * model.scale)


def text(model, array):
    @sk.numpy_world
    def f(x: "Float[np.ndarray, 'n m']"):
        return x * model.scale

    return f


def late(model, array):
    @sk.numpy_world
    def f(x: "Float[np.ndarray, 'n m'] | NotYet"):
        return x * model.scale

    return f


NotYet = int


def partial(model, array):
    return sk.numpy_world(functools.partial(lambda held, x: held and x, model))


def method(model, array):
    @sk.numpy_world
    class Kind:
        def run(self, x: Float[np.ndarray, "n m"]):
            return x * self.model.scale

    instance = Kind()
    instance.model = model
    return instance.run


def data_class(model, array):
    @sk.numpy_world
    @dataclasses.dataclass
    class Kind:
        x: Float[np.ndarray, "n m"]

    held = [model]
    return lambda x: held and Kind(x)


def generator(model, array):
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"]):
        yield x * model.scale

    return lambda x: list(f(x))


def dropped(model, array):
    """Return a generator that outlives its guard."""

    def f(x: Float[np.ndarray, "n m"]):
        yield x * model.scale

    return lambda x: list(sk.numpy_world(f)(x))


def coroutine(model, array):
    @sk.numpy_world
    async def f(x: Float[np.ndarray, "n m"]):
        return x * model.scale

    return lambda x: drive(f(x))


def drive(coroutine):
    """Run a coroutine that never waits; asyncio's tasks and errors would be part of cycles."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def sharing(model, array):
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"]):
        assert isinstance(x, Float[np.ndarray, "n m"])
        return sk.check(x * model.scale, Float[np.ndarray, "n m"])

    return f


MAKERS = [function, union, caller, text, late, partial, method, data_class, generator, dropped]
MAKERS += [coroutine, sharing]


def others(array: Any) -> list[Any]:
    found: list[Any] = ["no array", [1.5], np.ones(3), np.ones((2, 3)).astype("c8")]
    torch = sys.modules.get("torch")
    if torch is not None:
        found += [
            torch.ones(2, 3),
            torch.ones(2, 3, requires_grad=True),
            torch.ones(2, 3).to_sparse(),
        ]
    return found


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("calls", ["never", "valid", "invalid", "strict"])
def test_a_guard_frees_its_closure_and_its_arguments(make, calls, no_collector):
    model, array = Model(), np.ones((2, 3)).view(Argument)
    references = [weakref.ref(model), weakref.ref(array)]
    guarded = make(model, array)
    if calls == "valid":
        guarded(array)
    elif calls == "invalid":
        for value in others(array):
            with contextlib.suppress(sk.SekishoError, TypeError, AttributeError):
                guarded(value)
    elif calls == "strict":
        with sk.mode("strict"):
            for value in (array, *others(array)):
                with contextlib.suppress(sk.SekishoError, TypeError, AttributeError):
                    guarded(value)
    del guarded, model, array
    if make is method or make is data_class:
        # A class is always part of a reference cycle; its instances are not.
        assert references[1]() is None
        return
    assert [each() for each in references] == [None, None]


def test_a_default_lives_no_longer_than_its_guard(no_collector):
    default = np.ones(2).view(Argument)
    reference = weakref.ref(default)

    def make(default):
        @sk.numpy_world
        def f(x: Float[np.ndarray, "n"] = default):
            return None

        return f

    guarded = make(default)
    guarded()
    sk.generated_source(guarded)
    del guarded, default
    assert reference() is None


def test_a_decorator_keeps_no_variable_of_the_function_around_alive(no_collector):
    def make():
        model = Model()
        reference = weakref.ref(model)

        @sk.numpy_world
        def f(x: Float[np.ndarray, "n"]): ...

        del model
        return f, reference() is None

    assert make()[1]
