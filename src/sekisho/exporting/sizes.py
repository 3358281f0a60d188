"""Read what an array annotation says of the axes of one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract import argument_of, kind_of, variadic_index
from sekisho.exporting.tree import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.contract import ArraySpec, Axis

__all__ = ["least_sizes", "read_sizes"]

_MOST_TRIED = 4096


def read_sizes(
    spec: ArraySpec,
    shape: tuple[int, ...] | None,
    names: Mapping[str, str],
    known: Mapping[str, Any],
) -> tuple[Size, ...] | None:
    """Return the axes of an array; None if its annotation says nothing of them.

    Args:
        spec: the annotation.
        shape: the shape in the example; None without one.
        names: the name of the dimension of each axis name.
        known: the value of each ``{argument}``.

    Raises:
        ValueError: if that needs an example; its text is the reason.
    """
    axes = spec.axes
    if axes is None:
        return None
    star = variadic_index(axes)
    if star is None:
        sizes = shape if shape is not None and len(shape) == len(axes) else (None,) * len(axes)
        return tuple(_read(a, s, names, known) for a, s in zip(axes, sizes, strict=True))
    if shape is None:
        raise ValueError(
            f"'{axes[star].text}' may be any number of axes, and an exported program has a fixed "
            f"number"
        )
    count = max(len(shape) - len(axes) + 1, 0)
    whole = [*axes[:star], *[axes[star]] * count, *axes[star + 1 :]]
    found: list[Size] = []
    for number, (axis, size) in enumerate(zip(whole, shape, strict=False)):
        if axis.variadic:
            found.append(_of_run(axis, size, star + count - number, names))
        else:
            found.append(_read(axis, size, names, known))
    return tuple(found)


def _of_run(axis: Axis, size: int, from_end: int, names: Mapping[str, str]) -> Size:
    """One axis of ``*batch``; its name counts from the end, where broadcasting aligns shapes."""
    if axis.broadcastable and size == 1:
        return Size(axis.text, fixed=1)
    if axis.key is None:
        return Size(axis.text)
    name = f"{names[axis.key][1:] or 'axes'}_{from_end}"
    while name in names:
        name += "_"
    return Size(axis.text, name=name)


def _read(axis: Axis, size: int | None, names: Mapping[str, str], known: Mapping[str, Any]) -> Size:
    if axis.broadcastable and size == 1:
        return Size(axis.text, fixed=1)
    if axis.size is not None:
        return Size(axis.text, fixed=axis.size)
    if axis.key is not None:
        return Size(axis.text, name=names[axis.key])
    expression = axis.expression
    if expression is None:
        return Size(axis.text)
    braces = {name for name in expression.names if kind_of(name) == "argument"}
    missing = sorted(braces - known.keys())
    if missing:
        raise ValueError(
            f"'{axis.text}' is computed from '{argument_of(missing[0])}', which is not passed"
        )
    values = {name: known[name] for name in braces}
    others = [name for name in expression.names if name not in braces]
    if not others:
        return Size(axis.text, fixed=int(expression.evaluate(values)))
    own = {name: names[name] for name in others}
    return Size(axis.text, expression=expression, names=own, known=values)


def least_sizes(sizes: list[Size]) -> dict[str, int]:
    """Return the smallest size of each dimension for which all expressions of it are sizes."""
    least: dict[str, int] = {}
    for each in sizes:
        if each.expression is None or len(each.names) != 1:
            continue
        ((axis, name),) = each.names.items()
        for number in range(_MOST_TRIED):
            try:
                value = each.expression.evaluate({**each.known, axis: number})
            except (ArithmeticError, TypeError, ValueError):
                continue
            if value >= 0:
                least[name] = max(number, least.get(name, 0))
                break
    return least
