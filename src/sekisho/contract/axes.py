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

from sekisho.errors import with_article

__all__ = [
    "FUNCTIONS",
    "Axis",
    "Bindings",
    "Expression",
    "Mismatch",
    "Size",
    "match_shape",
    "parse_axes",
    "root_of",
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
        tree: parsed, each ``{...}`` being one name.
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
_BRACES: Final = re.compile(r"\{([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\}")
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
    axes = tuple(_parse_axis(word) for word in text.split())
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
    # jaxtyping's f-string syntax: {size} and {self.size} are an argument, or an attribute of one.
    paths = _BRACES.findall(text)
    plain = _BRACES.sub("__argument__", text)
    try:
        tree = ast.parse(plain, mode="eval").body
    except SyntaxError:
        raise ValueError(f"'{text}' is no axis and no expression") from None
    for node in _names_in_order(tree):
        if node.id == "__argument__":
            node.id = f"{{{paths.pop(0)}}}"
    names: dict[str, None] = {}
    _allow(tree, text, names)
    return Expression(text, tuple(names), tree)


def _names_in_order(tree: ast.expr) -> list[ast.Name]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return sorted(found, key=lambda node: node.col_offset)


def _allow(node: ast.expr, text: str, names: dict[str, None]) -> None:
    """Refuse what an axis may not do, and collect the axis names that it uses."""
    match node:
        case ast.Name(id=name):
            names[root_of(name)] = None
        case ast.Constant(value=int()):
            pass
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _allow(left, text, names)
            _allow(right, text, names)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            _allow(operand, text, names)
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]) if (
            function in FUNCTIONS
        ):
            for argument in arguments:
                _allow(argument, text, names)
        case _:
            raise ValueError(
                f"'{text}': an axis may use names, integers, + - * / // % ** and "
                f"{', '.join(FUNCTIONS)} only"
            )


def root_of(name: str) -> str:
    """The key that a name of an expression needs: ``{self.size}`` needs ``{self}``."""
    return f"{{{name[1:-1].partition('.')[0]}}}" if name.startswith("{") else name


def _argument(name: str, bound: Bindings) -> Any:
    """Follow ``{self.size}`` from the argument to the integer that it must be."""
    value: Any = bound[root_of(name)]
    for attribute in name[1:-1].split(".")[1:]:
        if not hasattr(value, attribute):
            raise ValueError(f"{name} has no attribute '{attribute}'")
        value = getattr(value, attribute)
    if not isinstance(value, int):
        raise TypeError(f"{name} is {with_article(type(value).__name__)}, not an integer")
    return value


def _evaluate(node: ast.expr, bound: Bindings) -> Any:
    # No match statement: up to torch 2.8 its compiler knows none over classes.
    if isinstance(node, ast.Name):
        return _argument(node.id, bound) if node.id.startswith("{") else bound[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_evaluate(node.left, bound), _evaluate(node.right, bound))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_evaluate(node.operand, bound))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return FUNCTIONS[node.func.id](*[_evaluate(argument, bound) for argument in node.args])
    raise AssertionError(ast.dump(node))  # _allow has refused it


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
    names = dict.fromkeys(n.id for n in _names_in_order(expression.tree) if n.id not in FUNCTIONS)
    sizes = ", ".join(
        f"{name}={_argument(name, bound) if name.startswith('{') else bound[name]}"
        for name in names
    )
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
