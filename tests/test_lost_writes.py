"""A write into an argument that the guard has copied does not reach the caller: it is reported."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import threading
import warnings
import weakref
from collections import OrderedDict, UserDict, deque
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest
from jaxtyping import Float32, Float64

import sekisho as sk

torch = pytest.importorskip("torch")
T = torch.Tensor
A = np.ndarray
FILE = Path(__file__).name


def read_only():
    array = np.zeros(3, "f4")
    array.flags.writeable = False
    return array


COPIED = {
    "it is read-only": read_only,
    "it has a negative stride": lambda: np.zeros(3, "f4")[::-1],
    "its byte order is not this machine's": lambda: np.zeros(3, ">f4"),
    "its strides are no multiples of its item size": lambda: np.zeros(
        3, [("a", "i1"), ("x", "f4")]
    )["x"],
}
SHARED = {
    "contiguous": lambda: np.zeros(3, "f4"),
    "every second": lambda: np.zeros(6, "f4")[::2],
    "a tensor": lambda: torch.zeros(3),
}
DECORATORS = {
    "torch_world": sk.torch_world,
    "torch_world, convert": sk.torch_world(on_foreign="convert"),
    "boundary, convert": sk.boundary(on_foreign="convert"),
    "same_world, convert": sk.same_world(on_foreign="convert"),
}
STRICT = [name for name in DECORATORS if "convert" in name]


def written(decorate, flavour="function"):
    """Return a guarded function that fills its second argument, and a way to call it."""
    array = sk.Array if decorate is DECORATORS["same_world, convert"] else T

    def function(like: array, out: Float32[array, "n"]):
        out.fill_(7)

    async def coroutine(like: array, out: Float32[array, "n"]):
        await asyncio.sleep(0)
        out.fill_(7)

    def generator(like: array, out: Float32[array, "n"]):
        yield 1
        out.fill_(7)
        yield 2

    async def async_generator(like: array, out: Float32[array, "n"]):
        yield 1
        out.fill_(7)

    class Filler:
        def method(self, like: array, out: Float32[array, "n"]):
            out.fill_(7)

    like = torch.zeros(1)
    if flavour == "method":
        method = decorate(Filler.method)
        return method, lambda out: method(Filler(), like, out)
    guard = decorate(
        {
            "function": function,
            "coroutine": coroutine,
            "generator": generator,
            "async generator": async_generator,
        }[flavour]
    )

    async def drain(out):
        return [each async for each in guard(like, out)]

    return guard, {
        "function": lambda out: guard(like, out),
        "coroutine": lambda out: asyncio.run(guard(like, out)),
        "generator": lambda out: list(guard(like, out)),
        "async generator": lambda out: asyncio.run(drain(out)),
    }[flavour]


FLAVOURS = ("function", "method", "coroutine", "generator", "async generator")


def state(guard):
    """Return what the guard's text calls, and all its other state."""
    return dict(guard.__globals__)


@pytest.mark.parametrize("reason", COPIED)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("decorator", DECORATORS)
def test_a_write_into_a_copy_is_warned_of_at_the_function(decorator, flavour, reason):
    guard, call = written(DECORATORS[decorator], flavour)
    call(torch.zeros(3))
    before = state(guard)
    array = COPIED[reason]()
    with pytest.warns(sk.LostWriteWarning) as caught:
        call(array)
    assert not array.any()
    assert state(guard) == before
    code = guard.__wrapped__.__code__
    name = code.co_qualname.rpartition("<locals>.")[2]
    assert str(caught[0].message) == (
        f"{name}() argument 'out': expected no write in place, got a write that is lost.\n"
        f"  'out' was copied ({reason}): the caller sees nothing of it. "
        f"{name}() is at {FILE}:{code.co_firstlineno}\n"
        "  hint: write into something new and return it, or pass what needs no conversion"
    )
    assert (caught[0].filename, caught[0].lineno) == (__file__, code.co_firstlineno)


