"""Turn source text into functions: the only module that compiles and executes text.

The text is registered with `linecache` for as long as the function lives, so that tracebacks and
debuggers show it. The compiled code has one part that the shown text lacks: an exception handler
after the last line, for errors that a value's own attributes raise (see `_with_handler`). The
handler moves no line and, since Python 3.11, costs nothing until something is raised.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import linecache
import threading
import types
import weakref
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.errors import DeclarationError
from sekisho.utils.frames import NOT_COUNTED

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EXPLAIN",
    "OPTIONS",
    "STUB",
    "WRITE",
    "compile_function",
    "compile_into",
    "evaluate",
    "find_stub",
    "generated_source",
    "is_guard",
    "live_guards",
    "make_stub",
    "runs_while_tracing",
]

F = TypeVar("F", bound="Callable[..., Any]")

_PREFIX: Final = f"<sekisho guard {NOT_COUNTED} "
_number: Final = itertools.count(1)
WRITE: Final = "__sekisho_write__"
STUB: Final = "__sekisho_stub__"
"""Global name under which a guard keeps the file name of its original stub; see `make_stub`."""

EXPLAIN: Final = "__sekisho_explain__"
"""Global name of the function that a guard calls with an exception before re-raising it."""

OPTIONS: Final = "__sekisho_options__"
"""Global name under which a guard keeps the options that it was created with."""


class _Entry:
    """The file name of a generated function's code, and a function that writes its text again."""

    __slots__ = ("__weakref__", "filename", "rewrite")

    def __init__(self, filename: str, rewrite: Callable[[], str]) -> None:
        self.filename = filename
        self.rewrite = rewrite


class _Named(weakref.ref["_Entry"]):
    """A weak reference to an entry that still has the file name when the entry is gone."""

    __slots__ = ("filename",)

    filename: str


# All weakref callbacks in this module are methods implemented in C. A callback in Python could be
# interrupted by Ctrl+C, and Python only prints the exceptions of finalizers and continues.

_entries: Final[dict[weakref.ref[types.FunctionType], _Entry | None]] = {}
"""Every generated function with its entry, or None while it is still a stub."""

_by_filename: Final[dict[str, _Named]] = {}
"""Entries for `linecache`, held weakly: it must not keep a contract and its defaults alive."""

_unused: Final[deque[_Named]] = deque()
"""References to entries that are gone, appended by the weakref callback."""

_free: Final[dict[str, list[str]]] = {}
"""File names that can be used again, by the name of the function.

They stay in `linecache.cache`: `linecache.checkcache` iterates over the names without a lock, in
any thread, and raises if one disappears meanwhile. With reuse, the cache holds only as many names
as guards existed at the same time. A name is only free once its function is gone, and a frame keeps
its function alive, so no traceback refers to a free name.
"""

_lock: Final = threading.RLock()
"""Held while a function gets its code and is registered here. Reentrant, because a garbage
collection in between may run a finalizer that calls a guard."""


def compile_function(
    source: str, name: str, namespace: dict[str, Any], rewrite: Callable[[], str]
) -> types.FunctionType:
    """Compile the text of one ``def`` and return the function, with `namespace` as its globals.

    The text is not stored: `rewrite` writes it again when it is shown.
    """
    function = _compile(source, name, namespace)
    _register(function, rewrite)
    return function


def _compile(source: str, name: str, namespace: dict[str, Any]) -> types.FunctionType:
    code = compile(_with_handler(source), _filename_for(name), "exec", dont_inherit=True)
    # Do not define it in `namespace`: another thread may be using a global of this name.
    made: dict[str, types.FunctionType] = {}
    exec(code, namespace, made)  # noqa: S102
    return made[name]


def _with_handler(source: str) -> str:
    """Put everything after the first comment into a ``try`` that replaces the comment's line.

    So every line keeps its number, and every call its columns: tracebacks can show the text
    without the handler. A guard without a comment validates nothing and needs no handler.
    """
    before, comment, after = source.partition("\n    # ")
    if not comment:
        return source
    # The ``try`` is one column to the left of the body, so the statements in it keep their columns,
    # which tracebacks underline. Those before the comment are all assignments; they move to the
    # column of the ``try``, and another space keeps the column of what they call.
    before = before.replace("\n    ", "\n   ").replace(" = ", "  = ")
    body = after[after.index("\n") :].rstrip("\n")
    return (
        f"{before}\n   try:{body}\n"
        "   except Exception as __sekisho_error__:\n"
        f"    {EXPLAIN}(__sekisho_error__)\n    raise\n"
    )


def make_stub(source: str, name: str, namespace: dict[str, Any]) -> types.FunctionType:
    """Make a guard from a text that many guards share; it gets its own code later.

    `namespace` becomes its globals. Under the name `WRITE` it must have the function that writes
    the guard's code. That function is called with the file name of the stub's code, which replaces
    the string `STUB` in the shared text: after a hot reload another function, with other globals,
    may have this code.
    """
    namespace["__builtins__"] = builtins  # torch's dynamo looks for them
    # Each stub needs its own code object: torch.compile caches its result by code object and would
    # run it for the next stub.
    filename = namespace[STUB] = f"{_PREFIX}stub {next(_number)}>"
    code = _compile_once(source)
    consts = tuple(filename if each == STUB else each for each in code.co_consts)
    code = code.replace(co_filename=filename, co_consts=consts)
    stub = types.FunctionType(code, namespace, name)
    _enter(stub, None)
    return stub


