"""Annotations beyond plain arrays: each is checked, converted or rejected, none is ignored."""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import functools
import inspect
import itertools
import re
import sys
import types
import typing
from dataclasses import InitVar, dataclass
from typing import Any, Optional, Self, TypeVar, Union

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float, Float32

import sekisho as sk

DTYPES = ["bool", "uint8", "int64", "float16", "float32", "float64", "complex128"]


def annotated(decorate, *hints, returns=None, body=None):
    """Return a guarded function with one argument for each hint."""
    names = [f"x{i}" for i in range(len(hints))]
    namespace: dict[str, Any] = {}
    exec(f"def f({', '.join(names)}): return body({', '.join(names)})", namespace)
    namespace["body"] = body or (lambda *args: args[0])
    f = namespace["f"]
    f.__annotations__ = dict(zip(names, hints, strict=True))
    if returns is not None:
        f.__annotations__["return"] = returns
    return decorate(f)


def refused(function, *args, **kwargs) -> bool:
    try:
        function(*args, **kwargs)
    except sk.BoundaryError:
        return True
    return False


# --- NumPy's own annotations -------------------------------------------------------------------

S = TypeVar("S", bound=np.floating)
C = TypeVar("C", np.float32, np.int64)
U = TypeVar("U", bound=Union[np.float32, np.uint8])
SCALARS: list[tuple[Any, list[str]]] = [
    (Any, DTYPES),
    (np.generic, DTYPES),
    (np.float32, ["float32"]),
    (np.floating, ["float16", "float32", "float64"]),
    (np.floating[Any], ["float16", "float32", "float64"]),
    (np.integer, ["uint8", "int64"]),
    (np.float32 | np.float64, ["float32", "float64"]),
    (np.bool_ | np.integer, ["bool", "uint8", "int64"]),
    (np.float32 | Any, DTYPES),
    (int, ["int64"]),
    (float, ["float64"]),
    (bool, ["bool"]),
    (S, ["float16", "float32", "float64"]),
    (C, ["float32", "int64"]),
    (U, ["float32", "uint8"]),
    (TypeVar("Free", bound=np.generic), DTYPES),
    (TypeVar("Bare"), DTYPES),
]
HOLDERS: list[tuple[Any, Any]] = [
    (lambda hint: hint, lambda x: x),
    (lambda hint: hint | None, lambda x: x),
    (lambda hint: list[hint], lambda x: [x]),
    (lambda hint: dict[str, hint | None], lambda x: {"a": x}),
    (lambda hint: tuple[int, hint], lambda x: (1, x)),
]


@pytest.mark.parametrize(("wrap", "hold"), HOLDERS)
@pytest.mark.parametrize(("scalar", "accepted"), SCALARS, ids=lambda each: str(each)[:40])
def test_numpys_annotations_accept_the_dtypes_that_they_name(scalar, accepted, wrap, hold):
    for array in (npt.NDArray[scalar], np.ndarray[Any, np.dtype[scalar]]):
        f = annotated(sk.numpy_world, wrap(array))
        found = {name for name in DTYPES if not refused(f, hold(np.zeros(2, name)))}
        assert found == set(accepted)


def test_dtypes_that_only_ml_dtypes_has_can_be_named():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    f = annotated(sk.numpy_world, npt.NDArray[ml_dtypes.bfloat16])
    assert not refused(f, np.zeros(2, ml_dtypes.bfloat16))
    assert refused(f, np.zeros(2, "float32"))


@pytest.mark.parametrize("variable", [S, C], ids=["bound", "constrained"])
def test_a_type_variable_is_one_dtype_in_one_call(variable):
    array = npt.NDArray[variable]
    result: list[Any] = []
    f = annotated(
        sk.numpy_world, array, list[array], array | None, returns=array, body=lambda *a: result[0]
    )
    one, other = (
        np.zeros(2, name) for name in ("float32", "float64" if variable is S else "int64")
    )
    for x, items, maybe, out, passes in (
        (one, [one, one], one, one, True),
        (other, [other], None, other, True),
        (one, [one, other], None, one, False),
        (one, [], other, one, False),
        (one, [], None, other, False),
        (one, [other], None, one, False),
    ):
        result[:] = [out]
        assert refused(f, x, items, maybe) != passes
    with pytest.raises(sk.DTypeError) as caught:
        annotated(sk.numpy_world, array, array)(one, other)
    assert str(caught.value).splitlines()[1] == (
        f"  dtype '{variable.__name__}' is float32 (from argument 'x0'), but 'x1' is {other.dtype}"
    )


def test_a_type_variable_that_stands_once_is_asked_inline():
    f = annotated(sk.numpy_world, npt.NDArray[S], npt.NDArray[S])
    f(np.zeros(2), np.zeros(2))
    assert "x1.dtype != S_dtype" in sk.generated_source(f)


# --- hints that name no array, which arrays satisfy ---------------------------------------------


@typing.runtime_checkable
class HasShape(typing.Protocol):
    @property
    def shape(self) -> Any: ...


ARRAY_LIKES = [
    *(npt.ArrayLike, npt.ArrayLike | None, HasShape, collections.abc.Sized),
    *(collections.abc.Iterable, collections.abc.Container, Optional[HasShape]),
    *(collections.abc.Collection, collections.abc.Reversible),
]


