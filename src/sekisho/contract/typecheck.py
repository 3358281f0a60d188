"""Check annotations without arrays with a type checker.

This is the only module that imports beartype. A checker checks one value at a time, so that a guard
can name the argument, and do its own checks in between.
"""

from __future__ import annotations

import functools
import importlib
import traceback
from typing import TYPE_CHECKING, Any, Final, cast

from sekisho.errors import SekishoError
from sekisho.utils import quiet, runs_while_tracing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TypeChecker", "make_checker"]

TypeChecker = Any
"""``"beartype"``, None (arrays only), or a decorator that checks a function's arguments."""


def make_checker(hint: Any, typechecker: TypeChecker) -> Callable[[object], bool]:
    """Make a function that returns whether a value satisfies a hint.

    Args:
        hint: an annotation without arrays.
        typechecker: ``"beartype"``, or a decorator such as typeguard's ``typechecked``.

    Raises:
        Exception: whatever the type checker raises for a hint that it does not understand.
    """
    try:
        return _cached_checker(hint, typechecker)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return _cached_checker.__wrapped__(hint, typechecker)


_SHORT: Final = frozenset({bool, int, float, complex, type(None)})
"""Classes whose values have a short text."""

_LONG: Final = 1 << 10


@functools.cache
def _beartype() -> Callable[[Any], Callable[[object], bool]]:
    """Return the maker of beartype's checks. An int is a float too, as in PEP 484.

    Beartype's decorator makes the fastest check, but takes the longest to make it. For a value that
    it refuses it writes an error with the text of the whole value: a second for a list of a
    million. So the decorator is only used for values with a short text, from the first such value
    on.
    """
    beartype: Any = importlib.import_module("beartype")
    is_bearable: Any = importlib.import_module("beartype.door").is_bearable
    conf = beartype.BeartypeConf(is_pep484_tower=True)
    decorate = beartype.beartype(conf=conf)

    def make(hint: Any) -> Callable[[object], bool]:
        is_bearable(None, hint, conf=conf)  # raises if it does not understand the hint
        takes: Callable[[object], bool] | None = None

        def accepts(value: object) -> bool:
            nonlocal takes
            kind = type(value)
            is_short = type(kind) is type and kind in _SHORT  # not each class is hashable
            if is_short or (kind is str and len(cast("str", value)) < _LONG):
                if takes is None:
                    with quiet():
                        takes = _takes(hint, decorate)
                return takes(value)
            answer: bool = is_bearable(value, hint, conf=conf)
            return answer

        return accepts

    return make


@functools.lru_cache(maxsize=1024)
def _cached_checker(hint: Any, typechecker: TypeChecker) -> Callable[[object], bool]:
    # Hide a checker's warnings about the spelling of a hint (typing.List).
    with quiet():
        accepts = _beartype()(hint) if typechecker == "beartype" else _takes(hint, typechecker)

    @runs_while_tracing
    def check(value: object) -> bool:
        try:
            return accepts(value)
        except SekishoError:  # from the value's own code, in a monitored body
            raise
        except Exception:  # noqa: BLE001 - a value may raise anything when it is inspected
            return False

    return check


def _takes(hint: Any, decorate: Any) -> Callable[[object], bool]:
    """Make a check of one parameter with a type checker's decorator."""

    # typeguard reads the annotation in the source, `hint`, and finds its value in this frame.
    def take(value: hint) -> None:  # pyright: ignore[reportInvalidTypeForm, reportUnknownParameterType]
        del value

    take.__annotations__ = {"value": hint, "return": None}
    checked = decorate(take)

    def takes(value: object) -> bool:
        try:
            checked(value)
        except SekishoError:
            raise
        except Exception as error:  # noqa: BLE001 - every checker has its own error class
            # The checker's frame and its error refer to each other, which would keep all running
            # frames alive.
            traceback.clear_frames(error.__traceback__)
            return False
        return True

    return takes
