"""The table of a guarded package: the world of each module, class or function."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.errors import DeclarationError
from sekisho.utils import closest
from sekisho.worlds import has_world, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Entry", "Table", "hint_for", "is_inside", "make_table", "matches"]

Entry = str
"""The name of a world, or one of `_OTHERS`."""

_OTHERS: Final = ("same", "boundary", "unguarded")


class Table(NamedTuple):
    """Patterns of dotted names, each with its entry.

    A pattern matches a name and everything below it; ``*`` stands for any characters. If several
    patterns match, the one with the most characters other than ``*`` wins.
    """

    rows: tuple[tuple[str, Entry], ...]

    def find(self, name: str) -> Entry | None:
        """Return the entry for a name; None if no pattern matches."""
        matching = [row for row in self.rows if matches(row[0], name)]
        if not matching:
            return None
        return max(matching, key=lambda row: len(row[0].replace("*", "")))[1]

    def unmatched(self, names: Iterable[str]) -> list[str]:
        """Return the patterns that match none of the names."""
        known = list(names)
        return [
            pattern for pattern, _ in self.rows if not any(matches(pattern, each) for each in known)
        ]


def matches(pattern: str, name: str) -> bool:
    """Return whether a pattern matches a name, or a name that contains it."""
    if "*" not in pattern:
        return name == pattern or name.startswith(f"{pattern}.")
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def is_inside(pattern: str, packages: Iterable[str]) -> bool:
    """Return whether a pattern can match anything in one of the packages."""
    return any(matches(each, pattern) or pattern.startswith("*") for each in packages)


def make_table(worlds: Mapping[str, str], packages: Iterable[str]) -> Table:
    """Validate a user's table.

    Raises:
        DeclarationError: for an unknown world, or a pattern outside of the packages.
    """
    rows: list[tuple[str, Entry]] = []
    for pattern, entry in worlds.items():
        if not _is_entry(entry):
            expected = ", ".join(map(repr, (*world_names(), *_OTHERS)))
            raise DeclarationError(
                f"worlds[{pattern!r}]: expected one of {expected}, got {entry!r}.{hint_for(entry)}"
            )
        if not is_inside(pattern, packages):
            guarded = ", ".join(packages)
            raise DeclarationError(
                f"worlds[{pattern!r}]: matches nothing in the guarded packages ({guarded})."
            )
        rows.append((pattern, entry))
    return Table(tuple(rows))


def hint_for(entry: object) -> str:
    """Return a hint with the entry that an unknown one is close to; "" if none is close."""
    close = None if _is_entry(entry) else closest(str(entry), (*world_names(), *_OTHERS))
    return f"\n  hint: did you mean {close!r}?" if close else ""


def _is_entry(entry: object) -> bool:
    return entry in _OTHERS or (isinstance(entry, str) and has_world(entry))
