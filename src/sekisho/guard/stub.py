"""From a function to its guard: the contract read now, the text written at the first call.

A program decorates more functions than it calls. So a guard begins as a *stub*, which writes the
guard's text, takes it for its own code, and calls it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import keyword
import sys
import unicodedata
import warnings
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import declarations
from sekisho.contract import (
    Contract,
    Flavour,
    LenientNames,
    Options,
    build_contract,
    display_name,
    flavour_of,
    has_strings,
    mentioned,
    read_signature,
    slips_in,
)
from sekisho.errors import AxisNameWarning, DeclarationError, UnguardedWarning
from sekisho.ground import (
    OPTIONS,
    WRITE,
    compile_function,
    compile_into,
    is_guard,
    locals_of,
    make_stub,
    runs_while_tracing,
)
from sekisho.guard.body import asks
from sekisho.guard.names import Names
from sekisho.guard.text import DELEGATE_ASYNC, generate
from sekisho.worlds import World, asked_worlds, class_of, look_for_worlds, runs_while_compiling

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Mapping


__all__ = [
    "contract_of",
    "make_guard",
    "options_of",
    "settle_late_guards",
    "unheard",
    "warn_unguarded",
]


def make_guard(
    function: types.FunctionType, options: Options, names_around: Callable[[], dict[str, Any]]
) -> Callable[..., Any]:
    """Make the guard of a function. It is one even if nothing is checked: see `_watched`.

    Args:
        function: a plain function.
        options: the decorator's options.
        names_around: gives what string annotations may mention beside the function's globals. It
            looks into frames, which keeps their variables alive, so it is asked only if need be.

    Raises:
        DeclarationError: for a malformed or contradictory contract; at the first call, if an
            annotation names what is defined only then.
    """
    look_for_worlds()
    declarations.exist = True
    signature = read_signature(function)
    contract = None
    names = names_around() if has_strings(function) else {}
    with contextlib.suppress(NameError):
        problems: list[str] | None = [] if options.lenient else None
        contract = build_contract(function, signature, options, names, problems)
        warn_unguarded(function, problems)
        _warn_of_slips(function, contract)
        if options.arrays_only and not contract.holds_arrays:
            return function
    # No __name__ among its globals: dynamo would look for the others in the module so named.
    namespace: dict[str, Any] = {OPTIONS: options, "__tracebackhide__": True}
    guard = make_stub(_stub_text(flavour_of(function)), _identifier(function), namespace)
    functools.update_wrapper(guard, function)
    guard.__signature__ = signature  # type: ignore[attr-defined]  # until it is written
    # What the names are for is done once the contract is read; they may be anything, and a guard
    # that is pickled takes along what it holds.
    late_names = mentioned(function, names) if contract is None else {}
    write, written, promised = _make_writer(guard, function, options, late_names, contract)
    namespace.update({WRITE: write, _WRITTEN: written, _PROMISED: promised})
    if contract is None and options.lenient:
        _late.append((weakref.ref(guard), late_names))
    return guard


_late: Final[list[tuple[weakref.ref[Any], dict[str, Any]]]] = []
"""Guards of the import hook's whose annotations name what was not defined yet, and what they may."""


def settle_late_guards(typed: Mapping[str, Any]) -> None:
    """Read what could not be read before, now that a module is imported to its end.

    What is defined nowhere is warned of now, all of it, and not call by call.

    Args:
        typed: what the module imports for its type checker only.
    """
    waiting, _late[:] = tuple(_late), ()
    for reference, names in waiting:
        guard = reference()
        if guard is not None:
            names.update({name: typed[name] for name in typed.keys() - names.keys()})
            guard.__globals__[WRITE]()


def warn_unguarded(function: Any, problems: list[str] | None) -> None:
    """Say what the import hook leaves unchecked, at the line of the function."""
    for each in problems or ():
        _warn_at(function, f"not checked: {each}", UnguardedWarning)


