"""From source text to a function: the only place that compiles and executes text.

The text is registered with `linecache`, so tracebacks and debuggers show it, for as long as the
function lives. What is compiled has one thing more than what is shown: a handler behind the last
line, for what a value's own attributes raise (see `_with_handler`). It moves no line, and in Python
3.11 and later it costs nothing until something is raised.
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
from sekisho.ground.frames import NOT_COUNTED

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
"""Under which global name a guard has the file name of the stub that it was; see `make_stub`."""

EXPLAIN: Final = "__sekisho_explain__"
"""What a guard calls, by this global name, with an error that leaves it."""

OPTIONS: Final = "__sekisho_options__"
"""Under which global name a guard has the options that it was made with."""


class _Entry:
    """A generated function: the file name that its code goes by, and how to write its text."""

    __slots__ = ("__weakref__", "filename", "rewrite")

    def __init__(self, filename: str, rewrite: Callable[[], str]) -> None:
        self.filename = filename
        self.rewrite = rewrite


class _Named(weakref.ref["_Entry"]):
    """A reference to an entry that says which, when the entry is gone."""

    __slots__ = ("filename",)

    filename: str


# What is called when something here is gone is a method of C's. One of Python's might be where Ctrl+C
# arrives, and Python prints what a finalizer raises and goes on.

_entries: Final[dict[weakref.ref[types.FunctionType], _Entry | None]] = {}
"""Every generated function; None for one that is a stub yet."""

_by_filename: Final[dict[str, _Named]] = {}
"""linecache asks by this: what it keeps must keep no contract, and so no default value, alive."""

_unused: Final[deque[_Named]] = deque()
"""Entries that are gone, as a finalizer leaves them."""

_free: Final[dict[str, list[str]]] = {}
"""By the name of a function, the file names that the next of its name may have.

They stay in linecache: `linecache.checkcache` goes through its names without a lock, in any thread,
and raises for one that is gone since it began. So it holds no more names than there once were guards
at a time. A frame holds its function, so no traceback has a file name that is free.
"""

_lock: Final = threading.RLock()
"""Held while a function is given its code and entered here. Again by the same thread if garbage is
collected meanwhile, and a finalizer calls a guard."""


def compile_function(
    source: str, name: str, namespace: dict[str, Any], rewrite: Callable[[], str]
) -> types.FunctionType:
    """Compile the text of one ``def`` and return the function, its globals being `namespace`.

    The text is not kept: `rewrite` writes it again for whoever wants to see it.
    """
    function = _compile(source, name, namespace)
    _register(function, rewrite)
    return function


def _compile(source: str, name: str, namespace: dict[str, Any]) -> types.FunctionType:
    code = compile(_with_handler(source), _filename_for(name), "exec", dont_inherit=True)
    # Not into the namespace itself, where another thread may have a function of this name at work.
    made: dict[str, types.FunctionType] = {}
    exec(code, namespace, made)  # noqa: S102
    return made[name]


def _with_handler(source: str) -> str:
    """The text with all from its first comment on in a ``try``, which stands in the comment's place.

    So every line keeps its number, and the text that is shown is the one a reader wants to see.
    A guard without a comment asks nothing, and needs no handler.
    """
    lines = source.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("    # ")), None)
    if first is None:
        return source
    return "\n".join(
        [
            *lines[:first],
            "    try:",
            *(f" {line}" for line in lines[first + 1 :]),
            "    except Exception as __sekisho_error__:",
            f"     {EXPLAIN}(__sekisho_error__)",
            "     raise",
            "",
        ]
    )


def make_stub(source: str, name: str, namespace: dict[str, Any]) -> types.FunctionType:
    """Make a guard of a text that many share, which will take code of its own later.

    Its globals, `namespace`, must hold, under the name `WRITE`, the function that has it do so. That
    is called with the file name of the stub's code, in place of the text's `STUB`: a hot reload may
    have given the code to another function, whose globals these are not.
    """
    namespace["__builtins__"] = builtins  # dynamo asks for them
    # A code object of its own: torch.compile keeps what it has compiled with the code, and would
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
    """Mark what a compiler of torch is to run, not to trace: it takes and returns no tensor.

    What `torch.compiler.assume_constant_result` sets, without importing torch.
    """
    # setattr: type checkers know no such attribute of a function.
    setattr(function, "_dynamo_marked_constant", True)  # noqa: B010 - as said
    return function


def compile_into(
    stub: types.FunctionType, source: str, name: str, rewrite: Callable[[], str]
) -> None:
    """Give a stub the code and the signature of the text that was written for it."""
    written = _compile(source, name, stub.__globals__)
    with _lock:  # of two threads at their first call each enters the code that it has set
        # The defaults first: the stub's code takes any arguments, and asks for none of them.
        stub.__defaults__, stub.__kwdefaults__ = written.__defaults__, written.__kwdefaults__
        stub.__code__ = written.__code__
        _register(stub, rewrite)


def evaluate(call: str, names: dict[str, Any]) -> Any:
    """Evaluate a call that this library has written itself, for a hint to be tried."""
    return eval(call, names)  # noqa: S307 - no text of anybody else's


def is_guard(code: types.CodeType) -> bool:
    """Whether this is the code of a generated function."""
    return code.co_filename.startswith(_PREFIX)


def live_guards() -> list[types.FunctionType]:
    """Every generated function that is in use."""
    return [guard for each in tuple(_entries) if (guard := each()) is not None]


def _enter(function: types.FunctionType, entry: _Entry | None) -> None:
    _entries[weakref.ref(function, _entries.pop)] = entry


def find_stub(filename: str) -> types.FunctionType:
    """The guard that was made with this stub.

    Raises:
        DeclarationError: if it is gone.
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
            # Another is there where the function has been entered again under its name.
            if _by_filename.get(gone.filename) is gone:
                del _by_filename[gone.filename]
                _set_lazy(gone.filename)  # linecache keeps a text that it was asked for
                _free.setdefault(gone.filename.rpartition(">.")[2], []).append(gone.filename)
        free = _free.get(name)
        # Not all in <>: linecache takes such a name for one that has no source.
        return free.pop() if free else f"{_PREFIX}{next(_number)}>.{name}"


def _set_lazy(filename: str) -> None:
    # linecache's form of an entry that it asks for its text when somebody asks for a line.
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
        TypeError: if it has no guard: it was never decorated, or decorated in mode ``"off"``.

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
                x = _admit_x(x)
            result = _double(x)
            # returns: ndarray
            if not isinstance(result, _ndarray):
                result = _admit_result(result)
            return result
    """
    plain = getattr(function, "__func__", function)
    if not isinstance(plain, types.FunctionType) or weakref.ref(plain) not in _entries:
        raise TypeError(f"generated_source(): {function!r} has no generated guard.")
    filename, key = plain.__code__.co_filename, weakref.ref(plain)
    if _entries[key] is None or filename not in _by_filename:  # a stub, maybe by a hot reload
        plain.__globals__[WRITE](filename)
    entry = _entries[key]
    assert entry is not None  # it is written now
    return entry.rewrite()
