"""Which decorator a help line may name: one that takes the function's annotations as they stand."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final

from sekisho.code import lower_expr, tag_of
from sekisho.inference import arrays_in, read_annotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.code import Expr
    from sekisho.inference import Function, Solution, Value

__all__ = ["can_declare"]

_CONTAINERS: Final = frozenset(
    {"Optional", "Union", "list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Iterator"}
)
_MAPPINGS: Final = frozenset({"dict", "Dict", "Mapping"})
_ANYTHING: Final = frozenset({"Any", "object"})
_PLAIN_AXES: Final = re.compile(r"\s*(?:(?:[A-Za-z_]\w*|\d+|\.\.\.)\s*)*")
_KEEP: Final = frozenset({"staticmethod", "classmethod", "no_grad", "inference_mode", "override"})
"""Decorators that leave a function what it is."""


def can_declare(solution: Solution, function: Function, decorator: str) -> bool:
    """Whether a decorator is certain to accept a function: its annotations become a contract.

    Args:
        solution: what was read.
        function: one without a decorator of sekisho's.
        decorator: ``boundary`` or ``same_world``.
    """
    entry = solution.program.entry(function.unit.name)
    if entry is None or entry[0] != "def" or not function.unit.traits <= _KEEP:
        return False
    parameters, returns, *_ = entry[1][-1]
    key = function.unit.key
    said: list[Expr] = [each[3] for each in parameters]
    return all(
        expr is None
        or (
            _is_plain(solution, key, expr)
            # A function of both libraries' arrays cannot be annotated with one of them.
            and (decorator != "same_world" or not _holds_arrays(solution, key, expr))
        )
        for expr in [*said, returns]
    )


def _value(solution: Solution, key: str, expr: Expr) -> Value:
    return read_annotation(solution.program, key, expr)


def _holds_arrays(solution: Solution, key: str, expr: Expr) -> bool:
    return bool([*arrays_in(_value(solution, key, expr))])


def _is_plain(solution: Solution, key: str, expr: Expr) -> bool:
    """Whether an annotation is one that every decorator is known to read; False if that is not sure."""
    tag = tag_of(expr)
    if tag == "const":
        text: Any = expr[1]
        return text is None or (isinstance(text, str) and _is_plain_text(solution, key, text))
    if tag == "name":
        last = expr.rpartition(".")[2]
        return last in _ANYTHING or all(map(_is_simple, _alternatives(_value(solution, key, expr))))
    if tag == "|":
        return all(_is_plain(solution, key, each) for each in expr[1:])
    return tag == "[]" and _is_plain_subscript(solution, key, *expr[1:])


def _is_plain_text(solution: Solution, key: str, text: str) -> bool:
    try:
        return _is_plain(solution, key, lower_expr(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_plain_subscript(solution: Solution, key: str, base: Expr, *args: Expr) -> bool:
    last = base.rpartition(".")[2] if isinstance(base, str) else ""
    if last in _CONTAINERS:
        return all(each == ("const", ...) or _is_plain(solution, key, each) for each in args)
    if last in _MAPPINGS:
        return all(_is_plain(solution, key, each) for each in args) and not _holds_arrays(
            solution, key, args[0]
        )
    values = _alternatives(_value(solution, key, ("[]", base, *args)))
    is_array = all(each[0] == "array" for each in values)
    axes = [str(each[1]) for each in args if tag_of(each) == "const"]
    return is_array and all(map(_PLAIN_AXES.fullmatch, axes))


def _alternatives(value: Value) -> Iterator[Value]:
    yield from value[1:] if value[0] == "union" else (value,)


def _is_simple(value: Value) -> bool:
    """Whether a value is an array, or of a class of Python's own that holds none."""
    tag, name = value[0], str(value[1]) if len(value) > 1 else ""
    return bool(tag == "array" or (tag == "instance" and name.startswith("builtins:")))