@pytest.mark.parametrize("reason", COPIED)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("decorator", STRICT)
def test_strict_mode_raises_at_the_call(decorator, flavour, reason):
    guard, call = written(DECORATORS[decorator], flavour)
    call(torch.zeros(3))
    with sk.mode("strict"):
        call(torch.zeros(3))
        before = state(guard)
        with pytest.raises(sk.LostWriteError) as caught:
            call(COPIED[reason]())
    assert state(guard) == before
    violation = caught.value.violation
    assert violation.place == "argument 'out'"
    assert f"({reason})" in violation.reason
    assert f"{FILE}:{guard.__wrapped__.__code__.co_firstlineno}" in violation.reason


@pytest.mark.parametrize("mode", ["convert", "warn", "strict"])
@pytest.mark.parametrize("which", SHARED)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.filterwarnings("ignore::sekisho.CrossingWarning")
def test_a_write_into_what_is_shared_is_no_loss(flavour, which, mode):
    _, call = written(DECORATORS["torch_world, convert"], flavour)
    value = SHARED[which]()
    with sk.mode(mode):
        call(value)
    assert (np.asarray(value) == 7).all()


@pytest.mark.parametrize("reason", COPIED)
def test_what_is_only_read_is_no_loss(reason):
    @sk.torch_world(on_foreign="convert")
    def total(x: Float32[T, "n"]) -> T:
        x.requires_grad_(False)
        return (x * 2).add_(1).sum()

    for mode in ("convert", "strict"):
        with sk.mode(mode):
            assert total(COPIED[reason]()) == 3


@pytest.mark.parametrize("reason", COPIED)
def test_with_copy_the_author_has_asked_for_memory_of_his_own(reason):
    @sk.torch_world(copy=True)
    def double(x: Float32[T, "n"]) -> T:
        return x.add_(1)

    assert double(COPIED[reason]()).tolist() == [1, 1, 1]


def test_a_write_whose_result_is_returned_is_told_too():
    @sk.torch_world
    def double(out: Float32[T, "n"]) -> T:
        return out.add_(1)

    with pytest.warns(sk.LostWriteWarning):
        assert double(read_only()).tolist() == [1, 1, 1]


def test_the_warning_comes_once():
    _, call = written(sk.torch_world)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for size in range(1, 4):
            call(np.zeros(size, "f4")[::-1] if size > 1 else read_only()[:1])
            call(np.zeros(5, "f4")[::-1])
    assert len(caught) == 2, "once for each reason"


def test_where_warnings_are_errors_it_is_one_each_time():
    _, call = written(sk.torch_world)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(sk.LostWriteWarning):
                call(read_only())


# --- views, casts, devices -----------------------------------------------------------------------

WRITES = {
    "index": lambda x: x.__setitem__(0, 1),
    "mask": lambda x: x.__setitem__(x == 0, 1),
    "operator": lambda x: x.__iadd__(1),
    "out": lambda x: torch.add(x, 1, out=x),
    "view": lambda x: x.view(-1).mul_(2),
    "detached": lambda x: x.detach().zero_(),
    "init": torch.nn.init.ones_,
    "inference": lambda x: torch.inference_mode()(x.add_)(1),
    "no_grad": lambda x: torch.no_grad()(x.add_)(1),
}


@pytest.mark.parametrize("way", WRITES)
@pytest.mark.parametrize("inference", [False, True])
def test_every_way_of_writing_counts(way, inference):
    @sk.torch_world
    def f(x: Float32[T, "n"]):
        WRITES[way](x)

    with torch.inference_mode(inference), pytest.warns(sk.LostWriteWarning):
        f(read_only())


@pytest.mark.parametrize("inference", [False, True])
def test_a_cast_within_one_world_is_a_copy(inference):
    @sk.torch_world(casting="safe")
    def f(x: Float64[T, "n"]):
        x.add_(1)

    with torch.inference_mode(inference):
        value = torch.zeros(3)
        with pytest.warns(sk.LostWriteWarning, match="it was cast from float32"):
            f(value)
        f(value.double())
    assert not value.any()


