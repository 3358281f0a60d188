"""The parts of the search for a hint one by one: each step with its call, its words, and what it does."""

from __future__ import annotations

import itertools
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.contract import parse_axes
from sekisho.contract.specs import ArraySpec
from sekisho.hints import makers, mistakes, search, steps
from sekisho.hints.losses import are_same
from sekisho.hints.samples import Sample
from sekisho.hints.search import Wanted, find_hint
from sekisho.hints.steps import Advice, Step
from sekisho.utils import evaluate
from sekisho.worlds import HOST, Library, Policy, Refusal, world_named

BARE = Library()
"""A library that spells nothing."""


def spec(*dtypes, axes=None):
    return ArraySpec(
        "", None, dtypes=dtypes or None, axes=None if axes is None else parse_axes(axes)
    )


# --- dtypes ----------------------------------------------------------------------------------------

IMAGE = "its values are in [0, 1]: scale and round first"
WHOLE = "its values are not whole numbers: round first"
CASTS = [
    # values, their dtype, target: call, why, what it loses, whether the values were judged
    ([1, 2], "float32", "float64", "{0}.astype('float64')", "", "", False),
    ([1, 2], "float64", "float32", "{0}.astype('float32')", "", "", True),
    ([0.1, 2], "float64", "float32", "{0}.astype('float32')", "", ", which rounds", True),
    ([1, 2], "int64", "uint8", "{0}.astype('uint8')", "", "", True),
    ([0, 0.5], "float64", "uint8", "numpy.rint({0} * 255).astype('uint8')", IMAGE, "", True),
    ([0, 0.5], "float64", "int8", "numpy.rint({0}).astype('int8')", WHOLE, "", True),
    ([1.5, 2], "float64", "uint8", "numpy.rint({0}).astype('uint8')", WHOLE, "", True),
    ([1, 2], "complex128", "float32", "{0}.real", "", "", True),
    ([0.1, 2], "complex128", "float32", "{0}.real", "", "", True),
    ([1, 2], "clongdouble", "float64", "{0}.real", "", "", True),
    ([0.1, 1j], "complex128", "complex64", "{0}.astype('complex64')", "", ", which rounds", True),
    ([1, 1j], "complex64", "complex128", "{0}.astype('complex128')", "", "", False),
]


@pytest.mark.parametrize(("values", "dtype", "target", "call", "why", "loses", "judged"), CASTS)
def test_a_cast_is_suggested_with_what_it_loses(values, dtype, target, call, why, loses, judged):
    value = np.array(values, dtype)
    step = steps.cast_step(spec(target), value)
    assert (step.call, step.why, step.loses, step.judged) == (call, why, loses, judged)
    assert (step.beside, step.option, step.crosses, step.mends_axes) == ("", "", False, False)
    made = evaluate(call.format("value"), {"value": value, "numpy": np})
    done = step.do(value)
    assert (done.dtype, done.tolist()) == (made.dtype, made.tolist())


@pytest.mark.parametrize(
    ("values", "target", "words"),
    [
        ([np.nan], "int8", "it holds NaN or infinity, which int8 cannot: replace them first"),
        ([300.0], "uint8", "some values are outside of what uint8 holds: scale or clip them first"),
        ([1e-50], "float32", "some values are too small for float32: scale them first"),
        ([2.0], "bool", "some values are neither 0 nor 1: compare first, as in {0} > 0"),
        (
            [1j],
            "float32",
            "it has an imaginary part, which float32 has not: take {0}.real or abs({0}) first",
        ),
        (["a"], "float32", None),
    ],
)
def test_a_cast_that_would_lose_a_value_is_not_suggested(values, target, words):
    with pytest.raises(Advice) as caught:
        steps.cast_step(spec(target), np.array(values))
    assert caught.value.args == (words,)


FLOATS = ("float16", "float32", "float64")
REAL = ("{0}.real", "")


@pytest.mark.parametrize(
    ("values", "dtypes", "found"),
    [
        (np.array([1, 2]), FLOATS, ("{0}.astype('float32')", "Int in the annotation")),
        (np.array([1], "uint8"), FLOATS, ("{0}.astype('float32')", "Int in the annotation")),
        (np.array([True]), FLOATS, ("{0}.astype('float32')", "Bool in the annotation")),
        (np.array([2**24 + 1]), FLOATS, ("{0}.astype('float64')", "Int in the annotation")),
        (np.array([1]), ("float16", "float64"), ("{0}.astype('float64')", "Int in the annotation")),
        (np.array([1]), ("float16", "bfloat16"), None),
        (np.array([2**53 + 1]), FLOATS, None),
        (np.array(["a"]), FLOATS, None),
        (np.array([1 + 0j]), FLOATS, REAL),
        (np.array([1 + 0j], "complex64"), ("float16", "float64"), REAL),
        (np.array([1 + 0j]), ("int8", "int16"), None),
        (
            np.array([1j]),
            FLOATS,
            "it has an imaginary part, which Float has not: take {{0}}.real or abs({{0}}) first",
        ),
    ],
)
def test_of_several_floats_the_smaller_that_holds_the_values_is_suggested(values, dtypes, found):
    if not isinstance(found, tuple):
        with pytest.raises(Advice) as caught:
            steps.cast_step(spec(*dtypes), values)
        wanted = found and found.replace("{{0}}", "{0}")
        assert caught.value.args == (wanted,)
        return
    step = steps.cast_step(spec(*dtypes), values)
    assert (step.call, step.option, step.judged) == (*found, True)
    assert step.do(values).tolist() == values.real.tolist()


