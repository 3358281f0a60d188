"""Insert decorators into a module's syntax tree, where its author could have written them.

A function's guard is its innermost decorator, so that the author's decorators register or wrap the
guard, and the annotations are those in the source. Nested functions are not decorated, since they
would be guarded again at each call; the monitor of the enclosing body covers them.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.utils import CHECK_LOCAL, annotate_locals, may_hold_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.package.table import Entry, Table

__all__ = [
    "GUARD",
    "GUARD_CLASS",
    "import_decorators",
    "inject",
    "is_hands_off",
    "typed_imports",
]

GUARD: Final = "__sekisho_guard__"
GUARD_CLASS: Final = "__sekisho_guard_class__"

_Function = ast.FunctionDef | ast.AsyncFunctionDef

# These decorators say that the function must not be changed, or they compile its source.
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
# These compile a function again from its source, so they need the function rather than its guard.
_CHECKERS: Final = frozenset(["typechecked", "beartype", "jaxtyped"])
# Special methods are only guarded if annotated, except __init__, where modules and records are
# made.
_INIT: Final = "__init__"


def inject(tree: ast.Module, module: str, table: Table) -> list[str]:
    """Decorate the functions and classes of a module, in place.

    Returns:
        The dotted names of everything that the module defines, to validate the table.
    """
    injector = _Injector(module, table)
    injector.visit(tree)
    if injector.has_locals:
        names = [ast.alias("check_local", CHECK_LOCAL)]
        _insert(tree, ast.ImportFrom("sekisho.guard", names, 0))
    return injector.names


def import_decorators(tree: ast.Module) -> None:
    """Insert the import of the decorators into a module, and delete their names at its end."""
    names = [ast.alias("decorator_for", GUARD), ast.alias("class_decorator_for", GUARD_CLASS)]
    if not _insert(tree, ast.ImportFrom("sekisho.package.hook", names, 0)):
        return  # nothing to decorate
    end = ast.Delete([ast.Name(name, ast.Del()) for name in (GUARD, GUARD_CLASS)])
    ast.copy_location(end, tree.body[-1])
    tree.body.append(ast.fix_missing_locations(end))


def _insert(tree: ast.Module, statement: ast.stmt) -> bool:
    """Insert a statement where a module's own code begins; return False if it has none."""
    body = tree.body
    at = next((i for i, each in enumerate(body) if not _stands_first(each)), len(body))
    if at == len(body):
        return False
    body.insert(at, ast.fix_missing_locations(ast.copy_location(statement, body[at])))
    return True


def _stands_first(statement: ast.stmt) -> bool:
    """Return whether a statement must stay first: the docstring, or an import from __future__."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def typed_imports(tree: ast.Module, package: str) -> dict[str, tuple[str, str | None]]:
    """Return a module's imports under ``if TYPE_CHECKING:``: name, module, and name there.

    Annotations use such names, but they do not exist at run time.

    Args:
        tree: the module.
        package: the package that relative imports start from.
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
    """Yield the statements inside a node, at any depth, which are a tenth of its nodes."""
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
        self.later: list[tuple[str, Entry | None]] | None = None
        self.has_locals = False

    def entry(self, name: str) -> Entry | None:
        self.names.append(".".join([*self.path, name]))
        return self.table.find(self.names[-1])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        entry = self.entry(node.name)
        if is_hands_off(node):
            return
        self.path.append(node.name)
        # If a type checker compiles the class's methods again, guard them after it, as for
        # functions.
        outer, self.later = self.later, [] if _checker_in(node.decorator_list) is not None else None
        for each in node.body:
            self.visit(each)
        later, self.later = self.later, outer
        self.path.pop()
        if later:
            pairs = [ast.Tuple([*map(ast.Constant, each)], ast.Load()) for each in later]
            methods = ast.Tuple([*pairs], ast.Load())
            at = _checker_in(node.decorator_list)
            node.decorator_list.insert(at or 0, _call(GUARD_CLASS, entry, node, methods))
        fields = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
        if entry != "unguarded" and self.concern(fields, entry):
            # A dataclass or similar. The guard is outermost, since a decorator makes its __init__.
            node.decorator_list.insert(0, _call(GUARD_CLASS, entry, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_function(node)

    def visit_function(self, node: _Function) -> None:
        entry, decorators = self.entry(node.name), node.decorator_list
        if entry == "unguarded" or is_hands_off(node):
            return
        is_special = node.name.startswith("__") and node.name.endswith("__")
        needs_annotation = entry in {None, "boundary"} or (is_special and node.name != _INIT)
        if needs_annotation and not self.concern(_annotations(node), entry):
            return
        self.has_locals |= annotate_locals(node)
        # A decorator that compiles the function's source again must get the function itself.
        at = _checker_in(decorators)
        if self.later is None:
            decorators.insert(len(decorators) if at is None else at, _call(GUARD, entry, node))
        else:
            self.later.append((node.name, entry))

    def concern(self, annotations: list[ast.expr], entry: Entry | None) -> bool:
        """Return whether annotations need a guard: any in a world, else ones that may be arrays."""
        if entry is not None:
            return bool(annotations)
        return any(may_hold_arrays(each) for each in annotations)


def _call(
    name: str, entry: Entry | None, at: _Function | ast.ClassDef, *more: ast.expr
) -> ast.Call:
    decorator = ast.Call(ast.Name(name, ast.Load()), [ast.Constant(entry), *more], [])
    # A function begins at its first decorator, and typeguard looks for its source there.
    place = min([at, *at.decorator_list], key=lambda each: each.lineno)
    return ast.fix_missing_locations(ast.copy_location(decorator, place))


def is_hands_off(node: _Function | ast.ClassDef) -> bool:
    """Return whether a decorator forbids guarding, or compiles the source itself."""
    return any(_name_of(each) in _HANDS_OFF for each in node.decorator_list)


def _checker_in(decorators: list[ast.expr]) -> int | None:
    """Return the position of the first decorator that compiles a function again from its source."""
    return next((i for i, each in enumerate(decorators) if _name_of(each) in _CHECKERS), None)


def _name_of(decorator: ast.expr) -> str | None:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)


def _annotations(node: _Function) -> list[ast.expr]:
    a = node.args
    parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    found = [each.annotation for each in parameters if each]
    return [each for each in (*found, node.returns) if each is not None]
