"""Add each call that crossed to the row of its line, among the rows of its thread."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import (
    OWN,
    SEKISHO,
    allowance,
    declarations,
    is_at_boundary,
    kind_of,
    own_frame,
)
from sekisho.log import Row, key_of
from sekisho.recorder.rows import devices_of, fields_of, line_of, short_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from sekisho.log import BroadcastRow, Crossing, ViolationRow
    from sekisho.recorder.ledger import Ledger, Slot
    from sekisho.recorder.observing import Operation, Seen

__all__ = ["Counter", "Site", "repeat", "threads"]

_MOST_SITES: Final = 50_000
"""Maximum number of call sites in a thread's cache. When it is cleared, rows are found again."""


class Site:
    """The sums of a call site, for calls that have the same row.

    Attributes:
        counts, nbytes, seconds, repeats, at: see `Slot`.
        fields: all other fields of the row.
        copied: whether the calls copy memory.
        dtype: the dtype that a value must have for the fast path.
        last: returns the last copied value, if it is still alive.
        codes: code objects to keep alive, because the site is found by their `id`.
    """

    __slots__ = (
        "at",
        "codes",
        "copied",
        "counts",
        "dtype",
        "fields",
        "last",
        "nbytes",
        "repeats",
        "seconds",
    )

    at: int
    codes: Any
    copied: bool
    counts: memoryview
    fields: dict[str, Any]
    nbytes: memoryview
    repeats: memoryview
    seconds: memoryview[float]

    def __init__(self, slot: Slot, fields: dict[str, Any], codes: Any = None) -> None:
        self.counts, self.nbytes, self.seconds, self.repeats, self.at = slot
        self.fields = fields
        self.copied = fields["copied"] is not None
        self.dtype: Any = None
        self.last: Callable[[], Any] = _nothing
        self.codes = codes


def _nothing() -> None:
    return None


def repeat(site: Site, value: Any) -> None:
    """Count a repeat if a value is the same object that was copied here last time."""
    if site.last() is value:
        site.repeats[site.at] += 1
    else:
        try:
            site.last = weakref.ref(value)
        except TypeError:  # its class does not support weak references
            site.last = _nothing


class _Rows:
    """The rows of one thread: its call sites, and their sums.

    Attributes:
        sites: the call sites of crossings.
        slots: where the sums of each row are.
        expanding: for operations that expand both operands, by name and call site, the code and
            where they are counted; None if they are meant.
    """

    def __init__(self) -> None:
        self.sites: dict[Any, Site] = {}
        self.slots: dict[tuple[Any, ...], Slot] = {}
        self.expanding: dict[tuple[str, int, int], tuple[Any, Slot | None]] = {}


class _Now:
    """State of one thread.

    Attributes:
        is_inside: whether an operation is running; what it does inside is not counted.
        wants_copy: whether NumPy has just requested a copy and must now make it itself.
        quick: call sites for the fast path, which adds to the sums without further checks.
        rows: the thread's rows.
        number: the number of the counter that the rows belong to.
    """

    __slots__ = ("_free", "is_inside", "number", "quick", "rows", "wants_copy")

    is_inside: bool
    number: int
    quick: dict[tuple[int, int, int], Site]
    rows: _Rows
    wants_copy: bool

    def __init__(self) -> None:
        self.is_inside = False
        self.wants_copy = False
        self.quick = {}
        self.rows = _Rows()
        self.number = -1
        self._free: deque[_Rows] | None = None

    def lease(self, free: deque[_Rows], number: int) -> None:
        """Take over a counter's rows of a thread that has ended, or new ones."""
        self.quick.clear()
        self.number, self._free = number, free
        try:
            self.rows = free.pop()
        except IndexError:
            self.rows = _Rows()

    def __del__(self) -> None:
        # Runs when the thread ends, which deletes its local data. A later thread can use the rows.
        if self._free is not None:
            self._free.append(self.rows)


class _Threads(threading.local):
    """The state of each thread."""

    now: _Now

    def __init__(self) -> None:
        self.now = _Now()


threads: Final = _Threads()


