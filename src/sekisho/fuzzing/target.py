"""A function under test, its contract, and the strategy of the calls that the contract accepts."""

from __future__ import annotations

import inspect
import random
import sys
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union, get_args, get_origin

from hypothesis import assume
from hypothesis import strategies as st

from sekisho.contract import (
    ANYTHING,
    PYTREE,
    UNANNOTATED,
    ArraySpec,
    HintSpec,
    PackedSpec,
    array_specs,
)
from sekisho.errors import DeclarationError
from sekisho.fuzzing.drawing import Asked, Drawer, dtypes_for
from sekisho.fuzzing.recipes import ArrayRecipe, CallRecipe, Leaf, realize
from sekisho.fuzzing.sizes import WIDE, Sizes
from sekisho.guard import Checkpoint, bind_contract
from sekisho.validation import Boundary, Call, Invalid
from sekisho.worlds import HOST, asked_worlds, loaded_worlds, world_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sekisho.contract import Contract, Parameter
    from sekisho.fuzzing.recipes import Recipe
    from sekisho.worlds import Library

__all__ = ["Target", "calls_of", "find_target", "values_of"]


class Target(NamedTuple):
    """A function under test and its contract.

    Attributes:
        call: the guard; for a method, bound to its instance.
        name: its name in messages.
        path: the module and the name to import it by; ("", "") if it cannot be imported.
        contract: the contract, without the bound parameter.
        known: ``{self}``, whose attributes axes may refer to.
        worlds: the worlds to call it in; it has to give the same results in all of them.
    """

    call: Callable[..., Any]
    name: str
    path: tuple[str, str]
    contract: Contract
    known: Mapping[str, Any]
    worlds: tuple[Library, ...]

    @property
    def mutates(self) -> frozenset[str]:
        """The parameters that its decorator allows it to change."""
        parameters = {each.name for each in self.contract.parameters}
        return frozenset(self.contract.options.mutates).intersection(parameters)


def find_target(function: Any, worlds: Sequence[str] | None = None) -> Target:
    """Find the contract of a function.

    Args:
        function: a guarded function or a bound method; a function with annotations alone is guarded
            here as a `boundary`.
        worlds: names of the worlds to try a function of any world in; None means NumPy and PyTorch,
            if they are loaded.

    Raises:
        DeclarationError: if its contract cannot be read, or it has none.
    """
    bound = bind_contract(function)
    return Target(
        bound.call,
        bound.name,
        _path_of(bound.bare, bound.call),
        bound.contract,
        bound.known,
        _worlds_of(bound.contract, worlds),
    )


def _path_of(bare: Any, function: Any) -> tuple[str, str]:
    """Return the module and name by which other code can import it; ("", "") if it cannot."""
    module, name = str(bare.__module__), str(getattr(bare, "__qualname__", ""))
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    is_there = found is not None and inspect.unwrap(found) is bare
    return (module, name) if is_there and not hasattr(function, "__self__") else ("", "")


def _worlds_of(contract: Contract, names: Sequence[str] | None) -> tuple[Library, ...]:
    if contract.options.world is not None:
        return (contract.options.world,)
    if not contract.takes_any_world:
        return (HOST,)
    worlds = _usual_worlds() if names is None else tuple(map(world_named, names))
    arrays = [array for each in contract.parameters for array in _arrays_in(each.spec)]
    anywhere = [array for array in arrays if array.world is None]
    able = [world for world in worlds if all(dtypes_for(array, (world,)) for array in anywhere)]
    return tuple(able) or worlds


def _usual_worlds() -> tuple[Library, ...]:
    loaded = loaded_worlds()
    return tuple(each for each in asked_worlds() if each.is_resident and each in loaded)


class _Acceptance:
    """Whether a contract accepts a call, judged by the guard's slow path."""

    def __init__(self, target: Target) -> None:
        contract = target.contract
        self.target = target
        self.boundaries: list[tuple[Parameter, Boundary]] = [
            (each, Boundary(contract, each, is_result=False)) for each in contract.parameters
        ]

        # With only arrays whose axes are names and numbers, the drawn sizes always fit.
        self.is_certain: bool = not target.known and all(
            isinstance(each.spec, ArraySpec)
            and not each.has_default
            and not any(axis.expression or axis.broadcastable for axis in each.axes)
            for each in contract.parameters
        )

    def accepts(self, recipe: CallRecipe) -> bool:
        """Return whether the contract accepts a call."""
        if self.is_certain:
            return True
        args, kwargs = recipe.make()
        given = dict(zip([name for name, _ in recipe.positional], args, strict=False))
        given.update(kwargs)
        bound = {**self.target.known, **{f"{{{n}}}": value for n, value in given.items()}}
        contract = self.target.contract
        world = contract.options.world or world_named(recipe.world)
        call = Call(bound, world, None, {}, contract.keys)
        # Beartype samples long containers by `random`, and Hypothesis warns of its use in a strategy.
        state = random.getstate()
        try:
            for parameter, boundary in self.boundaries:
                found: Any = None
                if parameter.kind is parameter.kind.VAR_POSITIONAL:
                    found = boundary.verdict(args[len(recipe.positional) - 1 :], call)
                elif parameter.name in given:
                    found = boundary.verdict(given[parameter.name], call)
                if type(found) is Invalid:
                    return False
        finally:
            random.setstate(state)
        return True


