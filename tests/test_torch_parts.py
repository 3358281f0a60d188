"""The parts of PyTorch's world one by one: reasons, devices, kinds of tensors and of operations."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.errors import SekishoError
from sekisho.worlds import HOST, Policy, Refusal, world_named
from sekisho.worlds.policy import Converted

torch = pytest.importorskip("torch")

import sekisho.worlds.torch as of_world  # noqa: E402 - needs torch
from sekisho.worlds.torch import (  # noqa: E402
    _private,
    kinds,
    memory,
    operations,
    probes,
    watcher,
)

WORLD = world_named("torch")
T = torch.Tensor


# --- why an operation copied -----------------------------------------------------------------------


def value(dtype="float32", *shape):
    return np.zeros(shape or (2,), dtype)


@pytest.mark.parametrize(
    ("operation", "before", "after", "is_list", "reason"),
    [
        ("asarray", value(), torch.zeros(2), False, None),
        ("asarray", value(), torch.zeros(2), True, "a list is copied, array by array"),
        ("asarray", value(), torch.zeros(2, device="meta"), False, "it moved from cpu to meta"),
        ("tensor", value(), torch.zeros(2, device="meta"), True, "it moved from cpu to meta"),
        ("tensor", value(), torch.zeros(2), False, "torch.tensor always copies"),
        ("tensor", value(), torch.zeros(2), True,
         "torch.tensor always copies a list, array by array"),
        ("Tensor.new_tensor", value(), torch.zeros(2), False,
         "torch.Tensor.new_tensor always copies"),
        ("sparse_coo_tensor", value(), torch.zeros(2), False,
         "torch.sparse_coo_tensor always copies"),
        ("as_tensor", value("float64"), torch.zeros(2), False, "float64 becomes float32"),
        ("as_tensor", np.array(1.0), torch.zeros(()).double(), False, None),
        ("asarray", np.array(1.0), torch.zeros(()).double(), False,
         "torch.asarray takes an array without axes for a number"),
    ],
)  # fmt: skip
def test_why_an_operation_copied(operation, before, after, is_list, reason):
    found = WORLD.why_copied(operation, before, after, HOST, WORLD, is_list=is_list)
    assert found == reason
    assert WORLD.why_copied(operation, before, before, HOST, HOST, is_list=is_list) is None


# --- what an operation does ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "kind", "name"),
    [
        (T.item, "scalar", "torch.Tensor.item"),
        (T.tolist, "scalar", "torch.Tensor.tolist"),
        (torch.equal, "scalar", "torch.equal"),
        (torch.allclose, "scalar", "torch.allclose"),
        (torch.is_nonzero, "scalar", "torch.is_nonzero"),
        (T.__contains__, "scalar", "torch.Tensor.__contains__"),
        (T.numpy, "export", "torch.Tensor.numpy"),
        (T.__array__, "export", "torch.Tensor.__array__"),
        (T.__dlpack__, "export", "torch.Tensor.__dlpack__"),
        (torch.tensor, "import", "torch.tensor"),
        (torch.as_tensor, "import", "torch.as_tensor"),
        (torch.asarray, "import", "torch.asarray"),
        (T.new_tensor, "import", "torch.Tensor.new_tensor"),
        (T.size, "look", "torch.Tensor.size"),
        (T.is_contiguous, "look", "torch.Tensor.is_contiguous"),
        (T.__len__, "look", "torch.Tensor.__len__"),
        (T.shape.__get__, "look", "torch.Tensor.shape.__get__"),
        (T.dtype.__get__, "look", "torch.Tensor.dtype.__get__"),
        (T.grad.__get__, "compute", "torch.Tensor.grad.__get__"),
        (T.T.__get__, "compute", "torch.Tensor.T.__get__"),
        (T.real.__get__, "compute", "torch.Tensor.real.__get__"),
        (T.data.__get__, "compute", "torch.Tensor.data.__get__"),
        (T.add, "compute", "torch.Tensor.add"),
        (torch.relu, "compute", "torch.relu"),
    ],
)
def test_what_an_operation_does_and_what_it_is_called(operation, kind, name):
    assert operations.kind_of_operation(operation) == kind
    assert WORLD.operation_name(operation) == name


def test_an_operation_that_torch_does_not_know_has_its_own_name():
    def unknown():
        """Compute nothing."""

    assert WORLD.operation_name(unknown) == "torch.unknown"

    def wrapper():
        """Stand for a function of torch, as while crossings are counted."""

    wrapper.__wrapped__ = torch.relu
    assert WORLD.operation_name(wrapper) == "torch.relu"
    assert WORLD.operation_name("Tensor.numpy") == "torch.Tensor.numpy"
    assert WORLD.operation_name("Tensor.__init__") == "torch.Tensor"


def test_a_wrapper_of_a_suspect_is_one_and_is_taken_by_compilers(monkeypatch):
    monkeypatch.setattr(_private, "note_builtin", lambda *_: None)

    def wrapper():
        """Stand for a function of torch."""

    def other():
        """Stand for a function that is no suspect."""

    operations.note_wrapper(torch, torch.equal, wrapper)
    operations.note_wrapper(torch, torch.relu, other)
    assert operations.kind_of_operation(wrapper) == "scalar"
    assert operations.kind_of_operation(other) == "compute"
    assert wrapper._torchdynamo_inline is torch.equal
    assert not hasattr(wrapper, "__original_fn")
    del operations.suspects()[wrapper]

    def plain():
        """Be written in Python."""

    operations.note_wrapper(torch, plain, other)
    assert getattr(other, "__original_fn") is plain
    assert getattr(other, "__script_if_tracing_wrapper") is True


@pytest.mark.parametrize(
    ("info", "name"), [(None, None), (SimpleNamespace(id=3), "DataLoader worker 3")]
)
def test_a_worker_is_called_by_its_number(monkeypatch, info, name):
    monkeypatch.setattr(torch.utils.data, "get_worker_info", lambda: info)
    assert WORLD.worker_name() == name
    assert operations.worker_name(SimpleNamespace()) is None
    assert operations.worker_name(SimpleNamespace(utils=SimpleNamespace())) is None


@pytest.mark.parametrize(("current", "name"), [(None, "cpu"), ("cuda", "cuda"), ("xpu", "xpu")])
def test_an_accelerator_is_called_by_its_type(current, name):
    device = current and SimpleNamespace(type=current)
    library: Any = SimpleNamespace(accelerator=SimpleNamespace(current_accelerator=lambda: device))
    assert operations.waits_for(library, "accelerator.synchronize", ()) == name
    assert operations.waits_for(library, "accelerator.synchronize", (2,)) == f"{name}:2"


# --- tensors that are refused ----------------------------------------------------------------------


def refusal(tensor, *, has_dtype=True):
    with pytest.raises(Refusal) as caught:
        kinds.refuse_kinds(tensor, torch, has_dtype=has_dtype)
    return caught.value.args


def named(name, base=T):
    return torch.ones(2).as_subclass(type(name, (base,), {}))


ONE_BY_ONE = "take its tensors one by one, as in {0}.unbind()[...]"
REFUSED = [
    (lambda: torch.ones(2, device="meta"), ("it holds no values",)),
    (lambda: named("FakeTensor"), ("it holds no values",)),
    (lambda: named("FunctionalTensor"), ("it holds no values",)),
    (torch.nn.UninitializedParameter, ("it is not initialised yet", "run the module once first")),
    (torch.nn.UninitializedBuffer, ("it is not initialised yet", "run the module once first")),
    (
        lambda: named("DTensor"),
        ("it is a DTensor, whose meaning an array cannot keep", "{0}.full_tensor()"),
    ),
    (
        lambda: named("MaskedTensor"),
        ("it is a MaskedTensor, whose meaning an array cannot keep",
         "fill it first, as in {0}.to_tensor(...)"),
    ),
    (
        lambda: named("NestedTensor"),
        ("it is a NestedTensor, whose meaning an array cannot keep", ONE_BY_ONE),
    ),
    (
        lambda: named("Own"),
        ("it is an Own, whose meaning an array cannot keep", "{0}.as_subclass(torch.Tensor)"),
    ),
    (lambda: torch.nested.nested_tensor([torch.ones(1)]), ("it is nested", ONE_BY_ONE)),
    (lambda: torch.eye(2).to_sparse(), ("its layout is sparse_coo", "{0}.to_dense()")),
    (lambda: torch.eye(2).to_sparse_csr(), ("its layout is sparse_csr", "{0}.to_dense()")),
    (
        lambda: torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8),
        ("it is quantized", "{0}.dequantize()"),
    ),
    (
        lambda: torch.ones([1] * 65),
        ("it has 65 axes, and an array at most 64", "{0}.flatten()"),
    ),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_each_kind_of_tensor_without_an_array_is_refused_in_its_words(make, words):
    assert refusal(make()) == words


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("imported", [True, False])
@pytest.mark.parametrize(
    ("dtype", "hint", "is_extension"),
    [
        ("bfloat16", "{0}.float()", True),
        ("float8_e5m2", "{0}.float()", True),
        ("complex32", "{0}.to(torch.complex64)", True),
        ("uint16", "{0}.to(torch.uint8)", False),
    ],
)
def test_a_dtype_that_numpy_lacks_is_refused_with_the_cast_that_keeps_most(
    monkeypatch, imported, dtype, hint, is_extension
):
    monkeypatch.setitem(kinds.sys.modules, "ml_dtypes", object() if imported else None)
    tensor = torch.zeros(2).to(getattr(torch, dtype))
    unless = " unless ml_dtypes is imported" if is_extension and not imported else ""
    assert refusal(tensor, has_dtype=False) == (f"NumPy has no dtype {dtype}{unless}", hint)
    kinds.refuse_kinds(tensor, torch, has_dtype=True)
    kinds.refuse_kinds(torch.ones([1] * 64), torch, has_dtype=True)
    kinds.refuse_kinds(torch.nn.Parameter(torch.ones(2)), torch, has_dtype=True)


UNKNOWN = "one of cpu, cuda device type at start of device string: "


@pytest.mark.parametrize(
    ("device", "text", "why"),
    [
        ("gpu", UNKNOWN, "PyTorch has no device 'gpu'; a GPU is 'cuda', 'mps' or 'xpu'"),
        ("GPU:0", UNKNOWN, "PyTorch has no device 'GPU'; a GPU is 'cuda', 'mps' or 'xpu'"),
        ("nvidia", UNKNOWN, "PyTorch has no device 'nvidia'; a GPU is 'cuda', 'mps' or 'xpu'"),
        ("amd:1", UNKNOWN, "PyTorch has no device 'amd'; a GPU is 'cuda', 'mps' or 'xpu'"),
        ("quantum:0", UNKNOWN, "PyTorch has no device 'quantum'"),
        (3, UNKNOWN, "PyTorch has no device '3'"),
        ("cuda:x", "Invalid device\nand more", "Invalid device"),
    ],
)
def test_a_device_that_torch_does_not_know_is_named(device, text, why):
    assert kinds.why_no_device(device, RuntimeError(text)) == why


def test_what_holds_no_values_is_not_moved_to():
    with pytest.raises(Refusal) as caught:
        kinds.refuse_meta(torch.device("meta"))
    assert caught.value.args == (
        "a tensor on device 'meta' holds no values: all of these would be lost",
    )
    kinds.refuse_meta(torch.device("cpu"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"compiling": True, "transform": 1}, "traced"),
        ({"transform": 1}, "this runs inside a torch.func transform"),
        ({"trace": True}, "traced"),
        ({"modes": 1, "proxy": True, "fake": True}, "traced"),
        ({"modes": 1, "fake": True}, "FakeTensorMode is on, in which no tensor has values"),
        ({"modes": 1}, None),
        ({"proxy": True, "fake": True}, None),
        ({"tangent": True}, "it is a forward-mode dual, and an array would drop its tangent"),
        ({}, None),
    ],
)
def test_what_torch_is_doing_is_asked_in_order(monkeypatch, asked, words):
    on = {"compiling": False, "transform": None, "trace": False, "modes": 0, "proxy": False}
    on |= {"fake": False, "tangent": False, **asked}
    library: Any = SimpleNamespace(compiler=SimpleNamespace(is_compiling=lambda: on["compiling"]))
    known = SimpleNamespace(transform=lambda: on["transform"], modes=lambda: on["modes"])
    monkeypatch.setattr(_private, "asked_of", lambda _: known)
    monkeypatch.setattr(_private, "is_in_trace", lambda _: on["trace"])
    monkeypatch.setattr(_private, "has_proxy_mode", lambda: on["proxy"])
    monkeypatch.setattr(_private, "has_fake_mode", lambda _: on["fake"])
    monkeypatch.setattr(_private, "has_tangent", lambda *_: on["tangent"])
    if words is None:
        kinds.refuse_transforms(torch.ones(2), library)
        return
    with pytest.raises(Refusal) as caught:
        kinds.refuse_transforms(torch.ones(2), library)
    hints = {
        "traced": "convert outside of the traced function",
        "this runs inside a torch.func transform": "convert outside of the transform",
        "it is a forward-mode dual, and an array would drop its tangent": (
            "torch.autograd.forward_ad.unpack_dual({0}).primal"
        ),
    }
    reason = "this is being traced, and the array would be frozen into the trace"
    assert caught.value.reason == (reason if words == "traced" else words)
    assert caught.value.hint == hints.get(words, "convert outside of it")


# --- devices ---------------------------------------------------------------------------------------

CPU, META = torch.device("cpu"), torch.device("meta")
GPU, FIRST, SECOND = (torch.device(name) for name in ("cuda", "cuda:0", "cuda:1"))


@pytest.mark.parametrize(
    ("found", "wanted", "is_there"),
    [
        (CPU, CPU, True), (FIRST, FIRST, True), (FIRST, GPU, True), (FIRST, SECOND, False),
        (CPU, GPU, False), (CPU, FIRST, False), (FIRST, CPU, False),
    ],
)  # fmt: skip
def test_a_device_without_a_number_is_any_of_its_type(found, wanted, is_there):
    assert WORLD.is_on(SimpleNamespace(device=found), wanted) is is_there
    where = WORLD.device_question(wanted)
    assert where == (
        ("device.type", repr(wanted.type)) if wanted.index is None else ("device", None)
    )
    name = "cpu" if found is CPU else "cuda:0"
    assert WORLD.device_name(SimpleNamespace(device=found)) == name
    assert WORLD.device(SimpleNamespace(device=found)) is found


@pytest.mark.parametrize("has_gpu", [True, False])
def test_the_devices_are_the_host_and_the_first_gpu(monkeypatch, has_gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert WORLD.devices() == ((CPU, FIRST) if has_gpu else (CPU,))
    assert WORLD.device_name(SimpleNamespace(device=torch.device("cpu:0"))) == "cpu"


@pytest.mark.parametrize("given", ["cpu", "cpu:0", "cpu:1", CPU, "cuda", "cuda:1", "meta"])
def test_a_device_is_read_as_torch_reads_it_but_there_is_one_host(given):
    found = WORLD.parse_device(given)
    assert found == (CPU if "cpu" in str(given) else torch.device(given))
    for wrong in ("quantum", [1]):
        with pytest.raises(Refusal):
            WORLD.parse_device(wrong)


def test_a_tensor_stays_where_it_is_or_is_moved_or_copied(second_device):
    tensor, there = torch.ones(2), torch.device(second_device)
    for policy in (Policy(), Policy(copy=False), Policy(device=CPU)):
        assert WORLD.move(tensor, policy) == Converted(tensor, None)
    for policy in (Policy(copy=True), Policy(copy=True, device=CPU)):
        made = WORLD.move(tensor, policy)
        assert made.copied == "copy=True"
        assert made.value is not tensor
        assert made.value.tolist() == [1, 1]
    made = WORLD.move(tensor, Policy(device=there))
    assert (made.value.device.type, made.copied) == (second_device, "it moved from cpu to meta")
    with pytest.raises(Refusal) as caught:
        WORLD.move(tensor, Policy(device=there, copy=False))
    assert caught.value.args == (
        "copy=False, but it moved from cpu to meta and has to be copied",
        "copy=None",
    )


@pytest.mark.parametrize(
    "error", [AssertionError, NotImplementedError, RuntimeError, MemoryError, KeyError]
)
def test_a_device_that_this_machine_lacks_is_refused_and_memory_is_not(error):
    def to(_):
        raise error("first\nsecond")

    tensor: Any = SimpleNamespace(device=CPU, to=to)
    is_refused = error in {AssertionError, NotImplementedError, RuntimeError}
    with pytest.raises(Refusal if is_refused else error) as caught:
        WORLD.move(tensor, Policy(device=GPU))
    assert not is_refused or caught.value.args == ("this machine cannot move it to cuda: first",)

    class OutOfMemoryError(RuntimeError):
        """As torch's own."""

    tensor.to = lambda _: (_ for _ in ()).throw(OutOfMemoryError())
    with pytest.raises(OutOfMemoryError):
        WORLD.move(tensor, Policy(device=GPU))


