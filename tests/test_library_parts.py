"""The parts that all worlds share one by one: conversion, dtypes, wrapping, names and defaults."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Annotated, Any, Literal, TypeVar, Union, Unpack

import numpy as np
import numpy.typing as npt
import pytest

import sekisho as sk
from sekisho.contract.aliases import value_of_alias
from sekisho.worlds import HOST, Policy, Refusal, conversion, tracing, values, world_named, wrapping
from sekisho.worlds.dtypes import dtype_name, package_of, plain_array, refuse_dtype
from sekisho.worlds.layout import Layout, aligned_copy
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Converted, forbid_copy
from sekisho.worlds.release import release_of
from sekisho.worlds.shown import _pointer


class Arrays(Library):
    """A library of this test, which remembers the policies of its conversions."""

    name = "arrays"
    label = "Arrays"
    noun = "an array of Arrays"

    def __init__(self, copied=None):
        self.asked: list[Any] = []
        self.copied = copied

    def to_host(self, value, policy):
        self.asked.append(("to_host", value, policy))
        return Converted("on the host", self.copied)

    def from_host(self, array, policy):
        self.asked.append(("from_host", array, policy))
        return Converted("converted", self.copied)

    def move(self, value, policy):
        self.asked.append(("move", value, policy))
        return Converted("moved", self.copied)


# --- conversion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("copy", [None, True, False])
@pytest.mark.parametrize("reasons", [(None, None), ("first", None), (None, "second"), ("a", "b")])
def test_a_value_goes_through_the_host_and_is_copied_once_at_most(monkeypatch, copy, reasons):
    source, target = Arrays(reasons[0]), Arrays(reasons[1])
    monkeypatch.setattr(conversion, "find_world", lambda _: source)
    policy = Policy(copy=copy, device="there", detach=True, read_only=True, waiting=[])
    made = conversion.convert("value", target, policy)
    assert made == ("converted", reasons[0] or reasons[1])
    inside = policy._replace(copy=False if copy is False else None, device=None)
    assert source.asked == [("to_host", "value", inside._replace(read_only=False, extended=True))]
    assert target.asked == [("from_host", "on the host", policy)]
    source.asked.clear()
    assert conversion.convert("value", source, policy) == ("moved", reasons[0])
    assert conversion.convert("value", HOST, policy) == ("on the host", reasons[0])
    assert source.asked == [("move", "value", policy), ("to_host", "value", policy)]
    monkeypatch.setattr(conversion, "find_world", lambda _: HOST)
    target.asked.clear()
    assert conversion.convert("array", target, policy).value == "converted"
    assert target.asked == [("from_host", "array", policy)]


class Interface:
    def __init__(self, array):
        self.array = array

    @property
    def __array_interface__(self):
        return self.array.__array_interface__


class Pack:
    error: Any = None

    def __dlpack__(self, **options):
        if self.error is not None:
            raise self.error
        return np.arange(3.0).__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


def test_memory_is_read_by_the_interface_of_numpy_or_by_dlpack():
    array = np.arange(3)
    assert conversion.exports_memory(Interface(array))
    assert conversion.exports_memory(Pack())
    assert not conversion.exports_memory([1])
    made = conversion.convert(Interface(array), HOST, Policy()).value
    assert made.ctypes.data == array.ctypes.data
    assert conversion.convert(Pack(), HOST, Policy()).value.tolist() == [0, 1, 2]
    for error in (BufferError("a\nb"), RuntimeError("a"), TypeError("a"), ValueError("a")):
        pack = Pack()
        pack.error = error
        with pytest.raises(Refusal) as caught:
            conversion.convert(pack, HOST, Policy())
        assert caught.value.args == ("its memory cannot be read as an array: a",)


@pytest.mark.parametrize(
    "error", [Refusal("no", "hint"), sk.WorldError("ours"), MemoryError(), KeyError("k"), OSError()]
)
@pytest.mark.parametrize("is_compiling", [False, True])
def test_an_error_on_the_way_is_a_refusal_unless_it_explains_itself(
    monkeypatch, error, is_compiling
):
    def fails(*_):
        raise error

    monkeypatch.setattr(conversion, "_convert", fails)
    monkeypatch.setattr(conversion, "is_compiling", lambda: is_compiling)
    is_changed = isinstance(error, KeyError | OSError) and not is_compiling
    with pytest.raises(Refusal if is_changed else type(error)) as caught:
        conversion.convert(1, HOST, Policy())
    if is_changed:
        text = "KeyError: 'k'" if isinstance(error, KeyError) else "OSError"
        assert caught.value.args == (text,)
        assert caught.value.__suppress_context__
    else:
        assert caught.value is error


def world(name, *, gives=None, takes=None, compiles=None, is_loaded=True):
    return SimpleNamespace(
        name=name,
        is_loaded=lambda: is_loaded,
        quick_to_host=lambda dtypes, read_only: gives and (gives, dtypes, read_only),
        quick_from_host=lambda dtypes: takes and (takes, dtypes),
        quick_is_compiling=lambda: compiles,
    )


def test_the_fast_path_is_that_of_the_one_library_that_has_one(monkeypatch):
    def quick(target, dtypes=None, *, read_only=False):
        return conversion.quick_share(target, dtypes, read_only=read_only)

    found = quick(world("a", takes="f", compiles="asks"), "dtypes")
    assert found == (("f", "dtypes"), "asks", False)
    assert quick(world("a", takes="f")) == (("f", None), tracing.is_compiling, False)
    assert quick(world("a")) is None
    assert quick(world("a", takes="f", is_loaded=False)) is None
    for others, wanted in (
        ([world("a")], None),
        ([world("a"), world("b", gives="g", compiles="asks")], (("g", "d", True), "asks", True)),
        ([world("b", gives="g")], (("g", "d", True), tracing.is_compiling, True)),
        ([world("a", gives="f"), world("b", gives="g")], None),
        ([], None),
    ):
        monkeypatch.setattr(conversion, "loaded_worlds", lambda others=others: others)
        assert quick(HOST, "d", read_only=True) == wanted


def test_a_copy_that_is_forbidden_is_refused_with_the_option():
    for copy in (None, True):
        forbid_copy(Policy(copy=copy), "it is far")
    with pytest.raises(Refusal) as caught:
        forbid_copy(Policy(copy=False), "it is far")
    assert (caught.value.reason, caught.value.hint) == (
        "copy=False, but it is far and has to be copied",
        "copy=None",
    )
    assert Refusal("only a reason").hint is None


# --- dtypes ----------------------------------------------------------------------------------------

TEXT = "turn the text into numbers, such as class indices"


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        ("O", ("it holds Python objects", "{0}.astype('float64')")),
        ("U2", ("it holds text", TEXT)),
        (np.dtypes.StringDType(), ("it holds text", TEXT)),
        ("S2", ("it holds bytes", "read the bytes as numbers, with numpy.frombuffer")),
        ("M8[s]", ("it holds dates", "{0}.astype('int64'), which counts their units")),
        ("m8[s]", ("it holds time spans", "{0}.astype('int64'), which counts their units")),
        ("g", ("it is longdouble, which other lacks", "{0}.astype('float64')")),
        ("G", ("it is clongdouble, which other lacks", "{0}.astype('complex128')")),
        ([("b", "f4"), ("a", "i4")], ("it is structured", "one field at a time: {0}['b']")),
        ("V3", ("it is of raw bytes",)),
        ("float16", ("it is float16, which other lacks", None)),
    ],
)
def test_a_dtype_that_a_library_lacks_is_refused_with_what_it_can_become(dtype, words):
    with pytest.raises(Refusal) as caught:
        refuse_dtype(np.dtype(dtype), "other")
    assert caught.value.args == words


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("q", "int64"), ("Q", "uint64"), ("i1", "int8"), ("u2", "uint16"), ("?", "bool"),
        (">f4", "float32"), ("M8[s]", "datetime64"), ("U2", "str_"), ("O", "object_"),
        ([("a", "f4")], "[('a', '<f4')]"), ("V3", "void"),
    ],
)  # fmt: skip
def test_the_name_of_a_dtype_is_the_same_however_it_is_written(dtype, name):
    expected = {"bool": dtype_name(np.dtype(bool))}.get(name, name)
    assert dtype_name(np.dtype(dtype)) == expected
    assert dtype_name(SimpleNamespace(type=np.float32)) == "float32"

    class Dtype:
        def __str__(self):
            return "library.float8"

    assert dtype_name(Dtype()) == "float8"


class Units(np.ndarray):
    """A subclass that may mean anything."""


def test_a_subclass_without_a_meaning_is_a_plain_array_and_any_other_is_refused():
    plain = np.arange(3.0)
    assert plain_array(plain, "it") is plain
    for array in (
        np.ma.masked_array(plain),
        plain.view(np.memmap),
        plain.view(np.recarray),
        np.ma.masked_array(plain, [False] * 3),
    ):
        made = plain_array(array, "it")
        assert type(made) is np.ndarray
        assert made.ctypes.data == plain.ctypes.data
    assert type(plain_array(np.float32(1), "it")) is np.ndarray
    with pytest.raises(Refusal) as caught:
        plain_array(np.ma.masked_array(plain, [0, 1, 0]), "a tensor")
    assert caught.value.args == (
        "it masks some of its elements, and a tensor cannot",
        "fill them first, as in {0}.filled(...), or pass {0}.data and ~{0}.mask",
    )
    inner = type(
        "Inner", (np.ndarray,), {"__qualname__": "f.<locals>.Inner", "__module__": "ours.x"}
    )
    main = type("Main", (np.ndarray,), {"__module__": "__main__"})
    for kind, name in (
        (np.matrix, "a numpy.matrix"), (inner, "an ours.Inner"), (main, "a Main"),
    ):  # fmt: skip
        with pytest.raises(Refusal) as caught:
            plain_array(np.ones((1, 1)).view(kind), "a tensor")
        assert caught.value.args == (
            f"it is {name}, whose meaning a tensor cannot keep",
            "numpy.asarray({0})",
        )
    assert package_of(inner) == "ours"
    assert package_of(SimpleNamespace()) == ""


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 58, 59, 200])
def test_a_key_is_shown_with_at_most_sixty_characters(length):
    key = "k" * length
    assert values.short(key) == (repr(key) if length <= 58 else f"'{'k' * 59}...")

    class Raising:
        def __repr__(self):
            raise KeyError

    Raising.__module__ = "ours.deep"
    assert values.short(Raising()) == "<ours.Raising>"


@pytest.mark.parametrize(
    ("module", "qualname", "name"),
    [
        ("builtins", "list", "list"), ("__main__", "Own", "Own"), ("ours.deep", "Own", "ours.Own"),
        ("ours", "f.<locals>.Own", "ours.Own"), ("ours", "Outer.Own", "ours.Outer.Own"),
        ("ours", "sys.Own", "ours.Own"), ("", "Own", "Own"),
    ],
)  # fmt: skip
def test_a_class_is_called_as_its_users_call_it(monkeypatch, module, qualname, name):
    kind = type("Own", (), {"__module__": module, "__qualname__": qualname})
    assert values.type_name(kind) == name
    monkeypatch.setattr(values, "is_compiling", lambda: True)
    assert values.type_name(kind) == "Own"


def test_the_function_that_asks_for_a_world_is_named_and_described():
    is_torch = values.make_is_world("torch")
    assert (is_torch.__name__, is_torch.__qualname__) == ("is_torch", "is_torch")
    assert is_torch.__doc__ == "Tell whether `x` is a tensor of PyTorch."
    assert is_torch(np.ones(2)) is False


def test_a_value_that_cannot_be_described_is_called_by_its_class(monkeypatch):
    class Broken(np.ndarray):
        @property
        def dtype(self):
            raise KeyError

    assert values.describe(np.ones(2).view(Broken)).endswith(".Broken")
    assert values.describe(None) == "None"
    there = SimpleNamespace(
        label="Label", device_name=lambda _: "far", is_scalar=lambda _: False, kind_of=lambda _: "K"
    )
    monkeypatch.setattr(values, "find_world", lambda _: there)
    assert values.describe(np.ones((2, 3), "f4")) == "float32[2, 3] (K, Label on far)"
    there.kind_of = lambda _: None
    there.device_name = lambda _: "cpu"
    assert values.describe(np.ones(2, "f4")) == "float32[2] (Label)"
    there.is_scalar = lambda _: True
    assert values.describe(np.ones(2, "f4")) == "float32 scalar (Label)"


@pytest.mark.parametrize(
    ("version", "release"),
    [("2.13.0+cpu", (2, 13)), ("2.6.0a1", (2, 6)), ("3", (3,)), ("", ()), (None, ())],
)
def test_a_release_is_the_first_two_numbers_of_a_version(version, release):
    library = SimpleNamespace() if version is None else SimpleNamespace(__version__=version)
    assert release_of(library) == release


# --- wrapping --------------------------------------------------------------------------------------


def test_operators_and_scalars_are_named_by_their_class():
    names = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
    both = {f"A.__{r}{name}__" for name in names for r in ("", "r")}
    found = wrapping.operators_of("A")
    assert (len(found), set(found)) == (17, {"A.__getitem__", *both})
    methods = ["item", "tolist", "__bool__", "__int__", "__float__", "__complex__", "__index__"]
    assert wrapping.scalars_of("A") == tuple(f"A.{name}" for name in methods)


def test_an_operation_is_looked_up_by_its_dotted_name(monkeypatch):
    module = SimpleNamespace(add=len, inner=SimpleNamespace(sub=abs))
    library = Arrays()
    monkeypatch.setattr(library, "load", lambda: module, raising=False)
    find = wrapping.find_operation
    assert find(library, "add") == (module, "add", len)
    assert find(library, "inner.sub") == (module.inner, "sub", abs)
    assert find(library, "inner.other") == (module.inner, "other", None)
    assert find(library, "missing.sub") == (None, "sub", None)
    assert find(library, "missing.deep.sub") == (None, "sub", None)


def test_a_wrapper_looks_like_its_function_and_is_noted(monkeypatch):
    def add(a, b):
        """Add."""

    add.__doc__, odd = "Add.", SimpleNamespace(__name__=3, __doc__="Odd.")
    module, noted, done = SimpleNamespace(add=add, odd=odd), [], []
    library = Arrays()
    monkeypatch.setattr(library, "load", lambda: module, raising=False)
    monkeypatch.setattr(library, "note_wrapper", lambda *each: noted.append(each), raising=False)
    monkeypatch.setattr(library, "prepare_wrapping", lambda: done.append("prepared"), raising=False)
    observer: Any = SimpleNamespace(wrap=lambda *each: done.append(each))

    def make(world, kind, name, inner):
        def made():
            """Be replaced."""

        made.of = (world, kind, name, inner)
        return made

    names: Any = {"compute": ("add", "odd", "missing"), "move": ("add",)}
    wrapping.wrap_operations(observer, library, names, make)
    assert done[0] == "prepared"
    assert [each[:3] for each in done[1:]] == [
        (module, "add", library), (module, "odd", library), (module, "add", library),
    ]  # fmt: skip
    made = done[1][3](add)
    assert made.of == (library, "compute", "add", add)
    assert (made.__name__, made.__doc__, made.__wrapped__) == ("add", "Add.", add)
    assert made.__qualname__ == add.__qualname__
    assert made.__module__ == __name__
    other = done[2][3](odd)
    assert (other.__name__, other.__doc__, other.__wrapped__) == ("made", "Odd.", odd)
    assert noted == [(add, made), (odd, other)]
    assert done[3][3](add).of[1] == "move"


# --- defaults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "broadcasts"),
    [
        ("add", True), ("Tensor.__add__", True), ("Tensor.__radd__", True), ("__rsub__", True),
        ("add_", True), ("special_xlogy", True), ("special.zeta", True), ("matmul", False),
        ("__matmul__", False), ("radd", False), ("mse_loss", True), ("Tensor.sum", False),
        ("__rmatmul__", False), ("", False),
    ],
)  # fmt: skip
def test_an_operation_broadcasts_by_its_name(name, broadcasts):
    assert HOST.broadcasts(name) is broadcasts

    def function():
        """Have a name."""

    function.__name__ = name.rpartition(".")[2]
    assert HOST.broadcasts(function) is broadcasts
    assert HOST.broadcasts(SimpleNamespace()) is False


def test_an_operation_is_called_by_its_library_and_name():
    library = Arrays()
    assert library.operation_name("add") == "arrays.add"
    assert library.operation_name(str.join) == "arrays.str.join"
    assert library.operation_name(SimpleNamespace(__name__="f")) == "arrays.f"
    assert library.operation_name(SimpleNamespace(__qualname__="", __name__="f")) == "arrays.f"


def test_why_an_operation_copied_by_default():
    library, there = Arrays(), Arrays()
    there.device_name = lambda _: "far"
    array = np.ones(3)

    def why(value, crossed, target=library):
        return library.why_copied("add", value, crossed, library, target)

    assert why(array, array) == "arrays.add works on a copy of it"
    assert why(array, array[:], there) == "it moved from cpu to far"
    assert why(array, array[:]) is None
    assert why(array, array[1:]) == "arrays.add copied it"
    assert why(array, 3) == "arrays.add copied it"
    assert why(4, 3) == "arrays.add copied it"
    assert _pointer(SimpleNamespace(unsafe_buffer_pointer=lambda: 7)) == 7
    assert _pointer(array) == array.ctypes.data
    assert _pointer(SimpleNamespace(__array_interface__={})) is None
    assert library.may_share(array, array) is True
    assert library.may_share(array, array[:]) is False


def test_the_device_that_is_waited_for_by_default(monkeypatch):
    library = Arrays()
    library.device_name = lambda value: f"device of {value}"
    monkeypatch.setattr(library, "owns", lambda value: value == "array", raising=False)
    assert library.waits_for("wait", ("array",)) == "device of array"
    for args in ((), (3,), (3, "array")):
        assert library.waits_for("wait", args) == "device"


def test_what_a_library_says_of_a_value_by_default():
    library = Arrays()
    array = np.arange(12).reshape(3, 4)
    assert library.size(array) == 12
    assert library.nbytes(array) == array.nbytes
    assert library.nbytes(3) == 0
    assert library.sampled(array, (2, 3)).tolist() == [[0, 3], [8, 11]]
    assert library.devices() == ()
    assert library.device_question("x") == ("device", None)
    assert library.write_count(array) is None
    assert library.quick_to_host(None, read_only=False) is None
    assert library.quick_from_host(None) is None
    assert library.quick_is_compiling() is None
    assert library.is_module(array) is False
    assert library.alias(int) is None
    assert library.why_shapeless(array) is None
    assert tuple(library.making_calls(None, is_number=True)) == ()
    assert library.worker_name() is None
    assert library.watcher(None, print) is None
    assert library.compiled(len, {}) is None
    assert library.compiled_code("f", "x", ["x"], {}) == ""
    assert library.cuts_gradient(len, (), {}) is False
    with library.watching_overflow() as (prepared, found):
        assert prepared(array) is array
        assert found == []


def test_a_library_takes_its_own_arrays_and_those_that_it_makes_of_numpys(monkeypatch):
    library = Arrays()
    monkeypatch.setattr(library, "owns", lambda value: value == "own", raising=False)
    library.owns = lambda value: type(value) is str and value == "own"
    assert library.takes("own")
    assert not library.takes("other")
    plain, fields = np.ones(2), np.ones(2, [("", "f4")])
    made = plain.view(type("Made", (np.ndarray,), {"__module__": "arrays.core"}))
    assert not library.takes(plain)
    assert library.takes(made)
    assert not library.takes(fields)
    library.host_fields = ("f0",)
    assert library.takes(fields)
    library.dtypes = lambda: {"a": "float32", 3: "int8"}
    assert library.is_dtype(3)
    assert not library.is_dtype("a")  # a text is no dtype
    assert not library.is_dtype([])
    assert not library.is_dtype(4)
    library.array_type = lambda: np.ndarray
    assert library.kind_of(plain) is None
    assert library.kind_of(made) == "Made"
    assert library.__reduce__() == (world_named, ("arrays",))


@pytest.mark.parametrize("copy", [None, True, False])
def test_a_library_without_devices_moves_nothing(copy):
    bare: Any = Library()
    bare.label, array = "Bare", np.ones(2)
    made = sk.World.move(bare, array, Policy(copy=copy))
    assert made.copied == ("copy=True" if copy else None)
    assert (made.value is array) is not copy
    bare.device = lambda _: "here"
    assert sk.World.move(bare, array, Policy(device="here")).value is array
    with pytest.raises(Refusal) as caught:
        sk.World.move(bare, array, Policy(device="there"))
    assert caught.value.args == ("Bare moves no values between devices",)
    with pytest.raises(Refusal) as caught:
        bare.parse_device("gpu")
    assert caught.value.args == ("Bare has no device 'gpu'",)
    assert repr(world_named("numpy")) == "<world numpy>"


# --- layouts and traces ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "float64", ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (7, 5, 3)])
def test_a_copy_starts_at_a_multiple_of_a_cache_line(dtype, shape):
    array = (
        np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)[..., ::-1]
        if shape
        else np.array(5, dtype)
    )
    for _ in range(8):
        made = aligned_copy(array, np.dtype(dtype).newbyteorder("="))
        assert made.ctypes.data % 64 == 0 or not made.size
        assert made.flags.c_contiguous
        assert (made.shape, made.tolist()) == (array.shape, array.tolist())
        assert not np.may_share_memory(made, array)


def test_a_layout_fits_by_rank_kind_dtype_and_size():
    plain = Layout("{0}")
    assert plain.fits((), "f", "float32")
    assert plain.fits((0,), "c", "complex64")
    assert not plain.fits((), "U", "str_")
    matrix = Layout("{0}", rank=2, kinds="f", dtypes=frozenset({"float32"}), takes_empty=False)
    assert matrix.fits((2, 3), "f", "float32")
    assert matrix.fits((2, 3, 4), "f", "float32")
    assert not matrix.fits((2,), "f", "float32")
    assert not matrix.fits((2, 3), "i", "float32")
    assert not matrix.fits((2, 3), "f", "float64")
    assert not matrix.fits((2, 0), "f", "float32")


@pytest.mark.parametrize(
    ("version", "dtypes_plain", "classes_plain"),
    [
        ("2.13.0", True, True),
        ("2.12.1", False, True),
        ("2.9.0", False, True),
        ("2.8.9", False, False),
    ],
)
def test_what_an_older_compiler_cannot_trace_is_put_otherwise(
    monkeypatch, version, dtypes_plain, classes_plain
):
    library = SimpleNamespace(dtype=int, __version__=version)
    monkeypatch.setitem(sys.modules, "torch", library)
    every = frozenset({"of numpy", 3})
    found: Any = tracing.traceable_dtypes(every)
    assert (found is every) is dtypes_plain
    assert 3 in found
    assert "of numpy" in found
    assert 4 not in found
    if not dtypes_plain:
        monkeypatch.setattr(tracing, "is_compiling", lambda: True)
        assert 3 in found
        assert "of numpy" not in found
    classes = tracing.traceable_classes(int, str)
    assert isinstance(classes, frozenset) is classes_plain
    assert set(classes) == {int, str}
    for missing in (None, SimpleNamespace(__version__="1.0")):
        monkeypatch.setitem(sys.modules, "torch", missing)
        assert tracing.traceable_dtypes(every) is every
        assert tracing.traceable_classes(int) == frozenset({int})


@pytest.mark.parametrize("is_there", [True, False])
def test_a_program_is_not_compiled_while_torch_is_missing_or_being_imported(monkeypatch, is_there):
    compiler = SimpleNamespace(is_compiling=lambda: "asked")
    library = SimpleNamespace(compiler=compiler) if is_there else SimpleNamespace()
    monkeypatch.setitem(sys.modules, "torch", library)
    assert tracing.is_compiling() == ("asked" if is_there else False)
    monkeypatch.delitem(sys.modules, "torch")
    assert tracing.is_compiling() is False
    assert tracing.runs_while_compiling() is False


# --- NumPy's own annotations -----------------------------------------------------------------------

S = TypeVar("S", bound=np.floating)
TWO = TypeVar("TWO", np.float32, np.int8)
ANY = TypeVar("ANY")
ITSELF = TypeVar("ITSELF", bound=np.dtype[np.int8])
LATE = TypeVar("LATE", bound="np.float32")
REALS = ("float16", "float32", "float64", "longdouble")
F4 = np.dtype[np.float32]


@pytest.mark.parametrize(
    ("hint", "found"),
    [
        (npt.NDArray[np.float32], ("NDArray[float32]", ("float32",), "float32", None, None)),
        (npt.NDArray[np.floating], ("NDArray[floating]", REALS, "floating", None, None)),
        (npt.NDArray[np.floating[Any]], ("NDArray[floating]", REALS, "floating", None, None)),
        (npt.NDArray[Any], ("NDArray[Any]", None, None, None, None)),
        (npt.NDArray[np.generic], ("NDArray[Any]", None, None, None, None)),
        (npt.NDArray[int], ("NDArray[int]", (dtype_name(np.dtype(int)),), "int", None, None)),
        (npt.NDArray[np.float32 | np.int8],
         ("NDArray[float32 | int8]", ("float32", "int8"), "float32 | int8", None, None)),
        (npt.NDArray[Union[np.int8, Any]], ("NDArray[Any]", None, None, None, None)),
        (npt.NDArray[Annotated[np.int8, 1]], ("NDArray[int8]", ("int8",), "int8", None, None)),
        (npt.NDArray[S], ("NDArray[S]", REALS, "S", None, "S")),
        (npt.NDArray[TWO], ("NDArray[TWO]", ("float32", "int8"), "TWO", None, "TWO")),
        (npt.NDArray[ANY], ("NDArray[ANY]", None, "ANY", None, "ANY")),
        (npt.NDArray[LATE], ("NDArray[LATE]", None, "LATE", None, "LATE")),
        (np.ndarray[Any, ITSELF], ("NDArray[ITSELF]", ("int8",), "ITSELF", None, "ITSELF")),
        (np.ndarray[Any, np.dtype[np.int8] | F4],
         ("NDArray[int8 | float32]", ("int8", "float32"), "int8 | float32", None, None)),
        (np.ndarray[Any, Annotated[F4, 1]], ("NDArray[float32]", ("float32",), "float32", None, None)),
        (np.ndarray[tuple[int, int], F4],
         ("NDArray[float32], 2 axes", ("float32",), "float32", "_ _", None)),
        (np.ndarray[tuple[int, int], Any], ("NDArray[Any], 2 axes", None, None, "_ _", None)),
        (np.ndarray[tuple[Literal[3], int], F4],
         ("NDArray[float32], 2 axes", ("float32",), "float32", "3 _", None)),
        (np.ndarray[tuple[int], F4], ("NDArray[float32], 1 axis", ("float32",), "float32", "_", None)),
        (np.ndarray[tuple[()], F4], ("NDArray[float32], 0 axes", ("float32",), "float32", "", None)),
        (np.ndarray[tuple[int, ...], F4], ("NDArray[float32]", ("float32",), "float32", None, None)),
        (np.ndarray[tuple[int, Unpack[tuple[int, ...]]], F4],  # noqa: UP044 - as it may be written
         ("NDArray[float32], at least 1 axis", ("float32",), "float32", "_ ...", None)),
        (np.ndarray[tuple[*tuple[int, ...], int], F4],
         ("NDArray[float32], at least 1 axis", ("float32",), "float32", "... _", None)),
        (np.ndarray[tuple[int, *tuple[int, int]], F4],
         ("NDArray[float32], 3 axes", ("float32",), "float32", "_ _ _", None)),
        (np.ndarray, None), (list[int], None), (int, None),
    ],
)  # fmt: skip
def test_an_annotation_of_numpys_is_read_as_dtypes_and_axes(hint, found):
    # From NumPy 2.5 on, `NDArray` is declared by `type`; who reads annotations looks at what it stands for.
    alias = HOST.alias(value_of_alias(hint, str) if hasattr(hint, "__value__") else hint)
    assert alias is None if found is None else alias[:5] == found
    assert alias is None or alias.kind is None


def test_what_numpys_world_does_with_values():
    array = np.arange(3.0)
    assert HOST.is_dtype(array.dtype)
    assert not HOST.is_dtype(np.float32)
    assert HOST.may_share(array, array[1:]) is True
    assert HOST.may_share(array, array.copy()) is False
    assert HOST.may_share(array, "text") is False
    rounded, eps = HOST.rounded_to(array / 3, "float16")
    assert (rounded.dtype, eps) == ("float16", 2**-10)
    like = HOST.shaped_like(array, "int8")
    assert (like.dtype, like.shape, like.strides) == ("int8", (3,), (0,))
    assert HOST.round(array / 2).tolist() == [0, 0, 1]
    assert HOST.size(array) == 3
    for copy in (None, False):
        for way in (HOST.move, HOST.to_host, HOST.from_host):
            assert way(array, Policy(copy=copy)) == Converted(array, None)
    assert HOST.move(array, Policy(copy=True)).copied == "copy=True"
    units = array.view(Units)
    assert HOST.concat([units, units], None).tolist() == [0, 1, 2, 0, 1, 2]
    assert HOST.concat([array, array], 0).shape == (6,)
    assert HOST.concat([array[None], array[None]], None).shape == (6,)
    with HOST.watching_overflow() as (prepared, lines):
        prepared(np.array([255], "u1")) + np.array([1], "u1")
    assert len(lines) == 1


@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize("dtype", [None, "int8", "bfloat16"])
def test_the_calls_that_make_an_array_of_numpy(is_number, dtype):
    plain = "numpy.asarray({0})"
    calls = [(plain, None), *([("numpy.atleast_1d({0})", None)] if is_number else [])]
    if dtype == "int8":
        calls.append(("numpy.asarray({0}, dtype='int8')", plain))
        calls += [("numpy.atleast_1d({0}).astype('int8')", plain)] if is_number else []
    assert list(HOST.making_calls(dtype, is_number=is_number)) == calls


@pytest.mark.parametrize(("name", "module"), [("jax", "jax.numpy"), ("cupy", "cupy")])
@pytest.mark.parametrize("is_number", [True, False])
@pytest.mark.parametrize("dtype", [None, "int8"])
def test_the_calls_that_make_an_array_of_a_library_like_numpy(name, module, is_number, dtype):
    calls = [f"{module}.asarray({{0}})"]
    calls += [f"{module}.atleast_1d({{0}})"] if is_number else []
    calls += [f"{module}.asarray({{0}}, dtype='int8')"] if dtype else []
    found = world_named(name).making_calls(dtype, is_number=is_number)
    assert list(found) == [(call, "numpy.asarray({0})") for call in calls]
