"""The mode: what happens when a value crosses.

A process has one mode, from `set_mode` or the environment. A ``with mode(...)`` block overrides it
for its own thread or task. A worker process starts with its parent's mode, because `set_mode` also
writes it to the environment.

A mode applies to all directions, unless a *level* overrides one of them: ``mode("strict",
to_torch="warn")``, or ``strict to_torch=warn`` where a mode is written as text.

Options stand beside the levels: what becomes of a value that a contract refuses (`violations`),
and, in strict mode, of an operation that expands both operands (`broadcasting`) and of an argument that
is changed in place (`mutations`).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import warnings
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.context.setting import (
    OPTIONS,
    Broadcasting,
    Level,
    Mode,
    Mutations,
    Setting,
    Violations,
    directions,
    is_direction,
    make_setting,
    read_setting,
)
from sekisho.errors import DeclarationError
from sekisho.utils import Block, closest, refuse_misspelt, without_last
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

__all__ = [
    "OPTIONS",
    "Broadcasting",
    "Level",
    "Mode",
    "Mutations",
    "Setting",
    "Violations",
    "after_strict",
    "current",
    "current_untraced",
    "directions",
    "get_mode",
    "install",
    "is_direction",
    "is_strict_anywhere",
    "make_setting",
    "mode",
    "on_strict",
    "process_setting",
    "read_setting",
    "scoped",
    "set_mode",
]

F = TypeVar("F", bound="Callable[..., Any]")
_VARIABLE: Final = "SEKISHO_MODE"

_scoped: ContextVar[tuple[tuple[mode | None, Setting], ...]] = ContextVar(
    "sekisho_mode", default=()
)
"""The blocks that this thread or task is inside, innermost last, each with its setting."""

_process: Setting = read_setting(
    os.environ.get(_VARIABLE, "convert"), f"environment variable {_VARIABLE}"
)


def _warn_of_misspelt(names: Iterable[str]) -> None:
    """Warn of an environment variable that nothing reads, and whose name is nearly that of the mode."""
    start, _, word = _VARIABLE.partition("_")
    # By what follows the name of the library, in which all of them are alike.
    rests = {
        each.removeprefix(start).strip("_"): each
        for each in names
        if each.startswith(start) and each not in _KNOWN
    }
    close = rests.get("") or (rests and rests.get(closest(word, rests) or ""))
    if close:
        text = f"nothing reads the environment variable {close}\n  hint: did you mean {_VARIABLE}?"
        warnings.warn(text, stacklevel=2)


_KNOWN: Final = frozenset(
    {_VARIABLE, "SEKISHO_CACHE_DIR", "SEKISHO_RECORDING", "SEKISHO_TRACING", "SEKISHO_REFUSALS"}
    | {"SEKISHO_STARTUP"}
)
_warn_of_misspelt(os.environ)

_on_strict: Final[list[Callable[[], None]]] = []
_becomes_strict = _is_prepared = _process.name == "strict"


def on_strict(prepare: Callable[[], None]) -> None:
    """Register a function to call when this process first enters strict mode, or now if it has.

    If two threads enter it at the same time, both call it, so that neither continues before it is
    done.
    """
    _on_strict.append(prepare)
    if _becomes_strict:
        prepare()


def _entering(setting: Setting, holder: object) -> Setting:
    global _becomes_strict, _is_prepared  # noqa: PLW0603 - one value per process, like the mode
    if setting.name == "strict" and not _is_prepared:
        _becomes_strict = True
        for prepare in tuple(_on_strict):
            prepare()
        _is_prepared = True
    if setting.name == "strict":
        _strict.append(holder)
    return setting


_PROCESS: Final = "process"
_strict: Final[list[object]] = [_PROCESS] if _process.name == "strict" else []
"""Holders of strict mode: blocks that are entered in any thread, and the process.

