"""Call a function with one input, and look for failures."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sekisho.context import mode
from sekisho.contract import UNANNOTATED, array_specs
from sekisho.errors import BoundaryError, with_class
from sekisho.fuzzing.comparing import image, largest, numbers, tolerance
from sekisho.fuzzing.compilers import Compilers
from sekisho.fuzzing.deadline import Overdue, deadline
from sekisho.fuzzing.declared import declared_errors
from sekisho.fuzzing.probes import silent_mistake
from sekisho.fuzzing.recipes import ArrayRecipe
from sekisho.fuzzing.refusals import has_no_result, line_of_own_raise, may_be_of_shapes
from sekisho.fuzzing.variations import variations
from sekisho.utils import counted, quiet
from sekisho.validation import what_was_lost
from sekisho.worlds import describe, find_world, flatten, world_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.fuzzing.recipes import CallRecipe
    from sekisho.fuzzing.target import Target

__all__ = ["Demands", "Finding", "Trial"]

_MOST_YIELDED: Final = 1000
_SELDOM: Final = 4
"""One of so many inputs is also called compiled, and under what notices silent mistakes."""

_COMPILING: Final = 120.0
_CHILD: Final = 70  # the status of a process that is none of ours


class Demands(NamedTuple):
    """What a function may do.

    Attributes:
        allow: the classes of errors that it may raise.
        mutates: the names of parameters that it may change.
        rtol: how far results may differ, relative to the largest number around; None is by dtype.
        seconds: that a call may take.
        compile: options of the library's compiler, whose results are compared, too; None not to.
    """

    allow: tuple[type[BaseException], ...] = ()
    mutates: frozenset[str] = frozenset()
    rtol: float | None = None
    seconds: float = 10.0
    compile: Mapping[str, Any] | None = None


class Finding(Exception):  # noqa: N818 - internal: only its text is shown to users
    """What is wrong with one call.

    Attributes:
        text: what is wrong.
        recipe: the call.
        error: what it raised, if that is what is wrong.
        again: the world in which the call differs with equal values, "" being the same; None if it
            was the first call already.
        compiled: the world whose compiler made the call that differs; "" if none did.
    """

    def __init__(
        self,
        text: str,
        recipe: CallRecipe,
        error: Exception | None = None,
        again: str | None = None,
        compiled: str = "",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.recipe = recipe
        self.error = error
        self.again = again
        self.compiled = compiled


class _Outcome(NamedTuple):
    """The end of a call: its result, or an allowed error."""

    result: Any = None
    error: BaseException | None = None


class Trial:
    """Calls a function, and checks what it does."""

    def __init__(self, target: Target, demands: Demands, *, hostile: bool) -> None:
        self.target = target
        self.hostile = hostile
        # errors that the docstring declares are no failures
        self.allow: tuple[type[BaseException], ...] = (
            *demands.allow,
            *declared_errors(inspect.unwrap(target.call)),
        )
        self.demands = demands
        self.package: str = str(inspect.unwrap(target.call).__module__).partition(".")[0]
        self.compilers: Compilers | None = (
            None if demands.compile is None else Compilers(target.call, demands.compile)
        )
        self.calls: int = 0
        self.late: Finding | None = None
        """A call that has not returned."""

        self.refusals: Counter[tuple[type[BaseException], str]] = Counter()
        """Errors that say that the function takes no such input, each with its text."""

        self.guesses: Counter[tuple[type[BaseException], str]] = Counter()
        """Errors where some array has axes that no annotation says, so that they were guessed."""

        parameters = target.contract.parameters
        arrays = [p for p in parameters if p.spec is not UNANNOTATED and array_specs(p.spec)]
        # A function all of whose arrays have defaults mostly needs one of them: it says so by an error.
        self.optional: set[str] = (
            {each.name for each in arrays} if all(each.has_default for each in arrays) else set()
        )
        self.is_open: bool = any(
            spec.axes is None for each in arrays for spec in array_specs(each.spec)
        )

    def run(self, recipe: CallRecipe) -> None:
        """Call the function with one input.

        Raises:
            Finding: if something is wrong.
        """
        if self.late is not None:  # no shrinking, since each attempt would take as long
            if repr(recipe) == repr(self.late.recipe):
                raise self.late
            return
        outcome = self._try(recipe)
        for variation in variations(recipe, self.demands.mutates) if self.hostile else ():
            self._try(variation)
        # By what was drawn, not by a count: Hypothesis has to find the same again.
        if outcome.error is not None or recipe.turn % _SELDOM:
            return
        if self.hostile:
            wrong = silent_mistake(self.target.call, recipe, self.demands.seconds)
            if wrong is not None:
                raise Finding(wrong, recipe)
        if self.compilers is not None and self.target.contract.flavour == "function":
            self._compile(recipe, outcome, self.compilers)

    def _try(self, recipe: CallRecipe) -> _Outcome:
        arrays = recipe.arrays()
        made: list[Any] = []

        def make(array: ArrayRecipe) -> Any:
            made.append(array.make())
            return made[-1]

        args, kwargs = recipe.make(make)
        # a copy of the values, since the function may write into its arguments
        before = [image(value) for value in made]
        outcome = self._call(args, kwargs, recipe)
        for (name, array), value, seen in zip(arrays, made, before, strict=True):
            if name not in self.demands.mutates and image(value) != seen:
                lies = f" ({array.layout})" if array.layout else ""
                raise Finding(f"changes its argument '{name}'{lies}", recipe)
        if any(array.is_extreme for _, array in arrays):
            return outcome  # sums depend on their order, and so may depend on the layout
        laid = [a for _, a in arrays if a.layout]
        if laid and all(world_named(a.world).layouts[a.layout].is_memory for a in laid):
            words = " and ".join(dict.fromkeys(a.layout for a in laid))
            self._compare(recipe, outcome, "", f"where the values lie contiguously, not {words}")
        for world in self.target.worlds:
            if world.name != recipe.world:
                self._compare(recipe, outcome, world.name, f"in {world.label}")
        return outcome

    def _compile(self, recipe: CallRecipe, outcome: _Outcome, compilers: Compilers) -> None:
        """Call it compiled, and compare.

        Raises:
            DeclarationError: if the compiler's options are not valid.
            Finding: if it cannot be compiled, or its results differ, and not by chance.
        """
        arrays = [array for _, array in recipe.arrays()]
        if not arrays or any(each.is_extreme for each in arrays):
            return
        world = world_named(arrays[0].world)
        compiled = compilers.compiled(world)
        if compiled is None:
            return
        args, kwargs = recipe.make()
        try:
            with deadline(_COMPILING), mode("convert"), quiet(), np.errstate(all="ignore"):
                result = compiled(*args, **kwargs)
        except Overdue:
            text = f"is not compiled after {_COMPILING} seconds"
            raise Finding(text, recipe, compiled=world.name) from None
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            compilers.require_options(world, arrays[0].make())
            text = f"cannot be compiled: {with_class(error)}"
            raise Finding(text, recipe, error, compiled=world.name) from None
        scale = largest([outcome.result, result, *recipe.make(ArrayRecipe.make_plain)])
        why = self._differs(_arrays_of(outcome), _arrays_of(_Outcome(result)), scale)
        if why is None:
            return
        args, kwargs = recipe.make()
        other = self._call(args, kwargs, recipe)
        if self._differs(_arrays_of(outcome), _arrays_of(other), scale) is None:
            raise Finding(f"gives another result compiled: {why}", recipe, compiled=world.name)

    def _call(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        recipe: CallRecipe,
        where: str = "",
        again: str | None = None,
    ) -> _Outcome:
        process = os.getpid()
        self.calls += 1
        try:
            return _Outcome(self._within(args, kwargs))
        except Overdue:
            text = f"has not returned after {self.demands.seconds:g} seconds{where}"
            self.late = Finding(text, recipe, again=again)
            raise self.late from None
        except self.allow as error:
            return _Outcome(error=error)
        except Exception as error:  # noqa: BLE001 - any error may be the failure we look for
            lost = what_was_lost(error)
            if lost is not None:
                raise Finding(f"loses a write{where}: {lost}", recipe, error, again) from None
            if self.optional and not self.optional & recipe.passed:
                self.refusals[type(error), with_class(error)] += 1
                return _Outcome(error=error)
            if isinstance(error, BoundaryError):
                raise Finding(f"breaks a contract{where}: {error}", recipe, error, again) from None
            line = line_of_own_raise(error, self.package)
            if line is not None or has_no_result(error):
                where_raised = "" if line is None else f" (line {line})"
                self.refusals[type(error), with_class(error) + where_raised] += 1
                return _Outcome(error=error)
            if self.is_open and may_be_of_shapes(error):
                # Another layout of the same values, which the comparison tries, tells if it is to blame.
                self.guesses[type(error), with_class(error)] += 1
                return _Outcome(error=error)
            text = f"raises{where} {with_class(error)}"
            raise Finding(text, recipe, error, again) from None
        finally:
            if os.getpid() != process:
                os._exit(_CHILD)  # the function has forked: only the parent goes on testing

    def _within(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call it, and return its result within the time limit, which leaves compiling out."""
        limits = [self.demands.seconds]
        if any(world.compiles_calls for world in self.target.worlds):
            # A call that is late may have compiled: then it returns at last, and the next is fast.
            limits += [_COMPILING, self.demands.seconds]
        for number, limit in enumerate(limits):
            try:
                with (
                    deadline(limit),
                    mode("strict", mutations="allow"),  # `_try` compares arguments itself
                    quiet(),  # libraries warn of such inputs
                    np.errstate(all="ignore"),
                ):
                    result = _drained(self.target.call(*args, **kwargs))
            except Overdue:
                if number != 0 or len(limits) == 1:
                    raise
            else:
                if number != 1:
                    return result
        raise AssertionError(limits)

    def _compare(self, recipe: CallRecipe, outcome: _Outcome, world: str, where: str) -> None:
        """Call the function with the same values in other arrays, and compare.

        Raises:
            Finding: if the result differs, and two equal calls do not differ, too.
        """

        def again(name: str) -> _Outcome:
            args, kwargs = recipe.make(lambda array: array.make_plain(name))
            return self._call(args, kwargs, recipe, f" {where}", world)

        other = again(world)
        scale = largest([outcome.result, other.result, *recipe.make(ArrayRecipe.make_plain)])
        why = self._differs(outcome, other, scale)
        if why is None or self._differs(again(""), again(""), scale) is not None:
            return  # equal, or the function is random
        raise Finding(f"gives another result {where}: {why}", recipe, again=world)

    def _differs(self, one: _Outcome, other: _Outcome, scale: float) -> str | None:
        if type(one.error) is not type(other.error):
            return f"{_said(one)}, and there {_said(other)}"
        left, right = list(flatten(one.result)), list(flatten(other.result))
        if len(left) != len(right):
            return f"{counted(len(left), 'value')}, and there {len(right)}"
        for x, y in zip(left, right, strict=True):
            why = self._differ(x, y, scale)
            if why is not None:
                return why
        return None

    def _differ(self, x: Any, y: Any, scale: float) -> str | None:
        one, other = numbers(x), numbers(y)
        if one is None or other is None:
            return None if (one is None) == (other is None) else f"{_kind(x)}, and there {_kind(y)}"
        if one.shape != other.shape:
            return f"shape {one.shape}, and there {other.shape}"
        rtol = self.demands.rtol
        if rtol is None:
            rtol = max(tolerance(x), tolerance(y))
        with np.errstate(all="ignore"):
            close = np.isclose(one, other, rtol, rtol * scale, equal_nan=True)
        if close.all():
            return None
        at = tuple(int(each) for each in np.argwhere(~close)[0])
        place = f" at {list(at)}" if at else ""
        return f"{one[at]}{place}, and there {other[at]}"


def _arrays_of(outcome: _Outcome) -> _Outcome:
    """Leave out what is no array: a compiler may return arrays alone."""
    return _Outcome([each for each in flatten(outcome.result) if find_world(each)], outcome.error)


def _said(outcome: _Outcome) -> str:
    return "a result" if outcome.error is None else type(outcome.error).__name__


def _kind(value: Any) -> str:
    return describe(value) if find_world(value) else type(value).__name__


def _drained(result: Any) -> Any:
    """Return a result after running it: await a coroutine, collect what a generator yields."""
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    if inspect.isgenerator(result):
        return list(itertools.islice(result, _MOST_YIELDED))
    if inspect.isasyncgen(result):

        async def collect() -> list[Any]:
            found: list[Any] = []
            async for each in result:
                found.append(each)
                if len(found) == _MOST_YIELDED:
                    break
            return found

        return asyncio.run(collect())
    return result
