"""Check existing annotations against the runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction import word_takes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.adoption.definitions import Definition
    from sekisho.adoption.spelling import ModuleSpelling
    from sekisho.contract import Axis, Bindings
    from sekisho.tracer import Described, Observed

__all__ = ["ArrayHint", "contradictions", "read_hint"]


class ArrayHint(NamedTuple):
    """What an annotation says of an array.

    Attributes:
        world: its world; "" is any.
        word: its jaxtyping word for dtypes; "" is any.
        axes: its axes; None is any shape.
    """

    world: str
    word: str
    axes: tuple[Axis, ...] | None


def read_hint(node: ast.expr, spelling: ModuleSpelling) -> ArrayHint | None:
    """Read an annotation of one array; return None if it is something else."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return read_hint(ast.parse(text, mode="eval").body, spelling)
            except SyntaxError:
                return None
        case ast.Subscript(
            value=ast.Name(id=word) | ast.Attribute(attr=word),
            slice=ast.Tuple(elts=[array, ast.Constant(value=str(axes))]),
        ):
            world = spelling.world_of(array)
            try:
                return None if world is None else ArrayHint(world, word, parse_axes(axes))
            except ValueError:
                return None
        case _:
            world = spelling.world_of(node)
            return None if world is None else ArrayHint(world, "", None)


def contradictions(
    observed: Observed, definition: Definition, spelling: ModuleSpelling
) -> Iterator[str]:
    """Yield one line for each annotation that calls of the runs contradict."""
    hints = {
        name: node
        for name, node in definition.annotations.items()
        if name not in {definition.star, definition.stars}
    }
    if not hints:
        return
    counts: dict[str, list[Any]] = {}
    total = 0
    for call, count in observed.calls.items():
        if call.kind == "raise":
            continue
        total += count
        values = dict(zip(observed.parameters, call.given, strict=True))
        if call.kind == "return" and call.result is not None and not definition.is_generator:
            values["return"] = call.result
        # axes are shared within a call, not between calls
        bound: Bindings = _integers(values)
        for name, said in values.items():
            problem = _problem(hints[name], said, bound, spelling) if name in hints else ""
            is_default = said[0] == "none" and name in definition.body.optional
            if problem and not is_default:  # an argument left at its default does not count
                counts.setdefault(name, [problem, 0])[1] += count
    for name, (problem, count) in counts.items():
        text = ast.unparse(definition.annotations[name])
        yield f"{name}: {text}: the runs contradict it: {problem} ({count} of {total} calls)"


def _integers(values: Mapping[str, Described]) -> dict[str, Any]:
    return {f"{{{name}}}": said[1] for name, said in values.items() if said[0] == "int"}


_PLAIN: Final = {
    "int": frozenset({"int", "bool"}),
    "float": frozenset({"float", "int", "bool"}),
    "complex": frozenset({"complex", "float", "int", "bool"}),
    "str": frozenset({"str"}),
    "bool": frozenset({"bool"}),
    "bytes": frozenset({"bytes"}),
}
"""Names of classes that type checkers accept for a plain class."""

_CONTAINERS: Final = {
    "list": {"list"},
    "tuple": {"tuple"},
    "dict": {"dict"},
    "Sequence": {"list", "tuple"},
}
_UNIONS: Final = frozenset({"Optional", "Union"})


