"""A look at what an annotation names, by which nothing runs.

A string is no more than text to Python. To evaluate it may import modules, ask a user questions on the
terminal, or fail: a lazy module does so as soon as it is asked for a name. Whoever decorates a function
means its annotations to be evaluated; the author of a package that an import hook guards does not. So
names are looked up in real modules and classes only, in their dictionaries.
"""

from __future__ import annotations

import ast
import sys
import typing
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds import class_of, world_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["first_lazy_name"]


def first_lazy_name(text: str, names: Mapping[str, Any]) -> str | None:
    """The first dotted name in an annotation's text that nothing but running code can look up.

    Args:
        text: the annotation.
        names: what it may mention. One that is not among them is no matter here.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return None
    return _lazy_in(tree.body, names)


def _lazy_in(node: ast.expr, names: Mapping[str, Any]) -> str | None:
    match node:
        case ast.Attribute():
            return ast.unparse(node) if _look(node, names) is _LAZY else None
        case ast.Call():
            return ast.unparse(node)
        case ast.Subscript(value=value) if ast.unparse(value).endswith("Literal"):
            return None
        case ast.Constant(value=str(text)):
            return first_lazy_name(text, names)
        case _:
            inside = (each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr))
            return next(filter(None, (_lazy_in(each, names) for each in inside)), None)


_LAZY: Final = object()
_UNKNOWN: Final = object()


def _look(node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one kind, one return
    if isinstance(node, ast.Name):
        try:
            return names[node.id]
        except KeyError:
            return _UNKNOWN
    if not isinstance(node, ast.Attribute):
        return _LAZY
    owner = _look(node.value, names)
    if owner is _LAZY or owner is _UNKNOWN or owner is Any:
        return owner
    if issubclass(class_of(owner), type):
        spaces: list[Mapping[str, Any]] = [vars(each) for each in type.mro(owner)]
    elif type(owner) is ModuleType:
        spaces = [vars(owner)]
        if owner.__name__.partition(".")[0] in {*_LIBRARIES, *world_names()}:
            return getattr(owner, node.attr, _LAZY)  # these are known to define no more than names
        spaces.append({node.attr: sys.modules.get(f"{owner.__name__}.{node.attr}", _LAZY)})
    elif class_of(owner).__module__ == typing.__name__:
        return getattr(owner, node.attr, _LAZY)  # P.args
    else:
        return _LAZY
    return next((space[node.attr] for space in spaces if node.attr in space), _LAZY)


_LIBRARIES: Final = ("jaxtyping", "typing", "typing_extensions", "collections")