def test_a_cast_on_the_way_is_a_copy():
    @sk.torch_world(casting="safe")
    def f(x: Float64[T, "n"]):
        x.add_(1)

    with pytest.warns(sk.LostWriteWarning, match="it was cast from float32"):
        f(np.zeros(3, "f4"))


def test_a_move_to_another_device_is_a_copy(second_device):
    @sk.torch_world(device=second_device)
    def f(x: Float32[T, "n"]):
        x.add_(1)

    with pytest.warns(sk.LostWriteWarning, match="it moved from cpu to meta"):
        f(torch.zeros(3))
    f(torch.zeros(3, device="meta"))


def test_a_copy_of_which_nobody_counts_the_writes_is_passed_all_the_same(monkeypatch):
    monkeypatch.setattr(type(sk.worlds.world_named("torch")), "write_count", lambda *_: None)
    _, call = written(sk.torch_world)
    call(read_only())


# --- NumPy refuses the write itself --------------------------------------------------------------

NOTE = (
    "sekisho: 'x' was copied (it was cast from float32); "
    "it is read-only, since its caller would see nothing of a write.\n"
    "  hint: write into x.copy() and return it, or have the guard copy: copy=True"
)
IN_PLACE = {
    "index": lambda x: x.__setitem__(0, 1),
    "operator": lambda x: x.__iadd__(1),
    "out": lambda x: np.add(x, 1, out=x),
    "sort": lambda x: x.sort(),
    "view": lambda x: x[1:].fill(2),
}


@pytest.mark.parametrize("mode", ["convert", "warn", "strict"])
@pytest.mark.parametrize("way", IN_PLACE)
@pytest.mark.parametrize("flavour", ["function", "coroutine", "generator"])
def test_numpy_refuses_a_write_into_a_copy_at_its_line(flavour, way, mode):
    @sk.numpy_world(casting="safe")
    def function(x: Float64[A, "n"]):
        IN_PLACE[way](x)

    @sk.numpy_world(casting="safe")
    async def coroutine(x: Float64[A, "n"]):
        IN_PLACE[way](x)

    @sk.numpy_world(casting="safe")
    def generator(x: Float64[A, "n"]):
        yield IN_PLACE[way](x)

    calls = {
        "function": function,
        "coroutine": lambda x: asyncio.run(coroutine(x)),
        "generator": lambda x: list(generator(x)),
    }
    value = np.zeros(3, "f4")
    with sk.mode(mode), pytest.raises(ValueError, match="read-only") as caught:
        calls[flavour](value)
    assert caught.value.__notes__ == [NOTE]
    assert not value.any()
    calls[flavour](np.zeros(3))
    with pytest.raises(ValueError, match="read-only") as caught:
        # the caller's own array: no message from sekisho
        calls[flavour](np.broadcast_to(np.zeros(1), 3))
    assert not hasattr(caught.value, "__notes__")


def test_a_copy_of_a_lazy_tensor_is_read_only_in_the_body():
    @sk.numpy_world
    def f(x: A) -> None:
        x[0] = 1

    lazy = torch.zeros(3, dtype=torch.complex64).conj()
    with pytest.raises(ValueError, match="read-only") as caught:
        f(lazy)
    assert "'x' was copied (it is a lazy conjugate, negative or zero)" in caught.value.__notes__[0]


@pytest.mark.parametrize("options", [{"casting": "safe", "copy": True}, {"casting": "safe"}])
def test_results_and_copies_that_were_asked_for_can_be_written(options):
    @sk.numpy_world(**options)
    def f(x: Float64[A, "n"]) -> Float64[A, "n"]:
        return np.zeros(3, "f4") if not options.get("copy") else x.__iadd__(1)

    assert f(np.zeros(3, "f4")).flags.writeable


def test_arrays_of_jax_have_nothing_to_lose():
    jax = pytest.importorskip("jax")

    @sk.jax_world
    def f(x: jax.Array) -> jax.Array:
        return x.at[0].set(1)

    assert f(np.zeros(3, "f4"))[0] == 1


# --- containers ----------------------------------------------------------------------------------


@dataclass
class Record:
    x: Float32[T, "n"]
    steps: int = 0

    @cached_property
    def size(self) -> int:
        return len(self.x)


