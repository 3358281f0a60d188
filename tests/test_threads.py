"""The state of the process under eight threads: each entry of "State shared by the process"."""

from __future__ import annotations

import contextlib
import inspect
import linecache
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest
from jaxtyping import Float, Float32

import sekisho as sk
from sekisho.utils import live_guards, once, quiet

THREADS = 8


@pytest.fixture(autouse=True)
def _switching():
    """Switch threads a thousand times more often than usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def barrier():
    """Return a barrier for eight threads, at which each raises if one does not come."""
    return threading.Barrier(THREADS, timeout=60)


def at_once(*works, times=1):
    """Run functions in eight threads that start together; raise the first error."""
    start, errors = barrier(), []

    def run(number):
        try:
            start.wait()
            for _ in range(times):
                works[number % len(works)]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


def in_a_process(code, *, seconds=120):
    """Run code in its own process, in which late imports happen for the first time."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


# --- warnings -------------------------------------------------------------------------------------


def refuse():
    """Cause an error whose hint is found by calls that may warn."""

    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]):
        return x

    with pytest.raises(sk.DTypeError):
        f(np.ones(3))


def test_refusals_in_threads_leave_the_filters_of_warnings_as_they_are():
    before = list(warnings.filters)
    at_once(refuse, times=40)
    assert warnings.filters == before


def test_a_refusal_silences_no_other_thread():
    heard = []

    def warn():
        with quiet():
            warnings.warn("a call of a hint's", UserWarning, stacklevel=1)

    def listen():
        try:
            warnings.warn("the program's own", UserWarning, stacklevel=1)
        except UserWarning:
            heard.append(True)

    warnings.simplefilter("error")  # pytest restores the filters
    at_once(warn, listen, times=100)
    assert len(heard) == 100 * THREADS // 2


def test_other_tools_blocks_and_ours_may_end_in_any_order():
    before = list(warnings.filters)
    theirs, ours = warnings.catch_warnings(), quiet()
    theirs.__enter__()
    warnings.simplefilter("error")
    ours.__enter__()
    theirs.__exit__(None, None, None)
    ours.__exit__(None, None, None)
    assert warnings.filters == before
    ours, theirs = quiet(), warnings.catch_warnings()
    ours.__enter__()
    theirs.__enter__()
    ours.__exit__(None, None, None)
    theirs.__exit__(None, None, None)  # restores a list that contains our filter
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_what_was_silenced_once_is_heard_at_the_same_line_later():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for is_quiet in (True, False):
            with quiet() if is_quiet else contextlib.nullcontext():
                warnings.warn("at this line", UserWarning, stacklevel=1)
    assert [str(each.message) for each in heard] == ["at this line"]


# --- blocks ---------------------------------------------------------------------------------------


def test_one_mode_may_be_entered_by_many_threads_and_twice_by_one():
    strict, together = sk.mode("strict"), barrier()

    def enter():
        with strict:
            together.wait()
            assert sk.get_mode() == "strict"
            with sk.mode("off"), strict:
                assert sk.get_mode() == "strict"
            assert sk.get_mode() == "strict"
        assert sk.get_mode() == "convert"

    at_once(enter, times=10)


def test_a_mode_that_ends_in_another_thread_changes_nothing_there():
    strict = sk.mode("strict")
    strict.__enter__()
    thread = threading.Thread(target=strict.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert sk.get_mode() == "strict"
    strict.__exit__(None, None, None)


def test_modes_may_end_in_another_order_than_they_began():
    warn, off = sk.mode("warn"), sk.mode("off")
    warn.__enter__()
    off.__enter__()
    warn.__exit__(None, None, None)
    assert sk.get_mode() == "off"
    off.__exit__(None, None, None)
    assert sk.get_mode() == "convert"


def strict_body(torch, inside):
    """Return a body that runs `inside`, and then crosses."""

    @sk.torch_world
    def body(x: torch.Tensor):
        inside(x)
        return x.numpy()

    return lambda: body(torch.ones(2))


def test_one_allowance_may_be_entered_twice_and_strict_mode_goes_on_after_it(torch):
    allowed = sk.crossing_allowed()

    def inside(x):
        with allowed:
            with allowed:
                x.numpy()
            x.numpy()

    body = strict_body(torch, inside)
    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"got torch\.Tensor\.numpy"):
        body()


def test_one_allowance_may_be_entered_by_many_threads(torch):
    allowed, together = sk.crossing_allowed(), barrier()

    def inside(x):
        with allowed:
            together.wait()
            x.numpy()

    body = strict_body(torch, inside)

    def run():
        with sk.mode("strict"), pytest.raises(sk.WorldError):
            body()

    at_once(run, times=20)


