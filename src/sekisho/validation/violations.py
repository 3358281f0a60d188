"""Describe a value that is not valid: its place, and what bound which axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import (
    FREE,
    RESULT,
    SENT,
    UNANNOTATED,
    YIELDED,
    ArraySpec,
    Contract,
    Parameter,
    binders,
    kind_of,
    shown_key,
)
from sekisho.errors import Violation
from sekisho.hints import value_hint
from sekisho.worlds import class_of, describe, find_world, short

if TYPE_CHECKING:
    from sekisho.contract import Bindings, Mismatch

    Axes = tuple[tuple[str, Any, str], ...]
    """Names of axes, each with its size and what bound it."""

__all__ = ["Place"]

_NAMES: Final = {RESULT: "result", YIELDED: "item", SENT: "sent"}


def _holds_arrays(value: Any) -> bool:
    return issubclass(class_of(value), tuple) and any(find_world(each) for each in value)


def _shown(sizes: tuple[int, ...]) -> str:
    """Write sizes as Python writes a tuple, which torch's own class and symbols would not."""
    text = ", ".join([str(size) for size in sizes])
    return f"({text},)" if len(sizes) == 1 else f"({text})"


def _plain(size: Any) -> Any:
    """Return a size, or several, without a library's own class for a shape."""
    sizes: Any = size
    return tuple(sizes) if isinstance(size, tuple) else size


class Place:
    """The place of a value: a parameter or the result, and the path inside of its container.

    Attributes:
        title: ``argument 'mask'``, ``the result``, ``the yielded item 3``.
        name: the value in the call that a hint spells: ``batch['image'][3]``.
        it: the value in messages: ``'mask'``, ``the result``, ``batch['image'][3]``.
        given: what the value was made of, if that was of no world.
        around: the containers that the value is in, each with its annotation.
        cyclic: those that contain themselves; one list for all places in a value.
    """

    given: Any = None
    around: tuple[tuple[Any, Any], ...] = ()
    cyclic: list[Any]

    def __init__(
        self, contract: Contract, parameter: Parameter, title: str = "", path: str = ""
    ) -> None:
        self.contract = contract
        self.parameter = parameter
        self.title: str = title or parameter.place
        self.path = path
        root = _NAMES.get(parameter.name)
        self.name: str = f"{root or parameter.name}{path}"
        self.it: str = self.name if path else self.title if root else f"'{parameter.name}'"

    def inside(self, path: str) -> Place:
        """Return the place of an item."""
        place = Place(self.contract, self.parameter, self.title, self.path + path)
        if self.around:
            place.around, place.cyclic = self.around, self.cyclic
        return place

    def entered(self, spec: Any, container: Any) -> Place:
        """Return the same place, for the items of the container that is there."""
        place = self.inside("")
        place.around = (*self.around, (spec, container))
        place.cyclic = self.cyclic if self.around else []
        return place

    def item(self, key: Any) -> Place:
        """Return the place of a mapping's value, with the key's text kept short."""
        return self.inside(f"[{short(key)}]")

    def made(self, given: object) -> Place:
        """Return the place of an array that was made of a value of no world."""
        place = self.inside("")
        place.given = given
        return place

    @property
    def place(self) -> str:
        """The place in the first line of a message."""
        return f"{self.title} at {self.name}" if self.path else self.title

    def mistake(self, spec: Any, value: object) -> str | None:
        """Return the hint for a value that is always a mistake, whatever the annotation is."""
        if spec is UNANNOTATED:
            return None
        is_result = self.parameter.name == RESULT
        if is_result and isinstance(spec, ArraySpec) and _holds_arrays(value):
            # The search would find how to stack them, which is seldom meant.
            return "it returned several values: annotate tuple[...], or return one of them"
        return value_hint(value, is_result=is_result)

    def violation(
        self,
        spec: Any,
        value: object,
        reason: str | None = None,
        hint: str | None = None,
        axes: Axes = (),
        expected: str | None = None,
    ) -> Violation:
        """Make the violation for an invalid value; ``{0}`` in the hint stands for its name."""
        wanted: str = "nothing of the other world" if spec is UNANNOTATED else spec.text
        got = describe(value)
        if self.given is not None:
            got = f"{got}, made of {describe(self.given)}"
        hint = hint and hint.format(self.name)
        return Violation(
            self.contract.function, self.place, expected or wanted, got, reason, axes, hint
        )

    def word(self, mismatch: Mismatch, binders_here: dict[str, str]) -> str:
        """Put a mismatch of shapes into words: what bound the axis, and its size here."""
        text = mismatch.text.replace("{it}", self.it)
        if mismatch.shape is not None:
            text = text.replace("{shape}", _shown(mismatch.shape))
        if mismatch.key is None:
            return text
        source = self.binder(mismatch.key, binders_here) or f"{self.it} itself"
        key = shown_key(mismatch.key)
        text = text.replace(mismatch.key, key)
        start = f"axes '{key}' are" if key.startswith("*") else f"axis '{key}' is"
        size = _shown(mismatch.size) if isinstance(mismatch.size, tuple) else mismatch.size
        return f"{start} {size} (from {source}), but {text}"

    def bound(self, spec: ArraySpec, bound: Bindings, binders_here: dict[str, str]) -> Axes:
        """Return the axes that an annotation mentions, their bound sizes, and what bound them."""
        axes = spec.axes or ()
        keys = [name for axis in axes if axis.expression for name in axis.expression.names]
        keys += [axis.key for axis in axes if axis.key]
        return tuple(
            [
                (shown_key(key), _plain(bound[key]), self.binder(key, binders_here))
                for key in dict.fromkeys(keys)
                if key in bound and kind_of(key) != "argument" and bound[key] is not FREE
            ]
        )

    def binder(self, key: str, binders_here: dict[str, str]) -> str:
        """Return what bound an axis: an item of the current value, or an argument before it."""
        here = binders_here.get(key)
        shown = shown_key(key)
        found = here or " or ".join(binders(self.contract, shown, self.parameter.name))
        return found or ("a check in the body" if self.contract.shares_axes else "")
