"""Plan what to write at each function of a package, how certain it is, and what to leave out."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.bodies import Body
from sekisho.adoption.callers import count_uses, mentions_of, read_callees
from sekisho.adoption.choosing import Choice, Settings, Unkept, choose
from sekisho.adoption.comparing import read_hint
from sekisho.adoption.compiled import say_compiled
from sekisho.adoption.definitions import Definition, find_definitions
from sekisho.adoption.reading import Reading
from sekisho.adoption.rewriting import rewrite
from sekisho.adoption.snapshot import Snapshot
from sekisho.adoption.spelling import ModuleSpelling
from sekisho.code import Skipped, read_file
from sekisho.contract import variadic_index
from sekisho.deduction import Deduced, Said, deduce, dtype_kind, dtypes_of
from sekisho.utils import parse

if TYPE_CHECKING:
    import ast
    from collections.abc import Collection, Iterable, Iterator, Mapping, Set

    from sekisho.adoption.scripts import Block
    from sekisho.code import SourceFile
    from sekisho.tracer import Observed, Place

    AxisNames = dict[tuple[str, tuple[str, ...], int], str]
    """Names by parameter, path of the array in it, and number of the axis."""

__all__ = [
    "Choice",
    "Plan",
    "PlannedFile",
    "Settings",
    "Sources",
    "deduce_all",
    "make_plan",
]

_AXIS: Final = re.compile(r"(\w+_)?(axis|axes|dim|dims)")
"""Parameters that select the axis to work on."""


_TOGETHER: Final = frozenset(
    {"names", "ranked", "arrays", "passes", "bound", "listed", "namespaces", "spread"}
)
"""What the body says of a function together with its annotations, and with other functions."""


class PlannedFile(NamedTuple):
    """A file, and its new content.

    Attributes:
        path: its real path.
        before: its current content.
        after: its new content.
        choices: the choices for its functions that were called.
    """

    path: str
    before: bytes
    after: bytes
    choices: tuple[Choice, ...]


class Plan(NamedTuple):
    """What to write in a package.

    Attributes:
        files: the planned files.
        skipped: the files that could not be read.
        blocks: the code at the top of modules that works with arrays.
        dropped: what is not written, because a run contradicted it.
    """

    files: tuple[PlannedFile, ...]
    skipped: tuple[Skipped, ...]
    blocks: tuple[Block, ...] = ()
    dropped: frozenset[Unkept] = frozenset()

    def for_file(self, path: str, dropped: Set[Unkept]) -> PlannedFile | None:
        """Return what is planned for a file, if other choices of what to drop leave it as it is."""
        is_changed = any(each.path == path for each in dropped ^ self.dropped)
        return None if is_changed else next((f for f in self.files if f.path == path), None)

    def with_classes(self) -> Iterator[Unkept]:
        """Yield the annotations that name a class which the code of the function asks for."""
        for file in self.files:
            for choice in file.choices:
                if choice.edit is None or choice.deduced is None:
                    continue
                for name in choice.edit.annotations:
                    form = choice.deduced.forms.get(name)
                    if form is not None and form.is_written:
                        yield Unkept(file.path, choice.definition.name, "annotation", name)


class _Source:
    """A parsed file with functions that were called."""

    def __init__(
        self, path: str, file: SourceFile, reading: Reading, compiled: Set[tuple[str, int]]
    ) -> None:
        self.path: str = path
        self.file: SourceFile = file
        self.package: str = file.module.partition(".")[0]
        self.tree: ast.Module = parse(file.text)
        self.definitions: dict[int, Definition] = {
            each.first: each._replace(why_not=each.why_not or say_compiled())
            if (path, each.first) in compiled or (path, each.line) in reading.compiled
            else each
            for each in find_definitions(self.tree, reading.telling, file.text)
        }
        self.own_names: dict[str, dict[int, str]] = self._annotated_names()

    def at(self, deduced: Deduced) -> Definition:
        """Return the function of a contract."""
        return self.definitions[deduced.observed.line]

    def mentions(self) -> Iterator[tuple[str, str]]:
        """The private names that its code mentions, and where."""
        names = {line: each.name for line, each in self.definitions.items()}
        return mentions_of(self.tree, self.path, names)

    def _annotated_names(self) -> dict[str, dict[int, str]]:
        """Return names of axes from annotations in this file, by parameter name and number."""
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
    """What was recorded of a package: its files, and the contracts deduced for its functions.

    Attributes:
        files: the files that can be read, by path.
        skipped: the files that cannot be read.
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
    """Read the files of the functions that were called, and deduce their contracts.

    Args:
        observed: the functions that were called.
        travels: how often arrays went from one place to another: names of axes go along.
        reading: what the map report says of the files.
        snapshot: the files before the run: a file that has changed since is not read.
    """
    seen = list(observed)
    reading = reading or Reading()
    files, skipped = _read_files(seen, reading, snapshot)
    found: dict[tuple[str, int], Deduced] = {}
    kinds = frozenset({dtype_kind({name}) for each in seen for name in dtypes_of(each)})
    definitions = {
        (path, line): each for path, s in files.items() for line, each in s.definitions.items()
    }
    several = {(each.key, name) for each in seen for name, n in _ranks_of(each).items() if n > 1}
    beyond = read_callees(travels, definitions, several)
    uses = count_uses(seen, [each for source in files.values() for each in source.mentions()])
    for _ in range(2):  # since names go along with arrays
        near = _near(found, travels, files)
        for each in seen:
            source = files.get(each.path)
            definition = source and source.definitions.get(each.line)
            if source and definition:
                found[each.key] = deduce(
                    each,
                    _said(
                        definition, source, near.get(each.key, {}), beyond.ranked[each.key]
                    )._replace(
                        kinds=kinds,
                        handed=beyond.handed[each.key],
                        libraries=beyond.libraries[each.key],
                        any_library=definition.body.any_library | beyond.namespaces[each.key],
                        free=beyond.free[each.key],
                        tails=beyond.tails[each.key],
                        whole=beyond.whole[each.key],
                        equal=beyond.equal[each.key],
                    ),
                    star=definition.star,
                    stars=definition.stars,
                    world=reading.worlds.get((each.path, definition.line), ""),
                    uses=uses[each.key],
                )
    return Sources(files, tuple(skipped), found, reading.blocks)


