"""Recipes of inputs: each can be made several times, in any world, and written as code.

A call is made several times with equal values: as drawn, with contiguous arrays, and in another
world. The report shows it as code. So Hypothesis draws recipes, not values.
"""

from __future__ import annotations

import contextlib
import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.fuzzing.codes import array_code
from sekisho.fuzzing.elements import NUMPYS, kind_of
from sekisho.utils import evaluate
from sekisho.worlds import HOST, Policy, class_of, dtype_name, world_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ArrayRecipe", "CallRecipe", "Group", "Leaf", "Recipe", "realize"]

_MOST_SPELT: Final = 64
"""Elements that code writes out; for a larger array it writes the pattern that the array repeats."""


class ArrayRecipe(NamedTuple):
    """How to make one array.

    Attributes:
        world: the name of its world.
        dtype: the name of its dtype.
        shape: the shape.
        pattern: the values that it repeats, as Python numbers.
        spots: single elements with other values: index and value.
        layout: the name of its memory layout in its world; "" is contiguous.
        device: its device, as the world accepts it; None is the host.
        is_extreme: whether its values are so large or so small that results may depend on the order
            of sums.
        is_fixed: whether the annotation allows only this layout.
    """

    world: str
    dtype: str
    shape: tuple[int, ...]
    pattern: tuple[Any, ...]
    spots: tuple[tuple[tuple[int, ...], Any], ...] = ()
    layout: str = ""
    device: Any = None
    is_extreme: bool = False
    is_fixed: bool = False

    def make(self) -> Any:
        """Make the array as it was drawn."""
        world = world_named(self.world)
        value = world.from_host(self._host(), Policy(copy=True)).value
        # The host may lack the dtype: NumPy has no bfloat16.
        if dtype_name(value.dtype) != self.dtype:
            value = world.cast(value, self.dtype)
        if self.device is not None:
            value = world.move(value, Policy(device=self.device)).value
        if self.layout:
            value = _code(world.layouts[self.layout].code, world.name)(value)
        return value

    def make_plain(self, name: str = "") -> Any:
        """Make a contiguous array of the same values, in this world or in another."""
        world = world_named(self.world)
        value = _code(world.plain, world.name)(self.make())
        if name in {"", self.world}:
            return value
        array = world.to_host(value, Policy(copy=True, extended=True, detach=True)).value
        return world_named(name).from_host(array, Policy(copy=True)).value

    def fitting(self, *, writes: bool) -> list[str]:
        """Return the layouts that it may have; with `writes`, only those with writable elements."""
        if self.is_fixed:
            return []
        kind = kind_of(self.dtype)
        return [
            word
            for word, layout in world_named(self.world).layouts.items()
            if layout.fits(self.shape, kind, self.dtype) and (layout.takes_writes or not writes)
        ]

    def _host(self) -> Any:
        # The world casts to dtypes that NumPy lacks.
        dtype = np.dtype(self.dtype if self.dtype in NUMPYS else "float32")
        array = np.resize(np.array(self.pattern or (0,), dtype), self.shape)
        for index, value in self.spots:
            array[index] = value
        return array

    def spell(self, name: str) -> Iterator[str]:
        """Yield the lines of code that assign the array to a name."""
        world = world_named(self.world)
        host = self._host()
        is_large = host.size > _MOST_SPELT
        if is_large:
            repeated = f"numpy.resize({list(self.pattern)!r}, {self.shape!r})"
            values = f"{repeated}.tolist()" if world is not HOST else repeated
            text = array_code(world, self.dtype, values)
        else:
            text = array_code(world, self.dtype, repr(host.tolist()))
            if 0 in self.shape:
                text += f".reshape({self.shape!r})"
        if self.device is not None and str(self.device) != "cpu":
            text += f".to({str(self.device)!r})"
        yield f"{name} = {text}"
        for index, value in self.spots if is_large else ():
            yield f"{name}[{', '.join(map(repr, index)) or '()'}] = {value!r}"
        if self.layout:
            yield f"{name} = {world.layouts[self.layout].code.format(name)}  # {self.layout}"


