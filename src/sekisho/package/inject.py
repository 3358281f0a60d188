"""Decorators put into a module's syntax tree, where its author could have written them.

The decorator of a function is its innermost, so that whatever its author's decorators register or
wrap is guarded, and the annotations are those in the text. Functions inside of functions are not
decorated: they would be guarded anew at each call; their enclosing body is watched.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.package.table import Entry, Table

__all__ = ["GUARD", "GUARD_CLASS", "inject", "is_hands_off", "typed_imports"]

GUARD: Final = "__sekisho_guard__"
GUARD_CLASS: Final = "__sekisho_guard_class__"

_Function = ast.FunctionDef | ast.AsyncFunctionDef

# Whoever uses these has said that the function is not to be touched, or compiles its source.
_HANDS_OFF: Final = frozenset(
    [
        "no_type_check",
        "unguarded",
        "overload",
        "script",
        "script_method",
        "script_if_tracing",
        "ignore",
        "unused",
        "export",
        "jit",
        "njit",
        "vectorize",
        "guvectorize",
        "cfunc",
        "stencil",
    ]
)
# Of Python's protocols, what has annotations; but __init__ is where modules and records are made.
_INIT: Final = "__init__"


def inject(tree: ast.Module, module: str, table: Table) -> list[str]:
    """Decorate the functions and classes of a module, in place.

    Returns:
        The dotted names of all that the module defines, for the table to be checked against.
    """
    injector = _Injector(module, table)
    injector.visit(tree)
    return injector.names


def typed_imports(tree: ast.Module, package: str) -> dict[str, tuple[str, str | None]]:
    """What a module imports under ``if TYPE_CHECKING:``: each name, its module, its name there.

    Such names are in the annotations, and nowhere when the program runs. `package` is what relative
    imports start from.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for branch in _statements(tree):
        if isinstance(branch, ast.If) and _asks_for_type_checking(branch.test):
            for node in branch.body:
                if isinstance(node, ast.ImportFrom):
                    origin = _absolute(node, package)
                    found |= {each.asname or each.name: (origin, each.name) for each in node.names}
                elif isinstance(node, ast.Import):
                    found |= {
                        each.asname or each.name.partition(".")[0]: (
                            each.name if each.asname else each.name.partition(".")[0],
                            None,
                        )
                        for each in node.names
                    }
    return found


def _statements(node: ast.AST) -> Iterator[ast.stmt | ast.excepthandler]:
    """The statements inside of a node, at any depth: a tenth of its nodes."""
    for field in ("body", "handlers", "orelse", "finalbody"):
        for each in getattr(node, field, ()):
            yield each
            yield from _statements(each)


def _asks_for_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


class _Injector(ast.NodeVisitor):
    def __init__(self, module: str, table: Table) -> None:
        self.path = [module]
        self.table = table
        self.names: list[str] = []

    def entry(self, name: str) -> Entry | None:
        self.names.append(".".join([*self.path, name]))
        return self.table.find(self.names[-1])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        entry = self.entry(node.name)
        if is_hands_off(node):
            return
        self.path.append(node.name)
        for each in node.body:
            self.visit(each)
        self.path.pop()
        if entry != "unguarded" and any(isinstance(each, ast.AnnAssign) for each in node.body):
            # A dataclass or its like. Outermost: its __init__ is made by a decorator.
            node.decorator_list.insert(0, _call(GUARD_CLASS, entry, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_function(node)

    def visit_function(self, node: _Function) -> None:
        entry = self.entry(node.name)
        if entry == "unguarded" or is_hands_off(node):
            return
        is_special = node.name.startswith("__") and node.name.endswith("__")
        needs_annotation = entry in {None, "boundary"} or (is_special and node.name != _INIT)
        if needs_annotation and not _is_annotated(node):
            return
        node.decorator_list.append(_call(GUARD, entry, node))


def _call(name: str, entry: Entry | None, at: _Function | ast.ClassDef) -> ast.Call:
    decorator = ast.Call(ast.Name(name, ast.Load()), [ast.Constant(entry)], [])
    return ast.fix_missing_locations(ast.copy_location(decorator, at))


def is_hands_off(node: _Function | ast.ClassDef) -> bool:
    """Whether a decorator says that something is not to be guarded, or compiles its source."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
        if name in _HANDS_OFF:
            return True
    return False


def _is_annotated(node: _Function) -> bool:
    a = node.args
    parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    return node.returns is not None or any(each and each.annotation for each in parameters)
