"""Find what a function requires: its ``assert`` statements, and its ``if ...: raise``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from sekisho.adoption.names import last_name
from sekisho.adoption.shapes import axis_of, number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "Requirements",
    "certain_nodes",
    "certain_statements",
    "parts_of",
    "required",
    "requirements",
    "unconditional_nodes",
]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Requirements(NamedTuple):
    """What a function requires.

    Attributes:
        sizes: sizes by parameter and number of the axis.
        ranked: the parameters with a required number of axes.
        classes: by parameter, the last part of the class's name.
        dtypes: by parameter, the last part of the dtype's name.
    """

    sizes: dict[tuple[str, int], int]
    ranked: set[str]
    classes: dict[str, str]
    dtypes: dict[str, str]


def certain_statements(node: _Function, parameters: frozenset[str]) -> Iterator[ast.stmt]:
    """Yield the statements that every call runs while the parameters still hold the arguments.

    It stops after ``x = x.reshape(n, -1)``, because later statements say nothing about the
    argument, and after a block that may return.
    """
    yield from _certain(node.body, parameters)


def _certain(body: list[ast.stmt], parameters: frozenset[str]) -> Iterator[ast.stmt]:
    for each in body:
        if isinstance(each, (ast.With, ast.AsyncWith)):
            if not any(_hides_errors(item.context_expr) for item in each.items):
                yield from _certain(each.body, parameters)
        else:
            yield each
        stored = {
            name.id
            for name in ast.walk(each)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        returns = any(isinstance(inner, ast.Return) for inner in ast.walk(each))
        if returns or stored & parameters:
            return


def _hides_errors(manager: ast.expr) -> bool:
    """Whether what a block requires may fail: ``with suppress(ValueError):``."""
    function = manager.func if isinstance(manager, ast.Call) else manager
    return _last(function) in {"suppress", "raises"}


def certain_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run whenever a statement does, and whose errors leave the function.

    Not those in branches, in loops, which may run no time, and in ``try``.
    """
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return
        case ast.Try() | ast.TryStar():
            return
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            inner: list[ast.AST] = [test]
        case ast.Assert(test=test):
            inner = [*parts_of(test, ast.And)]
        case ast.BoolOp(values=[first, *_]):
            inner = [first]
        case ast.For(iter=values) | ast.AsyncFor(iter=values):
            inner = [values]
        case (
            ast.ListComp(generators=[first, *_])
            | ast.SetComp(generators=[first, *_])
            | ast.DictComp(generators=[first, *_])
            | ast.GeneratorExp(generators=[first, *_])
        ):
            inner = [first.iter]
        case _:
            inner = [*ast.iter_child_nodes(node)]
    yield node
    for each in inner:
        yield from certain_nodes(each)


def required(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the parts of a test that must be true, or false in ``if ...: raise``."""
    match statement:
        case ast.Assert(test=test):
            yield from parts_of(test, ast.And)
        case ast.If(test=test, body=[*_, ast.Raise()], orelse=[]) if not _returns(statement):
            yield from parts_of(test, ast.Or)
        case _:
            pass


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(each, ast.Return) for each in ast.walk(statement))


def unconditional_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes outside of branches.

    Code in a branch says nothing about the calls that skip it.
    """
    yield node
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            inner: list[ast.AST] = [test]
        case ast.Assert(test=test):
            inner = [*parts_of(test, ast.And)]
        case ast.BoolOp(values=[first, *_]):
            inner = [first]
        case ast.ExceptHandler():
            inner = []
        case _:
            inner = [*ast.iter_child_nodes(node)]
    for each in inner:
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from unconditional_nodes(each)


def parts_of(test: ast.expr, joined: type[ast.boolop]) -> Iterator[ast.expr]:
    """Yield what a test joins by ``and``, or by ``or``."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, joined):
        for each in test.values:
            yield from parts_of(each, joined)
    else:
        yield test


def requirements(
    statements: Iterable[ast.stmt],
    parameters: frozenset[str],
    names: Mapping[tuple[str, int], str],
) -> Requirements:
    """Collect what statements require.

    Args:
        statements: statements that every call runs.
        parameters: the names of the parameters.
        names: names of axes in the code, so that ``assert c == 3`` counts, too.
    """
    found = Requirements({}, set(), {}, {})
    axes = {name: place for place, name in names.items()}
    for statement in statements:
        is_assert = isinstance(statement, ast.Assert)
        for test in required(statement):
            _require(test, parameters, axes, found, is_assert=is_assert)
    return found


def _require(
    test: ast.expr,
    parameters: frozenset[str],
    axes: Mapping[str, tuple[str, int]],
    found: Requirements,
    *,
    is_assert: bool,
) -> None:
    # `if x.ndim != 2: raise` requires the opposite of its test
    wanted = ast.Eq if is_assert else ast.NotEq
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, wanted):
            for one, other in ((left, right), (right, left)):
                number = number_in(other)
                name = _asked_for_rank(one)
                place = axes.get(one.id) if isinstance(one, ast.Name) else axis_of(one)
                if name in parameters and number is not None:
                    found.ranked.add(name)
                elif place and place[0] in parameters and number is not None and number > 0:
                    found.sizes[place] = number
                elif isinstance(one, ast.Attribute) and one.attr == "dtype":
                    owner = getattr(one.value, "id", "")
                    if owner in parameters:
                        found.dtypes[owner] = _last(other)
                elif isinstance(other, ast.Tuple):
                    _require_shape(one, other.elts, parameters, found)
        case ast.Call() if is_assert:
            _require_class(test, parameters, found)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call) if not is_assert:
            _require_class(call, parameters, found)
        case _:
            pass


def _require_shape(
    node: ast.expr, parts: list[ast.expr], parameters: frozenset[str], found: Requirements
) -> None:
    """Note the sizes of ``x.shape == (n, 3)``, and of ``x.shape[-2:] == (3, 3)``."""
    name, first = _whole_shape(node), 0
    match node:
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=None, step=None)):
            if number_in(lower) == -len(parts):
                name, first = _whole_shape(value), -len(parts)
        case _:
            pass
    if name not in parameters:
        return
    if not first:
        found.ranked.add(name)
    sizes = {(name, first + i): number_in(part) for i, part in enumerate(parts)}
    found.sizes.update({k: n for k, n in sizes.items() if n is not None and n > 0})


def _require_class(call: ast.Call, parameters: frozenset[str], found: Requirements) -> None:
    match call:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]):
            if name in parameters and not isinstance(cls, (ast.Tuple, ast.BinOp)):
                found.classes[name] = _last(cls)
        case _:
            pass


def _asked_for_rank(node: ast.expr) -> str:
    """Return the parameter whose rank this is (``x.ndim``, ``x.dim()``, ``len(x.shape)``), or ""."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr="ndim"):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="dim" | "ndimension")):
            return name
        case ast.Call(
            func=ast.Name(id="len"), args=[ast.Attribute(value=ast.Name(id=name), attr="shape")]
        ):
            return name
        case _:
            return ""


def _whole_shape(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr="shape"):
            return name
        case _:
            return ""


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return last_name(node)
