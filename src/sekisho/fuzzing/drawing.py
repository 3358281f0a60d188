"""Draw calls that a contract accepts: each class of annotation becomes a recipe."""

from __future__ import annotations

import string
import warnings
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union, get_args, get_origin

import numpy as np
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning, InvalidArgument, ResolutionFailed

from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SequenceSpec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
    array_specs,
    parse_axes,
)
from sekisho.errors import DeclarationError, first_line
from sekisho.fuzzing.callables import callable_of, is_callable_hint
from sekisho.fuzzing.elements import NUMPYS, filling
from sekisho.fuzzing.groups import iterable, mapping, record, sequence
from sekisho.fuzzing.recipes import ArrayRecipe, Leaf
from sekisho.fuzzing.sizes import WIDE
from sekisho.worlds import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Bindings
    from sekisho.fuzzing.recipes import Recipe
    from sekisho.fuzzing.sizes import Sizes
    from sekisho.worlds import Library

__all__ = ["Asked", "Drawer", "dtypes_for"]

_USUAL: Final = ("float32", "float64", "int64", "int32", "bool", "complex64", "uint8")
_COMMON: Final = tuple(dict.fromkeys((*_USUAL, *sorted(NUMPYS), "bfloat16")))
"""The dtypes to try for an annotation that accepts many, the most common first."""

_WAYS: Final = st.integers(0, 255)

_LAYOUTS: Final = 64
"""More than twice the number of layouts."""

_COIN: Final = st.booleans()
_LENGTHS: Final = st.integers(0, 3)
_DEEPEST: Final = 3
_INTEGERS: Final = st.integers(-4, 8)
"""Values for a plain ``int``. A value such as 2**62 might be used as a size and exhaust the
memory."""

_TEXTS: Final = st.text(string.ascii_lowercase, max_size=5)


@lru_cache(maxsize=1024)
def dtypes_for(spec: ArraySpec, worlds: tuple[Library, ...]) -> tuple[str, ...]:
    """Return the dtypes to try for an annotation, such that all `worlds` have them."""
    known = [frozenset(each for each in w.dtypes().values() if _can_make(w, each)) for w in worlds]
    shared = frozenset[str].intersection(*known)
    accepted = [name for name in (*_COMMON, *sorted(shared - {*_COMMON})) if name in shared]
    found = [name for name in accepted if spec.accepts_dtype(name)]
    common = [name for name in found if name in _COMMON]
    plenty = [name for name in common if not any(name in world.scarce for world in worlds)]
    return tuple(plenty or common or found)


def _can_make(world: Library, dtype: str) -> bool:
    """Return whether an array of the named dtype can be created; a setting may forbid it."""
    try:
        zero = np.zeros((), dtype)
    except TypeError:
        return True  # NumPy lacks the dtype, and no setting forbids a cast to it
    try:
        world.from_host(zero, Policy(extended=True))
    except Exception:  # noqa: BLE001 - a library may list a dtype without supporting it
        return False
    return True


class Asked(NamedTuple):
    """What the calls of one target have in common.

    Attributes:
        function: the name of the function, for errors.
        sizes: the sizes of its axes.
        worlds: the worlds that must all have the dtypes of the values.
        hostile: whether to draw values and layouts that break code.
        writes: the parameters that the function writes to.
    """

    function: str
    sizes: Sizes
    worlds: tuple[Library, ...]
    hostile: bool = True
    writes: frozenset[str] = frozenset()


