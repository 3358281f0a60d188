"""What an annotation asks of a value, as data: one class a kind of annotation.

`sekisho.contract.annotations` makes them, `sekisho.guard.questions` turns them into inline questions,
`sekisho.border.admit` answers for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract.axes import Axis
from sekisho.contract.fields import is_typed_dict
from sekisho.worlds import World, find_world

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
    dtype_key: str | None = None
    """Under what name the dtype is bound: ``@S`` for ``NDArray[S]`` with a type variable."""

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
        if found is None:
            return False
        if wanted is not None and wanted is not found:
            return wanted.takes(value)
        return self.takes_scalars or not found.is_scalar(value)


def matches_dtype(dtypes: tuple[str | re.Pattern[str], ...], name: str) -> bool:
    """Whether one of the names or patterns is the dtype called `name`."""
    return any(
        each == name if isinstance(each, str) else each.match(name) is not None for each in dtypes
    )


def dtypes_of(world: World, dtypes: tuple[str | re.Pattern[str], ...] | None) -> frozenset[Any]:
    """The dtypes of a world that an annotation accepts, the same set for every guard.

    None while its library is not loaded: then a guard asks out of line.
    """
    return _dtypes_of(world, dtypes) if world.is_loaded() else frozenset()


@lru_cache(maxsize=1024)
def _dtypes_of(world: World, dtypes: tuple[str | re.Pattern[str], ...] | None) -> frozenset[Any]:
    known = world.dtypes().items()
    return frozenset(d for d, name in known if dtypes is None or matches_dtype(dtypes, name))


MEMO: Final = "<jaxtyping>"
"""The name under which a guard passes on what its text has no local for: see `contract.memo`."""

PYTREE: Final = ArraySpec("PyTree", None, axes=(Axis(MEMO, name=MEMO),))
"""What a PyTree binds beside the axes of its leaves, as if it were one axis more."""


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
    """A class whose fields are annotated: a dataclass, a NamedTuple, a model of pydantic, ...

    Its axis names are its own: see `names_in`.

    Attributes:
        text: the class's name.
        kind: the class.
        fields: what each field must be; filled in after creation, since a class may hold itself.
        required: the keys that a TypedDict must have; all fields for the others.
        keys: the names that its own annotations bind or need; filled in with the fields.
        is_complete: whether the fields are filled in.
        is_dict: whether the values are dicts with these keys: a TypedDict.
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
        target: what it stands for; filled in after creation, since it holds this.
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
    """``Any``: opts out."""

    text: str = "Any"

    def __reduce__(self) -> str:
        return "ANYTHING"  # compared by identity


ANYTHING: Final = _Anything()


class _Unannotated(NamedTuple):
    """A parameter without annotation: it may be anything but an array of the other world."""

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
