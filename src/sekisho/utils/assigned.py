"""A class for the public module, which refuses a value where a call was meant."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from sekisho.errors import DeclarationError
from sekisho.utils.words import foreign_name

__all__ = ["PublicModule"]


class PublicModule(ModuleType):
    """A module without settings to assign: ``sekisho.set_mode = "strict"`` would change nothing.

    Reading its attributes is as fast as before: the interpreter's shortcut for modules is closed to any
    module with a ``__getattr__``, which `sekisho` has.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, as the picklers of Ray and Dask do for modules of the usual class alone."""
        return import_module, (self.__name__,)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, unless it is a value under a public name.

        Raises:
            DeclarationError: with the call to write instead.
        """
        # Imports set submodules, and tests replace functions by others.
        if callable(value) or isinstance(value, ModuleType) or name.startswith("_"):
            super().__setattr__(name, value)
            return
        shown = repr(value) if isinstance(value, str) else "..."
        if name not in self.__dict__:
            text = str(foreign_name(name, self.__all__, {}))
        elif name == "mode":
            text = f"sekisho.mode is called, not assigned.\n  hint: with sekisho.mode({shown}):"
        else:
            text = f"sekisho.{name} is called, not assigned.\n  hint: sekisho.{name}({shown})"
        raise DeclarationError(text)