def test_a_library_without_a_spelling_is_hinted_at_in_numpys_words_or_not_at_all(monkeypatch):
    monkeypatch.setattr(steps, "_world", lambda _: BARE)
    value = np.array([0.5])
    assert steps.cast_step(spec("float32"), value).call == "{0}.astype('float32')"
    for target in ("uint8", "int8"):  # by `image` and by `fraction`
        with pytest.raises(Advice) as caught:
            steps.cast_step(spec(target), value)
        assert caught.value.args == (None,)


# --- axes ------------------------------------------------------------------------------------------

GREY, ALPHA = "the image looks grey", "there is an alpha channel"
COLOURS = [
    ("h w 3", (4, 5), "numpy.repeat({0}[..., None], 3, -1)", GREY),
    ("h w 3", (4, 5, 1), "numpy.repeat({0}, 3, -1)", GREY),
    ("h w 3", (4, 5, 4), "{0}[..., :3]", ALPHA),
    ("h w 3", (4, 5, 2), None, ""),
    ("h w 3", (4, 5, 5), None, ""),
    ("h w 3", (4,), None, ""),
    ("3 h w", (4, 5), "numpy.repeat({0}[..., None, :, :], 3, -3)", GREY),
    ("3 h w", (1, 4, 5), "numpy.repeat({0}, 3, -3)", GREY),
    ("3 h w", (4, 4, 6), "{0}[..., :3, :, :]", ALPHA),
    ("3 h w", (5, 4, 6), None, ""),
    ("b h w 3", (2, 4, 5), "numpy.repeat({0}[..., None], 3, -1)", GREY),
    ("b h w 3", (2, 4, 5, 1), "numpy.repeat({0}, 3, -1)", GREY),
    ("b h w 3", (2, 4, 5, 4), "{0}[..., :3]", ALPHA),
    ("b 3 h w", (2, 4, 5), "numpy.repeat({0}[..., None, :, :], 3, -3)", GREY),
    ("b 3 h w", (2, 1, 4, 5), "numpy.repeat({0}, 3, -3)", GREY),
    ("b 3 h w", (2, 4, 4, 6), "{0}[..., :3, :, :]", ALPHA),
    ("Height Width 3", (4, 5, 1), "numpy.repeat({0}, 3, -1)", GREY),
    ("n k 3", (4, 5, 1), None, ""),
    ("h k 3", (4, 5, 4), None, ""),
    ("h w 4", (4, 5, 1), None, ""),
    ("a b h w 3", (2, 2, 4, 5, 1), None, ""),
    ("h 3", (4, 1), None, ""),
    ("h w 3", (9, 5, 1), None, ""),  # `h` is bound to 4
    ("h w 3", (9, 5, 4), None, ""),
    ("h w 3", (9, 5), None, ""),
]


@pytest.mark.parametrize(("axes", "shape", "call", "why"), COLOURS)
def test_an_image_gets_its_channels_from_a_grey_one_or_loses_the_alpha_channel(
    axes, shape, call, why
):
    bound = {"h": 4}
    step = steps.shape_step(spec(axes=axes), shape, bound, HOST)
    assert bound == {"h": 4}
    if call is None:
        assert step is None
        return
    loses = ", which drops it" if why == ALPHA else ""
    assert step == Step(call, step.do, why, loses=loses, mends_axes=True)
    value = np.arange(np.prod(shape)).reshape(shape)
    made = evaluate(call.format("value"), {"value": value, "numpy": np})
    assert step.do(value).tolist() == made.tolist()
    bare = steps.shape_step(spec(axes=axes), shape, bound, BARE)
    assert (bare and bare.call) == (call if why == ALPHA else None)


