"""Trace calls of the functions in some files: what each accepts, returns and yields.

From Python 3.12 on this uses ``sys.monitoring``, which reports an irrelevant function only once,
and before that ``sys.setprofile``. Values are described by `describe` and recorded by a `journal`.
The tracer keeps no references to arguments or results.

This module is loaded by its path at the start of a process and uses the standard library only.
"""

from __future__ import annotations

import opcode
import os
import sys
import sysconfig
import threading
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from types import CodeType, FrameType

__all__ = ["Traced", "Tracer"]

Call = tuple[str, "Hashable", "Hashable"]
"""``return``, ``yield`` or ``raise``; descriptions of the arguments; description of the result."""

_IS_FUNCTION: Final = 0x01  # CO_OPTIMIZED, which the body of a class does not have
_VARARGS: Final = 0x04
_VARKEYWORDS: Final = 0x08
_GENERATOR: Final = 0x20  # asynchronous generators yield a wrapper that hides the value
# Only needed on Python 3.11, where calls are told apart by their instructions.
_RESUME: Final = opcode.opmap.get("RESUME", -1)
_RETURN: Final = opcode.opmap.get("RETURN_VALUE", -1)
_YIELD: Final = opcode.opmap.get("YIELD_VALUE", -1)

_DEEPEST: Final = 100
_MOST_CALLERS: Final = 16
"""Maximum number of callers to record: with so many, it is certain that there are several."""

