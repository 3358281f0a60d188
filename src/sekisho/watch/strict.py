"""What strict mode refuses inside of a body.

A *watch* stands over the body of a guarded function while it runs. A `TorchFunctionMode` shows it
every operation of torch in this thread, but for the few that torch does not show to such modes;
those are wrapped once, when the first body is watched. What is no crossing passes, and what a guard
does at its own boundary passes too: it has asked there.

The state is the thread's, not the context's, as torch's stack of modes is. So a coroutine or a
generator is watched step by step, and never suspended under its watch (see `_watched`).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import sys
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np

from sekisho.context import current
from sekisho.errors import (
    CrossingWarning,
    SekishoError,
    Violation,
    WorldError,
    hide_in_pytest,
)
from sekisho.ground import is_guard
from sekisho.worlds import NUMPY, TORCH, World, describe, find_world, flatten, is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import FrameType

__all__ = [
    "Watch",
    "Watching",
    "caught",
    "judge",
    "note_refusal",
    "refuse",
    "settle_boundary",
    "thread",
    "unwatched",
]


__tracebackhide__ = hide_in_pytest


class Watch(NamedTuple):
    """Whose body is watched.

    Attributes:
        function: the function's name in messages.
        home: the world that its body stays in.
        scalars: whether Python numbers may be made of tensors.
    """

    function: str
    home: World
    scalars: bool = True


class RefusalError(SekishoError):
    """What a body is refused, until it leaves the body, as a `WorldError`.

    No TypeError, as `WorldError` is: torch and NumPy take one from an operator for "not
    implemented", and go on without a word (``tensor == array`` is then False).
    """


class _Thread(threading.local):
    """What is watched in one thread.

    Attributes:
        watch: the watch over the body that runs now; None if it may do what it likes.
        depth: how many bodies are entered.
        is_shown: whether torch shows its operations.
        refused: the errors raised in them that have not left the outermost yet.
    """

    watch: Watch | None = None
    depth: int = 0
    is_shown: bool = False

    def __init__(self) -> None:
        self.refused: list[SekishoError] = []


thread: Final = _Thread()

caught: Final[list[str]] = []
"""The crossings that were refused to a body which caught the error and went on, as messages."""


@contextlib.contextmanager
def unwatched() -> Generator[None]:
    """Let what runs in the ``with`` block do what it likes, in a watched body too."""
    watch, thread.watch = thread.watch, None
    try:
        yield
    finally:
        thread.watch = watch


class Watching:
    """Holds a watch over what runs in the ``with`` block. It may be entered again: see `_watched`."""

    __slots__ = ("_outer", "_pushed", "_start", "_watch")

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch

    def __enter__(self) -> None:
        self._outer, self._start = thread.watch, len(thread.refused)
        thread.watch = self._watch
        thread.depth += 1
        self._pushed = self._watch is not None and not thread.is_shown and _push()

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._pushed:
            _pull()
        # Where the body has come to: it may be suspended within `crossing_allowed`.
        self._watch = thread.watch
        thread.watch = self._outer
        thread.depth -= 1
        if len(thread.refused) > self._start:
            _settle(self._start, error)
        if isinstance(error, RefusalError):
            raise note_refusal(WorldError(*error.args)).with_traceback(
                error.__traceback__
            ) from None


def _settle(start: int, error: BaseException | None) -> None:
    """Of what was refused in a body, keep what leaves it; the rest was caught inside."""
    leaving = {id(each) for each in _chain(error)}
    for refused in thread.refused[start:]:
        if id(refused) not in leaving:
            caught.append(str(refused))
            thread.refused.remove(refused)
    if thread.depth == 0:
        thread.refused.clear()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        each = open_.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            open_ += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


E = TypeVar("E", bound=SekishoError)


def note_refusal(error: E) -> E:
    """Remember a crossing that is refused to a watched body. Returns the error."""
    if thread.depth:
        thread.refused.append(error)
    return error


def settle_boundary(start: int, error: SekishoError | None) -> None:
    """Of all that a boundary refused on its way (in a union), only `error` is what it says."""
    if len(thread.refused) > start:
        del thread.refused[start:]
        if error is not None:
            thread.refused.append(error)


# --- torch's side: how operations come into view -----------------------------------------------


@cache
def _watcher() -> Any:
    """Make the mode that torch shows its operations, and wrap what it does not show to modes."""
    torch = TORCH.load()
    ndarray, state, suspects, compiling = (
        np.ndarray,
        thread,
        _suspects(),
        torch.compiler.is_compiling,
    )
    base: Any = torch.overrides.TorchFunctionMode

    class Watcher(base):  # type: ignore[misc]  # of a library that is looked up, never imported
        def __torch_function__(
            self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            # A compiler traces this too, and must find nothing to do.
            watch = None if compiling() else state.watch
            if watch is not None:
                if watch.home is NUMPY or func in suspects:
                    judge(watch, func, args, kwargs)
                else:
                    for each in args:
                        if isinstance(each, ndarray):
                            judge(watch, func, args, kwargs)
                            break
            return func(*args, **kwargs) if kwargs else func(*args)

    for module, name in _UNSHOWN:
        holder = sys.modules[module]
        setattr(holder, name, _shown(getattr(holder, name)))
    return Watcher()


_UNSHOWN: Final = (
    ("torch", "from_numpy"),
    ("torch", "from_dlpack"),
    ("torch.utils.dlpack", "from_dlpack"),
    ("torch", "frombuffer"),
)


def _shown(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        watch = None if is_compiling() else thread.watch
        if watch is not None:
            judge(watch, function, args, kwargs)
        return function(*args, **kwargs)

    return call


def _push() -> bool:
    """Have torch show its operations in this thread, if there is a torch.

    The mode goes below all others: a mode that a body has entered, leaves by popping the top.
    """
    if TORCH.array_type() is None:
        return False
    watcher = _watcher()  # made first: making it may raise
    above = _pop_modes(until=None)
    _push_modes([*above, watcher])
    thread.is_shown = True
    return True


def _pull() -> None:
    """Take the mode away again, from under those that a suspended body has left above it."""
    _push_modes(_pop_modes(until=_watcher()))
    thread.is_shown = False


def _pop_modes(until: object) -> list[Any]:
    """Take torch's modes off their stack, the top first, down to one that is taken off too."""
    stack, popped = TORCH.module().overrides, list[Any]()
    while stack._len_torch_function_stack():  # noqa: SLF001 - no public way
        top = stack._pop_mode()  # noqa: SLF001 - likewise
        if top is until:
            break
        popped.append(top)
    return popped