HELPED = [
    # axes, shape, bound: the helper, or None
    ("b d", (3,), {}, "add_batch_dim"),
    ("n d", (3,), {}, "add_batch_dim"),
    ("BSZ d", (3,), {}, "add_batch_dim"),
    ("bs d", (3,), {}, "add_batch_dim"),
    ("minibatch d", (3,), {}, "add_batch_dim"),
    ("m d", (3,), {}, None),
    ("_ d", (3,), {}, None),
    ("b", (), {}, None),
    ("b 4", (3,), {}, None),
    ("1", (), {}, "add_one"),
    ("1 n", (4,), {}, "add_one"),
    ("k n", (4,), {"k": 1}, "add_one"),
    ("k d", (4,), {"k": 2}, None),
    ("b d", (4,), {"b": 1}, "add_one"),
    ("b d", (4,), {"b": 2}, None),
    ("m 1", (4,), {}, "expand_last"),
    ("m k", (4,), {"k": 1}, "expand_last"),
    ("m k", (4,), {"k": 2}, None),
    ("m 2", (4,), {}, None),
    ("3 1", (4,), {}, None),
    ("m", (1, 4), {}, "remove_batch_dim"),
    ("m", (4, 1), {}, "squeeze_last"),
    ("m", (1, 1), {}, "remove_batch_dim"),
    ("m", (2, 4), {}, None),
    ("", (1,), {}, "remove_batch_dim"),
    ("3", (3, 1), {}, "squeeze_last"),
    ("3", (1, 3), {}, "remove_batch_dim"),
    ("1", (1, 3), {}, None),
    ("3", (2, 1), {}, None),
    ("m", (1, 1, 4), {}, None),
    ("2 3", (3, 2), {}, "transpose2d"),
    ("m d", (3, 2), {"m": 2}, "transpose2d"),
    ("2 3", (3, 3), {}, None),
    ("2 3", (3,), {}, None),
    ("c h w", (4, 5, 3), {"c": 3}, "channels_first"),
    ("b c h w", (2, 4, 5, 3), {"c": 3}, "channels_first"),
    ("h w c", (3, 4, 5), {"c": 3}, "channels_last"),
    ("b h w c", (2, 3, 4, 5), {"c": 3}, "channels_last"),
    ("b h w c", (3, 2, 4, 5), {"c": 3}, None),
    ("a b c h w", (2, 2, 4, 5, 3), {"c": 3}, None),
    ("c h ch", (5, 6, 5), {"h": 5}, None),  # both would fit
    ("... 3", (3, 4), {}, None),
    ("*b 3", (3, 4), {}, None),
]


@pytest.mark.parametrize(("axes", "shape", "bound", "helper"), HELPED)
def test_the_helper_for_axes_is_named_with_the_librarys_own_code(axes, shape, bound, helper):
    for world in (HOST, BARE, world_named("torch")):
        step = steps.shape_step(spec(axes=axes), shape, bound, world)
        if helper is None:
            assert step is None
            continue
        why, call, do = steps._HELPERS[helper]
        spelling = "add_batch_dim" if helper == "add_one" else helper
        beside = world.spelling.get(spelling, "")
        assert step == Step(call or f"{helper}({{0}})", do, why, beside, mends_axes=True)
        assert (beside == "") is (world is BARE)
        if world is HOST:
            value = np.arange(np.prod(shape, dtype=int)).reshape(shape)
            made = evaluate(beside.format("value"), {"value": value, "numpy": np})
            assert do(value).tolist() == made.tolist()
    assert steps.shape_step(spec(), shape, bound, HOST) is None


@pytest.mark.parametrize(
    ("axes", "shape", "bound", "order"),
    [
        ("2 3 5", (5, 3, 2), {}, "2, 1, 0"),
        ("2 3 5", (2, 5, 3), {}, "0, 2, 1"),
        ("a 2 d", (7, 9, 2), {"d": 9}, "0, 2, 1"),
        ("a n+1 5", (7, 5, 3), {"n": 2}, "0, 2, 1"),
        ("a 2 d", (7, 9, 2), {}, None),  # `d` may have any size
        ("2 3 5", (3, 5, 2), {}, None),  # three axes
        ("2 2 5", (2, 5, 2), {}, "0, 2, 1"),
        ("2 3 5 7", (2, 3, 7, 5), {}, "0, 1, 3, 2"),
        ("2 3 5 7 11", (2, 3, 5, 11, 7), {}, "0, 1, 2, 4, 3"),
    ],
)
def test_two_axes_of_known_sizes_are_swapped(axes, shape, bound, order):
    step = steps.shape_step(spec(axes=axes), shape, bound, HOST)
    if order is None:
        assert step is None
        return
    call, beside = f"permute_dims({{0}}, ({order}))", f"{{0}}.transpose({order})"
    assert step == Step(call, step.do, "two axes look swapped", beside, mends_axes=True)
    value = np.arange(np.prod(shape)).reshape(shape)
    assert step.do(value).tolist() == value.transpose(tuple(map(int, order.split(",")))).tolist()


# --- the search ------------------------------------------------------------------------------------


def step(call, **members):
    return Step(call, lambda value: value, **members)