# --- a tensor to an array --------------------------------------------------------------------------


@pytest.mark.parametrize("copy", [None, True, False])
@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("make", "is_lazy"),
    [
        (lambda: torch.arange(4.0), False),
        (lambda: torch.arange(4.0).expand(3, 4), False),
        (lambda: torch.tensor([1j, 2]).conj(), True),
        (lambda: torch.tensor([1j, 2]).conj().imag, True),
        (lambda: torch._efficientzerotensor(2), True),
    ],
)
def test_a_tensor_is_shared_copied_or_refused(copy, read_only, make, is_lazy):
    tensor, policy = make(), Policy(copy=copy, read_only=read_only)
    reason = "it is a lazy conjugate, negative or zero" if is_lazy else copy and "copy=True"
    if is_lazy and copy is False:
        with pytest.raises(Refusal) as caught:
            WORLD.to_host(tensor, policy)
        assert caught.value.args == (f"copy=False, but {reason} and has to be copied", "copy=None")
        return
    made = WORLD.to_host(tensor, policy)
    assert made.copied == (reason or None)
    assert made.value.tolist() == (tensor + 0).tolist()  # a lazy zero has no memory to list
    is_copied = bool(reason)
    assert made.value.flags.writeable is (is_copied or not (read_only or tensor.ndim == 2))
    if not is_lazy:
        assert (made.value.ctypes.data == tensor.data_ptr()) is not is_copied


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (1, 3), (2, 1), (0, 2)])
def test_elements_overlap_if_two_lie_in_one_place(shape):
    for strides in itertools.product(range(4), repeat=len(shape)):
        reach = sum(step * (size - 1) for step, size in zip(strides, shape, strict=True) if size)
        tensor = torch.zeros(max(reach, 0) + 1).as_strided(shape, strides)
        places = [
            sum(i * step for i, step in zip(index, strides, strict=True))
            for index in itertools.product(*map(range, shape))
        ]
        is_certain = len(set(places)) == len(places)
        if not memory.may_overlap(tensor):
            assert is_certain, strides
        elif (
            is_certain and 0 not in shape
        ):  # it may be wrong on the safe side, as for (2, 3), (2, 1)
            assert tensor.ndim > 1
    assert not memory.may_overlap(torch.zeros(2, 3, 4).permute(2, 0, 1))
    assert memory.may_overlap(torch.zeros(4).unfold(0, 2, 1))


