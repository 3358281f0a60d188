"""The functions of a file as they are written, and what their code says of axes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.bodies import Body, read_body
from sekisho.adoption.libraries import Libraries
from sekisho.adoption.returns import own_nodes
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
        body: what its code says.
        flags: the parameters whose default is True or False.
        libraries: the worlds whose libraries it uses, or its class extends.
        handed: the parameters that it passes to a library which makes no arrays of lists.
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
    body: Body
    flags: frozenset[str]
    libraries: frozenset[str]
    handed: frozenset[str]
    writes: Mapping[str, int]
    why_not: str


class _Scope(NamedTuple):
    """Where functions are written.

    Attributes:
        prefix: of their qualified names.
        cls: the class.
        libraries: what the names in the module say of array libraries.
        used: those that have the classes which the class extends.
        is_function: whether it is the body of a function.
    """

    prefix: str
    cls: ast.ClassDef | None
    libraries: Libraries
    used: frozenset[str]
    is_function: bool = False


def find_definitions(
    tree: ast.Module, telling: Mapping[str, str] | None = None
) -> Iterator[Definition]:
    """All functions of a module, in the order of their lines.

    Args:
        tree: the module.
        telling: the attributes that the arrays of one world alone have, and whose.
    """
    libraries = Libraries(tree, telling or {})
    yield from _walk(tree.body, _Scope("", None, libraries, frozenset()))


def _walk(body: list[ast.stmt], scope: _Scope) -> Iterator[Definition]:
    prefix = scope.prefix
    for node in body:
        if isinstance(node, ast.ClassDef):
            # A method may be of any library unless what its class extends is of one.
            used = frozenset[str]().union(*map(scope.libraries.used_by, node.bases))
            inner = scope._replace(prefix=f"{prefix}{node.name}.", cls=node, used=used)
            yield from _walk(node.body, inner)
        elif isinstance(node, _Function):
            yield _define(node, scope)
            inner = scope._replace(
                prefix=f"{prefix}{node.name}.<locals>.", cls=None, is_function=True
            )
            yield from _walk(node.body, inner)
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _walk(getattr(node, field, []), scope)
            for handler in getattr(node, "handlers", ()):
                yield from _walk(handler.body, scope)


def _define(node: _Function, scope: _Scope) -> Definition:
    args = node.args
    every = [*args.posonlyargs, *args.args, *([args.vararg] if args.vararg else [])]
    every += [*args.kwonlyargs, *([args.kwarg] if args.kwarg else [])]
    annotations = {each.arg: each.annotation for each in every if each.annotation is not None}
    if node.returns is not None:
        annotations["return"] = node.returns
    parameters = tuple([each.arg for each in every])
    return Definition(
        f"{scope.prefix}{node.name}",
        min([node.lineno, *(each.lineno for each in node.decorator_list)]),
        node.lineno,
        parameters,
        args.vararg.arg if args.vararg else "",
        args.kwarg.arg if args.kwarg else "",
        annotations,
        tuple([_last_name(each) for each in node.decorator_list]),
        any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in own_nodes(node)),
        isinstance(node, ast.AsyncFunctionDef),
        read_body(node, frozenset(parameters), scope.cls),
        frozenset(_flags(args)),
        scope.libraries.used_by(node) or scope.used,
        scope.libraries.passed_in(node) & frozenset(parameters),
        written_parameters(node, frozenset(parameters)),
        _why_not(node, inside=scope.is_function),
    )


def _flags(args: ast.arguments) -> Iterator[str]:
    plain = [*args.posonlyargs, *args.args]
    pairs = [*zip(plain[len(plain) - len(args.defaults) :], args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    for each, default in pairs:
        if isinstance(default, ast.Constant) and type(default.value) is bool:
            yield each.arg


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
