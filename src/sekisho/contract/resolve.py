"""The annotations of a function, evaluated: strings, forward references, names in closures."""

from __future__ import annotations

import builtins
import contextlib
import copy
import functools
import inspect
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Any,
    ForwardRef,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from sekisho.contract.aliases import eval_nothing, evaluate_name, names_where_written
from sekisho.contract.fields import ARRAY_WORDS, has_fields
from sekisho.contract.glance import first_lazy_name
from sekisho.errors import DeclarationError
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CellType

__all__ = [
    "LenientNames",
    "called_function",
    "has_strings",
    "mentioned",
    "resolve_annotations",
    "without_partials",
]


def without_partials(function: Any) -> Any:
    """The function inside of `functools.partial` objects."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def called_function(function: Any) -> Any:
    """The function that is called in the end, inside of partials and of objects that are called."""
    function = without_partials(function)
    if not isinstance(function, type) and not hasattr(function, "__annotations__"):
        function = getattr(class_of(function), "__call__", function)  # noqa: B004 - its text
    return function


def resolve_annotations(
    function: Callable[..., Any],
    names: dict[str, Any],
    where: Callable[[str], str],
    problems: list[str] | None = None,
) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """Turn strings, and strings inside of annotations, into what they say.

    Args:
        function: a function, or what is called like one.
        names: what they may mention beside the function's globals and closure.
        where: from a parameter's name to how a message calls it.
        problems: takes what cannot be evaluated, if that is to be left out.

    Returns:
        The annotations, in which an alias that mentions itself still does so as a string, and what
        evaluates such a string.

    Raises:
        NameError: if one mentions a name that is not defined.
        DeclarationError: if one cannot be evaluated for any other reason.
    """
    called = called_function(function)
    if not hasattr(called, "__annotations__"):
        return {}, eval_nothing
    hints = inspect.get_annotations(called)
    if isinstance(names, LenientNames):
        hints = {name: _glanced(hint, names, where(name), problems) for name, hint in hints.items()}
    strings = {name: hint for name, hint in hints.items() if _has_strings(hint)}
    if not strings:  # as mostly: there is nothing to evaluate
        return {n: type(None) if h is None else h for n, h in hints.items()}, eval_nothing
    plain = inspect.unwrap(called)
    globals_, local_names = getattr(plain, "__globals__", {}), copy.copy(names)
    local_names.update({**_type_parameters(plain), **_closure(plain)})
    for hint in strings.values():
        local_names.update(names_where_written(hint, globals_, local_names))
    found: dict[str, Any] = {n: type(None) if h is None else h for n, h in hints.items()}
    for name, hint in strings.items():
        holder = SimpleNamespace(__annotations__={name: hint})
        try:
            found |= get_type_hints(holder, globals_, local_names, include_extras=True)
        except NameError:
            raise
        except Exception as error:  # noqa: BLE001 - evaluating may raise anything
            words = set(re.findall(r"\w+", str(hint)))
            if isinstance(names, LenientNames) and words & names.missing:
                found[name] = Any  # as the attribute of a name that is told of as undefined
                continue
            text = f"{where(name)}: the annotation {hint!r} is not valid: {error}"
            if problems is None:
                raise DeclarationError(text) from None
            problems.append(text)
            found[name] = Any
    return found, functools.partial(evaluate_name, globals_=globals_, names=local_names)


def _glanced(hint: Any, names: LenientNames, where: str, problems: list[str] | None) -> Any:
    """An annotation; `Any` in place of one that cannot be evaluated without running a package's code."""
    text = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
    lazy = first_lazy_name(text, names) if isinstance(text, str) else None
    if lazy is None:
        return hint
    if problems is not None and ARRAY_WORDS.search(text):
        problems.append(f"{where}: {text}: {lazy} is only there once code of the package has run")
    return Any


def _type_parameters(function: Any) -> dict[str, Any]:
    """The type parameters (PEP 695) that a function's annotations may mention: its own, and outer ones.

    Python keeps them where only code finds them, and a string is no code.
    """
    owner: Any = vars(sys.modules.get(getattr(function, "__module__", ""), SimpleNamespace()))
    found: dict[str, Any] = {}
    for part in getattr(function, "__qualname__", "").split(".")[:-1]:
        if part == "<locals>":
            continue
        member: Any = owner.get(part)
        member = inspect.unwrap(member) if callable(member) else member
        found |= {each.__name__: each for each in getattr(member, "__type_params__", ())}
        owner = getattr(member, "__dict__", {})
    return found | {each.__name__: each for each in getattr(function, "__type_params__", ())}


def has_strings(function: Any) -> bool:
    """Whether annotations have to be evaluated: strings, or records with strings, somewhere inside."""
    called = called_function(function)
    try:
        hints = list(inspect.get_annotations(called).values())
    except NameError:  # Python 3.14 evaluates them here
        return True
    except TypeError:  # what is called so has none
        return False
    try:
        return any(_has_strings(each) for each in hints)
    except RecursionError:  # nested so deep that reading them will say so
        return True


def _has_strings(hint: Any) -> bool:
    if isinstance(hint, (str, ForwardRef)):
        return True
    if isinstance(hint, type) and "<locals>" in hint.__qualname__ and has_fields(hint):
        return True
    inside: Any = hint if class_of(hint) is list else get_args(hint)  # a Callable has a list
    return any(_has_strings(each) for each in inside if get_origin(hint) is not Literal)


def mentioned(function: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Of some names, those that annotations may yet need: what they mention, and classes.

    All the others are variables of the function around, which are not to be kept alive.
    """
    text = repr(getattr(called_function(function), "__annotations__", {}))
    words = set(re.findall(r"\w+", text))
    classes = (type, TypeVar, ModuleType)
    return {k: v for k, v in names.items() if k in words or isinstance(v, classes)}


def _closure(function: Any) -> dict[str, Any]:
    """The names of enclosing functions that a function uses, as far as they have a value yet."""
    found: dict[str, Any] = {}
    cells: tuple[CellType, ...] = getattr(function, "__closure__", None) or ()
    if cells:
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            with contextlib.suppress(ValueError):  # an empty cell: the function itself, mostly
                found[name] = cell.cell_contents
    return found


class LenientNames(dict[str, Any]):
    """Local names for annotations, in which one that is defined nowhere is `typing.Any`.

    Args:
        defined: the globals of the function.
        typed: what is defined for type checkers only; it comes last.
    """

    def __init__(self, defined: dict[str, Any], typed: Mapping[str, Any]) -> None:
        self.defined = defined
        self.typed = typed
        self.missing: set[str] = set()

    def __copy__(self) -> LenientNames:
        return self

    def __missing__(self, name: str) -> Any:
        for names in (self.defined, vars(builtins), self.typed):
            if name in names:
                return names[name]
        self.missing.add(name)
        return Any
