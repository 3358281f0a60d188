"""Find expressions for sizes that are computed from others: ``n+1``, ``h//2``, ``a*b``, ``{size}``.

This is the last resort, for an axis that equals no other axis and is not a number. An expression
needs so many different calls that chance is unlikely, and has to be the only one of its form that
fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sekisho.deduction.columns import Group

__all__ = ["find_expression"]

_MANY: Final = 4
"""Number of different inputs that an expression must be right for."""

_LARGEST: Final = 16
"""Largest number in an expression: calls may have larger ones in common by chance."""


def find_expression(
    group: Group, bases: Sequence[tuple[str, Group]], arguments: Mapping[str, Mapping[int, int]]
) -> str | None:
    """Find the expression that computes the sizes of a group in every call.

    Args:
        group: the group to compute.
        bases: the named axes that are bound before it.
        arguments: the arguments that are integers, by name: the value in each call.

    Returns:
        An axis as jaxtyping writes it, or None if none is certain.
    """
    sizes = {call: size for call, size in group.sizes.items() if isinstance(size, int)}
    if len(sizes) != len(group.sizes) or len(set(sizes.values())) < 2:
        return None
    known = {f"{{{name}}}": values for name, values in arguments.items()}
    same = [
        name
        for name, values in known.items()
        if all(values.get(call) == size for call, size in sizes.items())
    ]
    if same:  # of ``h`` and ``w`` that were always equal, the axis may be either
        return same[0] if len(same) == 1 else None
    axes = {
        name: {call: size for call, size in base.sizes.items() if isinstance(size, int)}
        for name, base in bases
        if base is not group and not base.is_run
    }
    for candidates in (_of_one(sizes, axes), _of_two(sizes, {**axes, **known})):
        found = list(candidates)
        if found:
            # several that fit are ambiguous, and simpler forms come first
            return found[0] if len(found) == 1 else None
    return None


def _of_one(sizes: Mapping[int, int], axes: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    for name, base in axes.items():
        if not sizes.keys() <= base.keys():
            continue
        pairs = {(base[call], size) for call, size in sizes.items()}
        if len({a for a, _ in pairs}) < _MANY:
            continue
        a, c = next(iter(pairs))
        if 0 < abs(c - a) <= _LARGEST and all(y - x == c - a for x, y in pairs):
            yield f"{name}{c - a:+d}"
        elif (
            a and c % a == 0 and 1 < c // a <= _LARGEST and all(y == x * (c // a) for x, y in pairs)
        ):
            yield f"{c // a}*{name}"
        else:
            by = [m for m in range(2, _LARGEST + 1) if all(y == x // m for x, y in pairs)]
            if len(by) == 1 and len({y for _, y in pairs}) >= _MANY:
                yield f"{name}//{by[0]}"


_PAIRED: Final[tuple[tuple[str, Callable[[int, int], int]], ...]] = (
    ("{}+{}", lambda a, b: a + b),
    ("{}*{}", lambda a, b: a * b),
    ("{}-{}", lambda a, b: a - b),
    ("{}+2*{}", lambda a, b: a + 2 * b),  # padding on both sides
    ("{}-{}+1", lambda a, b: a - b + 1),  # the number of positions of a window
)

_EITHER: Final = frozenset({"{}+{}", "{}*{}"})
"""Commutative expressions, which are tried once for each pair."""


def _of_two(sizes: Mapping[int, int], axes: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    names = [name for name, base in axes.items() if sizes.keys() <= base.keys()]
    for i, first in enumerate(names):
        for second in (*names[i + 1 :], *names[:i]):
            a, b = axes[first], axes[second]
            triples = {(a[call], b[call], size) for call, size in sizes.items()}
            several = min(len({x for x, _, _ in triples}), len({y for _, y, _ in triples})) > 1
            if len(triples) < _MANY or not several:
                continue
            for text, compute in _PAIRED:
                if text in _EITHER and second in names[:i]:
                    continue
                if all(compute(x, y) == size for x, y, size in triples):
                    yield text.format(first, second)
