"""Write the axes of a contract as the symbolic shapes of ``jax.export``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sekisho.errors import first_line, with_article
from sekisho.exporting.bounds import names_for, read_bounds
from sekisho.exporting.refusals import refuse_argument
from sekisho.exporting.tree import MISSING, with_leaves
from sekisho.worlds import dtype_name, world_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.contract import ArraySpec
    from sekisho.exporting.reading import Arguments
    from sekisho.exporting.tree import Leaf, Record, Size

__all__ = ["jax_arguments"]

_KEY: Final = "prng_key"


def jax_arguments(
    arguments: Arguments, bounds: Mapping[str, Any] | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with each array as a ``jax.ShapeDtypeStruct``, in one symbolic scope.

    Raises:
        DeclarationError: for bounds that are not valid, and for what JAX cannot express.
    """
    jax: Any = world_named("jax").load()
    export: Any = importlib.import_module("jax.export")  # no attribute of `jax` until imported
    constraints: list[str] = []
    limits = read_bounds(arguments, bounds)
    names = names_for(limits, lambda name: _means_other(name, export))
    for ours, (low, high) in limits.items():
        name = names[ours]
        constraints += [f"{name} >= {low}"] if (low or 0) > 1 else []
        constraints += [f"{name} <= {high}"] if high is not None else []
    scope = export.SymbolicScope(constraints)

    def symbol(name: str) -> Any:
        return export.symbolic_shape(name, scope=scope)[0]

    writer = _Writer(arguments.bound.name, jax, symbol, names)
    nodes = {
        name: with_leaves(node, writer.leaf, writer.record)
        for name, node in arguments.nodes.items()
    }
    call = arguments.signature.bind_partial()
    call.arguments.update(nodes)
    return call.args, call.kwargs


def _means_other(name: str, export: Any) -> bool:
    """Return whether JAX's grammar of sizes has a name for an operation, as it has ``mod``."""
    try:
        return str(export.symbolic_shape(name)[0]) != name
    except ValueError:
        return True


class _Writer:
    def __init__(self, function: str, jax: Any, symbol: Any, names: Mapping[str, str]) -> None:
        self.function = function
        self.jax = jax
        self.symbol = symbol
        self.names = names
        self.taken = {*names.values()}

    def refuse(self, place: str, why: str, hint: str) -> NoReturn:
        refuse_argument(self.function, place, why, hint)

    def leaf(self, leaf: Leaf) -> Any:
        if leaf.spec is None or leaf.sizes is None:
            if leaf.value is MISSING:
                self.refuse(leaf.place, "its annotation gives no shape", "pass an example")
            return leaf.value
        shape = [self.size(leaf, axis, size) for axis, size in enumerate(leaf.sizes)]
        return self.jax.ShapeDtypeStruct(tuple(shape), self.dtype(leaf, leaf.spec))

    def dtype(self, leaf: Leaf, spec: ArraySpec) -> Any:
        """Return the dtype of the example, or else the only one that the annotation accepts."""
        if leaf.value is not MISSING:
            name = dtype_name(leaf.value.dtype)
            # PRNG keys have a dtype for each implementation.
            return leaf.value.dtype if name == _KEY else self.jax.numpy.dtype(name)
        if spec.only_dtype is None:
            why = f"{spec.text} allows several dtypes"
            self.refuse(leaf.place, why, "pass an example, or annotate with one dtype")
        if spec.only_dtype == _KEY:
            return self.jax.eval_shape(self.jax.random.key, 0).dtype
        return self.jax.numpy.dtype(spec.only_dtype)

    def size(self, leaf: Leaf, axis: int, size: Size) -> Any:
        if size.fixed is not None:
            return size.fixed
        if size.name is not None:
            return self.symbol(self.names[size.name])
        if size.expression is None:
            if leaf.value is not MISSING:  # as JAX's own `_`: the size of the example
                return leaf.value.shape[axis]
            return self.symbol(self.fresh(leaf.place, axis))
        own = {axis: self.symbol(self.names[name]) for axis, name in size.names.items()}
        try:
            return size.expression.evaluate({**size.known, **own})
        except Exception as error:  # noqa: BLE001 - JAX has an error of its own for each reason
            hint = "an expression of + - * // %"
            self.refuse(
                leaf.place, f"JAX has no symbolic size '{size.text}': {first_line(error)}", hint
            )

    def fresh(self, place: str, axis: int) -> str:
        name = "".join(each if each.isalnum() else "_" for each in f"{place}_{axis}")
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def record(self, record: Record, fields: Mapping[str, Any]) -> Any:
        value, tree_util = record.value, self.jax.tree_util
        if value is MISSING:
            kind = record.spec.text
            self.refuse(
                record.place,
                f"{with_article(kind)} cannot be made of shapes alone",
                "pass an example",
            )

        def is_part(each: Any) -> bool:
            return each is not value

        kind = record.spec.text
        why = f"jax.export cannot take {with_article(kind)} apart"
        try:
            parts, structure = tree_util.tree_flatten(value, is_leaf=is_part)
        except Exception as error:  # noqa: BLE001 - the class's own function
            self.refuse(record.place, f"{why}: {error!r}", "a tuple or a dict in its place")
        if parts and parts[0] is value:
            self.refuse(record.place, why, f"jax.tree_util.register_dataclass({kind})")
        left = {name: getattr(value, name) for name in fields}
        found: list[Any] = []
        for part in parts:
            name = next((name for name, each in left.items() if each is part), None)
            found.append(part if name is None else fields[name])
            left.pop(name or "", None)
        return tree_util.tree_unflatten(structure, found)
