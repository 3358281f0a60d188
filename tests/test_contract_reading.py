"""Annotations as they are read: their texts, marks and strings, and what is no annotation."""

from __future__ import annotations

import functools
import inspect
import json
import math
import sys
import types
import typing
from collections import abc
from dataclasses import InitVar
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar

import numpy as np
import pytest
from jaxtyping import Float, Float32, Shaped

import sekisho as sk
from sekisho.contract import glance, marks, memo, mistakes, resolve, signature, spelling, typecheck
from sekisho.contract.axes import parse_axes
from sekisho.errors import SekishoError
from sekisho.worlds import world_named

Free = TypeVar("Free")
Bound = TypeVar("Bound", bound=np.ndarray)
Either = TypeVar("Either", int, str)


class Words(TypedDict):
    a: int


class Converts(Protocol):
    def __array__(self) -> Any: ...


class Other(Protocol):
    def f(self) -> Any: ...


class Callable_:
    def __call__(self, x: int): ...


# --- texts -----------------------------------------------------------------------------------------

TEXTS = [
    (int, "int"),
    (list[int], "list[int]"),
    (Optional[int], "Optional[int]" if sys.version_info < (3, 14) else "int | None"),
    (abc.Callable[[int], str], "Callable[[int], str]"),
    (np.ndarray, "ndarray"),
    (Float[np.ndarray, "n"], "Float[ndarray, 'n']"),
    (list[Float[np.ndarray, "n"]], "list[Float[ndarray, 'n']]"),
    (list[np.float32], "list[float32]"),
    (math, "math"),
    (len, "len"),
    (lambda: 0, "<lambda>"),
    ("x", "'x'"),
    (3, "3"),
    (Any, "Any"),
]


@pytest.mark.parametrize(("hint", "text"), TEXTS)
def test_an_annotation_is_shown_as_it_is_written(hint, text):
    assert spelling.annotation_text(hint) == text


FOREIGN: list[tuple[Any, tuple[str, ...]]] = [
    (int, ()),
    (np.ndarray, ("numpy.ndarray",)),
    (np.matrix, ("numpy.matrix",)),
    (Float[np.ndarray, "n"], ("numpy.ndarray",)),
    (np.ndarray[Any, Any], ("numpy.ndarray",)),
    (Optional[np.ndarray], ("numpy.ndarray",)),
    (dict[str, tuple[np.ndarray, int]], ("numpy.ndarray",)),
    (tuple[np.ndarray, np.matrix], ("numpy.ndarray", "numpy.matrix")),
    ("np.ndarray", ()),
    (abc.Callable[[np.ndarray], int], ()),
]


@pytest.mark.parametrize(("hint", "names"), FOREIGN)
def test_the_arrays_of_other_worlds_in_an_annotation_are_named(hint, names):
    assert spelling.foreign_types(hint, None) == names
    assert spelling.foreign_types(hint, world_named("numpy")) == ()
    pytest.importorskip("torch")
    assert spelling.foreign_types(hint, world_named("torch")) == names


def test_the_arrays_in_a_tree_are_those_of_its_leaves():
    pytest.importorskip("jax")
    from jaxtyping import PyTree

    for hint, names in ((PyTree, ()), (PyTree[int], ()), (PyTree[np.ndarray], ("numpy.ndarray",))):
        assert spelling.foreign_types(hint, None) == names
        assert spelling.foreign_types(hint, world_named("numpy")) == ()
    assert spelling.annotation_text(PyTree) == "PyTree"


@pytest.mark.parametrize(
    ("hint", "takes"),
    [
        (int, False),
        (np.ndarray, False),
        (Converts, True),
        (Other, False),
        (Optional[Converts], True),
        (int | Other, False),
        (list[Converts], False),
        (list[Free], True),
        (abc.Sequence[Free], True),
        (list[int], False),
        (Free, False),
    ],
)
def test_what_converts_to_an_array_or_holds_a_type_variable_may_take_arrays(hint, takes):
    assert spelling.takes_arrays(hint) is takes


# --- marks -----------------------------------------------------------------------------------------


def _unpacks(*_: *tuple[int, ...]): ...


