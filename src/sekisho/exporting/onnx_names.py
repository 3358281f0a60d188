"""Names of a contract's arrays and axes: for ONNX graphs, and for marking tensors as dynamic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.exporting.reading import read_result
from sekisho.exporting.tree import MISSING, leaves
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.exporting.reading import Arguments
    from sekisho.exporting.tree import Leaf

__all__ = ["axes_to_mark", "onnx_names"]


def onnx_names(arguments: Arguments) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the names of inputs and outputs, each with the names of its dynamic axes.

    The outputs are empty if the annotation of the result leaves their number open.
    """
    inputs: dict[str, Any] = {}
    for leaf in _tensors(arguments.leaves):
        inputs[_free(_identifier(leaf), inputs)] = _axes(leaf)
    result = read_result(arguments.bound)
    found = () if result is None else tuple(leaves(result))
    outputs: dict[str, Any] = {}
    if all(leaf.spec is not None for leaf in found):  # else its parts are not known
        for leaf in found:
            outputs[_free(_identifier(leaf), {**inputs, **outputs})] = _axes(leaf)
    return inputs, outputs


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name for an array that no array before it has: ``x["a"]`` may stand beside ``x_a``."""
    while name in taken:
        name += "_"
    return name


def axes_to_mark(arguments: Arguments) -> Iterator[tuple[Any, list[int]]]:
    """Yield each tensor of an example with the axes that a name or an expression describes."""
    for leaf in _tensors(arguments.leaves):
        axes = [
            axis
            for axis, size in enumerate(leaf.sizes or ())
            if size.name is not None or size.expression is not None
        ]
        if axes and leaf.value is not MISSING:
            yield leaf.value, axes


def _tensors(found: Iterator[Leaf]) -> Iterator[Leaf]:
    torch = world_named("torch")
    for leaf in found:
        is_tensor = leaf.spec is not None if leaf.value is MISSING else torch.owns(leaf.value)
        if is_tensor:
            yield leaf


def _identifier(leaf: Leaf) -> str:
    words = "".join(each if each.isalnum() else " " for each in leaf.place).split()
    return "_".join(words)


def _axes(leaf: Leaf) -> dict[int, str]:
    """The names of the dynamic axes; an expression becomes words, since ONNX names are plain."""
    return {
        axis: size.name or size.text
        for axis, size in enumerate(leaf.sizes or ())
        if size.name is not None or size.expression is not None
    }
