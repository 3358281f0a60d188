"""What an annotation asks of a value, as data: one class a kind of annotation.

`sekisho.contract.annotations` makes them, `sekisho.guard.questions` turns them into inline questions,
`sekisho.border.admit` answers for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract.axes import Axis
from sekisho.worlds import World, find_world

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator

__all__ = [
    "ANYTHING",
    "ArraySpec",
    "HintSpec",
    "IterableSpec",
    "MappingSpec",
    "PackedSpec",
    "RecordSpec",
    "SequenceSpec",
    "Spec",
    "TupleSpec",
    "UnionSpec",
    "array_specs",
    "children",
    "dtypes_of",
    "holds_arrays",
    "mapped",
    "walk",
    "without_axes",
]


class ArraySpec(NamedTuple):
    """One array: world, dtype, axes.

    Attributes:
        text: the annotation as messages and generated comments show it.
        world: None means either world.
        array_type: a subclass that the annotation asks for (``Parameter``), or None for any array.
        dtypes: the names or patterns of which one must match; None accepts every dtype.
        dtype_label: what that set is called: ``Float32``, ``Real``; None where every dtype passes.
        axes: None means that any shape will do.
        takes_scalars: whether NumPy scalars are arrays here too: the annotation names no class.
    """

    text: str
    world: World | None
    array_type: type | None = None
    dtypes: tuple[str | re.Pattern[str], ...] | None = None
    dtype_label: str | None = None
    axes: tuple[Axis, ...] | None = None
    takes_scalars: bool = False
    takes_ducks: bool = False
    """Whether whatever has a shape and a dtype is an array here, as `Any` says in jaxtyping."""

    def accepts_dtype(self, name: str) -> bool:
        """Whether an array whose dtype has this name (`worlds.dtype_name`) may pass."""
        return self.dtypes is None or matches_dtype(self.dtypes, name)

    @property
    def only_dtype(self) -> str | None:
        """The name of the one dtype that the annotation accepts, if it is just one."""
        only = self.dtypes[0] if self.dtypes and len(self.dtypes) == 1 else None
        return only if isinstance(only, str) else None

    def owns(self, value: object, world: World | None) -> bool:
        """Whether `value` is an array of the kind asked for, whatever its dtype and shape.

        Args:
            value: anything.
            world: the world of this call, for an annotation that names none; None is either.
        """
        if self.array_type is not None:
            return isinstance(value, self.array_type)
        found = find_world(value)
        wanted = self.world or world
        if found is None and wanted is None and self.takes_ducks:
            return hasattr(value, "shape") and hasattr(value, "dtype")
        if found is None or (wanted is not None and wanted is not found):
            return False
        return self.takes_scalars or not found.is_scalar(value)


def matches_dtype(dtypes: tuple[str | re.Pattern[str], ...], name: str) -> bool:
    """Whether one of the names or patterns is the dtype called `name`."""
    return any(
        each == name if isinstance(each, str) else each.match(name) is not None for each in dtypes
    )


@lru_cache(maxsize=1024)
def dtypes_of(world: World, dtypes: tuple[str | re.Pattern[str], ...] | None) -> frozenset[Any]:
    """The dtypes of a loaded world that an annotation accepts, the same set for every guard."""
    known = world.dtypes().items()
    return frozenset(d for d, name in known if dtypes is None or matches_dtype(dtypes, name))


class HintSpec(NamedTuple):
    """An annotation that a type checker answers for: a scalar, a class, ``Literal[...]``.

    Attributes:
        text: the annotation as messages show it.
        hint: the annotation, as the type checker is given it.
        classes: what `isinstance` may be asked instead of the type checker, where that is the
            same question; otherwise empty.
        arrays: the array annotations that stand somewhere inside, which only a checker in a
            jaxtyping scope can see; empty for most.
    """

    text: str
    hint: Any
    classes: tuple[type, ...] = ()
    arrays: tuple[ArraySpec, ...] = ()


class UnionSpec(NamedTuple):
    """``A | B``, at least one of them with an array inside. Tried in order."""

    text: str
    alternatives: tuple[Spec, ...]


class SequenceSpec(NamedTuple):
    """``list[X]``, ``tuple[X, ...]``, ``Sequence[X]``: every item is an X."""

    text: str
    container: type
    item: Spec


class TupleSpec(NamedTuple):
    """``tuple[X, Y]``: one item for each.

    Attributes:
        text: the annotation as messages show it.
        items: what each item must be.
        several: which of `items` stands for any number of them, as in ``tuple[X, *tuple[Y, ...]]``.
    """

    text: str
    items: tuple[Spec, ...]
    several: int | None = None

    def expanded(self, length: int) -> tuple[Spec, ...]:
        """What each item of a tuple of this length must be, or as near as it can be."""
        if self.several is None:
            return self.items
        at, more = self.several, length - len(self.items) + 1
        return (*self.items[:at], *[self.items[at]] * more, *self.items[at + 1 :])


class PackedSpec(NamedTuple):
    """What ``*args: *tuple[X, Y]`` or ``**kwargs: Unpack[TD]`` says of all of them together."""

    text: str
    inner: Spec


class MappingSpec(NamedTuple):
    """``dict[K, X]``, ``Mapping[K, X]``: every value is an X."""

    text: str
    container: type
    key: Spec
    value: Spec


class IterableSpec(NamedTuple):
    """``Iterable[X]``, ``Iterator[X]``: never consumed by the check.

    Attributes:
        text: the annotation as messages show it.
        container: the abstract class that the value must be of.
        item: what every item must be.
    """

    text: str
    container: type
    item: Spec


class RecordSpec:
    """A class whose fields are annotated: dataclass, attrs class, NamedTuple, TypedDict.

    Attributes:
        text: the class's name.
        kind: the class.
        fields: what each field must be; filled in after creation, since a class may hold itself.
        required: the keys that a TypedDict must have; all fields for the others.
        is_complete: whether the fields are filled in.
    """

    def __init__(self, kind: Any, required: frozenset[str]) -> None:
        self.text: str = kind.__name__
        self.kind = kind
        self.fields: dict[str, Spec] = {}
        self.required = required
        self.is_complete = False

    @property
    def is_dict(self) -> bool:
        """Whether the values are dicts with these keys: a TypedDict, not a dataclass that is a dict."""
        return hasattr(self.kind, "__required_keys__")


class _Anything(NamedTuple):
    """``Any``: opts out."""

    text: str = "Any"

    def __reduce__(self) -> str:
        return "ANYTHING"  # compared by identity


ANYTHING: Final = _Anything()

Spec = (
    ArraySpec
    | HintSpec
    | UnionSpec
    | SequenceSpec
    | TupleSpec
    | MappingSpec
    | IterableSpec
    | PackedSpec
    | RecordSpec
    | _Anything
)


def children(spec: Any) -> tuple[Spec, ...]:  # noqa: PLR0911 - one class, one return
    """The annotations that stand directly inside of one, in the order they are visited."""
    if isinstance(spec, HintSpec):
        return spec.arrays
    if isinstance(spec, UnionSpec):
        return spec.alternatives
    if isinstance(spec, TupleSpec):
        return spec.items
    if isinstance(spec, MappingSpec):
        return (spec.key, spec.value)
    if isinstance(spec, PackedSpec):
        return (spec.inner,)
    if isinstance(spec, RecordSpec):
        return tuple(spec.fields.values())
    return (spec.item,) if isinstance(spec, (SequenceSpec, IterableSpec)) else ()


def array_specs(spec: Any) -> tuple[ArraySpec, ...]:
    """The array annotations inside `spec`, itself included, in the order they are visited."""
    if isinstance(spec, ArraySpec):
        return (spec,)  # most are just one, and are asked often
    return tuple(each for each in walk(spec) if isinstance(each, ArraySpec))


def holds_arrays(spec: Any) -> bool:
    """Whether any array annotation stands in `spec`, or may: in a record that is still read."""
    return any(
        isinstance(each, ArraySpec) or (isinstance(each, RecordSpec) and not each.is_complete)
        for each in walk(spec)
    )


def mapped(spec: Any, change: Callable[[Any], Any], seen: frozenset[int] = frozenset()) -> Any:
    """The same annotation with some of what stands inside of it changed, from the outside in."""
    if id(spec) in seen:  # a record that holds itself
        return spec
    new = change(spec)
    if new is not spec or isinstance(spec, HintSpec):
        return new
    if isinstance(spec, RecordSpec):
        within = seen | {id(spec)}
        fields = {name: mapped(each, change, within) for name, each in spec.fields.items()}
        spec.fields.update(fields)
        return spec
    changed: dict[str, Any] = {}
    parts: dict[str, Any] = spec._asdict() if hasattr(spec, "_asdict") else {}
    for name, part in parts.items():
        if name in {"alternatives", "items"}:
            changed[name] = tuple(mapped(each, change, seen) for each in part)
        elif name in {"item", "key", "value", "inner"}:
            changed[name] = mapped(part, change, seen)
    return spec._replace(**changed) if changed else spec


def without_axes(spec: Any, axes: Collection[Axis]) -> Any:
    """The same annotation, in which some axes may be of any size."""

    def change(each: Any) -> Any:
        if isinstance(each, ArraySpec) and each.axes is not None:
            kept = tuple(Axis("_") if axis in axes else axis for axis in each.axes)
            return each if kept == each.axes else each._replace(axes=kept)
        if isinstance(each, HintSpec):
            named = any(axis in axes for array in each.arrays for axis in array.axes or ())
            return ANYTHING if named else each  # jaxtyping would ask for them
        return each

    return mapped(spec, change)


def walk(spec: Any) -> Iterator[Any]:
    """An annotation and all that stand inside of it, in the order they are visited."""
    return _walk(spec, set())


def _walk(spec: Any, seen: set[int]) -> Iterator[Any]:
    # By identity: a record may hold itself, and the same array annotation may stand twice.
    if isinstance(spec, RecordSpec):
        if id(spec) in seen:
            return
        seen.add(id(spec))
    yield spec
    for child in children(spec):
        yield from _walk(child, seen)