def test_one_allowance_entered_twice_leaves_no_allowance_behind():
    from sekisho.context import allowance

    allowed = sk.crossing_allowed()
    with allowed, allowed:
        assert allowance.get()
    assert not allowance.get()


def test_an_allowance_goes_with_the_body_that_is_suspended_in_it(torch):
    @sk.torch_world
    def steps(x: torch.Tensor):
        with sk.crossing_allowed():
            yield 1
            x.numpy()
        yield 2
        x.numpy()

    running = None
    with sk.mode("strict"):
        running = steps(torch.ones(2))
        assert next(running) == 1
        with pytest.raises(sk.WorldError):
            strict_body(torch, lambda _x: None)()
        assert next(running) == 2
        with pytest.raises(sk.WorldError):
            next(running)


def test_one_recording_may_be_entered_by_many_threads():
    logs, block, together = [], sk.record_crossings(), barrier()

    def record():
        with block as log, block as inner:
            together.wait()
            logs.extend([log, inner])

    at_once(record, times=10)
    assert len({id(each) for each in logs}) == 20 * THREADS


# --- strict mode ----------------------------------------------------------------------------------


def test_what_a_body_has_caught_is_kept_but_not_for_ever(torch):
    from sekisho.monitor import state

    def inside(x):
        with contextlib.suppress(sk.SekishoError):
            x.numpy()

    @sk.torch_world
    def body(x: torch.Tensor):
        inside(x)
        return x

    before = len(state.caught)
    with sk.mode("strict"):
        for _ in range(300):
            body(torch.ones(2))
    kept = len(state.caught)
    state.caught.clear()
    assert before < kept <= 100


def test_a_library_is_wrapped_once_by_the_first_bodies_of_many_threads(torch):
    in_a_process("""
        import sys, threading
        import numpy as np, torch
        import sekisho as sk
        sys.setswitchinterval(1e-6)

        def body():
            @sk.torch_world
            def f(x: torch.Tensor):
                with sk.crossing_allowed():
                    return torch.from_numpy(np.ones(2))
            with sk.mode("strict"):
                f(torch.ones(2))

        threads = [threading.Thread(target=body) for _ in range(8)]
        with sk.mode("strict"):
            for each in threads: each.start()
            for each in threads: each.join()
            assert hasattr(torch.from_numpy, "__wrapped__")
            assert not hasattr(torch.from_numpy.__wrapped__, "__wrapped__")
            assert not hasattr(threading.Thread.start.__wrapped__, "__wrapped__")
        assert not hasattr(torch.from_numpy, "__wrapped__")
        assert not hasattr(threading.Thread.start, "__wrapped__")
    """)


def test_what_is_made_once_is_made_once():
    made = []

    @once
    def make(name):
        made.append(name)
        return object()

    found = []
    at_once(lambda: found.append(make("a")), times=20)
    assert made == ["a"]
    assert len({id(each) for each in found}) == 1


# --- guards ---------------------------------------------------------------------------------------


def test_a_first_call_may_be_made_by_many_threads():
    for _ in range(20):

        @sk.numpy_world
        def f(x: Float[np.ndarray, "n m"], k: int = 2) -> Float[np.ndarray, "m n"]:
            return x.T * k

        at_once(lambda f=f: f(np.ones((2, 3))))
        name = f.__code__.co_filename
        assert sk.generated_source(f).startswith("def f(x, k=")
        assert linecache.getline(name, 1) == sk.generated_source(f).splitlines(keepends=True)[0]
        assert str(inspect.signature(f)).startswith("(x: ")


def test_a_first_call_may_be_made_in_the_middle_of_another():
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n"]):
        return x

    made = []

    def call_again(_frame, event, called):
        if event == "c_return" and called is exec:
            made.append(True)
            sys.setprofile(None)
            f(np.ones(2))

    sys.setprofile(call_again)
    try:
        f(np.ones(3))
    finally:
        sys.setprofile(None)
    assert made


def come_and_go():
    @sk.numpy_world
    def f(x: Float[np.ndarray, "n"]):
        return x

    f(np.ones(2))
    sk.generated_source(f)
    return f.__code__.co_filename


def test_guards_come_and_go_in_many_threads():
    class Slow(dict):
        """A cache that guards change while one thread iterates over it."""

        def keys(self):
            names = list(super().keys())
            if threading.current_thread() is not threading.main_thread():
                time.sleep(0.05)
            return names

    def look():
        for each in live_guards():
            assert callable(each)
        linecache.checkcache()

    before, linecache.cache = linecache.cache, Slow(linecache.cache)
    try:
        for _ in range(1200):
            come_and_go()
        at_once(come_and_go, come_and_go, come_and_go, look, times=60)
    finally:
        linecache.cache = before


