"""Export and compile a function with the axes that its contract names.

``torch.export``, ``torch.onnx`` and ``jax.export`` each ask which axes of which argument are
dynamic, and which of them are equal. A contract says so already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.exporting import (
    axes_of,
    axes_to_mark,
    in_words_of,
    jax_arguments,
    onnx_names,
    read_arguments,
    torch_shapes,
)
from sekisho.guard import bind_contract
from sekisho.worlds import mark_axes, world_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch.export import ExportedProgram

__all__ = ["dynamic_shapes", "export", "mark_dynamic", "onnx_options", "symbolic_arguments"]


def dynamic_shapes(
    function: Callable[..., Any],
    /,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    bounds: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> dict[str, Any]:
    """Return what ``torch.export.export(dynamic_shapes=...)`` takes.

    A named axis is dynamic, and one ``torch.export.Dim`` for all arguments. ``n+1`` and ``2*n`` are
    derived from it; the relation of other expressions is left to torch, which finds it in the guard.
    A fixed size is static, and so is the axis of a tensor without axes in its annotation. ``_`` and
    ``...`` are ``Dim.AUTO``: dynamic if the function allows it.

    Args:
        function: a module, or a function or method that is guarded or annotated.
        args: the positional arguments of the example that is exported. They are needed where the
            annotations leave something open: the number of axes of ``*batch``, the items of a list,
            the alternatives of a union, arguments that have a default.
        kwargs: the keyword arguments of the example.
        bounds: for some names ``(smallest, largest)``, either of them None.

    Returns:
        For each parameter the dynamic axes of its tensors.

    Raises:
        BoundaryError: if the contract does not accept the example.
        DeclarationError: if the contract leaves something open that the example does not say, for
            bounds that are not valid, and for a class that torch cannot take apart.

    Examples:
        >>> import torch
        >>> from jaxtyping import Float32
        >>> from sekisho.export import dynamic_shapes
        >>> def scale(x: Float32[torch.Tensor, "b n 3"], by: Float32[torch.Tensor, "b"]): ...
        >>> dynamic_shapes(scale, bounds={"b": (1, 64)})
        {'x': {0: Dim('b', min=1, max=64), 1: Dim('n', min=0)}, 'by': {0: Dim('b', min=1, max=64)}}
    """
    arguments = read_arguments(bind_contract(function), args, kwargs, world_named("torch"))
    return torch_shapes(arguments, bounds).shapes


def export(
    function: Callable[..., Any],
    /,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    bounds: Mapping[str, tuple[int | None, int | None]] | None = None,
    **options: Any,
) -> ExportedProgram:
    """Export a module or a function by ``torch.export.export`` with the axes of its contract.

    Args:
        function: see `dynamic_shapes`. A function becomes the ``forward`` of a module.
        args: the positional arguments of the example.
        kwargs: the keyword arguments of the example.
        bounds: see `dynamic_shapes`.
        options: further options of ``torch.export.export``.

    Returns:
        The exported program, which ``torch.onnx.export`` takes, too.

    Raises:
        DeclarationError: see `dynamic_shapes`; also if the function does not allow what its
            contract says, with the names of the contract and the way out.

    Examples:
        >>> import torch
        >>> import sekisho as sk
        >>> from jaxtyping import Float32
        >>> from sekisho.export import export
        >>> @sk.torch_world
        ... def add(x: Float32[torch.Tensor, "b n"], y: Float32[torch.Tensor, "c n"]):
        ...     return x + y
        >>> export(add, (torch.ones(2, 3), torch.ones(2, 3)))
        Traceback (most recent call last):
        ...
        sekisho.errors.DeclarationError: add() cannot be exported with these axes:
          The values of axis 'c' (axis 0 of 'y') and axis 'b' (axis 0 of 'x') must always be equal
          hint: write 'b' in place of 'c'
    """
    torch: Any = world_named("torch").load()
    bound = bind_contract(function)
    arguments = read_arguments(bound, args, kwargs or {}, world_named("torch"))
    shapes, names = torch_shapes(arguments, bounds)
    module: Any = function
    if not isinstance(function, torch.nn.Module):
        module = torch.nn.Module()
        module.forward = bound.call  # of the instance: its signature is the function's own
    with in_words_of(bound.name, axes_of(arguments, names, bounds)):
        program: Any = torch.export.export(
            module, args, dict(kwargs or {}), dynamic_shapes=shapes, **options
        )
    exported: ExportedProgram = program
    return exported


def onnx_options(
    function: Callable[..., Any],
    /,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    bounds: Mapping[str, tuple[int | None, int | None]] | None = None,
    dynamo: bool = True,
) -> dict[str, Any]:
    """Return the options of ``torch.onnx.export`` that a contract knows.

    Args:
        function: see `dynamic_shapes`.
        args: see `dynamic_shapes`.
        kwargs: see `dynamic_shapes`.
        bounds: see `dynamic_shapes`.
        dynamo: whether the options are for ``dynamo=True``, which takes ``dynamic_shapes``, or for
            the older exporter, which takes ``dynamic_axes``.

    Returns:
        ``input_names``, ``output_names`` if the annotation of the result says how many there are,
        ``dynamo``, and ``dynamic_shapes`` or ``dynamic_axes``.

    Raises:
        DeclarationError: see `dynamic_shapes`.

    Examples:
        >>> import torch
        >>> from jaxtyping import Float32
        >>> from sekisho.export import onnx_options
        >>> def total(x: Float32[torch.Tensor, "b n"]) -> Float32[torch.Tensor, "b"]: ...
        >>> options = onnx_options(total, dynamo=False)
        >>> options["input_names"], options["output_names"]
        (['x'], ['result'])
        >>> options["dynamic_axes"]
        {'x': {0: 'b', 1: 'n'}, 'result': {0: 'b'}}
    """
    arguments = read_arguments(bind_contract(function), args, kwargs, world_named("torch"))
    inputs, outputs = onnx_names(arguments)
    found: dict[str, Any] = {"input_names": list(inputs), "dynamo": dynamo}
    if outputs:
        found["output_names"] = list(outputs)
    if dynamo:
        found["dynamic_shapes"] = torch_shapes(arguments, bounds).shapes
    else:
        axes = {**inputs, **outputs}
        found["dynamic_axes"] = {name: each for name, each in axes.items() if each}
    return found


def mark_dynamic(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """Mark the named axes of tensors as dynamic, before ``torch.compile`` sees their first sizes.

    ``torch.compile`` takes the sizes of the first call for constants, and compiles again at the
    second. After this, the first compilation holds for all sizes. Only the first call needs it. An
    axis that the function makes a constant is compiled for each size, as it is without marks.

    Args:
        function: see `dynamic_shapes`; not yet compiled.
        args: the arguments of the first call.
        kwargs: its keyword arguments.

    Raises:
        DeclarationError: see `dynamic_shapes`.

    Examples:
        >>> import torch
        >>> import sekisho as sk
        >>> from jaxtyping import Float32
        >>> from sekisho.export import mark_dynamic
        >>> @sk.torch_world
        ... def total(x: Float32[torch.Tensor, "b n"]) -> Float32[torch.Tensor, "b"]:
        ...     return x.sum(1)
        >>> x = torch.ones(4, 3)
        >>> mark_dynamic(total, x)
    """
    arguments = read_arguments(bind_contract(function), args, kwargs, world_named("torch"))
    for tensor, axes in axes_to_mark(arguments):
        mark_axes(tensor, axes)


def symbolic_arguments(
    function: Callable[..., Any],
    /,
    args: tuple[Any, ...] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    bounds: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with symbolic shapes that ``jax.export.export(...)`` is called with.

    Named axes and their expressions are symbolic dimensions of one scope. ``_`` and ``...`` have
    the sizes of the example, and without one a dimension of their own.

    Args:
        function: see `dynamic_shapes`.
        args: the positional arguments of an example. Without one each annotation has to name one
            dtype.
        kwargs: the keyword arguments of the example.
        bounds: see `dynamic_shapes`; they become constraints of the scope.

    Returns:
        ``(args, kwargs)``, each array in them a ``jax.ShapeDtypeStruct``.

    Raises:
        DeclarationError: see `dynamic_shapes`; also for an expression that JAX has no symbol for.

    Examples:
        >>> import jax
        >>> from jaxtyping import Array, Float32
        >>> from sekisho.export import symbolic_arguments
        >>> def shifted(x: Float32[Array, "b n"], by: Float32[Array, "n+1"]): ...
        >>> args, kwargs = symbolic_arguments(shifted)
        >>> [each.shape for each in args]
        [(b, n), (n + 1,)]
    """
    arguments = read_arguments(bind_contract(function), args, kwargs, world_named("jax"))
    return jax_arguments(arguments, bounds)
