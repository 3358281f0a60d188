"""The axes of a contract as the symbolic shapes of jax.export."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest
from jaxtyping import Float, Float32, Key

import sekisho as sk
from sekisho.export import symbolic_arguments

jax = pytest.importorskip("jax")
exporting = pytest.importorskip("jax.export")

A = jax.Array
j = jax.numpy.ones


@dataclasses.dataclass
class Unknown:
    values: Float32[A, "n"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Points:
    values: Float32[A, "n d"]
    labels: Float32[A, "n"]


@sk.jax_world
def computed(
    x: Float32[A, "b n 8"],
    y: Float32[A, "b n-2"],
    z: Float32[A, "2*n"],
    k: Float32[A, "n//2"],
) -> Float32[A, "b n"]:
    return x.sum(-1) + y.sum() + z[::2] + k.sum()


def test_named_axes_and_their_expressions_are_symbols_of_one_scope():
    args, kwargs = symbolic_arguments(computed, bounds={"b": (None, 64)})
    assert [str(each.shape) for each in args] == [
        "(b, n, 8)",
        "(b, n - 2)",
        "(2*n,)",
        "(floordiv(n, 2),)",
    ]
    exported = exporting.export(jax.jit(computed))(*args, **kwargs)
    assert exported.call(j((2, 4, 8)), j((2, 2)), j(8), j(2)).shape == (2, 4)
    with pytest.raises(ValueError, match="64"):
        exported.call(j((65, 4, 8)), j((65, 2)), j(8), j(2))


@sk.jax_world
def held(
    p: Points,
    x: Float32[A, "*batch d"],
    *,
    each: dict[str, Float32[A, "_ d"]],
    maybe: Float32[A, "b"] | None = None,
):
    return x.sum() + p.values.sum()


def test_containers_get_the_shapes_of_an_example():
    example = (Points(j((2, 3)), j(2)), j((4, 5, 3)))
    args, kwargs = symbolic_arguments(held, example, {"each": {"q": j((7, 3))}})
    assert str(args[0].values.shape) == "(p_n, d)"  # `d` is the call's, `n` the record's own
    assert str(args[1].shape) == "(batch_2, batch_1, d)"
    assert str(kwargs["each"]["q"].shape) == "(7, d)"
    assert exporting.export(jax.jit(held))(*args, **kwargs)


@sk.jax_world
def unequal(x: Float32[A, "b n"], y: Float32[A, "c n"]) -> Float32[A, "c n"]:
    return x


def test_a_contract_that_the_function_breaks_is_told_in_its_own_names():
    args, _ = symbolic_arguments(unequal)
    with pytest.raises(sk.ShapeError) as caught:
        exporting.export(jax.jit(unequal))(*args)
    assert "axis 'c' is c (from argument 'y'), but axis 0 of the result is b" in str(caught.value)


def several(x: Float[A, "n"]): ...
def largest(x: Float32[A, "n"], y: Float32[A, "m"], z: Float32[A, "max(n,m)"]): ...
def anything(x: Any): ...
def unregistered(x: Unknown): ...


@pytest.mark.parametrize(
    ("function", "args", "message"),
    [
        (
            several,
            None,
            "several() argument 'x': Float[Array, \"n\"] allows several dtypes.\n"
            "  hint: pass an example, or annotate with one dtype",
        ),
        (
            anything,
            None,
            "anything() argument 'x': its annotation gives no shape.\n  hint: pass an example",
        ),
        (
            unregistered,
            (Unknown(j(3)),),
            "unregistered() argument 'x': jax.export cannot take an Unknown apart.\n"
            "  hint: jax.tree_util.register_dataclass(Unknown)",
        ),
        (
            unregistered,
            None,
            "unregistered() argument 'x': an Unknown cannot be made of shapes alone.\n"
            "  hint: pass an example",
        ),
    ],
)
def test_what_jax_cannot_say_is_refused_with_the_reason(function, args, message):
    with pytest.raises(sk.DeclarationError) as caught:
        symbolic_arguments(function, args)
    assert str(caught.value) == message


def test_an_expression_without_a_symbol_is_refused_with_jaxs_reason():
    with pytest.raises(sk.DeclarationError) as caught:
        symbolic_arguments(largest)
    assert str(caught.value).startswith(
        "largest() argument 'z': JAX has no symbolic size 'max(n,m)': Symbolic dimension comparison"
    )
    assert str(caught.value).endswith("\n  hint: an expression of + - * // %")


def test_an_example_gives_the_dtype_that_the_annotation_leaves_open():
    (x,), _ = symbolic_arguments(several, (j(3),))
    assert (str(x.shape), x.dtype.name) == ("(n,)", "float32")


def keyed(key: Key[A, ""], many: Key[A, "n"], x: Float32[A, "n"]): ...


@pytest.mark.parametrize("impl", [None, "rbg"])
def test_prng_keys_have_the_dtype_of_their_implementation(impl):
    key = jax.random.key(0, impl=impl)
    args, _ = symbolic_arguments(keyed, (key, jax.random.split(key, 3), j(3)))
    assert [str(each.shape) for each in args] == ["()", "(n,)", "(n,)"]
    assert args[0].dtype == args[1].dtype == key.dtype


def test_without_an_example_prng_keys_are_of_the_default_implementation():
    def sample(key: Key[A, ""], x: Float32[A, "n"]):
        return x + jax.random.uniform(key)

    args, _ = symbolic_arguments(sample)
    assert args[0].dtype == jax.random.key(0).dtype
    exported = exporting.export(jax.jit(sample))(*args)
    assert exported.call(jax.random.key(0), j(3)).shape == (3,)


@pytest.mark.parametrize("name", ["mod", "floordiv", "max", "min", "non_negative", "mod_"])
def test_an_axis_may_have_a_name_of_jaxs_grammar(name):
    def shifted(x, y): ...

    shifted.__annotations__ = {"x": Float32[A, f"{name} mod_"], "y": Float32[A, f"{name}+1"]}
    args, _ = symbolic_arguments(shifted, bounds={name: (2, 9)})
    first, second = args[0].shape
    assert args[1].shape == (first + 1,)
    assert (first == second) == (name == "mod_")


@pytest.mark.parametrize("outer", [lambda f: f, jax.jit, jax.grad], ids=["plain", "jit", "grad"])
@pytest.mark.parametrize("batched", ["vmap", "pmap"])
def test_the_axes_that_a_wrapper_adds_are_not_lost(outer, batched):
    with pytest.raises(sk.DeclarationError) as caught:
        symbolic_arguments(outer(getattr(jax, batched)(unequal)))
    assert str(caught.value) == (
        f"unequal() is wrapped by {batched}, which adds axes that its contract does not name.\n"
        f"  hint: annotate a function that calls {batched}(unequal)"
    )


class Vectorizer:
    """A class of the user's, whose name begins as NumPy's."""


def vectorized_log(function, config=None):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) if config is None else config

    return wrapper


@pytest.mark.parametrize("config", [None, Vectorizer()])
def test_a_decorator_with_such_a_name_adds_no_axes(config):
    args, _ = symbolic_arguments(vectorized_log(unequal, config))
    plain, _ = symbolic_arguments(unequal)
    assert [*map(str, args)] == [*map(str, plain)]


def test_a_function_that_calls_vmap_has_the_axes_of_its_own_contract():
    @sk.jax_world
    def batched(x: Float32[A, "batch b n"], y: Float32[A, "batch b n"]) -> Float32[A, "batch b n"]:
        return jax.vmap(unequal)(x, y)

    args, _ = symbolic_arguments(batched)
    exported = exporting.export(jax.jit(batched))(*args)
    assert exported.call(j((2, 3, 4)), j((2, 3, 4))).shape == (2, 3, 4)


@pytest.mark.parametrize("as_struct", [False, True])
@pytest.mark.parametrize(
    "wrong", [j(3), j((3, 4)), j((3, 3), "int32")], ids=["rank", "size", "dtype"]
)
def test_an_example_that_a_call_would_refuse_is_refused(wrong, as_struct):
    def three(x: Float32[A, "n 3"]): ...

    example = jax.ShapeDtypeStruct(wrong.shape, wrong.dtype) if as_struct else wrong
    with pytest.raises((sk.ShapeError, sk.DTypeError), match=r"^three\(\) argument 'x': expected"):
        symbolic_arguments(three, (example,))


def test_any_number_of_arrays_needs_an_example():
    def starred(*xs: Float32[A, "n"]): ...

    with pytest.raises(sk.DeclarationError, match="'\\*xs' may be any number of arrays"):
        symbolic_arguments(starred)
    assert len(symbolic_arguments(starred, (j(3), j(3)))[0]) == 2