@pytest.mark.parametrize(
    ("found", "instead", "seen", "text"),
    [
        ([step("f({0})")], None, "", "f({0})"),
        ([step("f({0})"), step("g({0})")], None, "", "g(f({0}))"),
        ([step("f({0})", why="turned")], None, "", "turned: f({0})"),
        ([step("f({0})", why="turned", beside="{0}.f")], "g", "", "turned: f({0}), which is {0}.f"),
        (
            [step("f({0})", why="no", beside="b"), step("g({0})", why="yes")],
            "g",
            "",
            "yes: g(f({0}))",
        ),
        ([step("f({0})", why="one"), step("g({0})", why="two")], None, "", "one: g(f({0}))"),
        ([step("f({0})", loses=", which rounds")], None, "", "f({0}), which rounds"),
        ([step("f({0})", loses=", a"), step("g({0})", loses=", b")], None, "", "g(f({0})), a, b"),
        ([step("f({0})", option="x=1")], "y=1", "", "f({0}), or x=1"),
        ([step("f({0})", crosses=True)], "y=1", "", "f({0}), or y=1"),
        ([step("f({0})", crosses=True)], None, "", "f({0})"),
        ([step("f({0})")], "y=1", "", "f({0})"),
        ([step("f({0})", option="x=1"), step("g({0})", crosses=True)], "y=1", "", "g(f({0}))"),
        ([step("f({0})", judged=True)], None, "of a part", "f({0}) (of a part)"),
        ([step("f({0})", judged=True), step("g({0})")], None, "of a part", "g(f({0})) (of a part)"),
        ([step("f({0})", judged=True)], None, "", "f({0})"),
        ([step("f({0})")], None, "of a part", "f({0})"),
    ],
)
def test_several_steps_are_said_as_one_call(found, instead, seen, text):
    assert search._say(found, instead, seen) == text


@pytest.mark.parametrize("count", range(8))
@pytest.mark.parametrize("end", [None, Advice("words"), Advice(None), KeyError()])
def test_a_hint_has_at_most_five_steps_and_none_that_fails(monkeypatch, count, end):
    left = [step(f"f{number}({{0}})") for number in range(count)]

    def next_step(sample, wanted):
        if left:
            return left.pop(0)
        if end is not None:
            raise end
        return None

    monkeypatch.setattr(search, "_next_step", next_step)
    monkeypatch.setattr(search, "_advice_only", lambda *_: "advice alone")
    found = find_hint(np.ones(2), Wanted(HOST))
    if count > 5:
        assert found is None
    elif end is None:
        call = "{0}"
        for number in range(count):
            call = f"f{number}({call})"
        assert found == (call if count else None)
    elif count:
        assert found is None
    else:
        assert found == (end.args[0] if isinstance(end, Advice) else "advice alone")


@pytest.mark.parametrize(
    ("hint", "is_advice"),
    [(None, True), ("copy=None", True), ("f({0})", False), ("f({0}, ...)", True)],
)
def test_words_are_told_from_a_call(hint, is_advice):
    assert search._is_advice(hint) is is_advice


@pytest.mark.parametrize(
    ("hint", "value", "found"),
    [
        ("{0}.ravel()", [1.0], ("{0}.ravel()", "", "", "", False)),
        ("flatten: {0}.ravel()", [1.0], ("{0}.ravel()", "flatten", "", "", False)),
        ("{0}.ravel(), or x=1", [1.0], ("{0}.ravel()", "", "", "x=1", False)),
        ("{0}.ravel(), which cuts", [1.0], ("{0}.ravel()", "", ", which cuts", "", False)),
        ("{0}.astype('float32')", [1.0], ("{0}.astype('float32')", "", "", "", True)),
        (
            "{0}.astype('float32')",
            [0.1],
            ("{0}.astype('float32')", "", ", which rounds", "", True),
        ),
        (
            "{0}.astype('float32'), which counts",
            [1e300],
            ("{0}.astype('float32')", "", ", which counts", "", True),
        ),
        ("{0}.astype('float32')", [1e300], None),
        ("{0}.astype('int64')", [1.5], None),
    ],
)
def test_what_a_refusal_suggests_is_tried_and_judged(hint, value, found):
    array = np.array(value)
    with np.errstate(all="ignore"):
        if found is None:
            with pytest.raises(Advice) as caught:
                search._step_of(Refusal("why", hint), array)
            assert caught.value.args == (None,)
            return
        made = search._step_of(Refusal("why", hint), array)
        assert (made.call, made.why, made.loses, made.option, made.judged) == found
        assert (made.beside, made.crosses, made.mends_axes) == ("", False, False)
        result = evaluate(found[0].format("value"), {"value": array})
    assert (made.do(None).dtype, made.do(None).tolist()) == (result.dtype, result.tolist())


@pytest.mark.parametrize("hint", [None, "convert outside", "f({0}, ...)"])
def test_a_refusal_that_suggests_no_call_gives_its_words(hint):
    with pytest.raises(Advice) as caught:
        search._step_of(Refusal("why", hint), np.ones(2))
    assert caught.value.args == (hint,)


@pytest.mark.parametrize(
    ("values", "dtype", "loses"),
    [([1, 2], "float32", ""), ([0.5, 1], "float32", ""), ([0.5], "int64", None)],
)
def test_what_objects_lose_is_compared_one_by_one(values, dtype, loses):
    value = np.array(values, "O")
    made = value.astype(dtype)
    if loses is not None:
        assert search._lost(value, made) == loses
        return
    with pytest.raises(Advice) as caught:
        search._lost(value, made)
    assert caught.value.args == (None,)