A task or thread that inherited a block's mode may outlive the block. Appending to and removing from
a list are atomic, so no lock is needed.
"""

_after_strict: Final[list[Callable[[], None]]] = []


def after_strict(clean_up: Callable[[], None]) -> Callable[[], None]:
    """Register a function to call whenever strict mode is no longer in force anywhere."""
    _after_strict.append(clean_up)
    return clean_up


def is_strict_anywhere() -> bool:
    """Return whether any thread is in a block of strict mode, or the process is in strict mode."""
    return bool(_strict)


def _leaving(setting: Setting, holder: object) -> None:
    if setting.name == "strict":
        with contextlib.suppress(ValueError):  # the block was left twice
            _strict.remove(holder)
        if not _strict:
            for clean_up in tuple(_after_strict):
                clean_up()


def current() -> Setting:
    """Return the mode in force for this thread or task, with its levels.

    In code that a compiler traces, this is the mode of the process, because the compiler cannot
    trace context variables.
    """
    return _process if is_compiling() else current_untraced()


def current_untraced() -> Setting:
    """Return the mode in force, for callers that know that no compiler is tracing."""
    scoped = _scoped.get()
    return scoped[-1][1] if scoped else _process


@contextlib.contextmanager
def scoped(setting: Setting) -> Generator[None]:
    """Apply a setting in the ``with`` block, such as the setting of the thread that started it."""
    token = _scoped.set((*_scoped.get(), (None, setting)))
    try:
        yield
    finally:
        _scoped.reset(token)


def get_mode() -> Mode:
    """Return the mode in force for this thread or task.

    Examples:
        >>> import sekisho as sk
        >>> with sk.mode("strict"):
        ...     sk.get_mode()
        'strict'
    """
    return current().name


def set_mode(
    mode: Mode,
    *,
    violations: Violations | None = None,
    broadcasting: Broadcasting | None = None,
    mutations: Mutations | None = None,
    **levels: Level | None,
) -> None:
    """Set the mode of this process, and of worker processes that it starts later.

    Inside a ``with mode(...)`` block, the block's mode has priority.

    Args:
        mode: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.
        violations: what becomes of a value that a contract refuses, an argument, a result or what
            `check` is asked about: ``"refuse"`` raises the error, ``"warn"`` lets it pass with a
            `ViolationWarning` for each place. None leaves it as it is; a process begins with
            ``"refuse"``.
        broadcasting: with mode ``"strict"``, what becomes of an operation of PyTorch or JAX in a
            guarded body that expands both operands because their ranks differ: ``"allow"``,
            ``"warn"`` (a `BroadcastWarning` at the line) or ``"refuse"`` (a `BroadcastError`). None
            leaves it as it is; a process begins with ``"allow"``.
        mutations: with mode ``"strict"``, what becomes of an argument that a guarded function has
            changed in place, and that ``mutates=`` of its decorator does not name: ``"refuse"``
            (a `MutationError`), ``"warn"`` (a `MutationWarning`) or ``"allow"``. None leaves it as
            it is; a process begins with ``"refuse"``.
        **levels: a different level for crossings into one world: ``to_numpy="warn"``,
            ``to_torch=``, ``to_jax=``, each ``"allow"``, ``"warn"`` or ``"refuse"``. None means
            the level of the mode.

    Raises:
        ValueError: for any other name or level, and for a level with mode ``"off"``.

    Examples:
        >>> import sekisho as sk
        >>> sk.set_mode("warn")
        >>> sk.get_mode()
        'warn'
        >>> sk.set_mode("convert")
    """
    _refuse_misspelt("set_mode", levels)
    options = {"violations": violations, "broadcasting": broadcasting, "mutations": mutations}
    install(_with_options(make_setting("set_mode()", mode, **options, **levels), options, _process))


def _with_options(setting: Setting, given: Mapping[str, str | None], around: Setting) -> Setting:
    """Take the options that are not given from the setting around."""
    changed = {name: getattr(around, name) for name in OPTIONS if given[name] is None}
    return setting._replace(**changed) if changed else setting


def _refuse_misspelt(function: str, levels: dict[str, Any]) -> None:
    wrong = [way for way in levels if not is_direction(way)]
    if wrong:
        refuse_misspelt(function, wrong, [*OPTIONS, *directions()])


def process_setting() -> Setting:
    """Return the mode of this process, which applies outside of ``with mode(...)`` blocks."""
    return _process


def install(setting: Setting) -> None:
    """Make a setting the mode of this process, and of the worker processes that it starts."""
    global _process
    before, _process = _process, _entering(setting, _PROCESS)
    _leaving(before, _PROCESS)
    os.environ[_VARIABLE] = str(setting)


class mode(Block):  # noqa: N801 - used like a function
    """Set a mode for a ``with`` block, in this thread or task only.

    It can also decorate functions and coroutines: their bodies then run in this mode.

    Args:
        name: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.
        violations: see `set_mode`; None is what holds around the block.
        broadcasting: see `set_mode`; None is what holds around the block.
        mutations: see `set_mode`; None is what holds around the block.
        **levels: see `set_mode`.

    Raises:
        ValueError: for any other name or level.

    Examples:
        >>> import sekisho as sk
        >>> with sk.mode("strict"), sk.mode("off"):
        ...     sk.get_mode()
        'off'
    """

    call = "(...)"

    def __init__(
        self,
        name: Mode,
        *,
        violations: Violations | None = None,
        broadcasting: Broadcasting | None = None,
        mutations: Mutations | None = None,
        **levels: Level | None,
    ) -> None:
        _refuse_misspelt("mode", levels)
        self._options: Any = {
            "violations": violations,
            "broadcasting": broadcasting,
            "mutations": mutations,
        }
        self._setting = make_setting("mode()", name, **self._options, **levels)
        self._is_used = False

    def __enter__(self) -> None:
        self._is_used = True
        setting = _with_options(self._setting, self._options, current_untraced())
        _scoped.set((*_scoped.get(), (self, _entering(setting, self))))

    def __exit__(self, *error: object) -> None:
        # Not with `reset`, whose token only works in the context that created it.
        _scoped.set(without_last(_scoped.get(), self))
        _leaving(self._setting, self)

    def __call__(self, function: F) -> F:
        """Decorate a function or coroutine function, so that it always runs in this mode."""
        self._is_used = True
        setting = self._setting
        name, options = setting.name, self._options
        levels: dict[str, Any] = {f"to_{world}": level for world, level in setting.levels}

        def fresh() -> mode:
            return mode(name, **options, **levels)

        decorated: Any
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            # Its steps run in the mode of their caller, so a block could not hold for all of them.
            raise DeclarationError(
                f"mode() cannot decorate a generator.\n  hint: with sekisho.mode({name!r}): inside of it"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with fresh():
                    return await function(*args, **kwargs)

            decorated = run_async
        else:

            @functools.wraps(function)
            def run(*args: Any, **kwargs: Any) -> Any:
                with fresh():
                    return function(*args, **kwargs)

            decorated = run

        result: F = decorated
        return result
