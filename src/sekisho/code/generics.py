"""Turn type parameters in brackets (PEP 695) into type variables.

``def ones[S: Shape](shape: S) -> Array[S]`` declares `S` in its own scope. A table has one scope,
the module's; so each type parameter gets a unique name there, and the annotations use that name.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["name_type_parameters"]


def name_type_parameters(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Rename the uses of type parameters; yield each new name and its ``TypeVar(...)``."""
    count = 0
    for node in _declaring(tree.body):
        renamed: dict[str, str] = {}
        variables: list[tuple[str, Any]] = []
        for parameter in node.type_params:
            if type(parameter).__name__ == "TypeVar":  # before Python 3.12, ast has no class for it
                count += 1
                # `@` cannot be in a Python name, so no name of the module is hidden
                name = renamed[parameter.name] = f"{parameter.name}@{count}"
                variables.append((name, parameter))
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in renamed:
                each.id = renamed[each.id]
        for name, parameter in variables:
            yield name, _type_variable(parameter)


def _declaring(body: list[ast.stmt]) -> Iterator[Any]:
    """Yield the statements that have type parameters, outer ones before inner ones."""
    for node in body:
        if getattr(node, "type_params", None):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _declaring(node.body)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _declaring([*node.body, *node.orelse])


def _type_variable(parameter: Any) -> ast.expr:
    """Return ``TypeVar(name, bound=...)``; a bound that is a tuple becomes constraints."""
    arguments: list[ast.expr] = [ast.Constant(parameter.name)]
    keywords: list[ast.keyword] = []
    if isinstance(parameter.bound, ast.Tuple):
        arguments += parameter.bound.elts
    elif parameter.bound is not None:
        keywords.append(ast.keyword("bound", parameter.bound))
    default = getattr(parameter, "default_value", None)  # since Python 3.13
    if default is not None:
        keywords.append(ast.keyword("default", default))
    return ast.Call(ast.Name("TypeVar", ast.Load()), arguments, keywords)
