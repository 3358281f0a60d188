"""The mode: what happens when a value crosses.

A process has one mode, from `set_mode` or the environment. A ``with mode(...)`` block overrides it
for its own thread or task. A worker process starts with its parent's mode, because `set_mode` also
writes it to the environment.

A mode applies to all directions, unless a *level* overrides one of them: ``mode("strict",
to_torch="warn")``, or ``strict to_torch=warn`` where a mode is written as text.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar, get_args

from sekisho.errors import DeclarationError
from sekisho.ground import Block, refuse_misspelt, without_last
from sekisho.worlds import has_world, is_compiling, world_names

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = [
    "Level",
    "Mode",
    "Setting",
    "after_strict",
    "current",
    "current_untraced",
    "directions",
    "get_mode",
    "install",
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
Mode = Literal["convert", "warn", "strict", "off"]
Level = Literal["allow", "warn", "disallow"]

_LEVELS: Final[dict[Mode, Any]] = {
    "convert": "allow",
    "warn": "warn",
    "strict": "disallow",
    "off": "off",
}
_VARIABLE: Final = "SEKISHO_MODE"


class Setting(NamedTuple):
    """A mode with its levels for crossings into particular worlds.

    Attributes:
        name: the mode.
        usual: ``"allow"``, ``"warn"`` or ``"disallow"``; ``"off"`` if nothing is checked.
        levels: the worlds with a different level, by name.
    """

    name: Mode
    usual: Level | Literal["off"]
    levels: tuple[tuple[str, Level], ...] = ()

    def level(self, world: str) -> Level | Literal["off"]:
        """Return the level for crossings into the named world."""
        for name, level in self.levels:
            if name == world:
                return level
        return self.usual

    def why_closed(self, world: str) -> str:
        """Return why nothing may cross into the named world; for level ``"disallow"``."""
        if self.name == "strict":
            return "mode 'strict' lets nothing cross here"
        return f"to_{world}='disallow' lets nothing cross here"

    def __str__(self) -> str:
        """Return the text form for environments and ini files: ``strict to_torch=warn``."""
        return " ".join([self.name, *(f"to_{world}={level}" for world, level in self.levels)])


def make_setting(source: str, name: object, **levels: object) -> Setting:
    """Validate a mode and its levels, such as ``to_numpy="warn"``.

    Args:
        source: where they come from, for the message.
        name: the mode.
        **levels: the levels by direction.

    Raises:
        ValueError: for an unknown mode, direction or level.
    """
    if not isinstance(name, str) or name not in _LEVELS:
        raise ValueError(f"{source}: expected one of {_words(Mode)}, got {name!r}.")
    usual, found = _LEVELS[name], dict[str, Any]()
    for way, level in levels.items():
        if not is_direction(way):
            *others, last = (f"{each}=..." for each in directions())
            raise ValueError(f"{source}: expected {', '.join(others)} or {last}, got {way!r}.")
        if level is None:
            continue
        if not isinstance(level, str) or level not in get_args(Level):
            raise ValueError(
                f"{source}: expected {way} to be one of {_words(Level)}, got {level!r}."
            )
        if name == "off":
            raise ValueError(f"{source}: mode 'off' looks at nothing, so it takes no level.")
        # A level equal to the mode's own changes nothing.
        if level != usual:
            found[way.removeprefix("to_")] = level
    order = world_names()
    return Setting(name, usual, tuple(sorted(found.items(), key=lambda each: order.index(each[0]))))


def directions() -> list[str]:
    """Return the argument for each world: ``to_numpy``, ``to_torch``, ..."""
    return [f"to_{name}" for name in world_names()]


def is_direction(way: str) -> bool:
    """Return whether a word is such an argument, including for worlds of other packages."""
    return way.startswith("to_") and has_world(way.removeprefix("to_"))


def _words(literal: Any) -> str:
    return ", ".join(map(repr, get_args(literal)))


def read_setting(text: str, source: str) -> Setting:
    """Parse ``"strict"`` or ``"strict to_torch=warn"``.

    Args:
        text: the text.
        source: where it comes from, for the message.

    Raises:
        ValueError: for an unknown mode, direction or level.
    """
    name, *pairs = text.split() or [""]
    levels = dict[str, str]()
    for pair in pairs:
        way, _, level = pair.partition("=")
        if not is_direction(way):
            make_setting(source, "convert", **{pair: None})  # raises the error
        levels[way] = level
    return make_setting(source, name, **levels)


_scoped: ContextVar[tuple[tuple[mode | None, Setting], ...]] = ContextVar(
    "sekisho_mode", default=()
)
"""The blocks that this thread or task is inside, innermost last, each with its setting."""

_process: Setting = read_setting(
    os.environ.get(_VARIABLE, "convert"), f"environment variable {_VARIABLE}"
)

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


def set_mode(mode: Mode, **levels: Level | None) -> None:
    """Set the mode of this process, and of worker processes that it starts later.

    Inside a ``with mode(...)`` block, the block's mode has priority.

    Args:
        mode: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.
        **levels: a different level for crossings into one world: ``to_numpy="warn"``,
            ``to_torch=``, ``to_jax=``, each ``"allow"``, ``"warn"`` or ``"disallow"``. None means
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
    install(make_setting("set_mode()", mode, **levels))


def _refuse_misspelt(function: str, levels: dict[str, Any]) -> None:
    wrong = [way for way in levels if not is_direction(way)]
    if wrong:
        refuse_misspelt(function, wrong, directions())


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

    def __init__(self, name: Mode, **levels: Level | None) -> None:
        _refuse_misspelt("mode", levels)
        self._setting = make_setting("mode()", name, **levels)
        self._is_used = False

    def __enter__(self) -> None:
        self._is_used = True
        _scoped.set((*_scoped.get(), (self, _entering(self._setting, self))))

    def __exit__(self, *error: object) -> None:
        # Not with `reset`, whose token only works in the context that created it.
        _scoped.set(without_last(_scoped.get(), self))
        _leaving(self._setting, self)

    def __call__(self, function: F) -> F:
        """Decorate a function or coroutine function, so that it always runs in this mode."""
        self._is_used = True
        setting = self._setting
        name = setting.name
        told: dict[str, Any] = {f"to_{world}": level for world, level in setting.levels}

        def fresh() -> mode:
            return mode(name, **told)

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
