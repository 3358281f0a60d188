"""Follow the dtype of values through a body: what is required of ``x / 255`` says nothing of the dtype of ``x``.

Where a value may have another dtype on one way only, it counts as one that has: then the code gives no
evidence for floats, and the weaker claim is written.
"""

from __future__ import annotations

import ast
import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.names import last_name
from sekisho.adoption.operations import (
    CREATING,
    ELEMENTWISE,
    GIVES_FLOATS,
    GIVES_INDICES,
    JOINING,
    KEEPING,
    NEEDS_FLOATS,
    REDUCING,
    RESHAPING,
    WITHOUT_AXES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sekisho.adoption.aligning import Origins

__all__ = ["Cast", "Casts", "either_cast"]

_NONE: Final = frozenset[str]()
_FLOATS: Final = re.compile(r"(b?float|double|half|complex|c(float|double))\d*_?")
_OTHERS: Final = re.compile(r"(u?int|long|short|byte|char|bool)\d*_?")
_TO_DTYPE: Final = frozenset({"astype", "to", "type_as"})
_SAME_DTYPE: Final = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})


class Cast(NamedTuple):
    """The dtype of a value.

    Attributes:
        lost: the parameters that it is made of, and whose dtype it does not have, or may not have.
        is_float: whether it is of floats, whatever the arguments are.
        through: the functions that made it. One of the package may change the dtype.
    """

    lost: frozenset[str] = _NONE
    is_float: bool = False
    through: frozenset[str] = _NONE


def either_cast(several: Iterable[Cast]) -> Cast:
    """Return the dtype of a value that is one of several.

    Examples:
        >>> either_cast([Cast(), Cast(frozenset("x"), is_float=True)])
        Cast(lost=frozenset({'x'}), is_float=True, through=frozenset())
    """
    values = [*several]
    return Cast(
        _NONE.union(*(each.lost for each in values)),
        any(each.is_float for each in values),
        _NONE.union(*(each.through for each in values)),
    )


