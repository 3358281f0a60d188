"""PyTorch names that are not public API, each with a fallback for releases that lack it.

This module looks up each name once, after torch is imported, and prefers the public name where
there is one. A missing name costs speed or a feature but never raises: the fast path leaves every
value to the slow path, and what the slow path cannot detect any more, torch itself refuses when its
memory is requested.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import warnings
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.utils import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Asked",
    "asked_of",
    "compiler_flag",
    "forward_level",
    "has_fake_mode",
    "has_proxy_mode",
    "has_tangent",
    "is_in_trace",
    "is_tracing_context",
    "is_zero",
    "make_tables",
    "mark_axes",
    "mode_stack",
    "node_parts",
    "note_builtin",
    "note_inline",
    "recompiling_freely",
    "write_count",
]


def _working(*candidates: Any) -> Any:
    """Return the first candidate that can be called; a public function may use a missing one."""
    for each in candidates:
        try:
            each()
        except Exception:  # noqa: BLE001, S112 - the name is missing or takes arguments here
            continue
        return each
    return None


def _nothing() -> None:
    return None


def _never() -> bool:
    return False


def _none() -> int:
    return 0


class Asked(NamedTuple):
    """The questions to ask before sharing memory.

    Attributes:
        transform: returns the innermost active transform of `torch.func`, or None.
        is_tracing: returns whether `torch.jit.trace` is recording.
        modes: returns the number of active dispatch modes: fake tensors, `make_fx`, a user's own.
        is_complete: whether this release supports all three. If not, the fast path shares nothing.
    """

    transform: Callable[[], Any]
    is_tracing: Callable[[], bool]
    modes: Callable[[], int]
    is_complete: bool


@cache
def asked_of(torch: Any) -> Asked:
    """Look up the functions for the questions to ask before sharing memory."""
    transform = _working(look_up(torch, "_C._functorch.peek_interpreter_stack"))
    # Prefer the private name: the public function calls it and takes twice as long.
    is_tracing = _working(look_up(torch, "_C._is_tracing"), look_up(torch, "jit.is_tracing"))
    modes = _working(look_up(torch, "_C._len_torch_dispatch_stack"))
    found = (transform or _nothing, is_tracing or _never, modes or _none)
    return Asked(*found, is_complete=None not in {transform, is_tracing, modes})


def is_in_trace(torch: Any) -> bool:
    """Return whether `torch.jit.trace` is recording or `torch.jit.script` is compiling."""
    state = _working(look_up(torch, "_C._get_tracing_state"))
    return asked_of(torch).is_tracing() if state is None else state() is not None


def has_fake_mode(torch: Any) -> bool:
    """Return whether a FakeTensorMode is active; False if the release cannot tell."""
    get, key = (
        look_up(torch, "_C._get_dispatch_mode"),
        look_up(torch, "_C._TorchDispatchModeKey.FAKE"),
    )
    return get is not None and key is not None and get(key) is not None


def has_proxy_mode() -> bool:
    """Return whether `make_fx` is recording; False if the release cannot tell."""
    try:
        proxy: Any = importlib.import_module("torch.fx.experimental.proxy_tensor")
        return proxy.get_proxy_mode() is not None
    except (ImportError, AttributeError):
        return False


def is_tracing_context() -> bool:
    """Return whether a torch compiler is active in this thread, around the running code.

    False if the release cannot tell. A guard whose first call is in compiled code may then be
    compiled twice.
    """
    context = getattr(sys.modules.get("torch._guards"), "TracingContext", None)
    try_get = getattr(context, "try_get", None)
    return try_get is not None and try_get() is not None


# --- read at each call: an attribute of a torch module, or of an object in its place
# ----------------


class _PublicFlag:
    """Stand-in for `torch.compiler` if it lacks the private flag."""

    def __init__(self, is_compiling: Callable[[], bool]) -> None:
        self._ask = is_compiling

    @property
    def _is_compiling_flag(self) -> bool:
        return self._ask()


def compiler_flag(torch: Any) -> Any:
    """Return an object whose ``_is_compiling_flag`` equals `is_compiling()` in untraced code."""
    compiler = torch.compiler
    has_flag = isinstance(getattr(compiler, "_is_compiling_flag", None), bool)
    return compiler if has_flag else _PublicFlag(compiler.is_compiling)


class _UnknownLevel:
    """Stand-in for `torch.autograd.forward_ad` without a level: every tensor is checked."""

    _current_level = 0


def has_tangent(tensor: Any, torch: Any) -> bool:
    """Return whether a tensor is a dual of forward-mode autograd."""
    # Check the level first, because `unpack_dual` takes 8 us.
    if forward_level(torch)._current_level < 0:  # noqa: SLF001 - this module reads private names
        return False
    return torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None


def forward_level(torch: Any) -> Any:
    """Return an object whose ``_current_level`` is below 0 if forward-mode autograd is off."""
    forward_ad = torch.autograd.forward_ad
    has_level = isinstance(getattr(forward_ad, "_current_level", None), int)
    return forward_ad if has_level else _UnknownLevel


# --- of a tensor ----------------------------------------------------------------------------------


def is_zero(tensor: Any) -> bool:
    """Return whether a tensor is a lazy zero, whose memory was never written.

    False if the release cannot tell. All releases whose `numpy` exposes such memory can.
    """
    ask = getattr(tensor, "_is_zerotensor", None)
    return ask is not None and ask()


def write_count(tensor: Any) -> int | None:
    """Return how often a tensor was written to; None if unknown. There is no public counter."""
    try:
        count = tensor._version  # noqa: SLF001 - this module reads private names
    except (AttributeError, RuntimeError):  # tensors of inference mode have no counter
        return None
    return count if type(count) is int else None


# --- while operations are monitored, or wrapped
# -----------------------------------------------------


class ModeStack(NamedTuple):
    """Torch's stack of function modes in this thread: its size, pop and push."""

    size: Callable[[], int]
    pop: Callable[[], Any]
    push: Callable[[Any], None]


