"""Find what the ``return`` statements of a function return, as far as its code says so."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def returns_of(
    node: _Function, optional: frozenset[str] = frozenset()
) -> tuple[frozenset[str], str]:
    """What its ``return``s give, and the dtype that the only one names.

    Args:
        node: the function.
        optional: the parameters that may be None.
    """
    values = [each.value for each in own_nodes(node) if isinstance(each, ast.Return)]
    yielded = [each.value for each in own_nodes(node) if isinstance(each, ast.Yield)]
    held, empty = _assigned_once(node), _may_be_none(node, optional)
    gives = {place for value in values for place in _places_of_none(value, held, empty)}
    values = [held.get(v.id, v) if isinstance(v, ast.Name) else v for v in values]
    gives |= {kind for value in values for kind in _kinds(value)}
    gives |= {
        f"yield {place}" for value in yielded for place in _places_of_none(value, held, empty)
    }
    if not values or (gives != {"none"} and _falls_through(node.body)):
        gives.add("none")
    dtype = _named_dtype(values[0]) if len(values) == 1 and values[0] is not None else ""
    return frozenset(gives), dtype


def _assigned_once(node: _Function) -> dict[str, ast.expr]:
    """What the names of a function hold that are assigned to in one place only."""
    stored = [each.id for each in ast.walk(node) if _is_stored(each)]
    return {
        each.targets[0].id: each.value
        for each in own_nodes(node)
        if isinstance(each, ast.Assign)
        and len(each.targets) == 1
        and isinstance(each.targets[0], ast.Name)
        and stored.count(each.targets[0].id) == 1
    }


def _may_be_none(node: _Function, optional: frozenset[str]) -> set[str]:
    """The names that may hold None at the end: ``best = None``, and optional parameters.

    Not those that the function asks about, in order to give them another value or to end.
    """
    stored = {each.id for each in ast.walk(node) if _is_stored(each)}
    found = {*optional} - stored
    replaced: set[str] = set()
    for each in own_nodes(node):
        match each:
            case ast.If(test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()])):
                replaced.add(name)
            case ast.If(test=ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()])):
                found |= {
                    name
                } & optional  # what is assigned in that branch is so in that branch only
            case ast.Assign() | ast.AnnAssign():
                found |= {name.id for name, value in _assignments(each) if "none" in _kinds(value)}
            case _:
                pass
    return found - replaced


def _assignments(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.Name, ast.expr]]:
    """Each name that is assigned to, with its value: two of ``a, b = None, 3``."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        match target, node.value:
            case ast.Name(), ast.expr() as value:
                yield target, value
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                pairs = zip(names, values, strict=True)
                yield from ((name, value) for name, value in pairs if isinstance(name, ast.Name))
            case _:
                pass


def _places_of_none(
    value: ast.expr | None, held: Mapping[str, ast.expr], empty: set[str]
) -> Iterator[str]:
    """Where None may be in a value: ``none`` for the value itself, ``none [1]`` for an item of a tuple.

    Args:
        value: the value.
        held: what names hold that are assigned to once.
        empty: the names that may hold None.
    """

    def may_be_none(part: ast.expr | None) -> bool:
        match part:
            case ast.Name(id=name):
                return name in empty or (name in held and "none" in _kinds(held[name]))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                inner = [each for each in (body, orelse) if not _asks_about(test, each)]
                return any(map(may_be_none, inner))
            case _:
                return "none" in _kinds(part)

    if may_be_none(value):
        yield "none"
    match held.get(value.id, value) if isinstance(value, ast.Name) else value:
        case ast.Tuple(elts=parts):
            yield from (f"none [{i}]" for i, part in enumerate(parts) if may_be_none(part))
        case ast.List(elts=parts) | ast.Dict(values=parts):
            yield from ["none [...]"] * any(map(may_be_none, parts))
        case ast.ListComp(elt=part) | ast.DictComp(value=part):
            yield from ["none [...]"] * may_be_none(part)
        case _:
            pass


def _asks_about(test: ast.expr, value: ast.expr) -> bool:
    """Whether a test is about a name: ``other if x is None else x``."""
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    return isinstance(value, ast.Name) and value.id in names


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


_RAISES: Final = re.compile(r"_*(raise|fail|abort|assert_never)(_\w+)?")
"""Functions that end by raising, by their names."""


def _falls_through(body: list[ast.stmt]) -> bool:
    """Return whether execution may reach the end of a block."""
    inner: list[list[ast.stmt]] = []
    match body[-1]:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return _RAISES.fullmatch(name) is None
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
