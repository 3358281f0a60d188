"""A guard acts as its function does: signature, call, class, thread, recursion."""

from __future__ import annotations

import functools
import inspect
import threading
import types

import numpy as np
import pytest
from jaxtyping import Float, Int

import sekisho as sk


@sk.numpy_world
def matmul(
    x: Float[np.ndarray, "b c"], y: Float[np.ndarray, "c d"], *, scale: float = 1.0
) -> Float[np.ndarray, "b d"]:
    """Multiply."""
    return x @ y * scale


def test_a_guard_is_a_plain_function_with_the_functions_signature():
    assert type(matmul) is types.FunctionType
    plain = inspect.unwrap(matmul)
    assert inspect.signature(matmul) == inspect.signature(plain)
    assert inspect.signature(matmul, follow_wrapped=False).parameters.keys() == {"x", "y", "scale"}
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
        assert getattr(matmul, name) == getattr(plain, name)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "matmul() missing 2 required positional arguments: 'x' and 'y'"),
        ((np.ones((1, 1)),), {}, "matmul() missing 1 required positional argument: 'y'"),
        ((1, 2, 3), {}, "matmul() takes 2 positional arguments but 3 were given"),
        ((1, 2), {"z": 3}, "matmul() got an unexpected keyword argument 'z'"),
        ((1,), {"x": 1}, "matmul() got multiple values for argument 'x'"),
    ],
)
def test_arity_errors_are_pythons_own(args, kwargs, message):
    with pytest.raises(TypeError) as caught:
        matmul(*args, **kwargs)
    assert type(caught.value) is TypeError
    assert str(caught.value) == message


def test_valid_arguments_arrive_as_the_same_objects(world):
    seen = []

    @world.decorate
    def look(a: world.array_type, b: Float[world.array_type, "n"], *rest, key=None, **more):
        seen.extend([a, b, *rest, key, *more.values()])

    values = [world.zeros(2), world.zeros(3), world.zeros(1), [1], {"k": world.zeros(1)}, "s"]
    look(values[0], values[1], values[2], values[3], key=values[4], other=values[5])
    assert all(got is passed for got, passed in zip(seen, values, strict=True))


def test_every_kind_of_parameter_reaches_the_function():
    @sk.numpy_world
    def f(a, b: int = 2, /, c=3, *args: int, d: str = "d", e, **kwargs: float):
        return a, b, c, args, d, e, kwargs

    assert f(1, e=5) == (1, 2, 3, (), "d", 5, {})
    assert f(1, 9, 8, 7, 6, d="x", e=5, f=4.0) == (1, 9, 8, (7, 6), "x", 5, {"f": 4.0})
    with pytest.raises(sk.BoundaryError, match="argument 'args'"):
        f(1, 2, 3, "four", e=5)
    with pytest.raises(sk.BoundaryError, match="argument 'kwargs'"):
        f(1, e=5, f="4")


def test_arrays_in_args_and_kwargs_are_checked_and_share_axes(world, other):
    @world.decorate
    def f(*xs: Float[world.array_type, "n"], **ys: Float[world.array_type, "n"]):
        return [type(x) for x in (*xs, *ys.values())]

    assert f(world.zeros(2), other.zeros(2), y=other.zeros(2)) == [world.array_type] * 3
    with pytest.raises(sk.ShapeError, match="axis 'n' is 2"):
        f(world.zeros(2), y=world.zeros(3))


def test_defaults_that_were_not_passed_are_left_alone():
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n"] = None, y: int = "invalid", z: Float[np.ndarray, "n"] = 3):
        return x, y, z

    assert f() == (None, "invalid", 3)
    array = np.ones(2)
    assert f(array)[0] is array
    with pytest.raises(sk.ShapeError, match="axis 'n' is 2"):
        f(array, 1, np.ones(3))
    with pytest.raises(sk.BoundaryError):
        f(None, "other")


def test_axes_of_an_omitted_argument_bind_nothing():
    @sk.numpy_world
    def f(
        x: Float[np.ndarray, "n"] | None, y: Float[np.ndarray, "n"] | None = None
    ) -> Int[np.ndarray, "n"] | None:
        return np.zeros(5, int)

    assert f(None).shape == (5,)
    f(np.ones(5))
    for invalid in ((np.ones(4),), (None, np.ones(4)), (np.ones(5), np.ones(4))):
        with pytest.raises(sk.ShapeError):
            f(*invalid)


def test_methods_of_every_kind(world):
    class Pipeline:
        size = 3

        @world.decorate
        def method(self, x: Float[world.array_type, "n"]):
            return self.size, x

        @classmethod
        @world.decorate
        def class_method(cls, x: Float[world.array_type, "n"]):
            return cls.size, x

        @staticmethod
        @world.decorate
        def static_method(x: Float[world.array_type, "n"]):
            return 3, x

        @world.decorate
        @staticmethod
        def outer_static(x: Float[world.array_type, "n"]):
            return 3, x

        @world.decorate
        @classmethod
        def outer_class(cls, x: Float[world.array_type, "n"]):
            return cls.size, x

    x = world.zeros(2)
    for name in ("method", "class_method", "static_method", "outer_static", "outer_class"):
        size, got = getattr(Pipeline(), name)(x)
        assert size == 3
        assert got is x
        with pytest.raises(sk.ShapeError, match=rf"Pipeline\.{name}\(\) argument 'x'"):
            getattr(Pipeline(), name)(world.zeros(2, 2))


