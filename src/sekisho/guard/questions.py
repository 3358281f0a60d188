"""The inline questions: the ways in which a value is lawful as it stands, as expressions.

A question may be narrow, never lenient. Where the grammar says more than a line can, there is no
question, and the value always takes the slow path.
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    ArraySpec,
    Axis,
    HintSpec,
    MappingSpec,
    PackedSpec,
    Parameter,
    SequenceSpec,
    UnionSpec,
    root_of,
    variadic_index,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sekisho.guard.scope import Scope

__all__ = ["Case", "Items", "Test", "cases_of", "item_case", "items_of"]


class Test(NamedTuple):
    """One question, and its contrary."""

    yes: str
    no: str


class Case(NamedTuple):
    """One way in which a value is lawful as it stands.

    Attributes:
        tests: the questions that must all be answered with yes.
        binds: what each axis is bound to, as an expression.
        unpack: the axes in order, if unpacking the shape binds just those.
    """

    tests: tuple[Test, ...]
    binds: dict[str, str]
    unpack: tuple[str, ...] = ()


def cases_of(
    scope: Scope, parameter: Parameter, local: str, wanted: Collection[str]
) -> tuple[Case, ...] | None:
    """The ways in which a parameter's value may be lawful as it stands.

    Args:
        scope: the names of the text.
        parameter: whose value it is; its spec is not `ANYTHING`.
        local: the local that holds the value.
        wanted: the axes that have to be bound.

    Returns:
        None if only the slow path can tell.
    """
    spec = parameter.spec
    if scope.contract.options.local and parameter.axes:
        return None  # whose axes are those of a shard, which is the slow path's to ask for
    if isinstance(spec, PackedSpec):
        return None
    if parameter.kind in {parameter.kind.VAR_POSITIONAL, parameter.kind.VAR_KEYWORD}:
        return None if parameter.axes else (Case((Test(f"not {local}", local),), {}),)
    if spec is UNANNOTATED:
        return (_unannotated(scope, local),)
    cases = _spec_cases(scope, spec, local, wanted)
    if cases is None:
        return None
    if parameter.has_default and not isinstance(spec, HintSpec):
        # A default that was not passed is left alone, whatever it is.
        is_none = parameter.default is None
        default = "None" if is_none else scope.need(f"_default_{local}", "default", local)
        skip = Case((Test(f"{local} is {default}", f"{local} is not {default}"),), {})
        cases = cases if skip in cases else (skip, *cases)
    # The cheapest question first: what is None or the default is no array.
    return tuple(sorted(cases, key=lambda case: " is " not in case.tests[0].yes))


class Items(NamedTuple):
    """How the items of a container are asked, one by one.

    Attributes:
        spec: what each must be.
        item: the local that holds one.
        unfit: the question whether there is nothing to ask: no such container, or an empty one.
        first: the expression for the first item.
        loop: the head of the loop over all.
        key_contrary: the question whether a mapping's key is not as declared, if it has one.
    """

    spec: ArraySpec
    item: str
    unfit: str
    first: str
    loop: str
    key_contrary: tuple[str, ...] = ()


def items_of(scope: Scope, parameter: Parameter, local: str) -> Items | None:
    """How to ask the items of a parameter's value; None if only the slow path can tell."""
    spec = parameter.spec
    single = parameter.kind not in {parameter.kind.VAR_POSITIONAL, parameter.kind.VAR_KEYWORD}
    if not single or parameter.has_default or not isinstance(spec, (SequenceSpec, MappingSpec)):
        return None
    item: Any = spec.value if isinstance(spec, MappingSpec) else spec.item
    plain = isinstance(item, ArraySpec) and spec.container in {list, tuple, dict}
    if not plain or scope.contract.options.local:
        return None
    for axis in item.axes or ():
        if axis.key is not None and (
            axis.broadcastable
            or axis.key in scope.growing
            or (axis.key in scope.axes and axis.key not in scope.certain)
        ):
            return None
    one = scope.fresh("item")
    kind = f"{scope.builtin('isinstance')}({local}, {scope.builtin(spec.container.__name__)})"
    unfit = f"not {kind} or not {local}"
    if isinstance(spec, SequenceSpec):
        return Items(item, one, unfit, f"{local}[0]", f"{one} in {local}")
    first = f"{scope.builtin('next')}({scope.builtin('iter')}({local}.values()))"
    if spec.key is ANYTHING:
        return Items(item, one, unfit, first, f"{one} in {local}.values()")
    key = scope.fresh("key")
    keys = _spec_cases(scope, spec.key, key, ()) or ()
    contrary = tuple(test.no for case in keys for test in case.tests)
    loop = f"{key}, {one} in {local}.items()"
    return Items(item, one, unfit, first, loop, contrary) if len(contrary) == 1 else None


def item_case(scope: Scope, items: Items, wanted: Collection[str]) -> Case | None:
    """The question about one item."""
    return _array_case(scope, items.spec, items.item, wanted)


def _is(test: str) -> Test:
    return Test(test, f"not {test}")


def _compare(left: str, right: str) -> Test:
    return Test(f"{left} == {right}", f"{left} != {right}")


def _unannotated(scope: Scope, local: str) -> Case:
    world = scope.contract.options.world
    isinstance_ = scope.builtin("isinstance")
    # Containers too: strict mode looks into them.
    foreign = scope.need("_foreign", "foreign", world)
    suspect = f"{isinstance_}({local}, {foreign})"
    if world is not None:
        return Case((Test(f"not {suspect}", suspect),), {})
    own = f"{isinstance_}({local}, {scope.array_type})"
    return Case((Test(f"({own} or not {suspect})", f"not {own} and {suspect}"),), {})