BARE = [
    (typing.Required[int], int, int),
    (typing.NotRequired[Annotated[int, 1]], int, Annotated[int, 1]),
    (Annotated[typing.Required[int], 3], int, Annotated[typing.Required[int], 3]),
    (typing.ClassVar[int], int, int),
    (typing.Final[typing.Required[int]], int, int),
    (InitVar[int], int, InitVar[int]),
    (Bound, np.ndarray, Bound),
    (Annotated[Bound, 3], np.ndarray, Annotated[Bound, 3]),
    (Either, typing.Union[int, str], Either),
    (Free, Free, Free),
    (sk.Array, sk.Array, sk.Array),
    (int, int, int),
]


@pytest.mark.parametrize(("hint", "bare", "field"), BARE)
def test_an_annotation_is_read_without_what_surrounds_it(hint, bare, field):
    found = marks.bare_field(hint)
    assert marks.bare_annotation(hint) == bare
    assert found == field if not isinstance(field, InitVar) else found is hint


def test_a_new_type_is_read_as_what_it_is_of():
    Name = NewType("Name", Annotated[int, 3])
    Inner = NewType("Inner", Name)
    assert marks.bare_annotation(Inner) is int
    assert marks.bare_field(Inner) is Inner


def test_what_is_unpacked():
    packed = typing.get_type_hints(_unpacks, include_extras=True)["_"]
    several = typing.TypeVarTuple("several")
    assert marks.unpacked(typing.Unpack[Words]) is Words
    assert marks.unpacked(packed) == tuple[int, ...]
    assert marks.unpacked(typing.Unpack[several]) is several
    assert marks.unpacked(tuple[int]) is None
    assert marks.unpacked(int) is None


# --- names that only running code finds ------------------------------------------------------------

NAMES = {
    "np": np,
    "json": json,
    "Any": Any,
    "typing": typing,
    "P": typing.ParamSpec("P"),
    "C": type("C", (), {"x": 1}),
    "o": SimpleNamespace(x=1),
}
LAZY = {
    "np.ndarray": None,
    "np.nothing": "np.nothing",
    "json.JSONDecoder": None,
    "json.decoder.JSONDecoder": None,
    "json.nothing": "json.nothing",
    "  json.nothing ": "json.nothing",
    "json.nothing.deep": "json.nothing.deep",
    "unknown.x": None,
    "Any.x": None,
    "C.x": None,
    "C.y": "C.y",
    "C.__doc__": None,
    "o.x": "o.x",
    "f()": "f()",
    "f().x": "f().x",
    "a[0].b": "a[0].b",
    "list[f()]": "f()",
    "int | json.nothing": "json.nothing",
    "(int, json.nothing, json.second)": "json.nothing",
    "Literal[json.nothing]": None,
    "typing.Literal[json.nothing, 'a.b']": None,
    "'json.nothing'": "json.nothing",
    "list['json.nothing']": "json.nothing",
    "1+": None,
    "P.args": None,
    "P.kwargs": None,
    "P.nothing": "P.nothing",
    "typing.Optional": None,
    "typing.Nothing": "typing.Nothing",
    "3": None,
}


@pytest.mark.parametrize("text", LAZY)
def test_the_first_name_that_only_running_code_can_look_up(text):
    assert glance.first_lazy_name(text, NAMES) == LAZY[text]


@pytest.mark.parametrize("library", ["numpy", "typing", "collections", "jaxtyping"])
def test_a_library_that_only_defines_names_may_make_them_as_they_are_read(library):
    module = types.ModuleType(f"{library}.inner")
    module.__getattr__ = lambda name: 3 if name == "made" else getattr(object, name)
    names = {"module": module}
    assert glance.first_lazy_name("module.made", names) is None
    assert glance.first_lazy_name("module.other", names) == "module.other"
    module.__name__ = f"{library}s"
    assert glance.first_lazy_name("module.made", names) == "module.made"


def test_a_submodule_that_is_imported_is_found_though_its_parent_does_not_have_it(monkeypatch):
    parent, child = types.ModuleType("parent"), types.ModuleType("parent.child")
    child.x = 1
    monkeypatch.setitem(sys.modules, "parent.child", child)
    assert glance.first_lazy_name("parent.child.x", {"parent": parent}) is None
    assert glance.first_lazy_name("parent.child.y", {"parent": parent}) == "parent.child.y"
    assert glance.first_lazy_name("parent.other", {"parent": parent}) == "parent.other"


