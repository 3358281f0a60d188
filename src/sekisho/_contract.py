"""What a guarded function promises: signature, annotations and options -> `Contract`."""

from __future__ import annotations

import contextlib
import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_type_hints

from sekisho._annotations import (
    ANYTHING,
    ArraySpec,
    HintSpec,
    Spec,
    UnionSpec,
    annotation_text,
    array_specs,
    foreign_types,
    parse_annotation,
)
from sekisho._axes import Axis
from sekisho._typecheck import make_checker
from sekisho.errors import DeclarationError
from sekisho.worlds import NUMPY, TORCH, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CellType

__all__ = [
    "RESULT",
    "UNANNOTATED",
    "Contract",
    "Options",
    "Parameter",
    "binders",
    "build_contract",
    "display_name",
    "read_signature",
]

Kind = Literal["numpy_world", "torch_world", "same_world", "boundary"]


class Options(NamedTuple):
    """The options of a decorator, checked. See `sekisho.numpy_world` and its siblings."""

    kind: Kind
    on_foreign: Literal["convert", "reject"] | None = None
    returns: Literal["world", "caller"] = "world"
    copy: bool | None = None
    device: Any = None
    detach: bool = False
    typechecker: Any = "beartype"

    @property
    def world(self) -> World | None:
        """The world that the function stays in; None for `same_world` and `boundary`."""
        return {"numpy_world": NUMPY, "torch_world": TORCH}.get(self.kind)


class _Unannotated(NamedTuple):
    """A parameter without annotation: it may be anything but an array of the other world."""

    text: str = "not annotated"


UNANNOTATED: Final = _Unannotated()

RESULT: Final = "the result"
"""The place of a result in messages; a parameter's is ``argument 'name'``."""


class Parameter(NamedTuple):
    """One parameter, or the result, and what may pass there."""

    name: str
    kind: Any  # inspect's, whose enum has no public name
    default: Any
    spec: Spec | _Unannotated

    @property
    def has_default(self) -> bool:
        """Whether a call may leave it out."""
        return self.default is not inspect.Parameter.empty

    @property
    def place(self) -> str:
        """Where its value is, in messages."""
        return RESULT if self.name == "return" else f"argument '{self.name}'"

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis that its array annotations mention."""
        if isinstance(self.spec, _Unannotated):
            return ()
        return tuple(axis for spec in array_specs(self.spec) for axis in spec.axes or ())


class Contract(NamedTuple):
    """All that the guard of one function has to hold."""

    function: str
    options: Options
    parameters: tuple[Parameter, ...]
    result: Parameter


def display_name(function: Callable[..., Any]) -> str:
    """A function's name in messages: ``Net.forward``, without the functions around it."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.rpartition("<locals>.")[2]


def build_contract(
    function: Callable[..., Any], options: Options, names: Mapping[str, Any]
) -> Contract:
    """Read a function's signature and annotations.

    Args:
        function: the function to be guarded.
        options: the decorator's options.
        names: what string annotations may mention beside the function's globals.

    Raises:
        NameError: if an annotation mentions a name that is not defined yet.
        DeclarationError: for a malformed or contradictory annotation.
    """
    title = display_name(function)
    hints = {
        name: _resolve(hint, function, names, f"{title}() {_place(name)}")
        for name, hint in inspect.get_annotations(function).items()
    }
    bare = read_signature(function, options)
    first = bare.parameters[0] if bare.parameters else None
    parameters = tuple(
        each._replace(spec=_spec(hints, each.name, options, title, is_first=each is first))
        for each in bare.parameters
    )
    result = bare.result._replace(spec=_spec(hints, "return", options, title))
    contract = Contract(title, options, parameters, result)
    _check_symbols(contract)
    return contract


def read_signature(function: Callable[..., Any], options: Options) -> Contract:
    """Read a function's signature alone: a contract that asks for nothing."""
    parameters = tuple(
        Parameter(each.name, each.kind, each.default, ANYTHING)
        for each in inspect.signature(function).parameters.values()
    )
    if options.device == "module" and not parameters:
        raise DeclarationError(
            f"{display_name(function)}(): device='module' asks the first argument where it is, "
            f"and there is none."
        )
    result = Parameter(
        "return", inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty, ANYTHING
    )
    return Contract(display_name(function), options, parameters, result)


