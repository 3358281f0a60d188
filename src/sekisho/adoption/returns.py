"""Find what the ``return`` statements of a function return, as far as its code says so."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["own_nodes", "returns_of"]

_PLAIN_CALLS: Final = frozenset(
    {"len", "int", "float", "complex", "bool", "str", "repr", "any", "all"}
    | {"isinstance", "issubclass", "hasattr", "callable"}
)
"""Functions that return a Python number or string."""

_CASTS: Final = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "long": "int64",
    "int": "int32",
    "bool": "bool",
}
_DTYPE: Final = re.compile(r"(bfloat|float|complex|u?int)\d+|bool_?")


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without the functions inside it."""
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield each
            yield from own_nodes(each)


def returns_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[frozenset[str], str]:
    """Return what the ``return`` statements return, and the dtype that a single one names."""
    values = [each.value for each in own_nodes(node) if isinstance(each, ast.Return)]
    held = _assigned_once(node)
    values = [held.get(v.id, v) if isinstance(v, ast.Name) else v for v in values]
    gives = {kind for value in values for kind in _kinds(value)}
    # a function that reaches its end returns None
    if not values or (gives != {"none"} and _falls_through(node.body)):
        gives.add("none")
    dtype = _named_dtype(values[0]) if len(values) == 1 and values[0] is not None else ""
    return frozenset(gives), dtype


def _assigned_once(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """Return the values of the names that a function assigns exactly once."""
    stored = [each.id for each in ast.walk(node) if _is_stored(each)]
    return {
        each.targets[0].id: each.value
        for each in own_nodes(node)
        if isinstance(each, ast.Assign)
        and len(each.targets) == 1
        and isinstance(each.targets[0], ast.Name)
        and stored.count(each.targets[0].id) == 1
    }


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _kinds(value: ast.expr | None) -> Iterator[str]:
    match value:
        case None | ast.Constant(value=None):
            yield "none"
        case ast.Tuple(elts=parts):
            yield f"tuple {len(parts)}"
        case ast.List() | ast.ListComp():
            yield "list"
        case ast.Dict() | ast.DictComp():
            yield "dict"
        case ast.Constant() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
            yield "plain"
        case ast.Call(func=ast.Name(id=name)) if name in _PLAIN_CALLS:
            yield "plain"
        case ast.BoolOp(values=values):
            yield from (kind for each in values for kind in _kinds(each))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_kinds(body), *_kinds(orelse))
        case _:
            yield "any"


def _falls_through(body: list[ast.stmt]) -> bool:
    """Return whether execution may reach the end of a block."""
    inner: list[list[ast.stmt]] = []
    match body[-1]:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return False
        case ast.While(test=ast.Constant(value=True)):
            return False
        case ast.If(body=first, orelse=[_, *_] as second):
            inner = [first, second]
        case ast.With(body=first) | ast.AsyncWith(body=first):
            inner = [first]
        case ast.Try(body=first, handlers=handlers, orelse=second, finalbody=last):
            ends = [second or first, *(handler.body for handler in handlers)]
            inner = [last] if last and not _falls_through(last) else ends
        case ast.Match(cases=cases) if (
            isinstance(cases[-1].pattern, ast.MatchAs) and cases[-1].pattern.pattern is None
        ):
            inner = [case.body for case in cases]
        case _:
            return True
    return any(map(_falls_through, inner))


def _named_dtype(value: ast.expr) -> str:
    """Return the dtype that a call names: ``x.astype(np.int8)``, ``x.float()``, ``f(dtype="int64")``."""
    if not isinstance(value, ast.Call):
        return ""
    name = value.func.attr if isinstance(value.func, ast.Attribute) else ""
    if name in _CASTS and not value.args:
        return _CASTS[name]
    words = [word.value for word in value.keywords if word.arg == "dtype"]
    words += value.args[:1] if name in {"astype", "to", "type"} else []
    for word in words:
        text = word.value if isinstance(word, ast.Constant) else getattr(word, "attr", "")
        if isinstance(text, str) and _DTYPE.fullmatch(text):
            return text
    return ""
