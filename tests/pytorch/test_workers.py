"""Guards in worker processes, and pickled in each way that sends them there."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import functools
import importlib
import multiprocessing
import multiprocessing.forkserver
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk

CONTEXTS = ["fork", "spawn", "forkserver"]


@pytest.fixture
def stages(torch, monkeypatch):
    """Return the module next to this file, which workers can import, too."""
    folder = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", folder)
    yield importlib.import_module("stages")
    sys.modules.pop("stages")


@pytest.fixture
def x():
    return np.arange(6, dtype=np.float32).reshape(3, 2)


# --- engines of the standard library and of torch ------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads
@pytest.mark.parametrize("context", CONTEXTS)
def test_a_data_loader_reads_guarded_datasets(torch, stages, context):
    loader = torch.utils.data.DataLoader
    options = {"num_workers": 2, "multiprocessing_context": context, "batch_size": 3}
    batches = list(loader(stages.Digits(), **options))
    assert [tuple(batch.shape) for batch in batches] == [(3, 2, 2), (3, 2, 2)]
    assert len(list(loader(stages.Stream(), **{**options, "num_workers": 1}))) == 2
    with pytest.raises(sk.ShapeError, match=r"Digits.__getitem__\(\) the result"):
        list(loader(stages.Digits(bad=4), **options))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("context", CONTEXTS)
def test_multiprocessing(stages, x, context):
    with multiprocessing.get_context(context).Pool(2) as pool:
        assert (pool.apply(stages.predict, (x,)) == stages.predict(x)).all()
        assert sum(map(len, pool.map(stages.count_crossings, [x, x]))) == 4
        with pytest.raises(sk.ShapeError) as caught:
            pool.apply(stages.predict, (x[0],))
    # The error arrives completely, with text and data.
    assert caught.value.violation.place == "argument 'x'"
    assert str(caught.value).startswith("predict() argument 'x': expected Float32[Tensor, \"n d\"]")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("context", CONTEXTS)
def test_a_worker_has_the_mode_of_its_parent(stages, context):
    # A fork server keeps the environment of its start: docs/compatibility.md says so.
    multiprocessing.forkserver._forkserver._stop()
    sk.set_mode("strict", to_torch="warn")
    try:
        with concurrent.futures.ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context(context)
        ) as pool:
            assert pool.submit(stages.mode).result() == "strict"
    finally:
        sk.set_mode("convert")
        multiprocessing.forkserver._forkserver._stop()


def test_joblib(stages, x):
    joblib = pytest.importorskip("joblib")
    for backend in ("loky", "threading"):
        run = joblib.Parallel(n_jobs=2, backend=backend)
        results = run(joblib.delayed(stages.predict)(x) for _ in range(3))
        assert all((each == stages.predict(x)).all() for each in results)
        local = sk.numpy_world(lambda x: x + 1)  # joblib pickles it by value
        assert (run([joblib.delayed(local)(x)])[0] == x + 1).all()


# --- pickles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pickle", "cloudpickle", "dill"])
def test_what_has_a_name_is_pickled_by_it(stages, name):
    pickler = importlib.import_module(name) if name == "pickle" else pytest.importorskip(name)
    partial = functools.partial(stages.predict, x=1)
    for value in (stages.predict, stages.Digits, stages.Digits(), partial):
        loaded = pickler.loads(pickler.dumps(value))
        assert type(loaded) is type(value)
    assert pickle.loads(pickle.dumps(stages.predict)) is stages.predict
    assert copy.copy(stages.predict) is copy.deepcopy(stages.predict) is stages.predict


def by_value(torch, scale):
    def local(x: Float[torch.Tensor, "*b n"], k: int | str = 1) -> Float[torch.Tensor, "*b n"]:
        return x * scale

    return sk.torch_world(local)


@pytest.mark.parametrize("name", ["cloudpickle", "dill"])
@pytest.mark.parametrize("state", ["fresh", "called", "has refused", "strict"])
def test_what_has_none_is_pickled_by_value_whatever_it_has_done(torch, name, state, tmp_path):
    pickler = pytest.importorskip(name)
    if name == "dill" and torch.__version__.startswith("2.6."):
        pytest.skip("with torch 2.6 dill does not come to an end")
    guard = by_value(torch, 3)
    if state != "fresh":
        guard(torch.ones(2))
    if state == "has refused":
        with pytest.raises(sk.BoundaryError):
            guard([1.0])
    if state == "strict":
        with sk.mode("strict"):
            guard(torch.ones(2))
    partial = functools.partial(guard, k="two")
    file = tmp_path / "guards.bin"
    pickled = pickler.dumps((guard, partial, sk.torch_world(lambda x: x)))
    # no module's globals are pickled, as they may contain pytest's loader
    assert b"__loader__" not in pickled
    file.write_bytes(pickled)
    code = f"""
import torch, sekisho as sk, {name}
for guard in {name}.load(open({str(file)!r}, "rb"))[:2]:
    print(float(guard(torch.ones(2)).sum()))
    try: guard(torch.ones(2, dtype=torch.int64))
    except sk.DTypeError as error: print(error)
    again = {name}.loads({name}.dumps(guard))
    print(float(again(torch.ones(1))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines.count("6.0") == lines.count("3.0") == 2
    assert sum("local() argument 'x': expected Float[Tensor" in line for line in lines) == 2


# --- tasks and threads -----------------------------------------------------------------------------------


def test_a_hundred_tasks_see_their_own_modes(torch, stages, x):
    @sk.torch_world
    async def body(x: Float[torch.Tensor, "n d"]):
        await asyncio.sleep(0)
        return x

    async def task(number):
        mode = ("convert", "strict", "off", "warn")[number % 4]
        with sk.mode(mode):
            await asyncio.sleep(0)
            try:
                with pytest.warns(sk.CrossingWarning) if mode == "warn" else no_warning():
                    result = await body(x)
            except sk.WorldError:
                return "strict"
            return "off" if result is x else mode

    async def main():
        return await asyncio.gather(*map(task, [0, 1, 2] * 34))

    assert asyncio.run(main()) == ["convert", "strict", "off"] * 34


class no_warning:
    def __enter__(self): ...
    def __exit__(self, *error): ...


def test_threads_that_make_the_first_call_together_all_get_the_guard(torch):
    for _ in range(20):
        guard = by_value(torch, 2)
        start, results = threading.Barrier(8), []

        def call(guard=guard, start=start, results=results):
            start.wait()
            for n in range(1, 20):
                results.append(float(guard(torch.ones(n)).sum()) == 2 * n)
                try:
                    guard(torch.ones(n, dtype=torch.int32))
                except sk.DTypeError:
                    results.append(True)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 8 * 38
        assert all(results)
