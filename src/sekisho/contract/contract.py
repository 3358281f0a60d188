"""What a guarded function promises: signature, annotations and options -> `Contract`."""

from __future__ import annotations

import functools
import inspect
from collections import abc
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    NamedTuple,
    TypeVarTuple,
    get_args,
    get_origin,
)

from sekisho.contract.annotations import Parser
from sekisho.contract.axes import Axis
from sekisho.contract.changes import mapped
from sekisho.contract.marks import unpacked
from sekisho.contract.options import Options
from sekisho.contract.parts import array_specs, holds_arrays, names_in, walk
from sekisho.contract.pytrees import check_structures
from sekisho.contract.resolve import resolve_annotations
from sekisho.contract.signature import Flavour, display_name, flavour_of, is_wrapper
from sekisho.contract.specs import ANYTHING, UNANNOTATED, HintSpec, Spec
from sekisho.contract.spelling import annotation_text, foreign_types
from sekisho.contract.symbols import check_symbols
from sekisho.contract.typecheck import make_checker
from sekisho.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "CHECKED",
    "RESULT",
    "SENT",
    "YIELDED",
    "Contract",
    "Parameter",
    "build_contract",
    "make_parameter",
    "prepare_checkers",
]


# The names of what passes a boundary without being a parameter; no parameter can have them.
RESULT: Final = "return"
YIELDED: Final = "yield"
SENT: Final = "yield from"
CHECKED: Final = "check"
_PLACES: Final = {
    RESULT: "the result",
    YIELDED: "the yielded item",
    SENT: "the sent value",
    CHECKED: "a checked value",
}


class Parameter(NamedTuple):
    """One parameter, or the result, and what may pass there."""

    name: str
    kind: Any  # inspect's, whose enum has no public name
    default: Any
    spec: Spec

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
        """Every axis that its array annotations mention, those of records included."""
        if self.spec is UNANNOTATED:
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
    shares_axes: bool = False
    """Whether its body asks with the axes of its call: see `sekisho.guard.body`."""
    is_wrapper: bool = False
    """Whether the function is called as its guard was: what came by keyword goes by keyword."""

    @property
    def keys(self) -> frozenset[str]:
        """The names that belong to a call; all others belong to the record that has them."""
        specs = [each.spec for each in (*self.parameters, *self.outcomes)]
        return frozenset(key for spec in specs for key in names_in(spec))

    @property
    def holds_arrays(self) -> bool:
        """Whether an annotation mentions an array."""
        specs = [each.spec for each in (*self.parameters, *self.outcomes)]
        return any(spec is not UNANNOTATED and holds_arrays(spec) for spec in specs)

    @property
    def takes_any_world(self) -> bool:
        """Whether an array may be of any world, for all that the annotations say."""
        specs = (each.spec for each in (*self.parameters, *self.outcomes))
        arrays = (a for spec in specs if spec is not UNANNOTATED for a in array_specs(spec))
        return self.options.kind == "same_world" or any(a.world is None for a in arrays)

    @property
    def outcomes(self) -> tuple[Parameter, ...]:
        """What the function hands out, or is sent, after its parameters have passed."""
        return tuple(each for each in (self.yielded, self.sent, self.result) if each)


def build_contract(
    function: Callable[..., Any],
    signature: inspect.Signature,
    options: Options,
    names: dict[str, Any],
    problems: list[str] | None = None,
) -> Contract:
    """Read a function's signature and annotations.

    Args:
        function: the function to be guarded.
        signature: its signature, as `read_signature` gives it.
        options: the decorator's options.
        names: what string annotations may mention beside the function's globals.
        problems: takes what cannot be checked, if that is to be left out. None refuses it.

    Raises:
        NameError: if an annotation mentions a name that is not defined yet.
        DeclarationError: for a malformed or contradictory annotation.
    """
    bare = _bare_contract(function, signature, options)
    try:
        return _with_annotations(bare, function, names, problems)
    except RecursionError:
        raise DeclarationError(
            f"{bare.function}(): its annotations nest too deep for Python's recursion limit."
        ) from None


def _with_annotations(
    bare: Contract,
    function: Callable[..., Any],
    names: dict[str, Any],
    problems: list[str] | None,
) -> Contract:
    """Read the annotations of a function into its contract."""
    options = bare.options
    where = functools.partial(_where, bare.function)
    hints, evaluate = resolve_annotations(function, names, where, problems)
    first = bare.parameters[0] if bare.parameters else None
    owner = f"{{{first.name}}}" if first and first.kind in _POSITIONAL else None
    as_written = options.kind == "boundary"
    parser = Parser(
        options.world, names, options.typechecker, evaluate, owner, takes_as_written=as_written
    )
    reader = _Reader(bare.function, options, parser, problems)
    if "generator" in bare.flavour:
        bare = _split_generator(bare, hints)
    contract = bare._replace(
        parameters=tuple(
            reader.read(hints, each, is_first=each is first) for each in bare.parameters
        ),
        result=reader.read(hints, bare.result),
        yielded=bare.yielded and reader.read(hints, bare.yielded),
        sent=bare.sent and reader.read(hints, bare.sent),
    )
    if parser.has_trees:
        contract = check_structures(contract, problems)
    return check_symbols(contract, problems)


