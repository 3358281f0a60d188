"""Keep on disk what the units of a program have told, and find what still holds of it.

The readings of a module are under a digest of themselves. For each state of a program, which is all its
tables, one entry names those of its modules. So after an edit of a function's body, the readings of the other
modules are found as they are. After an edit of a signature, what cannot have seen it is taken from the
last state of the program (`Earlier`), and only what was read again is written.
"""

from __future__ import annotations

import marshal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sekisho.code import digest
from sekisho.inference.earlier import Earlier, Kept, what_is_common

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.code import Cache
    from sekisho.inference.frame import Unit
    from sekisho.inference.knowledge import Knowledge
    from sekisho.inference.modules import Module

__all__ = ["Keeper"]


class Keeper:
    """The readings of a program, on disk."""

    def __init__(self, cache: Cache, paths: Iterable[str | Path], earlier: Earlier | None) -> None:
        """Name the program.

        Args:
            cache: the cache.
            paths: what was asked to be read.
            earlier: the last reading in this process.
        """
        self._cache = cache
        self._earlier = earlier
        self._program = f"last readings of {sorted(str(Path(each).absolute()) for each in paths)}"
        self._state = ""
        self._kept: Kept | None = None
        self._common = ""
        self._used: dict[str, str] = {}

    def recall(
        self, modules: Mapping[str, Module], units: Iterable[Unit], known: Knowledge
    ) -> None:
        """Give modules what is kept of their readings.

        Args:
            modules: by key, with the tables of definitions inside functions, too.
            units: all of theirs.
            known: what is known of the program as a whole.
        """
        libraries = known.program.libraries
        self._state = _state_of(modules, known)
        kept: Kept | None = self._cache.read(self._state)
        if kept is not None and libraries.still(kept[0]):
            self._kept, self._used, self._common = kept, *kept[:2]
            for key, module in modules.items():
                *_, content, kept_as = kept[2].get(key, ("", ""))
                memo = self._cache.read(kept_as) if content == module.content else None
                if memo is not None:
                    # A copy: in an editor the cache holds the object itself, and this state adds to it.
                    module.memo = {name: [*each] for name, each in memo.items()}
                    module.kept_as = kept_as
            return
        earlier = self._earlier or Earlier()
        if earlier.is_empty():
            last: Any = self._cache.read(self._program)
            kept = None if last is None else self._cache.read(last)
            if kept is not None:
                earlier.recall(kept, modules, self._cache)
        if not earlier.is_empty() and libraries.still(earlier.used):
            self._used = earlier.used
            self._common = what_is_common(known)
            earlier.give(modules, units, self._common)

    def keep(self, modules: Mapping[str, Module], known: Knowledge) -> None:
        """Write what was read anew.

        It is valid while all libraries that it uses are unchanged: those looked up in this run,
        and those of earlier runs whose readings were reused.
        """
        used = {**self._used, **known.program.libraries.used}
        for module in modules.values():
            if not module.kept_as:
                # By its content, so that no other state finds what was added to it in this one.
                module.kept_as = f"memo {digest(marshal.dumps(module.memo))}"
                self._cache.write(module.kept_as, module.memo)
        rows = {
            key: (module.file.path, module.file.root, module.content, module.kept_as)
            for key, module in modules.items()
        }
        common = self._common or what_is_common(known)
        kept = used, common, rows
        if kept != self._kept:
            self._cache.write(self._state, kept)
        if self._cache.read(self._program) != self._state:
            self._cache.write(self._program, self._state)
        if self._earlier is not None:
            self._earlier.take(modules, common, used)


def _state_of(modules: Mapping[str, Module], known: Knowledge) -> str:
    """Return the cache's key for all that readings depend on, except the text of units and the facts."""
    tables = (
        f"{key} {module.file.path} {module.file.root} {module.table}"
        for key, module in modules.items()
    )
    # A world is read if any text has its name, be it that of a body.
    return f"readings {digest(*known.worlds, '', *sorted(known.program.unread), '', *tables)}"