def _read_files(
    seen: Iterable[Observed], reading: Reading, snapshot: Snapshot | None
) -> tuple[dict[str, _Source], list[Skipped]]:
    """Read the files of the functions that were called; those that cannot be read are skipped."""
    files: dict[str, _Source] = {}
    compiled = {each.key for each in seen if each.is_compiled}
    skipped: list[Skipped] = [] if snapshot is None else [*snapshot.skipped]
    for path in sorted({each.path for each in seen}):
        file = read_file(Path(snapshot.named(path) if snapshot else path))
        try:
            if isinstance(file, Skipped):
                skipped.append(file)
            elif snapshot is not None and snapshot.has_changed(path):
                skipped.append(Skipped(path, "it was changed while the command ran"))
            else:
                files[path] = _Source(path, file, reading, compiled)
        except ValueError as error:
            skipped.append(Skipped(path, str(error)))
    return files, skipped


def _ranks_of(observed: Observed) -> dict[str, int]:
    """How many numbers of axes came to each parameter, in calls that returned."""
    ranks: dict[str, set[int]] = defaultdict(set)
    for call in observed.calls:
        for name, value in zip(observed.parameters, call.given, strict=False):
            if value[0] == "array" and call.kind != "raise":
                ranks[name].add(len(value[3]))
    return {name: len(each) for name, each in ranks.items()}


def make_plan(
    seen: Sources,
    settings: Settings,
    dropped: Collection[Unkept] = (),
    before: Plan | None = None,
) -> Plan:
    """Decide what to write in each file.

    Args:
        seen: the functions.
        settings: the user's settings.
        dropped: what not to write, because a run contradicted it.
        before: an earlier plan for the same functions and settings. Its files are kept unless something else
            is dropped in them, since writing a file takes most of the time.

    Raises:
        ImportError: if libcst is not installed.
    """
    by_path: dict[str, list[Deduced]] = defaultdict(list)
    for each in seen.deduced.values():
        by_path[each.observed.path].append(each)
    unkept = frozenset(dropped)
    files = (
        (before.for_file(path, unkept) if before else None)
        or _plan_file(source, by_path[path], settings, unkept)
        for path, source in seen.files.items()
    )
    return Plan(tuple(files), seen.skipped, seen.blocks, unkept)


def _said(
    definition: Definition, source: _Source, near: AxisNames, ranked_beyond: frozenset[str]
) -> Said:
    body = definition.body
    names: AxisNames = {(name, (), index): axis for (name, index), axis in body.names.items()}
    beside = dict(near)
    ranked = {*body.ranked, *ranked_beyond}
    for name, axes in source.own_names.items():
        ranked |= {name} & definition.annotations.keys()
        for index, axis in axes.items():
            target = names if name in definition.annotations else beside
            target.setdefault((name, (), index), axis)
    return Said(
        names,
        beside,
        together=body.spread.together,
        loose=body.spread.loose,
        tied=body.spread.tied,
        varied=body.spread.varied,
        numbers=body.spread.numbers,
        divided=body.spread.divided,
        # What the code does with ``kwargs`` it does not do with each of them.
        arrays=(body.arrays - {definition.star, definition.stars}) | definition.annotations.keys(),
        is_method="." in definition.name.rpartition("<locals>.")[2],
        ranked=frozenset(ranked),
        picks_axis=any(_AXIS.fullmatch(each) for each in definition.parameters),
        **{name: getattr(body, name) for name in Body._fields if name not in _TOGETHER},
    )


def _near(
    deduced: Mapping[tuple[str, int], Deduced],
    travels: Mapping[tuple[Place, Place], int],
    sources: Mapping[str, _Source],
) -> dict[tuple[str, int], AxisNames]:
    """Collect names of axes from the code of functions that arrays come from or go to."""
    found: dict[tuple[str, int], AxisNames] = defaultdict(dict)
    # most frequent first, since the first name of an axis wins
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
    source: _Source, deduced: Iterable[Deduced], settings: Settings, dropped: Collection[Unkept]
) -> PlannedFile:
    seen = [*deduced]
    refused: dict[int, str] = {}
    while True:
        # start afresh: edits that were refused need no imports
        spelling = ModuleSpelling(source.tree)
        choices = [
            choose(source.path, source.at(each), each, spelling, settings, dropped, refused)
            for each in seen
        ]
        edits = [each.edit for each in choices if each.edit is not None]
        why = "it is not found in the file as libcst reads it"
        try:
            before = source.file.decode()
            after, missed = rewrite(before, edits, spelling.needed, source.package, settings.width)
            data = after.encode(source.file.encoding)
        except ValueError as error:
            data, why = source.file.data, str(error)
            missed = frozenset(edit.line for edit in edits)
        if not missed:
            return PlannedFile(source.path, source.file.data, data, tuple(choices))
        # edits that could not be written become refusals, and the file is planned again
        refused |= dict.fromkeys(missed, why)