def test_guards_that_are_gone_leave_their_names_to_the_next():
    def names():
        return {each for each in linecache.cache if each.endswith(">.f")}

    made = {come_and_go() for _ in range(10)}
    before = names()
    made |= {come_and_go() for _ in range(100)}
    assert made <= before
    assert len(names()) == len(before)


ENDS = """
import sys
import numpy as np
from jaxtyping import Float
import sekisho as sk

@sk.numpy_world
def f(x: Float[np.ndarray, "n"]):
    return x

f(np.ones(2))
seen = []
sys.setprofile(lambda frame, event, _: event == "call" and seen.append(frame.f_code.co_filename))
del f
sys.setprofile(None)
assert not [each for each in seen if "sekisho" in each or "weakref" in each], seen
"""


def test_no_code_of_pythons_runs_when_a_guard_goes():
    """Ctrl+C may arrive in any such code, and errors in a finalizer are printed and dropped."""
    # In its own process, since a test runner may keep functions in weak dictionaries.
    done = subprocess.run([sys.executable, "-c", ENDS], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_lost_writes_are_told_of_in_every_thread(torch):
    @sk.boundary(on_foreign="convert", copy=None)
    def add(x: Float[torch.Tensor, "n"]) -> None:
        x += 1

    told = []

    def call():
        x = np.ones(3)[::-1]  # copied, since torch has no negative strides
        try:
            add(x)
        except sk.LostWriteWarning as error:
            told.append(str(error))
        except sk.SekishoError as error:
            told.append(str(error))

    warnings.simplefilter("error", sk.LostWriteWarning)
    with sk.mode("convert"):
        at_once(call)
    assert len(told) == THREADS


# --- worlds ---------------------------------------------------------------------------------------


def test_no_world_is_lost_where_many_are_registered_at_once():
    in_a_process("""
        import sys, threading, types
        import numpy as np
        import sekisho as sk
        from sekisho.worlds import world_names
        sys.setswitchinterval(1e-6)

        def make(name):
            class Kept(np.ndarray): pass
            sys.modules[name] = types.SimpleNamespace(Kept=Kept)
            class World(sk.World):
                label = array_class = "Kept"
                def dtypes(self): return {}
                def to_host(self, value, policy): raise NotImplementedError
                def from_host(self, array, policy): raise NotImplementedError
            World.name = name
            return World()

        for round in range(40):
            made = [make(f"lib{round}_{i}") for i in range(8)]
            start = threading.Barrier(8)
            def register(world):
                start.wait()
                sk.register_world(world)
            threads = [threading.Thread(target=register, args=(each,)) for each in made]
            for each in threads: each.start()
            for each in threads: each.join()
            assert {each.name for each in made} <= set(world_names())
    """)


def test_of_two_worlds_of_one_name_one_is_registered():
    in_a_process("""
        import sys, threading
        import sekisho as sk
        sys.setswitchinterval(1e-6)

        class World(sk.World):
            name = label = "twice"
            def dtypes(self): return {}
            def to_host(self, value, policy): raise NotImplementedError
            def from_host(self, array, policy): raise NotImplementedError

        start, refused = threading.Barrier(8), []
        def register():
            start.wait()
            try:
                sk.register_world(World())
            except sk.DeclarationError as error:
                refused.append(str(error))
        threads = [threading.Thread(target=register) for _ in range(8)]
        for each in threads: each.start()
        for each in threads: each.join()
        assert refused == ["register_world(): a world called 'twice' is registered already."] * 7
    """)


LATE = {
    "torch": ("torch.ones(3, dtype=torch.float32)", "torch.float32"),
    "jax": ("jax.numpy.ones(3, dtype='float32')", "numpy.dtype('float32')"),
}


@pytest.mark.parametrize("library", LATE)
def test_a_library_is_imported_while_guards_are_called(library):
    """Results that were read from a half-imported library are not kept."""
    pytest.importorskip(library)
    value, dtype = LATE[library]
    in_a_process(f"""
        import importlib, sys, threading
        import numpy, numpy as np
        import sekisho as sk
        from sekisho.worlds import look_for_worlds, world_named
        from jaxtyping import Float32
        sys.setswitchinterval(1e-6)

        @sk.numpy_world
        def f(x: Float32[np.ndarray, "n"]):
            return x

        @sk.same_world
        def g(x: Float32[sk.Array, "n"]):
            return x

        errors, done, calls = [], threading.Event(), [0]
        def call():
            try:
                while not done.is_set():
                    f(np.ones(3, np.float32)); g(np.ones(3, np.float32))
                    for wrong in ([1.0], np.ones(3), None):
                        try: f(wrong)
                        except sk.BoundaryError: pass
                    sk.to_numpy(np.ones(3)); sk.world_of(object())
                    calls[0] += 1
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=call) for _ in range(3)]
        for each in threads: each.start()
        library = importlib.import_module({library!r})
        import {library}
        sk.to_{library}(np.ones(3, np.float32))
        done.set()
        for each in threads: each.join()
        assert not errors, repr(errors[0])
        assert calls[0], "nothing was called meanwhile"
        look_for_worlds()
        assert {dtype} in world_named({library!r}).dtypes()
        value = {value}
        assert g(value) is value
        held = g.__globals__.values()
        assert any(type(each) is frozenset and {dtype} in each for each in held)
    """)


@pytest.mark.parametrize("name", ["torch", "jax", "cupy"])
def test_a_library_that_is_half_imported_is_not_loaded(name):
    """Its array class may exist already, while other names are missing."""
    in_a_process(f"""
        import importlib.machinery, importlib.util, sys, threading
        import numpy as np
        import sekisho as sk
        from sekisho.worlds import loaded_worlds, look_for_worlds, world_named
        from jaxtyping import Float32

        spec = importlib.machinery.ModuleSpec({name!r}, None)
        half = importlib.util.module_from_spec(spec)
        spec._initializing = True
        class Array: pass
        setattr(half, "Tensor" if {name!r} == "torch" else {"ndarray" if name == "cupy" else "Array"!r}, Array)
        sys.modules[{name!r}] = half

        @sk.numpy_world
        def f(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
            return x

        @sk.same_world
        def g(x: Float32[sk.Array, "n"]):
            return x

        x = np.ones(3, np.float32)
        assert f(x) is x and g(x) is x
        for wrong in (np.ones(3), [1.0]):
            try:
                f(wrong)
            except sk.BoundaryError as error:
                assert "AttributeError" not in str(error), error
            else:
                raise AssertionError(wrong)
        look_for_worlds()
        assert world_named({name!r}) not in loaded_worlds()
        assert not world_named({name!r}).dtypes()
    """)


def test_a_library_whose_import_fails_half_way_is_not_loaded_after():
    in_a_process("""
        import sys
        import numpy as np
        import sekisho as sk
        from sekisho.worlds import loaded_worlds
        import importlib.abc, importlib.machinery

        class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path=None, target=None):
                return importlib.machinery.ModuleSpec(name, self) if name == "torch" else None
            def exec_module(self, module):
                module.Tensor = type("Tensor", (), {})
                sk.to_numpy(np.ones(2)); sk.numpy_world(lambda x: x)(np.ones(2))
                raise OSError("no libcudart")
        sys.meta_path.insert(0, Broken())
        try:
            import torch
        except OSError:
            pass
        assert [each.name for each in loaded_worlds()] == ["numpy"]
        try:
            sk.to_torch(np.ones(2))
        except sk.ConversionError as error:
            assert "PyTorch cannot be imported: OSError: no libcudart" in str(error)
    """)


def test_a_hostile_module_of_a_librarys_name_is_an_error_of_ours_or_none():
    in_a_process("""
        import sys, types
        import numpy as np
        import sekisho as sk

        class Hostile(types.ModuleType):
            def __getattr__(self, name):
                raise AttributeError(name)
        for name in ("torch", "jax", "cupy"):
            sys.modules[name] = Hostile(name)
        f = sk.numpy_world(lambda x: x)
        f(np.ones(2))
        try:
            f([1.0])
        except sk.BoundaryError:
            pass
        assert sk.to_numpy(np.ones(2)).sum() == 2
    """)


# --- strict mode is entered for the first time -----------------------------------------------------


def test_the_first_thread_in_strict_mode_does_not_go_on_before_bodies_are_watched(torch):
    in_a_process("""
        import sys, threading
        import numpy as np, torch
        import sekisho as sk
        sys.setswitchinterval(1e-6)

        @sk.torch_world
        def body(x: torch.Tensor):
            return x.numpy().sum()

        body_off = body
        with sk.mode("off"):
            body_off(torch.ones(2))
        missed, start = [], threading.Barrier(8)
        def call():
            start.wait()
            with sk.mode("strict"):
                try:
                    body(torch.ones(2))
                except sk.WorldError:
                    return
            missed.append(True)
        threads = [threading.Thread(target=call) for _ in range(8)]
        for each in threads: each.start()
        for each in threads: each.join()
        assert not missed
    """)
