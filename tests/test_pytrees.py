"""PyTrees: jaxtyping decides what is valid, sekisho names the place, and converts each leaf."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from typing import Any

import beartype
import jaxtyping
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jaxtyping import Float32, Shaped, jaxtyped

import sekisho as sk

jax = pytest.importorskip("jax")
jnp = jax.numpy
# The names of jaxtyping that import JAX.
Array, ArrayLike, PyTree, ScalarLike = (
    getattr(jaxtyping, name) for name in ("Array", "ArrayLike", "PyTree", "ScalarLike")
)
WORLDS = {"numpy": (np.asarray, np.ndarray), "jax": (jnp.asarray, jax.Array)}
try:
    import torch

    WORLDS["torch"] = (torch.from_numpy, torch.Tensor)
except ImportError:
    torch = None


def guard_of(function: Any, decorate: Any, **annotations: Any) -> Any:
    function.__annotations__ = annotations
    return decorate(function)


def ones(*shape: int) -> Any:
    return np.ones(shape, "float32")


# --- the verdict is jaxtyping's -------------------------------------------------------------------

WORDS = ["n", "m", "2", "#n", "?n", "{k}", "_", "n+1"]
SEVERAL = ["", "*s", "?*s", "*?s", "*#s", "?*#s", "..."]
STRUCTURES = ["T", "S", "T S", "S T", "... T", "T ..."]
LEAVES = {
    "array": lambda array: array,
    "or a number": lambda array: array | int,
    "or nothing": lambda array: array | None,
    "pair": lambda array: tuple[array, int],
    "list": lambda array: list[array],
}
SHAPES = {
    "leaf": "*",
    "list": ["*", "*"],
    "dict": {"b": "*", "a": ["*"]},
    "tuple": ("*", {"c": "*"}),
    "nothing": [],
    "with nothing": ["*", None],
}


def size_of(draw: Any, word: str, leaf: int) -> tuple[int, ...]:
    """Return a size that fits an axis, unless a wrong one is drawn."""
    if draw(st.integers(0, 19)) == 0:
        return tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    sizes = {"n": (2,), "m": (3,), "2": (2,), "{k}": (2,), "_": (1 + leaf,), "n+1": (3,)}
    sizes |= {"?n": (1 + leaf % 3,), "": (), "*s": (2, 1), "...": (1,) * leaf}
    sizes |= {"?*s": (2,) * (leaf % 3), "*?s": (2,) * (leaf % 3)}
    if word in sizes:
        return sizes[word]
    several = {
        "#n": [(2,), (1,)],
        "*#s": [(2, 1), (1,), (1, 1)],
        "?*#s": [(), (1,), (2,) * (leaf % 3)],
    }
    return draw(st.sampled_from(several[word]))


@st.composite
def calls(draw: Any) -> Any:
    """Draw annotations without their array class, and trees of shapes, for a call."""
    parameters: list[Any] = []
    trees: dict[str | None, Any] = {}
    for _ in range(draw(st.integers(1, 4))):
        parts = [each for each in STRUCTURES if {*each.replace("...", "").split()} <= {*trees}]
        structure = draw(st.sampled_from([None, "T", "S", *parts]))
        usable = [word for word in WORDS if structure or "?" not in word]
        axes = draw(st.lists(st.sampled_from(usable), max_size=2))
        several = [word for word in SEVERAL if structure or "?" not in word]
        axes.insert(draw(st.integers(0, len(axes))), draw(st.sampled_from(several)))
        if not parameters:  # a symbolic axis needs its names bound before
            axes = [word for word in axes if word != "n+1"]
        kind = draw(st.sampled_from(sorted(LEAVES)))
        shape = trees.get(structure, draw(st.sampled_from(sorted(SHAPES))))
        if draw(st.integers(0, 9)) == 0:
            shape = draw(st.sampled_from(sorted(SHAPES)))
        trees.setdefault(structure, shape)
        tree = SHAPES[shape]
        if structure and " " in structure and draw(st.integers(0, 9)):
            first, second = (SHAPES[trees.get(each, "leaf")] for each in structure.split())
            tree = fill(first, lambda second=second: second)
        count = iter(range(100))

        def leaf(kind: str = kind, axes: Any = axes, count: Any = count) -> Any:
            index = next(count)
            array = np.ones(
                tuple(size for word in axes for size in size_of(draw, word, index)), "float32"
            )
            wrong = draw(st.integers(0, 29)) == 0
            plain = {"or a number": 3, "or nothing": None}.get(kind, array)
            return {
                "pair": (array, "x" if wrong else 3),
                "list": [array, array[..., :1] if wrong and array.ndim else array],
            }.get(kind, plain if draw(st.booleans()) else "x" if wrong else array)

        parameters.append((kind, " ".join(filter(None, axes)), structure, fill(tree, leaf)))
    return parameters


def fill(tree: Any, leaf: Any) -> Any:
    if isinstance(tree, dict):
        return {key: fill(each, leaf) for key, each in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)([fill(each, leaf) for each in tree])
    return leaf() if tree == "*" else tree


def made(tree: Any, make: Any) -> Any:
    """Return the same tree with another library's arrays."""
    if isinstance(tree, dict):
        return {key: made(each, make) for key, each in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)([made(each, make) for each in tree])
    return make(tree) if isinstance(tree, np.ndarray) else tree


