"""The four declarations: which world a function stays in.

A decorator reads the function's signature and annotations once and returns its guard: a plain
function of the same signature, generated as text (`sekisho.generated_source` shows it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from sekisho.context import caller, get_mode
from sekisho.errors import DeclarationError, hide_in_pytest
from sekisho.ground import refuse_misspelt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sekisho.contract import Kind, Options
    from sekisho.ground import Converting, HandingBack
    from sekisho.worlds import Casting, TorchDevice

__all__ = ["boundary", "decorate", "numpy_world", "same_world", "torch_world"]

__tracebackhide__ = hide_in_pytest

F = TypeVar("F", bound="Callable[..., Any]")
OnForeign = Literal["convert", "reject"] | None
Returns = Literal["world", "caller"]
Scalars = Literal["allow", "reject"]


@overload
def numpy_world(function: F, /) -> F: ...
@overload
def numpy_world(
    *,
    on_foreign: OnForeign = ...,
    returns: Literal["caller"],
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> HandingBack: ...
@overload
def numpy_world(
    *,
    on_foreign: Literal["convert"],
    returns: Literal["world"] = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Converting: ...
@overload
def numpy_world(
    *,
    on_foreign: Literal["reject"] | None = ...,
    returns: Literal["world"] = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Callable[[F], F]: ...
def numpy_world(
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    returns: Returns = "world",
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting | HandingBack:
    """Declare that a function stays in NumPy: arrays in, arrays out.

    Tensors among the arguments are converted or refused, as the mode says; one as the result is
    an error. What an annotation says of an array is checked.

    Args:
        function: the function, when used without parentheses.
        on_foreign: None follows the mode; ``"convert"`` converts always, ``"reject"`` never.
        returns: ``"caller"`` hands results back in the world, and on the device, that the first
            array argument came from.
        casting: whether a dtype may change to meet an annotation that names exactly one: ``"no"``,
            or NumPy's other four words, but that int64 to float64 is not safe: it loses integers.
        copy: whether a conversion copies: None if needed, True always, False never.
        detach: whether a tensor that requires grad may be cut from its graph.
        typechecker: who checks what is no array: ``"beartype"``, a decorator, or None for nobody.
        **misspelt: refused, and told the option that was meant.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, for an annotation or an option that contradicts this.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
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
        typechecker=typechecker,
    )


@overload
def torch_world(function: F, /) -> F: ...
@overload
def torch_world(
    *,
    on_foreign: OnForeign = ...,
    returns: Literal["caller"],
    casting: Casting = ...,
    copy: bool | None = ...,
    device: str | TorchDevice | None = ...,
    scalars: Scalars = ...,
    local: bool = ...,
    typechecker: Any = ...,
) -> HandingBack: ...
@overload
def torch_world(
    *,
    on_foreign: Literal["convert"],
    returns: Literal["world"] = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    device: str | TorchDevice | None = ...,
    scalars: Scalars = ...,
    local: bool = ...,
    typechecker: Any = ...,
) -> Converting: ...
@overload
def torch_world(
    *,
    on_foreign: Literal["reject"] | None = ...,
    returns: Literal["world"] = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    device: str | TorchDevice | None = ...,
    scalars: Scalars = ...,
    local: bool = ...,
    typechecker: Any = ...,
) -> Callable[[F], F]: ...
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
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting | HandingBack:
    """Declare that a function stays in PyTorch: tensors in, tensors out.

    Args:
        function: the function, when used without parentheses.
        on_foreign: see `numpy_world`.
        returns: see `numpy_world`.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        device: where tensors must be, others being moved, which is a crossing: None asks nothing,
            ``"cuda"`` is any of them, ``"module"`` is where ``self``'s first parameter is.
        scalars: ``"reject"`` has strict mode refuse Python numbers made of tensors in the body
            (``.item()``, ``if x:``), each of which waits for the device.
        local: whether a ``DTensor``'s axes are those of its local shard, not of the whole.
        typechecker: see `numpy_world`.
        **misspelt: see `numpy_world`.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, for an annotation or an option that contradicts this.

    Examples:
        >>> import torch
        >>> import sekisho as sk
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
        typechecker=typechecker,
    )


@overload
def same_world(function: F, /) -> F: ...
@overload
def same_world(
    *,
    on_foreign: Literal["convert"],
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Converting: ...
@overload
def same_world(
    *,
    on_foreign: Literal["reject"] | None = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Callable[[F], F]: ...
def same_world(
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting:
    """Declare that a function works in either world: one world in, the same world out.

    The first array argument in signature order says which world a call is in; a call without one
    is in NumPy. Annotate with `sekisho.Array`.

    Args:
        function: the function, when used without parentheses.
        on_foreign: see `numpy_world`.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        detach: see `numpy_world`.
        typechecker: see `numpy_world`.
        **misspelt: see `numpy_world`.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, for an annotation that names one of the worlds.

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
        typechecker=typechecker,
    )


@overload
def boundary(function: F, /) -> F: ...
@overload
def boundary(
    *,
    on_foreign: Literal["convert"],
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Converting: ...
@overload
def boundary(
    *,
    on_foreign: Literal["reject"] | None = ...,
    casting: Casting = ...,
    copy: bool | None = ...,
    detach: bool = ...,
    typechecker: Any = ...,
) -> Callable[[F], F]: ...
def boundary(
    function: F | None = None,
    /,
    *,
    on_foreign: OnForeign = None,
    casting: Casting = "no",
    copy: bool | None = None,
    detach: bool = False,
    typechecker: Any = "beartype",
    **misspelt: Any,
) -> F | Callable[[F], F] | Converting:
    """Declare that a function is the border: each annotation says its own world.

    It refuses what its annotations do not say, in every mode; ``on_foreign="convert"`` converts
    arguments instead. Parameters without annotation are left alone.

    Args:
        function: the function, when used without parentheses.
        on_foreign: ``"convert"`` converts arguments of the other world.
        casting: see `numpy_world`.
        copy: see `numpy_world`.
        detach: see `numpy_world`.
        typechecker: see `numpy_world`.
        **misspelt: see `numpy_world`.

    Returns:
        The guard: a plain function with the same signature.

    Raises:
        DeclarationError: at decoration, for a malformed annotation.

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
        typechecker=typechecker,
    )


def decorate(function: Any, kind: Kind, misspelt: dict[str, Any], **told: Any) -> Any:
    """Guard a function, or give what does: the one way into every decorator."""
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
    # Not before the first decoration: importing sekisho stays light.
    from sekisho.guard import guard_target  # noqa: PLC0415 - as said

    try:
        return guard_target(target, options, frame)
    except DeclarationError as error:
        # Without the frames between: the decorator's line and the text say it all.
        raise error.with_traceback(None) from None