@pytest.mark.parametrize("imports", [True, False])
@pytest.mark.parametrize("has_it", ["imported", "importable", "not at all"])
def test_a_dtype_of_ml_dtypes_is_carried_by_bits_if_it_is_there_or_may_be_imported(
    monkeypatch, imports, has_it
):
    given = SimpleNamespace(bfloat16="b", float8_e5m2="f", complex32="c")
    found = {"ml_dtypes": given} if has_it == "imported" else {}
    library = SimpleNamespace(modules=found)

    def import_module(name):
        if has_it == "not at all":
            raise ImportError(name)
        found[name] = given

    monkeypatch.setattr(memory, "sys", library)
    monkeypatch.setattr(memory, "importlib", SimpleNamespace(import_module=import_module))
    is_there = has_it == "imported" or (imports and has_it == "importable")
    for name, bits in (("bfloat16", "uint16"), ("float8_e5m2", "uint8"), ("complex32", "uint32")):
        tensor: Any = SimpleNamespace(dtype=getattr(torch, name))
        carried = memory.carried_as(tensor, torch, imports=imports)
        assert carried == ((getattr(torch, bits), getattr(given, name)) if is_there else None)
    assert memory.carried_as(torch.ones(2), torch, imports=imports) is None


# --- writes and memory -----------------------------------------------------------------------------