def calls_of(
    target: Target,
    given: Mapping[str, Any],
    *,
    hostile: bool,
    writes: frozenset[str],
    most: int,
) -> Any:
    """Return the strategy of the calls that a contract accepts, as recipes.

    Args:
        target: the function.
        given: strategies for some of its parameters.
        hostile: whether to draw values and layouts that break code.
        writes: the parameters that the function writes to.
        most: maximum number of elements of an array.

    Raises:
        DeclarationError: if no call satisfies the contract, or if no input can be found for a
            parameter.
    """
    parameters = {each.name: each for each in target.contract.parameters}
    unknown = sorted(given.keys() - parameters.keys())
    if unknown:
        raise DeclarationError(f"{target.name}() has no parameter '{unknown[0]}'.")
    specs: dict[str, Any] = {n: p.spec for n, p in parameters.items() if n not in given}
    arrays = [array for spec in specs.values() for array in _arrays_in(spec)]
    shapes = [array.axes for array in arrays if array.axes is not None]
    integers = [n for n, spec in specs.items() if isinstance(spec, HintSpec) and spec.hint is int]
    sizes = Sizes(target.name, shapes, integers, most)
    asked = Asked(target.name, sizes, target.worlds, hostile, writes)
    return _calls(target, asked, given, _Acceptance(target), st.sampled_from(target.worlds))


def _arrays_in(spec: Any) -> list[ArraySpec]:
    if spec is UNANNOTATED:
        return []
    return [each for each in array_specs(spec) if each is not PYTREE]


@st.composite
def _calls(
    draw: Callable[[Any], Any],
    target: Target,
    asked: Asked,
    given: Mapping[str, Any],
    acceptance: _Acceptance,
    some: Any,
) -> CallRecipe:
    world: Library = draw(some)
    turn: int = draw(WIDE)
    chosen = {name: Leaf(draw(strategy)) for name, strategy in given.items()}
    known = {**target.known, **{f"{{{n}}}": each.value for n, each in chosen.items()}}

    def attempt(*, calm: bool) -> CallRecipe:
        bound = asked.sizes.draw(draw, turn, known, hostile=asked.hostile and not calm)
        drawer = Drawer(asked, draw, turn, bound, world, calm=calm)
        recipe = _draw_call(target.contract, drawer, chosen)
        return recipe._replace(world=world.name, turn=turn)

    recipe = attempt(calm=False)
    if not acceptance.accepts(recipe):  # the argument left out may be one that binds an axis
        recipe = attempt(calm=True)
        assume(acceptance.accepts(recipe))
    return recipe


def _draw_call(contract: Contract, drawer: Drawer, chosen: Mapping[str, Leaf]) -> CallRecipe:
    positional: list[tuple[str, Recipe]] = []
    named: list[tuple[str, Recipe]] = []
    left_out = False
    for parameter in contract.parameters:
        kind = parameter.kind
        if kind is kind.VAR_POSITIONAL:
            if not left_out:
                positional += [(parameter.name, each) for each in _several(parameter, drawer)]
            continue
        if kind is kind.VAR_KEYWORD:
            named += [
                (f"{'abc'[number]}_", each)
                for number, each in enumerate(_several(parameter, drawer))
            ]
            continue
        recipe = chosen.get(parameter.name) or _argument(parameter, drawer)
        if recipe is None:
            left_out = True
        elif kind is kind.KEYWORD_ONLY or (left_out and kind is not kind.POSITIONAL_ONLY):
            named.append((parameter.name, recipe))
        elif not left_out:
            positional.append((parameter.name, recipe))
    return CallRecipe(tuple(positional), tuple(named))


def _several(parameter: Parameter, drawer: Drawer) -> list[Recipe]:
    """Draw the values of ``*args`` or ``**kwargs``; none, if their annotation names no arrays."""
    spec: Any = parameter.spec
    if spec is UNANNOTATED or spec is ANYTHING or not array_specs(spec):
        return []
    if isinstance(spec, PackedSpec):
        whole: Any = drawer.value(spec.inner, parameter.name)
        return list(whole.parts)
    return [drawer.value(spec, parameter.name) for _ in range(drawer.length())]


def _argument(parameter: Parameter, drawer: Drawer) -> Recipe | None:
    """Draw the value of one parameter; None leaves it out."""
    spec: Any = parameter.spec
    is_unannotated = spec is UNANNOTATED or spec is ANYTHING
    if parameter.has_default:
        holds = not is_unannotated and bool(array_specs(spec))
        if (
            is_unannotated
            or parameter.name in _OF_AXES
            or _takes_text(getattr(spec, "hint", None))
            or (not (drawer.calm and holds) and drawer.draw(st.booleans()))
        ):
            return None
        try:
            return drawer.value(spec, parameter.name)
        except DeclarationError:
            return None
    return drawer.value(spec, parameter.name)


_OF_AXES: Final = frozenset({"axis", "axes", "dim", "dims"})
"""Names of options whose valid numbers depend on the rank of an array."""


def _takes_text(hint: Any) -> bool:
    """Return whether a hint accepts any string: an option of that type accepts a few, by its code."""
    if hint is str:
        return True
    origin = get_origin(hint)
    return origin in {Union, UnionType} and any(map(_takes_text, get_args(hint)))


def values_of(annotation: Any, *, hostile: bool, most: int) -> Any:
    """Return the strategy of the values that an annotation accepts.

    Raises:
        DeclarationError: if the annotation cannot be read, or no value satisfies it.
    """
    spec = Checkpoint(annotation).parameter.spec
    axes = [each.axes for each in _arrays_in(spec) if each.axes is not None]
    sizes = Sizes("arrays_of", axes, (), most)

    @st.composite
    def values(draw: Callable[[Any], Any]) -> Any:
        world: Library = draw(st.sampled_from(_usual_worlds()))
        turn: int = draw(WIDE)
        bound = sizes.draw(draw, turn, {}, hostile=hostile)
        asked = Asked("arrays_of", sizes, (world,), hostile)
        drawer = Drawer(asked, draw, turn, bound, world, calm=False)
        return realize(drawer.value(spec, "value"), ArrayRecipe.make)

    return values()