@pytest.mark.parametrize("hint", ARRAY_LIKES, ids=str)
def test_a_hint_that_any_array_satisfies_is_guarded_like_none(hint, world, other):
    f = annotated(world.decorate, hint, body=type)
    foreign = other.zeros(2)
    if refused(f, world.zeros(2)):
        pytest.skip("no array of this world is one")
    assert issubclass(f(world.zeros(2)), world.array_type)
    if refused(annotated(other.decorate, hint), foreign):
        return
    assert issubclass(f(foreign), world.array_type)
    with sk.mode("strict"), pytest.raises(sk.WorldError, match="lets nothing cross here"):
        f(foreign)
    with pytest.raises(sk.WorldError):
        annotated(world.decorate(on_foreign="refuse"), hint)(foreign)
    if hint not in {HasShape, Optional[HasShape]}:
        assert f([1.0, 2.0]) is list


def test_strict_mode_looks_into_what_converts_to_an_array(torch):
    f = annotated(sk.numpy_world, npt.ArrayLike)
    with sk.mode("strict"), pytest.raises(sk.WorldError):
        f([torch.ones(2)])
    with sk.mode("strict"):
        f([1.0])


def test_what_is_no_longer_as_declared_once_it_is_converted_is_refused(torch):
    with pytest.raises(sk.BoundaryError) as caught:
        annotated(sk.numpy_world, collections.abc.Hashable)(torch.ones(2))
    assert "as float32[2] (NumPy) it is none" in str(caught.value)


# --- torch's legacy classes ----------------------------------------------------------------------

LEGACY = {
    "BoolTensor": "bool", "ByteTensor": "uint8", "CharTensor": "int8", "ShortTensor": "int16",
    "IntTensor": "int32", "LongTensor": "int64", "HalfTensor": "float16", "FloatTensor": "float32",
    "DoubleTensor": "float64", "BFloat16Tensor": "bfloat16",
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), LEGACY.items())
def test_a_legacy_class_is_a_tensor_of_its_dtype(name, dtype, torch):
    kind = getattr(torch, name)
    for hint, hold in (
        (kind, lambda x: x),
        (Optional[kind], lambda x: x),
        (list[kind], lambda x: [x]),
    ):
        f = annotated(sk.torch_world, hint)
        value = hold(torch.zeros(2, dtype=getattr(torch, dtype)))
        assert f(value) is value
        wrong = "int64" if dtype != "int64" else "float64"
        assert refused(f, hold(torch.zeros(2, dtype=getattr(torch, wrong))))
        if dtype != "bfloat16":
            converted = f(hold(np.zeros(2, dtype)))
            assert isinstance(
                next(iter(converted)) if hold([]) == [[]] else converted, torch.Tensor
            )
    with pytest.raises(sk.DeclarationError, match=rf"declares a torch.{name} in a numpy_world"):
        annotated(sk.numpy_world, kind)


def test_legacy_classes_of_other_devices_and_layouts_are_asked_for_as_torch_does(torch):
    sparse = torch.zeros(2).to_sparse()
    f = annotated(sk.torch_world, torch.sparse.FloatTensor)
    assert f(sparse) is sparse
    assert refused(f, torch.zeros(2))
    assert refused(annotated(sk.torch_world, torch.cuda.FloatTensor), torch.zeros(2))


def test_a_dataclass_that_is_a_dict_and_has_legacy_fields_is_a_record(torch):
    # Like Hugging Face's ModelOutput.
    fields = [("logits", torch.FloatTensor), ("labels", Optional[torch.LongTensor], None)]
    Output = dataclasses.make_dataclass("Output", fields, bases=(dict,))
    f = annotated(sk.torch_world, Output)
    assert not refused(f, Output(torch.zeros(2)))
    assert refused(f, Output(torch.zeros(2, dtype=torch.int64)))
    assert refused(f, Output(torch.zeros(2), torch.zeros(2)))


# --- Self ----------------------------------------------------------------------------------------


class Node:
    @sk.numpy_world
    def one(self, value) -> Self:
        return value

    @sk.numpy_world
    def text(self, value) -> "Self":
        return value

    @sk.numpy_world
    def maybe(self, value) -> Self | None:
        return value

    @sk.numpy_world
    def many(self, value) -> list[Self]:
        return value

    @sk.numpy_world
    def named(self, value) -> dict[str, "Self"]:
        return value

    @sk.numpy_world
    def takes(self, value: Self) -> Any:
        return value

    @sk.numpy_world
    def calls(self, value: collections.abc.Callable[[Self], int]) -> Any:
        return value

    @sk.numpy_world
    def kind(self, value: type[Self]) -> Any:
        return value

    @sk.numpy_world
    async def later(self, value) -> Self:
        return value

    @sk.numpy_world
    def each(self, values) -> collections.abc.Iterator[Self]:
        yield from values

    @classmethod
    @sk.numpy_world
    def made(cls, value) -> Self:
        return value

    @sk.numpy_world
    @classmethod
    def made_inside(cls, value) -> Self:
        return value

    @sk.numpy_world
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error): ...


class Leaf(Node):
    pass


METHODS = {
    "one": lambda v: v, "text": lambda v: v, "maybe": lambda v: v, "many": lambda v: [v],
    "named": lambda v: {"a": v}, "takes": lambda v: v, "made": lambda v: v, "made_inside": lambda v: v,
    "each": lambda v: v,
}  # fmt: skip


