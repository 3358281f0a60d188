"""The registered worlds, the world of a value, and callbacks for newly imported libraries.

A world's module is imported once its library has been, or when it is requested by name. So
`import sekisho` only loads NumPy's. Other packages provide worlds with the entry point group
``sekisho.worlds``; these are loaded when a value turns up that no known world owns.
"""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.errors import DeclarationError, SekishoError, with_class
from sekisho.worlds.dtypes import class_of
from sekisho.worlds.library import Library, library_of
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

HOST: Final[Library] = NUMPY
"""The world of host memory. All others convert through it, and calls without arrays use it."""

_RECORDS: Final[dict[str, str]] = {
    "torch": "sekisho.worlds.torch",
    "jax": "sekisho.worlds.jax",
    "cupy": "sekisho.worlds.cupy",
}
"""The worlds of this package: library, and the module with its record."""

_RESIDENTS: Final = ("torch",)
_GROUP: Final = "sekisho.worlds"
_TAKEN: Final = frozenset({"same", "boundary", "unguarded", "world_of"})

_records: tuple[Library, ...] = (HOST,)
_pending: Final[dict[str, Callable[[], World]]] = {}
_broken: Final[dict[str, str]] = {}
_waiting: Final[set[str]] = set()
"""Libraries that have not been imported yet."""

_same_asked: Final[dict[tuple[Library, ...], tuple[Library, ...]]] = {}
"""One shared tuple for all guards that are generated while the same libraries are imported."""

_listeners: Final[list[Callable[[], None]]] = []

_lock: Final = threading.Lock()
"""Held while the variables above change. No import and no foreign code runs under it, because such
code may wait for a thread that waits for this lock."""


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
    """Register a world for an array library.

    Decorators, conversions, helpers and strict mode then support the library. The functions
    ``sekisho.<name>_world``, ``sekisho.to_<name>`` and ``sekisho.is_<name>`` become available, and
    so do the argument ``to_<name>=`` of `mode` and the key ``"<name>"`` in the table of a guarded
    package. A package can register its world for its users with an entry point in the group
    ``sekisho.worlds``: its name is the library's name, and its object is the world.

    Args:
        world: an instance of a subclass of `World`.

    Returns:
        The same world.

    Raises:
        DeclarationError: if it is not a `World`, lacks a member, or its name is taken.

    Examples:
        >>> import sekisho as sk
        >>> sk.register_world(sk.World())
        Traceback (most recent call last):
        ...
        sekisho.errors.DeclarationError: register_world(): <world > has no name.
          hint: name = "...", the module that is imported where the library is
    """
    problem = _why_not(world) or _add(library_of(world))
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


def _add(world: Library, *, is_announced: bool = False) -> str | None:
    """Add a record, or return why it cannot be added: if two have the same name, the first stays.

    Args:
        world: the record.
        is_announced: whether it is the record that was announced under its name.
    """
    global _records  # noqa: PLW0603 - one registry per process
    with _lock:
        if world in _records and is_announced:  # another thread has added it meanwhile
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


def _activate(name: str) -> Library | None:
    """Load an announced world; return None, and warn once, if it is broken."""
    load = _pending.get(name)
    if load is None:
        return next((world for world in _records if world.name == name), None)
    try:
        made = load()
        problem = None if name in _RECORDS else _why_not(made)
        if problem is None and made.name != name:
            problem = f"it is called {made.name!r}"
    except Exception as error:  # noqa: BLE001 - a third-party module may raise any exception
        made, problem = HOST, with_class(error)
    world = HOST if problem else library_of(made)
    problem = problem or _add(world, is_announced=True)
    if problem is None:
        return world
    with _lock:
        is_first = _pending.pop(name, None) is not None
        _waiting.discard(name)
        _broken[name] = f"the world {name!r} of an entry point cannot be used: {problem}"
    if is_first:  # of the threads that tried, only one warns
        warnings.warn(_broken[name], RuntimeWarning, stacklevel=2)
    return None


@cache
def _read_entry_points() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import

    for each in entry_points(group=_GROUP):
        if each.name not in world_names() and each.name not in _broken:
            _announce(each.name, each.load)


def world_names() -> tuple[str, ...]:
    """Return the names of all worlds known so far, loaded or not."""
    return tuple(dict.fromkeys((HOST.name, *_RECORDS, *(w.name for w in _records), *_pending)))


def has_world(name: str) -> bool:
    """Return whether a world of this name exists, usable or not; reads entry points if needed."""
    if name not in world_names() and name not in _broken:
        _read_entry_points()
    return name in world_names() or name in _broken


