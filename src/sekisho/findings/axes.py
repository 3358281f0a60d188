"""Compare axis strings: the names in one, whether axes can fit, and whether they both expand."""

from __future__ import annotations

from sekisho.contract import names_of, parse_axes

__all__ = ["both_expanded", "misfit", "names_in"]


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


def both_expanded(left: str, right: str) -> str:
    """Return the axes of an operation that expands both operands by mistake; "" for any other.

    One operand has the axes of the other and an axis of size 1 more, which is not in front: the other
    is then aligned with the wrong axes. Other names, as of ``"n 1"`` and ``"m"``, are an outer
    operation that the author has spelt out.

    Examples:
        >>> both_expanded("n 1", "n")
        'n n'
        >>> both_expanded("1 n", "n"), both_expanded("n 1", "m"), both_expanded("b n", "n")
        ('', '', '')
    """
    lower, higher = sorted((left.split(), right.split()), key=len)
    if not all(each.isidentifier() or each.isdecimal() for each in (*lower, *higher)):
        return ""
    if len(lower) == len(higher) or lower != [each for each in higher if each != "1"]:
        return ""
    padded = ["1"] * (len(higher) - len(lower)) + lower
    pairs = list(zip(higher, padded, strict=True))
    if any("1" not in pair and pair[0] != pair[1] for pair in pairs):
        return ""  # it raises, unless two axes happen to have one size
    both = [other if one == "1" else one for one, other in pairs]
    return " ".join(both) if both != higher else ""
