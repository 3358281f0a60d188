"""Find the units of a module that was parsed, and name their nodes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from sekisho.inference.units import find_units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.code import Entry, Expr
    from sekisho.inference.frame import Node, Unit
    from sekisho.inference.knowledge import Knowledge

__all__ = ["units_of"]


def units_of(
    tree: ast.Module, key: str, knowledge: Knowledge
) -> Iterator[tuple[Unit, Node, dict[str, Entry]]]:
    """Yield the units of a module, each with its node and its inner definitions; see `find_units`.

    Functions and classes are named in `Knowledge.names_of_units`, for as long as the tree is kept.
    """

    def declares(expr: Expr) -> str:
        own = knowledge.own_name(key, expr)
        return own if own.endswith("_world") or own == "boundary" else ""

    names = knowledge.names_of_units
    for unit, node, entries in find_units(tree, key, declares):
        names[id(node)] = unit.name
        yield unit, node, entries
    _name_classes(names, tree.body, key, "")


def _name_classes(names: dict[int, str], body: list[ast.stmt], key: str, prefix: str) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            names[id(node)] = f"{key}:{prefix}{node.name}"
            _name_classes(names, node.body, key, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _name_classes(names, node.body, key, f"{prefix}{node.name}.<locals>.")
        else:
            for field in ("body", "orelse", "finalbody"):
                _name_classes(names, getattr(node, field, []), key, prefix)
            for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                _name_classes(names, handler.body, key, prefix)