def passes(function: Any, arguments: Any) -> bool:
    try:
        function(*arguments)
    except (sk.BoundaryError, jaxtyping.TypeCheckError, jaxtyping.AnnotationError):
        return False
    return True


verdicts: Counter[bool] = Counter()


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=50)
@given(st.data())
def test_random_functions_of_pytrees_have_jaxtypings_verdict(world, data):
    parameters = data.draw(calls())
    make, array_type = WORLDS[world]
    names = [f"x{i}" for i in range(len(parameters))]
    has_result = data.draw(st.booleans())
    namespace: dict[str, Any] = {}
    taken = names[:-1] if has_result else names
    exec(f"def f(k, {', '.join(taken)}):\n    return result[0]", namespace)
    f = namespace["f"]
    namespace["result"] = [None]
    annotations: dict[str, Any] = {"k": int}
    for name, (kind, axes, structure, _) in zip(names, parameters, strict=True):
        leaf = LEAVES[kind](Float32[array_type, axes])
        annotations[name] = PyTree[leaf, structure] if structure else PyTree[leaf]
    if has_result:
        annotations["return"] = annotations.pop(names[-1])
    f.__annotations__ = annotations
    try:
        guards = [sk.boundary(f), getattr(sk, f"{world}_world")(f)]
    except sk.DeclarationError:  # a symbolic axis whose name is not bound before
        assert any("n+1" in axes for _, axes, *_ in parameters)
        return
    theirs = jaxtyped(f, typechecker=beartype.beartype)
    trees = [made(tree, make) for *_, tree in parameters]
    others = [WORLDS[each][0] for each in WORLDS if each != world]
    elsewhere = data.draw(st.sampled_from(others))
    foreign = [made(tree, elsewhere) for *_, tree in parameters[: len(taken)]]
    namespace["result"][0] = trees[-1]
    arguments = [2, *trees[: len(taken)]]
    expected = passes(theirs, arguments)
    verdicts[expected] += 1
    event(f"accepted: {expected}")
    for guard in guards:
        for mode in ("convert", "strict"):
            with sk.mode(mode):
                assert passes(guard, arguments) == expected
    assert passes(guards[1], [2, *foreign]) == expected
    if any(map(sk.world_of, jax.tree.leaves(foreign))):
        with sk.mode("strict"):
            assert not passes(guards[1], [2, *foreign])


def test_both_verdicts_have_been_met():
    assert not verdicts or min(verdicts[True], verdicts[False]) > 30, verdicts


# --- what the comparison found, and its kin -------------------------------------------------------


@pytest.mark.parametrize("axes", ["?*s", "*?s", "n ?*s", "?n", "?n 3"])
@pytest.mark.parametrize("world", WORLDS)
def test_the_axes_of_a_leaf_hold_from_argument_to_argument(axes, world):
    make, array_type = WORLDS[world]
    tree = PyTree[Shaped[array_type, axes], "T"]
    f = guard_of(lambda x, y: y, sk.boundary, x=tree, y=tree, **{"return": tree})
    shape = {"?n": (2,)}.get(axes, (2, 3))
    other = {"?n": (3,), "n ?*s": (2, 4)}.get(axes, (3, 3))
    x, wrong = [make(ones(*shape))], [make(ones(*other))]
    assert f(x, x) == x
    with pytest.raises(sk.ShapeError, match=r"\(from argument 'x'\), but ax[ie]s .* of y\[0\]"):
        f(x, wrong)


