"""Share the axes of a call with the body of the guarded function.

In a body, ``isinstance(y, Float[Tensor, "c b"])`` and `sekisho.check` use the sizes that the
arguments have bound, and the axes that they bind hold for the result. Only functions whose bytecode
mentions one of the two are wrapped like this.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import argument_key, close_memo, open_memo, read_memo, unpack_memo, write_memo
from sekisho.guard.watched import STARTS
from sekisho.utils import CHECK_LOCAL, codes_in, not_counted
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType

    from sekisho.contract import Bindings, Contract

__all__ = ["Body", "asks", "body_of", "closed_over", "share"]


class Body:
    """The body of one call while it runs.

    A generator or a coroutine enters it once for each step.

    Attributes:
        contract: the function's contract.
        codes: the code objects of the function and of the functions nested in it.
        bound: the axes bound so far, and the arguments of the call; grows.
        binders: for each axis that a check has bound, the words for that check; grows.
    """

    has_memo: bool = False

    def __init__(
        self,
        contract: Contract,
        codes: frozenset[CodeType],
        bound: Bindings,
    ) -> None:
        self.contract = contract
        self.codes = codes
        self.bound = bound
        self.binders: dict[str, str] = {}

    def __enter__(self) -> None:
        if is_compiling():
            _traced.append(self)
            return
        _thread.bodies.append(self)
        # A body can use jaxtyping's `isinstance` only if jaxtyping is imported.
        self.has_memo = "jaxtyping" in sys.modules
        if self.has_memo:
            open_memo(self.bound)

    def __exit__(self, *error: object) -> None:
        if is_compiling():
            _traced.pop()
            return
        _thread.bodies.pop()
        if self.has_memo:
            read_memo(self.bound)
            close_memo()
        self.has_memo = False

    def look(self) -> None:
        """Read the axes that `isinstance` has bound in the body."""
        if self.has_memo:
            read_memo(self.bound)

    def tell(self) -> None:
        """Pass the axes bound so far to jaxtyping, for the next `isinstance`."""
        if self.has_memo:
            write_memo(self.bound)


class _Thread(threading.local):
    def __init__(self) -> None:
        self.bodies: list[Body] = []


_thread: Final = _Thread()
_traced: Final[list[Body]] = []
"""The bodies that torch.compile is tracing: one call at a time. It cannot trace a thread-local."""


def body_of(code: CodeType | None) -> Body | None:
    """Return the innermost running body of this thread that contains the code, or None.

    Args:
        code: the code object of the caller. None while torch.compile traces: then the innermost
            body is returned.
    """
    if code is None:
        return _traced[-1] if _traced else None
    return next((each for each in reversed(_thread.bodies) if code in each.codes), None)


@not_counted
def share(
    function: Callable[..., Any],
    contract: Contract,
    knows: tuple[str, ...],
    tells: tuple[str, ...],
) -> Callable[..., Any]:
    """Wrap a function so that its body shares the axes of its call.

    Args:
        function: the function.
        contract: its contract.
        knows: the axes whose sizes the guard passes, as one tuple in front of the arguments.
        tells: the axes whose sizes, or None, are returned to the guard beside the result.
    """
    names = tuple(each.name for each in contract.parameters)
    codes = frozenset(codes_in(getattr(inspect.unwrap(function), "__code__", None)))
    start = STARTS[contract.flavour]

    def call(sizes: tuple[Any, ...], /, *args: Any, **kwargs: Any) -> Any:
        bound = {key: size for key, size in zip(knows, sizes, strict=True) if size is not None}
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        # An axis `{size}` is the value of the argument `size`.
        bound.update({argument_key(name): value for name, value in arguments.items()})
        unpack_memo(bound)
        body = Body(contract, codes, bound)
        if start is None:
            with body:
                result = function(*args, **kwargs)
            return _with_sizes(result, bound, tells)
        running = start(function(*args, **kwargs), body)
        return _await(running, bound, tells) if contract.flavour == "coroutine" else running

    return call


@not_counted
async def _await(running: Any, bound: Bindings, tells: tuple[str, ...]) -> Any:
    return _with_sizes(await running, bound, tells)


def _with_sizes(result: Any, bound: Bindings, tells: tuple[str, ...]) -> Any:
    return (result, *[bound.get(key) for key in tells]) if tells else result


# --- which bodies share the axes --------------------------------------------------------------


def asks(function: Callable[..., Any]) -> bool:
    """Return whether a function uses `sekisho.check`, or `isinstance` with jaxtyping.

    Checks of annotated locals are calls too, which `annotate_locals` has inserted.
    """
    plain = inspect.unwrap(function)
    codes = list(codes_in(getattr(plain, "__code__", None)))
    names = {name for code in codes for name in (*code.co_names, *code.co_freevars)}
    if CHECK_LOCAL in names:
        return True
    # By what the names stand for: both functions may have other names here.
    values = [*_globals_named(plain, names), *closed_over(plain)]
    if "print_bindings" in names or _mentions_check(names, values):
        return True
    asks_instance = any(value is isinstance for value in values)
    return asks_instance and _mentions_jaxtyping(names, values)


def _mentions_check(names: set[str], values: list[Any]) -> bool:
    package: Any = sys.modules["sekisho"]
    check: Any = getattr(package, "check", None)
    has_package = "sekisho" in names or any(value is package for value in values)
    return any(value is check for value in values) or ("check" in names and has_package)


def _mentions_jaxtyping(names: set[str], values: list[Any]) -> bool:
    jaxtyping: Any = sys.modules.get("jaxtyping")
    if jaxtyping is None:
        return False
    theirs = (jaxtyping.AbstractDtype, jaxtyping.AbstractArray)
    return "jaxtyping" in names or any(
        value is jaxtyping or (isinstance(value, type) and issubclass(value, theirs))
        for value in values
    )


def _globals_named(function: Any, names: set[str]) -> Iterator[Any]:
    spaces: tuple[Mapping[str, Any], ...] = (getattr(function, "__globals__", {}), vars(builtins))
    for name in names:
        yield from [space[name] for space in spaces if name in space][:1]


def closed_over(function: Any) -> Iterator[Any]:
    """Yield the values of the variables of enclosing functions that a function uses."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # an empty cell: the variable has no value yet
            continue