@pytest.mark.parametrize(("method", "hold"), METHODS.items())
def test_self_is_an_instance_of_the_class_that_was_called(method, hold):
    node, leaf = Node(), Leaf()

    def call(owner, value):
        bound = getattr(owner, method)
        return refused(lambda: list(bound([value])) if method == "each" else bound(hold(value)))

    assert not call(node, node)
    assert not call(node, leaf)
    assert not call(leaf, leaf)
    assert call(leaf, node)
    assert call(node, 3)
    assert call(node, None) is (method != "maybe")


def test_self_in_words_and_where_nothing_has_a_class():
    with pytest.raises(sk.BoundaryError) as caught:
        Leaf().one(Node())
    assert str(caught.value) == (
        "Node.one() the result: expected Self, got a tests.Node.\n"
        "  the result is not an instance of tests.Leaf"
    )
    with Node() as node:
        assert isinstance(node, Node)
    assert not refused(node.calls, len)
    assert refused(node.calls, 3)
    assert not refused(node.kind, Node)

    def nothing() -> Self: ...

    with pytest.raises(sk.DeclarationError, match="Self stands in the methods of a class"):
        sk.numpy_world(nothing)


# --- names that stand for annotations ------------------------------------------------------------

Tree = Union[np.ndarray, dict[str, "Tree"]]
Rows = Union[Float32[np.ndarray, "n"], list["Rows"]]
Json = Union[int, str, list["Json"], dict[str, "Json"]]


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


@pytest.mark.parametrize("levels", [0, 1, 2, 3, 10, 40])
def test_an_alias_that_mentions_itself_is_read_to_any_depth(levels, torch):
    f = annotated(sk.numpy_world, Tree)
    value = nested(levels, np.zeros(2))
    assert f(value) is value
    leaf = f(nested(levels, torch.zeros(2)))
    while isinstance(leaf, dict):
        leaf = leaf["a"]
    assert isinstance(leaf, np.ndarray)
    with pytest.raises(sk.BoundaryError) as caught:
        f(nested(levels, 3))
    assert ("at x0" + "['a']" * levels in str(caught.value)) is bool(levels)


def test_a_recursive_alias_shares_axes_and_holds_what_is_no_array():
    x, y = np.zeros(2, "f4"), np.zeros(3, "f4")
    f = annotated(sk.numpy_world, Rows, Float32[np.ndarray, "n"])
    assert not refused(f, [[x], x], x)
    assert refused(f, [[x], y], x)
    assert refused(f, [[x]], y)
    g = annotated(sk.numpy_world, Json)
    assert not refused(g, [1, {"a": ["b", [2]]}])
    with pytest.raises(sk.BoundaryError, match=r"at x0\[1\]\['a'\]\[0\]"):
        g([1, {"a": [1.5]}])


def deep_list(levels: int) -> list[Any]:
    value: list[Any] = [np.zeros(2, "f4")]
    for _ in range(levels):
        value = [value]
    return value


def test_a_value_that_nests_without_end_is_checked_once_and_never_made_anew(torch):
    endless: list[Any] = [np.zeros(2, "f4")]
    endless.append(endless)
    f = annotated(sk.numpy_world, Rows)
    assert f(endless) is endless
    endless[0] = np.zeros(2)
    assert refused(f, endless)
    endless[0] = torch.zeros(2)
    assert refused(f, endless)
    with pytest.raises(sk.BoundaryError, match="nests too deep to be checked, or contains itself"):
        f(deep_list(3000))


HOLDERS_OF_ONE = [
    lambda hint: list[hint],
    lambda hint: tuple[hint, int],
    lambda hint: dict[str, hint] | None,
    lambda hint: typing.List[hint],  # noqa: UP006 - old code uses it
]


@pytest.mark.parametrize("hold", HOLDERS_OF_ONE)
@pytest.mark.parametrize("leaf", [np.ndarray, int])
@pytest.mark.parametrize("levels", [20, 200, 2000])
def test_an_annotation_that_nests_deep_is_read_or_refused(hold, leaf, levels):
    hint: Any = leaf
    try:
        for _ in range(levels):
            hint = hold(hint)
    except RecursionError:
        pytest.skip("typing itself cannot make it")
    f = sk.numpy_world
    if levels == 2000:
        with pytest.raises(sk.DeclarationError, match="nest too deep for Python's recursion limit"):
            annotated(f, hint)
    elif levels == 20:
        annotated(f, hint)


_number = itertools.count()


@pytest.fixture
def modules(monkeypatch):
    """Make modules from their texts."""

    def make(**texts):
        made = []
        # Each gets a unique name: beartype caches hints by their text.
        names = {name: f"{name}{next(_number)}" for name in texts}
        for name, text in texts.items():
            module = types.ModuleType(names[name])
            monkeypatch.setitem(sys.modules, module.__name__, module)
            words = rf"\b({'|'.join(names)})\b"
            own = re.sub(words, lambda found: names[found[0]], text)
            # This file's own `from __future__` must not apply to them.
            exec(compile(own, module.__name__, "exec", dont_inherit=True), vars(module))
            made.append(module)
        return made

    return make