def world_named(name: str) -> Library:
    """Return the record of a world.

    Raises:
        DeclarationError: if there is no world of this name, or it cannot be used.
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
    """Notify all listeners if a library was imported since the last call. For slow paths only."""
    if is_compiling():
        return
    found = [_activate(name) for name in tuple(_waiting) if name in sys.modules]
    loaded = [world for world in found if world is not None and world.is_loaded()]
    if not loaded:
        return
    with _lock:  # if several threads notice it, only one notifies
        news = [world for world in loaded if world.name in _waiting]
        _waiting.difference_update([world.name for world in news])
    try:
        for world in news:
            world.on_load()
    finally:  # even if `on_load` raises, such as a warning turned into an error
        for each in tuple(_listeners) if news else ():
            each()


def on_load(listener: Callable[[], None]) -> None:
    """Register a function for `look_for_worlds` to call whenever a library has been imported."""
    _listeners.append(listener)


def _activate_imported() -> None:
    for name in tuple(_pending):
        if name in sys.modules:
            _activate(name)


def loaded_worlds() -> tuple[Library, ...]:
    """Return the worlds whose library's import is complete."""
    _activate_imported()
    return tuple(world for world in _records if world.is_loaded())


def asked_worlds() -> tuple[Library, ...]:
    """Return the worlds that guards test for inline: loaded ones, and ones likely to be soon."""
    for name in _RESIDENTS:
        world_named(name)
    _activate_imported()
    found = tuple([world for world in _records if world.is_resident or world.is_loaded()])
    return _same_asked.setdefault(found, found)


def find_world(value: object) -> Library | None:
    """Return the world that a value belongs to, or None."""
    try:
        for world in _records:
            if world.owns(value):
                return world
    except SekishoError:
        raise
    except Exception:  # noqa: BLE001 - `isinstance` reads ``__class__``, which may be a property
        return None  # an object whose ``__class__`` raises is not an array
    return None if is_compiling() else _find_late(value)


def _find_late(value: Any) -> Library | None:
    """Find the world of a value among those that are not loaded yet."""
    kind = class_of(value)
    if hasattr(kind, "shape") and hasattr(kind, "dtype"):
        # It looks like an array, so reading the entry points, which is slow, may find its world.
        _read_entry_points()
    for name in tuple(_pending):
        world = _activate(name) if name in sys.modules else None
        if world is not None and world.owns(value):
            return world
    return None


def foreign_world(value: object, home: Library) -> Library | None:
    """Return the world of a foreign array; None for arrays that `home` accepts and other values."""
    found = find_world(value)
    if found is None or found is home or found.is_scalar(value) or home.takes(value):
        return None
    return found


def world_of_class(kind: Any) -> Library | None:
    """Return the world whose array class, or subclass of it, this is; None if there is none."""
    if not isinstance(kind, type):
        return None
    found = _world_of_class(kind)
    if found is None and hasattr(kind, "shape") and hasattr(kind, "dtype"):
        _read_entry_points()
        found = _world_of_class(kind)
    return found


def _world_of_class(kind: type) -> Library | None:
    _activate_imported()
    for world in _records:  # called for every annotation of a package
        array_type = world.array_type()
        if array_type is not None and (kind is array_type or issubclass(kind, array_type)):
            return world
        if type(kind) is not type and world.alias(kind) is not None:
            return world  # torch.LongTensor is not a tensor class, but means one in annotations
    return next((world for world in _records if kind is array_class(world)), None)


class _NotLoaded(type):
    """Metaclass of a stand-in for an array class whose library is not imported yet.

    `isinstance(x, stand_in)` tests for the real class as soon as there is one. So a guard that was
    generated earlier still recognizes every value; the test is only slower.
    """

    world: Library

    def __instancecheck__(cls, value: object) -> bool:
        array_type = cls.world.array_type()
        return array_type is not None and isinstance(value, array_type)


@cache
def _stand_in(world: Library) -> type:
    return _NotLoaded("StandIn", (), {"world": world})


def array_class(world: World) -> Any:
    """Return the world's array class for `isinstance`, or a stand-in while it is not loaded."""
    return world.array_type() or _stand_in(world)


def world_of_array_class(kind: Any) -> Library:
    """Return the world whose `array_class` this is, whether the real class or the stand-in."""
    for world in _records:
        if world.array_type() is kind:
            return world
    stood_in: Library = kind.world
    return stood_in


def runs_plainly() -> bool:
    """Return whether all libraries just compute: no transform, trace or mode is active."""
    return all(world.runs_plainly() for world in loaded_worlds())