def _problem(node: ast.expr, said: Described, bound: Bindings, spelling: ModuleSpelling) -> str:
    """Return why a value does not fit an annotation; "" if it fits, or if that is unknown."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _problem(ast.parse(node.value, mode="eval").body, said, bound, spelling)
        except SyntaxError:
            return ""
    alternatives = _alternatives(node)
    if alternatives is not None:
        # a copy for each alternative, so that a failed one binds no axes
        problems = [_problem(each, said, dict(bound), spelling) for each in alternatives]
        return problems[0] if all(problems) else ""
    hint = read_hint(node, spelling)
    if hint is not None:
        return _array_problem(hint, said, bound)
    if isinstance(node, ast.Subscript):
        return _container_problem(_last_word(node.value), node.slice, said, bound, spelling)
    return _plain_problem(node, said)


def _plain_problem(node: ast.expr, said: Described) -> str:
    """Return why a value is not of a plain class, or not None."""
    got = f"got {_shown(said)}"
    if isinstance(node, ast.Constant) and node.value is None:
        return "" if said[0] == "none" else got
    accepted = _PLAIN.get(node.id) if isinstance(node, ast.Name) else None
    if accepted is None or _class_of(said) in accepted or _is_subclass_perhaps(said):
        return ""
    return got


def _alternatives(node: ast.expr) -> list[ast.expr] | None:
    """Return the parts of a union; None if it is not a union."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*(_alternatives(left) or [left]), *(_alternatives(right) or [right])]
        case ast.Subscript(value=value, slice=inner) if _last_word(value) in _UNIONS:
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            none: list[ast.expr] = [ast.Constant(None)]
            return [*parts, *(none if _last_word(value) == "Optional" else [])]
        case _:
            return None


def _container_problem(
    name: str,
    inner: ast.expr,
    said: Described,
    bound: Bindings,
    spelling: ModuleSpelling,
) -> str:
    classes = _CONTAINERS.get(name.lower() if name in {"List", "Tuple", "Dict"} else name)
    if classes is None:
        return ""
    match said:
        case ("items" | "dict", kind, _):
            is_container = kind in classes | {"deque"}
        case (tag, *_):
            is_container = tag == "object"  # perhaps: of a class that is not known
    if not is_container:
        return f"got {_shown(said)}"
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    return _items_problem(parts, said, bound, spelling, is_tuple=classes == {"tuple"})


def _items_problem(
    parts: list[ast.expr],
    said: Described,
    bound: Bindings,
    spelling: ModuleSpelling,
    *,
    is_tuple: bool,
) -> str:
    # For a container without arrays, the tracer records only the classes of its items.
    if said[0] != "items" or not any(each[0] == "array" for each in said[2]):
        return ""
    is_fixed = is_tuple and not _is_ellipsis(parts[-1])
    if is_fixed and len(parts) != len(said[2]):
        return f"got a tuple of {len(said[2])}"
    for index, each in enumerate(said[2]):
        problem = _problem(parts[index] if is_fixed else parts[0], each, bound, spelling)
        if problem:
            return f"at [{index}] {problem}"
    return ""


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _last_word(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _class_of(said: Described) -> str:
    match said:
        case ("object", "builtins", name):
            return name
        case ("items" | "dict", name, _):
            return name
        case (tag, *_):
            return tag


def _is_subclass_perhaps(said: Described) -> bool:
    """Return whether a value may be of a subclass of a plain class: an enum, ``np.float64``."""
    return said[0] == "scalar" or (said[0] == "object" and said[1] != "builtins")


def _shown(said: Described) -> str:
    match said:
        case ("array", world, dtype, shape, _):
            return f"{dtype}{list(shape)} of {world}"
        case ("none",):
            return "None"
        case ("scalar", *_):
            return "a number of an array library"
        case _:
            return f"a value of class {_class_of(said)}"


def _array_problem(hint: ArrayHint, said: Described, bound: Bindings) -> str:
    if said[0] != "array":
        is_plain = said[0] in {"none", "int", "items", "dict"}
        # else it may be a subclass of an array class
        return f"got {_shown(said)}" if is_plain else ""
    _, world, dtype, shape, _ = said
    got = f"got {dtype}{list(shape)}"
    if hint.world not in {"", world}:
        return f"{got} of {world}"
    if hint.word and word_takes(hint.word, dtype) is False:
        return got
    if hint.axes is not None and match_shape(hint.axes, shape, bound) is not None:
        return got
    return ""