@cache
def _compile_once(source: str) -> types.CodeType:
    scratch: dict[str, Any] = {}
    exec(compile(source, f"{_PREFIX}stub>", "exec", dont_inherit=True), scratch)  # noqa: S102
    function: types.FunctionType = scratch["stub"]
    return function.__code__


def runs_while_tracing(function: F) -> F:
    """Mark a function that torch's compiler runs rather than traces; it handles no tensors.

    `torch.compiler.assume_constant_result` sets the same attribute, but this function does not
    import torch.
    """
    # setattr, because functions have no such attribute for a type checker
    setattr(function, "_dynamo_marked_constant", True)  # noqa: B010 - type checkers
    return function


def compile_into(
    stub: types.FunctionType, source: str, name: str, rewrite: Callable[[], str]
) -> None:
    """Give a stub the code and the defaults of the text that was written for it."""
    written = _compile(source, name, stub.__globals__)
    with _lock:  # of two threads in their first call, each must register the code that it has set
        # Defaults first: the stub's code accepts any arguments and uses no defaults, so another
        # thread can call it in between.
        stub.__defaults__, stub.__kwdefaults__ = written.__defaults__, written.__kwdefaults__
        stub.__code__ = written.__code__
        _register(stub, rewrite)


def evaluate(call: str, names: dict[str, Any]) -> Any:
    """Evaluate a call that sekisho itself has written, to try out a hint."""
    return eval(call, names)  # noqa: S307 - the text never comes from outside sekisho


def is_guard(code: types.CodeType) -> bool:
    """Return whether a code object belongs to a generated function."""
    return code.co_filename.startswith(_PREFIX)


def live_guards() -> list[types.FunctionType]:
    """Return every generated function that is still alive."""
    return [guard for each in tuple(_entries) if (guard := each()) is not None]


def _enter(function: types.FunctionType, entry: _Entry | None) -> None:
    _entries[weakref.ref(function, _entries.pop)] = entry


def find_stub(filename: str) -> types.FunctionType:
    """Return the guard that was created with this stub's file name.

    Raises:
        DeclarationError: if the guard is gone.
    """
    for guard in live_guards():
        if guard.__globals__.get(STUB) == filename:
            return guard
    raise DeclarationError(
        "a function was given the code of a guard that is gone.\n"
        "  hint: keep the decorated function, or reload its module"
    )


def _register(function: types.FunctionType, rewrite: Callable[[], str]) -> None:
    filename = function.__code__.co_filename
    entry = _Entry(filename, rewrite)
    named = _Named(entry, _unused.append)
    named.filename = filename
    with _lock:
        _by_filename[filename] = named
        _set_lazy(filename)
        _enter(function, entry)


def _filename_for(name: str) -> str:
    with _lock:
        while _unused:
            gone = _unused.popleft()
            # The name may have a newer entry, if the same function was registered again.
            if _by_filename.get(gone.filename) is gone:
                del _by_filename[gone.filename]
                _set_lazy(gone.filename)  # drops the text that linecache may have cached
                _free.setdefault(gone.filename.rpartition(">.")[2], []).append(gone.filename)
        free = _free.get(name)
        # The name must not end in ">": linecache takes "<...>" for a name without source.
        return free.pop() if free else f"{_PREFIX}{next(_number)}>.{name}"


def _set_lazy(filename: str) -> None:
    # linecache's form of a lazy entry: it calls the function for the text when it needs a line.
    linecache.cache[filename] = (functools.partial(_text_of, filename),)


def _text_of(filename: str) -> str:
    named = _by_filename.get(filename)
    entry = None if named is None else named()
    return entry.rewrite() if entry else ""


def generated_source(function: Callable[..., Any]) -> str:
    """Return the text of the guard that a sekisho decorator generated.

    Args:
        function: a guarded function or method.

    Raises:
        TypeError: if it has no guard: it was never decorated, or it was decorated in mode
            ``"off"``.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> @sk.numpy_world
        ... def double(x: np.ndarray) -> np.ndarray:
        ...     return x * 2
        >>> print(sk.generated_source(double), end="")
        def double(x):
            # x: ndarray
            if not isinstance(x, _ndarray):
                x = _validate_x(x)
            result = _double(x)
            # returns: ndarray
            if not isinstance(result, _ndarray):
                result = _validate_result(result)
            return result
    """
    plain = getattr(function, "__func__", function)
    if not isinstance(plain, types.FunctionType) or weakref.ref(plain) not in _entries:
        raise TypeError(f"generated_source(): {function!r} has no generated guard.")
    filename, key = plain.__code__.co_filename, weakref.ref(plain)
    if _entries[key] is None or filename not in _by_filename:  # a stub, or its code after a reload
        plain.__globals__[WRITE](filename)
    entry = _entries[key]
    assert entry is not None  # WRITE has just written it
    return entry.rewrite()
