"""A mode with its levels and options: as data, and as the text ``strict to_torch=warn``."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

from sekisho.utils import closest
from sekisho.worlds import has_world, world_names

__all__ = [
    "OPTIONS",
    "Broadcasting",
    "Level",
    "Mode",
    "Mutations",
    "Setting",
    "Violations",
    "directions",
    "is_direction",
    "make_setting",
    "read_setting",
]

Mode = Literal["convert", "warn", "strict", "off"]
Level = Literal["allow", "warn", "refuse"]
Violations = Literal["refuse", "warn"]
Broadcasting = Literal["allow", "warn", "refuse"]
Mutations = Literal["refuse", "warn", "allow"]

_LEVELS: Final[dict[Mode, Any]] = {
    "convert": "allow",
    "warn": "warn",
    "strict": "refuse",
    "off": "off",
}
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "violations": get_args(Violations),
    "broadcasting": get_args(Broadcasting),
    "mutations": get_args(Mutations),
}
"""The options beside a mode's levels: fields of `Setting`, each with its words, the default first."""

_OF_STRICT: Final = frozenset({"broadcasting", "mutations"})
"""The options that are about monitored bodies, which only strict mode has."""


class Setting(NamedTuple):
    """A mode with its levels for crossings into particular worlds.

    Attributes:
        name: the mode.
        usual: ``"allow"``, ``"warn"`` or ``"refuse"``; ``"off"`` if nothing is checked.
        levels: the worlds with a different level, by name.
        violations: ``"refuse"``; ``"warn"`` lets a value pass that a contract refuses.
        broadcasting: in monitored bodies, what becomes of an operation that expands both operands.
        mutations: in monitored bodies, what becomes of an argument that is changed in place.
    """

    name: Mode
    usual: Level | Literal["off"]
    levels: tuple[tuple[str, Level], ...] = ()
    violations: Violations = "refuse"
    broadcasting: Broadcasting = "allow"
    mutations: Mutations = "refuse"

    def level(self, world: str) -> Level | Literal["off"]:
        """Return the level for crossings into the named world."""
        for name, level in self.levels:
            if name == world:
                return level
        return self.usual

    def why_closed(self, world: str) -> str:
        """Return why nothing may cross into the named world; for level ``"refuse"``."""
        if self.name == "strict":
            return "mode 'strict' lets nothing cross here"
        return f"to_{world}='refuse' lets nothing cross here"

    def __str__(self) -> str:
        """Return the text form for environments and ini files: ``strict to_torch=warn``."""
        words = [self.name, *(f"to_{world}={level}" for world, level in self.levels)]
        # Another mode keeps the options of strict mode for later, but its text must not name them.
        names = OPTIONS if self.name == "strict" else OPTIONS.keys() - _OF_STRICT
        options: dict[str, str] = {name: getattr(self, name) for name in names}
        words += [f"{name}={word}" for name, word in options.items() if word != OPTIONS[name][0]]
        return " ".join(words)


def make_setting(source: str, name: object, **levels_and_options: object) -> Setting:
    """Validate a mode with its levels, such as ``to_numpy="warn"``, and its options.

    Args:
        source: where they come from, for the message.
        name: the mode.
        **levels_and_options: the levels by direction, and the options (see `OPTIONS`); None stands
            for the default.

    Raises:
        ValueError: for an unknown mode, direction, level or option.
    """
    if not isinstance(name, str) or name not in _LEVELS:
        hint = _meant(name, get_args(Mode))
        raise ValueError(f"{source}: expected one of {_words(Mode)}, got {name!r}.{hint}")
    usual, found, options = _LEVELS[name], dict[str, Any](), dict[str, Any]()
    for key, level in levels_and_options.items():
        if key in OPTIONS:
            options |= _read_option(source, name, key, level)
            continue
        if not is_direction(key):
            raise _not_a_direction(source, key)
        if level is None:
            continue
        if not isinstance(level, str) or level not in get_args(Level):
            raise ValueError(
                f"{source}: expected {key} to be one of {_words(Level)}, got {level!r}."
                f"{_meant(level, get_args(Level))}"
            )
        if name == "off":
            raise ValueError(f"{source}: mode 'off' looks at nothing, so it takes no level.")
        # A level equal to the mode's own changes nothing.
        if level != usual:
            found[key.removeprefix("to_")] = level
    order = world_names()
    ordered = tuple(sorted(found.items(), key=lambda each: order.index(each[0])))
    return Setting(name, usual, ordered, **options)


def _read_option(source: str, mode: str, name: str, word: object) -> dict[str, object]:
    """Return an option as a keyword argument for `Setting`; none for None.

    Raises:
        ValueError: for another word, with the one that was meant, and for an option that the mode
            does not have.
    """
    words = OPTIONS[name]
    if word is None:
        return {}
    if word not in words:
        hint = _meant(word, words)
        raise ValueError(
            f"{source}: expected {name} to be one of {', '.join(map(repr, words))}, got {word!r}.{hint}"
        )
    if name in _OF_STRICT and mode != "strict":
        raise ValueError(
            f"{source}: mode {mode!r} monitors no body, so it takes no {name}.\n"
            f"  hint: mode 'strict' does"
        )
    return {name: word}


def _meant(word: object, known: tuple[str, ...]) -> str:
    """Return a hint with the word that was probably meant; "" if none is close."""
    meant = closest(str(word).lower(), known)
    return f"\n  hint: did you mean {meant!r}?" if meant else ""


def _not_a_direction(source: str, way: str) -> ValueError:
    *others, last = (f"{each}=..." for each in directions())
    return ValueError(f"{source}: expected {', '.join(others)} or {last}, got {way!r}.")


def directions() -> list[str]:
    """Return the argument for each world: ``to_numpy``, ``to_torch``, ..."""
    return [f"to_{name}" for name in world_names()]


def is_direction(way: str) -> bool:
    """Return whether a word is ``to_`` and the name of a world, of another package too."""
    return way.startswith("to_") and has_world(way.removeprefix("to_"))


def _words(literal: Any) -> str:
    return ", ".join(map(repr, get_args(literal)))


def read_setting(text: str, source: str) -> Setting:
    """Parse ``"strict"`` or ``"strict to_torch=warn"``; ``"violations=warn"`` alone means mode ``convert``.

    Args:
        text: the text.
        source: where it comes from, for the message.

    Raises:
        ValueError: for an unknown mode, direction or level.
    """
    name, *pairs = text.split() or [""]
    if name.startswith("violations="):
        name, pairs = "convert", [name, *pairs]
    levels_and_options = dict[str, str]()
    for pair in pairs:
        key, _, word = pair.partition("=")
        if key not in OPTIONS and not is_direction(key):
            raise _not_a_direction(source, pair)
        levels_and_options[key] = word
    return make_setting(source, name, **levels_and_options)
