"""Operations that expand both operands: what is found, how it is written, and what is suggested."""

from __future__ import annotations

import ast
import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.worlds import HOST, expansion
from sekisho.worlds.expansion import Expansion, _Operand, find_expansion

SHAPES = [shape for rank in range(4) for shape in itertools.product((1, 2, 3), repeat=rank)] + [
    (0,),
    (0, 1),
    (1, 0),
]


def broadcast(*shapes):
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


@pytest.mark.parametrize("one", SHAPES)
def test_operands_of_different_ranks_that_are_both_expanded_are_found(one):
    for other in SHAPES:
        arrays = np.empty(one), np.empty(other)
        found = find_expansion(HOST, (3, *arrays))
        lower, higher = sorted((one, other), key=len)
        shape = broadcast(one, other)
        padded = (1,) * (len(higher) - len(lower)) + lower
        if len(one) == len(other) or shape is None or shape in {higher, padded}:
            assert found is None, other
            continue
        assert found is not None, other
        assert (found.higher.shape, found.lower.shape, found.shape) == (higher, lower, shape)
        assert found.operands[0] is arrays[0]
        assert found.operands[1] is arrays[1]
        assert {found.higher.at, found.lower.at} == {1, 2}
        sizes = [[n for n in each if n != 1] for each in (one, other)]
        assert found.is_alike is (sizes[0] == sizes[1])


def test_of_several_operands_the_first_two_that_are_expanded_are_found(torch):
    plain, row, column, wide = (np.empty(s) for s in ((2,), (1, 2), (2, 1), (3, 1)))
    found = find_expansion(HOST, (torch.empty(2, 1), plain, row, wide, column))
    assert found is not None
    assert (found.higher.at, found.lower.at, found.is_alike) == (3, 1, False)
    assert found.operands == (plain, wide)
    assert find_expansion(HOST, (plain, row, 4, "text")) is None
    assert find_expansion(HOST, ()) is None


def test_a_shape_that_cannot_be_read_or_is_traced_is_that_of_a_number():
    class Raising:
        @property
        def shape(self):
            raise RuntimeError("no shape")

    class Size(int):
        """A size that a compiler traces."""

    assert expansion._shape_of(Raising()) == ()
    assert expansion._shape_of(SimpleNamespace(shape=(2, Size(3)))) == ()
    assert expansion._shape_of(SimpleNamespace(shape=[2, 3])) == (2, 3)


def parsed(code):
    return ast.parse(code, mode="eval").body