@dataclass(slots=True)
class SlottedRecord:
    x: Float32[T, "n"]
    steps: int = 0


class Batch(TypedDict, total=False):
    x: Float32[T, "n"]


class Sub(dict):
    pass


HELD = {
    "a dict": (
        dict[str, T],
        dict,
        [
            (lambda c: c.__setitem__("pred", 1), "a new item 'pred'", "dict"),
            (lambda c: c.__setitem__("x", 1), "another item 'x'", "dict"),
            (lambda c: c.pop("x"), "no item 'x'", "dict"),
            (lambda c: c.clear(), "no item 'x'", "dict"),
            (lambda c: c.update(z=2), "a new item 'z'", "dict"),
        ],
    ),
    "an OrderedDict": (
        Mapping[str, T],
        OrderedDict,
        [
            (lambda c: c.move_to_end("x"), "another order of items", "OrderedDict"),
        ],
    ),
    "a UserDict": (
        MutableMapping[str, T],
        UserDict,
        [
            (lambda c: c.__setitem__("x", 1), "another item 'x'", "UserDict"),
        ],
    ),
    "a subclass of dict": (
        dict[str, T],
        Sub,
        [
            (lambda c: setattr(c, "name", 1), "a new attribute 'name'", "Sub"),
        ],
    ),
    "a TypedDict": (
        Batch,
        dict,
        [
            (lambda c: c.__setitem__("pred", 1), "a new item 'pred'", "dict"),
        ],
    ),
    "a list": (
        list[T],
        lambda d: [*d.values()],
        [
            (lambda c: c.append(1), "a new item 2", "list"),
            (lambda c: c.__setitem__(0, 1), "another item 0", "list"),
            (lambda c: c.pop(), "no item 1", "list"),
            (lambda c: c.reverse(), "another item 0", "list"),
        ],
    ),
    "a deque": (
        deque[T],
        lambda d: deque(d.values()),
        [
            (lambda c: c.append(1), "a new item 2", "deque"),
        ],
    ),
    "a record": (
        Record,
        lambda d: Record(d["x"]),
        [
            (lambda c: setattr(c, "steps", c.steps + 1), "another attribute 'steps'", "Record"),
            (lambda c: setattr(c, "new", 1), "a new attribute 'new'", "Record"),
            (lambda c: delattr(c, "steps"), "no attribute 'steps'", "Record"),
        ],
    ),
    "a record with slots": (
        SlottedRecord,
        lambda d: SlottedRecord(d["x"]),
        [
            (lambda c: setattr(c, "steps", 7), "another attribute 'steps'", "SlottedRecord"),
        ],
    ),
}
CASES = [(name, i) for name, (_, _, writes) in HELD.items() for i in range(len(writes))]


def container_of(name, items):
    made = HELD[name][1](items)
    if name == "a TypedDict":
        made.pop("y")
    return made


def two(make):
    return {"x": make(), "y": make()}


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_write_into_a_container_that_was_rebuilt_is_told(name, number):
    hint, _, writes = HELD[name]
    write, what, kind = writes[number]

    @sk.torch_world(on_foreign="convert")
    def f(held: hint):
        write(held)

    f(container_of(name, two(lambda: torch.zeros(2))))
    value = container_of(name, two(lambda: np.zeros(2, "f4")))
    before = copy.deepcopy(value)
    with pytest.warns(sk.LostWriteWarning) as caught:
        f(value)
    text = str(caught[0].message)
    assert text.startswith(
        f"f() argument 'held': expected no write in place, got {what} that is lost.\n"
        f"  'held' is a new {kind}, since an item of it was converted: "
    )
    assert str(before) == str(value)
    with sk.mode("strict"), pytest.raises(sk.LostWriteError):
        f(container_of(name, two(lambda: np.zeros(2, "f4"))))


@pytest.mark.parametrize("name", HELD)
def test_a_container_that_is_only_read_is_no_loss(name):
    @sk.torch_world(on_foreign="convert")
    def f(held: HELD[name][0]):
        if isinstance(held, Record):
            assert held.size == 2  # stored in its own attribute
            held._memo = 1
        return len(str(held))

    with sk.mode("strict"):
        f(container_of(name, two(lambda: np.zeros(2, "f4"))))


