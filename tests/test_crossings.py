from __future__ import annotations

import threading

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk


def test_the_log_says_what_crossed_from_where_to_where(torch):
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"], y=None): ...

    with sk.record_crossings() as log:
        f(torch.zeros(2, 3))
        f(np.zeros((2, 3)))
        sk.to_torch(np.zeros(4)[::-1])
    assert len(log) == 2
    first, second = log
    assert first[:10] == (
        *("f", "argument 'x'", "torch", "numpy", "float32", (2, 3), "cpu", "cpu", 24, None),
    )
    assert first.filename == __file__
    assert second.function == "to_torch"
    assert second.copied == "it has a negative stride"
    assert first.seconds > 0
    assert log.nbytes == 56
    assert log.to_records()[0]["place"] == "argument 'x'"


def test_nothing_is_recorded_when_nothing_crosses(world):
    @world.decorate
    def f(x: Float[world.array_type, "n"]) -> Float[world.array_type, "n"]:
        return x

    with sk.record_crossings() as log:
        f(world.zeros(3))
        (sk.to_numpy if world.name == "numpy" else sk.to_torch)(world.zeros(3))
    assert list(log) == []


def test_logs_nest_and_end(torch):
    with sk.record_crossings() as outer:
        sk.to_torch(np.zeros(1))
        with sk.record_crossings() as inner:
            sk.to_torch(np.zeros(1))
    sk.to_torch(np.zeros(1))
    assert (len(outer), len(inner)) == (2, 1)


def test_logs_may_end_in_any_order(torch):
    """Each log records the crossings between its own start and end."""
    first, second, third = (sk.record_crossings() for _ in range(3))
    with first as one:
        sk.to_torch(np.ones(1))
        with second as two, third as three:
            sk.to_torch(np.ones(2))
        sk.to_torch(np.ones(3))
        third.__enter__()
        sk.to_torch(np.ones(4))
    sk.to_torch(np.ones(5))
    third.__exit__(None, None, None)
    sk.to_torch(np.ones(6))
    logs = (one, two, three)
    assert [[each.shape[0] for each in log] for log in logs] == [[1, 2, 3, 4], [2], [2]]


def test_nothing_is_recorded_while_a_compiler_traces(torch, monkeypatch):
    with sk.record_crossings() as log:
        sk.to_torch(np.ones(1))
        monkeypatch.setattr("sekisho.context.log.is_compiling", lambda: True)
        sk.to_torch(np.ones(2))
    assert [each.shape for each in log] == [(1,)]


def test_a_log_is_for_its_own_thread(torch):
    def work():
        with sk.record_crossings() as log:
            for _ in range(50):
                sk.to_torch(np.zeros(1))
        assert len(log) == 50

    with sk.record_crossings() as log:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(log) == 0


def test_results_handed_back_are_crossings(torch):
    @sk.numpy_world(returns="caller")
    def f(x: Float[np.ndarray, "n"]):
        return x + 1

    with sk.record_crossings() as log:
        f(torch.zeros(3))
    assert [(c.place, c.source, c.target) for c in log] == [
        ("argument 'x'", "torch", "numpy"),
        ("the result", "numpy", "torch"),
    ]


def test_a_refused_crossing_is_none(torch):
    with sk.record_crossings() as log, pytest.raises(sk.ConversionError):
        sk.to_numpy(torch.zeros(1, requires_grad=True))
    assert len(log) == 0