# --- what is no annotation -------------------------------------------------------------------------

NO_DTYPE = 'it names a dtype and no array\n  hint: {}[numpy.ndarray, "..."], or the array and the axes that you mean'
MISTAKES: list[tuple[Any, str | None]] = [
    (
        np.dtype("float32"),
        'a dtype is no annotation\n  hint: Float32[numpy.ndarray, "..."], of jaxtyping',
    ),
    (
        np.dtype("uint8"),
        'a dtype is no annotation\n  hint: UInt8[numpy.ndarray, "..."], of jaxtyping',
    ),
    (
        np.dtype("int64"),
        'a dtype is no annotation\n  hint: Int64[numpy.ndarray, "..."], of jaxtyping',
    ),
    (
        np.dtype("bool"),
        'a dtype is no annotation\n  hint: Bool[numpy.ndarray, "..."], of jaxtyping',
    ),
    (
        np.dtype("complex64"),
        'a dtype is no annotation\n  hint: Complex64[numpy.ndarray, "..."], of jaxtyping',
    ),
    (np.dtype("datetime64[s]"), "a dtype is no annotation"),
    (np.array, "a function is no annotation\n  hint: the class is numpy.ndarray"),
    (np.zeros, "a function is no annotation\n  hint: the class is numpy.ndarray"),
    (np.add, "a function is no annotation"),
    (len, "a function is no annotation"),
    (lambda: 0, "a function is no annotation"),
    (math, "a module is no annotation"),
    (Float32, NO_DTYPE.format("Float32")),
    (Shaped, NO_DTYPE.format("Shaped")),
    (np.float32, None),
    (int, None),
    (np.ndarray, None),
    (Float[np.ndarray, "n"], None),
]


@pytest.mark.parametrize(("hint", "text"), MISTAKES)
def test_what_stands_for_an_annotation_by_mistake_is_refused_with_the_one_that_is_meant(hint, text):
    if text is None:
        mistakes.refuse_mistake(hint)
        return
    with pytest.raises(ValueError, match=r"is no annotation|no array") as caught:
        mistakes.refuse_mistake(hint)
    assert str(caught.value) == text


@pytest.mark.parametrize("name", ["tensor", "zeros", "ones", "empty"])
def test_a_function_of_torch_means_a_tensor(torch, name):
    with pytest.raises(ValueError, match=r".") as caught:
        mistakes.refuse_mistake(getattr(torch, name))
    assert str(caught.value) == "a function is no annotation\n  hint: the class is torch.Tensor"
    with pytest.raises(ValueError, match=r".") as caught:
        mistakes.refuse_mistake(torch.float32)
    assert str(caught.value) == (
        'a dtype is no annotation\n  hint: Float32[torch.Tensor, "..."], of jaxtyping'
    )


# --- signatures ------------------------------------------------------------------------------------


def _generator():
    yield


async def _async_generator():
    yield


async def _coroutine(): ...


@types.coroutine
def _old_coroutine():
    yield


FLAVOURS = [
    (len, "len", "function"),
    (lambda: 0, "<lambda>", "function"),
    (Callable_, "Callable_", "function"),
    (Callable_(), "Callable_", "function"),
    (Callable_().__call__, "Callable_.__call__", "function"),
    (dict.get, "dict.get", "function"),
    (np.add, "add", "function"),
    (_generator, "_generator", "generator"),
    (_async_generator, "_async_generator", "async generator"),
    (_coroutine, "_coroutine", "coroutine"),
    (_old_coroutine, "_old_coroutine", "generator"),
]


@pytest.mark.parametrize(("function", "name", "flavour"), FLAVOURS)
def test_a_function_has_a_name_and_a_flavour_inside_of_partials_too(function, name, flavour):
    outer = functools.partial(functools.partial(function))
    for each in (function, outer):
        assert signature.display_name(each).rpartition("<locals>.")[2] == name
        assert signature.flavour_of(each) == flavour


def without_signature(function):
    """Skip a test where Python has a signature for a function, as newer ones do for more of them."""
    try:
        inspect.signature(function)
    except ValueError:
        return
    pytest.skip("it has a signature")


