"""A module as a table: its names, and what is written about each.

A table holds what an import would provide, without importing. It says for each name whether it is a
function with these parameters and annotations, a class with these members, or an import. Stubs,
sources of libraries and sources of a project are treated the same. A table consists of tuples,
strings and dicts, so that `marshal` can store it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from sekisho.code.generics import name_type_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import EllipsisType

__all__ = [
    "Entry",
    "Expr",
    "Parameter",
    "Signature",
    "Table",
    "constant_in",
    "text_in",
    "lower",
    "lower_expr",
    "lower_signature",
    "without_call",
]

ConstantExpr = tuple[Literal["const"], "str | int | float | EllipsisType | None"]
"""The value of a constant."""

SubscriptExpr = tuple[Literal["[]"], "Expr", tuple["Expr", ...]]
"""What is subscripted, and the items in the brackets."""

UnionExpr = tuple[Literal["|"], "Expr", "Expr"]
"""Both operands of ``|``."""

SequenceExpr = tuple[Literal["()"], tuple["Expr", ...]]
"""The items of a tuple or a list."""

CallExpr = tuple[Literal["call"], "Expr", tuple["Expr", ...], tuple[tuple[str | None, "Expr"], ...]]
"""The function, its arguments, and its keywords with their values; None is the keyword of ``**``."""

TextExpr = tuple[Literal["text"], str]
"""The first line of a text that is made from a longer one: by ``+``, or by its method ``format``."""

StarredExpr = tuple[Literal["*"], "Expr"]
"""What is unpacked."""

Expr: TypeAlias = "str | ConstantExpr | SubscriptExpr | UnionExpr | SequenceExpr | CallExpr | TextExpr | StarredExpr | None"
"""An expression reduced to its shape: a dotted name as a string; None for all other expressions."""

Parameter = tuple[str, str, bool, Expr]
"""Name; ``"/"``, ``"a"``, ``"*"``, ``"k"`` or ``"**"``; whether it has a default; its annotation."""

Signature = tuple[tuple[Parameter, ...], Expr, tuple[Expr, ...], bool]
"""Parameters, return annotation, decorators, whether it is asynchronous."""

ImportEntry = tuple[Literal["import"], str, str | None]
"""The module, and the name in it; None for the module itself."""

DefEntry = tuple[Literal["def"], tuple[Signature, ...]]
"""The signatures: several if there are overloads."""

ClassEntry = tuple[Literal["class"], tuple[Expr, ...], dict[str, "Entry"], tuple[Expr, ...]]
"""Bases, members and decorators."""

VariableEntry = tuple[Literal["var"], Expr, Expr]
"""Annotation and value."""

Entry: TypeAlias = ImportEntry | DefEntry | ClassEntry | VariableEntry
"""What is written about a name. It holds no line numbers, so editing a body does not change the table."""


class Table(NamedTuple):
    """The names of a module.

    Attributes:
        names: the entry of each name.
        stars: the modules with a ``from ... import *``.
        exported: ``__all__``, if it is written out.
    """

    names: dict[str, Entry]
    stars: list[str]
    exported: list[str] | None


_MAX_DEPTH: Final = 40


def lower(tree: ast.Module, module: str, *, is_package: bool) -> Table:
    """Make the table of a module; `module` is the name by which it is imported."""
    table = Table({}, [], None)
    package = module if is_package else module.rpartition(".")[0]
    exported: list[str] = []
    variables = list(name_type_parameters(tree))
    _statements(tree.body, table.names, table, package, exported, keeps=False)
    table.names.update({name: ("var", None, lower_expr(each)) for name, each in variables})
    return table._replace(exported=exported or None)


def _statements(
    body: Sequence[ast.stmt],
    names: dict[str, Entry],
    table: Table | None,
    package: str,
    exported: list[str],
    *,
    keeps: bool,
) -> None:
    """Put what statements bind into `names`; with `keeps`, existing entries stay."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                _define(node, names, keeps=keeps)
            case ast.ClassDef():
                _put(names, node.name, _lower_class(node, package), keeps=keeps)
            case ast.Import():
                for alias in node.names:
                    name, module = alias.asname, alias.name
                    if name is None:
                        name = module = alias.name.partition(".")[0]
                    _put(names, name, ("import", module, None), keeps=keeps)
            case ast.ImportFrom():
                _import_from(node, names, table, package, keeps=keeps)
            case ast.AnnAssign(target=ast.Name(id=name)):
                annotation, value = lower_expr(node.annotation), lower_expr(node.value)
                _put(names, name, ("var", annotation, value), keeps=keeps)
            case ast.Assign():
                _assign(node, names, exported, keeps=keeps)
            case ast.AugAssign(target=ast.Name(id="__all__")):
                exported += _strings(node.value)
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While() | ast.TryStar():
                _blocks(node, names, table, package, exported, keeps=keeps)
            case _ if node.__class__ is _TYPE_ALIAS:
                name, value = _alias(node)
                _put(names, name, ("var", None, value), keeps=keeps)
            case _:
                pass


