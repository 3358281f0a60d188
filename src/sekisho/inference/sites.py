"""The calls that pass arrays to the functions of a program."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from sekisho.inference.events import PASSED, events_of
from sekisho.inference.value_types import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.inference.frame import Unit
    from sekisho.inference.units import Outcome

__all__ = ["Sites"]

_Calls = list[tuple[str, int, Value]]


class Sites(Mapping[str, _Calls]):
    """By the fact of a parameter, the calls that pass arrays: file, line and value.

    They are collected at the first look-up: most readings of an editor need none.
    """

    def __init__(self, read: Iterable[tuple[Unit, Outcome]]) -> None:
        self._read = [*read]

    def with_outcomes(self, outcomes: Mapping[str, Outcome]) -> Sites:
        """Return the calls of a program in which some units, by name, have other outcomes."""
        return Sites((unit, outcomes.get(unit.name, outcome)) for unit, outcome in self._read)

    @cached_property
    def _found(self) -> dict[str, _Calls]:
        found: dict[str, _Calls] = {}
        for unit, outcome in self._read:
            for line, _, fact, value in events_of(outcome.notes, PASSED):
                found.setdefault(fact, []).append((unit.key, line, value))
        return found

    def __getitem__(self, fact: str) -> _Calls:
        return self._found[fact]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
