"""Wrap functions of other packages for some time, and restore them afterwards.

An `Observer` wraps functions until it ends. Two observers can wrap the same function: their ranks
decide which wrapper is the outer one, and ending one does not affect the other. After the last one
has ended, every holder has its original value again, and so has every module that imported a
wrapper by name in the meantime. If other code has replaced a wrapper, its replacement stays.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, Final

from sekisho.utils._private import warning_hook
from sekisho.utils.warned import make_show

if TYPE_CHECKING:
    from collections.abc import Callable, Container

__all__ = ["Observer", "original_of"]

_MISSING: Final = object()
_lock: Final = threading.RLock()  # reentrant: a finalizer in the same thread may end an observer


@functools.wraps(object.__init__)
def _initialize(self: Any, *args: Any, **kwargs: Any) -> None:
    """Stand in for `object.__init__`, so that it can be wrapped.

    `object.__init__` ignores the arguments of ``__new__`` only if the class has no ``__init__`` of
    its own, and a wrapper looks like one. If a subclass's own ``__init__`` passes arguments on,
    that is still an error.
    """
    if args or kwargs:
        shown = inspect.unwrap(type(self).__init__, stop=lambda each: each is _initialize)
        if shown is not _initialize:
            object.__init__(self, *args, **kwargs)


class _Place:
    """A name in a module or class whose function is wrapped.

    Attributes:
        holder: the module or class. The reference keeps it alive, because places are looked up by
            its `id`.
        name: the name.
        before: the holder's own value before, or `_MISSING` if the holder inherits the function.
        original: the function.
        held: the holder's own value now.
        makers: for each observer's rank, the function that makes its wrapper.
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
        """Return whether the holder still has the value that `settle` has set."""
        names: Any = self.holder.__dict__
        return bool(names.get(self.name, _MISSING) is self.held)

    def settle(self) -> bool:
        """Apply all observers' wrappers to the function; return whether the holder allowed it."""
        made: Any = self.original
        if self.makers and made is object.__init__:
            made = _initialize
        # The highest rank comes last and so becomes the outermost wrapper.
        for rank in sorted(self.makers):
            made = self.makers[rank](made)
        held = made if self.makers else self.before
        try:
            if held is _MISSING:
                delattr(self.holder, self.name)
            else:
                setattr(self.holder, self.name, held)
        except (AttributeError, TypeError):  # classes written in C may be immutable
            return False
        self.held = held
        return True


_places: Final[dict[tuple[int, str], _Place]] = {}
_originals: Final[weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()
"""What each wrapper wraps."""


class Observer:
    """Wrappers around functions of other packages, until `end`; it can then be used again."""

    def __init__(self, rank: int, *, keeps: bool = False) -> None:
        """Create an observer that wraps nothing yet.

        Args:
            rank: the wrappers of a higher rank are outside of those of a lower rank.
            keeps: whether to use the same wrappers when it starts again. torch.compile recognizes
                functions by identity, so it then compiles only twice, with and without the wrapper,
                however often the observer starts and ends.
        """
        self._rank = rank
        self._keeps = keeps
        self._places: list[tuple[_Place, Any]] = []
        self._made: dict[tuple[Any, int], Any] = {}
        self._modules: tuple[str, ...] = ()

    def wrap(self, holder: Any, name: str, key: Any, make: Callable[[Any], Any]) -> None:
        """Wrap a function of a module or class, if the holder allows it.

        Args:
            holder: the module or class.
            name: the name of the function.
            key: identifies a group of functions. If two holders of the same key have the same
                function, they get the same wrapper.
            make: makes a wrapper for a function, which may be another observer's wrapper.
        """
        with _lock:
            if not self._places:
                # To find modules in `end` that have imported a wrapper since.
                self._modules = tuple(sys.modules)
                self._wrap_warnings()
            self._put(holder, name, key, make)

    def wraps(self, holder: Any, name: str) -> bool:
        """Return whether this observer has wrapped a name of a holder."""
        place = _places.get((id(holder), name))
        return place is not None and self._rank in place.makers

    def _put(self, holder: Any, name: str, key: Any, make: Callable[[Any], Any]) -> None:
        place = _places.get((id(holder), name))
        # If other code has replaced the wrapper, wrap its replacement.
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
        """Wrap functions of a key in modules that imported them: ``from torch import tensor``.

        Args:
            key: the key that was passed to `wrap`.
            leave: packages whose modules are left alone.
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
                    # By `id`, because not every value is hashable.
                    make = makers.get(id(original_of(value)))
                    if make is not None and (id(module), each) not in _places:
                        self._put(module, each, key, make)

    def end(self) -> None:
        """Remove all wrappers of this observer."""
        with _lock:
            gone: dict[int, Any] = {}
            for place, _ in reversed(self._places):
                if place.makers.pop(self._rank, None) is None or not place.is_ours():
                    continue
                before = place.held
                place.settle()
                gone[id(before)] = place.original if not place.makers else place.held
                # Modules may have imported the old wrapper by name: replace it there, too.
            for place, _ in self._places:
                if not place.makers and _places.get(place.key) is place:
                    del _places[place.key]
            _replace_in(_imported_since(self._modules), gone)
            self._places.clear()
            if not self._keeps:
                self._made.clear()


def original_of(value: Any) -> Any:
    """Return the original function for an observer's wrapper, and any other value unchanged."""
    while type(value) is types.FunctionType and value in _originals:
        value = _originals[value]
    return value


def _imported_since(before: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules imported since `before`, or all modules if one of those was removed."""
    # `sys.modules` keeps the order of imports, and comparing tuples compares names by identity
    # first. This takes a tenth of the time of a set difference.
    now = tuple(sys.modules)
    return now[len(before) :] if now[: len(before)] == before else now


def _replace_in(modules: tuple[str, ...], gone: dict[int, Any]) -> None:
    """Replace wrappers that modules have imported by name."""
    for name in modules:
        module = sys.modules.get(name)
        for each, value in tuple(getattr(module, "__dict__", {}).items()):
            if id(value) in gone and (id(module), each) not in _places:
                setattr(module, each, gone[id(value)])
