"""Strict mode in bodies that call other guards."""

import asyncio
import threading

import pytest

import sekisho as sk


def backwards(kit):
    """An array that a crossing has to copy."""
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
