"""Every way to misuse a public function that is not a decorator, with the exact message.

The golden files read like a page: each misuse, and its message. ``SEKISHO_UPDATE_GOLDEN=1 pytest
tests/test_golden_messages.py`` writes them again.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekisho as sk

GOLDEN = Path(__file__).parent / "golden"

NO_ARRAYS = ("None", "'abc'", "3", "[1, 2]", "object")
SHAPES = ("scalar", "vector", "matrix", "picture")
ONE_ARRAY = (
    "add_batch_dim({0})",
    "add_channel_dim({0})",
    "channels_first({0})",
    "channels_last({0})",
    "expand_dims({0}, 0)",
    "moveaxis({0}, 0, -1)",
    "permute_dims({0}, (0, 1))",
    "remove_batch_dim({0})",
    "squeeze({0}, 0)",
    "transpose2d({0})",
)
SEVERAL = (
    "concat([matrix, {0}], axis=0)",
    "stack([matrix, {0}], axis=0)",
    "namespace(matrix, {0})",
)
AXES = ("5", "-7", "'0'", "1.0", "None", "(0, 0)", "(0, 5)", "(0,)", "[]", "(0, 1, 2, 3)")
BY_AXIS = (
    "concat([matrix, matrix], axis={0})",
    "expand_dims(matrix, {0})",
    "moveaxis(matrix, {0}, 0)",
    "moveaxis(matrix, 0, {0})",
    "permute_dims(matrix, {0})",
    "squeeze(picture, {0})",
    "stack([matrix, matrix], axis={0})",
)
OTHER_WORDS = (
    "add_batch_dim()",
    "add_batch_dim(matrix, 0)",
    "concat(matrix, matrix)",
    "concat([matrix, matrix], 1)",
    "concat([matrix, matrix], dim=1)",
    "concat([matrix, vector], axis=0)",
    "concat([], axis=0)",
    "concat(matrix) if is_torch(matrix) else None",
    "concat(3)",
    "concat(iter([matrix]))",
    "stack(matrix) if is_torch(matrix) else None",
    "expand_dims(matrix, [0, 1])",
    "squeeze(picture, [0])",
    "moveaxis(matrix, [0], [1.0])",
    "expand_dims(matrix)",
    "expand_dims(matrix, dim=0)",
    "moveaxis(matrix)",
    "moveaxis(matrix, (0, 1), (0,))",
    "namespace()",
    "permute_dims(matrix)",
    "permute_dims(matrix, 1, 0)",
    "permute_dims(matrix, dims=(1, 0))",
    "squeeze(matrix)",
    "squeeze(matrix, dim=0)",
    "stack(matrix, matrix)",
    "stack([matrix, matrix], dim=1)",
    "stack([matrix, vector], axis=0)",
    "stack([], axis=0)",
    "transpose2d(matrix, 0, 1)",
    "to_world_of(matrix, None)",
    "to_world_of(None, matrix)",
    "world_of(None)",
)
CONVERTERS = tuple(
    call
    for name in ("to_numpy", "to_torch")
    for call in (
        *(f"{name}({each})" for each in NO_ARRAYS),
        f"{name}(text)",
        f"{name}(things)",
        f"{name}(matrix, copy=1)",
        f"{name}(matrix, copi=True)",
        f"{name}(matrix, 'cpu')",
    )
)
SETTINGS = (
    "mode('strickt')",
    "mode(3)",
    "mode()",
    "mode('strict', to_tensor='warn')",
    "mode('strict', to_torch='loud')",
    "mode('strict', to_torch=1)",
    "mode('off', to_torch='warn')",
    "mode('strict')(generator)",
    "set_mode('strickt')",
    "set_mode('strict', to_tensor='warn')",
    "set_mode('off', to_numpy='error')",
    "crossing_allowed('here')",
    "record_crossings('here')",
    "check(matrix)",
    "check(matrix, 'n m')",
    "check(matrix, None)",
    "check(matrix, int)",
    "generated_source(len)",
    "generated_source(3)",
    "install_import_hook(3)",
    "install_import_hook('no_such_package_at_all', worlds=3)",
    "register_world(3)",
    "unguarded(3)",
)
DECORATORS = tuple(
    f"{decorator}({option})(plain)"
    for decorator in ("numpy_world", "torch_world", "same_world", "boundary")
    for option in (
        "on_foreign='converse'",
        "on_foreign=3",
        "returns='home'",
        "casting='some'",
        "casting=3",
        "copy='yes'",
        "detach='yes'",
        "scalars=3",
        "local=3",
        "typechecker='mypy'",
        "typechecker=3",
        "world='numpy'",
        "wurld=1",
    )
)


def every_call() -> tuple[str, ...]:
    given = (*NO_ARRAYS, *SHAPES, "other", "text")
    return (
        *(call.format(each) for call, each in product(ONE_ARRAY, given)),
        *(call.format(each) for call, each in product(SEVERAL, given)),
        *(call.format(axis) for call, axis in product(BY_AXIS, AXES)),
        *OTHER_WORDS,
        *CONVERTERS,
        *SETTINGS,
        *DECORATORS,
    )


def plain(x):
    return x


def generator():
    yield


def answer(call: str, names: dict[str, Any]) -> str:
    """Return a short form of the result of a call, or the message of its error."""
    try:
        given = eval(call, names)
    except Exception as error:
        return f"{type(error).__name__}: {without_reasons(error)}"
    if isinstance(given, (np.ndarray, np.generic)) or sk.is_torch(given):
        return f"{sk.world_of(given)} {tuple(given.shape)}"
    if type(given).__module__.startswith("sekisho"):
        vars(given)["_is_used"] = True  # a block that is never entered warns of it
    return type(given).__name__


def without_reasons(error: Exception) -> str:
    """Return the message without NumPy's or torch's own reason, which differs between releases."""
    violation = getattr(error, "violation", None)
    if violation is None or "is not an array" in (violation.reason or ""):
        return str(error)
    return str(type(error)(violation._replace(reason=None)))


def check_golden(name: str, make: Any, other: Any) -> None:
    names = {name: getattr(sk, name) for name in sk.__all__}
    names |= {"plain": plain, "generator": generator, "other": other}
    names |= {"text": np.array(["a", "b"]), "things": np.array([None, {}], dtype=object)}
    shapes = ((), (3,), (2, 3), (1, 2, 3))
    names |= {name: make(shape) for name, shape in zip(SHAPES, shapes, strict=True)}
    lines: list[str] = []
    for call in every_call():
        first, *rest = answer(call, names).split("\n")
        lines += [f"{call} -> {first}", *(f"    {each}" for each in rest)]
    text = "\n".join(lines) + "\n"
    path = GOLDEN / f"messages_{name}.txt"
    if os.environ.get("SEKISHO_UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8").splitlines() == text.splitlines()


def test_every_misuse_is_answered_in_the_same_words_numpy(torch):
    with sk.mode("convert"):
        check_golden("numpy", np.zeros, torch.zeros(2, 3))


def test_every_misuse_is_answered_in_the_same_words_torch(torch):
    with sk.mode("convert"):
        check_golden("torch", torch.zeros, np.zeros((2, 3)))


def test_the_golden_files_hold_every_helper():
    called = {call.partition("(")[0] for call in every_call()}
    classes = {name for name in sk.__all__ if isinstance(getattr(sk, name), type)}
    others = {"Array", "Mode", "__version__", "get_mode", "is_jax", "is_numpy", "is_torch"}
    others |= {"jax_world", "to_jax"}
    assert set(sk.__all__) - classes - others <= called


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_no_misuse_ends_in_an_error_of_anothers(name):
    """A TypeError is Python's own, for a call that fits no parameters."""
    for line in (GOLDEN / f"messages_{name}.txt").read_text("utf-8").splitlines():
        call, arrow, given = line.partition(" -> ")
        error, colon, _ = given.partition(": ")
        if arrow and colon:
            ours = isinstance(getattr(sk, error, None), type)
            assert ours or error in {"TypeError", "ValueError"}, call
