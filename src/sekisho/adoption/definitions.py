"""The functions of a file as they are written, and what their code says of axes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.shapes import names_in_body
from sekisho.adoption.writes import written_parameters
from sekisho.package import is_hands_off

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Definition", "find_definitions"]

_SPECIAL: Final = frozenset({"__init__", "__call__", "__getitem__", "__iter__", "__next__"})
"""Of Python's protocols, those that are like any other method."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Definition(NamedTuple):
    """A function as it is written.

    Attributes:
        name: as Python qualifies it.
        first: its first line, that of its decorators.
        line: that of ``def``.
        parameters: all of them, ``self`` too.
        star: that of ``*args``; "" if none.
        stars: that of ``**kwargs``; "" if none.
        annotations: what is annotated already, by parameter, and ``return``.
        decorators: their last names.
        is_generator: whether its body yields.
        is_async: whether it is a coroutine, or an asynchronous generator.
        names: what its code calls axes, by parameter and number.
        numbers: the integers that its code mentions.
        writes: the parameters that its code writes into, and the line of the first write.
        why_not: why it is left as it is; "" if it need not be.
    """

    name: str
    first: int
    line: int
    parameters: tuple[str, ...]
    star: str
    stars: str
    annotations: Mapping[str, ast.expr]
    decorators: tuple[str, ...]
    is_generator: bool
    is_async: bool
    names: Mapping[tuple[str, int], str]
    numbers: frozenset[int]
    writes: Mapping[str, int]
    why_not: str


def find_definitions(tree: ast.Module) -> Iterator[Definition]:
    """All functions of a module, in the order of their lines."""
    yield from _walk(tree.body, "", inside=False)


def _walk(body: list[ast.stmt], prefix: str, *, inside: bool) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _walk(node.body, f"{prefix}{node.name}.", inside=inside)
        elif isinstance(node, _Function):
            yield _define(node, f"{prefix}{node.name}", inside=inside)
            yield from _walk(node.body, f"{prefix}{node.name}.<locals>.", inside=True)
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _walk(getattr(node, field, []), prefix, inside=inside)
            for handler in getattr(node, "handlers", ()):
                yield from _walk(handler.body, prefix, inside=inside)


def _define(node: _Function, name: str, *, inside: bool) -> Definition:
    args = node.args
    every = [*args.posonlyargs, *args.args, *([args.vararg] if args.vararg else [])]
    every += [*args.kwonlyargs, *([args.kwarg] if args.kwarg else [])]
    annotations = {each.arg: each.annotation for each in every if each.annotation is not None}
    if node.returns is not None:
        annotations["return"] = node.returns
    parameters = tuple([each.arg for each in every])
    names, numbers = names_in_body(node, frozenset(parameters))
    return Definition(
        name,
        min([node.lineno, *(each.lineno for each in node.decorator_list)]),
        node.lineno,
        parameters,
        args.vararg.arg if args.vararg else "",
        args.kwarg.arg if args.kwarg else "",
        annotations,
        tuple([_last_name(each) for each in node.decorator_list]),
        any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in _own_nodes(node)),
        isinstance(node, ast.AsyncFunctionDef),
        names,
        numbers,
        written_parameters(node, frozenset(parameters)),
        _why_not(node, inside=inside),
    )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What a function consists of, without the functions inside of it."""
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, (*_Function.__args__, ast.Lambda)):
            yield each
            yield from _own_nodes(each)


def _why_not(node: _Function, *, inside: bool) -> str:
    if inside:
        return "inside of a function: it would be guarded anew at each call"
    if is_hands_off(node):
        return "its decorators compile its source, or say that it is not to be guarded"
    if node.name.startswith("__") and node.name.endswith("__") and node.name not in _SPECIAL:
        return "a special method"
    return ""


def _last_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
