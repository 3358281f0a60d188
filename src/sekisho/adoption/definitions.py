"""The functions of a file as they are written, and what their code says of axes."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.bodies import Body, read_body
from sekisho.adoption.libraries import Libraries
from sekisho.adoption.names import last_name
from sekisho.adoption.returns import own_nodes
from sekisho.package import is_hands_off
from sekisho.utils import written_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Definition", "find_definitions"]

_SPECIAL: Final = frozenset({"__init__", "__call__", "__getitem__", "__iter__", "__next__"})
"""Special methods that are treated like any other method."""

_TYPE_COMMENT: Final = re.compile(r"#\s*type:(?!\s*ignore\b)")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Definition(NamedTuple):
    """A function as it is written.

    Attributes:
        name: its qualified name.
        first: its first line, including decorators.
        line: the line of its ``def``.
        parameters: the names of all parameters, including ``self``.
        star: the name of ``*args``; "" if there is none.
        stars: the name of ``**kwargs``; "" if there is none.
        annotations: its existing annotations, by parameter and ``return``.
        decorators: the last part of each decorator's name.
        is_generator: whether its body yields.
        is_async: whether it is a coroutine, or an asynchronous generator.
        body: what its code says.
        libraries: the worlds whose libraries it uses, or its class extends.
        handed: the parameters that it passes to a library that does not turn lists into arrays.
        writes: the parameters that its code writes into, and the lines of the writes.
        why_not: why it is left as it is; "" if it may be edited.
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
    libraries: frozenset[str]
    handed: frozenset[str]
    writes: Mapping[str, list[int]]
    why_not: str


class _Scope(NamedTuple):
    """The scope in which functions are defined.

    Attributes:
        prefix: the prefix of their qualified names.
        cls: their class.
        libraries: the array libraries that the module uses.
        used: the worlds whose classes the class extends.
        comments: the lines of the module that have a type comment.
        is_function: whether it is the body of a function.
    """

    prefix: str
    cls: ast.ClassDef | None
    libraries: Libraries
    used: frozenset[str]
    comments: frozenset[int]
    is_function: bool = False


def find_definitions(
    tree: ast.Module, telling: Mapping[str, str] | None = None, text: str = ""
) -> Iterator[Definition]:
    """Yield all functions of a module, in the order of their lines.

    Args:
        tree: the module.
        telling: the attributes that only arrays of one world have, and that world.
        text: the module's source, for its comments.
    """
    libraries = Libraries(tree, telling or {})
    found = [*_walk(tree.body, _Scope("", None, libraries, frozenset(), _type_comments(text)))]
    # overloads declare what the implementation accepts, so it gets no contract of its own
    marks = _names_of_overload(tree)
    overloads = {each.name: each.line for each in found if not marks.isdisjoint(each.decorators)}
    for each in found:
        line = overloads.get(each.name)
        why = f"it has overloads, the last one in line {line}: they say what it accepts"
        yield each if line is None or each.why_not else each._replace(why_not=why)


def _names_of_overload(tree: ast.Module) -> set[str]:
    """Return the names that the module uses for ``typing.overload``."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    names = (each for node in imports for each in node.names)
    return {"overload", *(each.asname for each in names if each.name == "overload" and each.asname)}


def _type_comments(text: str) -> frozenset[int]:
    """Return the lines with a type comment. `ast` cannot parse files with one in an unusual place."""
    if "type:" not in text:
        return frozenset()
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO(text).readline)]
    except (tokenize.TokenError, SyntaxError):
        return frozenset()
    return frozenset(
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT and _TYPE_COMMENT.match(token.string)
    )


def _walk(body: list[ast.stmt], scope: _Scope) -> Iterator[Definition]:
    prefix = scope.prefix
    for node in body:
        if isinstance(node, ast.ClassDef):
            # A method may work with any library, unless its class extends a class of one.
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
        read_body(node, frozenset(parameters), scope.cls, scope.libraries.imported.keys()),
        scope.libraries.used_by(node) or scope.used,
        scope.libraries.passed_in(node) & frozenset(parameters),
        written_parameters(node, parameters),
        _why_not(node, scope),
    )


def _why_not(node: _Function, scope: _Scope) -> str:
    if scope.is_function:
        return "inside of a function: it would be guarded anew at each call"
    if is_hands_off(node):
        return "its decorators compile its source, or say that it is not to be guarded"
    if node.name.startswith("__") and node.name.endswith("__") and node.name not in _SPECIAL:
        return "a special method"
    # If the colon ends the line, the comment has its own line before the body.
    header = range(node.lineno, max(node.body[0].lineno, node.lineno + 1))
    line = next((line for line in header if line in scope.comments), None)
    return "" if line is None else f"its types are in a comment, in line {line}"


def _last_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return last_name(called)