class Casts:
    """The dtypes of the values in a body.

    Args:
        origins: returns the parameters that an expression is made of, if it has been followed already.

    Attributes:
        held: the dtype of what each name holds.
    """

    def __init__(self, origins: Callable[[ast.expr], Origins]) -> None:
        self.held: dict[str, Cast] = {}
        self._origins = origins
        self._read: dict[int, Cast] = {}

    def forget(self) -> None:
        """Read expressions anew, since names may hold something else."""
        self._read.clear()

    def of(self, node: ast.expr) -> Cast:
        """Return the dtype of an expression whose arguments have been followed already."""
        if id(node) not in self._read:  # a chain of methods asks for its parts at each step
            self._read[id(node)] = self._of(node)
        return self._read[id(node)]

    def combined(self, op: ast.operator, left: ast.expr, right: ast.expr) -> Cast:
        """Return the dtype of ``left op right``."""
        parts = [left, right]
        return self._floats(parts) if isinstance(op, ast.Div) else self._mixed(parts)

    def makes_floats(self, name: str, others: Iterable[ast.expr]) -> bool:
        """Whether a function makes floats of integers: by itself, or beside its other arguments."""
        is_beside = name in ELEMENTWISE and any(self.of(each).is_float for each in others)
        return is_beside or name in GIVES_FLOATS

    def _of(self, node: ast.expr) -> Cast:
        match node:
            case ast.Name(id=name):
                return self.held.get(name, Cast())
            case ast.Constant(value=value):
                return Cast(is_float=isinstance(value, (float, complex)))
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return self._others([node])
            case ast.BinOp(left=left, op=op, right=right):
                return self.combined(op, left, right)
            case ast.Call():
                return self._of_call(node)
            case _:
                return either_cast(map(self.of, _values_in(node)))

    def _of_call(self, node: ast.Call) -> Cast:
        function = node.func
        name = last_name(function)
        name = name if name.endswith("__") else name.removesuffix("_")
        parts = [function.value] if isinstance(function, ast.Attribute) else []
        parts += [item for part in node.args for item in _items(part)]
        words = {word.arg: word.value for word in node.keywords}
        if name in WITHOUT_AXES or not parts:
            return Cast()
        if (dtype := _dtype_in(name, parts, words)) is not None:
            return self._asked_for(dtype, parts)
        if _FLOATS.fullmatch(name) or name in GIVES_FLOATS | NEEDS_FLOATS:
            return self._floats([node] if name == "einsum" else parts)
        if _OTHERS.fullmatch(name) or name in GIVES_INDICES:
            return self._others(parts)
        if name in ELEMENTWISE | KEEPING | CREATING | REDUCING | JOINING:
            # what fills an array, and the number of an axis, do not change the dtype
            counts = name in ELEMENTWISE | {"max", "min"}
            return self._mixed(each for each in parts if counts or self._origins(each))
        return self._unknown(name, [*parts, *itertools.chain(*map(_items, words.values()))])

    def _unknown(self, name: str, parts: list[ast.expr]) -> Cast:
        found = self._mixed(each for each in parts if self._origins(each))
        return found if name in RESHAPING else found._replace(through=found.through | {name})

    def _asked_for(self, dtype: ast.expr, parts: list[ast.expr]) -> Cast:
        """Return the dtype of what is made of a value by naming a dtype, or an array that has it."""
        name = dtype.attr if isinstance(dtype, ast.Attribute) else getattr(dtype, "id", "")
        if isinstance(dtype, ast.Constant):
            name = str(dtype.value)
        if _FLOATS.fullmatch(name):
            return self._floats(parts)
        owner = dtype.value if isinstance(dtype, ast.Attribute) and name == "dtype" else dtype
        made = self._others(parts)
        is_own = isinstance(owner, ast.Name) and owner.id in made.lost
        kept = self._origins(owner).keys() - self.of(owner).lost if is_own else _NONE
        return made._replace(lost=made.lost - kept)  # ``zeros_like(x, dtype=x.dtype)``

    def _floats(self, parts: Iterable[ast.expr]) -> Cast:
        return self._others(parts)._replace(is_float=True)

    def _others(self, parts: Iterable[ast.expr]) -> Cast:
        """Return a dtype that says nothing of those of some parts."""
        return Cast(frozenset(name for each in parts for name in self._origins(each)))

    def _mixed(self, parts: Iterable[ast.expr]) -> Cast:
        """Return the dtype that the dtypes of some parts are promoted to: one of floats wins."""
        values = [(self.of(each), self._origins(each).keys()) for each in parts]
        every = either_cast(cast for cast, _ in values)
        names = _NONE.union(*(found for _, found in values))
        if every.is_float:
            return every._replace(lost=names)
        kept = _NONE.union(*(found - cast.lost for cast, found in values))
        return every._replace(lost=every.lost - kept)


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]


def _values_in(node: ast.expr) -> list[ast.expr]:
    """Return the expressions that one has the dtype of."""
    match node:
        case ast.UnaryOp(operand=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return [value]
        case ast.Attribute(value=value, attr=attr) if attr in _SAME_DTYPE:
            return [value]
        case ast.IfExp(body=one, orelse=other):
            return [one, other]
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts
        case _:
            return []


def _dtype_in(
    name: str, parts: list[ast.expr], words: Mapping[str | None, ast.expr]
) -> ast.expr | None:
    """Return what a call names a dtype by, as in ``x.to(y)``; None if it names none."""
    if "dtype" in words:
        return words["dtype"]
    given = [*parts[1:], *words.values()] if name in _TO_DTYPE else []
    return next((each for each in given if not _is_device(each)), None)


def _is_device(node: ast.expr) -> bool:
    """Whether an argument of ``x.to`` says where, or how, and not which dtype."""
    match node:
        case ast.Constant(value=str(text)):
            return not (_FLOATS.fullmatch(text) or _OTHERS.fullmatch(text))
        case ast.Constant():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return "device" in name
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return "device" in name
        case _:
            return False
