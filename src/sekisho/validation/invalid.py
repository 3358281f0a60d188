"""A value that is not valid, as data: neither an exception nor a message yet.

The functions of this package return a valid value or an `Invalid`. So unions, containers and
``violations="warn"`` look at what they get, and a compiler can trace them. `words` makes the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

from sekisho.validation.call import Call, saved

if TYPE_CHECKING:
    from sekisho.contract import Mismatch
    from sekisho.errors import BoundaryError
    from sekisho.validation.violations import Place

__all__ = ["Hintable", "Invalid"]


class Hintable(NamedTuple):
    """What a hint is searched for. It may be larger than what is refused: the value before a cast.

    Attributes:
        spec: what the value must be.
        value: the value.
        call: the call as it was when the value was refused.
    """

    spec: Any
    value: Any
    call: Call


@final  # compared by `type`, since `isinstance` would run a value's own `__class__`
class Invalid(NamedTuple):
    """A value that is not valid, and why.

    Attributes:
        error: the class of the error that says so.
        spec: what the value must be.
        value: the value.
        place: where the value is.
        reason: what does not fit; None if expected and got say it all.
        hint: the call that makes the value valid, if it is known already; ``{0}`` stands for its name.
        mismatch: what does not fit of a shape; it stands for the reason.
        shape: the shape.
        hintable: what a hint is searched for, with the call; None if there is none to find.
        expected: what was expected, if that is more than `spec`: the whole union.
        is_crossing: whether a crossing was refused; in strict mode a body must not hide that.
    """

    error: type[BoundaryError]
    spec: Any
    value: Any
    place: Place
    reason: str | None = None
    hint: str | None = None
    mismatch: Mismatch | None = None
    shape: tuple[int, ...] = ()
    hintable: Hintable | None = None
    expected: str | None = None
    is_crossing: bool = False

    def hintable_as(self, spec: Any, value: Any, call: Call) -> Invalid:
        """Return the same, with what a hint is searched for."""
        error, refused, place, mismatch = self.error, self.value, self.place, self.mismatch
        hintable = Hintable(spec, value, saved(call))
        # Neither by `_replace` nor by a slice, which the compiler of torch 2.6 cannot trace.
        return Invalid(
            error,
            self.spec,
            refused,
            place,
            self.reason,
            self.hint,
            mismatch,
            self.shape,
            hintable,
            self.expected,
            self.is_crossing,
        )
