"""What a finding is, and the codes that there are."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["BY_SEVERITY", "CODES", "Finding", "Fix", "OF_ADOPTERS"]

CODES: Final = {
    "SK101": "a variable changes its library",
    "SK102": "a name says another library than its value",
    "SK103": "a crossing in a function that declares none",
    "SK104": "a crossing or transfer in a loop that could stand outside",
    "SK105": "a function returns different libraries on different paths",
    "SK106": "a function works in several libraries without being a boundary",
    "SK107": "an operation that raises or changes meaning across libraries",
    "SK108": "a declared world that the body contradicts",
    "SK109": "a call whose annotated axes cannot fit",
    "SK110": "an axis name that looks like a slip",
    "SK111": "a tensor read by NumPy that requires grad or is on a device",
}
"""Each has a section in docs/check.md."""

OF_ADOPTERS: Final = frozenset({"SK101", "SK103", "SK105", "SK106"})
"""Told only where a project selects them, or has adopted sekisho: they are about its style, not about mistakes."""

BY_SEVERITY: Final = (
    *(
        "SK107",
        "SK111",
        "SK108",
        "SK109",
        "SK110",
        "SK102",
        "SK104",
        "SK101",
        "SK105",
        "SK103",
        "SK106",
    ),
)
"""Of several findings of a line, the first of these is told."""


class Fix(NamedTuple):
    """A change that is certain.

    Attributes:
        kind: ``"rename"``.
        line: of the function that it is made in.
        old: the name that is renamed.
        new: the new name.
    """

    kind: str
    line: int
    old: str
    new: str


class Finding(NamedTuple):
    """Something that a reader of the code should know.

    Attributes:
        path: the file.
        place: where it is, as it is printed: with a notebook's cell.
        line: from 1.
        column: from 1.
        code: of `CODES`.
        message: what is so.
        reason: how that is known, one step a line.
        help: what helps, in words; "" if that is not certain.
        fix: what ``--fix`` does; None if nothing.
        function: the name of the function that it is in; "" at the top of a module.
        subject: the name that it is about: with code and function, what a baseline knows it by.
    """

    path: str
    place: str
    line: int
    column: int
    code: str
    message: str
    reason: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None
    function: str = ""
    subject: str = ""
