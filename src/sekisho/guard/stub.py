"""Make a guard: read the contract at decoration, write the source at the first call.

A program decorates more functions than it calls. So a guard begins as a *stub*, which writes the
guard's source, replaces its own code with it, and calls it.
"""

from __future__ import annotations

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
from sekisho.guard.body import asks
from sekisho.guard.globals import Globals
from sekisho.guard.late import read_late
from sekisho.guard.refusals import write_declaration
from sekisho.guard.report import called, made, warn_of_slips
from sekisho.guard.scripting import lend_names
from sekisho.guard.text import DELEGATE_ASYNC, generate
from sekisho.utils import (
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
from sekisho.worlds import Library, asked_worlds, look_for_worlds, runs_while_compiling

if TYPE_CHECKING:
    import types
    from collections.abc import Callable


__all__ = ["contract_of", "make_guard", "options_of", "written_by"]


class Recipe(NamedTuple):
    """All that a guard is made of.

    The guard's globals hold it, so that another function can become the same guard.

    Attributes:
        function: the function that it guards.
        options: the decorator's options.
        names: what string annotations may use beside the function's globals, until they are read.
        contract: None until the first call if an import hook made the guard, or if the annotations
            use a name that was not defined at decoration.
        home: the module in which the import hook found the function.
    """

    function: Any  # not FunctionType: type checkers take such an attribute for a method
    options: Options
    names: dict[str, Any]
    contract: Contract | None
    home: str = ""

    @property
    def dotted(self) -> str:
        """The function's dotted name, as in the table of an import hook."""
        home = self.home or getattr(self.function, "__module__", "")
        return f"{home}.{getattr(self.function, '__qualname__', '?')}"

    def to_script(self) -> Any:
        """Return what torch.jit compiles: the function, with its source and its module's names."""
        return self.function

    def lend_to(self, guard: Any) -> None:
        """Make a guard show its function to `inspect` and to torch.jit.

        Not by ``__original_fn__``: torch.compile follows that too, and must not skip the guard.
        """
        guard.__wrapped__ = self.function
        guard.__prepare_scriptable__ = self.to_script
        lend_names(self.function, guard.__globals__)


def make_guard(
    function: types.FunctionType, options: Options, names_around: Callable[[], dict[str, Any]]
) -> Callable[..., Any]:
    """Make the guard of a function.

    A function without checks gets one too, since strict mode monitors its body (see `watched`).

    Args:
        function: a plain function.
        options: the decorator's options.
        names_around: returns the names that string annotations may use beside the function's
            globals. It is called only if needed: it reads frames, which keeps their variables
            alive.

    Raises:
        DeclarationError: for a malformed or contradictory contract. If an annotation uses a name
            that is not defined yet, only the first call raises it.
    """
    look_for_worlds()
    declarations.exist = True
    if options.lenient:
        return guard_later(function, options)
    signature = read_signature(function)
    contract = None
    names = names_around() if has_strings(function) else {}
    try:
        contract = build_contract(function, signature, options, names)
        warn_of_slips(function, contract)
    except NameError:
        pass  # the first call reads the annotations again
    except Exception as error:
        write_declaration(error, function)
        raise
    # The names are not needed once the contract is read. They may be anything, and would be pickled
    # with the guard.
    recipe = Recipe(function, options, {} if contract else mentioned(function, names), contract)
    guard = _make(recipe)
    guard.__signature__ = signature  # type: ignore[attr-defined]  # until the source is written
    return guard


def guard_later(function: types.FunctionType, options: Options) -> types.FunctionType:
    """Make the import hook's guard, whose contract is read at the first call.

    A package defines far more functions than a program calls. The annotations of the others are
    never read, and at the first call all names in the annotations are defined.
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
    # No `__name__` among the globals: dynamo would look for the other globals in that module.
    namespace: dict[str, Any] = {"__tracebackhide__": True}
    guard = make_stub(_stub_text(flavour_of(function)), _identifier(function), namespace)
    functools.update_wrapper(guard, function)
    recipe.lend_to(guard)
    key = (function.__module__, getattr(function, "__qualname__", "<locals>"))
    known = _latest.get(key)
    # A second guard of one name: its module is being reloaded, or defines the name again.
    is_made_again = "<locals>" not in key[1] and known is not None and known() is not None
    if "<locals>" not in key[1]:
        _latest[key] = weakref.ref(guard)
    _equip(guard, recipe, waits=is_made_again and key[0] != "__main__")
    return guard


_latest: Final[dict[tuple[str, str], weakref.ref[types.FunctionType]]] = {}
"""The latest guard, by the module and the qualified name of its function.

Not a WeakValueDictionary, which runs Python code when a guard is freed.
"""


def options_of(guard: Callable[..., Any]) -> Options | None:
    """Return the options that a guard was made with; None for any other function."""
    code = getattr(guard, "__code__", None)
    if code is None or not is_guard(code):
        return None
    options: Options = guard.__globals__[OPTIONS]
    return options


def contract_of(guard: Callable[..., Any]) -> Contract:
    """Return the contract of a guard.

    Raises:
        DeclarationError: if an annotation uses a name that is not defined yet.
    """
    contract: Contract = guard.__globals__[_STATE].promised()
    return contract


_WRITTEN: Final = "__sekisho_guard__"
_STATE: Final = "__sekisho_state__"
_AGAIN: Final = "again"


@cache
def _stub_text(flavour: Flavour) -> str:
    """Return the source of a guard that is not written yet."""
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
        "except NameError:",  # the code was given to a function that is not a guard
        "    from sekisho.guard.stub import written_by",
        f"    written = written_by({STUB!r})",
        *body.splitlines(),
    ]
    return "\n    ".join(lines) + "\n"


def written_by(stub: str) -> Callable[[], Callable[..., Any]]:
    """Return the function that gives the guard of a stub, as in that guard's own globals.

    Raises:
        DeclarationError: if the guard was freed.
    """
    written: Callable[[], Callable[..., Any]] = find_stub(stub).__globals__[_WRITTEN]
    return written


class _Writing:
    """The state of a stub until its guard is written.

    The guard's globals hold it and two of its methods. It must not refer to the guard, so that a
    guard is freed as soon as it is unused, without the garbage collector. It is one object rather
    than several closures, since a package has thousands of guards.

    Two threads may both write a guard. They write the same, and each finds it complete: first the
    globals are set, then the source that uses them.
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
        """Whether it stays a stub while the module of its function is being executed. A hot reload
        gives its code to the guard that the module had before, and only a stub's code notices."""
        self.kept: types.FunctionType | None = None
        """What is called instead of the guard: in another process that got the stub pickled, while
        `waits` is set, and if torch.compile traces the stub before the guard is written."""

    def __reduce__(self) -> tuple[Any, tuple[None, str, Recipe]]:
        return _Writing, (None, self.stub, self.recipe)

    @runs_while_tracing
    def write(self, by: str) -> None:
        """Write the guard's source, if it is not written.

        Args:
            by: the stub whose code calls this, or ``"again"``.
        """
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
        # By the import hook, which counts decorated functions, too.
        if made and self.recipe.dotted in made:
            called.add(self.recipe.dotted)
        if guard is None or self.waits:
            if self.waits or self.guard is _no_guard:
                self.kept = self.write_into(None, self.fresh())
        elif runs_while_compiling():
            # torch.compile is tracing the stub, and would compile again for other code.
            self.kept = self.write_into(None, guard.__globals__)
        else:
            self.write_into(guard, guard.__globals__)
            lend_names(self.recipe.function, guard.__globals__)  # some were not defined before
            if not guard.__code__.co_flags & inspect.CO_VARARGS:
                vars(guard).pop("__signature__", None)  # the code has a signature of its own now

    def write_into(self, guard: types.FunctionType | None, namespace: dict[str, Any]) -> Any:
        """Write the source, and give its code to `guard`, or to a new function if that is None."""
        held, function = self.promised(), self.recipe.function
        if asks(function):
            held = held._replace(shares_axes=True)
        name = _identifier(function)
        worlds = asked_worlds()
        source, globs = generate(held, name, worlds)
        Globals(globs, held, function, worlds).fill(namespace)
        rewrite = functools.partial(_text_of, held, name, worlds)
        if guard is None:
            return compile_function(source, name, namespace, rewrite)
        return compile_into(guard, source, name, rewrite)

    def promised(self) -> Contract:
        """Return the contract, which is read now if it was not before."""
        if self.contract is None:
            recipe = self.recipe
            self.contract = read_late(recipe.function, recipe.options, recipe.names, recipe.home)
        return self.contract

    def fresh(self) -> dict[str, Any]:
        """Return the globals of a new function."""
        return {OPTIONS: self.recipe.options, "__tracebackhide__": True}

    def written(self) -> Callable[..., Any]:
        """Return the function to call."""
        # A running generator may outlive its guard: then a new function is written.
        found: Callable[..., Any] = self.kept or self.guard() or self.write_into(None, self.fresh())
        return found


def _no_guard() -> None:
    return None


def _equip(guard: types.FunctionType, recipe: Recipe, *, waits: bool = False) -> None:
    """Put what a stub's code calls into the stub's globals."""
    namespace = guard.__globals__
    state = _Writing(guard, namespace[STUB], recipe, waits=waits)
    namespace[OPTIONS] = recipe.options
    namespace[_STATE] = state
    namespace[WRITE] = state.write
    namespace[_WRITTEN] = state.written


def _become(guard: types.FunctionType | None, stub: str) -> None:
    """Turn a guard that was given another guard's code into a guard of that guard's function.

    IPython's ``%autoreload 2`` and other reloading tools give the code of a new function to the old
    one. They keep the old globals, in which a guard finds its function.
    """
    recipe: Recipe = find_stub(stub).__globals__[_STATE].recipe
    if guard is not None:
        guard.__globals__[STUB] = stub
        recipe.lend_to(guard)
        _equip(guard, recipe)
        guard.__globals__[WRITE](stub)


def _is_running(function: Any) -> bool:
    """Return whether the module of a function is being executed, further up the stack."""
    module = getattr(function, "__globals__", None)
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals is module and frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False


def _text_of(contract: Contract, name: str, worlds: tuple[Library, ...]) -> str:
    return generate(contract, name, worlds).source


def _identifier(function: Callable[..., Any]) -> str:
    written: str = getattr(function, "__name__", "") or display_name(function)
    if written.isascii() and written.isidentifier() and not keyword.iskeyword(written):
        return written
    name = unicodedata.normalize("NFKC", written)  # as Python's compiler does
    return name if name.isidentifier() and not keyword.iskeyword(name) else "guarded"
