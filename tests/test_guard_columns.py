"""The columns of a guard's code are those of its shown text, which a traceback underlines."""

from __future__ import annotations

import ast
import dis
import functools
import linecache
import re
import traceback
from collections.abc import Iterator

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk


def as_called(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)

    return wrapper


def plain(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    raise ZeroDivisionError


def only_a_result(x) -> Float[np.ndarray, "n"]:
    raise ZeroDivisionError


def several(x: np.ndarray, y=1, *z: int, k: Float[np.ndarray, "n"] | None = None):
    raise ZeroDivisionError


def items(x: list[Float[np.ndarray, "n"]]) -> tuple[int, int]:
    raise ZeroDivisionError


async def coroutine(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    raise ZeroDivisionError


def generator(x: Float[np.ndarray, "n"]) -> Iterator[Float[np.ndarray, "n"]]:
    yield x
    raise ZeroDivisionError


BODIES = [plain, only_a_result, several, items, coroutine, generator, as_called(plain)]


@pytest.mark.parametrize("body", BODIES, ids=lambda f: f.__code__.co_name)
@pytest.mark.parametrize(
    "decorate", [sk.numpy_world, sk.boundary, sk.numpy_world(returns="caller")]
)
def test_the_columns_of_the_code_are_those_of_the_shown_text(body, decorate):
    if decorate is not sk.numpy_world and decorate is not sk.boundary and body is generator:
        pytest.skip("a generator returns nothing to its caller")
    guard = decorate(body)
    source = sk.generated_source(guard)
    calls = {
        (each.lineno, each.end_lineno, each.col_offset, each.end_col_offset)
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.Call)
    }
    last = len(source.splitlines())  # the handler follows
    found = {
        (where.lineno, where.end_lineno, where.col_offset, where.end_col_offset)
        for each in dis.get_instructions(guard.__code__)
        if each.opname.startswith("CALL") and (where := each.positions).lineno <= last
    }
    assert found
    assert found <= calls


@pytest.mark.parametrize(
    "body", [plain, only_a_result, several, as_called(plain)], ids=lambda f: f.__code__.co_name
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_traceback_marks_the_call_in_a_guard(body, times):
    guard = sk.numpy_world(body)
    for _ in range(times):
        with pytest.raises(ZeroDivisionError) as caught:
            guard(np.ones(2))
    frames = [each for each in traceback.extract_tb(caught.tb) if "<sekisho guard" in each.filename]
    assert len(frames) == 3 - times  # the first call goes through the stub
    frame = frames[-1]
    marked = linecache.getline(frame.filename, frame.lineno)[frame.colno : frame.end_colno]
    assert re.fullmatch(r"_\w+\(.*\)", marked)
    marks = "".join(traceback.format_list([frame])).splitlines()[-1].strip()
    assert len(marks) == len(marked)
    assert set(marks) <= {"~", "^"}
