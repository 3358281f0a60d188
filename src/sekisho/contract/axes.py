"""The axis grammar of jaxtyping: what ``"*batch h w=3 #c n+1"`` asks of a shape.

`parse_axes` reads the string once; `match_shape` is the authority on whether a shape fits. The
generated guards answer the common cases faster and must agree with it.

An axis is *fixed* (``3``), *named* (``b``), *anonymous* (``_``), *variadic* (``*batch``, ``...``:
any number of axes), *broadcastable* (``#b``: size 1 fits too) or *symbolic* (``n+1``). A named
axis is *bound* to its size by the first value that has it, and must have that size ever after.

The rules are jaxtyping's: https://docs.kidger.site/jaxtyping/api/array/.
"""

from __future__ import annotations

import ast
import operator
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from sekisho.errors import with_article

__all__ = [
    "FUNCTIONS",
    "Axis",
    "Bindings",
    "Braces",
    "Expression",
    "Mismatch",
    "Size",
    "match_shape",
    "parse_axes",
    "variadic_index",
]

Size = int | tuple[int, ...]

Bindings = dict[str, Any]
"""The sizes bound so far. A variadic axis is kept under its name with the star: ``*batch``; under
``{self}`` stands the argument that ``{self.size}`` starts from."""


class Expression(NamedTuple):
    """A symbolic axis, parsed once: ``n+1``, ``{self.size}``.

    Attributes:
        text: as written.
        names: the keys that it needs to be bound: axis names, and ``{self}`` for the argument
            that ``{self.size}`` starts from.
        tree: parsed, each ``{...}`` being one `Braces` node.
    """

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def evaluate(self, bound: Bindings) -> Any:
        """Compute the size.

        Raises:
            KeyError: if a name is not bound yet.
            ArithmeticError, TypeError, ValueError: where there is no such size (``n // 0``).
        """
        return _evaluate(self.tree, bound)

    def values(self, bound: Bindings) -> dict[str, Any]:
        """The value of each axis name and each ``{...}``, in the order of the text."""
        nodes = [each for each in ast.walk(self.tree) if isinstance(each, (Braces, ast.Name))]
        inside = {id(name) for each in nodes for name in ast.walk(each) if name is not each}
        outer = [each for each in nodes if id(each) not in inside and not _is_function(each)]
        outer.sort(key=lambda node: node.col_offset)
        return {_text_of(each): _evaluate(each, bound) for each in outer}


class Braces(ast.expr):
    """What stands in braces: an expression over the function's arguments, and its text.

    In it, an argument is a name in braces: ``{self.size}`` is the attribute of a name ``{self}``.
    """

    _fields = ("value",)

    def __init__(self, text: str, value: ast.expr, col_offset: int) -> None:
        super().__init__()
        self.text = text
        self.value = value
        self.col_offset = col_offset