_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


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
    wraps = is_wrapper(function, signature)
    return Contract(title, options, parameters, make_parameter(RESULT), flavour, is_wrapper=wraps)


def make_parameter(name: str) -> Parameter:
    """What passes a boundary without being a parameter, or is one of no function."""
    empty = inspect.Parameter.empty
    return Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, empty, ANYTHING)


_GENERATORS: Final = {
    "generator": (abc.Iterator, abc.Iterable, abc.Generator),
    "async generator": (abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator),
}


def _split_generator(bare: Contract, hints: dict[str, Any]) -> Contract:
    """Take ``Generator[Y, S, R]`` apart: what is yielded, sent and returned."""
    hint = hints.pop(RESULT, inspect.Parameter.empty)
    accepted = _GENERATORS[bare.flavour]
    origin = get_origin(hint) or hint
    if origin not in accepted and bare.options.lenient:
        hint = Any  # nobody asked for this very function to be guarded
    yielded, sent = make_parameter(YIELDED), make_parameter(SENT)
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


def _where(function: str, name: str) -> str:
    return f"{function}() {_place(name)}"


class _Reader(NamedTuple):
    """Reads the annotations of one function into what may pass."""

    function: str
    options: Options
    parser: Parser
    problems: list[str] | None

    def read(
        self, hints: Mapping[str, Any], parameter: Parameter, *, is_first: bool = False
    ) -> Parameter:
        return parameter._replace(spec=self.spec(hints, parameter, is_first=is_first))

    def parse(self, hint: Any, kind: Any) -> Spec:
        inside = unpacked(hint)
        if (
            inside is not None
            and not isinstance(inside, TypeVarTuple)
            and kind in {kind.VAR_POSITIONAL, kind.VAR_KEYWORD}
        ):
            return self.parser.parse_packed(inside)
        return self.parser.parse(hint if inside is None else inside)

    def spec(self, hints: Mapping[str, Any], parameter: Parameter, *, is_first: bool) -> Spec:
        options, name = self.options, parameter.name
        if name not in hints:
            if (is_first and name in {"self", "cls"}) or options.kind == "boundary":
                return ANYTHING
            return UNANNOTATED
        try:
            return self.spec_of(hints[name], parameter)
        except DeclarationError as error:
            if self.problems is None:
                raise
            self.problems.append(str(error))
            return ANYTHING

    def spec_of(self, hint: Any, parameter: Parameter) -> Spec:
        options, where = self.options, _where(self.function, parameter.name)
        _refuse_contradiction(hint, options, where)
        try:
            spec = self.parse(hint, parameter.kind)
        except ValueError as error:
            raise DeclarationError(f"{where}: {annotation_text(hint)}: {error}") from None
        if options.typechecker is None and spec is not UNANNOTATED and not holds_arrays(spec):
            return ANYTHING
        checker = options.typechecker or "beartype"
        if self.problems is None:
            prepare_checkers(spec, checker, where)
            return spec
        problems = self.problems

        def change(each: Any) -> Any:
            try:
                prepare_checkers(each, checker, where)
            except DeclarationError as error:
                if isinstance(each, HintSpec):
                    problems.append(str(error))
                    return ANYTHING
            return each

        lenient: Spec = mapped(spec, change)
        return lenient


def prepare_checkers(spec: Spec, typechecker: Any, where: str) -> None:
    """Have the type checker read each hint now, so that a call finds no bad one."""
    for each in walk(spec):
        if isinstance(each, HintSpec) and not each.classes:
            try:
                make_checker(each.hint, typechecker)
            except Exception as error:  # noqa: BLE001 - each checker has errors of its own
                # Beartype's tells of its own inside, at length; a checker that was named may speak.
                why = "" if typechecker == "beartype" else f": {str(error).partition(chr(10))[0]}"
                text = f"{where}: {each.text} is no annotation that can be checked{why}"
                raise DeclarationError(text) from None


def _refuse_contradiction(hint: Any, options: Options, where: str) -> None:
    if options.kind == "boundary":
        return
    if options.world is not None:
        foreign = foreign_types(hint, options.world)
        fix = f"declare an array of {options.world.label}, or decorate with @boundary"
    else:
        foreign = foreign_types(hint, None)
        fix = "declare sekisho.Array, which is either world's, or decorate with @boundary"
    if foreign:
        raise DeclarationError(
            f"{where}: {annotation_text(hint)} declares a {foreign[0]} "
            f"in a {options.kind} function.\n  hint: {fix}"
        )
