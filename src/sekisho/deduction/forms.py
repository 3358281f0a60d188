"""Merge all that came to one place: arrays, None, containers of them, and other values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.tracer import Described, DescribedArray

__all__ = ["RESULTS", "WRITTEN", "Form", "Slot", "merge", "parts_of", "slots_of"]

RESULTS: Final = frozenset({"return", "yield"})
"""The places that are no parameters."""

WRITTEN: Final = ""
"""In place of its module, for a class that is named as the code of the function names it."""

Seen = tuple[int, "Described"]
"""The number of a call, and the description of a value: see `sekisho.tracer.describing`."""

_LONGEST_TUPLE: Final = 6


class Slot:
    """A place of a contract where arrays come.

    Attributes:
        name: the parameter, or ``return``.
        path: the path inside the value; empty for the value itself.
        worlds: the worlds of all arrays that came.
        dtypes: the dtypes of all arrays that came, as jaxtyping calls them.
        devices: the devices of all arrays that came.
        shapes: pairs of the number of a call and a shape; several for a call if the place is in a
            list.
    """

    def __init__(self, name: str, path: tuple[str, ...]) -> None:
        self.name: str = name
        self.path: tuple[str, ...] = path
        self.worlds: set[str] = set()
        self.dtypes: set[str] = set()
        self.devices: set[str] = set()
        self.shapes: list[tuple[int, tuple[int, ...]]] = []

    def __repr__(self) -> str:
        return f"<slot {self.name}{''.join(self.path)}>"

    def add(self, call: int, said: DescribedArray) -> None:
        """Add an array."""
        _, world, dtype, shape, device = said
        self.worlds.add(world)
        self.dtypes.add(dtype)
        self.devices.add(device)
        self.shapes.append((call, shape))

    @property
    def ranks(self) -> set[int]:
        """The numbers of axes that came."""
        return {len(shape) for _, shape in self.shapes}


class Items(NamedTuple):
    """The items of a container: each by itself, or all together.

    Attributes:
        kind: the class of the container.
        each: of a tuple, a form for each place; of other containers, one form for all items.
        is_fixed: whether `each` has a form for each place.
    """

    kind: str
    each: tuple[Form, ...]
    is_fixed: bool


class Form(NamedTuple):
    """What came to one place.

    Attributes:
        slot: the arrays.
        is_optional: whether None came.
        items: the containers of arrays, if they are of one class.
        classes: the classes of all other values, by module and name; or those that the code asks for, as
            it writes them.
        mixed: why the form cannot be expressed; "" if it can.
    """

    slot: Slot | None = None
    is_optional: bool = False
    items: Items | None = None
    classes: frozenset[tuple[str, str]] = frozenset()
    mixed: str = ""

    @property
    def holds_arrays(self) -> bool:
        """Whether arrays came, or containers of arrays."""
        if self.slot is not None:
            return True
        return self.items is not None and any(each.holds_arrays for each in self.items.each)

    @property
    def is_written(self) -> bool:
        """Whether it names a class as the code of the function does."""
        return any(module == WRITTEN for module, _ in self.classes)

    @property
    def is_none(self) -> bool:
        """Whether only None came."""
        return self == Form(is_optional=True)


def merge(name: str, seen: Sequence[Seen], path: tuple[str, ...] = ()) -> Form:
    """Merge all that came to a place into one form."""
    slot = Slot(name, path)
    containers: dict[tuple[str, str], list[Seen]] = {}
    classes: set[tuple[str, str]] = set()
    is_optional = False
    for call, said in seen:
        match said:
            case ("array", *_):
                slot.add(call, said)
            case ("none",):
                is_optional = True
            case ("items" | "dict" as tag, kind, _):
                containers.setdefault((tag, kind), []).append((call, said))
            case ("int", _):  # with its value, since it may be a size
                classes.add(("builtins", "int"))
            case ("object" | "scalar", module, kind):
                classes.add((module, kind))
    items, mixed = None, ""
    if len(containers) == 1:
        (((_, kind), alike),) = containers.items()
        items = _merge_items(name, kind, alike, path)
        if items is None:
            mixed = "containers that are not alike"
    elif containers:
        mixed = "containers of several classes"
    return Form(slot if slot.shapes else None, is_optional, items, frozenset(classes), mixed)


def parts_of(said: Described) -> tuple[Described, ...]:
    """Return the items of a list or tuple, or the values of a dict."""
    if said[0] == "items":
        return said[2]
    return tuple([value for _, value in said[2]]) if said[0] == "dict" else ()


def _merge_items(name: str, kind: str, seen: Sequence[Seen], path: tuple[str, ...]) -> Items | None:
    rows = [(call, parts_of(said)) for call, said in seen]
    count = len(rows[0][1])
    is_same = all(len(row) == count for _, row in rows)
    if kind == "tuple" and is_same and 0 < count <= _LONGEST_TUPLE:
        forms = [
            merge(name, [(call, row[i]) for call, row in rows], (*path, f"[{i}]"))
            for i in range(count)
        ]
        # The tracer records only the classes of the items of a container without arrays, not their
        # number.
        if any(each.holds_arrays for each in forms):
            return Items(kind, tuple(forms), is_fixed=True)
    if kind not in {"list", "tuple", "dict"}:
        return None
    every = [(call, part) for call, row in rows for part in row]
    return Items(kind, (merge(name, every, (*path, "[...]")),), is_fixed=False)


def slots_of(forms: Iterable[Form]) -> Iterator[Slot]:
    """Yield the places of arrays in forms, in order."""
    for form in forms:
        if form.slot is not None:
            yield form.slot
        if form.items is not None:
            yield from slots_of(form.items.each)
