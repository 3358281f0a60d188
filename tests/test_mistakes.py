"""Common mistakes and their messages: each hint names the call that fixes the mistake."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float32, UInt8

import sekisho as sk
from sekisho.testing import assert_same_values, both_worlds

A = np.ndarray


def guard(annotation: Any, decorate: Any = sk.numpy_world, **options: Any) -> Any:
    def f(x):
        return None

    f.__annotations__ = {"x": annotation}
    return (decorate(**options) if options else decorate)(f)


def hint(call: Any) -> str | None:
    with pytest.raises(sk.BoundaryError) as caught:
        call()
    return caught.value.violation.hint


def f4(*shape: int) -> Any:
    return np.zeros(shape, "f4")


# --- axes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "shape", "found"),
    [
        ("h w", (3,), None),
        ("n", (), None),
        ("c h w", (4, 5), None),
        ("n d", (3,), "the batch axis is missing: add_batch_dim(x), which is x[None]"),
        ("b c h w", (3, 4, 5), "the batch axis is missing: add_batch_dim(x), which is x[None]"),
        ("batch_size d", (3,), "the batch axis is missing: add_batch_dim(x), which is x[None]"),
        (
            "1 n",
            (4,),
            "an axis of size 1 in front is missing: add_batch_dim(x), which is x[None]",
        ),
        (
            "n 1",
            (4,),
            "a last axis of size 1 is missing: expand_dims(x, -1), which is x[..., None]",
        ),
        (
            "n",
            (4, 1),
            "there is a last axis of size 1 too many: squeeze(x, -1), which is x[..., 0]",
        ),
        (
            "n",
            (1, 4),
            "there is a batch axis of size 1 too many: remove_batch_dim(x), which is x[0]",
        ),
        ("h w 3", (4, 5), "the image looks grey: numpy.repeat(x[..., None], 3, -1)"),
        ("3 h w", (4, 5), "the image looks grey: numpy.repeat(x[..., None, :, :], 3, -3)"),
        ("b h w 3", (2, 4, 5, 1), "the image looks grey: numpy.repeat(x, 3, -1)"),
        ("h w 3", (4, 5, 4), "there is an alpha channel: x[..., :3], which drops it"),
        ("3 h w", (4, 7, 8), "there is an alpha channel: x[..., :3, :, :], which drops it"),
        ("b n 3", (2, 5, 4), None),  # points: the fourth number is not an alpha channel
        ("b n 3", (2, 5), None),
    ],
)
def test_an_axis_too_few_or_too_many_is_named_where_it_is_certain(axes, shape, found):
    assert hint(lambda: guard(Float32[A, axes])(f4(*shape))) == found


def test_two_axes_are_said_to_be_swapped_where_both_sizes_are_known():
    @sk.numpy_world
    def join(x: Float32[A, "b t d"], free: Float32[A, "b s d"], known: Float32[A, "b t d"]): ...

    x = f4(3, 5, 7)
    assert hint(lambda: join(x, f4(5, 3, 7), x)) is None  # s may have any size, so 5 may be b
    assert hint(lambda: join(x, x, f4(5, 3, 7))) == (
        "two axes look swapped: permute_dims(known, (1, 0, 2)), which is known.transpose(1, 0, 2)"
    )


# --- values of plain Python ----------------------------------------------------------------------


def returning(annotation: Any, value: Any) -> Any:
    def f():
        return value

    f.__annotations__ = {"return": annotation}
    return sk.numpy_world(f)


@pytest.mark.parametrize(
    ("annotation", "value", "found"),
    [
        (float, np.float32(0.5), "float(result)"),
        (int, np.int64(3), "int(result)"),
        (int, np.array(3), "int(result)"),
        (bool, np.bool_(True), "bool(result)"),
        (complex, np.complex64(1j), "complex(result)"),
        (int, np.float32(1.5), None),
        (float, np.ones(2), None),
        (tuple[int, int], [1, 2], "tuple(result)"),
        (tuple[int, int], [1, 2, 3], None),
        (list[int], (1, 2), "list(result)"),
        (tuple[A, A], [np.ones(1), np.ones(1)], "tuple(result)"),
        (tuple[A, A] | None, [np.ones(1), np.ones(1)], "tuple(result)"),
        (list[A], (np.ones(1),), "list(result)"),
        (list[A], (1,), None),
    ],
)
def test_a_number_a_tuple_and_a_list_are_made_by_a_call(annotation, value, found):
    assert hint(returning(annotation, value)) == found
    if found is not None:
        returning(annotation, eval(found, {"result": value}))()


def test_a_number_of_torch_is_made_by_a_call(torch):
    @sk.torch_world
    def loss(x: torch.Tensor) -> float:
        return x.sum()

    assert hint(lambda: loss(torch.ones(2))) == "float(result)"


@pytest.mark.parametrize("annotation", [A, int, list[A], Float32[A, "n"]])
def test_none_is_allowed_by_the_annotation(annotation):
    assert hint(lambda: guard(annotation)(None)) == (
        "if it may be missing, let its annotation say so: ... | None"
    )


@pytest.mark.parametrize("value", [["a"], [np.ones(1)]])
def test_a_list_where_a_list_is_allowed_is_not_told_that_it_is_no_array(value):
    with pytest.raises(sk.BoundaryError) as caught:
        guard(list[float] | A)(value)
    assert str(caught.value) == "f() argument 'x': expected list[float] | ndarray, got a list."
    with pytest.raises(sk.WorldError, match="a dict is not an array"):
        guard(list[float] | A)({})


def test_items_are_passed_one_by_one():
    @sk.numpy_world
    def joined(*xs: Float32[A, "n"]): ...

    with pytest.raises(sk.WorldError) as caught:
        joined([f4(2), f4(2)])
    assert str(caught.value) == (
        "joined() argument 'xs' at xs[0]: expected Float32[ndarray, \"n\"], got a list.\n"
        "  a list is not an array\n"
        "  hint: unpack it: joined(*items)"
    )
    assert hint(lambda: joined([f4(2), f4(3)])) is None
    joined(f4(2))


# --- containers and tables -----------------------------------------------------------------------


class DataLoader:
    def __iter__(self):
        return iter([f4(2)])


DataLoader.__module__ = "torch.utils.data.dataloader"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([f4(2, 3), np.ones(2, int)], "take one of its items, as in x[0]"),
        ({"image": f4(2)}, "take one of its items, as in x['image']"),
        (DataLoader(), "it yields batches, so take each: for batch in x"),
    ],
)
def test_of_a_batch_one_item_is_meant(value, found):
    assert hint(lambda: guard(A)(value)) == found


def test_arrays_of_objects_say_what_they_hold():
    objects = np.empty(2, "O")
    objects[:] = [f4(1), f4(2)]
    f = guard(Float32[A, "..."])
    assert hint(lambda: f(np.array([1, 2.5], "O"))) == "x.astype('float32')"
    assert hint(lambda: f(np.array([1, None], "O"))) == (
        "it holds Python objects, which are not all numbers that float32 holds"
    )
    assert hint(lambda: f(objects)) == (
        "it holds arrays: join those of one shape, as in numpy.stack(list(x))"
    )


def test_tables_are_converted_by_their_own_method():
    polars, xarray = pytest.importorskip("polars"), pytest.importorskip("xarray")
    f = guard(Float32[A, "n m"])
    for table in (
        polars.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}),
        xarray.DataArray(np.ones((2, 3))),
    ):
        assert hint(lambda table=table: f(table)) == "x.to_numpy().astype('float32')"
    rounded = polars.DataFrame({"a": [1.0], "b": [2**60 + 1]})
    assert hint(lambda: guard(A)(rounded)) == "x.to_numpy(), which rounds"
    pyarrow = pytest.importorskip("pyarrow")
    assert hint(lambda: guard(A)(pyarrow.chunked_array([[1.0]]))) == "x.to_numpy()"


class Stored:
    """Like arrays of h5py and zarr: the data are in a file, which a message must not read."""

    def __init__(self, *shape):
        self.shape, self.dtype = shape, np.dtype("f4")

    def __getitem__(self, index):
        raise AssertionError("it was read")

    __array__ = __len__ = __iter__ = __getitem__


@pytest.mark.parametrize("package", ["h5py._hl.dataset", "zarr.core.array"])
@pytest.mark.parametrize("shape", [(3, 4), (1 << 14, 1 << 14)])
def test_what_lies_in_a_file_is_read_by_its_reader(package, shape, monkeypatch):
    monkeypatch.setattr(Stored, "__module__", package)
    stored = Stored(*shape)
    assert hint(lambda: guard(Float32[A, "n m"])(stored)) == "x[...]"
    assert hint(lambda: guard(UInt8[A, "n m"])(stored)) == "read it first: x[...]"
    assert hint(lambda: guard(Float32[A, "n m 1"])(stored)) == "expand_dims(x[...], -1)"


# --- words and options ---------------------------------------------------------------------------


def test_a_word_of_a_library_is_one_traceback():
    for call in (
        lambda: sk.permute_dims(np.ones((2, 3)), 1, 0),
        lambda: sk.permute_dims(np.ones((2, 3)), dims=(1, 0)),
    ):
        with pytest.raises(sk.DeclarationError) as caught:
            call()
        assert caught.value.__suppress_context__


def test_a_name_that_is_misspelt_in_an_import_is_told_the_right_one():
    done = subprocess.run(
        [sys.executable, "-c", "from sekisho import numpy_word"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.endswith(
        "ImportError: module 'sekisho' has no 'numpy_word'.\n  hint: sekisho.numpy_world\n"
    )


def test_a_device_that_torch_does_not_have(torch):
    text = "PyTorch has no device 'gpu'; a GPU is 'cuda', 'mps' or 'xpu'"
    with pytest.raises(sk.DeclarationError) as caught:
        sk.torch_world(device="gpu")
    assert str(caught.value) == (
        "torch_world() option 'device': expected None, 'module' or a device, got 'gpu'.\n  " + text
    )
    assert caught.value.__context__ is None
    with pytest.raises(sk.DeviceError) as caught:
        sk.to_torch(np.ones(1), device="gpu")
    assert caught.value.violation.reason == text


def test_the_module_that_a_plain_function_has_not(torch):
    @sk.torch_world(device="module")
    def f(image: torch.Tensor): ...

    with pytest.raises(sk.DeviceError) as caught:
        f(torch.ones(1))
    assert str(caught.value) == (
        "f() argument 'image': expected a module with parameters, got float32[1] (PyTorch).\n"
        "  device='module' is where the first parameter is, and there is none\n"
        "  hint: device='module' is for the methods of a module"
    )


# --- how much values differ ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        (
            np.zeros((2, 3)),
            np.zeros((2, 3)) + np.eye(2, 3) * [0.1, 0.3, 0],
            "2 of 6 values differ, the most at [1, 1]: by 0.3, where rtol=1e-05 and atol=1e-08 "
            "allow 3.01e-06",
        ),
        (
            np.array([1, 2]),
            np.array([1, 5]),
            "1 of 2 values differ, the most at [1]: by 3, where rtol=1e-05 and atol=1e-08 "
            "allow 5e-05",
        ),
        (np.array([True]), np.array([False]), "1 of 1 values differ, the first at [0]"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "1 of 2 values differ, the first at [1]"),
        (
            np.array([1, np.nan]),
            np.array([2.0, 3.0]),
            "2 of 2 values differ, the first at [1]: a value there is infinity or NaN",
        ),
    ],
)
def test_values_differ_by_how_much_where_and_which_arguments_allow_it(a, b, how):
    with pytest.raises(AssertionError) as caught:
        assert_same_values(a, b, rtol=1e-5, atol=1e-8)
    assert str(caught.value).partition(": ")[2] == how


def test_both_worlds_says_likewise(torch):
    def drifting(x):
        return x if isinstance(x, np.ndarray) else x + 0.5

    with pytest.raises(AssertionError, match=r"the most at .*: by 0\.5, where rtol=1e-05 and atol"):
        both_worlds(drifting, np.ones(3))


# --- JAX -----------------------------------------------------------------------------------------


@pytest.fixture
def jax() -> types.ModuleType:
    return pytest.importorskip("jax")


def test_a_tensor_of_64_bits_is_cast_in_its_own_words(torch, jax):
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_jax(torch.arange(3))
    assert caught.value.violation.hint == (
        "x.to(torch.int32), or jax.config.update('jax_enable_x64', True)"
    )


def test_a_number_that_is_traced(jax):
    @sk.jax_world
    def scale(x: Float32[jax.Array, "n"], k: int = 1):
        return x * k

    assert hint(lambda: jax.jit(scale)(jax.numpy.ones(2), 2)) == (
        "it is being traced: leave it a number, with static_argnames='k'"
    )
    jax.jit(scale, static_argnames="k")(jax.numpy.ones(2), 2)


def test_a_number_inside_of_a_container_that_is_traced(jax):
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass
    class Config:
        k: int
        x: Float32[jax.Array, "n"]

    @sk.jax_world
    def scale(c: Config): ...

    @sk.jax_world
    def several(*k: int): ...

    @sk.jax_world
    def named(**k: int): ...

    one = jax.numpy.ones(2)
    static = "make it static data of its class, or an argument of its own with static_argnames"
    for function, args, options, to_static in (
        (scale, (Config(2, one),), {}, static),
        (several, (2,), {}, "leave it a number, with static_argnums"),
        (named, (), {"m": 2}, "leave it a number, with static_argnames='m'"),
    ):
        found = hint(lambda: jax.jit(function)(*args, **options))  # noqa: B023 - called at once
        assert found == f"it is being traced: {to_static}"
    jax.jit(several, static_argnums=0)(2)
    jax.jit(named, static_argnames="m")(m=2)


def test_a_function_of_numpy_under_jit(jax):
    @sk.numpy_world
    def host(x: Float32[A, "n"]):
        return x

    assert hint(lambda: jax.jit(host)(jax.numpy.ones(2))) == (
        "convert outside of the traced function, or call this by jax.pure_callback"
    )


def test_a_constant_beside_a_tracer_is_what_has_to_be_converted(jax):
    @sk.same_world
    def add(x: Float32[sk.Array, "n"], y: Float32[sk.Array, "n"]):
        return x + y

    assert hint(lambda: jax.jit(lambda y: add(f4(2), y))(jax.numpy.ones(2))) == (
        "the first array decides, and it is NumPy's: pass it by to_jax(...)"
    )
    jax.jit(lambda y: add(sk.to_jax(f4(2)), y))(jax.numpy.ones(2))


def test_boxes_and_sparse_arrays_of_jax_are_opened(jax):
    from jax.experimental import sparse

    f = guard(Float32[jax.Array, "n m"], sk.jax_world)
    dense = jax.numpy.eye(2)
    assert hint(lambda: f(sparse.BCOO.fromdense(dense))) == "x.todense()"
    if hasattr(jax, "new_ref"):
        assert hint(lambda: f(jax.new_ref(dense))) == "x[...]"


def test_a_deleted_array_is_described(jax):
    x = jax.numpy.ones(3)
    x.delete()
    with pytest.raises(sk.ConversionError, match="got an ArrayImpl") as caught:
        guard(Float32[A, "n"])(x)
    assert caught.value.violation.reason == "its buffer was donated, or deleted"


@pytest.mark.parametrize("name", ["lower", "trace", "eval_shape"])
def test_a_guard_has_the_methods_of_what_it_wraps(jax, name):
    @sk.jax_world
    @jax.jit
    def double(x: Float32[jax.Array, "n"]):
        return x * 2

    assert getattr(double, name)(jax.numpy.ones(2)) is not None


def test_a_guard_over_a_custom_gradient_takes_its_rule(jax):
    @sk.jax_world
    @jax.custom_vjp
    def double(x: Float32[jax.Array, "n"]):
        return x * 2

    double.defvjp(lambda x: (double(x), None), lambda _, g: (g * 3,))
    assert jax.grad(lambda x: double(x).sum())(jax.numpy.ones(2)).tolist() == [3, 3]
    with pytest.raises(sk.ShapeError):
        double(jax.numpy.ones((2, 2)))


def test_a_guard_has_the_methods_of_any_object_that_is_called():
    class Model:
        def __call__(self, x: Float32[A, "n"]):
            return x

        def fit(self):
            return "fitted"

    assert sk.numpy_world(Model()).fit() == "fitted"


# --- what help() shows ---------------------------------------------------------------------------

FUNCTIONS = {
    name: getattr(sk, name) for name in sk.__all__ if inspect.isfunction(getattr(sk, name))
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_shows_parameters_that_can_be_passed_and_describes_them(name):
    text = FUNCTIONS[name].__doc__
    for each in inspect.signature(FUNCTIONS[name]).parameters.values():
        assert each.name[0] != "_"
        assert type(each.default) is not object
        described = rf"^ +\**{each.name}: |`{each.name}`"
        assert "see `sekisho.jax_world`" in text or re.search(described, text, re.MULTILINE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_leaves_out_only_what_is_refused(name):
    code, shown = FUNCTIONS[name].__code__, inspect.signature(FUNCTIONS[name]).parameters
    hidden = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]} - {*shown}
    for each in hidden:
        with pytest.raises(sk.DeclarationError):
            FUNCTIONS[name](np.ones((2, 2)), **{each: 0})