def mode_stack(torch: Any) -> ModeStack | None:
    """Return torch's mode stack; None, with a warning, if a mode cannot be put below others.

    The public way to use a mode is to enter it, which puts it on top of the stack. A body that
    leaves a mode of its own would then remove sekisho's.
    """
    names = ("_len_torch_function_stack", "_pop_mode", "_push_mode")
    found: list[Any] = [getattr(torch.overrides, name, None) for name in names]
    if None not in found:
        return ModeStack(*found)
    missing = ", ".join(
        f"torch.overrides.{name}" for name, each in zip(names, found, strict=True) if each is None
    )
    warnings.warn(
        f"strict mode sees no operations of PyTorch: torch {torch.__version__} has no {missing}.\n"
        f"  hint: a release of sekisho that knows it, or an older torch",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def make_tables(torch: Any) -> None:
    """Make torch build its tables of functions now, while they hold the unwrapped functions."""
    try:
        device: Any = importlib.import_module("torch.utils._device")
    except ImportError:
        device = None
    for make in (
        getattr(device, "_device_constructors", None),
        look_up(torch, "jit._builtins._get_builtin_table"),
    ):
        _working(make)


def note_builtin(torch: Any, original: Any, wrapper: Any) -> None:
    """Make TorchScript treat a wrapper like its function; without a table, it may reject it."""
    find = look_up(torch, "jit._builtins._find_builtin")
    register = look_up(torch, "jit._builtins._register_builtin")
    if find is None or register is None:
        return
    with contextlib.suppress(Exception):  # they may rely on names that are gone
        found = find(original)
        if found is not None:
            register(wrapper, found)
            # The table has functions by their id, which another function may get after this one.
            table: Any = look_up(torch, "jit._builtins._builtin_table")
            weakref.finalize(wrapper, table.pop, id(wrapper), None).atexit = False


def note_inline(original: Any, wrapper: Any) -> None:
    """Make torch's compilers take the wrapped function, as those of their own wrappers."""
    wrapper._torchdynamo_inline = original  # noqa: SLF001 - this module sets private names
    if inspect.isfunction(original):  # TorchScript compiles it from source: `script_if_tracing`
        wrapper.__script_if_tracing_wrapper = True  # noqa: SLF001 - as above
        wrapper.__original_fn = original  # noqa: SLF001 - as above


# --- for exporters and compilers
# ------------------------------------------------------------------


def mark_axes(tensor: Any, axes: list[int]) -> None:
    """Mark axes of a tensor as dynamic for torch.compile; without the function, do nothing."""
    try:
        dynamo: Any = importlib.import_module("torch._dynamo")
        # Not `mark_dynamic`, which raises where the compiled code makes an axis a constant.
        dynamo.maybe_mark_dynamic(tensor, axes)
    except (ImportError, AttributeError):
        return


def recompiling_freely() -> contextlib.AbstractContextManager[Any]:
    """Lift the number of times that a function is compiled in the block; without it, do nothing."""
    try:
        config: Any = importlib.import_module("torch._dynamo.config")
        names = ("recompile_limit", "accumulated_recompile_limit", "cache_size_limit")
        limits = {name: 10_000 for name in names if hasattr(config, name)}
        block: contextlib.AbstractContextManager[Any] = config.patch(limits)
    except (ImportError, AttributeError):
        return contextlib.nullcontext()
    return block


def node_parts(
    value: Any, is_leaf: Callable[[Any], bool]
) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    """Return the parts of an object whose class is registered, and what makes another of new parts.

    The parts are in the order in which torch flattens them. None if the class is not registered, or
    the release cannot tell.
    """
    try:
        pytree: Any = importlib.import_module("torch.utils._pytree")
        flatten, unflatten = pytree.tree_flatten, pytree.tree_unflatten
    except (ImportError, AttributeError):
        return None

    parts, structure = flatten(value, is_leaf=is_leaf)
    if getattr(structure, "is_leaf", _never)():
        return None
    return parts, lambda news: unflatten(news, structure)