def test_tensors_share_if_their_storage_is_one():
    base = torch.zeros(4)
    assert WORLD.may_share(base, base[2:]) is True
    assert WORLD.may_share(base, torch.zeros(4)) is False
    assert WORLD.may_share(base, base.numpy()) is False

    class Without(torch.Tensor):
        def untyped_storage(self):
            raise NotImplementedError

    bare = torch.zeros(2).as_subclass(Without)
    assert WORLD.may_share(bare, bare) is True
    assert WORLD.may_share(bare, base) is False


def test_writes_are_counted_outside_of_inference_mode():
    tensor = torch.zeros(2)
    before = WORLD.write_count(tensor)
    tensor += 1
    assert WORLD.write_count(tensor) == before + 1
    with torch.inference_mode():
        assert WORLD.write_count(torch.zeros(2)) is None
        with WORLD.counting_writes():
            assert not torch.is_inference_mode_enabled()
            assert not torch.is_grad_enabled()
            assert WORLD.write_count(torch.zeros(2)) == 0
        assert torch.is_inference_mode_enabled()
    with WORLD.counting_writes():
        assert torch.is_grad_enabled()
    assert _private.write_count(SimpleNamespace(_version="3")) is None
    assert _private.write_count(SimpleNamespace()) is None


# --- words and questions ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize("dtype", [None, "int8"])
def test_the_calls_that_make_a_tensor(is_number, dtype):
    ways = ["torch.tensor({0}", *(["torch.tensor([{0}]"] if is_number else [])]
    ends = [")", *([", dtype=torch.int8)"] if dtype else [])]
    expected = [(way + end, "numpy.asarray({0})") for way in ways for end in ends]
    assert list(WORLD.making_calls(dtype, is_number=is_number)) == expected


def test_what_the_world_knows_of_modules_dtypes_and_legacy_classes():
    assert WORLD.is_module(torch.nn.ReLU())
    assert not WORLD.is_module(torch.nn.ReLU)
    assert not WORLD.is_module(torch.ones(2))
    assert WORLD.is_dtype(torch.int8)
    assert not WORLD.is_dtype("int8")
    assert WORLD.dtypes()[torch.float16] == "float16"
    assert WORLD.alias(torch.LongTensor)[:] == ("LongTensor", ("int64",), "int64", None, None, None)
    assert WORLD.alias(torch.sparse.FloatTensor).kind is torch.sparse.FloatTensor
    assert WORLD.alias(torch.cuda.FloatTensor).kind is torch.cuda.FloatTensor
    assert WORLD.alias(torch.Tensor) is None
    assert WORLD.alias(int) is None
    assert WORLD.size(torch.ones(2, 3)) == 6


def test_a_part_is_taken_of_plain_tensors_only():
    tensor = torch.arange(12).reshape(3, 4)
    assert WORLD.sampled(tensor, (2, 3)).tolist() == [[0, 3], [8, 11]]
    assert WORLD.sampled(torch.eye(2).to_sparse(), (1, 1)) is None
    distributed: Any = SimpleNamespace(to_local=None)
    assert WORLD.sampled(distributed, (1,)) is distributed
    nested = torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])
    assert WORLD.sampled(nested, (1, 1)) is None
    assert WORLD.why_shapeless(nested) == (
        "is nested and has no sizes",
        "make it with layout=torch.jagged, which has sizes",
    )
    assert WORLD.why_shapeless(tensor) is None


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_values_are_read_and_rounded_in_a_dtype_of_numpy():
    for dtype in (torch.bfloat16, torch.float8_e5m2, torch.complex32, torch.float16, torch.int8):
        tensor = torch.ones(2).to(dtype)
        wide = "complex64" if dtype.is_complex else "float32"
        found = WORLD.host_values(tensor.requires_grad_(dtype is torch.bfloat16))
        own = {torch.float16: "float16", torch.int8: "int8"}.get(dtype, wide)
        assert (found.dtype, found.tolist()) == (own, [1, 1])
    values, eps = WORLD.rounded_to(np.array([1 + 2**-9]), "bfloat16")
    assert (values.dtype, values.tolist(), eps) == ("float32", [1.0], 2**-7)
    values, eps = WORLD.rounded_to(np.array([1j]), "complex64")
    assert (values.dtype, values.tolist(), eps) == ("complex64", [1j], 2**-23)
    like = WORLD.shaped_like(torch.ones(3, 2, requires_grad=True), "float64")
    assert (like.dtype, like.shape, like.requires_grad) == (torch.float64, (3, 2), True)
    assert like.stride() == (0, 0)


