"""Find by which names code can have seen what changed in the tables of a program.

A unit sees a name of a table by a word in its own text, or by a value that another unit tells it; and of
what it so sees, it sees the entries that are written there. So the names that lead to a change are the changed
ones, and those of entries that mention such a name, and so on. Where only some members of a class have changed,
code has to ask for one of these as well. Common words lead to a change too often, and never too seldom.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sekisho.code import Entry, Table
    from sekisho.inference.value_types import Value

__all__ = ["Change", "Reach", "changes", "words_of"]

_WORD: Final = re.compile(r"\w+")

_WHOLE: Final = ""
"""Stands among the members that code has to ask for: it need not ask for any."""

_ALL: Final = frozenset({_WHOLE})
_NOTHING: Final = frozenset[str]()


class Change(NamedTuple):
    """A name of a table that has changed.

    Attributes:
        name: the name.
        members: of a class, what code that sees it has to ask for.
        inherited: the same, of code that sees one of its bases.
    """

    name: str
    members: frozenset[str] = _ALL
    inherited: frozenset[str] = _ALL


def changes(old: Table, new: Table) -> list[Change] | None:
    """Return what differs between two tables of a module, except bases; None if more does than names."""
    if old.stars != new.stars or old.exported != new.exported:
        return None
    found: list[Change] = []
    for name in old.names.keys() | new.names.keys():
        was, now = old.names.get(name), new.names.get(name)
        if was == now:
            continue
        match was, now:
            case (("class", _, before, decorators), ("class", _, after, others)):
                if decorators == others:
                    found += _changed_members(_last(name), before, after)
                    continue
            case _:
                pass
        found.append(Change(_last(name)))
    return found


def _changed_members(
    cls: str, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> Iterator[Change]:
    for member in before.keys() | after.keys():
        pair = before.get(member), after.get(member)
        if pair[0] != pair[1]:
            kinds = {each[0] for each in pair if each is not None}
            yield _of_member(cls, member, kinds != {"def"})
            if "class" in kinds:  # which has members of its own
                yield from map(Change, {member} | _words_in(pair))


@lru_cache(maxsize=4000)
def words_of(text: str) -> frozenset[str]:
    """Return the words of a text; Python, too, reads identifiers in their normal form."""
    return frozenset(_WORD.findall(text if text.isascii() else unicodedata.normalize("NFKC", text)))


class Reach:
    """The names that lead to some changes."""

    def __init__(self, changed: Iterable[Change], tables: Sequence[tuple[str, Table]]) -> None:
        """Follow changes through a program.

        Args:
            changed: what has changed.
            tables: the text and the table of each module.
        """
        self._tables = tables
        self._entries: dict[int, list[_Entry]] = {}
        self._ancestors = _Ancestors(table for _, table in tables)
        self._names: dict[str, Change] = {}
        self._above: dict[str, frozenset[str]] = {}
        self._new: list[Change] = []
        for each in changed:
            self._add(each)
        while self._new:
            new, self._new = self._new, []
            names = frozenset(each.name for each in new)
            found = [each for each in self._mentioning(names) if not each.words.isdisjoint(names)]
            for each in new:
                for entry in found:
                    if each.name in entry.words:
                        self._follow(each, entry)
        self._wanted = {
            name: self._names.get(name, Change(name, _NOTHING)).members
            | self._above.get(name, _NOTHING)
            for name in self._names.keys() | self._above.keys()
        }

    def is_near(self, words: frozenset[str]) -> bool:
        """Return whether a text with these words has a name that leads to a change."""
        return not words.isdisjoint(self._wanted.keys())

    def is_seen(self, words: frozenset[str]) -> bool:
        """Return whether a unit with these words can have seen a change."""
        return self._is_wanted(words, words)

    def is_told(
        self, find_words: Callable[[], frozenset[str]], values: Iterable[Value | None]
    ) -> bool:
        """Return whether a unit can have seen a change by values of other units.

        Args:
            find_words: returns the words of the unit.
            values: the values that it asked for.
        """
        for value in values:
            named = _NOTHING if value is None else _named(value)
            if self.is_near(named) and self._is_wanted(named, find_words() | named):
                return True
        return False

    def _is_wanted(self, names: frozenset[str], words: frozenset[str]) -> bool:
        return any(
            _WHOLE in wanted or not words.isdisjoint(wanted)
            for name in names
            if (wanted := self._wanted.get(name)) is not None
        )

    def _mentioning(self, names: frozenset[str]) -> Iterator[_Entry]:
        """Yield the entries of all modules that have one of some names."""
        for index, (text, table) in enumerate(self._tables):
            # What stands in a table stands in the text, too, which is quicker to look into.
            if not names.isdisjoint(words_of(text)):
                if index not in self._entries:
                    self._entries[index] = [*_entries(table)]
                yield from self._entries[index]

    def _add(self, change: Change) -> None:
        name, members, inherited = change
        before = self._names.get(name)
        if before is not None:
            members, inherited = before.members | members, before.inherited | inherited
        now = Change(name, members, inherited)
        if now == before:
            return
        self._names[name] = now
        self._new.append(now)
        for each in self._ancestors.of(name):
            above = self._above.get(each, _NOTHING)
            if not inherited <= above:
                self._above[each] = above | inherited
                # What derives from it is another class, so only what names it is followed: `_follow`.
                self._new.append(Change(each, _NOTHING, above | inherited))

    def _follow(self, change: Change, entry: _Entry) -> None:
        """Add an entry that mentions what leads to a change."""
        name, members, inherited = change
        is_above = not members
        if entry.member:
            self._add(_of_member(entry.name, entry.member, entry.is_variable))
        elif not entry.is_class:
            # An alias of a member, or a decorator that is one: code need not name it any more.
            if not (members | inherited).isdisjoint(entry.words):
                members = inherited = _ALL
            if not is_above:
                self._add(Change(entry.name, members, inherited))
            elif not inherited <= self._above.get(entry.name, _NOTHING):
                above = self._above[entry.name] = self._above.get(entry.name, _NOTHING) | inherited
                self._new.append(Change(entry.name, _NOTHING, above))
        elif name not in entry.bases:  # but in its decorators
            self._add(Change(entry.name))
        elif not is_above:
            self._add(Change(entry.name, members, inherited))


class _Entry(NamedTuple):
    """What is written about a name, or about a member of a class.

    Attributes:
        name: the last part of the name.
        member: the member; "" for the class itself, and what is no class.
        words: the words of what is written; for a class without its members.
        bases: of a class, the words of its bases.
        is_class: whether it is a class.
        is_variable: whether it is a variable.
    """

    name: str
    member: str
    words: frozenset[str]
    bases: frozenset[str]
    is_class: bool
    is_variable: bool


def _entries(table: Table) -> Iterator[_Entry]:
    for name, entry in table.names.items():
        if entry[0] != "class":
            yield _Entry(_last(name), "", _words_in(entry), _NOTHING, False, False)  # noqa: FBT003
            continue
        bases = _words_in(entry[1])
        written = bases | _words_in(entry[3])
        yield _Entry(_last(name), "", written, bases, True, False)  # noqa: FBT003
        for member, inner in entry[2].items():
            is_variable = inner[0] != "def"
            yield _Entry(_last(name), member, _words_in(inner), _NOTHING, False, is_variable)  # noqa: FBT003


def _of_member(name: str, member: str, is_variable: bool) -> Change:  # noqa: FBT001
    """Return the change of a class by one of its members.

    Fields are taken apart, and special methods called, by code that does not name them.
    """
    is_implicit = member == "forward" or (member.startswith("__") and member != "__init__")
    members = frozenset({member})
    is_whole = is_implicit or is_variable or member == "__init__"
    return Change(name, _ALL if is_whole else members, _ALL if is_implicit else members)


class _Ancestors:
    """The names that lead to the bases of classes of a program: those of the bases, and their aliases."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._classes: set[str] = set()
        self._words: dict[str, set[str]] = {}
        for table in tables:
            for name, written in _classes_and_aliases(table.names):
                self._words.setdefault(_last(name), set()).update(_words_in(written))
                if isinstance(written, list):
                    self._classes.add(_last(name))

    def of(self, name: str) -> Iterator[str]:
        """Yield the names that lead to the bases of a class of this name."""
        for each in self._reached(name) - {name} if name in self._classes else ():
            if each in self._classes or not self._classes.isdisjoint(self._reached(each)):
                yield each

    def _reached(self, name: str) -> set[str]:
        found, new = set[str](), {name}
        while new:
            found |= new
            words = {each for one in new for each in self._words[one]}
            new = {each for each in words if each in self._words} - found
        return found


def _classes_and_aliases(names: Mapping[str, Entry]) -> Iterator[tuple[str, object]]:
    """Yield the names of classes with a list of their bases, and other names but functions with their entries."""
    for name, entry in names.items():
        if entry[0] == "class":
            yield name, [entry[1]]
            yield from _classes_and_aliases(entry[2])
        elif entry[0] != "def":
            yield name, entry


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _words_in(written: object) -> frozenset[str]:
    return frozenset(_WORD.findall(repr(written))) if written else _NOTHING


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
