"""Find what code uses as nothing but an array may be used."""

from __future__ import annotations

import ast
from typing import Final

from sekisho.adoption.shapes import einsum_of

__all__ = ["array_operands"]

_OF_CONTAINERS: Final = frozenset({*dir(list), *dir(tuple), *dir(dict)})
"""Attributes that lists, tuples and dicts have, too."""


def array_operands(node: ast.AST) -> list[ast.expr]:
    """Return the operands of a node that no list, number or None can be.

    Args:
        node: of every call, as ``x.shape``, ``x[:, 0]``, ``x - y``, ``0.5 * (x[1:] + x[:-1])``.
    """
    match node:
        case ast.Call():
            return _einsum_operands(node)
        case ast.BinOp() | ast.Compare():
            return [*_operated(node), *_sliced(node)]
        case ast.Attribute(value=value, attr=attr) if attr not in _OF_CONTAINERS:
            return [value]
        case ast.Subscript(value=value, slice=ast.Tuple() | ast.Constant(value=None)):
            return [value]
        case _:
            return []


def _operated(node: ast.BinOp | ast.Compare) -> list[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.MatMult(), right=right):
            return [left, right]
        case ast.BinOp(left=left):  # the right operand is often a number, as in ``x / scale``
            return [left]
        case _:
            return []


def _einsum_operands(call: ast.Call) -> list[ast.expr]:
    """Return the arrays of einops' einsum; NumPy's, which takes lists, has the pattern in front."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    is_last = bool(call.args) and isinstance(call.args[-1], ast.Constant)
    read = einsum_of(call) if is_last and name == "einsum" else None
    return [] if read is None else read[2]


def _sliced(node: ast.BinOp | ast.Compare) -> list[ast.expr]:
    """Return what ``x[1:] - y`` and ``0.5 * (x[1:] + x[:-1])`` take slices of: lists cannot do it."""
    match node:
        case ast.BinOp(
            left=left, op=ast.Sub() | ast.Div() | ast.Pow() | ast.MatMult(), right=right
        ):
            return [*_slices(left), *_slices(right)]
        case ast.BinOp(left=ast.Constant(value=float()), op=ast.Mult(), right=other):
            return _slices(other)
        case ast.BinOp(left=other, op=ast.Mult(), right=ast.Constant(value=float())):
            return _slices(other)
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            return _slices(left) if _is_number(node.comparators[0]) else []
        case _:
            return []


def _slices(node: ast.expr) -> list[ast.expr]:
    """Return what a slice is taken of, or each slice of a sum."""
    match node:
        case ast.Subscript(value=value, slice=ast.Slice()):
            return [value]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_slices(left), *_slices(right)]
        case ast.BinOp(left=ast.Constant(value=float()), op=ast.Mult(), right=other):
            return _slices(other)
        case _:
            return []


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in {int, float}
