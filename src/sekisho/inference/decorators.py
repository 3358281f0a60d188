"""Decide which decorators are transparent: the function's signature still holds under them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.code import without_call
from sekisho.inference.program import split
from sekisho.inference.value_types import CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.code import Entry, Expr
    from sekisho.inference.frame import Frame
    from sekisho.inference.program import Program

__all__ = [
    "find_decorators",
    "gives_back",
    "is_fixture",
    "is_transparent",
    "passes_on",
    "transparency_fact",
]

_KNOWN: Final = frozenset(
    {
        *("abc", "atexit", "beartype", "builtins", "contextlib", "dataclasses", "functools"),
        *("jaxtyping", "pytest", "sekisho", "typeguard", "typing", "typing_extensions"),
    }
)
"""Packages whose decorators keep the signature of a function."""

_CHANGING: Final = frozenset({"partial", "partialmethod", "reduce", "vmap"})
"""Functions of these packages that do not keep it."""

_ACCESSORS: Final = frozenset({"setter", "getter", "deleter", "register"})
_DEFS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def transparency_fact(function: str) -> str:
    """Return the key of the fact that says whether one of the project's decorators is transparent."""
    return f"d {function}"


def is_transparent(frame: Frame, key: str, decorators: Sequence[Expr]) -> bool:
    """Return whether a function's signature still holds under all of its decorators.

    Args:
        frame: the frame of the caller.
        key: the module that contains the function.
        decorators: its decorators as expressions.
    """
    return all(_is_transparent(frame, key, each) for each in decorators)


def has_own_decorator(frame: Frame, decorators: Iterable[Expr]) -> bool:
    """Return whether a function of the project is one of the decorators of the unit that is read."""
    for each in map(without_call, decorators):
        if isinstance(each, str):
            match frame.program.dotted(frame.key, each):
                case ("function" | "class", name) if frame.program.is_own(name):
                    return True
                case _:
                    pass
    return False


def _is_transparent(frame: Frame, key: str, decorator: Expr) -> bool:
    name = without_call(decorator)
    if not isinstance(name, str):
        return False
    first, _, rest = name.partition(".")
    last = name.rpartition(".")[2]
    if last in _CHANGING:
        return False
    if rest in _ACCESSORS:
        return True
    match frame.program.dotted(key, name):
        case ("function", function) if frame.program.is_own(function):
            return frame.fact(transparency_fact(function)) != CONSTANTS[False]
        case ("function" | "class", identifier):
            return _is_known(frame, split(identifier)[0])
        case _:
            pass
    table = frame.program.table(key)
    entry = table.names.get(first) if table is not None else None
    # pytest.mark.parametrize, torch.jit.script: names that the tables do not have
    return entry is not None and entry[0] == "import" and _is_known(frame, entry[1])


def _is_known(frame: Frame, module: str) -> bool:
    """Return whether the decorators of a module are known to be transparent."""
    package = module.partition(".")[0]
    world = frame.knowledge.worlds.get(package)
    return package in _KNOWN or (world is not None and world.supplement.decorates)


def gives_back(frame: Frame, key: str, decorators: Sequence[Expr]) -> bool:
    """Return whether a guard of sekisho converts the result: ``returns="caller"``."""
    return any(
        isinstance(each, tuple)
        and each[0] == "call"
        and any(word == "returns" for word, _ in each[3])
        and frame.knowledge.own_name(key, each) != ""
        for each in decorators
    )


def is_fixture(entry: Entry) -> bool:
    """Return whether a function is a pytest fixture."""
    match entry:
        case ("def", (*_, (_, _, written, _))):
            decorators = map(without_call, written)
            return any(isinstance(each, str) and each.endswith("fixture") for each in decorators)
        case _:
            return False


def find_decorators(program: Program) -> set[str]:
    """Return the project's own functions that are used as decorators anywhere in it."""
    found: set[str] = set()
    for key in program.files:
        table = program.table(key)
        for name in _written(table.names.values() if table is not None else ()):
            value = program.dotted(key, name)
            if value[0] == "function" and program.is_own(value[1]):
                found.add(value[1])
    return found


def _written(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry[0] == "class":
            yield from _written(entry[2].values())
        for _, _, decorators, _ in entry[1] if entry[0] == "def" else ():
            for each in decorators:
                name = without_call(each)
                if isinstance(name, str):
                    yield name


def passes_on(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a decorator returns its function, or one that passes all arguments through.

    A factory of decorators does if the decorator inside it does.
    """
    inner = {each.name: each for each in node.body if isinstance(each, _DEFS)}
    returned = [each.value for each in _own_nodes(node) if isinstance(each, ast.Return)]
    if not returned:
        return False
    args = [*node.args.posonlyargs, *node.args.args]
    decorated = args[0].arg if args else ""
    for each in returned:
        name = each.id if isinstance(each, ast.Name) else ""
        # the function itself is returned
        if name == decorated and name:
            continue
        if name not in inner:
            return False
        if not (_hands_on(inner[name], decorated) or passes_on(inner[name])):
            return False
    return True


def _hands_on(wrapper: ast.FunctionDef | ast.AsyncFunctionDef, decorated: str) -> bool:
    """Return whether a wrapper passes its arguments to another function, and returns the result."""
    args = wrapper.args
    # only `*args, **kwargs` pass every call through unchanged
    if args.vararg is None or args.kwarg is None or args.kwonlyargs:
        return False
    wanted = [each.arg for each in (*args.posonlyargs, *args.args)]
    names = {*wanted, args.vararg.arg, args.kwarg.arg}
    held: set[str] = set()
    for each in _own_nodes(wrapper):
        if isinstance(each, ast.Name) and each.id in names and not isinstance(each.ctx, ast.Load):
            return False
        if isinstance(each, ast.Assign) and _is_call_of(each.value, decorated, wanted, args):
            held |= {target.id for target in each.targets if isinstance(target, ast.Name)}
        if (
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Name)
            and each.func.id == decorated
            and not _is_call_of(each, decorated, wanted, args)
        ):
            return False
    bound = [
        each.id
        for each in _own_nodes(wrapper)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    returned = [each.value for each in _own_nodes(wrapper) if isinstance(each, ast.Return)]
    return bool(returned) and all(
        _is_call_of(each, decorated, wanted, args)
        or (isinstance(each, ast.Name) and each.id in held and bound.count(each.id) == 1)
        for each in returned
    )


def _is_call_of(
    node: ast.expr | None, decorated: str, wanted: list[str], args: ast.arguments
) -> bool:
    """Return whether an expression is ``decorated(self, *args, **kwargs)``, with or without await."""
    call = node.value if isinstance(node, ast.Await) else node
    if not (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == decorated
        and args.vararg is not None
        and args.kwarg is not None
    ):
        return False
    given = [each.id if isinstance(each, ast.Name) else "" for each in call.args[: len(wanted)]]
    rest = call.args[len(wanted) :]
    return (
        given == wanted
        and len(rest) == len(call.keywords) == 1
        and isinstance(rest[0], ast.Starred)
        and getattr(rest[0].value, "id", "") == args.vararg.arg
        and call.keywords[0].arg is None
        and getattr(call.keywords[0].value, "id", "") == args.kwarg.arg
    )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions inside it."""
    for each in ast.iter_child_nodes(node):
        yield each
        if not isinstance(each, (*_DEFS, ast.Lambda, ast.ClassDef)):
            yield from _own_nodes(each)