def test_the_cast_of_a_refusal_is_spelled_by_the_values_library():
    call = "f({0}.astype('int32'))"
    assert search._spelled(call, HOST) == call
    assert search._spelled(call, BARE) == call
    assert search._spelled(call, world_named("torch")) == "f({0}.to(torch.int32))"


F4 = np.ones(2, "f4")


@pytest.mark.parametrize(
    ("value", "wanted", "hint"),
    [
        (F4, Wanted(HOST), None),
        (F4, Wanted(None), None),
        (F4, Wanted(HOST, fits=lambda _: False), None),
        (F4, Wanted(HOST, spec=spec("float64"), fits=lambda _: True), "{0}.astype('float64')"),
        (F4, Wanted(HOST, spec=spec("float64"), fits=lambda _: False), None),
        (F4, Wanted(HOST, spec=spec("float64", axes="1 n")),
         "add_batch_dim({0}.astype('float64'))"),
        (F4, Wanted(HOST, spec=spec("float32", axes="a b c d")), None),
        (F4, Wanted(HOST, spec=spec("float32", axes="k"), bound={"k": 3}), None),
        (np.float32(1), Wanted(HOST), "numpy.asarray({0})"),
        (np.float32(1), Wanted(None), "numpy.asarray({0})"),
        (np.float32(1), Wanted(HOST, scalars=True), None),
        ([1.0], Wanted(HOST), "numpy.asarray({0})"),
        ([1.0], Wanted(HOST, spec=spec("float32")), "numpy.asarray({0}, dtype='float32')"),
        (memoryview(b"ab"), Wanted(HOST), "numpy.asarray({0})"),
        ("text", Wanted(HOST), None),
        (None, Wanted(HOST), None),
    ],
)  # fmt: skip
def test_the_search_ends_where_the_value_is_what_is_wanted(value, wanted, hint):
    assert find_hint(value, wanted, "instead") == hint


def test_a_crossing_is_suggested_where_the_boundary_makes_none(torch):
    torch_world = world_named("torch")
    grad = torch.ones(2, requires_grad=True)
    plain = torch.ones(2)
    option = ", or the option detach=True"
    for value, wanted, hint in (
        (plain, Wanted(HOST), None),
        (np.float32(1), Wanted(torch_world), None),
        (plain, Wanted(HOST, crosses=False), "to_numpy({0}), or instead"),
        (plain, Wanted(None, crosses=False), None),
        (plain, Wanted(HOST, crosses=False, policy=Policy(copy=False)), "to_numpy({0}), or instead"),
        (F4[::-1], Wanted(torch_world, crosses=False), "to_torch({0}), or instead"),
        (F4[::-1], Wanted(torch_world, crosses=False, policy=Policy(copy=False)), "to_torch({0})"),
        (F4[::-1], Wanted(torch_world, policy=Policy(copy=False)), "copy=None"),
        (grad, Wanted(HOST), "{0}.detach()" + option),
        (grad, Wanted(HOST, policy=Policy(detach=True)), None),
        (grad, Wanted(HOST, crosses=False), "to_numpy({0}.detach())"),
        (grad, Wanted(HOST, crosses=False, policy=Policy(detach=True)), "to_numpy({0}.detach())"),
        (F4, Wanted(torch_world, crosses=False, spec=spec("float64")),
         "to_torch({0}).to(torch.float64)"),
    ):  # fmt: skip
        assert find_hint(value, wanted, "instead") == hint, hint


def test_a_move_is_suggested_where_the_boundary_makes_none(torch, second_device):
    torch_world = world_named("torch")
    there = torch.device(second_device)
    for value, wanted, hint in (
        (torch.ones(2), Wanted(torch_world, crosses=False, policy=Policy(device=there)),
         f"{{0}}.to('{second_device}')"),
        (torch.ones(2), Wanted(torch_world, policy=Policy(device=there)), None),
        (torch.ones(2), Wanted(torch_world, policy=Policy(copy=False, device=there)), "copy=None"),
        (torch.ones(2, device=there), Wanted(torch_world, crosses=False,
                                             policy=Policy(device=there)), None),
    ):  # fmt: skip
        assert find_hint(value, wanted) == hint, hint


