"""Find what a function asks of its arguments: whether they are arrays, and which library made them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeGuard

from sekisho.adoption.requirements import parts_of, required
from sekisho.adoption.returns import own_nodes
from sekisho.worlds import world_names

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["asked_for_namespace", "asked_which_library", "insisted_on", "left_open", "unions_in"]

_ASKS_NAMESPACE: Final = re.compile(r"\w*namespace")
"""Functions that return the library of an array: the code is for several."""

_ASKS: Final = re.compile(
    r"isinstance|issubclass|hasattr|callable|type|isscalar"
    r"|_?is_?(tensor|array|ndarray|np|list|tuple|str|dict|scalar|numeric|number"
    rf"|sparse|sequence|iterable|pandas|dataframe|{'|'.join(world_names())})\w*"
)
"""Functions that test what a value is."""

_MAKES: Final = re.compile(
    r"as_?(any)?array|array|as_?(contiguous|fortran)array|(as_)?tensor|atleast_\dd|check_array\w*"
    rf"|(convert_)?to_(tensor|array|{'|'.join(world_names())})"
)
"""Functions that convert any value to an array."""

_PLAIN_CLASSES: Final = frozenset(
    {"bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "dict", "set"}
)
_LIKE_ARRAYS: Final = re.compile(
    rf"array|tensor|matrix|parameter|variable|tracer|type|{'|'.join(world_names())}", re.IGNORECASE
)
"""Words in names of classes that may be a library's arrays, or several libraries'."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def left_open(
    node: _Function, parameters: frozenset[str], asked: set[int]
) -> Iterator[tuple[str, int]]:
    """Yield the parameters whose class the code tests, or that it converts to an array."""
    found: dict[str, int] = {}
    for each in _walk_without(node, asked):
        for name in _asked_by(each):
            if name in parameters:
                found.setdefault(name, getattr(each, "lineno", node.lineno))
    yield from found.items()


def _walk_without(node: ast.AST, left_out: set[int]) -> Iterator[ast.AST]:
    for each in ast.iter_child_nodes(node):
        if id(each) not in left_out:
            yield each
            yield from _walk_without(each, left_out)


def _asked_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Name(id=x), *_]):
            if _ASKS.fullmatch(name) or _MAKES.fullmatch(name):
                yield x
        case ast.Compare(left=ast.Name(id=x), comparators=[other]):
            if any(
                # comparing an array with a text or a bool shows that it may be something else
                isinstance(each, ast.Constant) and type(each.value) in {str, bool}
                for each in ast.walk(other)
            ):
                yield x
        case ast.Match(subject=ast.Name(id=x)):
            yield x
        case _:
            pass


def asked_which_library(node: _Function, asked: set[int]) -> Iterator[str]:
    """The parameters that are asked more than whether they are a list, a number, a string or an operator."""
    for each in _walk_without(node, asked):
        match each:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.expr() as classes]) if all(
                map(_is_no_array_class, _parts_of(classes))
            ):
                pass
            case ast.Compare() | ast.Call(func=ast.Name(id="callable")):
                pass
            case _:
                yield from _asked_by(each)


def asked_for_namespace(node: _Function) -> Iterator[str]:
    """Yield the arguments whose library's functions are asked for."""
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments) if (
                _ASKS_NAMESPACE.fullmatch(name)
            ):
                yield from (part.id for part in arguments if isinstance(part, ast.Name))
            case _:
                pass


def _parts_of(classes: ast.expr) -> list[ast.expr]:
    match classes:
        case ast.Tuple(elts=parts):
            return [inner for part in parts for inner in _parts_of(part)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_parts_of(left), *_parts_of(right)]
        case _:
            return [classes]


def _is_no_array_class(node: ast.expr) -> bool:
    """Whether a class has the name of one that no library's arrays are of: a constant may hold any classes."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    is_class = re.fullmatch(r"_*[A-Z]\w*[a-z]\w*", name) is not None
    return name in _PLAIN_CLASSES or (is_class and not _LIKE_ARRAYS.search(name))


def insisted_on(node: _Function) -> set[int]:
    """Return the tests for a class that every call passes, by the identity of their nodes.

    They are ``if not isinstance(x, C): raise``, and those of blocks before it that return: a call that
    leaves by ``if isinstance(x, C) and ...: return`` has passed the test, too.
    """
    found: set[int] = set()
    ways: list[dict[str, int]] = []
    stored: set[str] = set()
    for statement in node.body:
        own = [statement, *own_nodes(statement)]
        returns = any(isinstance(each, ast.Return) for each in own)
        for test in required(statement) if isinstance(statement, ast.If) else ():
            tested = _refused_class(test)
            if tested and tested.partition(" ")[0] not in stored and all(tested in w for w in ways):
                found |= {id(test), *(way[tested] for way in ways)}
        stored |= {each.id for each in own if _is_stored(each)}
        if returns:
            match statement:
                case ast.If(test=test, body=[*_, ast.Return()], orelse=[]):
                    tests = {_class_test(part): id(part) for part in parts_of(test, ast.And)}
                    ways.append({name: at for name, at in tests.items() if name})
                case _:
                    break
    return found


def _refused_class(test: ast.expr) -> str:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=asked):
            return _class_test(asked)
        case _:
            return ""


def _class_test(test: ast.expr) -> str:
    """Return the argument and the class of ``isinstance(x, C)``; "" for other tests."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), cls]):
            return f"{name} {ast.unparse(cls)}"
        case _:
            return ""


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def unions_in(
    node: _Function, parameters: frozenset[str], asked: set[int]
) -> dict[str, tuple[str, ...]]:
    """Return the classes that an argument may be beside an array, as the code writes them.

    They are known where the code asks of the argument only whether it is of a class by name.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for each in _walk_without(node, asked):
        match each:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.expr() as classes]):
                parts = _parts_of(classes)
                others = [*map(ast.unparse, parts)]
                is_known = all(map(_is_no_array_class, parts))
                is_known = is_known and _PLAIN_CLASSES.isdisjoint(others)
            case _:
                others, is_known = [], False
        for name in _asked_by(each):
            found[name] += others if is_known else [""]
    return {
        name: tuple(dict.fromkeys(classes))
        for name, classes in found.items()
        if name in parameters and "" not in classes
    }
