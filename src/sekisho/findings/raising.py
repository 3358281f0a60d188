"""SK107: operations that certainly raise on arrays of another library."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sekisho.findings.declaring import spelled
from sekisho.findings.reasons import make_finding, notes_of, noun, since, title
from sekisho.inference import events
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.findings.finding import Finding
    from sekisho.inference import Function, Solution

__all__ = ["find_raising"]

_CALLED: Final = re.compile(r"\b\w+(?=\()")


def find_raising(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK107."""
    for rule in _RULES:
        yield from rule(solution, function)


def _mixed(solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, sign, (mine, theirs, left, right) in notes_of(function, events.MIX):
        kinds = f"{noun(mine)} {sign} {noun(theirs)}"
        shown = f"{left or noun(mine)} {sign} {right or noun(theirs)}"
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{kinds if shown == kinds else f'{shown} is {kinds}'}: it raises",
            reason=(
                *since(solution, function, left, line, mine),
                *since(solution, function, right, line, theirs),
            ),
            help=f"convert one of them: {spelled(solution, function, f'to_{mine}')}({right or '...'})",
            subject=f"{left} {sign} {right}",
        )


def _foreign(solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, name, (shown, world, other) in notes_of(function, events.FOREIGN):
        called = shown or f"a function of {title(world)}'s"
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{called} is given {name or 'an argument'}, {noun(other)}: it raises",
            reason=since(solution, function, name, line, other),
            help=f"convert it: {spelled(solution, function, f'to_{world}')}({name or '...'})",
            subject=f"{called} {name}",
        )


def _missing(solution: Solution, function: Function) -> Iterator[Finding]:
    def spell(match: re.Match[str]) -> str:
        return spelled(solution, function, match[0])

    for line, column, attribute, (world, name, having) in notes_of(function, events.MISSING):
        if not having:
            continue  # a mistake that has nothing to do with libraries
        helper = next(
            (words for each in having if (words := world_named(each).words.get(attribute))), ""
        )
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{f'{name} is {noun(world)}, and' if name else noun(world)} has no .{attribute}: "
            f"{noun(having[0])} has",
            reason=since(solution, function, name, line, world),
            help=f"{_CALLED.sub(spell, helper)} does it in both" if helper else "",
            subject=f"{name}.{attribute}",
        )


def _records(_solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, attribute, (name, record, having) in notes_of(function, events.RECORD):
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{name or 'it'} is a {record}, a tuple, and has no .{attribute}: {noun(having)} has",
            subject=f"{name}.{attribute}",
        )


def _namesake(solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, shown, (world, other, last, word) in notes_of(function, events.NAMESAKE):
        name = shown.rpartition(".")[0]
        what = f"has no parameter {word!r}" if word else "does not take these arguments"
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{shown} is {title(world)}'s, and {what}: {title(other)}'s {'has' if word else 'does'}",
            reason=since(solution, function, name, line, world),
            help=_other_word(world, other, word),
            subject=f"{last} {word}",
        )


def _other_word(world: str, other: str, word: str) -> str:
    """Say how a library names a parameter that another one calls `word`; "" if it has none."""
    theirs = world_named(other).supplement.keywords
    own = next((each for each, called in theirs.items() if called == word), "")
    return f"{title(world)} calls it {own!r}" if own and len(own) > 1 else ""


def _other_kinds(solution: Solution, function: Function) -> Iterator[Finding]:
    for kind, said in ((events.CALLED, "is no method"), (events.SUBSCRIPTED, "is a method")):
        for line, column, attribute, (name, world, other) in notes_of(function, kind):
            yield make_finding(
                function,
                line,
                column,
                "SK107",
                f"{name or noun(world)} is {noun(world)}, whose .{attribute} {said}, "
                f"and is {kind.name}: it is another thing of {noun(other)}",
                reason=since(solution, function, name, line, world),
                subject=f"{name}.{attribute}",
            )


def _dtypes(solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, shown, (world, other) in notes_of(function, events.DTYPE):
        name = shown.rpartition(".")[0]
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{shown} is {title(world)}'s, and is given a dtype of {title(other)}'s: it raises",
            reason=since(solution, function, name, line, world),
            subject=shown,
        )


def _assigned(solution: Solution, function: Function) -> Iterator[Finding]:
    for line, column, shown, (world, other) in notes_of(function, events.ASSIGNED):
        name = shown.removesuffix("[...]")
        yield make_finding(
            function,
            line,
            column,
            "SK107",
            f"{shown} is of {noun(world)}, and is assigned {noun(other)}: it raises",
            reason=since(solution, function, name, line, world),
            help=f"convert it: {spelled(solution, function, f'to_{world}')}(...)",
            subject=shown,
        )


_RULES: Final[tuple[Callable[[Solution, Function], Iterator[Finding]], ...]] = (
    _mixed,
    _foreign,
    _missing,
    _records,
    _namesake,
    _other_kinds,
    _dtypes,
    _assigned,
)
