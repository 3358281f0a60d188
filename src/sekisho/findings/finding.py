"""Findings, and the list of rules."""

from __future__ import annotations

from typing import Final, NamedTuple

from sekisho.utils import closest

__all__ = [
    "BY_SEVERITY",
    "CODES",
    "RULES",
    "UNUSED",
    "Finding",
    "Fix",
    "Rule",
    "to_code",
]


class Rule(NamedTuple):
    """A rule that findings refer to.

    Attributes:
        code: ``SK`` and a number.
        name: a short name, accepted wherever the code is.
        title: what it finds, in a few words.
        is_error: whether the code fails when it runs, or contradicts its own declaration.
        is_style: whether it is reported only in projects that select it or use sekisho.
        is_cost: whether what it finds costs time and is otherwise right.
    """

    code: str
    name: str
    title: str
    is_error: bool = False
    is_style: bool = False
    is_cost: bool = False

    @property
    def is_off_in_tests(self) -> bool:
        """Whether tests may do it: they cross to compare, and are fast enough."""
        return self.is_style or self.is_cost


RULES: Final = (
    Rule("SK101", "variable-changes-library", "a variable changes its library", is_style=True),
    Rule("SK102", "misleading-name", "a name says another library than its value"),
    Rule(
        "SK103",
        "undeclared-crossing",
        "a crossing in a function that declares none",
        is_style=True,
    ),
    Rule(
        "SK104",
        "crossing-in-loop",
        "a crossing or transfer in a loop that could stand outside",
        is_cost=True,
    ),
    Rule(
        "SK105",
        "mixed-returns",
        "a function returns different libraries on different paths",
        is_style=True,
    ),
    Rule(
        "SK106",
        "undeclared-boundary",
        "a function works in several libraries without being a boundary",
        is_style=True,
    ),
    Rule(
        "SK107",
        "wrong-library",
        "an operation that raises across libraries",
        is_error=True,
    ),
    Rule(
        "SK108",
        "broken-declaration",
        "a declared world that the body contradicts",
        is_error=True,
    ),
    Rule("SK109", "axes-do-not-fit", "a call whose annotated axes cannot fit", is_error=True),
    Rule("SK110", "axis-name-slip", "an axis name that looks like a slip"),
    Rule(
        "SK111",
        "unreadable-tensor",
        "a tensor read by NumPy that requires grad or is on a device",
        is_error=True,
    ),
    Rule("SK112", "unused-ignore", "a comment that ignores nothing", is_style=True),
    Rule("SK113", "both-expanded", "an operation that expands both operands"),
)
"""Each has a section in docs/check.md."""

CODES: Final = {rule.code: rule for rule in RULES}
UNUSED: Final = "SK112"
_SEVERITY: Final = "SK107 SK111 SK108 SK109 SK113 SK110 SK102 SK104 SK101 SK105 SK103 SK106 SK112"
BY_SEVERITY: Final = tuple(_SEVERITY.split())
"""The order of severity: if a line has several findings, only the most severe is reported."""


def to_code(word: str) -> str:
    """Return the code, or prefix of codes, for a word: a code, a prefix, or the name of a rule.

    Raises:
        ValueError: if there is no such code.
    """
    for rule in RULES:
        if word == rule.name or (word and rule.code.startswith(word.upper())):
            return rule.code if word == rule.name else word.upper()
    close = closest(word, [*CODES, *(rule.name for rule in RULES)])
    hint = f"Did you mean {close!r}?" if close else f"There are {', '.join(CODES)}"
    raise ValueError(f"there is no code {word!r}. {hint}")


class Fix(NamedTuple):
    """A change that is certain to be right.

    Attributes:
        kind: ``"rename"``.
        line: the line of the function to change.
        old: the old name.
        new: the new name.
    """

    kind: str
    line: int
    old: str
    new: str


class Finding(NamedTuple):
    """A problem in the code.

    Attributes:
        path: the file.
        place: the place as it is printed; for a notebook, with the cell.
        line: the line, from 1.
        column: the column, from 1.
        code: one of `CODES`.
        message: the problem.
        reason: the steps that led to it, one for each line.
        help: a suggestion in words; "" if none is certain.
        fix: what ``--fix`` does; None if nothing.
        function: the name of the enclosing function; "" at the top of a module.
        subject: the name in question: with code and function, it identifies the finding in a
            baseline.
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
