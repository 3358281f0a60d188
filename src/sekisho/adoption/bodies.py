"""What a function's code says of its arguments and results, on all paths, not only those that ran.

It says what the function requires (``assert x.ndim == 2``, ``if c != 3: raise``, ``b, c =
x.shape``), what it leaves open (``isinstance(x, list)``, ``torch.is_tensor(x)``, ``x is None``,
``np.asarray(x)``), and what its ``return`` statements return.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.asking import (
    asked_for_namespace,
    asked_which_library,
    insisted_on,
    left_open,
    unions_in,
)
from sekisho.adoption.docstrings import described_in
from sekisho.adoption.equalities import bound_in, equalities
from sekisho.adoption.libraries import differs_between_libraries
from sekisho.adoption.operands import uses_of
from sekisho.adoption.requirements import certain_statements, required, requirements
from sekisho.adoption.returns import returns_of
from sekisho.adoption.shapes import batched_in, names_in_body, ranked_in
from sekisho.adoption.spreading import Spread, spread_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

__all__ = ["Body", "read_body"]

_METHODS: Final = {
    "list": {"append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear"},
    "dict": {"update", "setdefault", "pop", "popitem", "clear", "copy"},
}
"""Methods that ``Sequence`` and ``Mapping`` do not have."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Place = tuple[str, tuple[str, ...]]


class Body(NamedTuple):
    """What a function's code says.

    Attributes:
        names: the names of axes, by parameter and number of the axis.
        sizes: the sizes that it requires, by parameter and number of the axis.
        literals: the sizes that the function, or its class, writes out.
        ranked: the parameters whose number of axes it requires.
        classes: the classes that it requires, by parameter: the last part of the name.
        dtypes: the dtypes that it requires, by parameter; for ``return``, the one that it names.
        open: the parameters that may be something else, and the line that says so.
        unions: the classes that it asks for, by parameter, where it asks nothing else of it.
        iterated: the parameters that it iterates over, or unpacks.
        arrays: the parameters that it uses as nothing but an array may be used.
        combined: the parameters that it uses so in a library that makes no arrays of lists.
        parts: the parameters that it calls a part of its object with, as in ``self.layer(x)``.
        passes: the parameters that it passes by themselves, each with the name of the function.
        listed: the parameters that it passes in a list or a tuple, each with the name of the function.
        bound: the parameters that every call passes by themselves, each with its place among the arguments, or its keyword.
        any_library: the parameters that it may ask which library's they are.
        namespaces: the parameters whose library's functions it asks for, as by ``get_namespace(x)``.
        optional: the parameters that may be None.
        containers: the containers that it uses as a list or a dict.
        gives: what its ``return``s give, in the words of `sekisho.deduction.Said`.
        batched: how many axes it speaks of in front of ``...``, and behind, by place.
        described: the shapes that its docstring gives, by place.
        described_others: what its docstring names beside arrays, by place.
        differs: whether it means something else for another library's arrays.
        equal: pairs of axes of parameters that have to be equal.
        spread: what its operations say.
    """

    names: Mapping[tuple[str, int], str]
    sizes: Mapping[tuple[str, int], int]
    literals: frozenset[int]
    ranked: frozenset[str]
    classes: Mapping[str, str]
    dtypes: Mapping[str, str]
    open: Mapping[str, int]
    unions: Mapping[str, tuple[str, ...]]
    iterated: frozenset[str]
    arrays: frozenset[str]
    combined: frozenset[str]
    parts: frozenset[str]
    passes: frozenset[tuple[str, str]]
    listed: frozenset[tuple[str, str]]
    bound: frozenset[tuple[str, str, int | str]]
    any_library: frozenset[str]
    namespaces: frozenset[str]
    optional: frozenset[str]
    containers: Mapping[str, str]
    gives: frozenset[str]
    batched: Mapping[_Place, tuple[int, int]]
    described: Mapping[_Place, tuple[tuple[str, ...], ...]]
    described_others: Mapping[_Place, frozenset[str]]
    differs: bool
    equal: frozenset[tuple[tuple[str, int], tuple[str, int]]]
    spread: Spread


