"""Find arguments that a body has changed in place, by comparing them with what they were.

An array of NumPy is compared by a checksum of its memory: a read-only view would show the line, but
`torch.from_numpy`, Cython and Numba refuse read-only arrays, and a result may be the view. A library
that counts writes is asked for its count. Containers are compared item by item, by identity.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections import UserDict, UserList, abc, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sekisho.validation.copies import contents_of, difference
from sekisho.worlds import CheckedIterable, class_of, find_world, is_subclass, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sekisho.validation.violations import Place

__all__ = ["Observed", "observe"]


class Observed(NamedTuple):
    """An argument, or an item of one, as it was before the body.

    Attributes:
        place: where it is.
        changed: returns what has been changed since; None if nothing has.
    """

    place: Place
    changed: Callable[[], str | None]


def observe(place: Place, value: Any, changing: Sequence[Any] = ()) -> Iterator[Observed]:
    """Yield all parts of an argument that a body could change in place.

    Args:
        place: where the argument is.
        value: the argument.
        changing: arrays that the body may change; what may share their memory is left out.
    """
    waiting, seen = [(place, value)], set[int]()
    while waiting:
        place, value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        world = find_world(value)
        if world is not None:
            if any(world.may_share(value, each) for each in changing):
                continue
            try:
                compare = _memory(value) if isinstance(value, np.ndarray) else _writes(value, world)
            except Exception:  # noqa: BLE001 - a subclass may raise anything
                compare = None
            if compare is not None:
                yield Observed(place, compare)
            continue
        items = _parts(value)
        if items is not None:
            if not isinstance(value, tuple):
                yield Observed(place, _contents(value))
            waiting += [(place.inside(path), each) for path, each in items]


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    """Return the items of a container or the fields of a record; None for anything else."""
    kind = class_of(value)
    # Taking items of an iterator, or of what checks items as they are taken, would use them up.
    if is_subclass(kind, (str, bytes, CheckedIterable, abc.Iterator)):
        return None
    # A mapping of another class may make its values as they are read, as NumPy's .npz files do.
    if is_subclass(kind, (dict, UserDict)):
        return [(f"[{short(key)}]", each) for key, each in value.items()]
    if is_subclass(kind, (list, tuple, deque, UserList)):
        return [(f"[{index}]", each) for index, each in enumerate(value)]
    if dataclasses.is_dataclass(kind) or hasattr(kind, "__attrs_attrs__"):
        return [(f".{name}", each) for name, each in contents_of(value).attributes.items()]
    return None


def _memory(array: Any) -> Callable[[], str | None] | None:
    if not array.flags.writeable or not array.size:
        return None
    before = _checksum(array)
    return lambda: None if _checksum(array) == before else "a write"


def _checksum(array: Any) -> tuple[int, int, tuple[int, ...], Any]:
    plain = array.view(np.ndarray)
    if plain.dtype.hasobject:
        data = plain.tobytes()  # the addresses of the objects
    else:
        data = np.ascontiguousarray(plain).reshape(-1).view(np.uint8).data
    return zlib.crc32(data), zlib.crc32(_mask(array)), array.shape, array.dtype


def _mask(array: Any) -> bytes:
    """Return the second memory of a masked array, which it has as soon as something is masked."""
    return np.ma.getmaskarray(array).tobytes() if hasattr(array, "mask") else b""


def _writes(value: Any, world: Any) -> Callable[[], str | None] | None:
    before = world.write_count(value)
    if before is None:
        return None
    return lambda: None if world.write_count(value) == before else "a write"


def _contents(value: Any) -> Callable[[], str | None]:
    before = contents_of(value)
    return lambda: difference(value, before, contents_of(value))
