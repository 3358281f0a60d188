"""What goes wrong at a boundary, as data that words itself.

A *violation* is one value that breaks a contract. Every `BoundaryError` carries one. None of
these classes defines ``__init__`` or ``__str__``: the violation is the exception's only argument
and words itself when it is printed. So errors pickle as they are, and an error raised while
`torch.compile` traces keeps its text (dynamo loses the text of a class with its own ``__init__``).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "BoundaryError",
    "ConversionError",
    "CrossingWarning",
    "DTypeError",
    "DeclarationError",
    "DeviceError",
    "SekishoError",
    "ShapeError",
    "UnguardedWarning",
    "Violation",
    "WorldError",
]


class Violation(NamedTuple):
    """One value that breaks a contract. It holds no array, only words and numbers about it.

    Attributes:
        function: the function's name, as in ``Net.forward``.
        place: where the value is: ``"argument 'mask'"`` or ``"the result"``.
        expected: the annotation, or what is accepted.
        got: a summary of the value: dtype, shape, world; never its contents.
        reason: what exactly does not fit, or None if the first line says it all.
        axes: the size bound to each axis name and who bound it.
        hint: the call that mends it, when that is certain.
    """

    function: str
    place: str
    expected: str
    got: str
    reason: str | None = None
    axes: tuple[tuple[str, int | tuple[int, ...], str], ...] = ()
    hint: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.function}() {self.place}: expected {self.expected}, got {self.got}."]
        if self.reason:
            lines.append(f"  {self.reason}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class SekishoError(Exception):
    """Everything that sekisho raises."""


class DeclarationError(SekishoError, TypeError):
    """A decorator, an annotation or an option that contradicts itself. Raised at decoration."""


class BoundaryError(SekishoError, TypeError):
    """A value that may not pass a boundary. Raised by a call."""

    @property
    def violation(self) -> Violation | None:
        """What was violated, as data; None if the error was raised while a compiler traced."""
        violation: object = self.args[0] if self.args else None
        return violation if isinstance(violation, Violation) else None


class WorldError(BoundaryError):
    """A value of the wrong world, or of none."""


class ShapeError(BoundaryError, ValueError):
    """A value whose axes are not those declared."""


class DTypeError(BoundaryError):
    """A value whose dtype is not the one declared."""


class DeviceError(BoundaryError):
    """A tensor that is not on the device declared."""


class ConversionError(BoundaryError):
    """A value that no lossless conversion exists for."""


class CrossingWarning(UserWarning):
    """In mode ``warn``: a value has crossed from one world to the other."""


class UnguardedWarning(UserWarning):
    """What the import hook was told to guard, and could not, or not wholly."""


def with_article(noun: str) -> str:
    """``a list``, ``an int``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
