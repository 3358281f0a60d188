"""Parse JAX's idioms: PyTrees of arrays, and what JAX calls array-like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from sekisho.contract.changes import mapped
from sekisho.contract.memo import names_of_structure
from sekisho.contract.parts import walk
from sekisho.contract.specs import ANYTHING, UNANNOTATED, ArraySpec, Spec, TreeSpec
from sekisho.errors import DeclarationError
from sekisho.worlds import array_like_classes, world_of_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.contract.annotations import Parser
    from sekisho.contract.contract import Contract
    from sekisho.worlds import Library

__all__ = [
    "check_structures",
    "is_array_like",
    "leaf_of",
    "parse_tree",
    "structure_binders",
    "with_one_array",
]


def leaf_of(hint: Any) -> Any:
    """Return the annotation of a PyTree's leaves, if the hint is a PyTree and has one."""
    return getattr(hint, "leaftype", None) if _is_tree(hint) else None


def _is_tree(hint: Any) -> bool:
    # By name: reading `jaxtyping.PyTree` would import JAX.
    return (
        isinstance(hint, type)
        and hint.__module__ == "jaxtyping"
        and hint.__name__.partition("[")[0] == "PyTree"
    )


def parse_tree(parser: Parser, hint: Any) -> TreeSpec | None:
    """Parse ``PyTree``, ``PyTree[X]`` or ``PyTree[X, "T"]``; return None for anything else.

    Raises:
        ValueError: for an annotation that cannot be read, or is ambiguous.
    """
    if not _is_tree(hint):
        return None
    parser.has_trees = True
    leaf, structure = leaf_of(hint), getattr(hint, "structure", None)
    outer, parser.in_structure = parser.in_structure, structure is not None
    # The leaves of a `PyTree` without arguments are like parameters without annotation.
    item: Any = UNANNOTATED if leaf is None else parser.parse(leaf)
    parser.in_structure = outer
    if structure and any(isinstance(each, TreeSpec) and each.structure for each in walk(item)):
        raise ValueError("a PyTree of a structure has none of another structure inside")
    inside = f'{item.text}, "{structure}"' if structure else item.text
    return TreeSpec("PyTree" if leaf is None else f"PyTree[{inside}]", hint, item, structure)


# --- structures -----------------------------------------------------------------------------------


def check_structures(contract: Contract, problems: list[str] | None) -> Contract:
    """Refuse a composite structure that uses a name which no PyTree before it binds.

    If `problems` is given, report it there and leave the tree unchecked.

    Raises:
        DeclarationError: naming the structure, if `problems` is None.
    """
    seen: set[str] = set()

    def check(parameter: Any) -> Any:
        def change(spec: Any) -> Any:
            if not isinstance(spec, TreeSpec) or spec.structure is None:
                return spec
            if spec.structure.isidentifier():
                seen.add(spec.structure)
                return spec
            missing = [each for each in names_of_structure(spec.structure) if each not in seen]
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
    """Yield the places that may have bound a structure before a parameter was reached."""
    for parameter in contract.parameters:
        if parameter.name == before:
            return
        for spec in walk(parameter.spec):
            if isinstance(spec, TreeSpec) and spec.structure == name:
                yield parameter.place


# --- array-like -----------------------------------------------------------------------------------


def with_one_array(parser: Parser, hint: Any, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """Keep only the array of the function's own world, where a union is array-like.

    A foreign array is converted or refused, as for any other annotation.

    Args:
        parser: the parser of the annotation.
        hint: a union.
        specs: its alternatives.
    """
    arrays = [each for each in specs if isinstance(each, ArraySpec)]
    if parser.takes_as_written or not is_array_like(hint, parser.home):
        return specs
    own = next(each for each in arrays if parser.home in {None, each.world})
    others = tuple(each for each in specs if not isinstance(each, ArraySpec))
    return (own._replace(world=parser.home), *others)


def is_array_like(hint: Any, home: Library | None) -> bool:
    """Return whether a union has the same array of each library that `jax.typing.ArrayLike` names.

    jaxtyping makes such a union of ``Float[ArrayLike, "n"]``.

    Args:
        hint: any annotation.
        home: the function's own world, which must be one of them; None for any.
    """
    alternatives = get_args(hint)
    arrays = [each for each in alternatives if _world_of(each) is not None]
    if len(arrays) < 2:  # noqa: PLR2004 - at least two libraries
        return False
    named = array_like_classes()
    worlds = {_world_of(each) for each in arrays}
    # All have the same dtype and axes, or none has any.
    asks = {(each.dtype, each.dim_str) if hasattr(each, "dim_str") else None for each in arrays}
    return (
        len(asks) == 1
        and all(getattr(each, "array_type", each) in named for each in arrays)
        and worlds == {_world_of(each) for each in named} - {None}
        and (home is None or home in worlds)
    )


def _world_of(hint: Any) -> Library | None:
    return world_of_class(getattr(hint, "array_type", hint))
