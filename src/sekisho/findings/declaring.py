"""What of sekisho a help line may name, and how: a decorator that takes the annotations as they stand."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.code import lower_expr, tag_of
from sekisho.inference import arrays_in, read_annotation
from sekisho.package import typed_imports
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.code import Expr
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
"""Decorators that leave a function what it is."""

_WORD: Final = re.compile(r"\w+")
_Def = ast.FunctionDef | ast.AsyncFunctionDef
_DEFS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTED: Final = re.compile(r"^(?:import|from)\b.*\bsekisho\b", re.MULTILINE)
"""An import at the margin: under ``if TYPE_CHECKING:`` it gives a name that is not there at decoration."""


def spelled(solution: Solution, function: Function, name: str) -> str:
    """A name of sekisho's as the file of a function has imported it; ``sekisho.name`` if it has not."""
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
    """Whether a decorator is certain to accept a function: its annotations become a contract.

    Args:
        solution: what was read.
        function: one without a decorator of sekisho's.
        decorator: ``boundary`` or ``same_world``.
    """
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
            # A function of both libraries' arrays cannot be annotated with one of them.
            and (decorator != "same_world" or not _holds_arrays(solution, key, expr))
        )
        for each in [*said, node.returns]
    )


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[dict[int, _Def], frozenset[str]]:
    """The functions of a module by their lines, and the names that it imports for its type checker only."""
    try:
        tree = parse(text)
    except ValueError:  # the cells of a notebook may parse one by one only
        return {}, frozenset()
    found = [each for each in ast.walk(tree) if isinstance(each, _DEFS)]
    return {each.lineno: each for each in found}, frozenset(typed_imports(tree, ""))


def _is_odd_generator(node: _Def) -> bool:
    """Whether a function that may be a generator is annotated to return something else than is yielded."""
    yields = any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node))
    base = node.returns.value if isinstance(node.returns, ast.Subscript) else None
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    is_iterator = name in _ITERATORS and isinstance(node, ast.FunctionDef)
    return yields and node.returns is not None and not is_iterator


def _names_in(annotation: ast.expr) -> Iterator[str]:
    """The names that an annotation begins its dotted names with, those in strings too."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _WORD.findall(node.value)  # more than these, where it is an axis string


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
    is_array = last not in _QUALIFIERS and all(each[0] == "array" for each in values)
    axes = [str(each[1]) for each in args if tag_of(each) == "const"]
    return is_array and all(map(_PLAIN_AXES.fullmatch, axes))


def _alternatives(value: Value) -> Iterator[Value]:
    yield from value[1:] if value[0] == "union" else (value,)


def _is_simple(value: Value) -> bool:
    """Whether a value is an array, or of a class of Python's own that holds none."""
    tag, name = value[0], str(value[1]) if len(value) > 1 else ""
    return bool(tag == "array" or (tag == "instance" and name.startswith("builtins:")))
