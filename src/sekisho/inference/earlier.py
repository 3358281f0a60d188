"""What an earlier reading of a program has found out, kept where the signatures of a module have changed.

A reading of a unit holds in a state: the tables of all modules. When one of them changes, most units
cannot have seen what changed. A unit sees a name of a table by a word in its own text, or by a value
that another unit tells it; and of what it so sees, it sees the entries that are written there. So a unit
is read again if its text, or a value that it asked for, has a word of those that changed, or of entries that
mention one of them, and so on. Common words make that too many units, and none too few.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.code import Libraries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.code import Cache, Entry, Table
    from sekisho.inference.frame import Unit
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.modules import Memo, Module
    from sekisho.inference.values import Value

__all__ = ["Earlier"]

_TRUSTED: Final = 10.0
"""Seconds for which the libraries are taken to be as they were."""

_WORD: Final = re.compile(r"\w+")


class _Read(NamedTuple):
    """A module as it was read.

    Attributes:
        text: its text.
        table: its names.
        memo: what its units have told.
    """

    text: str
    table: Table
    memo: dict[str, Memo]


class Earlier:
    """The last reading of one program, for the next one."""

    used: dict[str, str]

    def __init__(self) -> None:
        """Begin with nothing."""
        self.used = {}
        self._read: dict[str, _Read] = {}
        self._common: tuple[Any, ...] = ()
        self._libraries: Libraries | None = None
        self._since = 0.0
        self._words: dict[str, dict[str, frozenset[str]]] = {}

    def libraries(self, cache: Cache) -> Libraries:
        """Return the installed libraries; they are looked for again after some seconds."""
        now = time.monotonic()
        if self._libraries is None or now - self._since > _TRUSTED:
            self._libraries, self._since = Libraries(cache), now
        return self._libraries

    def give(self, modules: Mapping[str, Module], units: Iterable[Unit], known: Knowledge) -> None:
        """Give the modules that have no memo what still holds of their earlier one.

        Args:
            modules: of the program as it is now, by key.
            units: all of theirs.
            known: what is known of the program as a whole.
        """
        self._words = {key: self._entries(key, module) for key, module in modules.items()}
        changed = self._changed(modules)
        if changed is None or self._common != _common(known):
            return
        changed = self._closed(changed)
        by_module: dict[str, list[Unit]] = {}
        for unit in units:
            by_module.setdefault(unit.key, []).append(unit)
        for key, module in modules.items():
            before = self._read[key]
            if module.memo or before.text != module.file.text:
                continue
            is_near = not changed.isdisjoint(_words_of(module.file.text))
            lines = module.file.text.split("\n") if is_near else []
            for unit in by_module.get(key, ()):
                memo = before.memo.get(unit.name)
                if memo and not (is_near and _mentions(unit, lines, changed)):
                    kept = [each for each in memo if not _answers_mention(each[1], changed)]
                    if kept:
                        module.memo[unit.name] = kept

    def take(self, modules: Mapping[str, Module], known: Knowledge, used: dict[str, str]) -> None:
        """Take what a reading has found out, in the place of the one before."""
        self.used = used
        self._common = _common(known)
        self._read = {
            key: _Read(module.file.text, module.table, module.memo)
            for key, module in modules.items()
        }

    def _changed(self, modules: Mapping[str, Module]) -> set[str] | None:
        """Return the names that have changed; None if more has than names."""
        if modules.keys() != self._read.keys():
            return None
        found: set[str] = set()
        for key, module in modules.items():
            old, new = self._read[key].table, module.table
            if old.stars != new.stars or old.exported != new.exported:
                return None
            for name in old.names.keys() | new.names.keys():
                before, after = old.names.get(name), new.names.get(name)
                if before == after:
                    continue
                if not _has_bases(before, after):
                    return None  # subclasses are asked for by the names of their bases
                found.add(name)
                found |= _changed_members(before, after)
        return found

    def _closed(self, changed: set[str]) -> set[str]:
        """Return some names, and all names of entries that mention one of them, directly or not."""
        found = set(changed)
        size = -1
        while size != len(found):
            size = len(found)
            for entries in self._words.values():
                found |= {
                    name.rpartition(".")[2]
                    for name, words in entries.items()
                    if not words.isdisjoint(found)
                }
        return found

    def _entries(self, key: str, module: Module) -> dict[str, frozenset[str]]:
        """Return the words of each entry of a module; those of a class's members under ``Class.member``."""
        before = self._read.get(key)
        if before is not None and before.table == module.table and key in self._words:
            return self._words[key]
        found: dict[str, frozenset[str]] = {}
        for name, entry in module.table.names.items():
            found[name] = frozenset(_WORD.findall(repr(entry)))
            for member, inner in entry[2].items() if entry[0] == "class" else ():
                found[f"{name}.{member}"] = frozenset(_WORD.findall(repr(inner)))
        return found


def _common(known: Knowledge) -> tuple[Any, ...]:
    """Return what readings depend on of the program as a whole."""
    return (
        tuple(known.worlds),
        frozenset(known.program.unread),
        known.exclusive,
        known.alone,
        known.decorators,
        known.fixtures,
    )


def _has_bases(before: Entry | None, after: Entry | None) -> bool:
    """Whether an entry of a table is no class before and after, or a class with the same bases."""
    bases = [
        each[1] if each is not None and each[0] == "class" else None for each in (before, after)
    ]
    return bases[0] == bases[1]


def _changed_members(before: Entry | None, after: Entry | None) -> set[str]:
    if before is None or after is None or before[0] != "class" or after[0] != "class":
        return set()
    old, new = before[2], after[2]
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


@lru_cache(maxsize=4000)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _mentions(unit: Unit, lines: list[str], names: set[str]) -> bool:
    """Whether a unit has one of some words in its text, or is in a class so called."""
    if unit.owner.rpartition(":")[2].rpartition(".")[2] in names:
        return True
    text = "\n".join(lines[unit.line - 1 : unit.end] if unit.line else lines)
    return any(word in names for word in _WORD.findall(text))


def _answers_mention(answers: Iterable[Value | None], names: set[str]) -> bool:
    return any(each is not None and not names.isdisjoint(_named(each)) for each in answers)


@lru_cache(maxsize=100_000)
def _named(value: Value) -> frozenset[str]:
    """Return the words of the classes and functions that a value names."""
    found: set[str] = set()
    parts: list[Any] = list(value)
    for each in parts:
        if each.__class__ is tuple:
            found |= _named(each)
        elif isinstance(each, str) and ":" in each:
            found |= set(_WORD.findall(each.partition(":")[2]))
    return frozenset(found)
