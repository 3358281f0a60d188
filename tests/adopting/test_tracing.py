"""Tracing records every call in every process, and changes nothing in the program."""

from __future__ import annotations

import os
import signal

import pytest

from sekisho.tracer import what_is_missing


def seen(observed):
    """Return the calls of a function in short: arrays as dtype and shape, other values as one word."""

    def short(said):
        if said is None or said[0] == "none":
            return None
        if said[0] == "array":
            return said[2], *said[3]
        if said[0] in {"items", "dict"}:
            return tuple([short(each[1] if said[0] == "dict" else each) for each in said[2]])
        return said[-1]

    return {
        (call.kind, *map(short, call.given), short(call.result)): count
        for call, count in observed.calls.items()
    }


def test_each_kind_of_call_is_one_however_often_it_is_made(write, trace):
    script = write(
        "program.py",
        """
        import numpy as np

        def double(x, times=2):
            return x * times

        for i in range(1000):
            double(np.ones((i % 3, 4)))
        """,
    )
    functions, _ = trace(script)
    assert functions["double"].parameters == ("x", "times")
    assert seen(functions["double"]) == {
        ("return", ("float64", 0, 4), 2, ("float64", 0, 4)): 334,
        ("return", ("float64", 1, 4), 2, ("float64", 1, 4)): 333,
        ("return", ("float64", 2, 4), 2, ("float64", 2, 4)): 333,
    }


def test_every_kind_of_function(write, trace):
    script = write(
        "program.py",
        """
        import asyncio
        import functools

        import numpy as np

        class Net:
            def __init__(self, x):
                self.x = x

            def method(self, x, *rest, flag, **options):
                return [x, x]

            @staticmethod
            def static(x):
                return x

            @classmethod
            def of_class(cls, x):
                return x

            @property
            def size(self):
                return self.x

        def pairs(x, n):
            for i in range(n):
                yield x[i:]
            return x

        async def later(x):
            await asyncio.sleep(0)
            return x

        async def stream(x):
            yield x

        def factorial(x, n):
            return x if n == 0 else factorial(x, n - 1)

        def fails(x):
            raise ValueError

        @functools.lru_cache
        def cached(n):
            return np.ones(n)

        def within(x):
            def inner(y):
                return y
            return inner(x)

        namespace = {}
        exec("def made(x):\\n    return x", namespace)

        one = np.ones(1)
        net = Net(one)
        net.method(one, one, flag=one, key=one)
        net.static(one), net.of_class(one), net.size
        list(pairs(one, 2))
        half = pairs(one, 2)
        next(half)
        half.close()
        asyncio.run(later(one))

        async def drain():
            async for each in stream(one):
                pass

        asyncio.run(drain())
        factorial(one, 2)
        try:
            fails(one)
        except ValueError:
            pass
        cached(1), cached(1)
        within(one)
        namespace["made"](one)
        [each for each in map(lambda x: x, [one])]
        """,
    )
    functions, _ = trace(script)
    a = ("float64", 1)
    assert seen(functions["Net.__init__"]) == {("return", a, None): 1}
    assert functions["Net.method"].parameters == ("x", "flag", "rest", "options")
    assert seen(functions["Net.method"]) == {("return", a, a, (a,), (a,), (a, a)): 1}
    assert seen(functions["Net.static"]) == {("return", a, a): 1}
    assert seen(functions["Net.of_class"]) == {("return", a, a): 1}
    assert seen(functions["Net.size"]) == {("return", a): 1}
    pairs = seen(functions["pairs"])
    # a generator that is closed half way may raise, or just end
    pairs.pop(("raise", a, 2, None), None)
    assert pairs == {
        ("yield", a, 2, a): 2,
        ("yield", a, 2, ("float64", 0)): 1,
        ("return", a, 2, a): 1,
    }
    assert seen(functions["later"]) == {("return", a, a): 1}
    assert seen(functions["stream"]) == {("return", a, None): 1}
    assert seen(functions["factorial"]) == {("return", a, n, a): 1 for n in range(3)}
    assert seen(functions["fails"]) == {("raise", a, None): 1}
    assert seen(functions["cached"]) == {("return", 1, a): 1}
    assert seen(functions["within.<locals>.inner"]) == {("return", a, a): 1}
    assert not {"made", "Net", "<lambda>", "<module>"} & functions.keys()


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_children_are_traced_and_their_calls_merged(write, trace, how):
    if how == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork")
    script = write(
        "program.py",
        f"""
        import multiprocessing

        import numpy as np

        def double(x):
            return x * 2

        def work(n):
            for _ in range(10):
                double(np.ones(n))

        if __name__ == "__main__":
            double(np.ones(1))
            with multiprocessing.get_context("{how}").Pool(2) as pool:
                pool.map(work, [1, 2, 3])
                pool.close()
                pool.join()
        """,
    )
    functions, _ = trace(script)
    sizes = {key[1][1] for key in seen(functions["double"])}
    assert sizes == {1, 2, 3}


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root changes user")
@pytest.mark.parametrize("who", ["itself", "a forked child", "a child of a forked child"])
def test_a_program_that_changes_its_user_before_its_first_call(write, trace, who):
    script = write(
        "program.py",
        f"""
        import os
        import numpy as np
        import sekisho  # the other user may not read the standard library here

        def double(x):
            return x * 2

        def fork():
            if pid := os.fork():
                os.waitpid(pid, 0)
                os._exit(0)

        for _ in range({["itself", "a forked child", "a child of a forked child"].index(who)}):
            fork()
        os.setgid(65534)
        os.setuid(65534)
        double(np.ones(4))
        """,
    )
    functions, _ = trace(script)
    assert seen(functions["double"]) == {("return", ("float64", 4), ("float64", 4)): 1}


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root changes user")
@pytest.mark.parametrize("how", ["os.setuid(65534)", "os.chroot(os.getcwd())"])
def test_a_child_that_cannot_write_is_said_to_be_missing(write, trace, tmp_path, how):
    script = write(
        "program.py",
        f"""
        import os
        import numpy as np
        import sekisho

        def double(x):
            return x * 2

        double(np.ones(4))
        {how}
        if pid := os.fork():
            os.waitpid(pid, 0)
        else:
            double(np.ones((4, 4)))
        """,
    )
    trace(script)
    assert what_is_missing(tmp_path / "journals") == "1 process could not note all calls"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no limits here")
