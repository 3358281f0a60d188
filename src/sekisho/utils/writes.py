"""Find the parameters that a function writes into, by reading its code.

Such writes are ``out[:] = x``, ``x += 1``, ``x.fill_(0)``, ``record.steps = 1``,
``buffer.append(x)`` and ``out=x``. A conversion that copies would lose them.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["written_parameters"]

_VIEWS: Final = frozenset(
    {
        *("view", "view_as", "detach", "numpy", "narrow", "select", "diagonal", "squeeze"),
        *("unsqueeze", "transpose", "permute", "swapaxes", "movedim", "t", "unbind", "chunk"),
        *("split", "values", "items"),
    }
)
"""Methods whose result shares the memory, or the items, of their object."""

_SAME: Final = frozenset({"asarray", "asanyarray", "as_tensor", "from_numpy", "atleast_1d"})
"""Functions that return their argument, or an array that shares its memory, if they can."""

_METHODS: Final = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem"),
        *("remove", "clear", "update", "setdefault", "add", "discard", "sort", "reverse", "rotate"),
        *("move_to_end", "fill", "put", "partition", "itemset", "resize"),
    }
)
"""Methods that change their object when their result is unused: ``x.sort()`` of a tensor returns a
new one, ``x.sort()`` of an array sorts it."""

_FUNCTIONS: Final = frozenset(
    {"copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "shuffle", "at"}
)
"""Functions that change their first argument when their result is unused."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def written_parameters(node: _Function, parameters: Collection[str]) -> dict[str, list[int]]:
    """Return the parameters that a function's body writes into, and the lines of the writes."""
    names = _Names(node, parameters)
    found: dict[str, list[int]] = {}
    for target, line in sorted(_writes(node), key=lambda each: each[1]):
        parameter = names.parameter_of(target, line)
        if parameter is not None:
            lines = found.setdefault(parameter, [])
            lines += [line] if line not in lines else []
    return found


def _writes(node: _Function) -> Iterator[tuple[ast.expr, int]]:
    """Yield the expressions that are written into, and their lines."""
    for each in ast.walk(node):
        match each:
            case ast.Subscript(value=target, ctx=ast.Store() | ast.Del()):
                yield target, each.lineno
            case ast.Attribute(value=target, ctx=ast.Store() | ast.Del()):
                yield target, each.lineno
            case ast.AugAssign(target=ast.Name() as target):
                yield target, each.lineno
            case ast.Call():
                yield from ((target, each.lineno) for target in _written_by(each))
            case ast.Expr(value=ast.Call() as call):
                yield from ((target, each.lineno) for target in _changed_by(call))
            case _:
                pass


def _written_by(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what a call writes into, whether or not its result is used."""
    words = {each.arg: each.value for each in call.keywords}
    out = words.get("out")
    yield from out.elts if isinstance(out, ast.Tuple) else [out] if out is not None else []
    called = call.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    # PyTorch marks functions that write by a final underscore: x.add_(1), nn.init.zeros_(x).
    is_marked = name.endswith("_") and not name.endswith("__")
    inplace = words.get("inplace")
    if is_marked and isinstance(called, ast.Attribute):
        yield called.value
    if is_marked or (isinstance(inplace, ast.Constant) and inplace.value is True):
        yield from call.args[:1]


def _changed_by(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what a call changes if its result is unused."""
    if isinstance(call.func, ast.Attribute):
        if call.func.attr in _METHODS:
            yield call.func.value
        if call.func.attr in _FUNCTIONS:
            yield from call.args[:1]


class _Names:
    """What the names of a function refer to: a parameter, a part of one, or something new."""

    def __init__(self, node: _Function, parameters: Collection[str]) -> None:
        self.parameters = parameters
        self.certain: frozenset[int] = frozenset(_certain_lines(node.body))
        self.bound: list[tuple[int, str, ast.expr | None]] = sorted(
            _bindings(node), key=lambda each: each[0]
        )

    def parameter_of(self, target: ast.expr, line: int) -> str | None:
        """Return the parameter whose memory or item an expression refers to, in a line."""
        name = _root(target)
        if name is None:
            return None
        # the last binding before the line decides
        for at, bound, value in reversed(self.bound):
            # ``if not inplace: x = x.copy()``: the name may still refer to the argument.
            is_certain = name not in self.parameters or at in self.certain
            if bound == name and at < line and is_certain:
                return None if value is None else self.parameter_of(value, at)
        return name if name in self.parameters else None


def _bindings(node: _Function) -> Iterator[tuple[int, str, ast.expr | None]]:
    """Yield each rebinding of a name: the line, the name, and the value if it is a plain one."""
    plain: dict[int, ast.expr] = {}
    for each in ast.walk(node):
        match each:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                plain[id(target)] = value
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                plain.update({id(name): value for name in ast.walk(target)})
            case ast.AugAssign(target=target):
                plain[id(target)] = target  # the name keeps its value
            case _:
                pass
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.lineno, each.id, plain.get(id(each))


def _certain_lines(body: list[ast.stmt]) -> Iterator[int]:
    """Yield the lines of assignments that every call runs, unless it ends before."""
    for each in body:
        if isinstance(each, (ast.With, ast.AsyncWith)):
            yield from _certain_lines(each.body)
        elif isinstance(each, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)):
            yield each.lineno


def _root(value: ast.expr) -> str | None:
    """Return the name whose memory, or item, an expression refers to."""
    while not isinstance(value, ast.Name):
        match value:
            case ast.Subscript(value=inner) | ast.Attribute(value=inner):
                value = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _VIEWS:
                value = inner
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[inner, *_]) if (
                name in _SAME
            ):
                value = inner
            case _:
                return None
    return value.id