def test_containers_inside_of_containers_and_arrays_inside_of_both():
    @sk.torch_world
    def f(held: list[dict[str, T]], write: object):
        write(held)

    def value(array):
        return [{"x": torch.zeros(2)}, {"x": array}]

    for write, place in (
        (lambda held: held[1].update(y=1), "argument 'held' at held[1]"),
        (lambda held: held[1]["x"].add_(1), "argument 'held' at held[1]['x']"),
        (lambda held: held.append(1), "argument 'held'"),
    ):
        with pytest.warns(sk.LostWriteWarning) as caught:
            f(value(read_only()), write)
        assert str(caught[0].message).startswith(f"f() {place}: ")
    # A container without converted items is the caller's own.
    given = value(np.zeros(2, "f4"))
    f(given, lambda held: held[0].update(y=1))
    assert given[0].pop("y") == 1
    f(given, lambda held: held[1]["x"].add_(1))
    assert given[1]["x"].tolist() == [1, 1]


def test_stars_are_the_functions_own():
    @sk.torch_world(on_foreign="convert")
    def f(*args: T, **options: T):
        options["new"] = 1

    @sk.torch_world
    def g(*args: T):
        args[0].add_(1)

    with sk.mode("strict"):
        f(np.zeros(2), a=np.zeros(2))
    with pytest.warns(sk.LostWriteWarning, match=r"argument 'args' at args\[0\]"):
        g(read_only())


@pytest.mark.parametrize("lazy", ["iterator", "iterable"])
def test_an_item_that_is_taken_lazily_is_looked_at_when_the_next_is_taken(lazy):
    make = {"iterator": iter, "iterable": Lazy}[lazy]

    @sk.torch_world(on_foreign="convert")
    def f(batches: Iterable[Float32[T, "n"]]):
        for batch in batches:
            batch.add_(1)

    f(make([torch.zeros(2), np.zeros(2, "f4")]))
    with pytest.warns(sk.LostWriteWarning, match=r"argument 'batches' at batches\[0\]: "):
        f(make([read_only(), torch.zeros(2)]))
    with sk.mode("strict"), pytest.raises(sk.LostWriteError, match=r"at batches\[1\]: "):
        f(make([torch.zeros(2), read_only(), read_only()]))


class Lazy:
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def test_copies_of_items_that_are_taken_lazily_are_not_kept():
    alive = []

    @sk.torch_world
    def f(batches: Iterable[Float32[T, "n"]]):
        for batch in batches:
            alive.append(weakref.ref(batch))
            del batch
        gc.collect()
        return sum(each() is not None for each in alive)

    assert f(read_only() for _ in range(10)) <= 1


@pytest.mark.parametrize("flavour", ["generator", "async generator"])
def test_what_is_sent_is_an_argument(flavour):
    @sk.torch_world(on_foreign="convert")
    def generator() -> Generator[int, Float32[T, "n"], None]:
        for _ in range(4):
            out = yield 1
            out.add_(1)

    @sk.torch_world(on_foreign="convert")
    async def async_generator() -> AsyncGenerator[int, Float32[T, "n"]]:
        for _ in range(4):
            out = yield 1
            out.add_(1)

    def send(value):
        if flavour == "generator":
            steps = generator()
            next(steps)
            steps.send(value)
            return steps.send(torch.zeros(3))

        async def main():
            steps = async_generator()
            await anext(steps)
            await steps.asend(value)
            return await steps.asend(torch.zeros(3))

        return asyncio.run(main())

    for value in (torch.zeros(3), np.zeros(3, "f4")):
        assert send(value) == 1
    with pytest.warns(sk.LostWriteWarning, match=r"\(\) the sent value: "):
        assert send(read_only()) == 1
    with sk.mode("strict"), pytest.raises(sk.LostWriteError):
        send(read_only())


