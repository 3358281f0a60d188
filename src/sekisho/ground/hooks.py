"""Functions of other packages that are wrapped while somebody observes them, and put back after.

An `Observer` wraps functions and ends. Two observers may wrap the same function: one stands inside of the
other, whichever came first, and the one that stays is not disturbed when the other ends. After the last one,
every holder is as it was, and so is each module that has imported a wrapper by its name in the meantime.
What somebody else has put in the place of a wrapper stays there.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, Final

from sekisho.ground._private import warning_hook
from sekisho.ground.warned import make_show

if TYPE_CHECKING:
    from collections.abc import Callable, Container

__all__ = ["Observer", "original_of"]

_MISSING: Final = object()
_lock: Final = threading.RLock()  # again by the same thread: a finalizer may end an observer


@functools.wraps(object.__init__)
def _initialize(self: Any, *args: Any, **kwargs: Any) -> None:
    """`object.__init__` of a class that has none: what `__new__` took is no error, as it was none.

    It still is one for a subclass that hands it on from an `__init__` of its own.
    """
    if args or kwargs:
        shown = inspect.unwrap(type(self).__init__, stop=lambda each: each is _initialize)
        if shown is not _initialize:
            object.__init__(self, *args, **kwargs)


class _Place:
    """A name of a module or of a class whose function is wrapped.

    Attributes:
        holder: the module or class; kept alive, since a place is found by its identity.
        name: the name.
        before: what the holder had under it, itself; it may inherit the function.
        original: the function.
        held: what the holder has under it now.
        makers: what makes each observer's wrapper, by the observer's rank.
    """

    def __init__(self, holder: Any, name: str) -> None:
        self.holder, self.name = holder, name
        names: Any = holder.__dict__
        self.before: Any = names.get(name, _MISSING)
        self.held: Any = self.before
        self.original: Any = getattr(holder, name)
        self.makers: dict[int, Callable[[Any], Any]] = {}

    @property
    def key(self) -> tuple[int, str]:
        return id(self.holder), self.name

    def is_ours(self) -> bool:
        """Whether the holder has what was put there."""
        names: Any = self.holder.__dict__
        return bool(names.get(self.name, _MISSING) is self.held)

    def settle(self) -> bool:
        """Put there what the observers make of the function. Returns whether the holder let it."""
        made: Any = self.original
        if self.makers and made is object.__init__:
            made = _initialize
        for rank in sorted(self.makers):
            made = self.makers[rank](made)
        held = made if self.makers else self.before
        try:
            if held is _MISSING:
                delattr(self.holder, self.name)
            else:
                setattr(self.holder, self.name, held)
        except (AttributeError, TypeError):  # a class of C's may be closed
            return False
        self.held = held
        return True


_places: Final[dict[tuple[int, str], _Place]] = {}
_originals: Final[weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()
"""What each wrapper was made of."""


class Observer:
    """Wraps functions of other packages until it ends; it may begin again."""

    def __init__(self, rank: int, *, keeps: bool = False) -> None:
        """Make one that wraps nothing yet.

        Args:
            rank: the wrapper of an observer of a higher rank stands outside of one of a lower rank.
            keeps: whether it has the same wrappers when it begins again. So torch.compile, which knows
                functions by their identity, compiles for two of them, however often the observer comes and
                goes.
        """
        self._rank = rank
        self._keeps = keeps
        self._places: list[tuple[_Place, Any]] = []
        self._made: dict[tuple[Any, int], Any] = {}
        self._modules: tuple[str, ...] = ()

    def wrap(self, holder: Any, name: str, key: Any, make: Callable[[Any], Any]) -> None:
        """Wrap what a holder has under a name, if the holder lets it.

        Args:
            holder: a module or a class.
            name: the name of the function.
            key: whose functions these are: of two holders under one key that have the same function, both
                get the same wrapper.
            make: makes a wrapper of the function, or of another observer's wrapper.
        """
        with _lock:
            if not self._places:
                self._modules = tuple(sys.modules)
                self._wrap_warnings()
            self._put(holder, name, key, make)

    def wraps(self, holder: Any, name: str) -> bool:
        """Whether it has wrapped what a holder has under a name."""
        place = _places.get((id(holder), name))
        return place is not None and self._rank in place.makers

    def _put(self, holder: Any, name: str, key: Any, make: Callable[[Any], Any]) -> None:
        place = _places.get((id(holder), name))
        if place is None or not place.is_ours():
            place = _Place(holder, name)
        place.makers[self._rank] = functools.partial(self._wrapper_of, key, make)
        if place.settle():
            _places[place.key] = place
            self._places.append((place, key))

    def _wrapper_of(self, key: Any, make: Callable[[Any], Any], inner: Any) -> Any:
        made = self._made.get((key, id(inner)))
        if made is None:
            made = self._made[key, id(inner)] = make(inner)
            _originals[made] = inner
        return made

    def _wrap_warnings(self) -> None:
        hook = warning_hook()
        if hook is not None:
            self._put(hook[0], hook[1], "warnings", make_show)

    def wrap_imported(self, key: Any, leave: Container[str]) -> None:
        """Wrap the functions of a key where modules have imported them by name: ``from torch import tensor``.

        Args:
            key: as it was given to `wrap`.
            leave: packages whose modules stay as they are.
        """
        with _lock:
            makers = {
                id(place.original): place.makers[self._rank]
                for place, its_key in self._places
                if its_key == key and self._rank in place.makers
            }
            for name, module in tuple(sys.modules.items()):
                if name.partition(".")[0] in leave:
                    continue
                names: dict[str, Any] = getattr(module, "__dict__", {})
                for each, value in tuple(names.items()):
                    make = makers.get(id(original_of(value)))
                    if make is not None and (id(module), each) not in _places:
                        self._put(module, each, key, make)

    def end(self) -> None:
        """Take the wrappers away."""
        with _lock:
            gone: dict[int, Any] = {}
            for place, _ in reversed(self._places):
                if place.makers.pop(self._rank, None) is None or not place.is_ours():
                    continue
                before = place.held
                place.settle()
                gone[id(before)] = place.original if not place.makers else place.held
            for place, _ in self._places:
                if not place.makers and _places.get(place.key) is place:
                    del _places[place.key]
            _replace_in(_imported_since(self._modules), gone)
            self._places.clear()
            if not self._keeps:
                self._made.clear()


def original_of(value: Any) -> Any:
    """The function that an observer's wrapper stands for; anything else is itself."""
    while type(value) is types.FunctionType and value in _originals:
        value = _originals[value]
    return value


def _imported_since(before: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that were imported since; all that there are, if one of those before was removed."""
    # `sys.modules` keeps the order of imports, and names are compared by identity first: this takes a tenth
    # of the time of a difference of sets.
    now = tuple(sys.modules)
    return now[len(before) :] if now[: len(before)] == before else now


def _replace_in(modules: tuple[str, ...], gone: dict[int, Any]) -> None:
    """Put functions where modules have imported a wrapper by its name."""
    for name in modules:
        module = sys.modules.get(name)
        for each, value in tuple(getattr(module, "__dict__", {}).items()):
            if id(value) in gone and (id(module), each) not in _places:
                setattr(module, each, gone[id(value)])
