"""Which worlds there are, whose a value is, and who is told when a library has been imported.

A world's file is imported when its library has been, or when somebody asks for it by name: so
`import sekisho` reads NumPy's only. Worlds that other packages bring, by the entry point group
``sekisho.worlds``, are looked for when something comes up that no known world owns.
"""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.errors import DeclarationError, SekishoError
from sekisho.worlds.dtypes import class_of
from sekisho.worlds.numpy import NUMPY
from sekisho.worlds.tracing import is_compiling
from sekisho.worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "HOST",
    "array_class",
    "asked_worlds",
    "find_world",
    "foreign_world",
    "has_world",
    "loaded_worlds",
    "look_for_worlds",
    "on_load",
    "register_world",
    "runs_plainly",
    "world_named",
    "world_names",
    "world_of_array_class",
    "world_of_class",
]

HOST: Final[World] = NUMPY
"""The world of host memory: by way of it all others convert, and a call without arrays is in it."""

_RECORDS: Final[dict[str, str]] = {
    "torch": "sekisho.worlds.torch",
    "jax": "sekisho.worlds.jax",
    "cupy": "sekisho.worlds.cupy",
}
"""The registration of the worlds that come with this package: library, and the module of its record."""

_RESIDENTS: Final = ("torch",)
_GROUP: Final = "sekisho.worlds"
_TAKEN: Final = frozenset({"same", "boundary", "unguarded", "world_of"})

_records: tuple[World, ...] = (HOST,)
_pending: Final[dict[str, Callable[[], World]]] = {}
_broken: Final[dict[str, str]] = {}
_waiting: Final[set[str]] = set()
"""The libraries that nobody has imported yet."""

_same_asked: Final[dict[tuple[World, ...], tuple[World, ...]]] = {}
"""One tuple for all guards that are written while the same libraries are there."""

_listeners: Final[list[Callable[[], None]]] = []

_lock: Final = threading.Lock()
"""Held while what is above changes. Nothing is imported under it, and nobody else's code runs: such code
may wait for a thread that waits for this."""


def _own_record(module: str) -> Callable[[], World]:
    def load() -> World:
        world: World = importlib.import_module(module).WORLD
        return world

    return load


def _announce(name: str, load: Callable[[], World]) -> None:
    _pending[name] = load
    _waiting.add(name)


for _name, _module in _RECORDS.items():
    _announce(_name, _own_record(_module))


def register_world(world: World) -> World:
    """Make an array library a world: decorators, conversions, helpers and strict mode know it.

    From then on ``sekisho.<name>_world``, ``sekisho.to_<name>`` and ``sekisho.is_<name>`` exist, and
    so do the mode's level ``to_<name>=`` and the entry ``"<name>"`` in the table of a guarded
    package. A package can have it done for its users, by an entry point in the group
    ``sekisho.worlds`` whose name is the library's and whose object is the world.

    Args:
        world: an instance of a subclass of `World`.

    Returns:
        The same world.

    Raises:
        DeclarationError: if it is none, misses a member, or has a name that is taken.

    Examples:
        >>> import sekisho as sk
        >>> sk.register_world(sk.World())
        Traceback (most recent call last):
        ...
        sekisho.errors.DeclarationError: register_world(): <world > has no name.
          hint: name = "...", the module that is imported where the library is
    """
    problem = _why_not(world) or _add(world)
    if problem:
        raise DeclarationError(f"register_world(): {problem}")
    look_for_worlds()
    return world


def _why_not(world: Any) -> str | None:
    if not isinstance(world, World):
        meant = isinstance(world, type) and issubclass(world, World)
        hint = f"\n  hint: register_world({world.__name__}())" if meant else ""
        return f"expected an instance of a subclass of sekisho.World, got {world!r}.{hint}"
    for member in ("name", "label"):
        value: Any = getattr(world, member)
        if not isinstance(value, str) or not value:
            what = "the module that is imported where the library is"
            hint = what if member == "name" else "what messages call the library"
            return f'{world!r} has no {member}.\n  hint: {member} = "...", {hint}'
    kind = type(world)
    for member in ("dtypes", "to_host", "from_host"):
        if getattr(kind, member) is getattr(World, member):
            return f"{world!r} has no {member}().\n  hint: see sekisho.World.{member}"
    name = world.name
    if not name.isidentifier():
        return f"{name!r} cannot be part of a name, as in to_{name}."
    if name in _TAKEN:
        return f"the name {name!r} is taken: {name}_world, or an option so called, exists."
    return None


def _add(world: World, *, is_announced: bool = False) -> str | None:
    """Add a record, or return why not: of two that have one name, the first stays.

    Args:
        world: the record.
        is_announced: whether it is the one that its name is kept for.
    """
    global _records  # noqa: PLW0603 - one process, one set of worlds
    with _lock:
        if world in _records and is_announced:  # another thread was quicker
            return None
        if world.name in world_names() and not (is_announced and world.name in _pending):
            return f"a world called {world.name!r} is registered already."
        _waiting.add(world.name)
        _pending.pop(world.name, None)
        order = [HOST.name, *_RECORDS]
        known = [*_records, world]
        _records = tuple(
            sorted(known, key=lambda w: order.index(w.name) if w.name in order else len(order))
        )
    return None


def _activate(name: str) -> World | None:
    """Import the file of a world that was announced; None, and a warning once, if it is broken."""
    load = _pending.get(name)
    if load is None:
        return next((world for world in _records if world.name == name), None)
    try:
        world = load()
        problem = None if name in _RECORDS else _why_not(world)
        if problem is None and world.name != name:
            problem = f"it is called {world.name!r}"
    except Exception as error:  # noqa: BLE001 - somebody else's module may raise anything
        world, problem = HOST, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    problem = problem or _add(world, is_announced=True)
    if problem is None:
        return world
    with _lock:
        is_first = _pending.pop(name, None) is not None
        _waiting.discard(name)
        _broken[name] = f"the world {name!r} of an entry point cannot be used: {problem}"
    if is_first:  # of the threads that have tried
        warnings.warn(_broken[name], RuntimeWarning, stacklevel=2)
    return None


