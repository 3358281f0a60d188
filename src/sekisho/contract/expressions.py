"""Parse symbolic axes: ``n+1``, ``min(a,b)``, ``{self.size}``. They are never evaluated as code."""

from __future__ import annotations

import ast
import operator
import re
from typing import Any, Final, NamedTuple

import numpy as np

from sekisho.contract.keys import argument_key, kind_of
from sekisho.errors import SekishoError, with_article, with_class

__all__ = ["FUNCTIONS", "Bindings", "Braces", "Expression", "Size", "parse_expression"]

Size = int | tuple[int, ...]

Bindings = dict[str, Any]
"""What a call has bound so far, by the keys of `contract.keys`: sizes, and what they are computed from."""


class Expression(NamedTuple):
    """A symbolic axis: ``n+1``, ``{self.size}``.

    Attributes:
        text: as written.
        names: the keys that must be bound: axis names, and ``{self}`` for the argument that
            ``{self.size}`` starts from.
        tree: the syntax tree, in which each ``{...}`` is one `Braces` node.
    """

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def evaluate(self, bound: Bindings) -> Any:
        """Compute the size.

        Raises:
            KeyError: if a name is not bound yet.
            ArithmeticError, TypeError, ValueError: if there is no such size (``n // 0``).
        """
        return _evaluate(self.tree, bound)

    def values(self, bound: Bindings) -> dict[str, Any]:
        """Return the value of each axis name and each ``{...}``, in the order of the text."""
        nodes = [each for each in ast.walk(self.tree) if isinstance(each, (Braces, ast.Name))]
        inside = {id(name) for each in nodes for name in ast.walk(each) if name is not each}
        outer = [each for each in nodes if id(each) not in inside and not _is_function(each)]
        outer.sort(key=lambda node: node.col_offset)
        return {_text_of(each): _evaluate(each, bound) for each in outer}


class Braces(ast.expr):
    """An expression in braces, over the function's arguments.

    In it, the name of an argument includes the braces: ``{self.size}`` is the attribute ``size`` of
    the name ``{self}``.
    """

    _fields = ("value",)

    def __init__(self, text: str, value: ast.expr, col_offset: int) -> None:
        super().__init__()
        self.text = text
        self.value = value
        self.col_offset = col_offset


