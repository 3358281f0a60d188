"""Find annotations that may hold arrays, and check annotated locals, in a function's syntax tree.

Python evaluates no annotation of a local variable: ``y: Float[Tensor, "n"] = f(x)`` says something to
readers only. `annotate_locals` makes it ``y: ... = check(f(x), "y", "Float[Tensor, 'n']", __name__, False)``.
"""

from __future__ import annotations

import ast
import contextlib
import re
from functools import cache
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHECK_LOCAL", "annotate_locals", "may_hold_arrays", "names_in_text"]

CHECK_LOCAL: Final = "__sekisho_check__"
"""The global name under which a module has the function that checks its annotated locals."""

# Names in annotations that do not stand for arrays: Python's types, and names of typing.
_HARMLESS: Final = frozenset(
    [
        *("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
        *("object", "range", "set", "slice", "str", "tuple", "type", "None"),
        *("Any", "Callable", "Dict", "FrozenSet", "Generator", "Generic", "Iterable", "Iterator"),
        *("List", "Literal", "Mapping", "NoReturn", "Optional", "Path", "PathLike", "Self"),
        *("Sequence", "Set", "Tuple", "Type", "TypeVar", "Union", "abc", "pathlib"),
        *("t", "typing", "Final"),
    ]
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def annotate_locals(node: _Function, scope: str | None = None) -> bool:
    """Check the values of a function's annotated locals, in place; return whether it has any.

    The variables of nested functions and classes are left alone: they belong to other calls.

    Args:
        node: the function.
        scope: under which name the names in the annotations are known; None is the module's.
    """
    found = [each for each in _annotated(node.body) if may_hold_arrays(each.annotation)]
    own = {each.id for each in ast.walk(node) if found and _is_bound(each)}
    own |= {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    for each in found:
        value, annotation = each.value, _without_final(each.annotation)
        assert value is not None  # `_annotated` yields those with a value
        match annotation:
            case ast.Constant(value=str(text)):
                pass
            case _:
                text = ast.unparse(_Unions().visit(annotation))
        words = [ast.Constant(ast.unparse(each.target)), ast.Constant(text)]
        names = ast.Name("__name__", ast.Load()) if scope is None else ast.Constant(scope)
        is_own = ast.Constant(not own.isdisjoint(names_in_text(text)))
        call = ast.Call(ast.Name(CHECK_LOCAL, ast.Load()), [value, *words, names, is_own], [])
        each.value = ast.fix_missing_locations(ast.copy_location(call, value))
    return bool(found)


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@cache
def names_in_text(annotation: str) -> tuple[str, ...]:
    """Return the names that an annotation's text mentions, also in strings inside of it."""
    return tuple(dict.fromkeys(re.findall(r"[^\W\d]\w*", annotation)))


def _annotated(body: list[ast.stmt]) -> Iterator[ast.AnnAssign]:
    for each in body:
        if isinstance(each, ast.AnnAssign):
            if each.value is not None:
                yield each
        elif not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from _annotated(getattr(each, field, []))
            for branch in (*getattr(each, "handlers", ()), *getattr(each, "cases", ())):
                yield from _annotated(branch.body)


class _Unions(ast.NodeTransformer):
    """Put the text of a string in its place in ``"X" | None``, which Python cannot evaluate."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        for side in ("left", "right") if isinstance(node.op, ast.BitOr) else ():
            operand = getattr(node, side)
            if isinstance(operand, ast.Constant) and isinstance(operand.value, str):
                with contextlib.suppress(SyntaxError):
                    setattr(node, side, ast.parse(operand.value.strip(), mode="eval").body)
        return self.generic_visit(node)


def _without_final(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Subscript):
        last = ast.unparse(annotation.value).rpartition(".")[2]
        if last == "Final":
            return annotation.slice
    return annotation


def may_hold_arrays(annotation: ast.expr) -> bool:  # noqa: PLR0911 - one return per case
    """Return whether an annotation contains a name that may stand for an array."""
    match annotation:
        case ast.Subscript(value=value) if _name_of(value) == "Literal":
            return False
        case ast.Name(id=name):
            return name not in _HARMLESS
        case ast.Attribute(attr=name):
            return name not in _HARMLESS or may_hold_arrays(annotation.value)
        case ast.Constant(value=str(text)):
            try:
                return may_hold_arrays(ast.parse(text.strip(), mode="eval").body)
            except SyntaxError:
                return True
        case ast.Constant():
            return False
        case _:
            inside = [
                each for each in ast.iter_child_nodes(annotation) if isinstance(each, ast.expr)
            ]
            return any(may_hold_arrays(each) for each in inside)


def _name_of(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