def test_nothing_is_tried_while_a_library_transforms_but_words_are_given(monkeypatch, torch):
    monkeypatch.setattr(search, "runs_plainly", lambda: False)
    meta = torch.ones(2, requires_grad=True)
    assert find_hint(meta, Wanted(HOST)) is None  # a call, which cannot be tried
    monkeypatch.setattr(search, "convert", lambda *_: (_ for _ in ()).throw(Refusal("r", "words")))
    assert find_hint(meta, Wanted(HOST)) == "words"
    assert find_hint(meta, Wanted(None)) is None
    assert find_hint(meta, Wanted(world_named("torch"))) is None
    assert find_hint([1], Wanted(HOST)) is None
    monkeypatch.setattr(search, "take_sample", lambda _: None)
    assert find_hint(meta, Wanted(HOST)) is None
    monkeypatch.setattr(search, "is_compiling", lambda: True)
    monkeypatch.setattr(search, "_advice_only", lambda *_: pytest.fail("it was asked"))
    assert find_hint(meta, Wanted(HOST)) is None


# --- values that are not arrays --------------------------------------------------------------------


def made(dtype, *shape):
    return np.zeros(shape, dtype)


VALID, CAST, LONG, LONGER = (step(name) for name in ("valid", "cast", "long", "longer"))


@pytest.mark.parametrize(
    ("tried", "dtypes", "found"),
    [
        ([(CAST, made("i4", 2)), (VALID, made("f4", 2))], ("float32",), VALID),
        ([(LONG, made("f4", 2, 1)), (VALID, made("f4", 2))], ("float32",), VALID),
        ([(LONG, made("f4", 2, 1)), (LONGER, made("f4", 2, 1, 1))], ("float32",), LONG),
        ([(CAST, made("i4", 2)), (LONG, made("f4", 2, 1))], ("float32",), LONG),
        ([(LONG, made("f4", 2, 1)), (CAST, made("i4", 2))], ("float32",), LONG),
        ([(CAST, made("i4", 2)), (VALID, made("i4", 2))], ("float32",), CAST),
        ([(CAST, made("i4", 2))], ("float32", "float64"), None),
        ([(CAST, made("i4", 2)), (LONG, made("f4", 2, 1))], ("float32", "float64"), LONG),
        ([], ("float32",), None),
    ],
)
def test_the_call_that_is_nearest_to_what_is_wanted_is_taken(monkeypatch, tried, dtypes, found):
    monkeypatch.setattr(makers, "_tried", lambda *_: iter(tried))
    monkeypatch.setattr(makers, "_item_advice", lambda _: "advice")
    wanted = spec(*dtypes, axes="n")

    def make(spec_):
        return makers.make_step(Sample([0]), HOST, spec_, {"n": 2}, reads=True)

    if found is None:
        with pytest.raises(Advice) as caught:
            make(wanted)
        assert caught.value.args == ("advice",)
    else:
        assert make(wanted) is found
    if tried:
        assert make(None) is tried[0][0]
        whole = Sample([0], (7,))  # the value itself has seven items
        taken = makers.make_step(whole, HOST, spec("float32", axes="7"), {}, reads=True)
        valid = [one for one, array in tried if array.dtype == "f4" and array.ndim == 1]
        assert not valid or taken is valid[0]


@pytest.mark.parametrize("reads", [True, False])
def test_a_picture_that_the_boundary_reads_is_only_brought_to_another_mode(monkeypatch, reads):
    call = "numpy.asarray({0}.convert('L'))"
    plain = "numpy.asarray({0})"
    for each, short in ((call, "{0}.convert('L')"), (plain, plain)):
        monkeypatch.setattr(makers, "_tried", lambda *_, each=each: [(step(each), made("u1", 2))])
        found = makers.make_step(Sample(0), HOST, spec("uint8"), {}, reads=reads)
        assert found.call == (short if reads else each)


def foreign(module, name, *members):
    return type(name, (), {"__module__": module, **dict.fromkeys(members, lambda self: None)})()


