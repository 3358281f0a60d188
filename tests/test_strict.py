"""Strict mode monitors bodies: a crossing there raises at its line."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import importlib.util
import subprocess
import sys
import threading
import traceback
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import sekisho as sk

PLANTED = Path(__file__).parent / "planted"
needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no torch")


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _nothing_left():
    """Check that no monitor remains, whatever a body does."""
    yield
    strict = sys.modules.get("sekisho.monitor.state")
    if strict is not None:
        assert (strict.thread.watch, strict.thread.depth, strict.thread.refused) == (None, 0, [])
        assert strict.thread.shown is None
        strict.caught.clear()
    if "torch" in sys.modules:
        from torch.overrides import _get_current_function_mode_stack

        assert _get_current_function_mode_stack() == []


# --- the sample project --------------------------------------------------------------------------


def run_project(tmp_path, name):
    (tmp_path / "pytest.ini").write_text("[pytest]\nsekisho_mode = strict\n")
    (tmp_path / name).write_text((PLANTED / name).read_text("utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", "--tb=short", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout


@needs_torch
def test_every_plant_is_reported_at_its_line(tmp_path):
    output = run_project(tmp_path, "test_planted.py")
    source = (PLANTED / "test_planted.py").read_text("utf-8").splitlines()
    plants = {
        f"test_planted.py:{number}: {line.strip()}"
        for number, line in enumerate(source, 1)
        if line.endswith("# plant")
    }
    assert len(plants) > 55
    lines = {line.removeprefix("E").strip() for line in output.splitlines()}
    assert plants - lines == set()
    assert " passed" not in output
    assert "caught_at_a_boundary" not in output  # the error names the boundary: argument()
    assert "argument() argument 'x': expected not annotated" not in output


@needs_torch
def test_clean_code_reports_none(tmp_path):
    output = run_project(tmp_path, "test_clean.py")
    assert "8 passed" in output
    assert "failed" not in output


# --- messages and levels -------------------------------------------------------------------------


def test_the_message_names_function_operation_line_and_way_out(torch):
    @sk.numpy_world
    def brighten(image: np.ndarray):
        return torch.relu(torch_image)

    torch_image = torch.ones(2, 3)
    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        brighten(np.ones(3))
    line = brighten.__wrapped__.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        "brighten() body: expected NumPy only, got torch.relu of float32[2, 3] (PyTorch).\n"
        f"  test_strict.py:{line}: return torch.relu(torch_image)\n"
        "  hint: move it to a torch_world or boundary function, "
        "or allow it: with sekisho.crossing_allowed():"
    )


@pytest.fixture
def bodies(torch):
    @sk.torch_world
    def to_numpy(x: torch.Tensor):
        return len(x.numpy())

    @sk.torch_world
    def to_torch(x: torch.Tensor):
        return len(torch.from_numpy(np.ones(2)))

    return {"to_numpy": to_numpy, "to_torch": to_torch}


@pytest.mark.parametrize("direction", ["to_numpy", "to_torch"])
def test_each_direction_has_its_level_in_bodies(torch, bodies, direction):
    one, other = bodies[direction], bodies["to_torch" if direction == "to_numpy" else "to_numpy"]
    x = torch.ones(2)
    with sk.mode("strict", **{direction: "allow"}):
        one(x)
        with pytest.raises(sk.WorldError):
            other(x)
    with sk.mode("strict", **{direction: "warn"}):
        with pytest.warns(
            sk.CrossingWarning, match=rf"{direction}\(\) body: expected PyTorch"
        ) as w:
            one(x)
        assert w[0].filename == __file__
        with pytest.raises(sk.WorldError):
            other(x)


@pytest.mark.parametrize("direction", ["to_numpy", "to_torch"])
def test_each_direction_has_its_level_at_boundaries(torch, direction):
    @sk.numpy_world
    def numpy_side(x: np.ndarray): ...

    @sk.torch_world
    def torch_side(x: torch.Tensor): ...

    calls = [lambda: numpy_side(torch.ones(1)), lambda: torch_side(np.ones(1))]
    one, other = calls if direction == "to_numpy" else reversed(calls)
    with sk.mode("convert", **{direction: "refuse"}):
        with pytest.raises(sk.WorldError, match=f"{direction}='refuse' lets nothing cross"):
            one()
        other()
    with sk.mode("strict", **{direction: "warn"}):
        with pytest.warns(sk.CrossingWarning):
            one()
        with pytest.raises(sk.WorldError, match="mode 'strict' lets nothing cross"):
            other()


def test_bodies_are_watched_in_strict_mode_only(torch, bodies):
    x = torch.ones(2)
    for name in ("convert", "warn", "off"):
        with sk.mode("strict"), sk.mode(name), warnings.catch_warnings():
            bodies["to_numpy"](x)
            bodies["to_torch"](x)


def test_crossing_allowed_does_nothing_outside_of_a_watched_body(torch, bodies):
    with sk.mode("strict"):
        with sk.crossing_allowed(), sk.crossing_allowed():
            np.asarray(torch.ones(2))
        with sk.crossing_allowed(), pytest.raises(sk.WorldError):
            bodies["to_numpy"](torch.ones(2))  # this call has its own body


def test_unknown_scalars_are_refused_at_decoration():
    with pytest.raises(sk.DeclarationError, match="option 'scalars': expected 'allow', 'refuse'"):
        sk.torch_world(scalars="no")


# --- a body that goes on -------------------------------------------------------------------------


def test_what_a_body_catches_is_kept_for_the_end_of_the_test(torch):
    from sekisho.monitor.state import caught

    @sk.torch_world
    def body(x: torch.Tensor):
        for _ in range(2):
            with contextlib.suppress(Exception):
                x.numpy()
        return x

    with sk.mode("strict"):
        body(torch.ones(1))
    assert len(caught) == 2
    assert caught[0].startswith("body() body: expected PyTorch only, got torch.Tensor.numpy")
    caught.clear()


def test_what_leaves_in_another_error_is_not_caught(torch):
    from sekisho.monitor.state import caught

    @sk.torch_world
    def inner(x: torch.Tensor):
        x.numpy()

    @sk.torch_world
    def outer(x: torch.Tensor):
        try:
            inner(x)
        except sk.WorldError as error:
            raise RuntimeError("wrapped") from error

    with sk.mode("strict"), pytest.raises(RuntimeError, match="wrapped"):
        outer(torch.ones(1))
    assert caught == []


def test_a_union_that_fits_in_the_end_has_refused_nothing(torch):
    from sekisho.monitor.state import caught

    @sk.boundary
    def either(x: list[np.ndarray] | list[torch.Tensor]):
        return len(x)

    @sk.torch_world
    def body(x: torch.Tensor):
        return either([x, x])

    with sk.mode("strict"):
        assert body(torch.ones(1)) == 2
    assert caught == []


def test_an_error_of_no_crossing_may_be_caught(torch):
    from sekisho.monitor.state import caught

    @sk.torch_world
    def inner(x: torch.Tensor): ...

    @sk.torch_world
    def body(x: torch.Tensor):
        with pytest.raises(sk.WorldError):
            inner([1.0])
        return x

    with sk.mode("strict"):
        body(torch.ones(1))
    assert caught == []


# --- threads, suspension, other modes ------------------------------------------------------------


def body_that_starts(start):
    """Return a body of PyTorch that runs a job with `start`; the job crosses."""

    @sk.torch_world
    def body(x):
        return start(lambda: np.asarray(x))

    return body


def by_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def by_subclass(work):
    class Own(threading.Thread):
        def run(self):
            work()

    thread = Own()
    thread.start()
    thread.join()


def by_timer(work):
    timer = threading.Timer(0, work)
    timer.start()
    timer.join()


@pytest.mark.parametrize("start", [by_thread, by_subclass, by_timer])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_a_body_starts_is_watched_with_it(torch, start):
    with sk.mode("strict"):
        body_that_starts(start)(torch.ones(1))
    (message,) = caught_now()
    assert message.startswith("body() body: expected PyTorch only, got torch.Tensor.__array__")
    assert "test_strict.py" in message


def caught_now():
    caught = sys.modules["sekisho.monitor.state"].caught
    found = list(caught)
    caught.clear()
    return found


def by_executor(work):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()


def by_map(work):
    with ThreadPoolExecutor(1) as executor:
        return list(executor.map(lambda _: work(), [1]))


def by_task(work):
    async def job():
        await asyncio.sleep(0)
        return work()

    async def main():
        return await asyncio.create_task(job())

    return asyncio.run(main())


def by_gather(work):
    async def job():
        return work()

    async def main():
        return await asyncio.gather(job(), asyncio.sleep(0))

    return asyncio.run(main())


def by_to_thread(work):
    async def main():
        return await asyncio.to_thread(work)

    return asyncio.run(main())


JOBS = [by_executor, by_map, by_task, by_gather, by_to_thread]
jobs = pytest.mark.parametrize("start", JOBS)


@jobs
def test_the_error_of_a_job_that_a_body_waits_for_is_the_bodys(torch, start):
    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"torch\.Tensor\.__array__"):
        body_that_starts(start)(torch.ones(1))
    assert caught_now() == []


@jobs
def test_a_body_that_swallows_the_error_of_a_job_is_told_of(torch, start):
    def swallowing(work):
        with contextlib.suppress(sk.WorldError):
            start(work)

    with sk.mode("strict"):
        body_that_starts(swallowing)(torch.ones(1))
    assert len(set(caught_now())) == 1


@jobs
def test_what_is_not_started_by_a_watched_body_is_as_it_was(torch, start):
    x = torch.ones(1)
    with sk.mode("strict"):
        body_that_starts(lambda _: None)(x)
        start(lambda: np.asarray(x))
        by_thread(lambda: np.asarray(x))
        body_that_starts(lambda work: allowed(start, work))(x)
    assert caught_now() == []


def allowed(start, work):
    with sk.crossing_allowed():
        start(work)


def test_the_threads_of_an_executor_are_not_watched_beyond_the_job(torch):
    executor = ThreadPoolExecutor(1)
    x = torch.ones(1)
    with sk.mode("strict"):
        body_that_starts(lambda _: executor.submit(int).result())(x)
    assert executor.submit(lambda: np.asarray(x).sum()).result() == 1
    executor.shutdown()


def test_a_task_that_is_cancelled_before_it_runs_is_closed(torch):
    def cancelling(work):
        async def job():
            work()

        async def main():
            task = asyncio.create_task(job())
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        asyncio.run(main())

    with sk.mode("strict"):
        body_that_starts(cancelling)(torch.ones(1))
    assert caught_now() == []


def test_an_allowance_may_end_in_another_context_than_it_began_in():
    def generator():
        with sk.crossing_allowed():
            yield

    items = generator()
    contextvars.copy_context().run(next, items)
    assert list(items) == []


def test_a_generator_may_hold_a_mode_of_its_own_while_suspended(torch):
    from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

    class Own(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    own = Own()

    @sk.torch_world
    def generator(x: torch.Tensor):
        with own:
            yield x
            yield x + 1
        x.numpy()

    with sk.mode("strict"):
        items = generator(torch.ones(1))
        next(items)
        assert _get_current_function_mode_stack() == [own]
        next(items)
        with pytest.raises(sk.WorldError):
            next(items)


def test_a_generator_answers_what_is_thrown_in_and_closed(torch):
    log = []

    @sk.torch_world
    def generator(x: torch.Tensor):
        try:
            yield x
        except KeyError:
            yield x + 1
        finally:
            log.append("closed")

    with sk.mode("strict"):
        items = generator(torch.ones(1))
        next(items)
        assert items.throw(KeyError()) == 2
        items.close()
        items = generator(torch.ones(1))
        next(items)
        items.close()
    assert log == ["closed", "closed"]


def test_an_async_generator_answers_likewise(torch):
    log = []

    @sk.torch_world
    async def generator(x: torch.Tensor):
        try:
            got = yield x
            log.append(got)
            yield x
        except KeyError:
            yield x + 1
        finally:
            log.append("closed")

    async def main():
        items = generator(torch.ones(1))
        await anext(items)
        await items.asend(torch.ones(2))
        assert await items.athrow(KeyError()) == 2
        await items.aclose()

    with sk.mode("strict"):
        asyncio.run(main())
    assert [type(each).__name__ for each in log] == ["Tensor", "str"]


def test_a_coroutine_can_be_cancelled(torch):
    @sk.torch_world
    async def body(x: torch.Tensor):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return x + 1

    async def main():
        task = asyncio.create_task(body(torch.ones(1)))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    with sk.mode("strict"):
        assert asyncio.run(main()) == 2


def test_recursion_and_nesting(torch):
    @sk.torch_world
    def descend(x: torch.Tensor, n: int):
        if n == 0:
            x.numpy()
        return descend(x, n - 1)

    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"descend\(\) body"):
        descend(torch.ones(1), 100)


def test_errors_that_are_not_ours_pass_through(torch):
    @sk.torch_world
    def body(x: torch.Tensor):
        raise KeyError("mine")

    with sk.mode("strict"), pytest.raises(KeyError, match="mine"):
        body(torch.ones(1))


def test_a_guard_made_in_strict_mode_and_one_resolved_late_are_watched(torch):
    with sk.mode("strict"):

        @sk.torch_world
        def late(x: "Later"):
            return x.numpy()

        late.__wrapped__.__globals__["Later"] = torch.Tensor
        try:
            for _ in range(2):
                with pytest.raises(sk.WorldError, match=r"late\(\) body"):
                    late(torch.ones(1))
        finally:
            del late.__wrapped__.__globals__["Later"]


def test_watched_guards_are_let_go(torch):
    def make():
        @sk.torch_world
        def body(x: torch.Tensor):
            return body

        with sk.mode("strict"):
            body(torch.ones(1))
        return weakref.ref(body)

    gone = make()
    gc.collect()
    assert gone() is None


def test_a_compiled_function_runs_in_a_watched_body_and_is_not_watched_itself(torch):
    compiled = torch.compile(lambda x: torch.relu(x) + 1, backend="eager", fullgraph=True)

    @sk.torch_world
    def body(x: torch.Tensor):
        return compiled(x)

    with sk.mode("strict"):
        for n in (2, 2, 3, 4, 5):
            assert body(torch.ones(n)).shape == (n,)
        whole = torch.compile(body, backend="eager", fullgraph=True)
        assert whole(torch.ones(3)).shape == (3,)


@pytest.mark.parametrize(
    "cross",
    [
        np.asarray,
        lambda x: x.__array__(),
        lambda x: x.tolist(),
        lambda x: x.numpy().sum(),
    ],
)
def test_a_traceback_ends_at_the_line_that_the_message_names(torch, cross):
    """How the library reached that line, and its documentation, are left out."""

    @sk.torch_world(scalars="refuse")
    def body(x: torch.Tensor):
        return cross(x)

    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        body(torch.ones(2))
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert f"{Path(last.filename).name}:{last.lineno}: {last.line}" in str(caught.value)


def test_torch_that_is_imported_after_strict_mode_began():
    pytest.importorskip("torch")
    code = """
