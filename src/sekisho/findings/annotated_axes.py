"""Rules about axes that annotations name: calls and operators that they contradict, and slips."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sekisho.contract import find_slips, find_unbound
from sekisho.findings.axes import both_expanded, misfit, names_in
from sekisho.findings.reasons import make_finding, notes_of
from sekisho.inference import events, instance, is_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.contract import Slip, Unbound
    from sekisho.findings.finding import Finding
    from sekisho.inference import Function, Solution

__all__ = ["find_expansions", "find_misfits", "find_slips_in_axes"]


_NUMBER: Final = instance("builtins:int")
_CHANGING_AXES: Final = re.compile(
    r"\.(un)?squeeze_\(|\.(t|transpose|swapaxes|resize|resize_as|set)_\(|\.resize\(|\.shape\s*="
)


def find_misfits(_solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK109."""
    for line, column, parameter, (callee, wanted, given, name) in notes_of(function, events.AXES):
        why = misfit(wanted, given)
        if why:
            yield make_finding(
                function,
                line,
                column,
                "SK109",
                f'{callee} wants {parameter} as "{wanted}", and {name or "what it is given"} is "{given}": {why}',
                subject=f"{callee} {parameter}",
            )


def find_expansions(_solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK113."""
    operands = [*notes_of(function, events.OPERANDS)]
    lines = function.file.text.split("\n") if operands else []  # most functions have none
    if any(map(_CHANGING_AXES.search, lines[max(function.line - 1, 0) : function.unit.end])):
        return  # an annotation says nothing of the axes behind such a call
    for line, column, sign, (left, right, one, other) in operands:
        together = both_expanded(left, right)
        if together:
            names = (one or "the left operand", other or "the right operand")
            higher = names[len(right.split()) > len(left.split())]
            yield make_finding(
                function,
                line,
                column,
                "SK113",
                f'{names[0]} {sign} {names[1]}: axes "{left}" and "{right}" give "{together}", '
                f"since both are expanded",
                help=f"drop the axis of size 1: sekisho.squeeze({higher}, axis=-1)"
                if higher.isidentifier() and (left if higher == one else right).endswith(" 1")
                else "",
                subject=f"{one} {sign} {other}",
            )


def find_slips_in_axes(_solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK110."""
    where: dict[str, tuple[int, int]] = {}
    arrays: list[tuple[str, list[str]]] = []
    for line, column, name, axes in notes_of(function, events.NAMED):
        place = "the result" if name == "return" else f"argument '{name}'"
        where[place] = line, column
        arrays += [(place, names_in(each)) for each in axes]
    taken = [each for each in arrays if each[0] != "the result"]
    given = [each for each in arrays if each[0] == "the result"]
    numbers = [name for name, value in function.parameters if is_unknown(value) or value == _NUMBER]
    slips: list[Slip | Unbound] = [*find_slips(arrays), *find_unbound(taken, given, numbers)]
    for slip in slips:
        yield make_finding(
            function, *where[slip.place], "SK110", slip.text, help=slip.hint, subject=slip.name
        )
