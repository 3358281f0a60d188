"""Axes in doubt: those that a value names which the call has passed although it was refused.

Nothing is kept between the values of a call. When one is refused, those before it that name the same
axes are asked again. A call without a refused value does none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract import argument_key, kind_of, names_in
from sekisho.errors import BoundaryError, DTypeError, ShapeError, hide_in_pytest
from sekisho.validation.invalid import Invalid
from sekisho.validation.validate import Boundary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sekisho.contract import Contract, Parameter
    from sekisho.validation.call import Call

__all__ = ["find_doubts"]

__tracebackhide__ = hide_in_pytest


def find_doubts(
    contract: Contract, values: Callable[[], dict[str, Any]], parameter: Parameter, call: Call
) -> set[str]:
    """Find the axes that a parameter shares with a value before it which was refused.

    Args:
        contract: the function's.
        values: gives what the call has passed so far, by the names of the parameters.
        parameter: the one whose value is refused now, or the result.
        call: the call.
    """
    shared = _names(parameter) & call.bound.keys()
    earlier = [each for each in _before(contract, parameter) if shared & _names(each)]
    if not earlier:
        return set()
    passed = values()
    bound: dict[str, Any] = {argument_key(name): value for name, value in passed.items()}
    again = call._replace(bound=bound, binders={}, copies=None, tolerance=None)
    doubtful: set[str] = set()
    for each in earlier:
        if each.name in passed:
            known = dict(bound)
            found = Boundary(contract, each, is_result=False).verdict(passed[each.name], again)
            if type(found) is Invalid:
                doubtful |= {key for key in _names(each) if _is_about(found.error, key)}
                bound.clear()
                bound.update(known)
    return doubtful & shared


def _names(parameter: Parameter) -> set[str]:
    return {
        key for key in names_in(parameter.spec, into_records=True) if kind_of(key) != "argument"
    }


def _before(contract: Contract, parameter: Parameter) -> Iterable[Parameter]:
    for each in contract.parameters:
        if each.name == parameter.name:
            return
        yield each


def _is_about(error: type[BoundaryError], key: str) -> bool:
    """Whether a refusal puts a name in doubt: an axis by a shape, a type variable by a dtype."""
    if issubclass(error, ShapeError):
        return kind_of(key) not in {"dtype", "structure"}
    if issubclass(error, DTypeError):
        return kind_of(key) == "dtype"
    return error is BoundaryError  # a union, or the structure of a tree
