"""Declare which array library a function works in, and check what it gets and returns.

The decorators (`numpy_world`, `torch_world`, `same_world`, `boundary`) check, convert or refuse the
values of a function. The helpers (`add_batch_dim`, `transpose2d`, ...) have one name for an
operation in every library. ``strict`` mode finds every crossing.
"""

import sys
from typing import Any

from sekisho.allowed import crossing_allowed
from sekisho.checks import check
from sekisho.context import Mode, get_mode, mode, set_mode
from sekisho.decorators import boundary, numpy_world, same_world, torch_world
from sekisho.errors import (
    AxisNameWarning,
    BoundaryError,
    BroadcastError,
    BroadcastWarning,
    ConversionError,
    CrossingWarning,
    DeclarationError,
    DeviceError,
    DTypeError,
    LostWriteError,
    LostWriteWarning,
    MutationError,
    MutationWarning,
    SekishoError,
    ShapeError,
    UnguardedWarning,
    Violation,
    ViolationWarning,
    WorldError,
)
from sekisho.helpers import (
    add_batch_dim,
    add_channel_dim,
    channels_first,
    channels_last,
    concat,
    expand_dims,
    moveaxis,
    namespace,
    permute_dims,
    remove_batch_dim,
    squeeze,
    stack,
    to_jax,
    to_numpy,
    to_torch,
    to_world_of,
    transpose2d,
)
from sekisho.import_hook import install_import_hook, unguarded
from sekisho.log import Crossing, CrossingLog, Row
from sekisho.recording import record_crossings
from sekisho.registered import jax_world
from sekisho.utils import PublicModule, generated_source
from sekisho.worlds import (
    Array,
    Converted,
    Policy,
    Refusal,
    World,
    is_jax,
    is_numpy,
    is_torch,
    register_world,
    world_of,
)

__version__ = "0.1.0"

__all__ = [
    "Array",
    "AxisNameWarning",
    "BoundaryError",
    "BroadcastError",
    "BroadcastWarning",
    "ConversionError",
    "Converted",
    "Crossing",
    "CrossingLog",
    "CrossingWarning",
    "DTypeError",
    "DeclarationError",
    "DeviceError",
    "LostWriteError",
    "LostWriteWarning",
    "Mode",
    "MutationError",
    "MutationWarning",
    "Policy",
    "Refusal",
    "Row",
    "SekishoError",
    "ShapeError",
    "UnguardedWarning",
    "Violation",
    "ViolationWarning",
    "World",
    "WorldError",
    "__version__",
    "add_batch_dim",
    "add_channel_dim",
    "boundary",
    "channels_first",
    "channels_last",
    "check",
    "concat",
    "crossing_allowed",
    "expand_dims",
    "generated_source",
    "get_mode",
    "install_import_hook",
    "is_jax",
    "is_numpy",
    "is_torch",
    "jax_world",
    "mode",
    "moveaxis",
    "namespace",
    "numpy_world",
    "permute_dims",
    "record_crossings",
    "register_world",
    "remove_batch_dim",
    "same_world",
    "set_mode",
    "squeeze",
    "stack",
    "to_jax",
    "to_numpy",
    "to_torch",
    "to_world_of",
    "torch_world",
    "transpose2d",
    "unguarded",
    "world_of",
]

sys.modules[__name__].__class__ = PublicModule


def __getattr__(name: str) -> Any:
    """Return what a registered world adds, such as ``to_cupy``; load nothing before it is needed.

    Raises:
        AttributeError: for any other name. For a name of another library, such as ``unsqueeze``, it
            names the helper to use here.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    from importlib.util import find_spec  # noqa: PLC0415 - only for the message

    # `from sekisho import testing` asks for the attribute before it imports the module: be quick.
    if find_spec(f"{__name__}.{name}") is not None:
        text = f"module 'sekisho' has no {name!r} before it is imported.\n  hint: import sekisho.{name}"
        raise AttributeError(text)
    from sekisho.registered import brought, words_of_worlds  # noqa: PLC0415 - not a public name
    from sekisho.utils import foreign_name  # noqa: PLC0415 - only for the message

    found = brought(name)
    if found is None:
        raise foreign_name(name, __all__, words_of_worlds())
    globals()[name] = found
    return found


def load_ipython_extension(shell: object) -> None:
    """Guard the functions of all later cells of an IPython shell: ``%load_ext sekisho``."""
    from sekisho.package import load  # noqa: PLC0415 - importing sekisho stays light

    load(shell)


def unload_ipython_extension(shell: object) -> None:
    """Stop guarding cells: ``%unload_ext sekisho``."""
    from sekisho.package import unload  # noqa: PLC0415 - importing sekisho stays light

    unload(shell)
