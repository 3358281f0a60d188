"""JAX: immutable arrays, and tracers, which have a shape but no values yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sekisho.errors import first_line
from sekisho.worlds import _jax_private as _private
from sekisho.worlds.containers import flatten, with_leaves
from sekisho.worlds.dtypes import (
    PLAIN_DTYPES,
    class_of,
    dtype_name,
    once_by_size,
    plain_array,
    refuse_dtype,
)
from sekisho.worlds.layout import aligned_copy
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Converted, Policy, Refusal, forbid_copy
from sekisho.worlds.shown import OPERATORS, OperationKind
from sekisho.worlds.spelling import made_like_numpy, spelled_like_numpy
from sekisho.worlds.supplement import Supplement
from sekisho.worlds.wrapping import operators_of, scalars_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sekisho.worlds.shown import Watcher

__all__ = ["WORLD"]

_DLPACK: Final = ("dlpack.from_dlpack", "numpy.from_dlpack")


class _Jax(Library):
    """JAX."""

    name = "jax"
    label = "JAX"
    noun = "an array of JAX"
    package = "sekisho[jax]"
    compiles_calls = True
    moves_together = True
    host_fields: tuple[str, ...] = ("float0",)  # the dtype of tangents of integers
    options: frozenset[str] = frozenset({"detach", "device", "scalars"})
    read_only_because: str | None = "since an array of JAX never changes"
    spelling: Mapping[str, str] = spelled_like_numpy("jax.numpy")
    opens: Mapping[str, str] = {"Ref": "{0}[...]", "BCOO": "{0}.todense()", "BCSR": "{0}.todense()"}
    words: Mapping[str, str] = {"device_put": "to_jax(x)", "device_get": "to_numpy(x)"}
    supplement: Supplement = Supplement(
        "",
        "numpy",
        welcomes=frozenset({"numpy"}),
        strict=frozenset({"numpy"}),
        suffixes=("_jax",),
    )
    # Functions of jax.numpy are compiled; Python 3.12 reports calls of them (see `monitor`).
    operations: Mapping[OperationKind, tuple[str, ...]] = {
        "scalar": scalars_of(_private.CLASS),
        "export": ("device_get", f"{_private.CLASS}.__array__"),
        "import": ("numpy.asarray", "numpy.array", "device_put", *_DLPACK),
        "compute": operators_of(_private.CLASS),
        "wait": ("block_until_ready", f"{_private.CLASS}.block_until_ready"),
    }
    # A tracer has the shape that its function sees: under `vmap`, that of one example.
    element_wise: tuple[str, ...] = tuple(
        f"{cls}.__{r}{name}__"
        for cls in (_private.CLASS, _private.TRACER)
        for name in OPERATORS.split()
        for r in ("", "r")
    )

    def compiled(
        self, function: Callable[..., Any], options: Mapping[str, Any]
    ) -> Callable[..., Any] | None:
        def call(*args: Any, **kwargs: Any) -> Any:
            def run(arrays: list[Any]) -> list[Any]:
                # Only arrays are traced: numbers and strings stay what the function is written for.
                left = iter(arrays)
                some, named = with_leaves(
                    (args, kwargs), lambda each: next(left) if self.owns(each) else each
                )
                return [each for each in flatten(function(*some, **named)) if self.owns(each)]

            arrays = [each for each in flatten((args, kwargs)) if self.owns(each)]
            return self.load().jit(run, **options)(arrays)

        return call

    def compiled_code(
        self, function: str, arguments: str, arrays: Sequence[str], options: Mapping[str, Any]
    ) -> str:
        names = ", ".join(arrays)
        words = "".join(f", {name}={value!r}" for name, value in options.items())
        return f"jax.jit(lambda {names}: {function}({arguments}){words})({names})"

    def namespace(self) -> Any:
        return self.load().numpy

    def dtypes(self) -> Mapping[Any, str]:
        return _dtypes(self.namespace().__dict__) if self.is_loaded() else {}

    def kind_of(self, value: Any) -> str | None:
        return None if type(value).__name__ == "ArrayImpl" else type(value).__name__

    def sampled(self, value: Any, steps: tuple[int, ...]) -> Any:
        # For an array on several machines, each of them would have to take part in the indexing.
        return super().sampled(value, steps) if value.is_fully_addressable else value

    # --- where it is: a tracer has no device yet and may end up on any

    def device(self, value: Any) -> Any:
        return None if isinstance(value, np.ndarray) else getattr(value, "device", None)

    def device_name(self, value: Any) -> str:
        devices = [*getattr(self.device(value), "device_set", [self.device(value)])]
        kind, number = getattr(devices[0], "platform", "cpu"), len(devices)
        alone = kind if kind == "cpu" else f"{kind}:{devices[0].id}"
        return alone if number == 1 else f"{number} {kind} devices"

    def parse_device(self, device: Any) -> Any:
        jax = self.load()
        if isinstance(device, (jax.Device, jax.sharding.Sharding)):
            return device
        kind, _, index = str(device).partition(":")
        try:
            return jax.devices(kind)[int(index or 0)]
        except (IndexError, RuntimeError, ValueError) as error:
            raise Refusal(first_line(error)) from None

    def is_on(self, value: Any, device: Any) -> bool:
        return self.device(value) in {None, device}

    def device_question(self, device: Any) -> None:  # noqa: ARG002 - tracers have no device
        return None

    def move(self, value: Any, policy: Policy) -> Converted:
        if policy.device is None or self.is_on(value, policy.device):
            return super().move(value, policy)
        reason = f"it moved from {self.device_name(value)} to {policy.device}"
        forbid_copy(policy, reason)
        return Converted(self.load().device_put(value, policy.device), reason)

    # --- crossing

    def from_host(self, array: Any, policy: Policy) -> Converted:
        jax = self.load()
        array = plain_array(array, self.noun)
        dtype = array.dtype.newbyteorder("=")
        if dtype not in PLAIN_DTYPES and dtype_name(dtype) not in self.dtypes().values():
            refuse_dtype(dtype, self.name)
        if (narrow := jax.dtypes.canonicalize_dtype(dtype)) != dtype:
            raise Refusal(
                f"the 64 bits of JAX are off, and it would become {narrow}",
                f"{{0}}.astype('{narrow}'), or jax.config.update('jax_enable_x64', True)",
            )
        reason = "copy=True" if policy.copy else "it can be written to, unlike an array of JAX"
        forbid_copy(policy, reason)
        copied = aligned_copy(array, dtype)
        if policy.waiting is not None:
            policy.waiting.append(copied)
            return Converted(copied, reason)
        return Converted(jax.device_put(copied, policy.device), reason)

    def move_together(self, arrays: Sequence[Any], device: Any) -> list[Any]:
        found: list[Any] = self.load().device_put(list(arrays), device)
        return found

    def to_host(self, value: Any, policy: Policy) -> Converted:
        jax = self.load()
        if isinstance(value, jax.core.Tracer):
            raise Refusal(
                "this is being traced by JAX, and a tracer has no values yet",
                "convert outside of the traced function, or call this by jax.pure_callback",
            )
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            raise Refusal("it is a PRNG key", "jax.random.key_data({0})")
        if value.is_deleted():
            raise Refusal("its buffer was donated, or deleted", "use what the call returned")
        if not value.is_fully_addressable:
            raise Refusal("parts of it are on other machines", "gather it first")
        reason, where = "copy=True" if policy.copy else None, self.device_name(value)
        if where != "cpu":
            reason = f"it moved from {where} to the host"
        elif dtype_name(value.dtype) in {"int2", "int4", "uint2", "uint4"}:
            reason = "NumPy gives each of its elements a byte"
        if reason is not None:
            forbid_copy(policy, reason)
        array = np.asarray(value)  # read-only and cached by JAX; stays valid if `value` is donated
        return Converted(array.copy() if policy.copy else array, reason)

    def runs_plainly(self) -> bool:
        return _private.is_clean(self.load())

    def watcher(self, state: Any, judge: Callable[..., None]) -> Watcher | None:
        _private.warn_unless_watched(self.load())
        return super().watcher(state, judge)

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterator[tuple[str, str | None]]:
        return made_like_numpy("jax.numpy", dtype, is_number=is_number)

    def operation_name(self, operation: Any) -> str:
        name = super().operation_name(operation)
        return name.replace(_private.CLASS, "Array").replace(_private.TRACER, "core.Tracer")


@once_by_size  # called for every annotation; the dict grows while the module is being imported
def _dtypes(names: Mapping[str, Any]) -> dict[Any, str]:
    kind = class_of(names.get("int8", WORLD))
    scalar_types = [each for each in names.values() if isinstance(each, kind)]
    return {d: dtype_name(d) for d in {*map(np.dtype, scalar_types), *PLAIN_DTYPES}}


WORLD: Final = _Jax()
