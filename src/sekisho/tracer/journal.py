"""What a process has seen of its calls, in a file that outlives it.

A line of JSON for each function, for each kind of call when it is first seen, and for how often it was
seen whenever that has doubled, and at the end. So however a process ends nothing is missing but
the counts, of which at least the half is there.

Each process has a file of its own in a common folder. Of the standard library alone, and loaded by its
path.
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

__all__ = ["Journal"]

MOST_CALLS: Final = 256
"""Kinds of calls of a function that are kept whatever they are. Of the others are kept only those
that tell apart what was equal or constant in all that were kept."""

_MOST_ARGUMENTS: Final = 64
_FIRST_COUNT: Final = 64
_MOST_TRAVELS: Final = 4096
_MOST_ITEMS: Final = 8
_LOST: Final = b'{"lost": true}\n'
_FORKED: Final = b'{"forked": true}\n'


class _State:
    """What of a function's calls is known already: their forms, and what was equal in each form."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.kept = 0
        self.forms: dict[Hashable, _Form] = {}


class _Form:
    """Calls that differ by sizes only.

    Attributes:
        sizes: those of the first.
        equal: which of them were equal in all.
        constant: which of them were the same in all.
    """

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        several = range(len(sizes))
        self.constant: set[int] = set(several)
        self.equal = {(i, j) for i in several for j in range(i) if sizes[i] == sizes[j]}

    def learns(self, sizes: list[int]) -> bool:
        """Whether a call says something that those before it did not."""
        changed = {i for i in self.constant if sizes[i] != self.sizes[i]}
        apart = {(i, j) for i, j in self.equal if sizes[i] != sizes[j]}
        self.constant -= changed
        self.equal -= apart
        return bool(changed or apart)


class Journal:
    """Writes what a tracer sees. See `sekisho.tracer.tracing.Journal` for what each method is told.

    Args:
        folder: where the processes of a program write.
        describer: what says what is to be remembered of a value.
        line_file: `sekisho.ground.LineFile`, which is loaded by its path, too.
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
        self._begun = 0
        self._first_line = b""
        self._open()

    def note_arguments(self, traced: Any, key: Hashable, values: Sequence[Any]) -> None:
        """Note where arrays have come from that a function is given."""
        if len(traced.given) >= _MOST_ARGUMENTS:
            return
        with self._lock:
            traced.given.add(key)
            number = self._state_of(traced).number
            for name, value in zip(traced.names, values, strict=True):
                for path, each in _arrays_in(value, self.describe):
                    self._note_travel(each, [number, name, path])

    def note_caller(self, traced: Any, caller: str, test: str) -> None:
        """Write who calls a function, and in which test."""
        with self._lock:
            self._write({"caller": caller, "test": test, "to": self._state_of(traced).number})

    def note_call(self, traced: Any, key: tuple[str, Any, Any], value: Any) -> None:
        """Write a call, if it is one of the first or says something new."""
        with self._lock:
            state = self._state_of(traced)
            is_new = self._is_new(state, key)
            state.kept += 1
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

    def note_count(self, held: list[int]) -> None:
        """Write how often a call was seen."""
        if held[0] >= _FIRST_COUNT:
            self._write({"count": held[0], "call": held[1]})

    def note_loss(self) -> None:
        """Remember, for the next line, that a call could not be noted."""
        if self._file is not None:
            self._file.lost += 1

    def end(self, functions: Sequence[Any]) -> None:
        """Write all counts."""
        for traced in functions:
            for held in traced.known.values():
                if held[0] > 1:
                    self._write({"count": held[0], "call": held[1]})
        self._write({"ended": time.time()})

    def begin_anew(self) -> None:
        """Write into another file, as a child that was forked does."""
        self._lock = threading.RLock()  # another thread of the parent may have held it
        self._functions = self._calls = 0
        self._file = None
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
        """Note that an array is at a place, and at which it was before."""
        held = self._travels.get(id(value))
        if held is not None and held[0]() is value and held[1] != place:
            self._write({"from": held[1], "to": place})
        with contextlib.suppress(TypeError):
            self._travels[id(value)] = (weakref.ref(value), place)
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
            self._file.write((json.dumps(line, default=str) + "\n").encode())

    def _open(self) -> None:
        """Begin a file, before the program can change its user or its root."""
        with contextlib.suppress(OSError):
            path = os.path.join(self._folder, f"{os.getpid()}-{time.time_ns()}.calls")
            self._file = self._line_file(path, self._header)

    def _header(self) -> bytes:
        """Whether the process was forked; and, if the file has to be begun again, that something is missing."""
        self._begun += 1
        return _LOST if self._begun > 1 else self._first_line


def _form(said: Any, sizes: list[int]) -> Hashable:
    """What was said of a value, without its sizes, which are appended."""
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
    """An array, or those in a tuple or list of them, and where each is."""
    items = enumerate(value) if type(value) in {tuple, list} and len(value) <= _MOST_ITEMS else ()
    for path, each in (([], value), *(([index], item) for index, item in items)):
        if describe(each)[0] == "array":
            yield path, each
