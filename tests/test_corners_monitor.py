"""Strict mode in bodies that call other guards."""

import asyncio
import contextlib
import threading
import warnings

import pytest

import sekisho as sk
from sekisho.monitor import judging, state, strict
from sekisho.worlds import world_named


def backwards(kit):
    """Return an array that a crossing has to copy."""
    return kit.xp.flip(kit.range(4), (0,)) if kit.name == "torch" else kit.range(4)[::-1]


VALUES = {
    "shared": lambda kit: kit.zeros(3),
    "copied": backwards,
    "number": lambda kit: kit.zeros(),
    "list": lambda kit: [kit.zeros(3), backwards(kit)],
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("calls", [1, 2])
def test_a_guard_that_converts_may_be_called_in_a_strict_body_of_the_other_world(
    world, other, value, calls
):
    hint = list[other.array_type] if value == "list" else other.array_type

    @other.decorate(on_foreign="convert", returns="caller")
    def inner(x: hint):
        return x

    @world.decorate
    def outer(x):
        for _ in range(calls):
            result = inner(x)
        return result

    given = VALUES[value](world)
    with sk.mode("strict"):
        assert sk.world_of(outer(given)) in {world.name, None}


@pytest.mark.parametrize("value", ["shared", "copied"])
def test_the_same_conversion_in_the_body_itself_is_refused_at_its_line(world, other, value):
    convert = "torch.from_numpy(x.copy())" if world.name == "numpy" else "x.numpy()"
    namespace = {"torch": pytest.importorskip("torch")}
    exec(f"def outer(x):\n    return {convert}", namespace)
    outer = world.decorate(namespace["outer"])
    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"body: expected .* only"):
        outer(VALUES[value](world))


def test_a_thread_that_cannot_start_keeps_its_own_run(world):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(1))

    @world.decorate
    def f():
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="only be started once"):
            thread.start()

    with sk.mode("strict"):
        f()
    assert seen == [1]
    assert "run" not in vars(thread)


def test_the_coroutine_of_a_task_is_not_to_be_awaited_by_another(world):
    async def inner():
        await asyncio.sleep(0)

    @world.decorate
    async def f():
        task = asyncio.create_task(inner())
        with pytest.raises(TypeError, match=r"^a task is awaited, not what it runs$"):
            await task.get_coro()
        await task
        return task.done()

    with sk.mode("strict"):
        assert asyncio.run(f())


def test_the_hint_names_the_world_that_the_line_belongs_to(world, torch):
    tensor = torch.ones(3)

    @world.decorate
    def f(x):
        return tensor.numpy()

    belongs = "numpy" if world.name == "torch" else "torch"
    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        f(world.zeros(3))
    assert str(caught.value).partition("hint: ")[2] == (
        f"move it to a {belongs}_world or boundary function, "
        "or allow it: with sekisho.crossing_allowed():"
    )


@pytest.mark.parametrize(
    "leaves", ["in a group", "in a group of groups", "as a cause", "not at all"]
)
def test_a_refusal_counts_as_caught_only_if_nothing_that_leaves_the_body_holds_it(
    world, torch, leaves, monkeypatch
):
    monkeypatch.setattr(state, "caught", [])
    tensor = torch.ones(3)

    @world.decorate
    def f(x):
        held = []
        try:
            tensor.numpy()
        except sk.SekishoError as error:
            held.append(error)
        if leaves == "not at all":
            return
        if leaves == "as a cause":
            raise KeyError from held[0]
        group = ExceptionGroup("several", held)
        raise group if leaves == "in a group" else ExceptionGroup("more", [ValueError(), group])

    with sk.mode("strict"), contextlib.suppress(KeyError, ExceptionGroup):
        f(world.zeros(3))
    caught = tuple(state.caught)
    state.caught.clear()  # otherwise this test fails at its end
    assert len(caught) == (leaves == "not at all")


def test_a_warning_of_a_body_is_kept_where_python_keeps_those_of_its_module(world, torch):
    namespace = {"tensor": torch.ones(3), "__name__": "program"}
    exec("def f(x):\n    tensor.numpy()", namespace)
    f = world.decorate(namespace["f"])
    with sk.mode("strict", to_numpy="warn"), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(3):
            f(world.zeros(3))
    assert {each.category for each in heard} == {sk.CrossingWarning}
    kept = namespace["__warningregistry__"]
    assert any(isinstance(key, tuple) and key[1] is sk.CrossingWarning for key in kept)


def test_the_errors_that_led_to_an_error_are_each_found_once():
    first, second, third = KeyError(1), KeyError(2), KeyError(3)
    group = ExceptionGroup("several", [first, second])
    third.__cause__ = third.__context__ = group
    second.__context__ = third  # a loop, which Python allows
    found = list(strict._chain(third))
    assert len(found) == 4
    assert {id(each) for each in found} == {id(each) for each in (first, second, third, group)}
    assert found[0] is third
    assert list(strict._chain(None)) == []


@pytest.mark.parametrize("kind", ["compute", "make"])
def test_the_array_that_is_named_may_have_come_by_keyword(torch, monkeypatch, kind):
    seen = []
    monkeypatch.setattr(judging, "refuse", lambda *given: seen.append(given))
    watch, tensor = state.Watch("f", world_named("numpy")), torch.ones(2)
    calls = [((tensor,), None), ((), {"input": tensor}), ((1,), {"other": [3, tensor]}), ((), {})]
    for args, kwargs in calls:
        judging.judge(watch, world_named("torch"), kind, "torch.abs", args, kwargs)
    assert [given[2] is tensor for given in seen] == [True, True, True, False]
    assert seen[3][2] is None
    assert {given[0] for given in seen} == {watch}
