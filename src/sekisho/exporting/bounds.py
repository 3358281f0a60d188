"""The smallest and the largest size of each dimension, as the caller gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sekisho.errors import DeclarationError
from sekisho.exporting.refusals import refuse_argument
from sekisho.exporting.sizes import least_sizes
from sekisho.exporting.tree import MISSING
from sekisho.utils import closest
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.exporting.reading import Arguments

__all__ = ["Bounds", "names_for", "read_bounds"]

Bounds = dict[str, tuple[int | None, int | None]]


def read_bounds(arguments: Arguments, bounds: Mapping[str, Any] | None) -> Bounds:
    """Return the bounds of every dimension of the arguments, in their order.

    Args:
        arguments: the arguments.
        bounds: for some names ``(smallest, largest)``, either of them None.

    Raises:
        DeclarationError: for an unknown name, and for what is no pair of sizes.
    """
    name = arguments.bound.name
    sizes = [each for leaf in arguments.leaves for each in leaf.sizes or ()]
    found: Bounds = {}
    for each in sizes:
        for dimension in (each.name, *each.names.values()):
            if dimension is not None:
                found[dimension] = (None, None)
    given: Any = bounds
    if not isinstance(given, (Mapping, type(None))):
        raise DeclarationError(
            f"{name}() bounds: expected a dict of (smallest, largest) by axis, got {bounds!r}."
        )
    for dimension, pair in (bounds or {}).items():
        if dimension not in found:
            meant = closest(dimension, found)
            hint = f"\n  hint: {meant!r}" if meant else ""
            names = ", ".join(found) or "none"
            raise DeclarationError(
                f"{name}() has no dynamic axis '{dimension}' to bound; it has: {names}.{hint}"
            )
        found[dimension] = _pair(name, dimension, pair)
    for dimension, least in least_sizes(sizes).items():
        low, high = found[dimension]
        found[dimension] = (max(low or 0, least) or None, high)
    _hold_example(arguments, found)
    return found


def _hold_example(arguments: Arguments, limits: Bounds) -> None:
    """Refuse an example with a size that is out of bounds."""
    for leaf in arguments.leaves:
        shape = () if leaf.value is MISSING else getattr(leaf.value, "shape", ())
        for size, number in zip(leaf.sizes or (), shape, strict=False):
            low, high = limits.get(size.name or "", (None, None))
            is_inside = (low is None or low <= number) and (high is None or number <= high)
            if not is_inside:
                why = f"its axis '{size.name}' is {number}, outside the bounds {(low, high)}"
                hint = "an example within the bounds, or other bounds"
                refuse_argument(arguments.bound.name, leaf.place, why, hint)


def names_for(limits: Bounds, is_taken: Callable[[str], bool]) -> dict[str, str]:
    """Return a name for each dimension that an exporter takes: the name itself, or ``name_``.

    Args:
        limits: the bounds of each dimension.
        is_taken: whether a name means something else to the exporter.
    """
    used = set(limits)
    found: dict[str, str] = {}
    for name in limits:
        theirs = name
        while theirs in used - {name} or is_taken(theirs):
            theirs += "_"
        used.add(theirs)
        found[name] = theirs
    return found


def _pair(function: str, name: str, pair: Any) -> tuple[int | None, int | None]:
    is_pair = issubclass(class_of(pair), tuple) and len(pair) == 2  # noqa: PLR2004 - smallest and largest
    if is_pair and all(each is None or (type(each) is int and each >= 0) for each in pair):
        low, high = pair
        if low is None or high is None or low < high:
            return low, high
    raise DeclarationError(
        f"{function}() bounds of '{name}': expected (smallest, largest) with either None, and the "
        f"first below the second, got {pair!r}."
    )
