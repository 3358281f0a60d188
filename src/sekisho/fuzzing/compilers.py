"""A function as the compilers of its libraries make it, and errors of their options."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Any, Final

from sekisho.errors import DeclarationError, first_line
from sekisho.utils import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sekisho.worlds import Library

__all__ = ["Compilers", "compile_options"]

_LONGEST: Final = 200


def compile_options(value: Any) -> Mapping[str, Any] | None:
    """Return the options of compilers in an argument ``compile=``; None not to compile.

    Raises:
        DeclarationError: if it is neither a bool nor a dict.
    """
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, abc.Mapping):
        options: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        return options
    raise DeclarationError(f"compile: expected True, False or a dict of options, got {value!r}.")


class Compilers:
    """One function, compiled once for each library.

    Args:
        function: the function.
        options: of the compilers.
    """

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.options = options
        self.made: dict[str, Callable[..., Any] | None] = {}

    def compiled(self, world: Library) -> Callable[..., Any] | None:
        """Return the compiled function; None if the library has no compiler.

        Raises:
            DeclarationError: if the compiler does not take the options.
        """
        if world.name not in self.made:
            self.made[world.name] = self._compiled(self.function, world)
        return self.made[world.name]

    def require_options(self, world: Library, array: Any) -> None:
        """Require that a function compiles in which nothing can fail but the options.

        Raises:
            DeclarationError: if it does not compile, with the compiler's error.
        """
        trivial = self._compiled(_with_new_axis, world)
        try:
            if trivial is not None:
                with quiet():  # a warning is no refusal
                    trivial(array)
        except Exception as error:  # noqa: BLE001 - each compiler has errors of its own
            raise self._refusal(world, error) from None

    def _compiled(self, function: Callable[..., Any], world: Library) -> Callable[..., Any] | None:
        try:
            return world.compiled(function, self.options)
        except Exception as error:  # noqa: BLE001 - each compiler has errors of its own
            raise self._refusal(world, error) from None

    def _refusal(self, world: Library, error: Exception) -> DeclarationError:
        first = first_line(error)
        if len(first) > _LONGEST:
            first = f"{first[:_LONGEST]}..."
        return DeclarationError(
            f"fuzz(compile={dict(self.options)!r}): the compiler of {world.label} refuses these options "
            f"for any function: {first}"
        )


def _with_new_axis(x: Any) -> Any:
    return x[None]
