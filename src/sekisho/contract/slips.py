"""Axis names that look like a slip: ``"height width" -> "heigth width"``.

An axis name that a signature uses once accepts any size. If it differs from another name as a typing
error does, its author expects a check that never happens. Many short names differ in one letter on
purpose (``h w``, ``q_size k_size``, ``dim1 dim2``, ``num_rx num_tx``), so the rule compares word by
word, and only words that are long enough. docs/contract.md states the rule.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.contract.parts import array_specs
from sekisho.contract.specs import UNANNOTATED, HintSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.contract.axes import Axis
    from sekisho.contract.contract import Contract, Parameter
    from sekisho.contract.specs import Spec

__all__ = ["Slip", "Unbound", "find_slips", "find_unbound", "names_of", "slips_in"]


class Slip(NamedTuple):
    """An axis name that is used once, and looks like another one.

    Attributes:
        name: the axis name.
        place: where it is used: ``the result``.
        meant: the axis name that it looks like.
        meant_place: where that one is used first.
        difference: the difference between the two, in words.
    """

    name: str
    place: str
    meant: str
    meant_place: str
    difference: str

    @property
    def text(self) -> str:
        """What looks like a slip, as one clause."""
        of = "" if self.meant_place == self.place else f" of {self.meant_place}"
        return (
            f"axis '{self.name}' of {self.place} differs from '{self.meant}'{of} "
            f"only {self.difference}; a slip?"
        )

    @property
    def hint(self) -> str:
        """What to write instead."""
        return f"write '{self.meant}', or '_{self.name}' if no other axis has to have this size"


class Unbound(NamedTuple):
    """An axis name of a result that no argument binds, and that a number among the arguments has, too.

    Attributes:
        name: the name of the axis and of the argument.
        place: where it is used: ``the result``.
    """

    name: str
    place: str

    @property
    def text(self) -> str:
        """What looks like a slip, as one clause."""
        return (
            f"axis '{self.name}' of {self.place} is not the value of argument '{self.name}': "
            "no other array has it, so it may have any size"
        )

    @property
    def hint(self) -> str:
        """What to write instead."""
        return (
            f"write '{{{self.name}}}' for the value of the argument, or '_{self.name}' for any size"
        )


def slips_in(contract: Contract) -> list[Slip | Unbound]:
    """Find the slips in the annotations of one function."""
    taken, given = _named(contract.parameters), _named(contract.outcomes)
    numbers = [each.name for each in contract.parameters if _may_be_a_number(each.spec)]
    return [*find_slips([*taken, *given]), *find_unbound(taken, given, numbers)]


def _named(parameters: Iterable[Parameter]) -> list[tuple[str, Sequence[str]]]:
    return [
        (parameter.place, names_of(array.axes or ()))
        for parameter in parameters
        if parameter.spec is not UNANNOTATED
        for array in array_specs(parameter.spec)
    ]


def _may_be_a_number(spec: Spec) -> bool:
    return spec is UNANNOTATED or (isinstance(spec, HintSpec) and spec.hint is int)


def names_of(axes: Iterable[Axis]) -> list[str]:
    """List the axis names that one array mentions, with repetitions."""
    found: list[str] = []
    for axis in axes:
        if axis.name:
            found.append(axis.name)
        elif axis.expression is not None:
            found += [name for name in axis.expression.names if not name.startswith("{")]
    return found


def find_slips(arrays: Iterable[tuple[str, Sequence[str]]]) -> list[Slip]:
    """Find the axis names of one signature that look like a slip.

    Args:
        arrays: of each array of the signature, its place and the axis names that it mentions.
    """
    uses: dict[str, int] = {}
    first: dict[str, tuple[str, Sequence[str]]] = {}
    for place, names in arrays:
        for name in names:
            if name in uses:
                uses[name] += 1
            else:
                uses[name], first[name] = 1, (place, names)
    return list(_slips(uses, first)) if len(uses) > 1 and 1 in uses.values() else []


def find_unbound(
    taken: Iterable[tuple[str, Sequence[str]]],
    given: Iterable[tuple[str, Sequence[str]]],
    numbers: Iterable[str],
) -> Iterator[Unbound]:
    """Find the axis names of results that stand where the value of an argument was probably meant.

    Args:
        taken: of each array among the arguments, its place and the axis names that it mentions.
        given: the same of the results.
        numbers: the arguments that may be numbers.
    """
    bound = {name for _, names in taken for name in names}
    places = {name: place for place, names in given for name in names if name not in bound}
    return (Unbound(name, places[name]) for name in numbers if name in places)


def _slips(uses: dict[str, int], first: dict[str, tuple[str, Sequence[str]]]) -> Iterator[Slip]:
    names = list(uses)
    # `"h w" -> "H W"` is a convention, for two sizes of one thing; `"N d" -> "n d"` is a slip.
    in_case = len(names) - len({name.lower() for name in names})
    for index, name in enumerate(names):
        if uses[name] > 1:
            continue
        place, beside = first[name]
        for position, other in enumerate(names):
            # Of two names that are both used once, the later one is the slip.
            if position == index or (uses[other] == 1 and position > index):
                continue
            difference = difference_between(name, other)
            # Two names in one array stand side by side: their author has seen the difference.
            if not difference or other in beside:
                continue
            if difference == _CASE and in_case > 1:
                continue
            yield Slip(name, place, other, first[other][0], difference)
            break


_CASE: Final = "in case"
_WORD: Final = 4
"""Minimum number of letters of a word in which a swap, or a letter too many, is a slip."""
_LONG_WORD: Final = 5
"""Minimum number of letters of a word in which another letter is a slip: ``dist`` and ``dict`` are two words."""
_PARTS: Final = re.compile(r"[A-Z]*[^\W\d_A-Z]+|[A-Z]+|\d+")


@lru_cache(maxsize=4096)
def difference_between(name: str, other: str) -> str:
    """Say how two axis names differ, if a slip makes such a difference; otherwise return ""."""
    if abs(len(name) - len(other)) > 1:
        return ""
    if name.lower() == other.lower():
        return _CASE
    if max(len(name), len(other)) < _WORD:
        return ""
    ours, theirs = _PARTS.findall(name), _PARTS.findall(other)
    if "".join(ours) == "".join(theirs):
        return "in an underscore" if sum(map(len, ours)) >= _WORD else ""
    if len(ours) != len(theirs):
        return ""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    return _difference_of_words(*sorted(pairs[0], key=len)) if len(pairs) == 1 else ""


def _difference_of_words(short: str, long: str) -> str:
    """Say how two words differ, if a slip makes such a difference; otherwise return ""."""
    if not short.isalpha() or len(long) < _WORD:
        return ""
    if long == f"{short}s":
        return "in one letter"
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) == len(long):
        if short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]:
            return "in the order of two letters"
        is_edit = short[at + 1 :] == long[at + 1 :] and len(short) >= _LONG_WORD
    else:
        is_edit = short[at:] == long[at + 1 :] and len(short) >= _WORD
    # Deliberate pairs differ in the first or the last letter: ldim and rdim, gridx and gridy.
    has_same_ends = (short[0], short[-1]) == (long[0], long[-1])
    return "in one letter" if is_edit and has_same_ends else ""
