"""Infer the result of a function from its annotations: the first overload that fits decides."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.inference.annotations import read_annotation
from sekisho.inference.arrays import worlds_of
from sekisho.inference.program import Program, split
from sekisho.inference.value_types import NEVER, UNKNOWN, InstanceValue, Value, array
from sekisho.inference.values import arrays_in, atoms, is_known, is_never, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.code import Expr, Signature

__all__ = ["Arguments", "assign", "bound_by", "call_signatures", "has_no_place_for", "refuses"]

NO, MAYBE, YES = 0, 1, 2

_NUMBERS: Final = ("builtins:bool", "builtins:int", "builtins:float", "builtins:complex")
_ANY: Final = frozenset({"Any", "Incomplete", "typing.Any", "_Incomplete"})


class Arguments(NamedTuple):
    """The arguments of a call.

    Attributes:
        args: by position.
        kwargs: by name.
        is_open: whether ``*args`` or ``**kwargs`` are passed, of which one sees nothing.
        rest: what comes out of ``*args``, and what stands behind, in any order.
    """

    args: tuple[Value, ...] = ()
    kwargs: tuple[tuple[str, Value], ...] = ()
    is_open: bool = False
    rest: Value = NEVER

    def values(self) -> Iterator[Value]:
        """Yield all values."""
        yield from self.args
        for _, value in self.kwargs:
            yield value


def assign(signature: Signature, call: Arguments, *, skip: int) -> list[tuple[int, Value]] | None:
    """Assign arguments to parameters, by index; return None if they do not fit.

    Args:
        signature: the signature of the function.
        call: the arguments.
        skip: the number of parameters that are bound already: 1 for a method.
    """
    parameters, *_ = signature
    taken: list[tuple[int, Value]] = []
    index, count = skip, len(parameters)
    for value in call.args:
        while index < count and parameters[index][1] in {"k", "**"}:
            index = count
        if index >= count:
            return None
        taken.append((index, value))
        if parameters[index][1] != "*":
            index += 1
    if call.kwargs:
        places = {
            name: place for place, (name, kind, *_) in enumerate(parameters) if kind in {"a", "k"}
        }
        rest = count - 1 if parameters and parameters[-1][1] == "**" else -1
        for name, value in call.kwargs:
            place = places.get(name, rest)
            if place < 0:
                return None
            taken.append((place, value))
    if not call.is_open:
        given = {place for place, _ in taken}
        for place, (_, _, has_default, _) in enumerate(parameters):
            if place >= skip and not has_default and place not in given:
                return None
    return taken


def call_signatures(
    program: Program,
    owner: str,
    signatures: Sequence[Signature],
    call: Arguments,
    self_value: Value | None = None,
) -> Value:
    """Return the result of a library's function.

    Args:
        program: the program that resolves names.
        owner: the function, as ``module:name``.
        signatures: its overloads.
        call: the arguments.
        self_value: the object, if it is called as a method.
    """
    key, _ = split(owner)
    found: Value = NEVER
    for signature in signatures:
        verdict, given = _match(program, key, signature, call, self_value)
        if verdict == NO:
            continue
        found = join(found, given)
        # later overloads cannot be chosen; after a MAYBE they can, so their results are joined
        if verdict == YES:
            break
    if is_never(found):
        return UNKNOWN
    if found[0] == "?":
        return _of_whatever(program, key, signatures, call)
    return found


def refuses(
    program: Program,
    owner: str,
    signatures: Sequence[Signature],
    call: Arguments,
    self_value: Value | None = None,
) -> bool:
    """Return whether all overloads of a function reject the arguments, as far as they are known."""
    key, _ = split(owner)
    return all(_match(program, key, each, call, self_value)[0] == NO for each in signatures)


def bound_by(signature: Signature, self_value: Value | None) -> int:
    """Return how many parameters are bound before a call: 1 for a method of an object."""
    _, _, decorators, _ = signature
    return 0 if self_value is None or "staticmethod" in decorators else 1


def has_no_place_for(
    signatures: Sequence[Signature], call: Arguments, self_value: Value | None = None
) -> bool:
    """Return whether the names and number of the arguments fit no overload.

    Types count only for `dtype` and `order`, which cannot be numbers. Elsewhere stubs are too
    narrow: a tensor may be a size.
    """
    for signature in signatures:
        parameters, *_ = signature
        taken = assign(signature, call, skip=bound_by(signature, self_value))
        if taken is not None and not any(
            parameters[place][0] in {"dtype", "order"}
            and value[0] == "instance"
            and value[1] in _NUMBERS
            for place, value in taken
        ):
            return False
    return True


def _of_whatever(
    program: Program, key: str, signatures: Sequence[Signature], call: Arguments
) -> Value:
    """Resolve an Any in stubs, which stands for an array or a number, depending on the shape."""
    world = key.partition(".")[0]
    if world not in {each.name for each in program.worlds}:
        return UNKNOWN
    if any(each != world for value in call.values() for each in arrays_in(value)):
        return UNKNOWN  # another library may have taken over the call
    returned = [returns for _, returns, *_ in signatures]
    said = [read_annotation(program, key, each, {"Self": UNKNOWN}) for each in returned]
    has_array = any(worlds_of(each) == (world,) for each in said)
    if has_array and any(map(_is_any, returned)):
        return array(world, is_array=False)
    return UNKNOWN


def _is_any(expr: Expr) -> bool:
    return isinstance(expr, str) and expr in _ANY


def _match(
    program: Program, key: str, signature: Signature, call: Arguments, self_value: Value | None
) -> tuple[int, Value]:
    parameters, returns, *_ = signature
    skip = bound_by(signature, self_value)
    taken = assign(signature, call, skip=skip)
    if taken is None:
        return NO, NEVER
    bindings: dict[str, Value] = {} if self_value is None else {"Self": self_value}
    verdict = MAYBE if call.is_open else YES
    # `functools.reduce(add, arrays, 0)` gives no integer: of the standard library, a variable may be anything.
    is_generic = key.partition(".")[0] not in sys.stdlib_module_names
    if skip and self_value is not None and parameters:
        _, _, _, annotation = parameters[0]
        if isinstance(annotation, str):
            bindings[annotation] = self_value
    for place, value in taken:
        _, _, _, annotation = parameters[place]
        if annotation is None:
            continue
        wanted = read_annotation(program, key, annotation, bindings)
        fit = _fits(value, wanted)
        if fit == NO:
            return NO, NEVER
        verdict = min(verdict, fit)
        if (
            is_generic
            and isinstance(annotation, str)
            and is_known(value)
            and _is_variable(program, key, annotation)
        ):
            # a type variable has the same value in all parameters and in the result
            bindings[annotation] = value
    if returns is None:
        return verdict, UNKNOWN
    return verdict, read_annotation(program, key, returns, bindings)


def _is_variable(program: Program, key: str, name: str) -> bool:
    match program.dotted(key, name):
        case ("variable", module, variable):
            table = program.table(module)
        case _:
            return False
    entry = table.names.get(variable) if table is not None else None
    match entry:
        case ("var", _, ("call", str(maker), _, _)):
            return maker.endswith("TypeVar")
        case _:
            return False


def _fits(value: Value, wanted: Value) -> int:
    if wanted[0] == "?":
        return YES
    if not is_known(value):
        return MAYBE
    verdicts = {
        max((_fits_atom(atom, each) for each in atoms(wanted)), default=MAYBE)
        for atom in atoms(value)
    }
    if verdicts == {YES}:
        return YES
    return NO if verdicts == {NO} else MAYBE


def _fits_atom(atom: Value, wanted: Value) -> int:
    match atom, wanted:
        case (("array", world, is_array, *_), ("array", wanted_world, wants_array, *_)):
            if world != wanted_world:
                return NO
            return YES if is_array or not wants_array else MAYBE
        case (("array", _, is_array, *_), (other, *_)):
            return MAYBE if other == "instance" and not is_array else NO
        case ((tag, *_), ("array", *_)):
            return NO if tag in _OTHERS else MAYBE
        case (("instance", *_), ("instance", *_)):
            return _fits_instance(atom, wanted)
        case (("list", _, item), ("list", _, wanted_item)):
            return _fits_items((item,), wanted_item)
        case (("tuple", items), ("list", _, wanted_item)):
            return _fits_items(items, wanted_item)
        case ((tag, *_), (other, *_)) if tag == other:
            return YES
        case (("instance", cls, _), (other, *_)) | ((other, *_), ("instance", cls, _)):
            return NO if other in _OTHERS and cls in _SCALARS else MAYBE
        case _:
            return MAYBE


_OTHERS: Final = frozenset({"instance", "list", "tuple", "dict"})
"""The tags of what is no array."""

_SCALARS: Final = frozenset({*_NUMBERS, "builtins:str", "builtins:NoneType"})


def _fits_items(items: Iterable[Value], wanted: Value) -> int:
    # only an array that the item type excludes is a reason to refuse
    return NO if any(each[0] == "array" and _fits(each, wanted) == NO for each in items) else YES


def _fits_instance(atom: InstanceValue, wanted: InstanceValue) -> int:
    _, cls, parameter = atom
    _, wanted_cls, wanted_parameter = wanted
    if parameter is not None and wanted_parameter is not None and cls == wanted_cls:
        return YES if parameter == wanted_parameter else NO
    fits = _fits_class(cls, wanted_cls)
    return MAYBE if fits == YES and wanted_parameter is not None else fits


def _fits_class(name: str, wanted: str) -> int:
    if wanted in {name, "builtins:object"}:
        return YES
    if name in _NUMBERS and wanted in _NUMBERS:
        return YES if _NUMBERS.index(name) < _NUMBERS.index(wanted) else NO
    return MAYBE if wanted not in _PLAIN else NO


_PLAIN: Final = _SCALARS | {"builtins:bytes", "builtins:slice"}