class Drawer:
    """Draws the values of one call.

    Args:
        asked: what all calls of the target have in common.
        draw: the draw function of Hypothesis.
        turn: a random number, drawn for this call.
        bound: the sizes of this call.
        world: the world of this call, for annotations that name none.
        calm: whether to leave out no argument and to broadcast no axis.
    """

    def __init__(
        self,
        asked: Asked,
        draw: Callable[[Any], Any],
        turn: int,
        bound: Bindings,
        world: Library,
        *,
        calm: bool,
    ) -> None:
        self.function: str = asked.function
        self.sizes: Sizes = asked.sizes
        self.worlds: tuple[Library, ...] = asked.worlds
        self.hostile: bool = asked.hostile
        self.writes: frozenset[str] = asked.writes
        self.draw = draw
        self.bound = bound
        self.world = world
        self.calm: bool = calm or not asked.hostile
        self.turn = turn
        self.trees: dict[str, int] = {}

    def value(self, spec: Any, name: str, depth: int = 0) -> Recipe:
        """Draw a value that an annotation accepts.

        Raises:
            DeclarationError: if no such value can be found.
        """
        draw = self.draw
        if spec is ANYTHING or spec is UNANNOTATED:
            raise self.unknown(name, "it is not annotated" if spec is UNANNOTATED else "it is Any")
        if isinstance(spec, ArraySpec):
            return self.array(spec, name)
        if isinstance(spec, UnionSpec):
            return self.union(spec, name, depth)
        if isinstance(spec, SequenceSpec):
            count = 0 if depth > _DEEPEST else self.length()
            parts = tuple([self.value(spec.item, name, depth + 1) for _ in range(count)])
            return sequence(spec.container, parts)
        if isinstance(spec, TupleSpec):
            count = len(spec.items) + (self.length() - 1 if spec.several is not None else 0)
            each = spec.expanded(count)
            return sequence(tuple, tuple([self.value(s, name, depth + 1) for s in each]))
        if isinstance(spec, MappingSpec):
            keys = draw(st.lists(self.plain(spec.key, name), unique=True, max_size=3))
            parts = tuple([self.value(spec.value, name, depth + 1) for _ in keys])
            return mapping(spec.container, keys, parts)
        if isinstance(spec, IterableSpec):
            count = self.length()
            parts = tuple([self.value(spec.item, name, depth + 1) for _ in range(count)])
            return iterable(spec.container, parts)
        if isinstance(spec, RecordSpec):
            return self.record(spec, name, depth)
        if isinstance(spec, TreeSpec):
            return self.tree(spec, name)
        if isinstance(spec, PackedSpec):
            return self.value(spec.inner, name, depth)
        return self.hint(spec, name)

    def unknown(self, name: str, why: str) -> DeclarationError:
        """Return the error for a parameter that no input can be made for."""
        return DeclarationError(
            f"{self.function}() argument '{name}': no inputs can be made of it, since {why}.\n"
            f"  hint: given={{'{name}': a strategy}}"
        )

    def length(self) -> int:
        """Draw the length of a container; at least 1 in calm calls, which must bind all axes."""
        return max(int(self.draw(_LENGTHS)), int(self.calm))

    # --- arrays

    def array(self, spec: ArraySpec, name: str) -> ArrayRecipe:
        """Draw an array."""
        world = spec.world or self.world
        worlds = (world,) if spec.world else self.worlds
        dtypes = dtypes_for(spec, worlds)
        if not dtypes:
            raise self.unknown(name, f"{spec.text} is of no dtype that {world.label} has")
        # the same turn for all arrays of a call, so that equal annotations get equal dtypes
        dtype = dtypes[self.turn % len(dtypes)]
        axes = _ANY_SHAPE if spec.axes is None else spec.axes
        shape = self.sizes.shape(axes, self.bound, self.draw, hostile=not self.calm)
        # one number for the values, the special values and the layout
        odd, way = divmod(int(self.draw(WIDE if self.hostile else _WAYS)), 256)
        pattern, spots, extreme = filling(way, odd // _LAYOUTS, dtype, shape)
        devices = world.devices()
        device = devices[self.turn // 16 % len(devices)] if devices else None
        plain = ArrayRecipe(
            world.name, dtype, shape, pattern, spots, "", device, is_extreme=extreme
        )
        fitting = plain.fitting(writes=name in self.writes)
        if spec.array_type is not None:  # the annotation names a class, so only its layout fits
            only = _LAYOUT_OF.get(spec.array_type.__name__)
            if only is None or only not in fitting:
                raise self.unknown(name, f"{spec.array_type.__name__} is a class of its own")
            return plain._replace(layout=only, is_fixed=True)
        # Use no layout in half of the calls, and for the number 0, which Hypothesis shrinks to.
        words = [*[""] * len(fitting), *fitting]
        return plain._replace(layout=words[odd % _LAYOUTS % len(words)]) if words else plain

    # --- what holds arrays

    def union(self, spec: UnionSpec, name: str, depth: int) -> Recipe:
        """Draw a value for one alternative of a union."""
        alternatives = spec.alternatives
        if self.calm or depth > _DEEPEST:
            # Calm calls draw only arrays, so that all axes are bound; deep ones draw none, to end.
            wanted = [
                each for each in alternatives if isinstance(each, ArraySpec) != (depth > _DEEPEST)
            ]
            alternatives = tuple(wanted) or alternatives
        chosen = self.draw(st.sampled_from(alternatives))
        try:
            return self.value(chosen, name, depth + 1)
        except DeclarationError:  # nothing is known of that one: a protocol, for example
            others = tuple([each for each in alternatives if each is not chosen])
            if not others:
                raise
            return self.union(spec._replace(alternatives=others), name, depth)

    def record(self, spec: RecordSpec, name: str, depth: int) -> Recipe:
        """Draw a dataclass or similar record."""
        names = [
            each
            for each in spec.fields
            if not spec.is_dict or each in spec.required or self.calm or self.draw(_COIN)
        ]
        fields = [spec.fields[each] for each in names]
        parts = [
            Leaf(None) if each is ANYTHING else self.value(each, name, depth + 1) for each in fields
        ]
        return record(spec, names, tuple(parts))

    # --- what holds none

    def hint(self, spec: HintSpec, name: str) -> Recipe:
        """Draw a value for a hint without arrays."""
        number = f"{{{name}}}"
        if number in self.sizes.numbers:
            return Leaf(self.bound[number])
        if is_callable_hint(spec.hint):
            made = callable_of(spec.hint, lambda hint: self.draw(self.of_hint(hint, spec, name)))
            if made is None:
                raise self.unknown(name, f"no result of {spec.text} is known")
            return made
        try:
            with warnings.catch_warnings():
                # Hypothesis warns of a class it builds without arguments; such a value means
                # nothing.
                warnings.simplefilter("error", HypothesisWarning)
                return Leaf(self.draw(self.plain(spec, name)))
        except DeclarationError:
            raise
        except _MAKING as error:
            why = f"{spec.text} cannot be made: {first_line(error)}"
            raise self.unknown(name, why) from None

    def tree(self, spec: TreeSpec, name: str) -> Recipe:
        """Draw a PyTree: a leaf, a list of two or a dict of two, equal for trees of the same name."""
        structure = spec.structure or name
        # trees with the same structure name have the same structure
        shape = self.trees.setdefault(structure, self.draw(st.integers(0, 2)))
        leaves = array_specs(spec.item)
        if not leaves:
            raise self.unknown(name, f"{spec.text} has leaves that are no arrays")
        parts = tuple([self.array(leaves[0], name) for _ in range(2 if shape else 1)])
        if shape == 0:
            return parts[0]
        return sequence(list, parts) if shape == 1 else mapping(dict, ["a", "b"], parts)

    def plain(self, spec: Any, name: str) -> Any:
        """A strategy for a hint with no arrays in it."""
        return self.of_hint(getattr(spec, "hint", Any), spec, name)

    def of_hint(self, hint: Any, spec: Any, name: str) -> Any:
        """A strategy for a hint, which is a part of the annotation `spec`."""
        if hint is int:
            return _INTEGERS
        if hint is str:
            return _TEXTS
        if hint is float and not self.hostile:
            return st.floats(-4, 4)
        inside = [each for each in get_args(hint) if each is not ...]
        origin = get_origin(hint)
        if origin in _HOLDERS and inside:  # their integers may be sizes, too
            parts = [self.of_hint(each, spec, name) for each in inside]
            if origin is tuple and ... not in get_args(hint):
                return st.tuples(*parts)
            if origin in {tuple, list}:
                several: Any = st.lists(parts[0], max_size=_DEEPEST)
                return several.map(origin)
            return st.one_of(parts)
        try:
            strategy = st.none() if hint is None else st.from_type(hint)
            strategy.validate()
        except (InvalidArgument, ResolutionFailed, NameError, TypeError):
            raise self.unknown(name, f"Hypothesis knows none for {spec.text}") from None
        return strategy


_HOLDERS: Final = frozenset({list, tuple, Union, UnionType})

_MAKING: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError, HypothesisWarning),
)
"""What a class may raise that is made of drawn arguments."""

_ANY_SHAPE: Final = parse_axes("...")

_LAYOUT_OF: Final = {"Parameter": "a parameter", "memmap": "a subclass"}
"""The layouts that are classes of their own, by the names of the classes."""