def _alias(node: Any) -> tuple[str, Expr]:
    """Return name and value of ``type Name = value``."""
    return node.name.id, lower_expr(node.value)


_TYPE_ALIAS: Final = getattr(ast, "TypeAlias", None)  # since Python 3.12
_Block: TypeAlias = ast.If | ast.Try | ast.With | ast.For | ast.While | ast.TryStar


def _blocks(
    node: _Block,
    names: dict[str, Entry],
    table: Table | None,
    package: str,
    exported: list[str],
    *,
    keeps: bool,
) -> None:
    """Collect the names bound in several branches; the first branch that binds a name wins."""
    _statements(node.body, names, table, package, exported, keeps=keeps)
    # so `try: import x` wins over its `except ImportError: x = None`
    others: list[list[ast.stmt]] = [getattr(node, "orelse", []), getattr(node, "finalbody", [])]
    if isinstance(node, (ast.Try, ast.TryStar)):
        others += [handler.body for handler in node.handlers]
    for other in others:
        _statements(other, names, table, package, exported, keeps=True)


def _put(names: dict[str, Entry], name: str, entry: Entry, *, keeps: bool) -> None:
    if not keeps or name not in names:
        names[name] = entry


def _import_from(
    node: ast.ImportFrom, names: dict[str, Entry], table: Table | None, package: str, *, keeps: bool
) -> None:
    module = node.module or ""
    if node.level:
        parts = package.split(".")
        parts = parts[: len(parts) - node.level + 1]
        module = ".".join([*parts, module] if module else parts)
    for alias in node.names:
        if alias.name == "*":
            if table is not None and module not in table.stars:
                table.stars.append(module)
        elif module.startswith("_") and _is_written(names.get(alias.asname or alias.name)):
            continue  # `from _functools import partial`: the same in C, which one cannot read
        else:
            _put(names, alias.asname or alias.name, ("import", module, alias.name), keeps=keeps)


def _is_written(entry: Entry | None) -> bool:
    return entry is not None and entry[0] in {"def", "class"}


def _assign(node: ast.Assign, names: dict[str, Entry], exported: list[str], *, keeps: bool) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            if target.id == "__all__":
                exported += _strings(node.value)
            else:
                _put(names, target.id, ("var", None, lower_expr(node.value)), keeps=keeps)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each in target.elts:
                if isinstance(each, ast.Name):
                    _put(names, each.id, ("var", None, None), keeps=keeps)


def _strings(node: ast.expr) -> list[str]:
    items = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else ()
    return [
        item.value
        for item in items
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]


def _define(
    node: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, Entry], *, keeps: bool
) -> None:
    signature = lower_signature(node)
    # a property's setter has the name of its getter
    accessors = {f"{node.name}.setter", f"{node.name}.deleter"}
    match names.get(node.name):
        case ("def", signatures):
            if not accessors.isdisjoint(signature[2]):
                return  # a setter takes what the property returns, so it adds nothing
            if _is_overload(signatures[-1]):
                if _is_overload(signature):  # else: the implementation, which follows its overloads
                    names[node.name] = ("def", (*signatures, signature))
                return
        case _:
            pass
    _put(names, node.name, ("def", (signature,)), keeps=keeps)


def _is_overload(signature: Signature) -> bool:
    _, _, decorators, _ = signature
    return any(
        isinstance(each, str) and each.rpartition(".")[2] == "overload" for each in decorators
    )


