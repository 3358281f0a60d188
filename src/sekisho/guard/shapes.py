"""Write the inline check of a shape; define the tests that inline checks consist of."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.contract import Axis, Braces, HintSpec, variadic_index

if TYPE_CHECKING:
    from collections.abc import Collection

    from sekisho.guard.scope import Scope

__all__ = ["Case", "Test", "ask_shape", "compare", "contrary_of", "is_so"]


class Test(NamedTuple):
    """An expression, and its negation."""

    yes: str
    no: str


class Case(NamedTuple):
    """The tests of one way in which a value can be valid as it stands.

    Attributes:
        tests: the tests, all of which must be true.
        binds: the expression that each axis is bound to.
        unpack: the axes in order, if unpacking the shape binds exactly those.
    """

    tests: tuple[Test, ...]
    binds: dict[str, str]
    unpack: tuple[str, ...] = ()


def is_so(test: str) -> Test:
    """Return the test that an expression is true."""
    return Test(test, f"not {test}")


def compare(left: str, right: str) -> Test:
    """Return the test that two expressions are equal."""
    return Test(f"{left} == {right}", f"{left} != {right}")


def contrary_of(cases: tuple[Case, ...]) -> list[str]:
    """Return the expression that is true if all cases fail, in pieces between line breaks."""
    if len(cases) == 1:
        contrary = _no(cases[0])
        return [contrary[0], *[f"or {each}" for each in contrary[1:]]]
    joined = [" or ".join(_no(case)) for case in cases]
    several = [
        f"({each})" if len(case.tests) > 1 else each
        for case, each in zip(cases, joined, strict=True)
    ]
    return [several[0], *(f"and {each}" for each in several[1:])]


def _no(case: Case) -> list[str]:
    several = len(case.tests) > 1
    return [f"({test.no})" if several and " and " in test.no else test.no for test in case.tests]


def ask_shape(
    scope: Scope, axes: tuple[Axis, ...], local: str, wanted: Collection[str]
) -> Case | None:
    """Return the test that a shape fits its axes; None if only the slow path can check it.

    Args:
        scope: the names of the generated function.
        axes: the axes that the shape must have.
        local: the local that holds the value.
        wanted: the axes that have to be bound.
    """
    return _ShapeQuestion(scope, axes, local, wanted).ask()


# Operators that cannot fail. The slow path checks the others, and words the error of `n // 0`.
_SAFE_NODES: Final = (
    *(ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.USub, ast.UAdd),
    *(ast.Name, ast.Load, ast.Constant),
)


class _ShapeQuestion:
    """A builder of the test of one shape, axis by axis."""

    def __init__(
        self, scope: Scope, axes: tuple[Axis, ...], local: str, wanted: Collection[str]
    ) -> None:
        self.wanted = wanted
        self.scope = scope
        self.axes = axes
        self.local = local
        self.tests: list[Test] = []
        self.arguments: list[Test] = []  # the tests of arguments that are sizes
        self.binds: dict[str, str] = {}
        self.exact: list[str] = []  # the required sizes, of the axes that have one

    def ask(self) -> Case | None:
        scope, axes, local = self.scope, self.axes, self.local
        star = variadic_index(axes)
        rank = len(axes) - (star is not None)
        for i, axis in enumerate(axes):
            at = i if star is None or i < star else i - len(axes)
            if i == star:
                end = i + 1 - len(axes)
                part = f"{scope.shape}[{i or ''}:{end or ''}]" if rank else scope.shape
                answered = self.ask_variadic(axis, part)
            else:
                answered = self.ask_axis(axis, f"{scope.shape}[{at}]")
            if not answered:
                return None
        # One comparison of the whole shape is faster than one for each axis.
        if axes and len(self.exact) == len(axes):
            exact = compare(f"{local}.shape", self.whole_shape())
            return Case((*self.arguments, exact), {})
        # A variadic axis alone takes any shape.
        if star is not None and not rank and not self.tests and not self.wanted:
            return Case((), {})
        binds = {key: part for key, part in self.binds.items() if key in self.wanted}
        whole = star is None and len(binds) == len(axes) == len(self.wanted)
        unpack = tuple(binds) if whole and not any(axis.broadcastable for axis in axes) else ()
        return Case((self.ask_rank(star, rank), *self.arguments, *self.tests), binds, unpack)

    def ask_rank(self, star: int | None, rank: int) -> Test:
        scope, local = self.scope, self.local
        asks_shape = self.tests or not self.binds.keys().isdisjoint(self.wanted)
        length = f"{scope.builtin('len')}({scope.shape} := {local}.shape)"
        left = length if asks_shape else f"{local}.ndim"
        if star is None:
            return compare(left, str(rank))
        return Test(f"{left} >= {rank}", f"{left} < {rank}")

    def whole_shape(self) -> str:
        if len(self.exact) == 1:
            only = self.exact[0]
            return only[1:] if only.startswith("*") else f"({only},)"
        return f"({', '.join(self.exact)})"

    def ask_axis(self, axis: Axis, size: str) -> bool:
        """Add the test of one axis; return False if only the slow path can check it."""
        if axis.name is not None:
            return self.ask_named(axis, axis.name, size)
        if axis.size is None and axis.expression is None:
            return True
        wanted = str(axis.size) if axis.expression is None else self.expression(axis)
        if wanted is None:
            return False
        self.expect(axis, size, wanted)
        return True

    def expect(self, axis: Axis, size: str, wanted: str) -> None:
        if axis.broadcastable:
            self.tests.append(
                Test(f"({size} == 1 or {size} == {wanted})", f"{size} != 1 and {size} != {wanted}")
            )
        else:
            self.exact.append(wanted)
            self.tests.append(compare(size, wanted))

    def ask_named(self, axis: Axis, name: str, size: str) -> bool:
        scope = self.scope
        if name in self.binds:
            # The name stands twice in one annotation.
            if axis.broadcastable or " " in self.binds[name]:
                return False
            self.tests.append(compare(size, self.binds[name]))
            return True
        local = scope.axes.get(name)
        if local is not None and name in scope.certain:
            self.expect(axis, size, local)
            return True
        if local is not None:
            yes = [f"{local} is None", f"{size} == {local}"]
            no = [f"{local} is not None", f"{size} != {local}"]
            if axis.broadcastable:
                yes.insert(0, f"{size} == 1")
                no.insert(0, f"{size} != 1")
            self.tests.append(Test(f"({' or '.join(yes)})", " and ".join(no)))
        self.binds[name] = f"{local} if {size} == 1 else {size}" if axis.broadcastable else size
        return True

    def ask_variadic(self, axis: Axis, part: str) -> bool:
        scope, key = self.scope, axis.key
        if key is None:
            return True
        if key in scope.growing:
            return False
        local = scope.axes.get(key)
        if local is None:
            self.binds[key] = part
        elif key in scope.certain:
            self.exact.append(f"*{local}")
            self.tests.append(compare(part, local))
        else:
            self.binds[key] = part
            yes, no = (
                f"({local} is None or {part} == {local})",
                f"{local} is not None and {part} != {local}",
            )
            self.tests.append(Test(yes, no))
        return True

    def expression(self, axis: Axis) -> str | None:
        """Return a symbolic axis as an expression of the locals; None if only the slow path can."""
        assert axis.expression is not None
        tree = axis.expression.tree
        if isinstance(tree, Braces):
            # Only a plain `{size}`: computing more of it might fail.
            only = tree.value
            return self.argument(only.id) if isinstance(only, ast.Name) else None
        if not all(isinstance(node, _SAFE_NODES) for node in ast.walk(tree)):
            return None
        names: dict[str, str] = {}
        for name in axis.expression.names:
            if name in self.binds:
                names[name] = self.binds[name]
            elif name in self.scope.certain:
                names[name] = self.scope.axes[name]
            if " " in names.get(name, " ") or name.startswith("{"):
                return None
        return f"({ast.unparse(_Rename(names).visit(copy.deepcopy(tree)))})"

    def argument(self, key: str) -> str:
        """Return the local of an argument that is a size; test that it is an integer if needed."""
        scope, local = self.scope, self.scope.axes[key]
        parameter = next(each for each in scope.contract.parameters if each.name == key[1:-1])
        spec = parameter.spec
        is_int = isinstance(spec, HintSpec) and spec.classes in {(int,), (bool,)}
        if not is_int or (parameter.has_default and not isinstance(parameter.default, int)):
            # An array of one element might equal a size.
            kind = f"{scope.builtin('isinstance')}({local}, {scope.builtin('int')})"
            self.arguments.append(is_so(kind))
        return local


class _Rename(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names[node.id], node.ctx)