ONE, TWO = (
    "def {0}(x):\n            return {1}(x)",
    "def {0}(x1, x2):\n            return {1}(x1, x2)",
)
NO_SIGNATURES = [
    (np.sin, "sin() is a ufunc of NumPy.", ONE, "numpy.sin"),
    (np.frexp, "frexp() is a ufunc of NumPy.", ONE, "numpy.frexp"),
    (np.add, "add() is a ufunc of NumPy.", TWO, "numpy.add"),
    (np.divmod, "divmod() is a ufunc of NumPy.", TWO, "numpy.divmod"),
    (math.hypot, "hypot(): its signature cannot be read, since it is built in.", ONE, "math.hypot"),
    (iter, "iter(): its signature cannot be read, since it is built in.", ONE, "iter"),
    (
        *(dict.update, "dict.update(): its signature cannot be read, since it is built in."),
        *(ONE, "dict.update"),
    ),
]


@pytest.mark.parametrize(("function", "text", "code", "call"), NO_SIGNATURES)
def test_a_function_without_a_signature_is_refused_with_one_around_it(function, text, code, call):
    if not isinstance(function, np.ufunc):
        without_signature(function)
    with pytest.raises(sk.DeclarationError) as caught:
        signature.read_signature(function)
    assert str(caught.value) == f"{text}\n  hint: {code.format(function.__name__, call)}"


def test_a_class_without_a_signature_is_refused_with_pythons_reason():
    without_signature(zip)
    with pytest.raises(sk.DeclarationError) as caught:
        signature.read_signature(zip)
    assert str(caught.value) == (
        "zip(): its signature cannot be read: no signature found for builtin type <class 'zip'>"
    )


def _plain(x, *args, y=1, **options): ...


def _wrapping(*args, **kwargs): ...


def _alike(x, *args, y=1, **options): ...


@pytest.mark.parametrize(
    ("wrapper", "is_wrapper"),
    [(_plain, False), (_wrapping, True), (_alike, False), (functools.lru_cache(_plain), True)],
)
def test_a_wrapper_takes_its_arguments_differently_from_what_it_shows(wrapper, is_wrapper):
    shown = wrapper if wrapper is _plain else functools.wraps(_plain)(wrapper)
    assert signature.is_wrapper(shown, signature.read_signature(shown)) is is_wrapper


# --- strings ---------------------------------------------------------------------------------------


def annotated(**hints):
    def function(): ...

    function.__annotations__ = hints
    return function


class Local_:
    """Not a record."""


@pytest.mark.parametrize(
    ("hint", "has"),
    [
        (int, False),
        ("int", True),
        (list["int"], True),
        (Optional["int"], True),
        (typing.ForwardRef("int"), True),
        (abc.Callable[["int"], int], True),
        (abc.Callable[[int], int], False),
        (Literal["a"], False),
        (list[Literal["a"]], False),
        (tuple[Literal["a"], "int"], True),
        (Local_, False),
    ],
)
def test_annotations_with_strings_are_evaluated(hint, has):
    assert resolve.has_strings(annotated(x=hint)) is has
    assert resolve.has_strings(annotated(x=int, y=hint)) is has
    assert resolve.has_strings(functools.partial(annotated(x=hint))) is has


def test_records_of_a_function_may_have_strings_and_what_has_no_annotations_has_none():
    class Row(typing.NamedTuple):
        x: int

    assert resolve.has_strings(annotated(x=Row)) is True
    assert resolve.has_strings(len) is False
    assert resolve.has_strings(3) is False
    deep: Any = int
    for _ in range(sys.getrecursionlimit()):
        deep = list[deep]
    assert resolve.has_strings(annotated(x=deep)) is True


def test_of_the_names_around_only_those_that_may_be_needed_are_kept():
    names = {"x": 1, "used": 2, "unused": 3, "Free": Free, "C": Local_, "m": math, "text": "used"}
    kept = resolve.mentioned(annotated(x="list[used.part]"), names)
    assert kept == {"x": 1, "used": 2, "Free": Free, "C": Local_, "m": math}