def test_an_axis_that_has_come_to_its_size_grows_no_more():
    tree, array = PyTree[Shaped[np.ndarray, "*s"]], Shaped[np.ndarray, "*s"]
    grows = Shaped[np.ndarray, "*#s"]
    f = guard_of(lambda x, y, z: None, sk.boundary, x=grows, y=tree, z=array)
    f(ones(1), ones(2), ones(2))
    with pytest.raises(sk.ShapeError, match=r"axes '\*s' are \(1,\)"):
        f(ones(1), ones(1), ones(2, 1))

    def body(x, z):
        sk.check(z, array)
        sk.check(ones(2, 1), array)

    f = guard_of(body, sk.boundary, x=grows)
    with pytest.raises(sk.ShapeError, match=r"axes '\*s' are \(1,\)"):
        f(ones(1), ones(1))


class Box:
    size = 2

    @sk.numpy_world
    def open(self, k: int, tree: PyTree[Float32[np.ndarray, "{k} {self.size}+1"]]) -> int:
        return k


def test_arguments_name_axes_inside_of_a_tree():
    assert Box().open(3, {"a": [ones(3, 3)]}) == 3
    with pytest.raises(sk.ShapeError) as caught:
        Box().open(3, {"a": [ones(2, 3)]})
    assert str(caught.value) == (
        "Box.open() argument 'tree' at tree['a'][0]: "
        'expected Float32[ndarray, "{k} {self.size}+1"], got float32[2, 3] (NumPy).\n'
        "  axis 0 of tree['a'][0] is 2, not {k} = 3 ({k}=3)"
    )


def test_arguments_name_axes_of_a_third_librarys_arrays():
    class Thing:
        def __init__(self, *shape):
            self.shape, self.dtype = shape, "float32"

    @sk.boundary
    def f(k: int, x: Float32[Thing, "{k} n"], y: PyTree[Float32[Thing, "{k} ?n"], "T"]): ...

    f(2, Thing(2, 3), [Thing(2, 4)])
    for wrong in ((2, Thing(3, 3), [Thing(2, 4)]), (2, Thing(2, 3), [Thing(3, 4)])):
        with pytest.raises(sk.BoundaryError):
            f(*wrong)


LEAF = Float32[sk.Array, "n"]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("kind", ["own", "same_world"])
@pytest.mark.parametrize("tree", [PyTree, PyTree[LEAF], PyTree[LEAF, "T"]], ids=str)
def test_the_leaves_of_a_tree_are_of_the_calls_world(tree, kind, world, strict):
    make, array_type = WORLDS[world]
    decorate = sk.same_world if kind == "same_world" else getattr(sk, f"{world}_world")
    f = guard_of(lambda x: x, decorate, x=tree)
    for other in {*WORLDS} - {world}:
        given = {"a": make(ones(3)), "b": [WORLDS[other][0](ones(3)), (1,)]}
        given = given if tree is PyTree else {"a": given["a"], "b": given["b"][:1]}
        if strict:
            with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
                f(given)
            assert "f() argument 'x' at x['b'][0]: " in str(caught.value).replace("<lambda>", "f")
            assert f"to_{world}(x['b'][0])" in str(caught.value)
            continue
        found = f(given)
        assert isinstance(found["b"][0], array_type)
        assert found["a"] is given["a"]
        assert not isinstance(given["b"][0], array_type)
        at_home = {"a": make(ones(3)), "b": []}
        assert f(at_home) is at_home


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Node:
    x: Any
    rest: Any


@dataclasses.dataclass
class Record:
    x: Float32[sk.Array, "n"]


@pytest.mark.parametrize("world", WORLDS)
def test_the_world_of_a_call_is_found_inside_of_trees_and_records(world):
    make, array_type = WORLDS[world]
    f = guard_of(lambda tree: tree, sk.same_world, tree=PyTree[LEAF])
    assert isinstance(f(Node(make(ones(2)), ())).x, array_type)
    f = guard_of(lambda record: record.x, sk.same_world, record=Record)
    assert isinstance(f(Record(make(ones(2)))), array_type)
    f = sk.jax_world(returns="caller")(lambda record: jnp.ones(3))
    f = guard_of(
        lambda r: jnp.ones(3), sk.jax_world(returns="caller"), r=PyTree[Float32[Array, "n"]]
    )
    assert isinstance(f(Node(make(ones(2)), ())), array_type)


