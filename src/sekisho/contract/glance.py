"""Look up the names in an annotation without running any code.

Python does not evaluate a string annotation. Evaluating it may import modules, ask the user
questions on the terminal, or fail: a lazy module does so at the first access to a name. A user who
decorates a function expects that its annotations are evaluated; the author of a package that an
import hook guards does not. So names are only looked up in the dictionaries of real modules and
classes.
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
    """Return the first dotted name in an annotation that only running code can look up.

    Args:
        text: the annotation.
        names: the names that it may use; an unknown name is ignored.
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


def _look(node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one return a node
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
            return getattr(owner, node.attr, _LAZY)  # these only define names
        spaces.append({node.attr: sys.modules.get(f"{owner.__name__}.{node.attr}", _LAZY)})
    elif class_of(owner).__module__ == typing.__name__:
        return getattr(owner, node.attr, _LAZY)  # P.args of a ParamSpec
    else:
        return _LAZY
    return next((space[node.attr] for space in spaces if node.attr in space), _LAZY)


_LIBRARIES: Final = ("jaxtyping", "typing", "typing_extensions", "collections")
