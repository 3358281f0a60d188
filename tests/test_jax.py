"""JAX as a world: the rows of docs/crossings.md, guards that are traced, strict mode."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jaxtyping import Float, Float32, Int32, Key

import sekisho as sk
from sekisho.testing import assert_same_values, both_worlds

jax = pytest.importorskip("jax")
jnp = jax.numpy

F = np.arange(6, dtype="float32").reshape(2, 3)


def x(array=F):
    return jnp.array(array)


def test_the_world_is_one_file_of_at_most_220_lines():
    source = Path(sk.__file__).parent / "worlds" / "jax.py"
    assert len(source.read_text("utf-8").splitlines()) <= 220


# --- from JAX ----------------------------------------------------------------------------------------


def test_an_array_on_the_host_is_shared_read_only_with_numpy():
    array = x()
    shared = sk.to_numpy(array)
    assert not shared.flags.writeable
    assert shared.__array_interface__["data"][0] == array.unsafe_buffer_pointer()
    assert sk.to_numpy(array, copy=True).flags.writeable


@pytest.mark.parametrize("size", [6, 1 << 21])
def test_what_is_donated_later_leaves_the_shared_memory_as_it_is(size):
    array = jnp.ones(size, "float32")
    shared = sk.to_numpy(array)
    jax.jit(lambda a: a * 0 - 1, donate_argnums=0)(array).block_until_ready()
    assert (shared == 1).all()


def test_what_was_donated_is_refused():
    array = x()
    array.delete()
    with pytest.raises(sk.ConversionError, match="its buffer was donated, or deleted"):
        sk.to_numpy(array)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4", "uint4"])
def test_a_dtype_of_ml_dtypes_stays_what_it_is(dtype):
    array = jnp.array([0, 1, 2], dtype)
    there = sk.to_numpy(array)
    assert there.dtype.name == dtype
    assert sk.to_numpy(array, copy=True).flags.writeable
    back = sk.to_jax(there)
    assert back.dtype == array.dtype
    assert back.tolist() == array.tolist()
    if dtype.endswith("4"):
        with pytest.raises(sk.ConversionError, match="NumPy gives each of its elements a byte"):
            sk.to_numpy(array, copy=False)


def test_bfloat16_goes_between_jax_and_torch_though_numpy_has_none(torch):
    tensor = torch.tensor([1.0, -2.5, float("nan")], dtype=torch.bfloat16)
    array = sk.to_jax(tensor)
    assert array.dtype == jnp.bfloat16
    assert torch.equal(sk.to_torch(array).view(torch.int16), tensor.view(torch.int16))
    assert sk.to_numpy(tensor).dtype == sk.to_numpy(array).dtype


def test_a_tensor_is_a_copy_and_may_be_written_to(torch):
    array = x()
    tensor = sk.to_torch(array)
    tensor += 1
    assert array.tolist() == F.tolist()
    assert sk.world_of(sk.to_jax(tensor)) == "jax"


def test_a_key_is_refused_with_the_call_that_takes_its_bits():
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_numpy(jax.random.key(0))
    assert str(caught.value) == (
        "to_numpy() argument 'x': expected an array, or what converts to one, "
        "got prng_key[] (PRNGKeyArray, JAX).\n"
        "  it is a PRNG key\n  hint: jax.random.key_data(x)"
    )
    assert sk.to_numpy(jax.random.key_data(jax.random.key(0))).tolist() == [0, 0]


@pytest.mark.parametrize("transform", ["jit", "grad", "vmap"])
@pytest.mark.parametrize("leave", [sk.to_numpy, "torch"])
def test_a_tracer_is_refused_wherever_it_would_go(transform, leave):
    if leave == "torch":
        pytest.importorskip("torch")
        leave = sk.to_torch

    def f(array):
        leave(array)
        return array.sum()

    with pytest.raises(sk.ConversionError, match="a tracer has no values yet"):
        getattr(jax, transform)(f)(x())


class Unit(np.ndarray):
    """A subclass with a meaning of its own."""


# --- to JAX ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 16, 64, 4096, 1 << 17, 1 << 21])
@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_copy_is_complete_whatever_its_size_and_alignment(size, offset, device):
    array = np.zeros(size + offset, "float32")[offset:]
    there = sk.to_jax(array, device=device)
    array[...] = 7
    assert float(abs(there).max()) == 0
    with pytest.raises(sk.ConversionError, match="it can be written to, unlike an array of JAX"):
        sk.to_jax(array, copy=False)


def test_an_array_of_jax_is_returned_as_it_is_or_copied():
    array = x()
    assert sk.to_jax(array) is array
    assert sk.to_jax(array, copy=False) is array
    assert sk.to_jax(array, copy=True) is not array


@pytest.mark.parametrize(
    ("dtype", "narrow"),
    [("int64", "int32"), ("uint64", "uint32"), ("float64", "float32"), ("complex128", "complex64")],
)
def test_64_bits_are_refused_where_jax_has_32_and_pass_where_it_has_64(dtype, narrow):
    array = np.array([1, 2], dtype)
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_jax(array)
    assert str(caught.value).splitlines()[1:] == [
        f"  the 64 bits of JAX are off, and it would become {narrow}",
        f"  hint: x.astype('{narrow}'), or jax.config.update('jax_enable_x64', True)",
    ]
    enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with enable_x64(True):
        assert sk.to_jax(array).dtype == dtype


def test_a_cast_that_would_lose_values_is_not_offered():
    with pytest.raises(sk.ConversionError) as caught:
        sk.to_jax(np.array([2**40]))
    assert caught.value.violation.hint is None


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array(["a"]), "it holds text"),
        (np.array([None]), "it holds Python objects"),
        (np.array([1], "M8[s]"), "it holds dates"),
        (np.array([1], np.longdouble), "it is longdouble, which jax lacks"),
        (np.zeros(1, [("a", "f4")]), "it is structured"),
        (
            np.ma.array([1.0, 2.0], mask=[0, 1]),
            "it masks some of its elements, and an array of JAX",
        ),
        (np.ones(1).view(Unit), "Unit, whose meaning an array of JAX cannot keep"),
    ],
)
def test_what_jax_cannot_hold_is_refused(array, reason):
    with pytest.raises(sk.ConversionError, match=reason):
        sk.to_jax(array)


def test_a_tensor_with_a_graph_is_refused_or_detached(torch):
    tensor = torch.ones(2, requires_grad=True)
    with pytest.raises(sk.ConversionError, match="it requires grad"):
        sk.to_jax(tensor)
    assert sk.to_jax(tensor, detach=True).tolist() == [1, 1]


@given(
    hnp.arrays(
        st.sampled_from(
            ["bool", "int8", "uint16", "int32", ">f4", "float16", "float32", "complex64"]
        ),
        hnp.array_shapes(min_dims=0, min_side=0, max_dims=3),
    )
)
def test_there_and_back_is_bit_equal(array):
    for given_ in (array, array.T, array[::-1] if array.ndim else array):
        back = sk.to_numpy(sk.to_jax(given_))
        assert back.dtype == given_.dtype.newbyteorder("=")
        assert back.tobytes() == np.ascontiguousarray(given_, back.dtype).tobytes()


def test_devices_are_asked_for_by_name():
    assert sk.to_jax(F, device="cpu").device == jax.devices("cpu")[0]
    assert sk.to_jax(x(), device=jax.devices()[0]).tolist() == F.tolist()
    for wrong in ("mars", "cpu:99"):
        with pytest.raises(sk.DeviceError, match="argument 'device': expected a device"):
            sk.to_jax(F, device=wrong)


# --- guards --------------------------------------------------------------------------------------------


@sk.jax_world
def project(a: Float32[jax.Array, "n d"], b: Float32[jax.Array, "d"]) -> Float32[jax.Array, "n"]:
    return a @ b


@sk.jax_world(device="cpu")
def placed(a: Float32[jax.Array, "n"]) -> Float32[jax.Array, "n"]:
    return a * 2


def test_a_guard_is_checked_while_jax_traces():
    weights = jnp.ones(3)
    expected = project(x(), weights)
    assert jax.jit(project)(x(), weights).tolist() == expected.tolist()
    assert jax.grad(lambda a: project(a, weights).sum())(x()).shape == (2, 3)
    assert jax.vmap(project, (0, None))(jnp.ones((4, 2, 3)), weights).shape == (4, 2)
    assert jax.make_jaxpr(project)(x(), weights)
    assert jax.eval_shape(project, x(), weights).shape == (2,)
    for transform in (jax.jit, lambda f: jax.grad(lambda a, b: f(a, b).sum())):
        with pytest.raises(sk.ShapeError, match="axis 'd' is 3"):
            transform(project)(x(), jnp.ones(4))
    assert jax.jit(placed)(jnp.ones(2)).tolist() == [2, 2]
    assert placed(np.ones(2, "float32")).tolist() == [2, 2]


TRANSFORMS = {
    "scan": lambda f, a, b: jax.lax.scan(lambda _, row: (None, f(row[None], b)[0]), None, a)[1],
    "map": lambda f, a, b: jax.lax.map(lambda row: f(row[None], b)[0], a),
    "cond": lambda f, a, b: jax.lax.cond(a.sum() > 0, f, lambda a, b: f(a, b) * 0, a, b),
    "while_loop": lambda f, a, b: jax.lax.while_loop(
        lambda c: c[0] < 1, lambda c: (c[0] + 1, f(a, b)), (0, jnp.zeros(len(a)))
    )[1],
    "fori_loop": lambda f, a, b: jax.lax.fori_loop(
        0, 1, lambda i, c: c + f(a, b), jnp.zeros(len(a))
    ),
    "checkpoint": lambda f, a, b: jax.checkpoint(f)(a, b),
    "jvp": lambda f, a, b: jax.jvp(f, (a, b), (a, b))[0],
    "vjp": lambda f, a, b: jax.vjp(f, a, b)[0],
    "linearize": lambda f, a, b: jax.linearize(f, a, b)[0],
    "jacfwd": lambda f, a, b: jax.jacfwd(f)(a, b)[:, :, 0].sum(1) * 0 + f(a, b),
    "hessian": lambda f, a, b: jax.hessian(lambda a: f(a, b).sum())(a).sum() * 0 + f(a, b),
    "pure_callback": lambda f, a, b: jax.pure_callback(
        lambda *given: f(*map(jnp.asarray, given)), jax.ShapeDtypeStruct((2,), "float32"), a, b
    ),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("jit", [False, True])
def test_what_jax_does_with_functions_it_does_with_guards(transform, jit):
    def run(a, b):
        return TRANSFORMS[transform](project, a, b)

    run = jax.jit(run) if jit else run
    assert np.allclose(run(x(), jnp.ones(3)), project(x(), jnp.ones(3)))
    if transform != "pure_callback":  # its errors are the runtime's
        with pytest.raises(sk.ShapeError, match="axis 'd' is 3"):
            run(x(), jnp.ones(4))


def test_a_guarded_function_is_traced_once(torch):
    traces = []

    @jax.jit
    @sk.jax_world
    def f(a: Float32[jax.Array, "n"]):
        traces.append(a)
        return a

    for _ in range(3):
        f(jnp.ones(3))
    assert len(traces) == 1


def test_arrays_of_other_worlds_are_converted_or_refused_at_its_border(torch):
    result = project(F, torch.ones(3))
    assert sk.world_of(result) == "jax"
    assert_same_values(result, F.sum(1))
    with pytest.raises(sk.WorldError) as caught, sk.mode("strict"):
        project(F, jnp.ones(3))
    assert str(caught.value) == (
        "project() argument 'a': expected Float32[Array, \"n d\"], got float32[2, 3] (NumPy).\n"
        "  mode 'strict' lets nothing cross here\n"
        "  hint: to_jax(a), or @jax_world(on_foreign='convert')"
    )
    with sk.mode("strict", to_jax="allow"):
        project(F, jnp.ones(3))
    with pytest.warns(sk.CrossingWarning, match="crossed to"), sk.mode("convert", to_jax="warn"):
        project(F, jnp.ones(3))


def test_a_key_passes_where_it_is_declared():
    @sk.jax_world
    def draw(key: Key[jax.Array, ""], n: int) -> Float32[jax.Array, "{n}"]:
        return jax.random.normal(key, (n,))

    assert draw(jax.random.key(0), 3).shape == (3,)
    with pytest.raises(sk.DTypeError):
        draw(jax.random.PRNGKey(0)[0], 3)


def test_results_go_back_to_the_caller():
    @sk.numpy_world(returns="caller")
    def centre(a: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return a - a.mean(0)

    @sk.jax_world(returns="caller")
    def double(a: Float[jax.Array, "n d"]) -> Float[jax.Array, "n d"]:
        return a * 2

    assert sk.world_of(centre(x())) == "jax"
    assert sk.world_of(double(F)) == "numpy"
    assert sk.world_of(double(x())) == "jax"


def test_a_boundary_names_three_worlds(torch):
    @sk.boundary
    def f(
        a: Float32[jax.Array, "n d"], b: Int32[np.ndarray, "n"], c: Float32[torch.Tensor, "d"]
    ) -> Float32[jax.Array, "n d"]:
        return a + sk.to_jax(b)[:, None] + sk.to_jax(c)

    assert sk.world_of(f(x(), np.ones(2, "int32"), torch.ones(3))) == "jax"
    with pytest.raises(sk.WorldError):
        f(F, np.ones(2, "int32"), torch.ones(3))


def test_same_world_takes_the_world_of_its_first_array():
    @sk.same_world
    def centre(a: Float[sk.Array, "n d"], b=None) -> Float[sk.Array, "n d"]:
        return a - a.mean(0)

    both_worlds(centre, F, worlds=["numpy", "jax"])
    assert sk.world_of(centre(x(), F)) == "jax"
    assert sk.world_of(centre(F, x())) == "numpy"
    assert jax.jit(centre)(x()).shape == (2, 3)


@pytest.mark.parametrize(
    "helper",
    [
        sk.add_batch_dim,
        sk.transpose2d,
        sk.add_channel_dim,
        lambda a: sk.remove_batch_dim(a[None]),
        lambda a: sk.expand_dims(a, 1),
        lambda a: sk.expand_dims(a, (0, -1)),
        lambda a: sk.squeeze(a[None], 0),
        lambda a: sk.permute_dims(a, (1, 0)),
        lambda a: sk.moveaxis(a, 0, 1),
        lambda a: sk.channels_first(a[None]),
        lambda a: sk.channels_last(a[None]),
        lambda a: sk.concat([a, a], axis=1),
        lambda a: sk.concat([a, a], axis=None),
        lambda a: sk.stack([a, a]),
        lambda a: sk.namespace(a).sum(a),
    ],
)
def test_every_helper_does_it_in_jax_too_and_under_jit(helper):
    both_worlds(helper, F, worlds=["numpy", "jax"])
    assert_same_values(jax.jit(helper)(x()), helper(F))


def test_helpers_refuse_in_jax_what_they_refuse_in_numpy():
    for wrong in (
        lambda a: sk.transpose2d(a[None]),
        sk.remove_batch_dim,
        lambda a: sk.squeeze(a, 0),
        lambda a: sk.permute_dims(a, (0, 0)),
        lambda a: sk.moveaxis(a, 5, 0),
        lambda a: sk.concat([a, a[:, :1]], axis=0),
    ):
        for given_ in (F, x()):
            with pytest.raises(sk.ShapeError):
                wrong(given_)


@pytest.mark.parametrize(
    ("given_", "hint"),
    [
        (x()[0], "the batch axis is missing: add_batch_dim(a), which is a[None]"),
        (x()[None], "there is a batch axis of size 1 too many: remove_batch_dim(a), which is a[0]"),
        (jnp.ones((2, 3), "int32"), "a.astype('float32')"),
        ([[1.0, 2.0]], "jax.numpy.asarray(a)"),
    ],
)
def test_hints_speak_of_arrays_as_jax_does(given_, hint):
    @sk.jax_world(on_foreign="refuse")
    def f(a: Float32[jax.Array, "b n"]): ...

    with pytest.raises(sk.BoundaryError) as caught:
        f(given_)
    assert caught.value.violation.hint == hint


# --- strict mode ----------------------------------------------------------------------------------------


def test_strict_mode_sees_operators_and_what_makes_an_array_of_jax():
    @sk.jax_world
    def adds(a: Float32[jax.Array, "n"]):
        return a + np.ones(2, "float32")

    @sk.jax_world
    def turned(a: Float32[jax.Array, "n"]):
        return np.ones(2, "float32") * a

    @sk.jax_world
    def makes(a: Float32[jax.Array, "n"]):
        return jnp.asarray(np.ones(2, "float32"))

    @sk.numpy_world
    def leaves(a):
        return np.asarray(jnp.array([1.0]) + 1)

    @sk.jax_world
    def stays(a: Float32[jax.Array, "n"]):
        return jnp.sin(a) * 2 + jnp.array([1.0, 2.0]) + float(a[0])

    with sk.mode("strict"):
        for function, operation in (
            (adds, "jax.Array.__add__"),
            (turned, "jax.Array.__rmul__"),
            (makes, "jax.numpy.asarray"),
        ):
            with pytest.raises(sk.WorldError, match=rf"body: expected JAX only, got {operation}"):
                function(jnp.ones(2))
        with pytest.raises(
            sk.WorldError, match=r"body: expected NumPy only, got jax\.numpy\.array"
        ):
            leaves(F)
        stays(jnp.ones(2))
        jax.jit(stays)
        with sk.mode("convert"):
            adds(jnp.ones(2))


def test_strict_mode_refuses_numbers_where_they_are_not_wanted():
    @sk.jax_world(scalars="refuse")
    def waits(a: Float32[jax.Array, "n"]):
        return a if a[0] > 0 else -a

    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"got jax\.Array\.__bool__"):
        waits(jnp.ones(2))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python shows calls from 3.12 on")
def test_strict_mode_sees_calls_of_another_library_from_python_3_12_on():
    @sk.jax_world
    def f(a: Float32[jax.Array, "n"]):
        return jnp.asarray(np.sum(a))

    @sk.numpy_world
    def g(a):
        return jnp.sin(a)

    with sk.mode("strict"):
        with pytest.raises(sk.WorldError, match=r"body: expected JAX only, got numpy\.sum"):
            f(jnp.ones(2))
        with pytest.raises(sk.WorldError, match=r"body: expected NumPy only, got jax\.numpy\.sin"):
            g(F)


# --- the rest -------------------------------------------------------------------------------------------


def test_a_write_into_memory_shared_with_jax_says_whose_it_is():
    @sk.numpy_world
    def writes(a: Float32[np.ndarray, "n d"]):
        a[0] = 1

    with pytest.raises(ValueError, match="read-only") as caught:
        writes(x())
    assert caught.value.__notes__ == [
        "sekisho: 'a' is the memory of an array of JAX, which the guard shares read-only, "
        "since an array of JAX never changes.\n"
        "  hint: write into a.copy(), or have the guard copy: copy=True"
    ]


def test_a_function_of_jax_as_an_annotation_is_told_the_class():
    def f(a: jnp.array): ...

    with pytest.raises(sk.DeclarationError, match=r"hint: the class is jax\.Array"):
        sk.jax_world(f)


def test_is_jax_and_pickling():
    assert sk.is_jax(x())
    assert not sk.is_jax(F)
    again = pickle.loads(pickle.dumps(project))
    assert again(x(), jnp.ones(3)).shape == (2,)


def test_importing_sekisho_imports_neither_and_asking_for_jax_by_name_imports_nothing():
    code = (
        "import sys, sekisho as sk\n"
        "f = sk.jax_world(lambda x: x)\n"
        "print([n for n in ('torch', 'jax', 'cupy', 'jaxtyping', 'sekisho.worlds.jax') if n in sys.modules])\n"
        "print(sk.is_jax(1), f(1), 'jax' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['sekisho.worlds.jax']", "False 1 False"]


def test_a_guard_of_any_world_compiles_whole_by_torch_where_jax_is_there_too(torch):
    """Its dtypes are looked up in a set, and torch's compiler cannot compare those of ml_dtypes."""

    @sk.same_world
    def centre(a: Float[sk.Array, "n d"], b=None) -> Float[sk.Array, "n d"]:
        return sk.stack([a - a.mean(0), a])[0]

    @sk.boundary
    def either(a: Float[sk.Array, "n d"]) -> Float[sk.Array, "n d"]:
        return sk.moveaxis(a, 0, 0)

    torch._dynamo.reset()
    tensor = torch.ones(2, 3)
    for guard in (centre, either):
        compiled = torch.compile(guard, fullgraph=True, backend="eager")
        assert torch.equal(compiled(tensor), guard(tensor))
        assert guard(jnp.ones((2, 3), "bfloat16")).dtype == jnp.bfloat16
    with pytest.raises(torch._dynamo.exc.Unsupported, match="has 1 axis, not 2"):
        torch.compile(centre, fullgraph=True, backend="eager")(torch.ones(3))
