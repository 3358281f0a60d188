"""The table of a guarded package: which world each module, class or function is in."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.errors import DeclarationError
from sekisho.worlds import has_world, world_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Entry", "Table", "is_inside", "make_table", "matches"]

Entry = str
"""The name of a world, or one of `_OTHERS`."""

_OTHERS: Final = ("same", "boundary", "unguarded")


class Table(NamedTuple):
    """Patterns of dotted names, and what they say of all that they match.

    A pattern matches a name and everything below it; ``*`` stands for any characters. The pattern
    that says most about a name, by its letters, wins.
    """

    rows: tuple[tuple[str, Entry], ...]

    def find(self, name: str) -> Entry | None:
        """What is said of a name; None if nothing is."""
        matching = [row for row in self.rows if matches(row[0], name)]
        if not matching:
            return None
        return max(matching, key=lambda row: len(row[0].replace("*", "")))[1]

    def unmatched(self, names: Iterable[str]) -> list[str]:
        """The patterns that match none of the names."""
        known = list(names)
        return [
            pattern for pattern, _ in self.rows if not any(matches(pattern, each) for each in known)
        ]


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern means a name, or something that the name is inside of."""
    if "*" not in pattern:
        return name == pattern or name.startswith(f"{pattern}.")
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def is_inside(pattern: str, packages: Iterable[str]) -> bool:
    """Whether a pattern can match something in one of the packages."""
    return any(matches(each, pattern) or pattern.startswith("*") for each in packages)


def make_table(worlds: Mapping[str, str], packages: Iterable[str]) -> Table:
    """Check a table that a user wrote.

    Raises:
        DeclarationError: for an unknown world, or a pattern outside of the packages.
    """
    rows: list[tuple[str, Entry]] = []
    for pattern, entry in worlds.items():
        if not _is_entry(entry):
            expected = ", ".join(map(repr, (*world_names(), *_OTHERS)))
            raise DeclarationError(
                f"worlds[{pattern!r}]: expected one of {expected}, got {entry!r}."
            )
        if not is_inside(pattern, packages):
            guarded = ", ".join(packages)
            raise DeclarationError(
                f"worlds[{pattern!r}]: matches nothing in the guarded packages ({guarded})."
            )
        rows.append((pattern, entry))
    return Table(tuple(rows))


def _is_entry(entry: object) -> bool:
    return entry in _OTHERS or (isinstance(entry, str) and has_world(entry))
