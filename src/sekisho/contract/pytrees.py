"""JAX's idioms: PyTrees of arrays, and what JAX calls array-like."""

from __future__ import annotations

import sys
import typing
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract.memo import parts_of
from sekisho.contract.specs import (
    ANYTHING,
    UNANNOTATED,
    ArraySpec,
    Spec,
    TreeSpec,
    mapped,
    walk,
)
from sekisho.errors import DeclarationError
from sekisho.worlds import world_of_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.contract.annotations import Parser
    from sekisho.contract.contract import Contract
    from sekisho.worlds import World

__all__ = [
    "ARRAY_LIKE",
    "check_structures",
    "is_array_like",
    "leaf_of",
    "parse_tree",
    "structure_binders",
    "with_one_array",
    
]


def leaf_of(hint: Any) -> Any:
    """What a PyTree's annotation asks of its leaves; None if it is no PyTree, or says nothing."""
    return getattr(hint, "leaftype", None) if _is_tree(hint) else None


def _is_tree(hint: Any) -> bool:
    # By name: to ask jaxtyping for its class would import JAX.
    return (
        isinstance(hint, type)
        and hint.__module__ == "jaxtyping"
        and hint.__name__.partition("[")[0] == "PyTree"
    )


def parse_tree(parser: Parser, hint: Any) -> TreeSpec | None:
    """Read ``PyTree``, ``PyTree[X]`` or ``PyTree[X, "T"]``; None if it is none.

    Raises:
        ValueError: for what cannot be read, or is ambiguous.
    """
    if not _is_tree(hint):
        return None
    parser.has_trees = True
    leaf, structure = leaf_of(hint), getattr(hint, "structure", None)
    outer, parser.in_structure = parser.in_structure, structure is not None
    # Of a tree that says nothing, the leaves are like parameters without annotation.
    item: Any = UNANNOTATED if leaf is None else parser.parse(leaf)
    parser.in_structure = outer
    if structure and any(isinstance(each, TreeSpec) and each.structure for each in walk(item)):
        raise ValueError("a PyTree of a structure has none of another structure inside")
    inside = f"{item.text}, \"{structure}\"" if structure else item.text
    return TreeSpec("PyTree" if leaf is None else f"PyTree[{inside}]", hint, item, structure)


# --- structures -----------------------------------------------------------------------------------


def check_structures(contract: Contract, problems: list[str] | None) -> Contract:
    """Refuse a structure made of some that no PyTree before it binds, or ask nothing of that tree.

    Raises:
        DeclarationError: naming the structure, where nobody takes `problems`.
    """
    seen: set[str] = set()

    def check(parameter: Any) -> Any:
        def change(spec: Any) -> Any:
            if not isinstance(spec, TreeSpec) or spec.structure is None:
                return spec
            if spec.structure.isidentifier():
                seen.add(spec.structure)
                return spec
            missing = [each for each in parts_of(spec.structure) if each not in seen]
            if not missing:
                return spec
            text = (
                f"{contract.function}() {parameter.place}: the structure '{spec.structure}' uses "
                f"'{missing[0]}', which no PyTree before it binds."
            )
            if problems is None:
                raise DeclarationError(text)
            problems.append(text)
            return ANYTHING

        return parameter and parameter._replace(spec=mapped(parameter.spec, change))

    return contract._replace(
        parameters=tuple(map(check, contract.parameters)),
        yielded=check(contract.yielded),
        sent=check(contract.sent),
        result=check(contract.result),
    )


def structure_binders(contract: Contract, name: str, before: str) -> Iterator[str]:
    """The places that may have bound a structure before a parameter was reached."""
    for parameter in contract.parameters:
        if parameter.name == before:
            return
        for spec in walk(parameter.spec):
            if isinstance(spec, TreeSpec) and spec.structure == name:
                yield parameter.place


# --- array-like -----------------------------------------------------------------------------------

ARRAY_LIKE: Final = frozenset({"jax", "numpy"})
"""The worlds whose arrays `jax.typing.ArrayLike` names."""


def is_array_like(alternatives: tuple[Any, ...]) -> bool:
    """Whether a union names the same array of JAX and of NumPy.

    ``jax.typing.ArrayLike`` is such a union, and jaxtyping makes one of ``Float[ArrayLike, "n"]``.
    """
    jax: Any = sys.modules.get("jax")
    if jax is None:
        return False
    arrays = [each for each in alternatives if _world_of(each) is not None]
    worlds = {world.name for each in arrays if (world := _world_of(each))}
    # One dtype and one string of axes: of all, or of none.
    asks = {(each.dtype, each.dim_str) if hasattr(each, "dim_str") else None for each in arrays}
    named = typing.get_args(jax.typing.ArrayLike)
    is_plain = all(getattr(each, "array_type", each) in named for each in arrays)
    return worlds == ARRAY_LIKE and len(asks) == 1 and is_plain


def _world_of(hint: Any) -> World | None:
    return world_of_class(getattr(hint, "array_type", hint))


def with_one_array(alternatives: tuple[Spec, ...], home: World | None) -> tuple[Spec, ...]:
    """Where arrays of several libraries would do, ask for one of the function's own world.

    One of the others is converted to it, or refused, as it would be anywhere else.
    """
    arrays = [each for each in alternatives if isinstance(each, ArraySpec)]
    if home is not None and not any(each.world is home for each in arrays):
        return alternatives
    own = next(each for each in arrays if home is None or each.world is home)
    others = tuple(each for each in alternatives if not isinstance(each, ArraySpec))
    return (own._replace(world=home), *others)
