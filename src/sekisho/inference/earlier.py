"""What the last reading of a program has found out, kept where the signatures of a module have changed.

A reading of a unit holds in a state: the tables of all modules. When one of them changes, most units
cannot have seen what changed: see `Reach`. The others are read again.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.code import Libraries, digest, find_environments
from sekisho.inference.modules import read_table
from sekisho.inference.reach import Change, Reach, changes, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sekisho.code import Cache, Table
    from sekisho.inference.frame import Unit
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.modules import Memo, Module

__all__ = ["Earlier", "Kept", "what_is_common"]

_TRUSTED: Final = 10.0
"""Seconds for which the libraries are taken to be as they were."""

Row = tuple[str, str, str, str]
"""Of a module: the path and the root of its file, the digest of its text, the cache's key of its readings."""

Kept = tuple[dict[str, str], str, dict[str, Row]]
"""A reading on disk: the libraries that it used, what it depends on as a whole, and its modules by key."""


class _Read(NamedTuple):
    """A module as it was read.

    Attributes:
        place: the path and the root of its file.
        content: the digest of its text.
        table: its names.
        memo: what its units have told.
        kept_as: the cache's key of `memo`.
    """

    place: tuple[str, str]
    content: str
    table: Table
    memo: dict[str, Memo]
    kept_as: str


class Earlier:
    """The last reading of one program, for the next one."""

    used: dict[str, str]

    def __init__(self) -> None:
        """Begin with nothing."""
        self.used = {}
        self._read: dict[str, _Read] = {}
        self._common = ""
        self._libraries: Libraries | None = None
        self._since = 0.0

    def libraries(self, cache: Cache, paths: Iterable[str | Path]) -> Libraries:
        """Return the libraries of a project, by its paths; they are looked for again after some seconds."""
        now = time.monotonic()
        if self._libraries is None or now - self._since > _TRUSTED:
            places = find_environments(paths)
            self._libraries, self._since = Libraries(cache, None, places), now
        return self._libraries

    def is_empty(self) -> bool:
        """Return whether nothing was read yet."""
        return not self._read

    def recall(self, kept: Kept, modules: Mapping[str, Module], cache: Cache) -> None:
        """Take what is kept on disk of the last reading of a program, if it has the same modules."""
        used, common, rows = kept
        found: dict[str, _Read] = {}
        if rows.keys() != modules.keys():
            return
        for key, (path, root, content, kept_as) in rows.items():
            module = modules[key]
            is_same = content == module.content
            table = module.table if is_same else read_table(cache, module, content)
            if table is None:
                return
            memo: dict[str, Memo] | None = cache.read(kept_as) if is_same else None
            found[key] = _Read((path, root), content, table, memo or {}, kept_as)
        self.used, self._common, self._read = used, common, found

    def give(self, modules: Mapping[str, Module], units: Iterable[Unit], common: str) -> None:
        """Give the modules that have no memo what still holds of their earlier one.

        Args:
            modules: of the program as it is now, by key.
            units: all of theirs.
            common: what readings depend on of the program as a whole: see `what_is_common`.
        """
        reach = self._reach(modules)
        if reach is None or self._common != common:
            return
        by_module: dict[str, list[Unit]] = {}
        for unit in units:
            by_module.setdefault(unit.key, []).append(unit)
        for key, module in modules.items():
            before = self._read[key]
            if module.memo or before.content != module.content:
                continue
            is_near = reach.is_near(words_of(module.file.text))
            lines = module.file.text.split("\n")
            is_whole = True
            for unit in by_module.get(key, ()):
                memo = before.memo.get(unit.name, [])
                words = partial(_words_of_unit, unit, lines)
                is_seen = is_near and reach.is_seen(words())
                kept = [each for each in memo if not (is_seen or reach.is_told(words, each[1]))]
                is_whole = is_whole and len(kept) == len(memo) > 0
                if kept:
                    module.memo[unit.name] = kept
            module.kept_as = before.kept_as if is_whole else ""

    def take(self, modules: Mapping[str, Module], common: str, used: dict[str, str]) -> None:
        """Take what a reading has found out, in the place of the one before."""
        self.used = used
        self._common = common
        self._read = {
            key: _Read(
                (module.file.path, module.file.root),
                module.content,
                module.table,
                module.memo,
                module.kept_as,
            )
            for key, module in modules.items()
        }

    def _reach(self, modules: Mapping[str, Module]) -> Reach | None:
        """Return what leads to the names that have changed; None if more has changed than names."""
        if modules.keys() != self._read.keys():
            return None
        found: list[Change] = []
        for key, module in modules.items():
            before = self._read[key]
            if before.place != (module.file.path, module.file.root):
                return None
            changed = [] if before.table is module.table else changes(before.table, module.table)
            if changed is None:
                return None
            found += changed
        return Reach(found, [(module.file.text, module.table) for module in modules.values()])


def what_is_common(known: Knowledge) -> str:
    """Return a digest of what readings depend on of the program as a whole."""
    program = known.program
    # Written the same, a base may be another class: an alias has changed.
    classes = (
        (name, program.mro(name)) for key in program.files for name in program.classes_of(key)
    )
    return digest(
        repr(
            (
                tuple(known.worlds),
                sorted(program.unread),
                sorted(known.exclusive.items()),
                sorted(known.alone.items()),
                sorted(known.decorators),
                sorted(known.fixtures),
                sorted(classes),
            )
        )
    )


def _words_of_unit(unit: Unit, lines: list[str]) -> frozenset[str]:
    """Return the words of a unit's text, and of the classes and functions that it is inside of."""
    text = "\n".join(lines[unit.line - 1 : unit.end] if unit.line else lines)
    return words_of.__wrapped__(f"{unit.name.partition(':')[2]} {text}")
