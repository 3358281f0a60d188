"""What each annotation is read as: the contracts of many small functions, compared with a golden file.

`SEKISHO_UPDATE_GOLDEN=1 pytest tests/test_contract_forms.py` writes the file again; read the difference.
"""

from __future__ import annotations

import collections
import functools
import os
import sys
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Hashable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    Set,
    Sized,
    ValuesView,
)
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
)

import numpy as np
import pytest
from jaxtyping import Float, Float32, Int, Shaped
from numpy.typing import NDArray

import sekisho as sk
from sekisho.contract import LenientNames, build_contract, make_options, read_signature

GOLDEN = Path(__file__).parent / "golden" / "contracts.txt"
A = np.ndarray
N = Float32[A, "n"]
T = TypeVar("T")
D = TypeVar("D", np.float32, np.float64)
Ts = typing.TypeVarTuple("Ts")
P = typing.ParamSpec("P")


class Point(NamedTuple):
    x: Float32[A, "n"]
    y: int
    z: Float32[A, "{y}"]


@dataclass
class Node:
    value: Float32[A, "n"]
    children: list[Node]
    count: InitVar[int]
    name: str = ""
    cache: Float32[A, "c"] = field(default=None, init=False)


@dataclass
class Box(Generic[T]):
    inside: T
    label: str


class Words(TypedDict, total=False):
    a: Required[Float32[A, "n"]]
    b: NotRequired[int]
    c: Annotated[Required[Annotated[int, 1]], 2]
    d: str


class Plain(NamedTuple):
    x: int


class Lost(NamedTuple):
    x: Missing
    y: Float32[A, "n"]


class Methods:
    size = 3

    def of_itself(self, x: N) -> Self: ...
    def inside(self, x: Float[A, "{self.size}"]) -> list[Self]: ...
    @classmethod
    def made(cls, x: N) -> type[Self]: ...
    @staticmethod
    def static(x: N, self: int) -> None: ...


Tree = typing.Union[N, dict[str, "Tree"]]
Names = dict[str, "Names"] | int


def arrays(
    a: A, b: N, c: NDArray[Any], d: NDArray[D], e: np.matrix, f: Float[np.matrix, "*#s 3"]
): ...
def any_array(a: sk.Array, b: Shaped[sk.Array, "..."], c: Float[Any, "n"], d: Int[Any, "..."]): ...
def nothing(a: None, b: Any, c: object, d: T, e: P.args, f: Annotated[Any, 1]): ...
def plain(
    a: int, b: float, c: complex, d: str, e: Literal["a"], f: type[int], g: Hashable, h: Sized
): ...
def callables(a: Callable[[N], N], b: Callable[..., int], c: type[np.matrix]): ...
def unions(
    a: N | None, b: int | None, c: int | list[int], d: N | Any, e: int | T, f: int | Hashable
): ...
def unions_of_one(a: N | N, b: typing.Union[N, A, int], c: typing.Optional[Point]): ...
def sequences(
    a: list[N], b: tuple[N, ...], c: Sequence[N], d: collections.deque[N], e: list[Any]
): ...
def tuples(
    a: tuple[N, int], b: tuple[()], c: tuple[int, str], d: tuple[N, *tuple[N, ...], int]
): ...
def tuples_of_any(a: tuple[N, *Ts], b: tuple[*tuple[N, ...], int]): ...
def mappings(
    a: dict[str, N], b: Mapping[Any, N], c: collections.Counter[str], d: dict[str, int]
): ...
def iterables(
    a: Iterable[N],
    b: Iterator[N],
    c: Collection[N],
    d: ValuesView[N],
    e: ItemsView[str, N],
    f: Generator[N, int, str],
): ...
def sets(a: Set[int], b: KeysView[str], c: frozenset[int]): ...
def records(a: Point, b: list[Point], c: Box[N], d: Box[int], e: Plain, f: Words): ...
def recursive(a: Node, b: Tree, c: Names): ...
def strings(a: "N", b: "list[N] | None", c: list["N"], d: "Point"): ...
def packed(*args: *tuple[N, ...], **kwargs: Unpack[Words]): ...
def packed_any(*args: *Ts, **kwargs: N): ...
def parameters(a, /, b: N = None, *c: N, d: N, e: int = 3, **f: N) -> N: ...
def axes(
    a: Float[A, "n *s"], b: Float[A, "*#s"], c: Float[A, "n+1 {a.ndim} #n"], d: NDArray[D]
) -> NDArray[D]: ...
def generator(a: N) -> Generator[N, int, N]:
    yield a


def iterator(a: N) -> Iterator[N]:
    yield a


def any_generator(a: N) -> Any:
    yield a


def bare_generator(a: N):
    yield a


async def coroutine(a: N) -> N: ...
async def async_generator(a: N) -> AsyncGenerator[N, int]:
    yield a


async def async_iterator(a: N) -> AsyncIterator[N]:
    yield a


@functools.wraps(axes)
def wrapper(*args, **kwargs): ...


GOOD = [
    *(arrays, any_array, nothing, plain, callables, unions, unions_of_one, sequences, tuples),
    *(tuples_of_any, mappings, iterables, sets, records, recursive, strings, packed, packed_any),
    *(parameters, axes, generator, iterator, any_generator, bare_generator, coroutine),
    *(async_generator, async_iterator, wrapper),
    *(Methods.of_itself, Methods.inside, Methods.made.__func__, Methods.static),
]