def test_a_container_that_raises_when_it_is_looked_at_is_left_alone():
    class Odd(UserDict):
        def items(self):
            if getattr(self, "broken", False):
                raise RuntimeError
            return super().items()

    @sk.torch_world
    def f(held: Mapping[str, T]):
        held.broken = True

    f(Odd(x=np.zeros(2)))


def test_an_alternative_that_was_dropped_counts_no_more():
    @sk.torch_world(on_foreign="convert")
    def f(x: Float32[T, "n"] | dict[str, Float32[T, "n"]] | list[T]):
        x.append(1)

    with sk.mode("strict"), pytest.raises(sk.LostWriteError, match="a new item 1"):
        f([read_only()])


# --- calls that end early, and calls inside of calls ---------------------------------------------


def test_an_error_of_the_body_is_all_that_is_told():
    @sk.torch_world(on_foreign="convert")
    def f(out: Float32[T, "n"]):
        out.fill_(7)
        raise KeyError

    with sk.mode("strict"):
        with pytest.raises(KeyError):
            f(torch.zeros(3))
        before = state(f)
        with pytest.raises(KeyError) as caught:
            f(read_only())
    assert not hasattr(caught.value, "__notes__")
    assert state(f) == before


def test_a_refused_later_argument_leaves_nothing_behind():
    @sk.torch_world
    def f(out: Float32[T, "n"], other: Float32[T, "n"]):
        out.fill_(7)

    f(torch.zeros(3), torch.zeros(3))
    before = state(f)
    array = read_only()
    kept = weakref.ref(array)
    with pytest.raises(sk.ShapeError):
        f(array, torch.zeros(4))
    del array
    gc.collect()
    assert kept() is None
    assert state(f) == before
    f(torch.zeros(3), torch.zeros(3))


def test_an_interrupt_between_arguments_leaves_nothing_for_long():
    interrupts = [True]
    # All outer frames have their objects now, so none gets the address of a frame that ends.
    assert inspect.stack(0)

    def check(function):
        def call(value):
            if interrupts and interrupts.pop():
                raise KeyboardInterrupt
            return function(value)

        return call

    @sk.torch_world(typechecker=check)
    def f(out: Float32[T, "n"], other: dict[str, int]):
        return out

    with pytest.raises(KeyboardInterrupt):
        f(read_only(), {})
    for _ in range(3):  # a new frame may have the address of the interrupted one
        f(read_only(), {})
    assert "Listening" not in str(state(f))


@pytest.mark.parametrize("write", [False, True])
def test_a_copy_is_freed_with_its_call(write):
    kept = []

    @sk.torch_world
    def f(out: Float32[T, "n"]):
        kept.append(weakref.ref(out))
        if write:
            out.fill_(7)

    gc.collect()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f(read_only())
        assert kept[0]() is None
    finally:
        gc.enable()


def test_each_level_of_a_recursion_answers_for_itself():
    @sk.torch_world(on_foreign="convert")
    def f(out: Float32[T, "n"], depth: int, at: int) -> list[int]:
        told = []
        if depth:
            try:
                told = f(read_only(), depth - 1, at)
            except sk.LostWriteError:
                told = [depth - 1]
        if depth == at:
            out.fill_(7)
        return told

    with sk.mode("strict"):
        f(torch.zeros(1), 0, -1)
        before = state(f)
        assert f(torch.zeros(3), 4, 2) == [2]
        with pytest.raises(sk.LostWriteError):
            f(read_only(), 4, 4)
        assert state(f) == before


