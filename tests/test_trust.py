"""Cases from users: each was once a wrong hint, a silent acceptance, or a bad error."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections import deque
from collections.abc import Collection, ItemsView, Iterable, ValuesView
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar, Unpack

import beartype
import numpy as np
import pytest
from jaxtyping import Float, Float32, Int32, Int64, Shaped, UInt8

import sekisho as sk

A = np.ndarray


def guard(annotation: Any, decorate: Any = sk.numpy_world) -> Any:
    def f(x):
        return x

    f.__annotations__ = {"x": annotation}
    return decorate(f)


def refusal(call: Any) -> str:
    with pytest.raises(sk.SekishoError) as caught:
        call()
    return str(caught.value)


# --- 1. hints that lost data ---------------------------------------------------------------------

IMAGE = np.array([[0.0, 0.97], [0.5, 1.0]])


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (
            UInt8[A, "h w"],
            IMAGE,
            "got float64[2, 2] (NumPy).\n  'x' is float64, not UInt8\n"
            "  hint: its values are in [0, 1]: scale and round first: "
            "numpy.rint(x * 255).astype('uint8')",
        ),
        (
            UInt8[A, "n"],
            np.array([300.0, -1.0]),
            "got float64[2] (NumPy).\n  'x' is float64, not UInt8\n"
            "  hint: some values are outside of what uint8 holds: scale or clip them first",
        ),
        (
            UInt8[A, "n"],
            np.array([np.nan, 1.0]),
            "got float64[2] (NumPy).\n  'x' is float64, not UInt8\n"
            "  hint: it holds NaN or infinity, which uint8 cannot: replace them first",
        ),
        (
            Int64[A, "n"],
            np.array([0.5, 2.0]),
            "got float64[2] (NumPy).\n  'x' is float64, not Int64\n"
            "  hint: its values are not whole numbers: round first: numpy.rint(x).astype('int64')",
        ),
        (
            Int64[A, "n"],
            np.array([1.0, 2.0]),
            "got float64[2] (NumPy).\n  'x' is float64, not Int64\n  hint: x.astype('int64')",
        ),
        (
            Int32[A, "n"],
            np.array([2**40]),
            "got int64[1] (NumPy).\n  'x' is int64, not Int32\n"
            "  hint: some values are outside of what int32 holds: scale or clip them first",
        ),
        (
            Float32[A, "n"],
            np.array([1 + 2j]),
            "got complex128[1] (NumPy).\n  'x' is complex128, not Float32\n"
            "  hint: it has an imaginary part, which float32 has not: take x.real or abs(x) first",
        ),
        (
            Float32[A, "n"],
            np.array(["1.5"]),
            "got str_[1] (NumPy).\n  'x' is str_, not Float32",
        ),
        (
            Float32[A, "n"],
            np.array([0.1]),
            "got float64[1] (NumPy).\n  'x' is float64, not Float32\n"
            "  hint: x.astype('float32'), which rounds",
        ),
        (
            Float32[A, "n"],
            np.float64(1.5),
            "got float64 scalar (NumPy).\n  a NumPy scalar is not an array\n"
            "  hint: numpy.atleast_1d(x).astype('float32')",
        ),
        (
            Float[A, "n"],
            np.float64(1.5),
            "got float64 scalar (NumPy).\n  a NumPy scalar is not an array\n"
            "  hint: numpy.atleast_1d(x)",
        ),
        (
            Float32[A, "n"],
            [1.0, 2.0],
            "got a list.\n  a list is not an array\n  hint: numpy.asarray(x, dtype='float32')",
        ),
    ],
)
def test_a_hint_loses_nothing_or_says_what(annotation, value, text):
    start = f"f() argument 'x': expected {guard_text(annotation)}, "
    assert refusal(lambda: guard(annotation)(value)) == start + text


def guard_text(annotation: Any) -> str:
    return f'{annotation.dtype.__name__}[ndarray, "{annotation.dim_str}"]'


def test_no_hint_makes_memory_that_holds_nothing(torch):
    meta = torch.ones(2, device="meta")
    assert refusal(lambda: guard(A)(meta)) == (
        "f() argument 'x': expected ndarray, got float32[2] (PyTorch on meta).\n"
        "  it holds no values"
    )


# --- 2. what was accepted in silence --------------------------------------------------------------

ONE, TWO = np.ones(1), np.ones(2)


@pytest.mark.parametrize(
    ("annotation", "value", "where"),
    [
        (deque[Float[A, "n"]], deque([ONE, TWO]), "x[1]"),
        (ValuesView[Float[A, "n"]], {"a": ONE, "b": TWO}.values(), "x[1]"),
        (ItemsView[str, Float[A, "n"]], {"a": ONE, "b": TWO}.items(), "x[1][1]"),
        (list[deque[Float[A, "n"]]], [deque([ONE]), deque([TWO])], "x[1][0]"),
        (Collection[Float[A, "n"]], deque([ONE, TWO]), "x[1]"),
        (Iterable[Float[A, "n"]], {"a": ONE, "b": TWO}.values(), "x[1]"),
        (tuple[int, *tuple[Float[A, "n"], ...]], (1, ONE, TWO), "x[2]"),
    ],
)
def test_every_item_of_every_container_is_checked(annotation, value, where):
    f = guard(annotation)
    assert refusal(lambda: f(value)) == (
        f"f() argument 'x' at {where}: expected Float[ndarray, \"n\"], got float64[2] (NumPy).\n"
        f"  axis 'n' is 1 (from {where.replace('[1][1]', '[0][1]').replace('[1][0]', '[0][0]')}"
        f"), but axis 0 of {where} is 2"
    ).replace("(from x[1])", "(from x[0])").replace("(from x[2])", "(from x[1])")


def test_what_is_converted_inside_of_a_container_keeps_its_kind(torch):
    tensor = torch.ones(2)
    made = guard(deque[Float[A, "n"]])(deque([TWO, tensor], maxlen=5))
    assert (type(made), made.maxlen, type(made[1])) == (deque, 5, A)
    views = guard(ValuesView[Float[A, "n"]])({"a": tensor}.values())
    assert [type(each) for each in views] == [A]
    items = guard(ItemsView[str, Float[A, "n"]])({"a": tensor}.items())
    assert [(key, type(each)) for key, each in items] == [("a", A)]
    assert guard(tuple[int, *tuple[A, ...]])((1, tensor))[1].tolist() == [1, 1]


T = TypeVar("T")


@dataclasses.dataclass
class Box(Generic[T]):
    value: T


class Opaque(Generic[T]):
    pass


def test_a_generic_record_is_read_and_any_other_generic_class_is_refused():
    f = guard(Box[Float[A, "n n"]])
    f(Box(np.ones((2, 2))))
    assert "at x.value: expected Float" in refusal(lambda: f(Box(np.ones((2, 3)))))
    assert refusal(lambda: guard(Opaque[A])) == (
        "f() argument 'x': tests.test_trust.Opaque[ndarray]: the arrays inside of an Opaque "
        "cannot be checked; annotate it as Any, and check what comes out of it with sekisho.check"
    )


def test_what_a_class_inherits_for_its_fields_is_called_as_it_was():
    told = []

    class Above:
        def __post_init__(self, *args, **kwargs):
            told.append((args, kwargs))

    @sk.numpy_world
    class Guarded(Above):
        pass

    Guarded().__post_init__(1, b=2)
    assert told == [((1,), {"b": 2})]


def test_a_dataclass_decorator_above_a_world_is_told_at_the_first_instance():
    @dataclasses.dataclass
    @sk.numpy_world
    class S:
        x: Float[A, "n"]

    assert refusal(lambda: S(x="hello")) == (
        "S was made a dataclass after it was guarded, so nothing checks its fields.\n"
        "  hint: @numpy_world above the other decorator"
    )

    @dataclasses.dataclass(slots=True)
    @sk.numpy_world
    class Slots:
        x: Float[A, "n"]

    assert "was made a dataclass after it was guarded" in refusal(lambda: Slots(x="hello"))

    @sk.numpy_world
    class Plain:
        x: Float[A, "n"]

    @dataclasses.dataclass
    class Below(Plain):
        y: int = 0

    assert Below(3).y == 3  # its own class was never guarded


def test_a_block_that_is_never_entered_says_so():
    for make, name in (
        (lambda: sk.mode("strict"), "sekisho.mode(...)"),
        (sk.record_crossings, "sekisho.record_crossings()"),
        (sk.crossing_allowed, "sekisho.crossing_allowed()"),
    ):
        with pytest.warns(RuntimeWarning) as caught:
            make()
        assert str(caught[0].message) == (
            f"{name} was never entered, and so did nothing.\n  hint: with {name}:"
        )
    with pytest.raises(ValueError, match="expected one of"):
        sk.mode("bogus")


def test_a_mode_decorates_functions_and_coroutines():
    import asyncio

    @sk.mode("strict")
    def f():
        return sk.get_mode()

    @sk.mode("strict")
    async def g():
        return sk.get_mode()

    assert f() == f() == asyncio.run(g()) == "strict"
    assert "mode() cannot decorate a generator" in refusal(lambda: sk.mode("warn")(one_by_one))


def one_by_one():
    yield 1


def test_a_module_of_torch_is_guarded_and_stays_a_module(torch):
    import copy
    import pickle

    linear = torch.nn.Linear(3, 2)
    module = sk.torch_world(linear)
    assert module is linear
    assert isinstance(module, torch.nn.Linear)
    assert len(list(module.parameters())) == 2
    assert torch.nn.Sequential(module)(torch.ones(1, 3)).shape == (1, 2)
    for each in (module, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(each) == "Linear(in_features=3, out_features=2, bias=True)"
        with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"Linear\.forward\(\) argument"):
            each(np.ones((1, 3), "f4"))
    copied = copy.deepcopy(module)
    with torch.no_grad():
        copied.weight.zero_()
    assert not torch.equal(copied(torch.ones(1, 3)), module(torch.ones(1, 3)))
    assert type(sk.torch_world(torch.nn.Linear(1, 1))) is type(module)


def test_the_class_of_a_guarded_module_goes_with_its_modules(torch):
    import gc
    import weakref

    class Net(torch.nn.Linear):
        pass

    reference = weakref.ref(Net)
    sk.torch_world(Net(1, 1))(torch.ones(1, 1))
    del Net
    gc.collect()  # a class is part of a reference cycle
    assert reference() is None


def test_a_module_whose_class_cannot_be_changed_says_so(torch):
    class Final(torch.nn.Linear):
        def __init_subclass__(cls):
            raise TypeError("it is final")

    assert refusal(lambda: sk.torch_world(Final(1, 1))) == (
        "torch_world(): this Final cannot be guarded: it is final\n"
        "  hint: decorate its class, or the function that calls it"
    )


def test_values_are_never_moved_to_where_none_are(torch):
    assert refusal(lambda: sk.to_torch(np.ones(3), device="meta")) == (
        "to_torch() argument 'x': expected a tensor, or what converts to one, "
        "got float64[3] (NumPy).\n"
        "  a tensor on device 'meta' holds no values: all of these would be lost"
    )


def test_a_type_checker_that_was_named_judges_plain_classes_too():
    asked = []

    def spy(function):
        def checked(value):
            asked.append(value)
            return function(value)

        return checked

    @sk.numpy_world(typechecker=spy)
    def scale(gain: float): ...

    scale(2)
    assert asked == [2]
    strict = beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=False))

    @sk.numpy_world(typechecker=strict)
    def narrow(gain: float): ...

    assert refusal(lambda: narrow(2)) == "narrow() argument 'gain': expected float, got an int."


def test_an_untested_torch_is_told_of_once(torch, monkeypatch):
    from sekisho.worlds import torch as record

    monkeypatch.setattr(record, "_is_version_known", False)
    monkeypatch.setattr(torch, "__version__", "2.4.0+cpu")
    with pytest.warns(RuntimeWarning) as caught:
        record.look_at_version(torch)
    record.look_at_version(torch)
    assert [str(each.message) for each in caught] == [
        "torch 2.4.0+cpu is older than 2.6, the oldest that sekisho is tested with: "
        "on some such releases values are lost.\n  hint: torch>=2.6, or SEKISHO_MODE=off"
    ]


@pytest.mark.parametrize(
    "touch",
    [
        "sk.add_batch_dim(torch.ones(1))",
        "sk.to_numpy(torch.ones(1))",
        "sk.numpy_world(lambda x: x)(torch.ones(1))",
    ],
)
def test_the_first_thing_that_meets_a_tensor_says_so(torch, touch):
    text = f"import sekisho as sk, torch; torch.__version__ = '2.4.0'; {touch}"
    run = [sys.executable, "-c", text]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stderr.count("torch 2.4.0 is older than 2.6") == 1
    off = {**os.environ, "SEKISHO_MODE": "off"}
    if "world" in touch:
        done = subprocess.run(run, capture_output=True, text=True, check=True, env=off)
        assert done.stderr == ""


def test_the_oldest_torch_is_the_one_that_the_project_asks_for():
    root = Path(__file__).parent.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("not in a checkout")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    from sekisho.worlds.torch import OLDEST_TORCH

    version = ".".join(map(str, OLDEST_TORCH))
    assert project["optional-dependencies"]["torch"] == [f"torch>={version}"]


def test_a_lazy_zero_tensor_is_zeros_whatever_its_memory_holds(torch):
    @sk.numpy_world
    def f(x: Float[A, "n m"]):
        return x.tolist()

    for way in (
        lambda x: sk.to_numpy(x).tolist(),
        lambda x: sk.to_world_of(x, np.ones(1)).tolist(),
        f,
    ):
        for _ in range(3):  # independent of the previous content of that memory
            torch.full((2, 3), 7.0).sum()
            assert way(torch._efficientzerotensor((2, 3))) == [[0, 0, 0], [0, 0, 0]]


# --- 3. what was valid, or fixable, and refused badly ----------------------------------------------


def test_a_float_takes_an_int_and_a_complex_both():
    @sk.numpy_world
    def f(gain: float, phase: complex = 0j, gains: list[float] | None = None): ...

    f(2, 1, [1, 2.0])
    f(2.5, 1.5)
    assert refusal(lambda: f("2")) == "f() argument 'gain': expected float, got a str."
    assert refusal(lambda: f(2j)) == "f() argument 'gain': expected float, got a complex."


class Options(TypedDict, total=False):
    weight: Float[A, "n"]
    gain: float


def test_keywords_that_a_typed_dict_declares_are_checked(torch):
    @sk.numpy_world
    def f(x: Float[A, "n"], **options: Unpack[Options]):
        return options

    assert f(TWO) == {}
    assert f(TWO, gain=2) == {"gain": 2}
    assert type(f(TWO, weight=torch.ones(2))["weight"]) is A
    assert refusal(lambda: f(TWO, weight=ONE)) == (
        "f() argument 'options' at options['weight']: expected Float[ndarray, \"n\"], "
        "got float64[1] (NumPy).\n"
        "  axis 'n' is 2 (from argument 'x'), but axis 0 of options['weight'] is 1"
    )
    assert refusal(lambda: f(TWO, wieght=TWO)) == (
        "f() argument 'options': expected Options, got a dict.\n"
        "  'options' has a key 'wieght' too many"
    )

    @sk.numpy_world
    def g(*xs: *tuple[int, *tuple[Float[A, "n"], ...]]): ...

    g(1, ONE, ONE)
    assert "at xs[2]: expected Float" in refusal(lambda: g(1, ONE, TWO))


def test_a_stride_that_is_never_used_may_be_negative(torch):
    array = np.ones((1, 3))[::-1]
    tensor = sk.to_torch(array)
    assert tensor.data_ptr() == array.ctypes.data  # shared, like any other memory
    assert sk.torch_world(lambda x: x)(array).tolist() == [[1, 1, 1]]


def test_no_exception_of_torch_leaves_a_conversion(torch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    real = torch.ones(2)
    with FakeTensorMode():
        assert refusal(lambda: sk.to_numpy(real)) == (
            "to_numpy() argument 'x': expected an array, or what converts to one, "
            "got float32[2] (PyTorch).\n"
            "  FakeTensorMode is on, in which no tensor has values\n"
            "  hint: convert outside of it"
        )
    if not torch.cuda.is_available():
        text = refusal(lambda: sk.to_torch(np.ones(2), device="cuda"))
        start = (
            "to_torch() argument 'x': expected a tensor, or what converts to one, "
            "got float64[2] (NumPy).\n"
            "  this machine cannot move it to cuda: "
        )
        if torch.version.cuda is None:
            assert text == f"{start}Torch not compiled with CUDA enabled"
        else:  # a CUDA build has other words
            assert text.startswith(f"{start}Found no NVIDIA driver")


class Secretive(np.ndarray):
    @property
    def shape(self):
        raise RuntimeError("not for you")


def test_a_value_whose_attributes_raise_is_refused_like_any_other():
    value = np.ones(3).view(Secretive)
    text = (
        'f() {}: expected Float[ndarray, "n m"], got a Secretive.\n'
        "  {} cannot be looked at: RuntimeError: not for you"
    )
    assert refusal(lambda: guard(Float[A, "n m"])(value)) == text.format("argument 'x'", "'x'")

    @sk.numpy_world
    def f() -> Float[A, "n m"]:
        return value

    assert refusal(f) == text.format("the result", "the result")

    def inside(x: Float[A, "n"]):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        sk.numpy_world(inside)(np.ones(2))


@pytest.mark.filterwarnings("ignore")
def test_a_nested_tensor_is_refused_like_any_other(torch):
    nested = torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])
    T = torch.Tensor
    says = "\n  '{}' is nested and has no sizes\n  hint: make it with layout=torch.jagged, which has sizes"
    for hint, value in (
        (Float[T, "n n"], nested),
        (Shaped[T, "n"], nested),
        (Float[T, "n n"] | Float[T, "n"], nested),
        (list[Float[T, "n n"]], [nested]),
        (dict[str, Float[T, "n m"]], {"a": nested}),
    ):
        f = guard(hint, sk.torch_world)
        assert says.format("x") in refusal(lambda f=f, value=value: f(value))
    assert says.format("nested") in refusal(lambda: sk.check(nested, Float[T, "n m"]))
    jagged = torch.nested.as_nested_tensor(nested.unbind(), layout=torch.jagged)
    assert guard(Float[T, "n m"], sk.torch_world)(jagged) is jagged
    # For a crossing argument, sizes alone do not help.
    f = guard(Float[np.ndarray, "n n"], sk.numpy_world)
    assert "hint: take its tensors one by one, as in x.unbind()[...]" in refusal(lambda: f(nested))
    assert "got a Tensor, [1]" in refusal(lambda: sk.stack([nested, torch.ones(1)]))
    assert "Permute is not supported" in refusal(lambda: sk.transpose2d(jagged))


@pytest.mark.parametrize("flavour", ["function", "coroutine", "generator"])
def test_a_body_that_writes_into_shared_memory_is_told_whose_it_is(torch, flavour):
    import asyncio

    @sk.numpy_world
    def f(image: Float32[A, "n"]):
        image[0] = 1

    @sk.numpy_world
    async def g(image: Float32[A, "n"]):
        image += 1

    @sk.numpy_world
    def h(image: Float32[A, "n"]):
        yield image.sort()

    calls = {
        "function": lambda: f(torch.ones(2)),
        "coroutine": lambda: asyncio.run(g(torch.ones(2))),
        "generator": lambda: list(h(torch.ones(2))),
    }
    with pytest.raises(ValueError, match="read-only") as caught:
        calls[flavour]()
    assert caught.value.__notes__ == [
        "sekisho: 'image' is the memory of a tensor, which the guard shares read-only, "
        "since a write would bypass autograd.\n"
        "  hint: write into image.copy(), or have the guard copy: copy=True"
    ]
    frozen = np.ones(2, "f4")
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only") as caught:
        f(frozen)
    assert not hasattr(caught.value, "__notes__")


def _has_signature(function):
    try:
        inspect.signature(function)
    except ValueError:
        return False
    return True


def test_what_has_no_signature_is_told_the_two_lines_that_wrap_it(torch):
    assert refusal(lambda: sk.numpy_world(np.exp)) == (
        "exp() is a ufunc of NumPy.\n  hint: def exp(x):\n            return numpy.exp(x)"
    )
    assert "def add(x1, x2):\n            return numpy.add(x1, x2)" in refusal(
        lambda: sk.numpy_world(np.add)
    )
    assert refusal(lambda: sk.torch_world(torch.relu)).endswith(
        "its signature cannot be read, since it is built in.\n"
        "  hint: def relu(x):\n            return torch.relu(x)"
    )
    assert sk.numpy_world(np.sum)(TWO) == 2.0
    if _has_signature(np.dot):  # missing in NumPy 2.0
        assert sk.numpy_world(np.dot)(TWO, TWO) == 2.0


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (np.dtype("float32"), 'a dtype is no annotation\n  hint: Float32[numpy.ndarray, "..."]'),
        (np.array, "array: a function is no annotation\n  hint: the class is numpy.ndarray"),
        (np, "numpy: a module is no annotation"),
        (Float32, 'Float32: it names a dtype and no array\n  hint: Float32[numpy.ndarray, "..."]'),
        (3, "3 is no annotation that can be checked"),
    ],
)
def test_what_is_no_annotation_is_told_which_was_meant(annotation, text):
    error = refusal(lambda: guard(annotation))
    assert text in error
    assert "beartype" not in error


def test_a_checker_of_ones_own_says_in_a_line_why_an_annotation_is_none():
    def checker(function):
        raise ValueError("not this one\nat great length")

    def f(x: int): ...

    f.__annotations__ = {"x": 3}
    assert refusal(lambda: sk.numpy_world(typechecker=checker)(f)) == (
        "f() argument 'x': 3 is no annotation that can be checked: not this one"
    )


def test_a_scalar_type_of_numpy_is_no_array():
    assert refusal(lambda: guard(np.float32)(np.ones((2, 3), "f4"))) == (
        "f() argument 'x': expected float32, got float32[2, 3] (NumPy).\n"
        "  float32 is one number, a scalar of NumPy; "
        "an array of them is numpy.typing.NDArray[numpy.float32]"
    )
    guard(np.float32)(np.float32(1))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: sk.numpy_world(on_forign="convert"), "did you mean 'on_foreign'?"),
        (lambda: sk.torch_world(devise="cpu"), "did you mean 'device'?"),
        (lambda: sk.boundary(device="cpu"), "'device' is an option of torch_world"),
        (lambda: sk.mode("warn", to_nump="allow"), "did you mean 'to_numpy'?"),
        (lambda: sk.permute_dims(np.ones((2, 1)), 1, 0), "hint: permute_dims(x, (1, 0))"),
        (lambda: sk.permute_dims(np.ones((2, 1)), dims=(1, 0)), "the word here is axes"),
        (lambda: sk.stack(ONE, ONE), "the arrays are one list.\n  hint: stack([a, b])"),
        (lambda: sk.concat([ONE], 0), "the axis goes by its name."),
        (lambda: sk.concat([ONE], dim=0), "the word here is axis"),
        (lambda: sk.expand_dims(ONE, dim=0), "the word here is axis\n  hint: expand_dims(x, axis)"),
        (lambda: sk.squeeze(ONE, dim=0), "the word here is axis"),
        (lambda: sk.squeeze(ONE), "which axis?\n  hint: squeeze(x, axis)"),
        (lambda: sk.to_numpy(ONE, force=True), "the word here is detach=True"),
        (lambda: sk.to_numpy(ONE, detatch=True), "hint: did you mean 'detach'?"),
        (lambda: sk.to_torch(ONE, devise="cpu"), "hint: did you mean 'device'?"),
        (lambda: sk.to_jax(ONE, copi=True), "hint: did you mean 'copy'?"),
        (lambda: sk.numpy_world(typechecker=beartype.BeartypeConf()), "hint: beartype.beartype(co"),
    ],
)
def test_a_word_that_is_none_here_is_told_the_one_that_is(call, text):
    error = refusal(call)
    assert text in error
    assert issubclass(sk.DeclarationError, TypeError)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unsqueeze", "hint: sekisho.expand_dims(x, axis)"),
        ("from_numpy", "hint: sekisho.to_torch(x)"),
        ("cat", "hint: sekisho.concat(arrays, axis=0)"),
        ("numpy_wold", "hint: sekisho.numpy_world"),
        ("torch", "hint: sekisho.torch_world, or sekisho.to_torch(x)"),
        ("numpy", "hint: sekisho.numpy_world, or sekisho.to_numpy(x)"),
        ("jax", "hint: sekisho.jax_world, or sekisho.to_jax(x)"),
        ("strict", "hint: sekisho.mode('strict')"),
        ("convert", "hint: sekisho.mode('convert')"),
    ],
)
def test_a_name_of_another_library_is_told_the_one_here(name, text):
    assert not hasattr(sk, name)
    with pytest.raises(AttributeError) as caught:
        getattr(sk, name)
    assert str(caught.value) == f"module 'sekisho' has no '{name}'.\n  {text}"
    # An import drops the text of an AttributeError.
    with pytest.raises(ImportError) as imported:
        exec(f"from sekisho import {name}", {"__name__": "of_somebody"})
    assert str(imported.value) == str(caught.value)


def test_the_parentheses_of_a_block_are_missed():
    def enter():
        with sk.crossing_allowed:
            pass

    assert refusal(enter) == (
        "crossing_allowed: the parentheses are missing.\n  hint: with sekisho.crossing_allowed():"
    )


def test_a_data_frame_and_a_picture_are_told_a_call_that_is_enough():
    from tests.test_hints import Frame, Pillow

    frame = Frame([[1.0, 2.0], [3.0, 4.0]])
    assert refusal(lambda: guard(Float32[A, "n m"])(frame)).endswith(
        "hint: x.to_numpy(dtype='float32')"
    )
    grey = Pillow(np.zeros((2, 3), "u1"), "L")
    assert refusal(lambda: guard(UInt8[A, "h w 3"])(grey)).endswith("hint: x.convert('RGB')")
    full = np.full((5, 6, 4), 255, "u1")
    rgba = Pillow(full, "RGBA")
    assert refusal(lambda: guard(UInt8[A, "h w 3"])(rgba)).endswith("hint: x.convert('RGB')")
    full[..., 3] = 7  # the hint says that its alpha is lost
    assert refusal(lambda: guard(UInt8[A, "h w 3"])(Pillow(full, "RGBA"))).endswith(
        "hint: there is an alpha channel: numpy.asarray(x)[..., :3], which drops it"
    )


def test_what_is_marked_no_type_check_is_left_alone():
    import typing

    @sk.boundary
    @typing.no_type_check
    def f(x: Float[A, "n"]):
        return x

    assert f("anything") == "anything"


def test_a_variadic_axis_needs_no_name():
    f = guard(Float[A, "*"])
    for value in (np.ones(()), np.ones((2, 3))):
        assert f(value) is value
    assert guard(Float[A, "* n n"])(np.ones((4, 2, 2))) is not None
    assert "is 3" in refusal(lambda: guard(Float[A, "* n n"])(np.ones((4, 2, 3))))

    @sk.numpy_world
    def both(x: Float[A, "*"], y: Float[A, "*"]): ...

    both(np.ones((2, 3)), np.ones((2, 3)))
    assert "axes '*' are (2, 3) (from argument 'x')" in refusal(
        lambda: both(np.ones((2, 3)), np.ones(2))
    )


class Duck:
    def __init__(self, shape, dtype):
        self.shape, self.dtype = shape, np.dtype(dtype)


def test_what_has_shape_and_dtype_is_an_array_where_any_is_asked_for():
    f = guard(Float[Any, "n n"], sk.boundary)
    duck = Duck((2, 2), "f4")
    assert f(duck) is duck
    assert f(np.ones((2, 2))) is not None
    assert "axis" in refusal(lambda: f(Duck((2, 3), "f4")))
    assert re.search("is int32, not Float", refusal(lambda: f(Duck((2, 2), "i4"))))
    assert "is not an array" in refusal(lambda: f([1.0]))