def _resolve(hint: Any, function: Callable[..., Any], names: Mapping[str, Any], where: str) -> Any:
    """Turn strings, and strings inside of annotations, into what they say."""
    holder = SimpleNamespace(__annotations__={"hint": hint})
    plain = inspect.unwrap(function)
    local_names = {**names, **_closure(plain)}
    globals_ = getattr(plain, "__globals__", {})
    try:
        return get_type_hints(holder, globals_, local_names, include_extras=True)["hint"]
    except NameError:
        raise
    except Exception as error:  # noqa: BLE001 - evaluating may raise anything
        raise DeclarationError(f"{where}: the annotation {hint!r} is not valid: {error}") from None


def _closure(function: Any) -> dict[str, Any]:
    """The names of enclosing functions that a function uses, as far as they have a value yet."""
    found: dict[str, Any] = {}
    cells: tuple[CellType, ...] = getattr(function, "__closure__", None) or ()
    if cells:
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            with contextlib.suppress(ValueError):  # an empty cell: the function itself, mostly
                found[name] = cell.cell_contents
    return found


def _place(name: str) -> str:
    return RESULT if name == "return" else f"argument '{name}'"


def _spec(
    hints: Mapping[str, Any], name: str, options: Options, title: str, *, is_first: bool = False
) -> Spec | _Unannotated:
    if name not in hints:
        if (is_first and name in {"self", "cls"}) or options.kind == "boundary":
            return ANYTHING
        return UNANNOTATED
    hint = hints[name]
    where = f"{title}() {_place(name)}"
    _refuse_contradiction(hint, options, where)
    try:
        spec = parse_annotation(hint, options.world)
    except ValueError as error:
        raise DeclarationError(f"{where}: {annotation_text(hint)}: {error}") from None
    _prepare_checkers(spec, options.typechecker, where)
    if options.typechecker is None and isinstance(spec, HintSpec) and not spec.arrays:
        return ANYTHING
    return spec


def _prepare_checkers(spec: Spec, typechecker: Any, where: str) -> None:
    """Have the type checker read each hint now, so that a call finds no bad one."""
    if isinstance(spec, UnionSpec):
        for each in spec.alternatives:
            _prepare_checkers(each, typechecker, where)
    if isinstance(spec, HintSpec) and not spec.classes and (typechecker or spec.arrays):
        try:
            make_checker(spec.hint, typechecker or "beartype")
        except Exception as error:  # noqa: BLE001 - each checker has errors of its own
            raise DeclarationError(f"{where}: {spec.text} cannot be checked: {error}") from None


def _refuse_contradiction(hint: Any, options: Options, where: str) -> None:
    if options.kind == "boundary":
        return
    if options.world is not None:
        foreign = foreign_types(hint, options.world)
        fix = f"declare an array of {options.world.label}, or decorate with @boundary"
    else:
        foreign = foreign_types(hint, NUMPY) + foreign_types(hint, TORCH)
        fix = "declare sekisho.Array, which is either world's, or decorate with @boundary"
    if foreign:
        raise DeclarationError(
            f"{where}: {annotation_text(hint)} declares a {foreign[0]} "
            f"in a {options.kind} function.\n  hint: {fix}"
        )


def _check_symbols(contract: Contract) -> None:
    """Refuse a symbolic axis whose names no earlier axis can have bound."""
    seen: set[str] = set()
    for parameter in (*contract.parameters, contract.result):
        for axis in parameter.axes:
            names = axis.expression.names if axis.expression else ()
            missing = [name for name in names if name not in seen]
            if missing:
                raise DeclarationError(
                    f"{contract.function}() {parameter.place}: the axis '{axis.text}' uses "
                    f"'{missing[0]}', which no axis before it binds."
                )
            if axis.name is not None and not axis.variadic:
                seen.add(axis.name)


def binders(contract: Contract, key: str, before: str) -> tuple[str, ...]:
    """The places that may have bound an axis before the parameter called `before` was reached.

    The first that must have bound it ends the search, so this is one place unless the axis
    stands in an optional argument.
    """
    found: list[str] = []
    for parameter in contract.parameters:
        if parameter.name == before:
            break
        axes = [axis for axis in parameter.axes if axis.key == key]
        if axes:
            found.append(parameter.place)
            certain = isinstance(parameter.spec, ArraySpec) and not parameter.has_default
            if certain and not all(axis.broadcastable for axis in axes):
                break
    return tuple(found)