def _is_function(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in FUNCTIONS


def _text_of(node: ast.expr) -> str:
    return node.text if isinstance(node, Braces) else node.id if isinstance(node, ast.Name) else ""


# The functions that users of jaxtyping call in symbolic axes.
FUNCTIONS: Final[dict[str, Any]] = {
    "abs": abs,
    "int": int,
    "max": max,
    "min": min,
    "pow": pow,
    "round": round,
    "sum": sum,
}
_IN_BRACES: Final[dict[str, Any]] = {**FUNCTIONS, "len": len}
_BRACES: Final = re.compile(r"\{[^{}]*\}")
_OPERATORS: Final[dict[type[ast.AST], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    # Three of these have parameters without types in the stubs.
    ast.Div: operator.truediv,  # pyright: ignore[reportUnknownMemberType]
    ast.FloorDiv: operator.floordiv,  # pyright: ignore[reportUnknownMemberType]
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,  # pyright: ignore[reportUnknownMemberType]
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def parse_expression(text: str) -> Expression:
    """Parse a symbolic axis.

    Raises:
        ValueError: if it is not an expression, or uses what an axis may not use.
    """
    if "#" in text:  # Python would take it for a comment
        raise ValueError(f"'{text}': '#' stands in front of an axis")
    # jaxtyping's f-string syntax: {size} is an argument, {self.sizes[0]} is computed from one.
    braces = _BRACES.findall(text)
    plain = _BRACES.sub("__argument__", text)
    tree = _Arguments(braces, text).visit(_parse(plain, text))
    names: dict[str, None] = {}
    _allow(tree, text, names)
    return Expression(text, tuple(names), tree)


def _parse(text: str, axis: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    # The last two are raised for code that is nested too deep.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"'{axis}' is no axis and no expression") from None


class _Arguments(ast.NodeTransformer):
    """A transformer that replaces each ``__argument__``, left to right, by what the braces hold."""

    def __init__(self, braces: list[str], axis: str) -> None:
        self.braces = braces
        self.axis = axis

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != "__argument__":
            if "__argument__" in node.id:  # braces beside a name or other braces: {a}{b}
                raise ValueError(f"'{self.axis}' is no axis and no expression")
            return node
        text = self.braces.pop(0)
        value = _parse(text[1:-1].strip() or "?", self.axis)
        for each in ast.walk(value):
            if isinstance(each, ast.Name):
                each.id = argument_key(each.id)
        return Braces(text, value, node.col_offset)


def _allow(node: ast.AST, text: str, names: dict[str, None], *, braces: bool = False) -> None:
    """Refuse what an axis may not use, and collect the names that it uses."""
    if isinstance(node, Braces):
        _allow(node.value, text, names, braces=True)
        return
    if isinstance(node, ast.Name):
        names[node.id] = None
        return
    inside = _parts_in_braces(node) if braces else None
    inside = _parts(node, _IN_BRACES if braces else FUNCTIONS) if inside is None else inside
    if inside is None:
        raise ValueError(_refusal(text, braces=braces))
    for each in inside:
        _allow(each, text, names, braces=braces)


def _parts(node: ast.AST, functions: dict[str, Any]) -> list[ast.AST] | None:
    """Return the parts of an allowed expression; None if an axis may not use it."""
    match node:
        case ast.Constant(value=int()):
            return []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return [left, right]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return [operand]
        case ast.Call(func=ast.Name(id=name), args=[*arguments], keywords=[]) if (
            name.strip("{}") in functions
        ):
            return [*arguments]
        case _:
            return None


def _parts_in_braces(node: ast.AST) -> list[ast.AST] | None:
    """Return the parts of an attribute or an index, which only braces may hold; None for others."""
    match node:
        case ast.Constant(value=str()):  # the key of a mapping
            return []
        case ast.Attribute(value=value):
            return [value]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            return [value, *(each for each in (lower, upper, step) if each is not None)]
        case ast.Subscript(value=value, slice=index):
            return [value, index]
        case _:
            return None


def _refusal(text: str, *, braces: bool) -> str:
    functions = ", ".join(_IN_BRACES if braces else FUNCTIONS)
    if braces:
        what = "in braces an axis may use arguments, attributes, [indices]"
    else:
        what = "an axis may use names"
    return f"'{text}': {what}, integers, + - * / // % ** and {functions} only"


def _argument(braces: Braces, bound: Bindings) -> Any:
    """Compute an expression in braces, which must give a number."""
    try:
        value = _evaluate(braces.value, bound)
    except SekishoError:
        raise
    except Exception as error:  # noqa: BLE001 - attributes and indices may raise anything
        raise ValueError(f"{braces.text} raises {with_class(error)}") from None
    if isinstance(value, _NUMBERS):
        return value
    what = "None" if value is None else with_article(type(value).__name__)
    raise TypeError(f"{braces.text} is {what}, not an integer")


# The types that jaxtyping's f-strings write as a number. A float may equal a size: {width / 2}.
_NUMBERS: Final[Any] = (int, float, np.integer, np.floating)


def _evaluate(node: ast.AST, bound: Bindings) -> Any:  # noqa: PLR0911 - one return a node
    # No match statement: up to torch 2.8 its patterns of classes cannot be traced.
    if isinstance(node, Braces):
        return _argument(node, bound)
    if isinstance(node, ast.Name):
        # A call binds no argument that is None.
        return bound.get(node.id) if kind_of(node.id) == "argument" else bound[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_evaluate(node.left, bound), _evaluate(node.right, bound))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_evaluate(node.operand, bound))
    if isinstance(node, ast.Attribute):
        return getattr(_evaluate(node.value, bound), node.attr)
    if isinstance(node, ast.Subscript):
        return _evaluate(node.value, bound)[_index(node.slice, bound)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function = _IN_BRACES[node.func.id.strip("{}")]
        return function(*[_evaluate(argument, bound) for argument in node.args])
    raise AssertionError(ast.dump(node))  # _allow has refused it


def _index(node: ast.expr, bound: Bindings) -> Any:
    if not isinstance(node, ast.Slice):
        return _evaluate(node, bound)
    parts = (node.lower, node.upper, node.step)
    return slice(*[None if part is None else _evaluate(part, bound) for part in parts])
