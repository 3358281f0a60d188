"""Rebuild a container or record with some of its contents replaced.

`copy.copy` followed by writes into the copy is not enough. A class may keep its items in an
attribute that the copy shares, or return itself as the copy; its ``__setitem__`` may refuse or fail
half-way. So nothing is written through methods of the class: the parts of the value are read,
replaced, and put into a new object. A class whose items cannot be found this way is refused.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from sekisho.errors import SekishoError, with_class
from sekisho.worlds.dtypes import class_of
from sekisho.worlds.policy import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["rebuilt"]

# Typed as Any, because type checkers reject their methods for items of unknown types.
_tuple: Any = tuple
_list: Any = list
_deque: Any = deque
_defaultdict: Any = defaultdict

_BASES: Final = (OrderedDict, defaultdict, Counter, dict, list, deque, tuple, object)
"""Built-in classes whose own methods fill the new object, whatever a subclass overrides."""

_METHODS: Final = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)

_HOLDERS: Final = (dict, list, tuple, deque, UserDict, UserList, ChainMap)
"""Classes of attribute values that are searched for items: reading their items computes nothing."""


def rebuilt(value: Any, given: Mapping[Any, tuple[Any, Any]]) -> Any:
    """Return a new object of the same type with some of its contents replaced.

    Attributes that are lists, dicts or sets are copied; all others are shared with the original.

    Args:
        value: a container or a record. It is not changed.
        given: old and new value by key, index or field name.

    Raises:
        Refusal: if the class cannot be rebuilt. The caller must still check that everything has
            been replaced.
    """
    try:
        changed = _Rebuilder(given).remade(value, given)
    except (MemoryError, Refusal, SekishoError):
        raise
    except Exception as error:  # noqa: BLE001 - the class's own code may raise any exception
        text = f"cannot be made anew with converted items: {with_class(error)}"
        raise Refusal(text) from None
    return changed


class _Rebuilder:
    """Replaces objects, recognized by identity, everywhere inside one value."""

    def __init__(self, given: Mapping[Any, tuple[Any, Any]]) -> None:
        # If an object occurs twice in `given` and only one occurrence changes, the changed version
        # also replaces it elsewhere.
        self.changed: dict[int, Any] = {}
        self.new: dict[int, Any] = {}
        for old, new in given.values():
            self.new.setdefault(id(old), new)
            if new is not old:
                self.changed.setdefault(id(old), new)
        self.new.update(self.changed)
        # Includes each original, to keep it alive: another object could get its id.
        self.made: dict[int, tuple[Any, Any]] = {}

    def remade(self, value: Any, given: Mapping[Any, tuple[Any, Any]]) -> Any:
        """Return a new container or record; `given` holds its items, `replaced` does the rest."""
        kind = class_of(value)
        if hasattr(kind, "__del__"):  # would close what the original still uses
            raise Refusal("cannot be made anew with converted items: its class has a __del__")
        if kind is types.MappingProxyType:
            return types.MappingProxyType(self._filled(dict(value), dict, dict, given))
        for base in _classes(value):
            if base in _BASES:
                return self._filled(value, kind, base, given)
            if "__reduce__" in _own(base) or "__reduce_ex__" in _own(base):
                break  # the class defines itself how it is copied
        return self._reduced(value)

    def replaced(self, value: Any) -> Any:  # noqa: PLR0911 - one return per case
        """Return a value's replacement, a copy if it is a plain container, or the value itself."""
        key, kind = id(value), class_of(value)
        if key in self.new:
            return self.new[key]
        if key in self.made:
            return self.made[key][1]
        if kind in _BASES and kind is not tuple and kind is not object:
            return self._filled(value, kind, kind, {})
        if kind is set:
            return self._note(value, {self._key(each) for each in value})
        if kind is types.MappingProxyType:
            return self._note(value, self.remade(value, {}))
        if kind is tuple:
            items = tuple([self.replaced(each) for each in value])
            same = all(a is b for a, b in zip(items, value, strict=True))
            return value if same else self._note(value, items)
        if kind in _METHODS:
            owner = self.replaced(value.__self__)  # such as `self.add = self.items.append`
            return value if owner is value.__self__ else getattr(owner, value.__name__)
        if issubclass(kind, _HOLDERS) and any(
            id(each) in self.changed for each in _items_of(value)
        ):
            return self.remade(value, {})
        return value

    def _key(self, key: Any) -> Any:
        """Return a key's replacement; if it is not hashable, the TypeError becomes the refusal."""
        return self.changed.get(id(key), key)

    def _note(self, value: Any, made: Any) -> Any:
        self.made[id(value)] = value, made
        return made

    def _filled(
        self, value: Any, kind: Any, base: Any, given: Mapping[Any, tuple[Any, Any]]
    ) -> Any:
        """Return a new object, filled by methods of the built-in class `base`."""

        def at(key: Any, item: Any) -> Any:
            old, new = given.get(key, (None, None))
            return new if item is old and old is not None else self.replaced(item)

        if base is _tuple:
            items = [at(index, item) for index, item in enumerate(_tuple.__iter__(value))]
            changed = self._note(value, _tuple.__new__(kind, items))
        elif base is object:
            changed = self._note(value, object.__new__(kind))
        elif base is _list or base is _deque:
            changed = self._note(value, base.__new__(kind))
            items = [at(index, item) for index, item in enumerate(base.__iter__(value))]
            if base is _deque:
                _deque.__init__(changed, items, value.maxlen)
            else:
                _list.extend(changed, items)
        else:
            changed = self._note(value, base.__new__(kind))
            if base is _defaultdict:
                _defaultdict.__init__(changed, self.replaced(value.default_factory))
            for key, item in base.items(value):
                _set_item(changed, self._key(key), at(key, item))
        if kind is dict or kind is _list:  # the most common, and they have no attributes
            return changed
        _put_attributes(changed, {name: at(name, each) for name, each in _attributes(value)})
        if _is_its_attributes(value):
            changed.__dict__ = changed
        return changed

    def _reduced(self, value: Any) -> Any:
        """Return a new object, made the way the class defines for copies (``__reduce_ex__``)."""
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            raise TypeError("its class says that there is one of it only")
        parts: tuple[Any, ...] = (*reduced, None, None, None)
        make, arguments, state, items, pairs = parts[:5]
        changed = self._note(value, make(*self.replaced(arguments)))
        if class_of(changed) is not class_of(value) or changed is value:
            raise Refusal(
                "cannot be made anew with converted items: its class makes something else"
            )
        if state is not None:
            self._put_state(changed, self.replaced(state))
        filler = _list if issubclass(class_of(changed), list) else _deque
        for item in items or ():
            filler.append(changed, self.replaced(item))
        for key, item in pairs or ():
            _set_item(changed, key, self.replaced(item))
        # A class with its own `__reduce__` may omit attributes that a subclass has added.
        known = dict(_attributes(changed))
        forgotten = {name: each for name, each in _attributes(value) if name not in known}
        _put_attributes(changed, {name: self.replaced(each) for name, each in forgotten.items()})
        return changed

    @staticmethod
    def _put_state(changed: Any, state: Any) -> None:
        if hasattr(changed, "__setstate__"):
            changed.__setstate__(state)
            return
        parts: tuple[Any, ...] = state if class_of(state) is tuple else (state,)
        for part in parts:
            _put_attributes(changed, part or {})


