"""The text of the guards. The same contract gives the same text: compared with tests/golden.

`SEKISHO_UPDATE_GOLDEN=1 pytest tests/test_codegen.py` writes the files again; read the difference.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import linecache
import os
import traceback
from pathlib import Path
from typing import Literal, Optional

import numpy as np
import pytest
from jaxtyping import Bool, Float, Float32, Int, Shaped
from numpy.typing import NDArray

import sekisho as sk
from sekisho import worlds
from sekisho.utils import is_guard

GOLDEN = Path(__file__).parent / "golden"


def matmul(
    x: Float[np.ndarray, "b c"], y: Float[np.ndarray, "c d"], *, scale: float = 1.0
) -> Float[np.ndarray, "b d"]: ...


def one_array(x: Float32[np.ndarray, "n 3"]): ...


def plain_arrays(x: np.ndarray, y: NDArray[np.float32]) -> np.ndarray: ...


def optional(
    image: Float[np.ndarray, "h w"],
    mask: Optional[Bool[np.ndarray, "h w"]] = None,
    weights: Float[np.ndarray, " k"] | None = None,
    centres: Float[np.ndarray, "k 2"] | Float[np.ndarray, " k"] = None,
) -> Float[np.ndarray, "h w"] | None: ...


def variadic(
    x: Float[np.ndarray, "*batch n"], y: Int[np.ndarray, "*batch"], z: Shaped[np.ndarray, "... n"]
) -> Float[np.ndarray, "*batch"]: ...


def broadcast(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "#n #d"], z: Float[np.ndarray, "*#b"]
) -> Float[np.ndarray, "*b"]: ...


def symbolic(
    x: Float[np.ndarray, "n n+1"], y: Float[np.ndarray, "2*n m"]
) -> Float[np.ndarray, "n-1 n//m"]: ...


def scalars(flag: bool, name: str | None, mode: Literal["a", "b"] = "a", *rest, **options): ...


def signature(a, b: int, /, c, *, isinstance: int, len: Float[np.ndarray, "n n"], result=3): ...


def keywords(x: Float[np.ndarray, "in out class"]) -> Float[np.ndarray, "out in"]: ...


def two_worlds(
    x: Float[sk.Array, "*b n"], y: Int[sk.Array, "n"], z=None
) -> Float[sk.Array, "*b"]: ...


def late_array(n: int, x: Float[sk.Array, "n"] | None = None) -> Float[sk.Array, "n"]: ...


def tuples(
    x: Float32[np.ndarray, "n d"], *rest: Float32[np.ndarray, "n k"] | None, **options: int
) -> tuple[Float32[np.ndarray, "d"], tuple[Float32[np.ndarray, "n k"], int] | None]: ...


CASES = [
    (matmul, sk.numpy_world),
    (one_array, sk.numpy_world),
    (plain_arrays, sk.numpy_world),
    (optional, sk.numpy_world),
    (variadic, sk.numpy_world),
    (broadcast, sk.numpy_world),
    (symbolic, sk.numpy_world),
    (scalars, sk.numpy_world),
    (signature, sk.numpy_world),
    (keywords, sk.boundary),
    (two_worlds, sk.same_world),
    (late_array, sk.same_world),
    (matmul, sk.numpy_world(returns="caller")),
    (optional, sk.numpy_world(returns="caller", typechecker=None)),
    (tuples, sk.numpy_world),
]


@pytest.fixture(autouse=True)
def _numpy_and_torch_only(monkeypatch):
    """A third library, imported by another test, would add checks to the text."""
    resident = [world for world in worlds.asked_worlds() if world.is_resident]
    monkeypatch.setattr("sekisho.worlds.registry._records", tuple(resident))


def check_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.py.txt"
    if os.environ.get("SEKISHO_UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("number", "function", "decorate"),
    [(i, *case) for i, case in enumerate(CASES)],
    ids=[f"{i}-{function.__name__}" for i, (function, _) in enumerate(CASES)],
)
def test_the_same_contract_gives_the_same_text(number, function, decorate):
    text = sk.generated_source(decorate(function))
    assert sk.generated_source(decorate(function)) == text
    check_golden(f"{number:02}_{function.__name__}", text)


def test_the_text_of_a_module_guard(torch):
    class Net:
        @sk.torch_world(device="module", returns="caller")
        def forward(
            self, x: Float32[torch.Tensor, "b 3"], w: torch.nn.Parameter
        ) -> Float32[torch.Tensor, "b 4"]: ...

        @sk.torch_world(device="cuda:1")
        def on_one_device(self, x: Float32[torch.Tensor, "b"]): ...

        @sk.torch_world(device="cuda")
        def on_any(self, x: torch.Tensor): ...

    text = "\n".join(map(sk.generated_source, (Net.forward, Net.on_one_device, Net.on_any)))
    check_golden("torch_devices", text)


def test_no_generated_line_is_longer_than_a_reader_likes():
    for path in GOLDEN.glob("*.py.txt"):
        for line in path.read_text("utf-8").splitlines():
            assert len(line) <= 100, f"{path.name}: {line}"


def test_generated_text_is_in_linecache_as_long_as_the_guard_lives():
    def f(x: Float[np.ndarray, "n"]): ...

    guard = sk.numpy_world(f)
    guard(np.ones(2))  # the first call writes the text
    filename = guard.__code__.co_filename
    assert "".join(linecache.getlines(filename)) == sk.generated_source(guard)
    linecache.checkcache()
    assert linecache.getlines(filename)
    del guard
    gc.collect()
    sk.generated_source(sk.numpy_world(f))
    assert not linecache.getlines(filename)


def test_a_traceback_keeps_the_text_of_a_guard_that_its_maker_has_dropped():
    def call(hint):
        @sk.numpy_world
        def f(x: hint, y=None):
            raise ValueError("this one")

        f(np.ones((2, 2)))

    with pytest.raises(ValueError, match="this one") as caught:
        call(Float[np.ndarray, "first second"])
    with contextlib.suppress(ValueError):
        call(Float[np.ndarray, "a b"])  # another class of the same name
    *_, code = [
        frame.f_code for frame, _ in traceback.walk_tb(caught.tb) if is_guard(frame.f_code)
    ]  # after the stub's text
    assert "first second" in "".join(linecache.getlines(code.co_filename))


def test_a_guard_may_go_while_linecache_is_checked():
    class Going(dict):
        def keys(self):
            names = list(super().keys())
            guards.clear()
            gc.collect()
            return names

    guards = [sk.numpy_world(lambda x: x)]
    guards[0](1)
    before, linecache.cache = linecache.cache, Going(linecache.cache)
    try:
        linecache.checkcache()
    finally:
        linecache.cache = before


def test_debuggers_find_the_source_of_a_guard():
    guard = sk.numpy_world(matmul)
    text = sk.generated_source(guard)
    lines, _ = inspect.findsource(guard.__code__)
    assert "".join(lines) == text


def test_there_is_no_generated_source_without_a_guard():
    with pytest.raises(TypeError, match="has no generated guard"):
        sk.generated_source(matmul)
    with pytest.raises(TypeError, match="has no generated guard"):
        sk.generated_source(len)
