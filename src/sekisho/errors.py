"""The errors and warnings of sekisho, and the data that they carry.

A *violation* is one value that breaks a contract. Every `BoundaryError` carries one. None of these
classes defines ``__init__`` or ``__str__``: the violation is the exception's only argument, and is
formatted when it is printed. So errors can be pickled as they are, and an error that is raised
while `torch.compile` traces keeps its text (dynamo loses the text of a class with its own
``__init__``).
"""

from __future__ import annotations

from operator import methodcaller
from typing import Any, Final, NamedTuple

__all__ = [
    "AxisNameWarning",
    "BoundaryError",
    "BroadcastError",
    "BroadcastWarning",
    "ConversionError",
    "CrossingWarning",
    "DTypeError",
    "DeclarationError",
    "DeviceError",
    "LostWriteError",
    "LostWriteWarning",
    "MutationError",
    "MutationWarning",
    "SekishoError",
    "ShapeError",
    "UnguardedWarning",
    "Violation",
    "ViolationWarning",
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
        axes: the axis names that the annotation mentions, each with its bound size and what bound
            it.
        hint: the call that fixes it, when that is certain.
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
        if said := self._say_axes():
            lines.append(f"  {said}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def _say_axes(self) -> str:
        """Return the axes that the reason leaves out: ``w is 640 (from argument 'image')``."""
        by_binder: dict[str, list[str]] = {}
        for key, size, binder in self.axes:
            if f"'{key}'" not in (self.reason or ""):
                by_binder.setdefault(binder, []).append(f"{key} is {size}")
        said = [f"{', '.join(sizes)} (from {binder})" for binder, sizes in by_binder.items()]
        return "; ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Return the violation as plain data."""
        axes = {key: {"size": size, "from": binder} for key, size, binder in self.axes}
        return {**self._asdict(), "axes": axes}


class SekishoError(Exception):
    """Base class of all errors that sekisho raises."""


class DeclarationError(SekishoError, TypeError):
    """A decorator, an annotation or an option that contradicts itself, raised at decoration.

    Also raised when a helper is called with an argument that it does not have.
    """


class BoundaryError(SekishoError, TypeError):
    """A value that is not valid at a boundary. Raised by a call."""

    @property
    def violation(self) -> Violation | None:
        """The violation as data; None if the error was raised while a compiler traced."""
        violation: object = self.args[0] if self.args else None
        return violation if isinstance(violation, Violation) else None

    def to_dict(self) -> dict[str, Any]:
        r"""Return the error as plain data, for structured logs: words and numbers only.

        Returns:
            ``error`` (the class's name) and ``message``; then, unless the error was raised while a
            compiler traced, ``function``, ``place``, ``expected``, ``got``, ``reason``, ``axes``
            (each with ``size`` and ``from``) and ``hint``.

        Examples:
            >>> import json
            >>> import numpy as np
            >>> import sekisho as sk
            >>> try:
            ...     sk.transpose2d(np.zeros(3))
            ... except sk.ShapeError as error:
            ...     print(json.dumps(error.to_dict(), indent=1))
            {
             "error": "ShapeError",
             "message": "transpose2d() argument 'x': expected 2 axes, got float64[3] (NumPy).\n...",
             "function": "transpose2d",
             "place": "argument 'x'",
             "expected": "2 axes",
             "got": "float64[3] (NumPy)",
             "reason": "permute_dims reorders any number of axes",
             "axes": {},
             "hint": null
            }
        """
        violation = self.violation
        found = violation.to_dict() if violation else {}
        return {"error": type(self).__name__, "message": str(self), **found}


class WorldError(BoundaryError):
    """A value of the wrong world, or of no world."""


class ShapeError(BoundaryError, ValueError):
    """A value whose axes do not match the annotation."""


class BroadcastError(ShapeError):
    """In mode ``strict`` with ``broadcasting="refuse"``: an operation has expanded both operands.

    Their ranks differ, so that ``(n, 1)`` and ``(n,)`` give ``(n, n)``.
    """


class DTypeError(BoundaryError):
    """A value whose dtype does not match the annotation."""


class DeviceError(BoundaryError):
    """A tensor that is not on the required device."""


class ConversionError(BoundaryError):
    """A value for which no lossless conversion exists."""


class LostWriteError(ConversionError):
    """In mode ``strict``: a function wrote in place into an argument that its guard had copied."""


class MutationError(BoundaryError):
    """In mode ``strict``: a function changed an argument in place that ``mutates=`` does not name."""


class CrossingWarning(UserWarning):
    """In mode ``warn``: a value has crossed from one world to another."""


class BroadcastWarning(UserWarning):
    """With ``broadcasting="warn"``: an operation has expanded both operands, whose ranks differ."""


class AxisNameWarning(UserWarning):
    """An axis name that looks like a slip (``heigth`` beside ``height``); issued at decoration.

    It is used once in the signature, and differs from another axis name in one letter, in the order
    of two letters, in case or in an underscore.
    """


class LostWriteWarning(UserWarning):
    """A function wrote in place into an argument that its guard had copied, so the write is lost."""


class MutationWarning(UserWarning):
    """With ``mutations="warn"``: a function changed an argument in place; see `MutationError`."""


class UnguardedWarning(UserWarning):
    """A function that the import hook or strict mode cannot guard, or not completely."""


class ViolationWarning(UserWarning):
    """A value that a contract refuses, and that passed as it is: see ``violations`` of `mode`.

    Its text is that of the error that it stands for. Like the error, it holds the violation alone, and
    pickles whole.
    """

    @property
    def violation(self) -> Violation:
        """What was violated, as data."""
        violation: Violation = self.args[0]
        return violation


hide_in_pytest: Final = methodcaller("errisinstance", SekishoError)
"""The ``__tracebackhide__`` of a module whose frames say nothing that the error does not."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; the name of its class, if it has no text."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - any class may define it
        text = ""
    return text.strip().partition("\n")[0] or type(error).__name__


def with_class(error: BaseException) -> str:
    """Return the name of an error's class, and the first line of its text if it has one."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that a retry with less memory may succeed."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def with_article(noun: str) -> str:
    """Return a noun with its article: ``a list``, ``an int``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