_LIBRARIES: Final = tuple(
    [sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")]
)

_TEST: Final = "PYTEST_CURRENT_TEST"
"""The variable in which pytest stores the running test: ``test_a.py::test_one[3] (call)``."""


class Traced:
    """A traced function.

    Attributes:
        code: its code object.
        path: the real path of its file.
        names: its parameters, without ``self``.
        yields: whether it is a generator function.
        known: for each distinct call, its count and its number in the journal.
        given: descriptions of arguments that were seen, up to a limit.
        callers: callers and tests that were seen, up to a limit.
        state: the journal's data about the function.
    """

    __slots__ = (
        "bytecode",
        "callers",
        "code",
        "given",
        "known",
        "names",
        "path",
        "state",
        "yields",
    )

    def __init__(self, code: CodeType, path: str) -> None:
        self.code: CodeType = code
        self.path: str = path
        self.bytecode: bytes = code.co_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
        names = code.co_varnames[:count]
        if names and names[0] in {"self", "cls", "mcs"} and "." in code.co_qualname:
            names = names[1:]
        self.names: tuple[str, ...] = names
        self.yields: bool = bool(code.co_flags & _GENERATOR)
        self.known: dict[Hashable, list[int]] = {}
        self.given: set[Hashable] = set()
        self.callers: set[tuple[int, str]] = set()
        self.state: Any = None


class Journal(Protocol):
    """The recorder that a tracer reports to."""

    def describe(self, value: Any) -> Hashable:
        """Return the description of a value."""
        ...

    def note_arguments(self, traced: Traced, key: Hashable, values: Sequence[Any]) -> None:
        """Record arguments before the function can change them."""
        ...

    def note_caller(self, traced: Traced, caller: str, test: str) -> None:
        """Record a new caller of the function, or a known one in a new test."""
        ...

    def note_call(self, traced: Traced, key: Call, value: Any) -> None:
        """Record a call of a new kind."""
        ...

    def note_compiled(self, traced: Traced) -> None:
        """Record that a library has compiled the function's source."""
        ...

    def note_count(self, held: list[int]) -> None:
        """Record the count of a call whenever it has doubled."""
        ...

    def note_loss(self) -> None:
        """Record that a call could not be recorded."""
        ...


class Tracer:
    """Reports the calls of all functions in some files to a journal.

    Args:
        roots: real paths of files and folders.
        journal: the journal.
        compilers: the functions that read the source of what a library compiles, as ``package.module:name``.
    """

    def __init__(
        self, roots: tuple[str, ...], journal: Journal, compilers: Sequence[str] = ()
    ) -> None:
        self._roots = roots
        self._journal = journal
        self._compilers: dict[str, str] = {}
        for module, name in (each.split(":") for each in compilers):
            self._compilers[f"{os.sep}{module.replace('.', os.sep)}.py"] = name
        self._files: dict[str, str] = {}
        self._libraries: dict[str, bool] = {}
        self._functions: dict[int, Traced] = {}  # by `id`, because code objects hash slowly
        self._pending: dict[int, tuple[Traced, Hashable]] = {}
        self._busy: set[int] = set()  # the threads in a report of the tracer
        self.tool: int | None = None

    # --- which function is called

    def _find(self, code: CodeType) -> Traced | None:
        path = self._files.get(code.co_filename)
        if path is None:
            path = self._files[code.co_filename] = self._path_of(code.co_filename)
        if not path or code.co_name.startswith("<") or not code.co_flags & _IS_FUNCTION:
            return None
        found = self._functions.get(id(code))
        if found is None:
            if self._compilers.get(path, code.co_name) != code.co_name:
                return None
            found = self._functions[id(code)] = Traced(code, path)
            self._report_ends(code)
        return found

    def _report_ends(self, code: CodeType) -> None:
        """Have Python report how calls of a function end, where it reports by function."""
        if sys.version_info >= (3, 12) and self.tool is not None:
            events = sys.monitoring.events
            sys.monitoring.set_local_events(self.tool, code, events.PY_RETURN | events.PY_YIELD)

    def _path_of(self, filename: str) -> str:
        """Return the real path of a file to trace, or the end of a compiler's path; "" for others."""
        return self._real(filename) or next(filter(filename.endswith, self._compilers), "")

    def _real(self, filename: str) -> str:
        """Return the real path of a file to trace; "" for other files."""
        if filename.startswith("<"):
            return ""
        path = os.path.realpath(filename)
        inside = any(path == root or path.startswith(root + os.sep) for root in self._roots)
        return path if inside else ""

    # --- what the call does

    def _start(self, traced: Traced, frame: FrameType) -> None:
        values = frame.f_locals
        if traced.path in self._compilers:
            self._note_compiled(values.get(traced.names[0]))
            return
        describe = self._journal.describe
        key = tuple([describe(values.get(name)) for name in traced.names])
        self._pending[id(frame)] = traced, key
        if len(traced.callers) < _MOST_CALLERS:
            self._note_caller(traced, frame)
        # arrays that come from another caller come from other places
        way = key, id(frame.f_back and frame.f_back.f_code)
        if way not in traced.given:
            given = [values.get(name) for name in traced.names]
            self._journal.note_arguments(traced, way, given)

    def _note_compiled(self, function: Any) -> None:
        """Record what a compiler reads the source of: like `inspect`, it reads behind decorators."""
        for _ in range(_DEEPEST):  # a function may wrap itself
            function = getattr(function, "__wrapped__", function)
        code = getattr(function, "__code__", None)
        compiled = None if code is None else self._find(code)
        if compiled is not None:
            self._journal.note_compiled(compiled)

    def _note_caller(self, traced: Traced, frame: FrameType) -> None:
        own, is_of_library = traced.code, self._is_of_library
        caller = frame.f_back
        # torch calls `forward`, and `sorted` calls its key: record the caller of the library.
        while caller is not None and (
            caller.f_code is own or is_of_library(caller.f_code.co_filename)
        ):
            caller = caller.f_back
        code = None if caller is None else caller.f_code
        key = (id(code), self._running_test())
        if key not in traced.callers:
            traced.callers.add(key)
            _, test = key
            name = "" if code is None else f"{code.co_filename}:{code.co_qualname}"
            self._journal.note_caller(traced, name, test)

    def _running_test(self) -> str:
        # Reading a variable that is not there takes as long as the rest of a call.
        if "_pytest" not in sys.modules:
            return ""
        return os.environ.get(_TEST, "").partition(" ")[0].partition("[")[0]

    def _is_of_library(self, filename: str) -> bool:
        found = self._libraries.get(filename)
        if found is None:
            inside = filename.startswith(("<frozen", *_LIBRARIES))
            found = self._libraries[filename] = inside and not self._real(filename)
        return found

    def _end(self, kind: str, traced: Traced, frame: FrameType, value: Any) -> None:
        pending = self._pending
        held = pending.get(id(frame)) if kind == "yield" else pending.pop(id(frame), None)
        if held is None or held[0] is not traced:
            return
        key = (kind, held[1], self._journal.describe(value) if kind != "raise" else None)
        seen = traced.known.get(key)
        if seen is None:
            self._journal.note_call(traced, key, value)
            return
        seen[0] = count = seen[0] + 1
        if not count & (count - 1):  # a power of two
            self._journal.note_count(seen)

    def _guarded(self, call: Callable[..., None], *args: Any) -> None:
        """Call a function whose errors must not stop the program; its own calls are not traced."""
        busy, thread = self._busy, get_ident()
        if thread in busy:
            return
        try:
            busy.add(thread)
            call(*args)
        except Exception:  # noqa: BLE001 - inspecting a value may raise any exception
            self._journal.note_loss()
        finally:
            busy.discard(thread)

    def forget(self) -> None:
        """Start again in a forked child: the parent reports what was seen so far."""
        self._pending.clear()
        self._busy.clear()
        for traced in self._functions.values():
            traced.known.clear()
            traced.given.clear()
            traced.callers.clear()
            traced.state = None

    @property
    def functions(self) -> list[Traced]:
        """All functions that were seen."""
        return list(self._functions.values())

    # --- hooks into Python

    def install(self) -> None:
        """Start tracing."""
        if sys.version_info >= (3, 12):
            self._monitor()
        else:
            threading.setprofile(self._profile)
            sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call":
            traced = self._find(frame.f_code)
            if traced is not None:
                at = frame.f_lasti
                # A resumed generator continues at a RESUME with another argument, or, if an
                # exception is thrown into it, at another instruction.
                if traced.bytecode[at] == _RESUME and not traced.bytecode[at + 1]:
                    self._guarded(self._start, traced, frame)
        elif event == "return":
            traced = self._functions.get(id(frame.f_code))
            if traced is not None:
                operation = traced.bytecode[frame.f_lasti]
                if operation == _RETURN:
                    self._guarded(self._end, "return", traced, frame, value)
                elif operation != _YIELD:
                    self._guarded(self._end, "raise", traced, frame, None)
                elif (
                    traced.yields and value is not None
                ):  # setprofile also reports None if an exception is thrown into a generator
                    self._guarded(self._end, "yield", traced, frame, value)

    if sys.version_info >= (3, 12):

        def _monitor(self) -> None:
            monitoring = sys.monitoring
            free = (each for each in (4, 3, 5, 2) if monitoring.get_tool(each) is None)
            tool = self.tool = next(free)
            monitoring.use_tool_id(tool, "sekisho")
            events = monitoring.events
            find, guarded, functions = self._find, self._guarded, self._functions
            get_frame = sys._getframe

            def started(code: CodeType, _offset: int) -> Any:
                traced = functions.get(id(code))
                if traced is None:
                    traced = find(code)
                    if traced is None:
                        return monitoring.DISABLE
                guarded(self._start, traced, get_frame(1))
                return None

            def teller(kind: str) -> Any:
                def ended(code: CodeType, _offset: int, value: Any) -> Any:
                    traced = functions.get(id(code))
                    if traced is not None and (kind != "yield" or traced.yields):
                        guarded(self._end, kind, traced, get_frame(1), value)

                return ended

            def raised(code: CodeType, _offset: int, _error: BaseException) -> None:
                traced = functions.get(id(code))
                if traced is not None:
                    guarded(self._end, "raise", traced, get_frame(1), None)

            for event, call in (
                (events.PY_START, started),
                (events.PY_RETURN, teller("return")),
                (events.PY_YIELD, teller("yield")),
                (events.PY_UNWIND, raised),
            ):
                monitoring.register_callback(tool, event, call)
            monitoring.set_events(tool, events.PY_START | events.PY_UNWIND)
