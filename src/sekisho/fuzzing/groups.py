"""Recipes of containers: lists, dicts, records, iterators."""

from __future__ import annotations

from collections import abc
from typing import TYPE_CHECKING, Any

from hypothesis import reject

from sekisho.fuzzing.codes import class_code, code_of
from sekisho.fuzzing.recipes import Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.contract import RecordSpec
    from sekisho.fuzzing.recipes import Recipe

    Values = tuple[Any, ...]

__all__ = ["iterable", "mapping", "record", "sequence"]


def sequence(kind: Any, parts: tuple[Recipe, ...]) -> Group:
    """Return a sequence of the requested class; a list where a list is enough."""
    inside = _slots(len(parts))
    if issubclass(kind, tuple) or kind in {abc.Sequence, abc.Collection}:
        return Group(tuple, f"({inside}{',' if len(parts) == 1 else ''})", parts)
    if kind is list or _is_abstract(kind):
        return Group(list, f"[{inside}]", parts)
    owner = class_code(kind)
    return Group(kind, f"{owner.text}([{inside}])", parts, owner.imports)


def mapping(kind: Any, keys: Sequence[Any], parts: tuple[Recipe, ...]) -> Group:
    """Return a mapping of the requested class; a dict where a dict is enough."""

    def build(values: Values) -> Any:
        made = dict(zip(keys, values, strict=True))
        if kind is dict or _is_abstract(kind):
            return made
        return kind(None, made) if is_default else kind(made)

    is_default = kind.__name__ == "defaultdict"
    codes = [code_of(key) for key in keys]
    imports = frozenset[str]().union(*[each.imports for each in codes])
    inside = ", ".join(f"{_braced(each.text)}: {{{i}}}" for i, each in enumerate(codes))
    words = f"{{{{{inside}}}}}"
    if kind is not dict and not _is_abstract(kind):
        owner = class_code(kind)
        words = f"{owner.text}({'None, ' if is_default else ''}{words})"
        imports |= owner.imports
    return Group(build, words, parts, imports)


def iterable(kind: Any, parts: tuple[Recipe, ...]) -> Group:
    """Return a list; an iterator or a generator where the annotation requires one."""

    def generate(values: Values) -> Iterator[Any]:
        yield from values

    async def generate_async(values: Values) -> Any:
        for value in values:
            yield value

    inside = _slots(len(parts))
    if issubclass(kind, (abc.AsyncIterable, abc.AsyncIterator)):
        setup = f"async def {{name}}():\n    for each in [{inside}]:\n        yield each"
        return Group(generate_async, "", parts, setup=setup)
    if issubclass(kind, abc.Generator):
        return Group(generate, f"(each for each in [{inside}])", parts)
    if issubclass(kind, abc.Iterator):
        return Group(iter, f"iter([{inside}])", parts)
    if issubclass(kind, abc.ValuesView):
        view = mapping(dict, range(len(parts)), parts)
        return view._replace(build=_values_view, words=f"{view.words}.values()")
    return Group(list, f"[{inside}]", parts)


def _values_view(values: Values) -> Any:
    return dict(enumerate(values)).values()


def record(spec: RecordSpec, names: Sequence[str], parts: tuple[Recipe, ...]) -> Group:
    """Return a dataclass or similar record with these fields."""

    def build(values: Values) -> Any:
        fields = dict(zip(names, values, strict=True))
        return fields if spec.is_dict else _make_record(spec.kind, fields)

    if spec.is_dict:
        inside = ", ".join(f"{name!r}: {{{i}}}" for i, name in enumerate(names))
        return Group(build, f"{{{{{inside}}}}}", parts)
    inside = ", ".join(f"{name}={{{i}}}" for i, name in enumerate(names))
    owner = class_code(spec.kind)
    return Group(build, f"{owner.text}({inside})", parts, owner.imports)


def _make_record(kind: Any, fields: Mapping[str, Any]) -> Any:
    """Make a record; set the fields that are not arguments afterwards."""
    known: Any = getattr(kind, "__dataclass_fields__", {})
    late = {name for name in fields if name in known and not known[name].init}
    try:
        made = kind(**{name: value for name, value in fields.items() if name not in late})
    except (TypeError, ValueError):
        reject()  # its own validation asks more than its annotations
    for name in late:
        object.__setattr__(made, name, fields[name])
    return made


def _slots(count: int) -> str:
    return ", ".join(f"{{{i}}}" for i in range(count))


def _is_abstract(kind: Any) -> bool:
    return bool(getattr(kind, "__abstractmethods__", None))


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
