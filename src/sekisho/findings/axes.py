"""Axis strings: which names one mentions, and whether an array of other axes can be what it asks."""

from __future__ import annotations

from sekisho.contract import names_of, parse_axes

__all__ = ["misfit", "names_in"]


def names_in(axes: str) -> list[str]:
    """The axis names that an axis string mentions; none if it is malformed."""
    try:
        return names_of(parse_axes(axes))
    except ValueError:
        return []


def misfit(wanted: str, given: str) -> str:
    """Why axes as they are given cannot be those that are wanted; "" if they can.

    Axes are names as jaxtyping writes them. A name stands for one size within a function only: so other
    names may fit, and the same names in another order do not.

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
