"""Sizes for the axes of one call: usually all different, sometimes 0 or 1, valid in expressions."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from sekisho.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sekisho.contract import Axis, Bindings

    Draw = Callable[[Any], Any]

__all__ = ["WIDE", "Sizes"]

WIDE: Final = st.integers(0, 2**24 - 1)
"""For choices among a few options that all have to occur: Hypothesis repeats itself less in wide
ranges. One number serves several choices, since each draw takes time."""

_DOMAINS: Final = (9, 40, 300)
"""Upper bounds for a size in the search for sizes that satisfy all expressions, in this order."""

_DOTS: Final = "..."
"""The key of the axes of no name, which all arrays of a call share."""

_MOST_TRIED: Final = 100_000
_MOST_KEPT: Final = 400
_RANKS: Final = st.integers(0, 2)
_ODD: Final = st.sampled_from((None, None, 1, 0))
_COIN: Final = st.booleans()


class Sizes:
    """The axes of one contract, and the sizes that they may have together.

    Args:
        function: the name of the function, for errors.
        shapes: the axes of each array annotation.
        arguments: the parameters that are plain integers, which ``{n}`` in an axis may refer to.
        most: maximum number of elements of an array.
    """

    def __init__(
        self,
        function: str,
        shapes: Iterable[tuple[Axis, ...]],
        arguments: Iterable[str],
        most: int,
    ) -> None:
        self.function = function
        self.shapes: list[tuple[Axis, ...]] = list(shapes)
        axes = [axis for shape in self.shapes for axis in shape]
        self.names: list[str] = list(
            dict.fromkeys(a.name for a in axes if a.name is not None and not a.variadic)
        )
        self.runs: list[str] = list(
            dict.fromkeys(a.key for a in axes if a.variadic and a.key is not None)
        )
        self.expressions: list[Any] = list(
            {a.expression.text: a.expression for a in axes if a.expression}.values()
        )
        mentioned = [name for each in self.expressions for name in each.names]
        self.asked: list[str] = [name for name in dict.fromkeys(mentioned) if name in self.names]
        self.numbers: list[str] = [f"{{{n}}}" for n in arguments if f"{{{n}}}" in mentioned]
        self.most = most
        self.fixed: set[int] = {a.size for a in axes if a.size is not None}
        count = len(self.names)
        self.pool: list[int] = [
            n for n in range(2, 3 + count + len(self.fixed)) if n not in self.fixed
        ]
        self._valid: list[dict[str, int]] | None = None
        self._refuse_large()

    def _refuse_large(self) -> None:
        for shape in self.shapes:
            least = math.prod(1 if axis.size is None else axis.size for axis in shape)
            if least > self.most:
                text = " ".join(axis.text for axis in shape)
                raise DeclarationError(
                    f"{self.function}(): an array of '{text}' has {least:,} elements or more; "
                    f"most_elements is {self.most:,}."
                )

    def draw(self, draw: Draw, turn: int, known: Mapping[str, Any], *, hostile: bool) -> Bindings:
        """Draw a size for every name, and a shape for every ``*name``.

        Args:
            draw: the draw function of Hypothesis.
            turn: a random number that decides which name gets which size.
            known: ``{self}`` and similar names, whose values are fixed.
            hostile: whether a size may be 0 or 1.

        Raises:
            DeclarationError: if no sizes fit.
        """
        bound: Bindings = {**known}
        count = len(self.names)
        # Rotate through a pool with one size more than there are names: all sizes differ, and each
        # name gets each size in turn.
        for number, name in enumerate(self.names):
            bound[name] = self.pool[(number + turn) % (count + 1)]
        for name in self.numbers:
            bound[name] = 2
        # one draw decides whether, for which name, and between 0 and 1
        if hostile and count:
            choice: int = draw(WIDE) % (4 * count)
            if choice >= 2 * count:  # in half of the calls
                which, size = divmod(choice - 2 * count, 2)
                bound[self.names[which]] = 1 - size
        for key in self.runs:
            rank = draw(_RANKS)
            bound[key] = tuple([self._free(draw, i, hostile=hostile) for i in range(rank)])
        if self.expressions and not self._is_valid(bound):
            choices = self._choices(known)
            chosen: dict[str, int] = draw(st.sampled_from(choices))
            bound.update(chosen)
        return bound

    def _free(self, draw: Draw, number: int, *, hostile: bool) -> int:
        """Draw a size for an axis that is independent of all others."""
        odd = draw(_ODD) if hostile else None
        return 2 + number if odd is None else int(odd)

    def _is_valid(self, bound: Bindings) -> bool:
        for expression in self.expressions:
            try:
                size = expression.evaluate(bound)
            except (ArithmeticError, TypeError, ValueError, KeyError):
                return False
            if not isinstance(size, int) or not 0 <= size <= self.most:
                return False
        return all(self._elements(shape, bound) <= self.most for shape in self.shapes)

    @staticmethod
    def _elements(shape: Iterable[Axis], bound: Bindings) -> int:
        sizes = (
            axis.size
            if axis.size is not None
            else axis.expression.evaluate(bound)
            if axis.expression
            else bound.get(axis.name or "", 1)
            for axis in shape
            if not axis.variadic
        )
        return math.prod(sizes)

    def _choices(self, known: Mapping[str, Any]) -> list[dict[str, int]]:
        """Return the combinations of sizes that satisfy all expressions, smallest first."""
        involved = [name for name in (*self.asked, *self.numbers) if name not in known]
        found = self._valid
        if found is None or known:  # an argument's attributes may differ from call to call
            found = self._valid = self._search(involved, known)
        if not found:
            words = ", ".join(f"'{each.text}'" for each in self.expressions)
            raise DeclarationError(
                f"{self.function}(): no sizes up to {_DOMAINS[-1]} make {words} sizes of axes, "
                f"with at most {self.most:,} elements an array."
            )
        return found

    def _search(self, involved: Sequence[str], known: Mapping[str, Any]) -> list[dict[str, int]]:
        others: Bindings = {**dict.fromkeys(self.names, 2), **known}
        for domain in _DOMAINS:
            # the search is exhaustive, so it has to stay small
            if involved and domain ** len(involved) > _MOST_TRIED:
                break
            found: list[dict[str, int]] = []
            for sizes in itertools.product(range(domain + 1), repeat=len(involved)):
                chosen = dict(zip(involved, sizes, strict=True))
                if self._is_valid({**others, **chosen}):
                    found.append(chosen)
            if found:
                # Small sizes come first, but those with a 0 last: Hypothesis shrinks to the first.
                found.sort(key=lambda each: (0 in each.values(), sum(each.values())))
                return found[:_MOST_KEPT]
        return []

    def shape(
        self, axes: tuple[Axis, ...], bound: Bindings, draw: Draw, *, hostile: bool
    ) -> tuple[int, ...]:
        """Draw a shape of these axes; with `hostile`, axes that may broadcast sometimes do."""
        found: list[int] = []
        for number, axis in enumerate(axes):
            if axis.variadic:
                found.extend(self._run(axis, bound, draw, hostile=hostile))
            elif axis.broadcastable and hostile and draw(_COIN):
                found.append(1)
            elif axis.size is not None:
                found.append(axis.size)
            elif axis.name is not None and not axis.treepath:
                found.append(bound[axis.name])
            elif axis.expression is not None:
                found.append(axis.expression.evaluate(bound))
            else:
                found.append(self._free(draw, number + 1, hostile=hostile))
        return tuple(found)

    def _run(self, axis: Axis, bound: Bindings, draw: Draw, *, hostile: bool) -> Iterator[int]:
        # Code that says `...` twice nearly always broadcasts these axes. Unrelated ones would only
        # show that they have to.
        if axis.key is None and _DOTS not in bound:
            rank = draw(_RANKS)
            bound[_DOTS] = tuple([self._free(draw, i, hostile=hostile) for i in range(rank)])
        whole: tuple[int, ...] = bound[axis.key or _DOTS]
        if not (hostile and (axis.broadcastable or axis.key is None)):
            yield from whole
            return
        for size in whole[draw(st.integers(0, len(whole))) :]:
            yield 1 if draw(_COIN) else size
