"""The four decorators that declare which world a function stays in.

A decorator reads the function's signature and annotations once and returns its guard: a plain
function of the same signature, whose source is generated (`sekisho.generated_source` shows it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from sekisho.context import caller, get_mode
from sekisho.errors import DeclarationError, hide_in_pytest
from sekisho.utils import refuse_misspelt, shown_without

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Unpack

    from sekisho.contract import (
        DecoratorName,
        HostOptions,
        Mutates,
        OnForeign,
        Options,
        Returns,
        Scalars,
        TorchOptions,
    )
    from sekisho.utils import Converting, HandingBack
    from sekisho.worlds import Casting, TorchDevice

__all__ = ["boundary", "decorate", "numpy_world", "same_world", "torch_world"]

__tracebackhide__ = hide_in_pytest

F = TypeVar("F", bound="Callable[..., Any]")


@overload
def numpy_world(function: F, /) -> F: ...
@overload
def numpy_world(
    *,
    on_foreign: OnForeign = ...,
    returns: Literal["caller"],
    **options: Unpack[HostOptions],
) -> HandingBack: ...
@overload
def numpy_world(
    *,
    on_foreign: Literal["convert"],
    returns: Literal["world"] = ...,
    **options: Unpack[HostOptions],
) -> Converting: ...
@overload
def numpy_world(
    *,
    on_foreign: Literal["refuse"] | None = ...,
    returns: Literal["world"] = ...,
    **options: Unpack[HostOptions],
) -> Callable[[F], F]: ...
@shown_without("misspelt")
def numpy_world(  # noqa: PLR0913 - one parameter an option
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    returns: Returns = "world",
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    mutates: Mutates = (),
    locals: bool = False,  # noqa: A002 - what it checks
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting | HandingBack:
    """Declare that a function stays in NumPy: arrays in, arrays out, checked by their annotations.

    Args:
        function: the function, without parentheses.
        on_foreign: for tensors among the arguments: None follows the mode, ``"convert"`` always converts, ``"refuse"`` never does.
        returns: ``"caller"`` takes results back to the world and device of the first array argument.
        casting: the casts that are allowed if an annotation names exactly one dtype: ``"no"``
            (default), ``"equiv"``, ``"safe"``, ``"same_kind"`` or ``"unsafe"``, as in NumPy; but int64
            to float64 is not safe, because large integers lose digits.
        copy: whether a conversion copies: None if needed, True always, False never.
        detach: whether a tensor that requires grad may be detached from its graph.
        mutates: parameters that the function changes in place; strict mode refuses other changes.
        locals: whether annotated local variables are checked, as in ``y: Float[np.ndarray, "n"] = x``.
        typechecker: checks all other annotations: ``"beartype"``, a decorator, or None.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, if an annotation or an option contradicts the declaration.

    Examples:
        >>> import numpy as np, sekisho as sk
        >>> from jaxtyping import Float
        >>> @sk.numpy_world
        ... def center(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        ...     return x - x.mean(axis=0)
        >>> center(np.ones(4))
        Traceback (most recent call last):
        ...
        sekisho.errors.ShapeError: center() argument 'x': expected Float[ndarray, "n d"], got ...
    """
    return decorate(
        function,
        "numpy_world",
        misspelt,
        on_foreign=on_foreign,
        returns=returns,
        casting=casting,
        copy=copy,
        detach=detach,
        mutates=mutates,
        locals=locals,
        typechecker=typechecker,
    )


@overload
def torch_world(function: F, /) -> F: ...
@overload
def torch_world(
    *,
    on_foreign: OnForeign = ...,
    returns: Literal["caller"],
    **options: Unpack[TorchOptions],
) -> HandingBack: ...
@overload
def torch_world(
    *,
    on_foreign: Literal["convert"],
    returns: Literal["world"] = ...,
    **options: Unpack[TorchOptions],
) -> Converting: ...
@overload
def torch_world(
    *,
    on_foreign: Literal["refuse"] | None = ...,
    returns: Literal["world"] = ...,
    **options: Unpack[TorchOptions],
) -> Callable[[F], F]: ...
@shown_without("misspelt")
def torch_world(  # noqa: PLR0913 - keywords, each with a default
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    returns: Returns = "world",
    casting: Casting = "no",
    copy: bool | None = None,
    device: str | TorchDevice | None = None,
    scalars: Scalars = "allow",
    local: bool = False,
    mutates: Mutates = (),
    locals: bool = False,  # noqa: A002 - what it checks
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting | HandingBack:
    """Declare that a function stays in PyTorch: tensors in, tensors out. See also `numpy_world`.

    Args:
        function: the function, when used without parentheses.
        on_foreign: see `numpy_world`.
        returns: see `numpy_world`.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        device: where tensors must be. Others are moved, which is a crossing. None checks nothing,
            ``"cuda"`` is any CUDA device, ``"module"`` is the device of ``self``'s first parameter.
        scalars: ``"refuse"`` makes strict mode refuse Python numbers made of tensors in the body,
            as ``.item()`` makes one, since each waits for the device.
        local: whether a ``DTensor``'s axes are those of its local shard, not of the whole.
        mutates: see `numpy_world`.
        locals: see `numpy_world`.
        typechecker: see `numpy_world`.

    Returns and raises what `numpy_world` does.

    Examples:
        >>> import torch, sekisho as sk
        >>> from jaxtyping import Float32
        >>> @sk.torch_world
        ... def scale(x: Float32[torch.Tensor, "n"], by: float) -> Float32[torch.Tensor, "n"]:
        ...     return x * by
        >>> scale(torch.ones(2), 3.0)
        tensor([3., 3.])
    """
    return decorate(
        function,
        "torch_world",
        misspelt,
        on_foreign=on_foreign,
        returns=returns,
        casting=casting,
        copy=copy,
        device=device,
        scalars=scalars,
        local=local,
        mutates=mutates,
        locals=locals,
        typechecker=typechecker,
    )


@overload
def same_world(function: F, /) -> F: ...
@overload
def same_world(
    *,
    on_foreign: Literal["convert"],
    **options: Unpack[HostOptions],
) -> Converting: ...
@overload
def same_world(
    *,
    on_foreign: Literal["refuse"] | None = ...,
    **options: Unpack[HostOptions],
) -> Callable[[F], F]: ...
@shown_without("misspelt")
def same_world(
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    mutates: Mutates = (),
    locals: bool = False,  # noqa: A002 - what it checks
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting:
    """Declare that a function accepts arrays of any world, and returns arrays of the same world.

    The first array argument in signature order decides which world a call is in; a call without one
    is in NumPy. Annotate arrays with `sekisho.Array`.

    Args:
        function: the function, when used without parentheses.
        on_foreign: see `numpy_world`.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        detach: see `numpy_world`.
        mutates: see `numpy_world`.
        locals: see `numpy_world`.
        typechecker: see `numpy_world`.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, if an annotation names one of the worlds.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from jaxtyping import Float
        >>> @sk.same_world
        ... def center(x: Float[sk.Array, "n d"]) -> Float[sk.Array, "n d"]:
        ...     return x - x.mean(0)
        >>> center(np.array([[1.0], [3.0]]))
        array([[-1.],
               [ 1.]])
    """
    return decorate(
        function,
        "same_world",
        misspelt,
        on_foreign=on_foreign,
        casting=casting,
        copy=copy,
        detach=detach,
        mutates=mutates,
        locals=locals,
        typechecker=typechecker,
    )


@overload
def boundary(function: F, /) -> F: ...
@overload
def boundary(
    *,
    on_foreign: Literal["convert"],
    **options: Unpack[HostOptions],
) -> Converting: ...
@overload
def boundary(
    *,
    on_foreign: Literal["refuse"] | None = ...,
    **options: Unpack[HostOptions],
) -> Callable[[F], F]: ...
@shown_without("misspelt")
def boundary(
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    mutates: Mutates = (),
    locals: bool = False,  # noqa: A002 - what it checks
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting:
    """Declare that a function connects worlds: each annotation names its own.

    In every mode, it refuses what its annotations do not accept; ``on_foreign="convert"`` converts
    arguments instead. Parameters without annotation are not checked.

    Args:
        function: the function, when used without parentheses.
        on_foreign: ``"convert"`` converts arguments of another world.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        detach: see `numpy_world`.
        mutates: see `numpy_world`.
        locals: see `numpy_world`.
        typechecker: see `numpy_world`.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, if an annotation is malformed.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> import sekisho as sk
        >>> from jaxtyping import Float32
        >>> @sk.boundary
        ... def upload(image: Float32[np.ndarray, "c h w"]) -> Float32[torch.Tensor, "1 c h w"]:
        ...     return sk.add_batch_dim(sk.to_torch(image))
        >>> upload(np.zeros((3, 8, 8), "float32")).shape
        torch.Size([1, 3, 8, 8])
    """
    return decorate(
        function,
        "boundary",
        misspelt,
        on_foreign=on_foreign,
        casting=casting,
        copy=copy,
        detach=detach,
        mutates=mutates,
        locals=locals,
        typechecker=typechecker,
    )


def decorate(function: Any, kind: DecoratorName, misspelt: dict[str, Any], **told: Any) -> Any:
    """Guard a function, or return the decorator that does. Every public decorator calls this."""
    if misspelt:
        refuse_misspelt(kind, misspelt, told)
    from sekisho.contract import make_options  # noqa: PLC0415 - importing sekisho stays light

    options = make_options(kind, **told)
    if function is not None:
        return _guard(function, options, caller())

    def with_options(function: Any) -> Any:
        return _guard(function, options, caller())

    return with_options


def _guard(target: Any, options: Options, frame: FrameType) -> Any:
    if get_mode() == "off":
        return target
    from sekisho.guard import guard_target  # noqa: PLC0415 - importing sekisho stays light

    try:
        return guard_target(target, options, frame)
    except DeclarationError as error:
        # Drop the frames in between: the decorator's line and the message say it all.
        raise error.with_traceback(None) from None
