"""What a guarded function promises: signature, annotations and options -> `Contract`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import abc
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NamedTuple,
    get_args,
    get_origin,
)

from sekisho._annotations import Parser, annotation_text, foreign_types, unpacked
from sekisho._axes import Axis
from sekisho._options import Options
from sekisho._resolve import called_function, resolve_annotations, without_partials
from sekisho._specs import (
    ANYTHING,
    ArraySpec,
    HintSpec,
    Spec,
    array_specs,
    holds_arrays,
    walk,
)
from sekisho._typecheck import make_checker
from sekisho.errors import DeclarationError
from sekisho.worlds import NUMPY, TORCH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "RESULT",
    "SENT",
    "UNANNOTATED",
    "YIELDED",
    "Contract",
    "Parameter",
    "binders",
    "build_contract",
    "display_name",
    "flavour_of",
    "read_signature",
]

Flavour = Literal["function", "coroutine", "generator", "async generator"]


class _Unannotated(NamedTuple):
    """A parameter without annotation: it may be anything but an array of the other world."""

    text: str = "not annotated"

    def __reduce__(self) -> str:
        return "UNANNOTATED"


UNANNOTATED: Final = _Unannotated()

# The names of what passes a boundary without being a parameter; no parameter can have them.
RESULT: Final = "return"
YIELDED: Final = "yield"
SENT: Final = "yield from"
_PLACES: Final = {
    RESULT: "the result",
    YIELDED: "the yielded item",
    SENT: "the sent value",
}


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
        return _place(self.name)

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
    flavour: Flavour = "function"
    yielded: Parameter | None = None
    sent: Parameter | None = None

    @property
    def holds_arrays(self) -> bool:
        """Whether an annotation mentions an array."""
        specs = [each.spec for each in (*self.parameters, *self.outcomes)]
        return any(not isinstance(spec, _Unannotated) and holds_arrays(spec) for spec in specs)

    @property
    def outcomes(self) -> tuple[Parameter, ...]:
        """What the function hands out, or is sent, after its parameters have passed."""
        return tuple(each for each in (self.yielded, self.sent, self.result) if each)


def display_name(function: Callable[..., Any]) -> str:
    """A function's name in messages: ``Net.forward``, without the functions around it."""
    function = without_partials(function)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.rpartition("<locals>.")[2]


def build_contract(
    function: Callable[..., Any],
    signature: inspect.Signature,
    options: Options,
    names: dict[str, Any],
) -> Contract:
    """Read a function's signature and annotations.

    Args:
        function: the function to be guarded.
        signature: its signature, as `read_signature` gives it.
        options: the decorator's options.
        names: what string annotations may mention beside the function's globals.

    Raises:
        NameError: if an annotation mentions a name that is not defined yet.
        DeclarationError: for a malformed or contradictory annotation.
    """
    bare = _bare_contract(function, signature, options)
    hints = resolve_annotations(function, names, lambda name: f"{bare.function}() {_place(name)}")
    reader = _Reader(bare.function, options, Parser(options.world, names, options.typechecker))
    if "generator" in bare.flavour:
        bare = _split_generator(bare, hints)
    first = bare.parameters[0] if bare.parameters else None
    contract = bare._replace(
        parameters=tuple(
            reader.read(hints, each, is_first=each is first) for each in bare.parameters
        ),
        result=reader.read(hints, bare.result),
        yielded=bare.yielded and reader.read(hints, bare.yielded),
        sent=bare.sent and reader.read(hints, bare.sent),
    )
    _check_symbols(contract)
    return contract


def read_signature(function: Callable[..., Any]) -> inspect.Signature:
    """Read a function's signature; names that are not defined yet are no matter.

    Raises:
        DeclarationError: if it has none that can be read.
    """
    try:
        return inspect.signature(function, **_LATE_ANNOTATIONS)
    except (TypeError, ValueError) as error:
        title = display_name(function)
        raise DeclarationError(f"{title}(): its signature cannot be read: {error}") from None


def _bare_contract(
    function: Callable[..., Any], signature: inspect.Signature, options: Options
) -> Contract:
    """A contract that asks for nothing yet."""
    title = display_name(function)
    parameters = tuple(
        Parameter(each.name, each.kind, each.default, ANYTHING)
        for each in signature.parameters.values()
    )
    if options.device == "module" and not parameters:
        raise DeclarationError(
            f"{title}(): device='module' asks the first argument where it is, and there is none."
        )
    flavour = flavour_of(function)
    if options.returns == "caller" and "generator" in flavour:
        raise DeclarationError(
            f"{title}(): returns='caller' is for functions that return; this is a generator."
        )
    return Contract(title, options, parameters, _outcome(RESULT), flavour)