def _spec_cases(
    scope: Scope, spec: Any, local: str, wanted: Collection[str]
) -> tuple[Case, ...] | None:
    if isinstance(spec, HintSpec):
        return tuple(_class_case(scope, kind, local) for kind in spec.classes) or None
    if isinstance(spec, ArraySpec):
        case = _array_case(scope, spec, local, wanted)
        return (case,) if case else None
    if not isinstance(spec, UnionSpec):
        return None
    cases: list[Case] = []
    for alternative in spec.alternatives:
        found = _spec_cases(scope, alternative, local, wanted)
        if found is None:
            # Alternatives are tried in order, so those after a slow one are slow too.
            break
        cases += found
    return tuple(cases) or None


def _class_case(scope: Scope, kind: type, local: str) -> Case:
    if kind is type(None):
        return Case((Test(f"{local} is None", f"{local} is not None"),), {})
    if kind.__module__ == "builtins":
        name = scope.builtin(kind.__name__)
    else:
        name = scope.need(f"_{kind.__name__}", "class", kind)
    return Case((_is(f"{scope.builtin('isinstance')}({local}, {name})"),), {})


def _array_case(scope: Scope, spec: ArraySpec, local: str, wanted: Collection[str]) -> Case | None:
    if spec.array_type is not None:
        kind = scope.need(f"_{spec.array_type.__name__}", "class", spec.array_type)
    elif spec.world is not None:
        kind = scope.array_class(spec.world)
    else:
        every = ", ".join(scope.array_class(world) for world in scope.worlds)
        kind = scope.array_type or f"({every})"
    tests = [_is(f"{scope.builtin('isinstance')}({local}, {kind})")]
    if spec.dtypes is not None:
        base = f"_{spec.world.name if spec.world else 'any'}_{str(spec.dtype_label).lower()}"
        dtypes = scope.need(base, "dtypes", (spec.world, spec.dtypes))
        tests.append(Test(f"{local}.dtype in {dtypes}", f"{local}.dtype not in {dtypes}"))
    device = scope.contract.options.device
    home = scope.contract.options.world
    if device is not None and home is not None:
        if scope.device:
            tests.append(_compare(f"{local}.device", scope.device))
        else:
            question = home.device_question(device)
            if question is None:
                return None
            attribute, literal = question
            wanted = literal or scope.need("_device", "device")
            tests.append(_compare(f"{local}.{attribute}", wanted))
    if spec.axes is None:
        return Case(tuple(tests), {})
    shape = _ShapeQuestion(scope, spec.axes, local, wanted).ask()
    return shape and shape._replace(tests=(*tests, *shape.tests))


# Expressions that may have no value (n // 0) are left to the slow path, which words the error.
_SAFE_NODES: Final = (
    *(ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.USub, ast.UAdd),
    *(ast.Name, ast.Load, ast.Constant),
)


class _ShapeQuestion:
    """Whether a shape fits its axes, put together axis by axis."""

    def __init__(
        self, scope: Scope, axes: tuple[Axis, ...], local: str, wanted: Collection[str]
    ) -> None:
        self.wanted = wanted
        self.scope = scope
        self.axes = axes
        self.local = local
        self.tests: list[Test] = []
        self.binds: dict[str, str] = {}
        self.exact: list[str] = []  # what the whole shape must be, as long as that is known

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
        if axes and len(self.exact) == len(axes):
            return Case((_compare(f"{local}.shape", self.whole_shape()),), {})
        if star is not None and not rank and not self.tests and not self.wanted:
            return Case((), {})
        binds = {key: part for key, part in self.binds.items() if key in self.wanted}
        names = tuple(axis.key for axis in axes if axis.key)
        whole = star is None and len(binds) == len(axes) == len(self.wanted)
        unpack = () if any(axis.broadcastable for axis in axes) or not whole else names
        return Case((self.ask_rank(star, rank), *self.tests), binds, unpack)

    def ask_rank(self, star: int | None, rank: int) -> Test:
        scope, local = self.scope, self.local
        asks_shape = self.tests or any(key in self.wanted for key in self.binds)
        length = f"{scope.builtin('len')}({scope.shape} := {local}.shape)"
        left = length if asks_shape else f"{local}.ndim"
        if star is None:
            return _compare(left, str(rank))
        return Test(f"{left} >= {rank}", f"{left} < {rank}")

    def whole_shape(self) -> str:
        if len(self.exact) == 1:
            only = self.exact[0]
            return only[1:] if only.startswith("*") else f"({only},)"
        return f"({', '.join(self.exact)})"

    def ask_axis(self, axis: Axis, size: str) -> bool:
        """Ask about one axis; False if a line cannot say."""
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
            self.tests.append(_compare(size, wanted))

    def ask_named(self, axis: Axis, name: str, size: str) -> bool:
        scope = self.scope
        if name in self.binds:
            # The same name twice in one annotation.
            if axis.broadcastable or " " in self.binds[name]:
                return False
            self.tests.append(_compare(size, self.binds[name]))
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
            self.tests.append(_compare(part, local))
        else:
            self.binds[key] = part
            yes, no = (
                f"({local} is None or {part} == {local})",
                f"{local} is not None and {part} != {local}",
            )
            self.tests.append(Test(yes, no))
        return True

    def expression(self, axis: Axis) -> str | None:
        """A symbolic axis in terms of the text's own names."""
        assert axis.expression is not None
        tree = axis.expression.tree
        if isinstance(tree, ast.Name):
            # {size} is compared as it is; anything more about it might fail to compute.
            return self.scope.axes[tree.id] if tree.id == root_of(tree.id) else None
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


class _Rename(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names[node.id], node.ctx)
