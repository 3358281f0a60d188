"""Call a wrapper as its guard was called: keyword arguments stay keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.guard.parameters import signature_text
from sekisho.utils import compile_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Contract

__all__ = ["make_as_called", "make_binder"]


def make_binder(contract: Contract, name: str) -> Callable[..., tuple[Any, ...]]:
    """Make the function that binds the arguments of a call; it raises Python's own errors."""
    parameters = contract.parameters
    names = {each.name: f"_default_{each.name}" for each in parameters if each.has_default}
    values = ", ".join(each.name for each in parameters)
    source = (
        f"def {name}({signature_text(parameters, names.__getitem__)}):\n    return ({values},)\n"
    )
    namespace: dict[str, Any] = {"__tracebackhide__": True}
    namespace.update({f"_default_{each.name}": each.default for each in parameters})
    bind = compile_function(source, name, namespace, lambda: source)
    bind.__qualname__ = contract.function
    return bind


def make_as_called(contract: Contract) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]:
    """Make the function that puts checked values where a call had them, and adds no defaults."""
    places: list[tuple[str, str | None]] = []
    for each in contract.parameters:
        kind = each.kind
        stars = {kind.VAR_POSITIONAL: "*", kind.VAR_KEYWORD: "**", kind.KEYWORD_ONLY: "="}
        places.append((each.name, stars.get(kind)))

    def as_called(
        args: tuple[Any, ...], kwargs: dict[str, Any], *values: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        by_position: list[Any] = []
        by_name = dict(kwargs)
        for (name, stars), value in zip(places, values, strict=True):
            if stars == "*":
                by_position.extend(value)
            elif stars == "**":
                by_name.update(value)
            # As many by position as the call had. A default that the call left out stays out.
            elif not stars and len(by_position) < len(args):
                by_position.append(value)
            elif name in kwargs:
                by_name[name] = value
        return tuple(by_position), by_name

    return as_called
