"""Look for mistakes that raise no error: integers that wrap around, gradients that are cut."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import mode
from sekisho.fuzzing.deadline import Overdue, deadline
from sekisho.fuzzing.elements import kind_of
from sekisho.fuzzing.recipes import ArrayRecipe
from sekisho.utils import quiet
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sekisho.fuzzing.recipes import CallRecipe

__all__ = ["silent_mistake"]

_SMALL: Final = frozenset({"uint8", "int8", "uint16", "int16"})


def silent_mistake(call: Callable[..., Any], recipe: CallRecipe, seconds: float) -> str | None:
    """Return what is wrong with a call that raises nothing; None if nothing is."""
    dtypes = {(array.world, array.dtype) for _, array in recipe.arrays()}
    for name in sorted({world for world, dtype in dtypes if dtype in _SMALL}):
        world = world_named(name)
        with world.watching_overflow() as (prepared, found), _leniently(seconds):
            args, kwargs = recipe.make(partial(_prepared, name, prepared))
            call(*args, **kwargs)
        if found:
            return f"wraps around: {found[0]}"
    for name in sorted({world for world, dtype in dtypes if kind_of(dtype) == "f"}):
        is_cut = False
        with _leniently(3 * seconds):
            args, kwargs = recipe.make(ArrayRecipe.make_plain)
            is_cut = world_named(name).cuts_gradient(call, args, kwargs)
        if is_cut:
            return (
                "cuts the gradient: its arguments require one, and its result depends on them, but "
                "carries none"
            )
    return None


def _prepared(name: str, prepare: Callable[[Any], Any], array: ArrayRecipe) -> Any:
    value = array.make_plain()
    return prepare(value) if array.world == name else value


@contextlib.contextmanager
def _leniently(seconds: float) -> Generator[None]:
    """Let a call fail: the plain call has shown already what it raises."""
    with contextlib.suppress(Exception, Overdue), deadline(seconds), mode("convert"), quiet():
        yield
