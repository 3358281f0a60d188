"""Annotations that are there already, held against the runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction import word_takes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.adoption.definitions import Definition
    from sekisho.adoption.spelling import ModuleSpelling
    from sekisho.contract import Axis, Bindings
    from sekisho.tracer import Observed

__all__ = ["ArrayHint", "contradictions", "read_hint"]


class ArrayHint(NamedTuple):
    """What an annotation says of an array.

    Attributes:
        world: whose; "" is any.
        word: jaxtyping's for its dtypes; "" is any.
        axes: None is any shape.
    """

    world: str
    word: str
    axes: tuple[Axis, ...] | None


def read_hint(node: ast.expr, spelling: ModuleSpelling) -> ArrayHint | None:
    """Read an annotation that is of one array and nothing else; None if it is another one."""
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
    """What the runs contradict: one line for each annotation that was not kept."""
    hints = {
        name: hint
        for name, node in definition.annotations.items()
        if (hint := read_hint(node, spelling)) is not None
        and name not in {definition.star, definition.stars}
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
        bound: Bindings = _integers(values)
        for name, said in values.items():
            problem = _problem(hints[name], said, bound) if name in hints else ""
            if problem:
                counts.setdefault(name, [problem, 0])[1] += count
    for name, (problem, count) in counts.items():
        text = ast.unparse(definition.annotations[name])
        yield f"{name}: {text}: the runs contradict it: {problem} ({count} of {total} calls)"


def _integers(values: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    return {f"{{{name}}}": said[1] for name, said in values.items() if said[0] == "int"}


def _problem(hint: ArrayHint, said: tuple[Any, ...], bound: Bindings) -> str:
    if said[0] != "array":
        return ""  # a default, a subclass of something, a union: a type checker's business
    _, world, dtype, shape, _ = said
    got = f"got {dtype}{list(shape)}"
    if hint.world not in {"", world}:
        return f"{got} of {world}"
    if hint.word and word_takes(hint.word, dtype) is False:
        return got
    if hint.axes is not None and match_shape(hint.axes, tuple(shape), bound) is not None:
        return got
    return ""