def _is_function(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in FUNCTIONS


def _text_of(node: ast.expr) -> str:
    return node.text if isinstance(node, Braces) else node.id if isinstance(node, ast.Name) else ""


class Axis(NamedTuple):
    """One word of an axis string; anonymous if it has neither size, name nor expression."""

    text: str
    size: int | None = None
    name: str | None = None
    expression: Expression | None = None
    variadic: bool = False
    broadcastable: bool = False
    treepath: bool = False
    """Whether its name is another one at each place of a PyTree (``?n``); then it binds nothing."""

    @property
    def key(self) -> str | None:
        """Under what name this axis is bound: ``b``, ``*batch``, or None if it binds nothing."""
        return _key_of(self)


def _key_of(axis: Axis) -> str | None:
    # Beside the property, which the compiler of torch 2.6 cannot ask.
    if axis.name is None or axis.treepath:
        return None
    return f"*{axis.name}" if axis.variadic else axis.name


# What users of jaxtyping call inside a symbolic axis.
FUNCTIONS: Final[dict[str, Any]] = {
    "abs": abs,
    "int": int,
    "max": max,
    "min": min,
    "pow": pow,
    "round": round,
    "sum": sum,
}
_IN_BRACES: Final[dict[str, Any]] = {**FUNCTIONS, "len": len}
_BRACES: Final = re.compile(r"\{[^{}]*\}")
_WORD: Final = re.compile(r"(?:\{[^{}]*\}|\S)+")  # an expression in braces may hold spaces
_OPERATORS: Final[dict[type[ast.AST], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    # The stubs of three of these leave their parameters without types.
    ast.Div: operator.truediv,  # pyright: ignore[reportUnknownMemberType]
    ast.FloorDiv: operator.floordiv,  # pyright: ignore[reportUnknownMemberType]
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,  # pyright: ignore[reportUnknownMemberType]
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


@lru_cache(maxsize=1024)
def parse_axes(text: str) -> tuple[Axis, ...]:
    """Read an axis string. A code base has many annotations and few axis strings.

    Raises:
        ValueError: for a string that jaxtyping's grammar does not allow.
    """
    axes = tuple(_parse_axis(word) for word in _WORD.findall(text))
    if sum(axis.variadic for axis in axes) > 1:
        raise ValueError("only one axis may be variadic ('*name' or '...')")
    return axes


def _parse_axis(word: str) -> Axis:
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
            raise ValueError(f"'{word}' has no name")
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
        return Axis(word, size=int(rest), broadcastable=broadcastable)
    except ValueError:
        expression = _parse_expression(rest)
        return Axis(word, expression=expression, broadcastable=broadcastable)


def _parse_expression(text: str) -> Expression:
    if "#" in text:  # to Python, the start of a comment
        raise ValueError(f"'{text}': '#' stands in front of an axis")
    # jaxtyping's f-string syntax: {size} is an argument, {self.sizes[0]} is computed from one.
    braces = _BRACES.findall(text)
    plain = _BRACES.sub("__argument__", text)
    tree = _Arguments(braces, text).visit(_parse(plain, text))
    names: dict[str, None] = {}
    _allow(tree, text, names)
    return Expression(text, tuple(names), tree)


def _parse(text: str, axis: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deep
        raise ValueError(f"'{axis}' is no axis and no expression") from None


class _Arguments(ast.NodeTransformer):
    """Puts what stands in braces in the place of each ``__argument__``, from left to right."""

    def __init__(self, braces: list[str], axis: str) -> None:
        self.braces = braces
        self.axis = axis

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != "__argument__":
            return node
        text = self.braces.pop(0)
        value = _parse(text[1:-1].strip() or "?", self.axis)
        for each in ast.walk(value):
            if isinstance(each, ast.Name):
                each.id = f"{{{each.id}}}"
        return Braces(text, value, node.col_offset)


def _allow(node: ast.AST, text: str, names: dict[str, None], *, braces: bool = False) -> None:
    """Refuse what an axis may not do, and collect the names that it uses."""
    functions = [f"{{{name}}}" for name in _IN_BRACES] if braces else list(FUNCTIONS)
    inside: list[ast.AST | None]
    match node:
        case Braces(value=value):
            _allow(value, text, names, braces=True)
            return
        case ast.Name(id=name):
            names[name] = None
            return
        case ast.Constant(value=int()):
            return
        case ast.Constant(value=str()) if braces:  # the key of a mapping
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            inside = [left, right]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            inside = [operand]
        case ast.Call(func=ast.Name(id=name), args=[*arguments], keywords=[]) if name in functions:
            inside = [*arguments]
        case ast.Attribute(value=value) if braces:
            inside = [value]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)) if (
            braces
        ):
            inside = [value, lower, upper, step]
        case ast.Subscript(value=value, slice=index) if braces:
            inside = [value, index]
        case _:
            raise ValueError(_refusal(text, braces=braces))
    for each in inside:
        if each is not None:
            _allow(each, text, names, braces=braces)


def _refusal(text: str, *, braces: bool) -> str:
    functions = ", ".join(_IN_BRACES if braces else FUNCTIONS)
    if braces:
        what = "in braces an axis may use arguments, attributes, [indices]"
    else:
        what = "an axis may use names"
    return f"'{text}': {what}, integers, + - * / // % ** and {functions} only"


def _argument(braces: Braces, bound: Bindings) -> Any:
    """Compute what stands in braces, which must be a number."""
    try:
        value = _evaluate(braces.value, bound)
    except Exception as error:  # noqa: BLE001 - attributes and indices may raise anything
        what = str(error).partition("\n")[0]
        raise ValueError(f"{braces.text} raises {type(error).__name__}: {what}") from None
    if not isinstance(value, _NUMBERS):
        raise TypeError(f"{braces.text} is {with_article(type(value).__name__)}, not an integer")
    return value


# What jaxtyping's f-strings spell as a number. A float may equal a size: {width / 2}.
_NUMBERS: Final = (int, float, np.integer, np.floating)


def _evaluate(node: ast.AST, bound: Bindings) -> Any:  # noqa: PLR0911 - one kind, one return
    # No match statement: up to torch 2.8 its compiler knows none over classes.
    if isinstance(node, Braces):
        return _argument(node, bound)
    if isinstance(node, ast.Name):
        return bound[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_evaluate(node.left, bound), _evaluate(node.right, bound))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_evaluate(node.operand, bound))
    if isinstance(node, ast.Attribute):
        return getattr(_evaluate(node.value, bound), node.attr)
    if isinstance(node, ast.Subscript):
        return _evaluate(node.value, bound)[_index(node.slice, bound)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function = _IN_BRACES[node.func.id.strip("{}")]
        return function(*[_evaluate(argument, bound) for argument in node.args])
    raise AssertionError(ast.dump(node))  # _allow has refused it


def _index(node: ast.expr, bound: Bindings) -> Any:
    if not isinstance(node, ast.Slice):
        return _evaluate(node, bound)
    parts = (node.lower, node.upper, node.step)
    return slice(*[None if part is None else _evaluate(part, bound) for part in parts])


def variadic_index(axes: tuple[Axis, ...]) -> int | None:
    """Where the variadic axis stands, or None if the rank is fixed."""
    for index, axis in enumerate(axes):
        if axis.variadic:
            return index
    return None


class Mismatch(NamedTuple):
    """Why a shape does not fit.

    Attributes:
        text: what is wrong; ``{it}`` stands for the value, ``{shape}`` for `shape`.
        key: the axis name whose bound size it contradicts, if that is what is wrong.
        size: the size that this name is bound to.
        shape: the axes of the value that contradict it, where they are several.
    """

    text: str
    key: str | None = None
    size: Size | None = None
    shape: tuple[int, ...] | None = None


def match_shape(axes: tuple[Axis, ...], shape: tuple[int, ...], bound: Bindings) -> Mismatch | None:
    """Match a shape, binding the names that it binds into `bound`.

    Returns:
        None if the shape fits. Otherwise what does not fit; then `bound` is as it was.
    """
    star = variadic_index(axes)
    fixed = len(axes) - (star is not None)
    if len(shape) != fixed if star is None else len(shape) < fixed:
        at_least = "" if star is None else "at least "
        return Mismatch(f"{{it}} has {_count(len(shape))}, not {at_least}{fixed}")
    trial = dict(bound)
    # jaxtyping's order: the axes before the variadic one, those after it, itself last.
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
    try:
        wanted = expression.evaluate(bound)
    except KeyError as name:
        return Mismatch(f"axis {i} of {{it}} is '{expression.text}', but nothing has bound {name}")
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
    # jaxtyping remembers with each shape whether it may still grow by broadcasting; a marker
    # beside the name is the whole of that memory.
    marker = f"#{key}"
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
