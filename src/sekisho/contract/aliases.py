"""Resolve names that stand for annotations: strings, and Python 3.12's ``type X = ...``."""

from __future__ import annotations

import builtins
import re
import sys
from functools import partial
from types import GenericAlias, ModuleType, SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    ForwardRef,
    Literal,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "eval_nothing",
    "evaluate_name",
    "evaluator_of",
    "name_of_alias",
    "names_where_written",
    "value_of_alias",
]


def eval_nothing(text: str) -> Any:
    """Evaluate a string where no name is defined.

    Raises:
        NameError: always.
    """
    raise NameError(f"name '{text}' is not defined")


def evaluate_name(text: Any, globals_: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """Evaluate a string, or the strings in an annotation; a recursive mention stays a forward reference.

    Raises:
        NameError: if it uses a name that is not defined.
    """
    holder = SimpleNamespace(__annotations__={"it": text})
    return get_type_hints(holder, dict(globals_), names, include_extras=True)["it"]


def name_of_alias(hint: Any) -> str:
    """Return the name that a reader knows an alias by."""
    if isinstance(hint, str):
        return hint
    return hint.__forward_arg__ if isinstance(hint, ForwardRef) else str(hint)


def value_of_alias(hint: Any, evaluate: Callable[[str], Any]) -> Any:
    """Return what an alias stands for; `evaluate` evaluates strings.

    Raises:
        NameError: if it uses a name that is not defined.
    """
    if isinstance(hint, (str, ForwardRef)):
        return evaluate(name_of_alias(hint))
    arguments = get_args(hint)
    return hint.__value__[arguments] if arguments else hint.__value__


def evaluator_of(hint: Any, evaluate: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what evaluates the strings in an alias: in the alias's own module, if it is known."""
    if isinstance(hint, (str, ForwardRef)):
        return evaluate
    module = vars(sys.modules.get(hint.__module__, ModuleType("")))
    return partial(evaluate_name, globals_=module, names={})


def names_where_written(
    hint: Any, globals_: dict[str, Any], names: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return an annotation's value, and what the names in its strings mean where they were written.

    ``optax.Params`` is ``Union[Array, Iterable['ArrayTree'], ...]``. The string is a name in the
    module that made the union, and may mean something else, or nothing, where the union is used.

    Args:
        hint: an annotation, or its text.
        globals_: the globals of the module that uses it.
        names: the local names there.

    Returns:
        The value, in which strings may be left, and the names. If the text cannot be evaluated,
        that is None and no names.
    """
    text, value = "", hint
    if isinstance(hint, (str, ForwardRef)):  # a NamedTuple stores strings as references
        text = name_of_alias(hint)
        try:
            value = eval(text, globals_, names)  # noqa: S307 - as typing does
        except Exception:  # noqa: BLE001 - typing reports the error later
            return None, {}
    found: dict[str, Any] = {}
    for part, name in _names_inside(value):
        is_known = name in names or name in globals_ or hasattr(builtins, name)
        # typing makes one object of equal unions in all modules, but a new one of each list["X"].
        is_certain = not re.search(rf"\b{name}\b", text) if text else type(part) is GenericAlias
        found |= _where_written(part, name, globals_, is_certain=is_certain or not is_known)
    return value, found


def _names_inside(hint: Any) -> Iterator[tuple[Any, str]]:
    """Yield each name in the strings of an evaluated annotation, with the part around it."""
    for part, text in _strings_in(hint):
        # 'PIL.Image.Image' is found by its first name.
        yield from ((part, name) for name in dict.fromkeys(_FIRST_NAME.findall(text)))


_FIRST_NAME: Final = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*")


def _strings_in(hint: Any) -> Iterator[tuple[Any, str]]:
    """Yield each string in an evaluated annotation, with the part that it is an argument of."""
    for each in get_args(hint) if get_origin(hint) is not Literal else ():
        if isinstance(each, (str, ForwardRef)):
            yield hint, name_of_alias(each)
        else:
            yield from _strings_in(each)


def _where_written(
    part: Any, name: str, home: dict[str, Any], *, is_certain: bool
) -> dict[str, Any]:
    """Return what a name means in the module, other than `home`, that has an alias made of `part`.

    If it is uncertain that another module made the part, only the value of the name itself counts.
    """
    for module in list(sys.modules.values()):
        # Real modules only: reading a lazy one runs its code.
        namespace = vars(module) if type(module) is ModuleType else {}
        if name in namespace and namespace is not home:
            value = namespace[name]
            aliases = list(namespace.values()) if is_certain else [value]
            if any(_is_made_of(alias, part) for alias in aliases):
                return {name: value}
    return {}


def _is_made_of(alias: Any, part: Any) -> bool:
    return alias is part or any(_is_made_of(each, part) for each in get_args(alias))
