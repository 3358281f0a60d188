"""Find arrays whose axes in front broadcast together, from how a body combines them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Origins = Mapping[str, int | None]
    """The parameters that a value is made of, and how many axes it has behind those of each that lead
    its axes; None where the axes are others."""

    Pair = tuple[tuple[str, int], tuple[str, int]]
    """Two parameters that are combined, each with how many axes stand behind its own then."""

__all__ = ["either", "together"]

_OTHER: Final = "or something else"
"""Stands beside the parameters that a value may be made of."""


def either(several: Iterable[Origins]) -> Origins:
    """Return what a value is made of that is one of several.

    Examples:
        >>> either([{"x": 0}, {"x": 0}]), either([{"x": 0}, {"x": 1}])
        ({'x': 0}, {'x': None})
        >>> either([{"x": 0}, {"y": 0}])
        {'x': 0, 'y': 0, 'or something else': None}
    """
    found: dict[str, int | None] = {}
    values = [*several]
    for each in values:
        for name, more in each.items():
            found[name] = more if found.get(name, more) == more else None
    is_clear = all(each.keys() == found.keys() for each in values)
    return found if is_clear else {**found, _OTHER: None}


def together(
    parameters: Iterable[str],
    pairs: Iterable[Pair],
    tails: Mapping[str, int],
    given: Mapping[str, Sequence[Origins]],
) -> Iterator[Mapping[str, int]]:
    """Yield arrays that broadcast together, each with the number of axes behind those that do.

    Args:
        parameters: the names of the parameters.
        pairs: those that are combined.
        tails: how many of the last axes of each the code speaks of.
        given: what each result is made of, in each ``return``.
    """
    beside: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for (one, more), (other, most) in pairs:
        beside[one].add((other, more - most))
        beside[other].add((one, most - more))
    left = sorted(parameters)
    while left:
        ends, waiting, is_one = {left[0]: 0}, [left[0]], True
        while waiting:
            name = waiting.pop()
            for other, step in beside[name]:
                if other not in ends:
                    ends[other] = ends[name] + step
                    waiting.append(other)
                is_one = is_one and ends[other] == ends[name] + step
        left = [each for each in left if each not in ends]
        if is_one:  # each is combined with the others in one way
            ends |= _results_of(ends, given)
            least = max(tails.get(name, 0) - end for name, end in ends.items())
            yield {name: end + least for name, end in sorted(ends.items())}


def _results_of(ends: Mapping[str, int], given: Mapping[str, Sequence[Origins]]) -> dict[str, int]:
    """Return the results that all of some parameters lead, in every ``return``."""
    found: dict[str, int] = {}
    for place, several in given.items():
        steps: set[int | None] = set()
        for each in several:
            known = {name: more for name, more in each.items() if more is not None}
            steps |= {ends[name] + more for name, more in known.items() if name in ends}
            is_clear = known.keys() == ends.keys() and _OTHER not in each
            steps |= set() if is_clear else {None}
        if len(steps) == 1 and (step := steps.pop()) is not None:
            found[place] = step
    return found
