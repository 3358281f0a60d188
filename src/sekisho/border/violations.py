"""What is said of a value that may not pass: the place it is at, and who bound which axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import (
    FREE,
    RESULT,
    SENT,
    UNANNOTATED,
    YIELDED,
    Contract,
    Parameter,
    binders,
    shown_key,
)
from sekisho.errors import SekishoError, Violation
from sekisho.remedy import value_hint
from sekisho.worlds import describe, find_world, short

if TYPE_CHECKING:
    from sekisho.contract import ArraySpec, Bindings, Mismatch

__all__ = ["Place"]

_NAMES: Final = {RESULT: "result", YIELDED: "item", SENT: "sent"}


def _first_line(error: Exception) -> str:
    try:
        return str(error).partition("\n")[0]
    except Exception:  # noqa: BLE001 - somebody else's class
        return ""


def _shown(sizes: tuple[int, ...]) -> str:
    """Several sizes as Python writes a tuple; torch's own class, and a symbol of a compiler's, would not."""
    text = ", ".join([str(size) for size in sizes])
    return f"({text},)" if len(sizes) == 1 else f"({text})"


def _plain(size: Any) -> Any:
    """A size, or several, without the class that a library has for a shape."""
    sizes: Any = size
    return tuple(sizes) if isinstance(size, tuple) else size


class Place:
    """Where a value is: a parameter or the result, and the path inside its container.

    Attributes:
        title: ``argument 'mask'``, ``the result``, ``the yielded item 3``.
        name: what the value is called in the call that a hint spells: ``batch['image'][3]``.
        it: what messages call it: ``'mask'``, ``the result``, ``batch['image'][3]``.
        given: what the value was made of, if it was of no world.
        around: the containers that the value is in, each with what it must be.
        cyclic: those that are in themselves; shared by all places in one value, where there are any.
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
        """The place of an item."""
        place = Place(self.contract, self.parameter, self.title, self.path + path)
        if self.around:
            place.around, place.cyclic = self.around, self.cyclic
        return place

    def entered(self, spec: Any, container: Any) -> Place:
        """The same place, for what is in the container that is there."""
        place = self.inside("")
        place.around = (*self.around, (spec, container))
        place.cyclic = self.cyclic if self.around else []
        return place

    def item(self, key: Any) -> Place:
        """The place of a mapping's value. A key may be anything: its text is kept short."""
        return self.inside(f"[{short(key)}]")

    def made(self, given: object) -> Place:
        """The place of the array that was made of a value of no world."""
        place = self.inside("")
        place.given = given
        return place

    @property
    def place(self) -> str:
        """The place in the first line of a message."""
        return f"{self.title} at {self.name}" if self.path else self.title

    def violation(
        self,
        spec: Any,
        value: object,
        reason: str | None = None,
        hint: str | None = None,
    ) -> Violation:
        """Say that a value is not what `spec` asks for; ``{0}`` in the hint is its name."""
        if spec is not UNANNOTATED:
            hint = hint or value_hint(value, is_result=self.parameter.name == RESULT)
        got = describe(value)
        if self.given is not None:
            got = f"{got}, made of {describe(self.given)}"
        return Violation(
            self.contract.function,
            self.place,
            "nothing of the other world" if spec is UNANNOTATED else spec.text,
            got,
            reason,
            hint=hint and hint.format(self.name),
        )

    def unreadable(self, spec: Any, value: Any) -> Violation | None:
        """Say that a value does not answer what every array answers; None if it does."""
        world = find_world(value)
        if world is None:
            return None
        try:
            len(value.shape)
            hash(value.dtype)
        except SekishoError:
            raise
        except Exception as error:  # noqa: BLE001 - it may raise anything
            known = world.why_shapeless(value)
            if known is not None:
                return self.violation(spec, value, f"{self.it} {known[0]}", known[1])
            return self._hostile(spec, value, error)
        return None

    def classless(self, spec: Any, value: Any) -> Violation | None:
        """Say that a value does not let itself be asked for its class, as `isinstance` does; or None."""
        try:
            value.__class__  # noqa: B018 - a property may raise anything
        except SekishoError:
            raise
        except Exception as error:  # noqa: BLE001 - as said
            return self._hostile(spec, value, error)
        return None

    def _hostile(self, spec: Any, value: Any, error: Exception) -> Violation:
        text = f"{type(error).__name__}: {_first_line(error)}"
        return self.violation(spec, value, f"{self.it} cannot be looked at: {text}")

    def word(self, mismatch: Mismatch, binders_here: dict[str, str]) -> str:
        """Put a mismatch of shapes into words: who bound the axis, and what this one is."""
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

    def bound(
        self, spec: ArraySpec, bound: Bindings, binders_here: dict[str, str]
    ) -> tuple[tuple[str, Any, str], ...]:
        """The axes that an annotation mentions: the size that each is bound to, and by whom."""
        axes = spec.axes or ()
        keys = [name for axis in axes if axis.expression for name in axis.expression.names]
        keys += [axis.key for axis in axes if axis.key]
        return tuple(
            [
                (shown_key(key), _plain(bound[key]), self.binder(key, binders_here))
                for key in dict.fromkeys(keys)
                if key in bound and key[0] != "{" and bound[key] is not FREE
            ]
        )

    def binder(self, key: str, binders_here: dict[str, str]) -> str:
        """Who bound an axis: an item of the value at hand, or an argument before it."""
        here = binders_here.get(key)
        shown = shown_key(key)
        found = here or " or ".join(binders(self.contract, shown, self.parameter.name))
        return found or ("a check in the body" if self.contract.shares_axes else "")
