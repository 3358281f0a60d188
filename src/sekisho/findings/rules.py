"""The rules: each looks at one function of a survey and yields findings."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeAlias

from sekisho.findings.annotated_axes import find_expansions, find_misfits, find_slips_in_axes
from sekisho.findings.declaring import can_declare, spelled
from sekisho.findings.endings import is_meant, is_word
from sekisho.findings.finding import Fix
from sekisho.findings.gradients import find_unreadable
from sekisho.findings.raising import find_raising
from sekisho.findings.reasons import make_finding, notes_of, noun, since, title
from sekisho.inference import (
    UNKNOWN,
    arrays_in,
    certain_world,
    events,
    only_world,
    read_annotation,
    worlds_of,
)
from sekisho.worlds import has_world, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sekisho.findings.finding import Finding
    from sekisho.inference import Function, Solution, Value

__all__ = ["RULES", "find"]

_Named: TypeAlias = "tuple[int, int, str, Value, str]"
"""Line, column, name, value, and the call or the name that is assigned."""


def find(
    solution: Solution, function: Function, suffixes: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    """Yield all findings of a function."""
    yield from _lies(solution, function, suffixes)
    for rule in RULES:
        yield from rule(solution, function)


def _changes(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK101."""
    for each in function.variables:
        world = certain_world(each.value)
        if not world or not each.before or each.before == world:
            continue
        how = f": {each.how}" if each.how else ""
        yield make_finding(
            function,
            each.line,
            each.column,
            "SK101",
            f"{each.name} becomes {noun(world)} here{how}",
            reason=since(solution, function, each.name, each.line - 1, each.before),
            help=f"give what is {noun(world)} a name of its own",
            subject=each.name,
        )


