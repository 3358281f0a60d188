"""Being told when a library has been imported, by whoever imports it.

Of the standard library alone, and imported by its path: the start of every process of a recorded
program runs this, and most of them never see an array.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["Arrivals"]


class Arrivals(importlib.abc.MetaPathFinder):
    """Calls back once for each library that is awaited, when its module has run to its end."""

    def __init__(self, names: Iterable[str], call: Callable[[str], None]) -> None:
        self._names = set(names)
        self._call = call
        self._busy = threading.local()

    def install(self) -> None:
        """Begin to listen."""
        if self._names:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        """Let the other finders find the module, and have its loader tell when it is done."""
        if name not in self._names or getattr(self._busy, "is_set", False):
            return None
        self._busy.is_set = True
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self._busy.is_set = False
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        spec.loader = _Telling(spec.loader, self._arrived)
        return spec

    def _arrived(self, name: str) -> None:
        self._names.discard(name)
        self._call(name)


class _Telling(importlib.abc.Loader):
    """A loader that loads as another one does, and leaves no trace in the module."""

    def __init__(self, loader: Any, tell: Callable[[str], None]) -> None:
        self._loader = loader
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the loader itself would."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module under its own loader, and tell."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        # It is complete, though the import system notes so only after this call: whoever is told asks.
        if module.__spec__ is not None:
            vars(module.__spec__)["_initializing"] = False
        self._tell(module.__name__)