COLUMNS = "numpy.stack([each.to_numpy().astype(object) for each in {0}.iter_columns()], -1)"
OBJECTS = "{0}.to_numpy(dtype=object)"
FRAME = [("{0}.to_numpy()", None), ("{0}.to_numpy(zero_copy_only=False)", None)]
PICTURE = [
    "numpy.asarray({0})",
    *(f"numpy.asarray({{0}}.convert('{m}'))" for m in ("RGB", "L", "RGBA")),
]
MEMORY = [("numpy.asarray({0})", None), ("numpy.from_dlpack({0})", None)]
CALLS = [
    (foreign("pandas.core", "F", "to_numpy"), [("{0}.to_numpy()", OBJECTS)],
     [("{0}.to_numpy(dtype='float32')", OBJECTS)]),
    (foreign("pandas.core", "F"), [], []),
    (foreign("polars", "S", "to_numpy"), FRAME, None),
    (foreign("xarray.core", "S", "to_numpy", "columns"), FRAME, None),
    (foreign("polars", "D", "to_numpy", "columns", "iter_columns"),
     [(call, COLUMNS) for call, _ in FRAME], None),
    (foreign("dask", "S", "to_numpy"), [], []),
    (foreign("polars", "S"), [], []),
    (foreign("scipy.sparse", "M", "toarray"), [("{0}.toarray()", None)], []),
    (foreign("scipy.sparse", "M"), [], []),
    (foreign("other", "M", "toarray"), [], []),
    (foreign("PIL.Image", "I", "convert"), [(call, None) for call in PICTURE], []),
    (foreign("PIL.Image", "I"), [], []),
    (foreign("other", "array"), MEMORY, [("numpy.asarray({0}, dtype='float32')", MEMORY[0][0])]),
    (foreign("other", "E", "__array_interface__"), MEMORY,
     [("numpy.asarray({0}, dtype='float32')", MEMORY[0][0])]),
    (memoryview(b"a"), MEMORY, [("numpy.asarray({0}, dtype='float32')", MEMORY[0][0])]),
    (b"ab", [], []),
    (object(), [], []),
    ("text", [], []),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize(("value", "plain", "typed"), CALLS)
def test_the_calls_that_are_tried_are_those_of_the_values_class(value, dtype, plain, typed):
    found = list(makers._calls(value, HOST, dtype))
    if typed is None and dtype is not None:  # each call, and its cast
        plain = [
            pair
            for call, exact in plain
            for pair in ((call, exact), (f"{call}.astype('{dtype}')", call))
        ]
    assert found == [*plain, *((typed or []) if dtype is not None else [])]


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_bytes_are_read_as_bytes_only(kind):
    for dtype in (None, "int8", "float32"):
        assert list(makers._calls(kind(b"ab"), HOST, dtype)) == []
    call = "numpy.frombuffer({0}, dtype='uint8')"
    assert list(makers._calls(kind(b"ab"), HOST, "uint8")) == [(call, None)]


def test_a_class_of_a_library_is_opened_as_its_world_says(monkeypatch):
    worlds = [
        SimpleNamespace(name="first", opens={}),
        SimpleNamespace(name="second", opens={"Box": "{0}.all"}),
    ]
    monkeypatch.setattr(makers, "loaded_worlds", lambda: worlds)
    assert makers._opens_of("second") == {"Box": "{0}.all"}
    assert makers._opens_of("third") == {}
    assert list(makers._calls(foreign("second.core", "Box"), HOST, "float32")) == [
        ("{0}.all", None)
    ]
    assert list(makers._calls(foreign("second.core", "Other"), HOST, "float32")) == []
    assert list(makers._calls(foreign("first.core", "Box"), HOST, "float32")) == []


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ({"a": F4}, "take one of its items, as in {0}['a']"),
        ({"no": 1, "a": F4}, "take one of its items, as in {0}['a']"),
        ([F4, F4[None]], "take one of its items, as in {0}[0]"),
        ((1, F4, F4[None]), "take one of its items, as in {0}[1]"),
        ([F4, F4], None),
        ((1, F4), None),
        ([1, 2], None),
        ({"a": 1}, None),
        ([], None),
        ({}, None),
        ({F4.ndim}, None),
        (3, None),
    ],
)
def test_one_item_of_a_batch_is_suggested_if_its_arrays_are_not_alike(value, advice):
    assert makers._item_advice(value) == advice


class Picture:
    def __init__(self, pixels, mode):
        self.pixels, self.mode = np.asarray(pixels, "u1"), mode

    @property
    def __array_interface__(self):
        return self.pixels.__array_interface__


Picture.__module__ = "PIL.Image"
GREYS = np.array([[1, 2], [3, 4]], "u1")
EQUAL = np.repeat(GREYS[..., None], 3, -1)
COLOUR = EQUAL + np.array([0, 1, 2], "u1")
OPAQUE, CLEAR = (
    np.concatenate([COLOUR, np.full((2, 2, 1), alpha, "u1")], -1) for alpha in (255, 254)
)
PARTLY = OPAQUE.copy()
PARTLY[0, 0, 3] = 0


@pytest.mark.parametrize(
    ("pixels", "mode", "converted", "is_kept"),
    [
        (GREYS, "L", GREYS + 1, True),  # only its mode is another
        (GREYS, "P", COLOUR, True),
        (GREYS, "L", EQUAL, True),
        (GREYS, "L", COLOUR, False),
        (GREYS, "L", np.concatenate([EQUAL, OPAQUE[..., 3:]], -1), True),
        (EQUAL, "RGB", GREYS, True),
        (COLOUR, "RGB", GREYS, False),
        (OPAQUE, "RGBA", COLOUR, True),
        (CLEAR, "RGBA", COLOUR, False),
        (PARTLY, "RGBA", COLOUR, False),
        (OPAQUE, "RGBA", EQUAL, False),
        (COLOUR, "RGB", OPAQUE, True),
        (COLOUR, "RGB", np.concatenate([EQUAL, OPAQUE[..., 3:]], -1), False),
    ],
)
def test_a_picture_of_another_mode_is_compared_colour_by_colour(pixels, mode, converted, is_kept):
    picture = Picture(pixels, mode)
    assert (makers._picture_loss(converted, picture) == "") is is_kept
    assert makers._loss(converted, picture, None) == makers._picture_loss(converted, picture)


