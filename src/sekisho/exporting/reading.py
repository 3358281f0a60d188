"""Read the arguments of a call beside the contract: which array has which axes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    AliasSpec,
    ArraySpec,
    HintSpec,
    MappingSpec,
    PackedSpec,
    Parameter,
    RecordSpec,
    SequenceSpec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
    array_specs,
    match_shape,
)
from sekisho.errors import DeclarationError, with_article
from sekisho.exporting.examples import hold_example
from sekisho.exporting.refusals import refuse_argument
from sekisho.exporting.sizes import read_sizes
from sekisho.exporting.tree import MISSING, Leaf, Record, leaves
from sekisho.worlds import class_of, describe, dtype_name, find_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.guard import BoundContract
    from sekisho.worlds import Library

__all__ = ["Arguments", "read_arguments", "read_result"]

_EXAMPLE: Final = "pass an example of the arguments"


class Arguments(NamedTuple):
    """The arguments of one call as trees.

    Attributes:
        bound: the contract.
        nodes: the tree of each argument that is passed, by its parameter.
        signature: the parameters, for binding.
    """

    bound: BoundContract
    nodes: Mapping[str, Any]
    signature: inspect.Signature

    @property
    def leaves(self) -> Iterator[Leaf]:
        """The leaves of all arguments, in order."""
        for node in self.nodes.values():
            yield from leaves(node)


def read_arguments(
    bound: BoundContract,
    args: tuple[Any, ...] | None,
    kwargs: Mapping[str, Any] | None,
    world: Library,
) -> Arguments:
    """Read the arguments of an example call.

    Args:
        bound: the contract of the function.
        args: the positional arguments; None together with `kwargs` if there is no example. Then
            every parameter without a default is read by its annotation alone.
        kwargs: the keyword arguments.
        world: the world of the exporter.

    Raises:
        BoundaryError: if the contract does not accept the arguments.
        DeclarationError: if the arguments do not fit the signature, or an exporter cannot express
            what the contract says.
    """
    parameters = bound.contract.parameters
    signature = inspect.Signature(
        [inspect.Parameter(p.name, p.kind, default=p.default) for p in parameters]
    )
    if args is not None and not isinstance(args, tuple):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DeclarationError(
            f"{bound.name}(): expected the arguments of an example as a tuple, got {describe(args)}.\n"
            f"  hint: (x,) for one argument"
        )
    values: dict[str, Any]
    if args is None and kwargs is None:
        values = {
            p.name: MISSING for p in parameters if not p.has_default and not _is_open(bound.name, p)
        }
    else:
        try:
            values = signature.bind(*(args or ()), **(kwargs or {})).arguments
        except TypeError as error:
            raise DeclarationError(f"{bound.name}() cannot be called like this: {error}.") from None
    known = dict(bound.known)
    for each in parameters:
        value = values.get(each.name, each.default)
        if value is not MISSING and value is not inspect.Parameter.empty:
            known[f"{{{each.name}}}"] = value
    reader = Reader(bound.name, known, {key: key for key in bound.contract.keys})
    nodes = {
        each.name: reader.whole_argument(each, values[each.name])
        for each in parameters
        if each.name in values
    }
    arguments = Arguments(bound, nodes, signature)
    hold_example(arguments, values, known, world)
    return arguments


def _is_open(function: str, parameter: Parameter) -> bool:
    """Return whether a parameter takes any number of arguments, which may then be left out.

    Raises:
        DeclarationError: if they are arrays.
    """
    kind, spec, name = parameter.kind, parameter.spec, parameter.name
    star = {kind.VAR_POSITIONAL: "*", kind.VAR_KEYWORD: "**"}.get(kind)
    if star is None or isinstance(spec, PackedSpec):
        return False
    if spec is UNANNOTATED or array_specs(spec):
        refuse_argument(function, name, f"'{star}{name}' may be any number of arrays", _EXAMPLE)
    return True


def read_result(bound: BoundContract) -> Any:
    """Return the tree of what a function returns; None if its annotation leaves it open."""
    reader = Reader(bound.name, dict(bound.known), {key: key for key in bound.contract.keys})
    try:
        return reader.read(bound.contract.result.spec, MISSING, "result")
    except DeclarationError:
        return None


class Reader:
    """Reads the values of one call.

    Args:
        function: its name, for messages.
        known: the value of each ``{argument}`` that an axis may use.
        names: the name of the dimension of each axis name, which differ in a record.
    """

    def __init__(self, function: str, known: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self.function = function
        self.known = known
        self.names = names

    def refuse(self, place: str, why: str, hint: str) -> NoReturn:
        refuse_argument(self.function, place, why, hint)

    def whole_argument(self, parameter: Parameter, value: Any) -> Any:
        """Read the argument of one parameter, which must not contain itself."""
        try:
            return self.argument(parameter, value)
        except RecursionError:
            why = "it contains itself, or is nested too deeply"
        return self.refuse(parameter.name, why, "pass a value of finite depth")

    def argument(self, parameter: Parameter, value: Any) -> Any:
        """Read the argument of one parameter; of ``*args`` and ``**kwargs``, all that it takes."""
        spec: Any = parameter.spec
        kind, name = parameter.kind, parameter.name
        if isinstance(spec, PackedSpec):
            return self.read(spec.inner, value, name)
        if kind is kind.VAR_POSITIONAL:
            return tuple([self.read(spec, v, f"{name}[{i}]") for i, v in enumerate(value)])
        if kind is kind.VAR_KEYWORD:
            return {key: self.read(spec, each, key) for key, each in value.items()}
        return self.read(spec, value, name)

    def read(self, spec: Any, value: Any, place: str) -> Any:  # noqa: PLR0911 - one return a kind
        """Read one value beside its annotation."""
        if isinstance(spec, AliasSpec):
            return self.read(spec.target, value, place)
        if isinstance(spec, UnionSpec):
            return self.read(self.alternative(spec, value, place), value, place)
        if isinstance(spec, ArraySpec):
            if value is not MISSING and not hasattr(value, "shape"):
                return Leaf(place, None, None, value)
            return Leaf(place, spec, self.sizes(spec, value, place), value)
        if spec is ANYTHING or spec is UNANNOTATED or isinstance(spec, HintSpec):
            return self.plain(value, place)
        if isinstance(spec, TreeSpec):
            if value is MISSING:
                self.refuse(place, f"{spec.text} does not say which leaves there are", _EXAMPLE)
            return self.tree(spec.item, value, place)
        if isinstance(spec, RecordSpec):
            return self.record(spec, value, place)
        return self.container(spec, value, place)

    def sizes(self, spec: ArraySpec, value: Any, place: str) -> Any:
        shape = None if value is MISSING else tuple(value.shape)
        try:
            return read_sizes(spec, shape, self.names, self.known)
        except ValueError as error:
            self.refuse(place, str(error), _EXAMPLE)

    def container(self, spec: Any, value: Any, place: str) -> Any:
        """Read a list, a tuple or a dict."""
        if isinstance(spec, TupleSpec):
            if value is MISSING and spec.several is None:
                value = (MISSING,) * len(spec.items)
            if issubclass(class_of(value), tuple):
                each = zip(spec.expanded(len(value)), value, strict=False)
                return tuple([self.read(s, v, f"{place}[{i}]") for i, (s, v) in enumerate(each)])
        if isinstance(spec, SequenceSpec) and type(value) in {list, tuple}:
            items = [self.read(spec.item, v, f"{place}[{i}]") for i, v in enumerate(value)]
            return type(value)(items)
        if isinstance(spec, MappingSpec) and issubclass(class_of(value), dict):
            return {key: self.read(spec.value, v, f"{place}[{key!r}]") for key, v in value.items()}
        if value is MISSING:
            self.refuse(place, f"{spec.text} does not say how many items there are", _EXAMPLE)
        kinds = "lists, tuples, dicts, NamedTuples and registered classes"
        name = type(value).__name__
        return self.refuse(
            place, f"{with_article(name)} is no argument of an exported program", f"pass {kinds}"
        )

    def record(self, spec: RecordSpec, value: Any, place: str) -> Any:
        """Read a record, whose axis names are its own unless the values around it use them."""
        if value is not MISSING and not _fits(spec, value):
            return Leaf(place, None, None, value)  # `hold_example` says what it should be
        own = {key: self.names.get(key, _prefixed(place, key)) for key in spec.keys}
        values = {name: _field(value, name, is_dict=spec.is_dict) for name in spec.fields}
        if spec.is_dict and value is not MISSING:
            values = {name: each for name, each in values.items() if name in value}
        elif spec.is_dict:
            values = {name: each for name, each in values.items() if name in spec.required}
        known = {f"{{{name}}}": each for name, each in values.items() if each is not MISSING}
        inner = Reader(self.function, {"{self}": value, **known}, {**self.names, **own})
        fields: dict[str, Any] = {}
        for name, each in values.items():
            at = f"{place}[{name!r}]" if spec.is_dict else f"{place}.{name}"
            fields[name] = inner.read(spec.fields[name], each, at)
        if spec.is_dict:
            return fields
        if hasattr(spec.kind, "_make"):
            return spec.kind(**fields)
        return Record(place, spec, value, fields)

    def tree(self, item: Any, value: Any, place: str) -> Any:
        """Read a PyTree of the containers that every exporter takes."""
        if issubclass(class_of(value), dict):
            return {key: self.tree(item, v, f"{place}[{key!r}]") for key, v in value.items()}
        if type(value) in {list, tuple}:
            return type(value)([self.tree(item, v, f"{place}[{i}]") for i, v in enumerate(value)])
        return self.read(item, value, place)

    def plain(self, value: Any, place: str) -> Any:
        """Read a value without a contract."""
        if issubclass(class_of(value), dict):
            return {key: self.plain(v, f"{place}[{key!r}]") for key, v in value.items()}
        if type(value) in {list, tuple}:
            return type(value)([self.plain(v, f"{place}[{i}]") for i, v in enumerate(value)])
        return Leaf(place, None, None, value)

    def alternative(self, spec: UnionSpec, value: Any, place: str) -> Any:
        """Return the alternative of a union that a value is one of."""
        if value is MISSING:
            holding = [each for each in spec.alternatives if array_specs(each)]
            if len(holding) != 1:
                self.refuse(place, f"{spec.text} has several alternatives", _EXAMPLE)
            return holding[0]
        found = [each for each in spec.alternatives if _fits(each, value)]
        return found[0] if found else ANYTHING


def _prefixed(place: str, key: str) -> str:
    """The name of a record's own dimension: ``rows_n``, where others have an ``n``, too."""
    prefix = "".join(each if each.isalnum() else "_" for each in place).strip("_")
    return f"*{prefix}_{key[1:]}" if key.startswith("*") else f"{prefix}_{key}"


def _field(value: Any, name: str, *, is_dict: bool) -> Any:
    if value is MISSING:
        return MISSING
    return value.get(name, MISSING) if is_dict else getattr(value, name)


def _fits(spec: Any, value: Any) -> bool:
    """Return whether a value is of the kind that an annotation means."""
    if isinstance(spec, ArraySpec):
        if find_world(value) is None or not spec.owns(value, None):
            return False
        is_right = spec.accepts_dtype(dtype_name(value.dtype))
        return is_right and (
            spec.axes is None or match_shape(spec.axes, tuple(value.shape), {}) is None
        )
    if isinstance(spec, (SequenceSpec, MappingSpec)):
        return isinstance(value, spec.container)
    if isinstance(spec, TupleSpec):
        return issubclass(class_of(value), tuple) and len(spec.expanded(len(value))) == len(value)
    if isinstance(spec, RecordSpec):
        return isinstance(value, dict if spec.is_dict else spec.kind)
    return not isinstance(spec, HintSpec) or find_world(value) is None