@pytest.mark.parametrize("when", ["import", "call"])
def test_a_process_that_can_write_nothing_is_said_to_be_missing(write, trace, tmp_path, when):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))"
    script = write(
        "program.py",
        f"""
        import resource, signal, subprocess, sys
        import numpy as np

        def double(x):
            return x * 2

        if sys.argv[1:]:
            double(np.ones(4))
        else:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            if {when == "call"}:
                {limit}
                double(np.ones(4))
            else:
                subprocess.run([sys.executable, __file__, "1"], preexec_fn=lambda: {limit})
        """,
    )
    trace(script)
    missing = what_is_missing(tmp_path / "journals")
    assert "a process could not write into the folder that calls are noted in" in missing


def test_a_call_that_cannot_be_noted_is_said_to_be_missing(write, trace, tmp_path):
    script = write(
        "program.py",
        """
        import sys
        import numpy as np

        def double(x):
            return x * 2

        double(np.ones(4))
        sys.modules["_sekisho_tracing"].Tracer._start = None
        double(np.ones((4, 4)))
        """,
    )
    functions, _ = trace(script)
    assert seen(functions["double"]) == {("return", ("float64", 4), ("float64", 4)): 1}
    assert what_is_missing(tmp_path / "journals") == "1 process could not note all calls"