# --- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("n", "n"),
        ("*s", "*s"),
        ("(Leaf 0 in structure T) n", "?n"),
        ("*(Leaf 3 in structure S T) n", "*?n"),
    ],
)
def test_a_name_of_a_leaf_is_shown_as_it_is_written(key, shown):
    assert memo.shown_key(key) == shown


def test_the_axes_of_a_leaf_have_names_of_their_own():
    axes = parse_axes("?n m *?s")
    at_leaf = memo.at_leaf(axes, (2, "T"))
    assert [each.name for each in at_leaf] == [
        *("(Leaf 2 in structure T) n", "m", "(Leaf 2 in structure T) s"),
    ]
    assert [each.treepath for each in at_leaf] == [False] * 3
    assert [each.key for each in at_leaf] == [
        *("(Leaf 2 in structure T) n", "m", "*(Leaf 2 in structure T) s"),
    ]
    keys = ("n", "?n", "m", "?m", "*?s", "?s", "*s")
    has = [{key for key in keys if memo.has_key(axis, key)} for axis in axes]
    assert has == [{"?n"}, {"m"}, {"*?s"}]


def test_what_has_no_local_is_packed_and_unpacked():
    bound = {"n": 1, "(Leaf 0 in structure T) n": 2, "<T>": 3, "*s": (4,), "{x}": 5}
    before = dict(bound)
    memo.pack_memo(bound)
    assert bound == {**before, "<jaxtyping>": {"(Leaf 0 in structure T) n": 2, "<T>": 3}}
    memo.unpack_memo(bound)
    assert bound == before
    plain = {"n": 1}
    memo.pack_memo(plain)
    memo.unpack_memo(plain)
    assert plain == {"n": 1}


def test_jaxtyping_gets_what_is_bound_and_gives_back_what_it_binds():
    bound = {"n": 1, "*s": (4,), "*g": (2, 1), "#*g": 1, "<T>": "structure", "{x}": 5}
    memo.open_memo(bound)
    try:
        assert isinstance(np.ones((1, 4, 7)), Float[np.ndarray, "n *s new"])
        assert isinstance(np.ones((2, 3)), Float[np.ndarray, "*#g"])
        assert not isinstance(np.ones(2), Float[np.ndarray, "n"])
        assert isinstance(np.ones(5), Float[np.ndarray, "{x}"])
        found = dict(bound)
        memo.read_memo(found)
    finally:
        memo.close_memo()
    assert found == {**bound, "new": 7, "*g": (2, 3)}
    memo.open_memo(bound)
    try:
        assert isinstance(np.ones((2, 3)), Float[np.ndarray, "*g"])
        memo.read_memo(found)
    finally:
        memo.close_memo()
    assert "#*g" not in found  # it grows no more


# --- type checkers ---------------------------------------------------------------------------------


def test_beartypes_decorator_checks_only_values_with_a_short_text(monkeypatch):
    made = []
    real = typecheck._takes
    monkeypatch.setattr(typecheck, "_takes", lambda *given: (made.append(given), real(*given))[1])
    hint = Literal["a", 1, True] | list[int] | dict[str, frozenset[int]]
    check = typecheck.make_checker(hint, "beartype")
    assert check([1]) is True
    assert check(["x"]) is False
    assert check("x" * typecheck._LONG) is False
    assert made == []
    assert check("x" * (typecheck._LONG - 1)) is False
    assert check("a") is True
    for value, fits in ((1, True), (2, False), (True, True), (1.5, False), (1j, False)):
        assert check(value) is fits
    assert check(None) is False
    assert len(made) == 1


@pytest.mark.parametrize("error", [KeyError, sk.ShapeError])
def test_a_value_that_raises_is_refused_unless_the_error_is_ours(error):
    def checks(function):
        def checked(value):
            raise error("no")

        return checked

    check = typecheck.make_checker(set[int], checks)
    if issubclass(error, SekishoError):
        with pytest.raises(error):
            check(object())
    else:
        assert check(object()) is False


def test_a_checker_is_made_once_for_a_hint_and_for_what_cannot_be_hashed_each_time():
    assert typecheck.make_checker(set[int], "beartype") is typecheck.make_checker(
        set[int], "beartype"
    )
    unhashable = Annotated[int, ["metadata"]]
    check = typecheck.make_checker(unhashable, "beartype")
    assert (check(1), check("1")) == (True, False)

    def refuses(_):
        raise TypeError("not this hint")

    with pytest.raises(TypeError, match="not this hint"):
        typecheck.make_checker(set[int], refuses)


