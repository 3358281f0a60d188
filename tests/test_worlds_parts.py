"""The parts of worlds and of the monitor one by one: overflow, spellings, copies, states of threads."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sekisho as sk
from sekisho.monitor import state
from sekisho.worlds import overflow, rebuilding, registry
from sekisho.worlds.policy import Refusal
from sekisho.worlds.spelling import made_like_numpy, spelled_like_numpy

# --- overflow --------------------------------------------------------------------------------------


def small(*values, dtype="uint8"):
    return np.array(values, dtype)


OPERATIONS = {
    "add": (lambda a: a + small(1, 1), (255, 3), "add of uint8 gives 0, where the result is 256"),
    "subtract": (lambda a: a - 1, (3, 0), "subtract of uint8 gives 255, where the result is -1"),
    "multiply": (lambda a: a * a, (3, 16), "multiply of uint8 gives 0, where the result is 256"),
    "power": (lambda a: a**3, (7, 1), "power of uint8 gives 87, where the result is 343"),
    "negative": (lambda a: -a, (0, 2), "negative of uint8 gives 254, where the result is -2"),
    "matmul": (lambda a: a @ a, (16, 16), "matmul of uint8 gives 0, where the result is 512"),
    "sum": (lambda a: np.add.reduce(a, dtype="uint8"), (200, 100), None),
    "it fits": (lambda a: a + 1, (254, 3), None),
    "a comparison": (lambda a: a > 3, (255, 3), None),
    "a float": (lambda a: a + 0.5, (255, 3), None),
    "a wide integer": (lambda a: a + np.int64(1), (255, 3), None),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_of_small_integers_that_wraps_around_is_noticed(name):
    operation, values, text = OPERATIONS[name]
    found: list[str] = []
    watched = small(*values).view(overflow.watched_class(found))
    expected = operation(small(*values))
    result = operation(watched)
    assert np.asarray(result).tolist() == np.asarray(expected).tolist()
    if name == "sum":
        text = "add of uint8 gives 44, where the result is 300"
    assert found == ([text] if text else [])
    if isinstance(result, np.ndarray):
        assert type(result) is type(watched)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
def test_each_small_dtype_is_watched_and_wider_ones_are_not(dtype):
    for kind, wraps in ((dtype, True), ("int32", False), ("int64", False)):
        found: list[str] = []
        watched = overflow.watched_class(found)
        top = np.iinfo(kind).max
        with np.errstate(all="ignore"):
            (small(3, top, dtype=kind).view(watched) + small(0, 1, dtype=kind))[0]
        low = np.iinfo(kind).min
        assert found == (
            [f"add of {kind} gives {low}, where the result is {top + 1}"] if wraps else []
        )


def test_an_operation_in_place_is_computed_from_what_was_there_before():
    found: list[str] = []
    watched = small(250, 3).view(overflow.watched_class(found))
    before = watched
    watched += 10
    assert watched is before
    assert np.asarray(watched).tolist() == [4, 13]
    assert found == ["add of uint8 gives 4, where the result is 260"]
    np.add.at(watched, [0], 255)
    assert len(found) == 1
    with pytest.raises(ValueError, match="broadcast"):
        watched + small(1, 2, 3)


# --- spellings -------------------------------------------------------------------------------------

VECTOR, PICTURE = np.arange(3.0), np.arange(24).reshape(2, 4, 3)
SPELLED: dict[str, tuple[Any, Any]] = {
    "add_batch_dim": (VECTOR, VECTOR[None]),
    "remove_batch_dim": (PICTURE, PICTURE[0]),
    "transpose2d": (PICTURE[0], PICTURE[0].T),
    "channels_first": (PICTURE, PICTURE.transpose(2, 0, 1)),
    "channels_last": (PICTURE, PICTURE.transpose(1, 2, 0)),
    "permute_dims": (PICTURE, PICTURE.transpose(1, 0, 2)),
    "cast": (VECTOR, VECTOR.astype("int8")),
    "round": (VECTOR + 0.4, VECTOR),
    "stack": ([VECTOR, VECTOR], np.stack([VECTOR, VECTOR])),
    "expand_last": (VECTOR, VECTOR[:, None]),
    "squeeze_last": (PICTURE, PICTURE[..., 0]),
    "repeat": (PICTURE, np.repeat(PICTURE, 3, 1)),
}


def test_each_spelling_does_what_its_name_says():
    spelled = spelled_like_numpy("np")
    assert spelled.keys() == SPELLED.keys()
    words = {"AXES": "1, 0, 2", "DTYPE": "int8", "AXIS": "axis=1"}
    for name, (value, expected) in SPELLED.items():
        code = spelled[name].format("x")
        for word, text in words.items():
            code = code.replace(word, text)
        found = eval(code, {"np": np, "x": value})
        assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist()), name


@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize("dtype", ["float32", None])
def test_the_calls_that_make_an_array(is_number, dtype):
    calls = list(made_like_numpy("jnp", dtype, is_number=is_number))
    expected = ["jnp.asarray({0})", *(["jnp.atleast_1d({0})"] if is_number else [])]
    expected += [f"jnp.asarray({{0}}, dtype='{dtype}')"] if dtype else []
    assert calls == [(each, "numpy.asarray({0})") for each in expected]


# --- copies that a class makes itself ---------------------------------------------------------------


class Reduced:
    """Says itself how it is made anew, with a state and without."""

    def __init__(self, items=()):
        self.items = items

    def __reduce__(self):
        return type(self), ((),), {"items": self.items}


class Stateful(Reduced):
    def __setstate__(self, given):
        self.items, self.was_set = given["items"], True


class Slotted(Reduced):
    __slots__ = ("more",)

    def __reduce__(self):
        return type(self), ((),), ({"items": self.items}, {"more": self.more})


class Listed(list):
    def __reduce__(self):
        return type(self), (), None, iter(self)


class Keyed(dict):
    def __reduce__(self):
        return type(self), (), None, None, iter(self.items())


class One:
    def __reduce__(self):
        return "ONE"


class Another(Reduced):
    def __reduce__(self):
        return Reduced, ()


def replaced(value, old, new):
    return rebuilding.rebuilt(value, {"it": (old, new)})


@pytest.mark.parametrize("kind", [Reduced, Stateful, Slotted])
def test_the_state_of_a_class_that_says_how_it_is_copied_is_replaced(kind):
    old, new = object(), object()
    value = kind([old, 3])
    if kind is Slotted:
        value.more = old
    value.added = old  # what its own function forgets
    made = replaced(value, old, new)
    assert type(made) is kind
    assert made is not value
    assert made.items == [new, 3]
    assert made.added is new
    assert value.items == [old, 3]
    assert getattr(made, "more", new) is new
    assert hasattr(made, "was_set") is (kind is Stateful)


def test_the_items_of_a_class_that_says_how_it_is_copied_are_replaced():
    old, new = object(), object()
    assert replaced(Listed([old, 3]), old, new) == Listed([new, 3])
    assert replaced(Keyed(a=old, b=3), old, new) == Keyed(a=new, b=3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (One(), "TypeError: its class says that there is one of it only"),
        (Another(), "its class makes something else"),
    ],
)
def test_a_class_that_makes_something_else_is_refused(value, text):
    with pytest.raises(Refusal) as caught:
        replaced(value, 1, 2)
    assert caught.value.reason == f"cannot be made anew with converted items: {text}"


# --- what torch is doing ----------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [None, "vmap"])
@pytest.mark.parametrize("is_traced", [False, True])
@pytest.mark.parametrize("modes", [0, 1])
def test_torch_runs_plainly_if_nothing_transforms_traces_or_intercepts(
    torch, monkeypatch, transform, is_traced, modes
):
    from sekisho.worlds import world_named
    from sekisho.worlds.torch import _private

    asked = SimpleNamespace(transform=lambda: transform, modes=lambda: modes)
    monkeypatch.setattr(_private, "asked_of", lambda _: asked)
    monkeypatch.setattr(_private, "is_in_trace", lambda _: is_traced)
    plain = transform is None and not is_traced and not modes
    assert world_named("torch").runs_plainly() is plain


@pytest.mark.parametrize("lacks", [None, "_C._get_dispatch_mode", "_C._TorchDispatchModeKey.FAKE"])
@pytest.mark.parametrize("mode", [None, "fake"])
def test_a_release_that_cannot_tell_has_no_fake_mode(torch, monkeypatch, lacks, mode):
    from sekisho.worlds.torch import _private

    known = {"_C._get_dispatch_mode": lambda key: mode, "_C._TorchDispatchModeKey.FAKE": "key"}
    known.pop(lacks, None)
    monkeypatch.setattr(_private, "look_up", lambda _, name: known.get(name))
    assert _private.has_fake_mode(torch) is (mode is not None and lacks is None)


# --- the state of a thread --------------------------------------------------------------------------


def test_the_monitor_goes_on_after_the_outermost_pause_only():
    mine: Any = state._Thread()
    mine.watch = watch = object()
    mine.resume("a block of another thread")
    assert mine.watch is watch
    mine.pause("outer")
    mine.pause("inner")
    assert (mine.watch, mine.pauses) == (None, (("outer",), ("inner",)))
    mine.resume("another")
    assert mine.watch is None
    mine.resume("inner")
    assert (mine.watch, mine.paused) == (None, watch)
    mine.resume("outer")
    assert (mine.watch, mine.paused, mine.pauses) == (watch, None, ())
    before = mine.swap(state.BodyState(None, (("b",),), watch))
    assert before == state.BodyState(watch, (), None)
    assert (mine.watch, mine.pauses, mine.paused) == (None, (("b",),), watch)


def test_each_thread_begins_with_nothing_refused_and_no_body():
    found = []

    def look():
        mine = state.thread
        found.append((mine.refused, mine.depth, mine.watch, mine.pauses, mine.paused, mine.shown))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert found == [([], 0, None, (), None, None)] * 2
    assert found[0][0] is not found[1][0]


# --- worlds of other packages -----------------------------------------------------------------------


def _raising():
    raise ImportError("it is broken\nand more")


def _without_label():
    return type("Tallied", (sk.World,), {"name": "tallied", "__repr__": lambda _: "a world"})()


BROKEN = {
    "no world": (lambda: 3, "expected an instance of a subclass of sekisho.World, got 3."),
    "an error": (_raising, "ImportError: it is broken"),
    "no label": (
        _without_label,
        'a world has no label.\n  hint: label = "...", what messages call the library',
    ),
}


@pytest.mark.parametrize(("load", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_world_of_an_entry_point_that_is_broken_is_warned_of_once(monkeypatch, load, problem):
    monkeypatch.setattr(registry, "_pending", {"tallied": load})
    monkeypatch.setattr(registry, "_waiting", {"tallied"})
    monkeypatch.setattr(registry, "_broken", {})
    with pytest.warns(RuntimeWarning, match="cannot be used") as caught:
        assert registry._activate("tallied") is None
    text = f"the world 'tallied' of an entry point cannot be used: {problem}"
    assert [str(each.message) for each in caught] == [text]
    assert registry._broken == {"tallied": text}
    assert (registry._pending, registry._waiting) == ({}, set())
    assert registry._activate("tallied") is None  # and no second warning
    assert registry._activate("numpy").name == "numpy"