def read_body(
    node: _Function, parameters: frozenset[str], cls: ast.ClassDef | None, imported: Set[str]
) -> Body:
    """Read a function.

    Args:
        node: the function.
        parameters: the names of its parameters.
        cls: its class; the numbers with which the class builds its parts count as sizes, too.
        imported: the names that its module has imported from array libraries.
    """
    names = names_in_body(node, parameters)
    certain = [*certain_statements(node, parameters)]
    found = requirements(certain, parameters, names)
    ranked = {name for statement in certain for name in ranked_in(statement, parameters)}
    # a test that every call has to pass leaves nothing open
    asked = {id(test) for statement in certain for test in required(statement)}
    asked |= insisted_on(node)
    docs = described_in(node, parameters, cls)
    sized = {
        name
        for (name, path), each in docs.items()
        if not path and {*each.shapes} - {(), ("...",)} and each.others <= {"none"}
    }
    nullable = {name for (name, path), each in docs.items() if "none" in each.others and not path}
    optional = frozenset(_optional(node, parameters)) | (nullable & parameters)
    batched = batched_in(node, parameters)
    for name, index in found.sizes:  # ``x.shape[-1] == 3`` says nothing of the other axes
        before, after = batched.get(name, (0, 0))
        batched |= {name: (before, max(after, -index))} if index < 0 else {}
    gives, dtype = returns_of(node, optional)
    dtypes = dict(found.dtypes) | ({"return": dtype} if dtype else {})
    return Body(
        names,
        found.sizes,
        frozenset({*_written_sizes(node), *(_class_sizes(cls) if cls else ())}),
        frozenset(ranked | found.ranked),
        found.classes,
        dtypes,
        dict(left_open(node, parameters, asked)),
        unions_in(node, parameters, asked),
        frozenset(_iterated(node)) & parameters,
        *uses_of(node, parameters, sized),
        bound_in(certain, parameters),
        frozenset(asked_which_library(node, asked)) & parameters,
        frozenset(asked_for_namespace(node)) & parameters,
        optional,
        dict(_containers(node, parameters)),
        gives,
        {(x, ()): ends for x, ends in batched.items() if x not in ranked | found.ranked},
        {place: each.shapes for place, each in docs.items() if each.shapes},
        {place: each.others for place, each in docs.items() if each.others},
        differs_between_libraries(node),
        equalities(certain, parameters, imported - parameters),
        spread_of(node, parameters),
    )


def _iterated(node: _Function) -> Iterator[str]:
    for each in ast.walk(node):
        match each:
            case ast.For(iter=value) | ast.comprehension(iter=value):
                yield from (part.id for part in _iterables(value) if isinstance(part, ast.Name))
            case ast.Assign(targets=[ast.Tuple() | ast.List()], value=ast.Name(id=name)):
                yield name
            case _:
                pass


def _iterables(value: ast.expr) -> list[ast.expr]:
    match value:
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "map"), args=args):
            return args
        case _:
            return [value]


def _optional(node: _Function, parameters: frozenset[str]) -> Iterator[str]:
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    pairs = [*zip(plain[len(plain) - len(args.defaults) :], args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    yield from (each.arg for each, default in pairs if _is_none(default))
    for each in ast.walk(node):
        match each:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot()]) if (
                name in parameters and _is_none(each.comparators[0])
            ):
                yield name
            case _:
                pass


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


# --- what it uses


def _containers(node: _Function, parameters: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield parameters used with methods that only a list or only a dict has."""
    for each in ast.walk(node):
        match each:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in parameters:
                yield from ((name, kind) for kind, has in _METHODS.items() if attr in has)
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name, "list"
            case _:
                pass


# --- the sizes that it writes out


_SHAPED: Final = frozenset(
    {"zeros", "ones", "empty", "full", "rand", "randn", "normal", "uniform", "random", "reshape"}
    | {"view", "expand", "broadcast_to", "resize", "integers", "randint", "standard_normal"}
)
_SIZES: Final = frozenset({"size", "shape", "num_classes"})
"""Keywords whose values are sizes."""


def _written_sizes(node: ast.AST) -> Iterator[int]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            called = each.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            parts = [word.value for word in each.keywords if word.arg in _SIZES]
            parts += each.args if name in _SHAPED else []
            yield from _numbers(parts)


def _class_sizes(cls: ast.ClassDef) -> Iterator[int]:
    """Yield the numbers with which a class builds its parts: ``self.outer = Linear(hidden, 2)``."""
    for each in ast.walk(cls):
        if isinstance(each, ast.Call):
            called = each.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            # a class by convention, such as Linear
            if name[:1].isupper():
                yield from _numbers(each.args)


def _numbers(parts: list[ast.expr]) -> Iterator[int]:
    for part in parts:
        inner = part.elts if isinstance(part, (ast.Tuple, ast.List)) else [part]
        for each in inner:
            if isinstance(each, ast.Constant) and type(each.value) is int and each.value > 1:
                yield each.value