def _lies(
    solution: Solution, function: Function, suffixes: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    """Find SK102."""
    seen: set[str] = set()
    parameters = dict(function.parameters)
    names: list[_Named] = [
        (each.line, each.column, each.name, each.value, each.how) for each in function.variables
    ]
    names += [
        (line, column, name, *what)
        for line, column, name, what in notes_of(function, events.ATTRIBUTE)
    ]
    every = [name for _, _, name, *_ in names]
    for line, column, name, value, how in sorted(names, key=lambda each: each[:2]):
        world = certain_world(value)
        ending = next((each for each in suffixes if name.endswith(each) and name != each), None)
        if not world or ending is None or world in suffixes[ending] or name in seen:
            continue
        if not is_meant(solution, function, ending, suffixes[ending]) or is_word(
            every, name, ending
        ):
            continue
        seen.add(name)
        said = " or ".join(sorted(title(each) for each in suffixes[ending]))
        same = {only_world(each.value) for each in function.variables if each.name == name}
        proper = next(
            (each for each, worlds in suffixes.items() if worlds == frozenset({world})), None
        )
        new = f"{name[: -len(ending)]}{proper}" if proper else ""
        is_free = new not in {each.name for each in function.variables}
        is_local = function.line > 0 and name not in parameters and "." not in name
        certain = (
            bool(new) and is_free and is_local and same == {world} and not function.unit.is_outer
        )
        made = f": {how}" if how else ""
        yield make_finding(
            function,
            line,
            column,
            "SK102",
            f"{name} is {noun(world)}{made}, and its name says {said}",
            help=f"call it {new}" if new else "",
            fix=Fix("rename", function.line, name, new) if certain else None,
            subject=name,
        )


def _crossings(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK103."""
    # crossings inside crossing_allowed() are events of another kind
    crossings = [*notes_of(function, events.CROSS)]
    if not crossings or not function.line or function.unit.declared == "boundary":
        return
    if _says_so(function.name):
        return
    block = f"in a block: with {spelled(solution, function, 'crossing_allowed')}()"
    decorator = spelled(solution, function, "boundary")
    can_be_one = can_declare(solution, function, "boundary")
    helps = f"declare it with @{decorator}, or {block}" if can_be_one else f"declare it {block}"
    line, column, name, (shown, source, target, _) = crossings[0]
    count = f": the first of {len(crossings)}" if len(crossings) > 1 else ""
    yield make_finding(
        function,
        line,
        column,
        "SK103",
        f"{shown} takes {name or noun(source)} from {title(source)} to {title(target)}, "
        f"and {function.name} declares no crossing{count}",
        reason=since(solution, function, name, line, source),
        help=helps,
        subject=shown,
    )


_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS: Final = sorted(
    {
        *("array", "arrays", "ndarray", "tensor", "tensors", "pt", "jnp"),
        *world_names(),
        *(each[1:] for name in world_names() for each in world_named(name).supplement.suffixes),
    }
    - {"t"},
    key=len,
    reverse=True,
)
_LIBRARY: Final = f"(?:{'|'.join(_WORDS)})"
_CONVERTER: Final = re.compile(
    rf"(?:^|[._])(?:(?:to|from|as|into)_?{_LIBRARY}|{_LIBRARY}_?(?:to|2|from)_?{_LIBRARY})(?![a-z])"
    rf"|(?:^|[.])(?:{_LIBRARY}|__array__)$"
)


def _says_so(name: str) -> bool:
    """Return whether the name of a function or its class announces a conversion to another library."""
    return _CONVERTER.search(_CAMEL.sub("_", name).lower()) is not None


def _in_loops(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK104."""
    for kind in (events.CROSS, events.ALLOWED, events.MOVE):
        for line, column, name, (shown, source, _, could_stand_outside) in notes_of(function, kind):
            if could_stand_outside and name and not _is_view(shown):
                what = "a transfer" if kind is events.MOVE else "a crossing"
                yield make_finding(
                    function,
                    line,
                    column,
                    "SK104",
                    f"{shown} of {name} is {what} in each turn of the loop, of what the loop does not change",
                    reason=since(solution, function, name, line, source),
                    help="do it once, in front of the loop",
                    subject=name,
                )


def _is_view(operation: str) -> bool:
    """Return whether an operation is cheap because the result shares the memory."""
    world, _, dotted = operation.partition(".")
    return has_world(world) and dotted in world_named(world).supplement.views


def _returns(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK105."""
    follows = function.by_world
    if follows and all(set(arrays_in(value)) <= {world} for world, value in follows.items()):
        return  # the result follows the argument's library
    if [*notes_of(function, events.ASKED)] or len(
        worlds_of(_annotated(solution, function, ""))
    ) > 1:
        return  # the code tests its arguments, or its annotation allows several libraries
    first: tuple[int, str] | None = None
    for line, column, _, (value, _) in notes_of(function, events.RETURN):
        world = only_world(value)
        if not world:
            continue
        if first is None:
            first = line, world
        elif first[1] != world:
            yield make_finding(
                function,
                line,
                column,
                "SK105",
                f"{function.name} returns {noun(world)} here, and {noun(first[1])} elsewhere",
                reason=(f"line {first[0]} returns {noun(first[1])}",),
                help="return one, and convert where the function is called",
                subject=function.name,
            )
            return


def _works_in_both(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK106."""
    if not function.line or function.unit.declared:
        return
    for name, value in function.parameters:
        worlds = worlds_of(value)
        if len(worlds_of(_annotated(solution, function, name))) > 1:
            continue  # its annotation says so
        if all(_are_at_home(*pair) for pair in combinations(worlds, 2)):
            continue  # none, one, or worlds whose functions accept each other's arrays
        reason = [
            step
            for world in worlds
            for step in since(solution, function, name, function.line, world)
        ]
        if len(reason) < len(worlds):
            reason = [step for world in worlds for step in _called(solution, function, name, world)]
        yield make_finding(
            function,
            function.line,
            0,
            "SK106",
            f"{function.name} takes {' and '.join(map(noun, worlds))} as {name}, and is no boundary",
            reason=tuple(reason),
            help=_ways_to_declare(solution, function),
            subject=name,
        )
        return


def _ways_to_declare(solution: Solution, function: Function) -> str:
    """Return a suggestion for declaring a function, by a decorator that accepts it as it is."""
    is_certain = function.ready_for == "same_world"
    kinds = ("same_world",) if is_certain else ("boundary", "same_world")
    fitting = [each for each in kinds if can_declare(solution, function, each)]
    if is_certain and not fitting and can_declare(solution, function, "boundary"):
        fitting = ["boundary"]
    if not fitting:
        return "take one library's arrays, and convert where it is called"
    return f"declare it with {' or '.join(f'@{spelled(solution, function, each)}' for each in fitting)}"


def _annotated(solution: Solution, function: Function, name: str) -> Value:
    """Return the annotated value of a parameter, or with an empty name of the result."""
    entry = solution.program.entry(function.unit.name) if function.line else None
    if entry is None or entry[0] != "def":
        return UNKNOWN
    parameters, returns, *_ = entry[1][-1]
    written = {each: annotation for each, _, _, annotation in parameters} | {"": returns}
    return read_annotation(solution.program, function.unit.key, written.get(name))


def _are_at_home(one: str, other: str) -> bool:
    return (
        other in world_named(one).supplement.welcomes
        and one in world_named(other).supplement.welcomes
    )


def _called(solution: Solution, function: Function, name: str, world: str) -> Iterator[str]:
    for key, line, value in solution.sites.get(f"p {function.unit.name}.{name}", ()):
        if world in arrays_in(value):
            yield f"{name} is {noun(world)} as called at {solution.program.files[key].place(line)}"
            return


def _contradictions(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK108."""
    declared = function.unit.declared
    world = (
        declared.removesuffix("_world") if declared not in {"", "boundary", "same_world"} else ""
    )
    if world in solution.knowledge.worlds:
        yield from _of_another_world(solution, function, world)
    if function.says:
        for line, column, _, (value, how) in notes_of(function, events.RETURN):
            given = certain_world(value)
            if given and given != function.says:
                made = f": {how}" if how else ""
                yield make_finding(
                    function,
                    line,
                    column,
                    "SK108",
                    f"{function.name} is annotated to return {noun(function.says)}, "
                    f"and returns {noun(given)}{made}",
                    help=f"return {spelled(solution, function, f'to_{function.says}')}(...), "
                    "or annotate what it returns",
                    subject="return",
                )
    for line, column, name, (said, value) in notes_of(function, events.DECLARED):
        mine, theirs = only_world(said), certain_world(value)
        if mine and theirs and mine != theirs:
            yield make_finding(
                function,
                line,
                column,
                "SK108",
                f"{name} is annotated as {noun(mine)}, and is assigned {noun(theirs)}",
                subject=name,
            )


def _of_another_world(solution: Solution, function: Function, world: str) -> Iterator[Finding]:
    """Find the first annotation, variable or result of another library in a function of one."""
    for line, column, name, text, reason in _others(solution, function, world):
        yield make_finding(
            function,
            line,
            column,
            "SK108",
            f"{function.name} is declared to work in {title(world)}, and {text}",
            reason=reason,
            help=f"declare it as @{spelled(solution, function, 'boundary')}, "
            "or cross in a function that is one",
            subject=name,
        )
        return


def _others(
    solution: Solution, function: Function, world: str
) -> Iterator[tuple[int, int, str, str, tuple[str, ...]]]:
    """Yield the line, column and name of what is of another library, with a clause and its reason."""
    for name in (*(name for name, _ in function.parameters), ""):
        other = only_world(_annotated(solution, function, name))
        if other not in {"", world}:
            text = f"{name or 'its result'} is annotated as {noun(other)}"
            yield function.line, 0, name or "return", text, ()
    for each in function.variables:
        other = certain_world(each.value)
        if other not in {"", world}:
            how = f": {each.how}" if each.how else ""
            reason = since(solution, function, each.name, each.line, other)
            yield each.line, each.column, each.name, f"{each.name} is {noun(other)}{how}", reason
    for line, column, _, (value, how) in notes_of(function, events.RETURN):
        other = certain_world(value)
        if other not in {"", world} and not function.says:
            made = f": {how}" if how else ""
            yield line, column, "return", f"returns {noun(other)}{made}", ()


RULES: Final[tuple[Callable[[Solution, Function], Iterator[Finding]], ...]] = (
    _changes,
    _crossings,
    _in_loops,
    _returns,
    _works_in_both,
    find_raising,
    _contradictions,
    find_misfits,
    find_expansions,
    find_slips_in_axes,
    find_unreadable,
)
