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
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.context import caller, declarations
from sekisho.contract import (
    Contract,
    Flavour,
    Options,
    build_contract,
    display_name,
    flavour_of,
    has_strings,
    mentioned,
    read_signature,
)
from sekisho.ground import (
    OPTIONS,
    STUB,
    WRITE,
    compile_function,
    compile_into,
    find_stub,
    is_guard,
    make_stub,
    runs_while_tracing,
)
from sekisho.guard.body import asks
from sekisho.guard.late import read_late
from sekisho.guard.names import Names
from sekisho.guard.refusals import noting_declarations
from sekisho.guard.report import called, made, warn_of_slips
from sekisho.guard.scripting import lend_names
from sekisho.guard.text import DELEGATE_ASYNC, generate
from sekisho.worlds import World, asked_worlds, look_for_worlds, runs_while_compiling

if TYPE_CHECKING:
    import types
    from collections.abc import Callable


__all__ = ["contract_of", "make_guard", "options_of", "written_by"]


class Recipe(NamedTuple):
    """What a guard is made of. Its globals hold it, so that another function may become the same guard.

    Attributes:
        function: the function that it guards.
        options: the decorator's options.
        names: what its annotations may mention beside the function's globals, if they are not read yet.
        contract: None until the first call, if nobody asked for this very function to be guarded, or
            if its annotations name what was not defined when it was decorated.
        home: the module in which the import hook found the function.
    """

    function: Any  # a function: a NamedTuple's attribute of that type would be read as a method
    options: Options
    names: dict[str, Any]
    contract: Contract | None
    home: str = ""

    @property
    def dotted(self) -> str:
        """The function's name in the table of an import hook."""
        return f"{self.home}.{self.function.__qualname__}"

    def to_script(self) -> Any:
        """What torch.jit is to compile: the text of the function, with the names of its module."""
        return self.function

    def lend_to(self, guard: Any) -> None:
        """Have a guard say what it guards, to `inspect` and to torch.jit.

        Not by ``__original_fn``, which torch.jit follows too: so does torch.compile, which must not
        leave the guard out.
        """
        guard.__wrapped__ = self.function
        guard.__prepare_scriptable__ = self.to_script
        lend_names(self.function, guard.__globals__)


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
    if options.lenient:
        return guard_later(function, options)
    signature = read_signature(function)
    contract = None
    names = names_around() if has_strings(function) else {}
    with contextlib.suppress(NameError), noting_declarations(function):
        contract = build_contract(function, signature, options, names)
        warn_of_slips(function, contract)
    # What the names are for is done once the contract is read; they may be anything, and a guard
    # that is pickled takes along what it holds.
    recipe = Recipe(function, options, {} if contract else mentioned(function, names), contract)
    guard = _make(recipe)
    guard.__signature__ = signature  # type: ignore[attr-defined]  # until it is written
    return guard


def guard_later(function: types.FunctionType, options: Options) -> types.FunctionType:
    """Make a guard whose contract is read at the first call: the import hook's.

    A package defines far more functions than a program calls. The annotations of the others are never
    looked at, and by the first call all that they name is defined.
    """
    declarations.exist = True
    home = function.__module__
    home = home if home in sys.modules else caller().f_globals.get("__name__", "")
    recipe = Recipe(function, options, _NO_NAMES, None, home)
    made.add(recipe.dotted)
    return _make(recipe)


_NO_NAMES: Final[dict[str, Any]] = {}


def _make(recipe: Recipe) -> types.FunctionType:
    function = recipe.function
    # No __name__ among its globals: dynamo would look for the others in the module so named.
    namespace: dict[str, Any] = {"__tracebackhide__": True}
    guard = make_stub(_stub_text(flavour_of(function)), _identifier(function), namespace)
    functools.update_wrapper(guard, function)
    recipe.lend_to(guard)
    key = (function.__module__, getattr(function, "__qualname__", "<locals>"))
    known = _latest.get(key)
    is_made_again = "<locals>" not in key[1] and known is not None and known() is not None
    if "<locals>" not in key[1]:
        _latest[key] = weakref.ref(guard)
    _equip(guard, recipe, waits=is_made_again and key[0] != "__main__")
    return guard


_latest: Final[dict[tuple[str, str], weakref.ref[types.FunctionType]]] = {}
"""The guard that was made last, by the module and the name of its function.

No dictionary of weak values: Python code of its own would run when a guard goes.
"""


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
    contract: Contract = guard.__globals__[_STATE].promised()
    return contract


_WRITTEN: Final = "__sekisho_guard__"
_STATE: Final = "__sekisho_state__"
_AGAIN: Final = "again"


@cache
def _stub_text(flavour: Flavour) -> str:
    """The text of a guard that is not written yet."""
    word = "async def" if flavour in {"coroutine", "async generator"} else "def"
    call = "written()(*args, **kwargs)"
    body = {
        "function": f"return {call}",
        "coroutine": f"return await {call}",
        "generator": f"return (yield from {call})",
        "async generator": DELEGATE_ASYNC.format(
            call=call, generator="generator", item="item", sent="sent", error="error"
        ),
    }[flavour]
    lines = [
        f"{word} stub(*args, **kwargs):",
        "try:",
        f"    {WRITE}({STUB!r})",
        f"    written = {_WRITTEN}",
        "except NameError:",  # the code was given to a function that was no guard
        "    from sekisho.guard.stub import written_by",
        f"    written = written_by({STUB!r})",
        *body.splitlines(),
    ]
    return "\n    ".join(lines) + "\n"


