"""Find the names that a function's code uses for the axes of its parameters.

Names come from ``b, c, h, w = x.shape``, ``n = len(x)``, ``d = x.size(-1)``, ``rearrange(x, "b c ->
c b")`` and ``einsum("ij,jk->ik", x, y)``.
"""

from __future__ import annotations

import ast
import itertools
import keyword
import re
from typing import TYPE_CHECKING, Final

from sekisho.adoption.names import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "axis_of",
    "batched_in",
    "einsum_of",
    "names_in_body",
    "number_in",
    "patterns_of",
    "ranked_in",
]

_PATTERNS: Final = frozenset({"rearrange", "reduce", "repeat", "einops_rearrange"})
_LONGEST: Final = 16


def names_in_body(node: ast.AST, parameters: frozenset[str]) -> dict[tuple[str, int], str]:
    """Return the names of axes, by parameter and number."""
    found: dict[tuple[str, int], str] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            named = _assigned(each.targets[0], each.value)
        elif isinstance(each, ast.Call):
            named = itertools.chain(_patterned(each), _named_behind(each))
        else:
            continue
        for parameter, index, name in named:
            if parameter in parameters and _is_axis_name(name):
                found.setdefault((parameter, index), name)
    return found


def ranked_in(statement: ast.stmt, parameters: frozenset[str]) -> Iterator[str]:
    """Yield the parameters whose rank a statement requires: with another rank it would raise."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)):
        return  # a statement in a block may not run
    for each in ast.walk(statement):
        match each:
            case ast.Assign(targets=[ast.Tuple(elts=parts) | ast.List(elts=parts)], value=value):
                is_whole = not isinstance(value, ast.Subscript)
                name, _ = _shape(value)
                if is_whole and not any(isinstance(part, ast.Starred) for part in parts):
                    yield from {name} & parameters
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="permute"), args=args):
                if len(args) > 1 and name in parameters:
                    yield name
            case ast.Call():
                yield from {name for name, *_ in _patterned(each)} & parameters
            case _:
                pass


def _is_axis_name(name: str) -> bool:
    is_name = name.isidentifier() and not keyword.iskeyword(name)
    return is_name and not name.startswith("_") and len(name) <= _LONGEST


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, int, str]]:
    if isinstance(target, ast.Name):
        axis = axis_of(value)
        if axis is not None:
            yield *axis, target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = [each.id if isinstance(each, ast.Name) else "" for each in target.elts]
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            for each, part in zip(target.elts, value.elts, strict=True):
                yield from _assigned(each, part)
            return
        parameter, start = _shape(value)
        if not parameter:
            return
        star = next(
            (i for i, e in enumerate(target.elts) if isinstance(e, ast.Starred)), len(parts)
        )
        for index, name in enumerate(parts):
            if name:
                yield parameter, start + index if index < star else index - len(parts), name


def _shape(value: ast.expr) -> tuple[str, int]:
    """Return the parameter and first axis of a shape: ``x.shape``, ``x.size()``, ``x.shape[1:3]``."""
    start = 0
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        lower = value.slice.lower
        number = number_in(lower) if lower is not None else 0
        if number is None or value.slice.step is not None:
            return "", 0
        start, value = number, value.value
    if isinstance(value, ast.Call) and not value.args and isinstance(value.func, ast.Attribute):
        value = value.func if value.func.attr == "size" else value
    match value:
        case ast.Attribute(value=ast.Name(id=name), attr="shape" | "size"):
            return name, start
        case _:
            return "", 0


def batched_in(node: ast.AST, parameters: frozenset[str]) -> dict[str, tuple[int, int]]:
    """Find arrays that may have any number of axes, as in ``x[..., 0]`` and ``x.mT``.

    Returns:
        By parameter, how many axes the code speaks of in front of the others, and behind them.
    """
    found: dict[str, tuple[int, int]] = {}
    for each in ast.walk(node):
        match each:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=parts)):
                at = next((i for i, part in enumerate(parts) if _is_ellipsis(part)), None)
                if at is None:
                    continue
                ends = _axes_in(parts[:at]), _axes_in(parts[at + 1 :])
            case ast.Attribute(value=ast.Name(id=name), attr="mT" | "mH"):
                ends = 0, 2
            case ast.Call():
                for name, words in _named_patterns(each):
                    if words.count("...") == 1:
                        at = words.index("...")
                        _widen(found, name, (at, len(words) - at - 1))
                continue
            case _:
                continue
        _widen(found, name, ends)
    return {name: ends for name, ends in found.items() if name in parameters}


def _widen(found: dict[str, tuple[int, int]], name: str, ends: tuple[int, int]) -> None:
    before = found.get(name, (0, 0))
    found[name] = max(before[0], ends[0]), max(before[1], ends[1])


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _axes_in(parts: list[ast.expr]) -> int:
    """Count the indices of a subscript that stand for an axis; ``None`` makes one."""
    return sum(not (isinstance(each, ast.Constant) and each.value is None) for each in parts)


def axis_of(value: ast.expr) -> tuple[str, int] | None:
    """Return the parameter and axis of a size: ``x.shape[0]``, ``x.size(0)``, ``len(x)``; else None."""
    if isinstance(value, ast.Subscript):
        number = number_in(value.slice)
        parameter, _ = _shape(value.value)
        return (parameter, number) if parameter and number is not None else None
    if isinstance(value, ast.Call) and len(value.args) == 1:
        (argument,) = value.args
        if isinstance(value.func, ast.Name) and value.func.id == "len":
            return (argument.id, 0) if isinstance(argument, ast.Name) else None
        if isinstance(value.func, ast.Attribute) and value.func.attr == "size":
            number = number_in(argument)
            if isinstance(value.func.value, ast.Name) and number is not None:
                return value.func.value.id, number
    return None


def number_in(node: ast.expr | None) -> int | None:
    """Return the integer that a node writes out, with its sign; None if it is something else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number_in(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def _patterned(call: ast.Call) -> Iterator[tuple[str, int, str]]:
    """Yield the names of axes in a pattern, each with its array and number; none for ``...``."""
    for name, words in _named_patterns(call):
        if "..." not in words:
            yield from ((name, index, word) for index, word in enumerate(words))


def _named_behind(call: ast.Call) -> Iterator[tuple[str, int, str]]:
    """Yield the names of axes in a pattern with ``...``, numbered from the right behind it."""
    for name, words in _named_patterns(call):
        if words.count("...") == 1:
            at = words.index("...")
            yield from ((name, index, word) for index, word in enumerate(words[:at]))
            yield from ((name, i - len(words), words[i]) for i in range(at + 1, len(words)))


def _named_patterns(call: ast.Call) -> Iterator[tuple[str, list[str]]]:
    """Yield the names of the arrays in a pattern, each with the words of its axes."""
    for value, words in patterns_of(call):
        if isinstance(value, ast.Name):
            yield value.id, words


def patterns_of(call: ast.Call) -> Iterator[tuple[ast.expr, list[str]]]:
    """Yield the arrays of a call of einops or einsum, each with the words of its axes."""
    function = last_name(call.func)
    texts = [
        each.value
        for each in call.args
        if isinstance(each, ast.Constant) and type(each.value) is str
    ]
    if function in _PATTERNS and texts:
        words = texts[0].partition("->")[0].split()
        if not any(set(word) & set("()") or "." in word.replace("...", "") for word in words):
            yield call.args[0], words
    elif function == "einsum" and (read := einsum_of(call)) is not None:
        inputs, _, values = read
        yield from zip(values, inputs, strict=True)


def einsum_of(call: ast.Call) -> tuple[list[list[str]], list[str], list[ast.expr]] | None:
    """Return the axes of each argument of an einsum, those of its result, and the arguments.

    einops has the pattern behind the arguments, and words for axes: ``einsum(x, y, "i j, j -> i")``.
    """
    match call.args:
        case [ast.Constant(value=str(text)), *values]:
            left, _, result = text.replace(" ", "").partition("->")
            words = [re.findall(r"\.\.\.|\w", each) for each in (*left.split(","), result)]
            is_read = ",".join("".join(each) for each in words[:-1]) == left
            return (
                (words[:-1], words[-1], values)
                if is_read and len(words) == len(values) + 1
                else None
            )
        case [*values, ast.Constant(value=str(text))] if "->" in text and "(" not in text:
            left, _, result = text.partition("->")
            words = [each.split() for each in (*left.split(","), result)]
            return (words[:-1], words[-1], values) if len(words) == len(values) + 1 else None
        case _:
            return None
