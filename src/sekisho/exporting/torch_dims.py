"""Write the axes of a contract as ``torch.export.export(dynamic_shapes=...)`` takes them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.errors import DeclarationError, with_article
from sekisho.exporting.bounds import Bounds, names_for, read_bounds
from sekisho.exporting.refusals import refuse_argument
from sekisho.exporting.tree import MISSING, leaves, with_leaves
from sekisho.worlds import torch_parts, world_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.exporting.reading import Arguments
    from sekisho.exporting.tree import Leaf, Record, Size

__all__ = ["TorchShapes", "torch_shapes"]


class TorchShapes(NamedTuple):
    """The dynamic shapes of one call.

    Attributes:
        shapes: the value of ``dynamic_shapes=``.
        names: the contract's name of each of torch's dimensions.
    """

    shapes: dict[str, Any]
    names: dict[str, str]


def torch_shapes(arguments: Arguments, bounds: Mapping[str, Any] | None) -> TorchShapes:
    """Write the axes of all arguments; axes of one name share one ``torch.export.Dim``.

    Raises:
        DeclarationError: for bounds that are not valid, and for a class that torch cannot flatten.
    """
    export = world_named("torch").load().export
    limits = read_bounds(arguments, bounds)
    sympy = importlib.import_module("sympy")
    names = names_for(limits, lambda name: _means_other(name, sympy))
    dims = {
        name: export.Dim(names[name], min=low, max=high) for name, (low, high) in limits.items()
    }

    def leaf(each: Leaf) -> Any:
        found = {
            axis: dim
            for axis, size in enumerate(each.sizes or ())
            if (dim := _dim(size, dims, limits, export.Dim)) is not None
        }
        return found or None

    def record(each: Record, fields: Mapping[str, Any]) -> Any:
        return _rebuilt(arguments.bound.name, each, fields)

    _refuse_open_keywords(arguments)
    shapes = {n: with_leaves(node, leaf, record) for n, node in arguments.nodes.items()}
    return TorchShapes(shapes, {theirs: ours for ours, theirs in names.items()})


def _refuse_open_keywords(arguments: Arguments) -> None:
    """Refuse dynamic axes in ``**kwargs``, whose shapes torch.export loses on its way."""
    for name, parameter in arguments.signature.parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD or name not in arguments.nodes:
            continue
        for leaf in leaves(arguments.nodes[name]):
            if any(size.fixed is None for size in leaf.sizes or ()):
                raise DeclarationError(
                    f"{arguments.bound.name}() argument '{leaf.place}': torch.export takes no dynamic "
                    f"axes in '**{name}'.\n  hint: a parameter of its own, or a dict as one argument"
                )


def _dim(size: Size, dims: Mapping[str, Any], limits: Bounds, dim_class: Any) -> Any:
    if size.fixed is not None:
        return None  # an axis that is left out is static
    if size.name is not None:
        return dims[size.name]
    if size.expression is None:
        return dim_class.AUTO
    own = {axis: dims[name] for axis, name in size.names.items()}
    try:
        found = size.expression.evaluate({**size.known, **own})
    except (AttributeError, NotImplementedError, TypeError):
        # Dims know only a*n+b. For others torch finds the relation where the guard checks it.
        return dim_class.DYNAMIC
    if len(own) == 1 and all(limits[name][1] is None for name in size.names.values()):
        # torch 2.13 fails with a KeyError at n-1, unless n has a largest size.
        at_zero = size.expression.evaluate({**size.known, **dict.fromkeys(own, 0)})
        return dim_class.DYNAMIC if at_zero < 0 else found
    return found


def _rebuilt(function: str, record: Record, fields: Mapping[str, Any]) -> list[Any]:
    """Return the shapes of a record's parts, in the order in which torch flattens it."""
    if record.value is MISSING:
        return list(fields.values())
    kind = record.spec.text
    why = f"torch.export cannot take {with_article(kind)} apart"
    try:
        parts = torch_parts(record.value)
    except Exception as error:  # noqa: BLE001 - the class's own function
        refuse_argument(
            function, record.place, f"{why}: {error!r}", "a tuple or a dict in its place"
        )
    if parts is None:
        hint = f"torch.export.register_dataclass({kind})"
        refuse_argument(function, record.place, why, hint)
    left = {name: getattr(record.value, name) for name in fields}
    found: list[Any] = []
    for part in parts:
        name = next((name for name, each in left.items() if each is part), None)
        found.append(None if name is None else fields[name])
        left.pop(name or "", None)
    return found


def _means_other(name: str, sympy: Any) -> bool:
    """Return whether SymPy, whose symbols torch uses, has a name for something: ``N``, ``S``, ``E``."""
    try:
        return not isinstance(sympy.sympify(name), sympy.Symbol)
    except (sympy.SympifyError, TypeError, AttributeError):
        return True
