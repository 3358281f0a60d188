"""Guard a whole package when it is imported, without editing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sekisho.errors import DeclarationError
from sekisho.utils import is_guard
from sekisho.worlds import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sekisho.package import Hook

__all__ = ["install_import_hook", "unguarded"]

T = TypeVar("T")


def install_import_hook(
    packages: str | Sequence[str] | None = None, *, worlds: Mapping[str, str] | None = None
) -> Hook:
    """Guard the modules of packages that are imported from now on.

    A module that the table names gets that world's decorator on its functions and classes, as if
    its author had written it. In every other module, a function whose annotations mention arrays
    becomes a `boundary`: its arrays are checked, and nothing else. The hook leaves alone what is
    marked with `typing.no_type_check` or `unguarded`, what already has a decorator of sekisho, what
    ``torch.jit``, numba or triton compile from source, and functions inside of functions.

    Args:
        packages: names of packages or modules. None reads them, and the table, from
            ``[tool.sekisho]`` in the nearest ``pyproject.toml``. If pytest has installed the hook
            of that section already, that hook is returned.
        worlds: maps dotted names, with ``*`` for any characters, to ``"numpy"``, ``"torch"``,
            ``"same"``, ``"boundary"`` or ``"unguarded"``. A name includes everything inside it; the
            longest name that matches wins.

    Returns:
        The hook, a context manager. After its ``with`` block, or its method ``uninstall()``,
        imports are as they were; what was guarded stays guarded.

    Raises:
        DeclarationError: if a package does not exist, is imported already or is guarded already; if
            the table names an unknown world or matches no module; if another import hook
            (beartype.claw, jaxtyping, typeguard) is in the way.

    Examples:
        >>> import sekisho as sk
        >>> with sk.install_import_hook("this", worlds={"this": "numpy"}) as hook:
        ...     hook.packages
        ('this',)
    """
    from pathlib import Path  # noqa: PLC0415 - importing sekisho stays light

    from sekisho.package import Hook, read_pyproject  # noqa: PLC0415 - importing sekisho stays light

    if packages is None:
        packages, table = read_pyproject(Path.cwd())
        worlds = table if worlds is None else worlds
        if not packages:
            raise DeclarationError(
                "install_import_hook(): no [tool.sekisho] with packages = [...] in a "
                "pyproject.toml here or above."
            )
        installed = Hook.installed(packages, worlds)
        if installed is not None:
            return installed
    hook = Hook([packages] if isinstance(packages, str) else packages, worlds or {})
    hook.install()
    return hook


def unguarded(target: T) -> T:
    """Mark a function or a class that import hooks and decorated classes must not guard.

    Args:
        target: a function, a method or a class.

    Returns:
        The same function or class.

    Raises:
        DeclarationError: if it cannot be marked, for example a builtin.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> @sk.numpy_world
        ... class Filter:
        ...     @sk.unguarded
        ...     def debug(self, x: np.ndarray): ...
        >>> Filter().debug("anything")
    """
    function: Any = target
    code = getattr(function, "__code__", None)
    if code is not None and is_guard(code):
        function = function.__wrapped__
    try:
        function.__sekisho_unguarded__ = True
    except (AttributeError, TypeError):
        raise DeclarationError(
            f"unguarded(): expected a function or a class of your own, got {describe(target)}."
        ) from None
    marked: T = function
    return marked
