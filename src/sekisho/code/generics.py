"""Type parameters between brackets (PEP 695), as the type variables that they are short for.

``def ones[S: Shape](shape: S) -> Array[S]`` declares `S` for itself only. A table has one scope, the
module's; so each gets a name there that no other has, and the annotations name that.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["name_type_parameters"]


def name_type_parameters(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Rename what stands for type parameters; give each new name and its ``TypeVar(...)``."""
    count = 0
    for node in _declaring(tree.body):
        renamed: dict[str, str] = {}
        variables: list[tuple[str, Any]] = []
        for parameter in node.type_params:
            if type(parameter).__name__ == "TypeVar":  # before Python 3.12 ast has no such class
                count += 1
                name = renamed[parameter.name] = f"{parameter.name}@{count}"
                variables.append((name, parameter))
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in renamed:
                each.id = renamed[each.id]
        for name, parameter in variables:
            yield name, _type_variable(parameter)


def _declaring(body: list[ast.stmt]) -> Iterator[Any]:
    """The statements with type parameters of their own, the outer before the inner."""
    for node in body:
        if getattr(node, "type_params", None):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _declaring(node.body)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _declaring([*node.body, *node.orelse])


def _type_variable(parameter: Any) -> ast.expr:
    """``TypeVar(name, bound=...)``, with constraints where the bound is a tuple."""
    arguments: list[ast.expr] = [ast.Constant(parameter.name)]
    keywords: list[ast.keyword] = []
    if isinstance(parameter.bound, ast.Tuple):
        arguments += parameter.bound.elts
    elif parameter.bound is not None:
        keywords.append(ast.keyword("bound", parameter.bound))
    default = getattr(parameter, "default_value", None)  # Python 3.13's
    if default is not None:
        keywords.append(ast.keyword("default", default))
    return ast.Call(ast.Name("TypeVar", ast.Load()), arguments, keywords)