# On Python 3.14 a signature evaluates the annotations, which may name what is defined later.
_LATE_ANNOTATIONS: Final[dict[str, Any]] = (
    {"annotation_format": importlib.import_module("annotationlib").Format.FORWARDREF}
    if sys.version_info >= (3, 14)
    else {}
)


def _outcome(name: str) -> Parameter:
    empty = inspect.Parameter.empty
    return Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, empty, ANYTHING)


def flavour_of(function: Any) -> Flavour:
    """Which of Python's kinds of function one is, in the end."""
    function = called_function(function)
    if inspect.isasyncgenfunction(function):
        return "async generator"
    if inspect.isgeneratorfunction(function):
        return "generator"
    return "coroutine" if inspect.iscoroutinefunction(function) else "function"


_GENERATORS: Final = {
    "generator": (abc.Iterator, abc.Iterable, abc.Generator),
    "async generator": (abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator),
}


def _split_generator(bare: Contract, hints: dict[str, Any]) -> Contract:
    """Take ``Generator[Y, S, R]`` apart: what is yielded, sent and returned."""
    hint = hints.pop(RESULT, inspect.Parameter.empty)
    accepted = _GENERATORS[bare.flavour]
    origin = get_origin(hint) or hint
    if origin not in accepted and bare.options.arrays_only:
        hint = Any  # nobody asked for this very function to be guarded
    yielded, sent = _outcome(YIELDED), _outcome(SENT)
    if hint is inspect.Parameter.empty or hint is Any:
        if hint is Any:
            hints.update({YIELDED: Any, RESULT: Any})
        hints[SENT] = Any
        return bare._replace(yielded=yielded, sent=sent)
    if origin not in accepted:
        names = ", ".join(each.__name__ for each in accepted)
        raise DeclarationError(
            f"{bare.function}() the result: {annotation_text(hint)} is no annotation for "
            f"{'an' if bare.flavour[0] == 'a' else 'a'} {bare.flavour}.\n  hint: one of {names}"
        )
    inside = (*get_args(hint), Any, Any, Any)[:3]
    hints.update(zip((YIELDED, SENT, RESULT), inside, strict=True))
    return bare._replace(yielded=yielded, sent=sent)


def _place(name: str) -> str:
    return _PLACES.get(name) or f"argument '{name}'"


class _Reader(NamedTuple):
    """Reads the annotations of one function into what may pass."""

    function: str
    options: Options
    parser: Parser

    def read(
        self, hints: Mapping[str, Any], parameter: Parameter, *, is_first: bool = False
    ) -> Parameter:
        return parameter._replace(spec=self.spec(hints, parameter, is_first=is_first))

    def parse(self, hint: Any, kind: Any) -> Spec:
        inside = unpacked(hint)
        if inside is not None and kind in {kind.VAR_POSITIONAL, kind.VAR_KEYWORD}:
            return self.parser.parse_packed(inside)
        return self.parser.parse(hint)

    def spec(
        self, hints: Mapping[str, Any], parameter: Parameter, *, is_first: bool
    ) -> Spec | _Unannotated:
        options, name = self.options, parameter.name
        if name not in hints:
            if (is_first and name in {"self", "cls"}) or options.kind == "boundary":
                return ANYTHING
            return UNANNOTATED
        hint = hints[name]
        where = f"{self.function}() {_place(name)}"
        _refuse_contradiction(hint, options, where)
        try:
            spec = self.parse(hint, parameter.kind)
        except ValueError as error:
            raise DeclarationError(f"{where}: {annotation_text(hint)}: {error}") from None
        if options.typechecker is None and not holds_arrays(spec):
            return ANYTHING
        _prepare_checkers(spec, options.typechecker or "beartype", where)
        return spec


def _prepare_checkers(spec: Spec, typechecker: Any, where: str) -> None:
    """Have the type checker read each hint now, so that a call finds no bad one."""
    for each in walk(spec):
        if isinstance(each, HintSpec) and not each.classes:
            try:
                make_checker(each.hint, typechecker)
            except Exception as error:  # noqa: BLE001 - each checker has errors of its own
                text = f"{where}: {each.text} cannot be checked: {error}"
                raise DeclarationError(text) from None


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
    seen = {f"{{{each.name}}}" for each in contract.parameters}
    for parameter in (*contract.parameters, *contract.outcomes):
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
