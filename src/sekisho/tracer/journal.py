"""The calls that a process has seen, in a file that outlives it.

The file has a line of JSON for each function, and for each kind of call when it is first seen.
Counts are written whenever they have doubled, and at the end. So however a process ends, only
counts are incomplete, and they are at least half of the true value.

Each process has its own file in a common folder. This module is loaded by its path and uses the
standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

__all__ = ["MARK", "Journal"]

MARK: Final = "tracing"
"""A file of one byte in the folder. If it is missing, the folder was removed while the program ran; if it is
not zero, a process could not write there."""

MOST_CALLS: Final = 256
"""Number of kinds of calls per function that are always kept. Later ones are only kept if they
distinguish sizes that were equal, or constant, in all calls before."""

_MOST_ARGUMENTS: Final = 128
_FIRST_COUNT: Final = 64
_MOST_TRAVELS: Final = 4096
_MOST_ITEMS: Final = 8
_LOST: Final = b'{"lost": true}\n'
_FORKED: Final = b'{"forked": true}\n'


class _State:
    """What is known of a function's calls: their forms, and which sizes were equal in each form."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.kept = 0
        self.forms: dict[Hashable, _Form] = {}


class _Form:
    """Calls that differ in sizes only.

    Attributes:
        sizes: the sizes in the first call.
        equal: pairs of sizes that were equal in all calls.
        constant: sizes that were the same in all calls.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        several = range(len(sizes))
        self.constant: set[int] = set(several)
        self.equal = {(i, j) for i in several for j in range(i) if sizes[i] == sizes[j]}

    def learns(self, sizes: list[int]) -> bool:
        """Update with a call; return whether it shows something new."""
        changed = {i for i in self.constant if sizes[i] != self.sizes[i]}
        apart = {(i, j) for i, j in self.equal if sizes[i] != sizes[j]}
        self.constant -= changed
        self.equal -= apart
        return bool(changed or apart)


class Journal:
    """Writes what a tracer sees. See the protocol `sekisho.tracer.tracing.Journal`.

    Args:
        folder: the common folder of the program's processes.
        describer: an object with a method `describe`, which describes values.
        line_file: the class `sekisho.utils.LineFile`, passed in because it is loaded by path, too.
    """

    def __init__(self, folder: str, describer: Any, line_file: Any) -> None:
        self._folder = folder
        self.describe: Any = describer.describe
        self._lock = threading.RLock()
        self._travels: dict[int, tuple[Any, list[Any]]] = {}
        self._functions = 0
        self._calls = 0
        self._line_file = line_file
        self._file: Any = None
        self._before: Any = None  # the parent's, in a child that was forked
        self._begun = 0
        self._first_line = b""
        self._open()

    def note_arguments(self, traced: Any, key: Hashable, values: Sequence[Any]) -> None:
        """Record which places the arrays among a function's arguments come from."""
        if len(traced.given) >= _MOST_ARGUMENTS:
            return
        with self._lock:
            traced.given.add(key)
            number = self._state_of(traced).number
            for name, value in zip(traced.names, values, strict=True):
                for path, each in _arrays_in(value, self.describe):
                    self._note_travel(each, [number, name, path])

    def note_caller(self, traced: Any, caller: str, test: str) -> None:
        """Write the caller of a function, and the running test."""
        with self._lock:
            self._write({"caller": caller, "test": test, "to": self._state_of(traced).number})

    def note_call(self, traced: Any, key: tuple[str, Any, Any], value: Any) -> None:
        """Write a call if it is among the first, or shows something new."""
        with self._lock:
            state = self._state_of(traced)
            is_new = self._is_new(state, key)
            state.kept += 1
            # Another thread may have written it meanwhile.
            if key in traced.known or (state.kept > MOST_CALLS and not is_new):
                return
            kind, given, result = key
            self._calls += 1
            traced.known[key] = [1, self._calls]
            call = {"call": self._calls, "of": state.number, "kind": kind}
            self._write({**call, "given": given, "result": result})
            if state.kept <= _MOST_ARGUMENTS and kind == "return":
                for path, each in _arrays_in(value, self.describe):
                    self._note_travel(each, [state.number, "return", path])

    def note_compiled(self, traced: Any) -> None:
        """Write that a library has compiled the source of a function."""
        with self._lock:
            self._write({"compiled": self._state_of(traced).number})

    def note_count(self, held: list[int]) -> None:
        """Write the count of a call."""
        # Smaller counts are only written at the end.
        if held[0] >= _FIRST_COUNT:
            self._write({"count": held[0], "call": held[1]})

    def note_loss(self) -> None:
        """Count a call that could not be recorded; the next line will say so."""
        if self._file is not None:
            self._file.lost += 1

    def end(self, functions: Sequence[Any]) -> None:
        """Write all counts, and that the process has ended."""
        for traced in functions:
            for held in traced.known.values():
                if held[0] > 1:
                    self._write({"count": held[0], "call": held[1]})
        self._write({"ended": time.time()})

    def begin_anew(self) -> None:
        """Start a new file in a forked child."""
        self._lock = threading.RLock()  # a thread of the parent may have held the old one
        self._functions = self._calls = 0
        self._before, self._file = self._file, None
        self._begun = 0
        self._first_line = _FORKED
        self._travels.clear()
        self._open()

    def _state_of(self, traced: Any) -> _State:
        if traced.state is None:
            self._functions += 1
            traced.state = _State(self._functions)
            code = traced.code
            self._write(
                {
                    "function": self._functions,
                    "path": traced.path,
                    "name": code.co_qualname,
                    "line": code.co_firstlineno,
                    "parameters": traced.names,
                    "flags": code.co_flags,
                }
            )
        state: _State = traced.state
        return state

    @staticmethod
    def _is_new(state: _State, key: tuple[str, Any, Any]) -> bool:
        sizes: list[int] = []
        form = (key[0], _form(key[1], sizes), _form(key[2], sizes))
        known = state.forms.get(form)
        if known is None:
            state.forms[form] = _Form(sizes)
            return True
        return known.learns(sizes)

    def _note_travel(self, value: Any, place: list[Any]) -> None:
        """Record that an array is at a place, and the place where it was before."""
        held = self._travels.get(id(value))
        # The reference shows whether the id still belongs to the same array.
        if held is not None and held[0]() is value and held[1] != place:
            self._write({"from": held[1], "to": place})
        with contextlib.suppress(TypeError):
            self._travels[id(value)] = (weakref.ref(value), place)
        # Forget arrays that no longer exist.
        if len(self._travels) > _MOST_TRAVELS:
            self._travels = {
                key: held for key, held in self._travels.items() if held[0]() is not None
            }

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None:
            self._open()
        if self._file is not None:
            if self._file.lost and self._file.write(_LOST):
                self._file.lost = 0
            if not self._file.write((json.dumps(line, default=str) + "\n").encode()):
                self._mark()

    def _open(self) -> None:
        """Create the file now, before the program can change its user or its root."""
        path = os.path.join(self._folder, f"{os.getpid()}-{time.time_ns()}.calls")
        try:
            self._file = self._line_file(path, self._header)
        except OSError:
            self._note_unopened()

    def _note_unopened(self) -> None:
        """Say that this process cannot write: in its parent's file, or else in the mark of the folder."""
        if self._before is None or not self._before.write_inherited(_LOST):
            self._mark()

    def _mark(self) -> None:
        with contextlib.suppress(OSError), open(os.path.join(self._folder, MARK), "r+b") as file:
            file.write(b"\1")  # the byte has its room on the disk already

    def _header(self) -> bytes:
        """Return the first line: whether the process was forked, or that the file was recreated."""
        self._begun += 1
        return _LOST if self._begun > 1 else self._first_line


def _form(said: Any, sizes: list[int]) -> Hashable:
    """Return a description without sizes, which are appended to `sizes`."""
    if _class_of(said) is not tuple:
        return str(said)
    parts: tuple[Any, ...] = said
    if parts and parts[0] == "array":
        shape = parts[3]
        if all(type(size) is int for size in shape):
            sizes.extend(shape)
            return (*parts[:3], len(shape), parts[4])
        return parts
    if parts and parts[0] == "int":
        return "int"
    return tuple([_form(each, sizes) for each in parts])


def _class_of(value: object) -> Any:
    return type(value)


def _arrays_in(value: Any, describe: Any) -> Iterator[tuple[list[int], Any]]:
    """Yield an array, or the arrays in a tuple or list, each with its index path."""
    items = enumerate(value) if type(value) in {tuple, list} and len(value) <= _MOST_ITEMS else ()
    for path, each in (([], value), *(([index], item) for index, item in items)):
        if describe(each)[0] == "array":
            yield path, each