@pytest.mark.parametrize("ending", ["os._exit(3)", "sys.exit(3)", "raise SystemExit(3)"])
def test_nothing_is_lost_however_a_process_ends(write, trace, ending):
    script = write(
        "program.py",
        f"""
        import os, sys
        import numpy as np

        def double(x):
            return x * 2

        for n in range(5):
            double(np.ones(n))
        {ending}
        """,
    )
    functions, _ = trace(script, expected=3)
    assert len(functions["double"].calls) == 5


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_nothing_is_lost_of_a_process_that_is_killed(write, trace):
    script = write(
        "program.py",
        """
        import os, signal
        import numpy as np

        def double(x):
            return x * 2

        for n in range(200):
            double(np.ones(n % 2))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    functions, _ = trace(script, expected=-9)
    assert len(functions["double"].calls) == 2
    assert min(functions["double"].calls.values()) >= 50  # at least half of the calls


def test_threads_are_traced(write, trace):
    script = write(
        "program.py",
        """
        import threading
        import numpy as np

        def double(x):
            return x * 2

        threads = [threading.Thread(target=double, args=(np.ones(n),)) for n in range(6)]
        for each in threads: each.start()
        for each in threads: each.join()
        """,
    )
    functions, _ = trace(script)
    assert len(functions["double"].calls) == 6


def test_of_a_million_kinds_of_calls_those_are_kept_that_tell_something_apart(write, trace):
    """Memory is bounded, and the one call in which two sizes differ is not dropped."""
    script = write(
        "program.py",
        """
        import resource
        import numpy as np

        def pair(x, y, step):
            return x

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for n in range(20_000):
            odd = n == 15_000
            pair(np.empty((n, 0)), np.empty((n + odd, 0)), n)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 20_000, grown  # kilobytes
        """,
    )
    functions, _ = trace(script)
    calls = functions["pair"].calls
    assert len(calls) < 300
    assert any(call.given[0][3] != call.given[1][3] for call in calls)


def test_no_array_is_kept_alive_or_changed(write, trace):
    script = write(
        "program.py",
        """
        import gc, weakref
        import numpy as np

        def double(x, box):
            return x

        array = np.arange(4.0)
        held = weakref.ref(array)
        result = double(array, [array])
        assert result is array
        assert array.tolist() == [0.0, 1.0, 2.0, 3.0]
        del array, result
        gc.collect()
        assert held() is None
        """,
    )
    functions, _ = trace(script)
    assert len(functions["double"].calls) == 1


def test_a_value_that_raises_when_it_is_looked_at_does_no_harm(write, trace):
    script = write(
        "program.py",
        """
        import numpy as np

        class Bad:
            shape = dtype = None
            def __getattribute__(self, name):
                raise RuntimeError(name)

        class Meta(type):
            def __getattr__(cls, name):
                raise RuntimeError(name)

        class Worse(metaclass=Meta):
            pass

        def take(x, y):
            return np.ones(1)

        itself = []
        itself.append(itself)
        take(Bad(), Worse())
        take(itself, {1: itself})
        take(np.ones(1), range(10**9))
        """,
    )
    functions, _ = trace(script)
    assert seen(functions["take"])["return", ("float64", 1), "range", ("float64", 1)] == 1


def test_where_arrays_go_is_told(write, trace):
    script = write(
        "program.py",
        """
        import numpy as np

        def make(n):
            return np.ones(n)

        def take(x):
            return None

        take(make(3))
        """,
    )
    _, travels = trace(script)
    assert {(a.name, b.name) for a, b in travels} == {("return", "x")}


@pytest.mark.parametrize("passed", ["x", "[x, x]", "(x,)"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_each_caller_of_a_function_is_a_place_that_arrays_come_from(write, trace, library, passed):
    pytest.importorskip(library)
    script = write(
        "program.py",
        f"""
        import {library}

        def checked(y):
            return None

        def f(x):
            checked({passed})

        def g(x):
            checked({passed})

        for _ in range(3):
            f({library}.ones(3))
            g({library}.ones(3))
        """,
    )
    observed, travels = trace(script)
    ways = {(a.function, b.function) for a, b in travels if b.name == "y"}
    assert ways >= {(observed[name].key, observed["checked"].key) for name in "fg"}


def test_a_program_without_arrays_imports_nothing_for_it(write, trace):
    script = write(
        "program.py",
        """
        import sys

        def take(x):
            return x

        take(1)
        assert "numpy" not in sys.modules
        assert "sekisho" not in sys.modules
        """,
    )
    functions, _ = trace(script)
    assert seen(functions["take"]) == {("return", 1, 1): 1}


def test_tensors(write, trace, torch):
    script = write(
        "program.py",
        """
        import torch

        def take(x, weight):
            return x.sum()

        take(torch.ones(2, 3, dtype=torch.bfloat16), torch.nn.Parameter(torch.ones(3)))
        take(torch.ones(2, device="meta"), torch.nested.nested_tensor([torch.ones(2)]))
        """,
    )
    functions, _ = trace(script)
    first, second = functions["take"].calls
    assert first.given[0] == ("array", "torch", "bfloat16", (2, 3), "cpu")
    assert first.given[1] == ("array", "torch", "float32", (3,), "cpu")
    assert first.result == ("array", "torch", "bfloat16", (), "cpu")
    assert second.given[0][4] == "meta"
    assert second.given[1][0] == "object"
