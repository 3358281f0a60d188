"""What an annotation requires of a value, as data: one class for each kind of annotation.

`sekisho.contract.annotations` makes them, `sekisho.guard.questions` writes inline checks for them,
and `sekisho.validation.validate` validates and converts values by them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract.axes import Axis
from sekisho.contract.fields import is_typed_dict
from sekisho.worlds import Library, find_world

if TYPE_CHECKING:
    import re

__all__ = [
    "ANYTHING",
    "AliasSpec",
    "ArraySpec",
    "HintSpec",
    "IterableSpec",
    "MEMO",
    "MappingSpec",
    "PYTREE",
    "PackedSpec",
    "RecordSpec",
    "SelfSpec",
    "SequenceSpec",
    "Spec",
    "TreeSpec",
    "TupleSpec",
    "UNANNOTATED",
    "UnionSpec",
    "dtypes_of",
    "matches_dtype",
]


class ArraySpec(NamedTuple):
    """One array: world, dtype, axes.

    Attributes:
        text: the annotation as messages and generated comments show it.
        world: None accepts any world.
        array_type: the required subclass (``Parameter``); None accepts any array.
        dtypes: names or patterns, one of which the dtype must match; None accepts every dtype.
        dtype_label: what these dtypes are called: ``Float32``, ``Real``; None if every dtype is
            accepted.
        axes: None accepts any shape.
        takes_scalars: whether NumPy scalars count as arrays: the annotation names no class.
    """

    text: str
    world: Library | None
    array_type: type | None = None
    dtypes: tuple[str | re.Pattern[str], ...] | None = None
    dtype_label: str | None = None
    axes: tuple[Axis, ...] | None = None
    takes_scalars: bool = False
    takes_ducks: bool = False
    """Whether any object with a shape and a dtype counts as an array, as for jaxtyping's `Any`."""
    dtype_key: str | None = None
    """The key that the dtype is bound to: ``@S`` for ``NDArray[S]`` with a type variable."""

    def accepts_dtype(self, name: str) -> bool:
        """Return whether an array whose dtype has this name (`worlds.dtype_name`) is valid."""
        return self.dtypes is None or matches_dtype(self.dtypes, name)

    @property
    def only_dtype(self) -> str | None:
        """The name of the dtype, if the annotation accepts just one."""
        only = self.dtypes[0] if self.dtypes and len(self.dtypes) == 1 else None
        return only if isinstance(only, str) else None

    def owns(self, value: object, world: Library | None) -> bool:
        """Return whether a value is an array of the right class, whatever its dtype and shape.

        Args:
            value: anything.
            world: the world of this call, for an annotation that names none; None for any.
        """
        if self.array_type is not None:
            return isinstance(value, self.array_type)
        found = find_world(value)
        wanted = self.world or world
        if found is None and wanted is None and self.takes_ducks:
            return hasattr(value, "shape") and hasattr(value, "dtype")
        if found is None:
            return False
        # A world also takes the NumPy arrays that its library makes.
        if wanted is not None and wanted is not found:
            return wanted.takes(value)
        return self.takes_scalars or not found.is_scalar(value)


def matches_dtype(dtypes: tuple[str | re.Pattern[str], ...], name: str) -> bool:
    """Return whether one of the names or patterns matches the dtype called `name`."""
    return any(
        each == name if isinstance(each, str) else each.match(name) is not None for each in dtypes
    )


def dtypes_of(world: Library, dtypes: tuple[str | re.Pattern[str], ...] | None) -> frozenset[Any]:
    """Return the dtypes of a world that an annotation accepts, the same set for every guard.

    The set is empty while the library is not loaded: then every value takes the slow path.
    """
    return _dtypes_of(world, dtypes) if world.is_loaded() else frozenset()


@lru_cache(maxsize=1024)
def _dtypes_of(world: Library, dtypes: tuple[str | re.Pattern[str], ...] | None) -> frozenset[Any]:
    known = world.dtypes().items()
    return frozenset(d for d, name in known if dtypes is None or matches_dtype(dtypes, name))


MEMO: Final = "<jaxtyping>"
"""The key for the bindings that a guard has no local for: see `contract.memo`."""

PYTREE: Final = ArraySpec("PyTree", None, axes=(Axis(MEMO, name=MEMO),))
"""What a PyTree binds beside the axes of its leaves, as one more axis."""