def _push_modes(popped: list[Any]) -> None:
    for each in reversed(popped):
        TORCH.module().overrides._push_mode(each)  # noqa: SLF001 - likewise


@cache
def _operations(kind: str) -> frozenset[Any]:
    """The operations of torch that are looked at more closely."""
    torch = TORCH.load()
    tensor = torch.Tensor
    match kind:
        case "to numpy":
            return frozenset({tensor.numpy, tensor.__array__, tensor.__dlpack__})
        case "to torch":
            return frozenset({torch.tensor, torch.as_tensor, torch.asarray, tensor.new_tensor})
        case "scalars":
            names = "item tolist equal allclose is_nonzero __bool__ __int__ __float__ __complex__"
            names += " __index__ __contains__ __repr__ __format__"
            found = {getattr(tensor, name) for name in names.split()}
            return frozenset(found | {torch.equal, torch.allclose, torch.is_nonzero})
        case _:
            raise AssertionError(kind)


@cache
def _suspects() -> frozenset[Any]:
    return _operations("to numpy") | _operations("to torch") | _operations("scalars")


# What tells about a tensor without computing: reading these is no operation.
_LOOK_NAMES: Final = (
    "size dim ndimension numel nelement stride storage_offset element_size data_ptr get_device "
    "is_contiguous is_floating_point is_complex is_signed is_conj is_neg is_inference is_pinned "
    "is_shared is_set_to is_same_size __len__ __hash__ __repr__ __format__ type"
)
_LOOKS: Final = frozenset(_LOOK_NAMES.split())
_VALUES: Final = frozenset({"T", "H", "mT", "mH", "real", "imag", "data", "grad"})


def _is_look(func: Any) -> bool:
    """Whether an operation only looks at what a tensor is: its shape, dtype, device."""
    if func.__name__ == "__get__":
        return func.__self__.__name__ not in _VALUES
    return func.__name__ in _LOOKS


# --- the judgement ------------------------------------------------------------------------------


def judge(watch: Watch, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
    """Refuse an operation of torch that crosses, or that leaves NumPy.

    Raises:
        RefusalError: naming the function, the operation, and the line.
    """
    if func in _operations("scalars"):
        if watch.scalars or watch.home is NUMPY:
            return
        target = NUMPY
    elif func in _operations("to numpy"):
        target = NUMPY
    elif watch.home is NUMPY:
        if _is_look(func):
            return
        target = TORCH
    else:
        if not any(isinstance(each, np.ndarray) for each in _arrays_in(args, kwargs)):
            return
        target = TORCH
    name = TORCH.load().overrides.resolve_name(func) or f"torch.{func.__name__}"
    refuse(watch, name, next(_arrays_in(args, kwargs), None), target)


def _arrays_in(*arguments: Any) -> Iterator[Any]:
    return (each for each in flatten(arguments) if find_world(each) is not None)


def refuse(watch: Watch, operation: str, value: object, target: World) -> None:
    """Refuse an operation in a body, or warn of it, as the level says.

    Raises:
        RefusalError: at level ``"disallow"``.
    """
    level = current().level(target.name)
    frame = _line() if level in {"warn", "disallow"} else None
    if frame is None:
        return
    filename, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(filename, line, frame.f_globals).strip()
    what = f"{operation} of {describe(value)}" if value is not None else operation
    elsewhere = "numpy_world" if watch.home is TORCH else "torch_world"
    violation = Violation(
        watch.function,
        "body",
        f"{watch.home.label} only",
        what,
        f"{Path(filename).name}:{line}: {source}",
        hint=f"move it to a {elsewhere} or boundary function, "
        f"or allow it: with sekisho.crossing_allowed():",
    )
    if level == "warn":
        registry = frame.f_globals.setdefault("__warningregistry__", {})
        warnings.warn_explicit(str(violation), CrossingWarning, filename, line, registry=registry)
        return
    raise note_refusal(RefusalError(violation))


def _line() -> FrameType | None:
    """The line of the body, or of what it called; None if it is a guard at its boundary."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if is_guard(frame.f_code) or module in {"sekisho.border.admit", "sekisho.border.hand_back"}:
            return None
        if package not in {"sekisho", "numpy", "torch"}:
            return frame
        frame = frame.f_back
    return None