def lower_signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Signature:
    """Return the signature of a function."""
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    first_default = len(plain) - len(args.defaults)
    found: list[Parameter] = [
        (
            arg.arg,
            "/" if index < len(args.posonlyargs) else "a",
            index >= first_default,
            lower_expr(arg.annotation),
        )
        for index, arg in enumerate(plain)
    ]
    if args.vararg is not None:
        found.append((args.vararg.arg, "*", True, lower_expr(args.vararg.annotation)))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append((arg.arg, "k", default is not None, lower_expr(arg.annotation)))
    if args.kwarg is not None:
        found.append((args.kwarg.arg, "**", True, lower_expr(args.kwarg.annotation)))
    if isinstance(node, ast.Lambda):
        return tuple(found), None, (), False
    decorators = tuple(lower_expr(each) for each in node.decorator_list)
    is_async = isinstance(node, ast.AsyncFunctionDef)
    return tuple(found), lower_expr(node.returns), decorators, is_async


def _lower_class(node: ast.ClassDef, package: str) -> Entry:
    members: dict[str, Entry] = {}
    _statements(node.body, members, None, package, [], keeps=False)
    bases = tuple(lower_expr(each) for each in node.bases)
    decorators = tuple(lower_expr(each) for each in node.decorator_list)
    return ("class", bases, members, decorators)


def without_call(expr: Expr) -> Expr:
    """Return what is called if an expression is a call, as decorators may be; else the expression."""
    match expr:
        case ("call", function, _, _):
            return function
        case _:
            return expr


def constant_in(expr: Expr) -> object:
    """Return the value of a constant; None for other expressions, too."""
    match expr:
        case ("const", value):
            return value
        case _:
            return None


def text_in(expr: Expr) -> str:
    """Return a constant text, or the first line of one that is made; "" for other expressions."""
    match expr:
        case ("const" | "text", str(text)):
            return text
        case _:
            return ""


def lower_expr(node: ast.expr | None, depth: int = 0) -> Expr:
    """Return an expression as `Expr`."""
    if isinstance(node, ast.Name):
        return node.id
    if node is None or depth > _MAX_DEPTH:
        return None
    lowered = _LOWERINGS.get(type(node))
    return None if lowered is None else lowered(node, depth + 1)


def _attribute(node: ast.Attribute, depth: int) -> Expr:
    inner = lower_expr(node.value, depth)
    return f"{inner}.{node.attr}" if isinstance(inner, str) else None


def _subscript(node: ast.Subscript, depth: int) -> Expr:
    base = lower_expr(node.value, depth)
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return ("[]", base, tuple(lower_expr(each, depth) for each in items))


def _bin_op(node: ast.BinOp, depth: int) -> Expr:
    if isinstance(node.op, ast.BitOr):
        return ("|", lower_expr(node.left, depth), lower_expr(node.right, depth))
    return _made_text(node.left, depth) if isinstance(node.op, ast.Add) else None


def _made_text(start: ast.expr, depth: int) -> Expr:
    text = text_in(lower_expr(start, depth)).strip()
    return ("text", text.partition("\n")[0]) if text else None


def _sequence(node: ast.Tuple | ast.List, depth: int) -> Expr:
    return ("()", tuple(lower_expr(each, depth) for each in node.elts))


def _call(node: ast.Call, depth: int) -> Expr:
    function = lower_expr(node.func, depth)
    if function is None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return _made_text(node.func.value, depth)
        return None
    args = tuple(lower_expr(each, depth) for each in node.args)
    keywords = tuple((each.arg, lower_expr(each.value, depth)) for each in node.keywords)
    return ("call", function, args, keywords)


def _constant(node: ast.Constant, _depth: int) -> Expr:
    value = node.value
    # Not bytes and complex numbers.
    return None if isinstance(value, (bytes, complex)) else ("const", value)


def _starred(node: ast.Starred, depth: int) -> Expr:
    return "*", lower_expr(node.value, depth)


_LOWERINGS: Final[dict[type, Callable[[Any, int], Expr]]] = {
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Subscript: _subscript,
    ast.BinOp: _bin_op,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Call: _call,
    ast.Starred: _starred,
}
