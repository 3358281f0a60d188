"""Evaluate the annotations of a function: strings, forward references, names in closures."""

from __future__ import annotations

import builtins
import contextlib
import copy
import functools
import inspect
import re
import sys
from types import FunctionType, ModuleType, SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
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
    "evaluated",
    "has_strings",
    "mentioned",
    "resolve_annotations",
    "without_partials",
]


def without_partials(function: Any) -> Any:
    """Return the function inside of `functools.partial` objects."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def called_function(function: Any) -> Any:
    """Return the function that is called in the end, inside of partials and callable objects."""
    function = without_partials(function)
    if not isinstance(function, type) and not hasattr(function, "__annotations__"):
        function = getattr(class_of(function), "__call__", function)  # noqa: B004 - the method is needed
    return function


def resolve_annotations(
    function: Callable[..., Any],
    names: dict[str, Any],
    where: Callable[[str], str],
    problems: list[str] | None = None,
) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """Evaluate the strings in a function's annotations.

    Args:
        function: a function, or another callable.
        names: what the strings may use beside the function's globals and closure.
        where: returns how a message calls a parameter.
        problems: gets the messages about what cannot be evaluated and is left out; None to raise
            instead.

    Returns:
        The annotations, in which a recursive alias still mentions itself as a string, and the
        function that evaluates such a string.

    Raises:
        NameError: if one uses a name that is not defined.
        DeclarationError: if one cannot be evaluated for any other reason.
    """
    called = called_function(function)
    if not hasattr(called, "__annotations__"):
        return {}, eval_nothing
    hints = _annotations_of(called)
    if isinstance(names, LenientNames):
        hints = {name: _glanced(hint, names, where(name), problems) for name, hint in hints.items()}
    strings = {name: hint for name, hint in hints.items() if _has_strings(hint)}
    if not strings:  # the usual case
        return {n: type(None) if h is None else h for n, h in hints.items()}, eval_nothing
    plain = inspect.unwrap(called)
    globals_, local_names = getattr(plain, "__globals__", {}), copy.copy(names)
    local_names.update({**_type_parameters(plain), **_closure(plain)})
    found: dict[str, Any] = {n: type(None) if h is None else h for n, h in hints.items()}
    classes = _read_classes(strings, globals_, local_names)
    found |= classes
    for name, hint in strings.items():
        if name in classes:
            continue
        holder = SimpleNamespace(__annotations__={name: hint})
        try:
            found |= get_type_hints(holder, globals_, local_names, include_extras=True)
        except NameError:
            raise
        except Exception as error:  # noqa: BLE001 - evaluating may raise anything
            words = set(re.findall(r"\w+", str(hint)))
            if isinstance(names, LenientNames) and words & names.missing:
                found[name] = Any  # an attribute of an undefined name, which is reported
                continue
            text = f"{where(name)}: the annotation {hint!r} is not valid: {error}{_meant(error)}"
            if problems is None:
                raise DeclarationError(text) from None
            problems.append(text)
            found[name] = Any
    return found, functools.partial(evaluate_name, globals_=globals_, names=local_names)


def _read_classes(
    strings: dict[str, Any], globals_: dict[str, Any], names: dict[str, Any]
) -> dict[str, Any]:
    """Return the annotations that are classes: nothing is left to evaluate inside of them.

    `names` gets what the names in the others mean in the modules that wrote them.
    """
    classes: dict[str, Any] = {}
    for name, hint in strings.items():
        value, written = names_where_written(hint, globals_, names)
        names.update(written)
        if isinstance(value, type):
            classes[name] = value
    return classes


def _meant(error: Exception) -> str:
    """Return the hint for axes that stand alone, or in the brackets of an array's class."""
    axes = _AXES.fullmatch(str(error))
    return (
        f'\n  hint: axes stand behind a class, as in Float32[numpy.ndarray, "{axes[1]}"]'
        if axes
        else ""
    )


_AXES: Final = re.compile(r"Forward reference must be an expression -- got '([\w *#.+-]+)'")


def _glanced(hint: Any, names: LenientNames, where: str, problems: list[str] | None) -> Any:
    """Return an annotation, or `Any` if evaluating it would run a package's code."""
    text = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
    lazy = first_lazy_name(text, names) if isinstance(text, str) else None
    if lazy is None:
        return hint
    if problems is not None and ARRAY_WORDS.search(text):
        problems.append(f"{where}: {text}: {lazy} is only there once code of the package has run")
    return Any


def _type_parameters(function: Any) -> dict[str, Any]:
    """Return the type parameters (PEP 695) that a function's annotations may use, with outer ones.

    Python finds them from compiled code only, not from a string.
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
    """Return whether annotations contain strings, or records with strings, to be evaluated."""
    called = called_function(function)
    try:
        hints = _annotations_of(called).values()
    except NameError:  # Python 3.14 evaluates annotations here
        return True
    except TypeError:  # a callable without annotations
        return False
    try:
        return any(map(_has_strings, hints))
    except RecursionError:  # nested so deep that parsing them raises an error
        return True


def _annotations_of(called: Any) -> Mapping[str, Any]:
    if type(called) is FunctionType:  # a shortcut: this runs for every function of a package
        return called.__annotations__
    return inspect.get_annotations(called)


def _has_strings(hint: Any) -> bool:
    if isinstance(hint, (str, ForwardRef)):
        return True
    if isinstance(hint, type):
        return "<locals>" in hint.__qualname__ and has_fields(hint)
    # The arguments of a Callable are a list.
    inside: Any = hint if class_of(hint) is list else get_args(hint)
    return any(_has_strings(each) for each in inside if get_origin(hint) is not Literal)


def evaluated(hint: Any, names: dict[str, Any]) -> tuple[Any, Callable[[str], Any]]:
    """Evaluate the strings in one annotation.

    Args:
        hint: the annotation.
        names: what the strings may use.

    Returns:
        As `resolve_annotations`.

    Raises:
        NameError: if one uses a name that is not defined.
    """
    if not _has_strings(hint):
        return hint, eval_nothing
    _, local_names = names_where_written(hint, names, {})
    evaluate = functools.partial(evaluate_name, globals_=names, names=local_names)
    return evaluate(hint), evaluate


def mentioned(function: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Return the names that annotations may still need: those that they mention, and classes.

    The others are variables of the enclosing function, and must not be kept alive.
    """
    text = repr(getattr(called_function(function), "__annotations__", {}))
    words = set(re.findall(r"\w+", text))
    classes = (type, TypeVar, ModuleType)
    return {k: v for k, v in names.items() if k in words or isinstance(v, classes)}


def _closure(function: Any) -> dict[str, Any]:
    """Return the variables of enclosing functions that a function uses and that have a value."""
    found: dict[str, Any] = {}
    cells: tuple[CellType, ...] = getattr(function, "__closure__", None) or ()
    if cells:
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            with contextlib.suppress(ValueError):  # an empty cell, mostly of the function itself
                found[name] = cell.cell_contents
    return found


class LenientNames(dict[str, Any]):
    """Local names for annotations, in which an undefined name is `typing.Any`.

    Args:
        defined: the globals of the function.
        typed: what is defined for type checkers only; it is looked up last.
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