T = PyTree[Float32[np.ndarray, "?n"], "T"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            {"a": ones(2)},
            "'y' lacks the leaf ['b'][0], which the structure 'T' (from argument 'x') has",
        ),
        (
            {"a": ones(2), "b": [ones(3), ones(2)]},
            "'y' has the leaf ['b'][1], which the structure 'T' (from argument 'x') lacks",
        ),
        (
            {"a": ones(2), "b": (ones(3),)},
            "'y' is {'a': *, 'b': (*,)}, but the structure 'T' (from argument 'x') is {'a': *, 'b': [*]}",
        ),
        (
            {"a": ones(2), "b": [ones(4)]},
            "axis '?n' is 3 (from argument 'x'), but axis 0 of y['b'][0] is 4",
        ),
        ({"a": 3, "b": [ones(3)]}, "an int is not an array"),
        ({"a": ones(2), "b": [np.ones(3, "i4")]}, "y['b'][0] is int32, not Float32"),
        ({"a": ones(2), "b": [jnp.ones(3, "f4")]}, "a boundary takes what its annotations say"),
        ({1: ones(2), "b": ones(3)}, "JAX cannot flatten it: "),
    ],
)
def test_a_refusal_names_leaf_and_structure(value, reason):
    f = guard_of(lambda x, y: None, sk.boundary, x=T, y=T)
    x = {"a": ones(2), "b": [ones(3)]}
    f(x, x)
    with pytest.raises(sk.BoundaryError) as caught:
        f(x, value)
    assert f"\n  {reason}" in str(caught.value)


def test_a_tree_that_holds_itself_is_refused_and_harms_nothing():
    tree: list[Any] = []
    tree.append(tree)
    f = guard_of(lambda x: x, sk.jax_world, x=PyTree[Float32[Array, "n"]])
    with pytest.raises(sk.BoundaryError, match="nested more than 500 times, or holds itself"):
        f(tree)
    jax.tree.leaves([jnp.ones(2)])  # which would always fail if JAX had tried before


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        (PyTree[int, "S T"], "the structure 'S T' uses 'S', which no PyTree before it binds"),
        (
            PyTree[PyTree[int, "S"], "T"],
            "a PyTree of a structure has none of another structure inside",
        ),
        (PyTree[Float32[Array, "?n"]], "'?' has a meaning only inside PyTree[..., \"T\"]"),
        (PyTree[Float32[np.ndarray, "n"]], "declares a numpy.ndarray in a jax_world function"),
    ],
    ids=str,
)
def test_what_no_tree_can_be_is_refused_at_decoration(hint, reason):
    with pytest.raises(sk.DeclarationError) as caught:
        guard_of(lambda x: x, sk.jax_world, x=hint)
    assert reason in str(caught.value)


# --- array-like -----------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["numpy", "jax"])
@pytest.mark.parametrize("kind", ["own", "same_world"])
@pytest.mark.parametrize(
    "hint",
    [Float32[ArrayLike, "n"], ArrayLike, list[ArrayLike], PyTree[Float32[ArrayLike, "n"]]],
    ids=str,
)
def test_array_like_is_an_array_of_the_calls_world(hint, kind, world):
    make, array_type = WORLDS[world]
    other = WORLDS["jax" if world == "numpy" else "numpy"][0]
    decorate = sk.same_world if kind == "same_world" else getattr(sk, f"{world}_world")
    f = guard_of(lambda first, x: x, decorate, first=Shaped[sk.Array, "..."], x=hint)
    inside = (
        (lambda x: x) if "List" not in str(hint) and "list" not in str(hint) else (lambda x: [x])
    )
    found = f(make(ones(1)), inside(other(ones(3))))
    assert isinstance(found[0] if isinstance(found, list) else found, array_type)
    with sk.mode("strict"):
        f(make(ones(1)), inside(make(ones(3))))
        with pytest.raises(sk.WorldError, match="mode 'strict' lets nothing cross here"):
            f(make(ones(1)), inside(other(ones(3))))


def test_scalars_are_array_like():
    f = guard_of(lambda x, y: (x, y), sk.jax_world, x=ScalarLike, y=ArrayLike)
    for each in (1, 2.5, True, 1j, np.float32(3)):
        assert f(each, each) == (each, each)
    assert isinstance(f(np.ones((), "float32"), 1)[0], jax.Array)
    with pytest.raises(sk.BoundaryError):
        f(jnp.ones(3), 1)
    with pytest.raises(sk.BoundaryError):
        f(1, "x")
    with pytest.raises(sk.DeclarationError, match="declares"):
        guard_of(lambda x: x, sk.torch_world, x=Float32[ArrayLike, "n"])


# --- objects that are made out of leaves ----------------------------------------------------------

FIELD = Float32[Array, "n"]


def plain(decorate: Any) -> Any:
    @decorate
    class State:
        x: FIELD
        y: FIELD

    return sk.jax_world(State)