def test_the_functions_of_the_helpers_are_torchs_own():
    tensor = torch.arange(6).reshape(1, 2, 3)
    assert WORLD.permute_dims(tensor, (2, 0, 1)).shape == (3, 1, 2)
    assert WORLD.moveaxis(tensor, 0, 2).shape == (2, 3, 1)
    assert WORLD.squeeze(tensor, 0).shape == (2, 3)
    assert WORLD.concat([tensor, tensor], 1).shape == (1, 4, 3)
    assert WORLD.concat([tensor, tensor[0]], None).tolist() == [*range(6), *range(6)]
    assert WORLD.stack([tensor, tensor], 1).shape == (1, 2, 2, 3)
    assert WORLD.cast(tensor, "float16").dtype is torch.float16


@pytest.mark.parametrize(
    ("version", "is_old"), [("2.5.1", True), ("2.6.0", False), ("2.13.0+cpu", False), ("", False)]
)
def test_a_release_that_is_too_old_is_warned_of_once(monkeypatch, version, is_old):
    monkeypatch.setattr(of_world, "_is_version_known", False)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for _ in range(2):
            of_world.look_at_version(SimpleNamespace(__version__=version))
    text = (
        "torch 2.5.1 is older than 2.6, the oldest that sekisho is tested with: on some such "
        "releases values are lost.\n  hint: torch>=2.6, or SEKISHO_MODE=off"
    )
    assert [(str(each.message), each.category) for each in heard] == (
        [(text, RuntimeWarning)] if is_old else []
    )
    assert of_world._is_version_known is bool(version)


# --- names that are not public ---------------------------------------------------------------------


def test_the_first_candidate_that_can_be_called_works():
    def fails():
        raise KeyError

    assert _private._working(None, fails, dict, list) is dict
    assert _private._working(fails) is None
    assert _private._working() is None


@pytest.mark.parametrize("lacks", [None, "transform", "trace", "modes"])
def test_a_release_without_one_of_the_questions_has_no_fast_path(lacks):
    functorch = SimpleNamespace(peek_interpreter_stack=lambda: None)
    of_c = SimpleNamespace(
        _functorch=functorch, _is_tracing=lambda: False, _len_torch_dispatch_stack=lambda: 0
    )
    if lacks == "transform":
        del functorch.peek_interpreter_stack
    elif lacks == "trace":
        del of_c._is_tracing
    elif lacks == "modes":
        del of_c._len_torch_dispatch_stack

    class Release(SimpleNamespace):
        __hash__ = object.__hash__

    asked = _private.asked_of(Release(_C=of_c))
    assert asked.is_complete is (lacks is None)
    assert (asked.transform(), asked.is_tracing(), asked.modes()) == (None, False, 0)


@pytest.mark.parametrize("level", [-1, 0, 1, None])
@pytest.mark.parametrize("tangent", [None, 3])
def test_a_dual_is_looked_for_while_forward_mode_is_on(level, tangent):
    unpack = lambda _: SimpleNamespace(tangent=tangent)
    forward_ad = SimpleNamespace(unpack_dual=unpack)
    if level is not None:
        forward_ad._current_level = level
    library = SimpleNamespace(autograd=SimpleNamespace(forward_ad=forward_ad))
    assert _private.has_tangent(0, library) is (tangent is not None and level != -1)


@pytest.mark.parametrize("lacks", [(), ("_pop_mode",), ("_pop_mode", "_push_mode")])
def test_a_mode_stack_that_torch_lacks_is_warned_of(lacks):
    names = ("_len_torch_function_stack", "_pop_mode", "_push_mode")
    known = {name: name for name in names if name not in lacks}
    library = SimpleNamespace(overrides=SimpleNamespace(**known), __version__="9.9")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = _private.mode_stack(library)
    assert found == (None if lacks else names)
    missing = ", ".join(f"torch.overrides.{name}" for name in lacks)
    text = (
        f"strict mode sees no operations of PyTorch: torch 9.9 has no {missing}.\n"
        "  hint: a release of sekisho that knows it, or an older torch"
    )
    assert [str(each.message) for each in heard] == ([text] if lacks else [])


def test_a_public_flag_stands_for_one_that_is_missing():
    with_flag = SimpleNamespace(_is_compiling_flag=False)
    assert _private.compiler_flag(SimpleNamespace(compiler=with_flag)) is with_flag
    for flag in ({}, {"_is_compiling_flag": None}):
        compiler = SimpleNamespace(is_compiling=lambda: "asked", **flag)
        stand_in = _private.compiler_flag(SimpleNamespace(compiler=compiler))
        assert stand_in._is_compiling_flag == "asked"


# --- mistakes that raise nothing --------------------------------------------------------------------

U8 = torch.tensor([250, 3], dtype=torch.uint8)
WRAPS = {
    "add": (lambda a: a + 10, "add of uint8 gives 4, where the result is 260"),
    "iadd": (lambda a: a.clone().__iadd__(10), "add of uint8 gives 4, where the result is 260"),
    "rsub": (lambda a: torch.rsub(a, 1), "sub of uint8 gives 7, where the result is -249"),
    "sub": (lambda a: a - 4, "sub of uint8 gives 255, where the result is -1"),
    "mul": (lambda a: a * 2, "mul of uint8 gives 244, where the result is 500"),
    "neg": (lambda a: -a, "neg of uint8 gives 6, where the result is -250"),
    "pow": (lambda a: a**2, "pow of uint8 gives 36, where the result is 62500"),
    "square": (lambda a: a.square(), "square of uint8 gives 36, where the result is 62500"),
    "another dtype": (lambda a: a.sum(dtype=torch.uint8), None),
    "in place": (lambda a: a.clone().add_(10), "add of uint8 gives 4, where the result is 260"),
    "it fits": (lambda a: a + 5, None),
    "bits": (lambda a: a << 1, None),
    "a comparison": (lambda a: a > 3, None),
    "a float": (lambda a: a + 0.5, None),
    "a wide integer": (lambda a: a.to(torch.int32) + 10, None),
    "a bool": (lambda a: (a > 3) + (a > 3), None),
    "another shape": (lambda a: a.sum(), None),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPS)
