"""What the last reading of a program has found out, kept where the signatures of a module have changed.

A reading of a unit holds in a state: the tables of all modules. When one of them changes, most units
cannot have seen what changed. A unit sees a name of a table by a word in its own text, or by a value
that another unit tells it; and of what it so sees, it sees the entries that are written there. So a unit
is read again if its text, or a value that it asked for, has a word of those that changed, or of entries that
mention one of them, and so on. Common words make that too many units, and none too few.
"""

from __future__ import annotations

import re
import time
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.code import Libraries, digest
from sekisho.inference.modules import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.code import Cache, Entry, Table
    from sekisho.inference.frame import Unit
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.modules import Memo, Module
    from sekisho.inference.values import Value

__all__ = ["Earlier", "Kept", "what_is_common"]

_TRUSTED: Final = 10.0
"""Seconds for which the libraries are taken to be as they were."""

_WORD: Final = re.compile(r"\w+")

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
        self._words: dict[str, tuple[Table, dict[str, frozenset[str]]]] = {}

    def libraries(self, cache: Cache) -> Libraries:
        """Return the installed libraries; they are looked for again after some seconds."""
        now = time.monotonic()
        if self._libraries is None or now - self._since > _TRUSTED:
            self._libraries, self._since = Libraries(cache), now
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
            memo = cache.read(kept_as) if is_same else {}
            found[key] = _Read((path, root), content, table, memo or {}, kept_as)
        self.used, self._common, self._read = used, common, found

    def give(self, modules: Mapping[str, Module], units: Iterable[Unit], known: Knowledge) -> None:
        """Give the modules that have no memo what still holds of their earlier one.

        Args:
            modules: of the program as it is now, by key.
            units: all of theirs.
            known: what is known of the program as a whole.
        """
        changed = self._changed(modules)
        if changed is None or self._common != what_is_common(known):
            return
        changed = self._closed(changed, modules)
        by_module: dict[str, list[Unit]] = {}
        for unit in units:
            by_module.setdefault(unit.key, []).append(unit)
        for key, module in modules.items():
            before = self._read[key]
            if module.memo or before.content != module.content:
                continue
            is_near = not changed.isdisjoint(_words_of(module.file.text))
            lines = module.file.text.split("\n") if is_near else []
            is_whole = True
            for unit in by_module.get(key, ()):
                memo = before.memo.get(unit.name, [])
                is_seen = is_near and _mentions(unit, lines, changed)
                kept = [
                    each for each in memo if not (is_seen or _answers_mention(each[1], changed))
                ]
                is_whole = is_whole and len(kept) == len(memo) > 0
                if kept:
                    module.memo[unit.name] = kept
            module.kept_as = before.kept_as if is_whole else ""

    def take(self, modules: Mapping[str, Module], known: Knowledge, used: dict[str, str]) -> None:
        """Take what a reading has found out, in the place of the one before."""
        self.used = used
        self._common = what_is_common(known)
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

    def _changed(self, modules: Mapping[str, Module]) -> set[str] | None:
        """Return the names that have changed; None if more has than names."""
        if modules.keys() != self._read.keys():
            return None
        found: set[str] = set()
        above = _ancestors(modules)
        for key, module in modules.items():
            before = self._read[key]
            old, new = before.table, module.table
            if old is new:
                continue
            if before.place != (module.file.path, module.file.root):
                return None
            if old.stars != new.stars or old.exported != new.exported:
                return None
            for name in old.names.keys() | new.names.keys():
                was, now = old.names.get(name), new.names.get(name)
                if was == now:
                    continue
                if not _has_bases(was, now):
                    return None  # subclasses are asked for by the names of their bases
                members = _changed_members(was, now)
                found |= {_last(name), *members}
                if any(map(_is_implicit, members)):
                    found |= above.get(_last(name), set())
        return found

    def _closed(self, changed: set[str], modules: Mapping[str, Module]) -> set[str]:
        """Return some names, and all names of entries that mention one of them, directly or not."""
        found, new = set(changed), set(changed)
        above = _ancestors(modules)
        while new:
            more: set[str] = set()
            for key, module in modules.items():
                # What stands in a table stands in the text, too, which is quicker to look into.
                if new.isdisjoint(_words_of(module.file.text)):
                    continue
                for name, words in self._entries(key, module).items():
                    if not words.isdisjoint(new):
                        more.add(_last(name))
                        if _is_implicit(_last(name)):
                            more |= above.get(_last(name.rpartition(".")[0]), set())
            new = more - found
            found |= new
        return found

    def _entries(self, key: str, module: Module) -> dict[str, frozenset[str]]:
        """Return the words of each entry of a module; those of a class's members under ``Class.member``."""
        before = self._words.get(key)
        if before is not None and before[0] == module.table:
            return before[1]
        found: dict[str, frozenset[str]] = {}
        for name, entry in module.table.names.items():
            found[name] = frozenset(_WORD.findall(repr(entry)))
            for member, inner in entry[2].items() if entry[0] == "class" else ():
                found[f"{name}.{member}"] = frozenset(_WORD.findall(repr(inner)))
        self._words[key] = module.table, found
        return found


def what_is_common(known: Knowledge) -> str:
    """Return a digest of what readings depend on of the program as a whole."""
    return digest(
        repr(
            (
                tuple(known.worlds),
                sorted(known.program.unread),
                sorted(known.exclusive.items()),
                sorted(known.alone.items()),
                sorted(known.decorators),
                sorted(known.fixtures),
            )
        )
    )


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_implicit(member: str) -> bool:
    """Return whether a method is called by code that does not name it, of a subclass as well."""
    return member == "forward" or (member.startswith("__") and member != "__init__")


def _ancestors(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Return, by the name of each class of a program, the words of all its bases that are classes of it."""
    bases: dict[str, set[str]] = {}
    for module in modules.values():
        for name, written in _classes(module.table.names):
            bases.setdefault(_last(name), set()).update(_WORD.findall(repr(written)))
    found: dict[str, set[str]] = {}
    for name in bases:
        above, new = set[str](), {name}
        while new:
            new = {each for one in new for each in bases[one] if each in bases} - above
            above |= new
        found[name] = above
    return found


def _classes(names: Mapping[str, Entry]) -> Iterator[tuple[str, Any]]:
    """Yield the names of classes, and what is written as their bases."""
    for name, entry in names.items():
        if entry[0] == "class":
            yield name, entry[1]
            yield from _classes(entry[2])


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
    # Python, too, reads identifiers in this form.
    return frozenset(_WORD.findall(text if text.isascii() else unicodedata.normalize("NFKC", text)))


def _mentions(unit: Unit, lines: list[str], names: set[str]) -> bool:
    """Whether a unit has one of some words in its text, or is inside a class or a function so called."""
    if not names.isdisjoint(_WORD.findall(unit.name.partition(":")[2])):
        return True
    text = "\n".join(lines[unit.line - 1 : unit.end] if unit.line else lines)
    return not names.isdisjoint(_words_of.__wrapped__(text))


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
