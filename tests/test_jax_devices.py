"""JAX on several devices and on a GPU, each in its own process: JAX reads settings at its start."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jax")

HEAD = """
import jax, jax.numpy as jnp, numpy as np, pytest
import sekisho as sk
from jaxtyping import Float32
F = np.arange(8, dtype="float32")
"""


def run(program: str, **environment: str) -> None:
    """Run a program of asserts with environment variables that JAX reads at its start."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_array_of_several_devices_is_gathered_and_named_by_their_number():
    run(
        """
        mesh = jax.make_mesh((4,), ("i",))
        spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("i"))
        array = jax.device_put(F, spread)
        with sk.record_crossings() as log:
            there = sk.to_numpy(array)
        assert there.tolist() == F.tolist()
        assert log.rows[0].way == "jax 4 cpu devices -> numpy cpu"
        assert log.rows[0].copied == "it moved from 4 cpu devices to the host"
        mine = sk.to_numpy(array, copy=True)
        mine[0] = 7
        assert sk.to_numpy(array).tolist() == F.tolist()
        with pytest.raises(sk.ConversionError) as caught:
            sk.to_numpy(array, copy=False)
        assert str(caught.value) == (
            "to_numpy() argument 'x': expected an array, or what converts to one, "
            "got float32[8] (JAX on 4 cpu devices).\\n"
            "  copy=False, but it moved from 4 cpu devices to the host and has to be copied\\n"
            "  hint: copy=None"
        )
        for device in (spread, jax.devices()[3]):
            moved = sk.to_jax(F, device=device)
            assert moved.device == device
            assert sk.to_jax(moved, device=device) is moved

        @sk.jax_world
        def double(a: Float32[jax.Array, "2"]) -> Float32[jax.Array, "2"]:
            return a * 2

        try:
            from jax import shard_map
        except ImportError:  # up to 0.5
            from jax.experimental.shard_map import shard_map
        local = shard_map(double, mesh=mesh, in_specs=spread.spec, out_specs=spread.spec)
        assert local(array).tolist() == jax.jit(local)(array).tolist() == (F * 2).tolist()
        """,
        JAX_PLATFORMS="cpu",
        XLA_FLAGS="--xla_force_host_platform_device_count=4",
    )


@pytest.mark.cuda
def test_an_array_on_a_gpu_crosses_with_its_values_and_says_where_it_was():
    run(
        """
        if jax.default_backend() == "cpu":
            raise SystemExit  # a JAX without CUDA, beside a torch that has it
        array = jnp.asarray(F)
        assert array.device.platform == "gpu"
        with sk.record_crossings() as log:
            there = sk.to_numpy(array)
            back = sk.to_jax(there)
        assert [row.way for row in log.rows] == ["jax gpu:0 -> numpy cpu", "numpy cpu -> jax gpu:0"]
        assert log.rows[0].copied == "it moved from gpu:0 to the host"
        assert back.device == array.device
        assert not there.flags.writeable  # JAX keeps it, for whoever asks next
        assert sk.to_numpy(array, copy=True).flags.writeable
        with pytest.raises(sk.ConversionError, match="moved from gpu:0 to the host"):
            sk.to_numpy(array, copy=False)

        names = ["bool", "int8", "int32", "uint32", "float16", "bfloat16", "float32", "complex64"]
        for name in [*names, "float8_e4m3fn", "int4", "uint4"]:
            for shape in ((), (0, 2), (2, 4)):
                some = jnp.ones(shape, name)
                assert sk.to_numpy(some).dtype.name == name
                again = sk.to_jax(sk.to_numpy(some))
                assert (again.dtype, again.shape) == (some.dtype, some.shape)
                assert bool((again == some).all())

        import torch
        tensor = sk.to_torch(array)
        assert tensor.device.type == "cpu" and tensor.tolist() == F.tolist()
        assert sk.to_torch(array, device="cuda").device.type == "cuda"
        assert sk.to_jax(torch.ones(3, device="cuda", dtype=torch.bfloat16)).dtype == jnp.bfloat16

        for device in ("cpu", "gpu", "gpu:0", jax.devices("cpu")[0]):
            platform = "cpu" if "cpu" in str(device).lower() else "gpu"
            @sk.jax_world(device=device)
            def placed(a: Float32[jax.Array, "n"]) -> Float32[jax.Array, "n"]:
                assert isinstance(a, jax.core.Tracer) or a.device.platform == platform
                return a * 2
            for given in (F, array, jax.device_put(F, jax.devices("cpu")[0])):
                assert placed(given).device.platform == platform
            assert jax.jit(placed)(array).tolist() == (F * 2).tolist()
        with pytest.raises(sk.DeclarationError, match="device"):
            sk.jax_world(device="gpu:7")

        @sk.numpy_world
        def mean(a: Float32[np.ndarray, "n"]) -> np.floating:
            return a.mean()
        assert float(mean(array)) == 3.5
        with sk.mode("strict"), pytest.raises(sk.WorldError, match="gpu:0"):
            mean(array)
        with sk.record_crossings(everywhere=True) as log:
            np.asarray(array)
            float(array[0])
            array.block_until_ready()
        assert "waits for jax gpu:0" in [row.way for row in log.rows]
        for helper in (sk.add_batch_dim, sk.transpose2d):
            assert helper(jnp.ones((2, 3))).device.platform == "gpu"
        """,
        JAX_PLATFORMS="",
        XLA_PYTHON_CLIENT_PREALLOCATE="false",
    )
