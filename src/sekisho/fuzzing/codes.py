"""Spell values as code that can be pasted, with the imports that it needs."""

from __future__ import annotations

import builtins
import enum
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.utils import evaluate
from sekisho.worlds import HOST, class_of, find_world

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.worlds import Library

__all__ = ["UNKNOWN", "Code", "array_code", "class_code", "code_of"]

UNKNOWN: Final = "..."
"""Stands in a report for a value that no code is known for."""

_BY_REPR: Final = frozenset({bool, int, float, complex, str, bytes, slice, range, type(None)})


class Code(NamedTuple):
    """An expression, and the lines that import what it uses."""

    text: str
    imports: frozenset[str] = frozenset()


def code_of(value: Any) -> Code:
    """Return an expression that makes a value; `UNKNOWN` if none is known."""
    kind = class_of(value)
    if kind in _BY_REPR or value is Ellipsis:
        return Code(repr(value))
    if find_world(value) is not None:
        return _of_array(value)
    if isinstance(value, enum.Enum):
        owner = class_code(kind)
        return owner._replace(text=f"{owner.text}.{value.name}")
    if kind in {list, tuple, set, frozenset, dict}:
        return _of_container(value)
    if isinstance(value, functools.partial):
        inside = _call("partial", [value.func, *value.args], value.keywords)
        return inside._replace(imports=inside.imports | {"from functools import partial"})
    if isinstance(value, type) or hasattr(value, "__qualname__"):
        return class_code(value)
    return _by_repr(value) or _of_instance(value)


def class_code(value: Any) -> Code:
    """Return the name of a class or function and its import; `UNKNOWN` if it has no such name."""
    name, module = getattr(value, "__qualname__", ""), getattr(value, "__module__", None)
    if getattr(builtins, name, None) is value:
        return Code(name)
    found: Any = sys.modules.get(str(module))
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value and inspect.unwrap(found) is not value:
        # A class in a function: its name at least tells the reader which.
        return Code(name.rpartition(".")[2]) if isinstance(value, type) else Code(UNKNOWN)
    return Code(name, frozenset({f"from {module} import {name.partition('.')[0]}"}))


def array_code(world: Library, dtype: str, values: str) -> str:
    """Return the code that makes an array of a dtype from the code of its values."""
    calls = [call for call, _ in world.making_calls(dtype, is_number=False)]
    template = calls[-1] if len(calls) > 1 else f"{world.name}.asarray({{0}})"
    return template.format(values)


def _of_array(value: Any) -> Code:
    world = find_world(value) or HOST
    host = world.host_values(value)
    text = array_code(world, host.dtype.name, repr(host.tolist()))
    if 0 in host.shape:
        text += f".reshape({host.shape!r})"
    return Code(text)


def _of_container(value: Any) -> Code:
    if class_of(value) is dict:
        pairs = [(code_of(key), code_of(each)) for key, each in value.items()]
        inside = [f"{key.text}: {each.text}" for key, each in pairs]
        return _joined("{{{}}}", inside, [code for pair in pairs for code in pair])
    parts = [code_of(each) for each in value]
    inside = [each.text for each in parts]
    if class_of(value) is tuple:
        return _joined("({},)" if len(parts) == 1 else "({})", inside, parts)
    if class_of(value) is list:
        return _joined("[{}]", inside, parts)
    return _joined(f"{class_of(value).__name__}([{{}}])", inside, parts)


def _joined(template: str, inside: list[str], parts: Iterable[Code]) -> Code:
    if UNKNOWN in inside or any(each.endswith(f": {UNKNOWN}") for each in inside):
        return Code(UNKNOWN)
    imports = frozenset[str]().union(*[each.imports for each in parts])
    return Code(template.format(", ".join(inside)), imports)


def _call(function: str, args: list[Any], kwargs: dict[str, Any]) -> Code:
    positional = [code_of(each) for each in args]
    named = {name: code_of(each) for name, each in kwargs.items()}
    inside = [each.text for each in positional]
    inside += [f"{name}={each.text}" for name, each in named.items()]
    if UNKNOWN in [each.text for each in (*positional, *named.values())]:
        return Code(UNKNOWN)
    return _joined(f"{function}({{}})", inside, [*positional, *named.values()])


def _by_repr(value: Any) -> Code | None:
    """Return a value's own repr, if evaluating it gives an equal value."""
    root = class_of(value).__module__.partition(".")[0]
    if root not in sys.modules or class_of(value).__repr__ is object.__repr__:
        return None
    text = repr(value)
    for candidate in (text, f"{root}.{text}"):
        try:
            is_same = evaluate(candidate, {root: sys.modules[root]}) == value
        except Exception:  # noqa: BLE001, S112 - a repr may be any text, and a class may refuse to compare
            continue
        if is_same is True:
            return Code(candidate, frozenset({f"import {root}"}))
    return None


def _of_instance(value: Any) -> Code:
    """Spell an object by the arguments of its class that it keeps under their names."""
    kind = class_of(value)
    owner = class_code(kind)
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return Code(UNKNOWN)
    kwargs: dict[str, Any] = {}
    for each in parameters:
        is_plain = each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}
        if is_plain and hasattr(value, each.name):
            kwargs[each.name] = getattr(value, each.name)
        elif each.default is each.empty or not is_plain:
            return Code(UNKNOWN)
    call = _call(owner.text, [], kwargs)
    return (
        call
        if UNKNOWN in {call.text, owner.text}
        else Code(call.text, call.imports | owner.imports)
    )