def test_an_operation_of_small_integers_that_wraps_around_is_noticed(name):
    operation, text = WRAPS[name]
    expected = operation(U8.clone())
    with WORLD.watching_overflow() as (prepared, found):
        result = operation(prepared(U8.clone()))
    assert result.tolist() == expected.tolist()
    assert found == ([text] if text else [])
    with WORLD.watching_overflow() as (_, found), pytest.raises((RuntimeError, TypeError)):
        U8 + torch.ones(3, dtype=torch.uint8)
    assert found == []


@pytest.mark.parametrize(
    ("moves", "follows"),
    [
        ([(1, 2)], True), ([(1, 1.6)], True), ([(1, 2.4)], True), ([(1, 1.4)], False),
        ([(1, 2.6)], False), ([(0, 0)], False), ([(0, 1)], False), ([(1, 0)], False),
        ([(1, 2), (1, 2), (1, 9)], True), ([(1, 2), (1, 9)], False), ([(1, 2), (0, 9)], True),
        ([(float("inf"), 2)], False), ([(1, float("nan"))], False), ([], False),
        ([(-1, -2)], True), ([(1, -2)], False),
    ],
)  # fmt: skip
def test_a_result_follows_if_most_elements_change_twice_as_much_at_twice_the_step(moves, follows):
    one = torch.full((len(moves),), 3.0)
    moved = one + torch.tensor([first for first, _ in moves])
    twice = one + torch.tensor([second for _, second in moves])
    assert probes._follows(one, moved, twice) is follows
    assert probes._follows(one, moved, torch.ones(7)) is False
    assert probes._follows(torch.ones(7), moved, twice) is False


def cut(function, *args, **kwargs):
    return WORLD.cuts_gradient(function, args, kwargs)


def test_a_gradient_that_is_cut_is_noticed_and_one_that_is_meant_is_not():
    x = torch.ones(3)
    assert cut(lambda x: x.data * 2, x)
    assert cut(lambda x: {"y": torch.tensor((x * 2).tolist())}, x)
    assert cut(lambda *, x: torch.tensor((x * 2).tolist()), x=x)
    assert cut(lambda x: torch.tensor((x[0] * 2).tolist()), [x])
    assert not cut(lambda x: x * 2, x)
    assert not cut(lambda x: (x.data * 2, x), x)
    assert not cut(lambda x: x.detach() * 2, x)
    assert not cut(torch.no_grad()(lambda x: x * 2), x)
    assert not cut(lambda x: torch.ones(2), x)
    assert not cut(lambda x: x.data.round(), x + 0.3)
    assert not cut(lambda x: 3, x)
    assert not cut(lambda x: x.data * 2, x.int())
    assert not cut(lambda: torch.ones(2))
    with torch.no_grad():
        assert cut(lambda x: x.data * 2, x)
    assert not x.requires_grad


@pytest.mark.parametrize("options", [{}, {"backend": "eager", "dynamic": True}])
def test_a_compiled_call_is_written_with_its_options(options):
    words = "".join(f", {name}={each!r}" for name, each in options.items())
    code = WORLD.compiled_code("f", "x, 2", ["x"], options)
    assert code == f"torch.compile(f{words})(x, 2)"


# --- memory that is shared -------------------------------------------------------------------------


def aligned(dtype, *shape, offset=0):
    """Return an array of zeros that starts so many bytes behind a multiple of 64."""
    size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 128, "u1")
    start = -raw.ctypes.data % 64 + offset
    return raw[start : start + size].view(dtype).reshape(shape)


def read_only(array):
    array.flags.writeable = False
    return array


NOT_SHARED = [
    (aligned(">f4", 3), "its byte order is not this machine's"),
    (read_only(aligned("f4", 3)), "it is read-only"),
    (aligned("f4", 3)[::-1], "it has a negative stride"),
    (np.zeros(3, [("a", "f4"), ("b", "i1")])["a"], "its strides are no multiples of its item size"),
    (aligned("f4", 3, offset=1), "its address is no multiple of its item size"),
    (aligned("c16", 3, offset=8), "its address is no multiple of its item size"),
    (aligned("f8", 3, offset=8), None),
    (aligned("f4", 3, 4)[:, ::2], None),
    (aligned("f4", 3)[:0], None),
    (np.broadcast_to(aligned("f4", 1), 3), "it is read-only"),
]


@pytest.mark.parametrize(("array", "reason"), NOT_SHARED)
def test_why_the_memory_of_an_array_is_not_shared(array, reason):
    assert memory.why_not_shared(array) == reason
    share = memory.make_share_array(torch, None)
    shared = share(array)
    assert (shared is None) is (reason is not None)
    assert shared is None or not array.size or shared.data_ptr() == array.ctypes.data
    copied = memory.copied_tensor(array, torch)
    assert copied.tolist() == array.tolist()
    assert copied.data_ptr() != array.ctypes.data or not array.size


def test_the_fast_path_shares_plain_arrays_of_the_dtypes_that_are_asked_for(monkeypatch):
    share = memory.make_share_array(torch, None)
    some = memory.make_share_array(torch, frozenset({np.dtype("f4"), np.dtype("c8")}))
    for dtype in ("f4", "c8", "f8", "c16", "?", "i2", "u8"):
        array = aligned(dtype, 3)
        assert share(array).data_ptr() == array.ctypes.data
        assert (some(array) is not None) is (dtype in {"f4", "c8"})
    for other in (aligned("f4", 3).view(np.memmap), np.zeros(3, "U1"), np.array([1], "Q"), 3, "a"):
        assert share(other) is None
    for array in (aligned("f4", 3), aligned("c8", 3)):
        monkeypatch.setattr(torch.compiler, "_is_compiling_flag", True)
        assert share(array) is None
        monkeypatch.undo()
    fake = SimpleNamespace(data_ptr=lambda: pytest.fail("its address was read"))
    monkeypatch.setattr(torch, "from_numpy", lambda _: fake)
    assert share(aligned("c8", 3)) is None


