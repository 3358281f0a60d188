"""Build the `Contract` of a function from its signature, annotations and options."""

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
from sekisho.contract.keys import argument_key
from sekisho.contract.marks import unpacked
from sekisho.contract.options import Options
from sekisho.contract.parts import array_specs, holds_arrays, names_in, walk
from sekisho.contract.pytrees import check_structures
from sekisho.contract.resolve import resolve_annotations
from sekisho.contract.signature import Flavour, display_name, flavour_of, is_wrapper
from sekisho.contract.specs import ANYTHING, UNANNOTATED, ArraySpec, HintSpec, Spec
from sekisho.contract.spelling import annotation_text, foreign_types
from sekisho.contract.symbols import check_symbols
from sekisho.contract.typecheck import make_checker
from sekisho.errors import DeclarationError, first_line

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


# Names for values that are not arguments. A parameter cannot have one of the first three.
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
    """One parameter, or the result, and what its value must be."""

    name: str
    kind: Any  # of inspect's enum, which has no public name
    default: Any
    spec: Spec

    @property
    def has_default(self) -> bool:
        """Whether a call may omit it."""
        return self.default is not inspect.Parameter.empty

    @property
    def place(self) -> str:
        """Where its value is, in messages."""
        return _place(self.name)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of its array annotations, also of those in records."""
        if type(self.spec) is ArraySpec:  # as most are
            return self.spec.axes or ()
        if self.spec is UNANNOTATED:
            return ()
        return tuple(axis for spec in array_specs(self.spec) for axis in spec.axes or ())


class Contract(NamedTuple):
    """All that the guard of one function checks."""

    function: str
    options: Options
    parameters: tuple[Parameter, ...]
    result: Parameter
    flavour: Flavour = "function"
    yielded: Parameter | None = None
    sent: Parameter | None = None
    shares_axes: bool = False
    """Whether its body uses the axes of its call: see `sekisho.guard.body`."""
    is_wrapper: bool = False
    """Whether the function is called as its guard was: keyword arguments stay keyword arguments."""

    @property
    def keys(self) -> frozenset[str]:
        """The names that belong to a call; any other name belongs to the record that has it."""
        found: set[str] = set()
        for each in (*self.parameters, *self.outcomes):
            found.update(names_in(each.spec))
        return frozenset(found)

    @property
    def holds_arrays(self) -> bool:
        """Whether an annotation mentions an array."""
        specs = [each.spec for each in (*self.parameters, *self.outcomes)]
        return any(spec is not UNANNOTATED and holds_arrays(spec) for spec in specs)

    @property
    def takes_any_world(self) -> bool:
        """Whether an annotation allows an array of any world."""
        specs = (each.spec for each in (*self.parameters, *self.outcomes))
        arrays = (a for spec in specs if spec is not UNANNOTATED for a in array_specs(spec))
        return self.options.kind == "same_world" or any(a.world is None for a in arrays)

    @property
    def outcomes(self) -> tuple[Parameter, ...]:
        """The values after the arguments: yielded, sent and returned ones."""
        if self.yielded is None or self.sent is None:
            return (self.result,)
        return (self.yielded, self.sent, self.result)


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
        signature: its signature, from `read_signature`.
        options: the decorator's options.
        names: what string annotations may use beside the function's globals.
        problems: gets the messages about what cannot be checked and is left out; None to raise
            instead.

    Raises:
        NameError: if an annotation uses a name that is not defined yet.
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
    # `Self` is the class of the first positional argument.
    owner = argument_key(first.name) if first and first.kind in _POSITIONAL else None
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
    """Make a contract that checks nothing yet."""
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
    """Make the parameter for a value that is not an argument of the function."""
    empty = inspect.Parameter.empty
    return Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, empty, ANYTHING)


_GENERATORS: Final = {
    "generator": (abc.Iterator, abc.Iterable, abc.Generator),
    "async generator": (abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator),
}


def _split_generator(bare: Contract, hints: dict[str, Any]) -> Contract:
    """Split ``Generator[Y, S, R]`` into what is yielded, sent and returned."""
    hint = hints.pop(RESULT, inspect.Parameter.empty)
    accepted = _GENERATORS[bare.flavour]
    origin = get_origin(hint) or hint
    if origin not in accepted and bare.options.lenient:
        hint = Any  # an import hook guards it, which must not raise
    yielded, sent = make_parameter(YIELDED), make_parameter(SENT)
    if hint is inspect.Parameter.empty or hint is Any:
        if hint is Any:
            hints.update({YIELDED: Any, RESULT: Any})
        # Without annotation a yielded array must not be foreign, and a sent value may be anything.
        hints[SENT] = Any
        return bare._replace(yielded=yielded, sent=sent)
    if origin not in accepted:
        names = ", ".join(each.__name__ for each in accepted)
        raise DeclarationError(
            f"{bare.function}() the result: {annotation_text(hint)} is no annotation for "
            f"{'an' if bare.flavour[0] == 'a' else 'a'} {bare.flavour}.\n  hint: one of {names}"
        )
    # `Iterator[Y]` has no types of sent and returned values.
    inside = (*get_args(hint), Any, Any, Any)[:3]
    hints.update(zip((YIELDED, SENT, RESULT), inside, strict=True))
    return bare._replace(yielded=yielded, sent=sent)


def _place(name: str) -> str:
    return _PLACES.get(name) or f"argument '{name}'"


def _where(function: str, name: str) -> str:
    return f"{function}() {_place(name)}"


class _Reader(NamedTuple):
    """A reader of one function's annotations and options."""

    function: str
    options: Options
    parser: Parser
    problems: list[str] | None

    def read(
        self, hints: Mapping[str, Any], parameter: Parameter, *, is_first: bool = False
    ) -> Parameter:
        name, kind, default, _ = parameter  # not `_replace`, which takes three times as long
        return Parameter(name, kind, default, self.spec(hints, parameter, is_first=is_first))

    def parse(self, hint: Any, kind: Any) -> Spec:
        inside = None if isinstance(hint, type) else unpacked(hint)
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
        options = self.options
        if options.kind != "boundary":
            self.refuse_contradiction(hint, parameter)
        try:
            spec = self.parse(hint, parameter.kind)
        except ValueError as error:
            where = _where(self.function, parameter.name)
            raise DeclarationError(f"{where}: {annotation_text(hint)}: {error}") from None
        if type(spec) is ArraySpec:  # as most are: nothing is left for a type checker
            return spec
        where = _where(self.function, parameter.name)
        # typechecker=None checks arrays only.
        if options.typechecker is None and spec is not UNANNOTATED and not holds_arrays(spec):
            return ANYTHING
        checker = options.typechecker or "beartype"
        if self.problems is None:
            prepare_checkers(spec, checker, where)
            return spec
        problems = self.problems

        def change(each: Any) -> Any:
            try:
                # Leave out only the hint that cannot be checked, and keep the arrays around it.
                prepare_checkers(each, checker, where)
            except DeclarationError as error:
                if isinstance(each, HintSpec):
                    problems.append(str(error))
                    return ANYTHING
            return each

        lenient: Spec = mapped(spec, change)
        return lenient

    def refuse_contradiction(self, hint: Any, parameter: Parameter) -> None:
        options, world = self.options, self.parser.home
        foreign = foreign_types(hint, world)
        if foreign:
            where = _where(self.function, parameter.name)
            fix = (
                f"an array of {world.label}" if world else "sekisho.Array, which is either world's"
            )
            raise DeclarationError(
                f"{where}: {annotation_text(hint)} declares a {foreign[0]} "
                f"in a {options.kind} function.\n  hint: declare {fix}, or decorate with @boundary"
            )


def prepare_checkers(spec: Spec, typechecker: Any, where: str) -> None:
    """Make the type checker read each hint now, so that no call finds a bad one."""
    for each in walk(spec):
        if isinstance(each, HintSpec) and not each.classes:
            try:
                make_checker(each.hint, typechecker)
            except Exception as error:  # noqa: BLE001 - each checker has its own errors
                # Beartype's text is long, and about its own code. Other checkers may explain.
                why = "" if typechecker == "beartype" else f": {first_line(error)}"
                text = f"{where}: {each.text} is no annotation that can be checked{why}"
                raise DeclarationError(text) from None
