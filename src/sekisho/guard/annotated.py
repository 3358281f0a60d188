"""Check the annotated locals of a guarded function: ``y: Float[Tensor, "b c"] = x.T``.

The import hook and the IPython extension insert the checks as they compile (`package.inject`). For a
decorator with ``locals=True`` the function is compiled again from its source.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.context import current
from sekisho.contract import array_specs, display_name, eval_nothing, evaluated
from sekisho.errors import (
    DeclarationError,
    SekishoError,
    UnguardedWarning,
    hide_in_pytest,
    with_class,
)
from sekisho.guard.checking import checkpoint_of, hold_traced_as, hold_with, name_in_traced
from sekisho.guard.checkpoint import Checkpoint
from sekisho.guard.late import names_for_typing
from sekisho.utils import (
    CHECK_LOCAL,
    annotate_locals,
    codes_in,
    frame_at,
    locals_of,
    names_in_text,
    parse,
    runs_while_tracing,
    statement_of,
    warn_at_frame,
)
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["check_local", "with_checked_locals"]

__tracebackhide__ = hide_in_pytest


def check_local(
    value: Any,
    name: str,
    annotation: str,
    scope: str,
    uses_locals: bool,  # noqa: FBT001 - in inserted code, which is not to be read
) -> Any:
    """Hold the value of an annotated local to its annotation, with the axes of the call.

    Args:
        value: anything.
        name: the variable's name.
        annotation: the annotation's text.
        scope: the name of the module whose names it uses, or of a function's own `_Scope`.
        uses_locals: whether it may mention variables of the function itself.

    Returns:
        The value itself.

    Raises:
        BoundaryError: if the value is not valid.
    """
    setting = current()
    if setting.name == "off":
        return value
    if is_compiling():
        # While a compiler traces, the values of the function's own variables are not known.
        number = None if uses_locals else _traced_local(annotation, scope)
        if number is not None:
            hold_traced_as(value, number, setting)
        return value
    frame = _caller()
    found = _find(annotation, scope, frame, uses_locals=uses_locals)
    if found is not None:
        hold_with(value, found, frame, setting, name)
    return value


_caller: Any = functools.partial(frame_at, 1)
"""Return the frame that calls `check_local`. Not a Python function, which would add a frame."""


class _Known(NamedTuple):
    """What an annotation asks, and the values of its names when it was read."""

    checkpoint: Checkpoint | None
    values: dict[str, Any]


class _Scope(NamedTuple):
    """The names that annotations use, and what is known of each annotation."""

    names: dict[str, Any]
    further: Mapping[str, Any]
    known: dict[str, _Known]

    def find(self, annotation: str) -> Checkpoint | None:
        """Return what an annotation asks; None if it is about no array."""
        known = self.known.get(annotation)
        # A cell may have been run again, or a module loaded again, with another alias of that name.
        if known is None or any(
            self.value_of(name) is not value for name, value in known.values.items()
        ):
            values = {name: self.value_of(name) for name in names_in_text(annotation)}
            known = _Known(_checkpoint(annotation, {**self.further, **self.names}), values)
            self.known[annotation] = known
        return known.checkpoint

    def value_of(self, name: str) -> Any:
        return self.names.get(name, self.further.get(name))


_scopes: Final[dict[str | int, _Scope]] = {}
"""By the name of a function's own scope, or by the identity of a module's names."""


def _scope(name: str, names: dict[str, Any]) -> _Scope:
    own = _scopes.get(name)
    if own is not None:
        return own
    key = id(names)  # which `_Scope` keeps alive, so that no other dict gets it
    if key not in _scopes:
        _scopes[key] = _Scope(names, names_for_typing(name), {})
    return _scopes[key]


@runs_while_tracing
def _traced_local(annotation: str, scope: str) -> str | None:
    names = vars(sys.modules[scope]) if scope in sys.modules else {}
    try:
        found = _scope(scope, names).find(annotation)
    except (NameError, DeclarationError):
        return None
    return None if found is None else name_in_traced(found)


_warned: Final[set[tuple[str, str, int]]] = set()


def _find(
    annotation: str, name: str, frame: types.FrameType, *, uses_locals: bool
) -> Checkpoint | None:
    """Return what a local's annotation asks; None if it is about no array, or cannot be read."""
    scope = _scope(name, frame.f_globals)
    try:
        if not uses_locals:
            return scope.find(annotation)
        return _checkpoint(annotation, {**scope.further, **scope.names, **locals_of(frame)})
    except (NameError, DeclarationError) as error:
        place = (annotation, frame.f_code.co_filename, frame.f_lineno)
        if place in _warned:
            return None
        _warned.add(place)
        text = (
            f"{frame.f_code.co_qualname}() annotates a variable with {annotation}, which is not "
            f"checked: {error}"
        )
        warn_at_frame(frame, text, UnguardedWarning)
        return None


