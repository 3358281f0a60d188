"""Notice what PyTorch does in silence: integers that wrap around, and gradients that are cut."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from sekisho.worlds.containers import flatten, with_leaves
from sekisho.worlds.overflow import MOST_BYTES, told
from sekisho.worlds.tested import Tested
from sekisho.worlds.torch._private import recompiling_freely

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

__all__ = ["Probes"]

_ARITHMETIC: Final = frozenset(
    [
        "add",
        "sub",
        "subtract",
        "rsub",
        "mul",
        "multiply",
        "neg",
        "negative",
        "pow",
        "square",
        "matmul",
        "mm",
        "sum",
        "prod",
        "cumsum",
        "abs",
    ]
)
_STEP: Final = 1e-3


class Probes(Tested):
    """What tests of a function ask of PyTorch."""

    def compiled(
        self, function: Callable[..., Any], options: Mapping[str, Any]
    ) -> Callable[..., Any] | None:
        """Return a function as `torch.compile` makes it, without what it has compiled before."""
        torch = _torch()
        torch.compiler.reset()
        compiled: Callable[..., Any] = torch.compile(function, **options)

        def call(*args: Any, **kwargs: Any) -> Any:
            # Each kind of drawn tensor is compiled anew, which a program's limit is not made for.
            with recompiling_freely():
                return compiled(*args, **kwargs)

        return call

    def compiled_code(
        self,
        function: str,
        arguments: str,
        arrays: Sequence[str],  # noqa: ARG002 - torch takes all arguments
        options: Mapping[str, Any],
    ) -> str:
        """Return the code of a call of a compiled function."""
        words = "".join(f", {name}={value!r}" for name, value in options.items())
        return f"torch.compile({function}{words})({arguments})"

    @contextmanager
    def watching_overflow(self) -> Generator[tuple[Callable[[Any], Any], list[str]]]:
        """Watch operations on small integers by a function mode."""
        with _watching_overflow(_torch()) as found:
            yield lambda value: value, found

    def cuts_gradient(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> bool:
        """Return whether a result depends on the arguments but requires no gradient."""
        return _cuts_gradient(_torch(), function, args, kwargs)


def _torch() -> Any:
    return sys.modules["torch"]


def _modes(torch: Any, seen: Callable[..., Any]) -> Any:
    """Return a function mode that calls ``seen(call, name, args, kwargs)`` for each operation."""

    class Mode(torch.overrides.TorchFunctionMode):  # type: ignore[misc]  # of a module that is Any
        def __torch_function__(
            self, function: Any, _: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = str(getattr(function, "__name__", "")).strip("_")
            return seen(function, name, args, kwargs or {})

    return Mode()


@contextmanager
def _watching_overflow(torch: Any) -> Generator[list[str]]:
    """Compute each operation on small integers again in int64, and list those that differ."""
    found: list[str] = []

    def is_small(value: Any) -> bool:
        if not isinstance(value, torch.Tensor) or value.dtype is torch.bool:
            return False
        dtype = value.dtype
        return not (dtype.is_floating_point or dtype.is_complex) and dtype.itemsize <= MOST_BYTES

    def seen(function: Any, name: str, args: Any, kwargs: Any) -> Any:
        wide = None
        # `iadd` and `radd` are operators, `add_` is in place; the copies in int64 stand for both.
        bare = name[1:] if name[:1] in {"i", "r"} and name[1:] in _ARITHMETIC else name
        if bare in _ARITHMETIC and any(map(is_small, args)):
            wider = [each.to(torch.int64, copy=True) if is_small(each) else each for each in args]
            rest = {key: each for key, each in kwargs.items() if key not in {"dtype", "out"}}
            try:
                wide = function(*wider, **rest)
            except (RuntimeError, TypeError):
                wide = None  # the operation itself raises, in its own words
        result = function(*args, **kwargs)
        if wide is not None and is_small(result) and result.shape == wide.shape:
            differs = result.to(torch.int64) != wide
            if differs.any():
                dtype = str(result.dtype).removeprefix("torch.")
                one, other = result[differs].flatten()[0], wide[differs].flatten()[0]
                found.append(told(bare, dtype, one, other))
        return result

    with _modes(torch, seen):
        yield found


def _cuts_gradient(
    torch: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> bool:
    """Return whether the result depends smoothly on the arguments but requires no gradient.

    A function that runs under `torch.no_grad`, or calls ``detach``, means it.
    """
    if not any(_is_float(torch, each) for each in flatten((args, kwargs))):
        return False
    means_it: list[bool] = []

    def seen(operation: Any, name: str, args: Any, kwargs: Any) -> Any:
        if name == "detach" or not torch.is_grad_enabled():
            means_it.append(True)
        return operation(*args, **kwargs)

    def call(step: float | None, watching: Any) -> list[Any]:
        def prepared(value: Any) -> Any:
            if not _is_float(torch, value):
                return value
            copy = value.detach().clone()
            return copy.requires_grad_() if step is None else copy * (1 + step) + step

        some, named = with_leaves((args, dict(kwargs)), prepared)
        with watching:
            result = function(*some, **named)
        return [each for each in flatten(result) if _is_float(torch, each)]

    with torch.enable_grad():
        results = call(None, _modes(torch, seen))
    if means_it or not results or any(each.requires_grad for each in results):
        return False
    # A step function, such as `round`, has no gradient to cut: it does not follow small steps.
    moved, twice = call(_STEP, nullcontext()), call(2 * _STEP, nullcontext())
    triples = zip(results, moved, twice, strict=False)
    return any(_follows(one, other, third) for one, other, third in triples)


def _is_float(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _follows(one: Any, moved: Any, twice: Any) -> bool:
    """Return whether most elements that change at one step change about twice as much at two."""
    if not one.shape == moved.shape == twice.shape or not one.numel():
        return False
    first = (moved - one).detach().double().flatten()
    second = (twice - one).detach().double().flatten()
    changed = (first != 0) & first.isfinite() & second.isfinite()
    if not changed.any():
        return False
    ratio = second[changed] / first[changed]
    return bool(((ratio > 1.5) & (ratio < 2.5)).double().mean() > 0.5)  # noqa: PLR2004 - most of them