def _warn_of_slips(function: Any, contract: Contract) -> None:
    """Warn of axis names that look like a slip, at the line of the function."""
    for slip in slips_in(contract):
        text = f"{contract.function}(): {slip.text}\n  hint: {slip.hint}"
        _warn_at(function, text, AxisNameWarning, raises=not contract.options.lenient)


def _warn_at(function: Any, text: str, category: type[Warning], *, raises: bool = False) -> None:
    """Warn at the line of a function.

    Args:
        function: the function.
        text: the warning.
        category: its class.
        raises: whether it is an error where warnings are errors. What the import hook warns of is
            none of the module's that is imported, and must not keep it from being imported.
    """
    innermost = inspect.unwrap(function)
    code = getattr(innermost, "__code__", None)
    if code is None:  # a class, whose line Python knows since 3.13
        file = getattr(sys.modules.get(function.__module__), "__file__", None)
        filename = file or "<unknown>"
        line = getattr(function, "__firstlineno__", 1)
    else:
        filename, line = code.co_filename, code.co_firstlineno
    # The module's own registry, so that a function which is made again and again is shown once.
    registry = getattr(innermost, "__globals__", {}).setdefault("__warningregistry__", {})
    module = function.__module__ or "<unknown>"  # Python says nothing at all of a module None
    try:
        warnings.warn_explicit(text, category, filename, line, module=module, registry=registry)
    except category:
        if raises:
            raise
        unheard.append(category(f"{filename}:{line}: {text}"))


unheard: Final[list[Warning]] = []
"""What could not be warned of where it was found; the import hook's report does."""


def options_of(guard: Callable[..., Any]) -> Options | None:
    """The options that a guard was made with; None if this is no guard."""
    code = getattr(guard, "__code__", None)
    if code is None or not is_guard(code):
        return None
    options: Options = guard.__globals__[OPTIONS]
    return options


def contract_of(guard: Callable[..., Any]) -> Contract:
    """What a guard holds its function to.

    Raises:
        DeclarationError: if an annotation names what is not defined yet.
    """
    contract: Contract = guard.__globals__[_PROMISED]()
    return contract


_WRITTEN: Final = "__sekisho_guard__"
_PROMISED: Final = "__sekisho_contract__"


@cache
def _stub_text(flavour: Flavour) -> str:
    """The text of a guard that is not written yet."""
    word = "async def" if flavour in {"coroutine", "async generator"} else "def"
    call = f"{_WRITTEN}()(*args, **kwargs)"
    body = {
        "function": f"return {call}",
        "coroutine": f"return await {call}",
        "generator": f"return (yield from {call})",
        "async generator": DELEGATE_ASYNC.format(
            call=call, generator="generator", item="item", sent="sent", error="error"
        ),
    }[flavour]
    lines = [f"{word} stub(*args, **kwargs):", f"{WRITE}()", *body.splitlines()]
    return "\n    ".join(lines) + "\n"


class _Writing:
    """How far a stub has come on its way to a guard.

    The guard's own globals hold this, so it must not hold the guard: what a guard closes over is
    freed when the guard is, without waiting for the garbage collector.
    """

    def __init__(self, guard: types.FunctionType | None) -> None:
        self.guard: Callable[[], types.FunctionType | None] = (
            _no_guard if guard is None else weakref.ref(guard)
        )
        self.is_written = False
        self.kept: types.FunctionType | None = None
        """What is called instead of the guard: in a process that a stub was sent to, and by a
        compiler of torch that came before the guard was written."""

    def __reduce__(self) -> tuple[Any, tuple[None]]:
        return _Writing, (None,)


def _no_guard() -> None:
    return None