@cache
def _code(code: str, name: str) -> Callable[[Any], Any]:
    """Compile code of a world, with ``{0}`` for the value, into a function of the value."""
    made: Callable[[Any], Any] = evaluate(
        f"lambda x: {code.format('x')}", {name: world_named(name).load()}
    )
    return made


class Leaf(NamedTuple):
    """A value that holds no array.

    Attributes:
        value: the value.
        code: the code that makes it, if its `repr` is not code.
    """

    value: Any
    code: str = ""

    def make(self) -> Any:
        """Return the value; a copy if it is mutable."""
        if class_of(self.value) in _NEVER_CHANGE:
            return self.value
        with contextlib.suppress(Exception):  # a class may not support copying
            return copy.deepcopy(self.value)
        return self.value


_NEVER_CHANGE: Final = frozenset({int, float, complex, bool, str, bytes, type(None), type})


class Group(NamedTuple):
    """A container of other recipes.

    Attributes:
        build: makes the container from its parts.
        words: the code that makes it, with ``{0}`` for the first part.
        parts: the recipes of its parts.
        imports: lines that import what `words` uses.
        setup: lines that define a function ``{name}``, if no expression can make it.
    """

    build: Callable[[tuple[Any, ...]], Any]
    words: str
    parts: tuple[Recipe, ...]
    imports: frozenset[str] = frozenset()
    setup: str = ""


Recipe = ArrayRecipe | Leaf | Group


def realize(recipe: Recipe, make: Callable[[ArrayRecipe], Any]) -> Any:
    """Make the value of a recipe; `make` makes its arrays."""
    if isinstance(recipe, ArrayRecipe):
        return make(recipe)
    if isinstance(recipe, Leaf):
        return recipe.make()
    return recipe.build(tuple([realize(part, make) for part in recipe.parts]))


def arrays_of(recipe: Recipe) -> Iterator[ArrayRecipe]:
    """Yield the arrays of a recipe, in order."""
    if isinstance(recipe, ArrayRecipe):
        yield recipe
    elif isinstance(recipe, Group):
        for part in recipe.parts:
            yield from arrays_of(part)


def _changed(
    recipe: Recipe, name: str, change: Callable[[str, ArrayRecipe], ArrayRecipe]
) -> Recipe:
    if isinstance(recipe, ArrayRecipe):
        return change(name, recipe)
    if isinstance(recipe, Leaf):
        return recipe
    return recipe._replace(parts=tuple([_changed(each, name, change) for each in recipe.parts]))


class CallRecipe(NamedTuple):
    """The arguments of one call.

    Attributes:
        positional: the positional arguments, with the names of their parameters.
        named: the keyword arguments.
        world: the name of the call's world, for annotations that name none.
        turn: a random number that selects the variations to try.
    """

    positional: tuple[tuple[str, Recipe], ...]
    named: tuple[tuple[str, Recipe], ...]
    world: str = ""
    turn: int = 0

    def changed(self, change: Callable[[str, ArrayRecipe], ArrayRecipe]) -> CallRecipe:
        """Return the same call with each array changed."""
        return self._replace(
            positional=tuple([(n, _changed(each, n, change)) for n, each in self.positional]),
            named=tuple([(n, _changed(each, n, change)) for n, each in self.named]),
        )

    def make(
        self, make: Callable[[ArrayRecipe], Any] = ArrayRecipe.make
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make the arguments."""
        return (
            tuple([realize(recipe, make) for _, recipe in self.positional]),
            {name: realize(recipe, make) for name, recipe in self.named},
        )

    def arrays(self) -> list[tuple[str, ArrayRecipe]]:
        """Return all arrays, each with the name of its parameter."""
        every = (*self.positional, *self.named)
        return [(name, array) for name, recipe in every for array in arrays_of(recipe)]

    @property
    def passed(self) -> set[str]:
        """The names of the parameters that get a value other than None."""
        every = (*self.positional, *self.named)
        return {name for name, each in every if not (isinstance(each, Leaf) and each.value is None)}
