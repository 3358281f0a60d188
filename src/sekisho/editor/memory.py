"""A cache that also stays in memory: an editor's program is read again at each pause of typing."""

from __future__ import annotations

from typing import Any, Final

from sekisho.code import Cache

__all__ = ["MemoryCache"]

_AGE: Final = 6
"""Readings after which an entry that none of them used is forgotten."""

_MOST: Final = 400
"""Readings after which all entries are: those of functions have grown by each of them."""


class MemoryCache(Cache):
    """Entries in memory, and behind them those on disk.

    Only `flush` writes to disk, after the first reading. What a later one keeps of the reading before it
    (`Earlier`) is for this process, and so is what was never saved.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self._kept: dict[str, tuple[Any, int]] = {}
        self._unwritten: set[str] = set()
        self._reading = 0

    def read(self, key: str) -> Any:
        """Return what is kept under a key; None if nothing is."""
        found = self._kept.get(key)
        value = super().read(key) if found is None else found[0]
        if value is not None:
            self._kept[key] = value, self._reading
        return value

    def write(self, key: str, value: Any) -> None:
        """Keep a value in memory."""
        self._kept[key] = value, self._reading
        self._unwritten.add(key)

    def flush(self) -> None:
        """Write what was found out to disk, so that the next start is quick."""
        for key in self._unwritten:
            if key in self._kept:
                super().write(key, self._kept[key][0])
        self._unwritten.clear()

    def next_reading(self) -> None:
        """Forget what was not used for some readings."""
        self._reading += 1
        if self._reading % _MOST == 0:
            self._kept.clear()
        oldest = self._reading - _AGE
        for key in [key for key, (_, used) in self._kept.items() if used < oldest]:
            del self._kept[key]
            self._unwritten.discard(key)