def written_by(stub: str) -> Callable[[], Callable[..., Any]]:
    """What gives the guard that was made with a stub, as a guard's own globals do.

    Raises:
        DeclarationError: if it is gone.
    """
    written: Callable[[], Callable[..., Any]] = find_stub(stub).__globals__[_WRITTEN]
    return written


class _Writing:
    """How far a stub has come on its way to a guard: its globals hold this, and two of its methods.

    It must not hold the guard: what a guard closes over is freed when the guard is, without waiting
    for the garbage collector. An object and not closures, since a package has thousands.

    Two threads may both write; they write the same, and each finds it whole: first the names, then
    the text that uses them.
    """

    __slots__ = ("contract", "guard", "kept", "recipe", "stub", "waits")

    def __init__(
        self, guard: types.FunctionType | None, stub: str, recipe: Recipe, *, waits: bool = False
    ) -> None:
        self.guard: Callable[[], types.FunctionType | None] = (
            _no_guard if guard is None else weakref.ref(guard)
        )
        self.stub = stub
        self.recipe = recipe
        self.contract = recipe.contract
        self.waits = waits
        """Whether it stays a stub while the module of its function is being executed: a hot reload
        gives its code to the guard that the module had before, and only a stub's code notices."""
        self.kept: types.FunctionType | None = None
        """What is called instead of the guard: in a process that a stub was sent to, while it waits,
        and by a compiler of torch that came before the guard was written."""

    def __reduce__(self) -> tuple[Any, tuple[None, str, Recipe]]:
        return _Writing, (None, self.stub, self.recipe)

    @runs_while_tracing
    def write(self, by: str) -> None:
        """Write the guard, for the stub whose code asks, or again."""
        guard = self.guard()
        if by not in {self.stub, _AGAIN}:
            _become(guard, by)
            return
        if self.waits and not _is_running(self.recipe.function):
            self.waits, self.kept = False, None
        if self.kept:
            return
        if self.recipe.options.lenient:
            look_for_worlds()
            called.add(self.recipe.dotted)
        if guard is None or self.waits:
            if self.waits or self.guard is _no_guard:
                self.kept = self.write_into(None, self.fresh())
        elif runs_while_compiling():
            # The compiler is tracing the stub: with other code it would be compiled again.
            self.kept = self.write_into(None, guard.__globals__)
        else:
            self.write_into(guard, guard.__globals__)
            lend_names(self.recipe.function, guard.__globals__)  # some are defined only now
            if not guard.__code__.co_flags & inspect.CO_VARARGS:
                vars(guard).pop("__signature__", None)  # its code has it now

    def write_into(self, guard: types.FunctionType | None, namespace: dict[str, Any]) -> Any:
        """Write the text, and give it to a guard or to a function of its own."""
        held, function = self.promised(), self.recipe.function
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

    def promised(self) -> Contract:
        """The contract, read now if it was not before."""
        if self.contract is None:
            recipe = self.recipe
            self.contract = read_late(recipe.function, recipe.options, recipe.names, recipe.home)
        return self.contract

    def fresh(self) -> dict[str, Any]:
        """Globals for a function of its own."""
        return {OPTIONS: self.recipe.options, "__tracebackhide__": True}

    def written(self) -> Callable[..., Any]:
        """What is to be called."""
        # A generator may outlive the guard that it was asked of: then there is none to keep.
        found: Callable[..., Any] = self.kept or self.guard() or self.write_into(None, self.fresh())
        return found


def _no_guard() -> None:
    return None


def _equip(guard: types.FunctionType, recipe: Recipe, *, waits: bool = False) -> None:
    """Put into a stub's globals what its code calls."""
    namespace = guard.__globals__
    state = _Writing(guard, namespace[STUB], recipe, waits=waits)
    namespace[OPTIONS] = recipe.options
    namespace[_STATE] = state
    namespace[WRITE] = state.write
    namespace[_WRITTEN] = state.written


def _become(guard: types.FunctionType | None, stub: str) -> None:
    """Make a guard whose code was replaced by that of another one a guard of the same function.

    IPython's ``%autoreload 2`` gives the code of a new function to the old one, and so do other tools
    that reload. The globals are not replaced, and they are what a guard knows its function by.
    """
    recipe: Recipe = find_stub(stub).__globals__[_STATE].recipe
    if guard is not None:
        guard.__globals__[STUB] = stub
        recipe.lend_to(guard)
        _equip(guard, recipe)
        guard.__globals__[WRITE](stub)


def _is_running(function: Any) -> bool:
    """Whether the module of a function is being executed, further up the stack."""
    module = getattr(function, "__globals__", None)
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals is module and frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False


def _text_of(contract: Contract, name: str, worlds: tuple[World, ...]) -> str:
    return generate(contract, name, worlds).source


def _identifier(function: Callable[..., Any]) -> str:
    written: str = getattr(function, "__name__", "") or display_name(function)
    if written.isascii() and written.isidentifier() and not keyword.iskeyword(written):
        return written
    name = unicodedata.normalize("NFKC", written)  # as the compiler does
    return name if name.isidentifier() and not keyword.iskeyword(name) else "guarded"
