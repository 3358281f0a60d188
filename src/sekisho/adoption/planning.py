"""What is to be written at each function of a package, how sure that is, and what is left out."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.adoption.comparing import contradictions, read_hint
from sekisho.adoption.definitions import Definition, find_definitions
from sekisho.adoption.rewriting import Edit, rewrite
from sekisho.adoption.spelling import ModuleSpelling
from sekisho.code import Skipped, parse, read_file
from sekisho.contract import variadic_index
from sekisho.deduction import Deduced, LeftOut, Said, deduce, spell

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sekisho.code import SourceFile
    from sekisho.tracer import Observed, Place

    AxisNames = dict[tuple[str, tuple[str, ...], int], str]
    """Names by parameter, where in it the array is, and the number of the axis."""

    Dropped = Collection[tuple[str, str, str]]
    """By path, function, and parameter, ``return``, ``decorator`` or ``everything``: what is not to be written."""

__all__ = ["WHOLE", "Choice", "Plan", "PlannedFile", "Settings", "plan"]

DECORATOR: Final = "decorator"
WHOLE: Final = "everything"
"""Beside parameters and ``return``, what may not have held of a function."""

_OWN: Final = frozenset({"boundary", "same_world"})


class Settings(NamedTuple):
    """What is asked for.

    Attributes:
        select: patterns of qualified names; empty for all.
        min_calls: of a function that was called less often, nothing is written.
        arrays_only: whether only arrays are annotated, and what holds them.
        width: of a line.
    """

    select: tuple[str, ...] = ()
    min_calls: int = 1
    arrays_only: bool = False
    width: int = 100


class Choice(NamedTuple):
    """One function, and what is written at it.

    Attributes:
        definition: the function.
        deduced: what its calls have kept; None if it was not deduced.
        edit: what is written; None if nothing is.
        left_out: by parameter, ``return`` or "", why nothing is written there.
        contradicted: annotations that are there and that the runs have not kept.
    """

    definition: Definition
    deduced: Deduced | None
    edit: Edit | None
    left_out: tuple[tuple[str, str], ...]
    contradicted: tuple[str, ...]


class PlannedFile(NamedTuple):
    """A file, and what becomes of it.

    Attributes:
        path: its real path.
        before: as it is.
        after: as it would be.
        choices: its functions that were seen.
    """

    path: str
    before: bytes
    after: bytes
    choices: tuple[Choice, ...]


class Plan(NamedTuple):
    """All files, and those that could not be read."""

    files: tuple[PlannedFile, ...]
    skipped: tuple[Skipped, ...]


class _Source:
    """A file that was seen, parsed."""

    def __init__(self, path: str, file: SourceFile) -> None:
        self.path: str = path
        self.package: str = file.module.partition(".")[0]
        self.tree: ast.Module = parse(file.text)
        self.definitions: dict[int, Definition] = {
            each.first: each for each in find_definitions(self.tree)
        }
        self.own_names: dict[str, dict[int, str]] = self._annotated_names()

    def _annotated_names(self) -> dict[str, dict[int, str]]:
        """What annotations in this file call the axes of a parameter, by its name."""
        spelling = ModuleSpelling(self.tree)
        found: dict[str, dict[int, str]] = {}
        for definition in self.definitions.values():
            for name, node in definition.annotations.items():
                hint = read_hint(node, spelling)
                if hint is not None and hint.axes is not None and variadic_index(hint.axes) is None:
                    axes = {i: axis.name for i, axis in enumerate(hint.axes) if axis.name}
                    found.setdefault(name, axes)
        return found


def plan(
    observed: Iterable[Observed],
    travels: Mapping[tuple[Place, Place], int],
    settings: Settings,
    crossing: Collection[tuple[str, int]] = frozenset(),
    dropped: Dropped = frozenset(),
) -> Plan:
    """Decide what is written where.

    Args:
        observed: the functions that were seen.
        travels: the ways that arrays have gone between them: names go along.
        settings: what is asked for.
        crossing: by path and line of ``def``, the functions whose bodies are known to cross.
        dropped: what is not to be written, since it was tried, and did not hold.

    Raises:
        ImportError: if libcst is not installed.
    """
    by_path: dict[str, list[Observed]] = defaultdict(list)
    for each in observed:
        by_path[each.path].append(each)
    sources: dict[str, _Source] = {}
    skipped: list[Skipped] = []
    for path in by_path:
        file = read_file(Path(path))
        try:
            if isinstance(file, Skipped):
                skipped.append(file)
            else:
                sources[path] = _Source(path, file)
        except ValueError as error:
            skipped.append(Skipped(path, str(error)))
    everything = [each for path in sources for each in by_path[path]]
    deduced = _deduce_all(everything, sources, travels, crossing)
    files = tuple(
        _plan_file(source, by_path[path], deduced, settings, dropped)
        for path, source in sorted(sources.items())
    )
    return Plan(files, tuple(skipped))


def _deduce_all(
    observed: Iterable[Observed],
    sources: Mapping[str, _Source],
    travels: Mapping[tuple[Place, Place], int],
    crossing: Collection[tuple[str, int]],
) -> dict[tuple[str, int], Deduced]:
    """The contracts of all functions; twice, since names go along with arrays."""
    every = list(observed)
    found: dict[tuple[str, int], Deduced] = {}
    for _ in range(2):
        near = _near(found, travels, sources)
        for each in every:
            definition = sources[each.path].definitions.get(each.line)
            if definition is not None:
                said = _said(definition, sources[each.path], near.get(each.key, {}))
                found[each.key] = deduce(
                    each,
                    said,
                    star=definition.star,
                    stars=definition.stars,
                    crosses=(each.path, definition.line) in crossing,
                )
    return found


def _said(definition: Definition, source: _Source, near: AxisNames) -> Said:
    names: AxisNames = {(name, (), index): axis for (name, index), axis in definition.names.items()}
    beside = dict(near)
    for name, axes in source.own_names.items():
        for index, axis in axes.items():
            target = names if name in definition.annotations else beside
            target.setdefault((name, (), index), axis)
    return Said(names, beside, definition.numbers)


def _near(
    deduced: Mapping[tuple[str, int], Deduced],
    travels: Mapping[tuple[Place, Place], int],
    sources: Mapping[str, _Source],
) -> dict[tuple[str, int], AxisNames]:
    """What the functions that arrays come from, or go to, call their axes in their own code."""
    found: dict[tuple[str, int], AxisNames] = defaultdict(dict)
    for one, other in sorted(travels, key=lambda pair: -travels[pair]):
        for start, end in ((one, other), (other, one)):
            source = sources.get(start.function[0])
            definition = source and source.definitions.get(start.function[1])
            if not definition or start.path or end.function not in deduced:
                continue
            for (name, index), axis in definition.names.items():
                if name == start.name:
                    path = tuple(f"[{i}]" for i in end.path)
                    found[end.function].setdefault((end.name, path, index), axis)
    return found


def _plan_file(
    source: _Source,
    observed: Iterable[Observed],
    deduced: Mapping[tuple[str, int], Deduced],
    settings: Settings,
    dropped: Dropped,
) -> PlannedFile:
    spelling = ModuleSpelling(source.tree)
    choices = [
        _choose(source.path, definition, deduced[each.key], spelling, settings, dropped)
        for each in observed
        if (definition := source.definitions.get(each.line)) is not None
    ]
    before = Path(source.path).read_bytes()
    edits = [each.edit for each in choices if each.edit is not None]
    after = rewrite(before, edits, spelling.needed, source.package, settings.width)
    return PlannedFile(source.path, before, after, tuple(choices))


def _choose(
    path: str,
    definition: Definition,
    deduced: Deduced,
    spelling: ModuleSpelling,
    settings: Settings,
    dropped: Dropped,
) -> Choice:
    observed = deduced.observed
    contradicted = tuple(contradictions(observed, definition, spelling))
    reason = _reason(definition, deduced, settings)
    if (path, definition.name, WHOLE) in dropped:
        reason = "written, and not kept when it was run again, time after time"
    if reason is not None:
        left = (("", reason),) if reason else ()
        return Choice(definition, deduced, None, left, contradicted)
    left_out: list[tuple[str, str]] = []
    annotations: dict[str, str] = {}
    for name, form in _wanted(definition, deduced, settings):
        if (path, definition.name, name) in dropped:
            left_out.append((name, "written, and not kept when it was run again"))
            continue
        if name == "return" and form.is_none and not definition.is_generator:
            annotations[name] = "None"
            continue
        try:
            annotations[name] = spell(
                form, deduced.axes, spelling, any_world=deduced.kind == "same_world"
            )
            if name == "return" and definition.is_generator:
                annotations[name] = f"{spelling.iterator()}[{annotations[name]}]"
        except LeftOut as why:
            if form.holds_arrays:
                left_out.append((name, str(why)))
    kind = "boundary" if (path, definition.name, DECORATOR) in dropped else deduced.kind
    has_one = any(each in _OWN or each.endswith("_world") for each in definition.decorators)
    decorator = "" if has_one else spelling.decorator(kind)
    edit = Edit(definition.line, annotations, decorator) if annotations or decorator else None
    return Choice(definition, deduced, edit, tuple(left_out), contradicted)


def _reason(definition: Definition, deduced: Deduced, settings: Settings) -> str | None:
    """Why nothing is written at a function: "" if it is none of this tool's, None if it is."""
    if settings.select and not any(
        fnmatch.fnmatchcase(definition.name, pattern) for pattern in settings.select
    ):
        return ""
    if not deduced.kind:
        return "" if deduced.calls or not deduced.observed.calls else "each of its calls raised"
    if definition.why_not:
        return definition.why_not
    if deduced.calls < settings.min_calls:
        return f"{deduced.calls} calls, fewer than {settings.min_calls}"
    return None


def _wanted(
    definition: Definition, deduced: Deduced, settings: Settings
) -> Iterator[tuple[str, Any]]:
    """The places that have no annotation, and what came to them."""
    for name, form in deduced.forms.items():
        if name in definition.annotations or (settings.arrays_only and not form.holds_arrays):
            continue
        if name == "yield":
            if not definition.is_async and "return" not in definition.annotations:
                yield "return", form
        elif name != "return" or not definition.is_generator:
            yield name, form