@cache
def _read_entry_points() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - it takes its time

    for each in entry_points(group=_GROUP):
        if each.name not in world_names() and each.name not in _broken:
            _announce(each.name, each.load)


def world_names() -> tuple[str, ...]:
    """The names of all worlds that are known so far, imported or not."""
    return tuple(dict.fromkeys((HOST.name, *_RECORDS, *(w.name for w in _records), *_pending)))


def has_world(name: str) -> bool:
    """Whether there is a world so called, usable or not, if need be brought by another package."""
    if name not in world_names() and name not in _broken:
        _read_entry_points()
    return name in world_names() or name in _broken


def world_named(name: str) -> World:
    """The record of a world.

    Raises:
        DeclarationError: if there is none so called, or it cannot be used.
    """
    for world in _records:
        if world.name == name:
            return world
    if name not in _pending:
        _read_entry_points()
    found = _activate(name)
    if found is None:
        reason = (
            _broken.get(name) or f"there is no world {name!r}, only {', '.join(world_names())}."
        )
        raise DeclarationError(reason)
    return found


def look_for_worlds() -> None:
    """If another library has been imported since, tell whoever asked to know. For slow paths."""
    if is_compiling():
        return
    found = [_activate(name) for name in tuple(_waiting) if name in sys.modules]
    loaded = [world for world in found if world is not None and world.is_loaded()]
    if not loaded:
        return
    with _lock:  # of several threads that see it, one tells
        news = [world for world in loaded if world.name in _waiting]
        _waiting.difference_update([world.name for world in news])
    try:
        for world in news:
            world.on_load()
    finally:  # what `on_load` raises, such as a warning that is an error, is no reason to tell nobody
        for each in tuple(_listeners) if news else ():
            each()


def on_load(listener: Callable[[], None]) -> None:
    """Have `listener` called whenever a library has been imported, by `look_for_worlds`."""
    _listeners.append(listener)


def _activate_imported() -> None:
    for name in tuple(_pending):
        if name in sys.modules:
            _activate(name)


def loaded_worlds() -> tuple[World, ...]:
    """The worlds whose library is imported here and now, to its end."""
    _activate_imported()
    return tuple(world for world in _records if world.is_loaded())


def asked_worlds() -> tuple[World, ...]:
    """The worlds that a guard asks for inline: those that are loaded, and those that soon may be."""
    for name in _RESIDENTS:
        world_named(name)
    loaded = loaded_worlds()
    found = tuple(world for world in _records if world.is_resident or world in loaded)
    return _same_asked.setdefault(found, found)


def find_world(value: object) -> World | None:
    """The record of the world that `value` belongs to, or None if it belongs to none."""
    try:
        for world in _records:
            if world.owns(value):
                return world
    except SekishoError:
        raise
    except Exception:  # noqa: BLE001 - `isinstance` asks for its ``__class__``, which may be a property
        return None  # no library's array is like that
    return None if is_compiling() else _find_late(value)


def _find_late(value: Any) -> World | None:
    """The same, of the worlds whose file nobody has read yet."""
    kind = class_of(value)
    if hasattr(kind, "shape") and hasattr(kind, "dtype"):
        _read_entry_points()
    for name in tuple(_pending):
        world = _activate(name) if name in sys.modules else None
        if world is not None and world.owns(value):
            return world
    return None


def foreign_world(value: object, home: World) -> World | None:
    """The world of an array that is of another one than `home`; None for all else."""
    found = find_world(value)
    if found is None or found is home or found.is_scalar(value) or home.takes(value):
        return None
    return found


def world_of_class(kind: Any) -> World | None:
    """The world whose arrays a class is a class of; None if it is none's."""
    if not isinstance(kind, type):
        return None
    found = _world_of_class(kind)
    if found is None and hasattr(kind, "shape") and hasattr(kind, "dtype"):
        _read_entry_points()
        found = _world_of_class(kind)
    return found


def _world_of_class(kind: type) -> World | None:
    _activate_imported()
    for world in _records:  # asked of every annotation of a package
        array_type = world.array_type()
        if array_type is not None and (kind is array_type or issubclass(kind, array_type)):
            return world
        if type(kind) is not type and world.alias(kind) is not None:
            return world  # torch.LongTensor is no class of tensors, but stands for one
    return next((world for world in _records if kind is array_class(world)), None)


class _NotLoaded(type):
    """Stands in for a world's array class until the world's library is imported.

    Then it answers for the real class, so that no value slips through a guard that was generated
    before: `isinstance(x, stand_in)` is right at all times, and merely slower than a real class.
    """

    world: World

    def __instancecheck__(cls, value: object) -> bool:
        array_type = cls.world.array_type()
        return array_type is not None and isinstance(value, array_type)


@cache
def _stand_in(world: World) -> type:
    return _NotLoaded("StandIn", (), {"world": world})


def array_class(world: World) -> Any:
    """The world's array class for `isinstance`, or its stand-in while it is not loaded."""
    return world.array_type() or _stand_in(world)


def world_of_array_class(kind: Any) -> World:
    """The world whose `array_class` this is, or was before its library was imported."""
    for world in _records:
        if world.array_type() is kind:
            return world
    stood_in: World = kind.world
    return stood_in


def runs_plainly() -> bool:
    """Whether all libraries just compute here: no transform, trace or mode takes part."""
    return all(world.runs_plainly() for world in loaded_worlds())