# --- mended with the tests above -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        ("tuple[*tuple[int, ...], N]", ["N", "1 N", "1 2 3 N"], ["", "1", "1 M", "s N", "N 1"]),
        ("tuple[str, *tuple[int, ...], N]", ["s N", "s 1 2 N"], ["N", "1 N", "s s N"]),
        ("tuple[N, *tuple[int, ...]]", ["N", "N 1 2"], ["", "N s", "N N"]),
        ("tuple[N, *tuple[N | None, ...], int]", ["N 1", "N N 0 1"], ["N", "N s 1", "N M 1"]),
    ],
)
def test_what_is_unpacked_in_the_middle_of_a_tuple_may_be_without_arrays(hint, good, bad):
    items = {
        "N": np.ones(2, "f4"),
        "M": np.ones(3, "f4"),
        "s": "s",
        "1": 1,
        "2": 2,
        "3": 3,
        "0": None,
    }

    def f(x): ...

    f.__annotations__ = {"x": eval(hint, {"N": Float32[np.ndarray, "2"]})}
    guard = sk.numpy_world(f)
    for _ in range(2):
        for text in good:
            guard(tuple(items[each] for each in text.split()))
        for text in bad:
            with pytest.raises(sk.BoundaryError):
                guard(tuple(items[each] for each in text.split()))


@pytest.mark.parametrize(
    ("name", "word"),
    [("bfloat16", "BFloat16"), ("float8_e5m2", "Float8e5m2"), ("float8_e4m3fn", "Float8e4m3fn")],
)
def test_a_dtype_of_machine_learning_is_named_in_jaxtypings_words(torch, name, word):
    with pytest.raises(ValueError, match="a dtype is no annotation") as caught:
        mistakes.refuse_mistake(getattr(torch, name))
    assert str(caught.value).splitlines()[1:] == [
        f'  hint: {word}[torch.Tensor, "..."], of jaxtyping'
    ]


@pytest.mark.parametrize("error", [KeyError, sk.ShapeError])
def test_a_value_that_raises_when_beartype_looks_into_it_is_refused_unless_the_error_is_ours(error):
    class Hostile(list):
        def __len__(self):
            raise error("no")

        def __bool__(self):
            return True

        __getitem__ = __iter__ = __len__

    check = typecheck.make_checker(list[frozenset[str]], "beartype")
    assert check([frozenset("a")]) is True
    if issubclass(error, SekishoError):
        with pytest.raises(error):
            check(Hostile([1]))
    else:
        assert check(Hostile([1])) is False


OPTIONS = {
    "on_foreign='maybe'": "'on_foreign': expected None, 'convert', 'refuse', got 'maybe'.",
    "returns=3": "'returns': expected 'world', 'caller', got 3.",
    "casting='some'": "'casting': expected 'no', 'equiv', 'safe', 'same_kind', 'unsafe', got 'some'.",
    "copy=1": "'copy': expected None, True, False, got 1.",
    "detach=0": "'detach': expected False, True, got 0.",
    "locals='x'": "'locals': expected False, True, got 'x'.",
    "typechecker='mypy'": "'typechecker': expected 'beartype', None or a decorator, got 'mypy'.",
    "mutates=3": "'mutates': expected names of parameters, got 3.",
    "mutates=['x', 3]": "'mutates': expected names of parameters, got ['x', 3].",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_another_value_is_refused_with_all_that_it_may_have(option):
    with pytest.raises(sk.DeclarationError) as caught:
        eval(f"sk.numpy_world({option})")
    assert str(caught.value) == f"numpy_world() option {OPTIONS[option]}"


def test_a_conf_of_beartype_is_answered_with_its_decorator():
    beartype = pytest.importorskip("beartype")
    conf = beartype.BeartypeConf()
    with pytest.raises(sk.DeclarationError) as caught:
        sk.numpy_world(typechecker=conf)
    text = f"'typechecker': expected 'beartype', None or a decorator, got {conf!r}."
    assert str(caught.value) == (
        f"numpy_world() option {text}\n  hint: beartype.beartype(conf=...)"
    )