@pytest.mark.parametrize(
    ("code", "inserts"),
    [
        ("x[:, None]", True), ("x[None]", True), ("x[..., np.newaxis]", True), ("x[newaxis]", True),
        ("x[0]", False), ("x[:, 0]", False), ("x[:]", False), ("x['None']", False),
        ("x[rows]", False), ("x[a.rows]", False), ("x[a.b, None, 0]", True),
        ("-x[:, None]", True), ("-x", False), ("x[:, None] + 1", True), ("1 + x[:, None]", True),
        ("x + 1", False), ("x.unsqueeze(1)", True), ("torch.unsqueeze(x, 1)", True),
        ("np.expand_dims(x, 1)", True), ("expand_dims(x, 1)", True), ("x.squeeze(1)", False),
        ("f(x)", False), ("f(x)(1)", False), ("f[0](x)", False), ("x", False), ("x.unsqueeze", False),
        ("f(x[:, None])", False),
    ],
)  # fmt: skip
def test_an_operand_says_by_an_axis_that_all_pairs_are_meant(code, inserts):
    assert expansion._inserts_an_axis(parsed(code)) is inserts
    found = Expansion(_Operand((2, 1), 0, 0), _Operand((2,), 1, 0), (2, 2), is_alike=True)
    frame: Any = SimpleNamespace(f_globals={})
    for whole in (f"{code} * y" if "+" not in code else f"({code}) * y", f"y == {code}"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(expansion, "expression_at", lambda _, whole=whole: parsed(whole))
            assert (found.hint(frame) is None) is inserts


@pytest.mark.parametrize(
    ("code", "operands"),
    [
        ("a - b", ["a", "b"]),
        ("a < b < c", ["a", "b", "c"]),
        ("a.sub(b, c=d)", ["a", "b"]),
        ("a.b.sub(c)", ["a.b", "c"]),
        ("np.sub(a, b)", ["a", "b"]),
        ("np.linalg.sub(a, b)", ["a", "b"]),
        ("sub(a, b)", ["a", "b"]),
        ("f().sub(b)", ["f()", "b"]),
        ("unknown.sub(b)", ["unknown", "b"]),
        ("-a", []),
        ("a[b]", []),
    ],
)
def test_the_operands_are_those_that_are_written(code, operands):
    frame: Any = SimpleNamespace(f_globals={"np": np, "a": 3})
    assert [ast.unparse(each) for each in expansion._written(parsed(code), frame)] == operands
    assert expansion._written(None, frame) == []


ALL_PAIRS = "if all pairs are meant, say so with an axis: [:, None]"


@pytest.mark.parametrize(
    ("higher", "lower", "written", "hint"),
    [
        ((4, 1), (4,), ["p", "y"], f"p.squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (4,), ["p.x", "y"], f"p.x.squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (4,), ["p[0]", "y"], f"p[0].squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (4,), ["f(p)", "y"], f"f(p).squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (4,), ["p + 1", "y"], f"<argument 1>.squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (4,), [], f"<argument 1>.squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1, 2), (4, 2), ["p", "y"], f"p.squeeze(-2), or {ALL_PAIRS}"),
        ((1, 4, 1), (1, 4), ["p", "y"], f"p.squeeze(-1), or {ALL_PAIRS}"),
        ((1, 4, 1), (4, 1), ["p", "y"], f"p.squeeze(-3), or {ALL_PAIRS}"),
        ((4, 1, 1), (4, 1), ["p", "y"], f"p.squeeze(-1), or {ALL_PAIRS}"),
        ((4, 1), (3,), ["p", "y"], ALL_PAIRS),
        ((4, 1, 1), (4,), ["p", "y"], ALL_PAIRS),
        ((4, 2), (4,), ["p", "y"], ALL_PAIRS),
    ],
)
def test_an_axis_of_one_is_dropped_where_the_sizes_say_which(higher, lower, written, hint):
    trees = [parsed(each) for each in written]
    for at in (0, 1):
        found = Expansion(_Operand(higher, at, 0), _Operand(lower, 1 - at, 0), (), is_alike=True)
        given = trees if at == 0 else trees[::-1]
        assert expansion._hint(found, given) == hint.replace("<argument 1>", f"<argument {at + 1}>")


@pytest.mark.parametrize(
    ("modules", "at"),
    [
        (["sekisho.monitor", "program"], 1),
        (["sekisho.monitor", "lib.passes", "sekisho.x", "program"], 3),
        (["sekisho.monitor", "lib.distributions", "program"], None),
        (["sekisho.monitor", "lib", "program"], None),
        (["sekisho.monitor", "library", "program"], 1),
        (["sekisho.monitor"], None),
        (["sekisho", "program"], 0),
        ([None, "program"], 0),
    ],
)
def test_the_frame_of_an_operation_is_the_first_that_passes_nothing_on(monkeypatch, modules, at):
    chain, frame = [], None
    for name in reversed(modules):
        names = {} if name is None else {"__name__": name}
        frame = SimpleNamespace(f_back=frame, f_globals=names)
        chain.insert(0, frame)
    monkeypatch.setattr(expansion, "inspect", SimpleNamespace(currentframe=lambda: frame))
    world: Any = SimpleNamespace(name="lib", passes_on=("lib.passes",))
    found = expansion.frame_of_operation(world)
    assert found is (None if at is None else chain[at])