def test_a_property_is_guarded(world, other):
    class Box:
        def __init__(self):
            self.inside = world.zeros(2)

        @world.decorate
        @property
        def value(self) -> Float[world.array_type, "2"]:
            return self.inside

        @value.setter
        def value(self, new):
            self.inside = new

    box = Box()
    assert box.value is box.inside
    box.value = other.zeros(2)
    with pytest.raises(sk.WorldError, match=r"Box\.value\(\) the result"):
        box.value


def test_a_function_inside_a_class_inside_a_function_is_named_without_its_surroundings():
    class Inner:
        @sk.numpy_world
        def f(self, x: Float[np.ndarray, "n"]): ...

    with pytest.raises(sk.WorldError) as caught:
        Inner().f(3)
    assert str(caught.value).startswith("Inner.f() argument 'x'")


def test_lambdas_and_partials_of_guards():
    assert sk.numpy_world(lambda x: x)(3) == 3
    half = functools.partial(matmul, scale=0.5)
    assert half(np.ones((1, 1)), np.ones((1, 1))).item() == 0.5


def test_a_guard_around_a_wrapped_function_asks_what_the_inner_one_declares():
    @functools.lru_cache
    def cached(n: int) -> Float[np.ndarray, "n_"]:
        return np.zeros(n)

    guarded = sk.numpy_world(cached)
    assert guarded(3) is guarded(3)
    with pytest.raises(sk.BoundaryError):
        guarded("3")


def test_a_function_with_nothing_to_check_is_guarded_too_since_its_body_may_be_watched():
    @sk.boundary(typechecker=None)
    def f(x, y: int): ...

    assert sk.generated_source(f) == "def f(x, y):\n    return _f(x, y)\n"


def test_recursion_and_nesting_keep_their_axes_apart(world):
    @world.decorate
    def shrink(x: Float[world.array_type, "n m"]) -> Float[world.array_type, "k m"]:
        return x if x.shape[0] == 1 else shrink(x[1:])

    assert tuple(shrink(world.zeros(5, 2)).shape) == (1, 2)

    @world.decorate
    def outer(x: Float[world.array_type, "n m"]) -> Float[world.array_type, "n m"]:
        shrink(world.zeros(7, 3))
        return x

    outer(world.zeros(2, 2))


def test_an_exception_in_the_body_comes_through_and_leaves_nothing_bound():
    @sk.numpy_world
    def fail(x: Float[np.ndarray, "n"]):
        raise KeyError("mine")

    for n in (2, 3):
        with pytest.raises(KeyError, match="mine"):
            fail(np.ones(n))


def test_threads_do_not_see_each_others_axes():
    @sk.numpy_world
    def same(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return x + y

    failures = []

    def work(n):
        try:
            for _ in range(300):
                same(np.ones(n), np.ones(n))
        except sk.SekishoError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_names_defined_after_decoration_are_resolved_at_the_first_call():
    @sk.numpy_world
    def f(x: Later, y: int = 1) -> Later:
        return x

    assert inspect.signature(f).parameters.keys() == {"x", "y"}
    with pytest.raises(sk.DeclarationError) as caught:
        f(np.ones(2))
    assert str(caught.value) == (
        "f(): an annotation names what is not defined: name 'Later' is not defined.\n"
        "  hint: import it outside of TYPE_CHECKING, or define it before the first call"
    )
    globals()["Later"] = Float[np.ndarray, "n"]
    try:
        assert f(np.ones(2)).shape == (2,)
        with pytest.raises(sk.ShapeError):
            f(np.ones((2, 2)))
        assert "# x: Float[ndarray" in sk.generated_source(f)
    finally:
        del globals()["Later"]


def test_sixteen_threads_may_make_the_first_call_at_once():
    @sk.numpy_world
    def f(x: MuchLater) -> MuchLater:
        return x

    globals()["MuchLater"] = Float[np.ndarray, "n"]
    start = threading.Barrier(16)
    outcomes = []

    def work():
        start.wait()
        f(np.ones(2))
        try:
            f(np.ones((2, 2)))
        except sk.ShapeError:
            outcomes.append("refused")

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del globals()["MuchLater"]
    assert outcomes == ["refused"] * 16


def test_string_annotations_see_the_names_around_the_function(world):
    Image = Float[world.array_type, "h w"]

    class Filter:
        Kernel = Float[world.array_type, "k k"]

        @world.decorate
        def run(self, image: Image, kernel: Kernel) -> Image:
            return image

    Filter().run(world.zeros(2, 3), world.zeros(3, 3))
    with pytest.raises(sk.ShapeError):
        Filter().run(world.zeros(2, 3), world.zeros(3, 4))


def test_arrays_of_any_rank_pass(world):
    @world.decorate
    def f(x: Float[world.array_type, "*b"], y: Float[world.array_type, "... n"]):
        return len(x.shape), len(y.shape)

    rank = 64
    assert f(world.zeros(), world.zeros(0)) == (0, 1)
    assert f(world.zeros(*[1] * rank), world.zeros(*[1] * rank)) == (rank, rank)
    with pytest.raises(sk.ShapeError, match="0 axes, not at least 1"):
        f(world.zeros(), world.zeros())