def module() -> Any:
    @sk.jax_world
    class State(pytest.importorskip("equinox").Module):
        x: FIELD
        y: FIELD

    return State


def handmade() -> Any:
    @jax.tree_util.register_pytree_node_class
    @sk.jax_world
    class State:
        def __init__(self, x: FIELD, y: FIELD) -> None:
            self.x, self.y = x, y

        def tree_flatten(self) -> Any:
            return (self.x, self.y), None

        @classmethod
        def tree_unflatten(cls, _: Any, children: Any) -> Any:
            return cls.of(children)

        @classmethod
        def of(cls, children: Any) -> Any:
            return cls(*children)

    return State


MAKERS = {
    "registered": lambda: plain(
        lambda cls: jax.tree_util.register_dataclass(dataclasses.dataclass(cls))
    ),
    "flax": lambda: plain(pytest.importorskip("flax.struct").dataclass),
    "chex": lambda: plain(
        functools.partial(pytest.importorskip("chex").dataclass, mappable_dataclass=False)
    ),
    "equinox": module,
    "by hand": handmade,
}


class Holder:
    """An object with a compiled function as an attribute."""


@pytest.mark.parametrize("name", MAKERS)
def test_an_object_made_of_leaves_is_not_checked_and_any_other_is(name):
    State = MAKERS[name]()
    state = State(x=jnp.ones(3), y=jnp.ones(3))
    several = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    for anything in (None, "text", True, object(), np.ones(5)):
        assert jax.tree.map(lambda _, what=anything: what, state).x is anything
    assert isinstance(jax.device_get(state).x, np.ndarray)
    structure = jax.tree.structure(state)
    assert structure.unflatten([1, 2]).y == 2
    assert jax.eval_shape(lambda s: s, state).x.shape == (3,)
    assert jax.vmap(lambda s: s)(several).x.shape == (2, 3)
    assert jax.jacfwd(lambda s: s)(state).x.x.shape == (3, 3)
    assert jax.lax.scan(lambda carry, s: (carry, s), 0, several)[1].x.shape == (2, 3)
    step = jax.jit(jax.vmap(lambda s: jax.tree.map(lambda leaf: 2 * leaf, s)))
    holder, later = Holder(), functools.partial(step, several)
    holder.step = step
    for _ in range(3):  # from the second call on, without a Python frame
        assert step(several).x.shape == holder.step(several).x.shape == later().x.shape == (2, 3)

    def wrong(x: Any = None) -> Any:
        return State(x=jnp.ones(4) if x is None else x, y=jnp.ones(3))

    for make in (
        wrong,
        lambda: State(x=None, y=jnp.ones(3)),
        lambda: jax.tree.map(lambda _: wrong(), [1]),
        lambda: jax.tree.map(State, [jnp.ones(3)], [jnp.ones(2)]),
        lambda: jax.jit(wrong)(jnp.ones(4)),
        lambda: jax.vmap(wrong)(jnp.ones((2, 3, 4))),
        lambda: jax.vmap(State)(jnp.ones((2, 3, 4)), jnp.ones((2, 3, 4))),
    ):
        with pytest.raises(sk.BoundaryError):
            make()


# --- the tangents of integers ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["convert", "strict"])
@pytest.mark.parametrize("decorate", [sk.jax_world, sk.same_world, sk.jax_world(device="cpu")])
@pytest.mark.parametrize("hint", [None, Shaped[sk.Array, "n"], PyTree[Shaped[sk.Array, "n"]], Any])
def test_the_tangents_of_integers_are_at_home(hint, decorate, mode):
    def f(x, tangent=None):
        return jax.grad(lambda x: jnp.sum(x * 1.0), allow_int=True)(x)

    annotations = {"x": Shaped[sk.Array, "n"]}
    annotations |= {} if hint is None else {"return": hint, "tangent": hint}
    guard = guard_of(f, decorate, **annotations)
    with sk.mode(mode):
        tangent = guard(jnp.arange(3))
        assert tangent.dtype == jax.dtypes.float0
        assert guard(jnp.arange(3), np.zeros(3, jax.dtypes.float0)).dtype == jax.dtypes.float0


def test_a_tangent_is_of_no_other_dtype():
    f = guard_of(lambda x: x, sk.jax_world, x=Float32[Array, "n"])
    with pytest.raises(sk.DTypeError):
        f(np.zeros(3, jax.dtypes.float0))
    assert sk.numpy_world(lambda x: x)(np.zeros(3, jax.dtypes.float0)).shape == (3,)
