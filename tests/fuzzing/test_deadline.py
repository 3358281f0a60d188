"""A block with a time limit ends, wherever the limit finds it."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from sekisho.fuzzing.deadline import Overdue, deadline

if TYPE_CHECKING:
    from collections.abc import Callable


def work(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class WithFinalizer:
    def __del__(self) -> None:
        work(0.3)


class Plain:
    pass


def in_a_finalizer() -> None:
    WithFinalizer()


def in_a_weak_references_callback() -> None:
    value = Plain()
    reference = weakref.ref(value, lambda _: work(0.3))
    del value
    assert reference() is None


def in_a_callback_of_the_garbage_collector() -> None:
    def callback(phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            work(0.3)

    gc.callbacks.append(callback)
    try:
        gc.collect(0)
    finally:
        gc.callbacks.remove(callback)


def in_plain_code() -> None:
    pass


def run(before: Callable[[], None], outcome: list[str]) -> None:
    try:
        with deadline(0.1):
            before()
            work(20)
        outcome.append("over")
    except Overdue:
        outcome.append("overdue")


PLACES = [
    in_plain_code,
    in_a_finalizer,
    in_a_weak_references_callback,
    in_a_callback_of_the_garbage_collector,
]


@pytest.mark.parametrize("place", PLACES)
def test_an_error_that_python_drops_is_raised_again(place: Callable[[], None]) -> None:
    outcome: list[str] = []
    hook = sys.unraisablehook
    run(place, outcome)
    assert outcome == ["overdue"]
    assert sys.unraisablehook is hook


def ignore(_: sys.UnraisableHookArgs) -> None:
    pass


@pytest.mark.parametrize("place", PLACES)
def test_also_in_another_thread(place: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", ignore)
    outcome: list[str] = []
    thread = threading.Thread(target=run, args=(place, outcome))
    thread.start()
    thread.join(15)
    assert outcome == ["overdue"]


def test_an_error_of_another_finalizer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[type[BaseException]] = []

    def report(error: sys.UnraisableHookArgs) -> None:
        reported.append(error.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", report)

    class Failing:
        def __del__(self) -> None:
            raise ZeroDivisionError

    with deadline(10):
        Failing()
    assert reported == [ZeroDivisionError]


def test_a_block_that_is_over_is_left_alone() -> None:
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(work_within(5)))
    thread.start()
    thread.join(10)
    assert [*outcome, work_within(5)] == ["over", "over"]


def work_within(seconds: float) -> str:
    with deadline(seconds):
        work(0.05)
    work(0.05)
    return "over"
