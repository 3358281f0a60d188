"""Check that each axis name is bound before it is used, and find what binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract.changes import without_axes
from sekisho.contract.keys import argument_key, kind_of
from sekisho.contract.memo import has_key
from sekisho.contract.parts import children, names_in
from sekisho.contract.specs import AliasSpec, ArraySpec, RecordSpec
from sekisho.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.contract.axes import Axis
    from sekisho.contract.contract import Contract, Parameter

__all__ = ["binders", "check_symbols"]


def _meant(axis: Axis, name: str) -> str:
    """Return the hint for an axis whose name is not bound: often a product where two axes are meant."""
    if kind_of(name) == "argument":
        return f"'{name}' is the value of an argument, and the function has none of this name"
    words = axis.text.split("*")
    apart = " ".join(words)
    if len(words) > 1 and all(map(str.isidentifier, words)):
        return f"axes are separated by spaces: '{apart}'"
    return f"an argument in front of it has to have the axis '{name}'"


def check_symbols(contract: Contract, problems: list[str] | None) -> Contract:
    """Refuse a symbolic axis that uses a name which no earlier axis can have bound.

    If `problems` is given, report it there and leave the axis unchecked.

    Raises:
        DeclarationError: naming the axis, if `problems` is None.
    """
    everything = (*contract.parameters, *contract.outcomes)
    if not any(axis.expression for parameter in everything for axis in parameter.axes):
        return contract
    seen = {argument_key(each.name) for each in contract.parameters}
    keys = contract.keys
    unbound: set[Axis] = set()
    for parameter in everything:
        for axis, name in _unbound_axes(parameter.spec, seen, keys, set()):
            text = (
                f"{contract.function}() {parameter.place}: the axis '{axis.text}' uses "
                f"'{name}', which no axis before it binds.\n  hint: {_meant(axis, name)}"
            )
            if problems is None:
                raise DeclarationError(text)
            problems.append(text)
            unbound.add(axis)
    if not unbound:
        return contract

    def without(parameter: Parameter | None) -> Any:
        return parameter and parameter._replace(spec=without_axes(parameter.spec, unbound))

    return contract._replace(
        parameters=tuple(without(each) for each in contract.parameters),
        result=without(contract.result),
        yielded=without(contract.yielded),
        sent=without(contract.sent),
    )


def _unbound_axes(
    spec: Any, seen: set[str], shared: frozenset[str], visited: set[int]
) -> Iterator[tuple[Axis, str]]:
    """Yield each symbolic axis that uses a name which is not in `seen`, with that name."""
    if isinstance(spec, ArraySpec):
        for axis in spec.axes or ():
            names = axis.expression.names if axis.expression else ()
            yield from [(axis, name) for name in names if name not in seen][:1]
            if axis.name is not None and not axis.variadic and not axis.treepath:
                seen.add(axis.name)
    elif isinstance(spec, RecordSpec):
        if id(spec) in visited:
            return
        visited.add(id(spec))
        # The fields are to a record what arguments are to a function.
        own = {name for name in seen if kind_of(name) != "argument"}
        own |= {argument_key(name) for name in ("self", *spec.fields)}
        for each in spec.fields.values():
            yield from _unbound_axes(each, own, shared | spec.keys, visited)
        # Names that the call's own annotations use too are bound for what follows.
        seen |= own & shared
    elif not (isinstance(spec, AliasSpec) and id(spec) in visited):
        visited.add(id(spec))
        for each in children(spec):
            yield from _unbound_axes(each, seen, shared, visited)


def binders(contract: Contract, key: str, before: str) -> tuple[str, ...]:
    """Return the places that may have bound an axis before the parameter `before` was reached.

    The first place that must have bound it ends the search. So there is one place, unless the axis
    occurs in an optional argument.
    """
    found: list[str] = []
    for parameter in contract.parameters:
        if parameter.name == before:
            break
        axes = [axis for axis in parameter.axes if has_key(axis, key)]
        if axes or (kind_of(key) == "dtype" and key in names_in(parameter.spec)):
            found.append(parameter.place)
            certain = isinstance(parameter.spec, ArraySpec) and not parameter.has_default
            if certain and not all(axis.broadcastable for axis in axes):
                break
    return tuple(found)
