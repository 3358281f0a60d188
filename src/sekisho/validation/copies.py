"""Record the arguments that the slow path has copied, and find writes into the copies.

An array that is converted by copying, or cast, has memory of its own, and a container with a
converted item is built anew. A write into either does not reach the caller. NumPy refuses such a
write, since its copies are read-only. Any other copy is compared, after the call, with what it was.
"""

from __future__ import annotations

from collections import abc
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.context import current
from sekisho.errors import LostWriteError, LostWriteWarning, Violation, hide_in_pytest
from sekisho.utils import warn_at_line
from sekisho.worlds import CheckedIterable, class_of, is_instance, is_subclass, short

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.validation.violations import Place
    from sekisho.worlds import Library

__all__ = [
    "Copies",
    "add_array",
    "add_container",
    "contents_of",
    "difference",
    "read_only_note",
    "what_was_lost",
]


__tracebackhide__ = hide_in_pytest


class Copy(NamedTuple):
    """A copied argument, or an item of one, as the function got it.

    Attributes:
        place: where it is.
        value: the copy.
        why: why the guard made it, as a clause.
        changed: returns what has been written since; None if nothing has.
    """

    place: Place
    value: Any
    why: str
    changed: Callable[[], str | None]


class Copies(list[Copy]):
    """The copies that were made for one call, or for one item that is taken while the call runs.

    Attributes:
        function: the function's name.
        filename: the file that defines the function.
        line: its line.
    """

    __slots__ = ("filename", "function", "line")

    def __init__(self, function: str, filename: str, line: int) -> None:
        self.function: str = function
        self.filename: str = filename
        self.line: int = line

    def fresh(self) -> Copies:
        """Report a write into the last item's copies, and return an empty object for the next."""
        self.tell(is_strict=current().name == "strict")
        return Copies(self.function, self.filename, self.line)

    def tell(self, *, is_strict: bool) -> None:
        """Report the first write into one of the copies, once.

        Raises:
            LostWriteError: in strict mode.
        """
        violation = self.find_lost_write() if self else None
        if violation is None:
            return
        self.clear()  # one report is enough, however many steps a generator has
        if is_strict:
            raise LostWriteError(violation)
        warn_at_line(self.filename, self.line, str(violation), LostWriteWarning)

    def find_lost_write(self) -> Violation | None:
        """Return the violation for the first write into a copy; None if there is none."""
        for copy in self:
            try:
                what = copy.changed()
            except Exception:  # noqa: BLE001, S112 - a user's container may raise anything
                continue
            if what is not None:
                where = f"{self.function}() is at {Path(self.filename).name}:{self.line}"
                reason = f"{copy.why}: the caller sees nothing of it. {where}"
                got, place = f"{what} that is lost", copy.place.place
                return Violation(self.function, place, "no write in place", got, reason, hint=_HINT)
        return None


_HINT: Final = "write into something new and return it, or pass what needs no conversion"


def add_array(copies: Copies | None, value: Any, world: Library, place: Place, reason: str) -> None:
    """Record an array that was copied, with the reason. A NumPy array is made read-only."""
    if copies is None:
        return
    why = f"{place.it} was copied ({reason})"
    if isinstance(value, np.ndarray):
        # NumPy itself refuses a write now, at the line of the write.
        value.flags.writeable = False
        copies.append(Copy(place, value, why, _unchanged))
        return
    before = world.write_count(value)

    def changed() -> str | None:
        return None if world.write_count(value) == before else "a write"

    if before is not None:
        copies.append(Copy(place, value, why, changed))


def _unchanged() -> None:
    return None


def add_container(copies: Copies | None, value: Any, given: Any, place: Place) -> None:
    """Record a container that was built anew, since an item of the original was converted."""
    # A lazy iterable has no items to compare, and a tuple never changes.
    if (
        copies is None
        or value is given
        or is_instance(value, (tuple, CheckedIterable, abc.Iterator, abc.AsyncIterator))
    ):
        return
    before = contents_of(value)

    def changed() -> str | None:
        return difference(value, before, contents_of(value))

    kind = class_of(given).__name__
    why = f"{place.it} is a new {kind}, since an item of it was converted"
    copies.append(Copy(place, value, why, changed))


class _Contents(NamedTuple):
    """The contents of a container: items by key or index, and attributes by name."""

    items: dict[Any, Any]
    attributes: dict[str, Any]


def contents_of(value: Any) -> _Contents:
    """Return the contents of a container or a record, to be compared later."""
    kind = class_of(value)
    items: dict[Any, Any] = {}
    if is_subclass(kind, abc.Mapping):
        items.update(value.items())
    elif is_subclass(kind, abc.Sequence):
        numbered: Any = enumerate(value)
        items.update(numbered)
    attributes: dict[str, Any] = {}
    if any(kind is each for each in (dict, list)):  # the usual ones, which have no attributes
        return _Contents(items, attributes)
    attributes.update(getattr(value, "__dict__", {}))
    classes: tuple[type, ...] = kind.__mro__
    for each in classes:
        for name, member in vars(each).items():
            # Not by getattr, which runs `__getattr__` for a slot that is empty.
            if type(member) is MemberDescriptorType:
                with suppress(AttributeError):
                    attributes[name] = member.__get__(value, class_of(value))
    return _Contents(items, attributes)


def difference(value: Any, before: _Contents, after: _Contents) -> str | None:
    """Return the first difference, by identity: arrays have no single answer to ``==``."""
    for noun, old, new in (
        ("item", before.items, after.items),
        ("attribute", before.attributes, after.attributes),
    ):
        for key in new:
            if key not in old and not (noun == "attribute" and _is_cache(value, key)):
                return f"a new {noun} {short(key)}"
            if key in old and new[key] is not old[key]:
                return f"another {noun} {short(key)}"
        for key in old:
            if key not in new:
                return f"no {noun} {short(key)}"
    return None if [*before.items] == [*after.items] else "another order of items"


def _is_cache(value: Any, name: str) -> bool:
    """Return whether a new attribute is the class's own, which the caller's object may get too."""
    return name.startswith("_") or isinstance(getattr(class_of(value), name, None), cached_property)


_READ_ONLY: Final = "it is read-only, since its caller would see nothing of a write"


def what_was_lost(error: BaseException) -> str | None:
    """Return what an error says of a lost write; None if it is about anything else."""
    if isinstance(error, LostWriteError):
        return str(error)
    return next((note for note in getattr(error, "__notes__", ()) if _READ_ONLY in note), None)


def read_only_note(copies: Copies) -> str | None:
    """Return the note that explains why NumPy refuses a write; None if no copy is NumPy's."""
    found = [each for each in copies if isinstance(each.value, np.ndarray)]
    if not found:
        return None
    reasons = ", ".join(each.why for each in found)
    return (
        f"sekisho: {reasons}; {_READ_ONLY}.\n"
        f"  hint: write into {found[0].place.name}.copy() and return it, or have the guard copy: copy=True"
    )
