"""A mode with its levels, and what becomes of refused values: as data, as words, and as text."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, cast, get_args

from sekisho.utils import closest
from sekisho.worlds import has_world, world_names

__all__ = [
    "VIOLATIONS",
    "Level",
    "Mode",
    "Setting",
    "Violations",
    "directions",
    "is_direction",
    "make_setting",
    "read_setting",
]

Mode = Literal["convert", "warn", "strict", "off"]
Level = Literal["allow", "warn", "disallow"]
Violations = Literal["raise", "warn"]

_LEVELS: Final[dict[Mode, Any]] = {
    "convert": "allow",
    "warn": "warn",
    "strict": "disallow",
    "off": "off",
}
VIOLATIONS: Final = "violations"
"""What the option is called, in calls and in text."""


class Setting(NamedTuple):
    """A mode with its levels for crossings into particular worlds.

    Attributes:
        name: the mode.
        usual: ``"allow"``, ``"warn"`` or ``"disallow"``; ``"off"`` if nothing is checked.
        levels: the worlds with a different level, by name.
        violations: ``"raise"``; ``"warn"`` lets a value pass that a contract refuses.
    """

    name: Mode
    usual: Level | Literal["off"]
    levels: tuple[tuple[str, Level], ...] = ()
    violations: Violations = "raise"

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
        words = [self.name, *(f"to_{world}={level}" for world, level in self.levels)]
        return " ".join([*words, f"{VIOLATIONS}=warn"] if self.violations == "warn" else words)


def make_setting(source: str, name: object, violations: object = None, **levels: object) -> Setting:
    """Validate a mode and its levels, such as ``to_numpy="warn"``.

    Args:
        source: where they come from, for the message.
        name: the mode.
        violations: ``"raise"``, ``"warn"``, or None for the default.
        **levels: the levels by direction.

    Raises:
        ValueError: for an unknown mode, direction or level, and another word for `violations`.
    """
    if not isinstance(name, str) or name not in _LEVELS:
        hint = _meant(name, get_args(Mode))
        raise ValueError(f"{source}: expected one of {_words(Mode)}, got {name!r}.{hint}")
    usual, found = _LEVELS[name], dict[str, Any]()
    for way, level in levels.items():
        if not is_direction(way):
            raise _not_a_direction(source, way)
        if level is None:
            continue
        if not isinstance(level, str) or level not in get_args(Level):
            raise ValueError(
                f"{source}: expected {way} to be one of {_words(Level)}, got {level!r}."
                f"{_meant(level, get_args(Level))}"
            )
        if name == "off":
            raise ValueError(f"{source}: mode 'off' looks at nothing, so it takes no level.")
        # A level equal to the mode's own changes nothing.
        if level != usual:
            found[way.removeprefix("to_")] = level
    order = world_names()
    ordered = tuple(sorted(found.items(), key=lambda each: order.index(each[0])))
    return Setting(name, usual, ordered, _read_violations(source, violations) or "raise")


def _read_violations(source: str, violations: object) -> Violations | None:
    """Check what becomes of refused values; None says nothing.

    Raises:
        ValueError: for any other word, with the one that was meant.
    """
    if violations is None or violations in get_args(Violations):
        return cast("Violations | None", violations)
    hint = _meant(violations, get_args(Violations))
    raise ValueError(
        f"{source}: expected {VIOLATIONS} to be one of {_words(Violations)}, got {violations!r}.{hint}"
    )


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
    """Return whether a word is such an argument, including for worlds of other packages."""
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
    if name.startswith(f"{VIOLATIONS}="):
        name, pairs = "convert", [name, *pairs]
    levels = dict[str, str]()
    for pair in pairs:
        way, _, level = pair.partition("=")
        if way != VIOLATIONS and not is_direction(way):
            raise _not_a_direction(source, pair)
        levels[way] = level
    return make_setting(source, name, **levels)
