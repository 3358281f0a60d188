"""Decide which decorators a help line may suggest: those that accept the existing annotations."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sekisho.code import lower_expr
from sekisho.inference import arrays_in, read_annotation
from sekisho.package import typed_imports
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.code import Expr, SubscriptExpr
    from sekisho.inference import Function, Solution, Value

__all__ = ["can_declare", "spelled"]

_CONTAINERS: Final = frozenset(
    {"Optional", "Union", "list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Iterator"}
)
_ITERATORS: Final = frozenset({"Iterable", "Iterator"})
_MAPPINGS: Final = frozenset({"dict", "Dict", "Mapping"})
_QUALIFIERS: Final = frozenset(
    {"ClassVar", "Final", "InitVar", "NotRequired", "ReadOnly", "Required"}
)
_ANYTHING: Final = frozenset({"Any", "object"})
_PLAIN_AXES: Final = re.compile(r"\s*(?:(?:[A-Za-z_]\w*|\d+|\.\.\.)\s*)*")
_KEEP: Final = frozenset({"staticmethod", "classmethod", "no_grad", "inference_mode", "override"})
"""Decorators that do not change what a function accepts and returns."""

_WORD: Final = re.compile(r"\w+")
_Def = ast.FunctionDef | ast.AsyncFunctionDef
_DEFS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTED: Final = re.compile(r"^(?:import|from)\b.*\bsekisho\b", re.MULTILINE)
"""An unindented import. One under ``if TYPE_CHECKING:`` gives a name that is missing at decoration
time."""


def spelled(solution: Solution, function: Function, name: str) -> str:
    """Return a name of sekisho as a function's file imports it; ``sekisho.name`` if it does not."""
    table = solution.program.table(function.unit.key)
    if table is None or not _IMPORTED.search(function.file.text):
        return f"sekisho.{name}"
    module = "sekisho"
    for local, entry in table.names.items():
        if entry == ("import", "sekisho", name):
            return local
        if entry == ("import", "sekisho", None):
            module = local
    return f"{module}.{name}"


def can_declare(solution: Solution, function: Function, decorator: str) -> bool:
    """Return whether a decorator certainly accepts a function, whose annotations become a contract.

    Args:
        solution: the solved program.
        function: a function without a decorator of sekisho.
        decorator: ``boundary`` or ``same_world``.
    """
    # a decorator resolves annotations at run time, where names for type checkers are missing
    defined, only_typed = _read(function.file.text)
    node = defined.get(function.line)
    if node is None or not function.unit.traits <= _KEEP or _is_odd_generator(node):
        return False
    args = node.args
    parameters = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    said = [each.annotation for each in parameters if each is not None]
    key = function.unit.key
    return all(
        each is None
        or (
            only_typed.isdisjoint(_names_in(each))
            and _is_plain(solution, key, expr := lower_expr(each))
            # same_world rejects annotations that name the arrays of one library
            and (decorator != "same_world" or not _holds_arrays(solution, key, expr))
        )
        for each in [*said, node.returns]
    )


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[dict[int, _Def], frozenset[str]]:
    """Return the functions of a module by line, and the names imported for type checkers only."""
    try:
        tree = parse(text)
    except ValueError:  # the cells of a notebook may not parse as one text
        return {}, frozenset()
    found = [each for each in ast.walk(tree) if isinstance(each, _DEFS)]
    return {each.lineno: each for each in found}, frozenset(typed_imports(tree, ""))


def _is_odd_generator(node: _Def) -> bool:
    """Return whether a generator's return annotation is not an iterator of what it yields."""
    yields = any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node))
    base = node.returns.value if isinstance(node.returns, ast.Subscript) else None
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    is_iterator = name in _ITERATORS and isinstance(node, ast.FunctionDef)
    return yields and node.returns is not None and not is_iterator


def _names_in(annotation: ast.expr) -> Iterator[str]:
    """Yield the first part of each dotted name in an annotation, including names in strings."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # an axis string yields its words, too; that only makes us more careful
            yield from _WORD.findall(node.value)


def _value(solution: Solution, key: str, expr: Expr) -> Value:
    return read_annotation(solution.program, key, expr)


def _holds_arrays(solution: Solution, key: str, expr: Expr) -> bool:
    return bool([*arrays_in(_value(solution, key, expr))])


def _is_plain(solution: Solution, key: str, expr: Expr) -> bool:
    """Return whether every decorator can read an annotation; False if that is not certain."""
    match expr:
        case ("const", None):
            return True
        case ("const", str(text)):
            return _is_plain_text(solution, key, text)
        case str():
            values = _alternatives(_value(solution, key, expr))
            return expr.rpartition(".")[2] in _ANYTHING or all(map(_is_simple, values))
        case ("|", *sides):
            return all(_is_plain(solution, key, each) for each in sides)
        case ("[]", _, _):
            return _is_plain_subscript(solution, key, expr)
        case _:
            return False


def _is_plain_text(solution: Solution, key: str, text: str) -> bool:
    try:
        return _is_plain(solution, key, lower_expr(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_plain_subscript(solution: Solution, key: str, expr: SubscriptExpr) -> bool:
    _, base, args = expr
    last = base.rpartition(".")[2] if isinstance(base, str) else ""
    if last in _CONTAINERS:
        return all(each == ("const", ...) or _is_plain(solution, key, each) for each in args)
    if last in _MAPPINGS:
        return all(_is_plain(solution, key, each) for each in args) and not _holds_arrays(
            solution, key, args[0]
        )
    values = _alternatives(_value(solution, key, expr))
    is_array = last not in _QUALIFIERS and all(each[0] == "array" for each in values)
    axes = [str(each[1]) for each in args if isinstance(each, tuple) and each[0] == "const"]
    return is_array and all(map(_PLAIN_AXES.fullmatch, axes))


def _alternatives(value: Value) -> Iterator[Value]:
    yield from value[1] if value[0] == "union" else (value,)


def _is_simple(value: Value) -> bool:
    """Return whether a value is an array, or an instance of a builtin class."""
    match value:
        case ("array", *_):
            return True
        case ("instance", cls, _):
            return cls.startswith("builtins:")
        case _:
            return False