ALIASES = """
import numpy as np
from typing import Union, Optional, Dict, List, Mapping
class Box: ...
Tree = Union[np.ndarray, Mapping[str, 'Tree']]
Boxes = {boxes}
"""
USES = """
{future}
import numpy as np, sekisho as sk
import aliases
{local}
@sk.numpy_world
def tree(x: aliases.Tree): return x
@sk.numpy_world
def maybe(x: aliases.Tree | None): return x
@sk.numpy_world
def boxes(x: aliases.Boxes, y: np.ndarray): return x
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
@pytest.mark.parametrize(
    "boxes", ["list['Box']", "List['Box']", "Optional[List['Box']]", "tuple['Box', ...]"]
)
@pytest.mark.parametrize("local", ["", "class Box: ...", "Tree = int"])
def test_a_string_means_what_it_does_where_it_was_written(modules, future, boxes, local):
    aliases, uses = modules(
        aliases=ALIASES.format(boxes=boxes), uses=USES.format(future=future, local=local)
    )
    for f in (uses.tree, uses.maybe):
        assert not refused(f, {"a": {"b": np.zeros(2)}})
        assert refused(f, {"a": {"b": 3}})
    kind = tuple if boxes.startswith("tuple") else list
    if local.startswith("class") and not future and not boxes.startswith(("list", "tuple")):
        return  # typing makes equal aliases one object, so their authors cannot be told apart
    assert not refused(uses.boxes, kind([aliases.Box()]), np.zeros(1))
    assert refused(uses.boxes, kind([3]), np.zeros(1))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_type_parameters_and_type_statements_are_read(modules, future):
    (m,) = modules(
        parameters=f"""
{future}
import numpy as np, sekisho as sk
from numpy.typing import NDArray
from typing import Callable, Concatenate
@sk.numpy_world
def one[T: np.floating](x: NDArray[T], y: NDArray[T]) -> NDArray[T]: return x
class Box[T: (np.float32, np.float64)]:
    @sk.numpy_world
    def both[U: np.integer](self, x: NDArray[T], y: NDArray[U]): return x
    @staticmethod
    @sk.numpy_world
    def static(x: NDArray[T]): return x
def outer[T: np.floating]():
    @sk.numpy_world
    def inner(x: NDArray[T]): return x
    return inner