# Each of these has a mistake in its first argument, or in its result.
def no_axis(a: Float[A, "n+1"], b: N): ...
def no_axis_after(a: N, b: Float[A, "m+n k*2 n"], c: list[Float[A, "{z}"]]): ...
def late_axis(a: Float[A, "b*c"], b: N) -> Float[A, "n-1 k"]: ...
def two_axes(a: Float[A, "h*w"]): ...
def a_set(a: set[N], b: N): ...
def a_key(a: dict[N, int]): ...
def a_future(a: Awaitable[N]): ...
def of_no_class(a: list[Self]): ...
def unpacked_twice(a: tuple[*tuple[N, ...], *tuple[N, ...]]): ...
def unpacked_one(a: tuple[N, *tuple[N]]): ...
def a_dtype(a: np.dtype("float32"), b: list[Float32]): ...
def a_module(a: np, b: N): ...
def a_number(a: 3, b: N): ...
def a_leaf(a: Float[A, "?n"], b: N): ...
def an_error(a: "1/0", b: "N[", c: "'h w'", d: N): ...
def unknown(a: "Missing", b: "Missing.part", c: "Lost", d: N): ...
def no_generator(a: N) -> int:
    yield a


async def no_async_generator(a: N) -> Iterator[N]:
    yield a


BAD = [
    *(no_axis, no_axis_after, late_axis, two_axes, a_set, a_key, a_future, of_no_class),
    *(unpacked_twice, unpacked_one, a_dtype, a_module, a_number, a_leaf, an_error, unknown),
    *(no_generator, no_async_generator),
]


def facts_of(spec):
    for name in ("array_type", "classes", "container", "structure", "several", "argument"):
        value = getattr(spec, name, None)
        if value not in (None, ()):
            each = value if isinstance(value, tuple) else (value,)
            yield f"{name}: {', '.join(getattr(one, '__name__', str(one)) for one in each)}"


def shown(spec, depth=0):
    """Write what an annotation is read as, one line for each part."""
    pad, kind = "  " * depth, type(spec).__name__
    lines = [f"{pad}{kind} {spec.text}"]
    if depth > 6:
        return [f"{pad}..."]
    lines += [f"{pad}  {each}" for each in facts_of(spec)]
    if kind == "ArraySpec":
        marks = [name for name in ("takes_scalars", "takes_ducks") if getattr(spec, name)]
        about = (spec.world and spec.world.name, spec.dtype_label, spec.dtype_key, spec.only_dtype)
        axes = None if spec.axes is None else [axis.key or axis.text for axis in spec.axes]
        lines.append(f"{pad}  {' '.join(map(str, (*about, *marks)))} axes: {axes}")
    elif kind == "RecordSpec":
        lines.append(f"{pad}  required: {sorted(spec.required)} keys: {sorted(spec.keys)}")
        lines.append(f"{pad}  is_complete: {spec.is_complete} is_dict: {spec.is_dict}")
        for name, each in spec.fields.items():
            lines += [f"{pad}  .{name}", *shown(each, depth + 2)]
    elif kind == "AliasSpec":
        lines += shown(spec.target, depth + 1) if depth < 2 else []
    for name in ("alternatives", "items", "arrays"):
        for each in getattr(spec, name, None) or ():
            lines += shown(each, depth + 1)
    for name in ("key", "value", "item", "inner"):
        if hasattr(spec, name):
            lines += [f"{pad}  {name}:", *shown(getattr(spec, name), depth + 2)]
    return lines


def contract_of(function, kind="numpy_world", problems=None, **options):
    names = {} if problems is None else LenientNames(function.__globals__, {})
    options = make_options(kind, typechecker=options.pop("typechecker", "beartype"), **options)
    return build_contract(function, read_signature(function), options, names, problems)


def written(contract):
    facts = [
        name
        for name in ("holds_arrays", "takes_any_world", "is_wrapper")
        if getattr(contract, name)
    ]
    lines = [f"=== {contract.function}: {contract.flavour} {' '.join(facts)}"]
    lines.append(f"keys: {sorted(contract.keys)}")
    for each in (*contract.parameters, *contract.outcomes):
        default = " (has a default)" if each.has_default else ""
        lines.append(f"{each.place}{default} axes: {[axis.text for axis in each.axes]}")
        lines += shown(each.spec, 1)
    return lines


def text_of(function):
    lines = [*written(contract_of(function))]
    if function in (arrays, any_array, nothing, unions, parameters, bare_generator):
        lines += ["--- boundary", *written(contract_of(function, "boundary"))]
    if function in (plain, sequences, callables):
        lines += ["--- typechecker=None", *written(contract_of(function, typechecker=None))]
        own = contract_of(function, typechecker=lambda function: function)
        lines += ["--- typechecker=...", *written(own)]
    return "\n".join(lines)


def text_of_bad(function):
    try:
        said = written(contract_of(function))
    except (sk.DeclarationError, NameError) as error:
        said = [f"{type(error).__name__}: {error}"]
    problems: list[str] = []
    options = {"lenient": True}
    lenient = written(contract_of(function, problems=problems, **options))
    return "\n".join([f"=== {function.__name__}", *said, "--- lenient", *problems, *lenient])


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python writes unions in another way")
def test_each_annotation_is_read_as_before():
    text = "\n".join([*map(text_of, GOOD), *map(text_of_bad, BAD)]) + "\n"
    text = text.replace(f"{__name__}.", "")
    if os.environ.get("SEKISHO_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, "utf-8")
    assert GOLDEN.read_text("utf-8") == text