import sekisho as sk, numpy as np
sk.set_mode("strict")
@sk.numpy_world
def body(x: np.ndarray):
    import torch
    return torch.ones(1)
@sk.numpy_world
def other(x: np.ndarray):
    import torch
    torch.ones(1)
try: body(np.ones(1))
except sk.WorldError: pass
try: other(np.ones(1))
except sk.WorldError as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("other() body: expected NumPy only, got torch.ones.")


# --- what Python 3.12 can see ---------------------------------------------------------------------


ARRAY = np.ones(3)


def function():
    return np.sum(ARRAY)


def ufunc():
    return np.exp(ARRAY)


def method():
    return ARRAY.mean()


def nested():
    def inner():
        return [np.linalg.norm(each) for each in [ARRAY]]

    return inner()


def module_of_its_own():
    return np.linalg.inv(np.eye(2))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
@pytest.mark.parametrize(
    ("body", "name"),
    [
        (function, "numpy.sum"),
        (ufunc, "numpy.exp"),
        (method, "numpy.ndarray.mean"),
        (nested, "numpy.linalg.norm"),
        (module_of_its_own, "numpy.linalg.inv"),
    ],
)
def test_calls_into_numpy_are_seen_from_python_3_12(body, name):
    with sk.mode("strict"):
        with pytest.raises(sk.WorldError, match=rf"{body.__name__}\(\) body: .* got {name} of "):
            sk.torch_world(body)()
        sk.numpy_world(body)()
        sk.boundary(body)()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_what_a_body_calls_is_not_shown_and_may_be_allowed():
    def unguarded():
        return np.sum(ARRAY)

    @sk.torch_world
    def body():
        unguarded()
        with sk.crossing_allowed():
            np.sum(ARRAY)
        with sk.mode("strict", to_numpy="allow"):
            np.sum(ARRAY)

    with sk.mode("strict"):
        body()


def test_an_error_of_ours_passes_through_the_iteration_of_a_container():
    class Items(list):
        def __iter__(self):
            raise sk.WorldError("of ours")

    @sk.numpy_world
    def f(x: list[np.ndarray]) -> None: ...

    with pytest.raises(sk.WorldError, match="of ours"):
        f(Items([np.zeros(1)]))