def _make_writer(  # noqa: C901 - a function each for what is done when
    guard: types.FunctionType,
    function: types.FunctionType,
    options: Options,
    names: dict[str, Any],
    contract: Contract | None,
) -> tuple[Callable[[], None], Callable[[], Callable[..., Any]], Callable[[], Contract]]:
    """Make what a stub calls: first what writes the guard, once, then what gives it.

    And what gives the contract.

    Two threads may both write; they write the same, and each finds it whole: first the names, then
    the text that uses them.
    """
    state = _Writing(guard)

    @runs_while_tracing
    def write(again: str = "") -> None:  # a default of no dict of its own: guards are many
        guard = state.guard()
        if (state.is_written and not again) or state.kept:
            return
        if guard is None:
            if state.guard is _no_guard:
                state.kept = write_into(None, fresh())
        elif runs_while_compiling():
            # The compiler is tracing the stub: with other code it would be compiled again.
            state.kept = write_into(None, guard.__globals__)
        else:
            write_into(guard, guard.__globals__)
            if not guard.__code__.co_flags & inspect.CO_VARARGS:
                vars(guard).pop("__signature__", None)  # its code has it now
            state.is_written = True

    def write_into(guard: types.FunctionType | None, namespace: dict[str, Any]) -> Any:
        held = promised()
        if asks(function):
            held = held._replace(shares_axes=True)
        name = _identifier(function)
        worlds = asked_worlds()
        source, needs = generate(held, name, worlds)
        Names(needs, held, function, worlds).fill(namespace)
        rewrite = functools.partial(_text_of, held, name, worlds)
        if guard is None:
            return compile_function(source, name, namespace, rewrite)
        return compile_into(guard, source, name, rewrite)

    def promised() -> Contract:
        return contract or _build_late_contract(function, options, names)

    def fresh() -> dict[str, Any]:
        return {OPTIONS: options, "__tracebackhide__": True}

    def written() -> Callable[..., Any]:
        # A generator may outlive the guard that it was asked of: then there is none to keep.
        found: Callable[..., Any] = state.kept or state.guard() or write_into(None, fresh())
        return found

    return write, written, promised


def _text_of(contract: Contract, name: str, worlds: tuple[World, ...]) -> str:
    return generate(contract, name, worlds).source


def _build_late_contract(
    function: types.FunctionType, options: Options, names: dict[str, Any]
) -> Contract:
    signature = read_signature(function)
    problems: list[str] | None = [] if options.lenient else None
    contract, missing = None, ""
    try:
        contract = build_contract(function, signature, options, names, problems)
    except NameError as error:
        missing = str(error)
        around = _classes_of_call()
        if error.name in around:
            with contextlib.suppress(NameError):
                names = {**around, **names}
                contract = build_contract(function, signature, options, names, problems)
    title = display_name(function)
    hint = "import it outside of TYPE_CHECKING, or define it before the first call"
    if contract is None and problems is None:
        raise DeclarationError(
            f"{title}(): an annotation names what is not defined: {missing}.\n  hint: {hint}"
        )
    if contract is None:
        # Nobody asked for this very function to be guarded: what can be read is checked.
        lenient = LenientNames(function.__globals__)
        lenient.update(names)
        problems = []
        contract = build_contract(function, signature, options, lenient, problems)
        words = ", ".join(sorted(lenient.missing))
        text = f"{title}() names {words}, which is defined nowhere when the program runs."
        problems.insert(0, f"{text}\n  hint: {hint}")
        known = {name for world in asked_worlds() for name in (world.name, world.array_class)}
        if not contract.holds_arrays and not lenient.missing & (_ARRAY_NAMES | known):
            problems = None  # it speaks of no arrays
    warn_unguarded(function, problems)
    _warn_of_slips(function, contract)
    return contract


def _classes_of_call() -> dict[str, Any]:
    """The class that the method being called for the first time is of, and those that it extends.

    A class that is made in a function has a name for its own methods only in that function.
    """
    frame = inspect.currentframe()
    while frame is not None and not is_guard(frame.f_code):
        frame = frame.f_back
    args: Any = locals_of(frame).get("args") if frame else None
    first: Any = args[0] if args else None
    kind = first if isinstance(first, type) else class_of(first)
    return {each.__name__: each for each in kind.__mro__}


_ARRAY_NAMES: Final = {"np", "NDArray", "jnp", "jaxtyping"}


def _identifier(function: Callable[..., Any]) -> str:
    written: str = getattr(function, "__name__", display_name(function))
    name = unicodedata.normalize("NFKC", written)  # as the compiler does
    return name if name.isidentifier() and not keyword.iskeyword(name) else "guarded"