class Fresh(SimpleNamespace):
    """Stands for torch; each instance is another one to a cache."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("asked", "is_shared"),
    [
        ({}, True), ({"transform": 1}, False), ({"is_tracing": True}, False), ({"modes": 1}, False),
        ({"level": 0}, False), ({"level": 1}, False), ({"level": -1}, True),
    ],
)  # fmt: skip
def test_the_fast_path_to_numpy_asks_what_torch_is_doing(monkeypatch, read_only, asked, is_shared):
    on = {"transform": None, "is_tracing": False, "modes": 0, "level": -1, **asked}
    questions = (lambda: on["transform"], lambda: on["is_tracing"], lambda: on["modes"], True)
    level = SimpleNamespace(_current_level=on["level"])
    monkeypatch.setattr(_private, "asked_of", lambda _: questions)
    monkeypatch.setattr(_private, "forward_level", lambda _: level)
    library = Fresh(Tensor=torch.Tensor, __version__="2.13.0")
    share = memory.make_share_tensor(library, None, read_only=read_only)
    tensor = torch.arange(4.0)
    shared = share(tensor)
    assert (shared is not None) is is_shared
    if not is_shared:
        return
    assert shared.ctypes.data == tensor.data_ptr()
    assert shared.flags.writeable is not read_only
    some = memory.make_share_tensor(library, frozenset({np.dtype("i1")}), read_only=read_only)
    assert some(tensor) is None
    assert some(tensor.char()) is not None
    for other in (tensor.requires_grad_(), torch.nn.Parameter(tensor), tensor.numpy, 3):
        assert share(other) is None
    assert share(torch.zeros(2).bfloat16()) is None
    assert (share(torch.zeros(2, 3).T) is not None) is read_only


def test_an_error_of_strict_mode_is_not_tried_again(monkeypatch):
    share = memory.make_share_tensor(torch, None, read_only=False)

    def fails(_):
        raise SekishoError("refused")

    monkeypatch.setattr(torch.Tensor, "numpy", fails)
    with pytest.raises(SekishoError):
        share(torch.zeros(2))


@pytest.mark.parametrize(
    ("dtype", "reads_as", "view_as"),
    [
        ("f4", "f4", None), ("Q", "u8", None), (">f4", ">f4", None), ("?", "?", None),
        ("bfloat16", "u2", torch.bfloat16), ("float8_e5m2", "u1", torch.float8_e5m2),
    ],
)  # fmt: skip
def test_an_array_is_read_in_a_dtype_that_torch_has(dtype, reads_as, view_as):
    if view_as is not None:
        dtype = getattr(pytest.importorskip("ml_dtypes"), dtype)
    array = np.ones(3, dtype)
    read, found = memory.readable_array(array, torch)
    assert (read.dtype, found) == (np.dtype(reads_as), view_as)
    assert read.dtype.char != "Q" or np.uint64 is np.ulonglong
    assert read.ctypes.data == array.ctypes.data


def test_strides_that_are_never_used_are_made_plain_and_others_left():
    for array in (aligned("f4", 3), aligned("f4", 3)[::-1], aligned("f4", 0, 3)[::-1]):
        assert memory.with_plain_strides(array) is array
    odd = aligned("f4", 1, 3)[::-1]
    made = memory.with_plain_strides(odd)
    assert (made.strides, made.ctypes.data) == ((4, 4), odd.ctypes.data)
    assert made.flags.writeable
    assert not memory.with_plain_strides(read_only(aligned("f4", 1, 3)[::-1])).flags.writeable


def test_a_broadcast_axis_is_copied_once():
    array = np.broadcast_to(aligned("f4", 3, 1, 2), (3, 5, 2))
    copied = memory.copied_tensor(array, torch)
    assert (copied.shape, copied.stride()[1]) == ((3, 5, 2), 0)
    assert copied.untyped_storage().nbytes() == 24
    assert memory.copied_tensor(np.array(3.0), torch).shape == ()
    one = np.lib.stride_tricks.as_strided(aligned("f4", 4), (1, 3), (0, 4))
    assert memory.copied_tensor(one, torch).shape == (1, 3)


# --- what torch keeps to itself --------------------------------------------------------------------


def importing(monkeypatch, **modules):
    """Let the private names be looked up in these modules; None stands for one that is missing."""

    def import_module(name):
        found = modules.get(name.rpartition(".")[2])
        if found is None:
            raise ImportError(name)
        return found

    monkeypatch.setattr(_private, "importlib", SimpleNamespace(import_module=import_module))


@pytest.mark.parametrize("state", [None, "a state"])
@pytest.mark.parametrize("is_tracing", [True, False])
def test_a_trace_is_known_by_its_state_or_else_by_the_public_function(
    monkeypatch, state, is_tracing
):
    monkeypatch.setattr(
        _private, "asked_of", lambda _: SimpleNamespace(is_tracing=lambda: is_tracing)
    )
    known = Fresh(_C=SimpleNamespace(_get_tracing_state=lambda: state))
    assert _private.is_in_trace(known) is (state is not None)
    assert _private.is_in_trace(Fresh(_C=SimpleNamespace())) is is_tracing


def test_modes_and_contexts_of_compilers_are_found_where_torch_has_them(monkeypatch):
    for mode in (None, "a mode"):
        importing(monkeypatch, proxy_tensor=SimpleNamespace(get_proxy_mode=lambda mode=mode: mode))
        assert _private.has_proxy_mode() is (mode is not None)
    for missing in ({}, {"proxy_tensor": SimpleNamespace()}):
        importing(monkeypatch, **missing)
        assert _private.has_proxy_mode() is False
    for context in (None, "a context"):
        found = SimpleNamespace(try_get=lambda context=context: context)
        guards = SimpleNamespace(TracingContext=found)
        monkeypatch.setitem(_private.sys.modules, "torch._guards", guards)
        assert _private.is_tracing_context() is (context is not None)
    for guards in (SimpleNamespace(), SimpleNamespace(TracingContext=3)):
        monkeypatch.setitem(_private.sys.modules, "torch._guards", guards)
        assert _private.is_tracing_context() is False
    assert _private.is_zero(SimpleNamespace()) is False
    assert _private.is_zero(SimpleNamespace(_is_zerotensor=lambda: True)) is True
    assert _private.is_zero(SimpleNamespace(_is_zerotensor=lambda: False)) is False


def test_axes_are_marked_and_limits_lifted_where_the_release_can(monkeypatch):
    marked: list[Any] = []
    importing(monkeypatch, _dynamo=SimpleNamespace(maybe_mark_dynamic=lambda *a: marked.append(a)))
    _private.mark_axes("tensor", [1])
    assert marked == [("tensor", [1])]
    for names in (
        {"recompile_limit": 8, "accumulated_recompile_limit": 9},
        {"cache_size_limit": 8},
    ):
        limits: list[Any] = []
        config = SimpleNamespace(
            patch=lambda given, limits=limits: limits.append(given) or "a block", **names
        )
        importing(monkeypatch, config=config)
        assert _private.recompiling_freely() == "a block"
        assert limits == [dict.fromkeys(names, 10_000)]
    for missing in ({}, {"config": SimpleNamespace(), "_dynamo": SimpleNamespace()}):
        importing(monkeypatch, **missing)
        _private.mark_axes("tensor", [1])
        with _private.recompiling_freely() as nothing:
            assert nothing is None


def test_the_parts_of_a_registered_object_are_in_torchs_order(monkeypatch):
    parts, make = _private.node_parts({"a": 1, "b": [2, 3]}, lambda each: isinstance(each, list))
    assert parts == [1, [2, 3]]
    assert make([4, 5]) == {"a": 4, "b": 5}
    assert _private.node_parts(3, lambda _: False) is None
    for missing in ({}, {"_pytree": SimpleNamespace()}):
        importing(monkeypatch, **missing)
        assert _private.node_parts([1], lambda _: False) is None


@pytest.mark.parametrize("has_device", [True, False])
def test_torch_makes_its_tables_before_its_functions_are_wrapped(monkeypatch, has_device):
    made = []
    device = SimpleNamespace(_device_constructors=lambda: made.append("constructors"))
    importing(monkeypatch, **({"_device": device} if has_device else {}))
    builtins = SimpleNamespace(_get_builtin_table=lambda: made.append("builtins"))
    _private.make_tables(SimpleNamespace(jit=SimpleNamespace(_builtins=builtins)))
    assert made == [*(["constructors"] if has_device else []), "builtins"]


@pytest.mark.parametrize("lacks", [None, "_find_builtin", "_register_builtin", "the function"])
def test_a_wrapper_is_a_builtin_of_torchscript_as_its_function_is(lacks):
    table: dict[int, Any] = {}
    known: dict[str, Any] = {
        "_find_builtin": lambda given: None if lacks == "the function" else f"aten::{given}",
        "_register_builtin": lambda wrapper, name: table.update({id(wrapper): name}),
        "_builtin_table": table,
    }
    known.pop(lacks, None)
    library = SimpleNamespace(jit=SimpleNamespace(_builtins=SimpleNamespace(**known)))

    def wrapper():
        """Stand for a function of torch."""

    _private.note_builtin(library, "relu", wrapper)
    assert table == ({} if lacks else {id(wrapper): "aten::relu"})
    del wrapper
    assert table == {}
    known["_find_builtin"] = lambda _: 1 / 0
    library = SimpleNamespace(jit=SimpleNamespace(_builtins=SimpleNamespace(**known)))
    _private.note_builtin(
        library, "relu", test_a_wrapper_is_a_builtin_of_torchscript_as_its_function_is
    )
    assert table == {}


# --- the watcher -----------------------------------------------------------------------------------


class Stack(list):
    def size(self):
        return len(self)

    push = list.append


@pytest.mark.parametrize("others", [[], ["a"], ["a", "b", "c"]])
def test_the_mode_is_below_all_others_and_is_removed_from_wherever_it_is(others):
    stack = Stack(others)
    made: Any = watcher.Watcher.__new__(watcher.Watcher)
    made._stack, made._mode = stack, "ours"
    made.push()
    assert stack == ["ours", *others]
    stack.append("left behind")
    made.pull()
    assert stack == [*others, "left behind"]
    made.push()
    made.push()  # a body in a body of its own
    made.pull()
    assert stack == ["ours", *others, "left behind"]


@pytest.mark.parametrize("is_home", [True, False])
@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize(
    ("operation", "args", "judged"),
    [
        (torch.relu, (1,), None),
        (torch.relu, (1, np.ones(2)), "compute"),
        (torch.add, (1, 2), "if it is asked for"),
        (torch.equal, (1, 2), "scalar"),
        (torch.as_tensor, (1,), "import"),
        (T.numpy, (1,), "export"),
    ],
)
def test_the_mode_judges_what_may_cross(is_home, asks, operation, args, judged):
    seen: list[Any] = []
    watch = SimpleNamespace(home=WORLD if is_home else HOST, broadcasting=asks)
    state: Any = SimpleNamespace(watch=watch)
    mode = watcher._make_mode(torch, WORLD, state, lambda *given: seen.append(given))

    def run(*args, **kwargs):
        return args, kwargs

    for kwargs in (None, {"x": 3}):
        seen.clear()
        with contextlib.suppress(TypeError, AttributeError):  # torch itself refuses the numbers
            mode.__torch_function__(operation, (), args, kwargs)
        if not is_home:
            wanted = operations.kind_of_operation(operation)
        elif judged == "if it is asked for":
            wanted = "compute" if asks else None
        else:
            wanted = judged
        expected = [] if wanted is None else [(watch, WORLD, wanted, operation, args, kwargs)]
        assert seen == expected
    state.watch = None
    seen.clear()
    assert mode.__torch_function__(run, (), (1,), {"x": 2}) == ((1,), {"x": 2})
    assert mode.__torch_function__(run, (), (1,)) == ((1,), {})
    assert seen == []