class Counter:
    """Counts the crossings of this process in a ledger."""

    def __init__(self, ledger: Ledger, keep: int, number: int) -> None:
        self.ledger = ledger
        self.number = number
        self._left = keep
        self._free: deque[_Rows] = deque()
        self._has_lost = False

    def _now(self) -> _Now:
        now: _Now = threads.now
        if now.number != self.number:
            now.lease(self._free, self.number)
        return now

    def add(
        self,
        operation: Operation,
        read: Callable[..., Seen | None],
        call: tuple[Any, Any, Any],
        seconds: float,
        frame: FrameType,
        *,
        is_plain: bool = False,
    ) -> None:
        """Add a call, if anything crossed in it. An error in here must not stop the program.

        Args:
            operation: the operation.
            read: the reader of the operation's calls.
            call: positional arguments, keyword arguments, and result.
            seconds: duration of the call.
            frame: the calling frame.
            is_plain: whether equal calls may use the fast path from now on.
        """
        now = threads.now
        # Reading the call may run operations itself, which must not count.
        now.is_inside = True
        try:
            seen = read(*call)
            if seen is not None:
                self._count(operation, seen, seconds, frame, is_plain=is_plain)
        except Exception as error:  # noqa: BLE001 - an array of an unknown class may raise anything
            self.lose(f"a crossing by {operation.label} could not be read: {error!r}")
        finally:
            now.is_inside = False

    def lose(self, why: str) -> None:
        """Note the first reason why something is not counted."""
        if not self._has_lost:
            self._has_lost = True
            self.ledger.note(lost=why)

    def _count(
        self,
        operation: Operation,
        seen: Seen,
        seconds: float,
        frame: FrameType,
        *,
        is_plain: bool,
    ) -> None:
        kind = kind_of(frame)
        if kind == SEKISHO:
            return  # guards and helpers report their own crossings, with more detail (see `take`)
        own = frame if kind == OWN else own_frame(frame)
        declared = declarations.exist and (bool(allowance.get()) or is_at_boundary(frame))
        value, _, crossed, _, nbytes, is_list = seen
        now = self._now()
        # Everything that decides about the row. It is cheaper to compute than the row itself.
        key: tuple[Any, ...] = (
            operation.number,
            id(own.f_code),
            own.f_lasti,
            id(frame.f_code),
            frame.f_lasti,
            declared,
            is_list,
            now.wants_copy,
        )
        if value is None:
            key += (crossed,)
        else:
            key += (value.dtype, crossed.dtype, *devices_of(seen))
        site = now.rows.sites.get(key)
        if site is None:
            fields = fields_of(
                operation, seen, own, frame, declared=declared, wants_copy=now.wants_copy
            )
            site = self._site(now, key, fields, (own.f_code, frame.f_code))
            if site is None:
                return
        i = site.at
        site.counts[i] += 1
        site.nbytes[i] += nbytes
        site.seconds[i] += seconds
        if site.copied and value is not None:
            repeat(site, value)
        # The fast path writes no single events, so it is closed until enough have been kept.
        if self._left > 0:
            self._keep(site, () if value is None else tuple(crossed.shape), nbytes, seconds)
        elif is_plain and own is frame and _is_alike(site):
            site.dtype = seen.value.dtype
            if len(now.quick) >= _MOST_SITES:
                now.quick.clear()
            now.quick[operation.number, frame.f_lasti, id(frame.f_code)] = site

    def take(self, crossing: Crossing, frame: FrameType) -> None:
        """Add a crossing that was made by a guard or a helper."""
        fields: dict[str, Any] = dict(zip(Row._fields, key_of(crossing), strict=False))
        own = own_frame(frame)
        if own is not frame:
            fields |= line_of(own) | {"library": short_line(frame)}
        # Without a key, the site is not cached; its row is found by the fields.
        site = self._site(self._now(), None, fields, None)
        if site is not None:
            site.counts[site.at] += 1
            site.nbytes[site.at] += crossing.nbytes
            site.seconds[site.at] += crossing.seconds
            if self._left > 0:
                self._keep(site, crossing.shape, crossing.nbytes, crossing.seconds)

    def take_violation(self, row: ViolationRow) -> None:
        """Add a value that a contract has refused, and that has passed."""
        fields = row._asdict()
        count = fields.pop("count")
        slot = self._slot("violation", fields)
        if slot is not None:
            slot.counts[slot.at] += count

    def take_expansion(
        self,
        operation: str,
        frame: FrameType,
        make: Callable[[], BroadcastRow | None],
        *,
        is_alike: bool,
    ) -> None:
        """Add an operation that expanded both operands.

        Args:
            operation: its name.
            frame: the frame that ran it.
            make: makes the row of its line; None if the operation is meant and does not count.
            is_alike: whether the operands have the same sizes.
        """
        expanding, code = self._now().rows.expanding, frame.f_code
        key = (operation, id(code), frame.f_lasti)
        if key not in expanding:
            if len(expanding) >= _MOST_SITES:
                expanding.clear()
            row = make()
            # The code is kept alive, because the line is found by its `id`.
            expanding[key] = code, None if row is None else self._slot("broadcast", row.fields())
        slot = expanding[key][1]
        if slot is not None:
            # The column of bytes has no other use here.
            (slot.counts if is_alike else slot.nbytes)[slot.at] += 1

    def _slot(self, kind: str, fields: dict[str, Any]) -> Slot | None:
        """Return where a row is counted that is not one of crossings."""
        slots, key = self._now().rows.slots, (kind, *fields.values())
        slot = slots.get(key) or self.ledger.add_row({kind: fields})
        if slot is None:
            self.lose("more lines are reported than are counted")
        else:
            slots[key] = slot
        return slot

    def _site(self, now: _Now, key: Any, fields: dict[str, Any], codes: Any) -> Site | None:
        row = tuple(fields.values())
        slot = now.rows.slots.get(row)
        if slot is None:
            slot = self.ledger.add_row(fields)
            if slot is None:
                self.lose("more lines cross than are counted")
                return None
            now.rows.slots[row] = slot
        site = Site(slot, fields, codes)
        if key is not None:
            if len(now.rows.sites) >= _MOST_SITES:
                now.rows.sites.clear()
            now.rows.sites[key] = site
        return site

    def _keep(self, site: Site, shape: Any, nbytes: int, seconds: float) -> None:
        self._left -= 1
        event = {("place" if k == "operation" else k): v for k, v in site.fields.items()}
        event |= {"shape": [*map(int, shape)], "nbytes": nbytes, "seconds": seconds}
        self.ledger.add_event(event)


def _is_alike(site: Site) -> bool:
    """Return whether calls of this site only differ in dtype and size, as the fast path assumes."""
    fields = site.fields
    return (
        fields["source_device"] == fields["target_device"] == "cpu"
        and fields["dtype"] in {fields["source_dtype"], ""}
        and not fields["declared"]
    )
