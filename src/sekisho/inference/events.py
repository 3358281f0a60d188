"""What a reading notes of a unit beside its values: events of several kinds, each at a place.

A kind says which details its events have, so type checkers know them where an event is noted and where it
is used. An event reaches the disk, so it consists of tuples, strings and numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from sekisho.inference.value_types import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ALLOWED",
    "ASKED",
    "ASSIGNED",
    "ATTRIBUTE",
    "AXES",
    "BIND",
    "CALL",
    "CALLED",
    "CROSS",
    "DECLARED",
    "DTYPE",
    "FOREIGN",
    "MISSING",
    "MIX",
    "MOVE",
    "NAMED",
    "NAMESAKE",
    "OPERANDS",
    "PASSED",
    "READ",
    "RECORD",
    "RETURN",
    "SUBSCRIPTED",
    "UNREADABLE",
    "Details",
    "EventKind",
    "Notes",
    "Place",
    "Raised",
    "event_at",
    "events_of",
]

Place = tuple[str, int, int, str]
"""The name of the kind, line, column, and a name."""

Notes = dict[Place, object]
"""The details of events, by place; see `events_of`."""

Details = TypeVar("Details")


class EventKind(Generic[Details]):
    """A kind of events.

    Attributes:
        name: its name in `Place`.
    """

    def __init__(self, name: str) -> None:
        self.name = name


def events_of(notes: Notes, kind: EventKind[Details]) -> Iterator[tuple[int, int, str, Details]]:
    """Yield the events of one kind: line, column, name and details."""
    wanted = kind.name
    for (each, line, column, name), what in notes.items():
        if each == wanted:
            yield line, column, name, cast("Details", what)


def event_at(notes: Notes, kind: EventKind[Details], place: Place) -> Details | None:
    """Return the details of an event of a kind at a place; None if there is none."""
    return cast("Details | None", notes.get(place)) if place[0] == kind.name else None


Crossed = tuple[str, str, str, bool]
Raised = EventKind[tuple[str, str, str]]

BIND: Final[EventKind[tuple[Value, str, str]]] = EventKind("bind")
"""A name is bound: the value, what makes it, and the world of the array that the name held."""
READ: Final[EventKind[Value]] = EventKind("read")
"""A name that holds arrays is read: what it holds."""
RETURN: Final[EventKind[tuple[Value, str]]] = EventKind("return")
"""A value is returned: the value, and what makes it."""
ATTRIBUTE: Final[EventKind[tuple[Value, str]]] = EventKind("attribute")
"""An attribute is assigned: the value, and what makes it."""
DECLARED: Final[EventKind[tuple[Value, Value]]] = EventKind("declared")
"""An annotated name is bound to arrays: the annotation's value, and the assigned one."""
ASKED: Final[EventKind[None]] = EventKind("asked")
"""A parameter whose class the unit tests."""
NAMED: Final[EventKind[tuple[str, ...]]] = EventKind("named")
"""An annotation with axes: their strings."""
PASSED: Final[EventKind[Value]] = EventKind("passed")
"""Arrays are passed to a parameter of the project's: the value. The name is the parameter's fact."""
CALL: Final[EventKind[str]] = EventKind("call")
"""A function of the project, which is the name, is called: by this name."""

CROSS: Final[EventKind[Crossed]] = EventKind("cross")
"""An array becomes one of another library: by which operation, from and to which world, and whether it
could stand outside of its loop."""
ALLOWED: Final[EventKind[Crossed]] = EventKind("allowed")
"""The same, inside of ``with crossing_allowed():``."""
MOVE: Final[EventKind[Crossed]] = EventKind("move")
"""An array is moved to a device: as for a crossing."""

AXES: Final[EventKind[tuple[str, str, str, str]]] = EventKind("axes")
"""An array with axes is passed to a parameter with axes: function, both axes, the argument's name."""
OPERANDS: Final[EventKind[tuple[str, str, str, str]]] = EventKind("operands")
"""An operator on arrays with different axes: both axes, and the names of both operands."""

MIX: Final[EventKind[tuple[str, str, str, str]]] = EventKind("mix")
"""An operator raises on arrays of two libraries: both worlds, and the names of both operands."""
FOREIGN: Final[Raised] = EventKind("foreign")
"""A library's function raises on another's array: the function, its world, and the other."""
DTYPE: Final[EventKind[tuple[str, str]]] = EventKind("dtype")
"""A library's function raises on another's dtype: its world, and the other."""
NAMESAKE: Final[EventKind[tuple[str, str, str, str]]] = EventKind("namesake")
"""A call fits another library's function of the same name: both worlds, the name, and a keyword."""
UNREADABLE: Final[EventKind[tuple[str, int, str]]] = EventKind("unreadable")
"""The host cannot read a tensor's memory: what reads it, the tensor's state, and its world."""
MISSING: Final[EventKind[tuple[str, str, tuple[str, ...]]]] = EventKind("missing")
"""An array has no such member: its world, the array's name, and the worlds that have the member."""
RECORD: Final[EventKind[tuple[str, str, str]]] = EventKind("record")
"""A result is a tuple, and the member one of arrays: its name, its class, and a world that has it."""
CALLED: Final[Raised] = EventKind("called")
"""An attribute that is called, and no method here: the array's name, its world, and the other."""
SUBSCRIPTED: Final[Raised] = EventKind("subscripted")
"""A method that is subscripted, and no tuple here: the array's name, its world, and the other."""
ASSIGNED: Final[EventKind[tuple[str, str]]] = EventKind("assigned")
"""An item is assigned that the library does not convert: its world, and the other."""