def _items_of(value: Any) -> list[Any]:
    is_mapping = issubclass(class_of(value), (dict, UserDict, ChainMap))
    return [*value, *value.values()] if is_mapping else [*value]


def _set_item(changed: Any, key: Any, item: Any) -> None:
    # Not through the class's own method, which may refuse or have side effects.
    base: Any = OrderedDict if issubclass(class_of(changed), OrderedDict) else dict
    base.__setitem__(changed, key, item)


def _put_attributes(changed: Any, attributes: Mapping[str, Any]) -> None:
    own: Any = getattr(changed, "__dict__", None)
    if own is not None and not any(_own(each).get("__slots__") for each in _classes(changed)):
        own.update(attributes)  # not setattr: a property may have the same name
        return
    for name, attribute in attributes.items():
        if own is not None and not _is_slot(changed, name):
            own[name] = attribute
        else:  # not the class's own __setattr__, which refuses if it is frozen
            object.__setattr__(changed, name, attribute)


def _is_its_attributes(value: Any) -> bool:
    """Return whether a dict has set its ``__dict__`` to itself, so that its keys are attributes."""
    return issubclass(class_of(value), dict) and getattr(value, "__dict__", None) is value


def _classes(value: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = class_of(value).__mro__
    return found


def _is_slot(value: Any, name: str) -> bool:
    found = (_own(each).get(name) for each in _classes(value))
    return any(type(each) is types.MemberDescriptorType for each in found)


def _own(kind: Any) -> dict[str, Any]:
    """Return what a class itself defines, without inherited names."""
    own: dict[str, Any] = kind.__dict__
    return own


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield an object's own attributes, from its ``__dict__`` and its slots.

    Values cached by `functools.cached_property` are left out, so that they are computed again.
    """
    own: Any = getattr(value, "__dict__", None)
    if own is not None and not _is_its_attributes(value):
        for name, attribute in own.items():
            found = (_own(base).get(name) for base in _classes(value))
            if not any(isinstance(each, functools.cached_property) for each in found):
                yield name, attribute
    for base in _classes(value):
        known = _own(base) if _own(base).get("__slots__") else {}
        fields: set[str] = {each.name for each in known.get("__attrs_attrs__", ())}
        for name, member in known.items():
            # In attrs classes, slots that are not fields cache properties, except attrs' own slots.
            is_kept = not fields or name in fields or name.startswith(("_attrs", "__attrs"))
            if type(member) is types.MemberDescriptorType and is_kept:
                with contextlib.suppress(AttributeError):  # an empty slot
                    yield name, member.__get__(value, class_of(value))
