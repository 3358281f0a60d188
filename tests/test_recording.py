"""``record_crossings(everywhere=True)``: what it counts, and that nothing else changes."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sekisho as sk
from sekisho.worlds import find_operation, world_named

torch = pytest.importorskip("torch")
from torch import from_numpy  # noqa: E402 - imported by name, before it is wrapped


@pytest.fixture(autouse=True)
def _as_it_was():
    """Check that the libraries are unchanged when recording has ended."""
    world = world_named("torch")
    names = [name for group in world.operations.values() for name in group]
    init = vars(torch.Tensor).get("__init__")
    before = [find_operation(world, name)[2] for name in names], from_numpy, list(sys.meta_path)
    yield
    after = [find_operation(world, name)[2] for name in names], from_numpy, list(sys.meta_path)
    assert after == before
    assert vars(torch.Tensor).get("__init__") is init
    assert "SEKISHO_RECORDING" not in os.environ


def operations(log):
    return {row.operation.removeprefix("torch."): row.count for row in log.rows}


WAYS = {
    "from_numpy": lambda a, t: torch.from_numpy(a),
    "as_tensor": lambda a, t: torch.as_tensor(a),
    "tensor": lambda a, t: torch.tensor(a),
    "asarray": lambda a, t: torch.asarray(a),
    "from_dlpack": lambda a, t: torch.from_dlpack(a),
    "Tensor": lambda a, t: torch.Tensor(a),
    "Tensor.new_tensor": lambda a, t: t.new_tensor(a),
    "frombuffer": lambda a, t: torch.frombuffer(a, dtype=torch.float32),
    "Tensor.numpy": lambda a, t: t.numpy(),
    "Tensor.__array__": lambda a, t: np.asarray(t),
    "Tensor.__dlpack__": lambda a, t: np.from_dlpack(t),
    "Tensor.__eq__": lambda a, t: t == a,
    "Tensor.__setitem__": lambda a, t: t.__setitem__(a.astype(np.int64), 1.0),
    "Tensor.item": lambda a, t: t[0].item(),
    "Tensor.tolist": lambda a, t: t.tolist(),
    "Tensor.__float__": lambda a, t: float(t[0]),
    "Tensor.__bool__": lambda a, t: bool(t[0]),
    "Tensor.__int__": lambda a, t: int(t[0]),
    "Tensor.__index__": lambda a, t: [1, 2][t[0].long()],
    "Tensor.__repr__": lambda a, t: repr(t),
    "Tensor.__format__": lambda a, t: f"{t[0]:.2f}",
}


@pytest.mark.parametrize("name", WAYS)
def test_each_operation_is_one_crossing_at_its_line(name):
    way, a, t = WAYS[name], np.ones(3, np.float32), torch.ones(3)
    with sk.record_crossings(everywhere=True) as log:
        way(a, t)
    (row,) = log.rows
    assert row.operation == f"torch.{name}"
    assert (row.filename, row.line) == (__file__, inspect.getsourcelines(way)[1])
    assert row.count == 1
    assert row.nbytes in {1, 4, 8, 12, 24}
    assert not row.declared
    assert row.library == ""


SEVERAL = {
    "np.exp(t)": (lambda a, t: np.exp(t), {"Tensor.__array__": 1, "Tensor.__array_wrap__": 1}),
    "np.stack": (lambda a, t: np.stack([t, t]), {"Tensor.__array__": 2}),
    "t * a": (lambda a, t: t * a, {"Tensor.__array__": 1, "Tensor.__array_wrap__": 1}),
    "a @ t": (lambda a, t: a @ t.numpy(), {"Tensor.numpy": 1}),
    "np.array(t)": (lambda a, t: np.array(t), {"Tensor.__array__": 1}),
    "t + t": (lambda a, t: (t + t) * 2 - t[1:].sum(), {}),
    "a + a": (lambda a, t: (a + a) * 2 - a[1:].sum(), {}),
    "tensor of numbers": (lambda a, t: torch.tensor([1.0, 2.0]), {}),
    "as_tensor of a tensor": (lambda a, t: torch.as_tensor(t), {}),
    "a list of arrays": (lambda a, t: torch.tensor(np.stack([a, a])), {"tensor": 1}),
    "to the same device": (lambda a, t: t.to("cpu").cpu().to(torch.float64), {}),
    "by name": (lambda a, t: from_numpy(a), {"from_numpy": 1}),
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.filterwarnings("ignore:__array_")
def test_what_an_expression_does(name):
    way, expected = SEVERAL[name]
    with sk.record_crossings(everywhere=True) as log:
        way(np.ones(3, np.float32), torch.ones(3))
    assert operations(log) == expected


def test_what_a_library_does_is_the_users_line_and_names_the_librarys():
    from torch.utils.data import default_collate

    with sk.record_crossings(everywhere=True) as log:
        default_collate([np.ones(3), np.ones(3)])
    (row,) = log.rows
    assert (row.filename, row.count) == (__file__, 2)
    assert row.library.startswith("_utils/collate.py:")


def test_a_device_is_a_move():
    with sk.record_crossings(everywhere=True) as log:
        torch.ones(3).to("meta")
    (row,) = log.rows
    assert (row.kind, row.way) == ("move", "torch cpu -> torch meta")
    assert row.copied == "it moved from cpu to meta"


# --- shared or copied -----------------------------------------------------------------------------


def address(value):
    if isinstance(value, torch.Tensor):
        return value.data_ptr()
    return value.__array_interface__["data"][0]


MAKERS = [WAYS[name] for name in ("from_numpy", "as_tensor", "tensor", "asarray", "Tensor")]
READERS = [lambda _, t: t.numpy(), lambda _, t: np.asarray(t)]
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":  # earlier versions ignore copy=False, and copy
    READERS.append(lambda _, t: np.array(t))
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool", "complex64", "float16"]


@st.composite
def arrays(draw):
    shape = draw(st.lists(st.integers(1, 3), max_size=3))
    array = np.ones(shape, draw(st.sampled_from(DTYPES)))
    if array.ndim > 1 and draw(st.booleans()):
        array = array.T
    return array


@pytest.mark.filterwarnings("ignore:__array_", "ignore:Casting complex values")
@settings(max_examples=60)
@given(arrays(), st.data())
def test_shared_and_copied_are_told_by_the_address_of_the_memory(array, data):
    to_torch = data.draw(st.booleans())
    value = array if to_torch else torch.from_numpy(array)
    convert = data.draw(st.sampled_from(MAKERS if to_torch else READERS))
    with sk.record_crossings(everywhere=True) as log:
        crossed = convert(value, value)
    (row,) = log.rows
    assert (row.copied is None) == (address(value) == address(crossed))
    assert row.nbytes == crossed.nbytes
    assert row.dtype == str(crossed.dtype).removeprefix("torch.")
    assert row.source_dtype == array.dtype.name


# --- the quick way counts as the slow one ----------------------------------------------------------


def exercise(steps):
    for kind, array in steps:
        tensor = torch.from_numpy(array)
        match kind:
            case 0:
                torch.as_tensor(array), torch.tensor(array), torch.asarray(array)
            case 1:
                tensor.numpy(), np.asarray(tensor), np.array(tensor)
            case 2:
                tensor.sum().item(), tensor.tolist(), bool(tensor.any())
            case _:
                torch.as_tensor(tensor.numpy(), dtype=torch.complex128)


@pytest.mark.filterwarnings("ignore:__array_")
@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), arrays()), max_size=20))
def test_the_quick_way_and_the_slow_way_count_alike(steps):
    world = world_named("torch")
    found = []
    for quick in (world.quick, frozenset()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(world), "quick", quick)
            with sk.record_crossings(everywhere=True, keep=0) as log:
                exercise(steps)
            found.append({(row.line, row.operation, *row_of(row)) for row in log.rows})
    assert found[0] == found[1]


def row_of(row):
    return (row.count, row.nbytes, row.copied, row.dtype, row.source_dtype, row.repeats)


# --- beside what else there is --------------------------------------------------------------------


def test_logs_nest_and_each_has_what_happens_inside_of_it():
    a = np.ones(3)
    with sk.record_crossings(everywhere=True) as outer:
        torch.from_numpy(a)
        with sk.record_crossings(everywhere=True) as inner, sk.record_crossings() as guards:
            torch.from_numpy(a)
            sk.to_torch(a)
        torch.from_numpy(a)
    assert (len(outer), len(inner), len(guards)) == (4, 2, 1)
    torch.from_numpy(a)
    assert len(outer) == 4
    assert [each.shape for each in inner] == [(3,), (3,)]


def test_a_log_fills_while_it_is_open():
    with sk.record_crossings(everywhere=True) as log:
        assert len(log) == 0
        torch.from_numpy(np.ones(3))
        assert (len(log), log.nbytes) == (1, 24)


@pytest.mark.parametrize("broadcasting", [False, True])
def test_a_tensor_is_no_sequence_while_it_is_recorded_and_afterwards(broadcasting):
    code = (
        "import torch, sekisho as sk\n"
        "numbers = [torch.tensor(0), torch.tensor(1)]\n"
        f"with sk.record_crossings(everywhere=True, broadcasting={broadcasting}):\n"
        "    print(torch.tensor(numbers).tolist())\n"
        "print(torch.tensor(numbers).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["[0, 1]"] * 2, "")


def test_threads_and_tasks_are_seen():
    def work():
        torch.from_numpy(np.ones(3))

    async def main():
        await asyncio.gather(asyncio.to_thread(work), asyncio.to_thread(work))
        work()

    with sk.record_crossings(everywhere=True) as log:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        asyncio.run(main())
    assert [row.count for row in log.rows] == [4]


def test_the_rows_of_threads_that_are_over_are_used_again():
    def work():
        torch.from_numpy(np.ones(3))

    with sk.record_crossings(everywhere=True, keep=0) as log:
        for _ in range(200):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        from sekisho.recorder.calls import state

        assert state.counter.ledger._rows < 5
    assert len(log) == 200


def test_strict_mode_refuses_what_it_refuses_by_itself():
    @sk.torch_world
    def body(x: torch.Tensor):
        return np.exp(x)

    @sk.torch_world
    def ok(x: torch.Tensor):
        return (x @ x.T).sum().item()

    with sk.mode("strict"):
        with sk.record_crossings(everywhere=True) as log:
            with pytest.raises(sk.WorldError, match=r"torch\.Tensor\.__array__ of float32"):
                body(torch.ones(2, 2))
            ok(torch.ones(2, 2))
        with pytest.raises(sk.WorldError, match=r"torch\.Tensor\.__array__ of float32"):
            body(torch.ones(2, 2))
    assert operations(log) == {"Tensor.item": 1}


@pytest.mark.filterwarnings("ignore")
def test_compilers_and_scripts_of_torch_see_what_they_see_by_themselves():
    def step(x):
        return torch.tensor([1.0, 2.0]).to(x.dtype) + x[1:].sum() + torch.as_tensor(x)

    with sk.record_crossings(everywhere=True):
        compiled = torch.compile(step, fullgraph=True, backend="eager")
        assert torch.equal(compiled(torch.ones(2)), step(torch.ones(2)))
        scripted = torch.jit.script(scriptable)
        assert torch.equal(scripted(torch.ones(2)), scriptable(torch.ones(2)))
        with torch.device("meta"):
            assert torch.tensor([1.0]).is_meta
        exported = torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
        assert exported.module()(torch.ones(1, 2)).shape == (1, 2)
    assert torch.equal(compiled(torch.ones(2)), step(torch.ones(2)))
    with torch.device("meta"):
        assert torch.tensor([1.0]).is_meta


def scriptable(x: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(x) + torch.tensor([1.0, 2.0])[0:1]


def test_subclasses_are_made_as_they_are_by_themselves():
    class Own(torch.Tensor):
        @staticmethod
        def __new__(cls, value, extra):
            return torch.Tensor._make_subclass(cls, value)

    class Bad(torch.Tensor):
        @staticmethod
        def __new__(cls, value):
            return torch.Tensor._make_subclass(cls, value)

        def __init__(self, value):
            super().__init__(value)

    for _ in range(2):
        with sk.record_crossings(everywhere=True) as log:
            assert type(Own(torch.ones(2), extra=3)) is Own
            assert torch.nn.Parameter(torch.ones(2)).requires_grad
            with pytest.raises(TypeError, match="takes exactly one argument"):
                Bad(torch.ones(2))
        assert len(log) == 0
    assert type(Own(torch.ones(2), 3)) is Own


def test_jax_is_seen():
    jax = pytest.importorskip("jax")
    with sk.record_crossings(everywhere=True) as log:
        jax.numpy.asarray(np.ones(3, np.float32))
        float(jax.numpy.ones(()))
        torch.from_dlpack(jax.numpy.ones(3))
        jax.numpy.ones(3).block_until_ready()
    assert [(row.operation, row.way) for row in log.rows] == [
        ("jax.numpy.asarray", "numpy -> jax"),
        ("jax.Array.__float__", "jax -> python"),
        ("torch.from_dlpack", "jax -> torch"),
        ("jax.Array.block_until_ready", "waits for jax cpu"),
    ]


def test_guards_and_helpers_say_what_they_do_and_nothing_is_counted_twice():
    @sk.torch_world
    def f(x: torch.Tensor) -> torch.Tensor:
        return x

    with sk.record_crossings(everywhere=True) as log:
        f(np.ones(3))
        sk.to_numpy(torch.ones(3))
    assert [(row.function, row.operation, row.declared, row.count) for row in log.rows] == [
        ("f", "argument 'x'", True, 1),
        ("to_numpy", "argument 'x'", True, 1),
    ]


# --- hints ----------------------------------------------------------------------------------------


def hints(log):
    return [row["hint"] for row in log.to_dict()["crossings"] if row["hint"]]


def test_a_copy_of_the_same_array_again_and_again():
    table = np.ones((4, 4))
    with sk.record_crossings(everywhere=True) as log:
        for _ in range(10):
            torch.tensor(table)
    assert hints(log) == [
        "the same array was copied 10 times: once, before the loop, is enough, "
        "unless it changes in between"
    ]


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list")
def test_a_copy_that_another_call_would_not_make():
    with sk.record_crossings(everywhere=True) as log:
        torch.tensor(np.ones(3))
        torch.tensor([np.ones(3), np.ones(3)])
    assert hints(log) == [
        "torch.from_numpy shares the memory instead, where nothing writes into it afterwards",
        "stack the arrays first; torch.from_numpy of the result shares its memory",
    ]


def test_a_wider_dtype():
    with sk.record_crossings(everywhere=True) as log:
        torch.as_tensor(np.ones(3, np.float32), dtype=torch.float64)
        np.asarray(torch.ones(3), dtype=np.float64)
    assert hints(log) == ["float32 became float64: 2 times the bytes; ask for float32"] * 2


def test_transfers_that_could_be_one():
    with sk.record_crossings(everywhere=True) as log:
        for _ in range(10):
            torch.ones(3).to("meta")
    assert hints(log) == [
        "10 transfers of 12 B: stack the values, and move them once for the batch"
    ]


# --- what is not recording costs nothing ----------------------------------------------------------


def test_importing_sekisho_and_a_log_of_guards_import_no_recorder():
    code = (
        "import sys, numpy as np, sekisho as sk\n"
        "with sk.record_crossings() as log:\n    sk.to_numpy(np.ones(3))\n"
        "assert not [name for name in sys.modules if name.startswith('sekisho.recorder')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
