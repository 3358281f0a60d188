"""Make plain annotations exact: ``torch.Tensor`` becomes ``Float[torch.Tensor, "b d"]``.

For a type checker both are the same class, so the program stays valid, and the rest of the
annotation stays as it is.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.adoption.spelling import ModuleSpelling
    from sekisho.deduction import Form, Slot

__all__ = ["refined"]

_UNIONS: Final = frozenset({"Optional", "Union"})
_MANY: Final = frozenset({"list", "sequence", "iterable", "collection", "dict", "mapping"})
"""Containers whose last argument is the class of all items, in lower case."""


def refined(
    node: ast.expr,
    form: Form,
    axes: Mapping[Slot, str],
    words: Mapping[Slot, str],
    spelling: ModuleSpelling,
) -> str:
    """Return an annotation with dtypes and axes for its array classes; "" if nothing changes.

    Args:
        node: the existing annotation.
        form: what came there.
        axes: the axis strings.
        words: the dtype words.
        spelling: the names that the module uses in annotations.
    """
    quoted_text = node.value if isinstance(node, ast.Constant) else None
    is_text = isinstance(quoted_text, str)
    text = quoted_text if isinstance(quoted_text, str) else ast.unparse(node)
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    pieces: list[tuple[int, int, str]] = []
    for each, slot in _places(tree, form, spelling):
        # Without known axes, the exact form would say no more than the plain class.
        if (
            slot is not None
            and axes[slot] != "..."
            and spelling.world_of(each) in {"", *slot.worlds}
        ):
            quoted = f'" {axes[slot]}"' if axes[slot].isidentifier() else f'"{axes[slot]}"'
            new = f"{spelling.dtype(words[slot])}[{ast.unparse(each)}, {quoted}]"
            pieces.append((each.col_offset, each.end_col_offset or 0, new))
    if not pieces or not text.isascii():  # the offsets of ast count bytes
        return ""
    # from the end, so that earlier offsets stay right
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return f"'{text}'" if is_text else text


def _places(
    node: ast.expr, form: Form, spelling: ModuleSpelling
) -> Iterator[tuple[ast.expr, Slot | None]]:
    """Yield the plain array classes in an annotation, each with its place of arrays."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        if spelling.world_of(node) is not None:
            yield node, form.slot
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _alternatives([node.left, node.right], form, spelling)
    if isinstance(node, ast.Subscript):
        yield from _places_in(node, form, spelling)


def _places_in(
    node: ast.Subscript, form: Form, spelling: ModuleSpelling
) -> Iterator[tuple[ast.expr, Slot | None]]:
    """Yield the array classes of a union or a container."""
    name = (
        node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    )
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    items = form.items
    if name in _UNIONS:
        yield from _alternatives(parts, form, spelling)
    elif items is None:
        return
    elif name.lower() in _MANY and not items.is_fixed:
        yield from _places(parts[-1], items.each[0], spelling)
    elif name.lower() == "tuple" and items.is_fixed and len(parts) == len(items.each):
        for part, each in zip(parts, items.each, strict=True):
            yield from _places(part, each, spelling)
    elif name.lower() == "tuple" and not items.is_fixed and len(parts) == 2:  # noqa: PLR2004 - X, ...
        yield from _places(parts[0], items.each[0], spelling)


def _alternatives(
    parts: list[ast.expr], form: Form, spelling: ModuleSpelling
) -> Iterator[tuple[ast.expr, Slot | None]]:
    """Drop ambiguous alternatives: of two array classes, we do not know whose dtypes and axes came."""
    found = [place for part in parts for place in _places(part, form, spelling)]
    arrays = [each for each in found if each[1] is form.slot]
    yield from (each for each in found if each not in arrays or len(arrays) == 1)
