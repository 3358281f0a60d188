"""The text of the guards of many small functions: each form of annotation, parameter and option.

`SEKISHO_UPDATE_GOLDEN=1 pytest tests/test_codegen_forms.py` writes the files again; read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeVar

import numpy as np
import pytest
from jaxtyping import Bool, Float, Float32, Int, Shaped
from numpy.typing import NDArray

import sekisho as sk
from sekisho import worlds

GOLDEN = Path(__file__).parent / "golden"
A = np.ndarray
D = TypeVar("D", np.float32, np.float64)
N, M, NM = Float32[A, "n"], Float[A, "n m"], Float32[A, "n m"]


class Pair(NamedTuple):
    x: Float32[A, "n"]
    y: int


class Sized:
    size: int

    def by_attribute(self, x: Float[A, "{self.size} n"]) -> Float[A, "n {self.size}"]: ...

    def of_itself(self, x: N) -> Self: ...


# --- one annotation ---------------------------------------------------------------------------------


def each_axis(a: Float[A, ""], b: Float[A, "3"], c: Float[A, "_"], d: Float[A, "..."]): ...
def each_rank(a: Float[A, "n"], b: Float[A, "n n"], c: Float[A, "n m n"], d: Float[A, "m _ 3"]): ...
def stars(a: Float[A, "*s"], b: Float[A, "*s"], c: Float[A, "*s n"], d: Float[A, "n *s m"]): ...
def dots(a: Float[A, "... n"], b: Float[A, "n ..."], c: Float[A, "n ... m 3"]): ...
def hashes(a: Float[A, "#n"], b: Float[A, "n #n"], c: Float[A, "#3 #n"], d: Float[A, "*#s"]): ...
def growing(a: Float[A, "*#s"], b: Float[A, "*s"], c: Float[A, "*#s n"]) -> Float[A, "*s"]: ...
def computed(
    a: Float[A, "n"], b: Float[A, "n+1 2*n"], c: Float[A, "min(n,3)"], d: Float[A, "n//2"]
): ...
def computed_late(a: Float[A, "n n*n"], b: Float[A, "m m-n"]) -> Float[A, "n+m n%m n**2 -n+m"]: ...
def by_argument(n: int, m: float, x: Float[A, "{n}"], y: Float[A, "{m} {n}+1 {n}"]): ...
def by_default(x: Float[A, "{n}"], n: int = 3, m: int | None = None) -> Float[A, "{n} {m}"]: ...
def each_dtype(a: Shaped[A, "n"], b: Bool[A, "n"], c: Int[A, "n"], d: Float32[A, "n"]): ...
def each_class(
    a: A, b: np.matrix, c: NDArray[Any], d: NDArray[np.uint8], e: NDArray[np.floating[Any]]
): ...
def by_variable(x: NDArray[D], y: NDArray[D], z: NDArray[D] | None = None) -> NDArray[D]: ...
def any_word(x: Float[Any, "n"], y: Float32[np.matrix, "n m"]) -> Float[Any, "n"]: ...


# --- several alternatives ---------------------------------------------------------------------------


def optional(a: N | None, b: N | None = None, c: M | None = None) -> M | None: ...
def unions(a: N | M, b: N | int, c: int | str | N, d: N | list[N], e: list[N] | N): ...
def union_binds(a: Float[A, "n"] | Float[A, "n m"] | None, b: Float[A, "n m"]) -> N | int: ...
def defaults(
    a: N = 3,
    b: int = None,  # noqa: RUF013 - as many write it
    c: list[N] = (),
    d: Any = 1,
    e=None,
): ...
def result_union(x: N) -> N | tuple[N, int] | None: ...


# --- containers --------------------------------------------------------------------------------------


def sequences(a: list[N], b: tuple[N, ...], c: Sequence[N], d: list[A], e: list[int]): ...
def mappings(a: dict[str, N], b: dict[Any, N], c: Mapping[str, N], d: dict[str | int, N]): ...
def nested(a: list[list[N]], b: list[tuple[N, int]], c: dict[str, list[N]], d: list[N | None]): ...
def items(
    n: N, a: list[N], b: list[Float[A, "n k"]], c: list[Float[A, "k"]], d: list[Float[A, "#n"]]
): ...
def tuples(a: tuple[N, int], b: tuple[N, N], c: tuple[A, N | None], d: tuple[int, Any, str]): ...
def tuple_of_several(
    a: tuple[N, *tuple[N, ...]], b: tuple[int, ...]
) -> tuple[N, tuple[N, int]]: ...
def iterables(a: Iterable[N], b: Iterator[N], c: Callable[[N], N]) -> Iterator[N]: ...
def records(a: Pair, b: list[Pair]) -> Pair: ...
def returned_list(n: N) -> list[N]: ...
def returned_dict(n: N) -> dict[str, Float[A, "n k"]]: ...


# --- what is no array --------------------------------------------------------------------------------


def plain(a: int, b: float, c: complex, d: bool, e: str, f: bytes, g: None, h: object): ...
def classes(a: Pair, b: Sized, c: type[int], d: range, e: Literal[1], f: int | str | None): ...
def unannotated(a, b=1, *rest, c, d=None, **options): ...
def any_value(a: Any, b: D) -> Any: ...


# --- parameters --------------------------------------------------------------------------------------


def every_kind(
    a: N, b: int = 2, /, c: N = None, *rest: N, d: N, e: str = "e", **options: N
) -> N: ...
def packed(*args: Float32[A, "n k"] | None, **kwargs: int): ...
def starred(x: N, *rest: A, **options: A): ...
def shadowing(
    isinstance: N, len: M, dtype: int, shape: Float[A, "result"], result: N, item: list[N]
): ...
def keyword_axes(
    x: Float[A, "in is"], y: Float[A, "is in"], z: Float[A, "x y"]
) -> Float[A, "in x"]: ...


def nothing(): ...
def only_a_result() -> Float[A, "n n"]: ...
def generator(x: N) -> Iterator[Float[A, "n k"]]:
    yield x


async def coroutine(x: N) -> N: ...
async def async_generator(x: N):
    yield x


# --- arrays of any world ------------------------------------------------------------------------------


def either(
    a: sk.Array,
    b: Float[sk.Array, "n"],
    c: Float[sk.Array, "n"] | None,
    d: list[Float[sk.Array, "n"]],
    *rest: Float[sk.Array, "n"],
    e: Float[sk.Array, "n"] = None,
) -> Float[sk.Array, "n"]: ...
def either_late(n: int, x: tuple[sk.Array, int], **options: sk.Array) -> sk.Array: ...


FUNCTIONS = [
    *(each_axis, each_rank, stars, dots, hashes, growing, computed, computed_late, by_argument),
    *(by_default, each_dtype, each_class, by_variable, any_word, optional, unions, union_binds),
    *(defaults, result_union, sequences, mappings, nested, items, tuples, tuple_of_several),
    *(iterables, records, returned_list, returned_dict, plain, classes, unannotated, any_value),
    *(every_kind, packed, starred, shadowing, keyword_axes, nothing, only_a_result, generator),
    *(coroutine, async_generator, Sized.by_attribute, Sized.of_itself),
]
CASES: dict[str, tuple[Any, list[Any]]] = {
    "numpy_world": (sk.numpy_world, FUNCTIONS),
    "boundary": (sk.boundary, [any_word, unannotated, by_variable, records, either, coroutine]),
    "same_world": (sk.same_world, [either, either_late, unannotated, plain, nothing]),
    "returns_caller": (
        sk.numpy_world(returns="caller"),
        [only_a_result, result_union, tuple_of_several, records, coroutine, any_value, either],
    ),
    "no_typechecker": (sk.numpy_world(typechecker=None), [plain, classes, defaults, every_kind]),
}


@pytest.fixture(autouse=True)
def _numpy_and_torch_only(monkeypatch):
    """A third library, imported by another test, would add checks to the text."""
    pytest.importorskip("torch")
    resident = [world for world in worlds.asked_worlds() if world.is_resident]
    monkeypatch.setattr("sekisho.worlds.registry._records", tuple(resident))


def text_of(decorate, function):
    """Return the text of a guard, or why there is none."""
    try:
        return sk.generated_source(decorate(function))
    except sk.DeclarationError as error:
        return "".join(f"# {line}\n" for line in str(error).splitlines())


@pytest.mark.parametrize("name", CASES)
def test_every_form_gives_the_same_text(name):
    decorate, functions = CASES[name]
    text = "\n\n".join(text_of(decorate, each) for each in functions)
    path = GOLDEN / f"forms_{name}.txt"
    if os.environ.get("SEKISHO_UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


def test_the_trees_of_jax_take_the_slow_path():
    pytest.importorskip("jax")
    from jaxtyping import PyTree

    def trees(a, b, c=None): ...

    trees.__annotations__ = {"a": PyTree[N], "b": PyTree[N, "T"], "c": PyTree, "return": PyTree}
    lines = sk.generated_source(sk.numpy_world(trees)).splitlines()
    assert [each.strip() for each in lines if "_validate" in each] == [
        "a, n, jaxtyping_memo = _validate_a(a)",
        "b, jaxtyping_memo = _validate_b(b, n, jaxtyping_memo)",
        "c, jaxtyping_memo = _validate_c(c, jaxtyping_memo)",
        "result = _validate_result(result, jaxtyping_memo)",
    ]
