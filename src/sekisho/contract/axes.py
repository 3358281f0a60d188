"""The axis grammar of jaxtyping: what ``"*batch h w=3 #c n+1"`` requires of a shape.

`parse_axes` parses the string once. `match_shape` decides whether a shape fits. The generated
guards check the common cases faster, and must agree with it.

An axis is *fixed* (``3``), *named* (``b``), *anonymous* (``_``), *variadic* (``*batch``, ``...``:
any number of axes), *broadcastable* (``#b``: size 1 fits too) or *symbolic* (``n+1``). The first
value that has a named axis *binds* it to its size, which all later values must have.

The rules are jaxtyping's: https://docs.kidger.site/jaxtyping/api/array/.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from sekisho.contract.expressions import Bindings, Expression, Size, parse_expression
from sekisho.contract.free import FREE
from sekisho.contract.keys import growth_key, several_key
from sekisho.errors import SekishoError

__all__ = [
    "Axis",
    "Mismatch",
    "match_shape",
    "parse_axes",
    "variadic_index",
]


class Axis(NamedTuple):
    """One word of an axis string; anonymous if it has no size, no name and no expression."""

    text: str
    size: int | None = None
    name: str | None = None
    expression: Expression | None = None
    variadic: bool = False
    broadcastable: bool = False
    treepath: bool = False
    """Whether the name is another one at each leaf of a PyTree (``?n``); then the axis binds
    nothing."""

    @property
    def key(self) -> str | None:
        """The name under which the axis is bound: ``b``, ``*batch``; None if it binds nothing."""
        return _key_of(self)


def _key_of(axis: Axis) -> str | None:
    # Beside the property, since the compiler of torch 2.6 cannot trace that.
    if axis.name is None or axis.treepath:
        return None
    return several_key(axis.name) if axis.variadic else axis.name


_WORD: Final = re.compile(r"(?:\{[^{}]*\}|\S)+")  # an expression in braces may hold spaces


@lru_cache(maxsize=1024)
def parse_axes(text: str) -> tuple[Axis, ...]:
    """Parse an axis string. A code base has many annotations and few axis strings.

    Raises:
        ValueError: for a string that jaxtyping's grammar does not allow.
    """
    axes = tuple(map(_parse_axis, _WORD.findall(text)))
    if len([axis for axis in axes if axis.variadic]) > 1:
        raise ValueError("only one axis may be variadic ('*name' or '...')")
    return axes


def _parse_axis(word: str) -> Axis:
    if word.isidentifier() and word[0] != "_":  # as most are
        return Axis(word, name=word)
    if word == "...":
        return Axis(word, variadic=True)
    if "..." in word:
        raise ValueError(f"'...' stands on its own, not as in '{word}'")
    if "," in word and "(" not in word:
        raise ValueError(f"axes are separated by spaces, not commas as in '{word}'")
    flags: set[str] = set()
    rest = word
    while rest:
        if rest[0] in "#*_?":
            if rest[0] in flags:
                raise ValueError(f"'{rest[0]}' stands twice in '{word}'")
            flags.add(rest[0])
            rest = rest[1:]
        elif rest.count("=") == 1:
            # The name in rows=3 is for the reader only.
            rest = rest.partition("=")[2]
        else:
            break
    return _build_axis(word, rest, flags)


def _build_axis(word: str, rest: str, flags: set[str]) -> Axis:
    broadcastable, variadic = "#" in flags, "*" in flags
    if "_" in flags and broadcastable:
        raise ValueError(f"'{word}': an anonymous axis cannot be broadcastable")
    if not rest or rest.isidentifier():
        name = None if "_" in flags else rest
        # '*' alone is a name to jaxtyping, and so binds; '*#' is not.
        if name == "" and (not variadic or word.endswith("#")):
            hint = "" if word != "?" else "\n  hint: '_' is an axis of any size"
            raise ValueError(f"'{word}' has no name{hint}")
        return Axis(
            word,
            name=name,
            variadic=variadic,
            broadcastable=broadcastable,
            treepath="?" in flags,
        )
    if flags - {"#"}:
        raise ValueError(f"'{word}': only a named axis can be variadic, anonymous or of a PyTree")
    try:
        size = int(rest)
    except ValueError:
        hint = _meant(rest)
        if hint:
            raise ValueError(f"'{word}' is no axis{hint}") from None
        expression = parse_expression(rest)
        return Axis(word, expression=expression, broadcastable=broadcastable)
    if size < 0:
        raise ValueError(f"'{word}' is no size{_ANY_SIZE}")
    return Axis(word, size=size, broadcastable=broadcastable)


def _meant(word: str) -> str:
    """Return the hint for what other libraries write: ``:`` for any size, a shape in brackets, ``3xhxw``."""
    plain = word.strip("[](),:")
    is_whole = all(word.count(left) == word.count(right) for left, right in ("()", "[]"))
    if word == ":":
        return _ANY_SIZE
    if word in _OPERATORS:
        return "\n  hint: an expression has no spaces, as in 'n+1'"
    if word == "[]" or (plain and (word[0] == "[" or not is_whole)):
        return f"\n  hint: a shape has no brackets here: '{plain}'"
    if plain.isidentifier() and word == f"{plain}:":
        return f"\n  hint: an axis is its name: '{plain}'"
    if _CROSSED.fullmatch(word):
        return f"\n  hint: axes are separated by spaces: '{word.replace('x', ' ')}'"
    return ""


_ANY_SIZE: Final = "\n  hint: '_' is an axis of any size"
_OPERATORS: Final = frozenset({"+", "-", "*", "/", "//", "%", "**"})
_CROSSED: Final = re.compile(r"\d+(?:x\w+)+")


def variadic_index(axes: tuple[Axis, ...]) -> int | None:
    """Return the position of the variadic axis, or None if the rank is fixed."""
    for index, axis in enumerate(axes):
        if axis.variadic:
            return index
    return None


class Mismatch(NamedTuple):
    """The reason why a shape does not fit.

    Attributes:
        text: what is wrong; ``{it}`` stands for the value, ``{shape}`` for `shape`.
        key: the axis name whose bound size the shape contradicts, if it does.
        size: the size that this name is bound to.
        shape: the sizes of the value's axes that contradict it, if there are several.
    """

    text: str
    key: str | None = None
    size: Size | None = None
    shape: tuple[int, ...] | None = None


def match_shape(axes: tuple[Axis, ...], shape: tuple[int, ...], bound: Bindings) -> Mismatch | None:
    """Match a shape against axes, and bind new names in `bound`.

    Returns:
        None if the shape fits. Otherwise the first mismatch, and `bound` is unchanged.
    """
    star = variadic_index(axes)
    fixed = len(axes) - (star is not None)
    if len(shape) != fixed if star is None else len(shape) < fixed:
        at_least = "" if star is None else "at least "
        return Mismatch(f"{{it}} has {_count(len(shape))}, not {at_least}{fixed}")
    trial = dict(bound)
    # jaxtyping's order: the axes before the variadic one, then those after it, the variadic one
    # last.
    before = fixed if star is None else star
    after = len(shape) - fixed + before
    for axis, i in (
        *((axes[i], i) for i in range(before)),
        *((axes[before + 1 + j], after + j) for j in range(fixed - before)),
    ):
        mismatch = _match_axis(axis, i, shape[i], trial)
        if mismatch:
            return mismatch
    if star is not None:
        mismatch = _match_variadic(axes[star], shape[before:after], trial)
        if mismatch:
            return mismatch
    bound.clear()
    bound.update(trial)
    return None


def _match_axis(axis: Axis, i: int, size: int, bound: Bindings) -> Mismatch | None:
    if axis.broadcastable and size == 1:
        return None
    if axis.size is not None:
        if size != axis.size:
            return Mismatch(f"axis {i} of {{it}} is {size}, not {axis.size}")
    elif axis.name is not None:
        wanted = bound.setdefault(axis.name, size)
        if wanted != size:
            return Mismatch(f"axis {i} of {{it}} is {size}", axis.name, wanted)
    elif axis.expression is not None:
        return _match_expression(axis.expression, i, size, bound)
    return None


def _match_expression(
    expression: Expression, i: int, size: int, bound: Bindings
) -> Mismatch | None:
    for name in expression.names:
        if bound.get(name) is FREE:
            return None
    try:
        wanted = expression.evaluate(bound)
    except KeyError as name:
        return Mismatch(f"axis {i} of {{it}} is '{expression.text}', but nothing has bound {name}")
    except SekishoError:  # some are TypeErrors too
        raise
    except (ArithmeticError, TypeError, ValueError) as error:
        return Mismatch(f"axis {i} of {{it}} is '{expression.text}', which fails here: {error}")
    if wanted == size:
        return None
    sizes = ", ".join([f"{name}={value}" for name, value in expression.values(bound).items()])
    return Mismatch(f"axis {i} of {{it}} is {size}, not {expression.text} = {wanted} ({sizes})")


def _match_variadic(axis: Axis, shape: tuple[int, ...], bound: Bindings) -> Mismatch | None:
    key = _key_of(axis)
    if key is None:
        return None
    # jaxtyping stores with each shape whether it may still grow by broadcasting; here the marker
    # beside the name says so.
    marker = growth_key(key)
    if key not in bound:
        bound[key] = shape
        if axis.broadcastable:
            bound[marker] = 1
        return None
    previous: tuple[int, ...] = bound[key]
    may_grow = bound.get(marker) is not None
    together = _broadcast(shape, previous) if axis.broadcastable or may_grow else shape
    if (
        together is None
        or (not axis.broadcastable and together != shape)
        or (not may_grow and together != previous)
    ):
        return Mismatch(f"axes {key} of {{it}} are {{shape}}", key, previous, shape)
    bound[key] = together
    if not axis.broadcastable:
        bound.pop(marker, None)
    return None


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    if any(p != q and 1 not in (p, q) for p, q in zip(padded, longer, strict=True)):
        return None
    return tuple(q if p == 1 else p for p, q in zip(padded, longer, strict=True))


def _count(rank: int) -> str:
    return f"{rank} {'axis' if rank == 1 else 'axes'}"
