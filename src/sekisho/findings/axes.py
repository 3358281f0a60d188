"""Compare axis strings: the names in one, and whether an argument's axes can fit a parameter's."""

from __future__ import annotations

from sekisho.contract import names_of, parse_axes

__all__ = ["misfit", "names_in"]


def names_in(axes: str) -> list[str]:
    """Return the axis names in an axis string; none if it is malformed."""
    try:
        return names_of(parse_axes(axes))
    except ValueError:
        return []


def misfit(wanted: str, given: str) -> str:
    """Return why the axes of an argument cannot be those of its parameter; "" if they can.

    Axes are names in jaxtyping's notation. A name stands for a size within one function only. So
    different names may fit, but the same names in another order do not.

    Examples:
        >>> misfit("b c", "c b")
        'the same axes, in another order'
        >>> misfit("b c h w", "h w c")
        '4 axes, and 3'
        >>> misfit("b 3", "b 4")
        '3 is not 4'
        >>> misfit("b c", "n d")
        ''
    """
    theirs, ours = wanted.split(), given.split()
    if any(token.startswith(("*", "...")) or "*" in token[:2] for token in (*theirs, *ours)):
        return ""
    if len(theirs) != len(ours):
        return f"{len(theirs)} axes, and {len(ours)}"
    for want, have in zip(theirs, ours, strict=True):
        if want.isdecimal() and have.isdecimal() and want != have:
            return f"{want} is not {have}"
    are_names = all(map(str.isidentifier, theirs))
    if are_names and theirs != ours and sorted(theirs) == sorted(ours):
        return "the same axes, in another order"
    return ""
