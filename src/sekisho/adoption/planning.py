"""What is to be written at each function of a package, how sure that is, and what is left out."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.adoption.bodies import Body
from sekisho.adoption.comparing import contradictions, read_hint
from sekisho.adoption.definitions import Definition, find_definitions
from sekisho.adoption.reading import Reading
from sekisho.adoption.refining import refined
from sekisho.adoption.rewriting import Edit, rewrite
from sekisho.adoption.snapshot import Snapshot
from sekisho.adoption.spelling import ModuleSpelling
from sekisho.code import Skipped, parse, read_file
from sekisho.contract import variadic_index
from sekisho.deduction import Deduced, LeftOut, Said, Weaker, deduce, spell

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sekisho.adoption.scripts import Block
    from sekisho.code import SourceFile
    from sekisho.tracer import Observed, Place

    AxisNames = dict[tuple[str, tuple[str, ...], int], str]
    """Names by parameter, where in it the array is, and the number of the axis."""

    Dropped = Collection[tuple[str, str, str]]
    """By path, function, and parameter, ``return``, ``decorator`` or ``everything``: what is not to be written."""

__all__ = [
    "DECLARATION",
    "DECORATOR",
    "WHOLE",
    "Choice",
    "Plan",
    "PlannedFile",
    "Settings",
    "Sources",
    "deduce_all",
    "make_plan",
]

DECORATOR: Final = "decorator"
WHOLE: Final = "everything"
DECLARATION: Final = "declaration"
"""Beside parameters and ``return``, what may not have held of a function."""

_AXIS: Final = re.compile(r"(\w+_)?(axis|axes|dim|dims)")
"""Parameters that say which axis a function works on."""

_OWN: Final = frozenset({"boundary", "same_world"})


class Settings(NamedTuple):
    """What is asked for.

    Attributes:
        select: patterns of qualified names; empty for all.
        min_calls: of a function that was called less often, nothing is written.
        arrays_only: whether only arrays are annotated, and what holds them.
        width: of a line.
        keep_annotations: whether plain ones stay as they are.
    """

    select: tuple[str, ...] = ()
    min_calls: int = 1
    arrays_only: bool = False
    width: int = 100
    keep_annotations: bool = False


class Choice(NamedTuple):
    """One function, and what is written at it.

    Attributes:
        definition: the function.
        deduced: what its calls have kept; None if it was not deduced.
        edit: what is written; None if nothing is.
        left_out: by parameter, ``return`` or "", why nothing is written there.
        contradicted: annotations that are there and that the runs have not kept.
        lost_writes: why the decorator converts nothing, if it does not.
        weaker: the claims that had too little evidence.
    """

    definition: Definition
    deduced: Deduced | None
    edit: Edit | None
    left_out: tuple[tuple[str, str], ...]
    contradicted: tuple[str, ...]
    lost_writes: tuple[str, ...] = ()
    weaker: tuple[Weaker, ...] = ()


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
    """All files, those that could not be read, and the code that no contract can be written at."""

    files: tuple[PlannedFile, ...]
    skipped: tuple[Skipped, ...]
    blocks: tuple[Block, ...] = ()


class _Source:
    """A file that was seen, parsed."""

    def __init__(self, path: str, file: SourceFile, telling: Mapping[str, str]) -> None:
        self.path: str = path
        self.file: SourceFile = file
        self.package: str = file.module.partition(".")[0]
        self.tree: ast.Module = parse(file.text)
        self.definitions: dict[int, Definition] = {
            each.first: each for each in find_definitions(self.tree, telling)
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


class Sources(NamedTuple):
    """What was seen of a package: its files, and the contracts that its functions have kept.

    Attributes:
        files: those that can be read, by path.
        skipped: those that cannot.
        deduced: the contracts, by path and first line.
        blocks: the code at the top of modules that works with arrays.
    """

    files: Mapping[str, _Source]
    skipped: tuple[Skipped, ...]
    deduced: Mapping[tuple[str, int], Deduced]
    blocks: tuple[Block, ...] = ()


def deduce_all(
    observed: Iterable[Observed],
    travels: Mapping[tuple[Place, Place], int],
    reading: Reading | None = None,
    snapshot: Snapshot | None = None,
) -> Sources:
    """Read the files of functions that were seen, and find the contracts that these have kept.

    Args:
        observed: the functions that were seen.
        travels: the ways that arrays have gone between them: names go along.
        reading: what the map tells of the files.
        snapshot: the files before the run: one that has changed since is not read.
    """
    seen = list(observed)
    reading = reading or Reading()
    files: dict[str, _Source] = {}
    skipped: list[Skipped] = []
    for path in sorted({each.path for each in seen}):
        file = read_file(Path(path))
        try:
            if isinstance(file, Skipped):
                skipped.append(file)
            elif snapshot is not None and snapshot.has_changed(path):
                skipped.append(Skipped(path, "it was changed while the command ran"))
            else:
                files[path] = _Source(path, file, reading.telling)
        except ValueError as error:
            skipped.append(Skipped(path, str(error)))
    found: dict[tuple[str, int], Deduced] = {}
    for _ in range(2):  # since names go along with arrays
        near = _near(found, travels, files)
        for each in seen:
            source = files.get(each.path)
            definition = source and source.definitions.get(each.line)
            if source and definition:
                found[each.key] = deduce(
                    each,
                    _said(definition, source, near.get(each.key, {})),
                    star=definition.star,
                    stars=definition.stars,
                    world=reading.worlds.get((each.path, definition.line), ""),
                )
    return Sources(files, tuple(skipped), found, reading.blocks)


def make_plan(seen: Sources, settings: Settings, dropped: Dropped = frozenset()) -> Plan:
    """Decide what is written where.

    Args:
        seen: the functions.
        settings: what is asked for.
        dropped: what is not to be written, since it was tried, and did not hold.

    Raises:
        ImportError: if libcst is not installed.
    """
    by_path: dict[str, list[Deduced]] = defaultdict(list)
    for each in seen.deduced.values():
        by_path[each.observed.path].append(each)
    files = (
        _plan_file(source, by_path[path], settings, dropped) for path, source in seen.files.items()
    )
    return Plan(tuple(files), seen.skipped, seen.blocks)


def _said(definition: Definition, source: _Source, near: AxisNames) -> Said:
    body = definition.body
    names: AxisNames = {(name, (), index): axis for (name, index), axis in body.names.items()}
    beside = dict(near)
    ranked = set(body.ranked)
    for name, axes in source.own_names.items():
        ranked |= {name} & definition.annotations.keys()
        for index, axis in axes.items():
            target = names if name in definition.annotations else beside
            target.setdefault((name, (), index), axis)
    return Said(
        names,
        beside,
        flags=definition.flags,
        libraries=definition.libraries,
        is_method="." in definition.name.rpartition("<locals>.")[2],
        ranked=frozenset(ranked),
        picks_axis=any(_AXIS.fullmatch(each) for each in definition.parameters),
        **{name: getattr(body, name) for name in Body._fields if name not in {"names", "ranked"}},
    )


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
            for (name, index), axis in definition.body.names.items():
                if name == start.name:
                    path = tuple(f"[{i}]" for i in end.path)
                    found[end.function].setdefault((end.name, path, index), axis)
    return found


def _plan_file(
    source: _Source, deduced: Iterable[Deduced], settings: Settings, dropped: Dropped
) -> PlannedFile:
    before = source.file.decode()
    seen = [*deduced]
    refused: dict[int, str] = {}
    while True:
        spelling = ModuleSpelling(source.tree)  # again: what is refused needs no import
        choices = [_choose(source, each, spelling, settings, dropped, refused) for each in seen]
        edits = [each.edit for each in choices if each.edit is not None]
        why = "it is not found in the file as libcst reads it"
        try:
            after, missed = rewrite(before, edits, spelling.needed, source.package, settings.width)
        except ValueError as error:
            after, missed, why = before, frozenset(edit.line for edit in edits), str(error)
        if not missed:
            data = after.encode(source.file.encoding)
            return PlannedFile(source.path, source.file.data, data, tuple(choices))
        refused |= dict.fromkeys(missed, why)


def _choose(
    source: _Source,
    deduced: Deduced,
    spelling: ModuleSpelling,
    settings: Settings,
    dropped: Dropped,
    refused: Mapping[int, str],
) -> Choice:
    path, observed = source.path, deduced.observed
    definition = source.definitions[observed.line]
    contradicted = tuple(contradictions(observed, definition, spelling))
    reason = _reason(definition, deduced, settings, refused)
    if (path, definition.name, WHOLE) in dropped:
        reason = "written, and not kept when it was run again, time after time"
    if (path, definition.name, DECLARATION) in dropped:
        reason = "a decorator refuses what it is annotated with"
    if reason is not None:
        left = (("", reason),) if reason else ()
        return Choice(definition, deduced, None, left, contradicted)
    if not deduced.kind:
        unclear = tuple([each for each in deduced.weaker if each.claim == "world"])
        return Choice(definition, deduced, None, (), contradicted, weaker=unclear)
    left_out: list[tuple[str, str]] = []
    unsure = [*deduced.weaker]
    annotations: dict[str, str] = {}
    for name, form in _wanted(definition, deduced, settings):
        if (path, definition.name, name) in dropped:
            left_out.append((name, "written, and not kept when it was run again"))
            continue
        if name in deduced.left_out:
            unsure.append(deduced.left_out[name])
            continue
        if name == "return" and form.is_none and not definition.is_generator:
            annotations[name] = "None"
            continue
        try:
            annotations[name] = spell(
                form, deduced.axes, deduced.words, spelling, any_world=deduced.kind == "same_world"
            )
            if name == "return" and definition.is_generator:
                annotations[name] = f"{spelling.abstract('Iterator')}[{annotations[name]}]"
        except LeftOut as why:
            if form.holds_arrays:
                left_out.append((name, str(why)))
    kind = "boundary" if (path, definition.name, DECORATOR) in dropped else deduced.kind
    has_one = any(each in _OWN or each.endswith("_world") for each in definition.decorators)
    why_bare = _why_bare(definition, spelling, contradicted)
    if why_bare and not has_one:
        left_out.append(("", f"no decorator: {why_bare}"))
    decorator = "" if has_one or why_bare else spelling.decorator(kind)
    converts = bool(decorator) and kind != "boundary"
    lost_writes = tuple(_lost_writes(definition, deduced, converts=converts))
    decorator += '(on_foreign="reject")' * bool(lost_writes)
    exact = {} if settings.keep_annotations or why_bare else _refined(source, deduced, spelling, dropped)
    is_empty = not (annotations or decorator or exact)
    edit = None if is_empty else Edit(definition.line, annotations, decorator, exact)
    wanted = {name for name, _ in _wanted(definition, deduced, settings)} | {""}
    weaker = tuple([each for each in unsure if each.place.replace("yield", "return") in wanted])
    return Choice(definition, deduced, edit, tuple(left_out), contradicted, lost_writes, weaker)


def _refined(
    source: _Source, deduced: Deduced, spelling: ModuleSpelling, dropped: Dropped
) -> dict[str, str]:
    """The plain annotations that can say more."""
    definition = source.definitions[deduced.observed.line]
    found: dict[str, str] = {}
    for name, node in definition.annotations.items():
        form = deduced.forms.get(name)
        is_left = name in deduced.left_out or (source.path, definition.name, name) in dropped
        if form is None or is_left or (name == "return" and definition.is_generator):
            continue
        text = refined(node, form, deduced.axes, deduced.words, spelling)
        if text:
            found[name] = text
    return found


def _why_bare(
    definition: Definition, spelling: ModuleSpelling, contradicted: tuple[str, ...]
) -> str:
    """Why a guard would refuse calls that were seen, or could not be made; "" if neither."""
    if contradicted:
        return "what it is annotated with does not hold"
    for node in definition.annotations.values():
        typed = spelling.typed_in(node)
        if typed is not None:
            return f"'{typed[0]}' is imported for type checkers only, in line {typed[1]}"
    return ""


def _lost_writes(definition: Definition, deduced: Deduced, *, converts: bool) -> Iterator[str]:
    """What a guard that converts could lose: writes into arguments that hold arrays."""
    for name, line in definition.writes.items() if converts else ():
        if name in deduced.forms and deduced.forms[name].holds_arrays:
            yield (
                f"nothing is converted, since line {line} writes into '{name}': "
                "a write into a converted copy would be lost"
            )


def _reason(
    definition: Definition, deduced: Deduced, settings: Settings, refused: Mapping[int, str]
) -> str | None:
    """Why nothing is written at a function: "" if it is none of this tool's, None if it is."""
    if settings.select and not any(
        fnmatch.fnmatchcase(definition.name, pattern) for pattern in settings.select
    ):
        return ""
    if not deduced.has_arrays:
        return "" if deduced.calls or not deduced.observed.calls else "each of its calls raised"
    if definition.why_not:
        return definition.why_not
    if deduced.calls < settings.min_calls:
        return f"{deduced.calls} calls, fewer than {settings.min_calls}"
    return refused.get(definition.line)


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
