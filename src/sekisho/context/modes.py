"""The mode: how crossings are answered, here and now.

A process has one mode, from `set_mode` or the environment; a ``with mode(...)`` block overrides
it for its own thread or task. A worker process starts with its parent's mode, since `set_mode`
writes it to the environment.

A mode answers crossings in both directions alike, unless a *level* answers one of them otherwise:
``mode("strict", to_torch="warn")``, or ``strict to_torch=warn`` where a mode is written as text.
"""

from __future__ import annotations

import functools
import inspect
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar, get_args

from sekisho.errors import DeclarationError
from sekisho.ground import Block, refuse_misspelt
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

__all__ = [
    "Level",
    "Mode",
    "Setting",
    "current",
    "current_untraced",
    "get_mode",
    "install",
    "make_setting",
    "mode",
    "on_strict",
    "process_setting",
    "read_setting",
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
_DIRECTIONS: Final = ("to_numpy", "to_torch")
_VARIABLE: Final = "SEKISHO_MODE"


class Setting(NamedTuple):
    """A mode, and what it answers to a crossing in each direction.

    Attributes:
        name: the mode.
        to_numpy: ``"allow"``, ``"warn"`` or ``"disallow"``; ``"off"`` if nothing is looked at.
        to_torch: likewise.
    """

    name: Mode
    to_numpy: Level | Literal["off"]
    to_torch: Level | Literal["off"]

    def level(self, world: str) -> Level | Literal["off"]:
        """What is answered to a crossing into the world so named."""
        return self.to_numpy if world == "numpy" else self.to_torch

    def why_closed(self, world: str) -> str:
        """Why nothing may cross into the world so named, where its level is ``"disallow"``."""
        if self.name == "strict":
            return "mode 'strict' lets nothing cross here"
        return f"to_{world}='disallow' lets nothing cross here"

    def __str__(self) -> str:
        """The form that environments and ini files hold: ``strict to_torch=warn``."""
        usual = _LEVELS[self.name]
        levels = zip(_DIRECTIONS, self[1:], strict=True)
        return " ".join([self.name, *(f"{way}={each}" for way, each in levels if each != usual)])


def make_setting(
    source: str, name: object, to_numpy: object = None, to_torch: object = None
) -> Setting:
    """Check a mode and its levels; `source` says whose they are.

    Raises:
        ValueError: for an unknown mode or level.
    """
    if not isinstance(name, str) or name not in _LEVELS:
        raise ValueError(f"{source}: expected one of {_words(Mode)}, got {name!r}.")
    levels = [_LEVELS[name]] * 2
    for index, level in enumerate((to_numpy, to_torch)):
        if level is None:
            continue
        if not isinstance(level, str) or level not in get_args(Level):
            raise ValueError(
                f"{source}: expected {_DIRECTIONS[index]} to be one of {_words(Level)}, "
                f"got {level!r}."
            )
        if name == "off":
            raise ValueError(f"{source}: mode 'off' looks at nothing, so it takes no level.")
        levels[index] = level
    return Setting(name, *levels)


def _words(literal: Any) -> str:
    return ", ".join(map(repr, get_args(literal)))


def read_setting(text: str, source: str) -> Setting:
    """Read ``"strict"`` or ``"strict to_torch=warn"``; `source` says who wrote it.

    Raises:
        ValueError: for an unknown mode, direction or level.
    """
    name, *pairs = text.split() or [""]
    levels: dict[str, Any] = dict.fromkeys(_DIRECTIONS)
    for pair in pairs:
        way, _, level = pair.partition("=")
        if way not in levels:
            raise ValueError(f"{source}: expected to_numpy=... or to_torch=..., got {pair!r}.")
        levels[way] = level
    return make_setting(source, name, **levels)


_scoped: ContextVar[Setting | None] = ContextVar("sekisho_mode", default=None)
_process: Setting = read_setting(
    os.environ.get(_VARIABLE, "convert"), f"environment variable {_VARIABLE}"
)

_on_strict: Final[list[Callable[[], None]]] = []
_has_been_strict = _process.name == "strict"


def on_strict(prepare: Callable[[], None]) -> None:
    """Have `prepare` called once: when this process enters strict mode, or now if it has."""
    if _has_been_strict:
        prepare()
    else:
        _on_strict.append(prepare)


def _entering(setting: Setting) -> Setting:
    global _has_been_strict  # noqa: PLW0603 - one value a process, as the mode itself
    if setting.name == "strict" and not _has_been_strict:
        _has_been_strict = True
        for prepare in _on_strict:
            prepare()
    return setting


def current() -> Setting:
    """The mode in force for this thread or task, with its levels.

    In code that a compiler traces it is the process's: it can read no context.
    """
    return _process if is_compiling() else current_untraced()


def current_untraced() -> Setting:
    """The same, for who knows that no compiler is tracing."""
    return _scoped.get() or _process


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
    to_numpy: Level | None = None,
    to_torch: Level | None = None,
    **misspelt: Any,
) -> None:
    """Set the mode of this process, and of the worker processes it starts from now on.

    A surrounding ``with mode(...)`` block still wins inside of it.

    Args:
        mode: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.
        to_numpy: what to answer instead to crossings from tensors to arrays: ``"allow"``,
            ``"warn"`` or ``"disallow"``. None is what the mode says.
        to_torch: likewise from arrays to tensors.
        **misspelt: what is no level is refused, and told the one that was meant.

    Raises:
        ValueError: for any other name or level, and for a level of mode ``"off"``.

    Examples:
        >>> import sekisho as sk
        >>> sk.set_mode("warn")
        >>> sk.get_mode()
        'warn'
        >>> sk.set_mode("convert")
    """
    if misspelt:
        refuse_misspelt("set_mode", misspelt, _DIRECTIONS)
    install(make_setting("set_mode()", mode, to_numpy, to_torch))


def process_setting() -> Setting:
    """The mode of this process, where no ``with mode(...)`` says otherwise."""
    return _process


def install(setting: Setting) -> None:
    """Make a setting that of this process, and of the worker processes it starts."""
    global _process  # noqa: PLW0603 - one value a process is what this module is for
    _process = _entering(setting)
    os.environ[_VARIABLE] = str(setting)


class mode(Block):  # noqa: N801 - used like a function
    """Hold a mode for the length of a ``with`` block, in this thread or task only.

    It decorates functions and coroutines too: their bodies run in that mode.

    Args:
        name: ``"convert"``, ``"warn"``, ``"strict"`` or ``"off"``.
        to_numpy: see `set_mode`.
        to_torch: see `set_mode`.

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
        to_numpy: Level | None = None,
        to_torch: Level | None = None,
        **misspelt: Any,
    ) -> None:
        if misspelt:
            refuse_misspelt("mode", misspelt, _DIRECTIONS)
        self._setting = make_setting("mode()", name, to_numpy, to_torch)
        self._tokens: list[Token[Setting | None]] = []
        self._is_used = False

    def __enter__(self) -> None:
        self._is_used = True
        self._tokens.append(_scoped.set(_entering(self._setting)))

    def __exit__(self, *error: object) -> None:
        _scoped.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        """Have a function, or a coroutine, run in this mode whenever it is called."""
        self._is_used = True
        setting = self._setting
        name, levels = setting.name, {way: getattr(setting, way) for way in _DIRECTIONS}
        told = levels if name != "off" else {}

        def fresh() -> mode:
            return mode(name, **told)

        decorated: Any = None
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            # Its steps run in whatever mode asks for them, so there is no block to hold one.
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
