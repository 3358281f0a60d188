"""PyTrees: jaxtyping says what is right, sekisho says where, and converts leaf by leaf."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import beartype
import jaxtyping
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jaxtyping import Float, Float32, Shaped, jaxtyped

import sekisho as sk

jax = pytest.importorskip("jax")
jnp = jax.numpy
PyTree = jaxtyping.PyTree
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
    """What fits an axis, if nothing is drawn that does not."""
    if draw(st.integers(0, 19)) == 0:
        return tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    sizes = {"n": (2,), "m": (3,), "2": (2,), "{k}": (2,), "_": (1 + leaf,), "n+1": (3,)}
    sizes |= {"?n": (1 + leaf % 3,), "": (), "*s": (2, 1), "...": (1,) * leaf}
    sizes |= {"?*s": (2,) * (leaf % 3), "*?s": (2,) * (leaf % 3)}
    if word in sizes:
        return sizes[word]
    several = {"#n": [(2,), (1,)], "*#s": [(2, 1), (1,), (1, 1)], "?*#s": [(), (1,), (2,) * (leaf % 3)]}
    return draw(st.sampled_from(several[word]))


@st.composite
def calls(draw: Any) -> Any:
    """Annotations without their array class, and trees of shapes, for a call."""
    parameters: list[Any] = []
    trees: dict[str | None, Any] = {}
    for _ in range(draw(st.integers(1, 4))):
        parts = [each for each in STRUCTURES if {*each.replace("...", "").split()} <= {*trees}]
        structure = draw(st.sampled_from([None, "T", "S", *parts]))
        usable = [word for word in WORDS if structure or "?" not in word]
        axes = draw(st.lists(st.sampled_from(usable), max_size=2))
        several = [word for word in SEVERAL if structure or "?" not in word]
        axes.insert(draw(st.integers(0, len(axes))), draw(st.sampled_from(several)))
        if not parameters:  # a symbolic axis needs its name before it
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
    """The same tree, of another library's arrays."""
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
    except sk.DeclarationError as error:
        event("refused at decoration")
        assert "which no axis before it binds" in str(error)
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