def test_calls_that_fail_or_lose_values_are_not_taken(monkeypatch):
    calls = {
        "numpy.asarray({0})": None,
        "{0}.nothing()": None,
        "len({0})": None,  # it gives no array
        "numpy.asarray(['a'])": None,
        "numpy.asarray({0}, 'float32')": "numpy.asarray({0})",
        "numpy.asarray({0}, 'int32')": "numpy.asarray({0})",
        "numpy.asarray({0}, 'float64')": "numpy.asarray({0})",
    }
    monkeypatch.setattr(makers, "_calls", lambda *_: calls.items())
    tried = [(one, array.tolist()) for one, array in makers._tried([0.1], HOST, None)]
    assert [(one.call, one.loses, one.judged, kept) for one, kept in tried] == [
        ("numpy.asarray({0})", "", False, [0.1]),
        ("numpy.asarray({0}, 'float32')", ", which rounds", True, [float(np.float32(0.1))]),
        ("numpy.asarray({0}, 'float64')", "", True, [0.1]),
    ]
    assert [one.do([0.5]).tolist() for one, _ in tried] == [[0.5]] * 3


# --- mistakes --------------------------------------------------------------------------------------

READ = "it is the name of a file: read it first, with "
PILLOW, TEXT = READ + "PIL.Image.open({0})", READ + "numpy.loadtxt({0})"


async def coroutine():
    """Do nothing."""


async def asynchronous():
    yield 1


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("a.png", PILLOW), ("a.jpg", PILLOW), ("a.jpeg", PILLOW), (Path("b/a.png"), PILLOW),
        ("a.csv", TEXT), ("a.txt", TEXT), (PurePosixPath("a.txt"), TEXT),
        ("a.npy", READ + "numpy.load({0})"), ("a.npz", READ + "numpy.load({0})"),
        ("a.png.zip", None), ("png", None), ("", None), (".", None),
        (3, None), ([], None), (b"a.png", None),
        (len, "it was not called: {0}()"), (coroutine, "it was not called: {0}()"),
        ([].append, "it was not called: {0}()"), (Path("a").exists, "it was not called: {0}()"),
        (int, None),
        ((each for each in ()), "it yields its items: make a list first, list({0})"),
        (asynchronous(), "[each async for each in {0}]"),
        (type("DataLoader", (), {})(), "it yields batches, so take each: for batch in {0}"),
        (type("Loader", (), {})(), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_result", [True, False])
def test_a_value_that_is_always_a_mistake_has_its_words(value, hint, is_result):
    assert mistakes.value_hint(value, is_result=is_result) == hint


def test_nothing_and_what_is_not_awaited_have_their_words(torch):
    assert mistakes.value_hint(None, is_result=True) == (
        "the function returned nothing: is a 'return' missing?"
    )
    assert mistakes.value_hint(None, is_result=False) == (
        "if it may be missing, let its annotation say so: ... | None"
    )
    waiting = coroutine()
    assert mistakes.value_hint(waiting, is_result=True) == "it was not awaited: await {0}"
    waiting.close()
    for end in (".pt", ".pth"):
        assert mistakes.value_hint(f"a{end}", is_result=False) == READ + "torch.load({0})"


@pytest.mark.parametrize("kind", [bool, int, float, complex, str, list])
@pytest.mark.parametrize("value", [0, 1, 1.5, 300])
@pytest.mark.parametrize("shape", [(), (1,), "scalar"])
def test_an_array_without_axes_becomes_the_number_that_is_wanted_if_it_is_the_same(
    world, kind, value, shape
):
    array: Any = np.asarray(value)
    array = array[()] if shape == "scalar" else array.reshape(shape)
    if world.name == "torch" and shape != "scalar":
        array = world.xp.from_numpy(array)
    is_kept = kind in {bool, int, float, complex} and kind(value) == value and shape != (1,)
    found = mistakes.number_hint(kind, array, "leave it")
    assert found == (f"{kind.__name__}({{0}})" if is_kept else None)
    assert mistakes.number_hint(kind, value, "leave it") is None


def test_a_number_that_is_traced_is_to_stay_static(monkeypatch):
    world = SimpleNamespace(kind_of=lambda _: "JVPTracer", host_values=lambda _: np.asarray(1))
    monkeypatch.setattr(mistakes, "find_world", lambda _: world)
    assert mistakes.number_hint(int, np.asarray(1), "leave it") == "it is being traced: leave it"
    for name in (None, "Tracer2", "Other"):
        world.kind_of = lambda _, name=name: name
        assert mistakes.number_hint(int, np.asarray(1), "leave it") == "int({0})"


def test_values_are_the_same_if_they_are_equal_or_both_nan():
    values = [0.0, -0.0, 1.0, np.nan, np.inf, -np.inf]
    for a, b in itertools.product(values, repeat=2):
        both_nan = np.isnan(a) and np.isnan(b)
        assert bool(are_same(np.array(a), np.array(b))) is bool(a == b or both_nan)
