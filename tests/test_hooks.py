"""Library functions wrapped for strict mode and recordings are restored when they end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import sys
import threading
import types
import warnings

import numpy as np
import pytest

import sekisho as sk
from sekisho.utils import Observer
from sekisho.worlds import find_operation, loaded_worlds


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    state = sys.modules.get("sekisho.monitor.state")
    if state is not None:
        state.caught.clear()


def holders():
    """Yield each name of a library that may be wrapped, with its module or class."""
    for world in loaded_worlds():
        for names in [*world.operations.values(), *(world.unshown or {}).values()]:
            for name in names:
                holder, last, operation = find_operation(world, name)
                if operation is not None:
                    yield holder, last
    yield threading.Thread, "start"
    yield concurrent.futures.ThreadPoolExecutor, "submit"
    yield asyncio.BaseEventLoop, "create_task"
    yield warnings, "_showwarnmsg"


def footprint():
    return [(holder, name, vars(holder).get(name)) for holder, name in holders()]


def body_of(torch):
    @sk.torch_world
    def body(x: torch.Tensor):
        return torch.from_numpy(x.numpy())

    return body


@contextlib.contextmanager
def strict_body(torch):
    """Run strict mode with a body that is monitored and rejected."""
    with sk.mode("strict"):
        with pytest.raises(sk.WorldError):
            body_of(torch)(torch.ones(2))
        yield


@contextlib.contextmanager
def recording(torch):
    with sk.record_crossings(everywhere=True) as log:
        torch.from_numpy(np.ones(2))
        yield
    assert any(row.operation == "torch.from_numpy" for row in log.rows)


KINDS = {"strict": strict_body, "record": recording}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("order", ["one after the other", "nested", "overlapping"])
def test_libraries_are_as_they_were_when_the_last_observer_is_gone(torch, first, second, order):
    before = footprint()
    one, two = KINDS[first](torch), KINDS[second](torch)
    one.__enter__()
    if order == "one after the other":
        one.__exit__(None, None, None)
        assert footprint() == before
        two.__enter__()
        two.__exit__(None, None, None)
    else:
        assert footprint() != before
        two.__enter__()
        last, next_ = (two, one) if order == "nested" else (one, two)
        last.__exit__(None, None, None)
        assert footprint() != before
        next_.__exit__(None, None, None)
    assert footprint() == before


def test_both_observers_see_a_call(torch):
    a = np.ones(2, "f4")

    @sk.torch_world
    def body():
        with sk.crossing_allowed():
            torch.from_numpy(a)
        torch.from_numpy(a)

    refused = pytest.raises(sk.WorldError, match=r"got torch\.from_numpy of float32\[2\]")
    with sk.record_crossings(everywhere=True) as log, sk.mode("strict"), refused:
        body()
    assert [row.count for row in log.rows if row.operation == "torch.from_numpy"] == [1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", ["stays", "is removed", "is imported again"])
def test_a_module_that_takes_a_wrapper_by_name_has_the_function_after(
    torch, kind, last, monkeypatch
):
    original = torch.from_numpy
    module = types.ModuleType("late")
    KINDS[kind](torch)  # imports what the call needs
    monkeypatch.setitem(sys.modules, "the last before", types.ModuleType("the last before"))
    with KINDS[kind](torch):
        if last != "stays":
            monkeypatch.delitem(sys.modules, "the last before")
        if last == "is imported again":
            exec("from torch import from_numpy", vars(module))
            monkeypatch.setitem(sys.modules, "late", module)
            monkeypatch.setitem(sys.modules, "the last before", module)
        monkeypatch.setitem(sys.modules, "late", module)
        exec("from torch import from_numpy", vars(module))
        assert module.from_numpy is not original
    assert module.from_numpy is original


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_else_has_put_there_stays_and_works(torch, kind, monkeypatch):
    original, calls = torch.from_numpy, []
    with KINDS[kind](torch):
        wrapped = torch.from_numpy

        def theirs(array):
            calls.append(array)
            return wrapped(array)

        monkeypatch.setattr(torch, "from_numpy", theirs)
    assert torch.from_numpy is theirs
    assert torch.from_numpy(np.ones(2)).sum() == 2
    with KINDS[kind](torch):
        torch.from_numpy(np.ones(2))
    assert torch.from_numpy is theirs
    monkeypatch.undo()
    torch.from_numpy = original
    assert len(calls) >= 2


def test_a_wrapper_of_strict_mode_is_the_same_each_time(torch):
    found = []
    for _ in range(3):
        with strict_body(torch):
            found.append(torch.from_numpy)
    assert len(set(map(id, found))) == 1


def test_a_body_that_outlives_the_block_is_watched_and_leaves_nothing(torch):
    before, body = footprint(), body_of(torch)
    with sk.mode("strict"):
        context = contextvars.copy_context()  # like a task that the block starts
    with pytest.raises(sk.WorldError):
        context.run(body, torch.ones(2))
    assert footprint() == before


def test_strict_mode_of_the_process_is_an_observer(torch):
    before, mode = footprint(), sk.get_mode()
    try:
        sk.set_mode("strict")
        with pytest.raises(sk.WorldError):
            body_of(torch)(torch.ones(2))
        with sk.mode("strict"):
            pass
        assert footprint() != before
    finally:
        sk.set_mode(mode)
    assert footprint() == before


def test_a_library_is_as_it_was_whichever_thread_ends_last(torch):
    before, errors = footprint(), []

    def work():
        try:
            for _ in range(20):
                with sk.mode("strict"), pytest.raises(sk.WorldError):
                    body_of(torch)(torch.ones(2))
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
    assert not errors
    assert footprint() == before


def test_a_block_that_is_left_in_another_thread_counts_as_left(torch):
    before, block = footprint(), sk.mode("strict")
    block.__enter__()
    with pytest.raises(sk.WorldError):
        body_of(torch)(torch.ones(2))
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert footprint() == before
    block.__exit__(None, None, None)


@pytest.mark.parametrize("action", ["default", "ignore"])
def test_a_warning_under_a_wrapper_is_the_callers(torch, action):
    """It appears at the caller's line, once for each line, by the filters for the caller's module."""
    number = [np.complex128(1j)]

    def discard():
        np.fromiter(number, float)
        np.fromiter(number, float)

    with warnings.catch_warnings(record=True) as caught, strict_body(torch):
        warnings.simplefilter("default")
        warnings.filterwarnings(action, module=__name__)
        discard()
        discard()
    line = discard.__code__.co_firstlineno
    found = [(each.filename, each.lineno - line) for each in caught]
    assert found == ([(__file__, 1), (__file__, 2)] if action == "default" else [])


# --- the mechanism itself -------------------------------------------------------------------------


class Base:
    def inherited(self):
        return "base"


class Holder(Base):
    def own(self):
        return "own"


def louder(function):
    def call(*args):
        return f"{function(*args)}!"

    return call


@pytest.mark.parametrize("name", ["inherited", "own"])
def test_a_class_has_what_it_had(name):
    before = dict(vars(Holder))
    observer = Observer(5)
    observer.wrap(Holder, name, "test", louder)
    assert getattr(Holder(), name)().endswith("!")
    observer.end()
    assert dict(vars(Holder)) == before


def test_a_class_that_is_closed_is_left_alone():
    observer = Observer(5)
    observer.wrap(int, "bit_length", "test", louder)
    assert (3).bit_length() == 2
    observer.end()


def test_the_outer_observer_has_the_higher_rank():
    outer, inner = Observer(6), Observer(5)
    for observer, sign in ((outer, "o"), (inner, "i")):
        observer.wrap(Holder, "own", "test", lambda f, sign=sign: lambda *a: f(*a) + sign)
    assert Holder().own() == "ownio"
    outer.end()
    assert Holder().own() == "owni"
    outer.wrap(Holder, "own", "test", lambda f: lambda *a: f(*a) + "o")
    inner.end()
    assert Holder().own() == "owno"
    outer.end()
    assert Holder().own() == "own"