def test_each_thread_answers_for_itself():
    @sk.torch_world(on_foreign="convert")
    def f(out: Float32[T, "n"], write: bool):
        if write:
            out.fill_(7)

    f(torch.zeros(3), True)
    before = state(f)
    wrong = []

    def run(write):
        with sk.mode("strict"):
            for turn in range(200):
                told = False
                try:
                    f(read_only() if turn % 3 else torch.zeros(3), write)
                except sk.LostWriteError:
                    told = True
                if told != (write and turn % 3 > 0):
                    wrong.append((write, turn))

    threads = [threading.Thread(target=run, args=(i % 2 == 0,)) for i in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    after = state(f)
    assert after.keys() == before.keys()
    assert "Listening" not in str(after)


def test_each_task_answers_for_itself():
    @sk.torch_world(on_foreign="convert")
    async def f(out: Float32[T, "n"], write: bool):
        await asyncio.sleep(0)
        if write:
            out.fill_(7)
        await asyncio.sleep(0)

    async def main():
        calls = [f(read_only(), i % 2 == 0) for i in range(6)]
        return await asyncio.gather(*calls, return_exceptions=True)

    with sk.mode("strict"):
        found = asyncio.run(main())
    assert [isinstance(each, sk.LostWriteError) for each in found] == [True, False] * 3


def test_a_generator_is_told_at_the_step_and_once():
    @sk.torch_world
    def f(out: Float32[T, "n"]):
        for _ in range(3):
            out.add_(1)
            yield 1

    steps = f(read_only())
    with pytest.warns(sk.LostWriteWarning):
        next(steps)
    assert list(steps) == [1, 1]


def test_a_body_that_asks_with_its_axes_is_looked_at_too():
    @sk.torch_world
    def f(out: Float32[T, "n"]) -> Float32[T, "n"]:
        assert isinstance(out * 2, Float32[T, "n"])
        return out.add_(1)

    f(torch.zeros(3))
    before = state(f)
    with pytest.warns(sk.LostWriteWarning):
        f(read_only())
    assert state(f) == before


def test_mode_off_looks_at_nothing():
    _, call = written(sk.torch_world)
    with sk.mode("off"), pytest.raises((AttributeError, TypeError)):
        call(read_only())  # it is still an array


def test_nothing_listens_under_a_compiler():
    @sk.torch_world
    def f(x: Float32[T, "n"]) -> Float32[T, "n"]:
        x = x.clone()
        return x.add_(1)

    compiled = torch.compile(f, backend="eager", fullgraph=True)
    assert compiled(torch.zeros(3)).tolist() == [1, 1, 1]
    f(read_only())
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    for _ in range(3):
        compiled(torch.zeros(3))
        f(read_only())  # its guard is monitoring, for a while
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


def test_a_guard_that_was_sent_away_looks_too():
    cloudpickle = pytest.importorskip("cloudpickle")
    guard, _ = written(sk.torch_world)
    guard(torch.zeros(1), torch.zeros(3))
    sent = cloudpickle.loads(cloudpickle.dumps(guard))
    with pytest.warns(sk.LostWriteWarning, match=r"function\(\) argument 'out'"):
        sent(torch.zeros(1), read_only())


def test_strict_mode_that_comes_while_a_call_is_under_way_is_kept():
    """A guard that is refreshed during a monitored call takes its new function, and restores it."""
    from sekisho.guard import globals as names

    def check(function):
        def checked(value):
            names.refresh_all()
            return function(value)

        return checked

    @sk.torch_world(typechecker=check)
    def f(out: Float32[T, "n"], other: dict[str, int]):
        out.fill_(7)

    f(torch.zeros(3), {})
    before = state(f)
    with pytest.warns(sk.LostWriteWarning):
        f(read_only(), {})
    assert state(f).keys() == before.keys()


def test_an_outer_guard_adds_no_second_note():
    @sk.numpy_world(casting="safe")
    def inner(x: Float64[A, "n"]):
        x[0] = 1

    @sk.numpy_world(casting="safe")
    def outer(y: Float64[A, "n"], x: Float32[A, "n"]):
        inner(x)

    with pytest.raises(ValueError, match="read-only") as caught:
        outer(np.zeros(3, "f4"), np.zeros(3, "f4"))
    assert caught.value.__notes__ == [NOTE]


def test_valid_calls_leave_the_guard_as_it_was():
    guard, call = written(sk.torch_world)
    call(torch.zeros(3))
    before = state(guard)
    text = sk.generated_source(guard)
    with pytest.warns(sk.LostWriteWarning):
        call(read_only())
    call(torch.zeros(3))
    assert state(guard) == before
    assert sk.generated_source(guard) == text
