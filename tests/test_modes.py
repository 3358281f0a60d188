from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import get_args

import pytest

import sekisho as sk
from sekisho.context import modes
from sekisho.contract import OnForeign, Scalars


@pytest.fixture
def _restored(monkeypatch):
    monkeypatch.setattr(modes, "_process", modes.make_setting("", "convert"))
    monkeypatch.setenv("SEKISHO_MODE", "convert")


def test_the_innermost_block_wins_and_ends():
    assert sk.get_mode() == "convert"
    with sk.mode("strict"):
        with sk.mode("off"):
            assert sk.get_mode() == "off"
        assert sk.get_mode() == "strict"
    assert sk.get_mode() == "convert"


def test_a_block_ends_when_its_body_raises():
    with pytest.raises(KeyError), sk.mode("strict"):
        raise KeyError
    assert sk.get_mode() == "convert"


@pytest.mark.usefixtures("_restored")
def test_set_mode_is_for_the_whole_process_and_its_workers():
    sk.set_mode("strict")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(sk.get_mode()))
    thread.start()
    thread.join()
    assert seen == ["strict"]
    assert os.environ["SEKISHO_MODE"] == "strict"
    with sk.mode("warn"):
        sk.set_mode("off")
        assert sk.get_mode() == "warn"
    assert sk.get_mode() == "off"


def test_a_block_is_for_its_own_thread():
    seen = []
    with sk.mode("strict"):
        thread = threading.Thread(target=lambda: seen.append(sk.get_mode()))
        thread.start()
        thread.join()
    assert seen == ["convert"]


def test_a_block_is_for_its_own_task():
    async def task(name):
        with sk.mode(name):
            await asyncio.sleep(0.001)
            return sk.get_mode()

    async def main():
        names = ["convert", "warn", "strict", "off"] * 25
        return names, await asyncio.gather(*map(task, names))

    names, seen = asyncio.run(main())
    assert names == seen


@pytest.mark.parametrize("name", ["loose", None, 3, "STRICT"])
def test_unknown_modes_are_refused(name):
    with pytest.raises(ValueError, match=r"expected one of 'convert', 'warn', 'strict', 'off'"):
        sk.set_mode(name)
    with pytest.raises(ValueError, match=r"mode\(\): expected one of"), sk.mode(name):
        pass


def test_mode_off_at_decoration_leaves_the_function_as_it_is():
    def f(x: int): ...

    with sk.mode("off"):
        assert sk.numpy_world(f) is f


@pytest.mark.usefixtures("_restored")
def test_levels_reach_workers_through_the_environment():
    sk.set_mode("strict", to_torch="warn", to_numpy="refuse")
    assert os.environ["SEKISHO_MODE"] == "strict to_torch=warn"
    assert modes.read_setting(os.environ["SEKISHO_MODE"], "") == modes.current()
    assert modes.current().level("numpy") == "refuse"
    assert modes.current().level("torch") == "warn"


@pytest.mark.parametrize("level", ["no", 3, None, ["warn"]])
def test_levels_are_checked(level):
    with contextlib.ExitStack() as stack:
        if level is not None:
            stack.enter_context(pytest.raises(ValueError, match="expected to_numpy to be one of"))
        stack.enter_context(sk.mode("convert", to_numpy=level))


def test_a_mode_hands_on_all_arguments_of_what_it_decorates():
    def plain(*args, **kwargs):
        return sk.get_mode(), args, kwargs

    async def coroutine(*args, **kwargs):
        return plain(*args, **kwargs)

    expected = ("strict", (1, 2), {"a": 3})
    assert sk.mode("strict")(plain)(1, 2, a=3) == expected
    assert asyncio.run(sk.mode("strict")(coroutine)(1, 2, a=3)) == expected


@pytest.mark.parametrize("order", [("to_numpy", "to_torch"), ("to_torch", "to_numpy")])
def test_a_level_of_none_is_as_if_it_were_not_given(order):
    silent, told = order
    setting = modes.make_setting("mode()", "strict", **{silent: None, told: "warn"})
    assert setting == modes.make_setting("mode()", "strict", **{told: "warn"})
    assert setting.levels == ((told.removeprefix("to_"), "warn"),)


@pytest.mark.parametrize("word", ["name", "source", "violation", "to_mars", "levels"])
def test_a_word_behind_a_mode_that_is_no_direction_is_refused(word):
    from sekisho.context import read_setting

    with pytest.raises(ValueError, match=rf"here: expected .*, got '{word}=warn'"):
        read_setting(f"strict {word}=warn", "here")


VERDICTS = {"allow", "warn", "refuse"}


@pytest.mark.parametrize(
    ("literal", "words"),
    [
        (modes.Mode, {"convert", "warn", "strict", "off"}),
        (modes.Level, VERDICTS),
        (modes.Broadcasting, VERDICTS),
        (modes.Mutations, VERDICTS),
        (modes.Violations, VERDICTS - {"allow"}),
        (Scalars, VERDICTS - {"warn"}),
        (OnForeign, {"convert", "refuse"}),
    ],
)
def test_modes_levels_and_options_have_one_word_for_one_thing(literal, words):
    arguments = {argument for each in get_args(literal) for argument in get_args(each) or (each,)}
    assert arguments - {type(None)} == words
