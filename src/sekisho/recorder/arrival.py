"""Call back when a library has been imported, by any code.

This module uses the standard library only and is imported by its path: every process of a recorded
program runs it at its start, and most of them never use an array.
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
    """An import hook that calls back once for each awaited library, after its module has run."""

    def __init__(self, names: Iterable[str], call: Callable[[str], None]) -> None:
        self._names = set(names)
        self._call = call
        self._busy = threading.local()

    def install(self) -> None:
        """Start listening for imports."""
        if self._names:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop listening."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - part of the finder protocol
        target: ModuleType | None = None,  # noqa: ARG002 - part of the finder protocol
    ) -> ModuleSpec | None:
        """Let the other finders find the module, and wrap its loader to call back afterwards."""
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
    """A wrapper around a loader that calls back after loading and leaves no trace in the module."""

    def __init__(self, loader: Any, tell: Callable[[str], None]) -> None:
        self._loader = loader
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as the original loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with its own loader, then call back."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        # The module is complete, but the import system only clears the flag after this call. Clear
        # it now, because the callback checks it.
        if module.__spec__ is not None:
            vars(module.__spec__)["_initializing"] = False
        self._tell(module.__name__)