def _checkpoint(annotation: str, names: dict[str, Any]) -> Checkpoint | None:
    try:
        # Python itself never evaluates the annotation of a local, so it may raise anything.
        hint, evaluate = evaluated(eval(annotation, names), names)  # noqa: S307 - the author's
    except NameError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        text = str(error) if isinstance(error, SekishoError) else with_class(error)
        raise DeclarationError(text) from None
    # The same string means something else elsewhere, so what has strings is not shared.
    has_strings = evaluate is not eval_nothing
    checkpoint = Checkpoint(hint, evaluate) if has_strings else checkpoint_of(hint)
    return checkpoint if array_specs(checkpoint.parameter.spec) else None


# --- for a decorator with `locals=True` ------------------------------------------------------------


def with_checked_locals(
    function: types.FunctionType,
    names_around: Callable[[], dict[str, Any]],
    *,
    needs_source: bool = True,
) -> types.FunctionType:
    """Return a function that also checks its annotated locals; the same one if it has none.

    Args:
        function: a plain function.
        names_around: returns the names around its definition, which annotations may use.
        needs_source: whether to refuse a function without source.

    Raises:
        DeclarationError: if its source cannot be had.
    """
    code = function.__code__
    if CHECK_LOCAL in code.co_names:
        return function  # from the import hook
    node = _definition(function, needs_source=needs_source)
    scope = f"{code.co_filename}:{code.co_firstlineno} {next(_number)}"
    if node is None or not annotate_locals(node, scope):
        return function
    new = _compiled(node, code)
    if new is None:
        raise _without_source(function)
    function.__globals__.setdefault(CHECK_LOCAL, check_local)
    made = types.FunctionType(
        new, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(made, function)
    del made.__dict__["__wrapped__"]  # it is the function itself, not a wrapper
    made.__dict__.update(function.__dict__)
    words = {*re.findall(r"\w+", ast.unparse(node))}
    around = {name: value for name, value in names_around().items() if name in words}
    names, further = function.__globals__, around
    if "<locals>" in code.co_qualname:  # a variable of an enclosing function hides the module's
        names, further = around, function.__globals__
    _scopes[scope] = _Scope(names, further, {})
    weakref.finalize(made, _scopes.pop, scope, None).atexit = False
    return made


_number: Final = itertools.count()

_FUTURES: Final = 0x1FF0000
"""The flags that imports from `__future__` set in a code object."""


def _definition(
    function: types.FunctionType, *, needs_source: bool
) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Parse a function's source; None for a lambda, which has no annotated locals."""
    try:
        node = statement_of(function.__code__)
    except (OSError, TypeError, SyntaxError, ValueError):
        if function.__name__ == "<lambda>" or not needs_source:
            return None
        raise _without_source(function) from None
    return node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _without_source(function: types.FunctionType) -> DeclarationError:
    return DeclarationError(
        f"{display_name(function)}(): locals=True needs the function's source, which cannot be read.\n"
        f"  hint: sekisho.check(value, annotation)"
    )


def _compiled(
    node: ast.FunctionDef | ast.AsyncFunctionDef, old: types.CodeType
) -> types.CodeType | None:
    """Compile a changed definition; None if it is not the one that a code object was compiled from.

    It is compiled in a function that has its closure's names as parameters, and in a class of the
    name of its own class, since names that begin with two underscores are mangled by it.
    """
    tree = parse(f"def scope({', '.join(old.co_freevars)}):\n    class owner: pass")
    body: Any = tree.body[0]
    names = old.co_qualname.split(".")
    owner = names[-2] if len(names) > 1 and names[-2] != "<locals>" else ""
    # What the definition calls itself, and its class, stay names of the module.
    of_module = [each for each in (node.name, owner) if each and each not in old.co_freevars]
    inner: list[Any] = [node]
    if owner:
        body.body[0].name = owner
        body.body[0].body = [node]
        inner = [body.body[0]]
    body.body = [*([ast.copy_location(ast.Global(of_module), node)] if of_module else ()), *inner]
    compiled = compile(tree, old.co_filename, "exec", old.co_flags & _FUTURES, dont_inherit=True)
    compared = ("co_name", "co_firstlineno", "co_freevars", "co_argcount", "co_kwonlyargcount")
    wanted = [getattr(old, name) for name in compared]
    for each in codes_in(compiled):
        if [getattr(each, name) for name in compared] == wanted:
            return _renamed(each, each.co_qualname, old.co_qualname)
    return None


def _renamed(code: types.CodeType, old: str, new: str) -> types.CodeType:
    """Replace the beginning of a qualified name, also in the functions inside."""
    consts = [
        _renamed(each, old, new) if isinstance(each, types.CodeType) else each
        for each in code.co_consts
    ]
    name = new + code.co_qualname.removeprefix(old)
    return code.replace(co_qualname=name, co_consts=tuple(consts))