class HintSpec(NamedTuple):
    """An annotation that a type checker checks: a scalar, a class, ``Literal[...]``.

    Attributes:
        text: the annotation as messages show it.
        hint: the annotation as the type checker gets it.
        classes: what `isinstance` can check with the same result; empty if only the type checker
            can.
        arrays: the array annotations inside, which only a checker in a jaxtyping scope sees; mostly
            empty.
    """

    text: str
    hint: Any
    classes: tuple[type, ...] = ()
    arrays: tuple[ArraySpec, ...] = ()


class UnionSpec(NamedTuple):
    """``A | B``, at least one of them with an array inside. They are tried in order."""

    text: str
    alternatives: tuple[Spec, ...]


class SequenceSpec(NamedTuple):
    """``list[X]``, ``tuple[X, ...]``, ``Sequence[X]``: every item is an X."""

    text: str
    container: type
    item: Spec


class TupleSpec(NamedTuple):
    """``tuple[X, Y]``: an annotation for each item.

    Attributes:
        text: the annotation as messages show it.
        items: what each item must be.
        several: which of `items` stands for any number of them, as in ``tuple[X, *tuple[Y, ...]]``.
    """

    text: str
    items: tuple[Spec, ...]
    several: int | None = None

    def expanded(self, length: int) -> tuple[Spec, ...]:
        """Return what each item of a tuple of this length must be, as far as the lengths agree."""
        if self.several is None:
            return self.items
        at, more = self.several, length - len(self.items) + 1
        return (*self.items[:at], *[self.items[at]] * more, *self.items[at + 1 :])


class PackedSpec(NamedTuple):
    """``*args: *tuple[X, Y]`` or ``**kwargs: Unpack[TD]``: one annotation of all of them."""

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
        container: the abstract class that the value must be an instance of.
        item: what every item must be.
    """

    text: str
    container: type
    item: Spec


class TreeSpec(NamedTuple):
    """``PyTree[X]``: every leaf is an X.

    Attributes:
        text: the annotation as messages show it.
        hint: the annotation itself.
        item: what every leaf must be.
        structure: the name of the tree's structure: ``T``, ``S T``, ``... T``; None if it has none.
    """

    text: str
    hint: Any
    item: Any
    structure: str | None = None


class RecordSpec:
    """A class with annotated fields: a dataclass, a NamedTuple, a model of pydantic, ...

    Its axis names are its own: see `names_in`.

    Attributes:
        text: the class's name.
        kind: the class.
        fields: what each field must be; filled in later, since a class may contain itself.
        required: the keys that a TypedDict must have; all fields for the others.
        keys: the names that its own annotations bind or need; filled in with the fields.
        is_complete: whether the fields are filled in.
        is_dict: whether its values are dicts with these keys: a TypedDict.
    """

    def __init__(self, kind: Any, required: frozenset[str]) -> None:
        self.text: str = kind.__name__
        self.kind = kind
        self.fields: dict[str, Spec] = {}
        self.required = required
        self.keys: frozenset[str] = frozenset()
        self.is_complete = False
        self.is_dict: bool = is_typed_dict(kind)


class AliasSpec:
    """A name for an annotation that mentions itself: ``type Tree = Array | dict[str, Tree]``.

    Attributes:
        text: the name.
        target: what it stands for; filled in later, since it contains this object.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.target: Spec | None = None


class SelfSpec(NamedTuple):
    """``typing.Self``: an instance of the class that the method was called on.

    Attributes:
        argument: the key of the method's first argument, as in `Bindings`.
        text: the annotation as messages show it.
    """

    argument: str
    text: str = "Self"


class _Anything(NamedTuple):
    """``Any``: accepts everything."""

    text: str = "Any"

    def __reduce__(self) -> str:
        return "ANYTHING"  # by name, since it is compared by identity


ANYTHING: Final = _Anything()


class _Unannotated(NamedTuple):
    """A parameter without annotation: it accepts anything but a foreign array."""

    text: str = "not annotated"

    def __reduce__(self) -> str:
        return "UNANNOTATED"


UNANNOTATED: Final = _Unannotated()

Spec = (
    ArraySpec
    | HintSpec
    | UnionSpec
    | SequenceSpec
    | TupleSpec
    | MappingSpec
    | IterableSpec
    | PackedSpec
    | TreeSpec
    | RecordSpec
    | AliasSpec
    | SelfSpec
    | _Anything
    | _Unannotated
)