inner = outer()
type Rec = np.ndarray | dict[str, Rec]
type Of[T] = T | list[Of[T]]
type Text = np.ndarray | list["Text"]
@sk.numpy_world
def rec(x: Rec): return x
@sk.numpy_world
def of(x: Of[np.ndarray]): return x
@sk.numpy_world
def text(x: Text): return x
@sk.numpy_world
def call[**P, R](f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: return f(*args, **kwargs)
@sk.numpy_world
def spread[*Ts](f: Callable[[*Ts], int], *args: *Ts) -> tuple[*Ts]: return args
@sk.numpy_world
def first[**P, R](f: Callable[Concatenate[int, P], R]) -> Callable[P, R]: return f
"""
    )
    f4, f8, i8 = (np.zeros(2, name) for name in ("f4", "f8", "i8"))
    assert [refused(m.one, *each) for each in ((f4, f4), (f4, f8), (i8, i8))] == [False, True, True]
    box = m.Box()
    assert [refused(box.both, *each) for each in ((f4, i8), (i8, i8), (f4, f4))] == [
        False,
        True,
        True,
    ]
    for f in (m.Box.static, m.inner):
        assert [refused(f, each) for each in (f4, i8)] == [False, True]
    for f in (m.rec, m.of, m.text):
        hold = (lambda x: {"a": x}) if f is m.rec else (lambda x: [x])
        assert [refused(f, hold(hold(each))) for each in (f4, 3)] == [False, True]
    assert m.call(lambda x, y: x, 1, y=f4) == 1
    assert m.spread(lambda x: x, f4, 2) == (f4, 2)
    assert refused(m.first, 3)


P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")


def test_what_says_how_a_callable_is_called_says_nothing_of_values():
    @sk.numpy_world
    def call(f: collections.abc.Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
        return f(*args, **kwargs)

    @sk.numpy_world
    def spread(f: collections.abc.Callable[[*Ts], int], *args: *Ts) -> tuple[*Ts]:
        return args

    @sk.numpy_world
    def first(
        f: collections.abc.Callable[typing.Concatenate[int, P], int],
    ) -> collections.abc.Callable[P, int]:
        return f

    assert call(lambda x, y: x, 1, y=np.zeros(2)) == 1
    assert spread(len, 1, "a") == (1, "a")
    assert refused(call, 3)
    assert refused(first, 3)


def test_a_string_that_is_a_class_is_evaluated_once():
    evaluated = []

    def make(axes):
        evaluated.append(axes)
        return Float[np.ndarray, axes]

    array = functools.partial(make, "n")

    @sk.numpy_world
    def f(x: array()):
        return x

    assert f(np.ones(2)).shape == (2,)
    assert evaluated == ["n"]


class Equal(type):
    """A metaclass whose classes all compare equal."""

    def __eq__(cls, other):
        return isinstance(other, Equal)

    __hash__ = type.__hash__


def test_classes_that_compare_equal_are_not_confused():
    first, second = Equal("First", (), {}), Equal("Second", (), {})
    f = annotated(sk.numpy_world, first, second)
    assert isinstance(f(first(), second()), first)
    with pytest.raises(
        sk.BoundaryError, match=r"argument 'x1': expected Second, got a tests\.First\."
    ):
        f(first(), first())


def test_a_class_in_a_function_may_name_itself():
    # This module has `from __future__ import annotations`, so annotations are postponed.
    class Config:
        @sk.numpy_world
        def joined(self, other: Config, x: np.ndarray) -> Config:
            return other

        @sk.numpy_world
        @classmethod
        def of(cls, other: Config) -> Config:
            return other

    assert not refused(Config().joined, Config(), np.zeros(1))
    assert refused(Config().joined, 3, np.zeros(1))
    assert refused(Config.of, 3)
    assert not refused(Config.of, Config())


# --- sizes out of arguments ------------------------------------------------------------------------


class Model:
    def __init__(self, world):
        self.embedding = world.zeros(4, 3)
        self.size = (5, 6)
        self.table = {"n": 7}

    @property
    def broken(self):
        raise OSError("no disk")


EXPRESSIONS: list[tuple[str, int]] = [
    ("{len(images)}", 2),
    ("{len(images)+1}", 3),
    ("{model.embedding.shape[0]}", 4),
    ("2*{model.embedding.shape[-1]}", 6),
    ("{model.embedding.shape[0] // 2}", 2),
    ("{model.size[0]}", 5),
    ("{model.size[1]}-{model.size[0]}", 1),
    ("{max(model.size)}", 6),
    ("{min(model.size[0], k)}", 3),
    ("{model.table['n']}", 7),
    ("{len(model.embedding.shape[1:])}", 1),
    ("{int(k / 2)}", 1),
    ("{model.size[k - 3]}", 5),
    ("{-model.size[0] + 8}", 3),
    ("{k}+n", 5),
    ("{k*1.0 if False else k}", -1),
    ("{model.size.index(5)}", -1),
    ("{[k][0]}", -1),
    ("{(lambda: k)()}", -1),
    ("{__import__('os')}", -1),
    ("{}", -1),
    ("{k", -1),
    ("{k}}", -1),
    ("{k:d}", -1),
    ("{k!r}", -1),
]


@pytest.mark.parametrize(("axis", "size"), EXPRESSIONS)
def test_an_axis_may_be_computed_from_arguments(axis, size, world):
    A = world.array_type

    def f(x, images, model, k): ...

    f.__annotations__ = {"x": Float32[A, "n"], "return": Float32[A, f"{axis} d"]}
    result = [world.zeros(size if size > 0 else 1, 9)]

    @functools.wraps(f)
    def body(x, images, model, k):
        return result[0]

    if size < 0:
        with pytest.raises(sk.DeclarationError, match="axis"):
            sk.boundary(body)
        return
    guarded = sk.boundary(body)
    arguments = (world.zeros(2), [1, 2], Model(world), 3)
    assert guarded(*arguments) is result[0]
    result[0] = world.zeros(size + 1, 9)
    with pytest.raises(sk.ShapeError) as caught:
        guarded(*arguments)
    assert f"axis 0 of the result is {size + 1}, not {axis} = {size}" in str(caught.value)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ("{model.nothing}", "raises AttributeError"),
        ("{model.size[9]}", "raises IndexError"),
        ("{model.table['m']}", "raises KeyError: 'm'"),
        ("{model.broken}", "raises OSError: no disk"),
        ("{model.size}", "is a tuple, not an integer"),
        ("{model}", "is a Model, not an integer"),
        ("{k // 0}", "raises ZeroDivisionError"),
    ],
)
def test_an_axis_that_cannot_be_computed_is_refused_in_words(axis, words, world):
    @sk.boundary
    def f(model, k) -> Float32[world.array_type, axis]:
        return world.zeros(1)

    with pytest.raises(sk.ShapeError, match="which fails here") as caught:
        f(Model(world), 1)
    assert words in str(caught.value)


@pytest.mark.parametrize("axis", ["{n}", "{n}+1", "{n + 1}", "{n.size}", "{n[0]}"])
@pytest.mark.parametrize("arguments", [(), (None,)])
def test_an_argument_that_is_none_is_named_so(axis, arguments, world):
    @sk.boundary
    def made(n=None) -> Float32[world.array_type, axis]:
        return world.zeros(1)

    with pytest.raises(sk.ShapeError, match="which fails here") as caught:
        made(*arguments)
    assert "None" in str(caught.value)
    assert "KeyError" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("annotated_as_int", [False, True])
def test_an_argument_that_is_an_array_is_no_size(size, annotated_as_int, world, other):
    for value in (world.zeros(size) + 1, other.zeros(size) + 1, np.float32(1), "1", [1]):

        def f(n): ...

        f.__annotations__ = {"return": Float32[world.array_type, "{n}"]}
        if annotated_as_int:
            f.__annotations__["n"] = int
        guarded = sk.boundary(functools.wraps(f)(lambda n: world.zeros(1)))
        if isinstance(value, np.float32) and not annotated_as_int:
            assert not refused(guarded, value)  # jaxtyping, too, reads it as a number
        else:
            assert refused(guarded, value)
        assert not refused(guarded, 1)


# --- names that are no identifiers -----------------------------------------------------------------

NAMES = [
    "Vector<double>",
    "A[int]",
    "1x",
    "é",
    "ﬁ",
    "class",
    "a b",
    "\ud800",
    "ndarray) and print('RAN') or (0",
]


@pytest.mark.parametrize("module", ["builtins", "elsewhere"])
@given(name=st.one_of(st.sampled_from(NAMES), st.text(min_size=1).filter(lambda t: "\0" not in t)))
def test_any_class_name_may_stand_in_a_contract(module, name):
    try:
        kind = type(name, (), {"__module__": module})
    except UnicodeEncodeError:
        return
    array = type(name, (np.ndarray,), {"__module__": module})
    f = annotated(sk.numpy_world, kind, array, kind | None)
    value = np.zeros(2).view(array)
    assert f(kind(), value, None) is not None
    assert refused(f, 3, value, None)
    assert refused(f, kind(), np.zeros(2), None)
    compile(sk.generated_source(f).encode("utf-8", "replace"), "guard", "exec")


@pytest.mark.parametrize("name", [*NAMES, "print", "_validate_x0", "lambda"])
def test_any_function_name_may_be_guarded(name):
    def f(x: np.ndarray, n: int = 3) -> np.ndarray:
        return x

    f.__name__ = name
    guarded = sk.numpy_world(f)
    assert guarded.__name__ == name
    assert guarded(np.zeros(2)).shape == (2,)
    assert refused(guarded, 3)


# --- InitVar ------------------------------------------------------------------------------------


def test_an_init_variable_is_checked_as_a_field(world, other):
    A = world.array_type

    @world.decorate
    @dataclass
    class Sample:
        x: Float32[A, "n"]
        k: InitVar[Float32[A, "n"]]
        scale: InitVar[int] = 1

        def __post_init__(self, k, scale):
            self.sum = self.x + k * scale

    assert isinstance(Sample(world.zeros(2), other.zeros(2)).sum, A)
    assert refused(Sample, world.zeros(2), world.zeros(3))
    assert refused(Sample, world.zeros(2), None)


# --- wrappers -----------------------------------------------------------------------------------


def only_keywords(function):
    @functools.wraps(function)
    def wrapper(**kwargs):
        return (), kwargs

    return wrapper


def as_they_come(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return args, kwargs

    return wrapper


CALLS = [
    (("x", "y"), {}), (("x",), {"y": "y"}), ((), {"x": "x", "y": "y"}), ((), {"y": "y", "x": "x"}),
    (("x", "y"), {"k": 5}), (("x", "y", 5), {}), (("x", "y", 5, 6, 7), {"o": 8}),
]  # fmt: skip


@pytest.mark.parametrize(("args", "kwargs"), CALLS)
@pytest.mark.parametrize("wrapper", [only_keywords, as_they_come])
def test_a_wrapper_is_called_as_its_guard_was(wrapper, args, kwargs, world, other):
    A = world.array_type

    @world.decorate
    @wrapper
    def f(x: Float32[A, "n"], y: Float32[A, "n"], k: int = 3, *rest: int, **options: int): ...

    def values(library):
        given = {"x": library.zeros(2), "y": library.zeros(2)}
        return [given.get(a, a) for a in args], {k: given.get(v, v) for k, v in kwargs.items()}

    assert list(inspect.signature(f).parameters) == ["x", "y", "k", "rest", "options"]
    if wrapper is only_keywords and args:
        with pytest.raises(TypeError, match="takes 0 positional arguments"):
            f(*values(world)[0], **values(world)[1])
        return
    for library in (world, other):
        positional, named = values(library)
        passed, by_name = f(*positional, **named)
        assert len(passed) == len(args)
        assert list(by_name) == list(kwargs)
        arrays = [v for v in (*passed, *by_name.values()) if not isinstance(v, int)]
        assert all(isinstance(each, A) for each in arrays)
    positional, named = values(world)
    positional = [world.zeros(3) if a == "y" else v for a, v in zip(args, positional, strict=True)]
    named = {k: world.zeros(3) if k == "y" else v for k, v in named.items()}
    assert refused(f, *positional, **named)
    with pytest.raises(TypeError, match=r"f\(\) missing 1 required positional argument: 'y'"):
        f(x=world.zeros(2))


def test_what_has_been_cached_is_found_by_the_same_call(world):
    calls = []

    @world.decorate
    @functools.lru_cache
    def f(k: int, scale: int = 2) -> int:
        calls.append(k)
        return k

    for _ in range(2):
        assert (f(1), f(1, 2), f(k=1)) == (1, 1, 1)
    assert len(calls) == 3  # functools has a key for each way to pass the arguments
    assert f.cache_info().hits == 3


def noting(seen, function):
    """Return a wrapper of the function's own flavour that records its calls."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            seen.append((len(args), sorted(kwargs)))
            return await function(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            seen.append((len(args), sorted(kwargs)))
            yield from function(*args, **kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            seen.append((len(args), sorted(kwargs)))
            return function(*args, **kwargs)

    return wrapper


async def coroutine(self, x, *, k=1):
    return x


def generator(self, x, *, k=1):
    yield x


def method(self, x, *, k=1):
    return x


@pytest.mark.parametrize(
    ("flavour", "run", "outcome"),
    [
        (method, lambda x: x, lambda hint: hint),
        (coroutine, asyncio.run, lambda hint: hint),
        (generator, list, lambda hint: collections.abc.Iterator[hint]),
    ],
)
def test_wrappers_of_every_flavour_are_called_as_they_were(flavour, run, outcome, world):
    A, seen = world.array_type, []
    flavour.__annotations__ = {"x": Float[A, "n"], "return": outcome(Float[A, "n"])}
    owner = type("Owner", (), {"f": world.decorate(noting(seen, flavour))})()
    run(owner.f(x=world.zeros(2)))
    run(owner.f(world.zeros(2), k=2))
    assert seen == [(1, ["x"]), (2, ["k"])]
    assert refused(lambda: run(owner.f(x=3)))


# --- neighbours ----------------------------------------------------------------------------------

Free = TypeVar("Free")


@pytest.mark.parametrize("hint", [Free, Free | None, Optional[Free]])
def test_a_type_variable_that_stands_for_any_type_is_guarded_like_no_annotation(hint, world, other):
    f = annotated(world.decorate, hint)
    assert isinstance(f(other.zeros(2)), world.array_type)
    assert f("text") == "text"
    with sk.mode("strict"):
        assert refused(f, other.zeros(2))
        assert refused(annotated(world.decorate, list[Free]), [other.zeros(2)])
        assert not refused(annotated(sk.boundary, hint), other.zeros(2))


def test_arguments_that_are_only_passed_on_are_guarded_like_no_annotation(world, other):
    A = world.array_type

    @world.decorate
    def call(f: collections.abc.Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
        return f(*args, **kwargs)

    @world.decorate
    def spread(*args: *Ts) -> Any:
        return args

    assert all(
        isinstance(each, A) for each in call(lambda x, y: (x, y), other.zeros(2), y=other.zeros(1))
    )
    assert isinstance(spread(other.zeros(2))[0], A)
    with sk.mode("strict"):
        assert refused(call, len, other.zeros(2))
        assert refused(spread, other.zeros(2))


SHAPES = [
    (tuple[int, *tuple[int, ...]], [1, 2, 3]),
    (tuple[*tuple[int, ...], int], [1, 2, 3]),
    (tuple[int, *tuple[int, int]], [3]),
    (tuple[int, ...], [0, 1, 2, 3]),
    (tuple[typing.Literal[2], int], [2]),
    (tuple[()], [0]),
    (Any, [0, 1, 2, 3]),
]
DTYPES_WRITTEN = [
    (np.dtype[np.float32] | np.dtype[np.float64], ["float32", "float64"]),
    (np.dtype[typing.Annotated[np.float32, "metadata"]], ["float32"]),
    (typing.Annotated[np.dtype[np.float32], "metadata"], ["float32"]),
    (TypeVar("D", bound=np.dtype[np.floating]), ["float32", "float64", "float16"]),
    (TypeVar("E", np.dtype[np.float32], np.dtype[np.int64]), ["float32", "int64"]),
    (np.dtype, DTYPES),
]


@pytest.mark.parametrize(("shape", "ranks"), SHAPES, ids=str)
@pytest.mark.parametrize(("dtype", "names"), DTYPES_WRITTEN, ids=str)
def test_numpys_long_spelling_says_shape_and_dtype(shape, ranks, dtype, names):
    f = annotated(sk.numpy_world, np.ndarray[shape, dtype])
    found = {n for n in range(4) if not refused(f, np.zeros((2,) * n, names[0]))}
    assert found == set(ranks)
    some = ranks[0]
    assert {d for d in DTYPES if not refused(f, np.zeros((2,) * some, d))} == set(names)


@pytest.mark.parametrize(
    "spelling", [lambda rest: (Float32[np.ndarray, "n"], *rest), lambda rest: (*rest, int)]
)
def test_a_tuple_may_have_any_number_of_any_items(spelling):
    (several,) = typing.get_args(tuple[*Ts])
    f = annotated(sk.numpy_world, tuple[spelling((several,))], returns=Any)
    array = np.zeros(2, "f4")
    if spelling(())[0] is int:
        return
    assert not refused(f, (array, 1, "a"))
    assert not refused(f, (array,))
    assert refused(f, ())
    assert refused(f, (1, array))


def test_marks_and_forms_of_typing_extensions_are_those_of_typing():
    te = pytest.importorskip("typing_extensions")

    class Batch(te.TypedDict, total=False):
        x: te.Required[te.ReadOnly[Any]]
        y: Any

    Batch.__annotations__ = {
        "x": te.Required[te.ReadOnly[Float32[np.ndarray, "n"]]],
        "y": te.ReadOnly[Float32[np.ndarray, "n"]],
    }
    f = annotated(sk.numpy_world, Batch)
    x = np.zeros(2, "f4")
    assert [
        refused(f, each) for each in ({"x": x}, {"x": x, "y": x}, {"y": x}, {"x": np.zeros(2)}, {})
    ] == [*(False, False, True, True, True)]
    assert annotated(sk.numpy_world, int, returns=te.TypeIs[int], body=lambda x: True)(1)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
@pytest.mark.parametrize("total", [True, False])
def test_the_keys_that_a_typed_dict_requires_are_read_in_strings_too(modules, future, total):
    (m,) = modules(
        keys=f"""
{future}
import numpy as np, sekisho as sk
from typing import TypedDict, Required, NotRequired, Annotated, Unpack
class Base(TypedDict, total={total}):
    a: Required[np.ndarray]
    b: NotRequired[np.ndarray]
    c: np.ndarray
class Batch(Base):
    d: Annotated[NotRequired[np.ndarray], "as written"]
    e: np.ndarray
@sk.numpy_world
def f(x: Batch): return x
@sk.numpy_world
def g(**x: Unpack[Batch]): return x
"""
    )
    every = {name: np.zeros(1) for name in "abcde"}
    for name in "abcde":
        without = {key: value for key, value in every.items() if key != name}
        required = name in ("ace" if total else "ae")
        assert refused(m.f, without) is required
        assert refused(m.g, **without) is required


@pytest.mark.parametrize(
    "holder", [list, tuple, collections.abc.Iterable, collections.abc.Collection]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_what_has_no_items_is_refused_or_taken_by_another_alternative(holder, swapped, world):
    A = world.array_type
    hint = holder[Float32[A, "n"]] if holder is not tuple else tuple[Float32[A, "n"], ...]
    alternatives = (Float32[A, ""], hint) if swapped else (hint, Float32[A, ""])
    f = annotated(world.decorate, Union[alternatives])
    assert not refused(f, world.zeros())
    assert refused(annotated(world.decorate, hint), world.zeros())


class Broken(collections.abc.Sequence):
    def __getitem__(self, index):
        raise OSError("no disk")

    def __len__(self):
        return 2


def test_items_that_cannot_be_taken_are_refused_in_words():
    f = annotated(sk.numpy_world, collections.abc.Sequence[np.ndarray])
    with pytest.raises(sk.BoundaryError, match="its items cannot be taken: no disk"):
        f(Broken())


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_host_is_one_device_however_it_is_written(device, torch):
    f = annotated(sk.torch_world(device=device), Float32[torch.Tensor, "n"])
    x = torch.zeros(2)
    with sk.mode("strict"):
        assert f(x) is x
    assert f(np.zeros(2, "f4")).device == torch.device("cpu")


@pytest.mark.parametrize("option", ["on_foreign", "returns", "casting", "copy", "detach"])
def test_an_option_that_is_an_array_is_refused_in_words(option):
    with pytest.raises(sk.DeclarationError, match=f"option '{option}': expected"):
        sk.numpy_world(**{option: np.zeros(3)})


def test_a_class_that_cannot_be_changed_is_refused_in_words():
    with pytest.raises(sk.DeclarationError, match="type cannot be guarded"):
        sk.numpy_world(type)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_a_string_in_the_field_of_a_record_means_what_it_does_where_it_was_written(modules, future):
    _, uses = modules(
        aliases=ALIASES.format(boxes="list['Box']"),
        uses=f"""
{future}
import numpy as np, sekisho as sk
import aliases
from dataclasses import dataclass
from typing import NamedTuple, TypedDict
@dataclass
class Data:
    tree: aliases.Tree
class Triple(NamedTuple):
    tree: aliases.Tree
class Dict(TypedDict):
    tree: aliases.Tree
@sk.numpy_world
def data(x: Data): return x
@sk.numpy_world
def tuple_(x: Triple): return x
@sk.numpy_world
def dict_(x: Dict): return x
@sk.numpy_world
@dataclass
class Guarded:
    tree: aliases.Tree
""",
    )
    for f, make in ((uses.data, uses.Data), (uses.tuple_, uses.Triple), (uses.dict_, uses.Dict)):
        assert not refused(f, make(tree={"a": {"b": np.zeros(1)}}))
        assert refused(f, make(tree={"a": {"b": 3}}))
    assert not refused(uses.Guarded, {"a": np.zeros(1)})
    assert refused(uses.Guarded, {"a": 3})


def test_a_string_that_is_a_path_is_found_by_its_first_name(modules):
    _, uses = modules(
        aliases="""
import types, numpy as np
from typing import Union
class Image: ...
pil = types.SimpleNamespace(Image=Image)
Input = Union["pil.Image", np.ndarray, list["pil.Image"]]
""",
        uses="""
import sekisho as sk, aliases
@sk.numpy_world
def f(x: aliases.Input): return x
make = aliases.Image
""",
    )
    assert not refused(uses.f, uses.make())
    assert not refused(uses.f, [uses.make()])
    assert refused(uses.f, [3])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_type_parameters_are_found_in_functions_too(modules, future):
    (m,) = modules(
        inside=f"""
{future}
import numpy as np, sekisho as sk
from dataclasses import dataclass
from numpy.typing import NDArray
def local():
    @sk.numpy_world
    @dataclass
    class Data[U: np.floating]:
        a: NDArray[U]
        b: NDArray[U]
    @sk.numpy_world
    class Plain[U: np.floating]:
        def __init__(self, a: NDArray[U]): self.a = a
        def method(self, b: NDArray[U]): return b
    def outer[T: np.floating]():
        @sk.numpy_world
        def inner(x: NDArray[T], y: NDArray[T]): return x
        return inner
    return Data, Plain, outer()
Data, Plain, inner = local()
"""
    )
    f4, f8, i8 = (np.zeros(2, name) for name in ("f4", "f8", "i8"))
    for f in (m.Data, m.inner):
        assert [refused(f, *each) for each in ((f4, f4), (f4, f8), (i8, i8))] == [False, True, True]
    assert [refused(m.Plain, each) for each in (f4, i8)] == [False, True]
    assert [refused(m.Plain(f4).method, each) for each in (f4, i8)] == [False, True]
